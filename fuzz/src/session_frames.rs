//! One session against a peer that may say anything, while the driver and the program do everything they may. What the
//! session does is held against a model of the peer, of the calls and of the handlers.

mod apply;
mod finish;
mod frames;
mod peer;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sixframe_core::session::{
    Budget, CallKey, Event, Incoming, Items, Millis, RequestKey, Session, SessionConfig, Shape, Taken,
};
use sixframe_core::{CallError, Closed, Limits};

use crate::input::Input;
use peer::Peer;

/// A wake that the session keeps.
type Token = u32;
/// The driver's hold on a handler.
type Hold = u32;

/// The longest message that the peer sends here, and then some.
const MESSAGE_BYTES: usize = 4096;

/// Drives a session by `data`: the first bytes choose its limits, every further one an operation.
pub fn session_frames(data: &[u8]) {
    fastrand::seed(7);
    let mut input = Input::new(data);
    let mut world = World::new(&mut input);
    while !input.is_empty() && world.steps < 4000 {
        world.steps += 1;
        world.step(&mut input);
        world.check();
    }
    world.finish();
}

struct World {
    session: Session<Token, Hold>,
    limits: Limits,
    now: Millis,
    steps: u32,
    reconnects: bool,
    disconnected: bool,
    budget: Arc<Budget>,
    /// Another connection of the same process, which presses the budget when it has something queued.
    other: Session<Token, Hold>,
    pressing: Option<CallKey>,
    peer: Peer,
    calls: Vec<Made>,
    requests: Vec<Asked>,
    tokens: Token,
    waits: HashMap<Wait, Token>,
    received: u64,
    malformed: u64,
}

/// A call of ours.
struct Made {
    key: CallKey,
    shape: Shape,
    ended: bool,
}

/// A request of the peer, as the driver knows it.
struct Asked {
    key: RequestKey,
    up: bool,
    streams: bool,
    kept: Option<Hold>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Running,
    Answered,
    Stopped,
}

/// What a kept wake waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wait {
    Answer(CallKey),
    Items(CallKey),
    UpRoom(CallKey),
    Room(RequestKey),
    UpItems(RequestKey),
}

impl World {
    fn new(input: &mut Input<'_>) -> World {
        let limits = Limits {
            message_bytes: MESSAGE_BYTES,
            depth: 8,
            in_flight: input.pick(&[3, 1024]),
            streams: input.pick(&[1, 256]),
            stream_bytes: input.pick(&[600, 2000, 1 << 20]),
            stream_items: input.pick(&[3, 1024]),
            soft_bytes: input.pick(&[300, 5000]),
            hard_bytes: input.pick(&[6000, 1 << 22]),
            stall: Duration::from_secs(30),
            requests_per_second: input.pick(&[None, Some(4)]),
            malformed: 16,
        };
        let reconnects = input.flag();
        let budget = Budget::new(input.pick(&[1 << 20, 900]));
        let config = SessionConfig {
            limits: limits.clone(),
            window: input.pick(&[1, 4, 32]),
            window_bytes: input.pick(&[256 << 10, 500]),
            ahead_bytes: input.pick(&[8 << 20, 300, 0]),
            reconnects,
            budget: Some(budget.clone()),
        };
        World {
            session: Session::new(Arc::new(config.clone())),
            limits,
            now: 0,
            steps: 0,
            reconnects,
            disconnected: false,
            budget,
            other: Session::new(Arc::new(config)),
            pressing: None,
            peer: Peer::default(),
            calls: Vec::new(),
            requests: Vec::new(),
            tokens: 0,
            waits: HashMap::new(),
            received: 0,
            malformed: 0,
        }
    }

    fn is_open(&self) -> bool {
        !self.disconnected && !self.session.is_closed()
    }

    fn token(&mut self, wait: Wait) -> impl FnOnce() -> Token + use<> {
        self.tokens += 1;
        let token = self.tokens;
        self.waits.insert(wait, token);
        move || token
    }

