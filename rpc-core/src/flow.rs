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
    items: usize,
    /// Bytes that may wait for credit, where others of the connection hold some too.
    waiting: Option<(usize, Exceeded)>,
}

impl Room {
    /// What `limits` leave to a stream.
    pub(crate) fn of(limits: &Limits) -> Room {
        Room { bytes: limits.stream_bytes, items: limits.stream_items, waiting: None }
    }

    /// As [`Room::of`], beside the `waiting` bytes that others of the connection hold until they get credit: together those
    /// may hold half of what the connection may. An item that may be sent pays for none of them.
    pub(crate) fn beside(waiting: usize, allowance: Allowance, limits: &Limits) -> Room {
        let shared = (allowance.bytes / 2).saturating_sub(waiting);
        Room { waiting: Some((shared, allowance.limit)), ..Room::of(limits) }
    }

    fn overflow_waiting(&self, bytes: usize) -> Option<Exceeded> {
        self.waiting.filter(|(most, _)| bytes > *most).map(|(_, limit)| limit)
    }

    fn overflow(&self, bytes: usize, items: usize) -> Option<Exceeded> {
        if bytes > self.bytes {
            Some(("stream bytes", self.bytes as u64, "limits.stream_bytes"))
        } else if items > self.items {
            Some(("stream items", self.items as u64, "limits.stream_items"))
        } else {
            None
        }
    }
}
