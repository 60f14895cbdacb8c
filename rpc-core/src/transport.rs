//! What the engine asks of a transport: messages in, messages out. Nothing here knows bytes on a wire, sockets or
//! processes; those live in `sixframe-transports`.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;

use crate::{Identity, TransportError};

/// One frame's bytes: a JSON object in UTF-8, without any framing around it.
///
/// The engine checks UTF-8 and syntax itself; a transport hands over whatever it received. A transport must never hand
/// over a slice of a larger shared buffer that a long-lived message would keep alive.
pub type Message = Bytes;

/// A duplex of messages, a name for `Stream + Sink`.
///
/// - The stream yields received messages in order. `None` is the peer's clean end. An `Err` whose
///   [`TransportError::is_fatal`] is false (a message too long, which was skipped) leaves the stream usable; after any
///   other `Err` it is not polled again.
/// - The sink may keep what `start_send` is given until `poll_flush`; the engine starts many messages and flushes once.
///   `poll_ready` is pending while the peer takes nothing: this is the only backpressure.
/// - Dropping a transport closes it at once. `poll_close` flushes first.
pub trait Transport:
    Stream<Item = Result<Message, TransportError>> + Sink<Message, Error = TransportError> + Unpin + Send + 'static
{
}

impl<T> Transport for T where
    T: Stream<Item = Result<Message, TransportError>> + Sink<Message, Error = TransportError> + Unpin + Send + 'static
{
}

/// Makes a new transport each time it is asked: how a driver reconnects (spec: `resume.4`).
///
/// The driver calls it after a break, with exponential backoff and full jitter between failures, and drops the future
/// when the endpoint is closed meanwhile. Failover is a connector over a list.
pub trait Connector: Send + 'static {
    /// The transport that a successful connection yields.
    type Transport: Transport;

    /// Connects once. An error is logged and tried again, unless it [`TransportError::is_permanent`].
    fn connect(&mut self) -> Connecting<Self::Transport>;
}

/// One attempt to connect: a transport, and who is at its other end. Nothing happens before it is polled.
pub type Connecting<T> = Pin<Box<dyn Future<Output = Result<(T, Identity), TransportError>> + Send>>;

impl<T, F> Connector for F
where
    T: Transport,
    F: FnMut() -> Connecting<T> + Send + 'static,
{
    type Transport = T;

    fn connect(&mut self) -> Connecting<T> {
        self()
    }
}
