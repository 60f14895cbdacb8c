//! Limits: what a window may do to the relay, to the upstream and to the other windows.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig, MemoryTransport};
use sixframe_core::testing::{Peer, frames, settled};
use sixframe_core::{Budget, Limits};
use sixframe_transports::relay::{Relay, RelayConfig, WindowHandle, WindowId};

use crate::{err, idle, relay, req, window};

fn limited(limits: Limits) -> RelayConfig {
    RelayConfig { limits, ..RelayConfig::default() }
}

/// A window whose transport takes little before it is read.
fn narrow(relay: &Relay, id: &str) -> (MemoryTransport, WindowHandle) {
    let (near, far) = memory::pair(MemoryConfig { capacity: 1024, ..MemoryConfig::default() });
    (near, relay.attach(far, WindowId::new(id, "1")))
}

async fn frames_of(window: &mut MemoryTransport, until: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let message = window.next().await.expect("a frame").expect("a message");
        seen.push(serde_json::from_slice::<Value>(&message).unwrap());
        if seen.last().unwrap()["kind"] == until {
            return seen;
        }
    }
}

// proves: relay.6
#[tokio::test(start_paused = true)]
async fn a_stuck_window_without_credit_loses_its_stream_and_others_live_on() {
    let limits = Limits { stream_bytes: 10_000, ..Limits::default() };
    let (relay, mut upstream) = relay(limited(limits));
    let (mut stuck, _stuck) = narrow(&relay, "1");
    let (mut other, _other) = window(&relay, "2", "1");
    stuck.send(req("k", "firehose").to_string().into()).await.unwrap();
    let opened = upstream.expect(frames::req("firehose")).await;
    for n in 0..200 {
        upstream.send(json!({"kind": "nxt", "cid": opened["cid"], "data": "x".repeat(100), "seq": n + 1})).await;
    }
    upstream.expect(frames::can(&opened)).await;
    other.send(req("k", "live")).await;
    let live = upstream.expect(frames::req("live")).await;
    upstream.send(frames::res(&live, json!(1))).await;
    other.expect(json!({"kind": "res", "cid": "k"})).await;
    let seen = frames_of(&mut stuck, "err").await;
    let last = seen.last().unwrap();
    assert_eq!((&last["code"], &last["cid"]), (&json!("SLOW_CONSUMER"), &json!("k")));
    assert_eq!(last["details"]["setting"], "limits.stream_bytes");
    assert!(seen.len() < 150, "{} items were kept", seen.len());
    idle(&relay).await;
}

// proves: relay.6
#[tokio::test(start_paused = true)]
async fn a_window_that_takes_nothing_for_too_long_is_freed_of_what_it_grants_no_credit_for() {
    let limits = Limits { soft_bytes: 4_000, stall: Duration::from_secs(5), ..Limits::default() };
    let (relay, mut upstream) = relay(limited(limits));
    let (mut stuck, _stuck) = narrow(&relay, "1");
    stuck.send(req("k", "firehose").to_string().into()).await.unwrap();
    let opened = upstream.expect(frames::req("firehose")).await;
    for _ in 0..80 {
        upstream.send(json!({"kind": "nxt", "cid": opened["cid"], "data": "x".repeat(100)})).await;
    }
    upstream.expect(frames::can(&opened)).await;
    assert_eq!(relay.load().windows, 1, "the window itself stays");
    assert_eq!(frames_of(&mut stuck, "err").await.last().unwrap()["code"], "SLOW_CONSUMER");
    idle(&relay).await;
}

// proves: relay.4
#[tokio::test(start_paused = true)]
async fn a_window_that_breaks_its_promise_of_credit_is_detached() {
    let limits = Limits { soft_bytes: 4_000, hard_bytes: 20_000, ..Limits::default() };
    let (relay, mut upstream) = relay(limited(limits));
    let (mut stuck, handle) = narrow(&relay, "1");
    let open = frames::open("k", "firehose", json!(null), 1_000_000);
    stuck.send(open.to_string().into()).await.unwrap();
    let opened = upstream.expect(frames::req("firehose")).await;
    for seq in 1..250 {
        upstream.send(frames::nxt(&opened, seq, json!("x".repeat(100)))).await;
    }
    handle.closed().await;
    upstream.expect(frames::can(&opened)).await;
    idle(&relay).await;
}

// proves: relay.4
#[tokio::test(start_paused = true)]
async fn a_window_that_takes_nothing_of_what_it_granted_credit_for_is_detached_in_the_end() {
    let limits = Limits { soft_bytes: 4_000, stall: Duration::from_secs(5), ..Limits::default() };
    let (relay, mut upstream) = relay(limited(limits));
    let (mut stuck, handle) = narrow(&relay, "1");
    let open = frames::open("k", "firehose", json!(null), 1_000);
    stuck.send(open.to_string().into()).await.unwrap();
    let opened = upstream.expect(frames::req("firehose")).await;
    for seq in 1..80 {
        upstream.send(frames::nxt(&opened, seq, json!("x".repeat(100)))).await;
    }
    handle.closed().await;
    upstream.expect(frames::can(&opened)).await;
}

