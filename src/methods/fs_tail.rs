//! `fs.tail`: follows a file by byte offset, over rotation and truncation, and goes on where a broken stream stopped. Files
//! are read on tokio's threads for blocking work; which file is followed is `follow`'s business.

mod follow;
mod life;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{Stream, TryStreamExt, stream};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sixframe_core::{Code, Context, Fault, Item};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::api::TailParams;
use super::chunk::Chunk;
use super::roots::Roots;
use follow::{Follow, Step};

/// How often to look where the system tells of changes, and where it does not.
const SLOW_POLL: Duration = Duration::from_secs(1);
const FAST_POLL: Duration = Duration::from_millis(200);

/// The stream of one caller. Dropping it ends the watch.
pub(crate) fn tail(
    roots: Arc<Roots>,
    context: Context,
    params: TailParams,
) -> impl Stream<Item = Result<Item<Option<Chunk>>, Fault>> + Send {
    let resume = context.resume().map(|(epoch, after)| (epoch.to_owned(), after));
    let opened = async move {
        let tail = blocking(move || Tail::open(roots, params, resume)).await??;
        Ok::<_, Fault>(stream::try_unfold(tail, |tail| async { tail.next().await.map(Some) }))
    };
    stream::once(opened).try_flatten()
}

/// A file that is followed, and what tells that it changed.
struct Tail {
    follow: Follow,
    changed: Arc<Notify>,
    watcher: Option<Watching>,
}

/// A watcher, of which a system has few (128 for a user of Linux): beyond these, files are followed by polling, and
/// `fs.watch` finds some left.
struct Watching {
    _watcher: RecommendedWatcher,
}

/// How many watchers follow files.
static WATCHING: AtomicUsize = AtomicUsize::new(0);

/// The most watchers that follow files.
const MOST_WATCHING: usize = 16;

impl Drop for Watching {
    fn drop(&mut self) {
        WATCHING.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tail {
    fn open(roots: Arc<Roots>, params: TailParams, resume: Option<(String, u64)>) -> Result<Tail, Fault> {
        let follow = Follow::open(roots, params, resume)?;
        let changed = Arc::new(Notify::new());
        let watcher = watcher(follow.folder(), Arc::clone(&changed));
        Ok(Tail { follow, changed, watcher })
    }

    /// The next item: read at once where there is something, else awaited.
    async fn next(mut self) -> Result<(Item<Option<Chunk>>, Tail), Fault> {
        loop {
            let (this, step) = blocking(move || {
                let step = self.follow.step(Instant::now());
                (self, step)
            })
            .await?;
            self = this;
            match step? {
                Step::Item(item) => return Ok((item, self)),
                Step::Wait(pause) => self.wait(pause).await,
            }
        }
    }

    async fn wait(&self, pause: Option<Duration>) {
        let usual = if self.watcher.is_some() { SLOW_POLL } else { FAST_POLL };
        let timed = tokio::time::timeout(pause.unwrap_or(usual), self.changed.notified()).await;
        // Both mean the same: look again.
        drop(timed);
    }
}

/// Watches the folder rather than the file, which may be replaced. Without a watcher there is polling.
fn watcher(folder: &Path, changed: Arc<Notify>) -> Option<Watching> {
    WATCHING
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| (held < MOST_WATCHING).then_some(held + 1))
        .ok()?;
    let watching = watch(folder, changed).map(|watcher| Watching { _watcher: watcher });
    if watching.is_none() {
        WATCHING.fetch_sub(1, Ordering::Relaxed);
    }
    watching
}

fn watch(folder: &Path, changed: Arc<Notify>) -> Option<RecommendedWatcher> {
    // Our own reading is no change.
    let told = move |event: notify::Result<notify::Event>| {
        if !matches!(event, Ok(notify::Event { kind: EventKind::Access(_), .. })) {
            changed.notify_one();
        }
    };
    let config = notify::Config::default().with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(told, config).ok()?;
    let watching = watcher.watch(folder, RecursiveMode::NonRecursive);
    watching.inspect_err(|error| tracing::info!(%error, "following a file by polling")).ok()?;
    Some(watcher)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    spawn_blocking(work).await.map_err(|_| Fault::new(Code::INTERNAL, "the work on the file was given up"))
}
