//! Events of processes, by kqueue. Type-checked, and not run.

#![allow(unsafe_code, reason = "kevent is unsafe for events that name descriptors; none of these does")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::Timespec;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent_timespec, kqueue};
use rustix::io::Errno;
use rustix::process::Pid;

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// A queue of events, readable when there are some.
pub(super) struct Queue(OwnedFd);

impl Queue {
    pub(super) fn new() -> io::Result<Queue> {
        let queue = kqueue()?;
        rustix::io::fcntl_setfd(&queue, rustix::io::FdFlags::CLOEXEC)?;
        Ok(Queue(queue))
    }

    /// Waits for what a process does, each time anew. Whether there is such a process.
    pub(super) fn add(&self, pid: u32, events: ProcessEvents) -> io::Result<bool> {
        let Some(pid) = Pid::from_raw(pid.cast_signed()) else { return Ok(false) };
        let filter = EventFilter::Proc { pid, flags: events };
        let change = Event::new(filter, EventFlags::ADD | EventFlags::CLEAR, std::ptr::null_mut());
        let mut none: [Event; 0] = [];
        // SAFETY: the event names a process and no descriptor.
        match unsafe { kevent_timespec(&self.0, &[change], &mut none, Some(&AT_ONCE)) } {
            Ok(_) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what has happened.
    pub(super) fn drain(&self) {
        let mut events = Vec::with_capacity(64);
        loop {
            events.clear();
            // SAFETY: no event is added.
            let took =
                unsafe { kevent_timespec(&self.0, &[], rustix::buffer::spare_capacity(&mut events), Some(&AT_ONCE)) };
            if !matches!(took, Ok(count) if count > 0) {
                return;
            }
        }
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
