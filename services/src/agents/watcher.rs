//! The changes of a folder's files while somebody wants to know them, as the system tells them, gathered for a moment each.
//! What version control passes over is passed over here. Knows nothing of who changes a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ignore::WalkBuilder;
use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};

use super::event::FileSeen;
use super::item::ChangeKind;
use super::passed_over::{PassedOver, Patterns};
use super::problem::{Problem, ProblemKind};

/// Paths that are gathered at once; what is more is counted.
const GATHERED: usize = 4096;

/// The most files that are listed at once.
const LISTED: usize = 200;

/// Whether each folder has to be watched by itself, as where the system knows no other way: those that are passed over cost
/// nothing then.
const ONE_BY_ONE: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What is passed over: what version control passes over, in a repository or not.
const PATTERNS: Patterns = Patterns { names: &[], needs_git: false, hides: false, places: true };

/// How folders are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// Whether they are. Default yes.
    pub is_on: bool,
    /// The most folders that are watched below that of a session, where each counts. Default 8192.
    pub folders: usize,
    /// For how long changes are gathered. Default 150 ms.
    pub pause: Duration,
}

impl Default for WatchConfig {
    fn default() -> WatchConfig {
        WatchConfig { is_on: true, folders: 8192, pause: Duration::from_millis(150) }
    }
}

/// What is told of a folder.
#[derive(Debug)]
pub(super) enum Seen {
    /// These files are not what they were, and so many more.
    Files(Vec<FileSeen>, u64),
    /// Not all of it can be watched.
    Failed(Problem),
}

/// A folder that is watched until this is dropped.
#[derive(Debug)]
pub(super) struct Watching {
    seen: Option<mpsc::Receiver<Seen>>,
    gathered: Arc<Gathered>,
    task: JoinHandle<()>,
}

impl Watching {
    /// Watches a folder, from a moment later on.
    pub(super) fn begin(config: WatchConfig, folder: PathBuf) -> Watching {
        let gathered = Arc::new(Gathered::default());
        let (tell, seen) = mpsc::channel(4);
        let task = tokio::spawn(watch(config, folder, Arc::clone(&gathered), tell));
        Watching { seen: Some(seen), gathered, task }
    }

    /// What is seen next; none once nothing will be. May be dropped and called again at any time.
    pub(super) async fn next(&mut self) -> Option<Seen> {
        match &mut self.seen {
            Some(seen) => seen.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Nothing will be told any more.
    pub(super) fn silence(&mut self) {
        self.seen = None;
    }

    /// What was gathered and not told yet.
    pub(super) async fn rest(&self) -> Option<Seen> {
        let gathered = Arc::clone(&self.gathered);
        // What is still being opened has seen nothing, and may take its time.
        let told = move || gathered.inner.try_lock().ok()?.watched.as_mut().and_then(Watched::told);
        spawn_blocking(told).await.ok().flatten()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
        // Giving up many watches takes a while.
        let gathered = Arc::clone(&self.gathered);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(gathered.lock().watched.take()));
        }
    }
}

async fn watch(config: WatchConfig, folder: PathBuf, gathered: Arc<Gathered>, tell: mpsc::Sender<Seen>) {
    let events = Arc::clone(&gathered);
    let opened = spawn_blocking(move || {
        let mut watched = Watched::open(config, folder, &events)?;
        let problem = watched.problem.take();
        events.lock().watched = Some(watched);
        Ok::<_, notify::Error>(problem)
    });
    let failed = match opened.await {
        Ok(Ok(None)) => None,
        Ok(Ok(Some(problem))) => Some(problem),
        Ok(Err(error)) => Some(unable(&error)),
        Err(_) => return,
    };
    if let Some(problem) = failed
        && tell.send(Seen::Failed(problem)).await.is_err()
    {
        return;
    }
    loop {
        gathered.arrived.notified().await;
        tokio::time::sleep(config.pause).await;
        let of = Arc::clone(&gathered);
        let told =
            spawn_blocking(move || of.lock().watched.as_mut().map(|watched| (watched.told(), watched.problem.take())));
        let Ok(Some((files, problem))) = told.await else { return };
        for seen in files.into_iter().chain(problem.map(Seen::Failed)) {
            if tell.send(seen).await.is_err() {
                return;
            }
        }
    }
}

/// What comes from the system's thread, and what it is for.
#[derive(Debug, Default)]
struct Gathered {
    inner: Mutex<Inner>,
    events: Mutex<Events>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    watched: Option<Watched>,
}

#[derive(Debug, Default)]
struct Events {
    /// Paths, and whether they were made.
    paths: BTreeMap<PathBuf, bool>,
    omitted: u64,
}

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called on the system's thread.
    fn take(&self, event: notify::Result<notify::Event>) {
        let Ok(event) = event else { return };
        let is_made = match event.kind {
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Any)) => true,
            EventKind::Remove(_) | EventKind::Modify(_) | EventKind::Any => false,
            EventKind::Access(_) | EventKind::Other => return,
        };
        let mut events = self.events();
        for path in event.paths {
            if events.paths.len() >= GATHERED && !events.paths.contains_key(&path) {
                events.omitted += 1;
            } else {
                *events.paths.entry(path).or_default() |= is_made;
            }
        }
        self.arrived.notify_one();
    }
}

