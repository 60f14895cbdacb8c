//! When bytes came, as precisely as a bounded number of notes can tell. Knows no bytes.

use std::collections::VecDeque;
use std::time::Instant;

/// Most notes. Where there would be more, only one arrival in so many is noted, over all that is kept: the bytes of the others
/// count as having come with those before.
const NOTES: usize = 4096;

/// Times by offset, the oldest first.
#[derive(Default)]
pub(super) struct Arrivals {
    notes: VecDeque<(u64, Instant)>,
    /// Of so many arrivals one is noted, if not all are.
    stride: u32,
    /// Arrivals since the last note.
    passed: u32,
}

impl Arrivals {
    /// What is written from `offset` on came at `now`, and what lies before `start` is not kept any more.
    pub(super) fn note(&mut self, offset: u64, now: Instant, start: u64) {
        while self.notes.get(1).is_some_and(|(next, _)| *next <= start) {
            self.notes.pop_front();
        }
        if self.notes.len() < NOTES / 4 {
            self.stride /= 2;
        }
        self.passed += 1;
        if self.passed < self.stride && !self.notes.is_empty() {
            return;
        }
        self.passed = 0;
        if self.notes.len() == NOTES {
            self.stride = self.stride.max(1) * 2;
            let mut is_kept = false;
            self.notes.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        self.notes.push_back((offset, now));
    }

    /// When the byte at `offset` came; of one that is not kept any more, when the oldest did.
    pub(super) fn of(&self, offset: u64) -> Option<Instant> {
        let behind = self.notes.partition_point(|(begin, _)| *begin <= offset);
        self.notes.get(behind.saturating_sub(1)).map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_byte_came_no_later_than_those_behind_it_however_many_there_were() {
        let (mut arrivals, begin) = (Arrivals::default(), Instant::now());
        let after = |seconds: u64| begin + Duration::from_secs(seconds);
        assert_eq!(arrivals.of(0), None);
        for second in 0..3 {
            arrivals.note(second * 10, after(second), 0);
        }
        assert_eq!([0, 9, 10, 29].map(|offset| arrivals.of(offset).unwrap()), [0, 0, 1, 2].map(after));
        for second in 3..100_000 {
            arrivals.note(second * 10, after(second), (second * 10).saturating_sub(1000));
            assert!(arrivals.notes.len() <= NOTES);
        }
        assert_eq!(arrivals.of(999_995), Some(after(99_999)));
        assert_eq!(arrivals.of(999_000), Some(after(99_900)), "what is kept is told apart");
        assert!(arrivals.of(0) <= arrivals.of(998_000), "what is not kept came before");
        for second in 100_000..200_000 {
            arrivals.note(second * 10, after(second), 0);
        }
        let told: Vec<Option<Instant>> = (0..2_000_000).step_by(100).map(|offset| arrivals.of(offset)).collect();
        assert!(told.is_sorted() && arrivals.notes.len() <= NOTES);
        let (notes, behind) = (arrivals.notes.iter(), arrivals.notes.iter().skip(1));
        let widest = notes.zip(behind).map(|((one, _), (next, _))| next - one).max();
        // The oldest are those of before: a window of a hundred was kept then.
        assert!(widest <= Some(64 * 10), "old notes are as near to each other as new ones: {widest:?}");
    }
}
