//! All transcripts of a folder of logs: listed, read, written to files when turns end, and found. What takes long is done on
//! threads of its own, one session after the other; a session never waits for it.

mod indexing;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};

use super::super::api::{
    TranscriptFormat, TranscriptHits, TranscriptList, TranscriptListParams, TranscriptSearchParams,
};
use super::super::secrets::Secrets;
use super::catalogue::{Catalogue, Found, log_of, logs};
use super::reading::lines;
use super::shapes::Shapes;
use super::{Fold, Transcript, place};
use indexing::Indexing;

/// How long what is left to do may take when the daemon ends.
const END: Duration = Duration::from_secs(10);

/// The most transcripts of a list.
const LISTED: u32 = 1000;

/// What the agents' transcripts are told by the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscriptConfig {
    /// The folder that transcripts are written to when turns end, made with mode 0700; none are where there is none.
    pub dir: Option<PathBuf>,
}

/// The transcripts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Archive(Arc<Shared>);

struct Shared {
    logs: PathBuf,
    config: TranscriptConfig,
    shapes: Shapes,
    catalogue: Catalogue,
    indexing: Indexing,
    due: Mutex<Due>,
    wake: Notify,
    is_over: AtomicBool,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Sessions whose turns have ended, and how long their logs were then.
#[derive(Debug, Default)]
struct Due {
    order: VecDeque<String>,
    lengths: BTreeMap<String, u64>,
}

impl Archive {
    /// The transcripts of a folder of logs, within a tokio runtime. What the index lacks is added to it meanwhile.
    pub(crate) fn open(logs: PathBuf, config: TranscriptConfig, secrets: Arc<Secrets>) -> Archive {
        let shared = Shared {
            indexing: Indexing::new(logs.join("index")),
            logs,
            config,
            shapes: Shapes::new(secrets),
            catalogue: Catalogue::default(),
            due: Mutex::default(),
            wake: Notify::new(),
            is_over: AtomicBool::new(false),
            tasks: Mutex::default(),
        };
        let archive = Archive(Arc::new(shared));
        let (worker, builder) = (archive.clone(), archive.clone());
        let tasks = vec![tokio::spawn(worker.work()), spawn_blocking(move || builder.build())];
        *archive.tasks() = tasks;
        archive
    }

    /// A turn of a session has ended, or all of it, when its log had this length. Costs nothing but a note.
    pub(crate) fn ended(&self, id: &str, length: u64) {
        let mut due = self.0.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.lengths.insert(id.to_owned(), length).is_none() {
            due.order.push_back(id.to_owned());
        }
        drop(due);
        self.0.wake.notify_one();
    }

    /// Does what is left to do, for a while, and nothing after it.
    pub(crate) async fn finish(&self) {
        self.0.is_over.store(true, Ordering::Release);
        self.0.wake.notify_one();
        let tasks = std::mem::take(&mut *self.tasks());
        let all = futures_util::future::join_all(tasks);
        if tokio::time::timeout(END, all).await.is_err() {
            tracing::warn!("not all transcripts are written; transcript.export does so");
        }
        self.0.indexing.release();
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Acquire)
    }

    async fn work(self) {
        loop {
            let next = self.0.due.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((id, length)) = next else {
                if self.is_over() {
                    return;
                }
                self.0.wake.notified().await;
                continue;
            };
            let (begun, archive) = (Instant::now(), self.clone());
            let done = spawn_blocking(move || archive.take_down(&id, length)).await;
            done.inspect_err(|error| tracing::error!(%error, "a transcript is not written")).ok();
            if !self.is_over() {
                // Half of a processor at most, however fast turns end.
                tokio::select! {
                    () = tokio::time::sleep(begun.elapsed()) => (),
                    () = self.over() => (),
                }
            }
        }
    }

    async fn over(&self) {
        while !self.is_over() {
            self.0.wake.notified().await;
        }
    }

    /// Writes the files of a session and adds it to the index.
    fn take_down(&self, id: &str, length: u64) {
        let Some(found) = log_of(&self.0.logs, id) else { return };
        let found = Found { length, ..found };
        if let Some(dir) = &self.0.config.dir {
            let written = self.export(&found, &TranscriptFormat::ALL, Folder::Below(dir));
            written.inspect_err(|error| tracing::error!(%error, session = id, "a transcript is not written")).ok();
        }
        self.add(&found);
    }

