//! What becomes of calls when a window or the upstream goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;
use sixframe_core::memory::{self, MemoryConfig, MemoryTransport};
use sixframe_core::testing::{Peer, frames};
use sixframe_core::{
    CallOptions, Code, Config, Connecting, Context, Fault, Identity, Item, Method, Router, StreamMethod, connect_with,
};
use sixframe_transports::relay::{Relay, RelayConfig};
use tokio::sync::mpsc;

use crate::{endpoint, err, idle, relay, req, window};

/// A connector that takes its transports from a test, and waits for the next.
fn connector(
    mut transports: mpsc::UnboundedReceiver<MemoryTransport>,
) -> impl FnMut() -> Connecting<MemoryTransport> + Send + 'static {
    let (ask, mut asked) = mpsc::unbounded_channel::<tokio::sync::oneshot::Sender<MemoryTransport>>();
    tokio::spawn(async move {
        while let (Some(answer), Some(transport)) = (asked.recv().await, transports.recv().await) {
            let _ = answer.send(transport);
        }
    });
    move || {
        let ask = ask.clone();
        Box::pin(async move {
            let (answer, transport) = tokio::sync::oneshot::channel();
            let gone = || sixframe_core::TransportError::permanent("the test is over", None);
            ask.send(answer).map_err(|_| gone())?;
            Ok((transport.await.map_err(|_| gone())?, Identity::default()))
        })
    }
}

fn reconnecting() -> (Relay, mpsc::UnboundedSender<MemoryTransport>) {
    let (transports, taken) = mpsc::unbounded_channel();
    let (relay, driver) = Relay::by(connector(taken), RelayConfig::default());
    tokio::spawn(driver);
    (relay, transports)
}

// proves: relay.7, close.2
#[tokio::test(start_paused = true)]
async fn a_broken_upstream_settles_each_call_as_far_as_it_had_come() {
    let (relay, transports) = reconnecting();
    let (mut upstream, far) = Peer::pair_with(MemoryConfig { capacity: 400, ..MemoryConfig::default() });
    transports.send(far).unwrap();
    let (mut window, _handle) = window(&relay, "1", "1");
    window.send(req("unary", "m")).await;
    upstream.expect(frames::req("m")).await;
    window.send(frames::open("credit", "m", json!(null), 8)).await;
    upstream.expect(frames::req("m")).await;
    window.send(req("old", "m")).await;
    let old = upstream.expect(frames::req("m")).await;
    upstream.send(json!({"kind": "nxt", "cid": old["cid"], "data": 1})).await;
    window.expect(json!({"kind": "nxt", "cid": "old"})).await;
    window.send(req("answered", "m")).await;
    let answered = upstream.expect(frames::req("m")).await;
    upstream.send(frames::res(&answered, json!(1))).await;
    window.expect(json!({"kind": "res", "cid": "answered"})).await;
    for cid in ["fills", "unsent"] {
        window.send(frames::call(cid, "m", json!("x".repeat(500)))).await;
    }
    sixframe_core::testing::settled().await;
    drop(upstream);
    let mut codes = Vec::new();
    for _ in 0..5 {
        let frame = window.expect(json!({"kind": "err"})).await;
        codes.push((frame["cid"].as_str().unwrap().to_owned(), frame["code"].as_str().unwrap().to_owned()));
    }
    codes.sort();
    let expected = [
        ("credit", Code::CONNECTION_CLOSED),
        ("fills", Code::INDETERMINATE),
        ("old", Code::CONNECTION_CLOSED),
        ("unary", Code::INDETERMINATE),
        ("unsent", Code::CONNECTION_CLOSED),
    ];
    assert_eq!(codes, expected.map(|(cid, code)| (cid.to_owned(), code.to_owned())));

    window.send(req("waits", "later")).await;
    let (mut upstream, far) = Peer::pair();
    transports.send(far).unwrap();
    let later = upstream.expect(frames::req("later")).await;
    upstream.send(frames::res(&later, json!("there"))).await;
    window.expect(json!({"kind": "res", "cid": "waits"})).await;
    idle(&relay).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_upstream_cancels_what_it_had_asked_of_windows() {
    let (relay, transports) = reconnecting();
    let (mut upstream, far) = Peer::pair();
    transports.send(far).unwrap();
    let (mut window, _handle) = window(&relay, "1", "1");
    let to = json!({"to": {"senderId": "1"}});
    upstream.send(json!({"kind": "req", "cid": "u", "method": "ask", "meta": to})).await;
    let asked = window.expect(frames::req("ask")).await;
    drop(upstream);
    window.expect(frames::can(&asked)).await;
    window.send(frames::res(&asked, json!("late"))).await;
    let (mut upstream, far) = Peer::pair();
    transports.send(far).unwrap();
    window.send(req("k", "next")).await;
    upstream.expect(frames::req("next")).await;
}

// proves: relay.8
#[tokio::test]
async fn a_window_that_goes_cancels_its_calls_and_fails_those_to_it() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, handle) = window(&relay, "1", "1");
    window.send(req("k", "m")).await;
    let asked = upstream.expect(frames::req("m")).await;
    let to = json!({"to": {"senderId": "1"}});
    upstream.send(json!({"kind": "req", "cid": "u", "method": "ask", "meta": to})).await;
    window.expect(frames::req("ask")).await;
    upstream
        .send(
            json!({"kind": "req", "cid": "s", "method": "watch", "meta": {"to": {"senderId": "1"}, "fc": {"upto": 4}}}),
        )
        .await;
    window.expect(frames::req("watch")).await;
    drop(window);
    upstream.expect(frames::can(&asked)).await;
    upstream.expect(err("u", "INDETERMINATE")).await;
    upstream.expect(err("s", "CONNECTION_CLOSED")).await;
    handle.closed().await;
    upstream.send(json!({"kind": "req", "cid": "n", "method": "ask", "meta": to})).await;
    upstream.expect(err("n", "NOT_FOUND")).await;
    idle(&relay).await;
    assert_eq!(relay.load().windows, 0);
}

