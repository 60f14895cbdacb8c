//! Orphans, where this process adopts them: what a program had below it comes here when its guardian is killed, whatever it
//! has done to its session and its environment. A property of the whole process.

use std::collections::HashSet;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::ProcessId;
use crate::process::{self, Process};

/// Guardians after which those that are gone are looked for.
const MANY: usize = 1024;

/// The sessions of what was below this process when it began to adopt: none of ours. Nothing before that.
static STRANGERS: OnceLock<HashSet<u32>> = OnceLock::new();

/// The guardians that live: children of ours that are in other sessions and no orphans.
static GUARDIANS: Mutex<Option<HashSet<ProcessId>>> = Mutex::new(None);

/// From now on, orphans come here. Does nothing where the system cannot do that.
pub(crate) fn adopt() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        STRANGERS.get_or_init(|| {
            let before = crate::tree::below(std::process::id());
            before.iter().filter_map(|id| process::process(id.pid)).map(|process| process.session).collect()
        });
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
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
        && Some(process.session) != session()
        && !strangers.contains(&process.session)
        && !is_guardian(process)
}

/// Whether orphans tell whose they were by coming here: to a process 1 all orphans of the system come.
pub(crate) fn are_ours() -> bool {
    std::process::id() != 1
}

/// Takes notice of the ends of those who came here: nobody else waits for them, whoever they were.
pub(crate) fn reap() {
    if STRANGERS.get().is_none() {
        return;
    }
    let children = process::children(std::process::id());
    children.into_iter().filter_map(process::process).for_each(|process| reap_one(&process));
}

/// Takes notice of the end of a process, as it was seen, if it is one that came here.
pub(crate) fn reap_one(process: &Process) {
    let came = STRANGERS.get().is_some() && process.parent == std::process::id() && Some(process.session) != session();
    if !process.is_dead || !came || is_guardian(process) {
        return;
    }
    let pid = i32::try_from(process.id.pid).ok().and_then(rustix::process::Pid::from_raw);
    let _ = rustix::process::waitpid(pid, rustix::process::WaitOptions::NOHANG);
}

/// One that could not be looked at when it was started is known by its number.
fn is_guardian(process: &Process) -> bool {
    let is = |id: &ProcessId| id.pid == process.id.pid && (id.started == 0 || id.started == process.id.started);
    guardians().as_ref().is_some_and(|guardians| guardians.iter().any(is))
}

/// Whether there is a process of this number, for which no descriptor is needed.
fn is_taken(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// As `/proc` tells it: 0 where the session is of another namespace, which `getsid` would be asked for in vain.
fn session() -> Option<u32> {
    process::process(std::process::id()).map(|process| process.session)
}

fn guardians() -> MutexGuard<'static, Option<HashSet<ProcessId>>> {
    GUARDIANS.lock().unwrap_or_else(PoisonError::into_inner)
}
