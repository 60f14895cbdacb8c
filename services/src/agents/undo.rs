//! What turns did to folders, so that it can be taken back: a look at the folder before each turn and one behind it, kept in
//! stores of ours below the folder of the logs. Knows nothing of sessions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256};
use sixframe_supervisor::Supervisor;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::timeout;

use super::git::{Applied, Bounds, Git, GitError, Glance, Repository, Store, Tree};
use super::item::FileChange;

/// How a look at a folder is called in its store.
const INDEX: &str = "undo";

/// Turns of a folder that are under way at once, at most; those whose end nobody sees are among them.
const BEGUN: usize = 64;

/// For how long a folder is not looked at that was too much to look at.
const REST: Duration = Duration::from_secs(600);

/// What is not looked at where a folder is in no repository that says so itself.
const PASSED_OVER: &str = "node_modules/\n.venv/\n__pycache__/\n";

/// What is kept so that turns can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoConfig {
    /// Whether anything is. Default yes.
    pub is_on: bool,
    /// The longest file that is kept, in bytes; longer ones cannot be undone. Default 8 MiB.
    pub file_bytes: u64,
    /// The most files that are read at once. Default 20 000.
    pub files: usize,
    /// The most that is read at once, in bytes. Default 256 MiB.
    pub bytes: u64,
    /// How many turns are kept of a folder. Default 100.
    pub turns: usize,
    /// How much the store of a folder may hold, in bytes, before the older half of its turns is let go. Default 512 MiB.
    pub store_bytes: u64,
    /// How many folders are kept. Default 32.
    pub folders: usize,
    /// How long the look before a turn may take; the turn waits for it, and cannot be undone where it takes longer. Default
    /// 20 s.
    pub patience: Duration,
    /// How long the look behind a turn may take; its end waits for it. Without it, undo must be forced. Default 5 s.
    pub end_patience: Duration,
}

impl Default for UndoConfig {
    fn default() -> UndoConfig {
        UndoConfig {
            is_on: true,
            file_bytes: 8 << 20,
            files: 20_000,
            bytes: 256 << 20,
            turns: 100,
            store_bytes: 512 << 20,
            folders: 32,
            patience: Duration::from_secs(20),
            end_patience: Duration::from_secs(5),
        }
    }
}

/// On which side of a turn a folder is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// Why a turn is not undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotUndone {
    #[error("a turn is open; wait for its end, or stop it with agent.interrupt")]
    InTurn,
    #[error("undo is off; agent.undo turns it on")]
    Off,
    #[error("undo needs git, and there is none; install it")]
    NoGit,
    #[error("nothing is kept of this turn: it was not looked at, or is too long ago")]
    NotKept,
    #[error("files that the turn changed were changed since; force overwrites them")]
    Conflict(Vec<String>),
    #[error("{0}")]
    Failed(String),
}

impl From<GitError> for NotUndone {
    fn from(error: GitError) -> NotUndone {
        match error {
            GitError::Missing => NotUndone::NoGit,
            other => NotUndone::Failed(other.to_string()),
        }
    }
}

/// The looks at all folders. One at a time at each.
pub(super) struct Looks {
    config: UndoConfig,
    dir: PathBuf,
    supervisor: Supervisor,
    /// Which folders agents may work in.
    may: Box<dyn Fn(&Path) -> bool + Send + Sync>,
    /// The repositories of folders that were looked at, where they are in one that is looked at as a whole.
    repositories: Mutex<HashMap<PathBuf, Option<Repository>>>,
    /// By their tops: sessions in several folders of a repository have one place, as they have one store.
    places: Mutex<HashMap<PathBuf, Arc<AsyncMutex<Place>>>>,
    /// Until when folders are not looked at.
    given_up: Mutex<HashMap<PathBuf, Instant>>,
}

