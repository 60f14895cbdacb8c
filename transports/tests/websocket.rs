//! Who may open a WebSocket, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use sixframe_core::{Scope, Scopes, TransportError};
use sixframe_transports::websocket::{
    self, Access, ClientConfig, ClientTransport, ServerConfig, ServerTransport, Token, WebSocketListener,
    WebSocketTransport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

fn config() -> ServerConfig {
    let tokens = vec![Token::new("secret", Scopes::NONE.with(Scope::Call))];
    let origins = vec!["https://app.example".to_owned()];
    ServerConfig { access: Access { tokens, origins, ..Access::default() }, ..ServerConfig::default() }
}

async fn listen(config: ServerConfig) -> (WebSocketListener, String) {
    let listener = websocket::listen("127.0.0.1:0", config).await.unwrap();
    let host = listener.local_address().to_string();
    (listener, host)
}

fn with_token() -> ClientConfig {
    ClientConfig { token: Some("secret".to_owned()), ..ClientConfig::default() }
}

async fn pair(config: ServerConfig) -> (ClientTransport, ServerTransport) {
    let (mut listener, host) = listen(config).await;
    let (url, client) = (format!("ws://{host}"), with_token());
    let (connected, accepted) = tokio::join!(websocket::connect(&url, &client), listener.accept());
    (connected.unwrap().0, accepted.unwrap().0)
}

/// The opening request with `headers`, and the head of the answer, while the server accepts.
async fn answer(listener: &mut WebSocketListener, path: &str, headers: &[String]) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(listener.local_address()).await.unwrap();
    let head = [
        format!("GET {path} HTTP/1.1"),
        "Connection: Upgrade".to_owned(),
        "Upgrade: websocket".to_owned(),
        "Sec-WebSocket-Version: 13".to_owned(),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
    ];
    let request = head.iter().chain(headers).map(|line| format!("{line}\r\n")).collect::<String>() + "\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async { while !answer.ends_with(b"\r\n\r\n") && socket.read_buf(&mut answer).await.unwrap() > 0 {} };
    tokio::select! {
        () = reading => {}
        _ = async { loop { drop(listener.accept().await) } } => {}
    }
    (socket, String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_missing_or_wrong_token_is_answered_401() {
    let (mut listener, host) = listen(config()).await;
    for headers in [vec![], vec!["Authorization: Bearer wrong".to_owned()]] {
        let headers = [vec![format!("Host: {host}")], headers].concat();
        let (_, answer) = answer(&mut listener, "/?token=secret", &headers).await;
        assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
        assert!(answer.contains("WWW-Authenticate: Bearer"), "{answer}");
    }
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_answered_403() {
    let (mut listener, host) = listen(config()).await;
    let token = "Authorization: Bearer secret".to_owned();
    let foreign = [
        vec!["Host: evil.example".to_owned()],
        vec![format!("Host: {host}"), "Origin: https://evil.example".to_owned()],
        vec![format!("Host: {host}"), "Origin: null".to_owned()],
        vec![format!("Host: {host}"), "Sec-Fetch-Site: cross-site".to_owned()],
    ];
    for headers in foreign {
        let (_, answer) =
            answer(&mut listener, "/", &[headers.as_slice(), std::slice::from_ref(&token)].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{headers:?}: {answer}");
    }
}

#[tokio::test]
async fn a_browser_brings_its_token_as_a_subprotocol_that_is_not_echoed() {
    let (mut listener, host) = listen(config()).await;
    let headers = [
        format!("Host: {host}"),
        "Origin: https://app.example".to_owned(),
        "Sec-WebSocket-Protocol: sixframe.v0, sixframe.token.secret".to_owned(),
    ];
    let (_socket, answer) = answer(&mut listener, "/", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.to_lowercase().contains("sec-websocket-protocol: sixframe.v0\r\n"), "{answer}");
    assert!(!answer.contains("secret"), "{answer}");
}

#[tokio::test]
async fn what_is_no_websocket_handshake_is_answered_400_and_a_long_one_431() {
    let (mut listener, host) = listen(config()).await;
    let credentials = [format!("Host: {host}"), "Authorization: Bearer secret".to_owned()];
    let mut socket = TcpStream::connect(listener.local_address()).await.unwrap();
    socket.write_all(b"\x16\x03\x01\x00garbage\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    tokio::select! {
        read = socket.read_to_end(&mut bytes) => { read.unwrap(); }
        _ = listener.accept() => panic!("accepted"),
    }
    assert!(bytes.starts_with(b"HTTP/1.1 400 "), "{}", bytes.escape_ascii());
    let long = [&credentials[..], &[format!("X: {}", "x".repeat(16 * 1024))]].concat();
    let (_, answer) = answer(&mut listener, "/", &long).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn refusals_are_permanent_for_the_client_and_show_no_token() {
    let (mut listener, host) = listen(config()).await;
    let wrong = ClientConfig { token: Some("wrong-secret".to_owned()), ..ClientConfig::default() };
    let url = format!("ws://{host}/");
    let error = tokio::select! {
        connected = websocket::connect(&url, &wrong) => connected.err().unwrap(),
        _ = listener.accept() => panic!("accepted"),
    };
    assert!(error.is_permanent() && error.to_string().contains("401"), "{error}");
    assert!(!error.to_string().contains("wrong-secret") && !format!("{wrong:?}").contains("wrong-secret"));
}

#[tokio::test]
async fn nobody_listening_may_be_tried_again_and_a_bad_address_may_not() {
    let (listener, host) = listen(config()).await;
    drop(listener);
    let failed = async |url: &str| websocket::connect(url, &with_token()).await.err().unwrap();
    assert!(!failed(&format!("ws://{host}")).await.is_permanent());
    for bad in ["http://localhost", "ws://", "ws://user:hunter2@localhost", "not a url", "ws:///path"] {
        let error = failed(bad).await;
        assert!(error.is_permanent() && !error.to_string().contains("hunter2"), "{bad}: {error}");
    }
}

#[tokio::test]
async fn the_identity_holds_the_scopes_of_the_token_and_the_process() {
    let (mut listener, host) = listen(config()).await;
    let (url, client) = (format!("ws://{host}"), with_token());
    let (connected, accepted) = tokio::join!(websocket::connect(&url, &client), listener.accept());
    let ((_client, _), (_server, identity)) = (connected.unwrap(), accepted.unwrap());
    assert_eq!((identity.transport, identity.scopes), ("ws", Scopes::NONE.with(Scope::Call)));
    if cfg!(target_os = "linux") {
        assert_eq!(identity.pid, Some(std::process::id()));
        assert!(identity.uid.is_some());
    }
}

#[tokio::test]
async fn a_slow_handshake_is_cut_off_and_holds_up_nobody() {
    let (mut listener, host) = listen(ServerConfig { handshake: Duration::from_millis(300), ..config() }).await;
    let mut slow = TcpStream::connect(&host).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    let (url, client) = (format!("ws://{host}"), with_token());
    let (connected, accepted) = tokio::join!(websocket::connect(&url, &client), listener.accept());
    assert!(connected.is_ok() && accepted.is_ok());
    let mut rest = Vec::new();
    tokio::select! {
        end = slow.read_to_end(&mut rest) => assert!(end.is_err() || rest.is_empty()),
        _ = listener.accept() => panic!("accepted"),
        () = tokio::time::sleep(Duration::from_secs(10)) => panic!("the slow handshake is still open"),
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_503() {
    let (mut listener, host) = listen(ServerConfig { connections: 1, ..config() }).await;
    let (url, client) = (format!("ws://{host}"), with_token());
    let (connected, accepted) = tokio::join!(websocket::connect(&url, &client), listener.accept());
    let _first = (connected.unwrap(), accepted.unwrap());
    let mut second = TcpStream::connect(&host).await.unwrap();
    let mut answer = Vec::new();
    tokio::select! {
        read = second.read_to_end(&mut answer) => { read.unwrap(); }
        _ = listener.accept() => panic!("accepted"),
    }
    assert!(answer.starts_with(b"HTTP/1.1 503 "));
}

#[tokio::test]
async fn handshakes_that_never_end_keep_out_nobody_who_has_a_token() {
    let (mut listener, host) = listen(ServerConfig { connections: 8, ..config() }).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(&host).await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
        silent.push(socket);
    }
    let (url, client) = (format!("ws://{host}"), with_token());
    let mut ours = Vec::new();
    for _ in 0..8 {
        let (connected, accepted) = tokio::join!(websocket::connect(&url, &client), listener.accept());
        ours.push((connected.unwrap(), accepted.unwrap()));
    }
    let mut late = TcpStream::connect(&host).await.unwrap();
    let mut answer = Vec::new();
    tokio::select! {
        read = late.read_to_end(&mut answer) => { read.unwrap(); }
        _ = listener.accept() => panic!("accepted"),
    }
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "who is in stays in");
}

/// A client by the bare library, to do what ours never does.
async fn raw(config: ServerConfig) -> (WebSocketStream<TcpStream>, ServerTransport) {
    let (mut listener, host) = listen(config).await;
    let request = tokio_tungstenite::tungstenite::ClientRequestBuilder::new(format!("ws://{host}").parse().unwrap())
        .with_header("Authorization", "Bearer secret");
    let socket = TcpStream::connect(&host).await.unwrap();
    let (client, server) = tokio::join!(tokio_tungstenite::client_async(request, socket), listener.accept());
    (client.unwrap().0, server.unwrap().0)
}

async fn code(client: &mut WebSocketStream<TcpStream>) -> CloseCode {
    loop {
        match client.next().await.expect("a close").expect("a close") {
            Message::Close(Some(frame)) => return frame.code,
            _ => continue,
        }
    }
}

async fn end(server: &mut ServerTransport) -> TransportError {
    let error = server.next().await.expect("an error").expect_err("an error");
    assert!(error.is_fatal());
    assert!(server.next().await.is_none());
    error
}

#[tokio::test]
async fn an_oversized_message_is_refused_by_its_header_alone() {
    let (mut client, mut server) = raw(ServerConfig { message_bytes: 1000, ..config() }).await;
    // A text message of 2^40 bytes, announced and never sent.
    client.get_mut().write_all(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
    let error = end(&mut server).await;
    assert!(error.to_string().contains("limit of 1000 exceeded; raise it with limits.message_bytes"), "{error}");
    assert_eq!(code(&mut client).await, CloseCode::Size);
}

#[tokio::test]
async fn a_message_in_fragments_is_bounded_as_a_whole() {
    let (mut client, mut server) = raw(ServerConfig { message_bytes: 1000, ..config() }).await;
    let masked = |first: u8, length: usize| [&[first, 0x80 | 126, 0, 0, 0, 0, 0, 0][..], &vec![b'x'; length]].concat();
    let mut fragment = masked(0x01, 600);
    fragment[2..4].copy_from_slice(&600u16.to_be_bytes());
    let mut more = masked(0x00, 600);
    more[2..4].copy_from_slice(&600u16.to_be_bytes());
    client.get_mut().write_all(&[fragment, more].concat()).await.unwrap();
    assert!(end(&mut server).await.to_string().contains("limits.message_bytes"));
    assert_eq!(code(&mut client).await, CloseCode::Size);
}

#[tokio::test]
async fn a_binary_message_is_refused_with_1003() {
    let (mut client, mut server) = raw(config()).await;
    client.send(Message::Binary(Bytes::from_static(b"{}"))).await.unwrap();
    assert!(end(&mut server).await.to_string().contains("binary"));
    assert_eq!(code(&mut client).await, CloseCode::Unsupported);
}

#[tokio::test]
async fn a_task_that_has_had_its_share_says_why_it_closes_all_the_same() {
    for last in [Message::Binary(Bytes::from_static(b"{}")), Message::Close(None)] {
        let (mut client, mut server) = raw(config()).await;
        client.feed(Message::text("{}")).await.unwrap();
        client.send(last.clone()).await.unwrap();
        // What follows it was read with the first one.
        assert!(server.next().await.unwrap().is_ok());
        let ended = poll_fn(|cx| {
            while pin!(consume_budget()).poll(cx).is_ready() {}
            server.poll_next_unpin(cx)
        });
        assert!(ended.await.is_none_or(|end| end.is_err()));
        drop(server);
        let answer = client.next().await.unwrap();
        assert!(matches!(answer, Ok(Message::Close(_))), "{last:?}: {answer:?}");
    }
}

#[tokio::test]
async fn close_codes_tell_a_clean_end_from_an_error() {
    for (code, clean) in [(1000, true), (1001, true), (1008, false), (1011, false), (4000, false)] {
        let (mut client, mut server) = raw(config()).await;
        let frame = CloseFrame { code: CloseCode::from(code), reason: "because".into() };
        client.send(Message::Close(Some(frame))).await.unwrap();
        match server.next().await {
            None => assert!(clean, "{code}"),
            Some(end) => {
                let error = end.unwrap_err().to_string();
                assert!(!clean && error.contains(&format!("code {code}: because")), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_cut_connection_is_an_error() {
    let (client, mut server) = raw(config()).await;
    drop(client);
    assert!(end(&mut server).await.to_string().contains("cut"));
}

#[tokio::test]
async fn a_server_closes_with_1001_and_a_client_with_1000() {
    let (mut client, mut server) = raw(config()).await;
    server.close().await.unwrap();
    assert_eq!(code(&mut client).await, CloseCode::Away);
    let (mut client, mut server) = pair(config()).await;
    client.send(Bytes::from_static(b"{}")).await.unwrap();
    client.close().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), "{}");
    assert!(server.next().await.is_none());
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn a_silent_peer_is_given_up_after_its_second_missed_ping() {
    let (mut client, mut server) = raw(config()).await;
    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    let error = end(&mut server).await;
    assert!(error.to_string().contains("answered no ping for 40 s"), "{error}");
    assert_eq!(begin.elapsed().as_secs(), 60);
    drop(server);
    let pings = async {
        let mut pings = 0;
        while let Some(Ok(Message::Ping(_))) = client.next().await {
            pings += 1;
        }
        pings
    };
    assert_eq!(pings.await, 2);
}

#[tokio::test]
async fn a_peer_that_answers_pings_lives_on() {
    let (mut client, mut server) = pair(config()).await;
    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    tokio::select! {
        _ = client.next() => panic!("the client gave up"),
        _ = server.next() => panic!("the server gave up"),
        () = tokio::time::sleep(Duration::from_secs(600)) => {}
    }
    assert!(begin.elapsed().as_secs() >= 600);
    client.send(Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), "{}");
}

#[tokio::test]
async fn an_unmasked_frame_is_refused() {
    let (client, mut server) = raw(config()).await;
    let socket = client.into_inner();
    let mut liar = WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    liar.send(Message::Text("{}".into())).await.unwrap();
    assert!(end(&mut server).await.to_string().contains("broke the WebSocket protocol"));
}

#[tokio::test]
async fn an_endpoint_that_closes_ends_its_connection_cleanly() {
    // proves: close.6
    let (client, mut server) = pair(config()).await;
    let (endpoint, driver) = sixframe_core::connect(client, sixframe_core::Router::new());
    endpoint.close(Duration::from_secs(5));
    driver.await;
    let last = server.next().await;
    assert!(last.is_none(), "{last:?}");
}

// proves: bytes.2
#[tokio::test]
async fn pings_without_end_leave_others_their_turn() {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    let mut server = WebSocketTransport::established(server, Role::Server, 1000);
    let unmasked = [0, 0, 0, 0];
    for _ in 0..5000 {
        client.write_all(&[0x89, 0x80]).await.unwrap();
        client.write_all(&unmasked).await.unwrap();
    }
    client.write_all(&[0x81, 0x82]).await.unwrap();
    client.write_all(&unmasked).await.unwrap();
    client.write_all(b"{}").await.unwrap();
    assert!(server.next().now_or_never().is_none(), "5,000 pings are too many for one turn");
    assert_eq!(&*server.next().await.unwrap().unwrap(), b"{}");
}
