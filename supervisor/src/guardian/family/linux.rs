//! The kernel hands every orphan to the guardian, so that the family is what is below it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::{ProcessId, tree};

/// Looks for newcomers among our children before those who have ended are waited for.
const LOOKS: usize = 256;

/// The family of this guardian's program.
pub(in crate::guardian) struct Family {
    /// The children of this process, as the kernel tells them at each reading: for when there is no descriptor to look for
    /// them. None where it does not tell them.
    children: Option<File>,
}

impl Family {
    /// Orphans come to this process from now on.
    pub(in crate::guardian) fn new() -> io::Result<Family> {
        let _ = rustix::thread::set_name(c"sf-guardian");
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // This process has one thread.
        let children = match File::open("/proc/thread-self/children") {
            Ok(children) => Some(children),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Family { children })
    }

    /// The program is started now.
    pub(in crate::guardian) fn begins(&mut self, _program: ProcessId, _mark: &str) {}

    /// Who lives of it.
    pub(in crate::guardian) fn living(&mut self) -> Vec<ProcessId> {
        tree::below(std::process::id())
    }

    /// Likewise, and whether nobody can have been missed. `ended` are those whose end was met by the looks before.
    pub(in crate::guardian) fn look(&mut self, ended: &mut HashSet<u32>) -> tree::Look {
        tree::look(std::process::id(), ended)
    }

    /// Ends those children of this process that are there, though nobody can be looked for; what they leave behind comes here.
    /// A number is nobody else's before we have waited for it.
    pub(in crate::guardian) fn end_children(&mut self) {
        let mut seen = HashSet::new();
        for _ in 0..LOOKS {
            let mut new = self.children();
            new.retain(|child| seen.insert(*child));
            if new.is_empty() {
                return;
            }
            for child in new.into_iter().filter(|child| lives(*child)) {
                let _ = kill_process(child, Signal::KILL);
            }
        }
    }

    fn children(&self) -> Vec<Pid> {
        let (mut text, mut read) = (Vec::new(), [0; 4 << 10]);
        while let Some(Ok(length @ 1..)) =
            self.children.as_ref().map(|children| children.read_at(&mut read, text.len() as u64))
        {
            text.extend_from_slice(&read[..length]);
        }
        let numbers =
            text.split(u8::is_ascii_whitespace).filter_map(|number| str::from_utf8(number).ok()?.parse().ok());
        numbers.filter_map(Pid::from_raw).collect()
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

/// Whether a process is a child of ours that has not ended. Its end is not taken here.
fn lives(child: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::Pid(child), options), Ok(None))
}
