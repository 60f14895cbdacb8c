//! What the driver and the program do to a session, one operation a byte.

use sixframe_core::session::{CallKey, CallSpec, Items, RequestKey, Shape, Taken};
use sixframe_core::{CallError, Closed, Code, Fault, Item, Lag, Payload};

use super::{Fate, Made, Wait, World};
use crate::input::Input;

const SHAPES: [Shape; 4] = [Shape::Unary, Shape::Stream, Shape::Upload, Shape::Duplex];
const LAGS: [Lag; 4] = [Lag::Block, Lag::Latest, Lag::DropOldest, Lag::Close];
const TIMES: [u64; 6] = [0, 1, 50, 1000, 40_000, u64::MAX];

impl World {
    pub(super) fn step(&mut self, input: &mut Input<'_>) {
        match input.below(28) {
            0 | 1 => self.peer_asks(input),
            2 | 3 => self.peer_goes_on(input),
            4 | 5 => self.peer_answers(input),
            6 => self.peer_babbles(input),
            7 => self.peer_floods(input),
            8 => self.peer_is_oversized(input),
            9 | 10 => self.call(input),
            11 => self.end_call(input),
            12 => _ = self.some_call(input).map(|index| self.take(index)),
            13 => self.push_upstream(input),
            14 => self.reply(input),
            15 => self.start_stream(input),
            16 => self.push_items(input),
            17 => self.finish_stream(input),
            18 => self.accept_upstream(input),
            19 => self.take_upstream(input),
            20 => self.keep_handler(input),
            21 => self.pass_time(input),
            22 => self.poll_messages(input.byte().into()),
            23 | 24 => self.run_events(),
            25 => self.change_connection(input),
            26 => self.press(),
            _ => self.check_waits(),
        }
    }

    pub(super) fn poll_messages(&mut self, most: usize) {
        for _ in 0..most {
            let before = self.session.queued_bytes();
            let Some(message) = self.session.poll_message(self.now) else {
                assert!(!self.session.has_messages() || self.disconnected, "there is a message and there is none");
                return;
            };
            let taken = self.peer.receive(&message);
            assert_eq!(before - self.session.queued_bytes(), taken, "the count of queued bytes is off");
        }
    }

    fn call(&mut self, input: &mut Input<'_>) {
        let (shape, options) = (input.pick(&SHAPES), input.byte());
        let time = |bit: u8, input: &mut Input<'_>| (options & bit != 0).then(|| input.pick(&TIMES));
        let payload = format!("\"{}\"", "p".repeat(if options & 1 != 0 { 1000 } else { 3 }));
        let spec = CallSpec {
            method: "m",
            payload: payload.as_bytes(),
            shape,
            timeout_ms: time(2, input),
            idle_ms: time(4, input),
            idempotent: options & 8 != 0,
            resumable: options & 16 != 0,
            window: (options & 32 != 0).then(|| input.pick(&[0, 1, 5, u32::MAX])),
            on_lag: (options & 64 != 0).then(|| input.pick(&LAGS)),
            lane: (options & 128 != 0).then_some("x"),
            op: None,
            extra_meta: "",
        };
        match self.session.call(self.now, &spec) {
            Ok(key) => self.calls.push(Made { key, shape, ended: false }),
            Err(error) => Self::refused(&error),
        }
    }

    fn end_call(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_call(input) else { return };
        let key = self.calls[index].key;
        if self.calls[index].ended {
            return;
        }
        if input.flag() {
            self.session.abort(self.now, key, CallError::Timeout, Some("deadline"));
            assert!(self.session.is_settled(key));
        } else {
            self.session.cancel(self.now, key, None);
            self.gone(index);
        }
    }

    fn push_upstream(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_call(input) else { return };
        let (key, shape) = (self.calls[index].key, self.calls[index].shape);
        if !matches!(shape, Shape::Upload | Shape::Duplex) {
            return;
        }
        if input.below(4) == 0 {
            self.session.finish_upstream(self.now, key);
            self.waits.remove(&Wait::UpRoom(key));
            return;
        }
        match self.up_room(key) {
            Some(0) | None => (),
            Some(room) => {
                let count = room.min(input.below(5) as u64);
                self.session.push_upstream(self.now, key, (0..count).map(payload));
            }
        }
    }

    fn up_room(&mut self, key: CallKey) -> Option<u64> {
        let wake = self.token(Wait::UpRoom(key));
        let room = self.session.upstream_room(key, wake);
        if room != Some(0) {
            self.waits.remove(&Wait::UpRoom(key));
        }
        room
    }

    fn reply(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        let fault = Fault::new(Code::INTERNAL, "no");
        let answer = if input.flag() { Ok(&b"{\"done\":true}"[..]) } else { Err(&fault) };
        if !self.requests[index].streams {
            self.answer(index, |world, key| world.session.reply(world.now, key, answer));
        }
    }

    pub(super) fn answer(&mut self, index: usize, answer: impl FnOnce(&mut World, RequestKey) -> Option<u32>) {
        let key = self.requests[index].key;
        let runs = self.session.is_running(key);
        assert!(!runs || self.requests[index].fate == Fate::Running, "a request runs that is over");
        let hold = answer(self, key);
        assert!(!self.session.is_running(key));
        if runs {
            assert_eq!(self.requests[index].kept.take(), hold, "the driver gets back what it gave");
            self.requests[index].fate = Fate::Answered;
            self.waits.retain(|wait, _| !matches!(wait, Wait::Room(at) | Wait::UpItems(at) if *at == key));
        } else {
            assert_eq!(hold, None);
        }
    }

