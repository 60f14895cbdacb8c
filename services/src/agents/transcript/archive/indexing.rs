//! The archive's index: who may write it, when it is made anew, and what is searched while there is none. One daemon writes,
//! the others read what it has written; what is not in it yet is found when it is.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::super::super::api::{TranscriptHit, TranscriptHits, TranscriptSearchParams};
use super::super::super::lock::Lock;
use super::super::super::log::make_private;
use super::super::catalogue::{Found, logs};
use super::super::document::moment;
use super::super::entries::entries;
use super::super::index::{Batch, Entry, Filter, Index, Kept};
use super::super::query::Query;
use super::super::reading::{kind, lines};
use super::super::snippet::Snippet;
use super::super::{Fold, Transcript};
use super::Archive;

/// The folder of this kind of index: another one when what is written down changes.
const VERSION: &str = "v1";

/// Bytes of texts in the index. When there are more, the sessions that rested longest are taken out.
const MOST: u64 = 1 << 30;

/// Bytes of texts that are added before they are made to be seen.
const AT_ONCE: u64 = 16 << 20;

/// How long logs are searched where there is no index.
const SCAN: Duration = Duration::from_secs(2);

/// The most that is found at once.
const HITS: u32 = 200;

/// The index of an archive.
pub(super) struct Indexing {
    folder: PathBuf,
    state: Mutex<State>,
    /// Held while something is added: a search does not wait for that.
    writing: Mutex<()>,
    /// Held while logs are added that were there before.
    building: Mutex<()>,
    /// Whether they are, or will be soon.
    is_building: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The right to write, while we have it.
    claim: Option<Lock>,
    index: Option<Index>,
    /// What is kept of the sessions, where we write.
    kept: HashMap<String, Kept>,
}

/// What became of the right to write.
enum Turn {
    /// It is ours, and was.
    Ours,
    /// It is ours, and was not.
    New,
    /// Somebody else has it.
    Theirs,
}

