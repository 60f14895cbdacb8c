//! The hub and its events, from outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe::{Code, Item, Items, RpcEndpoint};
use tokio::time::timeout;

use crate::sandbox::{Daemon, LONG, Sandbox};

/// A client that was written long before there was any credit: lines of JSON on a socket.
pub(crate) struct OldClient {
    lines: std::io::Lines<BufReader<UnixStream>>,
    socket: UnixStream,
}

impl OldClient {
    pub(crate) fn connect(daemon: &Daemon) -> OldClient {
        let socket = UnixStream::connect(daemon.unix().strip_prefix("unix:").unwrap()).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        OldClient { lines: BufReader::new(socket.try_clone().unwrap()).lines(), socket }
    }

    pub(crate) fn send(&mut self, frame: &Value) {
        writeln!(self.socket, "{frame}").unwrap();
    }

    pub(crate) fn receive(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

async fn next(items: &mut Items<Value>) -> Item<Value> {
    timeout(LONG, items.next()).await.unwrap().unwrap().unwrap()
}

async fn call(peer: &RpcEndpoint, method: &str, params: Value) -> Value {
    peer.request_raw(method, params).await.unwrap()
}

#[tokio::test]
async fn two_windows_agree_on_what_one_of_them_changes() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let (one, other) = (daemon.connect().await, daemon.connect().await);
    let params = json!({"paths": ["/global", "/sessions"]});
    let mut seen = [one.stream_raw("hub.watch", params.clone()), other.stream_raw("hub.watch", params)];
    let mut versions = Vec::new();
    for items in &mut seen {
        let first = next(items).await;
        assert_eq!(first.data["value"]["global"]["defaultModel"], "gpt-4o-mini");
        assert_eq!((first.pos, first.epoch.is_some()), (first.data["revision"].as_u64(), true));
        versions.push(first.data["revision"].as_u64().unwrap());
    }
    let ops = json!([{"op": "replace", "path": "/global/temperature", "value": 0.2}]);
    let version = call(&one, "hub.commit", json!({"ops": ops})).await;
    for (items, from) in seen.iter_mut().zip(versions) {
        let patch = next(items).await;
        assert_eq!(patch.data, json!({"from": from, "to": version["revision"], "ops": ops}), "the sender is told too");
        assert_eq!((patch.pos, patch.epoch), (version["revision"].as_u64(), None));
    }
    let snapshot = call(&other, "hub.getSnapshot", json!({})).await;
    assert_eq!(snapshot["global"]["temperature"], 0.2);
    assert_eq!((&snapshot["version"], &snapshot["epoch"]), (&version["revision"], &version["epoch"]));
}

#[tokio::test]
async fn a_client_of_0_2_gets_plain_values_the_current_one_first() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let mut old = OldClient::connect(&daemon);
    old.send(&json!({"kind": "req", "cid": "1", "method": "hub.watchGlobal"}));
    let first = old.receive();
    let global = json!({"defaultModel": "gpt-4o-mini", "temperature": 0.7, "maxTokens": 8000});
    assert_eq!((&first["kind"], &first["data"], &first["method"]), (&json!("nxt"), &global, &json!("hub.watchGlobal")));
    assert!(first.get("fc").is_none(), "{first}");
    old.send(&json!({"kind": "req", "cid": "2", "method": "hub.updateGlobal", "payload": {"maxTokens": 1}}));
    let (mut answered, mut told) = (false, false);
    while !(answered && told) {
        let frame = old.receive();
        match frame["cid"].as_str().unwrap() {
            "2" => answered = frame["result"] == json!({"ok": true}),
            _ => told = frame["data"]["maxTokens"] == 1,
        }
    }
    old.send(&json!({"kind": "req", "cid": "3", "method": "hub.watchSession", "payload": {"sessionId": "s"}}));
    assert_eq!(old.receive()["data"], Value::Null);
    let update = json!({"sessionId": "s", "title": "first"});
    old.send(&json!({"kind": "req", "cid": "4", "method": "hub.updateSession", "payload": update}));
    let frames = [old.receive(), old.receive()];
    assert!(frames.iter().any(|frame| frame["cid"] == "4" && frame["result"] == json!({"ok": true})), "{frames:?}");
    assert!(frames.iter().any(|frame| frame["cid"] == "3" && frame["data"] == update), "{frames:?}");
}

#[tokio::test]
async fn refusals_say_what_to_change() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let refused = async |params: Value| peer.request_raw::<_, Value>("hub.commit", params).await.unwrap_err();
    let set = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let unfit = refused(json!({"ops": set("/global/maxTokens", json!("many"))})).await;
    assert_eq!(
        (unfit.code(), &unfit.details().unwrap()["paths"][0]["path"]),
        (Code::INVALID_PAYLOAD, &json!("/global/maxTokens"))
    );
    let owned = refused(json!({"ops": set("/windows/x", json!({}))})).await;
    assert_eq!(owned.code(), Code::FORBIDDEN);
    let version = call(&peer, "hub.commit", json!({"ops": set("/notes", json!({"a": 1}))})).await;
    let expect = json!({"revision": version["revision"].as_u64().unwrap() - 1});
    let stale = refused(json!({"ops": set("/notes/a", json!(2)), "expect": expect})).await;
    assert_eq!((stale.code(), &stale.details().unwrap()["current"]), (Code::CONFLICT, &version));
}

