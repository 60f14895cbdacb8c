//! Middleware, each over answers that are there, that will come, and streams.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sixframe_core::layers::{self, Concurrency, Metrics, Operations};
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::testing::{Disturbance, FaultTransport, Faults, Peer, Rule, frames, settled};
use sixframe_core::{
    Config, Fault, HELLO, Hello, Identity, Method, Owners, Payload, Reply, Router, RpcEndpoint, Scope, Scopes, Service,
    StreamMethod, connect, connect_with,
};
use tokio::sync::{Notify, Semaphore};

const READY: Method<Value, Value> = Method::new("ready").scope(Scope::Read);
const LATER: Method<Value, Value> = Method::new("later");
const NEVER: Method<Value, Value> = Method::new("never");
const PANIC: Method<Value, Value> = Method::new("panic");
const COUNT: StreamMethod<u64, u64> = StreamMethod::new("count");
const ENDLESS: StreamMethod<(), u64> = StreamMethod::new("endless").scope(Scope::Admin);

fn router() -> Router {
    Router::new()
        .function(READY, |_, value| Ok::<_, Fault>(value))
        .method(LATER, |_, value| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok::<_, Fault>(value)
        })
        .method(NEVER, |_, _| std::future::pending::<Result<Value, Fault>>())
        .method(PANIC, |_, _| async { if true { panic!("secret") } else { Ok::<_, Fault>(Value::Null) } })
        .stream(COUNT, |_, upto| stream::iter((1..=upto).map(Ok::<u64, Fault>)))
        .stream(ENDLESS, |_, ()| stream::pending::<Result<u64, Fault>>())
}

/// A client of `service`, whose connection grants `scopes`.
fn client(service: impl Into<Arc<dyn Service>>, scopes: Scopes) -> RpcEndpoint {
    client_as(Identity { scopes, ..memory::identity() }, service)
}

fn client_as(identity: Identity, service: impl Into<Arc<dyn Service>>) -> RpcEndpoint {
    let (near, far) = memory::pair(MemoryConfig::default());
    let (_, server) = connect_with(Config { identity, ..Config::default() }, far, service);
    let (endpoint, driver) = connect(near, Router::new());
    tokio::spawn(server);
    tokio::spawn(driver);
    endpoint
}

