//! Sources that always have another item, under consumers that take none: the policy holds, and no core spins for it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream;
use serde_json::{Value, json};
use sixframe_core::testing::{Peer, settled};
use sixframe_core::{Config, Fault, Lag, Router, StreamMethod};

const EAGER: StreamMethod<usize, Value> = StreamMethod::new("eager");

/// What no source is asked for in vain.
const MANY: u64 = 100_000;

/// A source that is ready whenever it is asked, and how often it was. The items hold as many bytes as the caller says.
fn eager(method: StreamMethod<usize, Value>) -> (Arc<AtomicU64>, Router) {
    let asked = Arc::new(AtomicU64::new(0));
    let counter = asked.clone();
    let router = Router::new().stream(method, move |_, bytes: usize| {
        let counter = counter.clone();
        stream::repeat_with(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(number < MANY, "the source is asked without end");
            Ok::<_, Fault>(json!({"number": number, "text": "x".repeat(bytes)}))
        })
    });
    (asked, router)
}

async fn ask(peer: &mut Peer, bytes: usize, credit: Value) {
    let meta = json!({"fc": credit});
    peer.send(json!({"kind": "req", "cid": "p1", "method": "eager", "payload": bytes, "meta": meta})).await;
}

// proves: fc.20, fc.10, fc.11
#[tokio::test(start_paused = true)]
async fn a_source_that_is_always_ready_rests_while_its_consumer_takes_nothing() {
    for policy in ["latest", "dropOldest"] {
        let (asked, router) = eager(EAGER);
        let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
        ask(&mut peer, 10, json!({"upto": 2, "onLag": policy})).await;
        let mut newest = 0;
        for _ in 1..=2 {
            newest = peer.next().await["data"]["number"].as_u64().unwrap();
        }
        settled().await;
        let at_first = asked.load(Ordering::SeqCst);
        assert!(at_first > newest, "{policy} goes on without credit");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let (minute, rounds) = (asked.load(Ordering::SeqCst), 60_000 / 128 + 10);
        assert!(minute > at_first, "{policy} goes on all the time");
        assert!(minute - at_first < rounds * 64, "{policy} asked {} times in a minute", minute - at_first);

        peer.send(json!({"kind": "nxt", "cid": "p1", "dir": "up", "fc": {"upto": 3}})).await;
        let item = peer.next().await;
        let number = item["data"]["number"].as_u64().unwrap();
        if policy == "latest" {
            assert!(number > minute, "the newest is one that was made when it was wanted, not {number}");
        } else {
            assert!(number > minute - 1024 && item["skipped"].as_u64().unwrap() > 0, "{item}");
        }
    }
}

// proves: fc.20, fc.13
#[tokio::test(start_paused = true)]
async fn a_source_rests_while_a_consumer_without_credit_reads_nothing_and_goes_on_when_it_does() {
    let (asked, router) = eager(EAGER.lag(Lag::Latest));
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router);
    ask(&mut peer, 5000, Value::Null).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stalled = asked.load(Ordering::SeqCst);
    assert!(stalled < 64 * 600, "asked {stalled} times in a minute");
    let mut last = 0;
    for _ in 0..100 {
        let number = peer.next().await["data"]["number"].as_u64().unwrap();
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    assert!(last > stalled, "the source goes on as soon as its items are taken");
}
