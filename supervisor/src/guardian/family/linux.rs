//! The kernel hands every orphan to the guardian, so that the family is what is below it.

use std::io;
use std::os::fd::BorrowedFd;

use crate::{ProcessId, tree};

/// The family of this guardian's program.
pub(in crate::guardian) struct Family;

impl Family {
    /// Orphans come to this process from now on.
    pub(in crate::guardian) fn new() -> io::Result<Family> {
        let _ = rustix::thread::set_name(c"sf-guardian");
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Family)
    }

    /// The program is started now.
    pub(in crate::guardian) fn begins(&mut self, _program: ProcessId, _mark: &str) {}

    /// Who lives of it.
    pub(in crate::guardian) fn living(&mut self) -> Vec<ProcessId> {
        tree::below(std::process::id())
    }

    /// Who lives of it though it is no child of this process any more: nobody.
    pub(in crate::guardian) fn has_strays(&mut self) -> bool {
        false
    }

    /// Readable when the family changes in a way that no signal tells.
    pub(in crate::guardian) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    pub(in crate::guardian) fn has_changed(&mut self) {}
}
