//! The relay between windows and an upstream: frame by frame with both ends played, with real endpoints, and under faults.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod bounds;
mod breaks;
mod endpoints;
mod faults;

use std::sync::Arc;

use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::testing::Peer;
use sixframe_core::{Config, RpcEndpoint, Service, connect_with};
use sixframe_transports::relay::{Relay, RelayConfig, WindowHandle, WindowId};

/// A relay whose upstream is played.
fn relay(config: RelayConfig) -> (Relay, Peer) {
    let (upstream, transport) = Peer::pair();
    let (relay, driver) = Relay::over(transport, config);
    tokio::spawn(driver);
    (relay, upstream)
}

/// A window that is played.
fn window(relay: &Relay, sender_id: &str, doc: &str) -> (Peer, WindowHandle) {
    let (window, transport) = Peer::pair();
    (window, relay.attach(transport, WindowId::new(sender_id, doc)))
}

/// A window with an endpoint in it.
fn endpoint(relay: &Relay, id: &str, service: impl Into<Arc<dyn Service>>) -> (RpcEndpoint, WindowHandle) {
    let (near, far) = memory::pair(MemoryConfig::default());
    let handle = relay.attach(far, WindowId::new(id, "1"));
    let (endpoint, driver) = connect_with(Config::default(), near, service);
    tokio::spawn(driver);
    (endpoint, handle)
}

fn req(cid: &str, method: &str) -> Value {
    json!({"kind": "req", "cid": cid, "method": method})
}

fn err(cid: &str, code: &str) -> Value {
    json!({"kind": "err", "cid": cid, "ok": false, "code": code})
}

/// Waits until nothing is under way but the windows themselves.
async fn idle(relay: &Relay) {
    let empty = async {
        while relay.load().calls > 0 || relay.load().queued_bytes > 0 {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(10), empty).await;
    assert!(waited.is_ok(), "something is left: {:?}", relay.load());
}
