//! The worktrees of a run's members, and what became of the files in them. A ledger says which there are before they are
//! made, so that another daemon can take them away.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;

use super::super::git::{Applied, Diff, Git, GitError, Repository, Store, Tree};
use super::super::log::{make_private, write_private};
use super::super::permission::sha256;

/// What the folder of the run itself is known by in its store. No member's name holds it.
const TOP: &str = "=";

/// What is known of a run's worktrees when nothing else is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ledger {
    /// The repository's folder.
    top: PathBuf,
    /// The folder of the run below it.
    below: PathBuf,
    /// The commit that the worktrees are of.
    head: String,
    /// What their files were in the beginning; absent until that is known.
    base: Option<Tree>,
    /// Whether they outlive the run.
    keep: bool,
    /// The members that have one, or are about to.
    names: Vec<String>,
}

/// Where everything of a run is.
#[derive(Clone, Debug)]
struct Places {
    /// The folder of the worktrees.
    worktrees: PathBuf,
    store: PathBuf,
    ledger: PathBuf,
}

impl Places {
    fn of(folder: &Path, run_id: &str) -> Places {
        let place = |name: String| folder.join(name);
        Places {
            worktrees: place(run_id.to_owned()),
            store: place(format!("{run_id}.git")),
            ledger: place(format!("{run_id}.json")),
        }
    }
}

/// What a member changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) diff: Diff,
    /// The SHA-256 of it, in hexadecimal.
    pub(super) sha256: String,
    tree: Tree,
}

/// The worktrees of a run.
#[derive(Debug)]
pub(super) struct Workshop {
    places: Places,
    repository: Repository,
    store: Store,
    base: Tree,
    ledger: Mutex<Ledger>,
    /// What each had changed in the end, where its worktree is not there any more.
    last: Mutex<BTreeMap<String, Tree>>,
    /// One looks at files at a time.
    turn: AsyncMutex<()>,
}

impl Workshop {
    /// Looks at the folder of a run as it is now, before any worktree is made.
    pub(super) async fn open(
        git: &Git,
        repository: Repository,
        folder: &Path,
        run_id: &str,
        cwd: &Path,
        keep: bool,
    ) -> Result<Workshop, GitError> {
        make_private(folder).map_err(|error| lost(folder, &error))?;
        // git knows its worktrees by names without links.
        let folder = &folder.canonicalize().map_err(|error| lost(folder, &error))?;
        let places = Places::of(folder, run_id);
        let below = cwd.strip_prefix(repository.top()).unwrap_or(Path::new("")).to_owned();
        let head = repository.head().await?;
        let mut ledger = Ledger { top: repository.top().to_owned(), below, head, base: None, keep, names: Vec::new() };
        write(&places, &ledger)?;
        let looked = async {
            let store = Store::at(git, places.store.clone(), Some(&repository)).await?;
            let base = store.snapshot(TOP, repository.top()).await?;
            Ok::<_, GitError>((store, base))
        };
        match looked.await {
            Ok((store, base)) => {
                ledger.base = Some(base.clone());
                let ledger = Mutex::new(ledger);
                let (last, turn) = (Mutex::default(), AsyncMutex::default());
                Ok(Workshop { places, repository, store, base, ledger, last, turn })
            }
            Err(error) => {
                erase(&places).await;
                Err(error)
            }
        }
    }

    /// The worktrees as an earlier daemon has left them. None where nothing was changed in any of them.
    pub(super) async fn left(git: &Git, folder: &Path, run_id: &str) -> Result<Option<Workshop>, GitError> {
        let folder = &folder.canonicalize().map_err(|error| lost(folder, &error))?;
        let places = Places::of(folder, run_id);
        let unread = |error: io::Error| lost(&places.ledger, &error);
        let ledger = std::fs::read(&places.ledger).map_err(unread)?;
        let ledger: Ledger = serde_json::from_slice(&ledger).map_err(|error| unread(error.into()))?;
        let Some(base) = ledger.base.clone() else { return Ok(None) };
        let repository = Repository::of(git, &ledger.top).await?;
        let store = Store::at(git, places.store.clone(), Some(&repository)).await?;
        let (ledger, last, turn) = (Mutex::new(ledger), Mutex::default(), AsyncMutex::default());
        Ok(Some(Workshop { places, repository, store, base, ledger, last, turn }))
    }

    /// Makes a worktree with what the run's folder held when the run began. Gives the folder in it to work in.
    pub(super) async fn add(&self, name: &str) -> Result<PathBuf, GitError> {
        let _turn = self.turn.lock().await;
        let (head, below, worktree) = {
            let mut ledger = self.ledger();
            ledger.names.push(name.to_owned());
            write(&self.places, &ledger)?;
            (ledger.head.clone(), ledger.below.clone(), self.worktree(name))
        };
        make_private(&self.places.worktrees).map_err(|error| lost(&self.places.worktrees, &error))?;
        self.repository.add_worktree(&worktree, &head).await?;
        self.repository.read_commit(&worktree, &head).await?;
        self.store.fill(name, &worktree, &self.base).await?;
        // Behind a path that is joined with none there is a slash, and agents take that for another folder.
        let cwd: PathBuf = worktree.join(below).components().collect();
        let unseen = || GitError::Unfit("git ignores the folder of the run, so that no worktree has it".to_owned());
        cwd.is_dir().then_some(cwd).ok_or_else(unseen)
    }

