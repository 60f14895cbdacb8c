//! What is counted of each method.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hashbrown::DefaultHashBuilder;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use tokio::time::Instant;

use super::watch::{Observer, Watch};
use crate::{Request, Service};

/// How many buckets a latency histogram has.
pub const LATENCY_BUCKETS: usize = 32;

/// Parts of the table of methods, so that few requests meet at one lock, which they only read.
const SHARDS: usize = 16;

/// The name under which methods that the router does not know are counted together.
const UNKNOWN: &str = "(unknown)";

/// Codes counted by name for one method; further ones count as `(other)`.
const CODES: usize = 64;

/// Counts requests by method. Clones count into the same numbers.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Table>);

#[derive(Default)]
struct Table {
    shards: [RwLock<HashMap<&'static str, Arc<Counters>>>; SHARDS],
    hasher: DefaultHashBuilder,
}

struct Counters {
    requests: AtomicU64,
    in_flight: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    latency: [AtomicU64; LATENCY_BUCKETS],
    /// Only failures come here.
    errors: Mutex<HashMap<SmolStr, u64>>,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsSnapshot {
    /// By method; those that the router does not know together as `(unknown)`.
    pub methods: BTreeMap<String, MethodMetrics>,
}

/// What was counted of one method.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodMetrics {
    /// Requests that came.
    pub requests: u64,
    /// Requests that are not over.
    pub in_flight: u64,
    /// Failures by code. A request that ended without its handler's doing counts as `RPC_TIMEOUT` where its time had run
    /// out, else as `CANCELLED`.
    pub errors: BTreeMap<String, u64>,
    /// Bytes of parameters; upstream items are not counted.
    pub bytes_in: u64,
    /// Bytes of answers and items.
    pub bytes_out: u64,
    /// Finished requests by duration: entry `i` counts those under 2^(i+1) µs and not under 2^i µs; the first also those
    /// under 1 µs, the last also all longer ones. Trailing zeros are left out.
    pub latency: Vec<u64>,
}

impl Metrics {
    /// Counters that start at zero.
    pub fn new() -> Metrics {
        Metrics::default()
    }

    /// The layer that counts; may be given to several routers.
    pub fn layer(&self) -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> + use<> {
        let metrics = self.clone();
        move |next| {
            Arc::new(move |request: Request| {
                let counters = metrics.counters(request.info().map_or(UNKNOWN, |info| info.name));
                let watch = Watch::new(request.context.clone(), Count::begin(counters, &request));
                watch.over(next.call(request))
            })
        }
    }

    /// The numbers now. Requests that run meanwhile may be in some and not yet in others.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let mut methods = BTreeMap::new();
        for shard in &self.0.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            methods.extend(shard.iter().map(|(name, counters)| ((*name).to_owned(), counters.snapshot())));
        }
        MetricsSnapshot { methods }
    }

    fn counters(&self, method: &'static str) -> Arc<Counters> {
        let shard = &self.0.shards[self.0.hasher.hash_one(method) as usize % SHARDS];
        if let Some(counters) = shard.read().unwrap_or_else(PoisonError::into_inner).get(method) {
            return counters.clone();
        }
        shard.write().unwrap_or_else(PoisonError::into_inner).entry(method).or_default().clone()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.snapshot().fmt(f)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            latency: std::array::from_fn(|_| AtomicU64::new(0)),
            errors: Mutex::default(),
        }
    }
}

impl Counters {
    fn snapshot(&self) -> MethodMetrics {
        let mut latency: Vec<u64> = self.latency.iter().map(|bucket| bucket.load(Relaxed)).collect();
        while latency.last() == Some(&0) {
            latency.pop();
        }
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        MethodMetrics {
            requests: self.requests.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            errors: errors.iter().map(|(code, count)| (code.to_string(), *count)).collect(),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            latency,
        }
    }

    fn fail(&self, code: &str) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let known = errors.len() < CODES || errors.contains_key(code);
        *errors.entry(if known { code.into() } else { SmolStr::new_static("(other)") }).or_default() += 1;
    }
}

/// Counts one request.
struct Count {
    counters: Arc<Counters>,
    start: Instant,
}

impl Count {
    fn begin(counters: Arc<Counters>, request: &Request) -> Count {
        counters.requests.fetch_add(1, Relaxed);
        counters.in_flight.fetch_add(1, Relaxed);
        counters.bytes_in.fetch_add(request.payload.len() as u64, Relaxed);
        Count { counters, start: Instant::now() }
    }
}

impl Observer for Count {
    fn passed(&mut self, bytes: usize) {
        self.counters.bytes_out.fetch_add(bytes as u64, Relaxed);
    }

    fn ended(&mut self, code: Option<&str>) {
        let micros = self.start.elapsed().as_micros().max(1);
        let bucket = (micros.ilog2() as usize).min(LATENCY_BUCKETS - 1);
        self.counters.latency[bucket].fetch_add(1, Relaxed);
        self.counters.in_flight.fetch_sub(1, Relaxed);
        if let Some(code) = code {
            self.counters.fail(code);
        }
    }
}
