//! A socket that is read in large pieces into a pooled buffer and hands them on in small ones: a connection's own buffer
//! may then be small without a system call for each of its fillings.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::pool;

/// A stream of bytes whose reads are buffered while bytes are there, and only then.
#[derive(Debug)]
pub struct Pooled<S> {
    socket: S,
    unread: Vec<u8>,
    position: usize,
}

impl<S> Pooled<S> {
    pub(super) fn new(socket: S) -> Pooled<S> {
        Pooled { socket, unread: Vec::new(), position: 0 }
    }
}

impl<S: AsyncRead + Unpin> Pooled<S> {
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = pool::borrow();
        match poll_read_buf(Pin::new(&mut self.socket), cx, &mut buffer) {
            Poll::Ready(Ok(_)) => {
                self.unread = buffer;
                Poll::Ready(Ok(()))
            }
            outcome => {
                pool::give_back(buffer);
                outcome.map_ok(drop)
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Pooled<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            ready!(this.poll_fill(cx))?;
        }
        let unread = &this.unread[this.position..];
        let count = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..count]);
        this.position += count;
        if this.position == this.unread.len() {
            pool::give_back(std::mem::take(&mut this.unread));
            this.position = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Pooled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
