//! The handle of a connection: make calls, open streams, send items, close. Cheap to clone; every clone speaks over the
//! same connection.

mod call;
mod items;
mod upload;
mod upstream;

use std::borrow::Borrow;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

pub use call::Call;
pub use items::Items;
pub use upload::{Sender, Upload};
pub use upstream::Upstream;

use crate::frame::Lag;
use crate::method::{DuplexMethod, Method, MethodInfo, StreamMethod, UploadMethod};
use crate::session::{CallKey, CallSpec, Shape, millis};
use crate::shared::Shared;
use crate::trace::TraceContext;
use crate::{CallError, Closed, Context, Identity, Item, Payload, Received, scratch, writer};

/// One side of a connection.
///
/// Calls are sent when they are made, not when they are first polled. Dropping what a call returns cancels it: the peer
/// is told at once, and its handler is dropped (spec: `cancel.1`). Dropping the endpoint does nothing: the driver goes on
/// until the peer ends the connection or [`RpcEndpoint::close`] does.
#[derive(Clone, Debug)]
pub struct RpcEndpoint {
    shared: Arc<Shared>,
    options: Option<Arc<CallOptions>>,
    parent: Option<Box<Parent>>,
}

/// The request in whose name a call is made.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) token: CancellationToken,
    pub(crate) deadline: Option<Duration>,
    pub(crate) trace: Option<TraceContext>,
}

/// How calls are made, where it differs from the endpoint's and the method's defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallOptions {
    /// The budget of the whole call, after which it fails with `RPC_TIMEOUT` and is cancelled at the peer. A call made within
    /// a request never gets more than what is left of that.
    pub timeout: Timeout,
    /// The longest gap between two items of a stream, while credit is open. Default none.
    pub idle_timeout: Option<Duration>,
    /// Items that the consumer offers at first. Default that of [`Config`](crate::Config). Later windows are sized by bytes,
    /// this one is not: where so many items may together exceed `limits.stream_bytes`, a consumer that is slow from the
    /// beginning fails with `SLOW_CONSUMER`, so offer less for items of a megabyte.
    pub window: Option<u32>,
    /// What happens when the consumer lags. Default that of the method's descriptor.
    pub on_lag: Option<Lag>,
    /// The lane in which requests start one after another, in the order in which they were made. Default none.
    pub lane: Option<String>,
    /// An operation id: a responder that supports it answers a repeated call with the first one's outcome.
    pub op: Option<String>,
    /// Overrides whether the call may safely run twice, for calls without a descriptor.
    pub idempotent: Option<bool>,
    /// Overrides whether a broken stream is issued again, for streams without a descriptor.
    pub resumable: Option<bool>,
    /// More fields of `meta`; those that the engine writes itself are overridden by it.
    pub meta: Map<String, Value>,
}

/// The budget of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timeout {
    /// The endpoint's for unary calls and uploads, none for streams.
    #[default]
    Default,
    /// This long.
    After(Duration),
    /// None.
    Never,
}

/// The fields of `meta` that the engine writes.
const ENGINE_META: [&str; 7] = ["timeoutMs", "idleMs", "fc", "up", "resume", "lane", "op"];

impl RpcEndpoint {
    pub(crate) fn of(shared: Arc<Shared>) -> RpcEndpoint {
        RpcEndpoint { shared, options: None, parent: None }
    }