impl Indexing {
    pub(super) fn new(folder: PathBuf) -> Indexing {
        Indexing {
            folder,
            state: Mutex::default(),
            writing: Mutex::default(),
            building: Mutex::default(),
            is_building: AtomicBool::new(true),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up the right to write: another daemon may have it.
    pub(super) fn release(&self) {
        *self.state() = State::default();
    }

    fn place(&self) -> PathBuf {
        self.folder.join(VERSION)
    }

    /// Says to all daemons that the index lacks logs that were there before.
    fn mark(&self) -> PathBuf {
        self.folder.join("building")
    }

    /// Opens the index for writing where nobody else does, and for reading else.
    fn open(&self, state: &mut State) -> io::Result<Turn> {
        if state.claim.is_some() && state.index.is_some() {
            return Ok(Turn::Ours);
        }
        if state.claim.is_none() {
            make_private(&self.folder)?;
            state.claim = Lock::take(&self.folder.join("lock"))?;
            if state.claim.is_none() {
                if state.index.is_none() {
                    state.index = Index::open(&self.place()).ok();
                }
                return Ok(Turn::Theirs);
            }
        }
        let (index, kept) = match sound(&self.place()) {
            Some(sound) => sound,
            None => (self.made_anew()?, HashMap::new()),
        };
        (state.index, state.kept) = (Some(index), kept);
        Ok(Turn::New)
    }

    fn made_anew(&self) -> io::Result<Index> {
        let place = self.place();
        let removed = match fs::remove_dir_all(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(&place),
            removed => removed,
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => (),
        }
        make_private(&place)?;
        Index::create(&place).map_err(io::Error::other)
    }

    /// The index cannot be used as it is: whoever writes makes it anew, whoever reads opens it again.
    fn discard(&self, state: &mut State) {
        state.index = None;
        state.kept = HashMap::new();
        if state.claim.is_some() {
            // What is left is not opened: it lacks what it says it has.
            let _ = fs::remove_dir_all(self.place());
        }
    }
}

/// The index in a folder and what it keeps of sessions, if its files are whole.
fn sound(place: &Path) -> Option<(Index, HashMap<String, Kept>)> {
    let index = Index::open(place).ok().filter(Index::is_sound)?;
    let kept = index.kept().ok()?;
    Some((index, kept))
}

impl Archive {
    /// Adds the logs to the index that are not in it, or not to their ends.
    pub(super) fn build(&self) {
        let indexing = &self.0.indexing;
        let _alone = match indexing.building.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.built().inspect_err(|error| tracing::error!(%error, "the transcripts' index cannot be written")).ok();
        indexing.is_building.store(false, Ordering::Release);
    }

    fn build_soon(&self) {
        self.0.indexing.is_building.store(true, Ordering::Release);
        let archive = self.clone();
        let mut tasks = self.tasks();
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::task::spawn_blocking(move || archive.build()));
    }

    fn built(&self) -> io::Result<()> {
        let indexing = &self.0.indexing;
        if self.has_nothing() {
            return Ok(());
        }
        if matches!(indexing.open(&mut indexing.state())?, Turn::Theirs) {
            let index = indexing.state().index.clone();
            let kept = index.map(|index| index.kept()).transpose().map_err(io::Error::other)?;
            kept.iter().for_each(|kept| self.0.catalogue.remember(kept));
            return Ok(());
        }
        let kept = indexing.state().kept.clone();
        self.0.catalogue.remember(&kept);
        let found = logs(&self.0.logs)?;
        let there: HashSet<&str> = found.iter().map(|found| found.id.as_str()).collect();
        self.forget(kept.keys().filter(|id| !there.contains(id.as_str())).cloned().collect())?;
        let is_behind = |found: &&Found| kept.get(&found.id).is_none_or(|kept| kept.position < found.length);
        let mut behind: Vec<Found> = found.iter().filter(is_behind).cloned().collect();
        // The newest first: they are looked for most.
        behind.reverse();
        if !behind.is_empty() {
            fs::write(indexing.mark(), "")?;
        }
        while !behind.is_empty() && !self.is_over() {
            self.add_some(&mut behind)?;
        }
        if behind.is_empty() {
            // Nobody may have said so.
            let _ = fs::remove_file(indexing.mark());
        }
        Ok(())
    }

    /// Whether there is neither a log nor an index: then nothing is made on the disk.
    fn has_nothing(&self) -> bool {
        !self.0.indexing.folder.exists() && logs(&self.0.logs).is_ok_and(|logs| logs.is_empty())
    }

    /// Takes out sessions whose logs are gone.
    fn forget(&self, gone: Vec<String>) -> io::Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let indexing = &self.0.indexing;
        let _alone = indexing.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let index = indexing.state().index.clone().ok_or_else(lost)?;
        let batch = index.batch().map_err(io::Error::other)?;
        for id in gone {
            batch.forget(&id);
            indexing.state().kept.remove(&id);
        }
        batch.commit().map_err(io::Error::other)
    }

    /// Adds logs from the end of a list, as many as are made to be seen at once.
    fn add_some(&self, behind: &mut Vec<Found>) -> io::Result<()> {
        let indexing = &self.0.indexing;
        let _alone = indexing.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let index = indexing.state().index.clone().ok_or_else(lost)?;
        let batch = index.batch().map_err(io::Error::other)?;
        let (mut added, begun) = (0, Instant::now());
        while let Some(found) = behind.pop() {
            let known = indexing.state().kept.get(&found.id).cloned();
            let before = known.as_ref().map_or(0, |kept| kept.bytes);
            // One that cannot be read must not keep the others out.
            let kept = self.add_one(&batch, known, &found).inspect_err(|error| {
                tracing::warn!(%error, log = %found.path.display(), "a log is not in the index");
            });
            if let Some(kept) = kept.ok().flatten() {
                added += kept.bytes.saturating_sub(before);
                indexing.state().kept.insert(found.id, kept);
            }
            if added > AT_ONCE || begun.elapsed() > SCAN || self.is_over() {
                break;
            }
        }
        bound(&batch, &mut indexing.state().kept).map_err(io::Error::other)?;
        batch.commit().map_err(io::Error::other)
    }

