//! One heap of deadlines for a connection. An entry whose call is gone, or was armed anew, is stale; stale entries are
//! skipped when they come up and swept when they outnumber the living.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{CallKey, Millis, RequestKey};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Call(CallKey),
    CallIdle(CallKey),
    Reissue(CallKey),
    Request(RequestKey),
    RequestIdle(RequestKey),
}

#[derive(Debug, Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Millis, Timer)>>,
}

impl Deadlines {
    pub(super) fn arm(&mut self, at: Millis, timer: Timer) {
        self.heap.push(Reverse((at, timer)));
    }

    pub(super) fn next(&self) -> Option<Millis> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop_due(&mut self, now: Millis) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }

    /// Forgets everything: no call or request is there to be timed.
    pub(super) fn clear(&mut self) {
        self.heap = BinaryHeap::new();
    }

    /// Drops what `is_live` denies, once the heap is mostly that; `living` is how many calls and requests there are.
    pub(super) fn sweep(&mut self, living: usize, is_live: impl Fn(Timer) -> bool) {
        if self.heap.len() > 64 + 4 * living {
            self.heap.retain(|Reverse((_, timer))| is_live(*timer));
            self.heap.shrink_to(64);
        }
    }
}
