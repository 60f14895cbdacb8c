//! Endpoints that connect again: what waits, what goes on, what is told.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig, MemoryTransport};
use sixframe_core::testing::{Disturbance, FaultTransport, Faults, Peer, Rule, frames, settled};
use sixframe_core::{
    CallOptions, Config, Connecting, Context, Fault, Item, Load, Method, Router, RpcEndpoint, StreamMethod, Timeout,
    TransportError, connect, reconnecting,
};

const ECHO: Method<u64, u64> = Method::new("echo");
const LOG: StreamMethod<(), u64> = StreamMethod::new("log").resumable();
const PLAIN: StreamMethod<(), u64> = StreamMethod::new("plain");

/// Where the connector finds its transports; `None` is a failed attempt.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<VecDeque<Result<MemoryTransport, TransportError>>>>);

impl Line {
    fn endpoint(&self) -> RpcEndpoint {
        let line = self.clone();
        let connector = move || -> Connecting<MemoryTransport> {
            let next = line.0.lock().unwrap().pop_front();
            Box::pin(async move {
                let transport = next.unwrap_or_else(|| Err(TransportError::new("nobody is there", None)))?;
                Ok((transport, memory::identity()))
            })
        };
        let (endpoint, driver) = reconnecting(Config::default(), connector, Router::new());
        tokio::spawn(driver);
        endpoint
    }

    /// Puts a peer where the next attempt finds it.
    fn peer(&self) -> Peer {
        let (peer, transport) = Peer::pair();
        self.0.lock().unwrap().push_back(Ok(transport));
        peer.patient(Duration::from_secs(60))
    }

