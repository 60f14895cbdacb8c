//! Listening for WebSockets. Every handshake runs beside the others under a deadline, so that a slow one holds up nobody.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sixframe_core::{Identity, Scopes, TransportError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::access::{Access, Refusal};
use super::pooled::Pooled;
use super::{WebSocketTransport, handshake, peer, tuning};
use crate::connections::{AcceptBackoff, Connections, Slot};

/// Handshakes that have ended and are remembered for a while.
const ENDED: usize = 16;

/// Messages over a WebSocket that a client opened.
pub type ServerTransport = WebSocketTransport<Pooled<TcpStream>>;

/// How WebSockets are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Who may connect. Default: nobody.
    pub access: Access,
    /// Longest message accepted, in bytes; a longer one closes the connection with 1009. Default 16 MiB.
    pub message_bytes: usize,
    /// Connections at once, those still in their handshake included. A further one takes the place of the one that has been
    /// in its handshake for longest, and is answered 503 where none is. Default 1024.
    pub connections: usize,
    /// Time for a whole handshake. Default 10 s.
    pub handshake: Duration,
    /// Whether to look up which process is at the other end of a loopback connection, on Linux: reads the system's
    /// socket table once a connection. Default yes.
    pub identify: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            access: Access::default(),
            message_bytes: 16 << 20,
            connections: 1024,
            handshake: Duration::from_secs(10),
            identify: true,
        }
    }
}

/// A listening TCP socket that speaks WebSocket. Dropping it ends unfinished handshakes; connections live on.
pub struct WebSocketListener {
    listener: TcpListener,
    address: SocketAddr,
    connections: Connections,
    config: Arc<ServerConfig>,
    handshakes: JoinSet<Option<(ServerTransport, Identity)>>,
    /// The same, in the order in which they began; some have ended.
    begun: VecDeque<AbortHandle>,
}

/// Listens on `address`, `127.0.0.1:0` for a free port. An address that is taken is a permanent error.
pub async fn listen(address: &str, config: ServerConfig) -> Result<WebSocketListener, TransportError> {
    let failed = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "; another program has the port: choose a free one, or 0 for any",
            std::io::ErrorKind::AddrNotAvailable => "; this machine has no such address: choose 127.0.0.1",
            std::io::ErrorKind::PermissionDenied => "; ports below 1024 are for the administrator: choose a higher one",
            _ => "",
        };
        TransportError::permanent(format!("cannot listen on ws://{address}: {error}{hint}"), Some(error.into()))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    if !local.ip().is_loopback() {
        tracing::warn!(%local, "listening beyond this machine, without encryption");
    }
    let connections = Connections::new(config.connections);
    Ok(WebSocketListener {
        listener,
        address: local,
        connections,
        config: Arc::new(config),
        handshakes: JoinSet::new(),
        begun: VecDeque::new(),
    })
}

impl WebSocketListener {
    /// The next connection that passed its handshake. May be dropped and called again at any time.
    ///
    /// Handshakes go on beside each other, each within its time; one that fails is answered and forgotten. When the system
    /// has no descriptors left it waits and tries again; any other error is the listener's own.
    pub async fn accept(&mut self) -> Result<(ServerTransport, Identity), TransportError> {
        let mut backoff = AcceptBackoff::default();
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(accepted)) = done {
                        return Ok(accepted);
                    }
                }
                arrived = self.listener.accept() => match arrived {
                    Ok((socket, from)) => self.begin(socket, from),
                    Err(error) => backoff.after(error).await?,
                },
            }
        }
    }

    /// The address that is listened on, its port resolved.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    fn begin(&mut self, socket: TcpStream, from: SocketAddr) {
        if self.begun.len() > 2 * self.handshakes.len() + ENDED {
            self.begun.retain(|handshake| !handshake.is_finished());
        }
        let begun = &mut self.begun;
        let Some(slot) = self.connections.claim_from(|| slowest_gives_way(begun)) else {
            let refusal = Refusal { status: StatusCode::SERVICE_UNAVAILABLE, reason: "too many connections" };
            let _ = socket.try_write(handshake::refused(&refusal).as_bytes());
            return;
        };
        let (config, here) = (Arc::clone(&self.config), self.address);
        let handshake = self.handshakes.spawn(async move {
            match timeout(config.handshake, admit(socket, from, here, &config, slot)).await {
                Ok(Ok(accepted)) => Some(accepted),
                Ok(Err(error)) => {
                    tracing::info!(%from, %error, "a WebSocket was refused");
                    None
                }
                Err(_) => {
                    tracing::info!(%from, "a WebSocket handshake took too long");
                    None
                }
            }
        });
        self.begun.push_back(handshake);
    }
}

/// Ends the handshake that began first of those that have not ended: who has shown no token keeps nobody out who may have
/// one. False where there is none.
fn slowest_gives_way(begun: &mut VecDeque<AbortHandle>) -> bool {
    while let Some(handshake) = begun.pop_front() {
        if !handshake.is_finished() {
            handshake.abort();
            return true;
        }
    }
    false
}

async fn admit(
    socket: TcpStream,
    from: SocketAddr,
    here: SocketAddr,
    config: &ServerConfig,
    slot: Slot,
) -> Result<(ServerTransport, Identity), TransportError> {
    socket.set_nodelay(true)?;
    let local = socket.local_addr()?;
    let (socket, admission) = handshake::accept(Pooled::new(socket), &config.access, here.port(), config.message_bytes)
        .await
        .map_err(|error| TransportError::new(error.to_string(), None))?;
    let identity = match config.identify {
        true => identified(local, from, admission.scopes).await,
        false => identity(from, admission.scopes),
    };
    Ok((WebSocketTransport::new(socket, Role::Server, config.message_bytes, Some(slot)), identity))
}

impl ServerTransport {
    /// Messages over a socket that an HTTP server has answered with 101, after [`open`](super::open) let the request in,
    /// and who is at its other end. `read` is what the server read beyond the request.
    ///
    /// A message longer than `message_bytes` closes the connection with 1009. An error means that the socket is gone.
    pub async fn upgraded(
        socket: TcpStream,
        read: Vec<u8>,
        scopes: Scopes,
        message_bytes: usize,
    ) -> Result<(ServerTransport, Identity), TransportError> {
        socket.set_nodelay(true)?;
        let (local, from) = (socket.local_addr()?, socket.peer_addr()?);
        let tuning = Some(tuning(message_bytes));
        let socket = WebSocketStream::from_partially_read(Pooled::new(socket), read, Role::Server, tuning).await;
        let transport = WebSocketTransport::new(socket, Role::Server, message_bytes, None);
        Ok((transport, identified(local, from, scopes).await))
    }
}

async fn identified(local: SocketAddr, from: SocketAddr, scopes: Scopes) -> Identity {
    let process = peer::local_peer(local, from).await;
    Identity {
        pid: process.and_then(|process| process.pid),
        uid: process.map(|process| process.uid),
        ..identity(from, scopes)
    }
}

fn identity(from: SocketAddr, scopes: Scopes) -> Identity {
    Identity { transport: "ws", scopes, address: Some(from.to_string()), ..Identity::default() }
}
