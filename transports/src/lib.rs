//! Transports for Sixframe: messages over sockets, pipes, processes and WebSockets.
//!
//! Each transport is a `Stream + Sink` of messages (see [`sixframe_core::Transport`]); none knows what a message says.

mod byte_stream;
mod connections;
pub mod framing;
pub mod ipc;
mod output;
mod pool;

pub use byte_stream::ByteTransport;
pub use framing::Framing;
