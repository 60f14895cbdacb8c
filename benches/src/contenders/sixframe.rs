//! Sixframe itself, over a unix socket and a WebSocket, with the engine's defaults: flow control, deadlines, limits and
//! cancellation are on. The trusted one skips the check of payloads that nobody decodes.

use std::sync::Arc;

use anyhow::Result;
use futures_util::stream::{self, Stream, StreamExt};
use sixframe_core::{
    Config, Fault, Identity, Method, Payload, Reply, Router, RpcEndpoint, Scopes, Service, StreamMethod, Transport,
};
use sixframe_transports::ipc::{self, IpcConfig};
use sixframe_transports::websocket::{self, Access, ClientConfig, ServerConfig, Token};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

const ECHO: Method<User, User> = Method::new("bench.echo");
const ECHO_ALL: Method<Vec<User>, Vec<User>> = Method::new("bench.echoAll");
const PASS: Method<Payload, Payload> = Method::new("bench.pass");
const ITEMS: StreamMethod<u64, User> = StreamMethod::new("bench.items");

/// More than any workload opens.
pub const CONNECTIONS: usize = 1 << 20;
const TOKEN: &str = "a token of the benchmark, which guards nothing";

pub struct Sixframe<const WEBSOCKET: bool, const TRUSTED: bool>(RpcEndpoint);

impl<const WEBSOCKET: bool, const TRUSTED: bool> Peer for Sixframe<WEBSOCKET, TRUSTED> {
    const NAME: &'static str = match (WEBSOCKET, TRUSTED) {
        (false, false) => "sixframe",
        (false, true) => "sixframe-trusted",
        (true, false) => "sixframe-ws",
        (true, true) => "sixframe-ws-trusted",
    };
    const ABOUT: &'static str = match (WEBSOCKET, TRUSTED) {
        (false, false) => "Sixframe with its defaults; opaque payloads are checked for syntax and depth",
        (true, false) => "the same over its WebSocket transport",
        (_, true) => "the same between trusted processes: opaque payloads are passed on unchecked",
    };
    const WIRE: Wire = if WEBSOCKET { Wire::WebSocket } else { Wire::Unix };
    const WORKLOADS: &'static [Workload] = if TRUSTED {
        &[Workload::PipelinedOpaque, Workload::Kib16Opaque, Workload::Mib1Opaque]
    } else {
        &Workload::ALL
    };

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let service = router().into_service();
        if WEBSOCKET {
            let access = Access { tokens: vec![Token::new(TOKEN, Scopes::ALL)], ..Access::default() };
            let config = ServerConfig { access, connections: CONNECTIONS, identify: false, ..ServerConfig::default() };
            let mut listener = websocket::listen("127.0.0.1:0", config).await?;
            socket.announce(Address::Tcp(listener.local_address()));
            loop {
                run::<TRUSTED, _>(listener.accept().await?, service.clone());
            }
        }
        let path = socket.path();
        let listener = ipc::listen(&path, IpcConfig { connections: CONNECTIONS, ..IpcConfig::default() })?;
        socket.announce(Address::Unix(path));
        loop {
            run::<TRUSTED, _>(listener.accept().await?, service.clone());
        }
    }

    async fn connect(address: &Address) -> Result<Self> {
        let service = Router::new().into_service();
        Ok(Self(match address {
            Address::Unix(path) => run::<TRUSTED, _>(ipc::connect(path, IpcConfig::default()).await?, service),
            Address::Tcp(socket) => {
                let config = ClientConfig { token: Some(TOKEN.into()), ..ClientConfig::default() };
                run::<TRUSTED, _>(websocket::connect(&format!("ws://{socket}/"), &config).await?, service)
            }
        }))
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => Answer::One(self.0.request(&ECHO, user).await?),
            Load::Many(users) => Answer::Many(self.0.request(&ECHO_ALL, users).await?),
            Load::Opaque(value) => {
                let answer = self.0.forward(PASS.info().name, Payload::of(value)?).await?;
                Answer::Opaque(answer.as_str().to_owned())
            }
        })
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        Ok(self.0.stream(&ITEMS, count).map(|item| Ok(item?.data)))
    }
}

fn run<const TRUSTED: bool, T: Transport>(
    (transport, identity): (T, Identity),
    service: Arc<dyn Service>,
) -> RpcEndpoint {
    let config = Config { trusted: TRUSTED, identity, ..Config::default() };
    let (endpoint, driver) = sixframe_core::connect_with(config, transport, service);
    tokio::spawn(driver);
    endpoint
}

fn router() -> Router {
    Router::new()
        .method(ECHO, |_, user| async { Ok::<_, Fault>(user) })
        .method(ECHO_ALL, |_, users| async { Ok::<_, Fault>(users) })
        .raw(*PASS.info(), |request| Reply::Ready(request.payload.into_payload().map_err(Fault::from)))
        .stream(ITEMS, |_, count| stream::iter((0..count).map(|id| Ok::<_, Fault>(User::sample(id)))))
}
