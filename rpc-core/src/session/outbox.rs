//! What waits for the writer: a control lane, and a ring of calls that have data to send, one message a turn.

use std::collections::VecDeque;

use super::{CallKey, LITTLE, RequestKey};
use crate::Message;
use crate::flow::Held;
use crate::scratch::Chunk;

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    Call(CallKey),
    Request(RequestKey),
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    control: VecDeque<Message>,
    control_bytes: usize,
    ring: VecDeque<Turn>,
    /// Bytes of data that the calls and requests hold for the writer.
    pub(super) data_bytes: usize,
    /// Bytes of items that wait for their consumer's credit: the peer may leave them where they are for ever.
    waiting_bytes: usize,
    /// What frames share that wait for their turn.
    chunk: Chunk,
}

impl Outbox {
    /// Bytes that the peer could take now.
    pub(super) fn bytes(&self) -> usize {
        self.control_bytes + self.data_bytes
    }

    /// Bytes that wait for credit.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// All bytes that are kept for the peer.
    pub(super) fn all_bytes(&self) -> usize {
        self.bytes() + self.waiting_bytes
    }

    /// A producer that held `before` holds `after`.
    pub(super) fn moved(&mut self, before: Held, after: Held) {
        self.data_bytes = self.data_bytes - before.ready + after.ready;
        self.waiting_bytes = self.waiting_bytes - before.waiting + after.waiting;
    }

    /// Where a frame is put that waits for its turn among those of `under_way` calls: few need no memory to share.
    pub(super) fn chunk(&mut self, under_way: usize) -> Option<&mut Chunk> {
        (under_way > LITTLE).then_some(&mut self.chunk)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.control.is_empty() && self.ring.is_empty()
    }

    pub(super) fn push_control(&mut self, message: Message) {
        self.control_bytes += message.len();
        self.control.push_back(message);
    }

    pub(super) fn pop_control(&mut self) -> Option<Message> {
        let message = self.control.pop_front()?;
        self.control_bytes -= message.len();
        if self.control.is_empty() && self.control.capacity() > 64 {
            self.control = VecDeque::new();
        }
        Some(message)
    }

    pub(super) fn enter(&mut self, turn: Turn) {
        self.ring.push_back(turn);
    }

    pub(super) fn next_turn(&mut self) -> Option<Turn> {
        let turn = self.ring.pop_front();
        if self.ring.is_empty() && self.ring.capacity() > 256 {
            self.ring = VecDeque::new();
        }
        turn
    }

    pub(super) fn clear(&mut self) {
        *self = Outbox::default();
    }
}
