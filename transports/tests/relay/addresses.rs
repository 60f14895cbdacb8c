//! Ids, stamps and routes: what a relay writes into frames, and what it leaves alone.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::testing::frames::{self, res};
use sixframe_transports::relay::{Relay, RelayConfig, WindowId};

use crate::{err, relay, req, window};

// proves: relay.1
#[tokio::test]
async fn two_windows_with_the_same_ids_get_their_own_answers() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut one, _one) = window(&relay, "1", "1.1");
    let (mut two, _two) = window(&relay, "2", "2.1");
    one.send(req("k1", "a")).await;
    two.send(req("k1", "b")).await;
    let mut asked = [upstream.next().await, upstream.next().await];
    asked.sort_by_key(|frame| frame["method"].to_string());
    assert_ne!(asked[0]["cid"], asked[1]["cid"]);
    assert_eq!((&asked[0]["meta"]["senderId"], &asked[1]["meta"]["senderId"]), (&json!("1"), &json!("2")));
    upstream.send(res(&asked[1], json!("b"))).await;
    upstream.send(res(&asked[0], json!("a"))).await;
    assert_eq!(one.next().await, json!({"kind": "res", "cid": "k1", "ok": true, "result": "a"}));
    assert_eq!(two.next().await, json!({"kind": "res", "cid": "k1", "ok": true, "result": "b"}));
    crate::idle(&relay).await;
}

// proves: identity.1
#[tokio::test]
async fn what_a_window_claims_to_be_is_overwritten() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "3", "3.2");
    let claim = json!({"senderId": 1, "doc": "1.1", "tenant": "acme"});
    window.send(json!({"kind": "req", "cid": "a", "method": "m", "meta": claim})).await;
    let meta = upstream.next().await["meta"].clone();
    assert_eq!(meta, json!({"senderId": "3", "doc": "3.2", "tenant": "acme"}));
}

// proves: relay.3
#[tokio::test]
async fn a_key_that_stands_twice_does_not_pass() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "3", "3.2");
    for twice in [
        r#"{"kind":"req","cid":"a","method":"m","meta":{"senderId":"3","sender\u0049d":"root"}}"#,
        r#"{"kind":"req","cid":"a","method":"m","meta":{},"meta":{"senderId":"root"}}"#,
        r#"{"kind":"req","cid":"a","method":"m","payload":{"a":}}"#,
    ] {
        window.send_raw(twice).await;
        window.expect(err("a", "INVALID_FRAME")).await;
    }
    window.send_raw(r#"{"kind":"req","cid":"a","cid":"b","method":"m"}"#).await;
    let deep = format!(r#"{{"kind":"req","cid":"d","method":"m","payload":{}{}}}"#, "[".repeat(65), "]".repeat(65));
    window.send_raw(deep).await;
    window.expect(err("d", "RESOURCE_EXHAUSTED")).await;
    window.send(req("last", "fine")).await;
    upstream.expect(frames::req("fine")).await;
}

// proves: relay.2
#[tokio::test]
async fn a_hop_there_and_back_changes_nothing_but_the_id_and_the_stamp() {
    let (mut upstream, far) = memory::pair(MemoryConfig::default());
    let (relay, driver) = Relay::over(far, RelayConfig::default());
    tokio::spawn(driver);
    let (mut window, near) = memory::pair(MemoryConfig::default());
    let _handle = relay.attach(near, WindowId::new("3", "3.2"));
    let sent = " {\"kind\" : \"req\",\"cid\":\"k\",\"method\":\"m\",\"later\":[1.0, 1E2],\"meta\":{\"senderId\":9,\"x\" :\"\\u00e9\"},\"payload\":{\"b\":1, \"a\":\"\\/é\"}}";
    window.send(Bytes::from(sent)).await.unwrap();
    let passed = upstream.next().await.unwrap().unwrap();
    let passed = std::str::from_utf8(&passed).unwrap();
    let cid = serde_json::from_str::<serde_json::Value>(passed).unwrap()["cid"].as_str().unwrap().to_owned();
    let expected =
        sent.replace("\"k\"", &format!("\"{cid}\"")).replace("{\"senderId\":9", "{\"doc\":\"3.2\",\"senderId\":\"3\"");
    assert_eq!(passed, expected);
    let answer = |cid: &str| {
        format!("{{\"new\":{{ }},\"kind\":\"res\",\"cid\":\"{cid}\",\"ok\":true,\"result\":[1.50,\"\\t\"] }}")
    };
    upstream.send(Bytes::from(answer(&cid))).await.unwrap();
    assert_eq!(window.next().await.unwrap().unwrap(), answer("k"));
}

// proves: relay.1
#[tokio::test]
async fn lanes_are_prefixed_by_the_window() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut one, _one) = window(&relay, "1", "1");
    let (mut two, _two) = window(&relay, "2", "1");
    let meta = json!({"lane": "hub"});
    one.send(json!({"kind": "req", "cid": "a", "method": "m", "meta": meta})).await;
    upstream.expect(json!({"kind": "req", "meta": {"lane": "1/hub"}})).await;
    two.send(json!({"kind": "req", "cid": "a", "method": "m", "meta": meta})).await;
    upstream.expect(json!({"kind": "req", "meta": {"lane": "2/hub"}})).await;
}

