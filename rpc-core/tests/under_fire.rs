//! What sank others: full pipes, storms, stuck readers, hostile bytes.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Wake, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::session::Budget;
use sixframe_core::testing::{Peer, frames, joined, joined_with, settled};
use sixframe_core::{
    Call, Config, Context, Direction, Fault, FrameTap, Lag, Limits, Load, Method, Router, RpcEndpoint, StreamMethod,
    UploadMethod, Upstream, connect, connect_with,
};
use tokio::sync::Notify;

const ECHO: Method<String, String> = Method::new("echo");
const BACK: Method<String, String> = Method::new("back");
const HANG: Method<(), ()> = Method::new("hang");
const BIG: StreamMethod<(), String> = StreamMethod::new("big");
const STATE: StreamMethod<(), String> = StreamMethod::new("state").lag(Lag::Latest);

fn router() -> Router {
    let items = |_: Context, ()| stream::repeat_with(|| Ok::<_, Fault>("x".repeat(4 << 10)));
    Router::new()
        .function(ECHO, |_, text| Ok::<_, Fault>(text))
        .method(BACK, |cx: Context, text| async move { cx.peer().request(&ECHO, text).await })
        .method(HANG, |_, ()| std::future::pending::<Result<(), Fault>>())
        .stream(BIG, items)
        .stream(STATE, items)
}