    /// What holds after every operation.
    fn check(&mut self) {
        let counters = self.session.counters();
        assert!(counters.malformed <= self.malformed, "counted more than was sent");
        assert!(counters.dropped <= self.received + self.malformed, "counted more than was sent");
        assert!(self.session.in_flight() <= self.limits.in_flight, "more in flight than allowed");
        if self.requests.len() > 64 {
            self.requests.retain(|asked| asked.fate == Fate::Running);
        }
        let running = self.requests.iter().filter(|asked| asked.streams && self.session.is_running(asked.key)).count();
        assert!(running <= self.limits.streams as usize, "more streams than allowed");
        let (held, most) = (self.session.inbound_bytes(), self.limits.hard_bytes + 2 * MESSAGE_BYTES);
        assert!(held <= most, "{held} bytes received are held, over {most}");
        if !self.is_open() {
            assert_eq!(self.session.queued_bytes(), 0, "nothing is queued for a connection that ended");
            assert_eq!(self.session.table_sizes().1, 0, "no request outlives its connection");
            assert_eq!(self.session.in_flight(), 0);
        }
    }

    /// Does what the session asks, as a driver would.
    fn run_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Request(incoming) => self.asked(&incoming),
                Event::Wake(token) => self.waits.retain(|_, waiting| *waiting != token),
                Event::Stopped(key, hold) => self.stopped(key, hold),
                Event::Close(closed) => {
                    if self.is_open() {
                        self.disconnect(closed);
                    }
                }
            }
        }
    }

    fn asked(&mut self, incoming: &Incoming) {
        assert!(self.requests.iter().all(|asked| asked.key != incoming.key), "a request is started twice");
        self.requests.push(Asked {
            key: incoming.key,
            up: incoming.up,
            streams: false,
            kept: None,
            fate: Fate::Running,
        });
    }

    fn stopped(&mut self, key: RequestKey, hold: Option<Hold>) {
        let asked = self.requests.iter_mut().find(|asked| asked.key == key).expect("only what was started is stopped");
        assert_eq!(asked.fate, Fate::Running, "a request is stopped that was answered or stopped before");
        assert_eq!(asked.kept.take(), hold, "the driver gets back what it gave");
        asked.fate = Fate::Stopped;
        self.waits.retain(|wait, _| !matches!(wait, Wait::Room(at) | Wait::UpItems(at) if *at == key));
    }

    fn disconnect(&mut self, closed: Closed) {
        let again = self.reconnects && !self.disconnected;
        self.session.disconnect(self.now, closed);
        self.disconnected = again && !self.session.is_closed();
        self.peer.forget();
    }

    fn reconnect(&mut self) {
        self.session.reconnect(self.now);
        self.disconnected = false;
        self.malformed = 0;
        self.received = 0;
    }

    /// Takes what has come for a call, as its consumer would; true when it ended.
    fn take(&mut self, index: usize) -> bool {
        let (key, shape) = (self.calls[index].key, self.calls[index].shape);
        if self.calls[index].ended {
            return true;
        }
        let ended = match shape {
            Shape::Unary | Shape::Upload => {
                let wake = self.token(Wait::Answer(key));
                self.session.take_outcome(key, wake).is_some()
            }
            Shape::Stream | Shape::Duplex => {
                let wake = self.token(Wait::Items(key));
                let mut items = Items::new();
                match self.session.take_items(self.now, key, &mut items, wake) {
                    Taken::Items => {
                        assert!(!items.is_empty(), "there are items where the session says so");
                        self.waits.remove(&Wait::Items(key));
                        false
                    }
                    Taken::Pending => {
                        assert!(items.is_empty());
                        false
                    }
                    Taken::Ended(_) => true,
                }
            }
        };
        if ended {
            self.gone(index);
        }
        ended
    }

    /// The session knows the call no more.
    fn gone(&mut self, index: usize) {
        let key = self.calls[index].key;
        self.calls[index].ended = true;
        self.waits
            .retain(|wait, _| !matches!(wait, Wait::Answer(at) | Wait::Items(at) | Wait::UpRoom(at) if *at == key));
        assert!(self.session.is_settled(key));
    }

    fn give_up(&mut self) {
        self.session.give_up(self.now, Closed::new("the input ended"));
        self.disconnected = false;
        self.peer.forget();
    }

    fn refused(error: &CallError) {
        assert!(
            matches!(error, CallError::Closed(_) | CallError::Limit(_) | CallError::Timeout),
            "a call is refused with {error}"
        );
    }
}
