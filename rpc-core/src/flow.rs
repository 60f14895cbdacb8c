//! Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
//! frames on the wire, no calls and no clock.

use std::collections::VecDeque;

use smol_str::SmolStr;

use crate::frame::{Grant, Lag, Nxt, Offer};
use crate::inbox::{Arrival, Inbox};
use crate::{CallError, Delivery, Item, Limits, Payload, Received};

mod ahead;

use ahead::Ahead;

/// The sending end of a stream: a queue, credit, and what to do when both run out.
#[derive(Debug)]
pub(crate) struct Producer {
    queue: VecDeque<Item<Payload>>,
    bytes: usize,
    sent: u64,
    /// The highest number allowed; `None` where the consumer knows no credit.
    upto: Option<u64>,
    /// The bytes that are under way, where the consumer bounds them.
    ahead: Option<Box<Ahead>>,
    delivery: Delivery,
    skipped: u64,
}

/// The bytes that a producer holds: those that may be sent, and those that wait for credit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    pub(crate) ready: usize,
    pub(crate) waiting: usize,
}

/// What became of an item that was given to a producer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Queued,
    /// The buffer of a stream that closes on lag is full.
    Overflow(Exceeded),
}

/// The limit that overflowed: its name, its value, its setting.
pub(crate) type Exceeded = (&'static str, u64, &'static str);

impl Producer {
    /// A producer under `credit`, where its consumer knows it.
    pub(crate) fn new(credit: Option<Offer>, delivery: impl Into<Delivery>) -> Producer {
        Producer {
            queue: VecDeque::new(),
            bytes: 0,
            sent: 0,
            upto: credit.map(|credit| credit.upto),
            ahead: credit.and_then(|credit| credit.bytes).map(|bound| Box::new(Ahead::new(bound))),
            delivery: delivery.into(),
            skipped: 0,
        }
    }

    /// The sending end of upstream items, which has no credit yet.
    pub(crate) fn upstream() -> Producer {
        Producer { upto: Some(0), ..Producer::new(None, Lag::Block) }
    }

    pub(crate) fn held(&self) -> Held {
        if self.has_credit() { Held { ready: self.bytes, waiting: 0 } } else { Held { ready: 0, waiting: self.bytes } }
    }

    pub(crate) fn obeys_credit(&self) -> bool {
        self.upto.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many items the source may be asked for now.
    pub(crate) fn room(&self) -> u64 {
        if self.delivery.on_demand {
            return u64::from(self.queue.is_empty() && self.has_credit());
        }
        match (self.delivery.lag, self.upto) {
            (Lag::Block, Some(_)) if self.is_too_far_ahead() => 0,
            (Lag::Block, Some(upto)) => upto.saturating_sub(self.sent + self.queue.len() as u64),
            (Lag::Block | Lag::Latest | Lag::DropOldest | Lag::Close, _) => BATCH,
        }
    }

    /// Whether a source that is asked on demand waits for its item to leave.
    pub(crate) fn asks_again(&self) -> bool {
        self.delivery.on_demand && self.room() > 0
    }

    /// The name that the items carry.
    pub(crate) fn method(&self) -> Option<&'static str> {
        self.delivery.method
    }

    /// Whether the consumer allows another item now.
    pub(crate) fn has_credit(&self) -> bool {
        self.upto.is_none_or(|upto| upto > self.sent && !self.is_too_far_ahead())
    }

    pub(crate) fn can_send(&self) -> bool {
        !self.queue.is_empty() && self.has_credit()
    }

    /// Queues an item within `room`.
    pub(crate) fn push(&mut self, mut item: Item<Payload>, room: &Room) -> Pushed {
        match self.delivery.lag {
            Lag::Latest => {
                self.queue.drain(..).for_each(|older| inherit(&mut item, older));
                self.bytes = 0;
            }
            Lag::DropOldest => while self.overflow(&item, room).is_some() && self.drop_oldest(&mut item) {},
            Lag::Close => {
                if let Some(limit) = self.overflow(&item, room) {
                    return Pushed::Overflow(limit);
                }
            }
            // With credit, `block` never holds more than was allowed: its source is not polled beyond.
            Lag::Block if self.upto.is_some() => (),
            Lag::Block => {
                if let Some(limit) = room.overflow(self.bytes + sending(&item), 1) {
                    return Pushed::Overflow(limit);
                }
            }
        }
        self.bytes += sending(&item);
        self.queue.push_back(item);
        Pushed::Queued
    }

