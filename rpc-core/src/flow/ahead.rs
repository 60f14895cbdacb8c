//! How many bytes a producer has sent ahead of what its consumer acknowledged (spec: `fc.17`). Knows items by their
//! numbers and sizes alone.

use std::collections::VecDeque;

/// The bytes of one stream that are under way, against the bound that its consumer set.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    bound: u64,
    sent: u64,
    acknowledged: u64,
    /// Now and then the number of an item, and the bytes sent up to it.
    marks: VecDeque<(u64, u64)>,
}

/// There is a mark for every such part of the bound, so that a consumer that acknowledges half of it is always heard.
const MARKS: u64 = 8;

impl Ahead {
    pub(crate) fn new(bound: u64) -> Ahead {
        Ahead { bound, sent: 0, acknowledged: 0, marks: VecDeque::new() }
    }

    pub(crate) fn is_full(&self) -> bool {
        !self.allows(0)
    }

    /// Whether an item may follow `bytes` that are about to be sent.
    pub(crate) fn allows(&self, bytes: usize) -> bool {
        self.sent + (bytes as u64) - self.acknowledged < self.bound
    }

    pub(crate) fn send(&mut self, seq: u64, bytes: usize) {
        self.sent += bytes as u64;
        let marked = self.marks.back().map_or(self.acknowledged, |&(_, sent)| sent);
        if (self.sent - marked) * MARKS >= self.bound {
            self.marks.push_back((seq, self.sent));
        }
    }

    pub(crate) fn acknowledge(&mut self, ack: u64) {
        while let Some(&(_, sent)) = self.marks.front().filter(|(seq, _)| *seq <= ack) {
            self.acknowledged = sent;
            self.marks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledging_every_half_of_the_bound_keeps_a_stream_of_any_sizes_going() {
        let mut rng = fastrand::Rng::with_seed(7);
        for bound in [1, 2, 7, 8, 100, 4096] {
            let mut ahead = Ahead::new(bound);
            let (mut under_way, mut unacknowledged) = (VecDeque::new(), 0);
            for seq in 1..=10_000 {
                while ahead.is_full() {
                    let (taken, bytes) = under_way.pop_front().expect("the producer waits and nothing is under way");
                    unacknowledged += bytes;
                    if unacknowledged as u64 * 2 >= bound {
                        ahead.acknowledge(taken);
                        unacknowledged = 0;
                    }
                }
                let bytes = rng.usize(1..=bound as usize * 2);
                ahead.send(seq, bytes);
                under_way.push_back((seq, bytes));
                assert!(ahead.marks.len() as u64 <= MARKS + 1, "{:?}", ahead.marks);
            }
        }
    }

    #[test]
    fn what_was_never_sent_acknowledges_what_was() {
        let mut ahead = Ahead::new(10);
        ahead.send(1, 30);
        assert!(ahead.is_full());
        ahead.acknowledge(u64::MAX);
        assert!(!ahead.is_full() && ahead.marks.is_empty());
    }
}
