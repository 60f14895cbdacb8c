//! The sending end of a stream: what waits, what credit allows of it, and what gives way when there is none.

use std::collections::VecDeque;

use super::ahead::Ahead;
use super::{Exceeded, Room, inherit};
use crate::frame::{Grant, Lag, Offer};
use crate::session::Millis;
use crate::{Delivery, Item, Payload};

/// Items that a source without credit limits is asked for before others have their turn.
pub(crate) const BATCH: u64 = 64;

/// The sending end of a stream: a queue, credit, and what to do when both run out.
#[derive(Debug)]
pub(crate) struct Producer {
    queue: VecDeque<Item<Payload>>,
    bytes: usize,
    ready: Ready,
    sent: u64,
    /// The highest number allowed; `None` where the consumer knows no credit.
    upto: Option<u64>,
    /// The bytes that are under way, where the consumer bounds them.
    ahead: Option<Box<Ahead>>,
    delivery: Delivery,
    skipped: u64,
    /// Whether an item has left since the source was last told to go on.
    moves: bool,
    /// Until when the source rests.
    rest: Option<Millis>,
    /// When the timer comes up that ends a rest.
    alarm: Option<Millis>,
}

/// The first items of a queue: as many as may be sent without another grant.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    items: usize,
    /// What they cost, as `held` counts it.
    bytes: usize,
    /// The length of their data.
    data: usize,
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
            ready: Ready::default(),
            sent: 0,
            upto: credit.map(|credit| credit.upto),
            ahead: credit.and_then(|credit| credit.bytes).map(|bound| Box::new(Ahead::new(bound))),
            delivery: delivery.into(),
            skipped: 0,
            moves: true,
            rest: None,
            alarm: None,
        }
    }

    /// The sending end of upstream items, which has no credit yet.
    pub(crate) fn upstream() -> Producer {
        Producer { upto: Some(0), ..Producer::new(None, Lag::Block) }
    }

    pub(crate) fn held(&self) -> Held {
        Held { ready: self.ready.bytes, waiting: self.bytes - self.ready.bytes }
    }

    pub(crate) fn obeys_credit(&self) -> bool {
        self.upto.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many items the source may be asked for now.
    pub(crate) fn room(&self) -> u64 {
        if self.is_resting() {
            return 0;
        }
        if self.delivery.on_demand {
            return u64::from(self.queue.is_empty() && self.has_credit());
        }
        match (self.delivery.lag, self.upto) {
            (Lag::Block, Some(_)) if self.is_too_far_ahead() => 0,
            (Lag::Block, Some(upto)) => upto.saturating_sub(self.sent + self.queue.len() as u64),
            (Lag::Block | Lag::Latest | Lag::DropOldest | Lag::Close, _) => BATCH,
        }
    }

    /// Whether a source that had as many items as it was asked for rests until `until`: it does where they take each other's
    /// place, and none of them has left since this was last asked (spec: `fc.20`). An item that leaves ends the rest, and so
    /// does credit.
    pub(crate) fn rest(&mut self, until: Millis) -> bool {
        let replaces = match self.delivery.lag {
            Lag::Latest | Lag::DropOldest => !self.delivery.on_demand && !self.queue.is_empty(),
            Lag::Block | Lag::Close => false,
        };
        let rests = !std::mem::take(&mut self.moves) && replaces;
        if rests {
            self.rest = Some(until);
        }
        rests
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.rest.is_some()
    }

    /// When a timer is to be set for the end of the rest: never where one is set that comes up by then.
    pub(crate) fn alarm(&mut self) -> Option<Millis> {
        let until = self.rest.filter(|until| self.alarm.is_none_or(|at| at > *until))?;
        Some(*self.alarm.insert(until))
    }

    /// A timer came up: whether a rest ends with it.
    pub(crate) fn wake_up(&mut self, now: Millis) -> bool {
        self.alarm = self.alarm.filter(|at| *at > now);
        self.rest.take_if(|until| *until <= now).is_some()
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
        self.ready.items > 0
    }

    /// Queues an item within `room`.
    pub(crate) fn push(&mut self, mut item: Item<Payload>, room: &Room) -> Pushed {
        match self.delivery.lag {
            Lag::Latest => {
                self.queue.drain(..).for_each(|older| inherit(&mut item, older));
                (self.bytes, self.ready) = (0, Ready::default());
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
        self.make_ready();
        Pushed::Queued
    }

    /// The next item and its number, where credit allows one.
    pub(crate) fn pop(&mut self) -> Option<(u64, Item<Payload>)> {
        if !self.can_send() {
            return None;
        }
        let mut item = self.queue.pop_front()?;
        self.leave(&item);
        (self.moves, self.rest) = (true, None);
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
            (None, Some(bound), _) if self.sent == 0 => {
                self.ahead = Some(Box::new(Ahead::new(bound)));
                self.ready = Ready::default();
            }
            _ => (),
        }
        self.make_ready();
        let allows_more = raised || (was_too_far && !self.is_too_far_ahead());
        self.rest = self.rest.filter(|_| !allows_more);
        allows_more
    }

    fn is_too_far_ahead(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.is_full())
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        (self.bytes, self.ready) = (0, Ready::default());
    }

    /// Counts as ready what credit has come to allow. Sending an item moves nothing: what it takes of the credit it leaves
    /// to nobody else.
    fn make_ready(&mut self) {
        while let Some(item) = self.queue.get(self.ready.items)
            && self.allows_another()
        {
            self.ready.items += 1;
            self.ready.bytes += sending(item);
            self.ready.data += item.data.as_bytes().len();
        }
    }

    /// Whether credit allows one more item behind those that are ready.
    fn allows_another(&self) -> bool {
        self.upto.is_none_or(|upto| upto > self.sent + self.ready.items as u64)
            && self.ahead.as_ref().is_none_or(|ahead| ahead.allows(self.ready.data))
    }

    /// Counts the first item no more.
    fn leave(&mut self, first: &Item<Payload>) {
        self.bytes -= sending(first);
        if self.ready.items > 0 {
            self.ready.items -= 1;
            self.ready.bytes -= sending(first);
            self.ready.data -= first.data.as_bytes().len();
        }
    }

    /// Drops the oldest item; `newest` is the one to be queued.
    fn drop_oldest(&mut self, newest: &mut Item<Payload>) -> bool {
        let Some(oldest) = self.queue.pop_front() else { return false };
        self.leave(&oldest);
        self.make_ready();
        self.skipped = self.skipped.saturating_add(oldest.skipped).saturating_add(1);
        inherit(self.queue.front_mut().unwrap_or(newest), oldest);
        true
    }

    fn overflow(&self, item: &Item<Payload>, room: &Room) -> Option<Exceeded> {
        let waits = self.ready.items < self.queue.len() || !self.allows_another();
        room.overflow(self.bytes + sending(item), self.queue.len() + 1)
            .or_else(|| room.overflow_waiting(self.held().waiting + sending(item)).filter(|_| waits))
    }
}

