//! Runs handlers: once at once, then parked beside the reader until they have something to say. Panics end here.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;

use crate::context::{Context, Parts};
use crate::flow::BATCH;
use crate::service::{Reply, ReplyFuture, ReplyStream, Request, Service};
use crate::session::{Event, Incoming, Millis};
use crate::shared::Shared;
use crate::{Code, Fault, Item, Payload};

/// Bytes of items that a stream queues before it looks again at whether it may queue more.
const BATCH_BYTES: usize = 64 << 10;

/// How long a source rests that has another item whenever it is asked while none leaves: at first, and when it did so again
/// and again.
const REST_MS: Millis = 1;
const REST_MAX_MS: Millis = 128;

/// Room for events or wakers that is not worth keeping.
const LITTLE: usize = 4;

type Events = VecDeque<Event<Waker, Arc<Parts>>>;

pub(super) struct Handlers {
    service: Arc<dyn Service>,
    parked: Option<Box<FuturesUnordered<Abortable<Parked>>>>,
    events: Events,
    wakers: Vec<Waker>,
}

impl Handlers {
    pub(super) fn new(service: Arc<dyn Service>) -> Handlers {
        Handlers { service, parked: None, events: VecDeque::new(), wakers: Vec::new() }
    }

    /// Where the session's events go before they are carried out: kept, so that it is not made anew for each message.
    pub(super) fn events(&mut self) -> &mut Events {
        &mut self.events
    }

    /// Wakes `waker` when the turn's reading is done, so that a consumer finds a batch.
    pub(super) fn wake_later(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    pub(super) fn wake_all(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
        if self.wakers.capacity() > 256 {
            self.wakers = Vec::new();
        }
    }

    /// Starts a handler, and answers at once if it is ready at its first poll.
    pub(super) fn start(&mut self, shared: &Arc<Shared>, mut incoming: Box<Incoming>, now: Millis) {
        let (method, payload) = (std::mem::take(&mut incoming.method), std::mem::take(&mut incoming.payload));
        let context = Context::new(shared.clone(), incoming);
        let parts = context.0.clone();
        let request = Request { method, payload, context, entry: None };
        let reply = catch_unwind(AssertUnwindSafe(|| self.service.call(request)));
        let reply = reply.unwrap_or_else(|panic| Reply::Ready(Err(panicked(shared, &*panic))));
        match reply {
            Reply::Ready(answer) => answered(shared, &parts, answer, now),
            Reply::Future(mut future) => {
                let mut idle = TaskContext::from_waker(Waker::noop());
                match poll_future(shared, &mut future, &mut idle) {
                    Poll::Ready(answer) => {
                        answered(shared, &parts, answer, now);
                        discard(future);
                    }
                    Poll::Pending => self.park(Parked { parts, work: Work::Answer(future) }),
                }
            }
            Reply::Stream(delivery, source) => {
                if shared.drive(|session| session.start_stream(now, parts.key, delivery)) {
                    self.park(Parked { parts, work: Work::Items(source, REST_MS) });
                } else {
                    discard(source);
                }
            }
        }
    }

    /// Polls what was woken; true when something was done.
    pub(super) fn poll(&mut self, cx: &mut TaskContext<'_>) -> bool {
        let Some(parked) = &mut self.parked else { return false };
        let mut ran = false;
        while let Poll::Ready(Some(_)) = parked.poll_next_unpin(cx) {
            ran = true;
        }
        if parked.is_empty() && ran {
            self.parked = None;
        }
        ran
    }

    /// Gives back the memory that a busier time needed.
    pub(super) fn release_memory(&mut self) {
        if self.events.capacity() <= LITTLE {
            self.events = Events::new();
        }
        if self.wakers.capacity() <= LITTLE {
            self.wakers = Vec::new();
        }
    }

    pub(super) fn clear(&mut self) {
        self.parked = None;
        self.events = VecDeque::new();
        self.wakers = Vec::new();
    }

    fn park(&mut self, parked: Parked) {
        let (abort, registration) = AbortHandle::new_pair();
        let parts = parked.parts.clone();
        if parts.abort.set(abort).is_err() {
            unreachable!("a request is parked once");
        }
        let refused = parts.shared.drive(|session| session.keep_handler(parts.key, parts.clone()));
        match refused {
            Some(parts) => parts.stop(),
            None => self.parked.get_or_insert_default().push(Abortable::new(parked, registration)),
        }
    }
}

/// A handler that waits for something.
struct Parked {
    parts: Arc<Parts>,
    work: Work,
}

enum Work {
    Answer(ReplyFuture),
    /// A stream, and how long its source rests if nothing of what it has leaves.
    Items(ReplyStream, Millis),
    Over,
}

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Parked { parts, work } = &mut *self;
        let shared = &parts.shared;
        match work {
            Work::Answer(future) => match poll_future(shared, future, cx) {
                Poll::Ready(answer) => {
                    answered(shared, parts, answer, shared.now());
                    Poll::Ready(())
                }
                Poll::Pending => Poll::Pending,
            },
            Work::Items(source, rest) => poll_items(shared, parts, source, rest, cx),
            Work::Over => Poll::Ready(()),
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        discard(std::mem::replace(&mut self.work, Work::Over));
    }
}