    fn refuse(&self) {
        self.0.lock().unwrap().push_back(Err(TransportError::permanent("the token is wrong", None)));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_have_not_left_wait_for_a_connection() {
    // proves: resume.11
    let line = Line::default();
    let endpoint = line.endpoint();
    let call = endpoint.request(&ECHO, 1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut peer = line.peer();
    let asked = peer.expect(frames::req("echo")).await;
    let left = asked["meta"]["timeoutMs"].as_u64().unwrap();
    assert!((20_000..40_000).contains(&left), "{left}");
    peer.send(frames::res(&asked, json!(1))).await;
    assert_eq!(call.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_connection_ends_with_the_calls_time() {
    // proves: resume.10, resume.11
    let endpoint = Line::default().endpoint();
    let start = tokio::time::Instant::now();
    assert_eq!(endpoint.request(&ECHO, 1).await.unwrap_err().code(), "RPC_TIMEOUT");
    assert_eq!((start.elapsed().as_secs(), endpoint.load()), (60, Load::default()));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_had_left_is_indeterminate_and_is_not_run_again() {
    // proves: close.2, close.3, close.4
    let line = Line::default();
    let endpoint = line.endpoint();
    let mut first = line.peer();
    let left = endpoint.request(&ECHO, 1);
    first.expect(frames::req("echo")).await;
    let plain = endpoint.stream(&PLAIN, ());
    let opened = first.expect(frames::req("plain")).await;
    first.send(frames::nxt(&opened, 1, json!(1))).await;
    settled().await;
    drop(first);
    assert_eq!(left.await.unwrap_err().code(), "INDETERMINATE");
    let items: Vec<_> = plain.collect().await;
    assert_eq!(items[1].as_ref().unwrap_err().code(), "CONNECTION_CLOSED");
    let mut second = line.peer();
    let fresh = endpoint.request(&ECHO, 2);
    let asked = second.expect(json!({"kind": "req", "method": "echo", "payload": 2})).await;
    second.send(frames::res(&asked, json!(2))).await;
    assert_eq!(fresh.await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_cannot_mend_settles_everything() {
    let line = Line::default();
    let endpoint = line.endpoint();
    let call = endpoint.request(&ECHO, 1);
    line.refuse();
    let error = call.await.unwrap_err();
    assert_eq!(error.code(), "CONNECTION_CLOSED");
    assert!(error.to_string().contains("the token is wrong") && endpoint.is_closed(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn closing_an_endpoint_between_two_connections_settles_what_waits() {
    let endpoint = Line::default().endpoint();
    let (call, mut log) = (endpoint.request(&ECHO, 1), endpoint.stream(&LOG, ()));
    settled().await;
    endpoint.close(Duration::from_secs(1));
    assert_eq!(call.await.unwrap_err().code(), "CONNECTION_CLOSED");
    assert_eq!(log.next().await.unwrap().unwrap_err().code(), "CONNECTION_CLOSED");
    assert_eq!((endpoint.is_closed(), endpoint.load()), (true, Load::default()));
}

fn entry(frame: &Value, seq: u64, pos: u64) -> Value {
    let mut item = frames::nxt(frame, seq, json!(pos));
    item["pos"] = pos.into();
    item["epoch"] = "e".into();
    item
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_goes_on_after_the_last_item_that_was_received() {
    // proves: resume.3, resume.9
    let line = Line::default();
    let endpoint = line.endpoint();
    let mut first = line.peer();
    let mut log = endpoint.stream(&LOG, ());
    let opened =
        first.expect(json!({"kind": "req", "method": "log", "meta": {"fc": {"upto": 32}, "resume": null}})).await;
    first.send(entry(&opened, 1, 4710)).await;
    first.send(entry(&opened, 2, 4711)).await;
    assert_eq!(log.next().await.unwrap().unwrap().pos, Some(4710));
    drop(first);
    let mut second = line.peer();
    let resumed = second.expect(json!({"meta": {"resume": {"epoch": "e", "after": 4711}}})).await;
    assert_ne!(resumed["cid"], opened["cid"]);
    second.send(entry(&resumed, 1, 4712)).await;
    for pos in [4711, 4712] {
        let item = log.next().await.unwrap().unwrap();
        assert_eq!((item.pos, item.reset, item.skipped), (Some(pos), false, 0));
    }
    drop(log);
    second.expect(frames::can(&resumed)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_resumes_into_another_life_of_its_source_says_so() {
    // proves: resume.7, resume.8
    let line = Line::default();
    let endpoint = line.endpoint();
    let mut first = line.peer();
    let mut log = endpoint.stream(&LOG, ());
    let opened = first.expect(frames::req("log")).await;
    first.send(entry(&opened, 1, 5)).await;
    assert!(!log.next().await.unwrap().unwrap().reset);
    drop(first);
    let mut second = line.peer();
    let resumed = second.expect(frames::req("log")).await;
    let mut reset = frames::nxt(&resumed, 1, Value::Null);
    (reset["reset"], reset["epoch"], reset["pos"]) = (true.into(), "f".into(), 0.into());
    second.send(reset).await;
    let mut item = frames::nxt(&resumed, 2, json!(1));
    item["pos"] = 1.into();
    second.send(item).await;
    let item = log.next().await.unwrap().unwrap();
    assert_eq!((item.data, item.pos, item.reset), (1, Some(1), true));
}

#[tokio::test(start_paused = true)]
async fn a_stream_resumes_on_a_living_connection_whose_peer_lost_its_own() {
    // proves: relay.7
    let line = Line::default();
    let endpoint = line.endpoint();
    let mut relay = line.peer();
    let mut log = endpoint.stream(&LOG, ());
    let mut opened = relay.expect(frames::req("log")).await;
    relay.send(entry(&opened, 1, 7)).await;
    assert_eq!(log.next().await.unwrap().unwrap().pos, Some(7));
    relay.expect(json!({"cid": opened["cid"], "dir": "up", "fc": {"ack": 0}})).await;
    let mut pauses = Vec::new();
    for _ in 0..12 {
        relay.send(frames::err(&opened, "CONNECTION_CLOSED", "upstream broke")).await;
        let start = tokio::time::Instant::now();
        opened = relay.expect(json!({"method": "log", "meta": {"resume": {"after": 7}}})).await;
        pauses.push(start.elapsed());
    }
    assert!(pauses[0] >= Duration::from_millis(50) && pauses[0] <= Duration::from_millis(101), "{pauses:?}");
    assert!(pauses[11] >= Duration::from_secs(5) && pauses[11] <= Duration::from_secs(11), "{pauses:?}");
    relay.send(entry(&opened, 1, 8)).await;
    assert_eq!(log.next().await.unwrap().unwrap().pos, Some(8));
    let plain = endpoint.stream(&PLAIN, ());
    let opened = relay.expect(frames::req("plain")).await;
    relay.send(frames::nxt(&opened, 1, json!(1))).await;
    relay.send(frames::err(&opened, "CONNECTION_CLOSED", "upstream broke")).await;
    let items: Vec<_> = plain.collect().await;
    assert_eq!(items[1].as_ref().unwrap_err().code(), "CONNECTION_CLOSED");
}

/// A log of positions from 1 on that goes on where it is asked to.
fn log_server() -> Router {
    Router::new().function(ECHO, |_, n| Ok::<_, Fault>(n)).stream(LOG, |cx: Context, ()| {
        let after = cx.resume().filter(|(epoch, _)| *epoch == "e").map_or(0, |(_, after)| after);
        stream::iter(after + 1..).map(|pos| Ok::<_, Fault>(Item::at(pos, pos, "e"))).take(20_000)
    })
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_resumes_at_position_4711_with_a_window_of_32_loses_nothing() {
    // proves: resume.3, resume.5
    for seed in 0..20 {
        let connector = move || -> Connecting<FaultTransport<MemoryTransport>> {
            let (near, far) = memory::pair(MemoryConfig { capacity: 4096, ..MemoryConfig::default() });
            let (_, server) = connect(far, log_server());
            tokio::spawn(server);
            let received = vec![Rule::at(4711, Disturbance::Cut), Rule::chance(0.0002, Disturbance::Cut)];
            let near = FaultTransport::new(near, Faults { seed, received, ..Faults::default() });
            Box::pin(async move { Ok((near, memory::identity())) })
        };
        let (endpoint, driver) = reconnecting(Config::default(), connector, Router::new());
        tokio::spawn(driver);
        let options = CallOptions { window: Some(32), ..CallOptions::default() };
        let mut log = endpoint.with(options).stream(&LOG, ());
        for pos in 1..=15_000 {
            let item = log.next().await.unwrap().unwrap();
            assert_eq!((item.pos, item.skipped, item.reset), (Some(pos), 0, false), "seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resumed_stream_keeps_its_timeout() {
    // proves: resume.10
    let line = Line::default();
    let endpoint = line.endpoint();
    let mut first = line.peer();
    let options = CallOptions { timeout: Timeout::After(Duration::from_secs(30)), ..CallOptions::default() };
    let mut log = endpoint.with(options).stream(&LOG, ());
    let opened = first.expect(frames::req("log")).await;
    assert!(opened["meta"]["timeoutMs"].as_u64().unwrap() > 29_000, "{opened}");
    first.send(entry(&opened, 1, 1)).await;
    assert_eq!(log.next().await.unwrap().unwrap().pos, Some(1));
    tokio::time::sleep(Duration::from_secs(10)).await;
    drop(first);
    let mut second = line.peer();
    let resumed = second.expect(frames::req("log")).await;
    let left = resumed["meta"]["timeoutMs"].as_u64().unwrap();
    assert!((10_000..=20_000).contains(&left), "{left}");
    assert_eq!(log.next().await.unwrap().unwrap_err().code(), "RPC_TIMEOUT");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_went_dead_is_replaced_by_the_next() {
    // proves: discover.6, resume.4
    let mut first = true;
    let connector = move || -> Connecting<FaultTransport<MemoryTransport>> {
        let (near, far) = memory::pair(MemoryConfig::default());
        let (_, server) = connect(far, log_server());
        tokio::spawn(server);
        let dies = std::mem::take(&mut first).then(|| Rule::at(3, Disturbance::Stall)).into_iter().collect();
        let near = FaultTransport::new(near, Faults { received: dies, ..Faults::default() });
        Box::pin(async move { Ok((near, memory::identity())) })
    };
    let config = Config { heartbeat: Some(Duration::from_secs(5)), ..Config::default() };
    let (endpoint, driver) = reconnecting(config, connector, Router::new());
    tokio::spawn(driver);
    let options = CallOptions { window: Some(1), ..CallOptions::default() };
    let mut log = endpoint.with(options).stream(&LOG, ());
    let start = tokio::time::Instant::now();
    for pos in 1..=100 {
        assert_eq!(log.next().await.unwrap().unwrap().pos, Some(pos));
    }
    assert!((10..12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(endpoint.request(&ECHO, 3).await.unwrap(), 3);
}

/// Streams, calls and uploads over connections that break at random: nothing is lost silently, everything settles.
async fn over_a_bad_line(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut faults = rng.fork();
    let connector = move || -> Connecting<FaultTransport<MemoryTransport>> {
        let (near, far) = memory::pair(MemoryConfig { capacity: 300, ..MemoryConfig::default() });
        let (_, server) = connect(far, log_server());
        tokio::spawn(server);
        let rules = || vec![Rule::chance(0.01, Disturbance::Cut), Rule::chance(0.05, Disturbance::Delay(SECOND))];
        let near = FaultTransport::new(near, Faults { seed: faults.u64(..), sent: rules(), received: rules() });
        let refused = faults.u8(..4) == 0;
        Box::pin(async move {
            if refused { Err(TransportError::new("nobody is there", None)) } else { Ok((near, memory::identity())) }
        })
    };
    let config = Config { heartbeat: rng.bool().then_some(SECOND * 3), ..Config::default() };
    let (endpoint, driver) = reconnecting(config, connector, Router::new());
    let driver = tokio::spawn(driver);
    let logs = (0..3).map(|_| {
        let options = CallOptions { window: Some(rng.u32(1..20)), ..CallOptions::default() };
        let mut log = endpoint.with(options).stream(&LOG, ());
        tokio::spawn(async move {
            for pos in 1..=300 {
                let item = log.next().await.unwrap().unwrap();
                assert_eq!((item.pos, item.skipped, item.reset), (Some(pos), 0, false), "seed {seed}");
            }
        })
    });
    let logs: Vec<_> = logs.collect();
    for n in 0..40 {
        match endpoint.request(&ECHO, n).await {
            Ok(echo) => assert_eq!(echo, n),
            Err(error) => assert!(["INDETERMINATE", "RPC_TIMEOUT"].contains(&error.code()), "seed {seed}: {error}"),
        }
    }
    for log in logs {
        log.await.unwrap();
    }
    endpoint.close(SECOND);
    driver.await.unwrap();
    assert_eq!(endpoint.load(), Load::default(), "seed {seed}");
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn over_a_line_that_breaks_at_random_nothing_is_lost_silently() {
    // proves: close.2, resume.3, resume.11
    for seed in 0..50 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(over_a_bad_line(seed));
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_can_be_closed_while_it_waits_for_an_attempt_that_hangs() {
    let connector = || -> Connecting<MemoryTransport> { Box::pin(std::future::pending()) };
    let (endpoint, driver) = reconnecting(Config::default(), connector, Router::new());
    let driver = tokio::spawn(driver);
    let call = endpoint.request(&ECHO, 1);
    settled().await;
    endpoint.close(Duration::ZERO);
    assert_eq!(call.await.unwrap_err().code(), "CONNECTION_CLOSED");
    driver.await.unwrap();
}
