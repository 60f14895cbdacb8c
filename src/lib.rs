//! Sixframe: six frames, any transport.
//!
//! RPC between a user interface and what runs beside it on the machine. An [`RpcEndpoint`] is one side of a connection: it
//! calls the peer's methods, and a [`Router`] answers the peer's calls. Calls carry deadlines and can be cancelled, streams
//! go both ways under flow control, and an interrupted stream can go on where it stopped. A [`Transport`] carries the
//! frames; [`transports`] has those for sockets, pipes, programs and WebSockets.
//!
//! ```
//! use sixframe::{Fault, Method, Router, StreamMethod, connect, transports};
//!
//! const ADD: Method<(i64, i64), i64> = Method::new("math.add").doc("Adds two numbers.").idempotent();
//! const COUNT: StreamMethod<u32, u32> = StreamMethod::new("math.count").doc("Counts up to a number.");
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Router::new()
//!     .method(ADD, |_, (a, b): (i64, i64)| async move { Ok::<_, Fault>(a + b) })
//!     .stream(COUNT, |_, to| futures_util::stream::iter((1..=to).map(Ok::<u32, Fault>)));
//!
//! let (ours, theirs) = transports::memory::pair(Default::default());
//! let (_server, serving) = connect(theirs, router);
//! let (client, calling) = connect(ours, Router::new());
//! tokio::spawn(serving);
//! tokio::spawn(calling);
//!
//! assert_eq!(client.request(&ADD, (40, 2)).await?, 42);
//! let mut items = client.stream(&COUNT, 3);
//! while let Some(item) = items.next().await {
//!     println!("{}", item?.data);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`connect_address`] makes an endpoint that connects by an address, and again when the connection breaks. The program
//! `sixframe` is the feature `daemon`, on by default: a program that embeds the library alone turns it off.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::sync::Arc;

pub use sixframe_core::{
    Backoff, Budget, Call, CallError, CallOptions, Closed, Code, Config, Connecting, Connector, Context, DISCOVER,
    Delivery, Direction, Driver, DuplexMethod, Fault, FrameTap, HELLO, Hello, Identity, Item, Items, Lag, Limits, Load,
    Message, Method, MethodInfo, Mismatch, Owner, Owners, PING, Payload, Received, Reply, ReplyFuture, ReplyStream,
    Request, Router, RpcEndpoint, Schemas, Scope, Scopes, Sender, Service, Shape, StreamMethod, Timeout, TraceContext,
    Transport, TransportError, Unfit, Upload, UploadMethod, Upstream, Welcome, WelcomeLimits, connect, connect_with,
    reconnecting, redact,
};
pub use sixframe_core::{frame, layers, session, testing};
#[cfg(feature = "hub")]
pub use sixframe_hub as hub;
pub use sixframe_transports as transports;

use transports::{Address, AnyTransport, ConnectConfig, Failover};

/// Connects an endpoint by addresses, the most preferred first, and again whenever the connection breaks.
///
/// Calls made meanwhile wait for the next connection within their time, resumable streams go on where they stopped, and
/// everything else fails with `CONNECTION_CLOSED` or `INDETERMINATE`. Nothing runs until the driver is polled or spawned; it
/// ends when the endpoint is closed, or with the reason when every address failed in a way that trying again cannot mend.
pub fn connect_address(
    addresses: impl IntoIterator<Item = Address>,
    transport: &ConnectConfig,
    config: Config,
    service: impl Into<Arc<dyn Service>>,
) -> (RpcEndpoint, Driver<AnyTransport>) {
    reconnecting(config, Failover::over(addresses, transport), service)
}
