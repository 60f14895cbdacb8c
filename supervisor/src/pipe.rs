//! The ends of pipes that stay with the host.

use std::io;
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;

/// Where a child reads from.
pub(crate) type WriteEnd = pipe::Sender;

/// What a child writes, for a reader that makes it wait. The end of the file is the end of the output; dropping it breaks
/// the child's pipe.
#[derive(Debug)]
pub struct ChildPipe(pipe::Receiver);

impl ChildPipe {
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<ChildPipe> {
        pipe::Receiver::from_owned_fd(pipe).map(ChildPipe)
    }
}

impl tokio::io::AsyncRead for ChildPipe {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

/// Our end of a child's input.
pub(crate) fn write_end(pipe: OwnedFd) -> io::Result<WriteEnd> {
    pipe::Sender::from_owned_fd(pipe)
}
