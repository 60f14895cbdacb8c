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
        listening.told = head;
    }
    let entry = Arc::new(Registered { after: head, over: AtomicBool::new(false), callback: Mutex::new(callback) });
    listening.listeners.push(entry.clone());
    Listener { hub: Arc::downgrade(shared), entry }
}

/// Calls the listeners with what was committed since the last time, unless somebody is at it, who will go on to the newest.
pub(super) fn deliver(shared: &Shared) {
    loop {
        let (next, listeners) = {
            let mut listening = shared.listening();
            let head = shared.head.load().revision;
            if listening.busy || listening.listeners.is_empty() || listening.told >= head {
                return;
            }
            listening.busy = true;
            (listening.told + 1, listening.listeners.clone())
        };
        let told = tell(shared, next, &listeners);
        drop(listeners);
        let mut listening = shared.listening();
        listening.busy = false;
        listening.told = told;
    }
}

/// Tells the commit `next`, or the oldest one that is still kept; gives its revision.
fn tell(shared: &Shared, next: u64, listeners: &[Arc<Registered>]) -> u64 {
    let oldest = || {
        let live = shared.live();
        (next..=live.head.revision).find_map(|revision| live.log.get(revision)).ok_or(live.head.revision)
    };
    let kept = { shared.live().log.get(next) };
    let entry = match kept.map_or_else(oldest, Ok) {
        Ok(entry) => entry,
        Err(head) => return head,
    };
    let revision = entry.revision;
    let commit = Commit { entry, missed: revision - next };
    for listener in listeners.iter().filter(|listener| listener.after < revision) {
        if listener.over.load(Ordering::SeqCst) {
            continue;
        }
        let mut callback = listener.callback.lock().unwrap_or_else(PoisonError::into_inner);
        if catch_unwind(AssertUnwindSafe(|| callback(&commit))).is_err() {
            tracing::error!(revision, "a listener panicked");
        }
    }
    revision
}
