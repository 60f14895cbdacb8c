//! Many writers, many subscribers that stall, drop out and come back: each sees only states that were committed, in order,
//! and in the end the newest. Writers and subscribers run on several threads, over real endpoints.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use sixframe_core::testing::joined;
use sixframe_core::{Router, RpcEndpoint};
use sixframe_hub::{
    Applied, COMMIT, Change, CommitParams, Expect, Hub, HubConfig, Json, Mode, Mutation, Op, Replica, Version, WATCH,
    WatchParams, router,
};
use tokio::task::JoinSet;
use tokio::time::timeout;

const WRITERS: u64 = 4;
const SUBSCRIBERS: u64 = 8;
const COMMITS: u64 = 150;
const LONG: Duration = Duration::from_secs(60);

/// The states that were committed, by revision, as a listener saw them grow.
type History = Arc<Mutex<HashMap<u64, Json>>>;

fn operations(random: &mut Rng) -> Vec<Op> {
    let letter = |random: &mut Rng| char::from(b'a' + random.u8(0..4));
    let one = |random: &mut Rng| {
        let path = match random.u8(0..3) {
            0 => format!("/data/{}", letter(random)),
            1 => format!("/data/deep/{}", letter(random)),
            _ => format!("/other/{}", letter(random)),
        };
        let value = json!({"n": random.u16(..), letter(random).to_string(): random.u8(..)});
        let id = json!(random.u8(0..5));
        let op = match random.u8(0..7) {
            0..=2 => json!({"op": "add", "path": path, "value": value}),
            3 => json!({"op": "merge", "path": path, "value": value}),
            4 => json!({"op": "put", "path": "/data/list", "by": "id", "value": {"id": id, "n": random.u8(..)}}),
            5 => json!({"op": "put", "path": "/data/list", "by": "id", "value": {"id": id}, "before": random.u8(0..5)}),
            _ => json!({"op": "remove", "path": path}),
        };
        serde_json::from_value(op).unwrap()
    };
    (0..random.usize(1..4)).map(|_| one(random)).collect()
}

