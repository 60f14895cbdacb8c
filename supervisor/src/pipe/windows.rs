//! Anonymous pipes, which are read and written on threads that may block. Type-checked, and not run.

use std::io;
use std::os::windows::io::OwnedHandle;

/// What the system calls an end of a pipe.
pub(crate) type Handle = OwnedHandle;

/// Where a child reads from.
pub(crate) type WriteEnd = tokio::fs::File;

/// What a child writes to.
pub(crate) type ReadEnd = tokio::fs::File;

pub(crate) fn write_end(pipe: Handle) -> io::Result<WriteEnd> {
    Ok(tokio::fs::File::from_std(pipe.into()))
}

pub(crate) fn read_end(pipe: Handle) -> io::Result<ReadEnd> {
    Ok(tokio::fs::File::from_std(pipe.into()))
}
