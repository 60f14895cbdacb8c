//! What waits for whom: the two lanes of each direction, whose turn it is, and the accounts of bytes.

use std::collections::VecDeque;

use sixframe_core::Message;
use sixframe_core::frame;

use super::super::call::Way;
use super::super::upstream::Control;
use super::{CallId, Port, Switch, WindowKey, slow};

impl Switch {
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
        self.down_bytes += way.down(message.len());
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
    pub(super) fn send_control(&mut self, key: WindowKey, way: Way, message: Message, cancels: Option<CallId>) {
        let Some(window) = self.windows.get_mut(&key) else { return };
        if way == Way::Up && !self.upstream.connected {
            return;
        }
        let outlet = window.outlet(way);
        outlet.bytes += message.len();
        self.down_bytes += way.down(message.len());
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
            self.down_bytes -= message.len();
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

    /// Hands the next message of a call over, and forgets the call with its last.
    pub(super) fn take(&mut self, id: CallId, way: Way) -> Option<Message> {
        let call = self.calls.get_mut(&id)?;
        let message = call.queue(way).pop()?;
        let more = !call.queue(way).is_empty();
        let answers = way != call.way;
        call.sent |= !answers;
        let over = answers && call.finished && !more;
        let outlet = self.windows.get_mut(&call.window)?.outlet(way);
        outlet.bytes -= message.len();
        self.down_bytes -= way.down(message.len());
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

    /// Settles the account of what was discarded of a call in one direction.
    pub(super) fn unqueue(&mut self, id: CallId, key: WindowKey, way: Way, bytes: usize) {
        if bytes == 0 {
            return;
        }
        if let Some(window) = self.windows.get_mut(&key) {
            let outlet = window.outlet(way);
            outlet.bytes -= bytes;
            outlet.ring.retain(|other| *other != id);
            self.down_bytes -= way.down(bytes);
        }
        if way == Way::Up {
            self.upstream.bytes -= bytes;
        }
    }

    /// Settles the account of a control message that left.
    pub(super) fn settle_control(&mut self, control: &Control) {
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
    pub(super) fn forget_control(&mut self, key: WindowKey) {
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

    /// Tells the budget what waits now.
    pub(in super::super) fn settle(&mut self) {
        if let Some(budget) = &self.config.budget {
            let held = self.down_bytes + self.upstream.bytes;
            budget.settle(std::mem::replace(&mut self.settled, held), held);
        }
    }

    pub(super) fn wake(&mut self, port: Port) {
        if self.woken.last() != Some(&port) {
            self.woken.push(port);
        }
    }
}
