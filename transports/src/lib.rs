//! Transports for Sixframe: messages over sockets, pipes, processes and WebSockets.
//!
//! Each transport is a `Stream + Sink` of messages (see [`sixframe_core::Transport`]); none knows what a message says.

mod byte_stream;
pub mod child;
mod closing;
mod connections;
pub mod framing;
pub mod ipc;
pub mod memory;
mod output;
mod pool;
pub mod stdio;

pub use byte_stream::ByteTransport;
pub use framing::Framing;
