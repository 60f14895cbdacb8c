//! One leaf of a megabyte is changed: the commit alone, and with the bytes for windows, beside other ways to share a state.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use anyhow::Result;
use futures_util::Stream;
use serde_json::{Value, json};
use sixframe_hub::{CommitParams, Durability, Hub, HubConfig, Op, Pointer, Watch, WatchParams};

use super::{add, hub, large, set};

/// Samples of which the median counts.
const SAMPLES: usize = 15;

struct Row {
    name: &'static str,
    commit: f64,
    window: f64,
    windows: f64,
    bytes: usize,
}

pub(super) fn run() -> Result<()> {
    println!("One leaf of a 1 MB state is changed; medians of {SAMPLES} samples, in µs:\n");
    println!("| | commit | commit and bytes for 1 window | for 100 windows | bytes a window |");
    println!("|---|---:|---:|---:|---:|");
    let rows = [
        ours(),
        tokio_watch(),
        #[cfg(feature = "hub-peers")]
        eyeball(),
        broadcast(),
    ];
    for Row { name, commit, window, windows, bytes } in rows {
        println!("| {name} | {commit:.2} | {window:.2} | {windows:.1} | {bytes} |");
    }
    println!("\n| the hub, one commit | µs |\n|---|---:|");
    println!("| while somebody holds the state before | {:.2} |", while_held());
    println!("| written to a log | {:.2} |", written(Durability::Written)?);
    println!("| written and made to last (fsync) | {:.1} |", written(Durability::Synced)?);
    println!("| in a slice of 10,000 members, of which each is checked by a JSON Schema | {:.2} |", checked()?);
    let (put, moved) = (listed(put), listed(moved));
    println!("| by key in an array of 10,000 objects: `put`; `move` in front of another | {put:.1}; {moved:.1} |\n");
    Ok(())
}

/// Microseconds of one `work`, which is repeated `times` in a sample.
fn median(times: usize, mut work: impl FnMut(usize)) -> f64 {
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|sample| {
            let begun = Instant::now();
            (0..times).for_each(|n| work(sample * times + n));
            begun.elapsed().as_secs_f64() * 1e6 / times as f64
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples[SAMPLES / 2]
}

fn change(hub: &Hub, n: usize) {
    set(hub, &format!("/items/item{}/n", n * 7919 % super::ITEMS), json!(n));
}

/// The next item of a watch; the bytes that are sent.
fn told(watch: &mut Watch) -> usize {
    match Pin::new(watch).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(item)) => black_box(item.data).as_bytes().len(),
        Poll::Ready(None) | Poll::Pending => 0,
    }
}

fn ours() -> Row {
    let hub = hub();
    let commit = median(20_000, |n| change(&hub, n));
    let tell = |count: usize, times| {
        let mut watches: Vec<Watch> = (0..count).map(|_| hub.watch(WatchParams::default())).collect();
        watches.iter_mut().for_each(|watch| _ = told(watch));
        let mut bytes = 0;
        let time = median(times, |n| {
            change(&hub, n);
            bytes = watches.iter_mut().map(told).max().unwrap_or(0);
        });
        (time, bytes)
    };
    let ((window, bytes), (windows, _)) = (tell(1, 5_000), tell(100, 500));
    Row { name: "the hub", commit, window, windows, bytes }
}

fn leaf(state: &mut Value, n: usize) {
    state[&format!("item{}", n * 7919 % super::ITEMS)]["n"] = json!(n);
}

/// The value in a `tokio::sync::watch`: told as a whole, since nobody knows what changed. It is written once for all.
fn tokio_watch() -> Row {
    let (sender, receiver) = tokio::sync::watch::channel(large());
    let commit = median(20_000, |n| sender.send_modify(|state| leaf(state, n)));
    let mut bytes = 0;
    let window = median(20, |n| {
        sender.send_modify(|state| leaf(state, n));
        let text = serde_json::to_vec(&*receiver.borrow()).expect("it can be written");
        bytes = black_box(text).len();
    });
    Row { name: "tokio::sync::watch, the state as a whole", commit, window, windows: window, bytes }
}

