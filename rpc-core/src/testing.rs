//! What tests of services and of the engine itself are made of: a scripted peer, faults on a transport, recordings and
//! their replay. Nothing here needs a real connection or real time.
//!
//! Time is tokio's: with `#[tokio::test(start_paused = true)]` (tokio's feature `test-util`) timeouts, heartbeats and
//! backoff pass as soon as nothing else can run, and [`settled`] waits for exactly that.

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
