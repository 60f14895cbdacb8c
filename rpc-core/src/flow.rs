//! Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
//! frames on the wire, no calls and no clock.

use std::collections::VecDeque;

use smol_str::SmolStr;

use crate::frame::{Lag, Nxt};
use crate::inbox::{Arrival, Inbox};
use crate::{CallError, Delivery, Item, Limits, Payload, Received};

/// The sending end of a stream: a queue, credit, and what to do when both run out.
#[derive(Debug)]
pub(crate) struct Producer {
    queue: VecDeque<Item<Payload>>,
    bytes: usize,
    sent: u64,
    /// The highest number allowed; `None` where the consumer knows no credit.
    upto: Option<u64>,
    delivery: Delivery,
    skipped: u64,
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
    pub(crate) fn new(upto: Option<u64>, delivery: impl Into<Delivery>) -> Producer {
        Producer { queue: VecDeque::new(), bytes: 0, sent: 0, upto, delivery: delivery.into(), skipped: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
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
        self.upto.is_none_or(|upto| upto > self.sent)
    }

    pub(crate) fn can_send(&self) -> bool {
        !self.queue.is_empty() && self.has_credit()
    }

    pub(crate) fn push(&mut self, mut item: Item<Payload>, limits: &Limits) -> Pushed {
        match self.delivery.lag {
            Lag::Latest => {
                self.queue.drain(..).for_each(|older| inherit(&mut item, older));
                self.bytes = 0;
            }
            Lag::DropOldest => while self.overflow(&item, limits).is_some() && self.drop_oldest(&mut item) {},
            Lag::Close => {
                if let Some(limit) = self.overflow(&item, limits) {
                    return Pushed::Overflow(limit);
                }
            }
            // With credit, `block` never holds more than was allowed: its source is not polled beyond.
            Lag::Block if self.upto.is_some() => (),
            Lag::Block => {
                if let Some(limit) = overflow(self.bytes + sending(&item), 1, limits) {
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
        item.skipped = item.skipped.saturating_add(std::mem::take(&mut self.skipped));
        Some((self.sent, item))
    }

    /// Raises the credit. A grant that is late or repeated changes nothing (spec: `fc.4`).
    pub(crate) fn grant(&mut self, upto: u64) -> bool {
        match &mut self.upto {
            Some(limit) if *limit < upto => {
                *limit = upto;
                true
            }
            Some(_) | None => false,
        }
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

    fn overflow(&self, item: &Item<Payload>, limits: &Limits) -> Option<Exceeded> {
        overflow(self.bytes + sending(item), self.queue.len() + 1, limits)
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
    obeys: Option<bool>,
    numbered: bool,
    window: u32,
    mean_bytes: usize,
    lag: Lag,
    skipped: u64,
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
    pub(crate) fn new(window: u32, lag: Lag) -> Consumer {
        Consumer {
            inbox: Inbox::default(),
            bytes: 0,
            received: 0,
            consumed: 0,
            lent: 0,
            upto: u64::from(window.max(1)),
            obeys: None,
            numbered: false,
            window: window.max(1),
            mean_bytes: 0,
            lag,
            skipped: 0,
            resumed: false,
            epoch: None,
            pos: None,
        }
    }

    /// The receiving end of upstream items, whose sender always obeys credit.
    pub(crate) fn upstream(window: u32) -> Consumer {
        Consumer { obeys: Some(true), ..Consumer::new(window, Lag::Block) }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn upto(&self) -> u64 {
        self.upto
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
        self.mean_bytes = if self.mean_bytes == 0 { size } else { (self.mean_bytes * 7 + size) / 8 };
        if !obeys {
            self.make_room(&mut item, size, limits)?;
        } else if self.bytes + size > limits.stream_bytes {
            return Err(slow(("stream bytes", limits.stream_bytes as u64, "limits.stream_bytes")));
        }
        self.bytes += size;
        self.inbox.push(arrival, item);
        Ok(())
    }

    /// Hands over everything buffered; what was handed over before counts as consumed from now on.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Item<Received>>) {
        self.consumed += std::mem::take(&mut self.lent) as i64;
        self.lent = self.inbox.len() as u64;
        self.bytes = 0;
        self.inbox.take(into);
    }

    /// The grant that is due now: `(upto, ack)`. Given at half a window, so that a running stream never waits for it.
    pub(crate) fn due_grant(&mut self, window_bytes: usize) -> Option<(u64, u64)> {
        if self.obeys != Some(true) {
            return None;
        }
        if let Some(fitting) = window_bytes.checked_div(self.mean_bytes).filter(|_| window_bytes > 0) {
            self.window = fitting.clamp(1, MAX_WINDOW) as u32;
        }
        let reach = u64::try_from(self.consumed + i64::from(self.window)).unwrap_or(0);
        let step = u64::from(self.window.div_ceil(2));
        if reach < self.upto + step {
            return None;
        }
        self.upto = reach;
        Some((reach, u64::try_from(self.consumed).unwrap_or(0)))
    }

    /// Begins anew under another `cid`, after a break; what is buffered stays and counts against the window.
    pub(crate) fn restart(&mut self) {
        let held = self.inbox.len() as u64 + self.lent;
        self.received = 0;
        self.consumed = -(held as i64);
        self.upto = u64::from(self.window).saturating_sub(held).max(1);
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

    fn make_room(&mut self, item: &mut Item<()>, size: usize, limits: &Limits) -> Result<(), Refused> {
        let mut limit = overflow(self.bytes + size, self.inbox.len() + 1, limits);
        match self.lag {
            Lag::Latest => {
                self.inbox.clear();
                self.bytes = 0;
            }
            Lag::DropOldest => {
                while limit.is_some()
                    && let Some((kept, skipped)) = self.inbox.drop_oldest()
                {
                    self.bytes -= cost(kept);
                    self.skipped = self.skipped.saturating_add(skipped).saturating_add(1);
                    limit = overflow(self.bytes + size, self.inbox.len() + 1, limits);
                }
                // The hole stands before the oldest item that is left.
                let skipped = std::mem::take(&mut self.skipped);
                let first = self.inbox.oldest_skipped().unwrap_or(&mut item.skipped);
                *first = first.saturating_add(skipped);
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

fn overflow(bytes: usize, items: usize, limits: &Limits) -> Option<Exceeded> {
    if bytes > limits.stream_bytes {
        Some(("stream bytes", limits.stream_bytes as u64, "limits.stream_bytes"))
    } else if items > limits.stream_items {
        Some(("stream items", limits.stream_items as u64, "limits.stream_items"))
    } else {
        None
    }
}
