//! The console's HTTP server: the port, the connections and their limits. What it answers is `answer`'s.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Error};
use futures_util::FutureExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use sixframe_core::{Identity, Scopes};
use sixframe_transports::websocket::{Access, ServerTransport};
use sixframe_transports::{AcceptBackoff, AnyTransport};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::answer::{Answer, Desk, guarded};
use super::connections::{Asked, Connections};
use super::entrance::Entrance;
use super::site::Site;

/// Ports that are tried after the one that was asked for; then any.
const NEXT_PORTS: u16 = 20;

/// Connections that ask for files at once; of more, the one that asked for nothing for longest is closed. WebSockets are not
/// among them.
const MOST_CONNECTIONS: usize = 64;

/// Longest head of a request, and most headers in it.
const HEAD_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;

/// How long a connection that asks for files may last. A browser opens another.
const CONNECTION: Duration = Duration::from_secs(120);

/// What the server needs to know.
pub(crate) struct Setup {
    /// The port of 127.0.0.1 that is wanted; 0 for any.
    pub(crate) port: u16,
    /// The folder of the page.
    pub(crate) dir: PathBuf,
    /// The daemon's token, with which sessions are sealed.
    pub(crate) token: String,
    pub(crate) access: Access,
    /// Longest message of a WebSocket.
    pub(crate) message_bytes: usize,
    /// Time for the head of a request.
    pub(crate) handshake: Duration,
}

/// The server, listening. Dropping it closes the port; WebSockets live on.
pub(crate) struct ConsoleServer {
    listener: TcpListener,
    desk: Arc<Desk>,
    message_bytes: usize,
    handshake: Duration,
}

/// What becomes of a WebSocket that was let in.
type Serve = Arc<dyn Fn(AnyTransport, Identity) + Send + Sync>;

impl ConsoleServer {
    /// Listens on the port of `setup`, or on the next one that is free.
    pub(crate) async fn bind(setup: Setup) -> Result<ConsoleServer, Error> {
        let listener = bind(setup.port).await.context("the console cannot be served; change console.port")?;
        let address = listener.local_addr()?;
        if setup.port != 0 && address.port() != setup.port {
            tracing::warn!("port {} is taken; the console is at http://{address}/ (console.port)", setup.port);
        }
        let desk = Desk {
            site: Arc::new(Site::new(setup.dir)),
            entrance: Arc::new(Entrance::new(format!("http://{address}/"), setup.token)),
            access: setup.access,
            port: address.port(),
        };
        let Setup { message_bytes, handshake, .. } = setup;
        Ok(ConsoleServer { listener, desk: Arc::new(desk), message_bytes, handshake })
    }

    /// The way in.
    pub(crate) fn entrance(&self) -> &Arc<Entrance> {
        &self.desk.entrance
    }

    /// Answers requests, and gives each WebSocket to `serve`, until nobody can come any more or the future is dropped.
    pub(crate) async fn run(self, serve: impl Fn(AnyTransport, Identity) + Send + Sync + 'static) -> Result<(), Error> {
        let serve: Serve = Arc::new(serve);
        let mut connections = Connections::new(MOST_CONNECTIONS);
        let mut backoff = AcceptBackoff::default();
        loop {
            tokio::select! {
                Some(()) = connections.ended() => (),
                arrived = self.listener.accept() => match arrived {
                    Ok((socket, from)) => connections.admit(|asked| self.connection(socket, from, asked, &serve)),
                    Err(error) => backoff.after(error).await?,
                },
            }
        }
    }

    /// Answers the requests of one connection.
    fn connection(
        &self,
        socket: TcpStream,
        from: SocketAddr,
        asked: Asked,
        serve: &Serve,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (desk, serve, message_bytes) = (Arc::clone(&self.desk), Arc::clone(serve), self.message_bytes);
        let service = service_fn(move |request| {
            asked.now();
            let (answer, asked) =
                (answer(Arc::clone(&desk), request, message_bytes, Arc::clone(&serve)), asked.clone());
            answer.inspect(move |_| asked.now())
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.handshake).max_buf_size(HEAD_BYTES).max_headers(HEADERS);
        let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
        async move {
            match timeout(CONNECTION, connection).await {
                Ok(Ok(())) | Err(_) => (),
                Ok(Err(error)) => tracing::debug!(%from, %error, "a connection to the console failed"),
            }
        }
    }
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    let next = (0..=NEXT_PORTS).filter_map(|step| port.checked_add(step)).filter(|port| *port != 0);
    for port in next.take_while(|_| port != 0) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => (),
            bound => return bound,
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

async fn answer(
    desk: Arc<Desk>,
    mut request: Request<Incoming>,
    message_bytes: usize,
    serve: Serve,
) -> Result<Answer, Infallible> {
    if !request.headers().contains_key(header::UPGRADE) {
        return Ok(desk.answer(request).await);
    }
    match desk.open(&request) {
        Ok((answer, scopes)) => {
            tokio::spawn(upgrade(hyper::upgrade::on(&mut request), scopes, message_bytes, serve));
            Ok(answer)
        }
        Err(refusal) => Ok(guarded(desk.refused(&refusal), "")),
    }
}

/// Waits until the answer is written, and turns the connection into a WebSocket.
async fn upgrade(upgrade: OnUpgrade, scopes: Scopes, message_bytes: usize, serve: Serve) {
    let Ok(upgraded) = upgrade.await else { return };
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return };
    let (socket, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
    match ServerTransport::upgraded(socket, read, scopes, message_bytes).await {
        Ok((transport, identity)) => serve(AnyTransport::WebSocketServer(Box::new(transport)), identity),
        Err(error) => tracing::debug!(%error, "a WebSocket of the console is gone"),
    }
}
