//! What every transport must do, checked by one function over each of them: `Suite::run` with a client of an echo.

mod echo;

use std::time::Duration;

use bytes::Bytes;
use echo::child;
use futures_util::{SinkExt, StreamExt};
use sixframe_core::{Scopes, Transport, TransportError};
use sixframe_transports::Framing;
#[cfg(unix)]
use sixframe_transports::ipc::{self, IpcConfig};
use sixframe_transports::memory::{self, MemoryConfig};
use sixframe_transports::websocket::{self, Access, ClientConfig, ServerConfig, Token};
use tokio::time::timeout;

/// Longest message that the client accepts.
const LIMIT: usize = 2 << 20;

/// What a transport may do differently.
struct Suite {
    /// A message that is too long is skipped and the stream goes on; else it ends the connection.
    skips_oversized: bool,
    /// The peer's end is `None`; else it is an error that says how the peer ended.
    ends_clean: bool,
}

impl Suite {
    const SOCKET: Suite = Suite { skips_oversized: true, ends_clean: true };
    const WEBSOCKET: Suite = Suite { skips_oversized: false, ends_clean: true };
    const CHILD: Suite = Suite { skips_oversized: true, ends_clean: false };

    /// `connect` makes a new client of an echo server each time.
    async fn run<T: Transport>(&self, connect: impl AsyncFn() -> T) {
        let whole = async {
            messages_come_back_in_order(connect().await).await;
            two_hundred_messages_of_64_kib_cross_in_both_directions(connect().await).await;
            a_large_message_comes_back_whole(connect().await).await;
            what_was_started_is_sent_by_one_flush(connect().await).await;
            self.an_oversized_message_is_reported(connect().await).await;
            self.the_end_of_the_peer_ends_the_stream(connect().await).await;
            closing_sends_what_was_started(connect().await).await;
        };
        timeout(Duration::from_secs(60), whole).await.expect("the suite hangs");
    }

    async fn an_oversized_message_is_reported(&self, mut client: impl Transport) {
        client.feed(text("{}", 0)).await.expect("fed");
        client.feed(text("long", LIMIT + 1)).await.expect("fed");
        client.send(text("after", 0)).await.expect("sent");
        assert_eq!(received(&mut client).await, "{}");
        let error = client.next().await.expect("an item").expect_err("it is too long");
        if !self.skips_oversized {
            assert!(error.is_fatal() && error.to_string().contains("limits.message_bytes"), "{error}");
            return;
        }
        let (head, limit) = error.as_oversized().expect("oversized");
        assert!(head.starts_with(b"long") && head.len() <= 512 && limit == LIMIT);
        assert_eq!(received(&mut client).await, "after");
    }

    async fn the_end_of_the_peer_ends_the_stream(&self, mut client: impl Transport) {
        client.feed(text("last", 0)).await.expect("fed");
        client.send(text("{\"quit\":true}", 0)).await.expect("sent");
        assert_eq!(received(&mut client).await, "last");
        match client.next().await {
            None => assert!(self.ends_clean),
            Some(end) => assert!(!self.ends_clean && end.expect_err("the end").is_fatal()),
        }
        assert!(client.next().await.is_none());
    }
}

async fn messages_come_back_in_order(mut client: impl Transport) {
    let sent: Vec<Bytes> = (0..1000).map(|n| text(&format!("{{\"n\":{n}}}"), n % 300)).collect();
    let (mut sink, mut stream) = (&mut client).split();
    let sending = async {
        for message in &sent {
            sink.feed(message.clone()).await.expect("fed");
        }
        sink.flush().await.expect("flushed");
    };
    let receiving = async {
        for message in &sent {
            assert_eq!(stream.next().await.expect("an item").expect("a message"), message);
        }
    };
    tokio::join!(sending, receiving);
}

