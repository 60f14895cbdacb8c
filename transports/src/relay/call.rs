//! One forwarded call: who made it, what waits on its two ways, and how far it got.

use std::collections::VecDeque;

use sixframe_core::{Code, Fault, Message};
use smol_str::SmolStr;

use super::switch::WindowKey;

/// The direction in which a frame travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// From a window to the upstream.
    Up,
    /// From the upstream to a window.
    Down,
}

impl Way {
    /// Of so many bytes, those that go to a window.
    pub(super) fn down(self, bytes: usize) -> usize {
        match self {
            Way::Up => 0,
            Way::Down => bytes,
        }
    }

    pub(super) fn back(self) -> Way {
        match self {
            Way::Up => Way::Down,
            Way::Down => Way::Up,
        }
    }
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) window: WindowKey,
    /// The way of its request: up where the window made the call.
    pub(super) way: Way,
    /// The id that its caller gave it.
    pub(super) cid: SmolStr,
    /// Whether the request was handed to the responder's transport.
    pub(super) sent: bool,
    /// Whether the caller grants credit for items.
    pub(super) has_credit: bool,
    /// Whether it asks the upstream what that can do, for a window's `rpc.hello`.
    pub(super) introduces: bool,
    /// Whether its answer is a stream, as far as that is known.
    pub(super) streams: bool,
    /// Whether its terminal frame is on the way to the caller.
    pub(super) finished: bool,
    up: Queue,
    down: Queue,
}

impl Call {
    pub(super) fn new(window: WindowKey, way: Way, cid: SmolStr, has_credit: bool) -> Call {
        let (up, down) = (Queue::default(), Queue::default());
        let (sent, introduces, finished) = (false, false, false);
        Call { window, way, cid, sent, has_credit, introduces, streams: has_credit, finished, up, down }
    }

    /// What waits to travel in one direction.
    pub(super) fn queue(&mut self, way: Way) -> &mut Queue {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// What its caller is told when the responder's connection ends (spec: `close.2`).
    pub(super) fn broken(&self, why: &str) -> Fault {
        let code = if self.sent && !self.streams { Code::INDETERMINATE } else { Code::CONNECTION_CLOSED };
        Fault::new(code, why.to_owned())
    }
}

/// Messages in order, of which there is mostly one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: Option<Message>,
    rest: VecDeque<Message>,
    bytes: usize,
}

impl Queue {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn push(&mut self, message: Message) {
        self.bytes += message.len();
        match &self.first {
            None => self.first = Some(message),
            Some(_) => self.rest.push_back(message),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.first.take()?;
        self.first = self.rest.pop_front();
        self.bytes -= message.len();
        Some(message)
    }

    /// Discards everything; how many bytes that were.
    pub(super) fn clear(&mut self) -> usize {
        std::mem::take(self).bytes
    }
}
