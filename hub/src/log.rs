//! The latest commits, bounded in bytes: what patches are made from. Knows nothing of who reads them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::Mutation;
use crate::state::Recorded;

/// Commits that are kept, and dropped, together.
const CHUNK: usize = 64;

/// One commit: what it changed, and whose mutation it was.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) revision: u64,
    pub(crate) records: Box<[Recorded]>,
    pub(crate) mutation: Option<Mutation>,
    bytes: usize,
}

impl Entry {
    pub(crate) fn new(revision: u64, records: Vec<Recorded>, mutation: Option<Mutation>) -> Entry {
        let bytes = 64 + records.iter().map(Recorded::cost).sum::<usize>();
        Entry { revision, records: records.into(), mutation, bytes }
    }
}

/// A ring of commits. The revisions in it have no holes.
#[derive(Debug)]
pub(crate) struct Log {
    sealed: VecDeque<Arc<Vec<Arc<Entry>>>>,
    open: Vec<Arc<Entry>>,
    open_bytes: usize,
    bytes: usize,
    limit: usize,
    /// The revision before the oldest commit that is kept.
    floor: u64,
    /// Bytes of all commits ever, to know when many have passed.
    passed: u64,
}

impl Log {
    /// Without commits, behind `revision`.
    pub(crate) fn new(revision: u64, limit: usize) -> Log {
        Log { sealed: VecDeque::new(), open: Vec::new(), open_bytes: 0, bytes: 0, limit, floor: revision, passed: 0 }
    }

    pub(crate) fn push(&mut self, entry: Arc<Entry>) {
        let entry_bytes = entry.bytes;
        self.bytes += entry.bytes;
        self.passed += entry.bytes as u64;
        self.open.push(entry);
        self.open_bytes += entry_bytes;
        if self.open.len() == CHUNK || self.open_bytes > self.limit / 8 {
            self.open_bytes = 0;
            self.sealed.push_back(Arc::new(std::mem::take(&mut self.open)));
        }
        while self.bytes > self.limit
            && let Some(oldest) = self.sealed.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// The commits behind `revision`; `None` where some are not kept any more.
    pub(crate) fn since(&self, revision: u64) -> Option<Since> {
        if revision < self.floor {
            return None;
        }
        let behind = |entries: &[Arc<Entry>]| entries.last().is_some_and(|last| last.revision > revision);
        let first = self.sealed.partition_point(|chunk| !behind(chunk));
        let open = if behind(&self.open) { self.open.clone() } else { Vec::new() };
        Some(Since { sealed: self.sealed.range(first..).cloned().collect(), open, after: revision })
    }

    /// The oldest commit that is kept with this revision or a later one.
    pub(crate) fn oldest(&self, revision: u64) -> Option<Arc<Entry>> {
        let before = revision.saturating_sub(1).max(self.floor);
        self.since(before)?.entries().next().cloned()
    }

    /// Bytes of all commits ever.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    fn forget(&mut self, entries: &[Arc<Entry>]) {
        self.bytes -= entries.iter().map(|entry| entry.bytes).sum::<usize>();
        self.floor = entries.last().map_or(self.floor, |last| last.revision);
    }
}

/// Commits behind a revision, held without holding up the log.
#[derive(Debug)]
pub(crate) struct Since {
    sealed: Vec<Arc<Vec<Arc<Entry>>>>,
    open: Vec<Arc<Entry>>,
    after: u64,
}

impl Since {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let all = self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.open);
        all.filter(|entry| entry.revision > self.after)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Recorded> {
        self.entries().flat_map(|entry| entry.records.iter())
    }
}
