//! The input of a child: written by whoever holds it, closed by whoever stops the child.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::AsyncWrite;

use crate::pipe::WriteEnd;

/// Writes to a child's standard input. All clones write to the same pipe, and it stays open until the child is stopped,
/// dropped, or [`close`](ChildStdin::close)d: dropping a clone does not close it. Where several wait for room, each goes on
/// when there is some; a write that is dropped meanwhile leaves nothing behind once its clone is dropped or writes again.
///
/// Errors: `BrokenPipe` when it is closed, or when the child has closed its end.
#[derive(Clone)]
pub struct ChildStdin {
    pipe: Arc<Mutex<Option<WriteEnd>>>,
    place: Place,
}

/// Writers that wait for room, by their places: a pipe itself remembers the last one alone.
#[derive(Default)]
struct Waiting {
    wakers: Mutex<Vec<(u64, Waker)>>,
    places: AtomicU64,
}

impl Waiting {
    fn wakers(&self) -> MutexGuard<'_, Vec<(u64, Waker)>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one clone waits, with one waker at most. Dropping it gives that up.
struct Place {
    waiting: Arc<Waiting>,
    number: u64,
}

impl Place {
    fn among(waiting: Arc<Waiting>) -> Place {
        let number = waiting.places.fetch_add(1, Ordering::Relaxed);
        Place { waiting, number }
    }

    /// Waits with this waker, and no other any more; whether it did not wait before.
    fn wait(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut waiting = self.waiting.wakers();
        let replaced = match waiting.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, before)) => Some(std::mem::replace(before, waker)),
            None => {
                waiting.push((self.number, waker));
                None
            }
        };
        // What goes with a waker may be another clone.
        drop(waiting);
        replaced.is_none()
    }

    fn leave(&self) {
        let mut waiting = self.waiting.wakers();
        let at = waiting.iter().position(|(number, _)| *number == self.number);
        let left = at.map(|at| waiting.remove(at));
        drop(waiting);
        drop(left);
    }
}

impl Clone for Place {
    fn clone(&self) -> Place {
        Place::among(Arc::clone(&self.waiting))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let waiting = std::mem::take(&mut *self.wakers());
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl ChildStdin {
    pub(crate) fn new(pipe: Option<WriteEnd>) -> ChildStdin {
        ChildStdin { pipe: Arc::new(Mutex::new(pipe)), place: Place::among(Arc::default()) }
    }

    /// Ends the child's input.
    pub fn close(&self) {
        let pipe = self.pipe().take();
        drop(pipe);
        Arc::clone(&self.place.waiting).wake();
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
        // Before: it may be woken at any time from then on.
        let is_new = self.place.wait(cx.waker());
        let everybody = Waker::from(Arc::clone(&self.place.waiting));
        let mut everybody = Context::from_waker(&everybody);
        let polled = self.pipe().as_mut().map(|pipe| poll(Pin::new(pipe), &mut everybody));
        // Where it waited before, it still does, for something else: for room, while it is flushed.
        if is_new && polled.as_ref().is_none_or(Poll::is_ready) {
            self.place.leave();
        }
        polled
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
        assert_eq!(stdin.place.waiting.wakers().len(), 0);
    }

    /// What a write comes to that is dropped while it waits, as by a timeout, in a task of its own.
    fn gives_up(stdin: &mut ChildStdin) -> Poll<io::Result<usize>> {
        let task = Waker::from(Arc::new(Waiting::default()));
        Pin::new(stdin).poll_write(&mut Context::from_waker(&task), b"no room")
    }

    #[tokio::test]
    async fn who_has_given_up_waiting_is_forgotten() {
        let (mut stdin, _receiver, _writers) = full().await;
        let waiting = Arc::clone(&stdin.place.waiting);
        for _ in 0..100 {
            assert!(gives_up(&mut stdin.clone()).is_pending());
        }
        assert_eq!(waiting.wakers().len(), 2, "those who still wait");
        for _ in 0..100 {
            assert!(gives_up(&mut stdin).is_pending());
        }
        assert_eq!(waiting.wakers().len(), 3, "the last of one that can write again");
        drop(stdin);
        assert_eq!(waiting.wakers().len(), 2);
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