    /// The folder of the repository.
    pub(super) fn top(&self) -> &Path {
        self.repository.top()
    }

    /// Whether a member has a worktree, or had one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.ledger().names.iter().any(|known| known == name)
    }

    pub(super) fn keeps(&self) -> bool {
        self.ledger().keep
    }

    pub(super) fn worktree(&self, name: &str) -> PathBuf {
        self.places.worktrees.join(name)
    }

    /// What a member has changed until now, or had until its worktree was taken away.
    pub(super) async fn changes(&self, name: &str) -> Result<Changes, GitError> {
        let _turn = self.turn.lock().await;
        let worktree = self.worktree(name);
        let tree = match worktree.is_dir() {
            true => self.store.snapshot(name, &worktree).await?,
            false => self.last().get(name).cloned().unwrap_or_else(|| self.base.clone()),
        };
        self.last().insert(name.to_owned(), tree.clone());
        let diff = self.store.diff(&self.base, &tree).await?;
        Ok(Changes { sha256: sha256(&diff.patch), diff, tree })
    }

    /// Brings what a member has changed into the run's folder: all of it or nothing.
    pub(super) async fn apply(&self, changes: &Changes) -> Result<Applied, GitError> {
        let _turn = self.turn.lock().await;
        self.store.apply(TOP, self.repository.top(), &self.base, &changes.tree).await
    }

    /// Takes the worktrees away. What was changed in them can be applied as long as this lasts.
    pub(super) async fn empty(&self) -> Result<(), GitError> {
        let _turn = self.turn.lock().await;
        let names = self.ledger().names.clone();
        let mut first = Ok(());
        for name in names {
            let worktree = self.worktree(&name);
            let removed = match remove(worktree.clone()).await {
                Ok(()) => self.forget(&worktree).await,
                Err(error) => Err(lost(&worktree, &error)),
            };
            // One that stays must not keep the others.
            first = first.and(removed);
        }
        let _ = std::fs::remove_dir(&self.places.worktrees);
        first
    }

    async fn forget(&self, worktree: &Path) -> Result<(), GitError> {
        match self.repository.worktrees().await?.iter().any(|known| known == worktree) {
            true => self.repository.forget_worktree(worktree).await,
            // A daemon that was ended had not come to make it, or had come to take it away.
            false => Ok(()),
        }
    }

    /// Takes everything away.
    pub(super) async fn discard(&self) -> Result<(), GitError> {
        self.empty().await?;
        erase(&self.places).await;
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, BTreeMap<String, Tree>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runs that have a ledger in this folder.
pub(super) fn ledgers(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
}

/// Whether the worktrees of a run outlive it.
pub(super) fn are_kept(folder: &Path, run_id: &str) -> bool {
    ledger_of(folder, run_id).is_some_and(|ledger| ledger.keep && ledger.base.is_some())
}

/// The folder that a worktree's one, without links, was made from.
pub(super) fn origin(folder: &Path, cwd: &Path) -> Option<PathBuf> {
    let mut below = cwd.strip_prefix(folder.canonicalize().ok()?).ok()?.components();
    let (run_id, _name) = (below.next()?, below.next()?);
    let ledger = ledger_of(folder, run_id.as_os_str().to_str()?)?;
    Some(ledger.top.join(below.as_path()).components().collect())
}

fn ledger_of(folder: &Path, run_id: &str) -> Option<Ledger> {
    let ledger = std::fs::read(Places::of(folder, run_id).ledger).ok()?;
    serde_json::from_slice(&ledger).ok()
}

/// Takes away what is left of a run whose repository is lost, or that had made no worktree.
pub(super) async fn erase_left(folder: &Path, run_id: &str) {
    let places = Places::of(folder, run_id);
    if remove(places.worktrees.clone()).await.is_ok() {
        erase(&places).await;
    }
}

/// The ledger goes last: as long as it is there, somebody will come back.
async fn erase(places: &Places) {
    match remove(places.store.clone()).await {
        Ok(()) => drop(std::fs::remove_file(&places.ledger)),
        Err(error) => tracing::warn!(%error, place = %places.store.display(), "what a run has left cannot be removed"),
    }
}

fn write(places: &Places, ledger: &Ledger) -> Result<(), GitError> {
    let text = serde_json::to_vec(ledger).map_err(|error| lost(&places.ledger, &error.into()))?;
    write_private(&places.ledger, &text).map_err(|error| lost(&places.ledger, &error))
}

/// Removes a folder with everything in it; links are not followed. One that is not there is removed.
async fn remove(folder: PathBuf) -> io::Result<()> {
    let removed = spawn_blocking(move || match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // Caches of packages are written so that nothing of them can be removed.
            open_up(&folder);
            std::fs::remove_dir_all(&folder)
        }
        removed => removed,
    });
    removed.await.map_err(io::Error::other)?
}

#[cfg(unix)]
fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let is_folder = folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    if !is_folder || std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).is_err() {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}

#[cfg(not(unix))]
fn open_up(_folder: &Path) {}

fn lost(place: &Path, error: &io::Error) -> GitError {
    GitError::Unfit(format!("{}: {error}", place.display()))
}
