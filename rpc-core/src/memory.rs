//! Two ends of a connection within one process, bounded by bytes. Owns both queues; knows no runtime.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{Identity, Message, Scopes, TransportError};
use futures_core::Stream;
use futures_sink::Sink;

/// Bytes of a message's head that are kept when it is refused.
const HEAD_BYTES: usize = 512;

/// The bounds of a connection in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Bytes that may wait in each direction before `poll_ready` is pending. Default 64 KiB.
    pub capacity: usize,
    /// Longest message that is handed over, in bytes; a longer one is reported as oversized. Default 16 MiB.
    pub message_bytes: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        MemoryConfig { capacity: 64 * 1024, message_bytes: 16 << 20 }
    }
}

/// Two transports that are each other's peer.
pub fn pair(config: MemoryConfig) -> (MemoryTransport, MemoryTransport) {
    pair_of(config, config)
}

/// Two transports with bounds of their own: what each may send ahead, and what it accepts.
pub fn pair_of(one: MemoryConfig, other: MemoryConfig) -> (MemoryTransport, MemoryTransport) {
    let (there, back) = (Arc::default(), Arc::default());
    let end = |outgoing: &Arc<Direction>, incoming: &Arc<Direction>, config| MemoryTransport {
        outgoing: Arc::clone(outgoing),
        incoming: Arc::clone(incoming),
        config,
    };
    (end(&there, &back, one), end(&back, &there, other))
}

/// Who is at the other end: this process itself, hence every scope.
pub fn identity() -> Identity {
    Identity { transport: "memory", scopes: Scopes::ALL, pid: Some(std::process::id()), ..Identity::default() }
}

/// One end of a connection in memory. Dropping it ends the other's stream after what was sent, and fails its sending.
pub struct MemoryTransport {
    outgoing: Arc<Direction>,
    incoming: Arc<Direction>,
    config: MemoryConfig,
}

/// One direction; both ends lock it for moments only.
#[derive(Default)]
struct Direction(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    finished: bool,
    abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue, then wakes whoever that concerns after unlocking.
    fn change<R>(&self, change: impl FnOnce(&mut Queue) -> (R, Option<Waker>)) -> R {
        let (result, waker) = change(&mut self.queue());
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}

impl Stream for MemoryTransport {
    type Item = Result<Message, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (next, _replaced) = self.incoming.change(|queue| match queue.messages.pop_front() {
            Some(message) => {
                queue.bytes -= message.len();
                ((Poll::Ready(Some(message)), None), queue.writer.take())
            }
            None if queue.finished => ((Poll::Ready(None), None), None),
            None => ((Poll::Pending, keep(&mut queue.reader, cx)), None),
        });
        let limit = self.config.message_bytes;
        next.map(|next| {
            next.map(|message| match message.len() > limit {
                true => Err(TransportError::oversized(
                    Message::copy_from_slice(&message[..HEAD_BYTES.min(message.len())]),
                    limit,
                )),
                false => Ok(message),
            })
        })
    }
}

impl Sink<Message> for MemoryTransport {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let capacity = self.config.capacity;
        let (ready, _replaced) = self.outgoing.change(|queue| {
            let ready = match (queue.abandoned, queue.bytes < capacity) {
                (true, _) => (Poll::Ready(Err(abandoned())), None),
                (false, true) => (Poll::Ready(Ok(())), None),
                (false, false) => (Poll::Pending, keep(&mut queue.writer, cx)),
            };
            (ready, None)
        });
        ready
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        self.outgoing.change(|queue| {
            if queue.abandoned {
                return (Err(abandoned()), None);
            }
            queue.bytes += message.len();
            queue.messages.push_back(message);
            (Ok(()), queue.reader.take())
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.outgoing.change(Queue::finish);
        Poll::Ready(Ok(()))
    }
}

impl Queue {
    fn finish(&mut self) -> ((), Option<Waker>) {
        self.finished = true;
        ((), self.reader.take())
    }

    /// The messages that nobody will read, to be dropped after unlocking.
    fn abandon(&mut self) -> (VecDeque<Message>, Option<Waker>) {
        self.abandoned = true;
        (std::mem::take(&mut self.messages), self.writer.take())
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.outgoing.change(Queue::finish);
        drop(self.incoming.change(Queue::abandon));
    }
}

/// Keeps the waker of whoever polls now; one that it replaces is returned, to be dropped after unlocking.
fn keep(slot: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    match slot {
        Some(waker) if waker.will_wake(cx.waker()) => None,
        Some(_) | None => slot.replace(cx.waker().clone()),
    }
}

fn abandoned() -> TransportError {
    TransportError::new("the other end of the memory transport was dropped", None)
}
