//! What waits and how it ends: the queues, their bounds, and the ends of calls, windows and the upstream.

use std::collections::VecDeque;

use sixframe_core::frame;
use sixframe_core::session::Millis;
use sixframe_core::{Closed, Code, Fault, Message};

use super::super::call::{Call, Way};
use super::super::upstream::Control;
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

    /// When [`Switch::advance`] wants to be called for this connection.
    pub(in super::super) fn next_deadline(&self, port: Port) -> Option<Millis> {
        let progress = match port {
            Port::Upstream => self.upstream.progress,
            Port::Window(key) => self.windows.get(&key)?.progress,
        };
        progress.map(|at| at + self.config.limits.stall.as_millis() as Millis)
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
                    self.end_uncredited(key);
                }
                if self.waiting(key) > soft {
                    self.fail(port, &reason);
                } else if let Some(window) = self.windows.get_mut(&key) {
                    window.progress = None;
                }
            }
        }
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
    fn withdraw(&mut self, id: CallId) {
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

    /// Queues a frame of a call; by the control lane where it is a grant.
    pub(super) fn send(&mut self, id: CallId, way: Way, message: Message, grants: bool) {
        if grants {
            if let Some(call) = self.calls.get(&id) {
                self.send_control(call.window, way, message, None);
            }
            return;
        }
        self.queue(id, way, message);
        let limit = self.config.limits.stream_bytes;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.has_credit && call.way != way && call.queue(way).bytes() > limit {
            self.abort(id, &slow("bytes waiting in a stream", limit, "limits.stream_bytes"));
        }
    }

    pub(super) fn queue(&mut self, id: CallId, way: Way, message: Message) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let key = call.window;
        let Some(window) = self.windows.get_mut(&key) else { return };
        let queue = call.queue(way);
        let outlet = window.outlet(way);
        outlet.bytes += message.len();
        if queue.is_empty() {
            outlet.ring.push_back(id);
        }
        if outlet.bytes > self.config.limits.soft_bytes {
            self.pressed.push(key);
        }
        match way {
            Way::Up => {
                self.upstream.bytes += message.len();
                queue.push(message);
                if !std::mem::replace(&mut window.in_turn, true) {
                    self.upstream.ring.push_back(key);
                }
                self.wake(Port::Upstream);
            }
            Way::Down => {
                queue.push(message);
                self.wake(Port::Window(key));
            }
        }
    }

    /// Queues a frame that waits for nothing, on a window's account.
    fn send_control(&mut self, key: WindowKey, way: Way, message: Message, cancels: Option<CallId>) {
        let Some(window) = self.windows.get_mut(&key) else { return };
        if way == Way::Up && !self.upstream.connected {
            return;
        }
        let outlet = window.outlet(way);
        outlet.bytes += message.len();
        if outlet.bytes > self.config.limits.soft_bytes {
            self.pressed.push(key);
        }
        match way {
            Way::Up => {
                self.upstream.bytes += message.len();
                self.upstream.control.push_back(Control { window: Some(key), message, cancels });
                self.wake(Port::Upstream);
            }
            Way::Down => {
                window.control.push_back(message);
                self.wake(Port::Window(key));
            }
        }
    }

    /// Queues a frame of the relay itself.
    pub(super) fn send_own(&mut self, port: Port, message: Message) {
        match port {
            Port::Window(key) => self.send_control(key, Way::Down, message, None),
            Port::Upstream if self.upstream.connected => {
                self.upstream.bytes += message.len();
                self.upstream.own_bytes += message.len();
                self.upstream.control.push_back(Control { window: None, message, cancels: None });
                self.wake(port);
            }
            Port::Upstream => (),
        }
    }

    pub(super) fn pop_window(&mut self, key: WindowKey) -> Option<Message> {
        let window = self.windows.get_mut(&key)?;
        if let Some(message) = window.control.pop_front() {
            window.outlet(Way::Down).bytes -= message.len();
            return Some(message);
        }
        let id = window.outlet(Way::Down).ring.pop_front()?;
        self.take(id, Way::Down)
    }

    pub(super) fn pop_upstream(&mut self) -> Option<Message> {
        if !self.upstream.connected {
            return None;
        }
        if let Some(control) = self.upstream.control.pop_front() {
            self.settle_control(&control);
            return Some(control.message);
        }
        while let Some(key) = self.upstream.ring.pop_front() {
            let Some(window) = self.windows.get_mut(&key) else { continue };
            window.in_turn = false;
            let Some(id) = window.outlet(Way::Up).ring.pop_front() else { continue };
            let message = self.take(id, Way::Up);
            if let Some(window) = self.windows.get_mut(&key)
                && !window.outlet(Way::Up).ring.is_empty()
            {
                window.in_turn = true;
                self.upstream.ring.push_back(key);
            }
            if message.is_some() {
                return message;
            }
        }
        None
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

    fn keep_window(&mut self, now: Millis, key: WindowKey) {
        let (soft, hard) = (self.config.limits.soft_bytes, self.config.limits.hard_bytes);
        if self.waiting(key) > hard {
            self.end_uncredited(key);
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
    fn waiting(&self, key: WindowKey) -> usize {
        self.windows.get(&key).map_or(0, |window| window.bytes(Way::Down))
    }

    fn hard(&self) -> String {
        Fault::limit("queued bytes", self.config.limits.hard_bytes as u64, "limits.hard_bytes").message.into_owned()
    }

    /// Ends the calls of a window that grants no credit for what waits for it (spec: `relay.6`).
    fn end_uncredited(&mut self, key: WindowKey) {
        let limit = self.config.limits.soft_bytes;
        for id in self.calls_of(key) {
            let Some(call) = self.calls.get_mut(&id) else { continue };
            let waits = call.way == Way::Up && !call.has_credit && call.streams && !call.queue(Way::Down).is_empty();
            if waits {
                self.abort(id, &slow("queued bytes", limit, "limits.soft_bytes"));
            }
        }
    }

    fn calls_of(&self, key: WindowKey) -> Vec<CallId> {
        let of = self.calls.iter().filter(|(_, call)| call.window == key);
        let mut ids: Vec<CallId> = of.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Hands the next message of a call over, and forgets the call with its last.
    fn take(&mut self, id: CallId, way: Way) -> Option<Message> {
        let call = self.calls.get_mut(&id)?;
        let message = call.queue(way).pop()?;
        let more = !call.queue(way).is_empty();
        let answers = way != call.way;
        call.sent |= !answers;
        let over = answers && call.finished && !more;
        let outlet = self.windows.get_mut(&call.window)?.outlet(way);
        outlet.bytes -= message.len();
        if more {
            outlet.ring.push_back(id);
        }
        if way == Way::Up {
            self.upstream.bytes -= message.len();
        }
        if over {
            self.remove(id);
        }
        Some(message)
    }

    /// Forgets a call and what waits of it.
    fn remove(&mut self, id: CallId) -> Option<Call> {
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

    /// Settles the account of what was discarded of a call in one direction.
    fn unqueue(&mut self, id: CallId, key: WindowKey, way: Way, bytes: usize) {
        if bytes == 0 {
            return;
        }
        if let Some(window) = self.windows.get_mut(&key) {
            let outlet = window.outlet(way);
            outlet.bytes -= bytes;
            outlet.ring.retain(|other| *other != id);
        }
        if way == Way::Up {
            self.upstream.bytes -= bytes;
        }
    }

    /// Settles the account of a control message that left.
    fn settle_control(&mut self, control: &Control) {
        let bytes = control.message.len();
        self.upstream.bytes -= bytes;
        match control.window {
            None => self.upstream.own_bytes -= bytes,
            Some(key) => {
                if let Some(window) = self.windows.get_mut(&key) {
                    window.outlet(Way::Up).bytes -= bytes;
                }
            }
        }
    }

    /// Discards what a window that goes had in the control lane, but for its cancels, which the relay now says itself.
    fn forget_control(&mut self, key: WindowKey) {
        let queued = std::mem::take(&mut self.upstream.control).into_iter();
        let (theirs, others): (VecDeque<Control>, _) = queued.partition(|control| control.window == Some(key));
        self.upstream.control = others;
        for control in theirs {
            self.settle_control(&control);
            if let Some(id) = control.cancels {
                let cancel = frame::can(&self.text_of(id), Some("disconnect"));
                self.send_own(Port::Upstream, cancel);
            }
        }
        self.upstream.ring.retain(|window| *window != key);
    }

    fn wake(&mut self, port: Port) {
        if self.woken.last() != Some(&port) {
            self.woken.push(port);
        }
    }
}

fn slow(limit: &'static str, value: usize, setting: &'static str) -> Fault {
    Fault { code: Code::SLOW_CONSUMER.into(), ..Fault::limit(limit, value as u64, setting) }
}
