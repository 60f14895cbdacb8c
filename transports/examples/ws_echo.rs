//! Sends every text message back to whoever connects: what the WebSocket conformance cases run against.
//!
//! It lets everybody in and prints its address. Binary messages are refused, as the transport always does.

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use sixframe_transports::websocket::WebSocketTransport;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// The largest case is 16 MiB.
const MESSAGE_BYTES: usize = 32 << 20;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "its address is what the program prints")]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}/", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = echo(socket).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn echo(socket: TcpStream) -> Result<()> {
    let limits = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES));
    let socket = accept_async_with_config(socket, Some(limits)).await?;
    let mut peer = WebSocketTransport::established(socket, Role::Server, MESSAGE_BYTES);
    while let Some(message) = peer.next().await {
        peer.send(message?).await?;
    }
    Ok(())
}
