//! The kernel hands orphans to `launchd`: the family is recorded before that, at each fork of a member, and what was missed
//! is found by its mark. Type-checked, and not run.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::event::kqueue::ProcessEvents;

use crate::guardian::queue::Queue;
use crate::mark::VARIABLE;
use crate::tree::Look;
use crate::{ProcessId, process};

/// The family of this guardian's program.
pub(in crate::guardian) struct Family {
    queue: Queue,
    members: BTreeMap<u32, ProcessId>,
    mark: Vec<u8>,
}

impl Family {
    /// Nobody yet.
    pub(in crate::guardian) fn new() -> io::Result<Family> {
        Ok(Family { queue: Queue::new()?, members: BTreeMap::new(), mark: Vec::new() })
    }

    /// The program is started now, and what it starts carries `mark`.
    pub(in crate::guardian) fn begins(&mut self, program: ProcessId, mark: &str) {
        self.mark = mark.as_bytes().to_vec();
        self.record(program);
        // What it has started before it was watched.
        self.living();
    }

    /// Who lives of it.
    pub(in crate::guardian) fn living(&mut self) -> Vec<ProcessId> {
        self.members.retain(|pid, id| process::process(*pid).is_some_and(|now| now.id == *id && !now.is_dead));
        let mut open: Vec<u32> = self.members.keys().copied().collect();
        open.push(std::process::id());
        while let Some(pid) = open.pop() {
            for child in process::children(pid) {
                if !self.members.contains_key(&child)
                    && let Some(process) = process::process(child).filter(|process| !process.is_dead)
                {
                    self.record(process.id);
                    open.push(child);
                }
            }
        }
        self.members.values().copied().collect()
    }

    /// Likewise: who comes to another parent meanwhile is recorded already.
    pub(in crate::guardian) fn look(&mut self, _ended: &mut HashSet<u32>) -> Look {
        Look { living: self.living(), is_whole: true }
    }

    /// Ends those who could not be looked for. A look needs no descriptor here.
    pub(in crate::guardian) fn end_children(&mut self) {}

    /// Who lives of it though it is no child of this process any more. Asked when nobody else is left, so that the dear look
    /// at every process's environment is worth it.
    pub(in crate::guardian) fn has_strays(&mut self) -> bool {
        let is_ours = |value: &[u8]| matches!(value.strip_prefix(&self.mark[..]), Some([] | [b'/', ..]));
        let carries =
            |pid: u32| process::variable(pid, VARIABLE).is_ok_and(|value| value.is_some_and(|value| is_ours(&value)));
        let own = std::process::id();
        let marked: Vec<ProcessId> = process::all()
            .into_iter()
            .filter(|process| process.id.pid != own && !process.is_dead && carries(process.id.pid))
            .map(|process| process.id)
            .collect();
        marked.into_iter().for_each(|id| self.record(id));
        !self.living().is_empty()
    }

    /// Readable when a member has started another, or has ended.
    pub(in crate::guardian) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.queue.as_fd())
    }

    /// The descriptor was readable: whoever is new is recorded while its parent is still known.
    pub(in crate::guardian) fn has_changed(&mut self) {
        self.queue.drain();
        self.living();
    }

    fn record(&mut self, id: ProcessId) {
        // One that has ended already needs no watching.
        let _ = self.queue.add(id.pid, ProcessEvents::FORK | ProcessEvents::EXIT);
        self.members.insert(id.pid, id);
    }
}
