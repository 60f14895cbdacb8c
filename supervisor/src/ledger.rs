//! What a host has started, written where the next one finds it: for the case that the host and its guardians are killed
//! together. An entry is believed only if the system, the number and the time of the start agree.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::mark::Instance;
use crate::sweep::Sweep;
use crate::{ProcessId, process};

/// Lines after which the file is written anew with what still lives.
const LINES: usize = 1024;

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
    /// Nothing is left of a child.
    Ended { generation: u64 },
}

/// The ledger of one supervisor. Dropping it removes the file where no child is left.
pub(crate) struct Ledger {
    path: PathBuf,
    head: Entry,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    lines: usize,
    live: BTreeMap<u64, Vec<ProcessId>>,
}

impl Ledger {
    /// Ends what the ledgers in `folder` tell of hosts that are gone, removes those, and begins one for `instance`.
    pub(crate) fn open(folder: &Path, instance: &Instance) -> io::Result<Ledger> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            if path.to_string_lossy().ends_with(SUFFIX) {
                settle(&path);
            }
        }
        let pid = std::process::id();
        let host = process::process(pid).map_or(ProcessId { pid, started: 0 }, |process| process.id);
        let head = Entry::Host { instance: instance.to_string(), boot: process::boot_id(), host };
        let path = folder.join(format!("{instance}{SUFFIX}"));
        let mut file = File::options().create_new(true).append(true).open(&path)?;
        write(&mut file, &head)?;
        Ok(Ledger { path, head, open: Mutex::new(Open { file, lines: 1, live: BTreeMap::new() }) })
    }

    /// A process of a child. What cannot be written is not kept: the guardian is there all the same.
    pub(crate) fn add(&self, generation: u64, process: ProcessId) {
        let mut open = self.book();
        open.live.entry(generation).or_default().push(process);
        self.note(&mut open, &Entry::Process { generation, process });
    }

    pub(crate) fn end(&self, generation: u64) {
        let mut open = self.book();
        open.live.remove(&generation);
        self.note(&mut open, &Entry::Ended { generation });
    }

    fn note(&self, open: &mut Open, entry: &Entry) {
        let written = write(&mut open.file, entry);
        open.lines += 1;
        let rewritten = if open.lines > LINES { self.rewrite(open) } else { Ok(()) };
        if let Err(error) = written.and(rewritten) {
            tracing::warn!(path = %self.path.display(), %error, "the ledger of child processes cannot be written");
        }
    }

    /// The new file replaces the old one at once, so that there is a whole one at any time.
    fn rewrite(&self, open: &mut Open) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        write(&mut file, &self.head)?;
        open.lines = 1;
        for (generation, processes) in &open.live {
            for process in processes {
                write(&mut file, &Entry::Process { generation: *generation, process: *process })?;
                open.lines += 1;
            }
        }
        fs::rename(&beside, &self.path)?;
        open.file = file;
        // What cannot be made shorter is not tried again at every line.
        open.lines = open.lines.min(LINES / 2);
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if self.book().live.is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn write(file: &mut File, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)
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
    live: BTreeMap<u64, Vec<ProcessId>>,
}

impl Told {
    /// A line that was torn when the power went is passed over; a file without a head tells nothing.
    fn of(text: &str) -> Option<Told> {
        let mut entries = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let Some(Entry::Host { instance, boot, host }) = entries.next() else { return None };
        let mut told = Told { instance: Instance::named(&instance), boot, host, live: BTreeMap::new() };
        for entry in entries {
            match entry {
                Entry::Process { generation, process } => told.live.entry(generation).or_default().push(process),
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

    /// Numbers of another start of the system mean nothing; its marks are on nobody.
    fn sweep(&self) -> Sweep {
        let numbers = self.live.values().flatten().copied();
        let known: HashSet<ProcessId> = match self.boot == process::boot_id() {
            true => numbers.filter(|id| self.carries_mark(*id)).collect(),
            false => HashSet::new(),
        };
        Sweep { instance: self.instance.clone(), generation: None, known, session: None }
    }

    /// A guardian or a program has the mark from its start on.
    fn carries_mark(&self, id: ProcessId) -> bool {
        let value = process::variable(id.pid, crate::mark::VARIABLE);
        value.is_some_and(|value| self.instance.is_in(&value, None))
    }
}
