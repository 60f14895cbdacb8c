//! The way of a commit: carried out and checked on a candidate without a lock, then given its revision under the writer's,
//! where nothing else was changed meanwhile that the check looked at; else it is done again on the newer state.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::declared::Slices;
use super::{Head, Live, RESERVED, Shared, Store, Writer, listening};
use crate::api::{CommitParams, Expect, Mutation, Version};
use crate::error::CommitError;
use crate::json::Json;
use crate::log::Entry;
use crate::mutations::Known;
use crate::op::Op;
use crate::pointer::Pointers;
use crate::retention::Retention;
use crate::slice::{Check, Durability};
use crate::state::{Recorded, Refused, Violation, apply};
use crate::store::Mark;

/// How long somebody may be left without news of the revisions of others, while there are any.
const PROGRESS: Duration = Duration::from_secs(15);

/// The longest name of a client.
const CLIENT_BYTES: usize = 64;

/// Who commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    Anyone,
    /// The owner of a slice.
    Owner(u64),
}

impl Author {
    pub(crate) fn of(owner: Option<u64>) -> Author {
        owner.map_or(Author::Anyone, Author::Owner)
    }
}

/// A commit, carried out on a candidate.
struct Attempt {
    base: Arc<Head>,
    slices: Arc<Slices>,
    outcome: Result<Candidate, CommitError>,
}

struct Candidate {
    state: Json,
    records: Vec<Recorded>,
    growth: isize,
    /// The names of the slices that were changed and have a check.
    checked: Vec<String>,
}

/// What was carried out, and what of it is kept.
pub(super) struct Written {
    pub(super) state: Json,
    pub(super) records: Vec<Recorded>,
    pub(super) growth: isize,
    /// What the log is told.
    pub(super) kept: Vec<Op>,
    /// What a crash may take from that.
    pub(super) durability: Durability,
}

/// What became of an attempt.
enum Landed {
    /// It has this revision.
    As(u64, Vec<Waker>, Option<Mark>),
    /// There was nothing to do: changed nothing, or was done before.
    Already(u64, Option<Mark>),
    /// It must be done again on a newer state.
    Stale,
}

impl Shared {
    /// Commits, and waits until that is on the disk where it must be.
    pub(crate) fn commit(&self, commit: &CommitParams, author: Author) -> Result<Version, CommitError> {
        let (version, mark) = self.commit_unsynced(commit, author)?;
        if let Some(mark) = mark {
            synced(&mark)?;
        }
        Ok(version)
    }

    /// Commits; the answer must wait until the mark is reached, where there is one.
    pub(crate) fn commit_unsynced(
        &self,
        commit: &CommitParams,
        author: Author,
    ) -> Result<(Version, Option<Mark>), CommitError> {
        check_mutation(commit.mutation.as_ref())?;
        loop {
            let attempt = self.attempt(commit, author);
            let epoch = attempt.base.epoch.to_string();
            // Whoever is woken or dropped here may do what it likes: no lock is held any more.
            match self.land(commit, attempt)? {
                Landed::As(revision, wakers, mark) => {
                    wakers.into_iter().for_each(Waker::wake);
                    listening::deliver(self);
                    return Ok((Version { epoch, revision }, mark));
                }
                Landed::Already(revision, mark) => return Ok((Version { epoch, revision }, mark)),
                Landed::Stale => {}
            }
        }
    }

    /// Carries the commit out on a candidate and checks it. No lock is held. A slice that is new has its value before it is
    /// known; so nothing is looked at by a check that came later.
    fn attempt(&self, commit: &CommitParams, author: Author) -> Attempt {
        let slices = self.slices.load_full();
        let base = self.head.load_full();
        let outcome = self.candidate(commit, author, &base, &slices);
        Attempt { base, slices, outcome }
    }

    fn candidate(
        &self,
        commit: &CommitParams,
        author: Author,
        base: &Head,
        slices: &Slices,
    ) -> Result<Candidate, CommitError> {
        commit.ops.iter().try_for_each(|op| self.may_write(op, author, base, slices))?;
        let mut candidate = carry_out(commit, base)?;
        candidate.checked = changed_slices(&candidate.records);
        candidate.checked.retain(|name| slices.contains_key(name));
        let violations = |name: &String| slices[name].violations(name, &candidate.state, Some(&candidate.records));
        let violations: Vec<Violation> = candidate.checked.iter().flat_map(violations).collect();
        candidate.checked.retain(|name| !matches!(slices[name].check, Check::Free));
        if violations.is_empty() { Ok(candidate) } else { Err(CommitError::Invalid(violations)) }
    }

