//! A guardian as a process whose end is seen, whoever else looks at it. Knows nothing of its lease.

use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::process::Child;

/// The pause between two looks at whether the end of one that has ended is told to us: that of one that is traced is told to its
/// tracer first.
const AGAIN: Duration = Duration::from_millis(5);

/// A guardian. Dropping it ends nobody.
pub(super) struct Guardian {
    child: Child,
    /// Readable from its end on; none where the system has no such descriptor, or none for us. Only that tells the end of one
    /// that is traced.
    end: Option<pipe::Receiver>,
}

impl Guardian {
    pub(super) fn new(child: Child) -> Guardian {
        let end = child.id().and_then(end_of);
        Guardian { child, end }
    }

    /// Waits until it has ended. May be dropped and called again at any time.
    pub(super) async fn ended(&mut self) {
        match &self.end {
            Some(end) => drop(end.readable().await),
            None => drop(self.child.wait().await),
        }
    }

    /// Takes notice of its end, as soon as that is told to us: whether it has ended by itself, as far as that can be seen. May be
    /// dropped and called again at any time.
    pub(super) async fn reap(&mut self) -> bool {
        self.ended().await;
        // Not by waiting as above: that would look without a pause.
        loop {
            match self.child.try_wait() {
                Ok(None) => tokio::time::sleep(AGAIN).await,
                Ok(Some(status)) => return status.code().is_some(),
                Err(_) => return false,
            }
        }
    }

    /// Whether its end was taken notice of: another process may have its number since.
    pub(super) fn is_reaped(&self) -> bool {
        self.child.id().is_none()
    }

    pub(super) fn kill(&mut self) {
        // One that has ended needs no killing.
        let _ = self.child.start_kill();
    }
}

/// Nobody else has the number of a child that was not waited for.
#[cfg(target_os = "linux")]
fn end_of(pid: u32) -> Option<pipe::Receiver> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let end = pidfd_open(Pid::from_raw(pid.cast_signed())?, PidfdFlags::empty()).ok()?;
    // It is no pipe, but is waited for like one; nothing is read.
    pipe::Receiver::from_owned_fd_unchecked(end).ok()
}

#[cfg(not(target_os = "linux"))]
fn end_of(_pid: u32) -> Option<pipe::Receiver> {
    None
}
