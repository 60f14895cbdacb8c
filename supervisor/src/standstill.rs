//! Guardians that somebody has stopped. One that stands still would not see its host end; the kernel tells a parent of that as
//! of an end, so that nobody has to ask. Knows nothing of what guardians do.

use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::AbortHandle;

use crate::{ProcessId, orphans, process};

/// The task that lets guardians go on. Dropping it ends the task.
#[derive(Default)]
pub(crate) struct Standstill(Mutex<Option<AbortHandle>>);

impl Standstill {
    /// Watches over `guardians`, where that has not begun in a runtime that still is; they are asked for each time.
    pub(crate) fn watch(&self, guardians: impl Fn() -> Vec<ProcessId> + Send + 'static) {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        // Before the first guardian is there.
        let Ok(mut told) = signal(SignalKind::child()) else { return };
        let watching = tokio::spawn(async move {
            let mut is_waiting = false;
            loop {
                tokio::select! {
                    told = told.recv() => if told.is_none() { return },
                    () = tokio::time::sleep(orphans::CLAIM), if is_waiting => (),
                }
                guardians().into_iter().for_each(let_go_on);
                is_waiting = orphans::reap();
            }
        });
        *task = Some(watching.abort_handle());
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        let task = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        task.iter().for_each(AbortHandle::abort);
    }
}

fn let_go_on(guardian: ProcessId) {
    let Some(pid) = Pid::from_raw(guardian.pid.cast_signed()) else { return };
    // Its end is not taken here.
    if let Ok(Some(_)) = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG) {
        tracing::warn!(pid = guardian.pid, "a guardian was stopped from outside and is told to go on");
        process::signal(guardian, Signal::CONT);
    }
}
