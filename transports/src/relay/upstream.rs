//! What a relay keeps of its upstream: the calls that came from there, and what waits to go there.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sixframe_core::session::Millis;
use sixframe_core::{Closed, Limits, Message};
use smol_str::SmolStr;

use super::switch::{CallId, WindowKey};

#[derive(Debug, Default)]
pub(super) struct Upstream {
    pub(super) connected: bool,
    /// The calls that it made, by its own ids.
    pub(super) cids: HashMap<SmolStr, CallId>,
    /// Cancels, grants and the relay's own answers, which wait for nothing.
    pub(super) control: VecDeque<Control>,
    /// The windows that have data to send, one message each in turn.
    pub(super) ring: VecDeque<WindowKey>,
    /// All bytes that wait.
    pub(super) bytes: usize,
    /// Of these, the relay's own.
    pub(super) own_bytes: usize,
    pub(super) malformed: u32,
    /// When what waits first exceeded the soft bound, or something was taken since.
    pub(super) progress: Option<Millis>,
    /// Why the connection is to be given up.
    pub(super) failed: Option<Closed>,
}

/// A frame of the control lane.
#[derive(Debug)]
pub(super) struct Control {
    /// On whose account it waits; the relay's own where there is none.
    pub(super) window: Option<WindowKey>,
    pub(super) message: Message,
    /// The call that it cancels: this must arrive even where the window goes meanwhile.
    pub(super) cancels: Option<CallId>,
}

impl Upstream {
    /// Whether its bounds want to be looked at.
    pub(super) fn is_pressed(&self, limits: &Limits) -> bool {
        self.bytes > limits.soft_bytes
    }
}