#[tokio::test]
async fn what_is_connected_is_shown_and_nobody_else_writes_it() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let mut items = peer.stream_raw("hub.watch", json!({"paths": ["/windows"], "mode": "state"}));
    let windows = async |items: &mut Items<Value>| next(items).await.data["value"]["windows"].clone();
    let first = windows(&mut items).await;
    assert_eq!(first.as_object().unwrap().len(), 1, "{first}");
    let other = daemon.connect_to(&daemon.address("ws:")).await;
    call(&other, "rpc.hello", json!({"session": "s3cret", "name": "second"})).await;
    let second = loop {
        let shown = windows(&mut items).await;
        if let Some(window) = shown.as_object().unwrap().values().find(|window| window["name"] == "second") {
            break window.clone();
        }
    };
    assert_eq!(second["transport"], "ws");
    assert!(second["since"].is_u64() && second["session"].as_str().unwrap().starts_with("session-"), "{second}");
    other.close(std::time::Duration::ZERO);
    while windows(&mut items).await != first {}
}

#[test]
fn a_listener_that_knew_another_life_of_the_events_is_told_so_first() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let params = json!({"types": ["agent."], "since": {"epoch": "another", "position": 3}});
    let mut old = OldClient::connect(&daemon);
    old.send(&json!({"kind": "req", "cid": "1", "method": "events.watch", "payload": params}));
    let reset = old.receive();
    assert_eq!(
        (&reset["reset"], &reset["method"], &reset["data"]),
        (&json!(true), &json!("events.watch"), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_volatile_is_gone_with_the_daemon_and_never_was_on_the_disk() {
    let sandbox = Sandbox::new();
    let settings = ["--set", "hub.volatile=/sessions/*/draft,/scratch"];
    let mut daemon = sandbox.serve(&settings);
    let peer = daemon.connect().await;
    let ops = json!([
        {"op": "add", "path": "/sessions/s", "value": {"sessionId": "s", "title": "kept", "draft": "gone-in-a-session"}},
        {"op": "add", "path": "/scratch/pad", "value": "gone-with-its-slice"},
    ]);
    call(&peer, "hub.commit", json!({"ops": ops})).await;
    daemon.signal(Signal::KILL);
    daemon.wait();
    let kept = std::fs::read_dir(sandbox.folder.path().join("run/hub")).unwrap();
    let kept = kept.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect::<Vec<u8>>();
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("kept") && !kept.contains("gone-"), "{kept}");
    daemon = sandbox.serve(&settings);
    let snapshot = call(&daemon.connect().await, "hub.getSnapshot", json!({})).await;
    let sessions = json!({"s": {"sessionId": "s", "title": "kept"}});
    assert_eq!((&snapshot["sessions"], &snapshot["scratch"]), (&sessions, &json!({})));
}

#[tokio::test]
async fn the_state_outlives_the_daemon_by_kill_too_and_its_epoch_is_the_same() {
    let sandbox = Sandbox::new();
    let mut daemon = sandbox.serve(&[]);
    let mut version = json!({"epoch": null, "revision": 0});
    for (round, signal) in [Signal::KILL, Signal::TERM, Signal::KILL].into_iter().enumerate() {
        let peer = daemon.connect().await;
        let snapshot = call(&peer, "hub.getSnapshot", json!({})).await;
        assert!(snapshot["revision"].as_u64() > version["revision"].as_u64(), "{snapshot} {version}");
        if round > 0 {
            assert_eq!((&snapshot["notes"], &snapshot["epoch"]), (&json!({"round": round}), &version["epoch"]));
        }
        let set = json!([{"op": "add", "path": "/notes", "value": {"round": round + 1}}]);
        version = call(&peer, "hub.commit", json!({"ops": set})).await;
        daemon.signal(signal);
        daemon.wait();
        daemon = sandbox.serve(&[]);
        let peer = daemon.connect().await;
        let since = json!({"paths": ["/notes"], "since": version});
        let first = next(&mut peer.stream_raw("hub.watch", since)).await.data;
        assert_eq!((&first["value"], &first["epoch"]), (&json!({"notes": {"round": round + 1}}), &version["epoch"]));
    }
}

#[test]
fn two_daemons_do_not_share_a_state_and_say_how_to_part() {
    let sandbox = Sandbox::new();
    let _daemon = sandbox.serve(&["--listen", "ws://127.0.0.1:0"]);
    let (code, _, stderr) = sandbox.run(&["serve", "--listen", "ws://127.0.0.1:0"]);
    assert!(code != 0 && stderr.contains("hub.dir"), "{code} {stderr}");
    let in_memory = sandbox.serve(&["--listen", "ws://127.0.0.1:0", "--set", "hub.persist=false"]);
    drop(in_memory);
}

#[tokio::test]
async fn listeners_are_told_who_connects_and_who_goes() {
    let sandbox = Sandbox::new();
    let daemon = sandbox.serve(&[]);
    let peer = daemon.connect().await;
    let mut told = peer.stream_raw("events.watch", json!({"types": ["window."]}));
    // A stream begins when its request arrives; a call behind it tells that it did.
    call(&peer, "hub.getSnapshot", json!({})).await;
    let other = daemon.connect_to(&daemon.address("ws:")).await;
    let opened = next(&mut told).await;
    assert_eq!((&opened.data["type"], &opened.data["payload"]["transport"]), (&json!("window.opened"), &json!("ws")));
    other.close(std::time::Duration::ZERO);
    let closed = next(&mut told).await;
    assert_eq!(closed.data["type"], "window.closed");
    assert_eq!(closed.data["payload"]["window"], opened.data["payload"]["window"]);
}
