//! A program that makes calls of every shape and knows what each must come to.

use std::sync::Arc;

use sixframe_core::session::{CallKey, CallSpec, Event, Items, Outcome, Session, SessionConfig, Shape, Taken};
use sixframe_core::{CallError, Lag, Payload};

use super::responder::LENGTH;
use super::{Handler, Wake};
use crate::input::Input;

pub(super) struct Caller {
    pub(super) session: Session<Wake, Handler>,
    pub(super) reconnects: bool,
    /// Whether a broken message has arrived, which may be told of the call that it names.
    pub(super) truncated: bool,
    cut: bool,
    calls: Vec<Made>,
}

struct Made {
    key: CallKey,
    number: u64,
    shape: Shape,
    lag: Lag,
    bounded: bool,
    /// Whether its items are not those of the counting stream.
    one_value: bool,
    /// The last item received.
    at: u64,
    items: u64,
    sent: u64,
    to_send: u64,
    finished: bool,
    over: bool,
}

impl Caller {
    pub(super) fn new(config: Arc<SessionConfig>, reconnects: bool) -> Caller {
        Caller { session: Session::new(config), reconnects, truncated: false, cut: false, calls: Vec::new() }
    }

    pub(super) fn call(&mut self, now: u64, input: &mut Input<'_>) {
        let (kind, options) = (input.below(6), input.byte());
        let (shape, method) = [
            (Shape::Unary, "echo"),
            (Shape::Stream, "stream"),
            (Shape::Upload, "upload"),
            (Shape::Duplex, "duplex"),
            (Shape::Unary, "stream"),
            (Shape::Stream, "echo"),
        ][kind];
        let number = self.calls.len() as u64;
        let lag = input.pick(&[Lag::Block, Lag::Latest, Lag::DropOldest, Lag::Close]);
        let timeout = (options & 1 != 0).then(|| input.pick(&[1, 100, 5000]));
        let payload = number.to_string();
        let spec = CallSpec {
            method,
            payload: payload.as_bytes(),
            shape,
            timeout_ms: timeout,
            idempotent: options & 2 != 0,
            resumable: options & 4 != 0,
            lane: (options & 8 != 0).then_some("x"),
            on_lag: Some(lag),
            ..CallSpec::default()
        };
        let Ok(key) = self.session.call(now, &spec) else {
            assert!(self.session.is_closed(), "an open session takes calls");
            return;
        };
        self.calls.push(Made {
            key,
            number,
            shape,
            lag,
            bounded: timeout.is_some(),
            one_value: method != "stream",
            at: 0,
            items: 0,
            sent: 0,
            to_send: u64::from(options >> 4),
            finished: false,
            over: false,
        });
    }

    pub(super) fn cancel(&mut self, now: u64, input: &mut Input<'_>) {
        let Some(index) = self.some(input) else { return };
        let made = &mut self.calls[index];
        if !made.over {
            made.over = true;
            self.session.cancel(now, made.key, Some("the input says so"));
            assert!(self.session.is_settled(made.key));
        }
    }

    pub(super) fn take(&mut self, now: u64, input: &mut Input<'_>) {
        if let Some(index) = self.some(input) {
            self.take_from(now, index);
        }
    }

    pub(super) fn send_up(&mut self, now: u64, input: &mut Input<'_>) {
        if let Some(index) = self.some(input) {
            self.send_from(now, index);
        }
    }

