//! How connections end, and what is left behind: nothing.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig, MemoryTransport};
use sixframe_core::testing::{Disturbance, FaultTransport, Faults, Peer, Recorder, Rule, frames, joined, settled};
use sixframe_core::{
    CallError, Config, Context, Direction, Fault, FrameTap, HELLO, Hello, Load, Method, Owner, Owners, Router,
    RpcEndpoint, StreamMethod, connect, connect_with,
};

const ECHO: Method<u64, u64> = Method::new("echo");
const SLOW: Method<(), u64> = Method::new("slow");
const HANG: Method<(), ()> = Method::new("hang");
const READ: Method<(), ()> = Method::new("read").idempotent();
const TICKS: StreamMethod<(), u64> = StreamMethod::new("ticks");
const OWNER: Method<(), String> = Method::new("owner");

/// Counts the handlers that live.
#[derive(Clone, Default)]
struct Living(Arc<AtomicUsize>);

impl Living {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn guard(&self) -> Guard {
        self.0.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }
}

struct Guard(Living);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn router(living: &Living) -> Router {
    let (unary, streamed) = (living.clone(), living.clone());
    let hang = move |_: Context, ()| {
        let guard = unary.guard();
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok::<_, Fault>(())
        }
    };
    Router::new()
        .function(ECHO, |_, n| Ok::<_, Fault>(n))
        .method(SLOW, |_, ()| async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Ok::<_, Fault>(7)
        })
        .method(HANG, hang.clone())
        .method(READ, hang)
        .stream(TICKS, move |_, ()| {
            let guard = streamed.guard();
            stream::iter([1]).chain(stream::pending()).map(move |n| {
                let _ = &guard;
                Ok::<u64, Fault>(n)
            })
        })
}

