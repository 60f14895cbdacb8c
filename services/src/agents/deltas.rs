//! Deltas, joined: however fast an agent writes, each field of an item is told at most once in a while. The first piece goes
//! out at once. Knows no clock: time is handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Delta, DeltaField};

/// The shortest time between two deltas of one field of an item.
pub(super) const PACE: Duration = Duration::from_millis(16);

/// What waits of one field goes out at once when it is longer than this, in bytes.
pub(super) const LONGEST: usize = 256 << 10;

/// What is longer than this goes out in pieces, in bytes: each has to find room in a frame.
const PIECE: usize = 1 << 20;

/// A delta and the item that grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// The item.
    pub item: String,
    /// By what.
    pub delta: Delta,
}

/// The fields that grow.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    growing: BTreeMap<(String, DeltaField), Growing>,
}

#[derive(Clone, Debug, Default)]
struct Growing {
    waiting: String,
    /// Bytes that were told.
    told: u64,
    /// When the next ones may be.
    due: Duration,
}

impl Growing {
    /// What waits, in pieces that are not too long.
    fn take(&mut self, item: &str, field: DeltaField, now: Duration) -> Vec<Grown> {
        let (waiting, mut grown) = (std::mem::take(&mut self.waiting), Vec::new());
        let mut rest = waiting.as_str();
        while !rest.is_empty() {
            let end = (0..=rest.len().min(PIECE)).rev().find(|at| rest.is_char_boundary(*at));
            let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
            let delta = Delta { field, delta: piece.to_owned(), offset: self.told };
            (self.told, self.due, rest) = (self.told + piece.len() as u64, now + PACE, behind);
            grown.push(Grown { item: item.to_owned(), delta });
        }
        grown
    }
}

impl Deltas {
    /// A field of an item grew. Gives what is to be told of it now.
    pub fn push(&mut self, now: Duration, item: &str, field: DeltaField, text: &str) -> Vec<Grown> {
        let growing = self.growing.entry((item.to_owned(), field)).or_default();
        growing.waiting.push_str(text);
        match now >= growing.due || growing.waiting.len() > LONGEST {
            true => growing.take(item, field, now),
            false => Vec::new(),
        }
    }

    /// What is to be told by now.
    pub fn due(&mut self, now: Duration) -> Vec<Grown> {
        self.take(now, |_, growing| now >= growing.due)
    }

    /// When something is to be told that waits.
    pub fn deadline(&self) -> Option<Duration> {
        let waiting = self.growing.values().filter(|growing| !growing.waiting.is_empty());
        waiting.map(|growing| growing.due).min()
    }

    /// All that waits of one item: to be told before anything else is told of it.
    pub fn flush(&mut self, now: Duration, item: &str) -> Vec<Grown> {
        self.take(now, |of, _| of == item)
    }

    /// All that waits, at the end of a turn. What is told later begins anew.
    pub fn finish(&mut self, now: Duration) -> Vec<Grown> {
        let rest = self.take(now, |_, _| true);
        self.growing.clear();
        rest
    }

    fn take(&mut self, now: Duration, which: impl Fn(&str, &Growing) -> bool) -> Vec<Grown> {
        let growing = self.growing.iter_mut();
        growing
            .filter(|((item, _), growing)| which(item, growing))
            .flat_map(|((item, field), growing)| growing.take(item, *field, now))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_piece_goes_out_at_once_and_the_next_ones_together() {
        let mut deltas = Deltas::default();
        let first = deltas.push(at(0), "a", DeltaField::Text, "x");
        assert_eq!(first[0].delta.delta, "x");
        assert_eq!(deltas.push(at(1), "a", DeltaField::Text, "y"), []);
        assert_eq!(deltas.push(at(2), "a", DeltaField::Text, "z"), []);
        assert_eq!(deltas.deadline(), Some(at(16)));
        assert_eq!(deltas.due(at(15)), []);
        let told = deltas.due(at(16));
        let delta = Delta { field: DeltaField::Text, delta: "yz".into(), offset: 1 };
        assert_eq!(told, [Grown { item: "a".into(), delta }]);
        assert_eq!(deltas.deadline(), None);
    }

    #[test]
    fn a_long_piece_does_not_wait() {
        let mut deltas = Deltas::default();
        deltas.push(at(0), "a", DeltaField::ToolOutput, "x");
        let long = "y".repeat(LONGEST + 1);
        assert_eq!(deltas.push(at(1), "a", DeltaField::ToolOutput, &long).len(), 1);
    }

    #[test]
    fn a_piece_that_would_fit_into_no_frame_goes_out_in_several() {
        let told = Deltas::default().push(at(0), "a", DeltaField::Text, &"ä".repeat(1 << 20));
        assert!(told.iter().all(|grown| grown.delta.delta.len() <= PIECE));
        let mut offset = 0;
        for Grown { delta, .. } in &told {
            assert_eq!(delta.offset, offset);
            offset += delta.delta.len() as u64;
        }
        assert_eq!((offset, told.len()), (2 << 20, 2));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_comes_too_often(
            pieces in prop::collection::vec((0u64..8, 0usize..3, "[a-c]{1,4}"), 1..200)
        ) {
            let (mut deltas, mut now) = (Deltas::default(), Duration::ZERO);
            let mut said = BTreeMap::<String, String>::new();
            let mut told = BTreeMap::<String, String>::new();
            let mut last = BTreeMap::<String, Duration>::new();
            let mut hear = |now: Duration, grown: Grown, is_end: bool| {
                let known = told.entry(grown.item.clone()).or_default();
                assert_eq!(known.len() as u64, grown.delta.offset, "no gap");
                known.push_str(&grown.delta.delta);
                let before = last.insert(grown.item, now);
                assert!(is_end || before.is_none_or(|before| now >= before + PACE), "not too often");
            };
            for (pause, item, text) in pieces {
                now += at(pause);
                let item = item.to_string();
                said.entry(item.clone()).or_default().push_str(&text);
                deltas.due(now).into_iter().for_each(|grown| hear(now, grown, false));
                deltas.push(now, &item, DeltaField::Text, &text).into_iter().for_each(|grown| hear(now, grown, false));
            }
            deltas.finish(now).into_iter().for_each(|grown| hear(now, grown, true));
            prop_assert_eq!(said, told);
        }
    }
}
