//! The rules that a state machine cannot show: what endpoint, router and driver do around it, against a peer that is
//! played frame by frame.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sixframe_core::memory::MemoryTransport;
use sixframe_core::testing::Peer;
use sixframe_core::{
    CallOptions, Code, Config, Connecting, Context, Fault, Identity, Method, Router, StreamMethod, Timeout,
    TransportError, reconnecting,
};

const ECHO: Method<Value, Value> = Method::new("echo");
const CHILD: Method<(), Value> = Method::new("child");
const PARENT: Method<(), Value> = Method::new("parent");
const PLAIN: Method<(), Value> = Method::new("plain");
const PANICS: Method<(), Value> = Method::new("panics");
const WATCH: StreamMethod<(), Value> = StreamMethod::new("watch").resumable();

async fn ask(peer: &mut Peer, method: &str, meta: Value) -> Value {
    peer.send(json!({"kind": "req", "cid": "p1", "method": method, "meta": meta})).await;
    peer.next().await
}

/// A handler that waits for the peer's answer to a call of its own.
async fn call_back(context: Context, _: ()) -> Result<Value, Fault> {
    Ok(context.peer().request(&CHILD, ()).await?)
}

fn parent() -> Router {
    Router::new().method(PARENT, call_back)
}

// proves: call.9, error.3
#[tokio::test]
async fn a_method_that_is_not_there_is_named_in_the_answer() {
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), Router::new());
    let answer = ask(&mut peer, "nowhere", json!({})).await;
    assert_eq!((&answer["kind"], &answer["code"]), (&json!("err"), &json!(Code::NO_HANDLER)));
    assert_eq!(answer["details"]["method"], "nowhere");
}

// proves: call.8
#[tokio::test]
async fn a_method_without_parameters_takes_none_null_and_an_empty_object() {
    let router = Router::new().function(PLAIN, |_, ()| Ok::<_, Fault>(json!(1)));
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    for (cid, payload) in [("p1", None), ("p2", Some(json!(null))), ("p3", Some(json!({})))] {
        let mut frame = json!({"kind": "req", "cid": cid, "method": "plain"});
        if let Some(payload) = payload {
            frame["payload"] = payload;
        }
        peer.send(frame).await;
        assert_eq!(peer.next().await, json!({"kind": "res", "cid": cid, "ok": true, "result": 1}));
    }
}

// proves: up.10
#[tokio::test]
async fn a_method_without_upstream_items_refuses_a_call_that_announces_them() {
    let ran = Arc::new(Mutex::new(false));
    let seen = ran.clone();
    let router = Router::new().function(PLAIN, move |_, ()| {
        *seen.lock().unwrap() = true;
        Ok::<_, Fault>(json!(1))
    });
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    let answer = ask(&mut peer, "plain", json!({"up": {}})).await;
    assert_eq!((&answer["kind"], &answer["code"]), (&json!("err"), &json!(Code::UNSUPPORTED)));
    assert!(!*ran.lock().unwrap(), "the handler ran");
}

fn panics() -> Router {
    Router::new().function(PANICS, |_, ()| -> Result<Value, Fault> { panic!("secret/path") })
}

// proves: error.4, call.5
#[tokio::test]
async fn a_panic_is_answered_without_its_text() {
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), panics());
    let answer = ask(&mut peer, "panics", json!({})).await;
    assert_eq!(answer["code"], Code::INTERNAL);
    assert!(!answer.to_string().contains("secret"), "{answer}");
}

// proves: error.4
#[tokio::test]
async fn a_panic_is_told_where_the_server_was_told_to() {
    let config = Config { expose_internal_errors: true, ..Config::default() };
    let (mut peer, _endpoint) = Peer::connect_with(config, panics());
    assert!(ask(&mut peer, "panics", json!({})).await["message"].as_str().unwrap().contains("secret/path"));
}

// proves: discover.1
#[tokio::test]
async fn hello_says_what_the_endpoint_can_do_every_time() {
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), Router::new());
    let first = ask(&mut peer, "rpc.hello", json!({})).await;
    let second = ask(&mut peer, "rpc.hello", json!({"token": "fresh"})).await;
    assert_eq!(first, second);
    assert_eq!(first["kind"], "res", "{first}");
    for field in ["versions", "capabilities", "limits", "serverId", "epoch", "methodsHash"] {
        assert!(!first["result"][field].is_null(), "{field} is missing");
    }
}

// proves: discover.1
#[tokio::test]
async fn hello_tells_the_name_that_the_server_was_given_and_the_process_s_epoch() {
    let named = Router::new().merge(Router::new().server_id("one-of-ours"));
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), named);
    let welcome = ask(&mut peer, "rpc.hello", json!({})).await["result"].clone();
    let (mut peer, _other) = Peer::connect_with(Config::default(), Router::new());
    let unnamed = ask(&mut peer, "rpc.hello", json!({})).await["result"].clone();
    assert_eq!(welcome["serverId"], "one-of-ours");
    assert_eq!((&welcome["epoch"], &unnamed["serverId"]), (&unnamed["epoch"], &unnamed["epoch"]));
}

// proves: discover.4
#[tokio::test]
async fn discovery_describes_every_method() {
    let (mut peer, _endpoint) =
        Peer::connect_with(Config::default(), parent().function(PLAIN, |_, ()| Ok::<_, Fault>(json!(1))));
    let document = ask(&mut peer, "rpc.discover", json!({})).await["result"].clone();
    assert!(document["openrpc"].is_string());
    let methods = document["methods"].as_array().unwrap();
    let names: Vec<&str> = methods.iter().filter_map(|method| method["name"].as_str()).collect();
    assert_eq!(names, ["parent", "plain", "rpc.discover", "rpc.hello", "rpc.ping"]);
    assert!(methods.iter().all(|method| !method["result"]["schema"].is_null()));
}

