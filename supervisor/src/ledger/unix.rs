//! A file for each host: for the case that the host and its guardians are killed together. An entry is believed only if the
//! system, the number and the time of the start agree, and the process carries the mark.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::mark::Instance;
use crate::sweep::{Marked, Sweep};
use crate::{ProcessId, config, process};

/// Bytes after which the file is written anew with what still lives.
const LONGEST: usize = 128 << 10;

/// Of a greater family than this, in processes, the rest is found by its parents.
const MEMBERS: usize = 1024;

/// What a guardian has beyond the time that it gives, to kill and to end; and the pause between two looks at whether it has.
const MARGIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// The end of a ledger's file name, and of one that is being written.
const SUFFIX: &str = ".ledger";
const NEW: &str = ".new";

/// Behind this time, nobody writes a file any more that has no head.
const TORN: Duration = Duration::from_secs(60 * 60);

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The first: whose ledger it is.
    Host { instance: String, boot: String, host: ProcessId },
    /// A child's guardian, and how long it lets the child live when it has been asked to end.
    Guardian { generation: u64, process: ProcessId, grace: Duration },
    /// A child's program.
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
    /// That it cannot be written was told, and is not told again before it can.
    is_failing: bool,
    live: BTreeMap<u64, Family>,
}

/// What is known of a child.
#[derive(Debug, Default)]
struct Family {
    guardian: Option<(ProcessId, Duration)>,
    program: Option<ProcessId>,
    members: Vec<ProcessId>,
}

impl Family {
    fn all(&self) -> impl Iterator<Item = ProcessId> {
        let first = self.guardian.map(|(id, _)| id).into_iter().chain(self.program);
        first.chain(self.members.iter().copied())
    }
}

