//! Two sessions joined by a pipe that may garble, repeat and break: no runtime, no driver, every step by seed.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::collections::VecDeque;
use std::sync::Arc;

use fastrand::Rng;
use sixframe_core::frame;
use sixframe_core::session::{
    Budget, CallKey, CallSpec, Event, Items, Outcome, RequestKey, Session, SessionConfig, Shape, Taken,
};
use sixframe_core::{Closed, Fault, Item, Lag, Limits, Message, Payload};

const SEEDS: u64 = 2000;
const STEPS: usize = 300;
const DEPTH: u32 = 64;

/// A session with what its driver and its users would keep.
struct Side {
    session: Session<u64, RequestKey>,
    budget: Arc<Budget>,
    calls: Vec<Own>,
    requests: Vec<Theirs>,
    wakes: u64,
    made: u64,
    settled: u64,
    garbled: bool,
}

/// A call of this side.
struct Own {
    key: CallKey,
    shape: Shape,
    /// The `pos` of the last item taken.
    at: u64,
    /// Upstream items pushed.
    pushed: u64,
    patient: bool,
}

/// A request of the other.
struct Theirs {
    key: RequestKey,
    shape: Shape,
    streams: bool,
    pos: u64,
    received: u64,
}

const SHAPES: [Shape; 4] = [Shape::Unary, Shape::Stream, Shape::Upload, Shape::Duplex];

fn method(shape: Shape) -> &'static str {
    match shape {
        Shape::Unary => "unary",
        Shape::Stream => "stream",
        Shape::Upload => "upload",
        Shape::Duplex => "duplex",
    }
}

impl Side {
    fn new(rng: &mut Rng, garbled: bool) -> Side {
        let limits = Limits { soft_bytes: rng.usize(200..5000), stream_items: rng.usize(2..20), ..Limits::default() };
        let budget = Budget::new(usize::MAX);
        let config = SessionConfig {
            limits,
            window: rng.u32(1..10),
            window_bytes: rng.usize(1..2000),
            ahead_bytes: rng.usize(0..3000),
            reconnects: rng.bool(),
            budget: Some(budget.clone()),
        };
        Side {
            session: Session::new(Arc::new(config)),
            budget,
            calls: vec![],
            requests: vec![],
            wakes: 0,
            made: 0,
            settled: 0,
            garbled,
        }
    }

    fn step(&mut self, now: u64, rng: &mut Rng) {
        match rng.u8(..12) {
            0 | 1 => self.call(now, rng),
            2 => self.cancel(now, rng),
            3..=5 => self.take(now, rng),
            6 => self.push_upstream(now, rng),
            7..=9 => self.serve(now, rng),
            _ => self.finish_upstream(now, rng),
        }
        self.handle_events();
    }

    fn call(&mut self, now: u64, rng: &mut Rng) {
        let shape = rng.choice(SHAPES).unwrap();
        let timeout_ms = (rng.u8(..4) == 0).then(|| rng.u64(1..500));
        let spec = CallSpec {
            method: method(shape),
            payload: b"{\"a\":[1,2,3]}",
            shape,
            timeout_ms,
            idle_ms: (shape == Shape::Stream && rng.u8(..8) == 0).then(|| rng.u64(1..500)),
            resumable: rng.bool(),
            on_lag: (rng.u8(..3) == 0).then_some(Lag::Block),
            lane: (rng.u8(..5) == 0).then_some("lane"),
            ..CallSpec::default()
        };
        if let Ok(key) = self.session.call(now, &spec) {
            self.made += 1;
            let patient = timeout_ms.is_none() && spec.idle_ms.is_none();
            self.calls.push(Own { key, shape, at: 0, pushed: 0, patient });
        }
    }

    fn cancel(&mut self, now: u64, rng: &mut Rng) {
        if rng.u8(..3) == 0
            && let Some(at) = any(&self.calls, rng)
        {
            let call = self.calls.swap_remove(at);
            self.session.cancel(now, call.key, None);
            self.settled += 1;
        }
    }

