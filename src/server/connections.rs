//! The connections of the daemon: each with the same service, all within one limit, and known so that they can be closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Error;
use sixframe_core::{
    Budget, Direction, FrameTap, Identity, Message, Owners, RpcEndpoint, Service, Transport, connect_with,
};
use sixframe_transports::Listener;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Windows;
use super::supervised::Families;
use crate::config::Config;
use crate::methods::{Tapped, Taps};

/// How long work that belongs to a session outlives its lost connection.
const GRACE: Duration = Duration::from_secs(5);

/// Time for an idle connection to take its last messages.
const IDLE_CLOSE: Duration = Duration::from_secs(1);

/// The live connections and what they share.
pub(crate) struct Connections {
    service: Arc<dyn Service>,
    template: sixframe_core::Config,
    taps: Arc<Taps>,
    windows: Arc<Windows>,
    families: Families,
    most: usize,
    idle: Option<Duration>,
    numbers: AtomicU64,
    live: Mutex<HashMap<u64, RpcEndpoint>>,
    ended: Notify,
}

impl Connections {
    /// None yet.
    pub(crate) fn new(
        config: &Config,
        service: Arc<dyn Service>,
        taps: Arc<Taps>,
        windows: Windows,
        families: Families,
    ) -> Arc<Connections> {
        let template = sixframe_core::Config {
            limits: config.limits.of_connection(),
            expose_internal_errors: config.expose_internal_errors,
            budget: Some(Budget::new(config.limits.queued_by_process())),
            owners: Some(Owners::new(GRACE)),
            ..sixframe_core::Config::default()
        };
        Arc::new(Connections {
            service,
            template,
            taps,
            windows: Arc::new(windows),
            families,
            most: config.limits.connections as usize,
            idle: (config.limits.idle_ms > 0).then(|| Duration::from_millis(config.limits.idle_ms)),
            numbers: AtomicU64::new(1),
            live: Mutex::default(),
            ended: Notify::new(),
        })
    }

    /// Runs a connection on a task of its own, unless there are too many: then it is closed at once.
    pub(crate) fn serve<T: Transport>(self: &Arc<Self>, transport: T, identity: Identity) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let identity = self.families.restrained(identity);
        tracing::debug!(number, ?identity, "connected");
        let tapped = Tapped::new(number, identity.clone());
        let last = self.idle.map(|longest| Arc::new(LastFrame::now(longest)));
        let on_frame = Some(on_frame(Arc::clone(&self.taps), Arc::clone(&tapped), last.clone()));
        let config = sixframe_core::Config { identity, on_frame, ..self.template.clone() };
        let service = Windows::introducing(&self.windows, number, Arc::clone(&self.service));
        let identity = Arc::new(config.identity.clone());
        let (endpoint, driver) = connect_with(config, transport, service);
        if !self.keep(number, endpoint.clone()) {
            tracing::warn!(limit = self.most, "connection refused; raise limits.connections");
            return;
        }
        self.windows.opened(number, &identity);
        let all = Arc::clone(self);
        tokio::spawn(async move {
            let driving = Taps::connected(tapped, driver);
            let closed = match last {
                Some(last) => tokio::select! {
                    closed = driving => closed,
                    never = last.close_when_idle(&endpoint) => match never {},
                },
                None => driving.await,
            };
            tracing::debug!(number, reason = %closed, "disconnected");
            all.forget(number);
        });
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.live().len()
    }

    /// Begins to close them all; what is not done after `deadline` is cut off.
    pub(crate) fn close(&self, deadline: Duration) {
        let endpoints: Vec<RpcEndpoint> = self.live().values().cloned().collect();
        endpoints.iter().for_each(|endpoint| endpoint.close(deadline));
    }

    /// Completes when there are none.
    pub(crate) async fn finished(&self) {
        loop {
            let ended = self.ended.notified();
            if self.len() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn keep(&self, number: u64, endpoint: RpcEndpoint) -> bool {
        let mut live = self.live();
        let room = live.len() < self.most;
        if room {
            live.insert(number, endpoint);
        }
        room
    }

    fn forget(&self, number: u64) {
        let endpoint = self.live().remove(&number);
        drop(endpoint);
        self.windows.closed(number);
        self.ended.notify_waiters();
    }

    fn live(&self) -> MutexGuard<'_, HashMap<u64, RpcEndpoint>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes connections from `listener` until none can come any more, or the future is dropped.
pub(crate) async fn accept(connections: Arc<Connections>, mut listener: Listener) -> Result<(), Error> {
    loop {
        let (transport, identity) = listener.accept().await?;
        connections.serve(transport, identity);
    }
}

/// When a frame last passed.
struct LastFrame {
    begun: Instant,
    millis: AtomicU64,
    longest: Duration,
}

impl LastFrame {
    fn now(longest: Duration) -> LastFrame {
        LastFrame { begun: Instant::now(), millis: AtomicU64::new(0), longest }
    }

    fn passed(&self) {
        self.millis.store(self.begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    async fn close_when_idle(&self, endpoint: &RpcEndpoint) -> std::convert::Infallible {
        loop {
            let until = self.begun + Duration::from_millis(self.millis.load(Ordering::Relaxed)) + self.longest;
            if Instant::now() >= until {
                tracing::info!("closing an idle connection; limits.idle_ms says when");
                endpoint.close(IDLE_CLOSE);
                return std::future::pending().await;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

fn on_frame(taps: Arc<Taps>, tapped: Arc<Tapped>, last: Option<Arc<LastFrame>>) -> FrameTap {
    FrameTap::new(move |direction: Direction, message: &Message| {
        if let Some(last) = &last {
            last.passed();
        }
        taps.pass(&tapped, direction, message);
    })
}