    /// The same connection, with other options for the calls made through the returned handle.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> RpcEndpoint {
        RpcEndpoint { options: Some(Arc::new(options)), ..self.clone() }
    }

    /// The same connection, for calls made as children of a request, which may have come over another one: they inherit
    /// what is left of its time, continue its trace and are cancelled with it (spec: `cancel.6`).
    #[must_use]
    pub fn within(&self, context: &Context) -> RpcEndpoint {
        RpcEndpoint { parent: Some(Box::new(context.parent())), ..self.clone() }
    }

    /// Calls a method for its one answer. The request is queued before this returns; what can go wrong, the parameters that
    /// cannot be written as JSON included, the returned [`Call`] tells.
    pub fn request<P: Serialize, R: DeserializeOwned>(&self, method: &Method<P, R>, params: impl Borrow<P>) -> Call<R> {
        self.unary(method.info(), params.borrow())
    }

    /// Calls a method by name, without a descriptor.
    pub fn request_raw<P: Serialize, R: DeserializeOwned>(&self, method: &str, params: P) -> Call<R> {
        let info = unknown(Shape::Unary);
        let (handle, parent) = (self.start(method, &info, &params), self.cancellation());
        Call::new(handle, parent, |received| Ok(received.parse()?))
    }

    /// Calls a method with a payload that is JSON already, and returns the answer unparsed. Nothing is copied.
    pub fn forward(&self, method: &str, payload: Payload) -> Call<Payload> {
        let handle = self.start_json(method, &unknown(Shape::Unary), payload.as_bytes());
        Call::new(handle, self.cancellation(), |received| Ok(received.into_payload()?))
    }

    /// Opens a stream. Errors, that it cannot be opened included, come as its last item.
    pub fn stream<P: Serialize, T: DeserializeOwned>(
        &self,
        method: &StreamMethod<P, T>,
        params: impl Borrow<P>,
    ) -> Items<T> {
        let handle = self.start(method.info().name, method.info(), params.borrow());
        Items::new(handle, self.cancellation(), |received| Ok(received.parse()?))
    }

    /// Opens a stream by name, without a descriptor.
    pub fn stream_raw<P: Serialize, T: DeserializeOwned>(&self, method: &str, params: P) -> Items<T> {
        let handle = self.start(method, &unknown(Shape::Stream), &params);
        Items::new(handle, self.cancellation(), |received| Ok(received.parse()?))
    }

    /// Opens a stream with a payload that is JSON already; its items stay unparsed.
    pub fn forward_stream(&self, method: &str, payload: Payload) -> Items<Payload> {
        let handle = self.start_json(method, &unknown(Shape::Stream), payload.as_bytes());
        Items::new(handle, self.cancellation(), |received| Ok(received.into_payload()?))
    }

    /// Calls a method that takes items and answers once.
    pub fn upload<P: Serialize, U: Serialize, R: DeserializeOwned>(
        &self,
        method: &UploadMethod<P, U, R>,
        params: impl Borrow<P>,
    ) -> Upload<U, R> {
        let handle = self.start(method.info().name, method.info(), params.borrow()).map(CallHandle::share);
        Upload::new(handle, self.cancellation(), |received| Ok(received.parse()?))
    }

    /// Calls a method with items both ways. The call is cancelled when both halves are dropped before its end.
    pub fn duplex<P: Serialize, U: Serialize, T: DeserializeOwned>(
        &self,
        method: &DuplexMethod<P, U, T>,
        params: impl Borrow<P>,
    ) -> (Sender<U>, Items<T>) {
        let handle = self.start(method.info().name, method.info(), params.borrow()).map(CallHandle::share);
        let sender = Sender::new(handle.as_ref().ok().and_then(CallHandle::shared));
        (sender, Items::new(handle, self.cancellation(), |received| Ok(received.parse()?)))
    }

    /// Closes the connection in order: new calls and requests are refused, streams end, unary calls may finish, what is
    /// queued is sent. What is not done after `deadline` is cut off. Returns at once; [`RpcEndpoint::closed`] waits.
    pub fn close(&self, deadline: Duration) {
        let now = self.shared.now();
        self.shared.with(|session, now| session.drain(now));
        self.shared.close_at(now + millis(deadline));
    }

    /// Why the connection ended, once it has for good; `None` while it stands, or is being made again.
    pub fn closed(&self) -> Option<Arc<Closed>> {
        self.shared.with(|session, _| session.closed())
    }

    /// Whether the connection has ended for good.
    pub fn is_closed(&self) -> bool {
        self.shared.with(|session, _| session.is_closed())
    }

    /// Who is at the other end.
    pub fn identity(&self) -> Arc<Identity> {
        self.shared.identity()
    }

    /// Calls and requests in the tables, and bytes queued: zeros when nothing is under way.
    pub fn load(&self) -> Load {
        self.shared.with(|session, _| {
            let (calls, requests) = session.table_sizes();
            Load { calls, requests, queued_bytes: session.queued_bytes() }
        })
    }

    fn unary<R: DeserializeOwned>(&self, info: &MethodInfo, params: &impl Serialize) -> Call<R> {
        let handle = self.start(info.name, info, params);
        Call::new(handle, self.cancellation(), |received| Ok(received.parse()?))
    }

    fn start(&self, method: &str, info: &MethodInfo, params: &impl Serialize) -> Result<CallHandle, CallError> {
        let write = |text: &mut Vec<u8>| writer::write(text, params);
        scratch::payload(write, |payload| self.start_json(method, info, payload))
            .unwrap_or_else(|error| Err(CallError::Encode(error.to_string())))
    }

    fn start_json(&self, method: &str, info: &MethodInfo, payload: &[u8]) -> Result<CallHandle, CallError> {
        let mut spec = CallSpec {
            method,
            payload,
            shape: info.shape,
            idempotent: info.idempotent,
            resumable: info.resumable,
            ..CallSpec::default()
        };
        if self.options.is_none() && self.parent.is_none() {
            spec.timeout_ms = self.shared.config.timeout.filter(|_| !info.shape.has_down()).map(millis);
            return self.make(&spec);
        }
        if self.parent.as_ref().is_some_and(|parent| parent.token.is_cancelled()) {
            return Err(CallError::Cancelled);
        }
        let default = CallOptions::default();
        let options = self.options.as_deref().unwrap_or(&default);
        let extra_meta = self.extra_meta(options);
        self.make(&CallSpec {
            timeout_ms: self.budget(options, info.shape),
            idle_ms: options.idle_timeout.map(millis),
            idempotent: options.idempotent.unwrap_or(info.idempotent),
            resumable: options.resumable.unwrap_or(info.resumable),
            window: options.window,
            on_lag: options.on_lag,
            lane: options.lane.as_deref(),
            op: options.op.as_deref(),
            extra_meta: &extra_meta,
            ..spec
        })
    }

    fn make(&self, spec: &CallSpec<'_>) -> Result<CallHandle, CallError> {
        let key = self.shared.with(|session, now| session.call(now, spec))?;
        Ok(CallHandle::Own(LiveCall { shared: self.shared.clone(), key, ended: AtomicBool::new(false) }))
    }

    fn budget(&self, options: &CallOptions, shape: Shape) -> Option<u64> {
        let own = match options.timeout {
            Timeout::After(budget) => Some(budget),
            Timeout::Default if !shape.has_down() => self.shared.config.timeout,
            Timeout::Default | Timeout::Never => None,
        };
        let inherited = self.parent.as_ref().and_then(|parent| parent.deadline);
        let budget = match (own, inherited) {
            (Some(own), Some(inherited)) => Some(own.min(inherited)),
            (own, inherited) => own.or(inherited),
        };
        budget.map(millis)
    }

    fn extra_meta(&self, options: &CallOptions) -> String {
        let trace = self.parent.as_ref().and_then(|parent| parent.trace.as_ref());
        let mut meta = trace.map_or(String::new(), |trace| trace.child().to_meta());
        let traced = ["traceparent", "tracestate", "baggage"];
        for (key, value) in &options.meta {
            let taken = ENGINE_META.contains(&key.as_str()) || trace.is_some() && traced.contains(&key.as_str());
            if !taken {
                let key = Value::from(key.as_str());
                let comma = if meta.is_empty() { "" } else { "," };
                meta.push_str(&format!("{comma}{key}:{value}"));
            }
        }
        meta
    }

    fn cancellation(&self) -> Option<CancellationToken> {
        self.parent.as_ref().map(|parent| parent.token.clone())
    }
}

