//! A reader of kept output: a place in it, and nothing else. It is told of what it has missed.

use bytes::Bytes;

use super::{KeptOutput, Lines};

/// Most bytes in one piece.
const PIECE: usize = 64 << 10;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With the first byte that the child wrote; a gap says what is not kept any more.
    Start,
    /// At an offset, as when a connection is taken up again. One that was not reached yet is waited for.
    Offset(u64),
    /// With what is kept of the last bytes.
    Last(u64),
    /// With what comes from now on.
    End,
}

/// A part of the output. Pieces come in order, and each begins where the one before has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What the child wrote: 1 byte to 64 KiB.
    Bytes {
        /// The offset of the first byte.
        at: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// The subscriber was too slow, or too late, for these.
    Gap {
        /// The offset of the first byte that is lost.
        from: u64,
        /// The offset behind the last.
        to: u64,
    },
}

/// The output from an offset on. Dropping it ends the subscription; it costs the child nothing while nobody reads it.
pub struct Subscription {
    output: KeptOutput,
    next: u64,
    begins_within_line: bool,
    ends: tokio::sync::watch::Receiver<super::End>,
}

impl Subscription {
    pub(super) fn new(output: KeptOutput, next: u64, begins_within_line: bool) -> Subscription {
        let ends = output.shared.end.subscribe();
        Subscription { output, next, begins_within_line, ends }
    }

    /// The next piece; none when the output has ended. May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            let end = *self.ends.borrow_and_update();
            if self.next < end.offset {
                // While there is always more, it would else never let others on its thread have their turn: the one who reads.
                tokio::task::coop::consume_budget().await;
                return Some(self.take());
            }
            if end.is_final || self.ends.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The next piece, if there is one now.
    pub fn try_next(&mut self) -> Option<Piece> {
        (self.next < self.output.end()).then(|| self.take())
    }

    /// The offset where the next piece begins: what to subscribe from to go on later.
    pub fn offset(&self) -> u64 {
        self.next
    }

    /// Whether it began in the midst of a line without being told where: nobody knows what is before.
    pub(super) fn begins_within_line(&self) -> bool {
        self.begins_within_line
    }

    /// Line by line instead.
    pub fn lines(self) -> Lines {
        Lines::new(self)
    }

    /// There is more than `next`.
    fn take(&mut self) -> Piece {
        let ring = self.output.ring();
        let from = self.next;
        if from < ring.start() {
            self.next = ring.start();
            return Piece::Gap { from, to: self.next };
        }
        let bytes = Bytes::copy_from_slice(ring.at(from, PIECE));
        self.next += bytes.len() as u64;
        Piece::Bytes { at: from, bytes }
    }
}
