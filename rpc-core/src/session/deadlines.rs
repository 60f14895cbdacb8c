//! The deadlines of a connection. An entry whose call is gone, or was armed anew, is stale; stale entries are
//! skipped when they come up and swept when they outnumber the living.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::{CallKey, Millis, RequestKey};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Call(CallKey),
    CallIdle(CallKey),
    Reissue(CallKey),
    Request(RequestKey),
    RequestIdle(RequestKey),
    Rest(RequestKey),
}

#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// Those that were armed in the order in which they come up, as the deadlines of calls with one timeout are.
    queue: VecDeque<(Millis, Timer)>,
    /// Those that come up before the last of these.
    heap: BinaryHeap<Reverse<(Millis, Timer)>>,
}

impl Deadlines {
    pub(super) fn arm(&mut self, at: Millis, timer: Timer) {
        if self.queue.back().is_none_or(|(last, _)| *last <= at) {
            self.queue.push_back((at, timer));
        } else {
            self.heap.push(Reverse((at, timer)));
        }
    }

    pub(super) fn next(&self) -> Option<Millis> {
        match (self.queue.front(), self.heap.peek()) {
            (Some((one, _)), Some(Reverse((other, _)))) => Some(*one.min(other)),
            (Some((at, _)), None) | (None, Some(Reverse((at, _)))) => Some(*at),
            (None, None) => None,
        }
    }

    pub(super) fn pop_due(&mut self, now: Millis) -> Option<Timer> {
        let next = self.next().filter(|at| *at <= now)?;
        if self.queue.front().is_some_and(|(at, _)| *at == next) {
            return self.queue.pop_front().map(|(_, timer)| timer);
        }
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }

    /// Forgets everything: no call or request is there to be timed.
    pub(super) fn clear(&mut self) {
        *self = Deadlines::default();
    }

    /// Drops what `is_live` denies, once that is most of what there is; `living` is how many calls and requests there are.
    pub(super) fn sweep(&mut self, living: usize, is_live: impl Fn(Timer) -> bool) {
        if self.queue.len() + self.heap.len() > 64 + 4 * living {
            self.queue.retain(|(_, timer)| is_live(*timer));
            self.queue.shrink_to(64);
            self.heap.retain(|Reverse((_, timer))| is_live(*timer));
            self.heap.shrink_to(64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::slots::Key;
    use super::*;

    #[test]
    fn timers_come_up_by_their_time_in_whatever_order_they_were_armed() {
        let mut deadlines = Deadlines::default();
        let timer = |index| Timer::Call(CallKey(Key { index, generation: 1 }));
        for (index, at) in [(0, 50), (1, 20), (2, 60), (3, 10), (4, 60), (5, 55)] {
            deadlines.arm(at, timer(index));
        }
        assert_eq!(deadlines.next(), Some(10));
        let mut due = |now| std::iter::from_fn(|| deadlines.pop_due(now)).collect::<Vec<_>>();
        assert_eq!(due(9), []);
        assert_eq!(due(50), [3, 1, 0].map(timer));
        assert_eq!(due(60), [5, 2, 4].map(timer));
        assert_eq!(due(100), []);
    }
}