// proves: relay.5
#[tokio::test]
async fn hello_and_ping_are_answered_by_the_relay() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "1", "1");
    window.send(json!({"kind": "req", "cid": "p", "method": "rpc.ping", "payload": [7]})).await;
    assert_eq!(window.next().await, json!({"kind": "res", "cid": "p", "ok": true, "result": [7]}));
    window.send(req("h", "rpc.hello")).await;
    let asked = upstream.expect(frames::req("rpc.hello")).await;
    upstream.send(res(&asked, json!({"capabilities": ["up", "fc", "att:bin"], "methodsHash": "x"}))).await;
    let welcome = window.next().await["result"].clone();
    for field in ["versions", "limits", "serverId", "epoch"] {
        assert!(!welcome[field].is_null(), "{field} is missing");
    }
    assert_eq!(welcome["capabilities"], json!(["up", "fc"]), "what both the relay and its upstream have");
    assert!(welcome["methodsHash"].is_null(), "the methods are not the relay's");
    upstream.send(json!({"kind": "req", "cid": "p", "method": "rpc.ping"})).await;
    upstream.expect(json!({"kind": "res", "cid": "p", "result": null})).await;
    window.send(req("d", "rpc.discover")).await;
    upstream.expect(frames::req("rpc.discover")).await;
}

// proves: relay.5, relay.9
#[tokio::test]
async fn a_window_is_told_what_the_upstream_can_do_and_the_upstream_of_no_session() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "1", "1");
    let hello = |cid: &str| {
        let (meta, payload) = (json!({"token": "secret"}), json!({"session": "s-1", "name": "main"}));
        json!({"kind": "req", "cid": cid, "method": "rpc.hello", "meta": meta, "payload": payload})
    };
    window.send(hello("a")).await;
    let asked = upstream.next().await;
    assert_eq!(asked["meta"], json!({"senderId": "1", "doc": "1"}), "no token is passed on");
    assert!(asked["payload"].is_null(), "nor is a session: {asked}");
    upstream.send(json!({"kind": "err", "cid": asked["cid"], "code": "NO_HANDLER", "message": ""})).await;
    window.expect(json!({"kind": "res", "cid": "a", "result": {"capabilities": []}})).await;

    window.send(hello("b")).await;
    let asked = upstream.next().await;
    upstream.send(json!({"kind": "err", "cid": asked["cid"], "code": "UNAUTHORIZED", "message": "not you"})).await;
    window.expect(json!({"kind": "err", "cid": "b", "code": "UNAUTHORIZED", "message": "not you"})).await;

    upstream.send(req("u", "rpc.hello")).await;
    upstream.expect(json!({"kind": "res", "cid": "u", "result": {"capabilities": []}})).await;
    upstream.send(json!({"kind": "req", "cid": "v", "method": "rpc.hello", "meta": {"to": {"senderId": "1"}}})).await;
    window.expect(frames::req("rpc.hello")).await;
}

// proves: identity.4
#[tokio::test]
async fn the_upstream_calls_the_window_that_it_names() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut one, _one) = window(&relay, "1", "1.1");
    let (mut two, _two) = window(&relay, "2", "2.1");
    let to = |to: serde_json::Value| json!({"kind": "req", "cid": "u", "method": "ask", "meta": {"to": to}});
    for there in [json!({"senderId": "2", "doc": "2.1"}), json!({"senderId": 2}), json!({"senderId": "2", "doc": null})]
    {
        upstream.send(to(there)).await;
        let asked = two.expect(frames::req("ask")).await;
        two.send(res(&asked, json!("yes"))).await;
        upstream.expect(json!({"kind": "res", "cid": "u", "result": "yes"})).await;
    }
    for nowhere in [json!({"senderId": "9"}), json!({"senderId": "2", "doc": "2.0"}), json!(null)] {
        upstream.send(to(nowhere)).await;
        upstream.expect(err("u", "NOT_FOUND")).await;
    }
    upstream.send(to(json!({"senderId": ["2"]}))).await;
    upstream.expect(err("u", "INVALID_FRAME")).await;
    one.send(req("k", "alive")).await;
    upstream.expect(frames::req("alive")).await;
}

