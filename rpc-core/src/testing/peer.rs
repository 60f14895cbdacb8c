//! A peer that follows a script: the test reads as the trace of a connection.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;

use crate::memory::{self, MemoryConfig, MemoryTransport};
use crate::{Config, Message, RpcEndpoint, Service, connect_with};

/// How long a peer waits for what it expects.
const PATIENCE: Duration = Duration::from_secs(10);

/// The other end of a connection, played by a test.
///
/// Its methods panic when what happens is not what the script says, and name what happened instead. Dropping it ends the
/// connection.
pub struct Peer {
    transport: MemoryTransport,
    patience: Duration,
}

impl Peer {
    /// A peer and the transport that leads to it.
    pub fn pair() -> (Peer, MemoryTransport) {
        Peer::pair_with(MemoryConfig::default())
    }

    /// As [`Peer::pair`], with bounds of its own on what may wait in between.
    pub fn pair_with(config: MemoryConfig) -> (Peer, MemoryTransport) {
        let (near, far) = memory::pair(config);
        (Peer { transport: near, patience: PATIENCE }, far)
    }

    /// A peer of an endpoint whose driver is spawned on the present runtime.
    pub fn connect(service: impl Into<Arc<dyn Service>>) -> (Peer, RpcEndpoint) {
        let identity = memory::identity();
        Peer::connect_with(Config { identity, ..Config::default() }, service)
    }

    /// As [`Peer::connect`], with the endpoint's configuration.
    pub fn connect_with(config: Config, service: impl Into<Arc<dyn Service>>) -> (Peer, RpcEndpoint) {
        let (peer, transport) = Peer::pair();
        let (endpoint, driver) = connect_with(config, transport, service);
        tokio::spawn(driver);
        (peer, endpoint)
    }

    /// The same peer, which waits this long for what it expects instead of 10 s.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Peer {
        Peer { patience, ..self }
    }

    /// The next frame, whatever it is.
    ///
    /// # Panics
    /// When none comes in time, the connection ends, or the message is no JSON.
    pub async fn next(&mut self) -> Value {
        let message = self.next_message().await.expect("a frame, but the connection ended");
        serde_json::from_slice(&message).unwrap_or_else(|error| panic!("no JSON ({error}): {message:?}"))
    }

    /// The next frame, which must fit `pattern` as [`matches()`] has it.
    ///
    /// # Panics
    /// When it does not fit, none comes in time, or the connection ends.
    pub async fn expect(&mut self, pattern: Value) -> Value {
        let next = tokio::time::timeout(self.patience, self.transport.next()).await;
        let message = match next {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => panic!("expected {pattern}, but the connection failed: {error}"),
            Ok(None) => panic!("expected {pattern}, but the connection ended"),
            Err(_) => panic!("expected {pattern}, but nothing came for {:?}", self.patience),
        };
        let frame = serde_json::from_slice(&message).unwrap_or_else(|error| panic!("no JSON ({error}): {message:?}"));
        assert!(matches(&pattern, &frame), "expected {pattern}\n     got {frame}");
        frame
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn send(&mut self, frame: Value) {
        self.send_raw(frame.to_string()).await;
    }

    /// Sends bytes as one message, whatever they are.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn send_raw(&mut self, message: impl Into<Message>) {
        self.transport.send(message.into()).await.expect("the connection is there to send by");
    }

    /// Waits for the end of the connection; what still comes before it is returned.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn closed(&mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(message) = self.next_message().await {
            rest.push(serde_json::from_slice(&message).unwrap_or(Value::Null));
        }
        rest
    }

    /// Nothing comes for this long.
    ///
    /// # Panics
    /// When something does, or the connection ends.
    pub async fn silent(&mut self, time: Duration) {
        if let Ok(next) = tokio::time::timeout(time, self.transport.next()).await {
            panic!("expected silence for {time:?}, got {next:?}");
        }
    }

    /// Gives up the script: the transport itself.
    pub fn into_transport(self) -> MemoryTransport {
        self.transport
    }

    async fn next_message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(self.patience, self.transport.next()).await;
        match next.unwrap_or_else(|_| panic!("nothing came for {:?}", self.patience)) {
            Some(Ok(message)) => Some(message),
            Some(Err(_)) | None => None,
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Whether `frame` fits `pattern`: every field of the pattern fits the frame's; the frame may have more. `null` stands
/// for a field that is null or absent. Everything else must be equal.
pub fn matches(pattern: &Value, frame: &Value) -> bool {
    match (pattern, frame) {
        (Value::Object(pattern), Value::Object(frame)) => {
            pattern.iter().all(|(key, value)| matches(value, frame.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(pattern), Value::Array(items)) => {
            pattern.len() == items.len() && pattern.iter().zip(items).all(|(pattern, item)| matches(pattern, item))
        }
        (pattern, value) => pattern == value,
    }
}
