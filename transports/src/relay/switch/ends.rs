//! The ends of calls, of windows and of the upstream: who is told what.

use sixframe_core::frame;
use sixframe_core::session::Millis;
use sixframe_core::{Closed, Fault, Message};

use super::super::call::{Call, Way};
use super::{CallId, Port, Switch, WindowKey};

impl Switch {
    /// The window is gone: what it called is cancelled, who called it is told (spec: `relay.8`).
    pub(in super::super) fn detach(&mut self, key: WindowKey) {
        for id in self.calls_of(key) {
            let Some(call) = self.remove(id) else { continue };
            match call.way {
                Way::Up if call.sent && !call.finished => {
                    let cancel = frame::can(&self.text_of(id), Some("disconnect"));
                    self.send_own(Port::Upstream, cancel);
                }
                Way::Up => (),
                Way::Down => {
                    let answer = frame::err(&call.cid, &call.broken("the window is gone"));
                    self.send_own(Port::Upstream, answer);
                }
            }
        }
        self.forget_control(key);
        if let Some(window) = self.windows.remove(&key) {
            self.senders.remove(&window.id.sender_id);
            self.down_bytes -= window.bytes(Way::Down);
        }
        self.wake(Port::Window(key));
    }

    /// The upstream is there: what waited for it is sent.
    pub(in super::super) fn connected(&mut self) {
        self.connections += 1;
        self.upstream.connected = true;
        self.upstream.malformed = 0;
        self.upstream.failed = None;
    }

    /// The upstream broke: every call of a window is answered, every call to a window cancelled (spec: `relay.7`).
    pub(in super::super) fn disconnected(&mut self, now: Millis, closed: &Closed) {
        self.upstream.connected = false;
        self.upstream.progress = None;
        while let Some(control) = self.upstream.control.pop_front() {
            self.settle_control(&control);
        }
        let mut ids: Vec<CallId> = self.calls.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            match self.calls.get(&id) {
                Some(call) if call.way == Way::Up && !call.finished => {
                    let terminal = frame::err(&call.cid, &call.broken(&closed.message));
                    self.finish(id, terminal);
                }
                Some(call) if call.way == Way::Down => self.withdraw(id),
                Some(_) | None => (),
            }
        }
        self.keep_bounds(now);
    }

    /// Why the upstream connection is to be given up, once.
    pub(in super::super) fn take_failure(&mut self) -> Option<Closed> {
        self.upstream.failed.take()
    }

    /// Ends a connection that broke the rules.
    pub(super) fn fail(&mut self, port: Port, reason: &str) {
        tracing::warn!(?port, reason, "ending a connection of the relay");
        match port {
            Port::Upstream => {
                self.upstream.failed = Some(Closed::new(reason));
                self.wake(port);
            }
            Port::Window(key) => self.detach(key),
        }
    }

    /// Answers a request that was not forwarded.
    pub(super) fn refuse(&mut self, port: Port, cid: &str, fault: &Fault) {
        self.send_own(port, frame::err(cid, fault));
    }

    /// Ends a call on both sides.
    pub(super) fn abort(&mut self, id: CallId, fault: &Fault) {
        let cancel = frame::can(&self.text_of(id), None);
        self.end(id, fault, cancel);
    }

    /// Ends a call: its caller gets `fault`, its responder `cancel` if it knows of the call.
    pub(super) fn end(&mut self, id: CallId, fault: &Fault, cancel: Message) {
        let Some(call) = self.remove(id) else { return };
        if call.sent && !call.finished {
            self.send_control(call.window, call.way, cancel, Some(id));
        }
        self.send_control(call.window, call.way.back(), frame::err(&call.cid, fault), None);
    }

    /// Takes a call back whose caller is gone.
    pub(super) fn withdraw(&mut self, id: CallId) {
        let cancel = frame::can(&self.text_of(id), Some("disconnect"));
        let Some(call) = self.remove(id) else { return };
        if call.sent && !call.finished {
            self.send_control(call.window, call.way, cancel, Some(id));
        }
    }

    /// The last frame of a call; it follows the items.
    pub(super) fn finish(&mut self, id: CallId, terminal: Message) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let (key, way) = (call.window, call.way);
        call.finished = true;
        let discarded = call.queue(way).clear();
        self.unqueue(id, key, way, discarded);
        if let Some(window) = self.windows.get_mut(&key) {
            window.outlet(way).in_flight -= 1;
        }
        self.queue(id, way.back(), terminal);
    }

    pub(super) fn calls_of(&self, key: WindowKey) -> Vec<CallId> {
        let of = self.calls.iter().filter(|(_, call)| call.window == key);
        let mut ids: Vec<CallId> = of.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Forgets a call and what waits of it.
    pub(super) fn remove(&mut self, id: CallId) -> Option<Call> {
        let mut call = self.calls.remove(&id)?;
        for way in [Way::Up, Way::Down] {
            let discarded = call.queue(way).clear();
            self.unqueue(id, call.window, way, discarded);
        }
        let window = self.windows.get_mut(&call.window);
        match (call.way, window) {
            (Way::Up, Some(window)) => {
                window.cids.remove(&call.cid);
                window.outlet(Way::Up).in_flight -= u32::from(!call.finished);
            }
            (Way::Down, window) => {
                self.upstream.cids.remove(&call.cid);
                window.into_iter().for_each(|window| window.outlet(Way::Down).in_flight -= u32::from(!call.finished));
            }
            (Way::Up, None) => (),
        }
        Some(call)
    }
}