/// A vector that tells differences of whole elements.
#[cfg(feature = "hub-peers")]
fn eyeball() -> Row {
    use eyeball_im::{ObservableVector, VectorDiff};
    let Value::Object(members) = large() else { unreachable!("the state is an object") };
    let mut vector = ObservableVector::new();
    vector.append(members.into_iter().map(|(_, value)| value).collect());
    let set = |vector: &mut ObservableVector<Value>, n: usize| {
        let at = n * 7919 % super::ITEMS;
        let mut value = vector[at].clone();
        value["n"] = json!(n);
        vector.set(at, value);
    };
    let commit = median(20_000, |n| set(&mut vector, n));
    let mut tell = |count: usize, times| {
        let mut streams: Vec<_> = (0..count).map(|_| vector.subscribe().into_stream()).collect();
        let mut bytes = 0;
        let time = median(times, |n| {
            set(&mut vector, n);
            for stream in &mut streams {
                let polled = Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()));
                let Poll::Ready(Some(VectorDiff::Set { index, value })) = polled else { continue };
                bytes = black_box(serde_json::to_vec(&(index, value)).expect("it can be written")).len();
            }
        });
        (time, bytes)
    };
    let ((window, bytes), (windows, _)) = (tell(1, 5_000), tell(100, 500));
    Row { name: "eyeball-im, a vector of members", commit, window, windows, bytes }
}

/// The state as a whole is written and sent to every window at every change, as tauri-store does.
fn broadcast() -> Row {
    let mut state = large();
    let commit = median(20_000, |n| leaf(&mut state, n));
    let mut bytes = 0;
    let mut tell = |windows: usize, times| {
        median(times, |n| {
            leaf(&mut state, n);
            for _ in 0..windows {
                bytes = black_box(serde_json::to_vec(&state).expect("it can be written")).len();
            }
        })
    };
    let (window, windows) = (tell(1, 20), tell(100, 1));
    Row { name: "the state as a whole to every window (tauri-store)", commit, window, windows, bytes }
}

fn while_held() -> f64 {
    let hub = hub();
    let mut held = hub.state();
    median(20_000, |n| {
        change(&hub, n);
        held = black_box(hub.state());
    })
}

fn written(durability: Durability) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let config = HubConfig { slices: Vec::new(), durability, ..HubConfig::default() };
    let (hub, _) = Hub::open(config, folder.path())?;
    set(&hub, "/items", large());
    let times = if durability == Durability::Synced { 20 } else { 5_000 };
    Ok(median(times, |n| change(&hub, n)))
}

fn checked() -> Result<f64> {
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}, "text": {"type": "string"}, "on": {"type": "boolean"}},
        "required": ["n"],
    });
    let check = sixframe_hub::Check::members_schema(&schema)?;
    let slice = sixframe_hub::SliceConfig::new("items", large()).checked(check);
    let hub = Hub::new(HubConfig { slices: vec![slice], ..HubConfig::default() })?;
    Ok(median(5_000, |n| {
        let at = format!("/items/item{}/n", n * 7919 % super::ITEMS);
        black_box(hub.commit(add(&at, json!(n))).expect("the commit fits"));
    }))
}

/// One operation by key on an array of objects, anywhere in it.
fn listed(op: impl Fn(u64) -> Op) -> f64 {
    let hub = hub();
    let element = |id: usize| json!({"id": id, "n": 0, "text": "some words that a message of a session has"});
    set(&hub, "/list", (0..super::ITEMS).map(element).collect());
    median(100, |n| {
        let ops = vec![op((n * 7919 % super::ITEMS) as u64)];
        black_box(hub.commit(CommitParams { ops, expect: None, mutation: None }).expect("the commit fits"));
    })
}

fn list() -> Pointer {
    "/list".parse().expect("a pointer")
}

fn put(key: u64) -> Op {
    let value = json!({"id": key, "n": 1, "text": "other words"}).into();
    Op::Put { path: list(), by: "id".to_owned(), value, before: None }
}

fn moved(key: u64) -> Op {
    let before = (key + 5000) % super::ITEMS as u64;
    Op::Move { path: list(), by: "id".to_owned(), key: key.into(), before: Some(before.into()) }
}
