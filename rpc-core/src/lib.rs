//! The Sixframe engine: frames, sessions, endpoints and services.
//!
//! An [`RpcEndpoint`] is one side of a connection over any [`Transport`]: it calls the peer's methods, and a [`Router`]
//! answers the peer's calls. [`connect`] makes both, with the [`Driver`] that runs them.

mod config;
mod context;
mod discovery;
mod driver;
mod endpoint;
mod error;
mod flow;
pub mod frame;
mod identity;
mod inbox;
mod item;
pub mod layers;
mod limits;
pub mod memory;
mod method;
mod owner;
mod payload;
mod reader;
mod router;
mod scratch;
mod service;
pub mod session;
mod shared;
mod tap;
pub mod testing;
mod trace;
mod transport;
mod writer;

pub use config::{Backoff, Config};
pub use context::Context;
pub use discovery::{DISCOVER, HELLO, Hello, PING, Welcome, WelcomeLimits};
pub use driver::{Driver, Link, Linked, connect, connect_with, reconnecting};
pub use endpoint::{Call, CallOptions, Items, Load, RpcEndpoint, Sender, Timeout, Upload, Upstream};
pub use error::{CallError, Closed, Code, Fault, TransportError};
pub use frame::Lag;
pub use identity::{Identity, Scope, Scopes};
pub use item::Item;
pub use limits::Limits;
pub use method::{DuplexMethod, Method, MethodInfo, Schemas, StreamMethod, UploadMethod};
pub use owner::{Owner, Owners};
pub use payload::{Mismatch, Payload, Received, Unfit};
pub use router::Router;
pub use service::{Delivery, Reply, ReplyFuture, ReplyStream, Request, Service};
pub use session::{Budget, Shape};
pub use tap::{Direction, FrameTap, redact};
pub use trace::TraceContext;
pub use transport::{Connecting, Connector, Message, Transport};