/// What is known of a folder, or of the repository that it is in.
#[derive(Debug, Default)]
struct Place {
    looked: Option<Looked>,
    /// What the last look has seen.
    seen: Option<Glance>,
    /// Turns since what is too long ago was let go.
    turns: usize,
    /// The turns that were seen as they began, and under which names they are kept.
    begun: BTreeMap<String, String>,
}

/// A folder and its store.
#[derive(Clone, Debug)]
struct Looked {
    store: Store,
    top: PathBuf,
}

impl Looks {
    /// The looks that are kept in this folder, at folders that agents may work in.
    pub(super) fn new(
        config: UndoConfig,
        dir: PathBuf,
        supervisor: Supervisor,
        may: impl Fn(&Path) -> bool + Send + Sync + 'static,
    ) -> Looks {
        let (repositories, places, given_up) = Default::default();
        Looks { config, dir, supervisor, may: Box::new(may), repositories, places, given_up }
    }

    /// Whether anything is looked at.
    pub(super) fn is_on(&self) -> bool {
        self.config.is_on
    }

    /// Looks at a folder before a turn, or behind it. Gives why the turn cannot be undone.
    pub(super) async fn look(&self, folder: &Path, turn: &str, side: Side) -> Result<(), NotUndone> {
        if !self.config.is_on {
            return Err(NotUndone::Off);
        }
        let patience = match side {
            Side::Before => self.config.patience,
            Side::After => self.config.end_patience,
        };
        let too_long = || NotUndone::Failed(format!("a look at it took longer than {} s", patience.as_secs()));
        if self.given_up().get(folder).is_some_and(|until| Instant::now() < *until) {
            return Err(too_long());
        }
        let looking = async {
            let mut place = self.place(folder).await?.lock_owned().await;
            if side == Side::After && !place.begun.contains_key(turn) {
                // Without its beginning, its end is of no use.
                return Err(NotUndone::NotKept);
            }
            let Looked { store, top } = self.opened(&mut place, folder).await?;
            let tree = store.look_again(INDEX, &top, &self.limits(), &mut place.seen).await?;
            let name = match side {
                Side::Before => {
                    let name = format!("{:013}-{turn}", now_ms());
                    place.begun.insert(turn.to_owned(), name.clone());
                    if place.begun.len() > BEGUN {
                        place.begun.pop_first();
                    }
                    name + "/before"
                }
                Side::After => place.begun.remove(turn).ok_or(NotUndone::NotKept)? + "/after",
            };
            let keeping = async move {
                let kept = store.keep(&name, &tree).await;
                drop(place);
                kept
            };
            match side {
                // It was seen, and a prompt waits. Whoever looks next comes behind that.
                Side::Before => drop(tokio::spawn(async move {
                    let kept = keeping.await;
                    kept.inspect_err(|error| tracing::warn!(%error, "a turn cannot be undone")).ok();
                })),
                Side::After => keeping.await?,
            }
            Ok(())
        };
        let looked = timeout(patience, looking).await;
        if looked.is_err() && side == Side::Before {
            // What took too long would do so again, and a prompt would wait for it each time.
            self.given_up().insert(folder.to_owned(), Instant::now() + REST);
        }
        looked.unwrap_or_else(|_| Err(too_long()))
    }

    /// A turn ended before the look that was to come before it, and changed nothing: what was seen is let go.
    pub(super) async fn forgo(&self, folder: &Path, turn: &str) {
        let Ok(place) = self.place(folder).await else { return };
        let mut place = place.lock().await;
        let (Some(name), Some(Looked { store, .. })) = (place.begun.remove(turn), place.looked.clone()) else { return };
        let gone = store.let_go(&[name + "/before"]).await;
        gone.inspect_err(|error| tracing::debug!(%error, "a look stays behind")).ok();
    }

    /// Looks at a folder for the first time, which takes longest, before anybody waits for it.
    pub(super) async fn prepare(&self, folder: &Path) -> Result<(), NotUndone> {
        if !self.config.is_on {
            return Ok(());
        }
        let place = self.place(folder).await?;
        let mut place = place.lock().await;
        if place.looked.is_some() {
            return Ok(());
        }
        let Looked { store, top } = self.opened(&mut place, folder).await?;
        store.look_again(INDEX, &top, &self.limits(), &mut place.seen).await?;
        // However long that took, the next look is quicker.
        self.given_up().remove(folder);
        Ok(())
    }

