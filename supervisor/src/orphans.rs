//! Orphans, where this process adopts them: what a program had below it comes here when its guardian is killed, whatever it
//! has done to its session and its environment. A property of the whole process.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::process::Process;

/// Whether orphans come here.
static COME_HERE: AtomicBool = AtomicBool::new(false);

/// The guardians that live: the only children of ours that are in other sessions and no orphans.
static GUARDIANS: Mutex<Option<HashSet<u32>>> = Mutex::new(None);

/// From now on, orphans come here. Does nothing where the system cannot do that.
pub(crate) fn adopt() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        COME_HERE.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// Starts a guardian, which at no moment is taken for an orphan.
pub(crate) fn begin<T, E>(start: impl FnOnce() -> Result<T, E>, pid: impl FnOnce(&T) -> u32) -> Result<T, E> {
    let mut guardians = guardians();
    let started = start()?;
    guardians.get_or_insert_default().insert(pid(&started));
    Ok(started)
}

/// A guardian has ended, and its parent has taken notice.
pub(crate) fn ended(pid: u32) {
    if let Some(guardians) = guardians().as_mut() {
        guardians.remove(&pid);
    }
}

/// Whether a process, as it was seen, came here as an orphan. What this process starts itself stays in its session, unless it
/// leaves that by itself; nobody who ever left it can come back.
pub(crate) fn is_one(process: &Process) -> bool {
    COME_HERE.load(Ordering::Relaxed)
        && process.parent == std::process::id()
        && Some(process.session) != session()
        && !guardians().as_ref().is_some_and(|guardians| guardians.contains(&process.id.pid))
}

/// Takes notice of the end of one that came here: nobody else waits for it.
pub(crate) fn reap(process: &Process) {
    let pid = i32::try_from(process.id.pid).ok().and_then(rustix::process::Pid::from_raw);
    if process.is_dead && is_one(process) {
        let _ = rustix::process::waitpid(pid, rustix::process::WaitOptions::NOHANG);
    }
}

fn session() -> Option<u32> {
    rustix::process::getsid(None).ok().map(|session| session.as_raw_pid().cast_unsigned())
}

fn guardians() -> MutexGuard<'static, Option<HashSet<u32>>> {
    GUARDIANS.lock().unwrap_or_else(PoisonError::into_inner)
}