impl Ledger {
    /// Ends what the ledgers in `folder` tell of hosts that are gone and removes those; the new one is for `instance`. Where
    /// guardians are still at it, they are waited for by a thread. What is received is closed when all is done.
    pub(crate) fn open(folder: &Path, instance: &Instance) -> (Ledger, watch::Receiver<()>) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_ledger = |path: &PathBuf| [SUFFIX, NEW].iter().any(|end| path.to_string_lossy().ends_with(end));
        let ledgers = entries.filter(is_ledger);
        let at_work: Vec<Told> = ledgers.filter_map(|path| Told::read(path)?.settle_unless_guarded()).collect();
        let (settling, settled) = watch::channel(());
        if !at_work.is_empty() {
            let begun = Instant::now();
            let waiting = std::thread::Builder::new().name("sixframe-ledger".to_owned()).spawn(move || {
                at_work.iter().for_each(|told| told.wait_and_settle(begun));
                drop(settling);
            });
            if let Err(error) = waiting {
                tracing::warn!(%error, "what an earlier run has left behind is left to the next");
            }
        }
        let pid = std::process::id();
        let host = process::process(pid).map_or(ProcessId { pid, started: 0 }, |process| process.id);
        let boot = process::boot_id().unwrap_or_default();
        let head = Entry::Host { instance: instance.to_string(), boot, host };
        (Ledger { path: folder.join(format!("{instance}{SUFFIX}")), head, open: Mutex::default() }, settled)
    }

    /// A child's guardian. What cannot be written is not kept: the guardian is there all the same.
    pub(crate) fn guards(&self, generation: u64, process: ProcessId, grace: Duration) {
        let mut open = self.book();
        open.live.entry(generation).or_default().guardian = Some((process, grace));
        self.note(&mut open, &Entry::Guardian { generation, process, grace });
    }

    /// A child's program.
    pub(crate) fn runs(&self, generation: u64, process: ProcessId) {
        let mut open = self.book();
        open.live.entry(generation).or_default().program = Some(process);
        self.note(&mut open, &Entry::Process { generation, process });
    }

    /// What lives of a child now.
    pub(crate) fn members(&self, generation: u64, members: &[ProcessId]) {
        let mut open = self.book();
        let Some(family) = open.live.get_mut(&generation) else { return };
        let others: Vec<ProcessId> =
            members.iter().filter(|member| Some(**member) != family.program).take(MEMBERS).copied().collect();
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
        let Err(error) = written else {
            open.is_failing = false;
            return;
        };
        // A part of the line may stand there, and would spoil the next one.
        open.file = None;
        if !std::mem::replace(&mut open.is_failing, true) {
            tracing::warn!(path = %self.path.display(), %error, "the ledger of child processes cannot be written");
        }
    }

    /// The new file replaces the old one at once, so that there is a whole one at any time.
    fn rewrite(&self, open: &mut Open) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            make_private(folder)?;
        }
        let beside = self.path.with_extension(&NEW[1..]);
        let written = self.write_beside(&beside, open).and_then(|file| fs::rename(&beside, &self.path).map(|()| file));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        open.file = Some(written?);
        // Counted anew, so that what cannot be made shorter is not written again at every line.
        open.written = 0;
        Ok(())
    }

    fn write_beside(&self, beside: &Path, open: &Open) -> io::Result<File> {
        let mut file = File::create(beside)?;
        write(&mut file, &self.head)?;
        for (generation, family) in &open.live {
            let generation = *generation;
            if let Some((process, grace)) = family.guardian {
                write(&mut file, &Entry::Guardian { generation, process, grace })?;
            }
            if let Some(process) = family.program {
                write(&mut file, &Entry::Process { generation, process })?;
            }
            if !family.members.is_empty() {
                write(&mut file, &Entry::Members { generation, members: family.members.clone() })?;
            }
        }
        Ok(file)
    }

    fn book(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let open = self.book();
        if open.live.is_empty() {
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

/// What a ledger tells.
struct Told {
    path: PathBuf,
    instance: Instance,
    boot: String,
    host: ProcessId,
    live: BTreeMap<u64, Family>,
}

impl Told {
    /// A line that was torn when the power went is passed over; a file without a head tells nothing, and goes when nobody can
    /// be about to write it any more.
    fn read(path: PathBuf) -> Option<Told> {
        let text = String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned();
        let mut entries = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let Some(Entry::Host { instance, boot, host }) = entries.next() else {
            let written = fs::metadata(&path).and_then(|file| file.modified()).ok()?;
            if written.elapsed().is_ok_and(|age| age > TORN) {
                let _ = fs::remove_file(&path);
            }
            return None;
        };
        let mut told = Told { path, instance: Instance::named(&instance), boot, host, live: BTreeMap::new() };
        for entry in entries {
            match entry {
                Entry::Guardian { generation, process, grace } => {
                    told.live.entry(generation).or_default().guardian = Some((process, grace));
                }
                Entry::Process { generation, process } => {
                    told.live.entry(generation).or_default().program = Some(process)
                }
                Entry::Members { generation, members } => told.live.entry(generation).or_default().members = members,
                Entry::Ended { generation } => drop(told.live.remove(&generation)),
                Entry::Host { .. } => (),
            }
        }
        Some(told)
    }

    /// If the host is gone: at once where no guardian is left, and by whoever it is given back to where some are. Where we have
    /// no room to look, the next one does it.
    fn settle_unless_guarded(self) -> Option<Told> {
        if self.has_host().unwrap_or(true) {
            return None;
        }
        match self.is_guarded() {
            Ok(true) => Some(self),
            Ok(false) => {
                self.settle();
                None
            }
            Err(_) => None,
        }
    }

    /// Guardians end what they guard, with the time that it was promised; one that does not is not waited for much longer.
    fn wait_and_settle(&self, begun: Instant) {
        let promised = self.live.values().filter_map(|family| family.guardian).map(|(_, grace)| grace).max();
        let until = begun + promised.unwrap_or_default().min(config::LONGEST) + MARGIN;
        // Where there is no room to look, they may be at it.
        while Instant::now() < until && !matches!(self.is_guarded(), Ok(false)) {
            std::thread::sleep(PAUSE);
        }
        self.settle();
    }

    /// Ends what is left and removes the ledger.
    fn settle(&self) {
        // What cannot be looked for or killed now, the next one tries.
        match self.sweep().map(|sweep| sweep.run()) {
            Ok(Ok(ended)) => {
                if ended > 0 {
                    tracing::warn!(ended, "ended processes that an earlier run had left behind");
                }
                match self.unproven().as_slice() {
                    [] => drop(fs::remove_file(&self.path)),
                    pids => {
                        tracing::warn!(
                            ?pids,
                            "processes of an earlier run live on, and hide that they are its: end them"
                        );
                    }
                }
            }
            Ok(Err(left)) => tracing::warn!(pids = ?left.0, "processes of an earlier run cannot be ended"),
            Err(error) => tracing::warn!(%error, "processes of an earlier run cannot be looked for"),
        }
    }

    /// Whether a guardian still lives.
    fn is_guarded(&self) -> io::Result<bool> {
        if self.boot != process::boot_id()? {
            return Ok(false);
        }
        for (generation, family) in &self.live {
            if let Some((guardian, _)) = family.guardian
                && lives(guardian)?
                && self.carries_mark(guardian, *generation)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those who live and do not let us see their mark.
    fn unproven(&self) -> Vec<u32> {
        if process::boot_id().is_ok_and(|boot| boot != self.boot) {
            return Vec::new();
        }
        let all = self.live.values().flat_map(Family::all);
        all.filter(|id| lives(*id).unwrap_or(true) && process::hides_descriptors(id.pid)).map(|id| id.pid).collect()
    }

    fn has_host(&self) -> io::Result<bool> {
        Ok(self.boot == process::boot_id()? && lives(self.host)?)
    }

    /// Numbers of another start of the system mean nothing.
    fn sweep(&self) -> io::Result<Sweep> {
        let marked = Marked::InSession(self.instance.clone());
        let mut sweep = Sweep { known: HashSet::new(), leaders: Vec::new(), marked };
        if self.boot != process::boot_id()? {
            return Ok(sweep);
        }
        for (generation, family) in &self.live {
            for id in family.all() {
                sweep.leaders.push(id);
                if self.carries_mark(id, *generation)? {
                    sweep.known.insert(id);
                }
            }
        }
        Ok(sweep)
    }

    /// A process has the mark from its start on.
    fn carries_mark(&self, id: ProcessId, generation: u64) -> io::Result<bool> {
        let value = process::variable(id.pid, crate::mark::VARIABLE)?;
        Ok(value.is_some_and(|value| self.instance.is_in(&value, Some(generation))))
    }
}

fn lives(id: ProcessId) -> io::Result<bool> {
    Ok(process::look(id.pid)?.is_some_and(|now| now.id == id && !now.is_dead))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Counts the lines that are logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<usize>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            *self.0.lock().unwrap() += bytes.iter().filter(|byte| **byte == b'\n').count();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_could_not_be_written_is_told_once_and_written_whole_as_soon_as_it_can_be() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("ledgers");
        // A file where the folder should be, so that nothing can be made in it.
        fs::write(&folder, "").unwrap();
        let id = |pid: u32| ProcessId { pid, started: 5 };
        let (ledger, _) = Ledger::open(&folder, &Instance::named("cafe"));
        ledger.guards(1, id(10), Duration::from_secs(3));
        for member in 0..100 {
            ledger.members(1, &[id(100 + member)]);
        }
        assert_eq!(*lines.0.lock().unwrap(), 1);
        fs::remove_file(&folder).unwrap();
        ledger.runs(1, id(11));
        let told = Told::read(folder.join("cafe.ledger")).unwrap();
        let all: Vec<u32> = told.live[&1].all().map(|id| id.pid).collect();
        assert_eq!(all, [10, 11, 199]);
        ledger.end(1);
        drop(ledger);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}
