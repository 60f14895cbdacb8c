//! What of a slice is kept on the disk, and what the slice is when nothing else of it is left. Knows neither files nor
//! revisions.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::json::{Json, position};
use crate::op::Op;
use crate::pointer::tokens;
use crate::slice::{Durability, SliceConfig};
use crate::state::{Effect, Recorded};

/// The key in a place that stands for every member.
const EACH: &str = "*";

/// What of a slice is kept.
#[derive(Clone, Debug)]
pub(crate) struct Retention {
    durability: Durability,
    /// What is not, by the keys on the way to it.
    places: Vec<Vec<String>>,
    /// What these hold in a new life.
    initial: Json,
}

impl Retention {
    pub(crate) fn of(config: &SliceConfig) -> Retention {
        let keys = |place: &crate::Pointer| place.tokens().map(Cow::into_owned).collect();
        let mut places: Vec<Vec<String>> = config.volatile.iter().map(keys).collect();
        places.sort_unstable();
        places.dedup();
        let durability = if places.iter().any(Vec::is_empty) { Durability::Volatile } else { config.durability };
        Retention { durability, places, initial: config.initial.clone() }
    }

    /// That of a slice of which nothing is known.
    pub(crate) fn whole(durability: Durability) -> Retention {
        Retention { durability, places: Vec::new(), initial: Json::NULL }
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// Whether there are places in it that are not kept, and others that are.
    pub(crate) fn is_partial(&self) -> bool {
        self.durability > Durability::Volatile && !self.places.is_empty()
    }

    /// Whether both keep the same of any value.
    pub(crate) fn keeps_as(&self, other: &Retention) -> bool {
        let nothing = |retention: &Retention| retention.durability == Durability::Volatile;
        match (nothing(self), nothing(other)) {
            (false, false) => self.places == other.places,
            (one, other) => one && other,
        }
    }

    /// What is kept of the slice `value`, if anything is.
    pub(crate) fn kept(&self, value: &Json) -> Option<Json> {
        (self.durability > Durability::Volatile).then(|| without(value, &self.places()))
    }

    /// What is kept of an operation on the slice: one that does to what is kept of it the same as the operation does to it.
    pub(crate) fn kept_of(&self, record: &Recorded) -> Option<Op> {
        if self.durability == Durability::Volatile {
            return None;
        }
        let mut places = self.places();
        for token in tokens(record.anchor()).skip(1) {
            places = below(&places, &token);
            if ends(&places) {
                return None;
            }
        }
        let mut op = record.op.clone();
        if let (Effect::Set { .. }, Op::Add { value, .. } | Op::Replace { value, .. }) = (record.effect, &mut op) {
            *value = without(value, &places);
        }
        Some(op)
    }

    /// What the slice is in a new life that has `value` of it. Of its members only those of `among` are looked at, where
    /// they are given.
    pub(crate) fn anew(&self, value: &Json, among: Option<&[String]>) -> Json {
        anew(value, Some(&self.initial), &self.places(), among)
    }

    fn places(&self) -> Vec<&[String]> {
        self.places.iter().map(Vec::as_slice).collect()
    }
}

/// What of `places` lies below the member `key`.
fn below<'a>(places: &[&'a [String]], key: &str) -> Vec<&'a [String]> {
    let behind = |place: &&'a [String]| {
        let (first, rest) = place.split_first()?;
        (first == key || first == EACH).then_some(rest)
    };
    places.iter().filter_map(behind).collect()
}

/// Whether the value itself is one of the places.
fn ends(places: &[&[String]]) -> bool {
    places.iter().any(|place| place.is_empty())
}

/// The members of `value` that places lead to or through.
fn reached<'a>(value: &'a Json, places: &[&'a [String]]) -> Vec<&'a str> {
    let first = || places.iter().filter_map(|place| place.first()).map(String::as_str);
    if first().any(|key| key == EACH) {
        return value.members().map(|(key, _)| key).collect();
    }
    first().filter(|key| value.member(key).is_some()).collect()
}

fn without(value: &Json, places: &[&[String]]) -> Json {
    let mut left = value.clone();
    for key in reached(value, places) {
        let Some(member) = value.member(key) else { continue };
        let inner = below(places, key);
        if ends(&inner) {
            remove(&mut left, key);
        } else {
            set(&mut left, key, member, without(member, &inner));
        }
    }
    left
}

fn anew(value: &Json, initial: Option<&Json>, places: &[&[String]], among: Option<&[String]>) -> Json {
    let mut new = value.clone();
    if !value.is_object() {
        return new;
    }
    let known: BTreeSet<&str> = match among {
        Some(keys) => keys.iter().map(String::as_str).collect(),
        None => [Some(value), initial].into_iter().flatten().flat_map(|json| reached(json, places)).collect(),
    };
    for key in known {
        let (inner, member) = (below(places, key), value.member(key));
        let first = initial.and_then(|initial| initial.member(key));
        match (ends(&inner), member, first) {
            (true, _, Some(first)) => _ = new.set(key, first.clone()),
            (true, _, None) => remove(&mut new, key),
            (false, Some(member), _) => set(&mut new, key, member, anew(member, first, &inner, None)),
            (false, None, _) => {}
        }
    }
    new
}

/// Sets a member that was `before`, unless it is that still.
fn set(json: &mut Json, key: &str, before: &Json, value: Json) {
    if !value.is_same(before) {
        json.set(key, value);
    }
}

fn remove(json: &mut Json, key: &str) {
    let Some(members) = json.as_object_mut() else { return };
    if let Ok(at) = position(members, key) {
        members.remove(at);
    }
}

#[cfg(test)]
mod tests;
