//! Messages echoed unparsed over a WebSocket: what tokio-tungstenite costs before any call is made of it.

use anyhow::{Context, Result};
use futures_util::future::FutureExt;
use futures_util::sink::SinkExt;
use futures_util::stream::StreamExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async_with_config, connect_async_with_config};

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Quota, Socket, Wire};
use crate::workload::Workload;

/// The raw echo; `COALESCED` feeds what is at hand and flushes once, with buffers of 4 KiB, and otherwise every message
/// is sent for itself with the library's defaults.
pub struct Tungstenite<const COALESCED: bool> {
    socket: Mutex<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    record: Utf8Bytes,
}

impl<const COALESCED: bool> Peer for Tungstenite<COALESCED> {
    const NAME: &'static str = if COALESCED { "tungstenite-coalesced" } else { "tungstenite" };
    const ABOUT: &'static str = if COALESCED {
        "the same, flushed once a batch, with read buffers of 4 KiB"
    } else {
        "WebSocket messages echoed unparsed by tokio-tungstenite, with its defaults and `send`"
    };
    const WIRE: Wire = Wire::WebSocket;
    const WORKLOADS: &'static [Workload] = &[
        Workload::PingPong,
        Workload::Pipelined,
        Workload::Crowd,
        Workload::Stream,
        Workload::Kib16Opaque,
        Workload::Mib1Opaque,
        Workload::Idle,
        Workload::ColdStart,
    ];

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.tcp().await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(echo::<COALESCED>(stream));
        }
    }

    async fn connect(address: &Address) -> Result<Self> {
        let url = format!("ws://{}/", address.socket()?);
        let (socket, _) = connect_async_with_config(url, Some(config::<COALESCED>()), true).await?;
        Ok(Self { socket: Mutex::new(socket), record: serde_json::to_string(&User::sample(1_234_567))?.into() })
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        let text = match load {
            Load::Opaque(value) => value.get().into(),
            Load::One(_) | Load::Many(_) => self.record.clone(),
        };
        let mut socket = self.socket.lock().await;
        socket.send(Message::Text(text)).await?;
        Ok(Answer::Counted(socket.next().await.context("the server closed the connection")??.len()))
    }

    async fn keep(&self, depth: usize, _: Load<'_>, quota: &Quota) -> Result<u64> {
        let mut socket = self.socket.lock().await;
        let mut in_flight = quota.take(depth as u64);
        let mut answered = 0;
        for _ in 0..in_flight {
            put::<COALESCED, _>(&mut socket, Message::Text(self.record.clone())).await?;
        }
        while in_flight > 0 {
            next::<COALESCED, _>(&mut socket).await?.context("the server closed the connection")?;
            answered += 1;
            in_flight -= 1;
            if quota.take(1) == 1 {
                put::<COALESCED, _>(&mut socket, Message::Text(self.record.clone())).await?;
                in_flight += 1;
            }
        }
        Ok(answered)
    }

    async fn drain(&self, count: u64) -> Result<u64> {
        let mut socket = self.socket.lock().await;
        socket.send(Message::text(format!("s{count}"))).await?;
        for _ in 0..count {
            socket.next().await.context("the server closed the connection")??;
        }
        Ok(count)
    }
}

fn config<const COALESCED: bool>() -> WebSocketConfig {
    if COALESCED { WebSocketConfig::default().read_buffer_size(4 << 10) } else { WebSocketConfig::default() }
}

async fn put<const COALESCED: bool, S>(socket: &mut WebSocketStream<S>, message: Message) -> Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if COALESCED {
        socket.feed(message).await?
    } else {
        socket.send(message).await?
    }
    Ok(())
}

/// The next message; a coalescing side flushes only before it would have to wait.
async fn next<const COALESCED: bool, S>(socket: &mut WebSocketStream<S>) -> Result<Option<Message>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if COALESCED {
        match socket.next().now_or_never() {
            Some(message) => return Ok(message.transpose()?),
            None => socket.flush().await?,
        }
    }
    Ok(socket.next().await.transpose()?)
}

async fn echo<const COALESCED: bool>(stream: TcpStream) -> Result<()> {
    let mut socket = accept_async_with_config(stream, Some(config::<COALESCED>())).await?;
    while let Some(message) = next::<COALESCED, _>(&mut socket).await? {
        match message {
            Message::Text(text) if text.starts_with('s') => {
                let record: Utf8Bytes = serde_json::to_string(&User::sample(1_234_567))?.into();
                for _ in 0..text[1..].parse::<u64>()? {
                    put::<COALESCED, _>(&mut socket, Message::Text(record.clone())).await?;
                }
            }
            Message::Close(_) => break,
            message => put::<COALESCED, _>(&mut socket, message).await?,
        }
    }
    Ok(())
}
