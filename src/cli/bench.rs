//! `sixframe bench`: how long one call takes, and how many calls a second go through, as this client sees it.

use std::time::{Duration, Instant};

use anyhow::Error;
use serde_json::{Value, json};
use sixframe_core::{CallError, Payload, RpcEndpoint};
use tokio::task::JoinSet;

use super::args::BenchArgs;
use super::failure::Failure;
use super::peer::Peer;
use super::print;

/// Calls one at a time, then many at once, each for half of the time.
pub(super) async fn run(args: &BenchArgs) -> Result<(), Error> {
    let mut peers = Vec::new();
    for _ in 0..args.connections.get() {
        peers.push(Peer::connect(&args.peer).await?);
    }
    let endpoints: Vec<RpcEndpoint> = peers.iter().map(|peer| peer.endpoint.clone()).collect();
    let half = Duration::from_secs(args.seconds.get().into()) / 2;
    measure(&endpoints[..1], 1, &args.method, half / 5).await?;
    let single = measure(&endpoints[..1], 1, &args.method, half).await?;
    let many = measure(&endpoints, args.in_flight.get(), &args.method, half).await?;
    for peer in peers {
        peer.close().await;
    }
    eprintln!("one at a time:  {}", single.words());
    eprintln!("{} at once:  {}", args.in_flight.get() * args.connections.get(), many.words());
    let line = json!({"method": args.method, "single": single.numbers(), "pipelined": many.numbers(),
        "inFlight": args.in_flight, "connections": args.connections});
    Ok(print(&format!("{line}\n"))?)
}

/// Keeps `in_flight` calls under way on each connection for `time`.
async fn measure(endpoints: &[RpcEndpoint], in_flight: u32, method: &str, time: Duration) -> Result<Latencies, Error> {
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for endpoint in endpoints.iter().flat_map(|endpoint| (0..in_flight).map(move |_| endpoint)) {
        callers.spawn(call_until(endpoint.clone(), method.to_owned(), begun + time));
    }
    let mut all = Latencies::new();
    while let Some(done) = callers.join_next().await {
        all.add(&done?.map_err(Failure::Call)?);
    }
    all.took = begun.elapsed();
    Ok(all)
}

async fn call_until(endpoint: RpcEndpoint, method: String, until: Instant) -> Result<Latencies, CallError> {
    let mut latencies = Latencies::new();
    loop {
        let begun = Instant::now();
        endpoint.forward(&method, Payload::NULL).await?;
        let ended = Instant::now();
        latencies.count(ended - begun);
        if ended >= until {
            return Ok(latencies);
        }
    }
}

/// Parts of each power of two of nanoseconds: a percentile is right to 1/16.
const PARTS: usize = 16;

/// How often a call took how long, in bounded space.
struct Latencies {
    buckets: Vec<u64>,
    calls: u64,
    took: Duration,
}

impl Latencies {
    fn new() -> Latencies {
        Latencies { buckets: vec![0; 64 * PARTS], calls: 0, took: Duration::ZERO }
    }

    fn count(&mut self, latency: Duration) {
        let nanos = (latency.as_nanos() as u64).max(PARTS as u64);
        let power = nanos.ilog2() as usize;
        let part = (nanos >> (power - 4)) as usize % PARTS;
        self.buckets[power * PARTS + part] += 1;
        self.calls += 1;
    }

    fn add(&mut self, other: &Latencies) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, count)| *sum += count);
        self.calls += other.calls;
    }

    /// The duration that this share of the calls did not exceed, in microseconds.
    fn percentile(&self, share: f64) -> f64 {
        let wanted = (self.calls as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        let (power, part) = bucket.map_or((0, 0), |bucket| (bucket / PARTS, bucket % PARTS));
        let nanos = 2f64.powi(power as i32) * (1.0 + (part as f64 + 1.0) / PARTS as f64);
        (nanos / 100.0).round() / 10.0
    }

    fn rate(&self) -> f64 {
        (self.calls as f64 / self.took.as_secs_f64()).round()
    }

    fn words(&self) -> String {
        let (p50, p99) = (self.percentile(0.5), self.percentile(0.99));
        format!("{} calls/s, p50 {p50} µs, p99 {p99} µs ({} calls)", self.rate(), self.calls)
    }

    fn numbers(&self) -> Value {
        let (p50, p99) = (self.percentile(0.5), self.percentile(0.99));
        json!({"callsPerSecond": self.rate(), "p50Us": p50, "p99Us": p99, "calls": self.calls})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_sixteenth() {
        let mut latencies = Latencies::new();
        (1..=1000).for_each(|micros| latencies.count(Duration::from_micros(micros)));
        for (share, micros) in [(0.5, 500.0), (0.99, 990.0)] {
            let told = latencies.percentile(share);
            assert!(told >= micros && told <= micros * 17.0 / 16.0 + 0.1, "{share}: {told}");
        }
    }
}
