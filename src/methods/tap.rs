//! `rpc.tap`: the frames of the daemon's connections, shown to who may administer it. Costs one atomic load a frame while
//! nobody looks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{Stream, stream};
use serde_json::Value;
use sixframe_core::{Direction, Fault, Identity, Item, Message, redact};
use tokio::sync::Notify;

use super::api::TappedFrame;

tokio::task_local! {
    /// The connection that the current task drives.
    static CONNECTION: Arc<Tapped>;
}

/// Bytes of frames that may wait for one who looks.
const QUEUED_BYTES: usize = 4 << 20;

/// Where connections show their frames, and those who look find them.
#[derive(Default)]
pub(crate) struct Taps {
    viewers: Mutex<Vec<Weak<Viewer>>>,
    count: AtomicUsize,
}

/// A connection whose frames can be seen.
pub(crate) struct Tapped {
    number: u64,
    identity: Identity,
    /// Whether it looks at the others: two that did would show each other what they see, without end.
    looks: AtomicBool,
}

impl Taps {
    /// Runs `driver`, the task of a connection, so that the connection is known to look when it does.
    pub(crate) async fn connected<F: Future>(tapped: Arc<Tapped>, driver: F) -> F::Output {
        CONNECTION.scope(tapped, driver).await
    }

    /// Shows a frame to those who look, if there are any.
    pub(crate) fn pass(&self, tapped: &Arc<Tapped>, direction: Direction, message: &Message) {
        if self.count.load(Ordering::Relaxed) > 0 && !tapped.looks.load(Ordering::Relaxed) {
            self.show(tapped, direction, message);
        }
    }

    /// The stream of one who looks. Dropping it ends the looking.
    pub(crate) fn look(self: &Arc<Self>) -> impl Stream<Item = Result<Item<TappedFrame>, Fault>> + Send + use<> {
        let _ = CONNECTION.try_with(|tapped| tapped.looks.store(true, Ordering::Relaxed));
        let viewer = Arc::new(Viewer::default());
        self.lock().push(Arc::downgrade(&viewer));
        self.count.fetch_add(1, Ordering::Relaxed);
        let looking = Looking { taps: Arc::clone(self), viewer };
        stream::unfold(looking, |looking| async {
            let item = looking.viewer.next().await;
            Some((item, looking))
        })
    }

    fn show(&self, tapped: &Arc<Tapped>, direction: Direction, message: &Message) {
        let ts = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        for viewer in self.lock().iter().filter_map(Weak::upgrade) {
            viewer.push(Seen { tapped: Arc::clone(tapped), direction, ts, message: message.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Viewer>>> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tapped {
    /// The connection `number`, of the peer `identity`.
    pub(crate) fn new(number: u64, identity: Identity) -> Arc<Tapped> {
        Arc::new(Tapped { number, identity, looks: AtomicBool::new(false) })
    }
}

struct Looking {
    taps: Arc<Taps>,
    viewer: Arc<Viewer>,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.taps.count.fetch_sub(1, Ordering::Relaxed);
        self.taps.lock().retain(|viewer| !std::ptr::eq(viewer.as_ptr(), &*self.viewer));
    }
}

/// The frames that wait for one who looks; the oldest give way.
#[derive(Default)]
struct Viewer {
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Default)]
struct Queue {
    seen: VecDeque<Seen>,
    bytes: usize,
    skipped: u64,
}

struct Seen {
    tapped: Arc<Tapped>,
    direction: Direction,
    ts: u64,
    message: Message,
}

impl Viewer {
    fn push(&self, seen: Seen) {
        let mut queue = self.lock();
        queue.bytes += seen.message.len();
        queue.seen.push_back(seen);
        while queue.bytes > QUEUED_BYTES && queue.seen.len() > 1 {
            let oldest = queue.seen.pop_front().map_or(0, |seen| seen.message.len());
            queue.bytes -= oldest;
            queue.skipped += 1;
        }
        drop(queue);
        self.arrived.notify_one();
    }

    async fn next(&self) -> Result<Item<TappedFrame>, Fault> {
        loop {
            let taken = {
                let mut queue = self.lock();
                let seen = queue.seen.pop_front();
                queue.bytes -= seen.as_ref().map_or(0, |seen| seen.message.len());
                seen.map(|seen| (seen, std::mem::take(&mut queue.skipped)))
            };
            match taken {
                Some((seen, skipped)) => return Ok(Item { skipped, ..Item::from(seen.told()) }),
                None => self.arrived.notified().await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn told(&self) -> TappedFrame {
        let text = redact(&self.message);
        let frame = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_ref()));
        TappedFrame {
            connection: self.tapped.number,
            transport: self.tapped.identity.transport.to_owned(),
            pid: self.tapped.identity.pid,
            direction: self.direction,
            ts: self.ts,
            frame,
        }
    }
}
