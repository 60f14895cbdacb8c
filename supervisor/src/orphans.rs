//! Orphans, where this process adopts them: what a program had below it comes here when its guardian is killed, whatever it
//! has done to its session and its environment. A property of the whole process.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::ProcessId;
use crate::process::{self, Process, UNSEEN};

/// Guardians after which those that are gone are looked for.
const MANY: usize = 1024;

/// The sessions of what was below this process when it began to adopt: none of ours. Nothing before that.
static STRANGERS: OnceLock<HashSet<u32>> = OnceLock::new();

/// The guardians that live: children of ours that are in other sessions and no orphans.
static GUARDIANS: Mutex<Option<HashSet<ProcessId>>> = Mutex::new(None);

/// How long a process 1 leaves one that has ended in its own session to whoever started it: no orphan has anybody.
pub(crate) const CLAIM: Duration = Duration::from_secs(2);

/// Those, and since when they have been seen.
static UNCLAIMED: Mutex<Option<HashMap<ProcessId, Instant>>> = Mutex::new(None);

/// From now on, orphans come here. Does nothing where the system cannot do that.
pub(crate) fn adopt() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // By their numbers alone: some may not be shown.
        let before = crate::tree::below(std::process::id());
        let strangers = before.iter().filter_map(|id| process::session(id.pid)).collect();
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        STRANGERS.get_or_init(|| strangers);
    }
    Ok(())
}

/// Starts a guardian, which at no moment is taken for an orphan.
pub(crate) fn begin<T, E>(start: impl FnOnce() -> Result<T, E>, id: impl FnOnce(&T) -> ProcessId) -> Result<T, E> {
    let mut guardians = guardians();
    let guardians = guardians.get_or_insert_default();
    if guardians.len() >= MANY {
        guardians.retain(|id| is_taken(id.pid));
    }
    let started = start()?;
    guardians.insert(id(&started));
    Ok(started)
}

/// A guardian has ended, and its parent has taken notice.
pub(crate) fn ended(guardian: ProcessId) {
    if let Some(guardians) = guardians().as_mut() {
        guardians.remove(&guardian);
    }
}

/// Whether a process, as it was seen, came here as an orphan. What this process starts itself stays in its session, unless it
/// leaves that by itself; nobody who ever left it can come back.
pub(crate) fn is_one(process: &Process) -> bool {
    let Some(strangers) = STRANGERS.get() else { return false };
    process.parent == std::process::id()
        && is_elsewhere(process)
        && !strangers.contains(&process.session)
        && !is_guardian(process.id)
}

/// Whether a process is a child of this one, and no guardian, wherever it came from.
pub(crate) fn is_child(process: &Process) -> bool {
    process.parent == std::process::id() && !is_guardian(process.id)
}

/// Whether all orphans of our programs, and no others, come here: to a process 1 all orphans of the system do.
pub(crate) fn are_ours() -> bool {
    STRANGERS.get().is_some() && std::process::id() != 1
}

/// Takes notice of the ends of those who came here: nobody else waits for them, whoever they were. Whether it is to be asked
/// again behind [`CLAIM`].
pub(crate) fn reap() -> bool {
    if STRANGERS.get().is_none() {
        return false;
    }
    let mut unclaimed = UNCLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    let before = unclaimed.take().unwrap_or_default();
    let mut still = HashMap::new();
    for pid in process::children(std::process::id()) {
        match process::look(pid) {
            Ok(Some(process)) if is_unclaimed(&process) => {
                let since = before.get(&process.id).copied().unwrap_or_else(Instant::now);
                if since.elapsed() >= CLAIM {
                    take_notice(process.id);
                } else {
                    still.insert(process.id, since);
                }
            }
            Ok(Some(process)) => reap_one(&process),
            Ok(None) => drop(hidden_one(pid)),
            Err(_) => (),
        }
    }
    let waits = !still.is_empty();
    *unclaimed = Some(still);
    waits
}

/// Whether a process that has ended may be an orphan though it is in our session, as where both are of another namespace.
fn is_unclaimed(process: &Process) -> bool {
    std::process::id() == 1 && process.is_dead && !is_elsewhere(process) && !is_guardian(process.id)
}

/// Those who came here and are not shown, as where `/proc` has `hidepid`. Takes notice of the ends of those that have ended.
pub(crate) fn hidden() -> Vec<ProcessId> {
    let unseen =
        process::children(std::process::id()).into_iter().filter(|pid| matches!(process::look(*pid), Ok(None)));
    unseen.filter_map(hidden_one).collect()
}

#[cfg(target_os = "linux")]
fn hidden_one(pid: u32) -> Option<ProcessId> {
    let (strangers, id) = (STRANGERS.get()?, ProcessId { pid, started: UNSEEN });
    let session = process::session(pid)?;
    if Some(session) == process::session(std::process::id()) || strangers.contains(&session) || is_guardian(id) {
        return None;
    }
    let number = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)?;
    let waited = rustix::process::waitpid(Some(number), rustix::process::WaitOptions::NOHANG);
    matches!(waited, Ok(None)).then_some(id)
}

#[cfg(not(target_os = "linux"))]
fn hidden_one(_pid: u32) -> Option<ProcessId> {
    None
}

/// Takes notice of the end of a process, as it was seen, if it is one that came here.
pub(crate) fn reap_one(process: &Process) {
    let came = STRANGERS.get().is_some() && process.parent == std::process::id() && is_elsewhere(process);
    if !process.is_dead || !came || is_guardian(process.id) {
        return;
    }
    take_notice(process.id);
}

fn take_notice(id: ProcessId) {
    if let Some(pid) = i32::try_from(id.pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
    }
}

/// One that could not be looked at, now or when it was started, is known by its number.
fn is_guardian(process: ProcessId) -> bool {
    let same_start = |id: &ProcessId| [id.started, process.started].contains(&UNSEEN) || id.started == process.started;
    let is = |id: &ProcessId| id.pid == process.pid && same_start(id);
    guardians().as_ref().is_some_and(|guardians| guardians.iter().any(is))
}

/// Whether there is a process of this number, for which no descriptor is needed.
pub(crate) fn is_taken(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether a process has left our session, as `/proc` tells them: 0 where it is of another namespace. Where we cannot look at
/// our own, it has not: what we start ourselves is in it.
fn is_elsewhere(process: &Process) -> bool {
    process::process(std::process::id()).is_some_and(|own| own.session != process.session)
}

fn guardians() -> MutexGuard<'static, Option<HashSet<ProcessId>>> {
    GUARDIANS.lock().unwrap_or_else(PoisonError::into_inner)
}
