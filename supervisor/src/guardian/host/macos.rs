//! By an event. Type-checked, and not run.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::event::kqueue::ProcessEvents;

use crate::guardian::queue::Queue;

/// A queue that is readable when the host has ended.
pub(in crate::guardian) struct Host(Queue);

impl Host {
    /// None when there is no such process.
    pub(in crate::guardian) fn watch(pid: u32) -> io::Result<Option<Host>> {
        let queue = Queue::new()?;
        Ok(queue.add(pid, ProcessEvents::EXIT)?.then_some(Host(queue)))
    }

    pub(in crate::guardian) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}
