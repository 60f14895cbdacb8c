//! Credit and buffers of one direction of one call: what a producer may send, what a consumer has room for. Knows no
//! frames on the wire, no calls and no clock.

mod ahead;
mod consumer;
mod producer;

pub(crate) use consumer::{Consumer, Refused, within};
pub(crate) use producer::{BATCH, Held, Producer, Pushed};

use crate::{Item, Limits};

/// The limit that overflowed: its name, its value, its setting.
pub(crate) type Exceeded = (&'static str, u64, &'static str);

/// What a dropped item said of its source holds for the one behind it: without an epoch a consumer could not resume, and
/// without the reset it would go on from what is void.
fn inherit<T>(next: &mut Item<T>, dropped: Item<T>) {
    next.reset |= dropped.reset;
    next.epoch = next.epoch.take().or(dropped.epoch);
}

/// What a connection may hold in items that wait for credit or to be taken, and which limit says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) bytes: usize,
    pub(crate) limit: Exceeded,
}

/// What may wait in one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    bytes: usize,
    limit: Exceeded,
    items: usize,
}

impl Room {
    /// What `limits` leave to a stream.
    pub(crate) fn of(limits: &Limits) -> Room {
        let limit = ("stream bytes", limits.stream_bytes as u64, "limits.stream_bytes");
        Room { bytes: limits.stream_bytes, limit, items: limits.stream_items }
    }

    /// As [`Room::of`], beside the `waiting` bytes that others of the connection hold until they get credit: together those
    /// may hold half of what the connection may.
    pub(crate) fn beside(waiting: usize, allowance: Allowance, limits: &Limits) -> Room {
        let (room, shared) = (Room::of(limits), (allowance.bytes / 2).saturating_sub(waiting));
        if shared < room.bytes { Room { bytes: shared, limit: allowance.limit, ..room } } else { room }
    }

    fn overflow(&self, bytes: usize, items: usize) -> Option<Exceeded> {
        if bytes > self.bytes {
            Some(self.limit)
        } else if items > self.items {
            Some(("stream items", self.items as u64, "limits.stream_items"))
        } else {
            None
        }
    }
}