#[tokio::test(start_paused = true)]
async fn closing_lets_answers_finish_ends_streams_and_refuses_the_rest() {
    // proves: close.6
    let living = Living::default();
    let (mut peer, endpoint) = Peer::connect(router(&living));
    peer.send(frames::call("1", "slow", Value::Null)).await;
    peer.send(frames::open("2", "ticks", Value::Null, 8)).await;
    peer.expect(json!({"kind": "nxt", "cid": "2"})).await;
    let own = endpoint.request(&ECHO, 5);
    let mut own_stream = endpoint.stream(&TICKS, ());
    let asked = peer.expect(frames::req("echo")).await;
    let opened = peer.expect(frames::req("ticks")).await;

    endpoint.close(Duration::from_secs(5));
    peer.expect(json!({"kind": "err", "cid": "2", "code": "CONNECTION_CLOSED"})).await;
    peer.expect(frames::can(&opened)).await;
    assert_eq!(own_stream.next().await.unwrap().unwrap_err(), CallError::Cancelled);
    assert_eq!(endpoint.request(&ECHO, 6).await.unwrap_err().code(), "CONNECTION_CLOSED");
    peer.send(frames::call("3", "echo", json!(1))).await;
    peer.expect(json!({"kind": "err", "cid": "3", "code": "CONNECTION_CLOSED"})).await;
    peer.send(frames::res(&asked, json!(5))).await;
    assert_eq!(own.await.unwrap(), 5);
    assert!(!endpoint.is_closed());
    peer.expect(json!({"kind": "res", "cid": "1", "result": 7})).await;
    assert!(peer.closed().await.is_empty());
    assert_eq!(endpoint.closed().unwrap().message, "closed by this side");
    assert_eq!((living.count(), endpoint.load()), (0, Load::default()));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_at_the_closing_deadline_is_cut_off() {
    // proves: close.6, close.1
    let living = Living::default();
    let (mut peer, endpoint) = Peer::connect(router(&living));
    peer.send(frames::call("1", "hang", Value::Null)).await;
    let own = endpoint.request(&HANG, ());
    peer.expect(frames::req("hang")).await;
    let start = tokio::time::Instant::now();
    endpoint.close(Duration::from_secs(3));
    assert!(peer.closed().await.is_empty());
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(own.await.unwrap_err().code(), "INDETERMINATE");
    assert_eq!((living.count(), endpoint.load()), (0, Load::default()));
}

/// What became of one call of each kind when its connection ended.
async fn fates(end: impl AsyncFnOnce(RpcEndpoint, tokio::task::JoinHandle<()>, Peer)) -> Vec<String> {
    let living = Living::default();
    let (mut peer, transport) = Peer::pair();
    let (endpoint, driver) = connect(transport, router(&living));
    let driver = tokio::spawn(async move { drop(driver.await) });
    let (unary, idempotent) = (endpoint.request(&HANG, ()), endpoint.request(&READ, ()));
    let mut ticks = endpoint.stream(&TICKS, ());
    for method in ["hang", "read", "ticks"] {
        peer.expect(frames::req(method)).await;
    }
    peer.send(frames::call("1", "hang", Value::Null)).await;
    peer.send(frames::open("2", "ticks", Value::Null, 8)).await;
    peer.expect(json!({"kind": "nxt", "cid": "2"})).await;
    settled().await;
    assert_eq!(living.count(), 2);
    end(endpoint.clone(), driver, peer).await;
    settled().await;
    let code = |error: CallError| error.code().to_owned();
    let codes = [
        code(unary.await.unwrap_err()),
        code(idempotent.await.unwrap_err()),
        code(ticks.next().await.unwrap().unwrap_err()),
        code(endpoint.request(&ECHO, 1).await.unwrap_err()),
    ];
    assert!(ticks.next().await.is_none() && endpoint.is_closed());
    assert_eq!((living.count(), endpoint.load()), (0, Load::default()));
    codes.into()
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_settles_everything_whatever_its_cause() {
    // proves: close.1, close.2
    let expected = ["INDETERMINATE", "CONNECTION_CLOSED", "CONNECTION_CLOSED", "CONNECTION_CLOSED"];
    assert_eq!(fates(async |_, _, peer| drop(peer)).await, expected, "the peer went");
    assert_eq!(fates(async |_, driver, _peer| driver.abort()).await, expected, "the driver was dropped");
    let garbage = async |_, _, mut peer: Peer| {
        for _ in 0..64 {
            peer.send_raw("{").await;
        }
        peer.closed().await;
    };
    // proves: frame.10
    assert_eq!(fates(garbage).await, expected, "the peer sent garbage");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_driver_settles_everything_on_the_other_side_too() {
    // proves: close.1
    let living = Living::default();
    let (near, far) = memory::pair(MemoryConfig::default());
    let (client, client_driver) = connect(near, Router::new());
    let (server, server_driver) = connect(far, router(&living));
    tokio::spawn(server_driver);
    let client_driver = tokio::spawn(async move { drop(client_driver.await) });
    let calls = (client.request(&HANG, ()), client.stream(&TICKS, ()));
    settled().await;
    assert_eq!(living.count(), 2);
    client_driver.abort();
    settled().await;
    assert_eq!((living.count(), server.load(), server.is_closed()), (0, Load::default(), true));
    drop(calls);
    assert_eq!(client.load(), Load::default());
}

#[tokio::test(start_paused = true)]
async fn dropping_every_handle_leaves_the_connection_to_its_peer() {
    let (mut peer, endpoint) = Peer::connect(router(&Living::default()));
    drop(endpoint);
    peer.send(frames::call("1", "echo", json!(3))).await;
    peer.expect(json!({"kind": "res", "cid": "1", "result": 3})).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_for_a_sign_of_life_and_then_given_up() {
    // proves: discover.6
    let config = Config { heartbeat: Some(Duration::from_secs(10)), ..Config::default() };
    let (peer, endpoint) = Peer::connect_with(config, Router::new());
    let mut peer = peer.patient(Duration::from_secs(60));
    let call = endpoint.request(&HANG, ());
    peer.expect(frames::req("hang")).await;
    let ping = peer.expect(frames::req("rpc.ping")).await;
    peer.send(frames::res(&ping, Value::Null)).await;
    let start = tokio::time::Instant::now();
    peer.expect(frames::req("rpc.ping")).await;
    peer.closed().await;
    assert_eq!(start.elapsed().as_secs(), 20);
    let error = call.await.unwrap_err();
    assert_eq!(error.code(), "INDETERMINATE");
    assert!(error.to_string().contains("heartbeat"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_by_the_session_itself() {
    // proves: discover.5
    let (mut peer, _endpoint) = Peer::connect(Router::new());
    peer.send(frames::call("p", "rpc.ping", json!({"n": 7}))).await;
    peer.expect(json!({"kind": "res", "cid": "p", "result": {"n": 7}})).await;
}

/// A server of sessions, and the owners that its method `owner` saw.
struct Sessions {
    owners: Arc<Owners>,
    seen: Arc<Mutex<Vec<Owner>>>,
}

impl Sessions {
    fn new() -> Sessions {
        Sessions { owners: Owners::new(Duration::from_secs(5)), seen: Arc::default() }
    }

    /// A client of the session `name`, and the connection's end of it that breaks at its n-th message.
    async fn client(&self, name: Option<&str>, cut: u64) -> RpcEndpoint {
        let seen = self.seen.clone();
        let service = Router::new().function(OWNER, move |cx: Context, ()| {
            seen.lock().unwrap().push(cx.owner());
            Ok::<_, Fault>(cx.owner().id().to_owned())
        });
        let (near, far) = memory::pair(MemoryConfig::default());
        let faults = Faults { received: vec![Rule::at(cut, Disturbance::Cut)], ..Faults::default() };
        let config = Config { owners: Some(self.owners.clone()), ..Config::default() };
        let (_, server) = connect_with(config, FaultTransport::new(far, faults), service);
        let (client, driver) = connect::<MemoryTransport>(near, Router::new());
        tokio::spawn(server);
        tokio::spawn(driver);
        if let Some(name) = name {
            let hello = Hello { session: Some(name.to_owned()), ..Hello::default() };
            client.request(&HELLO, hello).await.unwrap();
        }
        client
    }

    fn last(&self) -> Owner {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_leaves_its_sessions_work_a_grace() {
    // proves: owner.1, owner.3
    let sessions = Sessions::new();
    let client = sessions.client(Some("s"), 3).await;
    let id = client.request(&OWNER, ()).await.unwrap();
    let owner = sessions.last();
    assert!(client.request(&OWNER, ()).await.is_err());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(!owner.has_ended());
    let again = sessions.client(Some("s"), 3).await;
    assert_eq!(again.request(&OWNER, ()).await.unwrap(), id);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!owner.has_ended());
    assert!(again.request(&OWNER, ()).await.is_err());
    let start = tokio::time::Instant::now();
    owner.ended().await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(sessions.owners.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clean_close_ends_its_sessions_work_at_once() {
    // proves: owner.2
    let sessions = Sessions::new();
    let client = sessions.client(Some("s"), u64::MAX).await;
    client.request(&OWNER, ()).await.unwrap();
    client.close(Duration::ZERO);
    settled().await;
    assert!(sessions.last().has_ended() && sessions.owners.is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_session_work_belongs_to_its_connection() {
    // proves: owner.1
    let sessions = Sessions::new();
    let (one, other) = (sessions.client(None, u64::MAX).await, sessions.client(None, 2).await);
    let id = one.request(&OWNER, ()).await.unwrap();
    assert_eq!(one.request(&OWNER, ()).await.unwrap(), id);
    assert_ne!(other.request(&OWNER, ()).await.unwrap(), id);
    let owner = sessions.last();
    assert!(!owner.has_ended());
    assert!(other.request(&OWNER, ()).await.is_err());
    settled().await;
    assert!(owner.has_ended());
}

#[tokio::test(start_paused = true)]
async fn the_tap_sees_every_message_both_ways() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tap = FrameTap::new({
        let seen = seen.clone();
        move |direction, message| {
            let frame: Value = serde_json::from_slice(message).unwrap();
            seen.lock().unwrap().push((direction, frame["kind"].as_str().unwrap().to_owned()));
        }
    });
    let config = Config { on_frame: Some(tap), ..Config::default() };
    let (mut peer, _endpoint) = Peer::connect_with(config, router(&Living::default()));
    peer.send(frames::open("1", "ticks", Value::Null, 4)).await;
    let ticks = peer.expect(json!({"kind": "nxt"})).await;
    peer.send(frames::can(&ticks)).await;
    peer.expect(json!({"kind": "err", "code": "CANCELLED"})).await;
    let seen = seen.lock().unwrap().clone();
    let expected = [
        (Direction::Received, "req"),
        (Direction::Sent, "nxt"),
        (Direction::Received, "can"),
        (Direction::Sent, "err"),
    ];
    assert_eq!(seen, expected.map(|(direction, kind)| (direction, kind.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn no_token_stands_in_a_redacted_recording() {
    // proves: meta.6
    let recorder = Recorder::redacting(1 << 20);
    let config = Config { on_frame: Some(recorder.tap()), ..Config::default() };
    let (mut peer, _endpoint) = Peer::connect_with(config, router(&Living::default()));
    let mut call = frames::call("1", "echo", json!(3));
    call["meta"] = json!({"token": "s3cr3t"});
    peer.send(call).await;
    peer.expect(json!({"kind": "res"})).await;
    let mut text = Vec::new();
    recorder.recording().write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("s3cr3t") && text.contains("echo"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_after_a_busy_connection() {
    let living = Living::default();
    let (one, other) = joined(router(&living), router(&living));
    for n in 0..50 {
        let (echo, back) = tokio::join!(one.request(&ECHO, n), other.request(&ECHO, n));
        assert_eq!((echo.unwrap(), back.unwrap()), (n, n));
        let (mut ticks, hang) = (one.stream(&TICKS, ()), other.request(&HANG, ()));
        assert_eq!(ticks.next().await.unwrap().unwrap().data, 1);
        drop((ticks, hang));
    }
    settled().await;
    assert_eq!((one.load(), other.load()), (Load::default(), Load::default()));
    assert_eq!(living.count(), 0);
    drop(one);
    other.close(Duration::from_secs(1));
    settled().await;
    assert_eq!(Arc::strong_count(&living.0), 1, "the drivers are gone, and with them their services");
}
