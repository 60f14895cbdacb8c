//! Plays one vector: the driver, the handlers and the application around a session, with virtual time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sixframe_core::session::{CallKey, Event, Incoming, Items, Outcome, RequestKey, Session, SessionConfig, Taken};
use sixframe_core::{CallError, Limits};

use crate::compare::{self, Cids};
use crate::script::{Failure, Kind, RequestStep, SettledStep, Step, Vector};

pub(crate) type Played<T = ()> = Result<T, String>;

/// Plays a vector to its end.
///
/// # Errors
/// The step that did not hold, and how.
pub(crate) fn play(vector: &Vector) -> Played {
    let mut player = Player::new(vector)?;
    for (index, step) in vector.steps.iter().enumerate() {
        player.step(step).map_err(|error| format!("step {} {step:?}: {error}", index + 1))?;
    }
    player.nothing_seen("the end")?;
    match player.next_message()? {
        Some(message) if !vector.unsent => Err(format!("left unsent: {message}")),
        Some(_) | None => Ok(()),
    }
}

pub(crate) struct Player<'a> {
    pub(crate) vector: &'a Vector,
    /// Its wakes are the names of calls; those of requests begin with `@`.
    pub(crate) session: Session<String, String>,
    pub(crate) depth: u32,
    pub(crate) now: u64,
    pub(crate) cids: Cids,
    pub(crate) calls: HashMap<String, Ours>,
    pub(crate) requests: HashMap<String, Theirs>,
    pub(crate) seen: VecDeque<Seen>,
}

pub(crate) struct Ours {
    pub(crate) key: CallKey,
    pub(crate) kind: Kind,
    pub(crate) parent: Option<String>,
    pub(crate) woken: bool,
    /// What was buffered when the stream was over, and how it was.
    pub(crate) rest: Items,
    pub(crate) outcome: Option<Outcome>,
}

pub(crate) struct Theirs {
    pub(crate) key: RequestKey,
    pub(crate) method: String,
    pub(crate) streams: bool,
}

#[derive(Debug)]
pub(crate) enum Seen {
    Request(Incoming),
    Stopped(String),
    Settled(String, Outcome),
    Closing(String),
}

