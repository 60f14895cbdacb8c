//! Slices that are known: making one known is a commit of its own, by which its check, its owner and what is kept of it come
//! into force at once with the value that they are about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use super::commit::{Written, refusal, synced};
use super::{Head, RESERVED, Shared, SliceError, listening};
use crate::error::CommitError;
use crate::json::Json;
use crate::op::Op;
use crate::pointer::{Pointer, tokens};
use crate::retention::Retention;
use crate::slice::{Check, SliceConfig};
use crate::state::{Effect, Recorded, Violation, apply};
use crate::store::Mark;

/// What is known of a slice beside its value.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) check: Check,
    pub(crate) retention: Retention,
    /// The service that owns it, by a number of its own.
    pub(crate) owner: Option<u64>,
}

/// The slices that are known, by name.
pub(crate) type Slices = BTreeMap<String, Declared>;

impl Declared {
    pub(super) fn of(config: &SliceConfig, owner: Option<u64>) -> Declared {
        Declared { check: config.check.clone(), retention: Retention::of(config), owner }
    }

    /// What is wrong with the slice `name` of `state`, of which `changed` was changed, or anything may be where it is not
    /// said; and what would be wrong with what a new life began with.
    pub(super) fn violations(&self, name: &str, state: &Json, changed: Option<&[Recorded]>) -> Vec<Violation> {
        let place = Pointer::root().join(name);
        let Some(slice) = state.member(name) else {
            return vec![Violation::new(place.as_str(), "the slice cannot be taken away")];
        };
        if matches!(self.check, Check::Free) {
            return Vec::new();
        }
        let touched = changed.and_then(|records| touched_members(place.as_str(), records));
        let violations = self.check.violations(name, slice, touched.as_deref());
        if !violations.is_empty() || !self.changes_what_is_kept(place.as_str(), changed) {
            return violations;
        }
        let looked_at = if self.check.is_of_members() { touched.as_deref() } else { None };
        let anew = self.retention.anew(slice, looked_at);
        let later = |Violation { path, message }| {
            Violation::new(path, format!("after a restart, without what is volatile: {message}"))
        };
        self.check.violations(name, &anew, touched.as_deref()).into_iter().map(later).collect()
    }

    fn changes_what_is_kept(&self, slice: &str, changed: Option<&[Recorded]>) -> bool {
        let kept = |record: &Recorded| record.is_at(slice) && self.retention.kept_of(record).is_some();
        self.retention.is_partial() && changed.is_none_or(|records| records.iter().any(kept))
    }

    /// The first value of the slice in this life, of which `found` was there before.
    pub(super) fn first(&self, config: &SliceConfig, found: Option<&Json>) -> Json {
        match found.filter(|found| self.retention.kept(found).is_some()) {
            Some(found) => self.retention.anew(found, None),
            None => config.initial.clone(),
        }
    }
}

/// A slice that was looked at, to be put into force.
struct Declaration<'a> {
    name: &'a str,
    declared: Declared,
    /// What it is to begin with.
    value: Json,
    base: Arc<Head>,
    slices: Arc<Slices>,
}

/// Whom to wake, and up to where the log must last before anybody is answered.
type Settled = (Vec<Waker>, Option<Mark>);

impl Shared {
    /// Makes a slice known, and its check binding.
    pub(super) fn declare(&self, config: &SliceConfig, owner: Option<u64>) -> Result<(), SliceError> {
        check_name(&config.name)?;
        loop {
            let (base, slices) = (self.head.load_full(), self.slices.load_full());
            let before = slices.get(&config.name);
            if before.is_some_and(|before| before.owner.is_some()) {
                return Err(SliceError::Owned(config.name.clone()));
            }
            let (declared, found) = (Declared::of(config, owner), base.state.member(&config.name));
            let value = match found.filter(|_| before.is_some()) {
                Some(found) => found.clone(),
                None => declared.first(config, found),
            };
            fits(&config.name, &declared, &value)?;
            let declaration = Declaration { name: &config.name, declared, value, base, slices };
            let Some((wakers, mark)) = self.settle(declaration)? else { continue };
            wakers.into_iter().for_each(Waker::wake);
            listening::deliver(self);
            return mark.map_or(Ok(()), |mark| Ok(synced(&mark)?));
        }
    }

