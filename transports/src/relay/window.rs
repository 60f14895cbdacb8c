//! What a relay keeps of one window: who it is, the calls it made, and what waits to and from it.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sixframe_core::frame::Stamp;
use sixframe_core::session::Millis;
use sixframe_core::{Fault, Message};
use smol_str::SmolStr;

use super::WindowId;
use super::call::Way;
use super::switch::CallId;

#[derive(Debug)]
pub(super) struct Window {
    pub(super) id: WindowId,
    pub(super) stamp: Stamp,
    /// The calls that it made, by its own ids.
    pub(super) cids: HashMap<SmolStr, CallId>,
    /// Relay's own frames, cancels and grants for it, which wait for nothing.
    pub(super) control: VecDeque<Message>,
    up: Outlet,
    down: Outlet,
    /// Whether the upstream's ring holds it.
    pub(super) in_turn: bool,
    pub(super) malformed: u32,
    /// When what waits for it first exceeded the soft bound, or it took something since.
    pub(super) progress: Option<Millis>,
    rate: Option<(Millis, f64)>,
}

/// What waits in one direction.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    /// The calls that have something to send, one message each in turn.
    pub(super) ring: VecDeque<CallId>,
    /// Bytes of data and control.
    pub(super) bytes: usize,
    /// Calls in this direction that are not answered.
    pub(super) in_flight: u32,
}

impl Window {
    pub(super) fn new(id: WindowId) -> Window {
        Window {
            stamp: Stamp::new(&id.sender_id, &id.doc),
            id,
            cids: HashMap::new(),
            control: VecDeque::new(),
            up: Outlet::default(),
            down: Outlet::default(),
            in_turn: false,
            malformed: 0,
            progress: None,
            rate: None,
        }
    }

    pub(super) fn outlet(&mut self, way: Way) -> &mut Outlet {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// The bytes that wait in one direction.
    pub(super) fn bytes(&self, way: Way) -> usize {
        match way {
            Way::Up => self.up.bytes,
            Way::Down => self.down.bytes,
        }
    }

    /// Takes one from a bucket that holds one second's requests (spec: `limit.6`).
    pub(super) fn admit_rate(&mut self, now: Millis, limit: u32) -> Result<(), Fault> {
        let most = f64::from(limit);
        let (at, tokens) = self.rate.unwrap_or((now, most));
        let refilled = (tokens + now.saturating_sub(at) as f64 * most / 1000.0).min(most);
        let taken = if refilled < 1.0 { 0.0 } else { 1.0 };
        self.rate = Some((now, refilled - taken));
        if taken > 0.0 {
            return Ok(());
        }
        let mut fault = Fault::limit("requests a second", u64::from(limit), "limits.requests_per_second");
        let wait = ((1.0 - refilled) * 1000.0 / most.max(f64::MIN_POSITIVE)).ceil();
        fault.details.iter_mut().for_each(|details| details["retryAfterMs"] = (wait as u64).into());
        Err(fault)
    }
}