/// What is under way on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls that this side made and whose outcome was not taken.
    pub calls: usize,
    /// Requests of the peer whose terminal frame has not left.
    pub requests: usize,
    /// Bytes that wait for the transport.
    pub queued_bytes: usize,
}

/// A hold on a live call: one of its own, or one of two halves.
#[derive(Debug)]
pub(crate) enum CallHandle {
    Own(LiveCall),
    Shared(Arc<LiveCall>),
}

impl CallHandle {
    fn share(self) -> CallHandle {
        match self {
            CallHandle::Own(call) => CallHandle::Shared(Arc::new(call)),
            CallHandle::Shared(_) => self,
        }
    }

    fn shared(&self) -> Option<Arc<LiveCall>> {
        match self {
            CallHandle::Own(_) => None,
            CallHandle::Shared(call) => Some(call.clone()),
        }
    }
}

impl Deref for CallHandle {
    type Target = LiveCall;

    fn deref(&self) -> &LiveCall {
        match self {
            CallHandle::Own(call) => call,
            CallHandle::Shared(call) => call,
        }
    }
}

/// A live call; dropping it cancels the call unless its end was seen.
#[derive(Debug)]
pub(crate) struct LiveCall {
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: CallKey,
    ended: AtomicBool,
}

impl LiveCall {
    pub(crate) fn abort(&self, error: CallError) {
        self.shared.with(|session, now| session.abort(now, self.key, error, None));
    }

    /// The outcome was taken, and the call with it.
    pub(crate) fn has_ended(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for LiveCall {
    fn drop(&mut self) {
        if !*self.ended.get_mut() {
            // What was kept to be woken is dropped here, where no lock is held.
            let _wakers = self.shared.with(|session, now| session.cancel(now, self.key, None));
        }
    }
}

/// What is known of a method that is called by name alone.
fn unknown(shape: Shape) -> MethodInfo {
    match shape {
        Shape::Stream => *StreamMethod::<(), ()>::new("").info(),
        Shape::Unary | Shape::Upload | Shape::Duplex => *Method::<(), ()>::new("").info(),
    }
}

/// Reads an item. A reset without a value is folded onto the next item, which then says `reset` (spec: `resume.8`).
pub(crate) fn decode_item<T>(
    item: Item<Received>,
    folded: &mut bool,
    decode: fn(Received) -> Result<T, CallError>,
) -> Option<Result<Item<T>, CallError>> {
    let Item { data, pos, epoch, skipped, reset } = item;
    let empty = reset && data.is_null();
    match decode(data) {
        Ok(data) => Some(Ok(Item { data, pos, epoch, skipped, reset: reset | std::mem::take(folded) })),
        Err(_) if empty => {
            *folded = true;
            None
        }
        Err(error) => Some(Err(error)),
    }
}