/// Moves items from a handler's stream to the session, batch by batch until they fill what is written at once or the clock
/// moves; then others have their turn.
fn poll_items(
    shared: &Arc<Shared>,
    parts: &Arc<Parts>,
    source: &mut ReplyStream,
    rest: &mut Millis,
    cx: &mut TaskContext<'_>,
) -> Poll<()> {
    let (now, mut turn) = (shared.now(), BATCH_BYTES);
    let mut batch = Vec::new();
    loop {
        let (room, _replaced) =
            shared.drive(|session| (session.stream_room(parts.key, || cx.waker().clone()), session.take_replaced()));
        let room = match room {
            None => return Poll::Ready(()),
            Some(0) => return Poll::Pending,
            Some(room) => room,
        };
        let end = poll_batch(shared, source, cx, &mut batch, room.min(BATCH) as usize);
        turn = turn.saturating_sub(batch.iter().map(|item| item.data.as_bytes().len()).sum());
        let later = shared.now();
        if !batch.is_empty() && !shared.drive(|session| session.push_items(later, parts.key, batch.drain(..))) {
            return Poll::Ready(());
        }
        match end {
            // Only a consumer that allows more, which a batch for one without credit must not outrun.
            Batch::Full if room > BATCH && turn > 0 && later == now => (),
            Batch::Full => {
                let (rests, _replaced) = shared.drive(|session| {
                    let rests = session.rest_stream(later, parts.key, *rest, || cx.waker().clone());
                    (rests, session.take_replaced())
                });
                if rests {
                    *rest = (*rest * 2).min(REST_MAX_MS);
                } else {
                    *rest = REST_MS;
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            Batch::Dry => {
                *rest = REST_MS;
                return Poll::Pending;
            }
            Batch::Last(fault) => {
                let kept = shared.drive(|session| session.finish_stream(later, parts.key, fault.as_ref()));
                drop(kept);
                return Poll::Ready(());
            }
        }
    }
}

/// Why a batch ended.
enum Batch {
    Full,
    /// The source has nothing more now.
    Dry,
    /// The source is at its end, or failed.
    Last(Option<Fault>),
}

/// Fills `batch` with items up to `room`, or until they have enough bytes.
fn poll_batch(
    shared: &Shared,
    source: &mut ReplyStream,
    cx: &mut TaskContext<'_>,
    batch: &mut Vec<Item<Payload>>,
    room: usize,
) -> Batch {
    let mut bytes = 0;
    while batch.len() < room && bytes < BATCH_BYTES {
        match poll_source(shared, source, cx) {
            Poll::Ready(Some(Ok(item))) => {
                bytes += item.data.as_bytes().len();
                batch.push(item);
            }
            Poll::Ready(Some(Err(fault))) => return Batch::Last(Some(fault)),
            Poll::Ready(None) => return Batch::Last(None),
            Poll::Pending => return Batch::Dry,
        }
    }
    Batch::Full
}

fn poll_source(
    shared: &Shared,
    source: &mut ReplyStream,
    cx: &mut TaskContext<'_>,
) -> Poll<Option<Result<Item<Payload>, Fault>>> {
    catch_unwind(AssertUnwindSafe(|| source.poll_next_unpin(cx)))
        .unwrap_or_else(|panic| Poll::Ready(Some(Err(panicked(shared, &*panic)))))
}

fn poll_future(shared: &Shared, future: &mut ReplyFuture, cx: &mut TaskContext<'_>) -> Poll<Result<Payload, Fault>> {
    catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
        .unwrap_or_else(|panic| Poll::Ready(Err(panicked(shared, &*panic))))
}

fn answered(shared: &Shared, parts: &Parts, answer: Result<Payload, Fault>, now: Millis) {
    let answer = answer.as_ref().map(Payload::as_bytes);
    let kept = shared.drive(|session| session.reply(now, parts.key, answer));
    drop(kept);
}

/// Drops what is left of a handler. Its destructors are its own code too: a panic in them ends here.
fn discard<T>(work: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(work))) {
        tracing::error!(panic = text(&*panic), "a handler panicked when it was dropped");
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic that is no text")
}

/// What a caller is told of a panic: nothing of its text, unless the server was told to (spec: `error.4`).
fn panicked(shared: &Shared, panic: &(dyn Any + Send)) -> Fault {
    let text = text(panic);
    tracing::error!(panic = text, "a handler panicked");
    if shared.config.expose_internal_errors {
        Fault::new(Code::INTERNAL, format!("the handler panicked: {text}"))
    } else {
        Fault::new(Code::INTERNAL, "the handler failed; its server's log says why")
    }
}