// proves: identity.3
#[tokio::test]
async fn a_new_document_fences_the_old_one() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut old, old_handle) = window(&relay, "3", "3.1");
    old.send(req("k", "slow")).await;
    let slow = upstream.expect(frames::req("slow")).await;
    let (mut new, _new) = window(&relay, "3", "3.2");
    old_handle.closed().await;
    assert_eq!(old.closed().await, Vec::<serde_json::Value>::new());
    upstream.expect(frames::can(&slow)).await;
    upstream.send(res(&slow, json!("for nobody"))).await;
    let to = json!({"to": {"senderId": "3", "doc": "3.1"}});
    upstream.send(json!({"kind": "req", "cid": "u", "method": "ask", "meta": to})).await;
    upstream.expect(err("u", "NOT_FOUND")).await;
    new.send(req("k", "fast")).await;
    let fast = upstream.expect(json!({"kind": "req", "method": "fast", "meta": {"doc": "3.2"}})).await;
    upstream.send(res(&fast, json!(1))).await;
    new.expect(json!({"kind": "res", "cid": "k", "result": 1})).await;
    drop(old_handle);
    new.send(req("k2", "still")).await;
    upstream.expect(frames::req("still")).await;
}

// proves: relay.1
#[tokio::test]
async fn a_window_cannot_answer_or_cancel_what_is_not_its_own() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut one, _one) = window(&relay, "1", "1");
    let (mut two, _two) = window(&relay, "2", "1");
    one.send(req("k", "m")).await;
    let asked = upstream.next().await;
    two.send(res(&asked, json!("forged"))).await;
    two.send(json!({"kind": "can", "cid": asked["cid"]})).await;
    two.send(json!({"kind": "can", "cid": "k"})).await;
    two.send(req("mine", "after")).await;
    upstream.expect(frames::req("after")).await;
    upstream.send(res(&asked, json!("true"))).await;
    one.expect(json!({"kind": "res", "cid": "k", "result": "true"})).await;
    assert_eq!(relay.load().dropped, 3);
}

#[tokio::test]
async fn a_cid_that_is_in_use_ends_its_call() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "1", "1");
    window.send(req("k", "m")).await;
    let asked = upstream.expect(frames::req("m")).await;
    window.send(req("k", "m")).await;
    upstream.expect(frames::can(&asked)).await;
    window.expect(err("k", "DUPLICATE_CID")).await;
    upstream.send(res(&asked, json!("late"))).await;
    window.send(req("k", "again")).await;
    let again = upstream.expect(frames::req("again")).await;
    upstream.send(res(&again, json!(2))).await;
    window.expect(json!({"kind": "res", "cid": "k", "result": 2})).await;
    crate::idle(&relay).await;
}

#[tokio::test]
async fn a_cancel_passes_and_is_answered_once() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "1", "1");
    window.send(req("k", "m")).await;
    let asked = upstream.expect(frames::req("m")).await;
    window.send(json!({"kind": "can", "cid": "k", "reason": "user", "later": 1})).await;
    upstream.expect(json!({"kind": "can", "cid": asked["cid"], "reason": "user", "later": 1})).await;
    window.expect(err("k", "CANCELLED")).await;
    upstream.send(frames::err(&asked, "CANCELLED", "as asked")).await;
    window.send(json!({"kind": "req", "cid": "p", "method": "rpc.ping"})).await;
    window.expect(json!({"kind": "res", "cid": "p"})).await;
    crate::idle(&relay).await;
}

#[tokio::test]
async fn a_malformed_answer_fails_its_call_on_both_sides() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, _handle) = window(&relay, "1", "1");
    window.send(req("k", "m")).await;
    let asked = upstream.expect(frames::req("m")).await;
    upstream.send_raw(format!(r#"{{"kind":"res","cid":{},"ok":false}}"#, asked["cid"])).await;
    window.expect(err("k", "INVALID_FRAME")).await;
    upstream.expect(frames::can(&asked)).await;
}
