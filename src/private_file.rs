//! Files that nobody but their owner can open, in folders of the same kind. Knows nothing of what they hold.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Error, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Most bytes that are read of one.
const LONGEST: u64 = 4096;

/// Reads a file, at most 4 KiB of it. Refused where others than its owner, who must be the user that runs us, can open it:
/// what it holds is no secret then, and `remedy` says what to do about that. Links are not followed.
pub(crate) fn read(path: &Path, remedy: &str) -> Result<String, Error> {
    let file = open(path)?;
    check(&file, remedy)?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn open(path: &Path) -> Result<File, Error> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::LOOP) => bail!("it is a link; name the file itself"),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File, Error> {
    Ok(File::open(path)?)
}

#[cfg(unix)]
fn check(file: &File, remedy: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let found = file.metadata()?;
    if !found.is_file() {
        bail!("it is no regular file; name another one");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        bail!("it belongs to another user; name one of your own");
    }
    if found.mode() & 0o077 != 0 {
        bail!("others can read it; {remedy}");
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(file: &File, _remedy: &str) -> Result<(), Error> {
    if !file.metadata()?.is_file() {
        bail!("it is no regular file; name another one");
    }
    Ok(())
}

/// Writes a file that must not be there yet, with mode 0600.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Writes the whole file under another name and links it, so that nobody ever reads half of it; with the folders above it.
/// False when there is one already, which stays as it is.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<bool> {
    make_folder(path)?;
    let draft = draft_of(path)?;
    let written = write(&draft, text).and_then(|()| fs::hard_link(&draft, path));
    // Whether or not it was linked, the draft has done its work.
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn draft_of(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
    let mut salt = [0; 8];
    getrandom::fill(&mut salt)?;
    name.push(format!(".{}", URL_SAFE_NO_PAD.encode(salt)));
    Ok(path.with_file_name(name))
}

/// Makes the folder of the file at `path`, with mode 0700, and those above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
