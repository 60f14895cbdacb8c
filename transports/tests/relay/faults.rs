//! Property: whatever happens to the connections around a relay, every call settles once and nothing is left.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use sixframe_core::memory::{self, MemoryConfig, MemoryTransport};
use sixframe_core::testing::{Disturbance, FaultTransport, Faults, Rule};
use sixframe_core::{
    CallError, Config, Connecting, Context, Fault, Identity, Item, Method, Router, RpcEndpoint, StreamMethod,
    connect_with,
};
use sixframe_transports::relay::{Relay, RelayConfig, WindowHandle, WindowId};

const ECHO: Method<u64, u64> = Method::new("echo");
const SLOW: Method<u64, u64> = Method::new("slow");
const LOG: StreamMethod<u64, u64> = StreamMethod::new("log").resumable();

const SEEDS: u64 = 60;

fn service() -> Router {
    Router::new()
        .function(ECHO, |_, n| Ok::<_, Fault>(n))
        .method(SLOW, |_, n| async move {
            tokio::time::sleep(Duration::from_millis(n % 50)).await;
            Ok::<_, Fault>(n)
        })
        .stream(LOG, |context: Context, upto| {
            let after = context.resume().map_or(0, |(_, after)| after);
            stream::iter(after + 1..=upto).map(|pos| Ok::<_, Fault>(Item::at(pos, pos, "e")))
        })
}

/// Faults that a connection with order and without loss may have.
fn faults(seed: u64, cut: f64) -> Faults {
    let rules = || {
        let delay = Disturbance::Delay(Duration::from_millis(20));
        vec![Rule::chance(cut, Disturbance::Cut), Rule::chance(0.2, delay)]
    };
    Faults { seed, sent: rules(), received: rules() }
}

/// An upstream that breaks now and then, each time with a new backend behind it.
fn upstream(seed: u64) -> impl FnMut() -> Connecting<FaultTransport<MemoryTransport>> + Send + 'static {
    let mut chances = fastrand::Rng::with_seed(seed);
    move || {
        let seed = chances.u64(..);
        Box::pin(async move {
            let (near, far) = memory::pair(MemoryConfig { capacity: 500, ..MemoryConfig::default() });
            let (_backend, driver) = connect_with(Config::default(), near, service());
            tokio::spawn(driver);
            Ok((FaultTransport::new(far, faults(seed, 0.01)), Identity::default()))
        })
    }
}

fn window(relay: &Relay, id: &str, seed: u64) -> (RpcEndpoint, WindowHandle) {
    let (near, far) = memory::pair(MemoryConfig { capacity: 300, ..MemoryConfig::default() });
    let far = FaultTransport::new(far, faults(seed, 0.002));
    let handle = relay.attach(far, WindowId::new(id, seed.to_string()));
    // A link without a second connection: streams resume on the relay's word alone.
    let mut only = Some(near);
    let connector = move || -> Connecting<MemoryTransport> {
        let near = only.take();
        Box::pin(async move {
            let gone = || sixframe_core::TransportError::permanent("there is one connection", None);
            Ok((near.ok_or_else(gone)?, Identity::default()))
        })
    };
    let (endpoint, driver) = sixframe_core::reconnecting(Config::default(), connector, service());
    tokio::spawn(driver);
    (endpoint, handle)
}

/// What a window does: each of it must come to an end, and answers must be right.
async fn exercise(endpoint: RpcEndpoint, seed: u64) {
    let mut chances = fastrand::Rng::with_seed(seed);
    for _ in 0..30 {
        let n = chances.u64(0..1_000);
        match chances.u32(..4) {
            0 => right(endpoint.request(&ECHO, n).await, n),
            1 => right(endpoint.request(&SLOW, n).await, n),
            2 => drop(endpoint.request(&SLOW, n)),
            _ => whole(&endpoint, n % 100).await,
        }
    }
}

fn right(answer: Result<u64, CallError>, expected: u64) {
    match answer {
        Ok(answer) => assert_eq!(answer, expected),
        Err(error) => assert!(["CONNECTION_CLOSED", "INDETERMINATE"].contains(&error.code()), "{error}"),
    }
}

/// A stream comes without a hole, until its end or that of the window's connection.
async fn whole(endpoint: &RpcEndpoint, upto: u64) {
    let mut items = endpoint.stream(&LOG, upto);
    let mut expected = 1;
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => assert_eq!(item.data, expected),
            Err(error) => return assert_eq!(error.code(), "CONNECTION_CLOSED", "{error}"),
        }
        expected += 1;
    }
    assert_eq!(expected, upto + 1);
}

// proves: relay.7, call.5
#[tokio::test(start_paused = true)]
async fn every_call_settles_once_and_nothing_is_left() {
    for seed in 0..SEEDS {
        let (relay, driver) = Relay::by(upstream(seed), RelayConfig::default());
        let driver = tokio::spawn(driver);
        let mut handles = Vec::new();
        let mut running = Vec::new();
        for id in 0..3 {
            let (endpoint, handle) = window(&relay, &id.to_string(), seed * 10 + id);
            handles.push(handle);
            running.push(tokio::spawn(exercise(endpoint, seed * 10 + id)));
        }
        for (id, window) in running.into_iter().enumerate() {
            let settled = tokio::time::timeout(Duration::from_secs(3_600), window).await;
            let settled = settled.unwrap_or_else(|_| panic!("seed {seed}: window {id} hangs, {:?}", relay.load()));
            settled.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        drop(handles);
        let load = relay.load();
        assert_eq!((load.windows, load.calls), (0, 0), "seed {seed}: {load:?}");
        relay.close();
        driver.await.unwrap();
    }
}
