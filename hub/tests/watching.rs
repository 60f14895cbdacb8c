//! Subscribers: what they are told, when, and what they miss. The races by which other stores lose updates have a test each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use serde_json::{Value, json};
use sixframe_core::testing::{Peer, joined, settled};
use sixframe_core::{Config, Item, Payload, Router};
use sixframe_hub::{
    Applied, Change, CommitParams, Hub, HubConfig, Json, Mode, Mutation, Op, OutboundChannel, Pointer, Replica,
    Version, WATCH, Watch, WatchParams, events_router, router,
};

fn hub() -> Hub {
    Hub::new(HubConfig::default()).unwrap()
}

fn set(hub: &Hub, path: &str, value: Value) -> Version {
    let ops = vec![Op::Add { path: path.parse().unwrap(), value: value.into() }];
    hub.commit(CommitParams { ops, expect: None, mutation: None }).unwrap()
}

fn paths(paths: &[&str]) -> WatchParams {
    let paths = paths.iter().map(|path| path.parse::<Pointer>().unwrap()).collect();
    WatchParams { paths: Some(paths), ..WatchParams::default() }
}

/// What a watch has to say now, if anything.
fn now(watch: &mut Watch) -> Option<Item<Payload>> {
    match Pin::new(watch).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => Some(item.expect("a watch does not end")),
        Poll::Pending => None,
    }
}

fn change(watch: &mut Watch) -> Change {
    now(watch).expect("there is something").data.parse().unwrap()
}

/// Follows until there is nothing new.
fn follow(replica: &mut Replica, watch: &mut Watch) {
    while let Some(item) = now(watch) {
        assert_eq!(replica.apply(item.data.parse().unwrap()), Applied::Yes);
    }
}

fn patch(change: Change) -> (u64, u64, Vec<Op>) {
    match change {
        Change::Patch { from, to, ops, .. } => (from, to, ops),
        Change::Snapshot { .. } => panic!("{change:?} is no patch"),
    }
}

#[test]
fn an_update_between_the_snapshot_and_the_listening_is_not_lost() {
    // A snapshot that is fetched first and a listener that is registered later leave a hole; here both are one call, and
    // whoever has a snapshot from elsewhere goes on from its version.
    let hub = hub();
    set(&hub, "/a", json!(1));
    let snapshot = hub.snapshot();
    set(&hub, "/a", json!(2));
    let since = Version { epoch: snapshot.epoch, revision: snapshot.revision };
    let mut watch = hub.watch(WatchParams { since: Some(since), ..WatchParams::default() });
    set(&hub, "/b", json!(149));
    let (from, to, ops) = patch(change(&mut watch));
    assert_eq!((from, to, ops.len()), (snapshot.revision, hub.version().revision, 2));
    let mut fresh = hub.watch(WatchParams::default());
    set(&hub, "/a", json!(3));
    let mut replica = Replica::default();
    follow(&mut replica, &mut fresh);
    for n in 0..50 {
        set(&hub, "/b", json!(n));
    }
    follow(&mut replica, &mut fresh);
    assert_eq!(*replica.value(), hub.state());
}

#[test]
fn an_update_during_a_resync_is_not_lost() {
    // Whoever saw a gap asks anew. Commits in the middle of that are in what it gets or behind it, and old items that still
    // come are known as such.
    let hub = hub();
    set(&hub, "/a", json!(1));
    let mut replica = Replica::default();
    let mut watch = hub.watch(WatchParams::default());
    follow(&mut replica, &mut watch);
    set(&hub, "/a", json!(2));
    let lost = now(&mut watch).unwrap();
    set(&hub, "/a", json!(3));
    let late = change(&mut watch);
    assert_eq!(replica.apply(late.clone()), Applied::Gap);
    let mut again = hub.watch(WatchParams::default());
    set(&hub, "/a", json!(9));
    follow(&mut replica, &mut again);
    assert_eq!((replica.apply(late), replica.apply(lost.data.parse().unwrap())), (Applied::Before, Applied::Before));
    follow(&mut replica, &mut again);
    assert_eq!(*replica.value(), hub.state());
}

