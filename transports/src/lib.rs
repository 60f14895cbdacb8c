//! Transports for Sixframe: messages over sockets, pipes, processes and WebSockets.
//!
//! Each transport is a `Stream + Sink` of messages (see [`sixframe_core::Transport`]); none knows what a message says.
//! [`connect`] and [`listen`] choose one by an [`Address`]; the modules give each its own configuration.

mod address;
mod any;
mod bounded;
mod byte_stream;
pub mod child;
mod closing;
mod connections;
mod failover;
pub mod framing;
pub mod ipc;
mod listener;
pub use sixframe_core::memory;
mod output;
mod pool;
pub mod relay;
pub mod stdio;
pub mod websocket;

pub use address::Address;
pub use any::{AnyTransport, ConnectConfig, ListenConfig, connect};
pub use bounded::{Bounded, TO_BROWSER_BYTES};
pub use byte_stream::ByteTransport;
pub use connections::AcceptBackoff;
pub use failover::{AddressConnector, Failover};
pub use framing::Framing;
pub use listener::{Listener, listen};
