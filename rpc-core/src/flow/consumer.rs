//! The receiving end of a stream: what has arrived and was not taken, and the credit that is given for more.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::{Allowance, Exceeded, Room};
use crate::frame::{Grant, Lag, Nxt, Offer};
use crate::inbox::{Arrival, Inbox};
use crate::{CallError, Item, Limits, Received};

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
        let room = Room::of(limits);
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

/// Whether `arrival` may be kept beside the `waiting` bytes that all consumers of the connection hold. One always may.
pub(crate) fn within(allowance: Allowance, waiting: usize, arrival: &Arrival<'_>) -> Result<(), Refused> {
    if waiting > 0 && waiting + arrival.kept_bytes(None) > allowance.bytes {
        return Err(slow(allowance.limit));
    }
    Ok(())
}

fn slow((limit, value, setting): Exceeded) -> Refused {
    Refused::Fatal(CallError::SlowConsumer { limit, value, setting })
}
