//! Many windows, few of which read, at a steady rate of commits: what the memory does once the pipes of the others are full, and
//! how far behind the readers are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, future};
use serde_json::json;
use sixframe_core::memory::{self, MemoryTransport};
use sixframe_core::{Config, Router, TransportError, connect, connect_with};
use sixframe_hub::{Applied, Change, Hub, Json, Op, Replica, WATCH, WatchParams, router};

use super::{hub, set};
use crate::memory::resident;

/// Members of the part of the state that everyone follows.
const HOT: u64 = 100;

/// Nothing was sent to a silent window for so long: their pipes are full.
const QUIET: Duration = Duration::from_secs(3);

/// They must be full after this time.
const FILLING: Duration = Duration::from_secs(180);

/// Room for what is noted of items, taken before the memory is looked at.
const NOTES: usize = 1 << 20;

/// What the crowd is.
pub struct Crowd {
    /// Windows.
    pub windows: usize,
    /// Commits a second.
    pub rate: u32,
    /// How long.
    pub seconds: u64,
}

impl Default for Crowd {
    fn default() -> Self {
        Crowd { windows: 1000, rate: 10_000, seconds: 60 }
    }
}

/// What was seen of the windows.
struct Seen {
    /// Messages to windows that do not read.
    silent: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
    /// How old what a window showed was, in microseconds.
    ages: Mutex<Vec<u64>>,
    /// Items that a reader needed at the end until it had the newest.
    last: Mutex<Vec<u64>>,
    over: AtomicBool,
}

impl Seen {
    fn new() -> Seen {
        let seen = Seen {
            silent: AtomicU64::new(0),
            items: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ages: Mutex::new(vec![1; NOTES]),
            last: Mutex::default(),
            over: AtomicBool::new(false),
        };
        seen.forget();
        seen
    }

    /// What was seen of the readers so far does not count.
    fn forget(&self) {
        self.items.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        self.ages.lock().expect("nobody panicked").clear();
    }
}

/// What the commits saw.
struct Course {
    /// Seconds until the pipes were full.
    filling: f64,
    commits: u64,
    seconds: f64,
    /// Resident bytes, each second behind that.
    memory: Vec<u64>,
}

pub(super) fn run(crowd: &Crowd) -> Result<()> {
    let reading = (crowd.windows / 100).max(1);
    let Crowd { windows, rate, seconds } = crowd;
    println!(
        "{windows} windows, {reading} of which read, at {rate} commits a second; {seconds} s from when the pipes of the"
    );
    println!("others are full:\n");
    let hub = hub();
    set(&hub, "/hot", json!({}));
    (0..HOT).for_each(|n| set(&hub, &format!("/hot/leaf{n}"), json!({"at": 0, "n": n})));
    let seen = Arc::new(Seen::new());
    let begun = Instant::now();
    let (serving, handed) = std::sync::mpsc::channel();
    let (server_hub, server_seen, count) = (hub.clone(), seen.clone(), crowd.windows);
    std::thread::spawn(move || runtime().block_on(serve(server_hub, count, reading, server_seen, serving)));
    let mut transports: Vec<MemoryTransport> = handed.recv()?;
    let silent = transports.split_off(reading);
    let watched = seen.clone();
    let readers = std::thread::spawn(move || runtime().block_on(read(transports, watched, begun)));
    let _silent = runtime().block_on(ask(silent))?;
    let course = commit(&hub, crowd, &seen, begun)?;
    seen.over.store(true, Ordering::SeqCst);
    set(&hub, "/hot/over", json!(true));
    readers.join().expect("the readers come to their end")?;
    report(reading, &course, &seen);
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
}

/// The hub's ends of all connections, on one thread. What goes to those behind the first `reading` is counted.
async fn serve(
    hub: Hub,
    windows: usize,
    reading: usize,
    seen: Arc<Seen>,
    handed: std::sync::mpsc::Sender<Vec<MemoryTransport>>,
) {
    let service = router(&hub).into_service();
    let mut theirs = Vec::with_capacity(windows);
    let mut drivers = tokio::task::JoinSet::new();
    for window in 0..windows {
        let (ours, other) = memory::pair(Default::default());
        let (seen, silent) = (seen.clone(), u64::from(window >= reading));
        let ours = ours.with(move |message| {
            seen.silent.fetch_add(silent, Ordering::Relaxed);
            future::ready(Ok::<_, TransportError>(message))
        });
        let config = Config { identity: memory::identity(), ..Config::default() };
        let (endpoint, driver) = connect_with(config, ours, service.clone());
        drivers.spawn(async move {
            driver.await;
            drop(endpoint);
        });
        theirs.push(other);
    }
    if handed.send(theirs).is_ok() {
        drivers.join_all().await;
    }
}

/// Windows that ask and never read: every other one knows no credit.
async fn ask(transports: Vec<MemoryTransport>) -> Result<Vec<MemoryTransport>> {
    let mut asked = Vec::with_capacity(transports.len());
    for (n, mut transport) in transports.into_iter().enumerate() {
        let mut frame = json!({"kind": "req", "cid": "1", "method": "hub.watch", "payload": {"paths": ["/hot"]}});
        if n % 2 == 0 {
            frame["meta"] = json!({"fc": {"upto": 32}});
        }
        transport.send(Bytes::from(frame.to_string())).await?;
        asked.push(transport);
    }
    Ok(asked)
}

