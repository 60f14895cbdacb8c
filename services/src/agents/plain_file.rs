//! Ordinary files that anybody may have put where they are. What may never end, or waits for somebody to write, is not read, and
//! of what is read no more than is asked for.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a file, through links.
///
/// # Errors
/// It is not there, cannot be opened, or is no ordinary file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // To open a device may do something by itself.
    ordinary(&fs::metadata(path)?)?;
    let file = opened(path)?;
    // It may be another one by now.
    ordinary(&file.metadata()?)?;
    Ok(file)
}

/// What a file holds, which is no more than so many bytes.
///
/// # Errors
/// As for [`open`], or it is longer.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

fn ordinary(found: &Metadata) -> io::Result<()> {
    match found.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("it is no ordinary file")),
    }
}

#[cfg(unix)]
fn opened(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    // What is no file, such as a pipe, is not waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn opened(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_far_as_it_may_be_long() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        fs::write(&path, "text")?;
        assert_eq!(read(&path, 4)?, b"text");
        assert_eq!(read(&path, 3).map_err(|error| error.kind()), Err(io::ErrorKind::FileTooLarge));
        assert!(read(folder.path(), 4).is_err());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_or_waits_for_somebody_is_not_read() -> io::Result<()> {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir()?;
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
        std::os::unix::fs::symlink("/dev/zero", &link)?;
        assert!(read(&pipe, 4).is_err() && read(&link, 4).is_err());
        // What is opened is looked at again, and that it is a pipe is not waited for.
        assert!(!opened(&pipe)?.metadata()?.is_file());
        Ok(())
    }
}
