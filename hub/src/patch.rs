//! Folds many commits into few operations that do the same. What an object's member went through is told by what it is
//! now; what happened within an array is told as it happened, less what was overwritten later.

use std::collections::{BTreeMap, HashMap};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::json::Json;
use crate::op::Op;
use crate::pointer::Pointer;
use crate::selection::{Selection, Wanted};
use crate::state::{Effect, Recorded};

/// The operations that lead a state pruned to `selection` from before `records` to `head`, which is the state after them.
///
/// Soundness: the anchors (places reached through objects alone) that no other touched anchor holds are disjoint, and their
/// parents are the same objects before and after; so each is told by itself. An anchor that was set is told by its value in
/// `head`. An anchor that is an array in which elements were changed was not set meanwhile, so its operations apply to it in
/// their order.
pub(crate) fn fold<'a>(
    records: impl Iterator<Item = &'a Recorded>,
    head: &Json,
    selection: &Selection,
) -> Vec<Told<'a>> {
    let mut touched: BTreeMap<&str, Touched<'a>> = BTreeMap::new();
    for record in records.filter(|record| selection.sees(record.anchor())) {
        match touched.get_mut(record.anchor()) {
            Some(touched) => touched.add(record),
            None => _ = touched.insert(record.anchor(), Touched::new(record)),
        }
    }
    let wanted = Wanted::of(selection);
    let mut told = Vec::with_capacity(touched.len());
    for (anchor, change) in touched.iter().filter(|(anchor, _)| !is_covered(&touched, anchor)) {
        match (change.set, head.at(anchor)) {
            (false, Some(array)) => change.tell_within(array, &mut told),
            (_, Some(value)) => {
                let (path, value) = (Pointer::of(anchor), wanted.prune_at(anchor, value));
                told.push(Told::Op(if change.existed { Op::Replace { path, value } } else { Op::Add { path, value } }));
            }
            (_, None) if change.existed => told.push(Told::Op(Op::Remove { path: Pointer::of(anchor) })),
            (_, None) => {}
        }
    }
    told
}

/// An operation of a patch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told<'a> {
    /// As it was recorded.
    Recorded(&'a Op),
    /// Made from several.
    Op(Op),
}

impl Told<'_> {
    pub(crate) fn op(&self) -> &Op {
        match self {
            Told::Recorded(op) => op,
            Told::Op(op) => op,
        }
    }
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.op().serialize(serializer)
    }
}

/// What happened at one anchor.
struct Touched<'a> {
    /// Whether it was there before the first of it.
    existed: bool,
    /// Whether it was set or removed as a whole.
    set: bool,
    within: Vec<&'a Recorded>,
}

