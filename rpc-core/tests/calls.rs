//! How calls behave between two endpoints, and against a scripted peer.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sixframe_core::memory::MemoryConfig;
use sixframe_core::testing::{Peer, frames, joined, joined_with, settled};
use sixframe_core::{
    CallError, CallOptions, Config, Context, DISCOVER, DuplexMethod, Fault, HELLO, Hello, Load, Method, Router, Scope,
    Shape, StreamMethod, Timeout, UploadMethod, Upstream,
};

const ADD: Method<(i64, i64), i64> = Method::new("add").idempotent();
const HANG: Method<(), ()> = Method::new("hang");
const TICKS: StreamMethod<(), u64> = StreamMethod::new("ticks");
const NOW: Method<(), u64> = Method::new("now");

fn adder() -> Router {
    Router::new().function(ADD, |_, (a, b)| Ok::<_, Fault>(a + b))
}

/// Handlers that live until they are dropped, each with a clone of `alive`.
fn hanging(alive: &Arc<()>) -> Router {
    let (unary, streamed) = (alive.clone(), alive.clone());
    Router::new()
        .method(HANG, move |_, ()| {
            let alive = unary.clone();
            async move {
                std::future::pending::<()>().await;
                drop(alive);
                Ok::<_, Fault>(())
            }
        })
        .stream(TICKS, move |_, ()| {
            let alive = streamed.clone();
            stream::iter([1, 2]).chain(stream::pending()).map(move |n| {
                let _ = &alive;
                Ok::<u64, Fault>(n)
            })
        })
}

/// How many handlers of [`hanging`] live.
fn living(alive: &Arc<()>) -> usize {
    Arc::strong_count(alive) - 3
}

