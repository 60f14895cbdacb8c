//! A program that answers with what it was asked, streams that count, and uploads that are counted.

use std::sync::Arc;

use serde_json::Value;
use sixframe_core::session::{Event, Incoming, Items, RequestKey, Session, SessionConfig, Taken};
use sixframe_core::{Item, Lag, Payload};

use super::{Handler, Wake};
use crate::input::Input;

/// How many items a stream has.
pub(super) const LENGTH: u64 = 40;

pub(super) struct Responder {
    pub(super) session: Session<Wake, Handler>,
    running: Vec<Running>,
}

struct Running {
    key: RequestKey,
    call: u64,
    streams: bool,
    up: bool,
    accepted: bool,
    /// The last item pushed.
    at: u64,
    received: u64,
    over: bool,
}

impl Responder {
    pub(super) fn new(config: Arc<SessionConfig>) -> Responder {
        Responder { session: Session::new(config), running: Vec::new() }
    }

    pub(super) fn run_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Request(incoming) => self.running.push(Running::new(&incoming)),
                Event::Wake(()) => (),
                Event::Stopped(key, _) => self.running.retain(|running| running.key != key),
                Event::Close(closed) => panic!("an honest peer is closed on: {closed}"),
            }
        }
    }

    pub(super) fn act(&mut self, now: u64, input: &mut Input<'_>) {
        if let Some(index) = self.running.len().checked_sub(1 + input.below(6)) {
            self.go_on(now, index, input.below(8) as u64, input.flag());
        }
    }

    pub(super) fn do_everything(&mut self, now: u64) {
        self.run_events();
        (0..self.running.len()).for_each(|index| self.go_on(now, index, 64, true));
        self.running.retain(|running| !running.over);
    }

    pub(super) fn end(&mut self, now: u64) {
        self.session.give_up(now, super::cut());
        self.run_events();
        self.running.retain(|running| !running.over);
        assert!(self.running.is_empty(), "a handler is never stopped");
        assert_eq!(self.session.table_sizes(), (0, 0));
        assert_eq!(self.session.inbound_bytes(), 0);
        assert_eq!(self.session.held_bytes(), 0);
    }

    fn go_on(&mut self, now: u64, index: usize, most: u64, finish: bool) {
        let running = &mut self.running[index];
        if running.over {
            return;
        }
        if running.up {
            running.take_up(&mut self.session, now);
        } else if running.streams {
            running.push(&mut self.session, now, most, finish);
        } else if finish {
            let answer = Payload::of(&running.call).expect("a number is JSON");
            self.session.reply(now, running.key, Ok(answer.as_bytes()));
            running.over = true;
        }
    }
}

impl Running {
    fn new(incoming: &Incoming) -> Running {
        Running {
            key: incoming.key,
            call: incoming.payload.parse().expect("the caller sends its number"),
            streams: incoming.method.starts_with("stream") || incoming.method == "duplex",
            up: incoming.up,
            accepted: false,
            at: incoming.resume.as_ref().map_or(0, |(_, after)| *after),
            received: 0,
            over: false,
        }
    }

    fn take_up(&mut self, session: &mut Session<Wake, Handler>, now: u64) {
        if !self.accepted {
            self.accepted = session.accept_upstream(now, self.key);
        }
        let mut items = Items::new();
        let taken = session.take_upstream(now, self.key, &mut items, || ());
        for item in items {
            self.received += 1;
            assert_eq!(item.data.parse::<u64>(), Ok(self.received), "upstream items arrive in order, each once");
        }
        if !matches!(taken, Taken::Ended(_)) {
            return;
        }
        if self.streams {
            // A duplex call streams as many items as it got.
            session.start_stream(now, self.key, Lag::Block);
            session.push_items(now, self.key, [item(self.received, false)]);
            session.finish_stream(now, self.key, None);
        } else {
            session.reply(now, self.key, Ok(self.received.to_string().as_bytes()));
        }
        self.over = true;
    }

    fn push(&mut self, session: &mut Session<Wake, Handler>, now: u64, most: u64, finish: bool) {
        if !self.accepted {
            self.accepted = true;
            if !session.start_stream(now, self.key, Lag::Block) {
                return;
            }
        }
        let room = session.stream_room(self.key, || ()).unwrap_or(0).min(most).min(LENGTH.saturating_sub(self.at));
        let items = (0..room).map(|n| item(self.at + 1 + n, true));
        session.push_items(now, self.key, items.collect::<Vec<_>>());
        self.at += room;
        if finish && self.at >= LENGTH {
            session.finish_stream(now, self.key, None);
            self.over = true;
        }
    }
}

fn item(number: u64, placed: bool) -> Item<Payload> {
    let data = Payload::of(&Value::from(number)).expect("a number is JSON");
    if placed { Item::at(data, number, "e") } else { Item::from(data) }
}