    /// Puts a slice into force with the value that was looked at, unless that is another one now. What is kept of it is
    /// written down as a whole where the log may have something else.
    fn settle(&self, declaration: Declaration<'_>) -> Result<Option<Settled>, CommitError> {
        let mut writer = self.writer();
        let head = self.head.load_full();
        if !declaration.still_holds(&head, &self.slices.load()) {
            return Ok(None);
        }
        let Declaration { name, declared, value, slices: known, .. } = declaration;
        let found = head.state.member(name);
        let unknown = Retention::whole(self.durability);
        let before = known.get(name).map_or(&unknown, |before| &before.retention);
        let is_new = found.is_none_or(|found| !found.is_same(&value));
        let mut slices = Slices::clone(&known);
        slices.insert(name.to_owned(), declared.clone());
        let slices = Arc::new(slices);
        let mut settled = (Vec::new(), None);
        if is_new || !declared.retention.keeps_as(before) {
            let path = Pointer::root().join(name);
            let mut state = head.state.clone();
            let set = is_new.then(|| Op::Add { path: path.clone(), value: value.clone() });
            let (records, growth) = apply(&mut state, set.as_slice()).map_err(|refused| refusal(refused, &head))?;
            let kept = match declared.retention.kept(&value) {
                Some(value) => Some(Op::Add { path, value }),
                None => found.and_then(|found| before.kept(found)).map(|_| Op::Remove { path }),
            };
            let (kept, durability) = (kept.into_iter().collect(), declared.retention.durability());
            let written = Written { state, records, growth, kept, durability };
            let (_, wakers, mark) = self.write(&mut writer, &head, &slices, written, None)?;
            settled = (wakers, mark);
        }
        self.slices.store(slices);
        Ok(Some(settled))
    }

    /// The owner of a slice is gone.
    pub(crate) fn release(&self, name: &str) {
        let _in_order = self.writer();
        let mut slices = Slices::clone(&self.slices.load());
        if let Some(declared) = slices.get_mut(name) {
            declared.owner = None;
        }
        self.slices.store(Arc::new(slices));
    }
}

impl Declaration<'_> {
    /// Whether what was looked at is the same now.
    fn still_holds(&self, head: &Head, slices: &Arc<Slices>) -> bool {
        let same = match (self.base.state.member(self.name), head.state.member(self.name)) {
            (Some(then), Some(now)) => then.is_same(now),
            (then, now) => then.is_none() && now.is_none(),
        };
        same && Arc::ptr_eq(&self.slices, slices)
    }
}

pub(super) fn check_name(name: &str) -> Result<(), SliceError> {
    if RESERVED.contains(&name) { Err(SliceError::Reserved(name.to_owned())) } else { Ok(()) }
}

/// Whether a slice may begin with `value`.
pub(super) fn fits(name: &str, declared: &Declared, value: &Json) -> Result<(), SliceError> {
    let state = [(name.to_owned(), value.clone())].into_iter().collect();
    match declared.violations(name, &state, None).into_iter().next() {
        Some(Violation { path, message }) => Err(SliceError::Unfit { name: name.to_owned(), path, message }),
        None => Ok(()),
    }
}

/// The keys of the members that were touched; `None` where the slice was, as a whole.
fn touched_members(slice: &str, records: &[Recorded]) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    for record in records {
        if !record.is_at(slice) {
            continue;
        }
        let rest = &record.anchor()[slice.len()..];
        match tokens(rest).next() {
            Some(key) if record.effect != Effect::Removed || tokens(rest).count() > 1 => {
                keys.push(key.into_owned());
            }
            Some(_) => {}
            None => return None,
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}
