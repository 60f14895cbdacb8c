//! What an earlier daemon has left of its runs: those that were at work are ended in their logs, and their worktrees taken
//! away; those whose worktrees are kept are there again.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use memchr::memchr_iter;
use serde::Deserialize;

use super::super::event::{Envelope, Event, LogRecovered, RunStarted};
use super::super::git::{Git, GitError};
use super::super::log::{Claim, Log, place, unclosed, write_private};
use super::super::sessions::Agents;
use super::run::{Run, RunBeginning, RunOutput};
use super::workshop::{self, Workshop};
use super::{is_log, live, worktrees};

/// Takes over what is left, within a tokio runtime. What belongs to a daemon that lives is let alone.
pub(in super::super) fn bring_back(agents: &Agents) {
    for run_id in left(agents.dir()) {
        let path = place(agents.dir(), &run_id);
        // It is claimed here, so that nobody comes between.
        let claim = match Claim::take(&path) {
            Ok(Some(claim)) => claim,
            Ok(None) => continue,
            Err(error) => {
                tracing::error!(%error, log = %path.display(), "a run is lost");
                continue;
            }
        };
        let agents = agents.clone();
        tokio::spawn(async move {
            let back = bring_one_back(&agents, &run_id, path, claim).await;
            back.inspect_err(|error| tracing::error!(%error, run = run_id, "what is left of a run is left behind"))
                .ok();
        });
    }
}

/// The runs that are not over by their logs, and those that have worktrees.
fn left(dir: &Path) -> Vec<String> {
    let logs = unclosed(dir).unwrap_or_default().into_iter().filter(|path| is_log(path));
    let open = logs.filter(|path| !is_over(path));
    let open = open.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let mut left: Vec<String> = open.chain(workshop::ledgers(&worktrees(dir))).collect();
    left.sort();
    left.dedup();
    left
}

/// Whether the end of a log says that its run is over.
fn is_over(path: &Path) -> bool {
    let text = fs::read(path).unwrap_or_default();
    let last = text.strip_suffix(b"\n").and_then(|text| text.rsplit(|byte| *byte == b'\n').next());
    let event = last.and_then(|last| serde_json::from_slice::<Event>(last).ok());
    matches!(event, Some(Event::RunEnded(_) | Event::RunApplied(_)))
}

async fn bring_one_back(agents: &Agents, run_id: &str, path: PathBuf, claim: Claim) -> io::Result<()> {
    let folder = worktrees(agents.dir());
    let told = if path.exists() { read(&path)? } else { None };
    let workshop = match Git::find(agents.supervisor()) {
        Ok(git) if workshop::ledgers(&folder).iter().any(|known| known == run_id) => {
            Workshop::left(&git, &folder, run_id).await
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    let kept = settle(&folder, run_id, workshop).await.filter(|_| told.is_some());
    let Some(told) = told else {
        claim.discard();
        return Ok(());
    };
    let mut log = Log::open(claim, path, told.seq)?;
    let mut run = told.run(run_id, kept.is_some());
    let now = agents.now();
    if told.torn > 0 {
        run.recovered(now, LogRecovered { bytes: told.torn });
    }
    run.crashed(now);
    let outputs = run.outputs().into_iter();
    let events: Vec<Envelope> = outputs
        .filter_map(|output| match output {
            RunOutput::Log(envelope) => Some(*envelope),
            RunOutput::Stop(_) | RunOutput::Merge(_) | RunOutput::StopMerger | RunOutput::Clean => None,
        })
        .collect();
    log.append(&events, agents.secrets())?;
    agents.archive().ended(run_id, log.written().bytes);
    match kept {
        Some(workshop) => {
            let handle = live::keep(agents, run, told.epoch, log, Arc::new(workshop));
            agents.runs().insert(run_id.to_owned(), handle);
        }
        None => log.close(),
    }
    Ok(())
}

/// Takes away what is not to be kept. Gives what is.
async fn settle(folder: &Path, run_id: &str, workshop: Result<Option<Workshop>, GitError>) -> Option<Workshop> {
    match workshop {
        Ok(Some(workshop)) if workshop.keeps() => return Some(workshop),
        Ok(Some(workshop)) => {
            let discarded = workshop.discard().await;
            discarded.inspect_err(|error| tracing::warn!(%error, "a worktree of a run is left behind")).ok();
        }
        // Somebody wants it, and its repository may be there again.
        Err(error) if workshop::are_kept(folder, run_id) => {
            tracing::warn!(%error, run = run_id, "worktrees that are kept cannot be looked at");
        }
        // Its repository is lost, and with it whatever could tell more.
        Ok(None) | Err(_) => workshop::erase_left(folder, run_id).await,
    }
    None
}

/// What a log tells of its run.
struct Told {
    epoch: String,
    seq: u64,
    started: RunStarted,
    events: Vec<Event>,
    started_at_ms: u64,
    torn: u64,
}

#[derive(Deserialize)]
struct Head {
    epoch: String,
    seq: u64,
}

impl Told {
    fn run(&self, run_id: &str, has_worktrees: bool) -> Run {
        let beginning = RunBeginning {
            id: run_id.to_owned(),
            epoch: self.epoch.clone(),
            started: self.started.clone(),
            has_worktrees,
            nonce: String::new(),
        };
        Run::remembered(beginning, &self.events, self.seq, self.started_at_ms)
    }
}

/// Reads a log, and takes away what a crash has torn off its end, which is kept beside it. None where no run begins in it.
fn read(path: &Path) -> io::Result<Option<Told>> {
    let text = fs::read(path)?;
    let mut told: Option<Told> = None;
    let mut good = 0;
    for end in memchr_iter(b'\n', &text) {
        let line = &text[good..end];
        let Ok(head) = serde_json::from_slice::<Head>(line) else { break };
        // Events that another version of us has written are passed over, and counted.
        let event = serde_json::from_slice::<Event>(line).ok();
        match (&mut told, event) {
            (Some(told), event) if head.seq == told.seq + 1 => {
                told.seq = head.seq;
                told.events.extend(event);
            }
            (None, Some(Event::RunStarted(started))) if head.seq == 1 => {
                told = Some(Told { epoch: head.epoch, seq: 1, started, events: Vec::new(), started_at_ms: 0, torn: 0 });
            }
            (Some(_) | None, _) => break,
        }
        good = end + 1;
    }
    let Some(mut told) = told else { return Ok(None) };
    let made = path.metadata().and_then(|file| file.created().or_else(|_| file.modified()));
    let made = made.ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    told.started_at_ms = made.map_or(0, |made| made.as_millis() as u64);
    told.torn = (text.len() - good) as u64;
    if told.torn > 0 {
        write_private(&path.with_extension("torn"), &text[good..])?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(good as u64)?;
        file.sync_all()?;
    }
    Ok(Some(told))
}