    /// The log of a session or run.
    pub(crate) fn found(&self, id: &str) -> Option<Found> {
        log_of(&self.0.logs, id)
    }

    /// The folder that transcripts are written to.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.0.config.dir.as_deref()
    }

    /// What a log comes to, without secrets. None where it is neither that of a session nor that of a run.
    pub(crate) fn transcript(&self, found: &Found) -> io::Result<Option<Transcript>> {
        let mut fold = Fold::default();
        let torn = lines(&found.path, 0, found.length, |_, line| match line {
            Some(line) => fold.line(line),
            None => fold.pass(),
        })?;
        Ok(fold.finish(torn).map(|transcript| self.0.shapes.transcript(transcript)))
    }

    /// Writes a transcript to files.
    pub(crate) fn export(
        &self,
        found: &Found,
        formats: &[TranscriptFormat],
        folder: Folder<'_>,
    ) -> io::Result<Vec<PathBuf>> {
        let none = || io::Error::new(io::ErrorKind::InvalidData, "the log begins no session");
        let transcript = self.transcript(found)?.ok_or_else(none)?;
        let folder = match folder {
            Folder::Below(root) => place::folder(root, &transcript.info)?,
            Folder::Exactly(folder) => folder.to_owned(),
        };
        place::tidy(&folder);
        let name = |format: TranscriptFormat| format!("session-{}.{}", found.id, format.ending());
        formats
            .iter()
            .map(|format| {
                let text = match format {
                    TranscriptFormat::Json => transcript.json().map_err(io::Error::other)?,
                    TranscriptFormat::Md => transcript.markdown(),
                    TranscriptFormat::Org => transcript.org(),
                };
                place::write(&folder, &name(*format), &text)
            })
            .collect()
    }

    /// The transcripts, those first whose logs were written to last.
    pub(crate) fn list(&self, params: &TranscriptListParams) -> io::Result<TranscriptList> {
        let found = logs(&self.0.logs)?;
        self.0.catalogue.retain(&found);
        let limit = params.limit.unwrap_or(100).clamp(1, LISTED) as usize;
        let mut list = TranscriptList::default();
        let before = params.before.as_deref().and_then(Cursor::read);
        let behind = |found: &&Found| before.as_ref().is_none_or(|before| before.is_before(found));
        let mut last: Option<&Found> = None;
        for found in found.iter().filter(behind) {
            // One that cannot be read must not hide the others.
            let info = self.0.catalogue.info(found);
            let info =
                info.inspect_err(|error| tracing::warn!(%error, log = %found.path.display(), "a log cannot be read"));
            let Some(mut info) = info.ok().flatten() else { continue };
            let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
            if !fits(&params.cwd, &info.cwd) || !fits(&params.provider, &info.provider) {
                continue;
            }
            if list.transcripts.len() == limit {
                list.next = last.map(|last| Cursor::of(last).to_string());
                break;
            }
            info.title = info.title.map(|title| self.0.shapes.redacted(&title).into_owned());
            list.transcripts.push(info);
            last = Some(found);
        }
        Ok(list)
    }

    /// What has all of what is looked for. None where nothing is.
    pub(crate) fn search(&self, params: &TranscriptSearchParams) -> Option<TranscriptHits> {
        self.look(params)
    }
}

impl Due {
    fn next(&mut self) -> Option<(String, u64)> {
        let id = self.order.pop_front()?;
        let length = self.lengths.remove(&id)?;
        Some((id, length))
    }
}

/// Where files are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Folder<'a> {
    /// Below this folder, by project and day.
    Below(&'a Path),
    /// Into it.
    Exactly(&'a Path),
}

/// A place in a list: behind a log that was changed then.
#[derive(Debug)]
struct Cursor {
    changed_ms: u64,
    id: String,
}

impl Cursor {
    fn of(found: &Found) -> Cursor {
        Cursor { changed_ms: found.changed_ms, id: found.id.clone() }
    }

    fn read(text: &str) -> Option<Cursor> {
        let (changed, id) = text.split_once(':')?;
        Some(Cursor { changed_ms: changed.parse().ok()?, id: id.to_owned() })
    }

    fn is_before(&self, found: &Found) -> bool {
        (found.changed_ms, &found.id) < (self.changed_ms, &self.id)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.changed_ms, self.id)
    }
}