/// A folder and what watches it.
struct Watched {
    config: WatchConfig,
    folder: PathBuf,
    watcher: RecommendedWatcher,
    folders: usize,
    passed_over: Arc<Mutex<PassedOver>>,
    events: std::sync::Weak<Gathered>,
    problem: Option<Problem>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("folder", &self.folder).field("folders", &self.folders).finish_non_exhaustive()
    }
}

impl Watched {
    fn open(config: WatchConfig, folder: PathBuf, gathered: &Arc<Gathered>) -> notify::Result<Watched> {
        let events = Arc::downgrade(gathered);
        let told = events.clone();
        let settings = notify::Config::default().with_follow_symlinks(false);
        let tell = move |event| {
            if let Some(gathered) = told.upgrade() {
                gathered.take(event);
            }
        };
        let watcher = RecommendedWatcher::new(tell, settings)?;
        let passed_over = Arc::new(Mutex::new(PassedOver::new(&folder, PATTERNS)));
        let (folders, problem) = (0, None);
        let mut watched = Watched { config, folder, watcher, folders, passed_over, events, problem };
        match ONE_BY_ONE {
            true => drop(watched.add(&watched.folder.clone())),
            false => watched.watcher.watch(&watched.folder, RecursiveMode::Recursive)?,
        }
        Ok(watched)
    }

    /// Watches a folder and those below it. Gives the files in them.
    fn add(&mut self, folder: &Path) -> Vec<PathBuf> {
        let passed_over = Arc::clone(&self.passed_over);
        // The files of patterns are read here: whoever wrote them may mean harm.
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .follow_links(false)
            .filter_entry(move |entry| entry.file_name() != ".git" && lock(&passed_over).shows(entry))
            .build();
        let mut files = Vec::new();
        for entry in walk.flatten() {
            if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                files.push(entry.into_path());
                continue;
            }
            if self.folders >= self.config.folders {
                let text = format!(
                    "only {} folders of the session's are watched; changes in others are not seen",
                    self.folders
                );
                self.problem.get_or_insert(Problem::new(ProblemKind::Unknown, text));
                break;
            }
            match self.watcher.watch(entry.path(), RecursiveMode::NonRecursive) {
                Ok(()) => self.folders += 1,
                // It was taken away meanwhile.
                Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => (),
                Err(error) => {
                    self.problem.get_or_insert(unable(&error));
                    break;
                }
            }
        }
        files
    }

    /// What was gathered, as files of the folder that are not passed over.
    fn told(&mut self) -> Option<Seen> {
        let gathered = self.events.upgrade()?;
        let Events { paths, omitted } = std::mem::take(&mut *gathered.events());
        let mut seen = BTreeMap::<String, ChangeKind>::new();
        for (path, is_made) in paths {
            if path.ends_with(".gitignore") {
                lock(&self.passed_over).forget();
            }
            let Ok(file) = path.symlink_metadata() else {
                self.see(&mut seen, &path, ChangeKind::Delete, is_made);
                continue;
            };
            if !file.is_dir() {
                self.see(&mut seen, &path, if is_made { ChangeKind::Add } else { ChangeKind::Modify }, false);
            } else if is_made && ONE_BY_ONE && !lock(&self.passed_over).holds(&path, true) {
                // What was made in it before it was watched is known by looking.
                self.add(&path).iter().for_each(|path| self.see(&mut seen, path, ChangeKind::Add, false));
            }
        }
        let more = seen.len().saturating_sub(LISTED) as u64;
        let files: Vec<FileSeen> = seen.into_iter().take(LISTED).map(|(path, kind)| FileSeen { path, kind }).collect();
        (!files.is_empty()).then_some(Seen::Files(files, omitted + more))
    }

    fn see(&mut self, seen: &mut BTreeMap<String, ChangeKind>, path: &Path, kind: ChangeKind, came_and_went: bool) {
        let Ok(below) = path.strip_prefix(&self.folder) else { return };
        if !came_and_went && !below.as_os_str().is_empty() && !lock(&self.passed_over).holds(path, false) {
            seen.insert(below.to_string_lossy().into_owned(), kind);
        }
    }
}

fn lock(passed_over: &Mutex<PassedOver>) -> MutexGuard<'_, PassedOver> {
    passed_over.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `EMFILE` and `ENOSPC`, by which Linux says that a user has all the watchers, or watches all the folders, that it may.
const TOO_MANY: [i32; 2] = [24, 28];

fn unable(error: &notify::Error) -> Problem {
    let text = format!("not all of the session's folder can be watched: {error}");
    let problem = Problem::new(ProblemKind::Unknown, text);
    match &error.kind {
        ErrorKind::MaxFilesWatch => problem.hint("raise fs.inotify.max_user_watches"),
        ErrorKind::Io(error) if error.raw_os_error().is_some_and(|code| TOO_MANY.contains(&code)) => {
            problem.hint("raise fs.inotify.max_user_instances and fs.inotify.max_user_watches")
        }
        _ => problem,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_never_end_pass_over_nothing() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        std::fs::create_dir_all(folder.join("sub"))?;
        std::fs::write(folder.join(".gitignore"), format!("{}sub\n", "# a comment\n".repeat(100_000)))?;
        std::os::unix::fs::symlink("/dev/zero", folder.join("sub/.gitignore"))?;
        let watched = Watched::open(WatchConfig::default(), folder, &Arc::default()).map_err(std::io::Error::other)?;
        assert_eq!(watched.folders, 2);
        Ok(())
    }
}
