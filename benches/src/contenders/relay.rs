//! Sixframe behind its relay: every frame takes one hop more, through a process that rewrites ids and stamps senders. Each
//! connection is a window of its own, on one upstream connection.

use anyhow::{Context, Result};
use futures_util::stream::Stream;
use sixframe_transports::ipc::{self, IpcConfig};
use sixframe_transports::relay::{Relay, RelayConfig, WindowId};

use super::sixframe::{CONNECTIONS, Sixframe};
use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

pub struct SixframeRelay(Sixframe<false, false>);

impl Peer for SixframeRelay {
    const NAME: &'static str = "sixframe-relay";
    const ABOUT: &'static str = "Sixframe through its relay: one hop more, all windows on one upstream connection";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &Workload::ALL;
    const UPSTREAM: Option<&'static str> = Some(Sixframe::<false, false>::NAME);

    async fn serve(socket: Socket, upstream: Option<Address>) -> Result<()> {
        let upstream = upstream.context("a relay needs an upstream")?;
        let (upstream, _) = ipc::connect(upstream.path()?, IpcConfig::default()).await?;
        let (relay, driver) = Relay::over(upstream, RelayConfig::default());
        tokio::spawn(driver);
        let path = socket.path();
        let listener = ipc::listen(&path, IpcConfig { connections: CONNECTIONS, ..IpcConfig::default() })?;
        socket.announce(Address::Unix(path));
        for sender in 0u64.. {
            let (window, _) = listener.accept().await?;
            let window = relay.attach(window, WindowId::new(sender.to_string(), "1"));
            tokio::spawn(async move { window.closed().await });
        }
        Ok(())
    }

    async fn connect(address: &Address) -> Result<Self> {
        Sixframe::connect(address).await.map(Self)
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        self.0.call(load).await
    }

    async fn items(&self, count: u64) -> Result<impl Stream<Item = Result<User>> + Unpin> {
        self.0.items(count).await
    }
}
