//! Any transport behind one type, chosen by an address at run time.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use sixframe_core::{Identity, Limits, Message, Scope, Scopes, TransportError};

use crate::child::{self, ChildTransport};
use crate::ipc::{self, IpcConfig};
use crate::memory::MemoryTransport;
use crate::stdio::{self, StdioTransport};
use crate::websocket::{self, Access};
use crate::{Address, Framing};

/// How any address is connected to. What an address does not use is ignored. It holds a token, hence no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectConfig {
    /// How messages are separated on streams of bytes. Default [`Framing::Ndjson`].
    pub framing: Framing,
    /// Longest message accepted, in bytes. Default that of [`Limits`].
    pub message_bytes: usize,
    /// The token for WebSockets. Default none.
    pub token: Option<String>,
    /// Time to connect and shake hands. Default 10 s.
    pub timeout: Duration,
    /// The folder in which a program starts. Default ours.
    pub cwd: Option<PathBuf>,
    /// What a program that we start may call on us. Default `read` and `call`.
    pub child_scopes: Scopes,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        ConnectConfig {
            framing: Framing::Ndjson,
            message_bytes: Limits::default().message_bytes,
            token: None,
            timeout: Duration::from_secs(10),
            cwd: None,
            child_scopes: Scopes::NONE.with(Scope::Read).with(Scope::Call),
        }
    }
}

/// How any address is listened on. What an address does not use is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenConfig {
    /// How messages are separated on streams of bytes. Default [`Framing::Ndjson`].
    pub framing: Framing,
    /// Longest message accepted, in bytes. Default that of [`Limits`].
    pub message_bytes: usize,
    /// Connections at once. Default 1024.
    pub connections: usize,
    /// Who may open a WebSocket. Default: nobody.
    pub access: Access,
    /// Time for the whole opening handshake of a WebSocket. Default 10 s.
    pub handshake: Duration,
    /// Whether to look up the process behind each WebSocket from this machine, which takes time where there are
    /// thousands. Default yes.
    pub identify: bool,
}

impl Default for ListenConfig {
    fn default() -> Self {
        let message_bytes = Limits::default().message_bytes;
        ListenConfig {
            framing: Framing::Ndjson,
            message_bytes,
            connections: 1024,
            access: Access::default(),
            handshake: Duration::from_secs(10),
            identify: true,
        }
    }
}

/// A transport of any kind. Each keeps its own rules for closing and dropping.
#[non_exhaustive]
pub enum AnyTransport {
    /// Our standard input and output.
    Stdio(StdioTransport),
    /// A unix socket.
    #[cfg(unix)]
    Unix(ipc::UnixTransport),
    /// A named pipe.
    #[cfg(windows)]
    Pipe(ipc::PipeTransport),
    /// A WebSocket that we opened. Boxed, as are the other large ones, so that the small ones stay small.
    WebSocketClient(Box<websocket::ClientTransport>),
    /// A WebSocket that was opened to us.
    WebSocketServer(Box<websocket::ServerTransport>),
    /// A program that we started.
    Child(Box<ChildTransport>),
    /// One end of a connection within the process.
    Memory(MemoryTransport),
}

impl Address {
    /// Whether this system and this build could connect to it, if somebody is there. The error says what to write instead.
    pub fn check(&self) -> Result<(), TransportError> {
        match self {
            Address::Stdio | Address::Exec { .. } => Ok(()),
            Address::WebSocket(url) => websocket::check(url),
            #[cfg(unix)]
            Address::Unix(path) => ipc::check(path),
            #[cfg(windows)]
            Address::Pipe(_) => Ok(()),
            #[cfg(unix)]
            Address::Pipe(_) => Err(elsewhere(self, NO_PIPES)),
            #[cfg(windows)]
            Address::Unix(_) => Err(elsewhere(self, NO_SOCKETS)),
        }
    }
}