    /// The next item and its number, where credit allows one.
    pub(crate) fn pop(&mut self) -> Option<(u64, Item<Payload>)> {
        if !self.has_credit() {
            return None;
        }
        let mut item = self.queue.pop_front()?;
        self.bytes -= sending(&item);
        self.sent += 1;
        if let Some(ahead) = &mut self.ahead {
            ahead.send(self.sent, item.data.as_bytes().len());
        }
        item.skipped = item.skipped.saturating_add(std::mem::take(&mut self.skipped));
        Some((self.sent, item))
    }

    /// Raises the credit; whether items may be sent for it. A grant that is late or repeated changes nothing
    /// (spec: `fc.4`).
    pub(crate) fn grant(&mut self, grant: Grant) -> bool {
        let Some(limit) = &mut self.upto else { return false };
        let raised = *limit < grant.upto;
        *limit = grant.upto.max(*limit);
        let was_too_far = self.is_too_far_ahead();
        match (&mut self.ahead, grant.bytes, grant.ack) {
            (Some(ahead), _, Some(ack)) => ahead.acknowledge(ack),
            (None, Some(bound), _) if self.sent == 0 => self.ahead = Some(Box::new(Ahead::new(bound))),
            _ => (),
        }
        raised || (was_too_far && !self.is_too_far_ahead())
    }

    fn is_too_far_ahead(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.is_full())
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.bytes = 0;
    }

    /// Drops the oldest item; `newest` is the one to be queued.
    fn drop_oldest(&mut self, newest: &mut Item<Payload>) -> bool {
        let Some(oldest) = self.queue.pop_front() else { return false };
        self.bytes -= sending(&oldest);
        self.skipped = self.skipped.saturating_add(oldest.skipped).saturating_add(1);
        inherit(self.queue.front_mut().unwrap_or(newest), oldest);
        true
    }

    fn overflow(&self, item: &Item<Payload>, room: &Room) -> Option<Exceeded> {
        room.overflow(self.bytes + sending(item), self.queue.len() + 1)
    }
}

/// Items that a source without credit limits is asked for before others have their turn.
pub(crate) const BATCH: u64 = 64;

/// The receiving end of a stream: what has arrived and was not yet taken, and the credit given for more.
#[derive(Debug)]
pub(crate) struct Consumer {
    inbox: Inbox,
    bytes: usize,
    /// Items received under the present `cid`.
    received: u64,
    /// Items consumed under the present `cid`; begins below zero where items of an earlier one are still buffered.
    consumed: i64,
    /// Items handed over and perhaps not yet consumed.
    lent: u64,
    upto: u64,
    /// Bytes that the producer may send ahead of what is acknowledged; 0 bounds none.
    ahead: usize,
    /// What was offered of that under the present `cid`.
    offered: usize,
    /// Bytes of items: buffered, handed over and perhaps not yet consumed, consumed and not yet acknowledged.
    buffered: usize,
    lent_bytes: usize,
    /// What `bytes` counts for the items handed over.
    lent_cost: usize,
    unacknowledged: usize,
    obeys: Option<bool>,
    numbered: bool,
    window: u32,
    mean_bytes: usize,
    lag: Lag,
    resumed: bool,
    pub(crate) epoch: Option<SmolStr>,
    pub(crate) pos: Option<u64>,
}

/// Why a consumer refuses an item.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    /// It was received before.
    Repeated,
    /// The stream fails.
    Fatal(CallError),
}

impl Consumer {
    /// A consumer that offers `window` items, of which those that are not acknowledged have `ahead` bytes, or any number
    /// for 0.
    pub(crate) fn new(window: u32, ahead: usize, lag: Lag) -> Consumer {
        Consumer {
            inbox: Inbox::default(),
            bytes: 0,
            received: 0,
            consumed: 0,
            lent: 0,
            upto: u64::from(window.max(1)),
            ahead,
            offered: ahead,
            buffered: 0,
            lent_bytes: 0,
            lent_cost: 0,
            unacknowledged: 0,
            obeys: None,
            numbered: false,
            window: window.max(1),
            mean_bytes: 0,
            lag,
            resumed: false,
            epoch: None,
            pos: None,
        }
    }

