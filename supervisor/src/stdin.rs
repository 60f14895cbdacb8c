//! The input of a child: written by whoever holds it, closed by whoever stops the child.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::AsyncWrite;

use crate::pipe::WriteEnd;

/// Writes to a child's standard input. All clones write to the same pipe, and it stays open until the child is stopped,
/// dropped, or [`close`](ChildStdin::close)d: dropping a clone does not close it. Where several wait for room, each goes on
/// when there is some.
///
/// Errors: `BrokenPipe` when it is closed, or when the child has closed its end.
#[derive(Clone)]
pub struct ChildStdin {
    pipe: Arc<Mutex<Option<WriteEnd>>>,
    waiting: Arc<Waiting>,
}

/// Writers that wait for room: a pipe itself remembers the last one alone.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    /// Whether it was not there before.
    fn add(&self, waker: &Waker) -> bool {
        let mut waiting = self.wakers();
        let is_new = !waiting.iter().any(|other| other.will_wake(waker));
        if is_new {
            waiting.push(waker.clone());
        }
        is_new
    }

    fn forget(&self, waker: &Waker) {
        self.wakers().retain(|other| !other.will_wake(waker));
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let waiting = std::mem::take(&mut *self.wakers());
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl ChildStdin {
    pub(crate) fn new(pipe: Option<WriteEnd>) -> ChildStdin {
        ChildStdin { pipe: Arc::new(Mutex::new(pipe)), waiting: Arc::default() }
    }

    /// Ends the child's input.
    pub fn close(&self) {
        let pipe = self.pipe().take();
        drop(pipe);
        Arc::clone(&self.waiting).wake();
    }

    /// Whether it can still be written to, as far as we know.
    pub fn is_open(&self) -> bool {
        self.pipe().is_some()
    }

    fn pipe(&self) -> MutexGuard<'_, Option<WriteEnd>> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the pipe do something, which wakes everybody who waits when it is worth trying again; none where it is closed.
    fn poll_pipe<T>(
        &self,
        cx: &Context<'_>,
        poll: impl FnOnce(Pin<&mut WriteEnd>, &mut Context<'_>) -> Poll<T>,
    ) -> Option<Poll<T>> {
        let mut pipe = self.pipe();
        let pipe = pipe.as_mut()?;
        // Before: it may be woken at any time from then on.
        let is_new = self.waiting.add(cx.waker());
        let everybody = Waker::from(Arc::clone(&self.waiting));
        let polled = poll(Pin::new(pipe), &mut Context::from_waker(&everybody));
        // One that was there before waits for something else of the same task.
        if is_new && polled.is_ready() {
            self.waiting.forget(cx.waker());
        }
        Some(polled)
    }
}

impl AsyncWrite for ChildStdin {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.poll_pipe(cx, |pipe, cx| pipe.poll_write(cx, bytes));
        written.unwrap_or_else(|| Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_pipe(cx, |pipe, cx| pipe.poll_flush(cx)).unwrap_or(Poll::Ready(Ok(())))
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

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::unix::pipe;
    use tokio::task::{JoinHandle, yield_now};
    use tokio::time::timeout;

    use super::*;

    /// More than a pipe holds.
    const MUCH: usize = 1 << 20;

    /// An input, where it ends, and two writers that wait for room.
    async fn full() -> (ChildStdin, pipe::Receiver, [JoinHandle<io::Result<()>>; 2]) {
        let (sender, receiver) = pipe::pipe().expect("there is room for a pipe");
        let stdin = ChildStdin::new(Some(sender));
        let writers = [(); 2].map(|()| {
            let mut stdin = stdin.clone();
            tokio::spawn(async move { stdin.write_all(&vec![0; MUCH]).await })
        });
        // Each has come to where it waits once both were run, in whichever order.
        for _ in 0..100 {
            yield_now().await;
        }
        (stdin, receiver, writers)
    }

    async fn ends(writers: [JoinHandle<io::Result<()>>; 2]) -> Vec<io::Result<()>> {
        let mut ends = Vec::new();
        for writer in writers {
            ends.push(
                timeout(Duration::from_secs(20), writer)
                    .await
                    .expect("nobody is forgotten")
                    .expect("it does not panic"),
            );
        }
        ends
    }

    #[tokio::test]
    async fn all_who_wait_for_room_go_on_when_there_is_some() {
        let (_stdin, mut receiver, writers) = full().await;
        let reading = tokio::spawn(async move { receiver.read_exact(&mut vec![0; 2 * MUCH]).await });
        assert!(ends(writers).await.iter().all(Result::is_ok));
        reading.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn all_who_wait_for_room_are_told_when_it_is_closed() {
        let (stdin, _receiver, writers) = full().await;
        stdin.close();
        assert!(
            ends(writers)
                .await
                .iter()
                .all(|end| end.as_ref().is_err_and(|end| end.kind() == io::ErrorKind::BrokenPipe))
        );
    }

    #[tokio::test]
    async fn who_did_not_have_to_wait_is_not_remembered() {
        let (sender, _receiver) = pipe::pipe().expect("there is room for a pipe");
        let stdin = ChildStdin::new(Some(sender));
        for _ in 0..3 {
            let mut stdin = stdin.clone();
            tokio::spawn(async move { stdin.write_all(b"there is room").await }).await.unwrap().unwrap();
        }
        assert_eq!(stdin.waiting.wakers().len(), 0);
    }

    #[tokio::test]
    async fn who_waits_is_remembered_though_the_same_task_does_something_else_meanwhile() {
        let (mut stdin, mut receiver, writers) = full().await;
        let mut other = stdin.clone();
        let writing = async { stdin.write_all(&vec![0; MUCH]).await };
        // Polled behind it, with its waker.
        let flushing = async { other.flush().await };
        let reading = tokio::spawn(async move {
            yield_now().await;
            receiver.read_exact(&mut vec![0; 3 * MUCH]).await
        });
        let both = async { tokio::join!(biased; writing, flushing) };
        let (written, flushed) = timeout(Duration::from_secs(20), both).await.expect("nobody is forgotten");
        assert!(written.is_ok() && flushed.is_ok() && ends(writers).await.iter().all(Result::is_ok));
        reading.await.unwrap().unwrap();
    }
}