fn timeout(timeout: Duration) -> CallOptions {
    CallOptions { timeout: Timeout::After(timeout), ..CallOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn both_sides_call_each_other() {
    let (one, other) = joined(adder(), adder());
    let (a, b) = tokio::join!(one.request(&ADD, (1, 2)), other.request(&ADD, (3, 4)));
    assert_eq!((a.unwrap(), b.unwrap()), (3, 7));
    assert_eq!((one.load(), other.load()), (Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn a_handler_calls_back_into_the_peer_that_consumes_its_stream() {
    // proves: call.2
    let asked: StreamMethod<(), i64> = StreamMethod::new("asked");
    let server = Router::new().stream(asked, |cx: Context, ()| {
        stream::iter(1..=50).then(move |n| {
            let peer = cx.peer();
            async move { Ok::<i64, Fault>(peer.request(&ADD, (n, n)).await?) }
        })
    });
    let tiny = MemoryConfig { capacity: 64, ..MemoryConfig::default() };
    let (client, server) = joined_with(tiny, (Config::default(), adder()), (Config::default(), server));
    let items: Vec<i64> = client.stream(&asked, ()).values().map(Result::unwrap).collect().await;
    assert_eq!(items, (1..=50).map(|n| n + n).collect::<Vec<_>>());
    assert_eq!((client.load(), server.load()), (Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_drops_its_handler() {
    // proves: cancel.3
    let alive = Arc::new(());
    let (client, server) = joined(Router::new(), hanging(&alive));
    let call = client.request(&HANG, ());
    settled().await;
    assert_eq!((living(&alive), server.load().requests), (1, 1));
    drop(call);
    settled().await;
    assert_eq!((living(&alive), client.load(), server.load()), (0, Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_before_it_left_was_never_made() {
    // proves: cancel.2
    let (mut peer, endpoint) = Peer::connect(Router::new());
    drop(endpoint.request(&HANG, ()));
    peer.silent(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_while_its_next_item_is_awaited_drops_its_handler() {
    // proves: cancel.3
    let alive = Arc::new(());
    let (client, server) = joined(Router::new(), hanging(&alive));
    let mut ticks = client.stream(&TICKS, ());
    assert_eq!(ticks.next().await.unwrap().unwrap().data, 1);
    assert_eq!(ticks.next().await.unwrap().unwrap().data, 2);
    let waiting = tokio::spawn(async move { ticks.next().await.is_some() });
    settled().await;
    assert_eq!(living(&alive), 1);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    settled().await;
    assert_eq!((living(&alive), client.load(), server.load()), (0, Load::default(), Load::default()));
}

/// A → B → C: B's handlers call C on another connection, as children of A's request.
async fn hops(alive: &Arc<()>) -> (sixframe_core::RpcEndpoint, sixframe_core::RpcEndpoint) {
    let (to_c, c) = joined(Router::new(), hanging(alive));
    let through = Router::new()
        .method(HANG, {
            let to_c = to_c.clone();
            move |cx, ()| {
                let call = to_c.within(&cx).request(&HANG, ());
                async move { Ok::<_, Fault>(call.await?) }
            }
        })
        .stream(TICKS, move |cx, ()| to_c.within(&cx).stream(&TICKS, ()).values().map(|item| Ok::<_, Fault>(item?)));
    let (a, _b) = joined(Router::new(), through);
    (a, c)
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_call_cancels_its_children_hop_by_hop() {
    // proves: cancel.6
    let alive = Arc::new(());
    let (a, c) = hops(&alive).await;
    let call = a.request(&HANG, ());
    let mut ticks = a.stream(&TICKS, ());
    assert_eq!(ticks.next().await.unwrap().unwrap().data, 1);
    settled().await;
    assert_eq!((living(&alive), c.load().requests), (2, 2));
    drop((call, ticks));
    settled().await;
    assert_eq!((living(&alive), c.load()), (0, Load::default()));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_call_ends_its_children_hop_by_hop() {
    // proves: cancel.6, time.3, time.7
    let alive = Arc::new(());
    let (a, c) = hops(&alive).await;
    let call = a.with(timeout(Duration::from_secs(3))).request(&HANG, ());
    settled().await;
    assert_eq!(living(&alive), 1);
    assert_eq!(call.await.unwrap_err(), CallError::Timeout);
    settled().await;
    assert_eq!((living(&alive), a.load(), c.load()), (0, Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_outlives_its_parents_future_is_cancelled_all_the_same() {
    // proves: cancel.6
    let alive = Arc::new(());
    let (to_c, c) = joined(Router::new(), hanging(&alive));
    let (kept, mut outcome) = tokio::sync::mpsc::unbounded_channel();
    let through = Router::new().method(HANG, move |cx, ()| {
        let (call, kept) = (to_c.within(&cx).request(&HANG, ()), kept.clone());
        tokio::spawn(async move { kept.send(call.await) });
        std::future::pending::<Result<(), Fault>>()
    });
    let (a, _b) = joined(Router::new(), through);
    let call = a.request(&HANG, ());
    settled().await;
    assert_eq!(living(&alive), 1);
    drop(call);
    assert_eq!(outcome.recv().await.unwrap().unwrap_err(), CallError::Cancelled);
    settled().await;
    assert_eq!((living(&alive), c.load()), (0, Load::default()));
}

#[tokio::test(start_paused = true)]
async fn children_are_given_what_is_left_of_their_parents_time() {
    // proves: time.7
    let server = Router::new().method(NOW, |cx: Context, ()| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cx.peer().with(timeout(Duration::from_secs(60))).request(&NOW, ()).await
    });
    let (mut peer, _endpoint) = Peer::connect(server);
    let mut call = frames::call("1", "now", Value::Null);
    call["meta"] = json!({"timeoutMs": 10_000});
    peer.send(call).await;
    let child = peer.expect(frames::req("now")).await;
    assert_eq!(child["meta"]["timeoutMs"], 8000);
    peer.send(frames::res(&child, json!(5))).await;
    peer.expect(json!({"kind": "res", "cid": "1", "result": 5})).await;
}

#[tokio::test(start_paused = true)]
async fn a_default_timeout_ends_calls_for_one_answer_and_no_streams() {
    // proves: time.6
    let (mut peer, endpoint) = Peer::connect(Router::new());
    let mut ticks = endpoint.stream(&TICKS, ());
    let call = endpoint.request(&HANG, ());
    let opened = peer.expect(frames::req("ticks")).await;
    assert_eq!(opened["meta"]["timeoutMs"], Value::Null);
    let hang = peer.expect(json!({"kind": "req", "method": "hang", "meta": {"timeoutMs": 60_000}})).await;
    assert_eq!(call.await.unwrap_err().code(), "RPC_TIMEOUT");
    peer.expect(json!({"kind": "can", "cid": hang["cid"], "reason": "deadline"})).await;
    peer.silent(Duration::from_secs(3600)).await;
    peer.send(frames::nxt(&opened, 1, json!(9))).await;
    assert_eq!(ticks.next().await.unwrap().unwrap().data, 9);
}

#[derive(Debug, Serialize, Deserialize, PartialEq, schemars::JsonSchema)]
struct Place {
    name: String,
    at: Point,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, schemars::JsonSchema)]
struct Point {
    x: i32,
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_another_shape_is_refused_naming_where() {
    // proves: error.3
    let find: Method<Place, Place> = Method::new("find");
    let (mut peer, endpoint) = Peer::connect(Router::new().function(find, |_, place| Ok::<_, Fault>(place)));
    peer.send(frames::call("1", "find", json!({"name": "n", "at": {"x": "no"}}))).await;
    let refused = peer.expect(json!({"kind": "err", "code": "INVALID_PAYLOAD", "details": {"path": "at.x"}})).await;
    assert!(refused["details"]["expected"].as_str().unwrap().contains("i32"), "{refused}");

    let call = endpoint.request(&find, Place { name: "n".into(), at: Point { x: 1 } });
    let asked = peer.expect(frames::req("find")).await;
    peer.send(frames::res(&asked, json!({"name": "n", "at": {}}))).await;
    match call.await.unwrap_err() {
        CallError::Decode { path, message } => assert_eq!((path.as_str(), message.contains('x')), ("at", true)),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_of_another_shape_is_an_error_of_its_own() {
    let (mut peer, endpoint) = Peer::connect(Router::new());
    let mut ticks = endpoint.stream(&TICKS, ());
    let opened = peer.expect(frames::req("ticks")).await;
    peer.send(frames::nxt(&opened, 1, json!("one"))).await;
    peer.send(frames::nxt(&opened, 2, json!(2))).await;
    assert_eq!(ticks.next().await.unwrap().unwrap_err().code(), "INVALID_PAYLOAD");
    assert_eq!(ticks.next().await.unwrap().unwrap().data, 2);
}

#[tokio::test(start_paused = true)]
async fn a_method_without_parameters_takes_nothing_null_and_an_empty_object() {
    // proves: call.8
    #[derive(Deserialize, Serialize, schemars::JsonSchema)]
    struct Options {
        deep: Option<bool>,
    }
    let options: Method<Options, bool> = Method::new("options");
    let service = Router::new()
        .function(NOW, |_, ()| Ok::<_, Fault>(7))
        .function(options, |_, options| Ok::<_, Fault>(options.deep.unwrap_or(false)));
    let (mut peer, _endpoint) = Peer::connect(service);
    for method in ["now", "options"] {
        for payload in ["", ",\"payload\":null", ",\"payload\":{}"] {
            peer.send_raw(format!("{{\"kind\":\"req\",\"cid\":\"1\",\"method\":\"{method}\"{payload}}}")).await;
            let answer = peer.next().await;
            assert_eq!(answer["kind"], "res", "{method} with `{payload}`: {answer}");
        }
    }
    peer.send(frames::call("2", "now", json!([1]))).await;
    peer.expect(json!({"kind": "err", "cid": "2", "code": "INVALID_PAYLOAD"})).await;
}

fn panicking() -> Router {
    let unary = |name| Method::<(), ()>::new(name);
    Router::new()
        .function(unary("at once"), |_, ()| if true { panic!("hunter2") } else { Ok::<_, Fault>(()) })
        .method(unary("later"), |_, ()| async {
            tokio::task::yield_now().await;
            if true { panic!("hunter2") } else { Ok::<_, Fault>(()) }
        })
        .blocking(unary("elsewhere"), |_, ()| if true { panic!("hunter2") } else { Ok::<_, Fault>(()) })
        .stream(TICKS, |_, ()| {
            stream::iter([1, 2]).map(|n| if n == 2 { panic!("hunter2") } else { Ok::<u64, Fault>(n) })
        })
        .merge(adder())
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_without_its_text_and_harms_nothing_else() {
    // proves: call.5, error.4
    let (client, server) = joined(Router::new(), panicking());
    for method in ["at once", "later", "elsewhere"] {
        let error = client.request_raw::<_, ()>(method, ()).await.unwrap_err();
        assert_eq!(error.code(), "INTERNAL", "{method}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let mut ticks = client.stream(&TICKS, ());
    assert_eq!(ticks.next().await.unwrap().unwrap().data, 1);
    assert_eq!(ticks.next().await.unwrap().unwrap_err().code(), "INTERNAL");
    assert!(ticks.next().await.is_none());
    assert_eq!(client.request(&ADD, (1, 1)).await.unwrap(), 2);
    assert_eq!((client.load(), server.load()), (Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_told_to_tells_what_a_panic_said() {
    // proves: error.4
    let server = Config { expose_internal_errors: true, ..Config::default() };
    let (client, _server) =
        joined_with(MemoryConfig::default(), (Config::default(), Router::new()), (server, panicking()));
    let error = client.request_raw::<_, ()>("later", ()).await.unwrap_err();
    assert!(error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_blocking_handler_does_not_hold_up_the_connection() {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let wait: Method<(), u32> = Method::new("wait");
    let service = adder().blocking(wait, move |_, ()| {
        gate.lock().unwrap().recv().unwrap();
        Ok::<_, Fault>(3)
    });
    let (client, _server) = joined(Router::new(), service);
    let waiting = client.request(&wait, ());
    assert_eq!(client.request(&ADD, (1, 1)).await.unwrap(), 2);
    go.send(()).unwrap();
    assert_eq!(waiting.await.unwrap(), 3);
}

const SUM: UploadMethod<u64, u64, u64> = UploadMethod::new("sum");
const DOUBLE: DuplexMethod<(), u64, u64> = DuplexMethod::new("double");

fn uploads() -> Router {
    Router::new()
        .upload(SUM, |_, start, mut items: Upstream<u64>| async move {
            let mut sum = start;
            while let Some(item) = items.next().await {
                sum += item?;
            }
            Ok::<_, Fault>(sum)
        })
        .duplex(DOUBLE, |_, (), items: Upstream<u64>| items.map(|item| item.map(|n| n * 2)))
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_answered_once_and_a_duplex_item_by_item() {
    // proves: up.4, up.6
    let (client, server) = joined(Router::new(), uploads());
    let mut sum = client.upload(&SUM, 1000);
    for n in 1..=100 {
        assert!(sum.send(&n).await.unwrap());
    }
    assert_eq!(sum.finish().await.unwrap(), 6050);

    let (mut sender, mut doubled) = client.duplex(&DOUBLE, ());
    for n in 1..=100 {
        assert!(sender.send(&n).await.unwrap());
        assert_eq!(doubled.next().await.unwrap().unwrap().data, 2 * n);
    }
    sender.finish();
    assert!(doubled.next().await.is_none());
    assert_eq!((client.load(), server.load()), (Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn upstream_items_that_another_task_awaits_end_with_their_call() {
    // proves: up.6
    let (kept, mut outcomes) = tokio::sync::mpsc::unbounded_channel();
    let service = Router::new().upload(SUM, move |_, answers, mut items: Upstream<u64>| {
        let kept = kept.clone();
        tokio::spawn(async move { kept.send(items.next().await) });
        async move { if answers == 0 { std::future::pending().await } else { Ok::<_, Fault>(answers) } }
    });
    let (client, server) = joined(Router::new(), service);
    let cancelled = client.upload(&SUM, 0);
    settled().await;
    drop(cancelled);
    assert_eq!(outcomes.recv().await.unwrap().unwrap().unwrap_err().code, "CANCELLED");
    assert_eq!(client.upload(&SUM, 7).finish().await.unwrap(), 7);
    assert_eq!(outcomes.recv().await.unwrap().unwrap().unwrap_err().code, "CANCELLED");
    let lost = client.upload(&SUM, 0);
    settled().await;
    client.close(Duration::ZERO);
    assert_eq!(outcomes.recv().await.unwrap().unwrap().unwrap_err().code, "CANCELLED");
    settled().await;
    assert_eq!(server.load(), Load::default());
    drop(lost);
}

#[tokio::test(start_paused = true)]
async fn a_method_without_upstream_items_refuses_them() {
    // proves: up.10
    let (mut peer, _endpoint) = Peer::connect(adder());
    let mut call = frames::call("1", "add", json!([1, 2]));
    call["meta"] = json!({"up": {}});
    peer.send(call).await;
    peer.expect(json!({"kind": "err", "cid": "1", "code": "UNSUPPORTED"})).await;
}

#[tokio::test(start_paused = true)]
async fn the_document_of_rpc_discover_lists_every_method() {
    // proves: discover.4
    let find: Method<Place, Place> = Method::new("find").doc("Finds a place.").scope(Scope::Read);
    let service = uploads()
        .function(find, |_, place| Ok::<_, Fault>(place))
        .stream(TICKS, |_, ()| stream::pending::<Result<u64, Fault>>());
    let (client, _server) = joined(Router::new(), service);
    let document = client.request(&DISCOVER, ()).await.unwrap();
    let methods = document["methods"].as_array().unwrap();
    let names: Vec<&str> = methods.iter().map(|method| method["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["double", "find", "rpc.discover", "rpc.hello", "rpc.ping", "sum", "ticks"]);
    let find = &methods[1];
    assert_eq!((&find["summary"], &find["x-scope"]), (&json!("Finds a place."), &json!("read")));
    assert_eq!(find["params"][0]["schema"]["properties"]["name"]["type"], "string");
    assert_eq!((&methods[6]["x-shape"], &methods[6]["x-onLag"]), (&json!("stream"), &json!("block")));
    assert_eq!(methods[5]["x-upstream"]["format"], "uint64");
    let welcome = client.request(&HELLO, Hello::default()).await.unwrap();
    assert_eq!(document["x-methodsHash"], welcome.methods_hash);
    assert_eq!(SUM.info().shape, Shape::Upload);
}

#[tokio::test(start_paused = true)]
async fn a_hello_tells_what_the_server_can_do() {
    // proves: discover.1
    let (client, _server) = joined(Router::new(), adder());
    let welcome = client.request(&HELLO, Hello::default()).await.unwrap();
    assert_eq!(welcome.capabilities, ["fc", "ahead", "up", "resume", "lane"]);
    assert!(welcome.versions.contains(&"0.2".to_owned()) && welcome.versions.contains(&"0.3".to_owned()));
    assert_eq!((welcome.limits.depth, welcome.limits.in_flight), (64, 1024));
    let again = client.request(&HELLO, Hello::default()).await.unwrap();
    assert_eq!(again, welcome);
    let long = Hello { session: Some("x".repeat(129)), ..Hello::default() };
    assert_eq!(client.request(&HELLO, long).await.unwrap_err().code(), "INVALID_PAYLOAD");
}

#[tokio::test(start_paused = true)]
async fn fields_of_meta_reach_the_handler_unchanged() {
    // proves: meta.1, meta.2
    let echo: Method<(), Value> = Method::new("meta");
    let service = Router::new().function(echo, |cx: Context, ()| {
        Ok::<_, Fault>(json!([cx.sender_id(), cx.meta::<Value>("tenant"), cx.meta::<u8>("tenant"), cx.cid()]))
    });
    let (mut peer, endpoint) = Peer::connect(service.merge(Router::new()));
    let mut call = frames::call("c1", "meta", Value::Null);
    call["meta"] = json!({"senderId": 7, "tenant": {"name": "acme"}});
    peer.send(call).await;
    peer.expect(json!({"kind": "res", "result": [7, {"name": "acme"}, null, "c1"]})).await;

    let meta = json!({"tenant": "acme", "timeoutMs": 1}).as_object().unwrap().clone();
    let _call = endpoint.with(CallOptions { meta, ..CallOptions::default() }).request(&HANG, ());
    peer.expect(json!({"kind": "req", "meta": {"tenant": "acme", "timeoutMs": 60_000}})).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_sends_nothing() {
    // proves: time.7
    let (mut peer, endpoint) = Peer::connect(Router::new());
    let spent = endpoint.with(timeout(Duration::ZERO));
    assert_eq!(spent.request(&HANG, ()).await.unwrap_err().code(), "RPC_TIMEOUT");
    assert_eq!(spent.stream(&TICKS, ()).next().await.unwrap().unwrap_err().code(), "RPC_TIMEOUT");
    peer.silent(Duration::from_secs(1)).await;
    assert_eq!(endpoint.load(), Load::default());
}
