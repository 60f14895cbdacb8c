//! One suite over every transport that the daemon serves.

use futures_util::future::join_all;
use serde_json::{Value, json};
use sixframe::{CallError, Code, RpcEndpoint};

use crate::sandbox::{Daemon, Sandbox};

/// What must hold of a connection, whatever carries it.
async fn suite(peer: &RpcEndpoint, sandbox: &Sandbox) {
    let pong: Value = peer.request_raw("rpc.ping", ()).await.unwrap();
    assert_eq!(pong, Value::Null);

    let document = peer.request(&sixframe::DISCOVER, ()).await.unwrap();
    let names: Vec<&str> = document["methods"].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
    assert!(["fs.tail", "fs.watch", "process.run", "rpc.hello"].iter().all(|name| names.contains(name)), "{names:?}");

    let missing = peer.request_raw::<_, Value>("no.such", ()).await.unwrap_err();
    assert_eq!(missing.code(), Code::NO_HANDLER);
    let unfit = peer.stream_raw::<_, Value>("fs.tail", json!({"pth": "x"})).next().await.unwrap().unwrap_err();
    assert_eq!(unfit.code(), Code::INVALID_PAYLOAD);
    let not_unary = peer.request_raw::<_, Value>("fs.watch", json!({"path": "."})).await.unwrap_err();
    assert_eq!(not_unary, CallError::NotUnary);

    let big = "x".repeat(3 << 20);
    std::fs::write(sandbox.work().join("big"), &big).unwrap();
    let mut items = peer.stream_raw::<_, Value>("fs.tail", json!({"path": "big", "from": "start"}));
    let mut read = String::new();
    while read.len() < big.len() {
        read.push_str(items.next().await.unwrap().unwrap().data["data"].as_str().unwrap());
    }
    assert!(read == big, "every byte arrives");
    drop(items);

    // 200 answers of 64 KiB at once: more than any pipe holds.
    let chunk = json!({"path": "big", "from": (big.len() - (64 << 10))});
    let streams = (0..200).map(|_| async {
        let mut items = peer.stream_raw::<_, Value>("fs.tail", chunk.clone());
        items.next().await.unwrap().unwrap();
        items.next().await.unwrap().unwrap().data["data"].as_str().unwrap().len()
    });
    assert_eq!(join_all(streams).await, vec![64 << 10; 200]);
}

async fn suite_over(scheme: &str) {
    let sandbox = Sandbox::new();
    let daemon: Daemon = sandbox.serve(&[]);
    let peer = daemon.connect_to(&daemon.address(scheme)).await;
    suite(&peer, &sandbox).await;
}

#[tokio::test]
async fn everything_holds_over_a_unix_socket() {
    suite_over("unix:").await;
}

#[tokio::test]
async fn everything_holds_over_a_web_socket() {
    suite_over("ws:").await;
}

#[tokio::test]
async fn everything_holds_over_the_pipes_of_a_child() {
    let sandbox = Sandbox::new();
    for framing in ["ndjson", "lines", "content-length", "native"] {
        let peer = child(&sandbox, framing);
        suite(&peer, &sandbox).await;
    }
}

#[tokio::test]
async fn a_browser_starts_a_native_messaging_host_and_gets_no_message_that_would_end_it() {
    let sandbox = Sandbox::new();
    let origin = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/";
    let peer = child_with(&sandbox, "native", &[origin, "--parent-window=0"]);
    let fits = "x".repeat((1 << 20) - 100);
    assert_eq!(peer.request_raw::<_, Value>("rpc.ping", &fits).await.unwrap(), fits);
    let refused = peer.request_raw::<_, Value>("rpc.ping", "x".repeat(1 << 20)).await.unwrap_err();
    assert_eq!(refused.code(), Code::RESOURCE_EXHAUSTED);
    assert!(refused.to_string().contains("native messaging host, at most 1048576 bytes"), "{refused}");
    assert_eq!(peer.request_raw::<_, Value>("rpc.ping", 1).await.unwrap(), 1);
}

#[test]
fn words_that_no_browser_passes_are_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    for args in [&["stdio", "extra"][..], &["stdio", "--framing", "native", "--alow", "process.run"]] {
        let (code, stdout, stderr) = sandbox.run(args);
        assert!(code == 2 && stdout.is_empty() && stderr.contains("unexpected argument"), "{args:?}: {code} {stderr}");
    }
}

/// `sixframe stdio`, started by the test.
fn child(sandbox: &Sandbox, framing: &str) -> RpcEndpoint {
    child_with(sandbox, framing, &[])
}

fn child_with(sandbox: &Sandbox, framing: &str, further: &[&str]) -> RpcEndpoint {
    use sixframe::transports::Framing;
    use sixframe::transports::child::{ChildConfig, spawn};
    let mut config = ChildConfig::new(env!("CARGO_BIN_EXE_sixframe"));
    config.args = ["stdio", "--framing", framing].iter().chain(further).map(Into::into).collect();
    config.env = vec![("HOME".into(), sandbox.folder.path().into()), ("SIXFRAME_LOG".into(), "off".into())];
    config.cwd = Some(sandbox.work());
    config.framing = match framing {
        "content-length" => Framing::ContentLength,
        "native" => Framing::NativeMessaging,
        _ => Framing::Ndjson,
    };
    let (transport, _) = spawn(&config).unwrap();
    let (endpoint, driver) = sixframe::connect(transport, sixframe::Router::new());
    tokio::spawn(driver);
    endpoint
}
