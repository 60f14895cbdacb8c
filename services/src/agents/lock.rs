//! Files that one daemon holds at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::log::private;

/// A file that nobody else holds, for as long as this lasts.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the file at this path, which is made where there is none; gives none where somebody else holds it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Lock>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private(&mut options);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // To close it would leave it with a program that is just being started, until that has got rid of it.
        let _ = self.0.unlock();
    }
}