    /// Adds what is new of one session, whose turn has ended.
    pub(super) fn add(&self, found: &Found) {
        let indexing = &self.0.indexing;
        let turn = indexing.open(&mut indexing.state());
        match turn {
            Ok(Turn::Ours) => {
                let added = self.add_some(&mut vec![found.clone()]);
                added
                    .inspect_err(|error| {
                        tracing::error!(%error, "the transcripts' index cannot be written");
                        indexing.discard(&mut indexing.state());
                    })
                    .ok();
            }
            // Whoever had it is gone, or it is made anew.
            Ok(Turn::New) => self.build(),
            Ok(Turn::Theirs) => (),
            Err(error) => tracing::error!(%error, "the transcripts' index cannot be opened"),
        }
    }

    /// Adds what is new of a log, up to where no turn is open. None where nothing is.
    fn add_one(&self, batch: &Batch, kept: Option<Kept>, found: &Found) -> io::Result<Option<Kept>> {
        let shorter = kept.as_ref().is_some_and(|kept| kept.position > found.length);
        if shorter {
            batch.forget(&found.id);
        }
        let kept = kept.filter(|_| !shorter).unwrap_or_default();
        let end = settled(found, kept.position)?;
        if end <= kept.position {
            return Ok(None);
        }
        let mut fold = Fold::of(kept.heads);
        lines(&found.path, kept.position, end, |_, line| match line {
            Some(line) => fold.line(line),
            None => fold.pass(),
        })?;
        let heads = fold.heads().clone();
        let Some(transcript) = fold.finish(0) else {
            // A log of something else; it is not read again while it is as it is.
            return Ok(Some(Kept { position: end, heads, bytes: kept.bytes }));
        };
        let transcript = self.0.shapes.transcript(transcript);
        let bytes = self.write(batch, &transcript, &heads).map_err(io::Error::other)?;
        let kept = Kept { position: end, heads, bytes: kept.bytes + bytes };
        let clean = Kept { heads: kept.heads.clone().titled(transcript.info.title), ..kept };
        batch.keep(&found.id, &clean).map_err(io::Error::other)?;
        Ok(Some(clean))
    }

    fn write(
        &self,
        batch: &Batch,
        transcript: &Transcript,
        heads: &super::super::Heads,
    ) -> Result<u64, tantivy::TantivyError> {
        let mut bytes = 0;
        for entry in entries(transcript) {
            bytes += entry.text.len() as u64;
            batch.add(&entry, heads)?;
        }
        Ok(bytes)
    }