    /// The receiving end of upstream items, whose sender always obeys credit.
    pub(crate) fn upstream(window: u32, ahead: usize) -> Consumer {
        Consumer { obeys: Some(true), ..Consumer::new(window, ahead, Lag::Block) }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is offered at first under a `cid`.
    pub(crate) fn offer(&self, on_lag: Option<Lag>) -> Offer {
        Offer { upto: self.upto, on_lag, bytes: (self.offered > 0).then_some(self.offered as u64) }
    }

    pub(crate) fn has_started(&self) -> bool {
        self.received > 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inbox.is_empty()
    }

    /// Whether the producer may send and has not: the time in which a gap counts as idle (spec: `time.8`).
    pub(crate) fn is_waiting(&self) -> bool {
        self.obeys != Some(true) || self.received < self.upto
    }

    /// Takes in an item. `obeys` is whether its frame said `fc:1`.
    pub(crate) fn receive(
        &mut self,
        nxt: &Nxt<'_>,
        arrival: Arrival<'_>,
        obeys: bool,
        limits: &Limits,
    ) -> Result<(), Refused> {
        let obeys = *self.obeys.get_or_insert(obeys);
        self.check_number(nxt.seq, obeys)?;
        let mut item = Item {
            data: (),
            pos: nxt.pos,
            epoch: nxt.epoch.as_deref().map(SmolStr::new),
            skipped: nxt.skipped,
            reset: nxt.reset,
        };
        self.note_source(&mut item);
        let size = cost(arrival.kept_bytes(nxt.epoch.as_deref()));
        let length = arrival.text.len();
        self.mean_bytes = if self.mean_bytes == 0 { size } else { (self.mean_bytes * 7 + size) / 8 };
        if !obeys {
            self.make_room(&mut item, size, limits)?;
        } else if self.bytes + size > limits.stream_bytes {
            return Err(slow(("stream bytes", limits.stream_bytes as u64, "limits.stream_bytes")));
        }
        self.bytes += size;
        self.buffered += length;
        self.inbox.push(arrival, item);
        Ok(())
    }

    /// Hands over everything buffered; what was handed over before counts as consumed from now on.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Item<Received>>) {
        self.consumed += std::mem::take(&mut self.lent) as i64;
        self.lent = self.inbox.len() as u64;
        self.unacknowledged += std::mem::replace(&mut self.lent_bytes, std::mem::take(&mut self.buffered));
        // What is handed over is held until it is known to be consumed.
        self.bytes -= std::mem::replace(&mut self.lent_cost, 0);
        self.lent_cost = self.bytes;
        self.inbox.take(into);
    }

    /// The grant that is due now. Given at half a window, of items or of bytes, so that a running stream never waits for it.
    pub(crate) fn due_grant(&mut self, window_bytes: usize) -> Option<Grant> {
        if self.obeys != Some(true) {
            return None;
        }
        if let Some(fitting) = window_bytes.checked_div(self.mean_bytes).filter(|_| window_bytes > 0) {
            self.window = fitting.clamp(1, MAX_WINDOW) as u32;
        }
        let reach = u64::try_from(self.consumed + i64::from(self.window)).unwrap_or(0);
        let step = u64::from(self.window.div_ceil(2));
        let acknowledges = self.offered > 0 && self.unacknowledged >= self.offered.div_ceil(2) && self.consumed > 0;
        if reach < self.upto + step && !acknowledges {
            return None;
        }
        self.upto = self.upto.max(reach);
        self.unacknowledged = 0;
        Some(Grant { upto: self.upto, ack: Some(u64::try_from(self.consumed).unwrap_or(0)), bytes: None })
    }

    /// Begins anew under another `cid`, after a break; what is buffered stays and counts against the window.
    pub(crate) fn restart(&mut self) {
        let held = self.inbox.len() as u64 + self.lent;
        self.received = 0;
        self.consumed = -(held as i64);
        self.upto = u64::from(self.window).saturating_sub(held).max(1);
        self.unacknowledged = 0;
        // What is still held counts, but for a quarter, so that the stream goes on at a good pace.
        let held_bytes = self.buffered + self.lent_bytes;
        self.offered = self.ahead.saturating_sub(held_bytes).max(self.ahead.div_ceil(4));
        self.obeys = None;
        self.numbered = false;
        self.resumed = self.epoch.is_some();
    }

    fn check_number(&mut self, seq: Option<u64>, obeys: bool) -> Result<(), Refused> {
        let expected = self.received + 1;
        match seq {
            // A 0.2 producer may count from anywhere; what counts is that it goes on by one.
            Some(seq) if !obeys && !self.numbered => self.received = seq,
            Some(seq) if seq < expected => return Err(Refused::Repeated),
            Some(seq) if seq > expected => return Err(Refused::Fatal(CallError::Gap { expected, got: seq })),
            Some(_) => self.received = expected,
            None if obeys => {
                return Err(Refused::Fatal(CallError::InvalidFrame("an item under credit has no seq".into())));
            }
            None => self.received = expected,
        }
        self.numbered = seq.is_some();
        if obeys && self.received > self.upto {
            return Err(Refused::Fatal(CallError::InvalidFrame("the producer exceeded its credit".into())));
        }
        Ok(())
    }