impl<'a> Player<'a> {
    fn new(vector: &'a Vector) -> Played<Player<'a>> {
        let limits = limits(&vector.limits)?;
        let depth = limits.depth;
        let reconnects = vector.steps.iter().any(|step| matches!(step, Step::Lost(_)));
        // Windows stay as they were offered, so that vectors need not know how big an implementation's items are.
        let window = vector.window.unwrap_or(SessionConfig::default().window);
        let ahead_bytes = vector.ahead.unwrap_or(0);
        let config =
            SessionConfig { limits, window, window_bytes: 0, ahead_bytes, reconnects, ..SessionConfig::default() };
        Ok(Player {
            vector,
            session: Session::new(Arc::new(config)),
            depth,
            now: 0,
            cids: Cids::default(),
            calls: HashMap::new(),
            requests: HashMap::new(),
            seen: VecDeque::new(),
        })
    }

    fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Send(_) | Step::SendAnyOrder(_) | Step::Idle(_) | Step::Request(_) | Step::Stopped(_) => {
                self.expect(step)?
            }
            Step::Settled(_) | Step::Completed(_) | Step::Closing { .. } => self.expect(step)?,
            Step::Polled { .. } | Step::Pushable { .. } | Step::Counted(_) => self.expect(step)?,
            acting => {
                self.nothing_seen("before this step")?;
                self.act(acting)?;
            }
        }
        self.pump()
    }

    fn expect(&mut self, step: &Step) -> Played {
        match step {
            Step::Send(frame) => {
                let sent = self.next_message()?.ok_or("nothing is sent")?;
                compare::check_sent(&mut self.cids, frame, &sent)
            }
            Step::SendAnyOrder(frames) => self.send_any_order(frames),
            Step::Idle(true) => match self.next_message()? {
                Some(message) => Err(format!("sends {message}")),
                None => Ok(()),
            },
            Step::Request(request) => self.request(request),
            Step::Stopped(name) => {
                self.find(|seen| matches!(seen, Seen::Stopped(stopped) if stopped == name)).map(drop)
            }
            Step::Settled(settled) => self.settled(settled),
            Step::Completed(name) => {
                let complete = |seen: &Seen| matches!(seen, Seen::Settled(call, Outcome::Complete) if call == name);
                self.find(complete).map(drop)
            }
            Step::Closing { setting } => {
                self.find(|seen| matches!(seen, Seen::Closing(reason) if reason.contains(setting.as_str()))).map(drop)
            }
            Step::Polled { request, ready } => {
                let key = self.theirs(request)?.key;
                let room = self.session.stream_room(key, || format!("@{request}"));
                same("polled", room.is_some_and(|room| room > 0), *ready)
            }
            Step::Pushable { call, ready } => same("pushable", self.is_pushable(call)?, *ready),
            Step::Counted(counted) => self.counted(counted),
            other => Err(format!("{other:?} expects nothing")),
        }
    }

    fn next_message(&mut self) -> Played<Option<Value>> {
        let message = self.session.poll_message(self.now);
        message.map(|message| serde_json::from_slice(&message).map_err(|error| error.to_string())).transpose()
    }

    fn send_any_order(&mut self, frames: &[Value]) -> Played {
        let mut left: Vec<&Value> = frames.iter().collect();
        while !left.is_empty() {
            let sent = self.next_message()?.ok_or_else(|| format!("nothing is sent of {left:?}"))?;
            let fits = left.iter().position(|frame| compare::check_sent(&mut self.cids, frame, &sent).is_ok());
            left.remove(fits.ok_or_else(|| format!("sent {sent}, expected one of {left:?}"))?);
        }
        Ok(())
    }

    fn request(&mut self, step: &RequestStep) -> Played {
        let starts = |seen: &Seen| matches!(seen, Seen::Request(incoming) if fits(step, incoming));
        let Seen::Request(incoming) = self.find(starts)? else { return Err("no request".into()) };
        if self.session.keep_handler(incoming.key, step.name.clone()).is_some() {
            return Err("the request is over already".into());
        }
        let request = Theirs { key: incoming.key, method: step.method.clone(), streams: false };
        self.requests.insert(step.name.clone(), request);
        Ok(())
    }

    fn settled(&mut self, step: &SettledStep) -> Played {
        let holds = |outcome: &Outcome| match (outcome, &step.result, &step.error) {
            (Outcome::Result(result), Some(expected), None) => {
                compare::same(Some(expected), result.parse().ok().as_ref())
            }
            (Outcome::Failed(error), None, Some(expected)) => same_failure(expected, error),
            _ => false,
        };
        self.find(|seen| matches!(seen, Seen::Settled(call, outcome) if *call == step.call && holds(outcome))).map(drop)
    }

    fn counted(&self, expected: &HashMap<String, u64>) -> Played {
        let counters = self.session.counters();
        expected.iter().try_for_each(|(name, count)| match name.as_str() {
            "dropped" => same(name, counters.dropped, *count),
            "malformed" => same(name, counters.malformed, *count),
            _ => Err(format!("nothing counts {name}")),
        })
    }

    /// Does what the driver does with events, until there are none.
    fn pump(&mut self) -> Played {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Request(incoming) => self.seen.push_back(Seen::Request(*incoming)),
                Event::Wake(name) => {
                    if let Some(call) = self.calls.get_mut(&name) {
                        call.woken = true;
                    }
                }
                Event::Stopped(_, name) => {
                    let name = name.ok_or("a handler that was never started is stopped")?;
                    self.drop_children(&name);
                    self.seen.push_back(Seen::Stopped(name));
                }
                Event::Close(closed) => self.seen.push_back(Seen::Closing(closed.to_string())),
            }
        }
        let names: Vec<String> = self.calls.keys().cloned().collect();
        names.iter().for_each(|name| self.await_call(name));
        Ok(())
    }

    /// What whoever awaits a call does when it is woken.
    pub(crate) fn await_call(&mut self, name: &str) {
        let Some(call) = self.calls.get_mut(name).filter(|call| call.woken) else { return };
        if matches!(call.kind, Kind::Unary | Kind::Upload) {
            call.woken = false;
            if let Some(outcome) = self.session.take_outcome(call.key, || name.to_owned()) {
                self.calls.remove(name);
                self.seen.push_back(Seen::Settled(name.to_owned(), outcome));
            }
            return;
        }
        // Items are left for `take`; once the stream is over nothing is granted for taking them early.
        if call.outcome.is_some() || !self.session.is_settled(call.key) {
            return;
        }
        let outcome = loop {
            if let Taken::Ended(outcome) =
                self.session.take_items(self.now, call.key, &mut call.rest, || name.to_owned())
            {
                break outcome;
            }
        };
        if call.rest.is_empty() {
            self.calls.remove(name);
            self.seen.push_back(Seen::Settled(name.to_owned(), outcome));
        } else {
            call.outcome = Some(outcome);
        }
    }

    /// A handler that is dropped drops the calls that it made.
    pub(crate) fn drop_children(&mut self, request: &str) {
        let is_child = |call: &Ours| call.parent.as_deref() == Some(request);
        let children: Vec<CallKey> = self.calls.values().filter(|call| is_child(call)).map(|call| call.key).collect();
        self.calls.retain(|_, call| !is_child(call));
        for key in children {
            self.session.cancel(self.now, key, None);
        }
    }

    fn find(&mut self, fits: impl Fn(&Seen) -> bool) -> Played<Seen> {
        let index = self.seen.iter().position(fits);
        index.and_then(|index| self.seen.remove(index)).ok_or_else(|| format!("saw only {:?}", self.seen))
    }

    fn nothing_seen(&self, when: &str) -> Played {
        if self.seen.is_empty() { Ok(()) } else { Err(format!("{when} nobody expected {:?}", self.seen)) }
    }

    pub(crate) fn ours(&self, name: &str) -> Played<&Ours> {
        self.calls.get(name).ok_or_else(|| format!("no call {name}"))
    }

    pub(crate) fn theirs(&self, name: &str) -> Played<&Theirs> {
        self.requests.get(name).ok_or_else(|| format!("no request {name}"))
    }
}