#[tokio::test]
async fn two_windows_that_write_at_once_end_with_one_value() {
    let hub = hub();
    let (_server, one) = joined(router(&hub), Router::new());
    let (_server, other) = joined(router(&hub), Router::new());
    for round in 0..50 {
        let mut windows = Vec::new();
        for peer in [&one, &other] {
            windows.push((Replica::default(), peer.stream(&WATCH, paths(&["/value"]))));
        }
        let write = async |peer: &sixframe_core::RpcEndpoint, value: String| {
            let ops = json!([{"op": "add", "path": "/value", "value": value}]);
            peer.request_raw::<_, Version>("hub.commit", json!({"ops": ops})).await.unwrap()
        };
        let (a, b) = tokio::join!(write(&one, format!("a{round}")), write(&other, format!("b{round}")));
        let last = a.revision.max(b.revision);
        for (replica, items) in &mut windows {
            while replica.version().is_none_or(|version| version.revision < last) {
                let item = items.next().await.unwrap().unwrap();
                assert_eq!(replica.apply(item.data), Applied::Yes);
            }
        }
        assert_eq!(windows[0].0.value(), windows[1].0.value(), "the sender is told like everyone else");
        assert_eq!(windows[0].0.value().member("value"), hub.state().member("value"));
    }
}

#[test]
fn a_subscriber_that_looks_away_is_told_once_what_changed_meanwhile() {
    let hub = hub();
    for n in 0..100 {
        set(&hub, &format!("/item{n}"), json!("something of some length"));
    }
    let mut watch = hub.watch(WatchParams::default());
    let from = now(&mut watch).unwrap().pos.unwrap();
    for n in 0..10_000 {
        set(&hub, "/progress", json!(n));
    }
    let item = now(&mut watch).unwrap();
    let expected =
        json!({"from": from, "to": from + 10_000, "ops": [{"op": "add", "path": "/progress", "value": 9999}]});
    assert_eq!(item.data.parse::<Value>().unwrap(), expected);
    assert!(now(&mut watch).is_none());
    assert!(item.data.as_bytes().len() < 100, "{}", item.data.as_str());
}

#[test]
fn what_is_not_followed_is_not_told_but_for_rare_progress() {
    let hub = Hub::new(HubConfig { log_bytes: 64 << 10, ..HubConfig::default() }).unwrap();
    set(&hub, "/mine", json!({"x": 1}));
    let mut watch = hub.watch(paths(&["/mine", "/later"]));
    let Change::Snapshot { value, revision, .. } = change(&mut watch) else { panic!("a snapshot comes first") };
    assert_eq!(value.to_value(), json!({"mine": {"x": 1}}));
    let (mut have, mut told) = (revision, 0);
    for n in 0..10_000 {
        set(&hub, "/foreign", json!(n));
        while let Some(item) = now(&mut watch) {
            let (from, to, ops) = patch(item.data.parse().unwrap());
            assert_eq!((from, ops.len()), (have, 0));
            (have, told) = (to, told + 1);
        }
    }
    assert!((10..200).contains(&told), "{told} progress frames for 10,000 commits");
    let since = Version { revision: have, ..hub.version() };
    let again = change(&mut hub.watch(WatchParams { since: Some(since), ..paths(&["/mine"]) }));
    patch(again);
    set(&hub, "/later", json!(1));
    let (from, _, ops) = patch(change(&mut watch));
    assert_eq!((from, ops.len()), (have, 1));
}