async fn code_of<R: Debug>(answer: impl Future<Output = Result<R, sixframe_core::CallError>>) -> String {
    answer.await.unwrap_err().code().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_peer_from_which_scopes_were_taken_is_told_why() {
    let scopes = Scopes::NONE.with(Scope::Read);
    let identity = Identity { scopes, restrained: Some("it is a guest"), ..memory::identity() };
    let guest = client_as(identity, router().layer(layers::authorize()));
    let refused = guest.request(&LATER, json!(1)).await.unwrap_err().to_string();
    assert!(refused.contains("the connection grants {Read}, because it is a guest"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_may_call_what_its_scopes_allow() {
    let calls = || router().layer(layers::authorize());
    let client_of = |scopes| client(calls(), scopes);
    let reader = client_of(Scopes::NONE.with(Scope::Read));
    assert_eq!(reader.request(&READY, json!(1)).await.unwrap(), 1);
    let refused = reader.request(&LATER, json!(1)).await.unwrap_err();
    assert_eq!((refused.code(), refused.details().unwrap()), ("FORBIDDEN", &json!({"scope": "call"})));
    assert!(refused.to_string().contains("later needs the scope \"call\""), "{refused}");
    assert_eq!(code_of(reader.request_raw::<_, Value>("unknown", ())).await, "FORBIDDEN");

    let caller = client_of(Scopes::NONE.with(Scope::Call));
    assert_eq!(caller.request(&LATER, json!(1)).await.unwrap(), 1);
    assert_eq!(code_of(caller.request_raw::<_, Value>("unknown", ())).await, "NO_HANDLER");
    assert_eq!(caller.stream(&COUNT, 3).values().count().await, 3);
    assert_eq!(caller.stream(&ENDLESS, ()).next().await.unwrap().unwrap_err().code(), "FORBIDDEN");

    let nobody = client_of(Scopes::NONE);
    assert_eq!(code_of(nobody.request(&READY, json!(1))).await, "UNAUTHORIZED");
    assert_eq!(code_of(nobody.request(&HELLO, Hello::default())).await, "UNAUTHORIZED");
}

#[tokio::test(start_paused = true)]
async fn no_request_runs_longer_than_the_cap() {
    // proves: time.5
    let service = router().layer(layers::deadline_cap(Duration::from_secs(2)));
    let (mut peer, endpoint) = Peer::connect(service);
    let start = tokio::time::Instant::now();
    peer.send(frames::call("1", "never", Value::Null)).await;
    peer.send(frames::open("2", "endless", Value::Null, 8)).await;
    peer.send(frames::call("3", "ready", json!(3))).await;
    peer.expect(json!({"kind": "res", "cid": "3"})).await;
    peer.expect(json!({"kind": "err", "cid": "1", "code": "RPC_TIMEOUT"})).await;
    peer.expect(json!({"kind": "err", "cid": "2", "code": "RPC_TIMEOUT"})).await;
    assert_eq!(start.elapsed().as_secs(), 2);
    let mut hurried = frames::call("4", "never", Value::Null);
    hurried["meta"] = json!({"timeoutMs": 500});
    peer.send(hurried).await;
    peer.expect(json!({"kind": "err", "cid": "4", "code": "RPC_TIMEOUT"})).await;
    assert_eq!(start.elapsed().as_millis() / 100, 25);
    assert_eq!(endpoint.load(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_handler_inherit_the_cap() {
    let service = Router::new()
        .method(LATER, |cx, value| async move { cx.peer().request(&NEVER, value).await })
        .layer(layers::deadline_cap(Duration::from_secs(2)));
    let (mut peer, _endpoint) = Peer::connect(service);
    peer.send(frames::call("1", "later", json!(1))).await;
    let child = peer.expect(frames::req("never")).await;
    assert_eq!(child["meta"]["timeoutMs"], 2000);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_concurrency_limit_requests_wait_in_order_and_then_are_refused() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let wait: Method<u64, u64> = Method::new("wait");
    let service = Router::new()
        .method(wait, move |_, n| {
            let gate = gate.clone();
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, Fault>(n)
            }
        })
        .stream(COUNT, |_, upto| stream::iter((1..=upto).map(Ok::<u64, Fault>)))
        .layer(layers::concurrency_limit(Concurrency { running: 1, waiting: 2, ..Concurrency::default() }));
    let client = client(service, Scopes::ALL);
    let (one, two) = (client.request(&wait, 1), client.request(&wait, 2));
    let mut count = client.stream(&COUNT, 3);
    settled().await;
    let refused = client.request(&wait, 4).await.unwrap_err();
    assert_eq!(refused.code(), "RESOURCE_EXHAUSTED");
    assert_eq!(refused.details().unwrap()["setting"], "concurrency.running");
    assert_eq!(code_of(client.request_raw::<_, Value>("unknown", ())).await, "RESOURCE_EXHAUSTED");

    drop(two);
    opened.add_permits(1);
    assert_eq!(one.await.unwrap(), 1);
    for n in 1..=3 {
        assert_eq!(count.next().await.unwrap().unwrap().data, n);
    }
    assert!(count.next().await.is_none());
    opened.add_permits(1);
    assert_eq!(client.request(&wait, 5).await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_its_permit_until_it_is_dropped() {
    let limit = Concurrency { running: 1, ..Concurrency::default() };
    let client = client(router().layer(layers::concurrency_limit(limit)), Scopes::ALL);
    let endless = client.stream(&ENDLESS, ());
    settled().await;
    assert_eq!(code_of(client.request(&READY, json!(1))).await, "RESOURCE_EXHAUSTED");
    drop(endless);
    settled().await;
    assert_eq!(client.request(&READY, json!(1)).await.unwrap(), 1);
    assert_eq!(code_of(client.request(&PANIC, json!(1))).await, "INTERNAL");
    assert_eq!(client.request(&READY, json!(1)).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn metrics_count_every_request_once() {
    let metrics = Metrics::new();
    let client = client(router().layer(metrics.layer()), Scopes::ALL);
    client.request(&READY, json!("four")).await.unwrap();
    client.request(&LATER, json!(1)).await.unwrap();
    assert_eq!(client.stream(&COUNT, 12).values().count().await, 12);
    assert_eq!(code_of(client.request(&PANIC, json!(1))).await, "INTERNAL");
    assert_eq!(code_of(client.request_raw::<_, Value>("unknown", ())).await, "NO_HANDLER");
    let never = client.request(&NEVER, json!(1));
    settled().await;
    assert_eq!(metrics.snapshot().methods["never"].in_flight, 1);
    drop(never);
    let late = sixframe_core::CallOptions {
        timeout: sixframe_core::Timeout::After(Duration::from_secs(1)),
        ..Default::default()
    };
    assert_eq!(code_of(client.with(late).request(&NEVER, json!(1))).await, "RPC_TIMEOUT");
    settled().await;

    let methods = metrics.snapshot().methods;
    let ready = &methods["ready"];
    assert_eq!((ready.requests, ready.in_flight, ready.bytes_in, ready.bytes_out), (1, 0, 6, 6));
    let later = &methods["later"];
    assert_eq!((later.latency.len(), later.latency.iter().sum::<u64>()), (13, 1), "5 ms are 2^12 to 2^13 µs");
    assert_eq!((methods["count"].requests, methods["count"].bytes_out), (1, 15));
    assert_eq!(methods["panic"].errors, [("INTERNAL".to_owned(), 1)].into());
    assert_eq!(methods["(unknown)"].errors, [("NO_HANDLER".to_owned(), 1)].into());
    let never = &methods["never"];
    assert_eq!((never.requests, never.in_flight), (2, 0));
    assert_eq!(never.errors, [("CANCELLED".to_owned(), 1), ("RPC_TIMEOUT".to_owned(), 1)].into());
    let text = serde_json::to_string(&metrics.snapshot()).unwrap();
    assert_eq!(serde_json::from_str::<layers::MetricsSnapshot>(&text).unwrap(), metrics.snapshot());
}

/// A handler that counts its runs and waits to be let go.
fn operation(runs: &Arc<AtomicUsize>, go: &Arc<Notify>) -> Router {
    let (runs, go) = (runs.clone(), go.clone());
    router().method(Method::<Value, usize>::new("operate"), move |_, _| {
        let (run, go) = (runs.fetch_add(1, Ordering::SeqCst) + 1, go.clone());
        async move {
            go.notified().await;
            if run == 13 { Err(Fault::new("UNLUCKY", "thirteen")) } else { Ok(run) }
        }
    })
}

fn with_op(endpoint: &RpcEndpoint, op: &str) -> RpcEndpoint {
    endpoint.with(sixframe_core::CallOptions { op: Some(op.into()), ..Default::default() })
}

#[tokio::test(start_paused = true)]
async fn a_repeated_operation_gets_the_first_ones_outcome() {
    // proves: close.5
    let (runs, go) = (Arc::default(), Arc::default());
    let client = client(operation(&runs, &go).layer(layers::operations(Operations::default())), Scopes::ALL);
    let call = |op| with_op(&client, op).request_raw::<_, usize>("operate", ());
    let (one, again) = (call("a"), call("a"));
    settled().await;
    go.notify_one();
    assert_eq!((one.await.unwrap(), again.await.unwrap()), (1, 1));
    assert_eq!(call("a").await.unwrap(), 1);
    assert_eq!(code_of(with_op(&client, "a").request(&READY, json!(1))).await, "CONFLICT");
    runs.store(12, Ordering::SeqCst);
    let failing = call("b");
    settled().await;
    go.notify_one();
    assert_eq!((code_of(failing).await, code_of(call("b")).await), ("UNLUCKY".into(), "UNLUCKY".into()));
    let cancelled = call("c");
    settled().await;
    drop(cancelled);
    settled().await;
    let anew = call("c");
    settled().await;
    go.notify_one();
    assert_eq!(anew.await.unwrap(), 15);
    assert_eq!(code_of(with_op(&client, &"x".repeat(129)).request(&READY, json!(1))).await, "INVALID_PAYLOAD");
    assert_eq!(code_of(with_op(&client, "p").request(&PANIC, json!(1))).await, "INTERNAL");
    assert_eq!(with_op(&client, "s").stream(&COUNT, 2).values().count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_forgotten_with_age_and_when_there_are_too_many() {
    let (runs, go) = (Arc::default(), Arc::new(Notify::new()));
    let limits = Operations { entries: 2, ..Operations::default() };
    let client = client(operation(&runs, &go).layer(layers::operations(limits)), Scopes::ALL);
    let run = async |op: &str| {
        let call = with_op(&client, op).request_raw::<_, usize>("operate", ());
        settled().await;
        go.notify_waiters();
        call.await.unwrap()
    };
    assert_eq!((run("a").await, run("b").await, run("c").await), (1, 2, 3));
    assert_eq!((run("c").await, run("a").await), (3, 4));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(run("a").await, 5);
    let (_x, _y) = (with_op(&client, "x").request(&NEVER, json!(1)), with_op(&client, "y").request(&NEVER, json!(1)));
    settled().await;
    let full = with_op(&client, "z").request(&NEVER, json!(1)).await.unwrap_err();
    assert_eq!(full.details().unwrap()["setting"], "operations.entries");
}

#[tokio::test(start_paused = true)]
async fn an_operation_whose_connection_breaks_runs_on_for_its_owner() {
    let (runs, go) = (Arc::default(), Arc::new(Notify::new()));
    let service = operation(&runs, &go).layer(layers::operations(Operations::default())).into_service();
    let owners = Owners::new(Duration::from_secs(5));
    let connection = |cut: Option<u64>| {
        let (near, far) = memory::pair(MemoryConfig::default());
        let received = cut.map(|n| Rule::at(n, Disturbance::Cut)).into_iter().collect();
        let far = FaultTransport::new(far, Faults { received, ..Faults::default() });
        let config = Config { owners: Some(owners.clone()), ..Config::default() };
        let (_, server) = connect_with(config, far, service.clone());
        let (endpoint, driver) = connect(near, Router::new());
        tokio::spawn(server);
        tokio::spawn(driver);
        endpoint
    };
    let hello = Hello { session: Some("s".into()), ..Hello::default() };
    let first = connection(Some(3));
    first.request(&HELLO, hello.clone()).await.unwrap();
    let broken = with_op(&first, "a").request_raw::<_, usize>("operate", ());
    settled().await;
    assert_eq!(code_of(first.request(&READY, json!(1))).await, "INDETERMINATE");
    assert_eq!(code_of(broken).await, "INDETERMINATE");

    let second = connection(None);
    second.request(&HELLO, hello).await.unwrap();
    let again = with_op(&second, "a").request_raw::<_, usize>("operate", ());
    settled().await;
    go.notify_one();
    assert_eq!((again.await.unwrap(), runs.load(Ordering::SeqCst)), (1, 1));

    let other = connection(None);
    let own = with_op(&other, "a").request_raw::<_, usize>("operate", ());
    settled().await;
    go.notify_one();
    assert_eq!(own.await.unwrap(), 2, "another owner's operation is another one");
}

/// Writes down spans and events, with the spans that they happened in.
#[derive(Clone, Default)]
struct Diary(Arc<DiaryPages>);

#[derive(Default)]
struct DiaryPages {
    next: AtomicU64,
    spans: Mutex<HashMap<u64, String>>,
    entered: Mutex<Vec<u64>>,
    lines: Mutex<Vec<String>>,
}

struct Fields(String);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl tracing::Subscriber for Diary {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("sixframe") || metadata.target() == "layers"
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let id = self.0.next.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        self.0.spans.lock().unwrap().insert(id, fields.0);
        tracing::span::Id::from_u64(id)
    }

    fn record(&self, span: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.0.spans.lock().unwrap().get_mut(&span.into_u64()).unwrap().push_str(&fields.0);
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        let span = self.0.entered.lock().unwrap().last().map(|id| self.0.spans.lock().unwrap()[id].clone());
        self.0.lines.lock().unwrap().push(format!("{} [{}]", fields.0, span.unwrap_or_default()));
    }

    fn enter(&self, span: &tracing::span::Id) {
        self.0.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &tracing::span::Id) {
        assert_eq!(self.0.entered.lock().unwrap().pop(), Some(span.into_u64()));
    }
}

impl Diary {
    fn lines(&self, holding: &str) -> Vec<String> {
        self.0.lines.lock().unwrap().iter().filter(|line| line.contains(holding)).cloned().collect()
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_leaves_a_line_without_its_payload() {
    let diary = Diary::default();
    let _diary = tracing::subscriber::set_default(diary.clone());
    let client = client(router().layer(layers::logging()), Scopes::ALL);
    client.request(&READY, json!("payload")).await.unwrap();
    assert_eq!(client.stream(&COUNT, 3).values().count().await, 3);
    assert_eq!(code_of(client.request_raw::<_, Value>("unknown", ())).await, "NO_HANDLER");
    assert_eq!(code_of(client.request(&PANIC, json!("payload"))).await, "INTERNAL");
    drop(client.request(&NEVER, json!(1)));
    settled().await;
    let never = client.request(&NEVER, json!(1));
    settled().await;
    drop(never);
    settled().await;
    let ready = &diary.lines("method=ready")[0];
    assert!(ready.starts_with("DEBUG") && ready.contains("bytes_in=9 bytes_out=9"), "{ready}");
    assert!(diary.lines("method=count")[0].contains("bytes_out=3"));
    assert!(diary.lines("method=unknown")[0].contains("code=\"NO_HANDLER\""));
    assert!(diary.lines("method=panic")[0].starts_with("WARN"));
    assert_eq!(diary.lines("method=never").len(), 1, "the first call was taken back before it was sent");
    assert!(diary.lines("method=never")[0].contains("code=\"CANCELLED\""));
    assert!(diary.lines("payload").is_empty(), "{:?}", diary.lines("payload"));
}

#[tokio::test(start_paused = true)]
async fn handlers_run_in_a_span_that_continues_the_callers_trace() {
    let diary = Diary::default();
    let _diary = tracing::subscriber::set_default(diary.clone());
    let service = Router::new()
        .method(LATER, |cx, value| async move {
            tracing::info!("at first");
            settled().await;
            tracing::info!("afterwards");
            cx.peer().request(&READY, value).await
        })
        .stream(COUNT, |_, upto| {
            stream::iter(1..=upto).then(|n| async move {
                settled().await;
                tracing::info!(n, "item");
                Ok::<u64, Fault>(n)
            })
        })
        .layer(layers::trace());
    let (mut peer, _endpoint) = Peer::connect(service);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut call = frames::call("7", "later", json!(1));
    call["meta"] = json!({"traceparent": parent});
    peer.send(call).await;
    let child = peer.expect(frames::req("ready")).await;
    let traceparent = child["meta"]["traceparent"].as_str().unwrap();
    assert!(traceparent.contains("0af7651916cd43dd8448eb211c80319c") && traceparent != parent, "{traceparent}");
    peer.send(frames::open("8", "count", json!(2), 8)).await;
    peer.expect(json!({"kind": "nxt", "cid": "8", "seq": 1})).await;
    for line in [&diary.lines("at first")[0], &diary.lines("afterwards")[0]] {
        assert!(line.contains("method=\"later\"") && line.contains("cid=\"7\""), "{line}");
        assert!(line.contains("trace_id=0af7651916cd43dd8448eb211c80319c"), "{line}");
    }
    assert!(diary.lines("item")[0].contains("cid=\"8\""));
    assert!(diary.0.entered.lock().unwrap().is_empty());
}

#[test]
fn a_raw_service_can_be_layered_too() {
    let echo: Arc<dyn Service> = Arc::new(|_: sixframe_core::Request| Reply::Ready(Ok(Payload::NULL)));
    let _layered: Arc<dyn Service> = layers::authorize()(layers::logging()(echo));
}
