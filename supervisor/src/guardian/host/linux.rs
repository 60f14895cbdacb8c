//! By a descriptor for the process.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A descriptor that is readable when the host has ended; none on a system without them, where the lease is the only
/// witness.
pub(in crate::guardian) struct Host(Option<OwnedFd>);

impl Host {
    /// None when there is no such process.
    pub(in crate::guardian) fn watch(pid: u32) -> io::Result<Option<Host>> {
        let Some(pid) = Pid::from_raw(pid.cast_signed()) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Ok(Some(Host(Some(descriptor)))),
            Err(Errno::SRCH) => Ok(None),
            Err(Errno::NOSYS | Errno::PERM) => Ok(Some(Host(None))),
            Err(error) => Err(error.into()),
        }
    }

    pub(in crate::guardian) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(OwnedFd::as_fd)
    }
}
