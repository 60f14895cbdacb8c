//! Real endpoints on both sides of a relay.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::{
    CallOptions, Code, Config, Context, DuplexMethod, Fault, Method, Router, RpcEndpoint, StreamMethod, UploadMethod,
    Upstream, connect_with,
};
use sixframe_transports::relay::{Relay, RelayConfig};

use crate::{endpoint, idle};

const ECHO: Method<String, String> = Method::new("echo");
const WHO: Method<(), Value> = Method::new("who");
const HANG: Method<(), ()> = Method::new("hang");
const COUNT: StreamMethod<u64, u64> = StreamMethod::new("count");
const SUM: UploadMethod<(), u64, u64> = UploadMethod::new("sum");
const DOUBLE: DuplexMethod<(), u64, u64> = DuplexMethod::new("double");
const NAME: Method<(), String> = Method::new("name");

fn service() -> Router {
    Router::new()
        .method(ECHO, |_, text| async { Ok::<_, Fault>(text) })
        .function(WHO, |context: Context, ()| {
            Ok::<_, Fault>(json!([context.sender_id(), context.meta::<Value>("doc"), context.meta::<Value>("tenant")]))
        })
        .method(HANG, |_, ()| std::future::pending::<Result<(), Fault>>())
        .stream(COUNT, |_, upto| stream::iter((0..upto).map(Ok::<_, Fault>)))
        .upload(SUM, async |_: Context, (): (), mut items: Upstream<u64>| {
            let mut sum = 0;
            while let Some(item) = items.next().await {
                sum += item?;
            }
            Ok::<_, Fault>(sum)
        })
        .duplex(DOUBLE, |_, (), items: Upstream<u64>| items.map(|item| item.map(|n| 2 * n)))
}

/// A relay with a backend at its upstream, over a pipe of few bytes.
fn backend() -> (Relay, RpcEndpoint) {
    let (near, far) = memory::pair(MemoryConfig { capacity: 2_000, ..MemoryConfig::default() });
    let (relay, driver) = Relay::over(far, RelayConfig::default());
    tokio::spawn(driver);
    let (backend, driver) = connect_with(Config::default(), near, service());
    tokio::spawn(driver);
    (relay, backend)
}

#[tokio::test]
async fn every_shape_of_call_passes() {
    let (relay, backend) = backend();
    let (window, _handle) = endpoint(&relay, "3", Router::new());
    assert_eq!(window.request(&ECHO, "é\"\n".to_owned()).await.unwrap(), "é\"\n");
    let counted: Vec<u64> = window.stream(&COUNT, 5_000).map(|item| item.unwrap().data).collect().await;
    assert_eq!(counted, (0..5_000).collect::<Vec<_>>());
    let mut upload = window.upload(&SUM, ());
    for n in 1..=1_000 {
        assert!(upload.send(&n).await.unwrap());
    }
    assert_eq!(upload.finish().await.unwrap(), 500_500);
    let (mut sender, mut items) = window.duplex(&DOUBLE, ());
    for n in 0..200 {
        sender.send(&n).await.unwrap();
        assert_eq!(items.next().await.unwrap().unwrap().data, 2 * n);
    }
    drop((sender, items));
    idle(&relay).await;
    assert_eq!(backend.load().requests, 0);
}

// proves: identity.1
#[tokio::test]
async fn a_handler_sees_the_stamp_and_not_the_claim() {
    let (relay, _backend) = backend();
    let (window, _handle) = endpoint(&relay, "3", Router::new());
    let claim = json!({"senderId": "root", "doc": "9", "tenant": "acme"});
    let options = CallOptions { meta: claim.as_object().unwrap().clone(), ..CallOptions::default() };
    assert_eq!(window.with(options).request(&WHO, ()).await.unwrap(), json!(["3", "1", "acme"]));
}

// proves: identity.4
#[tokio::test]
async fn the_backend_calls_back_into_the_window_that_it_names() {
    let (relay, backend) = backend();
    let named = |name: &'static str| Router::new().function(NAME, move |_, ()| Ok::<_, Fault>(name.to_owned()));
    let (_one, _handle_one) = endpoint(&relay, "1", named("one"));
    let (_two, _handle_two) = endpoint(&relay, "2", named("two"));
    let to = |id: &str| {
        let meta = json!({"to": {"senderId": id, "doc": "1"}});
        backend.with(CallOptions { meta: meta.as_object().unwrap().clone(), ..CallOptions::default() })
    };
    let (one, two) = (to("1"), to("2"));
    assert_eq!(tokio::join!(one.request(&NAME, ()), two.request(&NAME, ())), (Ok("one".into()), Ok("two".into())));
    assert_eq!(to("3").request(&NAME, ()).await.unwrap_err().code(), Code::NOT_FOUND);
}

// proves: relay.1
#[tokio::test]
async fn the_same_lane_of_two_windows_is_two_lanes() {
    let (relay, _backend) = backend();
    let in_lane = CallOptions { lane: Some("hub".into()), ..CallOptions::default() };
    let (one, _handle_one) = endpoint(&relay, "1", Router::new());
    let (two, _handle_two) = endpoint(&relay, "2", Router::new());
    let (one, two) = (one.with(in_lane.clone()), two.with(in_lane));
    let hangs = one.request(&HANG, ());
    let mut waits = one.request(&ECHO, "behind".to_owned());
    assert_eq!(two.request(&ECHO, "free".to_owned()).await.unwrap(), "free");
    assert!((&mut waits).now_or_never().is_none(), "the lane of the first window is busy");
    drop(hangs);
    assert_eq!(waits.await.unwrap(), "behind");
}

#[tokio::test]
async fn a_dropped_call_is_dropped_at_the_backend_too() {
    let (relay, backend) = backend();
    let (window, _handle) = endpoint(&relay, "1", Router::new());
    let call = window.request(&HANG, ());
    while backend.load().requests == 0 {
        tokio::task::yield_now().await;
    }
    drop(call);
    while backend.load().requests > 0 {
        tokio::task::yield_now().await;
    }
    idle(&relay).await;
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_stops_holds_up_nobody_and_nothing_piles_up() {
    let (relay, _backend) = backend();
    let (slow, _handle_slow) = endpoint(&relay, "1", Router::new());
    let (live, _handle_live) = endpoint(&relay, "2", Router::new());
    let mut items = slow.stream(&COUNT, 10_000);
    items.next().await.unwrap().unwrap();
    for n in 0..100 {
        assert_eq!(live.request(&ECHO, n.to_string()).await.unwrap(), n.to_string());
        assert_eq!(slow.request(&ECHO, n.to_string()).await.unwrap(), n.to_string());
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(relay.load().queued_bytes < 4_000, "{:?}", relay.load());
    let rest: Vec<u64> = items.map(|item| item.unwrap().data).collect().await;
    assert_eq!(rest, (1..10_000).collect::<Vec<_>>());
}
