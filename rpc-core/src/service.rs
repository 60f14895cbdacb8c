//! A service turns a request into a reply. Routers, middleware and relays are services; the driver runs them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use smol_str::SmolStr;

use crate::frame::Lag;
use crate::router::Entry;
use crate::{Context, Fault, Item, MethodInfo, Payload, Received};

/// What answers requests.
///
/// `call` must not block: it is called on the task that reads the connection. A panic in it, or in what it returns, is
/// answered with `INTERNAL` and harms nothing else.
pub trait Service: Send + Sync + 'static {
    /// Turns a request into a reply.
    fn call(&self, request: Request) -> Reply;
}

impl<F> Service for F
where
    F: Fn(Request) -> Reply + Send + Sync + 'static,
{
    fn call(&self, request: Request) -> Reply {
        self(request)
    }
}

impl Service for Arc<dyn Service> {
    fn call(&self, request: Request) -> Reply {
        self.as_ref().call(request)
    }
}

/// A request of the peer.
#[derive(Debug)]
pub struct Request {
    /// What is called.
    pub method: SmolStr,
    /// The parameters. Reading them as a type checks them on the way.
    pub payload: Received,
    /// The request's surroundings: the peer, the time left, who asks.
    pub context: Context,
    pub(crate) entry: Option<Arc<Entry>>,
}

impl Request {
    /// What the router knows of the method; `None` where no handler is registered for it, or no router was passed yet.
    pub fn info(&self) -> Option<&MethodInfo> {
        self.entry.as_deref().map(|entry| &entry.info)
    }
}

/// A future of a handler.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Result<Payload, Fault>> + Send>>;

/// A stream of a handler.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<Item<Payload>, Fault>> + Send>>;

/// What a service answers with.
pub enum Reply {
    /// The answer is there.
    Ready(Result<Payload, Fault>),
    /// The answer will come. The future is polled once at once, then parked; it is dropped when the caller loses interest.
    Future(ReplyFuture),
    /// Items, and how they leave. An error ends the stream with `err`.
    Stream(Delivery, ReplyStream),
}

/// How the items of a stream leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What happens when the consumer lags and chose nothing (spec: `fc.8`).
    pub lag: Lag,
    /// Whether the source is asked for an item only when that can be sent: it makes its newest one when it is asked, so
    /// that nothing waits and nothing is dropped, whichever policy the consumer chose (spec: `fc.17`).
    pub on_demand: bool,
    /// The method's name, where the items carry it for observers (spec: `frame.18`).
    pub method: Option<&'static str>,
}

impl From<Lag> for Delivery {
    fn from(lag: Lag) -> Delivery {
        Delivery { lag, on_demand: false, method: None }
    }
}

impl Reply {
    /// A fault.
    pub fn fault(fault: impl Into<Fault>) -> Reply {
        Reply::Ready(Err(fault.into()))
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reply::Ready(Ok(_)) => "Reply::Ready(Ok)",
            Reply::Ready(Err(_)) => "Reply::Ready(Err)",
            Reply::Future(_) => "Reply::Future",
            Reply::Stream(..) => "Reply::Stream",
        })
    }
}
