//! What is known of the logs in a folder without reading them again: what a list tells of each, and how far it was read.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::heads::{Head, Heads};
use super::index::Kept;
use super::reading::{kind, lines};
use super::{TranscriptInfo, event};

/// The logs of a folder.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    heads: Heads,
    /// Behind the last line that was read.
    position: u64,
    /// How long the log was then.
    length: u64,
}

/// Where a log is, and how long it is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    /// When it was written to, in milliseconds since 1970.
    pub(crate) changed_ms: u64,
}

/// The logs of a folder, those first that were written to last.
pub(super) fn logs(folder: &Path) -> io::Result<Vec<Found>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found: Vec<Found> = entries.flatten().filter_map(|entry| found(entry.path())).collect();
    found.sort_by(|one, other| (other.changed_ms, &other.id).cmp(&(one.changed_ms, &one.id)));
    Ok(found)
}

/// The log of a session or run, if there is one of this name.
pub(super) fn log_of(folder: &Path, id: &str) -> Option<Found> {
    // A name comes from outside, and becomes a path.
    is_id(id).then(|| found(super::super::log::place(folder, id)))?
}

fn found(path: PathBuf) -> Option<Found> {
    let id = path.file_name()?.to_str()?.strip_suffix(".jsonl")?.to_owned();
    let metadata = std::fs::metadata(&path).ok().filter(|metadata| metadata.is_file() && is_id(&id))?;
    let changed = metadata.modified().ok()?.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    Some(Found { id, path, length: metadata.len(), changed_ms: changed.as_millis() as u64 })
}

fn is_id(id: &str) -> bool {
    let name = id.strip_prefix("ses_").or_else(|| id.strip_prefix("run_"));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Catalogue {
    /// What a list tells of a log. None where it is neither that of a session nor that of a run.
    pub(super) fn info(&self, found: &Found) -> io::Result<Option<TranscriptInfo>> {
        let known = self.known().get(&found.id).cloned().unwrap_or_default();
        let known = if known.length == found.length && known.position > 0 {
            known
        } else {
            // One that is shorter than it was is another one: its end was taken away.
            let known = if known.position <= found.length { known } else { Known::default() };
            let known = read_on(known, found)?;
            self.known().insert(found.id.clone(), known.clone());
            known
        };
        Ok(known.heads.info().cloned())
    }

    /// Takes over what an index has kept, where that is more than is known.
    pub(super) fn remember(&self, kept: &HashMap<String, Kept>) {
        let mut known = self.known();
        for (id, kept) in kept {
            let Kept { position, heads, .. } = kept.clone();
            known.entry(id.clone()).or_insert(Known { heads, position, length: position });
        }
    }

    /// Forgets those that are not there any more.
    pub(super) fn retain(&self, found: &[Found]) {
        let there: std::collections::HashSet<&str> = found.iter().map(|found| found.id.as_str()).collect();
        self.known().retain(|id, _| there.contains(id.as_str()));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads what was not read yet, and of that only what matters here.
fn read_on(mut known: Known, found: &Found) -> io::Result<Known> {
    let mut last: Option<Vec<u8>> = None;
    let (mut heads, mut position) = (known.heads, known.position);
    lines(&found.path, known.position, found.length, |end, line| {
        position = end;
        let Some(line) = line else { return };
        match says(line) {
            true => {
                last = None;
                if let Some((head, event)) = event(line) {
                    heads.take(&head, &event);
                }
            }
            false => {
                let kept = last.get_or_insert_default();
                kept.clear();
                // When it was stands in front.
                kept.extend_from_slice(line);
            }
        }
    })?;
    let head = last.and_then(|line| serde_json::from_slice::<Head>(&line).ok());
    head.iter().for_each(|head| heads.pass(head));
    known = Known { heads, position, length: found.length };
    Ok(known)
}

/// Whether the event on a line says something of its session as a whole.
fn says(line: &[u8]) -> bool {
    const SAYING: [&[u8]; 4] = [b"session.", b"run.", b"turn.", b"prompt.queued"];
    kind(line).is_some_and(|kind| SAYING.iter().any(|saying| kind.starts_with(saying)))
}