#[test]
fn a_resumed_watch_gets_patches_while_they_are_kept_and_a_snapshot_with_a_reset_after() {
    let hub = Hub::new(HubConfig { log_bytes: 10 << 10, ..HubConfig::default() }).unwrap();
    let first = set(&hub, "/a", json!(0));
    let resumed =
        |version: &Version| now(&mut hub.watch(paths(&["/a"])).resume(&version.epoch, version.revision)).unwrap();
    let nothing = resumed(&first);
    let empty = json!({"from": first.revision, "to": first.revision, "ops": []});
    assert_eq!((nothing.data.parse::<Value>().unwrap(), nothing.reset), (empty, false));
    assert_eq!((nothing.pos, nothing.epoch.as_deref()), (Some(first.revision), Some(&*first.epoch)));
    set(&hub, "/a", json!(1));
    let kept = resumed(&first);
    assert_eq!((patch(kept.data.parse().unwrap()).0, kept.reset), (first.revision, false));
    for n in 0..1000 {
        set(&hub, "/a", json!(n));
    }
    let evicted = resumed(&first);
    assert!(evicted.reset && matches!(evicted.data.parse().unwrap(), Change::Snapshot { .. }));
    let foreign = resumed(&Version { epoch: "another life".to_owned(), ..hub.version() });
    assert!(foreign.reset && matches!(foreign.data.parse().unwrap(), Change::Snapshot { .. }));
    let future = resumed(&Version { revision: hub.version().revision + 1, ..hub.version() });
    assert!(future.reset, "a revision that is yet to come was of another life");
    let since = WatchParams { since: Some(first), ..WatchParams::default() };
    assert!(!now(&mut hub.watch(since)).unwrap().reset, "only a resume is reset");
}

#[test]
fn a_watch_that_falls_out_of_the_log_goes_on_with_a_snapshot() {
    let hub = Hub::new(HubConfig { log_bytes: 10 << 10, ..HubConfig::default() }).unwrap();
    let mut watch = hub.watch(paths(&["/a"]));
    let mut replica = Replica::default();
    follow(&mut replica, &mut watch);
    for n in 0..1000 {
        set(&hub, "/a", json!(n));
    }
    assert!(matches!(change(&mut watch), Change::Snapshot { revision, .. } if revision == hub.version().revision));
    set(&hub, "/a", json!("after"));
    patch(change(&mut watch));
}

#[test]
fn states_alone_are_told_where_that_is_asked_for_and_only_when_they_change() {
    let hub = Hub::new(HubConfig { log_bytes: 10 << 10, ..HubConfig::default() }).unwrap();
    set(&hub, "/a", json!(1));
    let mut watch = hub.watch(WatchParams { mode: Mode::State, ..paths(&["/a"]) });
    let state = |watch: &mut Watch| match change(watch) {
        Change::Snapshot { value, .. } => value.to_value(),
        Change::Patch { .. } => panic!("a patch was not asked for"),
    };
    assert_eq!(state(&mut watch), json!({"a": 1}));
    for n in 0..1000 {
        set(&hub, "/b", json!(n));
        assert!(now(&mut watch).is_none(), "progress is not told");
    }
    set(&hub, "/a", json!(2));
    assert_eq!(state(&mut watch), json!({"a": 2}));
}

#[test]
fn a_session_is_followed_alone() {
    let hub = hub();
    set(&hub, "/sessions/s1", json!({"sessionId": "s1"}));
    let mut watch = hub.watch(WatchParams { session: Some("s1".to_owned()), ..WatchParams::default() });
    let Change::Snapshot { value, .. } = change(&mut watch) else { panic!("a snapshot comes first") };
    assert_eq!(value.to_value(), json!({"sessions": {"s1": {"sessionId": "s1"}}}));
    set(&hub, "/sessions/s2", json!({"sessionId": "s2"}));
    assert!(now(&mut watch).is_none());
    set(&hub, "/sessions/s1/title", json!("one"));
    assert_eq!(patch(change(&mut watch)).2.len(), 1);
}

#[test]
fn mutations_are_acknowledged_to_everyone_who_is_told() {
    let hub = hub();
    let mut watch = hub.watch(WatchParams::default());
    change(&mut watch);
    for (client, id) in [("one", 1), ("other", 7), ("one", 2)] {
        let ops = vec![Op::Add { path: "/a".parse().unwrap(), value: Json::from(id) }];
        let mutation = Some(Mutation { client: client.to_owned(), id });
        hub.commit(CommitParams { ops, expect: None, mutation }).unwrap();
    }
    let Change::Patch { acks, .. } = change(&mut watch) else { panic!("a patch was expected") };
    assert_eq!(acks, [("one".to_owned(), 2), ("other".to_owned(), 7)].into());
    set(&hub, "/a", json!(0));
    assert!(!now(&mut watch).unwrap().data.as_str().contains("acks"));
}

