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

/// The newest runs of a sidecar.
#[derive(Default)]
pub(crate) struct Runs {
    kept: Mutex<VecDeque<Arc<RunLog>>>,
    newest: watch::Sender<u64>,
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
            let mut kept = self.kept();
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
            let [stdout, stderr] = &run.outputs;
            let last_offset = LastOffset { stdout: stdout.end(), stderr: stderr.end() };
            let exit = exit.map_or(RunExit { code: None, signal: None }, Into::into);
            run.end.send_replace(Some(RunEnd { exit, last_offset }));
        }
    }

    fn run(&self, generation: u64) -> Option<Arc<RunLog>> {
        self.kept().iter().find(|run| run.generation == generation).cloned()
    }

    /// The oldest kept run behind this one.
    fn behind(&self, generation: u64) -> Option<Arc<RunLog>> {
        self.kept().iter().find(|run| run.generation > generation).cloned()
    }

    fn newest(&self) -> Option<Arc<RunLog>> {
        self.kept().back().cloned()
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<RunLog>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunLog {
    /// Bytes that it holds.
    fn held(&self) -> u64 {
        self.outputs.iter().map(|output| output.end() - output.start()).sum()
    }
}