    fn may_write(&self, op: &Op, author: Author, base: &Head, slices: &Slices) -> Result<(), CommitError> {
        if matches!(op, Op::Test { .. }) {
            return Ok(());
        }
        let may_write = |name: &str| match slices.get(name) {
            Some(declared) if declared.owner.is_some_and(|owner| Author::Owner(owner) != author) => {
                Err(CommitError::Owned(name.to_owned()))
            }
            Some(_) => Ok(()),
            None if RESERVED.contains(&name) => {
                let message = "a slice cannot have this name; snapshots use it";
                Err(CommitError::Invalid(vec![Violation::new(format!("/{name}"), message)]))
            }
            None if !self.open && base.state.member(name).is_none() => Err(CommitError::Closed(name.to_owned())),
            None => Ok(()),
        };
        match (op.path().slice(), op) {
            (Some(name), _) => may_write(&name),
            (None, Op::Merge { value, .. }) => value.members().try_for_each(|(name, _)| may_write(name)),
            (None, _) => Ok(()),
        }
    }

    /// Gives an attempt its revision. The lock is held for that and for writing it down.
    fn land(&self, commit: &CommitParams, attempt: Attempt) -> Result<Landed, CommitError> {
        let mut writer = self.writer();
        let head = self.head.load_full();
        if let Some(mutation) = &commit.mutation {
            match writer.mutations.find(mutation) {
                Known::Done(revision) => return Ok(Landed::Already(revision, self.mark(&writer))),
                Known::Forgotten => return Err(CommitError::Forgotten),
                Known::New => {}
            }
        }
        if let Some(expect) = &commit.expect {
            self.check_expected(expect, commit, &head)?;
        }
        let Attempt { base, slices: known, outcome } = attempt;
        // What was refused was refused by a state that there was while the caller waited: newer ones need not be asked.
        let candidate = outcome?;
        let slices = self.slices.load_full();
        if !Arc::ptr_eq(&slices, &known) || !candidate.still_holds(&base, &head) {
            return Ok(Landed::Stale);
        }
        let candidate = if Arc::ptr_eq(&head, &base) { candidate } else { carry_out(commit, &head)? };
        if candidate.records.is_empty() && commit.mutation.is_none() {
            // What the caller wants is there, but may have yet to last.
            return Ok(Landed::Already(head.revision, self.mark(&writer)));
        }
        let (kept, durability) = match &writer.store {
            Some(_) => self.kept_of(&candidate.records, &slices),
            None => (Vec::new(), Durability::Volatile),
        };
        let Candidate { state, records, growth, .. } = candidate;
        let written = Written { state, records, growth, kept, durability };
        let (revision, wakers, mark) = self.write(&mut writer, &head, &slices, written, commit.mutation.clone())?;
        Ok(Landed::As(revision, wakers, mark))
    }

    /// What of a commit is kept, and what a crash may take from that.
    fn kept_of(&self, records: &[Recorded], slices: &Slices) -> (Vec<Op>, Durability) {
        let other = Retention::whole(self.durability);
        let (mut kept, mut durability) = (Vec::new(), Durability::Volatile);
        for record in records {
            let slice = record.op.path().slice();
            let retention = slice.and_then(|name| slices.get(&*name)).map_or(&other, |declared| &declared.retention);
            if let Some(op) = retention.kept_of(record) {
                kept.push(op);
                durability = durability.max(retention.durability());
            }
        }
        (kept, durability)
    }

    /// Gives what was carried out on `head` a revision, writes it down, and shows it to everyone. Gives back whom to wake, and
    /// up to where the log must last before anybody is answered.
    pub(super) fn write(
        &self,
        writer: &mut Writer,
        head: &Head,
        slices: &Arc<Slices>,
        written: Written,
        mutation: Option<Mutation>,
    ) -> Result<(u64, Vec<Waker>, Option<Mark>), CommitError> {
        let Written { state, records, growth, kept, durability } = written;
        let bytes = head.bytes.saturating_add_signed(growth);
        if bytes > self.state_bytes && growth > 0 {
            return Err(CommitError::TooLarge(self.state_bytes as u64));
        }
        let revision = head.revision + 1;
        // A mutation whose whole effect is gone with the process may be carried out again, any other one may not.
        let passes = kept.is_empty() && (mutation.is_none() || !records.is_empty());
        writer.write_down(revision, kept, passes, mutation.as_ref())?;
        let waits = durability == Durability::Synced;
        let mark = writer.store.as_ref().filter(|_| waits).map(Store::mark);
        writer.compact(revision, &state, slices, self.durability);
        let entry = Arc::new(Entry::new(revision, records, mutation));
        let new = Arc::new(Head { epoch: head.epoch.clone(), revision, state, bytes });
        Ok((revision, self.publish(new, entry), mark))
    }

    /// For what was done before, and may still wait for the disk.
    fn mark(&self, writer: &Writer) -> Option<Mark> {
        let waits = |durability| durability == Durability::Synced;
        let any = waits(self.durability)
            || self.slices.load().values().any(|declared| waits(declared.retention.durability()));
        writer.store.as_ref().filter(|_| any).map(Store::mark)
    }