fn tiny() -> MemoryConfig {
    MemoryConfig { capacity: 1, ..MemoryConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn many_mutual_calls_pass_through_tiny_buffers() {
    let config = || (Config::default(), router());
    let (one, other) = joined_with(tiny(), config(), config());
    let text = "x".repeat(64 << 10);
    let calls = (0..200).map(|n| {
        let endpoint = if n % 2 == 0 { &one } else { &other };
        let method = if n % 3 == 0 { &BACK } else { &ECHO };
        endpoint.request(method, text.clone())
    });
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap().len(), text.len());
    }
    assert_eq!((one.load(), other.load()), (Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_waits_only_for_the_message_that_is_written_while_the_pipe_is_full() {
    // proves: writer.2
    let (mut peer, transport) = Peer::pair_with(tiny());
    let (endpoint, driver) = connect(transport, router());
    tokio::spawn(driver);
    let cancelled = endpoint.request(&HANG, ());
    settled().await;
    let calls: Vec<Call<String>> = (0..50).map(|_| endpoint.request(&ECHO, "x".repeat(1000))).collect();
    settled().await;
    drop(cancelled);
    settled().await;
    let hang = peer.expect(frames::req("hang")).await;
    peer.expect(frames::can(&hang)).await;
    for _ in &calls {
        peer.expect(frames::req("echo")).await;
    }
    drop(calls);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_replies_at_the_in_flight_limit_reaches_its_caller() {
    // proves: limit.4, bytes.6
    let go = Arc::new(Notify::new());
    let waiting = go.clone();
    let burst: Method<(), String> = Method::new("burst");
    let service = Router::new().method(burst, move |_, ()| {
        let go = waiting.clone();
        async move {
            go.notified().await;
            Ok::<_, Fault>("x".repeat(64 << 10))
        }
    });
    let limits = Limits { in_flight: 200, ..Limits::default() };
    let server = Config { limits, ..Config::default() };
    let (client, server) = joined_with(tiny(), (Config::default(), Router::new()), (server, service));
    let calls: Vec<_> = (0..200).map(|_| client.request(&burst, ())).collect();
    settled().await;
    let refused = client.request(&burst, ()).await.unwrap_err();
    assert_eq!(refused.details().unwrap()["setting"], "limits.in_flight");
    go.notify_waiters();
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap().len(), 64 << 10);
    }
    assert_eq!((client.load(), server.load()), (Load::default(), Load::default()));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_whose_future_holds_another_locks_nothing_up() {
    let (one, other) = joined(router(), router());
    let both = |endpoint: &RpcEndpoint| {
        let (outer, inner) = (endpoint.request(&HANG, ()), endpoint.request(&HANG, ()));
        async move {
            let _ = outer.await;
            inner.await
        }
    };
    let dropped = tokio::time::timeout(Duration::from_secs(1), both(&one)).await;
    assert!(dropped.is_err());
    let task = tokio::spawn(both(&one));
    settled().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    settled().await;
    assert_eq!((one.load(), other.load()), (Load::default(), Load::default()));
}

/// A waker that is the last to hold a call, as a task of some runtimes is held by its wakers alone.
struct Holder(#[expect(dead_code, reason = "it is held for its drop")] Mutex<Call<()>>);

impl Wake for Holder {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn dropping_a_waker_that_holds_a_call_locks_nothing_up() {
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (one, _other) = joined(router(), router());
            let held = || Waker::from(Arc::new(Holder(Mutex::new(one.request(&HANG, ())))));
            let mut call = Box::pin(one.request(&HANG, ()));
            for _ in 0..3 {
                assert!(call.as_mut().poll(&mut TaskContext::from_waker(&held())).is_pending());
            }
            let mut items = Box::pin(one.stream(&BIG, ()));
            for _ in 0..3 {
                assert!(items.poll_next_unpin(&mut TaskContext::from_waker(&held())).is_pending());
            }
            drop((call, items));
        });
        done.send(()).unwrap();
    });
    finished.recv_timeout(Duration::from_secs(20)).expect("nothing is locked up");
}

/// A server whose connections share a budget.
fn serve(budget: &Arc<Budget>) -> (Peer, RpcEndpoint) {
    let (peer, transport) = Peer::pair();
    let config = Config { budget: Some(budget.clone()), identity: memory::identity(), ..Config::default() };
    let (endpoint, driver) = connect_with(config, transport, router());
    tokio::spawn(driver);
    (peer, endpoint)
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_never_reads_costs_little_and_harms_no_other_connection() {
    // proves: bytes.1, bytes.3, bytes.5
    let budget = Budget::new(64 << 20);
    let (mut stuck, endpoint) = serve(&budget);
    for n in 0..20 {
        stuck.send(frames::open(&format!("open{n}"), "big", Value::Null, 1_000_000)).await;
        stuck.send(frames::call(&format!("plain{n}"), "state", Value::Null)).await;
        stuck.send(frames::call(&format!("echo{n}"), "echo", json!("x".repeat(1000)))).await;
    }
    let (mut lively, _other) = serve(&budget);
    let mut most = 0;
    for second in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        most = most.max(endpoint.load().queued_bytes).max(budget.used());
        let start = tokio::time::Instant::now();
        lively.send(frames::call(&format!("e{second}"), "echo", json!("hi"))).await;
        lively.expect(json!({"kind": "res", "result": "hi"})).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
    assert!((1 << 20..4 << 20).contains(&most), "{most} bytes were queued at most");
    let closed = endpoint.closed().expect("a peer that takes nothing for 30 s is given up");
    assert!(closed.message.contains("limits.stall"), "{closed}");
    assert_eq!((endpoint.load(), budget.used()), (Load::default(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_read_in_turns_with_the_writer_and_past_a_consumer_that_takes_nothing() {
    // proves: bytes.2
    let turns = Arc::new(Mutex::new(vec![0]));
    let tap = FrameTap::new({
        let turns = turns.clone();
        move |direction, message| match direction {
            Direction::Received => *turns.lock().unwrap().last_mut().unwrap() += message.len(),
            Direction::Sent => turns.lock().unwrap().push(0),
        }
    });
    let (mut peer, transport) = Peer::pair_with(MemoryConfig { capacity: 8 << 20, ..MemoryConfig::default() });
    let (endpoint, driver) = connect_with(Config { on_frame: Some(tap), ..Config::default() }, transport, router());
    let idle = endpoint.stream(&BIG, ());
    let driver = tokio::spawn(driver);
    let opened = peer.expect(frames::req("big")).await;
    for seq in 1..=32 {
        peer.send(frames::nxt(&opened, seq, json!("x".repeat(1000)))).await;
    }
    for n in 0..1000 {
        peer.send(frames::call(&n.to_string(), "echo", json!("x".repeat(1000)))).await;
    }
    for n in 0..1000 {
        peer.expect(json!({"kind": "res", "cid": n.to_string()})).await;
    }
    let longest = turns.lock().unwrap().iter().copied().max().unwrap();
    assert!((1000..67_000).contains(&longest), "{longest} bytes were read in one turn");
    drop((idle, driver));
}

#[tokio::test(start_paused = true)]
async fn a_producer_of_large_items_waits_for_a_slow_consumer_and_holds_up_no_other() {
    // proves: fc.17, fc.18
    const LARGE: StreamMethod<(), String> = StreamMethod::new("large");
    const ITEMS: usize = 40;
    let polled = Arc::new(AtomicUsize::new(0));
    let counted = polled.clone();
    let source = move |_: Context, ()| {
        let counted = counted.clone();
        stream::iter(0..ITEMS).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Fault>("x".repeat(2 << 20))
        })
    };
    let (one, _other) = joined(router(), Router::new().stream(LARGE, source));
    let mut items = one.stream(&LARGE, ());
    settled().await;
    tokio::time::advance(Duration::from_secs(120)).await;
    settled().await;
    assert!((4..=5).contains(&polled.load(Ordering::Relaxed)), "{polled:?} items were sent ahead");
    let mut taken = 0;
    while let Some(item) = items.next().await {
        assert_eq!(item.unwrap().data.len(), 2 << 20);
        taken += 1;
        settled().await;
    }
    assert_eq!(taken, ITEMS);
}

#[tokio::test(start_paused = true)]
async fn streams_that_drop_what_their_consumer_does_not_take_end_no_connection() {
    // proves: fc.11, bytes.3
    const LAGGING: StreamMethod<(), String> = StreamMethod::new("lagging").lag(Lag::DropOldest);
    let produced = Arc::new(AtomicUsize::new(0));
    let counted = produced.clone();
    let source = move |_: Context, ()| {
        let counted = counted.clone();
        stream::repeat_with(move || {
            counted.fetch_add(60_000, Ordering::Relaxed);
            Ok::<_, Fault>("x".repeat(60_000))
        })
    };
    let router = router().stream(LAGGING, source);
    let (one, _other) = joined(Router::new(), router);
    let lagging: Vec<_> = (0..3).map(|_| one.stream(&LAGGING, ())).collect();
    while produced.load(Ordering::Relaxed) < 200 << 20 {
        assert_eq!(one.request(&ECHO, "still here".to_owned()).await.unwrap(), "still here");
        // Virtual time, in which the sources rest no longer than this.
        tokio::time::sleep(Duration::from_millis(128)).await;
    }
    drop(lagging);
}

#[tokio::test(start_paused = true)]
async fn deep_nesting_is_refused_without_being_followed() {
    // proves: limit.3
    let (mut peer, _endpoint) = Peer::connect(router());
    for depth in [65, 1_000, 1_000_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let message = format!(r#"{{"kind":"req","cid":"{depth}","method":"echo","payload":{nested}}}"#);
        peer.send_raw(message).await;
        let refused =
            json!({"kind": "err", "cid": depth.to_string(), "details": {"setting": "limits.depth", "value": 64}});
        peer.expect(refused).await;
        peer.send_raw(format!(r#"{{"kind":"res","cid":"unknown","result":{nested}}}"#)).await;
    }
    peer.send(frames::call("1", "echo", json!("still here"))).await;
    peer.expect(json!({"kind": "res", "cid": "1", "result": "still here"})).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_text_are_refused_and_harm_nothing() {
    // proves: frame.1, frame.9
    let (mut peer, endpoint) = Peer::connect(router());
    let call = endpoint.request(&ECHO, "x".to_owned());
    let asked = peer.expect(frames::req("echo")).await;
    let invalid: [&[u8]; 6] = [
        b"\xff",
        b"{\"kind\":\"req\",\"cid\":\"\xff\",\"method\":\"echo\"}",
        b"{\"kind\":\"res\",\"cid\":\"z\",\"result\":\"\xc0\xaf\"}",
        b"{\"kind\":\"nxt\",\"cid\":\"z\",\"data\":\"\xed\xa0\x80\"}",
        b"\x00\x01\x02",
        b"",
    ];
    for message in invalid {
        peer.send_raw(message).await;
    }
    peer.silent(Duration::from_secs(1)).await;
    peer.send_raw(&b"{\"kind\":\"req\",\"cid\":\"u\",\"method\":\"echo\",\"payload\":\"\xff\"}"[..]).await;
    peer.expect(json!({"kind": "err", "cid": "u", "code": "INVALID_FRAME"})).await;
    peer.send(frames::res(&asked, json!("y"))).await;
    assert_eq!(call.await.unwrap(), "y");
}

#[tokio::test(start_paused = true)]
async fn a_malformed_answer_fails_its_call_alone() {
    // proves: frame.8
    let (mut peer, endpoint) = Peer::connect(router());
    let (broken, sound) = (endpoint.request(&ECHO, "a".to_owned()), endpoint.request(&ECHO, "b".to_owned()));
    let asked = [peer.expect(frames::req("echo")).await, peer.expect(frames::req("echo")).await];
    let cid = asked[0]["cid"].as_str().unwrap();
    peer.send_raw(format!(r#"{{"kind":"res","cid":"{cid}","result":"a""#)).await;
    peer.send(frames::res(&asked[1], json!("b"))).await;
    assert_eq!(sound.await.unwrap(), "b");
    assert_eq!(broken.await.unwrap_err().code(), "INVALID_FRAME");
    assert_eq!(endpoint.load(), Load::default());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_is_survived_by_its_callers() {
    // proves: time.3
    let (peer, endpoint) = Peer::connect(router());
    let calls: Vec<_> = (0..500).map(|n| endpoint.request(&ECHO, n.to_string())).collect();
    for answer in join_all(calls).await {
        assert_eq!(answer.unwrap_err().code(), "RPC_TIMEOUT");
    }
    assert_eq!((endpoint.load().calls, endpoint.is_closed()), (0, false));
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn opening_and_dropping_streams_in_turn_leaves_no_trace() {
    let config = || (Config::default(), router());
    let (one, other) = joined_with(tiny(), config(), config());
    for n in 0..40 {
        let mut items = if n % 2 == 0 { one.stream(&BIG, ()) } else { other.stream(&STATE, ()) };
        for _ in 0..n % 4 {
            assert_eq!(items.next().await.unwrap().unwrap().data.len(), 4 << 10);
        }
    }
    settled().await;
    assert_eq!((one.load(), other.load()), (Load::default(), Load::default()));
}

const COUNT: StreamMethod<u64, u64> = StreamMethod::new("count");
const SUM: UploadMethod<(), u64, u64> = UploadMethod::new("sum");

/// One task's share: calls, streams and uploads one after another, some of them given up.
async fn share(endpoint: RpcEndpoint, task: u64) {
    for n in 0..60 {
        let text = "x".repeat((task * n % 900) as usize);
        assert_eq!(endpoint.request(&BACK, &text).await.unwrap(), text);
        let hanging = endpoint.request(&HANG, ());
        let items = endpoint.stream(&COUNT, 100);
        if n % 3 > 0 {
            drop(hanging);
            let items: Vec<u64> = items.values().map(Result::unwrap).collect().await;
            assert_eq!(items, (1..=100).collect::<Vec<_>>());
        }
        let mut sum = endpoint.upload(&SUM, ());
        for n in 1..=50 {
            assert!(sum.send(&n).await.unwrap());
        }
        assert_eq!(sum.finish().await.unwrap(), 1275);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_from_many_threads_lose_nothing() {
    let service = || {
        let sum = |_: Context, (), mut items: Upstream<u64>| async move {
            let mut sum = 0;
            while let Some(item) = items.next().await {
                sum += item?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Fault>(sum)
        };
        router().stream(COUNT, |_, count| stream::iter((1..=count).map(Ok::<u64, Fault>))).upload(SUM, sum)
    };
    let small = MemoryConfig { capacity: 500, ..MemoryConfig::default() };
    let (one, other) = joined_with(small, (Config::default(), service()), (Config::default(), service()));
    let tasks = (0..8).map(|task| tokio::spawn(share(if task % 2 == 0 { one.clone() } else { other.clone() }, task)));
    let all = tokio::time::timeout(Duration::from_secs(50), join_all(tasks)).await;
    all.expect("nothing waits for a wake that was lost").into_iter().for_each(Result::unwrap);
    let left = async {
        while (one.load(), other.load()) != (Load::default(), Load::default()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), left).await.expect("nothing is left");
}
