//! What tests of services and of the engine itself are made of: a scripted peer, faults on a transport, recordings and
//! their replay. Nothing here needs a real connection or real time.
//!
//! Time is tokio's: with `#[tokio::test(start_paused = true)]` (tokio's feature `test-util`) timeouts, heartbeats and
//! backoff pass as soon as nothing else can run, and [`settled`] waits for exactly that.
//!
//! ```
//! use serde_json::json;
//! use sixframe_core::testing::{Peer, frames};
//! use sixframe_core::{Fault, Method, Router};
//!
//! const DOUBLE: Method<i64, i64> = Method::new("double");
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let service = Router::new().function(DOUBLE, |_, n| Ok::<_, Fault>(2 * n));
//! let (mut peer, endpoint) = Peer::connect(service);
//!
//! peer.send(frames::call("1", "double", json!(21))).await;
//! peer.expect(json!({"kind": "res", "cid": "1", "result": 42})).await;
//!
//! let call = endpoint.request(&DOUBLE, 4);
//! let asked = peer.expect(frames::req("double")).await;
//! peer.send(frames::err(&asked, "NOT_TODAY", "ask tomorrow")).await;
//! assert_eq!(call.await.unwrap_err().code(), "NOT_TODAY");
//! # }
//! ```

mod faults;
pub mod frames;
mod joined;
mod peer;
mod recording;
mod replay;

use std::time::Duration;

pub use faults::{Disturbance, FaultTransport, Faults, Rule, When};
pub use joined::{joined, joined_with};
pub use peer::{Peer, matches};
pub use recording::{Recorded, Recorder, Recording};
pub use replay::{Divergence, Replayer};

/// Completes when nothing else on the runtime can run, under the paused clock; with a running clock, after a millisecond.
/// A millisecond of virtual time passes.
pub async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
