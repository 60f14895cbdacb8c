//! The sending end of a stream: what waits, what credit allows of it, and what gives way when there is none.

use std::collections::VecDeque;

use super::ahead::Ahead;
use super::{Exceeded, Room, inherit};
use crate::frame::{Grant, Lag, Offer};
use crate::{Delivery, Item, Payload};

/// Items that a source without credit limits is asked for before others have their turn.
pub(crate) const BATCH: u64 = 64;

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

fn sending(item: &Item<Payload>) -> usize {
    item.data.as_bytes().len() + size_of::<Item<Payload>>()
}