// proves: relay.8
#[tokio::test(start_paused = true)]
async fn a_cancel_that_waits_for_the_upstream_survives_its_window() {
    let (mut upstream, far) = Peer::pair_with(MemoryConfig { capacity: 1, ..MemoryConfig::default() });
    let (relay, driver) = Relay::over(far, RelayConfig::default());
    tokio::spawn(driver);
    let (mut window, handle) = window(&relay, "1", "1");
    window.send(req("k", "m")).await;
    sixframe_core::testing::settled().await;
    window.send(json!({"kind": "can", "cid": "k"})).await;
    window.expect(err("k", "CANCELLED")).await;
    handle.close();
    let asked = upstream.expect(frames::req("m")).await;
    upstream.expect(frames::can(&asked)).await;
    idle(&relay).await;
}

// proves: relay.8
#[tokio::test]
async fn the_handlers_of_a_window_that_is_detached_are_dropped() {
    struct Gone(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    const HANG: Method<(), ()> = Method::new("hang");
    let (told, gone) = tokio::sync::oneshot::channel();
    let (started, start) = tokio::sync::oneshot::channel();
    let once = std::sync::Mutex::new(Some((Gone(Some(told)), started)));
    let service = Router::new().method(HANG, move |_, ()| {
        let (guard, started) = once.lock().unwrap().take().unwrap();
        async move {
            let _guard = guard;
            let _ = started.send(());
            std::future::pending::<Result<(), Fault>>().await
        }
    });
    let (near, far) = memory::pair(MemoryConfig::default());
    let (relay, driver) = Relay::over(far, RelayConfig::default());
    tokio::spawn(driver);
    let (_backend, backend_driver) = connect_with(Config::default(), near, service);
    tokio::spawn(backend_driver);
    let (caller, handle) = endpoint(&relay, "1", Router::new());
    let call = caller.request(&HANG, ());
    start.await.unwrap();
    handle.close();
    gone.await.unwrap();
    assert_eq!(call.await.unwrap_err().code(), Code::INDETERMINATE);
}

const LOG: StreamMethod<(), u64> = StreamMethod::new("log").resumable();

/// Positions from where the consumer stands.
fn log(opened: Arc<AtomicU64>) -> Router {
    Router::new().stream(LOG, move |context: Context, ()| {
        opened.fetch_add(1, Ordering::SeqCst);
        let after = context.resume().map_or(0, |(_, after)| after);
        stream::iter(after + 1..).map(|pos| Ok::<_, Fault>(Item::at(pos, pos, "epoch")))
    })
}

// proves: relay.7
#[tokio::test(start_paused = true)]
async fn a_resumable_stream_goes_on_without_a_loss_over_the_next_upstream() {
    let opened = Arc::new(AtomicU64::new(0));
    let (relay, transports) = reconnecting();
    let serve = || {
        let (near, far) = memory::pair(MemoryConfig::default());
        transports.send(far).unwrap();
        let (endpoint, driver) = connect_with(Config::default(), near, log(opened.clone()));
        (endpoint, tokio::spawn(driver))
    };
    let (near, far) = memory::pair(MemoryConfig::default());
    let _window = relay.attach(far, sixframe_transports::relay::WindowId::new("1", "1"));
    let again = || -> Connecting<MemoryTransport> { Box::pin(std::future::pending()) };
    let mut first = Some(near);
    let connector = move || match first.take() {
        Some(near) => Box::pin(async move { Ok((near, Identity::default())) }) as Connecting<MemoryTransport>,
        None => again(),
    };
    let (caller, driver) =
        sixframe_core::reconnecting(Config { window_bytes: 0, ..Config::default() }, connector, Router::new());
    tokio::spawn(driver);
    let (_backend, mut running) = serve();
    let options = CallOptions { window: Some(8), ..CallOptions::default() };
    let mut items = caller.with(options).stream(&LOG, ());
    for expected in 1..=500 {
        let item = items.next().await.unwrap().unwrap();
        assert_eq!((item.data, item.reset, item.skipped), (expected, false, 0));
        if expected % 120 == 0 {
            running.abort();
            (_, running) = serve();
        }
    }
    assert_eq!(opened.load(Ordering::SeqCst), 5);
    drop(items);
    idle(&relay).await;
}

#[tokio::test(start_paused = true)]
async fn when_there_will_be_no_upstream_the_driver_ends_and_so_do_the_windows() {
    let (upstream, far) = Peer::pair();
    let (relay, driver) = Relay::over(far, RelayConfig::default());
    let (mut window, handle) = window(&relay, "1", "1");
    drop(upstream);
    assert_eq!(driver.await.message, "the peer closed the connection");
    handle.closed().await;
    window.closed().await;
    let (mut late, late_handle) = crate::window(&relay, "2", "1");
    late_handle.closed().await;
    late.closed().await;
    assert_eq!(relay.load().windows, 0);
}

#[tokio::test]
async fn closing_the_relay_ends_everything() {
    let (relay, mut upstream) = relay(RelayConfig::default());
    let (mut window, handle) = window(&relay, "1", "1");
    window.send(req("k", "m")).await;
    upstream.expect(frames::req("m")).await;
    relay.close();
    handle.closed().await;
    upstream.closed().await;
    window.closed().await;
}