    /// Lets go of what is too long ago, or too much. Nobody has to wait for it.
    pub(super) async fn forget(&self, folder: &Path) -> Result<(), NotUndone> {
        let place = self.place(folder).await?;
        let mut place = place.lock().await;
        place.turns += 1;
        // It takes several calls, and a prompt may be waiting behind them.
        if place.turns < self.config.turns.div_ceil(20).max(1) {
            return Ok(());
        }
        place.turns = 0;
        let Looked { store, .. } = self.opened(&mut place, folder).await?;
        self.let_go(&store, &store.all_kept().await?).await.map_err(NotUndone::from)
    }

    /// Takes back what became of a folder in a turn. Gives what was changed for that, by paths from the folder on.
    pub(super) async fn undo(&self, folder: &Path, turn: &str, is_forced: bool) -> Result<Vec<FileChange>, NotUndone> {
        if !self.config.is_on {
            return Err(NotUndone::Off);
        }
        let place = self.place(folder).await?;
        let mut place = place.lock().await;
        let Looked { store, top } = self.opened(&mut place, folder).await?;
        let kept = store.all_kept().await?;
        let before = find(&kept, turn, "before").ok_or(NotUndone::NotKept)?;
        let before = store.kept(before).await?.ok_or(NotUndone::NotKept)?;
        let after = match find(&kept, turn, "after") {
            Some(after) => store.kept(after).await?,
            None => None,
        };
        let now = store.look_again(INDEX, &top, &self.limits(), &mut place.seen).await?;
        let paths = changed(&store, &before, after.as_ref().unwrap_or(&now)).await?;
        let since = match &after {
            Some(after) => changed(&store, after, &now).await?,
            // Nobody saw its end: whatever is there now may be somebody else's.
            None => paths.clone(),
        };
        let left = changed(&store, &before, &now).await?;
        let shown = |path: &str| shown(folder, &top, path);
        let changed_since: Vec<String> =
            paths.iter().filter(|path| since.contains(*path) && left.contains(*path)).map(|path| shown(path)).collect();
        if !is_forced && !changed_since.is_empty() {
            return Err(NotUndone::Conflict(changed_since));
        }
        let paths: Vec<String> = paths.into_iter().collect();
        let wanted = store.mixed(&now, &before, &paths).await?;
        match store.write(INDEX, &top, &now, &wanted).await? {
            Applied::All(files) => Ok(files.into_iter().map(|file| in_folder(file, &shown)).collect()),
            Applied::Conflict(paths) => Err(NotUndone::Conflict(paths.iter().map(|path| shown(path)).collect())),
        }
    }