async fn two_hundred_messages_of_64_kib_cross_in_both_directions(mut client: impl Transport) {
    let (mut sink, mut stream) = (&mut client).split();
    let sending = async {
        for n in 0..200 {
            sink.feed(text(&n.to_string(), 64 * 1024)).await.expect("fed");
        }
        sink.flush().await.expect("flushed");
    };
    let receiving = async {
        for n in 0..200 {
            let message = stream.next().await.expect("an item").expect("a message");
            assert!(message == text(&n.to_string(), 64 * 1024), "message {n}");
        }
    };
    tokio::join!(sending, receiving);
}

async fn a_large_message_comes_back_whole(mut client: impl Transport) {
    let large = text("large", LIMIT);
    client.send(large.clone()).await.expect("sent");
    assert!(received(&mut client).await == large);
}

async fn what_was_started_is_sent_by_one_flush(mut client: impl Transport) {
    for n in 0..10 {
        client.feed(text(&n.to_string(), 10 * n)).await.expect("fed");
    }
    client.flush().await.expect("flushed");
    for n in 0..10 {
        assert_eq!(received(&mut client).await, text(&n.to_string(), 10 * n));
    }
}

async fn closing_sends_what_was_started(mut client: impl Transport) {
    client.feed(text("started", 0)).await.expect("fed");
    client.close().await.expect("closed");
    assert_eq!(received(&mut client).await, "started");
    assert!(client.next().await.is_none());
}

/// Sends every message back until the peer ends or says `{"quit"`.
async fn serve(mut transport: impl Transport) {
    while let Some(Ok(message)) = transport.next().await {
        if message.starts_with(b"{\"quit\"") || transport.send(message).await.is_err() {
            break;
        }
    }
    let _ = transport.close().await;
}

/// `start`, made `length` bytes long where it is shorter.
fn text(start: &str, length: usize) -> Bytes {
    let mut text = start.as_bytes().to_vec();
    text.resize(length.max(start.len()), b'x');
    text.into()
}

async fn received(client: &mut impl Transport) -> Bytes {
    client.next().await.expect("an item").unwrap_or_else(|error: TransportError| panic!("{error}"))
}

#[tokio::test]
async fn memory() {
    Suite::SOCKET
        .run(async || {
            let limited = MemoryConfig { message_bytes: LIMIT, ..MemoryConfig::default() };
            let (client, server) = memory::pair_of(limited, MemoryConfig::default());
            tokio::spawn(serve(server));
            client
        })
        .await;
}

#[cfg(unix)]
#[tokio::test]
async fn unix_socket_in_every_framing() {
    for framing in [Framing::Ndjson, Framing::ContentLength, Framing::NativeMessaging] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/s");
        let config = IpcConfig { framing, ..IpcConfig::default() };
        let listener = ipc::listen(&path, config.clone()).unwrap();
        let client = IpcConfig { message_bytes: LIMIT, ..config };
        Suite::SOCKET
            .run(async || {
                let (connected, accepted) = tokio::join!(ipc::connect(&path, client.clone()), listener.accept());
                tokio::spawn(serve(accepted.expect("accepted").0));
                connected.expect("connected").0
            })
            .await;
    }
}

#[tokio::test]
async fn websocket() {
    let access = Access { tokens: vec![Token::new("secret", Scopes::ALL)], ..Access::default() };
    let mut listener =
        websocket::listen("127.0.0.1:0", ServerConfig { access, ..ServerConfig::default() }).await.unwrap();
    let url = format!("ws://{}/", listener.local_address());
    tokio::spawn(async move {
        while let Ok((transport, _)) = listener.accept().await {
            tokio::spawn(serve(transport));
        }
    });
    let config = ClientConfig { token: Some("secret".to_owned()), message_bytes: LIMIT, ..ClientConfig::default() };
    Suite::WEBSOCKET.run(async || websocket::connect(&url, &config).await.expect("connected").0).await;
}

#[tokio::test]
async fn child_over_stdio_in_every_framing() {
    for framing in [Framing::Ndjson, Framing::ContentLength, Framing::NativeMessaging] {
        Suite::CHILD.run(async || child(framing, LIMIT)).await;
    }
}
