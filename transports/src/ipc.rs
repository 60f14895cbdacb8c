//! Local sockets: unix sockets on Unix, named pipes on Windows, server and client. Owns the socket file and who may reach
//! it; knows nothing of what is said.

#[cfg(windows)]
mod pipe;
#[cfg(unix)]
mod socket_file;
#[cfg(unix)]
mod unix;

#[cfg(windows)]
pub use pipe::{PipeListener, PipeTransport, connect, listen};
#[cfg(unix)]
pub(crate) use unix::check;
#[cfg(unix)]
pub use unix::{UnixListener, UnixTransport, connect, listen};

use crate::Framing;

/// How messages are exchanged over local sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpcConfig {
    /// How messages are separated. Default [`Framing::Ndjson`].
    pub framing: Framing,
    /// Longest message accepted, in bytes; a longer one is skipped. Default 16 MiB.
    pub message_bytes: usize,
    /// Connections that a listener serves at once; a further one is closed as soon as it comes. Default 1024.
    pub connections: usize,
}

impl Default for IpcConfig {
    fn default() -> Self {
        IpcConfig { framing: Framing::Ndjson, message_bytes: 16 << 20, connections: 1024 }
    }
}