    fn take(&mut self, now: u64, rng: &mut Rng) {
        let Some(at) = any(&self.calls, rng) else { return };
        let call = &mut self.calls[at];
        let outcome = match call.shape {
            Shape::Unary | Shape::Upload => self.session.take_outcome(call.key, || 1),
            Shape::Stream | Shape::Duplex => {
                let mut items = Items::new();
                match self.session.take_items(now, call.key, &mut items, || 1) {
                    Taken::Items => {
                        for item in items {
                            let pos = item.pos.unwrap();
                            assert!(pos == call.at + 1 || item.reset || self.garbled, "{pos} after {}", call.at);
                            call.at = pos;
                        }
                        None
                    }
                    Taken::Pending => None,
                    Taken::Ended(outcome) => Some(outcome),
                }
            }
        };
        let Some(outcome) = outcome else { return };
        self.settled += 1;
        let call = self.calls.swap_remove(at);
        match (outcome, call.shape) {
            (Outcome::Result(result), Shape::Unary) => assert_eq!(result.parse::<u64>().unwrap(), 7),
            (Outcome::Result(result), Shape::Upload) => {
                let received: u64 = result.parse().unwrap();
                assert!(received <= call.pushed || self.garbled, "{received} of {}", call.pushed);
            }
            (Outcome::Complete, Shape::Stream | Shape::Duplex) => (),
            (Outcome::Failed(error), _) => {
                let known = ["RPC_TIMEOUT", "CONNECTION_CLOSED", "INDETERMINATE", "BOOM"].contains(&error.code());
                assert!(known || self.garbled, "{error}");
                assert!(error.code() != "RPC_TIMEOUT" || !call.patient, "{error}");
            }
            (outcome, shape) => panic!("{shape:?} ended with {outcome:?}"),
        }
    }

    fn push_upstream(&mut self, now: u64, rng: &mut Rng) {
        let Some(at) = any(&self.calls, rng) else { return };
        let call = &mut self.calls[at];
        if self.session.upstream_room(call.key, || 2).is_some_and(|room| room > 0) {
            call.pushed += 1;
            self.session.push_upstream(now, call.key, [Payload::of(&call.pushed).unwrap()]);
        }
    }

    fn finish_upstream(&mut self, now: u64, rng: &mut Rng) {
        if let Some(at) = any(&self.calls, rng) {
            self.session.finish_upstream(now, self.calls[at].key);
        }
    }

    /// One step of one handler.
    fn serve(&mut self, now: u64, rng: &mut Rng) {
        let Some(at) = any(&self.requests, rng) else { return };
        let request = &mut self.requests[at];
        let up = matches!(request.shape, Shape::Upload | Shape::Duplex);
        if up {
            let mut items = Items::new();
            self.session.take_upstream(now, request.key, &mut items, || 3);
            for item in items {
                let n: u64 = item.data.parse().unwrap();
                assert!(n == request.received + 1 || self.garbled, "{n} after {}", request.received);
                request.received = n;
            }
        }
        let down = matches!(request.shape, Shape::Stream | Shape::Duplex);
        if down && !request.streams {
            request.streams = self.session.start_stream(now, request.key, Lag::Block);
            let refused = !request.streams;
            assert!(!refused, "the limit on streams is far");
        }
        if down && rng.u8(..8) > 0 {
            if rng.u8(..4) == 0 {
                self.session.rest_stream(now, request.key, rng.u64(1..50), || 4);
            }
            let room = self.session.stream_room(request.key, || 4).unwrap_or(0);
            for _ in 0..room.min(3) {
                request.pos += 1;
                let item = Item::at(Payload::of(&"x".repeat(rng.usize(..40))).unwrap(), request.pos, "e");
                self.session.push_items(now, request.key, [item]);
            }
            return;
        }
        let fault = Fault::new("BOOM", "as it happens").domain("test");
        let fails = rng.u8(..6) == 0;
        let kept = match (down, fails) {
            (true, _) => self.session.finish_stream(now, request.key, fails.then_some(&fault)),
            (false, true) => self.session.reply(now, request.key, Err(&fault)),
            (false, false) => {
                let answer = if up { request.received } else { 7 };
                self.session.reply(now, request.key, Ok(answer.to_string().as_bytes()))
            }
        };
        assert_eq!(kept, Some(request.key), "a request that was not stopped can be answered once");
        self.requests.swap_remove(at);
    }

    fn handle_events(&mut self) -> bool {
        let mut closes = false;
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Request(incoming) => {
                    let shape = SHAPES.into_iter().find(|shape| method(*shape) == incoming.method);
                    let pos = incoming.resume.map_or(0, |(_, after)| after);
                    let shape = shape.unwrap();
                    let request = Theirs { key: incoming.key, shape, streams: false, pos, received: 0 };
                    if incoming.up {
                        self.session.accept_upstream(0, incoming.key);
                    }
                    match self.session.keep_handler(incoming.key, incoming.key) {
                        None => self.requests.push(request),
                        Some(_) => assert!(!self.session.is_running(incoming.key)),
                    }
                }
                Event::Stopped(key, kept) => {
                    let before = self.requests.len();
                    self.requests.retain(|request| request.key != key);
                    let stopped = (before - self.requests.len(), kept);
                    assert!(stopped == (1, Some(key)) || stopped == (0, None), "{stopped:?}");
                }
                Event::Wake(_) => self.wakes += 1,
                Event::Close(_) => closes = true,
            }
        }
        closes
    }

    fn check(&self) {
        assert_eq!(self.made, self.settled + self.calls.len() as u64, "every call settles once");
        assert!(self.session.table_sizes().0 >= self.calls.len());
    }
}

