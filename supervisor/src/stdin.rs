//! The input of a child: written by whoever holds it, closed by whoever stops the child.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite;

use crate::pipe::WriteEnd;

/// Writes to a child's standard input. All clones write to the same pipe, and it stays open until the child is stopped,
/// dropped, or [`close`](ChildStdin::close)d: dropping a clone does not close it.
///
/// Errors: `BrokenPipe` when it is closed, or when the child has closed its end.
#[derive(Clone)]
pub struct ChildStdin {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    pipe: Option<WriteEnd>,
    /// A writer that waits for room, to be told when the pipe is closed instead.
    waiting: Option<Waker>,
}

impl ChildStdin {
    pub(crate) fn new(pipe: Option<WriteEnd>) -> ChildStdin {
        ChildStdin { shared: Arc::new(Mutex::new(Shared { pipe, waiting: None })) }
    }

    /// Ends the child's input.
    pub fn close(&self) {
        let mut shared = self.shared();
        let (pipe, waiting) = (shared.pipe.take(), shared.waiting.take());
        drop(shared);
        drop(pipe);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Whether it can still be written to, as far as we know.
    pub fn is_open(&self) -> bool {
        self.shared().pipe.is_some()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncWrite for ChildStdin {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut shared = self.shared();
        let Some(pipe) = &mut shared.pipe else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        let written = Pin::new(pipe).poll_write(cx, bytes);
        if written.is_pending() {
            shared.waiting = Some(cx.waker().clone());
        }
        Poll::Ready(ready!(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.shared().pipe {
            Some(pipe) => Pin::new(pipe).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close();
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for ChildStdin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChildStdin").field("is_open", &self.is_open()).finish()
    }
}
