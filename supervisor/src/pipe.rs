//! The ends of pipes that stay with the host.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Handle, ReadEnd, WriteEnd, read_end, write_end};
#[cfg(windows)]
pub(crate) use windows::{Handle, ReadEnd, WriteEnd, read_end, write_end};

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// What a child writes, for a reader that makes it wait. The end of the file is the end of the output; dropping it breaks
/// the child's pipe.
#[derive(Debug)]
pub struct ChildPipe(ReadEnd);

impl ChildPipe {
    pub(crate) fn new(pipe: Handle) -> io::Result<ChildPipe> {
        read_end(pipe).map(ChildPipe)
    }
}

impl AsyncRead for ChildPipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}