// proves: cancel.6
#[tokio::test]
async fn cancelling_a_request_cancels_what_its_handler_called() {
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), parent());
    let child = ask(&mut peer, "parent", json!({})).await;
    peer.send(json!({"kind": "can", "cid": "p1"})).await;
    let frames = [peer.next().await, peer.next().await];
    assert!(frames.iter().any(|frame| frame["kind"] == "can" && frame["cid"] == child["cid"]), "{frames:?}");
    assert!(frames.iter().any(|frame| frame["code"] == Code::CANCELLED && frame["cid"] == "p1"), "{frames:?}");
}

// proves: time.7
#[tokio::test(start_paused = true)]
async fn a_child_call_has_what_is_left_of_its_parents_time() {
    let waiting = |context: Context, (): ()| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        call_back(context, ()).await
    };
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), Router::new().method(PARENT, waiting));
    let child = ask(&mut peer, "parent", json!({"timeoutMs": 10_000})).await;
    let left = child["meta"]["timeoutMs"].as_u64().unwrap();
    assert!((7_900..=8_000).contains(&left), "{left} ms are left");
}

// proves: time.6
#[tokio::test(start_paused = true)]
async fn the_default_timeout_is_for_calls_of_one_answer() {
    let config = Config { timeout: Some(Duration::from_secs(5)), ..Config::default() };
    let (mut peer, endpoint) = Peer::connect_with(config, Router::new());
    let call = tokio::spawn(endpoint.request(&CHILD, ()));
    assert_eq!(peer.next().await["meta"]["timeoutMs"], 5_000);
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::RPC_TIMEOUT);
    let _items = endpoint.stream_raw::<(), Value>("s", ());
    let can = peer.next().await;
    assert_eq!((&can["kind"], &can["reason"]), (&json!("can"), &json!("deadline")));
    assert!(peer.next().await["meta"].get("timeoutMs").is_none());
}

// proves: meta.6
#[tokio::test]
async fn a_token_is_not_handed_on_to_child_calls() {
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), parent());
    let child = ask(&mut peer, "parent", json!({"token": "s3cret", "tenant": "acme"})).await;
    assert_eq!(child["method"], "child");
    assert!(!child.to_string().contains("s3cret"), "{child}");
}

// proves: cid.3
#[tokio::test]
async fn two_endpoints_make_ids_that_differ() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (mut peer, endpoint) = Peer::connect_with(Config::default(), Router::new());
        let options = CallOptions { timeout: Timeout::Never, ..CallOptions::default() };
        let _call = tokio::spawn(endpoint.with(options).request(&CHILD, ()));
        ids.push(peer.next().await["cid"].clone());
    }
    assert_ne!(ids[0], ids[1]);
}

// proves: discover.6
#[tokio::test(start_paused = true)]
async fn a_peer_that_gives_no_sign_of_life_is_gone() {
    let config = Config { heartbeat: Some(Duration::from_secs(3)), timeout: None, ..Config::default() };
    let (mut peer, endpoint) = Peer::connect_with(config, Router::new());
    let call = tokio::spawn(endpoint.request(&CHILD, ()));
    assert_eq!(peer.next().await["method"], "child");
    assert_eq!(peer.next().await["method"], "rpc.ping");
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::INDETERMINATE);
}

// proves: resume.4
#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_made_again_by_the_connector_and_its_stream_goes_on() {
    let ((mut first, one), (mut second, two)) = (Peer::pair(), Peer::pair());
    let mut transports = vec![two, one];
    let connector = move || -> Connecting<MemoryTransport> {
        let next = transports.pop().map(|transport| (transport, Identity::default()));
        Box::pin(async move { next.ok_or_else(|| TransportError::permanent("there is no other connection", None)) })
    };
    let (endpoint, driver) = reconnecting(Config::default(), connector, Router::new());
    tokio::spawn(driver);
    let mut items = endpoint.stream(&WATCH, ());
    let request = first.next().await;
    let item = json!({"kind": "nxt", "cid": request["cid"], "seq": 1, "fc": 1, "epoch": "x9", "pos": 7, "data": 1});
    first.send(item).await;
    assert_eq!(items.next().await.unwrap().unwrap().data, 1);
    drop(first);
    let again = second.next().await;
    assert_eq!(again["meta"]["resume"], json!({"epoch": "x9", "after": 7}));
    assert_ne!(again["cid"], request["cid"]);
}

// proves: limit.3
#[tokio::test]
async fn a_payload_that_is_nested_too_deep_is_refused_whatever_its_handler_reads() {
    let router = Router::new().function(ECHO, |_, value| Ok::<_, Fault>(value));
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    for depth in [70, 200] {
        let payload = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        peer.send_raw(format!(r#"{{"kind":"req","cid":"p1","method":"echo","payload":{payload}}}"#)).await;
        let answer = peer.next().await;
        assert_eq!(answer["code"], Code::RESOURCE_EXHAUSTED, "{depth}: {answer}");
        assert_eq!(answer["details"]["setting"], "limits.depth");
    }
}

// proves: frame.1, frame.7
#[tokio::test]
async fn a_payload_that_is_no_json_is_an_invalid_frame_whatever_its_handler_reads() {
    let router = Router::new().function(ECHO, |_, value| Ok::<_, Fault>(value));
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    for payload in ["[1,]", "{\"a\":1", "1 2", "nul", "\"\u{1}\"", "01"] {
        peer.send_raw(format!(r#"{{"kind":"req","cid":"p1","method":"echo","payload":{payload}}}"#)).await;
        assert_eq!(peer.next().await["code"], Code::INVALID_FRAME, "{payload}");
    }
}