fn fits(step: &RequestStep, incoming: &Incoming) -> bool {
    let payload = incoming.payload.parse().ok();
    let meta = serde_json::from_str(&incoming.meta).ok();
    incoming.method == step.method
        && step.payload.as_ref().is_none_or(|expected| compare::same(Some(expected), payload.as_ref()))
        && step.meta.as_ref().is_none_or(|expected| compare::same(Some(expected), meta.as_ref()))
}

fn same_failure(expected: &Failure, error: &CallError) -> bool {
    let (message, domain) = match error {
        CallError::Fault(fault) => (fault.message.to_string(), fault.domain.to_string()),
        other => (other.to_string(), "common".to_owned()),
    };
    error.code() == expected.code
        && expected.message.as_ref().is_none_or(|text| *text == message)
        && expected.domain.as_ref().is_none_or(|text| *text == domain)
        && (expected.details.is_none() || compare::more(expected.details.as_ref(), error.details()))
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: T, expected: T) -> Played {
    if actual == expected { Ok(()) } else { Err(format!("{what} is {actual:?}, not {expected:?}")) }
}

fn limits(overrides: &Map<String, Value>) -> Played<Limits> {
    let mut limits = Limits::default();
    for (name, value) in overrides {
        let number = value.as_u64().ok_or("limits are whole numbers")?;
        let small = u32::try_from(number).map_err(|error| error.to_string());
        match name.as_str() {
            "message_bytes" => limits.message_bytes = number as usize,
            "depth" => limits.depth = small?,
            "in_flight" => limits.in_flight = small?,
            "streams" => limits.streams = small?,
            "stream_bytes" => limits.stream_bytes = number as usize,
            "stream_items" => limits.stream_items = number as usize,
            "soft_bytes" => limits.soft_bytes = number as usize,
            "hard_bytes" => limits.hard_bytes = number as usize,
            "stall" => limits.stall = Duration::from_millis(number),
            "requests_per_second" => limits.requests_per_second = Some(small?),
            "malformed" => limits.malformed = small?,
            _ => return Err(format!("no limit {name}")),
        }
    }
    Ok(limits)
}
