//! A file for each host: for the case that the host and its guardians are killed together. An entry is believed only if the
//! system, the number and the time of the start agree, and the process carries the mark.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::mark::Instance;
use crate::sweep::{Marked, Sweep};
use crate::{ProcessId, process};

/// Bytes after which the file is written anew with what still lives.
const LONGEST: usize = 128 << 10;

/// The end of a ledger's file name.
const SUFFIX: &str = ".ledger";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The first: whose ledger it is.
    Host { instance: String, boot: String, host: ProcessId },
    /// A process of a child: its guardian, its program.
    Process { generation: u64, process: ProcessId },
    /// What else lives of a child now; it goes over what was said before.
    Members { generation: u64, members: Vec<ProcessId> },
    /// Nothing is left of a child.
    Ended { generation: u64 },
}

/// The ledger of one supervisor. It is begun with the first child. Dropping it removes the file where no child is left.
pub(crate) struct Ledger {
    path: PathBuf,
    head: Entry,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    file: Option<File>,
    written: usize,
    live: BTreeMap<u64, Family>,
}

/// What is known of a child.
#[derive(Debug, Default)]
struct Family {
    /// Its guardian, its program.
    first: Vec<ProcessId>,
    members: Vec<ProcessId>,
}

impl Ledger {
    /// Ends what the ledgers in `folder` tell of hosts that are gone and removes those; the new one is for `instance`.
    pub(crate) fn open(folder: &Path, instance: &Instance) -> Ledger {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.to_string_lossy().ends_with(SUFFIX) {
                settle(&path);
            }
        }
        let pid = std::process::id();
        let host = process::process(pid).map_or(ProcessId { pid, started: 0 }, |process| process.id);
        let head = Entry::Host { instance: instance.to_string(), boot: process::boot_id(), host };
        Ledger { path: folder.join(format!("{instance}{SUFFIX}")), head, open: Mutex::default() }
    }

    /// A process of a child. What cannot be written is not kept: the guardian is there all the same.
    pub(crate) fn add(&self, generation: u64, process: ProcessId) {
        let mut open = self.book();
        open.live.entry(generation).or_default().first.push(process);
        self.note(&mut open, &Entry::Process { generation, process });
    }

    /// What lives of a child now.
    pub(crate) fn members(&self, generation: u64, members: &[ProcessId]) {
        let mut open = self.book();
        let Some(family) = open.live.get_mut(&generation) else { return };
        let others: Vec<ProcessId> = members.iter().filter(|member| !family.first.contains(member)).copied().collect();
        if family.members != others {
            family.members.clone_from(&others);
            self.note(&mut open, &Entry::Members { generation, members: others });
        }
    }

    /// Nothing of a child is left.
    pub(crate) fn end(&self, generation: u64) {
        let mut open = self.book();
        if open.live.remove(&generation).is_some() {
            self.note(&mut open, &Entry::Ended { generation });
        }
    }

    fn note(&self, open: &mut Open, entry: &Entry) {
        let written = match &mut open.file {
            Some(file) if open.written < LONGEST => write(file, entry).map(|length| open.written += length),
            _ => self.rewrite(open),
        };
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), %error, "the ledger of child processes cannot be written");
        }
    }

    /// The new file replaces the old one at once, so that there is a whole one at any time.
    fn rewrite(&self, open: &mut Open) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            make_private(folder)?;
        }
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        write(&mut file, &self.head)?;
        for (generation, family) in &open.live {
            for process in &family.first {
                write(&mut file, &Entry::Process { generation: *generation, process: *process })?;
            }
            if !family.members.is_empty() {
                write(&mut file, &Entry::Members { generation: *generation, members: family.members.clone() })?;
            }
        }
        fs::rename(&beside, &self.path)?;
        open.file = Some(file);
        // Counted anew, so that what cannot be made shorter is not written again at every line.
        open.written = 0;
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let open = self.book();
        if open.live.is_empty() && open.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// How long the line was, in bytes.
fn write(file: &mut File, entry: &Entry) -> io::Result<usize> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line).map(|()| line.len())
}

/// Ends what is left of another supervisor's children, if its host is gone, and removes its ledger.
fn settle(path: &Path) {
    let Some(told) = fs::read_to_string(path).ok().and_then(|text| Told::of(&text)) else { return };
    if told.is_alive() {
        return;
    }
    let left = told.sweep().run();
    if left > 0 {
        tracing::warn!(left, "ended processes that an earlier run had left behind");
    }
    let _ = fs::remove_file(path);
}

/// What a ledger tells.
struct Told {
    instance: Instance,
    boot: String,
    host: ProcessId,
    live: BTreeMap<u64, Family>,
}

impl Told {
    /// A line that was torn when the power went is passed over; a file without a head tells nothing.
    fn of(text: &str) -> Option<Told> {
        let mut entries = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let Some(Entry::Host { instance, boot, host }) = entries.next() else { return None };
        let mut told = Told { instance: Instance::named(&instance), boot, host, live: BTreeMap::new() };
        for entry in entries {
            match entry {
                Entry::Process { generation, process } => told.live.entry(generation).or_default().first.push(process),
                Entry::Members { generation, members } => told.live.entry(generation).or_default().members = members,
                Entry::Ended { generation } => drop(told.live.remove(&generation)),
                Entry::Host { .. } => (),
            }
        }
        Some(told)
    }

    fn is_alive(&self) -> bool {
        let host = process::process(self.host.pid);
        self.boot == process::boot_id() && host.is_some_and(|host| host.id == self.host && !host.is_dead)
    }

    /// Numbers of another start of the system mean nothing.
    fn sweep(&self) -> Sweep {
        let marked = Marked::InSession(self.instance.clone());
        if self.boot != process::boot_id() {
            return Sweep { known: HashSet::new(), leaders: Vec::new(), marked };
        }
        let all: Vec<(u64, ProcessId)> = self
            .live
            .iter()
            .flat_map(|(generation, family)| family.first.iter().chain(&family.members).map(|id| (*generation, *id)))
            .collect();
        let known =
            all.iter().filter(|(generation, id)| self.carries_mark(*id, *generation)).map(|(_, id)| *id).collect();
        Sweep { known, leaders: all.into_iter().map(|(_, id)| id).collect(), marked }
    }

    /// A process has the mark from its start on.
    fn carries_mark(&self, id: ProcessId, generation: u64) -> bool {
        let value = process::variable(id.pid, crate::mark::VARIABLE);
        value.is_some_and(|value| self.instance.is_in(&value, Some(generation)))
    }
}
