//! Deltas, joined: however fast an agent writes, an item is told to have grown at most once in a while. The first piece goes
//! out at once; where several fields of it grow, each has its turn. Knows no clock: time is handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Delta, DeltaField};

/// The shortest time between two deltas of one item.
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

/// The items that grow.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    growing: BTreeMap<String, Item>,
}

#[derive(Clone, Debug, Default)]
struct Item {
    /// What was told longest ago stands first.
    fields: Vec<Growing>,
    /// When the next delta may be.
    due: Duration,
}

#[derive(Clone, Debug)]
struct Growing {
    field: DeltaField,
    waiting: String,
    /// Bytes that were told.
    told: u64,
}

impl Item {
    fn waits(&self) -> bool {
        self.fields.iter().any(|growing| !growing.waiting.is_empty())
    }

    /// The place of a field.
    fn at(&mut self, field: DeltaField) -> usize {
        self.fields.iter().position(|growing| growing.field == field).unwrap_or_else(|| {
            self.fields.insert(0, Growing { field, waiting: String::new(), told: 0 });
            0
        })
    }

    /// What waits of one field, in pieces that are not too long.
    fn take(&mut self, at: usize, item: &str, now: Duration) -> Vec<Grown> {
        self.due = now + PACE;
        let mut growing = self.fields.remove(at);
        let (waiting, mut grown) = (std::mem::take(&mut growing.waiting), Vec::new());
        let mut rest = waiting.as_str();
        while !rest.is_empty() {
            let end = (0..=rest.len().min(PIECE)).rev().find(|at| rest.is_char_boundary(*at));
            let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
            let delta = Delta { field: growing.field, delta: piece.to_owned(), offset: growing.told };
            (growing.told, rest) = (growing.told + piece.len() as u64, behind);
            grown.push(Grown { item: item.to_owned(), delta });
        }
        self.fields.push(growing);
        grown
    }

    /// What has its turn, where something may be told by now.
    fn due(&mut self, item: &str, now: Duration) -> Vec<Grown> {
        let next = self.fields.iter().position(|growing| !growing.waiting.is_empty());
        next.filter(|_| now >= self.due).map(|at| self.take(at, item, now)).unwrap_or_default()
    }

    fn all(&mut self, item: &str, now: Duration) -> Vec<Grown> {
        let waiting = |item: &Item| item.fields.iter().position(|growing| !growing.waiting.is_empty());
        let mut grown = Vec::new();
        while let Some(at) = waiting(self) {
            grown.extend(self.take(at, item, now));
        }
        grown
    }
}

impl Deltas {
    /// A field of an item grew. Gives what is to be told of it now.
    pub fn push(&mut self, now: Duration, item: &str, field: DeltaField, text: &str) -> Vec<Grown> {
        let growing = self.growing.entry(item.to_owned()).or_default();
        let at = growing.at(field);
        growing.fields[at].waiting.push_str(text);
        match growing.fields[at].waiting.len() > LONGEST {
            true => growing.take(at, item, now),
            false => growing.due(item, now),
        }
    }

    /// What is to be told by now.
    pub fn due(&mut self, now: Duration) -> Vec<Grown> {
        self.growing.iter_mut().flat_map(|(name, item)| item.due(name, now)).collect()
    }

    /// When something is to be told that waits.
    pub fn deadline(&self) -> Option<Duration> {
        self.growing.values().filter(|item| item.waits()).map(|item| item.due).min()
    }

    /// All that waits of one item: to be told before anything else is told of it.
    pub fn flush(&mut self, now: Duration, item: &str) -> Vec<Grown> {
        self.growing.get_mut(item).map(|growing| growing.all(item, now)).unwrap_or_default()
    }

    /// All that waits, at the end of a turn. What is told later begins anew.
    pub fn finish(&mut self, now: Duration) -> Vec<Grown> {
        let rest = self.growing.iter_mut().flat_map(|(name, item)| item.all(name, now)).collect();
        self.growing.clear();
        rest
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
    fn fields_of_one_item_take_turns() {
        let mut deltas = Deltas::default();
        let mut push = |ms, field, text| deltas.push(at(ms), "a", field, text).len();
        assert_eq!(push(0, DeltaField::Text, "x"), 1);
        assert_eq!((push(1, DeltaField::Text, "y"), push(2, DeltaField::ToolOutput, "z")), (0, 0));
        let mut told = |ms| -> Vec<_> { deltas.due(at(ms)).into_iter().map(|grown| grown.delta.delta).collect() };
        assert_eq!((told(15), told(16), told(17)), (vec![], vec!["z".to_owned()], vec![]));
        assert_eq!((told(31), told(32)), (vec![], vec!["y".to_owned()]));
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
