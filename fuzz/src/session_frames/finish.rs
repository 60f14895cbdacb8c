//! The end of a run: everything is answered, granted and taken, and nothing may be left.

use sixframe_core::session::Items;
use sixframe_core::{Code, Fault};

use super::{Fate, World};

impl World {
    pub(super) fn finish(mut self) {
        if self.pressing.is_some() {
            self.press();
        }
        self.check_waits();
        if self.is_open() {
            self.poll_messages(usize::MAX);
            self.check_waits();
        }
        if self.is_open() {
            self.settle_requests();
        }
        self.settle_calls();
        self.give_up();
        self.run_events();
        self.check();
        for index in 0..self.calls.len() {
            assert!(self.take_all(index), "a call outlives its connection");
        }
        assert!(self.session.is_closed());
        assert_eq!(self.session.table_sizes(), (0, 0), "something is left in the tables");
        assert_eq!(self.session.inbound_bytes(), 0, "received bytes are left");
        assert_eq!(self.session.held_bytes(), 0, "bytes are held for nobody");
        assert_eq!(self.budget.used(), self.other.held_bytes(), "the budget is not given back");
        self.session.advance(self.now + (1 << 54));
        assert!(!self.session.has_events(), "a timer finds something to do after the end");
        for asked in &self.requests {
            assert_ne!(asked.fate, Fate::Running, "a handler is never stopped");
            assert_eq!(asked.kept, None, "a hold on a handler is never given back");
        }
    }

    /// Every request is answered and everything taken, so that each has had its one terminal frame.
    fn settle_requests(&mut self) {
        for _ in 0..10_000 {
            self.run_events();
            if !self.is_open() {
                return;
            }
            let running: Vec<usize> = (0..self.requests.len())
                .filter(|index| self.requests[*index].fate == Fate::Running)
                .filter(|index| self.session.is_running(self.requests[*index].key))
                .collect();
            for index in &running {
                let fault = Fault::new(Code::INTERNAL, "the end");
                match self.requests[*index].streams {
                    true => self.answer(*index, |world, key| world.session.finish_stream(world.now, key, Some(&fault))),
                    false => self.answer(*index, |world, key| world.session.reply(world.now, key, Ok(b"1"))),
                }
            }
            let queued = self.session.queued_bytes();
            for cid in self.peer.asked_cids() {
                let upto = (1u64 << 53) - 1;
                self.say(
                    format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"dir\":\"up\",\"fc\":{{\"upto\":{upto},\"ack\":{upto}}}}}")
                        .into(),
                );
            }
            self.poll_messages(usize::MAX);
            // A grant covers what was sent before it: where items have left, it may take another one.
            let rests = self.session.queued_bytes() == queued;
            if rests && running.is_empty() && !self.session.has_events() && !self.session.has_messages() {
                break;
            }
        }
        assert_eq!(self.session.table_sizes().1, 0, "a request is left though all were answered");
        assert_eq!(self.peer.outstanding(), 0, "a request got no terminal frame");
        assert_eq!(self.session.in_flight(), 0);
        assert!(!self.session.has_messages());
    }

    /// Every call is ended by this side or the session.
    fn settle_calls(&mut self) {
        for index in (0..self.calls.len()).step_by(2) {
            if !self.calls[index].ended {
                self.session.cancel(self.now, self.calls[index].key, None);
                self.gone(index);
            }
        }
        self.poll_messages(usize::MAX);
        if self.calls.iter().all(|made| made.ended) && self.is_open() && self.session.table_sizes() == (0, 0) {
            self.session.drain(self.now);
            assert_eq!(self.session.held_bytes(), 0, "bytes are held for nobody");
            assert!(self.session.is_drained(), "nothing is left to drain");
        }
    }

    fn take_all(&mut self, index: usize) -> bool {
        // Items first, if there are any, then the end.
        let ended = self.take(index) || self.take(index);
        let key = self.calls[index].key;
        self.session.take_items(self.now, key, &mut Items::new(), || 0);
        ended
    }
}
