//! What others have of a run that lives.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::super::event::RunApplied;
use super::super::git::Applied;
use super::super::item::FileChange;
use super::super::log::Reading;
use super::NotRun;
use super::view::{RunState, RunView};
use super::workshop::Workshop;

/// The most of all diffs of a member that its event holds, in bytes.
const DIFFS: usize = 1 << 20;

/// What is wished of a run.
pub(super) enum Wish {
    Cancel,
    Applied(RunApplied, oneshot::Sender<()>),
    Discard(oneshot::Sender<Result<(), NotRun>>),
    Halt,
}

/// What a member has changed, as it can be shown and applied.
pub(in super::super) struct Changed {
    pub(in super::super) files: Vec<FileChange>,
    pub(in super::super) sha256: String,
}

/// A run, for whoever wishes something of it. Cheap to clone. Dropping the last one cancels it.
#[derive(Clone)]
pub(in super::super) struct RunHandle {
    pub(super) wishes: mpsc::UnboundedSender<Wish>,
    pub(super) log: Reading,
    pub(super) epoch: String,
    pub(super) view: watch::Receiver<RunView>,
    pub(super) workshop: Option<Arc<Workshop>>,
}

impl RunHandle {
    pub(in super::super) fn view(&self) -> RunView {
        self.view.borrow().clone()
    }

    pub(super) fn log(&self) -> (Reading, String) {
        (self.log.clone(), self.epoch.clone())
    }

    /// Whether it is over, and nobody said to keep what is left of it.
    pub(super) fn is_passing(&self) -> bool {
        let is_kept = self.workshop.as_ref().is_some_and(|workshop| workshop.keeps());
        self.view.borrow().state == RunState::Ended && !is_kept
    }

    pub(in super::super) fn cancel(&self) {
        self.wish(Wish::Cancel);
    }

    /// Ends it, and waits until nothing of it is left but what is to be kept.
    pub(super) async fn halt(&self) {
        self.wish(Wish::Halt);
        self.wishes.closed().await;
    }

    pub(super) async fn discard(&self) -> Result<(), NotRun> {
        let (told, answer) = oneshot::channel();
        self.wish(Wish::Discard(told));
        // What has ended meanwhile has nothing left.
        let answer = answer.await.unwrap_or(Ok(()));
        if answer.is_ok() {
            self.wishes.closed().await;
        }
        answer
    }

    /// The folder of the repository that changes are applied to.
    pub(super) fn top(&self) -> Option<&Path> {
        self.workshop.as_deref().map(Workshop::top)
    }

    /// What a member has changed.
    pub(in super::super) async fn changes(&self, member: &str) -> Result<Changed, NotRun> {
        let changes = self.workshop_of(member)?.changes(member).await?;
        Ok(Changed { files: changes.diff.files, sha256: changes.sha256 })
    }

    /// Brings that into the folder of the run, if it is still what was shown.
    pub(super) async fn apply(&self, member: &str, shown: Option<&str>) -> Result<Changed, NotRun> {
        let workshop = self.workshop_of(member)?;
        let changes = workshop.changes(member).await?;
        let sha256 = changes.sha256.clone();
        if shown.is_some_and(|shown| shown != sha256) {
            return Err(NotRun::OtherChanges { sha256 });
        }
        let files = match workshop.apply(&changes).await? {
            Applied::All(files) => files,
            Applied::Conflict(files) => return Err(NotRun::Conflict { files }),
        };
        let (told, written) = oneshot::channel();
        self.wish(Wish::Applied(RunApplied { name: member.to_owned(), files: within(files.clone()) }, told));
        // Where its log is closed meanwhile, it was applied all the same.
        let _ = written.await;
        Ok(Changed { files, sha256 })
    }

    fn workshop_of(&self, member: &str) -> Result<&Workshop, NotRun> {
        let workshop = self.workshop.as_deref().filter(|workshop| workshop.has(member));
        workshop.ok_or_else(|| NotRun::NoMember(member.to_owned()))
    }

    fn wish(&self, wish: Wish) {
        // What has ended has nothing left to be changed.
        let _ = self.wishes.send(wish);
    }
}

/// The changes, with as many diffs as an event may hold.
pub(super) fn within(mut files: Vec<FileChange>) -> Vec<FileChange> {
    let mut room = DIFFS;
    for file in &mut files {
        let length = file.unified_diff.as_ref().map_or(0, String::len);
        match room.checked_sub(length) {
            Some(rest) => room = rest,
            None => file.cut(),
        }
    }
    files
}
