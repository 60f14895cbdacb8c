//! async-lsp (JSON-RPC 2.0 with `Content-Length` framing) over a unix socket; a stream is a row of notifications.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use async_lsp::lsp_types::notification::Notification;
use async_lsp::lsp_types::request::Request;
use async_lsp::router::Router;
use async_lsp::{ClientSocket, MainLoop, ServerSocket};
use futures_util::stream::{self, Stream};
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

enum Echo {}

impl Request for Echo {
    type Params = User;
    type Result = User;
    const METHOD: &'static str = "bench/echo";
}

enum EchoAll {}

impl Request for EchoAll {
    type Params = Vec<User>;
    type Result = Vec<User>;
    const METHOD: &'static str = "bench/echoAll";
}

enum Items {}

impl Request for Items {
    type Params = u64;
    type Result = Value;
    const METHOD: &'static str = "bench/items";
}

enum Item {}

impl Notification for Item {
    type Params = User;
    const METHOD: &'static str = "bench/item";
}

/// Where the connection's one stream goes.
type Consumer = Arc<Mutex<Option<mpsc::UnboundedSender<User>>>>;

pub struct AsyncLsp {
    server: ServerSocket,
    consumer: Consumer,
}

impl Peer for AsyncLsp {
    const NAME: &'static str = "async-lsp";
    const ABOUT: &'static str =
        "async-lsp, JSON-RPC 2.0 as editors speak it; a stream is notifications, without back-pressure";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &[
        Workload::PingPong,
        Workload::Pipelined,
        Workload::Crowd,
        Workload::Stream,
        Workload::Kib16,
        Workload::Mib1,
        Workload::Stall,
        Workload::Idle,
        Workload::ColdStart,
    ];

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.unix()?;
        loop {
            let (reads, writes) = listener.accept().await?.0.into_split();
            let (main, _client) = MainLoop::new_server(router);
            tokio::spawn(main.run_buffered(reads.compat(), writes.compat_write()));
        }
    }

    async fn connect(address: &Address) -> Result<Self> {
        let (reads, writes) = UnixStream::connect(address.path()?).await?.into_split();
        let consumer = Consumer::default();
        let (main, server) = MainLoop::new_client(|_| {
            let mut router = Router::new(Arc::clone(&consumer));
            router.notification::<Item>(|consumer, user| {
                if let Some(items) = &*consumer.lock().unwrap_or_else(PoisonError::into_inner) {
                    // The consumer may have dropped its stream.
                    let _ = items.send(user);
                }
                ControlFlow::Continue(())
            });
            router
        });
        tokio::spawn(main.run_buffered(reads.compat(), writes.compat_write()));
        Ok(Self { server, consumer })
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => Answer::One(self.server.request::<Echo>(user.clone()).await?),
            Load::Many(users) => Answer::Many(self.server.request::<EchoAll>(users.to_vec()).await?),
            Load::Opaque(_) => anyhow::bail!("async-lsp decodes every payload into a value"),
        })
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        let (items, arriving) = mpsc::unbounded_channel();
        *self.consumer.lock().unwrap_or_else(PoisonError::into_inner) = Some(items);
        let server = self.server.clone();
        tokio::spawn(async move { server.request::<Items>(count).await });
        Ok(Box::pin(stream::try_unfold((arriving, count), async |(mut arriving, left)| {
            let Some(left) = left.checked_sub(1) else { return Ok(None) };
            let item = arriving.recv().await.context("the connection was closed")?;
            Ok(Some((item, (arriving, left))))
        })))
    }
}

fn router(client: ClientSocket) -> Router<ClientSocket> {
    let mut router = Router::new(client);
    router
        .request::<Echo, _>(|_, user| async { Ok(user) })
        .request::<EchoAll, _>(|_, users| async { Ok(users) })
        .request::<Items, _>(|client, count| produce(client.clone(), count));
    router
}

/// Yields now and then, since the queue to the socket has no bound to wait for.
async fn produce(client: ClientSocket, count: u64) -> Result<Value, async_lsp::ResponseError> {
    for id in 0..count {
        if client.notify::<Item>(User::sample(id)).is_err() {
            break;
        }
        if id % 64 == 63 {
            tokio::task::yield_now().await;
        }
    }
    Ok(Value::Null)
}
