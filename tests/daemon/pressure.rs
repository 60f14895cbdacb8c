//! Peers that mean no good: endless lines, silence, deafness.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;
use sixframe::RpcEndpoint;

use crate::sandbox::{Daemon, LONG, Sandbox};

fn raw(daemon: &Daemon) -> UnixStream {
    let socket = UnixStream::connect(daemon.unix().trim_start_matches("unix:")).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.set_write_timeout(Some(LONG)).unwrap();
    socket
}

async fn ping(peer: &RpcEndpoint, times: usize) {
    for _ in 0..times {
        peer.request_raw::<_, Value>("rpc.ping", ()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_gibibyte_is_skipped_in_flat_memory() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    ping(&peer, 10).await;
    let before = daemon.resident_kb();
    let mut socket = raw(&daemon);
    let writing = tokio::task::spawn_blocking(move || {
        socket.write_all(br#"{"kind":"req","cid":"big","method":"m","payload":""#).unwrap();
        let block = vec![b'a'; 1 << 20];
        for _ in 0..1024 {
            socket.write_all(&block).unwrap();
        }
        socket.write_all(b"\"}\n{\"kind\":\"req\",\"cid\":\"small\",\"method\":\"rpc.ping\"}\n").unwrap();
        let mut answers = String::new();
        while answers.lines().count() < 2 || !answers.ends_with('\n') {
            let mut buffer = [0; 4096];
            let read = socket.read(&mut buffer).unwrap();
            assert!(read > 0, "the connection lives on: {answers}");
            answers.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        answers
    });
    let mut most = before;
    while !writing.is_finished() {
        ping(&peer, 50).await;
        most = most.max(daemon.resident_kb());
    }
    let answers = writing.await.unwrap();
    assert!(answers.contains("RESOURCE_EXHAUSTED") && answers.contains("limits.message_bytes"), "{answers}");
    assert!(answers.contains("\"cid\":\"small\""), "{answers}");
    assert!(most < before + (48 << 10), "memory grew from {before} kB to {most} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_reads_costs_bounded_memory_and_harms_nobody() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--allow", "process.run"]);
    let peer = daemon.connect().await;
    ping(&peer, 10).await;
    let before = daemon.resident_kb();
    let mut deaf = raw(&daemon);
    for cid in 0..8 {
        let frame = format!(
            r#"{{"kind":"req","cid":"{cid}","method":"process.run","payload":{{"program":"yes"}},"meta":{{"fc":{{"upto":1000000000}}}}}}"#
        );
        deaf.write_all(frame.as_bytes()).unwrap();
        deaf.write_all(b"\n").unwrap();
    }
    let mut most = before;
    for _ in 0..50 {
        ping(&peer, 50).await;
        most = most.max(daemon.resident_kb());
    }
    assert!(most < before + (64 << 10), "memory grew from {before} kB to {most} kB");
}

// proves: `limit.7`
#[tokio::test(flavor = "multi_thread")]
async fn slow_handshakes_are_ended_and_hold_up_nobody() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--set", "limits.handshake_ms=300"]);
    let address = daemon.address("ws:");
    let host = address.trim_start_matches("ws://").trim_end_matches('/').to_owned();
    let slow: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut socket = TcpStream::connect(&host).unwrap();
            socket.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
            socket.set_read_timeout(Some(LONG)).unwrap();
            socket
        })
        .collect();
    let peer = daemon.connect_to(&address).await;
    ping(&peer, 10).await;
    tokio::task::spawn_blocking(move || {
        for mut socket in slow {
            let mut rest = Vec::new();
            // However it ends, it ends.
            let _ = socket.read_to_end(&mut rest);
            assert!(!rest.starts_with(b"HTTP/1.1 101"));
        }
    })
    .await
    .unwrap();
    ping(&peer, 1).await;
}

// proves: `limit.7`
#[tokio::test(flavor = "multi_thread")]
async fn connections_past_the_limit_are_closed_over_all_addresses_together() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--set", "limits.connections=2"]);
    let (one, two) = (daemon.connect().await, daemon.connect_to(&daemon.address("ws:")).await);
    ping(&one, 1).await;
    ping(&two, 1).await;
    let mut third = raw(&daemon);
    let mut nothing = Vec::new();
    third.read_to_end(&mut nothing).unwrap();
    assert!(nothing.is_empty());
    one.close(Duration::from_secs(1));
    drop(third);
    // The place is free as soon as the daemon has seen the end of the first.
    loop {
        let again = daemon.connect().await;
        if again.request_raw::<_, Value>("rpc.ping", ()).await.is_ok() {
            break;
        }
    }
}

// proves: `limit.7`
#[test]
fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&["--set", "limits.idle_ms=500"]);
    let (mut idle, mut busy) = (raw(&daemon), raw(&daemon));
    let (told, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut nothing = Vec::new();
        idle.read_to_end(&mut nothing).unwrap();
        told.send(nothing).unwrap();
    });
    let nothing = loop {
        busy.write_all(b"{\"kind\":\"req\",\"cid\":\"1\",\"method\":\"rpc.ping\"}\n").unwrap();
        let mut answer = [0; 256];
        assert!(busy.read(&mut answer).unwrap() > 0, "the busy connection lives on");
        if let Ok(nothing) = ended.recv_timeout(Duration::from_millis(10)) {
            break nothing;
        }
    };
    assert!(nothing.is_empty());
    busy.write_all(b"{\"kind\":\"req\",\"cid\":\"2\",\"method\":\"rpc.ping\"}\n").unwrap();
    assert!(busy.read(&mut [0; 256]).unwrap() > 0);
}
