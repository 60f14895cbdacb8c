//! Pipes that are waited for without a thread.

use std::io;
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;

/// What the system calls an end of a pipe.
pub(crate) type Handle = OwnedFd;

/// Where a child reads from.
pub(crate) type WriteEnd = pipe::Sender;

/// What a child writes to.
pub(crate) type ReadEnd = pipe::Receiver;

pub(crate) fn write_end(pipe: Handle) -> io::Result<WriteEnd> {
    pipe::Sender::from_owned_fd(pipe)
}

pub(crate) fn read_end(pipe: Handle) -> io::Result<ReadEnd> {
    pipe::Receiver::from_owned_fd(pipe)
}
