//! The folder of a store: its files by name, the lock on it, and writing a file so that it is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const SNAPSHOT: &str = "snapshot-";
const LOG: &str = "log-";

/// A folder that this process alone uses, until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the folder, which is made where it is missing. `None` where another process has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Folder>> {
        make_private(path)?;
        let lock = lock(&path.join("lock"))?;
        Ok(lock.map(|lock| Folder { path: path.to_owned(), _lock: lock }))
    }

    /// The revisions by which snapshots are called, from the oldest.
    pub(super) fn snapshots(&self) -> io::Result<Vec<u64>> {
        self.numbered(SNAPSHOT)
    }

    /// The revisions by which logs are called, from the oldest.
    pub(super) fn logs(&self) -> io::Result<Vec<u64>> {
        self.numbered(LOG)
    }

    pub(super) fn snapshot(&self, revision: u64) -> PathBuf {
        self.path.join(format!("{SNAPSHOT}{revision:020}"))
    }

    pub(super) fn log(&self, revision: u64) -> PathBuf {
        self.path.join(format!("{LOG}{revision:020}"))
    }

    /// Makes what was done to names in the folder last.
    pub(super) fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }

    /// Writes a file beside its place, makes it last, and only then puts it there.
    pub(super) fn write_whole(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = place.with_extension("new");
        let mut file = private().create(true).write(true).truncate(true).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, place)?;
        self.sync()
    }

    fn numbered(&self, prefix: &str) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// How files are opened: new ones can be read by their owner alone.
#[cfg(unix)]
pub(super) fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
pub(super) fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn lock(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let file = private().create(true).append(true).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// On Windows a file that is opened without sharing is a lock.
#[cfg(windows)]
fn lock(path: &Path) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;
    const SHARING_VIOLATION: i32 = 32;
    match OpenOptions::new().create(true).append(true).share_mode(0).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}
