//! Commits on the disk: an append-only log of checksummed records, and snapshots that let it begin anew. It knows what a
//! commit did and nothing of who made it.

mod folder;
mod record;
mod recover;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::api::Mutation;
use crate::json::Json;
use crate::mutations::Mutations;
use crate::op::Op;
use folder::{Folder, private};
use record::{Record, encode};
pub use recover::{Cut, Recovery};
use recover::{Saved, recover};

/// A log that is shorter than this is not worth a snapshot, in bytes.
const SHORTEST: u64 = 1 << 20;

/// How many times as long as the snapshot a log grows before it begins anew.
const RATIO: u64 = 2;

/// Revisions that are reserved at once for commits that are not written.
const RESERVED: u64 = 1 << 16;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the folder.
    #[error("another process uses {0}; give this one another folder")]
    InUse(PathBuf),
    /// The folder or a file in it cannot be read or written.
    #[error("the state in {folder} cannot be used: {source}")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it does not fit the slices.
    #[error(transparent)]
    Slice(#[from] crate::SliceError),
}

/// Where commits are written.
#[derive(Debug)]
pub(crate) struct Store {
    folder: Arc<Folder>,
    log: Arc<LogFile>,
    length: u64,
    epoch: String,
    boot: Option<String>,
    /// The revision of the last commit that was written.
    last: u64,
    reserved: u64,
    /// The length of the newest snapshot.
    snapshot: Arc<AtomicU64>,
    /// The length of the log before which it does not begin anew, because that failed.
    not_before: u64,
    compaction: Option<thread::JoinHandle<()>>,
    closed: bool,
    buffer: Vec<u8>,
}

/// A log's file, which may be made to last by anyone who waits for that.
#[derive(Debug)]
pub(crate) struct LogFile {
    file: File,
    broken: AtomicBool,
    /// How far it is known to be on the disk, in bytes.
    synced: Mutex<u64>,
}

/// What the store begins with.
pub(crate) struct Begun {
    pub(crate) store: Store,
    pub(crate) epoch: String,
    pub(crate) revision: u64,
    pub(crate) state: Json,
    pub(crate) mutations: Mutations,
    pub(crate) report: Recovery,
}

