//! What is seen on the disk while a turn goes on, and whether it is the agent's doing. The system does not tell who writes a
//! file, so that is a guess: somebody else does where the turn is changing the file and nothing of the agent is at work on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::super::event::{DiffUpdate, Event, FileSeen, FilesChanged, FilesContended};
use super::super::item::{FileChange, Item, ItemKind, ToolKind};
use super::super::moment::Moment;
use super::super::permission::{Action, Ask};
use super::super::problem::Problem;
use super::Session;

/// For how long what is seen behind a tool's end may still be the tool's doing.
const SETTLES: Duration = Duration::from_secs(1);

/// The most files of a turn that are remembered.
const MOST: usize = 4096;

/// What the turn that is open has to do with files.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Those that the agent changes, or wants to, by paths from the folder on.
    touched: BTreeSet<String>,
    /// Items at work that may write.
    writers: BTreeSet<String>,
    /// When one of them was last done.
    wrote: Option<Duration>,
    /// What was said to be contended.
    told: BTreeSet<String>,
}

impl Session {
    /// Files were seen to have changed, so many more of them than are listed.
    pub fn seen(&mut self, now: Moment, files: Vec<FileSeen>, omitted: u64) {
        if self.closed || self.turns.open().is_none() || files.is_empty() {
            return;
        }
        let is_busy = self.files.writers.iter().any(|item| !self.must_wait(item));
        let has_settled = self.files.wrote.is_none_or(|wrote| now.at >= wrote + SETTLES);
        let is_news = |path: &&String| self.files.touched.contains(*path) && !self.files.told.contains(*path);
        let paths: Vec<String> = match !is_busy && has_settled {
            true => files.iter().map(|file| &file.path).filter(is_news).cloned().collect(),
            false => Vec::new(),
        };
        self.log(now, Event::FilesChanged(FilesChanged { files, omitted }), None);
        if !paths.is_empty() {
            self.files.told.extend(paths.iter().cloned());
            self.log(now, Event::FilesContended(FilesContended { paths }), None);
        }
    }

    /// The folder cannot be watched, or not all of it.
    pub fn unwatched(&mut self, now: Moment, problem: Problem) {
        if !self.closed && self.turns.open().is_some() {
            self.log(now, Event::Error(problem), None);
        }
    }

    /// What an item says of files.
    pub(super) fn writes(&mut self, now: Moment, id: &str, item: &Item) {
        let tool = item.tool.as_ref();
        let kind = tool.and_then(|tool| tool.tool_kind);
        let is_edit = matches!(kind, Some(ToolKind::Edit | ToolKind::Delete | ToolKind::Move));
        let located = tool.and_then(|tool| tool.locations.as_ref()).filter(|_| is_edit).into_iter().flatten();
        let changed = tool.and_then(|tool| tool.changes.as_ref()).into_iter().flatten();
        let paths: Vec<String> =
            located.map(|at| at.path.clone()).chain(changed.map(|change| change.path.clone())).collect();
        self.touch(paths.iter());
        let may_write = match (item.kind, kind) {
            (ItemKind::Subagent, _) => true,
            (ItemKind::ToolCall, Some(ToolKind::Read | ToolKind::Search | ToolKind::Fetch | ToolKind::Think)) => false,
            (ItemKind::ToolCall, _) => true,
            (_, _) => false,
        };
        match item.status {
            Some(status) if status.is_final() => {
                // One that was told of in its end alone may have written until now.
                if self.files.writers.remove(id) || may_write {
                    self.files.wrote = Some(now.at);
                }
            }
            Some(_) if may_write && self.files.writers.len() < MOST => drop(self.files.writers.insert(id.to_owned())),
            Some(_) | None => (),
        }
    }

    /// What the agent wants to change.
    pub(super) fn would_write(&mut self, ask: &Ask) {
        if ask.action == Action::FileChange {
            self.touch(ask.paths.iter());
        }
    }

    /// What the agent says it has changed.
    pub(super) fn wrote(&mut self, diff: &DiffUpdate) {
        self.touch(diff.files.iter().map(|file| &file.path));
    }

    /// A turn is over.
    pub(super) fn forget_files(&mut self) {
        self.files = Files::default();
    }

    /// Paths of files that were changed are told as those are that were seen to be: below the session's folder, or absolute ones.
    pub(super) fn shorten(&self, changes: &mut [FileChange]) {
        for change in changes {
            change.path = self.below(&change.path);
            change.old_path = change.old_path.as_ref().map(|path| self.below(path));
        }
    }

    fn below(&self, path: &str) -> String {
        let (path, folder) = (Path::new(path), Path::new(&self.beginning.created.cwd));
        let below = path.strip_prefix(folder).unwrap_or(path);
        below.strip_prefix(".").unwrap_or(below).to_string_lossy().into_owned()
    }

    fn touch<'a>(&mut self, paths: impl Iterator<Item = &'a String>) {
        let left = MOST.saturating_sub(self.files.touched.len());
        let touched: Vec<String> = paths.take(left).map(|path| self.below(path)).collect();
        self.files.touched.extend(touched);
    }
}
