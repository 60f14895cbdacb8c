//! What a session tells its driver and its callers.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::{Millis, RequestKey};
use crate::error::Closed;
use crate::{CallError, Item, Received};

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The answer of a unary call or an upload.
    Result(Received),
    /// A stream is complete.
    Complete,
    /// It failed.
    Failed(CallError),
}

/// A request of the peer, ready to be handled.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// What to answer it by.
    pub key: RequestKey,
    /// The peer's id for it.
    pub cid: SmolStr,
    /// What is called.
    pub method: SmolStr,
    /// The parameters.
    pub payload: Received,
    /// The `meta` object as JSON text; empty where there is none.
    pub meta: SmolStr,
    /// When the caller's budget runs out.
    pub deadline: Option<Millis>,
    /// Where a broken stream is to go on: epoch and position.
    pub resume: Option<(SmolStr, u64)>,
    /// Whether the caller sends items too.
    pub up: bool,
}

impl Incoming {
    pub(super) fn kept_bytes(&self) -> usize {
        self.payload.len() + self.meta.len() + size_of::<Incoming>()
    }
}

/// What the driver must do. `W` is what it wakes, `H` its hold on a handler.
#[derive(Debug, PartialEq)]
pub enum Event<W, H> {
    /// Start the handler.
    Request(Box<Incoming>),
    /// A call's outcome, item or credit, or a request's credit or item, is there.
    Wake(W),
    /// Drop the handler: its request is over. `None` where the driver kept nothing.
    Stopped(RequestKey, Option<H>),
    /// Close the connection.
    Close(Closed),
}

/// What a session has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames for finished or unknown calls, and of unknown kinds.
    pub dropped: u64,
    /// Messages that are no frames.
    pub malformed: u64,
}

/// A stream's next step, as its consumer sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// Items were handed over.
    Items,
    /// There are none yet.
    Pending,
    /// There will be no more.
    Ended(Outcome),
}

/// The items of a stream as its consumer gets them.
pub type Items = VecDeque<Item<Received>>;
