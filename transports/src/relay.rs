//! A relay: many windows over one upstream connection (spec: `relay.1` to `relay.9`). It rewrites ids and stamps who sends;
//! payloads pass untouched. It keeps every window within its limits, and tells each what became of its calls when the
//! upstream breaks. It knows no methods but `rpc.ping` and `rpc.hello`, and never asks what a payload means.

mod call;
mod port;
mod switch;
mod upstream;
mod window;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sixframe_core::{Backoff, Budget, Closed, Connector, Limits, Link, Transport};
use tokio_util::sync::CancellationToken;

use port::{Shared, Task, UpstreamTask, WindowTask};
use switch::WindowKey;

/// How a relay behaves.
#[derive(Clone, Debug, Default)]
pub struct RelayConfig {
    /// The limits of each window. `in_flight` counts the calls of a window and, by themselves, those made to it;
    /// `soft_bytes` and `hard_bytes` bound what waits in each direction: above the first, requests are refused, above the
    /// second the window is detached. `stream_bytes` bounds a stream whose consumer grants no credit. `streams` and
    /// `stream_items` are the endpoints' business.
    pub limits: Limits,
    /// What all windows may make wait together, with other connections that share it. While it is exceeded, a window's
    /// requests are refused, and its streams without credit ended, above a sixteenth of `soft_bytes` and `hard_bytes`.
    /// Default none.
    pub budget: Option<Arc<Budget>>,
    /// The pauses between attempts to connect to the upstream.
    pub backoff: Backoff,
    /// Whether the upstream is this engine in a process as trusted as this one: the syntax and depth of its payloads are
    /// then not checked. What windows send always is. Default false.
    pub trusted: bool,
}

/// Who a window is, as the hop that accepted it knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WindowId {
    /// What is stamped as `meta.senderId`: one window of a name at a time.
    pub sender_id: String,
    /// What is stamped as `meta.doc`: another one with every navigation and reload.
    pub doc: String,
}

impl WindowId {
    /// The document `doc` in the window `sender_id`.
    pub fn new(sender_id: impl Into<String>, doc: impl Into<String>) -> WindowId {
        WindowId { sender_id: sender_id.into(), doc: doc.into() }
    }
}

/// What is under way in a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayLoad {
    /// Windows that are attached.
    pub windows: usize,
    /// Calls whose terminal frame has not been handed to their caller.
    pub calls: usize,
    /// Bytes that wait, in all directions.
    pub queued_bytes: usize,
    /// Frames that were dropped since the relay was made: for calls that are over, of windows that are gone, of unknown kinds.
    pub dropped: u64,
}

/// The handle of a relay. Cheap to clone; dropping it changes nothing: the driver goes on until [`Relay::close`].
#[derive(Clone, Debug)]
pub struct Relay {
    shared: Arc<Shared>,
}

impl Relay {
    /// Over one upstream connection. The driver ends when that does.
    pub fn over<T: Transport>(upstream: T, config: RelayConfig) -> (Relay, RelayDriver) {
        Relay::start(Link::over(upstream), config, true)
    }

    /// Over a connector, which is asked again whenever the upstream breaks. Calls that windows make meanwhile wait for it.
    pub fn by<C: Connector>(upstream: C, config: RelayConfig) -> (Relay, RelayDriver) {
        let backoff = config.backoff;
        Relay::start(Link::by(upstream, backoff), config, false)
    }

    fn start<T: Transport>(link: Link<T>, config: RelayConfig, connected: bool) -> (Relay, RelayDriver) {
        let shared = Shared::new(config);
        if connected {
            shared.with(|switch, _| switch.connected());
        }
        let tasks = FuturesUnordered::new();
        let upstream: Task = Box::pin(UpstreamTask::new(shared.clone(), link));
        tasks.push(upstream);
        (Relay { shared: shared.clone() }, RelayDriver { shared, tasks })
    }

    /// Lets a window in. A window of the same sender that is attached is fenced, whatever its document: its calls are
    /// cancelled, its connection is dropped (spec: `identity.3`). How many windows there may be is for the caller to bound:
    /// the limits hold for each. After the driver's end the window is dropped at once.
    pub fn attach<T: Transport>(&self, window: T, id: WindowId) -> WindowHandle {
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let key = self.shared.act(None, |switch, _| switch.attach(id));
        let task: Task = Box::pin(WindowTask::new(self.shared.clone(), key, window, guard));
        // A task that nobody runs any more is dropped outside of the lock.
        drop(self.shared.join(task));
        WindowHandle { shared: self.shared.clone(), key, ended }
    }

    /// Ends the relay: all windows are detached and the upstream's connection is dropped at once.
    pub fn close(&self) {
        self.shared.close(Closed::new("the relay was closed"));
    }

    /// What is under way: zeros when no window is attached and nothing waits.
    pub fn load(&self) -> RelayLoad {
        self.shared.with(|switch, _| switch.load())
    }
}

/// Holds a window's place in a relay. Dropping it detaches the window: its calls are cancelled upstream, calls to it fail,
/// and its connection is dropped.
#[derive(Debug)]
#[must_use = "dropping it detaches the window"]
pub struct WindowHandle {
    shared: Arc<Shared>,
    key: WindowKey,
    ended: CancellationToken,
}

impl WindowHandle {
    /// Completes when the window is gone, whatever ended it, and its connection has been dropped.
    pub async fn closed(&self) {
        self.ended.cancelled().await;
    }

    /// Detaches the window; dropping the handle does the same.
    pub fn close(self) {}
}

impl Drop for WindowHandle {
    fn drop(&mut self) {
        self.shared.act(None, |switch, _| switch.detach(self.key));
    }
}

/// Runs a relay. A future that completes when there will be no upstream any more, with the reason.
///
/// Dropping it drops every connection.
#[must_use = "nothing runs until the driver is polled or spawned"]
pub struct RelayDriver {
    shared: Arc<Shared>,
    tasks: FuturesUnordered<Task>,
}

impl Future for RelayDriver {
    type Output = Closed;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Closed> {
        let this = &mut *self;
        loop {
            this.tasks.extend(this.shared.joining(cx));
            if let Some(closed) = ready!(this.tasks.poll_next_unpin(cx)).flatten() {
                this.shared.close(closed.clone());
                this.tasks.clear();
                return Poll::Ready(closed);
            }
        }
    }
}

impl Drop for RelayDriver {
    fn drop(&mut self) {
        self.shared.close(Closed::new("the relay's driver was dropped"));
    }
}

impl std::fmt::Debug for RelayDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayDriver").field("connections", &self.tasks.len()).finish_non_exhaustive()
    }
}
