//! Listeners within the process: each is called with every commit, in order, by one thread at a time. There is no queue: who
//! delivers goes along the log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Shared;
use crate::api::Mutation;
use crate::log::Entry;
use crate::op::Op;

/// What a listener is called with.
#[derive(Debug)]
pub struct Commit {
    entry: Arc<Entry>,
    missed: u64,
}

impl Commit {
    /// Its revision.
    pub fn revision(&self) -> u64 {
        self.entry.revision
    }

    /// What it did, in order: without `test` and `merge`, and with indices in the place of `-`.
    pub fn ops(&self) -> impl Iterator<Item = &Op> {
        self.entry.records.iter().map(|record| &record.op)
    }

    /// Whose mutation it was, where it was one.
    pub fn mutation(&self) -> Option<&Mutation> {
        self.entry.mutation.as_ref()
    }

    /// How many commits before this one were not told, because the listeners took so long that they were not kept.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

/// A listener's registration. Dropping it ends the listening; a call that runs meanwhile finishes.
#[derive(Debug)]
pub struct Listener {
    hub: Weak<Shared>,
    entry: Arc<Registered>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.entry.over.store(true, Ordering::SeqCst);
        let removed = self.hub.upgrade().map(|hub| {
            let mut listening = hub.listening();
            let at = listening.listeners.iter().position(|other| Arc::ptr_eq(other, &self.entry));
            at.map(|at| listening.listeners.remove(at))
        });
        drop(removed);
    }
}

#[derive(Debug, Default)]
pub(super) struct Listening {
    listeners: Vec<Arc<Registered>>,
    /// The last revision that was told.
    told: u64,
    /// Commits before the next one that were not kept until they could be told.
    missed: u64,
    /// Whether somebody is calling listeners.
    busy: bool,
}

type Callback = Box<dyn FnMut(&Commit) + Send>;

struct Registered {
    /// Commits up to this one were there before the listener.
    after: u64,
    over: AtomicBool,
    callback: Mutex<Callback>,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registered").field("after", &self.after).finish_non_exhaustive()
    }
}

impl Shared {
    fn listening(&self) -> MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn listen(shared: &Arc<Shared>, callback: Callback) -> Listener {
    let mut listening = shared.listening();
    let head = shared.head.load().revision;
    if listening.listeners.is_empty() && !listening.busy {
        (listening.told, listening.missed) = (head, 0);
    }
    let entry = Arc::new(Registered { after: head, over: AtomicBool::new(false), callback: Mutex::new(callback) });
    listening.listeners.push(entry.clone());
    Listener { hub: Arc::downgrade(shared), entry }
}

/// Calls the listeners with what was committed since the last time, unless somebody is at it, who will go on to the newest.
pub(super) fn deliver(shared: &Shared) {
    loop {
        let (next, missed, listeners) = {
            let mut listening = shared.listening();
            let head = shared.head.load().revision;
            if listening.busy || listening.listeners.is_empty() || listening.told >= head {
                return;
            }
            listening.busy = true;
            (listening.told + 1, listening.missed, listening.listeners.clone())
        };
        let (entry, head) = {
            let live = shared.live();
            (live.log.oldest(next), live.head.revision)
        };
        let revision = entry.as_ref().map_or(head, |entry| entry.revision);
        let told = entry.map(|entry| tell(&Commit { missed: missed + entry.revision - next, entry }, &listeners));
        drop(listeners);
        let mut listening = shared.listening();
        listening.busy = false;
        listening.told = revision;
        listening.missed = if told.is_some() { 0 } else { missed + revision + 1 - next };
    }
}

fn tell(commit: &Commit, listeners: &[Arc<Registered>]) {
    let revision = commit.revision();
    for listener in listeners.iter().filter(|listener| listener.after < revision) {
        if listener.over.load(Ordering::SeqCst) {
            continue;
        }
        let mut callback = listener.callback.lock().unwrap_or_else(PoisonError::into_inner);
        if catch_unwind(AssertUnwindSafe(|| callback(commit))).is_err() {
            tracing::error!(revision, "a listener panicked");
        }
    }
}
