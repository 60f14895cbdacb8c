//! How a listener counts its connections and what it does when the system has no more descriptors to give.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The connections of one listener, at most `most` at once.
pub(crate) struct Connections {
    live: Arc<AtomicUsize>,
    most: usize,
}

impl Connections {
    pub(crate) fn new(most: usize) -> Connections {
        Connections { live: Arc::default(), most }
    }

    /// A place for one more connection, or `None` when all are taken.
    pub(crate) fn claim(&self) -> Option<Slot> {
        self.claim_from(|| false)
    }

    /// As [`Connections::claim`]; when all are taken, whether somebody is about to give back the place.
    pub(crate) fn claim_from(&self, gives_way: impl FnOnce() -> bool) -> Option<Slot> {
        let slot = Slot(Arc::clone(&self.live));
        if self.live.fetch_add(1, Ordering::Relaxed) < self.most || gives_way() {
            return Some(slot);
        }
        tracing::warn!(limit = self.most, "connection refused: the limit is reached; raise it with limits.connections");
        None
    }
}

/// One connection's place, given back on drop.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The waits of a listener whose `accept` fails, so that it never spins.
#[derive(Debug, Default)]
pub struct AcceptBackoff {
    failures: u32,
}

impl AcceptBackoff {
    /// Waits before the next `accept`; gives the error back when accepting can never succeed again.
    pub async fn after(&mut self, error: io::Error) -> io::Result<()> {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected, Unsupported};
        match error.kind() {
            InvalidInput | Unsupported | NotConnected => return Err(error),
            ConnectionAborted | ConnectionReset | Interrupted => {
                tokio::task::yield_now().await;
                return Ok(());
            }
            _ => {}
        }
        let wait = LONGEST_WAIT.min(FIRST_WAIT * 2u32.pow(self.failures.min(7)));
        self.failures += 1;
        tracing::warn!(%error, ?wait, "accepting failed, trying again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_listener_without_descriptors_waits_longer_each_time_up_to_a_second() {
        let (mut backoff, begin) = (AcceptBackoff::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..9 {
            let before = begin.elapsed();
            backoff.after(io::ErrorKind::OutOfMemory.into()).await.unwrap();
            waits.push((begin.elapsed() - before).as_millis());
        }
        assert!(waits.is_sorted() && waits[0] >= 10 && waits[8] >= 1000 && waits[8] < 1100, "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_gone_before_it_is_accepted_costs_no_wait() {
        let begin = Instant::now();
        AcceptBackoff::default().after(io::ErrorKind::ConnectionAborted.into()).await.unwrap();
        assert!(begin.elapsed().is_zero());
    }
}
