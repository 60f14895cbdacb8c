//! How the daemon begins and ends: readiness, secrets, signals.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::{CallError, Code};

use crate::sandbox::{Sandbox, eventually, is_alive, line_of};

#[tokio::test]
async fn the_ready_line_names_what_can_be_connected_to() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&[]);
    assert_eq!((&daemon.ready["ready"], &daemon.ready["pid"]), (&json!(true), &json!(daemon.pid())));
    for scheme in ["unix:", "ws:"] {
        let peer = daemon.connect_to(&daemon.address(scheme)).await;
        peer.request_raw::<_, Value>("rpc.ping", ()).await.unwrap();
    }
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let mut rest = String::new();
    daemon.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing but the line is on stdout");
}

#[test]
fn the_token_is_private_and_survives_a_restart() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let file = fs::metadata(daemon.ready["tokenFile"].as_str().unwrap()).unwrap();
    assert_eq!(file.mode() & 0o777, 0o600);
    let token = daemon.token();
    assert_eq!(token.len(), 43, "256 bits in base64url");
    drop(daemon);
    assert_eq!(sandbox.serve(&[]).token(), token);
}

#[test]
fn a_second_daemon_on_the_same_socket_says_so_and_is_not_ready() {
    let sandbox = Sandbox::new();
    let _daemon = sandbox.serve(&[]);
    let (code, stdout, stderr) = sandbox.run(&["serve"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("in use"), "{stderr}");
}

/// The status line that an opening handshake gets.
#[test]
fn a_port_that_is_taken_is_told_once_with_what_to_do() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let taken = daemon.address("ws:");
    let (code, stdout, stderr) = sandbox.run(&["serve", "--listen", &taken]);
    assert_eq!((code, stdout.as_str(), stderr.matches("in use").count()), (1, "", 1), "{stderr}");
    assert!(stderr.contains("0 for any"), "{stderr}");
}

fn handshake(address: &str, headers: &str) -> String {
    let host = address.trim_start_matches("ws://").trim_end_matches('/');
    let mut socket = TcpStream::connect(host).unwrap();
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let host = if headers.contains("Host:") { String::new() } else { format!("Host: {host}\r\n") };
    write!(socket, "GET / HTTP/1.1\r\n{host}{upgrade}{headers}\r\n").unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_web_socket_needs_the_token_and_comes_from_no_foreign_page() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--set", "ws.allowed_origins=http://localhost:5173"]);
    let (address, token) = (daemon.address("ws:"), daemon.token());
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let status = |headers: &str| handshake(&address, headers)[9..].to_owned();
    assert_eq!(status(&bearer), "101");
    assert_eq!(status(&format!("{bearer}Origin: http://localhost:5173\r\n")), "101");
    assert_eq!(status(&format!("Sec-WebSocket-Protocol: sixframe.v0, sixframe.token.{token}\r\n")), "101");
    assert_eq!(status(""), "401");
    assert_eq!(status("Authorization: Bearer wrong\r\n"), "401");
    assert_eq!(status(&format!("{bearer}Origin: http://evil.example\r\n")), "403");
    assert_eq!(status(&format!("{bearer}Host: evil.example\r\n")), "403");
}

#[tokio::test]
async fn sigterm_lets_calls_finish_and_exits_with_0() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    let mut watching = peer.stream_raw::<_, Value>("fs.watch", json!({"path": "."}));
    watching.next().await.unwrap().unwrap();
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    while let Some(item) = watching.next().await {
        if let Err(error) = item {
            assert!(matches!(error.code(), Code::CONNECTION_CLOSED | Code::CANCELLED), "{error}");
        }
    }
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(begun.elapsed().as_millis() < 3_000, "{:?}", begun.elapsed());
    let left = fs::read_dir(sandbox.folder.path().join("run")).unwrap();
    let mut left: Vec<String> = left.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    left.sort();
    assert_eq!(left, ["hub", "token"], "the socket and its lock are gone");
}

#[tokio::test]
async fn a_program_that_ignores_the_end_is_ended_with_the_daemon() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&["--allow", "process.run", "--set", "drain_ms=100"]);
    let peer = daemon.connect().await;
    let script = "trap '' TERM; echo $$ > pid; while :; do sleep 1; done";
    let run = json!({"program": "sh", "args": ["-c", script]});
    let _items = peer.stream_raw::<_, Value>("process.run", run);
    let pid: u32 = line_of(&sandbox.work().join("pid")).await.parse().unwrap();
    daemon.signal(Signal::INT);
    assert_eq!(daemon.wait().code(), Some(0));
    eventually("the program is gone", || !is_alive(pid)).await;
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_a_peer_that_never_reads() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&["--allow", "process.run", "--set", "drain_ms=3600000"]);
    let socket = daemon.unix().trim_start_matches("unix:").to_owned();
    let mut deaf = UnixStream::connect(&socket).unwrap();
    // Answers for which the socket has no room; they are kept when streams end. The program starts behind them.
    let answer: Value = daemon.connect().await.request_raw("rpc.discover", ()).await.unwrap();
    for cid in 0..(700 << 10) / answer.to_string().len() {
        writeln!(deaf, r#"{{"kind":"req","cid":"d{cid}","method":"rpc.discover"}}"#).unwrap();
    }
    let run = r#"{"program":"sh","args":["-c","echo $$ > pid; exec yes"]}"#;
    let meta = r#"{"fc":{"upto":1000000000}}"#;
    writeln!(deaf, r#"{{"kind":"req","cid":"1","method":"process.run","payload":{run},"meta":{meta}}}"#).unwrap();
    let pid: u32 = line_of(&sandbox.work().join("pid")).await.parse().unwrap();
    daemon.signal(Signal::TERM);
    eventually("nobody is let in any more", || !fs::exists(&socket).unwrap()).await;
    daemon.signal(Signal::TERM);
    let ended = daemon.wait();
    assert_eq!(ended.code(), Some(1));
    eventually("the program is gone", || !is_alive(pid)).await;
}

#[tokio::test]
async fn killing_the_daemon_settles_every_call() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&[]);
    for scheme in ["unix:", "ws:"] {
        let peer = daemon.connect_to(&daemon.address(scheme)).await;
        let mut watching = peer.stream_raw::<_, Value>("fs.watch", json!({"path": "."}));
        watching.next().await.unwrap().unwrap();
        daemon.signal(Signal::KILL);
        let end = watching.next().await.unwrap().unwrap_err();
        assert!(matches!(end, CallError::Closed(_)), "{end}");
        let late = peer.request_raw::<_, Value>("rpc.ping", ()).await.unwrap_err();
        assert_eq!(late.code(), Code::CONNECTION_CLOSED);
        daemon.wait();
        daemon = sandbox.serve(&[]);
    }
}
