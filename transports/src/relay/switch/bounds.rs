//! What each connection may make wait, and for how long.

use sixframe_core::Fault;
use sixframe_core::session::Millis;

use super::super::call::Way;
use super::{Port, Switch, WindowKey, slow};

impl Switch {
    /// When [`Switch::advance`] wants to be called for this connection.
    pub(in super::super) fn next_deadline(&self, port: Port) -> Option<Millis> {
        let progress = match port {
            Port::Upstream => self.upstream.progress,
            Port::Window(key) => self.windows.get(&key)?.progress,
        };
        let stall = Millis::try_from(self.config.limits.stall.as_millis()).unwrap_or(Millis::MAX);
        progress.map(|at| at.saturating_add(stall))
    }

    /// Lets time pass for a connection: one that took nothing for too long is freed of what nobody grants credit for, or
    /// ended (spec: `relay.6`, `bytes.5`).
    pub(in super::super) fn advance(&mut self, now: Millis, port: Port) {
        if self.next_deadline(port).is_none_or(|at| at > now) {
            return;
        }
        let stall = self.config.limits.stall;
        let reason = format!("it took nothing for {stall:?}; see limits.stall and limits.soft_bytes");
        let soft = self.config.limits.soft_bytes;
        match port {
            Port::Upstream if self.upstream.bytes <= soft => self.upstream.progress = None,
            Port::Upstream => self.fail(port, &reason),
            Port::Window(key) => {
                if self.waiting(key) > soft {
                    self.end_uncredited(key, &slow("queued bytes", soft, "limits.soft_bytes"));
                }
                if self.waiting(key) > soft {
                    self.fail(port, &reason);
                } else if let Some(window) = self.windows.get_mut(&key) {
                    window.progress = None;
                }
            }
        }
    }

    pub(super) fn count_malformed(&mut self, port: Port) {
        let limit = self.config.limits.malformed.max(16);
        let count = match port {
            Port::Upstream => &mut self.upstream.malformed,
            Port::Window(key) => match self.windows.get_mut(&key) {
                Some(window) => &mut window.malformed,
                None => return,
            },
        };
        *count += 1;
        if *count >= limit {
            self.fail(port, &format!("malformed messages limit of {limit} reached; raise it with limits.malformed"));
        }
    }

    pub(super) fn made_progress(&mut self, now: Millis, port: Port) {
        let soft = self.config.limits.soft_bytes;
        match port {
            Port::Upstream if self.upstream.progress.is_some() => {
                self.upstream.progress = (self.upstream.bytes > soft).then_some(now);
            }
            Port::Upstream => (),
            Port::Window(key) => {
                if let Some(window) = self.windows.get_mut(&key)
                    && window.progress.is_some()
                {
                    window.progress = (window.bytes(Way::Down) > soft).then_some(now);
                }
            }
        }
    }

    /// Acts on bounds that were exceeded (spec: `relay.4`).
    pub(super) fn keep_bounds(&mut self, now: Millis) {
        while let Some(key) = self.pressed.pop() {
            self.keep_window(now, key);
        }
        if !self.upstream.connected {
            return;
        }
        if self.upstream.is_pressed(&self.config.limits) {
            self.upstream.progress.get_or_insert(now);
        }
        if self.upstream.own_bytes > self.config.limits.hard_bytes {
            let fault = self.hard();
            self.fail(Port::Upstream, &fault);
        }
    }

    pub(super) fn keep_window(&mut self, now: Millis, key: WindowKey) {
        let (soft, hard) = (self.config.limits.soft_bytes, self.config.limits.hard_bytes);
        if self.waiting(key) > hard {
            self.end_uncredited(key, &slow("queued bytes", soft, "limits.soft_bytes"));
        }
        if let Some(budget) = &self.config.budget
            && self.waiting(key) > budget.share_of(hard)
        {
            let reason = slow("process bytes", budget.limit(), "limits.process_bytes");
            self.end_uncredited(key, &reason);
        }
        let up = self.windows.get(&key).map_or(0, |window| window.bytes(Way::Up));
        if self.waiting(key) > hard || up > hard {
            let reason = self.hard();
            return self.fail(Port::Window(key), &reason);
        }
        if self.waiting(key) > soft
            && let Some(window) = self.windows.get_mut(&key)
        {
            window.progress.get_or_insert(now);
            // Its task has a deadline to watch now.
            self.wake(Port::Window(key));
        }
    }

    /// The bytes that wait for a window.
    pub(super) fn waiting(&self, key: WindowKey) -> usize {
        self.windows.get(&key).map_or(0, |window| window.bytes(Way::Down))
    }

    pub(super) fn hard(&self) -> String {
        Fault::limit("queued bytes", self.config.limits.hard_bytes as u64, "limits.hard_bytes").message.into_owned()
    }

    /// Ends the calls of a window that grants no credit for what waits for it (spec: `relay.6`).
    pub(super) fn end_uncredited(&mut self, key: WindowKey, reason: &Fault) {
        for id in self.calls_of(key) {
            let Some(call) = self.calls.get_mut(&id) else { continue };
            let waits = call.way == Way::Up && !call.has_credit && call.streams && !call.queue(Way::Down).is_empty();
            if waits {
                self.abort(id, reason);
            }
        }
    }
}