fn any<T>(of: &[T], rng: &mut Rng) -> Option<usize> {
    (!of.is_empty()).then(|| rng.usize(..of.len()))
}

struct World {
    sides: [Side; 2],
    /// What is on its way to each side.
    pipes: [VecDeque<Message>; 2],
    now: u64,
    rng: Rng,
    garbles: bool,
    breaks: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = Rng::with_seed(seed);
        let (garbles, breaks) = (seed % 3 == 1, seed % 3 == 2);
        let sides = [Side::new(&mut rng, garbles), Side::new(&mut rng, garbles)];
        World { sides, pipes: Default::default(), now: 0, rng, garbles, breaks }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            match self.rng.u8(..20) {
                0..=7 => {
                    let side = self.rng.usize(..2);
                    self.sides[side].step(self.now, &mut self.rng);
                }
                8..=12 => self.send(),
                13..=17 => self.deliver(),
                18 => self.wait(),
                _ if self.breaks && self.rng.u8(..4) == 0 => self.cut(),
                _ => (),
            }
            self.sides.iter().for_each(Side::check);
        }
        self.finish();
    }

    fn send(&mut self) {
        let from = self.rng.usize(..2);
        let Some(message) = self.sides[from].session.poll_message(self.now) else { return };
        let pipe = &mut self.pipes[1 - from];
        match self.rng.u8(..if self.garbles { 40 } else { 1 }) {
            37 => pipe.extend([message.clone(), message]),
            38 => pipe.push_back(message.slice(..self.rng.usize(..message.len()))),
            39 => (),
            _ => pipe.push_back(message),
        }
    }

    fn deliver(&mut self) {
        let to = self.rng.usize(..2);
        let Some(message) = self.pipes[to].pop_front() else { return };
        let side = &mut self.sides[to];
        match frame::decode(&message, DEPTH) {
            Ok(frame) => side.session.receive(self.now, &message, &frame),
            Err(malformed) => {
                assert!(side.garbled, "{malformed:?}: {message:?}");
                side.session.receive_malformed(self.now, &malformed);
            }
        }
        if side.handle_events() {
            self.cut();
        }
    }

    fn wait(&mut self) {
        self.now += self.rng.u64(..200);
        for side in &mut self.sides {
            side.session.advance(self.now);
            assert_eq!(side.budget.used(), side.session.held_bytes(), "the budget is what is held");
            side.handle_events();
            assert!(side.session.next_deadline().is_none_or(|at| at > self.now), "what was due is done");
        }
    }

    /// Breaks the connection and makes another.
    fn cut(&mut self) {
        self.pipes = Default::default();
        for side in &mut self.sides {
            side.session.disconnect(self.now, Closed::new("cut"));
            side.handle_events();
            assert!(side.requests.is_empty(), "every handler is stopped");
            assert_eq!((side.session.in_flight(), side.session.queued_bytes()), (0, 0));
            side.session.reconnect(self.now);
        }
    }

    /// Lets everything come to its end over a sound pipe: nothing must be left.
    fn finish(mut self) {
        let lossy = std::mem::take(&mut self.garbles);
        self.breaks = false;
        for side in &mut self.sides {
            for call in side.calls.drain(..) {
                side.session.cancel(self.now, call.key, None);
                side.settled += 1;
            }
        }
        let is_quiet = |world: &World| {
            let quiet = |side: &Side| !side.session.has_messages() && side.requests.is_empty();
            world.pipes.iter().all(VecDeque::is_empty) && world.sides.iter().all(quiet)
        };
        for _ in 0..100_000 {
            if is_quiet(&self) {
                break;
            }
            let side = self.rng.usize(..2);
            let mut rng = self.rng.fork();
            self.sides[side].serve(self.now, &mut rng);
            self.sides[side].handle_events();
            self.send();
            self.deliver();
        }
        assert!(is_quiet(&self), "everything comes to its end");
        if lossy {
            // A `can` that was lost leaves what waits for credit to the end of the connection.
            self.cut();
        }
        for side in &self.sides {
            side.check();
            let left = (side.session.table_sizes(), side.session.queued_bytes(), side.session.in_flight());
            assert_eq!((left, side.budget.used()), (((0, 0), 0, 0), 0), "{:?}", side.session);
        }
    }
}

#[test]
fn two_sessions_keep_their_tables_whatever_the_pipe_does() {
    let set = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    if let Some(seed) = set("SEED") {
        return World::new(seed).run();
    }
    for seed in 0..set("SEEDS").unwrap_or(SEEDS) {
        let ran = std::panic::catch_unwind(|| World::new(seed).run());
        assert!(ran.is_ok(), "seed {seed} failed; SEED={seed} runs it alone");
    }
}
