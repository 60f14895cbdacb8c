//! Streams whose source makes its newest item when it is asked for one: they are asked only when the item can be sent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream;
use serde_json::{Value, json};
use sixframe_core::testing::{Peer, settled};
use sixframe_core::{Config, Fault, Item, Lag, Payload, Router, StreamMethod};

const STATE: StreamMethod<(), Value> = StreamMethod::new("state").lag(Lag::Latest).on_demand().labelled();

/// A source that always has an item, and how often it was asked. The items are `bytes` long.
fn state(bytes: usize) -> (Arc<AtomicU64>, Router) {
    let asked = Arc::new(AtomicU64::new(0));
    let counter = asked.clone();
    let router = Router::new().stream(STATE, move |_, ()| {
        let counter = counter.clone();
        stream::repeat_with(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            Ok::<_, Fault>(json!({"number": number, "text": "x".repeat(bytes)}))
        })
    });
    (asked, router)
}

// proves: fc.19, frame.18
#[tokio::test(start_paused = true)]
async fn a_source_is_asked_once_for_each_item_that_may_be_sent() {
    for policy in ["latest", "dropOldest", "close", "block"] {
        let (asked, router) = state(1);
        let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
        let meta = json!({"fc": {"upto": 2, "onLag": policy}});
        peer.send(json!({"kind": "req", "cid": "p1", "method": "state", "meta": meta})).await;
        for number in 1..=2 {
            let item = peer.next().await;
            assert_eq!((&item["seq"], &item["data"]["number"]), (&json!(number), &json!(number)), "{policy}");
            assert_eq!(item["method"], "state");
        }
        settled().await;
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{policy}");
        peer.send(json!({"kind": "nxt", "cid": "p1", "dir": "up", "fc": {"upto": 3}})).await;
        assert_eq!(peer.next().await["data"]["number"], 3, "nothing was dropped by {policy}");
    }
}

// proves: fc.19, fc.13
#[tokio::test(start_paused = true)]
async fn a_consumer_without_credit_that_does_not_read_costs_one_item() {
    let (asked, router) = state(50 << 10);
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    peer.send(json!({"kind": "req", "cid": "p1", "method": "state"})).await;
    settled().await;
    let ahead = asked.load(Ordering::SeqCst);
    assert!(ahead <= 4, "{ahead} items for a pipe of 64 KiB");
    for number in 1..=20 {
        assert_eq!(peer.next().await["data"]["number"], number);
    }
}

#[tokio::test]
async fn items_that_are_written_already_are_sent_as_they_are() {
    let router = Router::new().written(STATE, |_, ()| {
        let text = Payload::from_json("{ \"as\":  \"it is\" }").unwrap();
        stream::iter([Ok::<_, Fault>(Item::at(text, 7, "life"))])
    });
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    peer.send(json!({"kind": "req", "cid": "p1", "method": "state"})).await;
    let item = peer.next().await;
    assert_eq!((&item["pos"], &item["epoch"], &item["data"]), (&json!(7), &json!("life"), &json!({"as": "it is"})));
    assert_eq!(peer.next().await["kind"], "end");
}
