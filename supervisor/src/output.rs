//! What a child writes: read as fast as it comes into a ring of bytes, and told to subscribers that ask for it by offset.
//! Knows nothing of processes.

mod arrivals;
mod lines;
mod reader;
mod ring;
mod subscription;
mod trace;

pub use lines::{Line, LineEnd, Lines};
pub use subscription::{From, Piece, Subscription};

pub(crate) use reader::Reader;
pub(crate) use trace::trace;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use ring::Ring;

/// Which of a child's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One output of a child, kept in a ring of bytes. Cheap to clone; it lives on when the child is dropped.
///
/// Offsets count bytes from the child's first, and belong to this child alone: the next one begins at 0 again.
#[derive(Clone)]
pub struct KeptOutput {
    shared: Arc<Shared>,
}

struct Shared {
    ring: Mutex<Ring>,
    /// Where the output ends so far, and whether it ends there for good.
    end: watch::Sender<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    offset: u64,
    is_final: bool,
}

impl KeptOutput {
    pub(crate) fn new(capacity: usize) -> KeptOutput {
        let end = watch::Sender::new(End { offset: 0, is_final: false });
        KeptOutput { shared: Arc::new(Shared { ring: Mutex::new(Ring::new(capacity)), end }) }
    }

    /// The output from an offset on, what is kept first and then what comes. Never slows the child, nor other subscribers.
    pub fn subscribe(&self, from: From) -> Subscription {
        let (next, begins_within_line) = match from {
            From::Start => (0, false),
            From::Offset(offset) => (offset, false),
            From::End => (self.end(), false),
            From::Last(bytes) => {
                let ring = self.ring();
                let next = ring.end().saturating_sub(bytes).max(ring.start());
                (next, !ring.begins_line(next))
            }
        };
        Subscription::new(self.clone(), next, begins_within_line)
    }

    /// The offset of the first byte that is still kept.
    pub fn start(&self) -> u64 {
        self.ring().start()
    }

    /// The offset behind the last byte that has come so far.
    pub fn end(&self) -> u64 {
        self.shared.end.borrow().offset
    }

    /// When the byte at `offset` was read, for telling which of two outputs came first; of one that is not kept any more,
    /// when the oldest was. The more was read at once, the less precisely it is known. None where nothing has come.
    pub fn came(&self, offset: u64) -> Option<Instant> {
        self.ring().came(offset)
    }

    /// The last lines, each cut to 64 KiB and decoded with replacement characters: at most `most`, from what is kept. The rest of
    /// one whose beginning is missing begins with `…`. For telling why a child failed.
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        self.last_lines_from(0, most)
    }

    /// Likewise, of what came at `offset` or behind it.
    pub fn last_lines_from(&self, offset: u64, most: usize) -> Vec<String> {
        let (bytes, begins_line) = {
            let ring = self.ring();
            let behind = usize::try_from(ring.end().saturating_sub(offset)).unwrap_or(usize::MAX);
            let bytes = ring.newest(most.saturating_mul(256).clamp(4 << 10, 1 << 20).min(behind));
            let begins_line = ring.begins_line(ring.end() - bytes.len() as u64);
            (bytes, begins_line)
        };
        lines::of(&bytes, most, !begins_line)
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        let offset = {
            let mut ring = self.ring();
            ring.push(bytes);
            ring.end()
        };
        // The end stays one: what a reader brings after it was told to stop is still told.
        self.shared.end.send_modify(|end| end.offset = offset);
    }

    /// Nothing comes any more.
    pub(crate) fn finish(&self) {
        self.shared.end.send_modify(|end| end.is_final = true);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for KeptOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptOutput").field("start", &self.start()).field("end", &self.end()).finish()
    }
}
