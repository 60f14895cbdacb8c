//! `fs.watch`: the changes of a real file or folder, as the system tells them. What comes faster than the caller takes it
//! waits in a bounded queue; past that the caller is told that changes were missed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, TryStreamExt, stream};
use notify::event::{Event, EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use sixframe_core::{Code, Fault};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::api::{Change, ChangeKind, WatchParams};
use super::roots::{self, Roots};

/// Changes that may wait for the caller.
const QUEUED: usize = 1024;

/// The stream of one caller. Dropping it ends the watch.
pub(crate) fn watch(roots: Arc<Roots>, params: WatchParams) -> impl Stream<Item = Result<Change, Fault>> + Send {
    let opened = async move {
        let watched = spawn_blocking(move || Watched::open(&roots, &params)).await;
        let watched = watched.map_err(|_| Fault::new(Code::INTERNAL, "the runtime is shutting down"))??;
        Ok::<_, Fault>(stream::try_unfold(watched, |watched| async {
            let change = watched.queue.next().await?;
            Ok(change.map(|change| (change, watched)))
        }))
    };
    stream::once(opened).try_flatten()
}

/// A watch under way.
struct Watched {
    queue: Arc<Queue>,
    /// Tells the queue of changes until it is dropped.
    _watcher: RecommendedWatcher,
}

impl Watched {
    fn open(roots: &Roots, params: &WatchParams) -> Result<Watched, Fault> {
        let path = roots.resolve(&params.path)?;
        let queue = Arc::new(Queue::new(path.clone()));
        let told = Arc::clone(&queue);
        // Links are not followed: they may lead outside of the roots.
        let config = notify::Config::default().with_follow_symlinks(false);
        let failed = |error: notify::Error| refused(&params.path, &error);
        let mut watcher = RecommendedWatcher::new(move |event| told.tell(event), config).map_err(failed)?;
        let mode = if params.recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(&path, mode).map_err(failed)?;
        Ok(Watched { queue, _watcher: watcher })
    }
}

/// `EMFILE`, by which Linux also says that a user has all the watchers that it may have.
const TOO_MANY: i32 = 24;

fn refused(path: &str, error: &notify::Error) -> Fault {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => {
            Fault::new(Code::NOT_FOUND, format!("{path} is not there"))
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(TOO_MANY) => Fault::new(
            Code::RESOURCE_EXHAUSTED,
            "there are as many watchers as the system gives a user; raise fs.inotify.max_user_instances",
        ),
        ErrorKind::Io(error) => roots::fault(path, error),
        ErrorKind::MaxFilesWatch => Fault::new(
            Code::RESOURCE_EXHAUSTED,
            "the system watches as many folders as it may; raise fs.inotify.max_user_watches",
        ),
        ErrorKind::Generic(_) | ErrorKind::InvalidConfig(_) => {
            Fault::new(Code::INTERNAL, format!("cannot watch {path}: {error}"))
        }
    }
}

/// Changes on their way from the system's thread to the caller's stream.
struct Queue {
    root: PathBuf,
    state: Mutex<State>,
    arrived: Notify,
}

struct State {
    changes: VecDeque<Change>,
    overflowed: bool,
    over: Option<Fault>,
}

impl Queue {
    fn new(root: PathBuf) -> Queue {
        let watching = change(ChangeKind::Watching, std::slice::from_ref(&root), None);
        let state = State { changes: VecDeque::from([watching]), overflowed: false, over: None };
        Queue { root, state: Mutex::new(state), arrived: Notify::new() }
    }

    /// The next change; `None` never comes, as only an error ends a watch from this side.
    async fn next(&self) -> Result<Option<Change>, Fault> {
        loop {
            if let Some(next) = self.take() {
                return next.map(Some);
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<Result<Change, Fault>> {
        let mut state = self.lock();
        if let Some(change) = state.changes.pop_front() {
            return Some(Ok(change));
        }
        if std::mem::take(&mut state.overflowed) {
            return Some(Ok(change(ChangeKind::Overflow, std::slice::from_ref(&self.root), None)));
        }
        state.over.clone().map(Err)
    }

    /// Called on the system's thread. Never waits.
    fn tell(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.lock().overflowed = true,
            Ok(event) => self.tell_change(&event),
            Err(error) => self.lock().over = Some(refused(&self.root.to_string_lossy(), &error)),
        }
        self.arrived.notify_one();
    }

    fn tell_change(&self, event: &Event) {
        let Some(kind) = kind(&event.kind) else { return };
        let mut state = self.lock();
        if state.changes.len() >= QUEUED {
            state.overflowed = true;
        } else if !state.overflowed {
            state.changes.push_back(change(kind, &event.paths, event.tracker()));
        }
        if kind == ChangeKind::Removed && event.paths.first() == Some(&self.root) {
            state.over = Some(Fault::new(Code::NOT_FOUND, format!("{} is not there any more", self.root.display())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the system's word means here; nothing for what changes nothing. The two halves of a rename are told by themselves,
/// hence not the whole.
fn kind(kind: &EventKind) -> Option<ChangeKind> {
    match kind {
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(ChangeKind::Created),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Some(ChangeKind::Removed),
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) | EventKind::Access(_) | EventKind::Other => None,
        EventKind::Modify(_) | EventKind::Any => Some(ChangeKind::Modified),
    }
}

fn change<P: AsRef<Path>>(kind: ChangeKind, paths: &[P], rename: Option<usize>) -> Change {
    let paths = paths.iter().map(|path| path.as_ref().to_string_lossy().into_owned()).collect();
    Change { kind, paths, rename }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, Flag};

    use super::*;

    fn created(path: &str) -> notify::Result<Event> {
        Ok(Event::new(EventKind::Create(CreateKind::File)).add_path(path.into()))
    }

    #[test]
    fn a_full_queue_says_that_changes_were_missed_and_goes_on_afterwards() {
        let queue = Queue::new("/watched".into());
        for _ in 0..QUEUED * 2 {
            queue.tell(created("/watched/a"));
        }
        let kinds: Vec<_> = std::iter::from_fn(|| queue.take()).map(|change| change.unwrap().kind).collect();
        assert_eq!(
            (kinds.len(), kinds.first(), kinds.last()),
            (QUEUED + 1, Some(&ChangeKind::Watching), Some(&ChangeKind::Overflow))
        );
        queue.tell(created("/watched/b"));
        assert_eq!(queue.take().unwrap().unwrap().paths, ["/watched/b"]);
        assert!(queue.take().is_none());
    }

    #[test]
    fn the_systems_own_overflow_is_told_and_mere_reading_is_not() {
        let queue = Queue::new("/watched".into());
        queue.take();
        queue.tell(Ok(Event::new(EventKind::Access(AccessKind::Read)).add_path("/watched/a".into())));
        assert!(queue.take().is_none());
        queue.tell(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert_eq!(queue.take().unwrap().unwrap().kind, ChangeKind::Overflow);
    }
}
