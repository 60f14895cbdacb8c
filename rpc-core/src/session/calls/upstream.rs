//! What this side sends within a call: upstream items, within the credit that the responder gives.

use super::{Session, Stage};
use crate::flow::{Producer, Pushed, Room};
use crate::session::{CallKey, Millis};
use crate::{Item, Payload};

#[derive(Debug)]
pub(super) struct Up<W> {
    /// Woken when there is credit; the sender of upstream items may be another task than the taker of answers.
    pub(super) wake: Option<W>,
    pub(super) producer: Producer,
    pub(super) accepted: bool,
    pub(super) finished: bool,
    pub(super) end_sent: bool,
}

impl<W, H> Session<W, H> {
    /// How many upstream items may be pushed now; zero keeps `wake`. `None` when the call takes no more.
    pub fn upstream_room(&mut self, key: CallKey, wake: impl FnOnce() -> W) -> Option<u64> {
        let over = self.is_over_soft();
        self.held_back |= over;
        let call = self.calls.get_mut(key.0)?;
        let up = call.up.as_mut().filter(|up| !up.finished)?;
        let room = match call.stage {
            Stage::Pending if !over => up.producer.room(),
            Stage::Pending | Stage::Detached => 0,
            Stage::Settled(_) => return None,
        };
        if room == 0 {
            self.replaced = up.wake.replace(wake());
        }
        Some(room)
    }

    /// Queues upstream items, as JSON text. Items beyond the room are kept until there is credit.
    pub fn push_upstream(&mut self, now: Millis, key: CallKey, items: impl IntoIterator<Item = Payload>) {
        let Some(call) = self.calls.get_mut(key.0) else { return };
        let Some(up) = call.up.as_mut().filter(|up| !up.finished) else { return };
        if !matches!(call.stage, Stage::Pending) {
            return;
        }
        let (before, room) = (up.producer.held(), Room::of(&self.config.limits));
        for data in items {
            let pushed = up.producer.push(Item::from(data), &room);
            debug_assert_eq!(pushed, Pushed::Queued, "a producer under credit has no bound of its own");
        }
        self.outbox.moved(before, up.producer.held());
        self.enter_call(key);
        self.after_change(now);
    }

    /// No more upstream items: the direction is half closed once what is queued has gone (spec: `up.5`).
    pub fn finish_upstream(&mut self, now: Millis, key: CallKey) {
        let Some(up) = self.calls.get_mut(key.0).and_then(|call| call.up.as_mut()) else { return };
        up.finished = true;
        self.enter_call(key);
        self.after_change(now);
    }
}

impl<W> Up<W> {
    pub(super) fn new() -> Up<W> {
        Up { wake: None, producer: Producer::upstream(), accepted: false, finished: false, end_sent: false }
    }

    pub(super) fn wants_end(&self) -> bool {
        self.accepted && self.finished && !self.end_sent && self.producer.is_empty()
    }
}