    /// Looks for something, in the index where there is one. None where nothing is looked for.
    pub(super) fn look(&self, params: &TranscriptSearchParams) -> Option<TranscriptHits> {
        let query = Query::read(&params.query)?;
        let filter = Filter { cwd: params.cwd.clone(), provider: params.provider.clone() };
        let limit = params.limit.unwrap_or(50).clamp(1, HITS) as usize;
        let indexing = &self.0.indexing;
        if self.has_nothing() {
            return Some(TranscriptHits::default());
        }
        let index = {
            let mut state = indexing.state();
            let turn = indexing.open(&mut state);
            if matches!(turn, Ok(Turn::New)) {
                // Whoever had it is gone, and may have left it before all logs were in it.
                self.build_soon();
            }
            state.index.clone()
        };
        let is_rebuilding = indexing.is_building.load(Ordering::Acquire) || indexing.mark().exists();
        let Some(index) = index else { return Some(self.scan(&query, &filter, limit)) };
        let searched =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.searched(&index, &query, &filter, limit)));
        match searched {
            Ok(Ok((hits, is_cut))) => Some(TranscriptHits { hits, is_rebuilding, is_cut }),
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("the transcripts' index cannot be read, and is made anew");
                indexing.discard(&mut indexing.state());
                self.build_soon();
                Some(self.scan(&query, &filter, limit))
            }
        }
    }

    fn searched(
        &self,
        index: &Index,
        query: &Query,
        filter: &Filter,
        limit: usize,
    ) -> tantivy::Result<(Vec<TranscriptHit>, bool)> {
        let (found, is_cut) = index.search(query, filter, limit)?;
        Ok((found.into_iter().map(|entry| self.hit(entry, query)).collect(), is_cut))
    }

    fn hit(&self, entry: Entry, query: &Query) -> TranscriptHit {
        let ranges = query.find(&entry.text).unwrap_or_default();
        let Snippet { text: snippet, ranges } = Snippet::of(&entry.text, &ranges);
        let found = self.found(&entry.session_id);
        let info = found.and_then(|found| self.0.catalogue.info(&found).ok().flatten());
        let title = info.and_then(|info| info.title).map(|title| self.0.shapes.redacted(&title).into_owned());
        let Entry { session_id, turn_id, item_id, seq, at_ms, kind, .. } = entry;
        TranscriptHit { session_id, turn_id, item_id, seq, ts: moment(at_ms), kind, title, snippet, ranges }
    }

    /// Looks into the logs themselves, the newest first, for a while.
    fn scan(&self, query: &Query, filter: &Filter, limit: usize) -> TranscriptHits {
        let begun = Instant::now();
        let mut hits = Vec::new();
        for found in logs(&self.0.logs).unwrap_or_default() {
            if hits.len() >= limit || begun.elapsed() > SCAN {
                break;
            }
            let Ok(Some(transcript)) = self.transcript(&found) else { continue };
            let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
            if !fits(&filter.cwd, &transcript.info.cwd) || !fits(&filter.provider, &transcript.info.provider) {
                continue;
            }
            let mut entries = entries(&transcript);
            entries.retain(|entry| query.find(&entry.text).is_some());
            entries.reverse();
            entries.truncate(limit - hits.len());
            hits.extend(entries.into_iter().map(|entry| self.hit(entry, query)));
        }
        TranscriptHits { hits, is_rebuilding: true, is_cut: false }
    }
}

fn lost() -> io::Error {
    io::Error::other("the index was given up")
}

/// Where behind `from` the last line ends at which no turn is open.
fn settled(found: &Found, from: u64) -> io::Result<u64> {
    let (mut settled, mut is_open) = (from, false);
    lines(&found.path, from, found.length, |end, line| {
        match line.and_then(kind) {
            Some(b"turn.started") => is_open = true,
            Some(b"turn.ended") => is_open = false,
            Some(_) | None => (),
        }
        if !is_open {
            settled = end;
        }
    })?;
    Ok(settled)
}

/// Takes the sessions out that rested longest, where the index has more than it may.
fn bound(batch: &Batch, kept: &mut HashMap<String, Kept>) -> tantivy::Result<()> {
    let mut bytes: u64 = kept.values().map(|kept| kept.bytes).sum();
    if bytes <= MOST {
        return Ok(());
    }
    let updated = |kept: &Kept| kept.heads.info().map_or(0, |info| info.updated_at_ms);
    let mut oldest: Vec<(u64, String)> = kept.iter().map(|(id, kept)| (updated(kept), id.clone())).collect();
    oldest.sort_unstable();
    for (_, id) in oldest {
        if bytes <= MOST {
            break;
        }
        let Some(kept) = kept.get_mut(&id).filter(|kept| kept.bytes > 0) else { continue };
        bytes -= std::mem::take(&mut kept.bytes);
        batch.forget(&id);
        batch.keep(&id, kept)?;
    }
    Ok(())
}
