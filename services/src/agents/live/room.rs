//! The room that all sessions share for what waits for a person: one that asks much keeps no other one's requests from being
//! shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::permission::{Ask, Hit};
use super::super::policy::{Effect, Ruling};
use super::Live;

/// How much what waits of all sessions may hold together, in bytes: half of what the hub's state may by default.
const BYTES: usize = 4 << 20;

/// How much waits, in bytes, in all sessions. Every clone is the same.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Room(Arc<AtomicUsize>);

/// How much of that is of one session. It is given back with it.
#[derive(Debug)]
pub(super) struct Share {
    room: Room,
    own: usize,
}

impl Share {
    pub(super) fn of(room: Room) -> Share {
        Share { room, own: 0 }
    }

    /// So much of the session waits now.
    pub(super) fn set(&mut self, own: usize) {
        self.room.0.fetch_add(own, Ordering::Relaxed);
        self.room.0.fetch_sub(std::mem::replace(&mut self.own, own), Ordering::Relaxed);
    }

    fn others(&self) -> usize {
        self.room.0.load(Ordering::Relaxed).saturating_sub(self.own)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl Live {
    /// Denies what a person would be asked, and what there is no room for beside what others are.
    pub(super) fn weigh(&self, ask: &mut Ask) {
        let waits = self.share.others().saturating_add(self.session.held());
        if ask.ruling.effect == Effect::Ask && waits > 0 && waits.saturating_add(ask.held()) > BYTES {
            let text = format!(
                "what waits for leave in all sessions would be longer than {} MiB with it; ask again when some is answered",
                BYTES >> 20
            );
            let rule = "too_many".to_owned();
            let hits = vec![Hit { rule: rule.clone(), text }];
            ask.ruling = Ruling { effect: Effect::Deny, rule, hits, ..std::mem::take(&mut ask.ruling) };
        }
    }
}
