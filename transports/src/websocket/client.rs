//! Opening a WebSocket, plain or (feature `tls`) encrypted.

use std::fmt;
use std::time::Duration;

use sixframe_core::{Identity, Scopes, TransportError};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::pooled::Pooled;
use super::{SUBPROTOCOL, WebSocketTransport, tuning};

/// Messages over a WebSocket that we opened.
pub type ClientTransport = WebSocketTransport<MaybeTlsStream<Pooled<TcpStream>>>;

type Socket = WebSocketStream<MaybeTlsStream<Pooled<TcpStream>>>;

/// How a WebSocket is opened. Its `Debug` shows no token.
#[derive(Clone)]
pub struct ClientConfig {
    /// Sent as `Authorization: Bearer`. Default none.
    pub token: Option<String>,
    /// Longest message accepted, in bytes; a longer one closes the connection with 1009. Default 16 MiB.
    pub message_bytes: usize,
    /// Time for connecting, encryption and handshake together. Default 10 s.
    pub timeout: Duration,
    /// How `wss://` connections are encrypted, and which servers are believed. Default `None`: those whose certificates
    /// the system believes.
    #[cfg(feature = "tls")]
    pub tls: Option<std::sync::Arc<rustls::ClientConfig>>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig {
            token: None,
            message_bytes: 16 << 20,
            timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        let ClientConfig { message_bytes, timeout, .. } = self;
        write!(f, "ClientConfig {{ token: {token:?}, message_bytes: {message_bytes}, timeout: {timeout:?} }}")
    }
}

/// Opens the WebSocket at `url`, `ws://host:port/path` or `wss://…`.
///
/// A URL that cannot be right and a refusal (401, 403) are permanent errors; everything else may pass. The identity
/// grants no scope: nothing but its address vouches for a server.
pub async fn connect(url: &str, config: &ClientConfig) -> Result<(ClientTransport, Identity), TransportError> {
    let uri = checked(url)?;
    let shown = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |at| at.as_str()));
    let socket = match timeout(config.timeout, open(&uri, config)).await {
        Ok(opened) => opened.map_err(|error| failed(&shown, error))?,
        Err(_) => {
            let seconds = config.timeout.as_secs_f32();
            return Err(TransportError::new(format!("cannot connect to {shown} within {seconds} s"), None));
        }
    };
    let transport = if uri.scheme_str() == Some("wss") { "wss" } else { "ws" };
    let identity = Identity { transport, scopes: Scopes::NONE, address: Some(shown), ..Identity::default() };
    Ok((WebSocketTransport::new(socket, Role::Client, config.message_bytes, None), identity))
}

async fn open(uri: &Uri, config: &ClientConfig) -> Result<Socket, WsError> {
    let request = request(uri, config)?;
    let encrypted = uri.scheme_str() == Some("wss");
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    upgrade(request, Pooled::new(socket), config).await
}

#[cfg(not(feature = "tls"))]
async fn upgrade(request: Request, socket: Pooled<TcpStream>, config: &ClientConfig) -> Result<Socket, WsError> {
    let (socket, tuning) = (MaybeTlsStream::Plain(socket), tuning(config.message_bytes));
    let opened = tokio_tungstenite::client_async_with_config(request, socket, Some(tuning)).await;
    opened.map(|(socket, _)| socket)
}

#[cfg(feature = "tls")]
async fn upgrade(request: Request, socket: Pooled<TcpStream>, config: &ClientConfig) -> Result<Socket, WsError> {
    use tokio_tungstenite::{Connector, client_async_tls_with_config};
    let connector = match (request.uri().scheme_str(), &config.tls) {
        (Some("wss"), Some(tls)) => Connector::Rustls(tls.clone()),
        (Some("wss"), None) => Connector::Rustls(super::tls::of_the_system()?),
        (_, _) => Connector::Plain,
    };
    let tuning = tuning(config.message_bytes);
    let opened = client_async_tls_with_config(request, socket, Some(tuning), Some(connector)).await;
    opened.map(|(socket, _)| socket)
}

fn request(uri: &Uri, config: &ClientConfig) -> Result<Request, WsError> {
    let mut request = uri.into_client_request()?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    if let Some(token) = &config.token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| WsError::Io(std::io::Error::other("the token holds characters that fit no header")))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

pub(super) fn checked(url: &str) -> Result<Uri, TransportError> {
    let invalid = |why: &str| TransportError::permanent(format!("cannot use this WebSocket address: {why}"), None);
    let uri: Uri = url.parse().map_err(|_| invalid("it is no URL; write ws://host:port/path"))?;
    match uri.scheme_str() {
        Some("ws") => {}
        Some("wss") if cfg!(feature = "tls") => {}
        Some("wss") => return Err(invalid("wss:// needs the feature tls of sixframe-transports")),
        _ => return Err(invalid("it begins with neither ws:// nor wss://")),
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(invalid("it names no host"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(invalid("it holds a user or password; give a token instead"));
    }
    Ok(uri)
}

fn failed(shown: &str, error: WsError) -> TransportError {
    #[cfg(feature = "tls")]
    if let WsError::Io(io) = &error
        && let Some(why) = super::tls::disbelief(io)
    {
        return TransportError::new(format!("cannot connect to {shown}: {why}"), Some(error.into()));
    }
    let WsError::Http(response) = &error else {
        return TransportError::new(format!("cannot connect to {shown}: {error}"), Some(error.into()));
    };
    let body = response.body().as_deref().unwrap_or_default();
    let said = String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
    let message = format!("{shown} refused the connection with {}: {said}", response.status());
    match response.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            TransportError::permanent(message, None)
        }
        _ => TransportError::new(message, None),
    }
}
