//! Unix sockets. They are tokio's own: what decides here is the socket file, which `socket_file` guards, and the peer's
//! credentials, which the kernel gives.

use std::io;
use std::path::Path;

use sixframe_core::{Identity, Scopes, TransportError};
use tokio::net::UnixStream;
use tokio::net::unix::UCred;

use super::IpcConfig;
use super::socket_file::{self, SocketFile};
use crate::ByteTransport;
use crate::connections::{AcceptBackoff, Connections};

/// Messages over a unix socket.
pub type UnixTransport = ByteTransport<UnixStream>;

/// A listening unix socket. Dropping it removes the socket file, if that is still the one that it made.
pub struct UnixListener {
    listener: tokio::net::UnixListener,
    connections: Connections,
    config: IpcConfig,
    file: SocketFile,
}

/// Listens at `path`: the socket file has mode 0600 in a folder of mode 0700, which is made if it is missing.
///
/// A socket file that nobody listens on any more is replaced. Errors, all permanent: a server is running there; the folder
/// is open to others or not ours; something that is no socket has the name; the name is abstract or too long.
pub fn listen(path: impl AsRef<Path>, config: IpcConfig) -> Result<UnixListener, TransportError> {
    let (file, listener) = SocketFile::bind(path.as_ref())?;
    let listening = listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener));
    let listener = listening.map_err(|error| socket_file::refused("listen on", file.path(), error))?;
    Ok(UnixListener { listener, connections: Connections::new(config.connections), config, file })
}

/// Connects to the server that listens at `path`. The identity is the server's: its process and user id. It may call
/// everything on us if its user is ours or the system's, and nothing where another user made the socket.
///
/// Errors: the path is abstract or too long, which is permanent; nobody listens there, or not for us.
pub async fn connect(path: impl AsRef<Path>, config: IpcConfig) -> Result<(UnixTransport, Identity), TransportError> {
    let path = socket_file::checked(path.as_ref())?;
    let stream = UnixStream::connect(&path).await.map_err(|error| unreachable(&path, error))?;
    let mut identity = identity(&stream, &path);
    identity.scopes = scopes_of_server(identity.uid, rustix::process::geteuid().as_raw());
    Ok((ByteTransport::new(stream, config.framing, config.message_bytes), identity))
}

/// Whether `path` can name a socket.
pub(crate) fn check(path: &Path) -> Result<(), TransportError> {
    socket_file::checked(path).map(drop)
}

impl UnixListener {
    /// The next connection and who is at its other end. May be dropped and called again at any time.
    ///
    /// When the system has no descriptors left it waits and tries again, at most once a second. A connection above
    /// the number allowed is dropped unread. Any other error is the listener's own, and ends its service.
    pub async fn accept(&self) -> Result<(UnixTransport, Identity), TransportError> {
        let mut backoff = AcceptBackoff::default();
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    backoff.after(error).await?;
                    continue;
                }
            };
            let Some(slot) = self.connections.claim() else { continue };
            let identity = identity(&stream, self.file.path());
            let (framing, limit) = (self.config.framing, self.config.message_bytes);
            return Ok((ByteTransport::counted(stream, framing, limit, Some(slot)), identity));
        }
    }

    /// The path of the socket file, absolute.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Anybody may have made the socket that we connect to.
fn scopes_of_server(uid: Option<u32>, own: u32) -> Scopes {
    if uid.is_some_and(|uid| uid == own || uid == 0) { Scopes::ALL } else { Scopes::NONE }
}

/// Only the user that owns the socket file gets this far, hence every scope.
fn identity(stream: &UnixStream, path: &Path) -> Identity {
    let peer: Option<UCred> = stream.peer_cred().ok();
    Identity {
        transport: "unix",
        scopes: Scopes::ALL,
        // A process that has no number in our namespace, as outside of a container, is said to be 0.
        pid: peer.as_ref().and_then(UCred::pid).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0),
        uid: peer.as_ref().map(UCred::uid),
        address: Some(format!("unix:{}", path.display())),
        ..Identity::default()
    }
}

fn unreachable(path: &Path, error: io::Error) -> TransportError {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => ": no socket file is there; is the server running?",
        io::ErrorKind::ConnectionRefused => ": nobody listens on it; is the server running?",
        io::ErrorKind::PermissionDenied => ": it belongs to another user",
        _ => "",
    };
    TransportError::new(format!("cannot connect to unix:{}{hint}", path.display()), Some(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_another_user_may_call_nothing_on_us() {
        assert_eq!(scopes_of_server(Some(1000), 1000), Scopes::ALL);
        assert_eq!(scopes_of_server(Some(0), 1000), Scopes::ALL);
        assert_eq!(scopes_of_server(Some(1001), 1000), Scopes::NONE);
        assert_eq!(scopes_of_server(Some(1001), 0), Scopes::NONE);
        assert_eq!(scopes_of_server(None, 1000), Scopes::NONE);
    }
}