#[tokio::test(start_paused = true)]
async fn changes_within_an_interval_come_together() {
    let hub = hub();
    let mut watch = hub.watch(WatchParams { min_interval_ms: Some(16), ..paths(&["/a"]) });
    let begun = tokio::time::Instant::now();
    watch.next().await.unwrap();
    let (mut items, mut last) = (0, 0);
    let writing = async {
        for n in 1..=1000 {
            set(&hub, "/a", json!(n));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let reading = async {
        while last < 1000 {
            let item = watch.next().await.unwrap();
            let (_, _, ops) = patch(item.data.parse().unwrap());
            let (Op::Add { value, .. } | Op::Replace { value, .. }) = &ops[0] else { panic!("{ops:?}") };
            (items, last) = (items + 1, value.as_u64().unwrap());
        }
    };
    tokio::join!(writing, reading);
    let most = begun.elapsed().as_millis() / 16 + 1;
    assert!(items <= most && items > 50, "{items} items, at most {most}");
}

#[tokio::test(start_paused = true)]
async fn a_window_of_0_2_that_does_not_read_costs_one_item_and_then_sees_the_newest() {
    let hub = hub();
    let (mut peer, _endpoint) = Peer::connect_with(Config::default(), router(&hub));
    peer.send(json!({"kind": "req", "cid": "1", "method": "hub.watchGlobal"})).await;
    let pad = "x".repeat(30 << 10);
    for n in 0..500 {
        set(&hub, "/global/defaultModel", json!(format!("{n} {pad}")));
        settled().await;
    }
    let mut seen = 0;
    loop {
        let item = peer.next().await;
        assert!(item.get("fc").is_none() && item["kind"] == "nxt", "{item}");
        seen += 1;
        if item["data"]["defaultModel"].as_str().unwrap().starts_with("499 ") {
            break;
        }
    }
    assert!(seen <= 6, "{seen} items were kept for a window that did not read");
}

#[tokio::test]
async fn a_value_that_is_not_there_is_null() {
    let hub = hub();
    let (_server, peer) = joined(router(&hub), Router::new());
    let mut items = peer.stream_raw::<_, Value>("hub.watchSession", json!({"sessionId": "s"}));
    assert_eq!(items.next().await.unwrap().unwrap().data, Value::Null);
    let update = json!({"sessionId": "s", "title": "t"});
    peer.request_raw::<_, Value>("hub.updateSession", update.clone()).await.unwrap();
    assert_eq!(items.next().await.unwrap().unwrap().data, update);
    peer.request_raw::<_, Value>("hub.removeSession", json!({"sessionId": "s"})).await.unwrap();
    assert_eq!(items.next().await.unwrap().unwrap().data, Value::Null);
    let again = peer.request_raw::<_, Value>("hub.removeSession", json!({"sessionId": "s"})).await.unwrap();
    assert_eq!(again, json!({"ok": true}));
}

#[tokio::test]
async fn a_watch_of_too_many_places_or_types_is_refused() {
    let methods = router(&hub()).merge(events_router(&OutboundChannel::new(1000)));
    let (_server, peer) = joined(methods, Router::new());
    let too_many: Vec<String> = (0..257).map(|n| format!("/n{n}")).collect();
    let too_long = format!("/{}", "x".repeat(64 << 10));
    for (method, params, most) in [
        ("hub.watch", json!({"paths": too_many}), 256),
        ("hub.watch", json!({"paths": ["/a", too_long]}), 64 << 10),
        ("hub.watch", json!({"session": too_long}), 64 << 10),
        ("hub.watchSession", json!({"sessionId": too_long}), 64 << 10),
        ("events.watch", json!({"types": too_many}), 256),
        ("events.watch", json!({"types": [too_long]}), 64 << 10),
    ] {
        let first = peer.stream_raw::<_, Value>(method, params).next().await;
        let refused = first.expect("it is answered").unwrap_err();
        assert!(refused.to_string().contains(&format!("{most}")), "{method}: {refused}");
    }
}
