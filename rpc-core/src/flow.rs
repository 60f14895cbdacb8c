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

    pub(super) fn overflow(&self, bytes: usize, items: usize) -> Option<Exceeded> {
        if bytes > self.bytes {
            Some(("stream bytes", self.bytes as u64, self.setting))
        } else if items > self.items {
            Some(("stream items", self.items as u64, "limits.stream_items"))
        } else {
            None
        }
    }
}
