//! Events: what happened, told to whoever listens now. Kept in a ring that is bounded in bytes, so that a listener that lags
//! costs nothing but itself: what it missed is declared. Knows nothing of the state.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use futures_core::Stream;
use serde::Serialize;
use sixframe_core::{Item, Payload};
use smol_str::SmolStr;

use crate::api::{Event, EventsParams, Place};
use crate::json::Json;

/// Where events go out. Cheap to clone; every clone is the same channel.
#[derive(Clone, Debug)]
pub struct OutboundChannel(Arc<Channel>);

#[derive(Debug)]
struct Channel {
    epoch: SmolStr,
    ring: Mutex<Ring>,
}

#[derive(Debug)]
struct Ring {
    kept: VecDeque<Kept>,
    /// The position of the newest event.
    newest: u64,
    bytes: usize,
    limit: usize,
    waiting: HashMap<u64, (Arc<Types>, Waker)>,
    listeners: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    position: u64,
    kind: SmolStr,
    event: Payload,
}

impl OutboundChannel {
    /// A channel that keeps this many bytes of events for those who lag; the newest event is kept whatever its size.
    pub fn new(bytes: usize) -> OutboundChannel {
        let ring =
            Ring { kept: VecDeque::new(), newest: 0, bytes: 0, limit: bytes, waiting: HashMap::new(), listeners: 0 };
        let epoch = SmolStr::from(format!("{:016x}", fastrand::u64(..)));
        OutboundChannel(Arc::new(Channel { epoch, ring: Mutex::new(ring) }))
    }

    /// Tells everyone that something happened, now. Never waits. Gives the event's position.
    ///
    /// # Errors
    /// What `payload`'s `Serialize` says; then nothing is told.
    pub fn emit(&self, kind: &str, payload: impl Serialize) -> Result<u64, serde_json::Error> {
        let ts = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let event = Event { kind: kind.to_owned(), payload: Json::of(&payload)?, ts };
        let event = Payload::of(&event)?;
        let (position, wakers, dropped) = self.0.ring().push(SmolStr::new(kind), event);
        drop(dropped);
        wakers.into_iter().for_each(Waker::wake);
        Ok(position)
    }

    /// Where the channel is now: events behind it are yet to come.
    pub fn place(&self) -> Place {
        Place { epoch: self.0.epoch.to_string(), position: self.0.ring().newest }
    }

    /// The events of one type from now on, or of all types that begin with `kind` where it ends with a dot. A listener that
    /// takes nothing costs nothing; [`Item::skipped`] says how many events of any type went by that it could not be told.
    pub fn of_type(&self, kind: &str) -> impl Stream<Item = Item<Event>> + Send + Unpin + use<> {
        let params = EventsParams { types: Some(vec![kind.to_owned()]), since: None };
        Typed(self.watch(params))
    }

    /// Events as `events.watch` sends them: an [`Event`] each, as JSON text that all listeners share.
    pub fn watch(&self, params: EventsParams) -> Events {
        let types = Arc::new(Types(params.types));
        let (number, newest) = {
            let mut ring = self.0.ring();
            ring.listeners += 1;
            (ring.listeners, ring.newest)
        };
        let events = Events {
            channel: self.0.clone(),
            number,
            types,
            cursor: newest,
            missed: 0,
            introduced: false,
            reset: false,
        };
        match params.since {
            Some(Place { epoch, position }) => events.resume(&epoch, position),
            None => events,
        }
    }
}

impl Channel {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, kind: SmolStr, event: Payload) -> (u64, Vec<Waker>, Vec<Kept>) {
        self.newest += 1;
        let wanted = self.waiting.extract_if(|_, (types, _)| types.take(&kind)).map(|(_, (_, waker))| waker).collect();
        self.bytes += cost(&event);
        self.kept.push_back(Kept { position: self.newest, kind, event });
        let mut dropped = Vec::new();
        while self.bytes > self.limit && self.kept.len() > 1 {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= cost(&oldest.event);
            dropped.push(oldest);
        }
        (self.newest, wanted, dropped)
    }

    /// The position before the oldest event that is kept.
    fn floor(&self) -> u64 {
        self.kept.front().map_or(self.newest, |oldest| oldest.position - 1)
    }
}

fn cost(event: &Payload) -> usize {
    event.as_bytes().len() + size_of::<Kept>()
}

/// Which events somebody wants: those of these types, or all.
#[derive(Debug)]
struct Types(Option<Vec<String>>);

impl Types {
    fn take(&self, kind: &str) -> bool {
        let fits = |wanted: &String| kind == wanted || (wanted.ends_with('.') && kind.starts_with(&**wanted));
        self.0.as_ref().is_none_or(|types| types.iter().any(fits))
    }
}

/// The events that a listener is told. Never ends by itself; dropping it ends the listening.
#[derive(Debug)]
pub struct Events {
    channel: Arc<Channel>,
    number: u64,
    types: Arc<Types>,
    /// The position up to which it was told, or needs not be.
    cursor: u64,
    /// Events that went by since the last item.
    missed: u64,
    introduced: bool,
    /// Whether it has yet to be told that what it knew of the channel is void.
    reset: bool,
}

impl Events {
    /// The same events, behind the one that the consumer received last. Where that was in another life of the channel, a
    /// reset comes first, then everything that is kept.
    #[must_use]
    pub fn resume(mut self, epoch: &str, after: u64) -> Events {
        let ring = self.channel.ring();
        self.reset = epoch != self.channel.epoch || after > ring.newest;
        self.cursor = if self.reset { ring.floor() } else { after };
        drop(ring);
        self
    }

    fn next_kept(&mut self, cx: &mut Context<'_>) -> Poll<Kept> {
        let waker = cx.waker().clone();
        let mut ring = self.channel.ring();
        let floor = ring.floor();
        if self.cursor < floor {
            self.missed += floor - self.cursor;
            self.cursor = floor;
        }
        let from = (self.cursor - floor) as usize;
        if let Some(kept) = ring.kept.range(from..).find(|kept| self.types.take(&kept.kind)) {
            let kept = kept.clone();
            self.cursor = kept.position;
            return Poll::Ready(kept);
        }
        self.cursor = ring.newest;
        let replaced = ring.waiting.insert(self.number, (self.types.clone(), waker));
        drop(ring);
        drop(replaced);
        Poll::Pending
    }

    fn item(&mut self, data: Payload, position: u64) -> Item<Payload> {
        let epoch = (!std::mem::replace(&mut self.introduced, true)).then(|| self.channel.epoch.clone());
        let reset = std::mem::take(&mut self.reset);
        Item { data, pos: Some(position), epoch, skipped: std::mem::take(&mut self.missed), reset }
    }
}

impl Stream for Events {
    type Item = Item<Payload>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<Payload>>> {
        if self.reset {
            let cursor = self.cursor;
            return Poll::Ready(Some(self.item(Payload::NULL, cursor)));
        }
        self.next_kept(cx).map(|kept| Some(self.item(kept.event, kept.position)))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let left = self.channel.ring().waiting.remove(&self.number);
        drop(left);
    }
}

/// Events as Rust values.
struct Typed(Events);

impl Stream for Typed {
    type Item = Item<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<Event>>> {
        let read = |item: Item<Payload>| {
            let event = item.data.parse().expect("an event that was emitted is one");
            item.map(|_| event)
        };
        Pin::new(&mut self.0).poll_next(cx).map(|item| item.map(read))
    }
}