/// A place in a log up to which it can be made to last.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    log: Arc<LogFile>,
    upto: u64,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Begun, OpenError> {
        let failed = |source| OpenError::Io { folder: path.to_owned(), source };
        let folder = Folder::take(path).map_err(failed)?.ok_or_else(|| OpenError::InUse(path.to_owned()))?;
        Store::begin(folder).map_err(failed)
    }

    fn begin(folder: Folder) -> io::Result<Begun> {
        let boot = boot_id();
        let recovered = recover(&folder, boot.as_deref())?;
        let Saved { epoch, revision, last, state, mutations } = recovered.saved;
        let is_new = recovered.report.lost || !recovered.existed;
        let epoch = if is_new { format!("{:016x}", fastrand::u64(..)) } else { epoch };
        // What is volatile is gone: whoever had the newest revision has something that is not there any more.
        let revision = revision.max(recovered.highest) + 1;
        let (number, length) = recovered.open.unwrap_or((revision, 0));
        let file = private().create(true).append(true).open(folder.log(number))?;
        let log = Arc::new(LogFile::new(file));
        let mut store = Store {
            folder: Arc::new(folder),
            log,
            length,
            epoch: epoch.clone(),
            boot,
            last,
            reserved: revision,
            snapshot: Arc::new(AtomicU64::new(recovered.snapshot)),
            not_before: 0,
            compaction: None,
            closed: false,
            buffer: Vec::new(),
        };
        store.append(&store.opened(revision))?;
        store.log.sync(store.length)?;
        store.folder.sync()?;
        Ok(Begun { store, epoch, revision, state, mutations, report: recovered.report })
    }

    /// Writes a commit down. On an error nothing of it is left.
    pub(crate) fn commit(&mut self, revision: u64, ops: Vec<Op>, mutation: Option<Mutation>) -> io::Result<()> {
        self.append(&Record::Commit { revision, ops, mutation })?;
        self.last = revision;
        Ok(())
    }

    /// A revision is given to a commit that is not written. Now and then that is noted, so that it is never given again.
    pub(crate) fn pass(&mut self, revision: u64) -> io::Result<()> {
        if revision > self.reserved || self.closed {
            self.append(&Record::Reserved(revision + RESERVED))?;
            self.reserved = revision + RESERVED;
        }
        Ok(())
    }

    /// Up to where the log must be made to last for what was written so far.
    pub(crate) fn mark(&self) -> Mark {
        Mark { log: self.log.clone(), upto: self.length }
    }

    /// Begins the log anew where it is long, and has a snapshot of what `state` gives written by another thread. Until that is
    /// done the old log stays.
    pub(crate) fn compact<S: FnOnce() -> Json + Send + 'static>(
        &mut self,
        revision: u64,
        state: impl FnOnce() -> S,
        mutations: &Mutations,
    ) {
        let busy = self.compaction.as_ref().is_some_and(|running| !running.is_finished());
        let long = SHORTEST.max(self.snapshot.load(Ordering::Relaxed) * RATIO).max(self.not_before);
        if self.length < long || busy || self.closed {
            return;
        }
        if let Err(error) = self.rotate(revision) {
            tracing::warn!(%error, "the hub's log cannot begin anew; it grows on");
            self.not_before = self.length * 2;
            return;
        }
        self.not_before = 0;
        let (epoch, last, mutations) = (self.epoch.clone(), self.last, mutations.clone());
        let (folder, state, snapshot) = (self.folder.clone(), state(), self.snapshot.clone());
        let written = thread::Builder::new().name("hub snapshot".to_owned()).spawn(move || {
            let saved = Saved { epoch, revision, last, state: state(), mutations };
            match write_snapshot(&folder, &saved) {
                Ok(length) => snapshot.store(length, Ordering::Relaxed),
                Err(error) => tracing::warn!(%error, "the hub's snapshot cannot be written; the log before it stays"),
            }
        });
        match written {
            Ok(running) => self.compaction = Some(running),
            Err(error) => tracing::warn!(%error, "no thread for the hub's snapshot; the log before it stays"),
        }
    }

    /// Says in the log that it ends in order, and makes it last. Nothing is written after that.
    pub(crate) fn close(&mut self, revision: u64) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.append(&Record::Closed(revision))?;
        self.closed = true;
        if let Some(running) = self.compaction.take()
            && running.join().is_err()
        {
            tracing::error!("writing the hub's snapshot panicked");
        }
        self.log.sync(self.length)
    }

    fn opened(&self, revision: u64) -> Record {
        Record::Opened { epoch: self.epoch.clone(), revision, last: self.last, boot: self.boot.clone() }
    }

    /// Goes on in a new file. The old one is made to last, for those who wait for that.
    fn rotate(&mut self, revision: u64) -> io::Result<()> {
        let mut bytes = Vec::new();
        encode(&self.opened(revision), &mut bytes)?;
        let mut file = private().create_new(true).append(true).open(self.folder.log(revision))?;
        let begun = file.write_all(&bytes).and_then(|()| self.log.sync(self.length)).and_then(|()| self.folder.sync());
        if let Err(error) = begun {
            fs::remove_file(self.folder.log(revision))?;
            return Err(error);
        }
        self.length = bytes.len() as u64;
        self.log = Arc::new(LogFile::new(file));
        // What was reserved beyond that stands in the old log, which goes.
        self.reserved = revision;
        Ok(())
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.closed {
            return Err(io::Error::other("the hub was closed"));
        }
        if self.log.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the log failed before; open the hub anew"));
        }
        self.buffer.clear();
        encode(record, &mut self.buffer)?;
        let written = (&self.log.file).write_all(&self.buffer);
        if let Err(error) = written {
            // Half a record must not stand before the next one.
            if self.log.file.set_len(self.length).is_err() {
                self.log.broken.store(true, Ordering::SeqCst);
            }
            return Err(error);
        }
        self.length += self.buffer.len() as u64;
        if self.buffer.capacity() > 64 << 10 {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}

impl Mark {
    /// Waits until it is on the disk. Blocks; one wait serves all who wait meanwhile.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.log.sync(self.upto)
    }
}

impl LogFile {
    fn new(file: File) -> LogFile {
        LogFile { file, broken: AtomicBool::new(false), synced: Mutex::new(0) }
    }

    fn sync(&self, upto: u64) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= upto {
            return Ok(());
        }
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("the log failed before; open the hub anew"));
        }
        let length = self.file.metadata()?.len();
        // After a failure nobody knows what is on the disk: the next fsync may succeed and mean nothing.
        self.file.sync_data().inspect_err(|_| self.broken.store(true, Ordering::SeqCst))?;
        *synced = length;
        Ok(())
    }
}

/// Writes a snapshot, and takes away what it makes superfluous. Gives its length.
fn write_snapshot(folder: &Folder, saved: &Saved) -> io::Result<u64> {
    let mut bytes = Vec::new();
    encode(saved, &mut bytes)?;
    folder.write_whole(&folder.snapshot(saved.revision), &bytes)?;
    for old in folder.logs()?.into_iter().filter(|log| *log < saved.revision) {
        fs::remove_file(folder.log(old))?;
    }
    for old in folder.snapshots()?.into_iter().filter(|snapshot| *snapshot < saved.revision) {
        fs::remove_file(folder.snapshot(old))?;
    }
    folder.sync()?;
    Ok(bytes.len() as u64)
}

/// Which run of the machine this is; what was written in it is not lost.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}