    /// Whether something that the commit reads or writes was changed behind the expected revision.
    fn check_expected(&self, expect: &Expect, commit: &CommitParams, head: &Head) -> Result<(), CommitError> {
        let conflict =
            |path: Option<&str>| Err(CommitError::Conflict { current: head.version(), path: path.map(str::to_owned) });
        if expect.epoch.as_ref().is_some_and(|epoch| *epoch != head.epoch) || expect.revision > head.revision {
            return conflict(None);
        }
        let Some(since) = self.live().log.since(expect.revision) else { return conflict(None) };
        let looked_at = Pointers::of(commit.ops.iter().map(Op::path).chain(&expect.paths));
        let changed = since.records().find(|record| looked_at.overlap(record.anchor()));
        changed.map_or(Ok(()), |record| conflict(Some(record.op.path().as_str())))
    }

    /// Shows the new state to everyone. Gives back whom to wake.
    fn publish(&self, new: Arc<Head>, entry: Arc<Entry>) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let mut live = self.live();
        live.log.push(entry.clone());
        if !live.topics.is_empty() {
            for record in &entry.records {
                live.topics.touch(record.anchor(), new.revision, &mut wakers);
            }
            live.tell_of_progress(new.revision, &mut wakers);
        }
        let old = std::mem::replace(&mut live.head, new.clone());
        self.head.store(new);
        drop(live);
        drop(old);
        wakers
    }
}

impl Writer {
    /// Writes down what of a commit is to be kept, unless nothing is, and remembers whose mutation it was.
    fn write_down(
        &mut self,
        revision: u64,
        kept: Vec<Op>,
        passes: bool,
        mutation: Option<&Mutation>,
    ) -> Result<(), CommitError> {
        let written = match &mut self.store {
            None => Ok(()),
            Some(store) if passes => store.pass(revision),
            Some(store) => store.commit(revision, kept, mutation.cloned()),
        };
        written.map_err(|error| CommitError::NotPersisted(error.to_string()))?;
        if let Some(mutation) = mutation {
            self.mutations.note(mutation, revision);
        }
        Ok(())
    }

    fn compact(&mut self, revision: u64, state: &Json, slices: &Arc<Slices>, durability: Durability) {
        let Some(store) = &mut self.store else { return };
        let kept = || {
            let (state, slices) = (state.clone(), slices.clone());
            move || kept_state(&state, &slices, durability)
        };
        store.compact(revision, kept, &self.mutations);
    }
}

/// What of a state is kept.
fn kept_state(state: &Json, slices: &Slices, durability: Durability) -> Json {
    let other = Retention::whole(durability);
    let kept = |(name, value): (&str, &Json)| {
        let retention = slices.get(name).map_or(&other, |declared| &declared.retention);
        Some((name.to_owned(), retention.kept(value)?))
    };
    state.members().filter_map(kept).collect()
}

impl Live {
    /// Wakes everybody where much or long has passed since the last time, so that what they have can still be resumed from.
    fn tell_of_progress(&mut self, revision: u64, wakers: &mut Vec<Waker>) {
        let far = self.log.passed() - self.told.passed > self.log.limit() as u64 / 4;
        let now = Instant::now();
        if far || now.duration_since(self.told.at) >= PROGRESS {
            (self.told.passed, self.told.at) = (self.log.passed(), now);
            self.topics.tell_all(revision, wakers);
        }
    }
}

impl Candidate {
    /// Whether what was checked on `base` is the same in `head`, so that carrying the commit out there needs no new check.
    fn still_holds(&self, base: &Head, head: &Head) -> bool {
        self.checked.iter().all(|name| match (base.state.member(name), head.state.member(name)) {
            (Some(then), Some(now)) => then.is_same(now),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        })
    }
}

/// Waits until a commit is on the disk. Blocks.
pub(crate) fn synced(mark: &Mark) -> Result<(), CommitError> {
    mark.sync().map_err(|error| CommitError::NotPersisted(error.to_string()))
}

fn carry_out(commit: &CommitParams, base: &Head) -> Result<Candidate, CommitError> {
    let mut state = base.state.clone();
    let (records, growth) = apply(&mut state, &commit.ops).map_err(|refused| refusal(refused, base))?;
    Ok(Candidate { state, records, growth, checked: Vec::new() })
}

/// What is told of operations that cannot be carried out on `base`.
pub(super) fn refusal(refused: Refused, base: &Head) -> CommitError {
    match refused {
        Refused::Invalid(violation) => CommitError::Invalid(vec![violation]),
        Refused::Failed(path) => {
            CommitError::Conflict { current: base.version(), path: Some(path.as_str().to_owned()) }
        }
    }
}

fn changed_slices(records: &[Recorded]) -> Vec<String> {
    let mut names: Vec<String> =
        records.iter().filter_map(|record| Some(record.op.path().slice()?.into_owned())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn check_mutation(mutation: Option<&Mutation>) -> Result<(), CommitError> {
    match mutation.map(|mutation| mutation.client.len()) {
        Some(0) => Err(CommitError::Invalid(vec![Violation::new("", "the mutation's client has no name")])),
        Some(length) if length > CLIENT_BYTES => {
            let message = format!("the name of the mutation's client is longer than {CLIENT_BYTES} bytes");
            Err(CommitError::Invalid(vec![Violation::new("", message)]))
        }
        Some(_) | None => Ok(()),
    }
}
