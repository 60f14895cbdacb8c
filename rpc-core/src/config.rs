//! How an endpoint behaves, for all its calls and connections.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use crate::owner::Owners;
use crate::session::{Budget, SessionConfig};
use crate::tap::FrameTap;
use crate::{Identity, Limits};

/// How an endpoint behaves. The defaults are meant for production.
#[derive(Clone, Debug)]
pub struct Config {
    /// The limits of each connection.
    pub limits: Limits,
    /// The timeout of unary calls that set none; `None` lets them wait for ever. Default 60 s. Streams have none.
    pub timeout: Option<Duration>,
    /// Items that a consumer of a stream offers at first; afterwards its window is sized by bytes. Default 32.
    pub window: u32,
    /// Bytes that a consumer of a stream aims to have under way. Default 256 KiB.
    pub window_bytes: usize,
    /// Bytes of a stream's items that its producer may send ahead of what was acknowledged; half of what
    /// `limits.stream_bytes` leaves beside the longest message bounds it too. 0 sets no bound. Default 8 MiB.
    pub ahead_bytes: usize,
    /// How often to ask a silent peer for a sign of life; a peer that gives none in the same time again is gone. For
    /// transports that cannot tell. Default `None`.
    pub heartbeat: Option<Duration>,
    /// Whether `INTERNAL` carries a panic's text to the peer. Default false.
    pub expose_internal_errors: bool,
    /// Whether the peer is this engine in a process as trusted as this one: payloads are then not checked for syntax and
    /// depth before they are handed over. Default false.
    pub trusted: bool,
    /// Who is at the other end, as the transport's acceptor knows it.
    pub identity: Identity,
    /// Sees every frame of the connection. Default `None`.
    pub on_frame: Option<FrameTap>,
    /// What all connections that share it may hold together. Default `None`.
    pub budget: Option<Arc<Budget>>,
    /// The owners of work that outlives its call, shared by the connections of one server. Default `None`: each
    /// connection is an owner.
    pub owners: Option<Arc<Owners>>,
    /// The pauses between attempts to reconnect.
    pub backoff: Backoff,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            timeout: Some(Duration::from_secs(60)),
            window: 32,
            window_bytes: 256 << 10,
            ahead_bytes: 8 << 20,
            heartbeat: None,
            expose_internal_errors: false,
            trusted: false,
            identity: Identity::default(),
            on_frame: None,
            budget: None,
            owners: None,
            backoff: Backoff::default(),
        }
    }
}

impl Config {
    /// The session's part. Connections with equal ones, as those of one server are, share it.
    pub(crate) fn session(&self, reconnects: bool) -> Arc<SessionConfig> {
        thread_local! {
            static LAST: Cell<Option<Arc<SessionConfig>>> = const { Cell::new(None) };
        }
        let config = SessionConfig {
            limits: self.limits.clone(),
            window: self.window,
            window_bytes: self.window_bytes,
            ahead_bytes: self.ahead_bytes,
            reconnects,
            budget: self.budget.clone(),
        };
        let shared = LAST.take().filter(|last| last.is_same(&config)).unwrap_or_else(|| Arc::new(config));
        LAST.set(Some(shared.clone()));
        shared
    }
}

/// What an endpoint looks up of its configuration while it runs, apart from the session's part.
#[derive(Debug)]
pub(crate) struct Behaviour {
    pub(crate) timeout: Option<Duration>,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) expose_internal_errors: bool,
    pub(crate) trusted: bool,
    pub(crate) on_frame: Option<FrameTap>,
    pub(crate) owners: Option<Arc<Owners>>,
}

/// Exponential backoff with full jitter: each pause is a random part of a span that doubles from `first` to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first span. Default 100 ms.
    pub first: Duration,
    /// The longest span. Default 10 s.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The pause before attempt `tries + 1`, after `tries` failures in a row.
    pub fn pause(&self, tries: u32) -> Duration {
        let span = self.first.saturating_mul(1 << tries.min(20)).min(self.longest);
        span.mul_f64(fastrand::f64())
    }
}
