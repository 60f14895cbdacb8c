//! Two sessions, joined by a pipe that is slow and breaks. Whatever is called, cancelled, cut and connected again: every call
//! settles once with its own answer, no item is lost silently, and nothing is left in the end.

mod caller;
mod responder;

use std::collections::VecDeque;
use std::sync::Arc;

use sixframe_core::frame;
use sixframe_core::session::{Session, SessionConfig};
use sixframe_core::{Closed, Limits, Message};

use crate::input::Input;
use caller::Caller;
use responder::Responder;

/// What a session keeps to be woken; here everybody looks again after every step.
type Wake = ();
type Handler = ();

/// Drives two sessions by `data`: the first bytes choose how they are made, every further one an operation.
pub fn session_pair(data: &[u8]) {
    fastrand::seed(7);
    let mut input = Input::new(data);
    let mut pair = Pair::new(&mut input);
    let mut steps = 0;
    while !input.is_empty() && steps < 2000 {
        steps += 1;
        pair.step(&mut input);
    }
    pair.finish();
}

struct Pair {
    now: u64,
    caller: Caller,
    responder: Responder,
    requests: VecDeque<Message>,
    answers: VecDeque<Message>,
    connected: bool,
    config: Arc<SessionConfig>,
}

impl Pair {
    fn new(input: &mut Input<'_>) -> Pair {
        let limits = Limits {
            soft_bytes: input.pick(&[1000, 1 << 20]),
            stream_items: 5,
            streams: u32::MAX,
            in_flight: u32::MAX,
            stall: std::time::Duration::from_secs(1 << 30),
            ..Limits::default()
        };
        let config = |reconnects, window| {
            let limits = limits.clone();
            Arc::new(SessionConfig { limits, window, window_bytes: 2000, ahead_bytes: 700, reconnects, budget: None })
        };
        let (reconnects, window) = (input.flag(), input.pick(&[1, 2, 32]));
        let server = config(false, window);
        Pair {
            now: 0,
            caller: Caller::new(config(reconnects, window), reconnects),
            responder: Responder::new(server.clone()),
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            connected: true,
            config: server,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0..3 => self.caller.call(self.now, input),
            3 => self.caller.cancel(self.now, input),
            4 => self.caller.take(self.now, input),
            5 => self.caller.send_up(self.now, input),
            6 | 7 => self.responder.act(self.now, input),
            8 => self.write_requests(input.byte().into()),
            9 => self.write_answers(input.byte().into()),
            10 => self.deliver_requests(input.byte().into()),
            11 => self.deliver_answers(input.byte().into()),
            12 => self.pass_time(input.pick(&[1, 60, 500])),
            13 => self.cut(input),
            14 => self.connect(),
            _ => self.exchange(),
        }
        self.caller.run_events();
        self.responder.run_events();
    }

    fn write_requests(&mut self, most: usize) {
        self.requests.extend((0..most).map_while(|_| self.caller.session.poll_message(self.now)));
    }

    fn write_answers(&mut self, most: usize) {
        if self.connected {
            self.answers.extend((0..most).map_while(|_| self.responder.session.poll_message(self.now)));
        }
    }

    fn deliver_requests(&mut self, most: usize) {
        for message in self.requests.drain(..most.min(self.requests.len())) {
            deliver(&mut self.responder.session, self.now, &message);
            self.responder.run_events();
        }
    }

    fn deliver_answers(&mut self, most: usize) {
        for message in self.answers.drain(..most.min(self.answers.len())) {
            deliver(&mut self.caller.session, self.now, &message);
            self.caller.run_events();
        }
    }

    fn exchange(&mut self) {
        if self.connected {
            self.write_requests(usize::MAX);
            self.write_answers(usize::MAX);
            self.deliver_requests(usize::MAX);
            self.deliver_answers(usize::MAX);
        }
    }

    fn pass_time(&mut self, millis: u64) {
        self.now += millis;
        self.caller.session.advance(self.now);
        self.responder.session.advance(self.now);
    }

    /// The connection breaks: what is on its way is lost, but perhaps for the beginning of the next message.
    fn cut(&mut self, input: &mut Input<'_>) {
        if !self.connected {
            return;
        }
        let part = |message: &Message, eighths: u8| message.slice(..message.len() * usize::from(eighths % 8) / 8);
        if let Some(next) = self.requests.front() {
            deliver(&mut self.responder.session, self.now, &part(next, input.byte()));
        }
        if let Some(next) = self.answers.front() {
            self.caller.truncated = true;
            deliver(&mut self.caller.session, self.now, &part(next, input.byte()));
        }
        self.break_off();
    }

    fn break_off(&mut self) {
        self.connected = false;
        self.requests.clear();
        self.answers.clear();
        self.caller.disconnect(self.now);
        self.responder.end(self.now);
    }

    /// A reconnecting caller meets a new session of the same program.
    fn connect(&mut self) {
        if !self.connected && self.caller.reconnects {
            self.connected = true;
            self.responder.session = Session::new(self.config.clone());
            self.caller.session.reconnect(self.now);
            self.caller.run_events();
        }
    }

    /// Both programs do what they can until nothing moves: by then every call has settled by itself.
    fn finish(mut self) {
        self.connect();
        if self.connected {
            for round in 0.. {
                assert!(round < 5000, "the calls do not come to rest: {}", self.caller.open());
                self.exchange();
                self.caller.do_everything(self.now);
                self.responder.do_everything(self.now);
                if self.caller.open() == 0 && self.is_quiet() {
                    break;
                }
                self.pass_time(50);
            }
            assert_eq!(self.responder.session.table_sizes(), (0, 0), "a request is left");
            assert_eq!(self.responder.session.queued_bytes(), 0);
            assert_eq!(self.caller.session.queued_bytes(), 0);
            assert_eq!(self.responder.session.in_flight(), 0);
            self.break_off();
        }
        self.caller.end(self.now);
    }

    fn is_quiet(&self) -> bool {
        let sent = !self.caller.session.has_messages() && !self.responder.session.has_messages();
        sent && self.requests.is_empty() && self.answers.is_empty()
    }
}

fn deliver<W, H>(session: &mut Session<W, H>, now: u64, message: &Message) {
    match frame::decode(message, 64) {
        Ok(decoded) => session.receive(now, message, &decoded),
        Err(malformed) => session.receive_malformed(now, &malformed),
    }
}

fn cut() -> Closed {
    Closed::new("cut")
}
