//! jsonrpsee over a WebSocket, server and client with their defaults but for the number of connections.

use anyhow::Result;
use futures_util::stream::{Stream, StreamExt};
use jsonrpsee::core::client::{ClientT, SubscriptionClientT};
use jsonrpsee::server::{PendingSubscriptionSink, RpcModule, ServerBuilder, ServerConfig, SubscriptionMessage};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use jsonrpsee::{IntoSubscriptionCloseResponse, SubscriptionCloseResponse, rpc_params};
use serde_json::value::{RawValue, to_raw_value};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

pub struct Jsonrpsee(WsClient);

impl Peer for Jsonrpsee {
    const NAME: &'static str = "jsonrpsee";
    const ABOUT: &'static str = "jsonrpsee, JSON-RPC 2.0; a subscription that lags by 1024 items is closed";
    const WIRE: Wire = Wire::WebSocket;
    const WORKLOADS: &'static [Workload] = &Workload::ALL;

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.tcp().await?.into_std()?;
        let config = ServerConfig::builder().max_connections(u32::MAX).build();
        let server = ServerBuilder::with_config(config).build_from_tcp(listener)?.start(methods()?);
        server.stopped().await;
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Self> {
        Ok(Self(WsClientBuilder::default().build(format!("ws://{}", address.socket()?)).await?))
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => Answer::One(self.0.request("echo", rpc_params![user]).await?),
            Load::Many(users) => Answer::Many(self.0.request("echoAll", rpc_params![users]).await?),
            Load::Opaque(value) => {
                let answer: Box<RawValue> = self.0.request("pass", rpc_params![value]).await?;
                Answer::Opaque(Box::<str>::from(answer).into())
            }
        })
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        let items = self.0.subscribe("items", rpc_params![count], "dropItems").await?;
        // A subscription has no end of its own.
        Ok(items.take(count as usize).map(|item| Ok(item?)))
    }
}

fn methods() -> Result<RpcModule<()>> {
    let mut module = RpcModule::new(());
    module.register_method("echo", |params, _, _| params.one::<User>())?;
    module.register_method("echoAll", |params, _, _| params.one::<Vec<User>>())?;
    module.register_method("pass", |params, _, _| params.one::<Box<RawValue>>())?;
    module.register_subscription("items", "item", "dropItems", |params, pending, _, _| produce(params, pending))?;
    Ok(module)
}

async fn produce(params: Params<'static>, pending: PendingSubscriptionSink) -> impl IntoSubscriptionCloseResponse {
    let result = async {
        let count: u64 = params.one()?;
        let sink = pending.accept().await.map_err(internal)?;
        for id in 0..count {
            let item: SubscriptionMessage = to_raw_value(&User::sample(id)).map_err(internal)?.into();
            sink.send(item).await.map_err(internal)?;
        }
        Ok::<_, ErrorObjectOwned>(())
    };
    // Whoever unsubscribed knows already.
    let _ = result.await;
    SubscriptionCloseResponse::None
}

fn internal(error: impl std::fmt::Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(-32000, error.to_string(), None::<()>)
}