    pub(super) fn run_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Wake(()) => (),
                Event::Request(incoming) => panic!("the responder calls {}", incoming.method),
                Event::Stopped(..) => panic!("there are no handlers"),
                Event::Close(closed) => panic!("an honest peer is closed on: {closed}"),
            }
        }
    }

    pub(super) fn do_everything(&mut self, now: u64) {
        for index in 0..self.calls.len() {
            self.send_from(now, index);
            self.take_from(now, index);
        }
        self.run_events();
    }

    /// How many calls have not come to an end.
    pub(super) fn open(&self) -> usize {
        self.calls.iter().filter(|made| !made.over).count()
    }

    pub(super) fn disconnect(&mut self, now: u64) {
        self.cut = true;
        self.session.disconnect(now, super::cut());
        self.run_events();
    }

    pub(super) fn end(mut self, now: u64) {
        self.cut = true;
        self.session.give_up(now, super::cut());
        self.run_events();
        for _ in 0..2 {
            (0..self.calls.len()).for_each(|index| self.take_from(now, index));
        }
        assert_eq!(self.open(), 0, "a call outlives its connection");
        assert_eq!(self.session.table_sizes(), (0, 0));
        assert_eq!(self.session.held_bytes(), 0);
        assert_eq!(self.session.inbound_bytes(), 0);
    }

    fn send_from(&mut self, now: u64, index: usize) {
        let made = &mut self.calls[index];
        if made.over || made.finished || !matches!(made.shape, Shape::Upload | Shape::Duplex) {
            return;
        }
        let room = self.session.upstream_room(made.key, || ()).unwrap_or(0).min(made.to_send - made.sent);
        let items = (1..=room).map(|n| Payload::of(&(made.sent + n)).expect("a number is JSON"));
        self.session.push_upstream(now, made.key, items);
        made.sent += room;
        if made.sent == made.to_send {
            made.finished = true;
            self.session.finish_upstream(now, made.key);
        }
    }

    fn take_from(&mut self, now: u64, index: usize) {
        let made = &mut self.calls[index];
        if made.over {
            return;
        }
        let outcome = match made.shape {
            Shape::Unary | Shape::Upload => self.session.take_outcome(made.key, || ()),
            Shape::Stream | Shape::Duplex => {
                let mut items = Items::new();
                let taken = self.session.take_items(now, made.key, &mut items, || ());
                items.iter().for_each(|item| {
                    made.items += 1;
                    made.see(item.data.parse().expect("the responder sends numbers"), item.skipped, item.reset);
                });
                match taken {
                    Taken::Items | Taken::Pending => None,
                    Taken::Ended(outcome) => Some(outcome),
                }
            }
        };
        if let Some(outcome) = outcome {
            made.over = true;
            made.check(&outcome, self.cut, self.truncated);
        }
    }

    fn some(&self, input: &mut Input<'_>) -> Option<usize> {
        self.calls.len().checked_sub(1 + input.below(8))
    }
}

impl Made {
    /// An item follows the one before, or says how many are missing; only states are replaced silently.
    fn see(&mut self, number: u64, skipped: u64, reset: bool) {
        if self.one_value {
            assert_eq!(self.items, 1, "one value is one item");
            return;
        }
        assert!(!reset, "the source never starts over");
        match self.lag {
            Lag::Latest => assert!(number > self.at, "{number} is older than {}", self.at),
            Lag::Block | Lag::DropOldest | Lag::Close => {
                assert_eq!(number, self.at + 1 + skipped, "items are missing silently");
            }
        }
        self.at = number;
    }

    fn check(&self, outcome: &Outcome, cut: bool, truncated: bool) {
        match outcome {
            Outcome::Result(result) => {
                let expected = if self.shape == Shape::Upload { self.to_send } else { self.number };
                assert_eq!(result.parse::<u64>(), Ok(expected), "the answer is another call's");
            }
            Outcome::Complete => {
                assert!(
                    matches!(self.shape, Shape::Stream | Shape::Duplex),
                    "a unary call completes without an answer"
                );
                assert!(self.one_value || self.at == LENGTH, "a stream ends early, at {}", self.at);
            }
            Outcome::Failed(error) => match error {
                CallError::Timeout => assert!(self.bounded, "a timeout that nobody set"),
                CallError::Fault(fault) => {
                    let expected = match &*fault.code {
                        "RPC_TIMEOUT" => self.bounded,
                        "SLOW_CONSUMER" => self.lag == Lag::Close,
                        _ => false,
                    };
                    assert!(expected, "an honest responder answers {fault}");
                }
                CallError::Closed(_) => assert!(cut, "closed without a cut"),
                CallError::Indeterminate(_) => assert!(cut && self.shape != Shape::Stream, "not known without a cut"),
                CallError::NotUnary => assert_eq!(self.shape, Shape::Unary),
                CallError::InvalidFrame(_) => assert!(truncated, "an invalid frame from an honest responder"),
                other => panic!("an honest responder causes {other}"),
            },
        }
    }
}