async fn write(peer: RpcEndpoint, mut random: Rng, writer: u64) {
    let mut seen: Option<Version> = None;
    for id in 1..=COMMITS {
        let expect = seen.clone().filter(|_| random.bool()).map(|Version { epoch, revision }| Expect {
            epoch: Some(epoch),
            revision,
            paths: Vec::new(),
        });
        let mutation = random.bool().then(|| Mutation { client: format!("writer{writer}"), id });
        let params = CommitParams { ops: operations(&mut random), expect, mutation };
        let first = peer.request(&COMMIT, params.clone()).await;
        if params.mutation.is_some() && first.is_ok() {
            assert_eq!(peer.request(&COMMIT, params).await, first, "a repeated mutation");
        }
        // A refusal is an outcome like others: it changed nothing, which the history shows.
        seen = first.ok();
        if random.u8(0..8) == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Follows until `over` and the newest state is there. Gives every state that was seen.
async fn subscribe(hub: Hub, peer: RpcEndpoint, mut random: Rng, over: Arc<AtomicBool>) -> Vec<(u64, Json)> {
    let mut replica = Replica::default();
    let mut seen = Vec::new();
    let begin = |replica: &Replica, random: &mut Rng| {
        let mode = if random.u8(0..4) == 0 { Mode::State } else { Mode::Patch };
        let since = replica.version().cloned().filter(|_| random.bool());
        let params = WatchParams { paths: Some(vec!["/data".parse().unwrap()]), since, mode, ..WatchParams::default() };
        peer.stream(&WATCH, params)
    };
    let mut items = begin(&replica, &mut random);
    loop {
        let is_over = over.load(Ordering::SeqCst);
        let newest = hub.state().member("data").cloned();
        if is_over && replica.value().member("data") == newest.as_ref() {
            return seen;
        }
        match random.u8(0..20) {
            0 => items = begin(&replica, &mut random),
            1..=4 => {
                for _ in 0..random.u16(1..200) {
                    tokio::task::yield_now().await;
                }
            }
            _ => {
                let Ok(item) = timeout(Duration::from_millis(200), items.next()).await else { continue };
                let item = item.unwrap().unwrap();
                let (before, patch) = (replica.version().cloned(), matches!(item.data, Change::Patch { .. }));
                match replica.apply(item.data) {
                    Applied::Yes => {
                        let version = replica.version().unwrap();
                        assert!(before.is_none_or(|before| before.revision <= version.revision), "never backwards");
                        assert_eq!(item.pos, Some(version.revision));
                        seen.push((version.revision, replica.value().clone()));
                    }
                    Applied::Before => assert!(!patch, "patches of one stream follow each other"),
                    Applied::Gap => panic!("a gap in a stream that says what it leaves out"),
                }
            }
        }
    }
}

async fn run(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let log_bytes = [4 << 10, 64 << 10, 4 << 20][random.usize(0..3)];
    let hub = Hub::new(HubConfig { log_bytes, ..HubConfig::default() }).unwrap();
    let begin = json!([
        {"op": "add", "path": "/data", "value": {"deep": {}, "list": []}},
        {"op": "add", "path": "/other", "value": {}},
    ]);
    let begun = hub.commit(CommitParams { ops: serde_json::from_value(begin).unwrap(), expect: None, mutation: None });
    let mut truth = Replica::default();
    let Version { epoch, revision } = begun.unwrap();
    truth.apply(Change::Snapshot { epoch, revision, value: hub.state() });
    let history: History = Arc::new(Mutex::new(HashMap::from([(revision, hub.state())])));
    let states = history.clone();
    let handle = hub.clone();
    let _listener = hub.listen(move |commit| {
        let to = commit.revision();
        if commit.missed() > 0 {
            // The log was too short for this listener: it goes on from a later state, and what was before is not known.
            let snapshot = handle.snapshot();
            let value = snapshot.slices.into_iter().collect();
            truth.apply(Change::Snapshot { epoch: snapshot.epoch, revision: snapshot.revision, value });
            states.lock().unwrap().insert(snapshot.revision, truth.value().clone());
        }
        if truth.version().unwrap().revision < to {
            let ops = commit.ops().cloned().collect();
            assert_eq!(truth.apply(Change::Patch { from: to - 1, to, ops, acks: Default::default() }), Applied::Yes);
            states.lock().unwrap().insert(to, truth.value().clone());
        }
    });
    let over = Arc::new(AtomicBool::new(false));
    let endpoint = || joined(router(&hub), Router::new());
    let (mut servers, mut writing, mut watching) = (Vec::new(), JoinSet::new(), JoinSet::new());
    for _ in 0..SUBSCRIBERS {
        let (server, peer) = endpoint();
        servers.push(server);
        watching.spawn(subscribe(hub.clone(), peer, random.fork(), over.clone()));
    }
    for writer in 0..WRITERS {
        let (server, peer) = endpoint();
        servers.push(server);
        writing.spawn(write(peer, random.fork(), writer));
    }
    writing.join_all().await;
    over.store(true, Ordering::SeqCst);
    let seen = watching.join_all().await;
    let history = history.lock().unwrap();
    assert_eq!(history[&hub.version().revision], hub.state(), "seed {seed}: what was told adds up to the state");
    let mut compared = 0;
    for (revision, value) in seen.iter().flatten() {
        let Some(committed) = history.get(revision) else { continue };
        compared += 1;
        let data = committed.member("data");
        assert_eq!(value.member("data"), data, "seed {seed}: a state of revision {revision} that never was");
    }
    assert!(compared > SUBSCRIBERS as usize, "seed {seed}: they saw little");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_subscriber_sees_only_committed_states_and_in_the_end_the_newest() {
    for seed in 0..24 {
        timeout(LONG, run(seed)).await.unwrap_or_else(|_| panic!("seed {seed} does not come to its end"));
    }
}
