//! What a sidecar writes, run after run: kept within bounds, and read by offset. Knows nothing of why there are several runs.

mod reader;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sixframe_supervisor::{Child, Exit, KeptOutput, Stream};
use tokio::sync::watch;

pub(crate) use reader::read;

use super::api::{LastOffset, RunExit};

/// Most runs that are kept.
const RUNS: usize = 16;

/// Of how many runs that are not kept any more it is known how much they wrote.
const PASSED: usize = 1024;

/// The newest runs of a sidecar.
#[derive(Default)]
pub(crate) struct Runs {
    books: Mutex<Books>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Books {
    kept: VecDeque<Arc<RunLog>>,
    /// Those that were kept before, by generation, with where their outputs end.
    passed: VecDeque<(u64, [u64; 2])>,
}

/// Runs that are not kept any more, one behind the other.
pub(super) struct Missing {
    pub(super) first: u64,
    pub(super) last: u64,
    /// For each output, where in the first run it begins to be missing, and behind how many bytes of all of them it is there
    /// again.
    pub(super) bytes: [(u64, u64); 2],
}

/// What one run has written.
pub(super) struct RunLog {
    pub(super) generation: u64,
    pub(super) outputs: [KeptOutput; 2],
    pub(super) process: watch::Sender<Option<u32>>,
    pub(super) end: watch::Sender<Option<RunEnd>>,
}

/// How a run has ended.
#[derive(Clone, Copy)]
pub(super) struct RunEnd {
    pub(super) exit: RunExit,
    pub(super) last_offset: LastOffset,
}

impl Runs {
    /// A run begins. Of earlier runs, the newest are kept that hold no more than this one may.
    pub(crate) fn begin(&self, generation: u64, child: &Child, log_bytes: u64) {
        let outputs = [Stream::Stdout, Stream::Stderr].map(|stream| child.output(stream));
        let (process, end) = (watch::Sender::new(None), watch::Sender::new(None));
        let mut dropped = Vec::new();
        {
            let mut books = self.books();
            let Books { kept, passed } = &mut *books;
            kept.push_back(Arc::new(RunLog { generation, outputs, process, end }));
            let room = log_bytes.saturating_mul(2);
            let earlier = kept.len() - 1;
            let mut held = 0_u64;
            let fits = |run: &&Arc<RunLog>| {
                held = held.saturating_add(run.held());
                held <= room
            };
            let kept_earlier = kept.iter().rev().skip(1).take(RUNS - 1).take_while(fits).count();
            dropped.extend(kept.drain(..earlier - kept_earlier));
            passed.extend(dropped.iter().map(|run| (run.generation, run.ends())));
            let forgotten = passed.len().saturating_sub(PASSED);
            passed.drain(..forgotten);
        }
        drop(dropped);
        self.newest.send_replace(generation);
    }

    /// The run has a process.
    pub(crate) fn has_process(&self, generation: u64, pid: u32) {
        if let Some(run) = self.run(generation) {
            run.process.send_replace(Some(pid));
        }
    }

    /// Nothing of the run is left.
    pub(crate) fn end(&self, generation: u64, exit: Option<Exit>) {
        if let Some(run) = self.run(generation) {
            let [stdout, stderr] = run.ends();
            let last_offset = LastOffset { stdout, stderr };
            let exit = exit.map_or(RunExit { code: None, signal: None }, Into::into);
            run.end.send_replace(Some(RunEnd { exit, last_offset }));
        }
    }

    fn run(&self, generation: u64) -> Option<Arc<RunLog>> {
        self.books().kept.iter().find(|run| run.generation == generation).cloned()
    }

    /// The oldest kept run behind this one, and what is missing in between, from `offset` in the first of those on.
    fn behind(&self, generation: u64, offset: u64) -> Option<(Arc<RunLog>, Option<Missing>)> {
        let books = self.books();
        let run = books.kept.iter().find(|run| run.generation > generation)?;
        let (first, last) = (generation + 1, run.generation - 1);
        let missing = (first <= last).then(|| {
            let lost = |at: usize| {
                let of = books.passed.iter().filter(|(run, _)| (first..=last).contains(run));
                let all: u64 = of.map(|(_, ends)| ends[at]).sum();
                (offset.min(all), all)
            };
            Missing { first, last, bytes: [lost(0), lost(1)] }
        });
        Some((Arc::clone(run), missing))
    }

    fn newest(&self) -> Option<Arc<RunLog>> {
        self.books().kept.back().cloned()
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunLog {
    /// Where its outputs end.
    fn ends(&self) -> [u64; 2] {
        [self.outputs[0].end(), self.outputs[1].end()]
    }

    /// Bytes that it holds.
    fn held(&self) -> u64 {
        self.outputs.iter().map(|output| output.end() - output.start()).sum()
    }
}
