//! Files as the built-in agent reads and writes them: each is the one that was looked at when leave was asked for, through no
//! link that was put there since. What is no ordinary file is left alone.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::super::policy::is_secret;
use super::super::scope;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As it was named, below the folder.
    pub(super) named: PathBuf,
    /// Without links.
    pub(super) real: PathBuf,
    /// Whether it may be read without leave: it is in the folder, and neither a key nor the daemon's.
    pub(super) is_open: bool,
}

impl Place {
    /// Looks where a path leads, seen from a folder.
    ///
    /// # Errors
    /// It leads nowhere that can be told.
    pub(super) fn look(folder: &Path, path: &str, kept: &Kept) -> io::Result<Place> {
        let named = folder.join(path);
        let lost = || io::Error::other(format!("where {path} leads cannot be told"));
        let real = scope::real(&named).ok_or_else(lost)?;
        let is_inside = folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
        let is_open = is_inside && !kept.holds(&real);
        Ok(Place { named, real, is_open })
    }

    /// The file, if the path still leads there.
    ///
    /// # Errors
    /// It leads elsewhere by now.
    pub(super) fn again(&self) -> io::Result<&Path> {
        let changed = || io::Error::other("the path leads elsewhere than when leave was asked for");
        (scope::real(&self.named).as_ref() == Some(&self.real)).then_some(self.real.as_path()).ok_or_else(changed)
    }
}

/// What is only read with leave, though it may be in the folder: what may hold keys, and what is the daemon's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// The daemon's files and folders.
    pub(super) own: Vec<PathBuf>,
    /// The folder among them that was made for who works in it.
    pub(super) lent: Option<PathBuf>,
}

impl Kept {
    pub(super) fn holds(&self, real: &Path) -> bool {
        let is_own = |own: &PathBuf| scope::real(own).is_some_and(|own| real.starts_with(own));
        let is_lent = self.lent.as_ref().is_some_and(|lent| real.starts_with(lent));
        is_secret(&real.to_string_lossy()) || !is_lent && self.own.iter().any(is_own)
    }
}

/// The text of a file, whose path has no links in it.
pub(super) fn read(real: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    open(real, Use::Read)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("the file is longer than {LONGEST} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("the file is no text"))
}

/// Writes a file, whose path has no links in it.
pub(super) fn write(real: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = real.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = open(real, Use::Write)?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

/// Opens an ordinary file; links on the way, which were not there when it was looked at, are not followed.
fn open(real: &Path, to: Use) -> io::Result<fs::File> {
    let file = opened(real, to)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no ordinary file")),
    }
}

#[cfg(unix)]
fn opened(real: &Path, to: Use) -> io::Result<fs::File> {
    use rustix::fs::{Mode, OFlags};
    // What is no file, such as a pipe, is not waited for.
    let fixed = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let flags = fixed | if to == Use::Read { OFlags::RDONLY } else { OFlags::WRONLY | OFlags::CREATE };
    let mode = Mode::from_raw_mode(if to == Use::Read { 0 } else { 0o666 });
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, ResolveFlags, openat2};
        match openat2(CWD, real, flags, mode, ResolveFlags::NO_SYMLINKS) {
            // Before 5.6, or where a sandbox does not know it, only the last part of the path is sure to be no link.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => (),
            opened => return Ok(opened?.into()),
        }
    }
    Ok(rustix::fs::open(real, flags, mode)?.into())
}

#[cfg(not(unix))]
fn opened(real: &Path, to: Use) -> io::Result<fs::File> {
    let is_write = to == Use::Write;
    fs::OpenOptions::new().read(!is_write).write(is_write).create(is_write).truncate(false).open(real)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_the_one_that_was_looked_at_and_an_ordinary_one() -> io::Result<()> {
        let (folder, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let folder = folder.path().canonicalize()?;
        fs::create_dir(folder.join("sub"))?;
        fs::write(outside.path().join("a.txt"), "outside")?;
        let place = Place::look(&folder, "sub/a.txt", &Kept::default())?;
        assert!(place.is_open);
        write(place.again()?, "inside")?;
        assert_eq!(read(place.again()?)?, "inside");
        write(place.again()?, "in")?;
        assert_eq!(read(place.again()?)?, "in");
        fs::rename(folder.join("sub"), folder.join("old"))?;
        symlink(outside.path(), folder.join("sub"))?;
        assert!(place.again().is_err(), "it leads elsewhere");
        for refused in [read(&place.real).map(drop), write(&place.real, "x")] {
            assert!(refused.is_err(), "nor by a link that comes in between");
        }
        assert_eq!(fs::read_to_string(outside.path().join("a.txt"))?, "outside");
        Ok(())
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let pipe = folder.path().canonicalize()?.join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )?;
        assert!(read(&pipe).is_err() && write(&pipe, "x").is_err());
        assert!(read(Path::new("/dev/zero")).is_err());
        Ok(())
    }

    #[test]
    fn keys_and_what_is_the_daemons_are_only_read_with_leave() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        let kept = Kept { own: vec![folder.join("ours")], lent: None };
        let is_open = |path: &str| Place::look(&folder, path, &kept).map(|place| place.is_open);
        for (path, expected) in [("a.txt", true), (".", true), (".env", false), ("ours/x", false), ("../x", false)] {
            assert_eq!(is_open(path)?, expected, "{path}");
        }
        symlink(folder.join(".env"), folder.join("harmless"))?;
        fs::write(folder.join(".env"), "")?;
        assert!(!is_open("harmless")?);

        let lent = folder.join("ours/lent");
        let kept = Kept { lent: Some(lent.clone()), ..kept };
        fs::create_dir_all(&lent)?;
        let is_open = |path: &str| Place::look(&lent, path, &kept).map(|place| place.is_open);
        for (path, expected) in [("a.txt", true), (".", true), (".env", false), ("../x", false), ("../other/x", false)]
        {
            assert_eq!(is_open(path)?, expected, "{path}");
        }
        Ok(())
    }
}
