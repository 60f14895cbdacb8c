//! A request's surroundings: who asks, how much time is left, whether it is still wanted, and the way back to the peer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::AbortHandle;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use crate::endpoint::{Parent, RpcEndpoint, Upstream};
use crate::owner::Owner;
use crate::session::{Incoming, Millis, RequestKey, millis};
use crate::shared::Shared;
use crate::trace::TraceContext;
use crate::{Code, Fault, Identity};

/// The surroundings of one request. Cheap to clone; a clone may outlive the request and learn of its end.
#[derive(Clone, Debug)]
pub struct Context(pub(crate) Arc<Parts>);

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: RequestKey,
    pub(crate) abort: OnceLock<AbortHandle>,
    /// The request as it came, but for its method and payload, which went to the service.
    incoming: Box<Incoming>,
    /// When the time runs out; `Millis::MAX` where it never does.
    deadline: AtomicU64,
    stopped: AtomicBool,
    token: OnceLock<CancellationToken>,
}

impl Parts {
    /// The request is over and was not answered by its handler: whatever waits for that learns it.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(token) = self.token.get() {
            token.cancel();
        }
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }
}

impl Context {
    pub(crate) fn new(shared: Arc<Shared>, incoming: Box<Incoming>) -> Context {
        let (abort, token, stopped) = (OnceLock::new(), OnceLock::new(), AtomicBool::new(false));
        let deadline = AtomicU64::new(incoming.deadline.unwrap_or(Millis::MAX));
        Context(Arc::new(Parts { shared, key: incoming.key, incoming, deadline, abort, stopped, token }))
    }

    /// The peer that asked. Calls through it are children of this request: they inherit what is left of its time and are
    /// cancelled with it (spec: `cancel.6`, `time.7`).
    pub fn peer(&self) -> RpcEndpoint {
        RpcEndpoint::of(self.0.shared.clone()).within(self)
    }

    /// The id that the peer gave the request.
    pub fn cid(&self) -> &str {
        &self.0.incoming.cid
    }

    /// How much time is left for the request: what the caller allowed, or less where a layer caps it; `None` where nobody
    /// set a limit.
    pub fn remaining(&self) -> Option<Duration> {
        let at = self.0.deadline.load(Ordering::Relaxed);
        (at != Millis::MAX).then(|| Duration::from_millis(at.saturating_sub(self.0.shared.now())))
    }

    /// Allows the request no more than this from now on.
    pub(crate) fn cap(&self, longest: Duration) {
        let at = self.0.shared.now() + millis(longest);
        if self.0.deadline.fetch_min(at, Ordering::Relaxed) > at {
            self.0.shared.with(|session, _| session.shorten(self.0.key, at));
        }
    }

    /// Where a broken stream is to go on: the epoch and the position of the last item that its consumer has.
    pub fn resume(&self) -> Option<(&str, u64)> {
        self.0.incoming.resume.as_ref().map(|(epoch, after)| (epoch.as_str(), *after))
    }

    /// Whether the request was cancelled, timed out, or lost its connection. False once it was answered.
    pub fn is_cancelled(&self) -> bool {
        self.token().is_cancelled()
    }

    /// Completes when [`Context::is_cancelled`] becomes true; for work that outlives the handler's future.
    pub async fn cancelled(&self) {
        self.token().cancelled().await;
    }

    /// The sender's id as the trusted hop stamped it (spec: `identity.1`).
    pub fn sender_id(&self) -> Option<Value> {
        self.meta("senderId")
    }

    /// One field of `meta`; `None` where it is absent or does not fit `T`.
    pub fn meta<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let fields: std::collections::HashMap<String, Box<RawValue>> =
            serde_json::from_str(&self.0.incoming.meta).ok()?;
        serde_json::from_str(fields.get(key)?.get()).ok()
    }

    /// The whole of `meta` as JSON text; empty where the request has none.
    pub fn meta_json(&self) -> &str {
        &self.0.incoming.meta
    }

    /// Who is at the other end of the connection.
    pub fn identity(&self) -> Arc<Identity> {
        self.0.shared.identity()
    }

    /// What work that outlives this call belongs to (spec: `owner.1`).
    pub fn owner(&self) -> Owner {
        self.0.shared.owner()
    }

    /// The W3C trace context that the caller sent.
    pub fn trace(&self) -> Option<TraceContext> {
        TraceContext::from_meta(self.0.incoming.meta.as_bytes())
    }

    /// Whether the connection by which the request came is still there.
    pub fn is_connected(&self) -> bool {
        self.0.shared.with(|session, _| session.is_connected())
    }

    pub(crate) fn parent(&self) -> Parent {
        Parent { token: self.token().clone(), deadline: self.remaining(), trace: self.trace() }
    }

    pub(crate) fn upstream<U>(&self) -> Result<Upstream<U>, Fault> {
        if !self.0.incoming.up {
            return Err(Fault::new(Code::INVALID_PAYLOAD, "the method takes upstream items; call it with meta.up"));
        }
        Ok(Upstream::new(self.clone()))
    }

    /// Whether the caller sends items too.
    pub(crate) fn sends_items(&self) -> bool {
        self.0.incoming.up
    }

    fn token(&self) -> &CancellationToken {
        let token = self.0.token.get_or_init(CancellationToken::new);
        if self.0.stopped.load(Ordering::SeqCst) {
            token.cancel();
        }
        token
    }
}