// proves: relay.4
#[tokio::test]
async fn each_window_has_its_own_calls_in_flight() {
    let (relay, mut upstream) = relay(limited(Limits { in_flight: 2, ..Limits::default() }));
    let (mut one, _one) = window(&relay, "1", "1");
    let (mut two, _two) = window(&relay, "2", "1");
    for cid in ["a", "b", "c"] {
        one.send(req(cid, "m")).await;
    }
    let refused = one.expect(err("c", "RESOURCE_EXHAUSTED")).await;
    assert_eq!(refused["details"]["setting"], "limits.in_flight");
    two.send(req("a", "m")).await;
    let asked = [upstream.next().await, upstream.next().await, upstream.next().await];
    upstream.send(frames::res(&asked[0], json!(1))).await;
    one.expect(json!({"kind": "res"})).await;
    one.send(req("d", "d")).await;
    upstream.expect(frames::req("d")).await;
    let to = |cid: &str| json!({"kind": "req", "cid": cid, "method": "ask", "meta": {"to": {"senderId": "1"}}});
    for cid in ["x", "y", "z"] {
        upstream.send(to(cid)).await;
    }
    upstream.expect(err("z", "RESOURCE_EXHAUSTED")).await;
}

// proves: relay.4
#[tokio::test(start_paused = true)]
async fn requests_are_refused_while_too_much_of_the_window_waits_for_the_upstream() {
    let (mut upstream, far) = memory::pair(MemoryConfig { capacity: 1, ..MemoryConfig::default() });
    let (relay, driver) = Relay::over(far, limited(Limits { soft_bytes: 2_000, ..Limits::default() }));
    tokio::spawn(driver);
    let (mut one, _one) = window(&relay, "1", "1");
    let (mut two, _two) = window(&relay, "2", "1");
    for n in 0..4 {
        one.send(frames::call(&format!("k{n}"), "m", json!("x".repeat(1_000)))).await;
        settled().await;
    }
    let refused = one.expect(err("k3", "RESOURCE_EXHAUSTED")).await;
    assert_eq!(refused["details"]["setting"], "limits.soft_bytes");
    two.send(req("t", "t")).await;
    settled().await;
    let mut senders = Vec::new();
    while senders.len() < 4 {
        let message = upstream.next().await.unwrap().unwrap();
        senders.push(serde_json::from_slice::<Value>(&message).unwrap()["meta"]["senderId"].clone());
    }
    // The first had been handed over; then the windows take turns.
    assert_eq!(senders, ["1", "1", "2", "1"]);
}

// proves: relay.4
#[tokio::test(start_paused = true)]
async fn windows_share_a_budget_and_each_gets_by_with_less_while_it_is_exceeded() {
    let budget = Budget::new(12_000);
    let limits = Limits { soft_bytes: 16_000, hard_bytes: 64_000, ..Limits::default() };
    let config = RelayConfig { budget: Some(budget.clone()), ..limited(limits) };
    let (mut upstream, far) = memory::pair(MemoryConfig { capacity: 1, ..MemoryConfig::default() });
    let (relay, driver) = Relay::over(far, config);
    let driving = tokio::spawn(driver);
    let (mut one, _one) = window(&relay, "1", "1");
    let (mut two, _two) = window(&relay, "2", "1");
    let body = || json!("x".repeat(2_000));
    for n in 0..8 {
        // What has left for the upstream's connection waits there.
        settled().await;
        one.send(frames::call(&format!("k{n}"), "m", body())).await;
        two.send(frames::call(&format!("k{n}"), "m", body())).await;
    }
    settled().await;
    assert!(budget.used() > 12_000 && budget.used() == relay.load().queued_bytes, "{}", budget.used());
    let refused = two.next().await;
    assert_eq!(refused["details"]["setting"], "limits.process_bytes", "{refused}");
    while budget.used() > 0 {
        upstream.next().await.unwrap().unwrap();
        settled().await;
        assert_eq!(budget.used(), relay.load().queued_bytes);
    }
    two.send(frames::call("again", "m", body())).await;
    two.send(frames::call("more", "m", body())).await;
    settled().await;
    assert!(budget.used() > 0);
    driving.abort();
    let _ = driving.await;
    drop((relay, _one, _two));
    assert_eq!(budget.used(), 0, "a relay that is dropped holds nothing");
}