fn sending(item: &Item<Payload>) -> usize {
    item.data.as_bytes().len() + size_of::<Item<Payload>>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    /// What may be sent if no grant comes any more, found by sending it.
    fn sendable(mut producer: Producer) -> usize {
        let before = producer.bytes;
        while producer.pop().is_some() {}
        before - producer.bytes
    }

    fn copied(producer: &Producer) -> Producer {
        let mut copy = Producer::new(None, producer.delivery);
        copy.queue.clone_from(&producer.queue);
        (copy.bytes, copy.ready, copy.sent, copy.upto) = (producer.bytes, producer.ready, producer.sent, producer.upto);
        copy.ahead.clone_from(&producer.ahead);
        copy
    }

    #[test]
    fn what_counts_as_ready_is_what_can_be_sent_without_another_grant() {
        let limits = Limits { stream_items: 12, ..Limits::default() };
        for seed in 0..300 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let bytes = rng.bool().then(|| rng.u64(1..300));
            let credit = (rng.u8(..4) > 0).then(|| Offer { upto: rng.u64(1..5), on_lag: None, bytes });
            let mut producer = Producer::new(credit, *rng.choice(&[Lag::Latest, Lag::DropOldest, Lag::Close]).unwrap());
            for _ in 0..100 {
                match rng.u8(..4) {
                    0 | 1 => {
                        let data = Payload::of(&"i".repeat(rng.usize(..100))).unwrap();
                        producer.push(Item::from(data), &Room::of(&limits));
                    }
                    2 => drop(producer.pop()),
                    _ => {
                        let (upto, ack) = (producer.sent + rng.u64(..4), Some(rng.u64(..=producer.sent)));
                        producer.grant(Grant { upto, ack, bytes: None });
                    }
                }
                assert_eq!(producer.held().ready, sendable(copied(&producer)), "seed {seed}");
                assert_eq!(producer.bytes, producer.queue.iter().map(sending).sum::<usize>());
            }
        }
    }
}