impl<'a> Touched<'a> {
    fn new(record: &'a Recorded) -> Touched<'a> {
        let existed = record.effect != Effect::Set { existed: false };
        let mut touched = Touched { existed, set: false, within: Vec::new() };
        touched.add(record);
        touched
    }

    fn add(&mut self, record: &'a Recorded) {
        match record.effect {
            Effect::Set { .. } | Effect::Removed => self.set = true,
            Effect::Within | Effect::Shifted if self.set => {}
            Effect::Within | Effect::Shifted => self.within.push(record),
        }
    }

    /// The operations within an array, or the array where that is shorter.
    fn tell_within(&self, array: &Json, told: &mut Vec<Told<'a>>) {
        let kept = latest(&self.within);
        let cost: usize = kept.iter().map(|record| record.cost()).sum();
        if kept.len() > 1 && is_smaller(array, cost) {
            let path = Pointer::of(self.within[0].anchor());
            told.push(Told::Op(Op::Replace { path, value: array.clone() }));
        } else {
            told.extend(kept.into_iter().map(|record| Told::Recorded(&record.op)));
        }
    }
}

/// Whether `json` takes fewer than `bytes`, found out in time that `bytes` bounds.
pub(crate) fn is_smaller(json: &Json, bytes: usize) -> bool {
    fn spend(json: &Json, left: &mut usize) -> bool {
        let own = match json.as_object() {
            Some(_) => 2,
            None if json.as_array().is_some() => 2,
            None => json.size(),
        };
        let Some(rest) = left.checked_sub(own + 1) else { return false };
        *left = rest;
        json.elements().all(|element| spend(element, left))
            && json.members().all(|(key, value)| {
                *left = left.saturating_sub(key.len() + 3);
                spend(value, left)
            })
    }
    spend(json, &mut bytes.clone())
}

fn is_covered(touched: &BTreeMap<&str, Touched<'_>>, anchor: &str) -> bool {
    let mut outer = anchor;
    while let Some((parent, _)) = outer.rsplit_once('/') {
        if touched.get(parent).is_some_and(|touched| touched.set) {
            return true;
        }
        outer = parent;
    }
    false
}

/// The records without those of which a later one replaces the whole effect: the same place replaced again, or the same
/// element put again, while no element changed its place and nothing above or below was touched in between.
fn latest<'a>(records: &[&'a Recorded]) -> Vec<&'a Recorded> {
    let mut kept: Vec<Option<&'a Recorded>> = Vec::with_capacity(records.len());
    let mut seen = Seen::default();
    for record in records {
        match place(record) {
            Some(place) => {
                if let Some(earlier) = seen.see(place, kept.len()) {
                    kept[earlier] = None;
                }
            }
            None => seen = Seen::default(),
        }
        kept.push(Some(record));
    }
    kept.into_iter().flatten().collect()
}

/// A place that can be written again and again: a path, and for elements by key, which one.
type Place<'a> = (&'a str, Option<(&'a str, String)>);

fn place(record: &Recorded) -> Option<Place<'_>> {
    match (&record.op, record.effect) {
        (Op::Replace { path, .. }, Effect::Within) => Some((path.as_str(), None)),
        (Op::Put { path, by, value, .. }, Effect::Within) => {
            Some((path.as_str(), Some((by, value.member(by)?.to_string()))))
        }
        _ => None,
    }
}

/// Where records of a run were at work last.
#[derive(Default)]
struct Seen<'a> {
    last: HashMap<Place<'a>, usize>,
    /// By path, and by path of everything above.
    at: HashMap<&'a str, usize>,
    below: HashMap<&'a str, usize>,
    by: HashMap<&'a str, &'a str>,
}

impl<'a> Seen<'a> {
    /// Notes a record; gives the earlier one that it makes superfluous.
    fn see(&mut self, place: Place<'a>, index: usize) -> Option<usize> {
        let path = place.0;
        if let Some((by, _)) = &place.1
            && self.by.insert(path, by).is_some_and(|other| other != *by)
        {
            // Elements were told apart by another member: which of them were the same is not known.
            self.last.clear();
        }
        let earlier = self.last.insert(place, index);
        let above = || path.rmatch_indices('/').map(|(end, _)| &path[..end]);
        let after =
            |known: &HashMap<&str, usize>, path: &str, than: usize| known.get(path).is_some_and(|at| *at > than);
        let superfluous = earlier.filter(|earlier| {
            !after(&self.below, path, *earlier) && !above().any(|outer| after(&self.at, outer, *earlier))
        });
        self.at.insert(path, index);
        above().for_each(|outer| _ = self.below.insert(outer, index));
        superfluous
    }
}

/// A patch as it is written: `{from, to, ops, acks?}`.
pub(crate) struct Written<'a> {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) ops: &'a [Told<'a>],
    pub(crate) acks: &'a BTreeMap<&'a str, u64>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("from", &self.from)?;
        map.serialize_entry("to", &self.to)?;
        map.serialize_entry("ops", self.ops)?;
        if !self.acks.is_empty() {
            map.serialize_entry("acks", self.acks)?;
        }
        map.end()
    }
}

#[cfg(test)]
pub(crate) mod tests;