    fn start_stream(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        if !self.requests[index].streams {
            let key = self.requests[index].key;
            self.requests[index].streams = self.session.start_stream(self.now, key, input.pick(&LAGS));
        }
    }

    fn push_items(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        if !self.requests[index].streams {
            return;
        }
        let (key, count) = (self.requests[index].key, input.below(8) as u64);
        match self.room(key) {
            Some(0) | None => (),
            Some(room) => {
                let item = |n| Item { pos: Some(n), ..Item::from(payload(n)) };
                let pushed = self.session.push_items(self.now, key, (0..count.min(room)).map(item));
                assert_eq!(pushed, self.session.is_running(key), "a stream that overflows is over");
            }
        }
    }

    fn room(&mut self, key: RequestKey) -> Option<u64> {
        let wake = self.token(Wait::Room(key));
        let room = self.session.stream_room(key, wake);
        if room != Some(0) {
            self.waits.remove(&Wait::Room(key));
        }
        room
    }

    fn finish_stream(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        if self.requests[index].streams {
            let fault = Fault::new(Code::INTERNAL, "no");
            let fault = input.flag().then_some(&fault);
            self.answer(index, |world, key| world.session.finish_stream(world.now, key, fault));
        }
    }

    fn accept_upstream(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        if self.requests[index].up {
            self.session.accept_upstream(self.now, self.requests[index].key);
        }
    }

    fn take_upstream(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        let key = self.requests[index].key;
        let wake = self.token(Wait::UpItems(key));
        if self.session.take_upstream(self.now, key, &mut Items::new(), wake) != Taken::Pending {
            self.waits.remove(&Wait::UpItems(key));
        }
    }

    fn keep_handler(&mut self, input: &mut Input<'_>) {
        let Some(index) = self.some_request(input) else { return };
        let asked = &mut self.requests[index];
        if asked.kept.is_some() {
            return;
        }
        let hold = index as u32;
        match self.session.keep_handler(asked.key, hold) {
            None => asked.kept = Some(hold),
            Some(back) => assert_eq!(back, hold),
        }
    }

    fn pass_time(&mut self, input: &mut Input<'_>) {
        self.now += input.pick(&[0, 1, 49, 100, 6000, 31_000]);
        if self.session.next_deadline().is_some_and(|at| at <= self.now) || input.flag() {
            self.session.advance(self.now);
        }
        let others = self.other.held_bytes();
        if self.is_open() {
            self.session.advance(self.now);
            assert_eq!(self.budget.used(), self.session.held_bytes() + others, "the budget is off");
        }
    }

    fn change_connection(&mut self, input: &mut Input<'_>) {
        match input.below(8) {
            0 if !self.session.is_closed() && !self.disconnected => self.disconnect(Closed::new("cut")),
            1 | 2 => self.reconnect_if_cut(),
            3 => {
                self.session.drain(self.now);
                self.disconnected = false;
                if self.session.is_closed() {
                    self.peer.forget();
                }
            }
            4 if self.is_open() => self.session.ping(),
            _ => self.reconnect_if_cut(),
        }
    }

    fn reconnect_if_cut(&mut self) {
        if self.disconnected && !self.session.is_closed() {
            // The driver does what the last connection left to do before it opens the next.
            self.run_events();
            self.reconnect();
        }
    }

    /// The other connection queues something, or takes it back.
    pub(super) fn press(&mut self) {
        match self.pressing.take() {
            Some(key) => _ = self.other.cancel(self.now, key, None),
            None => {
                let spec = CallSpec { method: "m", payload: &[b'1'; 2000], ..CallSpec::default() };
                self.pressing = self.other.call(self.now, &spec).ok();
            }
        }
    }

    /// Whoever waits and was not woken would find nothing.
    pub(super) fn check_waits(&mut self) {
        self.run_events();
        let waits: Vec<Wait> = self.waits.keys().copied().collect();
        for wait in waits {
            match wait {
                Wait::Answer(key) => assert!(!self.session.is_settled(key), "nobody was told of an outcome"),
                Wait::Items(key) => {
                    let taken = self.session.take_items(self.now, key, &mut Items::new(), || 0);
                    assert_eq!(taken, Taken::Pending, "nobody was told of an item");
                    let wake = self.token(wait);
                    self.session.take_items(self.now, key, &mut Items::new(), wake);
                }
                Wait::UpItems(key) => {
                    let wake = self.token(wait);
                    let taken = self.session.take_upstream(self.now, key, &mut Items::new(), wake);
                    assert_eq!(taken, Taken::Pending, "nobody was told of an upstream item");
                }
                // While more is queued than the soft bound allows, the wake follows when that has gone.
                Wait::Room(_) | Wait::UpRoom(_) if self.session.has_messages() => (),
                Wait::Room(key) => assert_eq!(self.room(key), Some(0), "nobody was told of credit"),
                Wait::UpRoom(key) => assert_eq!(self.up_room(key), Some(0), "nobody was told of upstream credit"),
            }
        }
    }

    fn some_call(&self, input: &mut Input<'_>) -> Option<usize> {
        self.calls.len().checked_sub(1 + input.below(8))
    }

    fn some_request(&self, input: &mut Input<'_>) -> Option<usize> {
        self.requests.len().checked_sub(1 + input.below(8))
    }
}

fn payload(n: u64) -> Payload {
    Payload::of(&format!("{n:0>width$}", width = 1 + n as usize * 40)).expect("a string is JSON")
}