    /// Removes the stores that nobody has used for longest, where there are too many.
    pub(super) fn tidy(&self) -> std::io::Result<()> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let used = |path: &Path| path.join(format!("index.{INDEX}")).metadata().and_then(|index| index.modified());
        let mut stores: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .map(|path| (used(&path).unwrap_or(SystemTime::UNIX_EPOCH), path))
            .collect();
        stores.sort();
        let surplus = stores.len().saturating_sub(self.config.folders);
        stores.drain(..surplus).try_for_each(|(_, path)| std::fs::remove_dir_all(path))
    }

    fn limits(&self) -> Bounds {
        let UndoConfig { file_bytes, files, bytes, .. } = self.config;
        Bounds { file_bytes, files, bytes }
    }

    fn given_up(&self) -> MutexGuard<'_, HashMap<PathBuf, Instant>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(&self, folder: &Path) -> Result<Arc<AsyncMutex<Place>>, NotUndone> {
        let repository = self.repository(folder).await?;
        let top = repository.as_ref().map_or(folder, Repository::top);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(places.entry(top.to_owned()).or_default()))
    }

    /// The repository that is looked at for a folder.
    async fn repository(&self, folder: &Path) -> Result<Option<Repository>, NotUndone> {
        let known = || self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(repository) = known().get(folder) {
            return Ok(repository.clone());
        }
        let git = Git::find(&self.supervisor)?;
        // What lies above the folders that agents may work in is not looked at, and not put back.
        let found = Repository::of(&git, folder).await.ok().filter(|repository| (self.may)(repository.top()));
        // Another look may have found it meanwhile: they all go by the same one.
        Ok(known().entry(folder.to_owned()).or_insert(found).clone())
    }

    async fn opened(&self, place: &mut Place, folder: &Path) -> Result<Looked, NotUndone> {
        if let Some(looked) = &place.looked {
            return Ok(looked.clone());
        }
        let git = Git::find(&self.supervisor)?;
        let repository = self.repository(folder).await?;
        let top = repository.as_ref().map_or(folder, Repository::top).to_owned();
        let hash = Sha256::digest(top.as_os_str().as_encoded_bytes());
        let at = self.dir.join(hash[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let store = Store::at(&git, at.clone(), repository.as_ref()).await?;
        let excluding = exclude(&at, &self.dir, &top, repository.is_some());
        excluding.map_err(|error| NotUndone::Failed(format!("{} cannot be written: {error}", at.display())))?;
        Ok(place.looked.insert(Looked { store, top }).clone())
    }

    /// Lets go of the oldest turns, where there are too many, or the store holds too much.
    async fn let_go(&self, store: &Store, kept: &[String]) -> Result<(), GitError> {
        let turn = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
        // Their names begin with the time.
        let turns: Vec<String> = kept.iter().map(|name| turn(name)).collect::<BTreeSet<_>>().into_iter().collect();
        let is_heavy = store.bytes().await? > self.config.store_bytes;
        let surplus = turns.len().saturating_sub(self.config.turns).max(if is_heavy { turns.len() / 2 } else { 0 });
        if surplus == 0 {
            return Ok(());
        }
        let gone: Vec<String> = kept.iter().filter(|name| turns[..surplus].contains(&turn(name))).cloned().collect();
        store.let_go(&gone).await
    }
}

/// What a look is kept as.
fn find<'a>(kept: &'a [String], turn: &str, side: &str) -> Option<&'a String> {
    let end = format!("-{turn}/{side}");
    kept.iter().find(|name| name.ends_with(&end))
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

/// The paths of all files that are not the same in two trees.
async fn changed(store: &Store, from: &Tree, to: &Tree) -> Result<BTreeSet<String>, GitError> {
    let files = store.diff(from, to).await?.files;
    Ok(files.into_iter().flat_map(|file| [Some(file.path), file.old_path]).flatten().collect())
}

/// A path as the session's folder has it; an absolute one outside of it.
fn shown(folder: &Path, top: &Path, path: &str) -> String {
    let whole = top.join(path);
    whole.strip_prefix(folder).unwrap_or(&whole).to_string_lossy().into_owned()
}

fn in_folder(file: FileChange, shown: &impl Fn(&str) -> String) -> FileChange {
    FileChange { path: shown(&file.path), old_path: file.old_path.as_deref().map(shown), ..file }
}

/// Keeps our own files out of a store, and what is never a person's work.
fn exclude(store: &Path, ours: &Path, top: &Path, is_repository: bool) -> std::io::Result<()> {
    let place = store.join("info/exclude");
    let mut patterns = match is_repository {
        true => std::fs::read_to_string(&place).unwrap_or_default(),
        false => PASSED_OVER.to_owned(),
    };
    if let Some(ours) = ours.parent().and_then(|ours| ours.strip_prefix(top).ok()).filter(|ours| *ours != Path::new(""))
    {
        patterns += &format!("\n/{}/\n", ours.to_string_lossy());
    }
    std::fs::create_dir_all(store.join("info"))?;
    std::fs::write(place, patterns)
}
