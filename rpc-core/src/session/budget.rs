//! What the connections of a process may hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::flow::Exceeded;

/// Bytes that all connections which share it hold together: what they queue for their peers, whether or not that waits for
/// credit, and what they received and nobody has taken yet.
///
/// While it is exceeded, each connection may hold a sixteenth of what its own limits allow: of `soft_bytes` before its
/// sources wait, of `hard_bytes` in items that wait for credit and in what waits to be taken. Answers, and calls of this
/// side, are bounded by the limits alone (spec: `bytes.1`, `bytes.6`).
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { used: AtomicUsize::new(0), limit })
    }

    /// The bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// What held `before` bytes holds `after` now. Whoever ends settles to 0.
    pub fn settle(&self, before: usize, after: usize) {
        self.used.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    /// Whether more is held than the limit.
    pub fn is_exceeded(&self) -> bool {
        self.used() > self.limit
    }

    /// The bytes that may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What is left at this moment of one of the limits of who shares it: all, or a sixteenth while it is exceeded.
    pub fn share_of(&self, bytes: usize) -> usize {
        if self.is_exceeded() { share(bytes) } else { bytes }
    }

    pub(super) fn exceeded(&self) -> Exceeded {
        ("process bytes", self.limit as u64, "limits.process_bytes")
    }
}

/// What is left to a connection of one of its limits while the budget is exceeded.
pub(super) fn share(bytes: usize) -> usize {
    bytes / 16
}