    /// Keeps the cursor, and marks an item that starts over without saying so (spec: `resume.7`).
    fn note_source(&mut self, item: &mut Item<()>) {
        if std::mem::take(&mut self.resumed) && item.epoch != self.epoch {
            item.reset = true;
            (self.epoch, self.pos) = (None, None);
        }
        if let Some(epoch) = &item.epoch {
            self.epoch = Some(epoch.clone());
        }
        if item.pos.is_some() {
            self.pos = item.pos;
        }
    }

    /// Drops the oldest item, whose reset goes over to the one behind it, or to `newest` at last. Returns how many it said
    /// were dropped before it.
    fn drop_oldest(&mut self, newest: &mut Item<()>) -> Option<u64> {
        let dropped = self.inbox.drop_oldest()?;
        self.bytes -= cost(dropped.kept);
        self.buffered -= dropped.length;
        *self.inbox.oldest().map_or(&mut newest.reset, |(_, reset)| reset) |= dropped.reset;
        Some(dropped.skipped)
    }

    fn make_room(&mut self, item: &mut Item<()>, size: usize, limits: &Limits) -> Result<(), Refused> {
        let room = Room { bytes: limits.stream_bytes, items: limits.stream_items, setting: "limits.stream_bytes" };
        let mut limit = room.overflow(self.bytes + size, self.inbox.len() + 1);
        match self.lag {
            Lag::Latest => while self.drop_oldest(item).is_some() {},
            Lag::DropOldest => {
                while limit.is_some()
                    && let Some(older) = self.drop_oldest(item)
                {
                    // The hole stands before the oldest item that is left.
                    let hole = self.inbox.oldest().map_or(&mut item.skipped, |(skipped, _)| skipped);
                    *hole = hole.saturating_add(older).saturating_add(1);
                    limit = room.overflow(self.bytes + size, self.inbox.len() + 1);
                }
            }
            Lag::Block | Lag::Close => {
                if let Some(limit) = limit {
                    return Err(slow(limit));
                }
            }
        }
        Ok(())
    }
}

/// The largest window, in items.
const MAX_WINDOW: usize = 4096;

fn cost(kept: usize) -> usize {
    kept + size_of::<Item<Received>>()
}

/// What a dropped item said of its source holds for the one behind it: without an epoch a consumer could not resume, and
/// without the reset it would go on from what is void.
fn inherit<T>(next: &mut Item<T>, dropped: Item<T>) {
    next.reset |= dropped.reset;
    next.epoch = next.epoch.take().or(dropped.epoch);
}

fn sending(item: &Item<Payload>) -> usize {
    item.data.as_bytes().len() + size_of::<Item<Payload>>()
}

/// Whether `arrival` may be kept beside the `waiting` bytes that all consumers of the connection hold.
pub(crate) fn within(limits: &Limits, waiting: usize, arrival: &Arrival<'_>) -> Result<(), Refused> {
    if waiting + arrival.kept_bytes(None) > limits.hard_bytes {
        return Err(slow(("waiting bytes", limits.hard_bytes as u64, "limits.hard_bytes")));
    }
    Ok(())
}

fn slow((limit, value, setting): Exceeded) -> Refused {
    Refused::Fatal(CallError::SlowConsumer { limit, value, setting })
}

/// What may wait in one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    bytes: usize,
    items: usize,
    setting: &'static str,
}

impl Room {
    /// What `limits` leave to a stream beside the `waiting` bytes that others of the connection hold until they get credit:
    /// together those may hold half of what closes the connection.
    pub(crate) fn beside(waiting: usize, limits: &Limits) -> Room {
        let shared = (limits.hard_bytes / 2).saturating_sub(waiting);
        let (bytes, setting) = if shared < limits.stream_bytes {
            (shared, "limits.hard_bytes")
        } else {
            (limits.stream_bytes, "limits.stream_bytes")
        };
        Room { bytes, items: limits.stream_items, setting }
    }

    fn overflow(&self, bytes: usize, items: usize) -> Option<Exceeded> {
        if bytes > self.bytes {
            Some(("stream bytes", self.bytes as u64, self.setting))
        } else if items > self.items {
            Some(("stream items", self.items as u64, "limits.stream_items"))
        } else {
            None
        }
    }
}
