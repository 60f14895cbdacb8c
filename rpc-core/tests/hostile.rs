//! What hostile or careless code and peers do to a connection: handlers that panic where they are dropped, large items,
//! texts that only look like JSON.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::time::Duration;

use futures_util::stream;
use serde_json::json;
use sixframe_core::testing::{Peer, joined, joined_with, settled};
use sixframe_core::{
    CallOptions, Config, Connecting, Context, Fault, Item, Limits, Method, Router, StreamMethod, Timeout, memory,
};

const ECHO: Method<String, String> = Method::new("echo");
const DROPS: Method<(), String> = Method::new("drops");
const PARKS: Method<(), String> = Method::new("parks");
const HANGS: Method<(), String> = Method::new("hangs");
const LARGE: StreamMethod<(), String> = StreamMethod::new("large");

/// Panics when it is dropped.
struct Grudge;

impl Drop for Grudge {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a grudge");
    }
}

/// A future that holds its grudge until it is dropped itself.
struct Grudging(
    std::pin::Pin<Box<dyn Future<Output = Result<String, Fault>> + Send>>,
    #[allow(dead_code, reason = "its drop counts")] Grudge,
);

impl Future for Grudging {
    type Output = Result<String, Fault>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

fn grudging(pause: Option<Duration>) -> Grudging {
    let work = async move {
        match pause {
            Some(pause) if pause.is_zero() => (),
            Some(pause) => tokio::time::sleep(pause).await,
            None => std::future::pending().await,
        }
        Ok("done".to_owned())
    };
    Grudging(Box::pin(work), Grudge)
}

fn router() -> Router {
    Router::new()
        .function(ECHO, |_, text| Ok::<_, Fault>(text))
        .method(DROPS, |_, ()| grudging(Some(Duration::ZERO)))
        .method(PARKS, |_, ()| grudging(Some(Duration::from_millis(5))))
        .method(HANGS, |_, ()| grudging(None))
        .stream(LARGE, |_: Context, ()| stream::repeat_with(|| Ok::<_, Fault>("x".repeat(4 << 20))))
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_where_it_is_dropped_harms_nothing_else() {
    let (client, _server) = joined(Router::new(), router());
    let short = CallOptions { timeout: Timeout::After(Duration::from_millis(20)), ..CallOptions::default() };
    assert_eq!(client.request(&DROPS, ()).await.unwrap_err().code(), "INTERNAL");
    assert_eq!(client.request(&ECHO, "1".to_owned()).await.unwrap(), "1");
    assert_eq!(client.request(&PARKS, ()).await.unwrap_err().code(), "INTERNAL");
    assert_eq!(client.request(&ECHO, "2".to_owned()).await.unwrap(), "2");
    assert!(client.with(short).request(&HANGS, ()).await.is_err());
    settled().await;
    assert_eq!(client.request(&ECHO, "3".to_owned()).await.unwrap(), "3");
}

// proves: bytes.2
#[tokio::test(start_paused = true)]
async fn a_stream_of_large_items_queues_little_and_ends_no_connection() {
    let (mut peer, transport) = Peer::pair_with(memory::MemoryConfig { capacity: 1, ..Default::default() });
    let (endpoint, driver) = sixframe_core::connect(transport, router());
    tokio::spawn(driver);
    peer.send(json!({"kind": "req", "cid": "p1", "method": "large", "meta": {"fc": {"upto": 32}}})).await;
    settled().await;
    let queued = endpoint.load().queued_bytes;
    assert!(queued > 0 && queued < 10 << 20, "{queued} bytes are queued");
    for seq in 1..=32 {
        assert_eq!(peer.next().await["seq"], seq);
    }
}

// proves: discover.5
#[tokio::test]
async fn a_heartbeat_is_answered_with_json_whatever_it_carried() {
    let (mut peer, _endpoint) = Peer::connect(router());
    peer.send_raw(r#"{"kind":"req","cid":"p1","method":"rpc.ping","payload":1,"result":2}"#).await;
    assert_eq!(peer.next().await, json!({"kind": "res", "cid": "p1", "ok": true, "result": 1}));
    peer.send_raw(r#"{"kind":"req","cid":"p2","method":"rpc.ping","payload":}{}"#).await;
    let answer = peer.next().await;
    assert_eq!((&answer["kind"], &answer["code"]), (&json!("err"), &json!("INVALID_FRAME")));
}

#[tokio::test]
async fn white_space_around_a_payload_changes_nothing() {
    const PLAIN: Method<(), u8> = Method::new("plain");
    let router = Router::new().function(PLAIN, |_, ()| Ok::<_, Fault>(1));
    let (mut peer, endpoint) = Peer::connect(router);
    for payload in ["{}", " {}", "{} ", " {},\"x\":1"] {
        peer.send_raw(format!(r#"{{"kind":"req","cid":"p1","method":"plain","payload":{payload}}}"#)).await;
        assert_eq!(peer.next().await["result"], 1, "{payload}");
    }
    for data in ["null", " null", "null ", "null,\"x\":1"] {
        let mut items = endpoint.stream_raw::<_, u8>("s", ());
        let cid = peer.next().await["cid"].clone();
        peer.send_raw(format!(r#"{{"kind":"nxt","cid":{cid},"seq":1,"reset":true,"data":{data}}}"#)).await;
        peer.send(json!({"kind": "nxt", "cid": cid, "seq": 2, "data": 7})).await;
        let item = items.next().await.unwrap().unwrap();
        assert_eq!((item.data, item.reset), (7, true), "{data}");
        drop(items);
        peer.next().await;
    }
}

#[tokio::test(start_paused = true)]
async fn times_without_end_and_times_below_a_millisecond_are_what_they_say() {
    let limits = Limits { stall: Duration::MAX, ..Limits::default() };
    let config = Config { limits, heartbeat: Some(Duration::MAX), ..Config::default() };
    let tiny = memory::MemoryConfig { capacity: 1, ..memory::MemoryConfig::default() };
    let (mut _peer, transport) = Peer::pair_with(tiny);
    let (stuck, driver) = sixframe_core::connect_with(config.clone(), transport, Router::new());
    tokio::spawn(driver);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let calls: Vec<_> = (0..4).map(|_| stuck.request(&ECHO, "x".repeat(1 << 20))).collect();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(stuck.closed().is_none(), "{:?}", stuck.closed());
    drop(calls);
    let (client, _server) =
        joined_with(memory::MemoryConfig::default(), (config, Router::new()), (Config::default(), router()));
    for timeout in [Duration::from_micros(500), Duration::from_secs(1 << 61), Duration::MAX] {
        let options = CallOptions { timeout: Timeout::After(timeout), ..CallOptions::default() };
        assert_eq!(client.with(options).request(&ECHO, "a".to_owned()).await.unwrap(), "a", "{timeout:?}");
    }
}

/// What a policy drops takes nothing with it that the consumer must know.
#[tokio::test(start_paused = true)]
async fn an_epoch_and_a_reset_survive_the_items_that_a_policy_drops() {
    use sixframe_core::Lag;
    for lag in [Lag::Latest, Lag::DropOldest] {
        const STATE: StreamMethod<(), u64> = StreamMethod::new("state");
        let limits = Limits { stream_items: 2, ..Limits::default() };
        let config = Config { limits, ..Config::default() };
        let router = Router::new().stream(STATE, move |_: Context, ()| {
            let item = |pos: u64| match pos {
                1 => Item { epoch: Some("e1".into()), reset: true, pos: Some(1), ..Item::from(pos) },
                _ => Item { pos: Some(pos), ..Item::from(pos) },
            };
            stream::iter((1..=9).map(move |pos| Ok::<_, Fault>(item(pos))))
        });
        let (mut peer, _endpoint) = Peer::connect_with(config, router);
        let meta = json!({"fc": {"upto": 1, "onLag": if lag == Lag::Latest { "latest" } else { "dropOldest" }}});
        peer.send(json!({"kind": "req", "cid": "p1", "method": "state", "meta": meta})).await;
        let first = peer.next().await;
        assert_eq!((&first["epoch"], &first["reset"]), (&json!("e1"), &json!(true)), "{first}");
    }
}

#[test]
fn a_driver_that_reconnects_may_be_dropped_where_no_runtime_is() {
    let connector = || -> Connecting<memory::MemoryTransport> { Box::pin(std::future::pending()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (endpoint, mut driver) = sixframe_core::reconnecting(Config::default(), connector, Router::new());
    let call = endpoint.request(&ECHO, String::new());
    runtime.block_on(async { assert!(futures_util::FutureExt::now_or_never(&mut driver).is_none()) });
    drop(runtime);
    drop(driver);
    assert!(futures_util::FutureExt::now_or_never(call).unwrap().is_err());
    assert!(endpoint.is_closed());
}