// proves: relay.4
#[tokio::test]
async fn a_window_that_sends_garbage_is_detached_and_its_neighbour_is_not() {
    let (relay, mut upstream) = relay(limited(Limits { malformed: 16, ..Limits::default() }));
    let (mut one, handle) = window(&relay, "1", "1");
    let (mut two, _two) = window(&relay, "2", "1");
    for garbage in (0u8..16).map(|n| vec![n, b'{', 0xff, b'"']) {
        one.send_raw(garbage).await;
    }
    handle.closed().await;
    two.send(req("k", "m")).await;
    upstream.expect(frames::req("m")).await;
}

// proves: relay.4
#[tokio::test]
async fn a_message_that_is_too_long_is_refused_where_its_call_is_known() {
    let (relay, mut upstream) = relay(limited(Limits { message_bytes: 1_000, ..Limits::default() }));
    let (mut one, handle) = window(&relay, "1", "1");
    one.send(frames::call("k", "m", json!("x".repeat(2_000)))).await;
    one.expect(err("k", "RESOURCE_EXHAUSTED")).await;
    one.send(req("k", "short")).await;
    upstream.expect(frames::req("short")).await;
    one.send_raw(format!("[{}]", "1,".repeat(1_000))).await;
    handle.closed().await;
}

// proves: relay.4
#[tokio::test(start_paused = true)]
async fn requests_a_second_are_counted_for_each_window() {
    let (relay, mut upstream) = relay(limited(Limits { requests_per_second: Some(2), ..Limits::default() }));
    let (mut one, _one) = window(&relay, "1", "1");
    for cid in ["a", "b", "c"] {
        one.send(req(cid, "m")).await;
    }
    let refused = one.expect(err("c", "RESOURCE_EXHAUSTED")).await;
    assert!(refused["details"]["retryAfterMs"].as_u64().unwrap() <= 500);
    tokio::time::sleep(Duration::from_millis(600)).await;
    one.send(req("d", "d")).await;
    upstream.expect(frames::req("m")).await;
    upstream.expect(frames::req("m")).await;
    upstream.expect(frames::req("d")).await;
}

#[tokio::test(start_paused = true)]
async fn cancels_and_pings_do_not_wait_behind_data() {
    let (mut upstream, far) = memory::pair(MemoryConfig { capacity: 1, ..MemoryConfig::default() });
    let (relay, driver) = Relay::over(far, RelayConfig::default());
    tokio::spawn(driver);
    let (mut one, _one) = window(&relay, "1", "1");
    one.send(req("first", "first")).await;
    settled().await;
    for n in 0..20 {
        one.send(frames::call(&format!("k{n}"), "m", json!("x".repeat(1_000)))).await;
    }
    one.send(json!({"kind": "can", "cid": "first"})).await;
    one.send(json!({"kind": "can", "cid": "k19"})).await;
    one.send(json!({"kind": "req", "cid": "p", "method": "rpc.ping"})).await;
    one.expect(err("first", "CANCELLED")).await;
    one.expect(err("k19", "CANCELLED")).await;
    one.expect(json!({"kind": "res", "cid": "p"})).await;
    let mut kinds = Vec::new();
    for _ in 0..21 {
        let message = upstream.next().await.unwrap().unwrap();
        kinds.push(serde_json::from_slice::<Value>(&message).unwrap()["kind"].clone());
    }
    assert_eq!(kinds.iter().position(|kind| kind == "can"), Some(1), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "req").count(), 20, "an unsent request is taken back");
}

#[tokio::test]
async fn arbitrary_bytes_from_either_side_neither_panic_nor_pass() {
    let mut chances = fastrand::Rng::with_seed(7);
    let (relay, mut upstream) = relay(limited(Limits { malformed: u32::MAX, ..Limits::default() }));
    let seeds = [
        r#"{"kind":"req","cid":"a","method":"m","meta":{"lane":"x","to":{"senderId":"1"}},"payload":[1]}"#,
        r#"{"kind":"nxt","cid":"a","dir":"up","fc":{"upto":3}}"#,
        r#"{"kind":"res","cid":"","ok":true}"#,
    ];
    for _ in 0..300 {
        let (mut window, _handle): (Peer, _) = window(&relay, "1", "1");
        for _ in 0..5 {
            let mut bytes = seeds[chances.usize(..seeds.len())].as_bytes().to_vec();
            for _ in 0..chances.usize(0..4) {
                let at = chances.usize(..bytes.len());
                bytes[at] = chances.u8(..);
            }
            window.send_raw(bytes.clone()).await;
            if chances.usize(..10) == 0 {
                upstream.send_raw(bytes).await;
            }
        }
        window.send(json!({"kind": "req", "cid": "ping", "method": "rpc.ping"})).await;
        while window.next().await["cid"] != "ping" {}
    }
}