/// Connects to `address`. Errors are those of the transport that it names.
pub async fn connect(address: &Address, config: &ConnectConfig) -> Result<(AnyTransport, Identity), TransportError> {
    match address {
        Address::Stdio => {
            let (transport, identity) = stdio::open(config.framing, config.message_bytes)?;
            Ok((AnyTransport::Stdio(transport), identity))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let connected = tokio::time::timeout(config.timeout, ipc::connect(path, ipc_config(config)));
            let (transport, identity) = connected.await.map_err(|_| too_slow(address))??;
            Ok((AnyTransport::Unix(transport), identity))
        }
        #[cfg(windows)]
        Address::Pipe(name) => {
            let connected = tokio::time::timeout(config.timeout, ipc::connect(name, ipc_config(config)));
            let (transport, identity) = connected.await.map_err(|_| too_slow(address))??;
            Ok((AnyTransport::Pipe(transport), identity))
        }
        Address::WebSocket(url) => {
            let (transport, identity) = websocket::connect(url, &web_socket_config(config)).await?;
            Ok((AnyTransport::WebSocketClient(Box::new(transport)), identity))
        }
        Address::Exec { program, args } => {
            let (transport, identity) = child::spawn(&child_config(program, args, config))?;
            Ok((AnyTransport::Child(Box::new(transport)), identity))
        }
        #[cfg(unix)]
        Address::Pipe(_) => Err(elsewhere(address, NO_PIPES)),
        #[cfg(windows)]
        Address::Unix(_) => Err(elsewhere(address, NO_SOCKETS)),
    }
}

fn ipc_config(config: &ConnectConfig) -> IpcConfig {
    IpcConfig { framing: config.framing, message_bytes: config.message_bytes, ..IpcConfig::default() }
}

fn web_socket_config(config: &ConnectConfig) -> websocket::ClientConfig {
    let (token, message_bytes, timeout) = (config.token.clone(), config.message_bytes, config.timeout);
    let mut web_socket = websocket::ClientConfig::default();
    (web_socket.token, web_socket.message_bytes, web_socket.timeout) = (token, message_bytes, timeout);
    web_socket
}

fn child_config(program: &str, args: &[String], config: &ConnectConfig) -> child::ChildConfig {
    child::ChildConfig {
        args: args.iter().map(Into::into).collect(),
        cwd: config.cwd.clone(),
        framing: config.framing,
        message_bytes: config.message_bytes,
        scopes: config.child_scopes,
        ..child::ChildConfig::new(program)
    }
}

fn too_slow(address: &Address) -> TransportError {
    TransportError::new(format!("connecting to {address} took too long"), None)
}

#[cfg(unix)]
pub(crate) const NO_PIPES: &str = "named pipes exist on Windows only; use unix:/path";
#[cfg(windows)]
pub(crate) const NO_SOCKETS: &str = "unix sockets are not served on Windows; use pipe:name";

pub(crate) fn elsewhere(address: &Address, why: &str) -> TransportError {
    TransportError::permanent(format!("cannot use {address}: {why}"), None)
}

macro_rules! delegate {
    ($this:expr, $transport:ident => $call:expr) => {
        match $this.get_mut() {
            AnyTransport::Stdio($transport) => $call,
            #[cfg(unix)]
            AnyTransport::Unix($transport) => $call,
            #[cfg(windows)]
            AnyTransport::Pipe($transport) => $call,
            AnyTransport::WebSocketClient($transport) => $call,
            AnyTransport::WebSocketServer($transport) => $call,
            AnyTransport::Child($transport) => $call,
            AnyTransport::Memory($transport) => $call,
        }
    };
}

impl Stream for AnyTransport {
    type Item = Result<Message, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        delegate!(self, transport => Pin::new(transport).poll_next(cx))
    }
}

impl Sink<Message> for AnyTransport {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        delegate!(self, transport => Pin::new(transport).poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        delegate!(self, transport => Pin::new(transport).start_send(message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        delegate!(self, transport => Pin::new(transport).poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        delegate!(self, transport => Pin::new(transport).poll_close(cx))
    }
}
