//! What the system tells of processes: who they are, whose children they are, and how to reach exactly one of them. Knows
//! nothing of guardians and hosts.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;

#[cfg(target_os = "linux")]
pub(crate) use system::session;
#[cfg(unix)]
pub(crate) use system::{
    boot_id, children, each, hides_descriptors, is_held, look, may_pass_sockets, signal, stands_still, tells_children,
    variable,
};

#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

/// How long those that are held may take to stand still, and the pause between two glances at them.
#[cfg(unix)]
const STANDSTILL: Duration = Duration::from_millis(500);
#[cfg(unix)]
const GLANCE: Duration = Duration::from_millis(1);

/// When a child of ours was started that the system does not show us.
#[cfg(unix)]
pub(crate) const UNSEEN: u64 = 0;

/// The process with this number; none when there is none, or none that can be seen.
#[cfg(unix)]
pub(crate) fn process(pid: u32) -> Option<Process> {
    look(pid).ok().flatten()
}

/// All processes that can be seen.
#[cfg(unix)]
pub(crate) fn all() -> Vec<Process> {
    let mut found = Vec::new();
    // For whoever looks again and again: what there was no room for is met the next time.
    let _ = each(|process| found.push(process));
    found
}

/// Stops these processes. Gives whether they stand still, or are gone.
#[cfg(unix)]
pub(crate) async fn hold(ids: &[ProcessId]) -> bool {
    ids.iter().for_each(|id| signal(*id, Signal::STOP));
    // What cannot be seen is not known to stand still.
    let is_gone = |id: &ProcessId| look(id.pid).is_ok_and(|now| now.is_none_or(|now| now.id != *id));
    let is_still = |id: &ProcessId| id.started != UNSEEN && (is_gone(id) || stands_still(id.pid));
    let begun = Instant::now();
    while !ids.iter().all(is_still) {
        if begun.elapsed() >= STANDSTILL {
            return false;
        }
        tokio::time::sleep(GLANCE).await;
    }
    true
}

/// No process is stopped here.
#[cfg(windows)]
pub(crate) async fn hold(_: &[ProcessId]) -> bool {
    false
}

/// A process, not to be confused with a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessId {
    /// The number that the system uses for it while it lives, and for others afterwards.
    pub pid: u32,
    /// When it was started, in a unit of the system's own: clock ticks since boot on Linux, microseconds since 1970 on
    /// macOS, 100 ns since 1601 on Windows.
    pub started: u64,
}

/// A process at a moment.
#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) parent: u32,
    pub(crate) session: u32,
    /// It has ended, and its parent has not taken notice yet.
    pub(crate) is_dead: bool,
}