async fn read(transports: Vec<MemoryTransport>, seen: Arc<Seen>, begun: Instant) -> Result<()> {
    let mut windows = tokio::task::JoinSet::new();
    for transport in transports {
        let seen = seen.clone();
        windows.spawn(async move {
            let (peer, driver) = connect(transport, Router::new());
            let driving = tokio::spawn(driver);
            let paths = Some(vec!["/hot".parse().expect("a pointer")]);
            let params = WatchParams { paths, min_interval_ms: Some(16), ..WatchParams::default() };
            let mut items = peer.stream(&WATCH, params);
            let (mut replica, mut behind) = (Replica::default(), 0);
            while let Some(item) = items.next().await.transpose()? {
                look(&item.data, &seen, begun);
                behind += u64::from(seen.over.load(Ordering::SeqCst));
                anyhow::ensure!(replica.apply(item.data) == Applied::Yes, "a gap");
                if replica.value().at("/hot/over").is_some() {
                    seen.last.lock().expect("nobody panicked").push(behind);
                    break;
                }
            }
            driving.abort();
            anyhow::Ok(())
        });
    }
    windows.join_all().await.into_iter().collect()
}

/// How old the newest thing is that an item tells.
fn look(change: &Change, seen: &Seen, begun: Instant) {
    let now = begun.elapsed().as_micros() as u64;
    let newest = match change {
        Change::Patch { ops, .. } => ops.iter().filter_map(|op| op_value(op)?.member("at")?.as_u64()).max(),
        Change::Snapshot { value, .. } => {
            let leaves = value.member("hot").into_iter().flat_map(|hot| hot.members());
            leaves.filter_map(|(_, leaf)| leaf.member("at")?.as_u64()).max()
        }
    };
    let Some(newest) = newest else { return };
    seen.items.fetch_add(1, Ordering::Relaxed);
    seen.bytes.fetch_add(serde_json::to_vec(change).map_or(0, |text| text.len() as u64), Ordering::Relaxed);
    seen.ages.lock().expect("nobody panicked").push(now.saturating_sub(newest));
}

fn op_value(op: &Op) -> Option<&Json> {
    match op {
        Op::Add { value, .. } | Op::Replace { value, .. } => Some(value),
        _ => None,
    }
}

/// Commits at the rate, until the pipes are full and then for the time.
fn commit(hub: &Hub, crowd: &Crowd, seen: &Seen, begun: Instant) -> Result<Course> {
    let start = Instant::now();
    let mut n = 0;
    let mut step = || {
        let due = start + Duration::from_secs_f64(n as f64 / f64::from(crowd.rate));
        if let Some(pause) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(pause);
        }
        let at = begun.elapsed().as_micros() as u64;
        set(hub, &format!("/hot/leaf{}", n % HOT), json!({"at": at, "n": n}));
        n += 1;
    };
    let (mut sent, mut since) = (0, start);
    while since.elapsed() < QUIET {
        ensure!(start.elapsed() < FILLING, "the pipes of the silent windows are not full after {FILLING:?}");
        step();
        let now = seen.silent.load(Ordering::Relaxed);
        if now != sent {
            (sent, since) = (now, Instant::now());
        }
    }
    let filling = since.duration_since(start).as_secs_f64();
    seen.forget();
    let full = Instant::now();
    let (mut commits, mut memory) = (0, vec![resident(std::process::id())?]);
    while full.elapsed().as_secs() < crowd.seconds {
        step();
        commits += 1;
        if full.elapsed().as_secs() >= memory.len() as u64 {
            memory.push(resident(std::process::id())?);
        }
    }
    Ok(Course { filling, commits, seconds: full.elapsed().as_secs_f64(), memory })
}

fn report(reading: usize, course: &Course, seen: &Seen) {
    let Course { filling, commits, seconds, memory } = course;
    let mut ages = seen.ages.lock().expect("nobody panicked");
    ages.sort_unstable();
    let at = |part: f64| ages.get((ages.len() as f64 * part) as usize).map_or(0.0, |age| *age as f64 / 1e3);
    let oldest = ages.last().map_or(0.0, |age| *age as f64 / 1e3);
    let (items, bytes) = (seen.items.load(Ordering::Relaxed), seen.bytes.load(Ordering::Relaxed));
    let mib = |bytes: u64| bytes as f64 / 1048576.0;
    let (first, last) = (memory[0], memory[memory.len() - 1]);
    let (least, most) = memory.iter().fold((first, first), |(least, most), now| (least.min(*now), most.max(*now)));
    println!("| | |\n|---|---:|");
    println!("| seconds until the pipes were full | {filling:.1} |");
    println!("| commits a second that were reached | {:.0} |", *commits as f64 / seconds);
    println!("| memory of the process then; at the end | {:.1}; {:.1} MiB |", mib(first), mib(last));
    println!("| least and most in between, each second | {:.1}; {:.1} MiB |", mib(least), mib(most));
    println!("| items a second that a reading window took | {:.0} |", items as f64 / seconds / reading as f64);
    println!("| bytes of one | {} |", bytes / items.max(1));
    let (half, most_of_them) = (at(0.5), at(0.99));
    println!(
        "| age of the newest thing in an item, p50 / p99 / most | {half:.1} / {most_of_them:.1} / {oldest:.1} ms |"
    );
    let behind = seen.last.lock().expect("nobody panicked").iter().max().copied().unwrap_or(0);
    println!("| items until a reading window had the last commit, at most | {behind} |");
}
