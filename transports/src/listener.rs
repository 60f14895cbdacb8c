//! Listening on any address that can be listened on.

use sixframe_core::{Identity, TransportError};

use crate::any::elsewhere;
use crate::ipc::{self, IpcConfig};
use crate::websocket::{self, ServerConfig, WebSocketListener};
use crate::{Address, AnyTransport, ListenConfig};

/// A listener of any kind. Dropping it frees its address; connections live on.
#[non_exhaustive]
pub enum Listener {
    /// On a unix socket.
    #[cfg(unix)]
    Unix(ipc::UnixListener),
    /// On a named pipe.
    #[cfg(windows)]
    Pipe(Box<ipc::PipeListener>),
    /// For WebSockets.
    WebSocket(Box<WebSocketListener>),
}

/// Listens on `address`. `stdio:` and `exec:` are permanent errors: they have one peer, who is connected to.
pub async fn listen(address: &Address, config: &ListenConfig) -> Result<Listener, TransportError> {
    match address {
        #[cfg(unix)]
        Address::Unix(path) => ipc::listen(path, ipc_config(config)).map(Listener::Unix),
        #[cfg(windows)]
        Address::Pipe(name) => ipc::listen(name, ipc_config(config)).map(|listener| Listener::Pipe(Box::new(listener))),
        Address::WebSocket(url) => {
            let listener = websocket::listen(host(address, url)?, web_socket_config(config)).await?;
            Ok(Listener::WebSocket(Box::new(listener)))
        }
        Address::Stdio | Address::Exec { .. } => Err(elsewhere(address, "it has one peer; connect to it")),
        #[cfg(unix)]
        Address::Pipe(_) => Err(elsewhere(address, crate::any::NO_PIPES)),
        #[cfg(windows)]
        Address::Unix(_) => Err(elsewhere(address, crate::any::NO_SOCKETS)),
    }
}

impl Listener {
    /// The next connection and who is at its other end. May be dropped and called again at any time.
    ///
    /// An error means that nobody will come any more.
    pub async fn accept(&mut self) -> Result<(AnyTransport, Identity), TransportError> {
        match self {
            #[cfg(unix)]
            Listener::Unix(listener) => {
                listener.accept().await.map(|(transport, identity)| (AnyTransport::Unix(transport), identity))
            }
            #[cfg(windows)]
            Listener::Pipe(listener) => {
                listener.accept().await.map(|(transport, identity)| (AnyTransport::Pipe(transport), identity))
            }
            Listener::WebSocket(listener) => {
                let (transport, identity) = listener.accept().await?;
                Ok((AnyTransport::WebSocketServer(Box::new(transport)), identity))
            }
        }
    }

    /// The address that clients connect to: port and path resolved.
    pub fn local_address(&self) -> Address {
        match self {
            #[cfg(unix)]
            Listener::Unix(listener) => Address::Unix(listener.path().to_owned()),
            #[cfg(windows)]
            Listener::Pipe(listener) => Address::Pipe(listener.name().to_owned()),
            Listener::WebSocket(listener) => Address::WebSocket(format!("ws://{}/", listener.local_address())),
        }
    }
}

fn ipc_config(config: &ListenConfig) -> IpcConfig {
    IpcConfig { framing: config.framing, message_bytes: config.message_bytes, connections: config.connections }
}

fn web_socket_config(config: &ListenConfig) -> ServerConfig {
    ServerConfig {
        access: config.access.clone(),
        message_bytes: config.message_bytes,
        connections: config.connections,
        handshake: config.handshake,
        identify: config.identify,
    }
}

/// `host:port` of a `ws://` address; any path is served.
fn host<'a>(address: &Address, url: &'a str) -> Result<&'a str, TransportError> {
    let Some(rest) = url.strip_prefix("ws://") else {
        return Err(elsewhere(address, "a server offers no encryption of its own; listen on ws:// behind a proxy"));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    port.then_some(host).ok_or_else(|| elsewhere(address, "name a port; 0 takes a free one"))
}
