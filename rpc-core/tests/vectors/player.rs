//! Plays one vector: the driver, the handlers and the application around a session, with virtual time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sixframe_core::frame;
use sixframe_core::session::{
    CallKey, CallSpec, Event, Incoming, Items, Outcome, RequestKey, Session, SessionConfig, Shape, Taken,
};
use sixframe_core::{CallError, Closed, Code, Fault, Limits, Message, RawItem};

use crate::compare::{self, Cids};
use crate::script::{
    CallStep, FailStep, Failure, ItemSeen, ItemStep, Kind, RequestStep, SettledStep, Step, TakeStep, Vector,
};

type Played<T = ()> = Result<T, String>;

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

struct Player<'a> {
    vector: &'a Vector,
    /// Its wakes are the names of calls; those of requests begin with `@`.
    session: Session<String, String>,
    depth: u32,
    now: u64,
    cids: Cids,
    calls: HashMap<String, Ours>,
    requests: HashMap<String, Theirs>,
    seen: VecDeque<Seen>,
}

struct Ours {
    key: CallKey,
    kind: Kind,
    parent: Option<String>,
    woken: bool,
    /// What was buffered when the stream was over, and how it was.
    rest: Items,
    outcome: Option<Outcome>,
}

struct Theirs {
    key: RequestKey,
    method: String,
    streams: bool,
}

#[derive(Debug)]
enum Seen {
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
        let config = SessionConfig { limits, window, window_bytes: 0, reconnects, ..SessionConfig::default() };
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

    fn act(&mut self, step: &Step) -> Played {
        match step {
            Step::Call(call) => self.call(call),
            Step::Cancel(name) => self.cancel(name),
            Step::Push { call, data } => self.push(call, data),
            Step::FinishUp(name) => Ok(self.session.finish_upstream(self.now, self.ours(name)?.key)),
            Step::Take(take) => self.take(take),
            Step::Reply { request, result } => {
                let key = self.theirs(request)?.key;
                let result = result.to_string();
                self.session.reply(self.now, key, Ok(result.as_bytes()));
                self.drop_children(request);
                Ok(())
            }
            Step::Fail(fail) => self.fail(fail),
            Step::Panic(request) => self.end_with(request, &Fault::new(Code::INTERNAL, "the handler panicked")),
            Step::Open(request) => self.open(request),
            Step::Item(item) => self.item(item),
            Step::Finish(request) => {
                let key = self.theirs(request)?.key;
                self.session.finish_stream(self.now, key, None);
                self.drop_children(request);
                Ok(())
            }
            Step::Accept(request) => {
                let key = self.theirs(request)?.key;
                self.session.accept_upstream(self.now, key).then_some(()).ok_or_else(|| "the request is over".into())
            }
            Step::Receive(frame) => self.receive(self.cids.resolve(frame)?.to_string().into_bytes()),
            Step::ReceiveRaw(text) => self.receive(self.cids.resolve_text(text).into_bytes()),
            Step::ReceiveHex(digits) => self.receive(bytes_of(digits)?),
            Step::Oversized(head) => {
                let malformed = frame::peek_oversized(self.cids.resolve_text(head).as_bytes());
                Ok(self.session.receive_malformed(self.now, &malformed))
            }
            Step::Advance(millis) => Ok(self.advance(*millis)),
            Step::Lost(true) => Ok(self.session.disconnect(self.now, Closed::new("the connection broke"))),
            Step::Ended(true) => Ok(self.session.give_up(self.now, Closed::new("the connection ended"))),
            Step::Drain(true) => Ok(self.session.drain(self.now)),
            Step::Connected(true) => Ok(self.session.reconnect(self.now)),
            other => Err(format!("{other:?} is no acting step")),
        }
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

    fn call(&mut self, step: &CallStep) -> Played {
        let payload = step.payload.as_ref().map(Value::to_string).unwrap_or_default();
        let meta = Value::Object(step.meta.clone()).to_string();
        let method = self.vector.methods.get(&step.method).cloned().unwrap_or_default();
        let spec = CallSpec {
            method: &step.method,
            payload: payload.as_bytes(),
            shape: shape(step.kind),
            timeout_ms: self.budget(step)?,
            idle_ms: step.idle_ms,
            idempotent: method.idempotent,
            resumable: method.resumable,
            window: step.window,
            on_lag: step.on_lag,
            lane: step.lane.as_deref(),
            op: step.op.as_deref(),
            extra_meta: &meta[1..meta.len() - 1],
        };
        match self.session.call(self.now, &spec) {
            Ok(key) => {
                let parent = step.parent.clone();
                let call = Ours { key, kind: step.kind, parent, woken: true, rest: Items::new(), outcome: None };
                self.calls.insert(step.name.clone(), call);
                self.await_call(&step.name);
            }
            Err(error) => self.seen.push_back(Seen::Settled(step.name.clone(), Outcome::Failed(error))),
        }
        Ok(())
    }

    /// What a child's handler context gives it: what is left of the parent's budget, or less.
    fn budget(&self, step: &CallStep) -> Played<Option<u64>> {
        let Some(parent) = &step.parent else { return Ok(step.timeout_ms) };
        let left = self.session.deadline(self.theirs(parent)?.key).map(|at| at.saturating_sub(self.now));
        Ok(step.timeout_ms.into_iter().chain(left).min())
    }

    fn cancel(&mut self, name: &str) -> Played {
        let call = self.calls.remove(name).ok_or_else(|| format!("no call {name}"));
        // A call that is over may be dropped like any other.
        if let Ok(call) = call {
            self.session.cancel(self.now, call.key, None);
        }
        Ok(())
    }

    fn push(&mut self, name: &str, data: &Value) -> Played {
        if !self.is_pushable(name)? {
            return Err("no upstream item may be sent now".into());
        }
        let key = self.ours(name)?.key;
        self.session.push_upstream(self.now, key, [Message::from(data.to_string())]);
        Ok(())
    }

    fn is_pushable(&mut self, name: &str) -> Played<bool> {
        let Some(call) = self.calls.get(name) else { return Ok(false) };
        let room = self.session.upstream_room(call.key, || name.to_owned());
        Ok(room.is_some_and(|room| room > 0))
    }

    fn take(&mut self, step: &TakeStep) -> Played {
        let mut items = Items::new();
        match (&step.call, &step.request) {
            (Some(name), None) => self.take_down(name, &mut items)?,
            (None, Some(name)) => self.take_up(name, &mut items, step.ended)?,
            _ => return Err("take from a call or a request".into()),
        }
        let items: Vec<ItemSeen> = items.iter().map(seen_item).collect();
        if items.len() == step.items.len() && items.iter().zip(&step.items).all(|(a, b)| same_item(b, a)) {
            return Ok(());
        }
        Err(format!("took {items:?}"))
    }

    fn take_down(&mut self, name: &str, items: &mut Items) -> Played {
        let call = self.calls.get_mut(name).ok_or_else(|| format!("no call {name}"))?;
        items.append(&mut call.rest);
        if let Some(outcome) = call.outcome.take() {
            self.calls.remove(name);
            self.seen.push_back(Seen::Settled(name.to_owned(), outcome));
            return Ok(());
        }
        call.woken = false;
        // The consumer comes back for more: only with that is what it took consumed.
        while self.session.take_items(self.now, call.key, items, || name.to_owned()) == Taken::Items {}
        Ok(())
    }

    fn take_up(&mut self, name: &str, items: &mut Items, ended: bool) -> Played {
        let key = self.theirs(name)?.key;
        loop {
            match self.session.take_upstream(self.now, key, items, || format!("@{name}")) {
                Taken::Items => (),
                Taken::Pending => return same("ended", false, ended),
                Taken::Ended(outcome) => return same("ended", outcome == Outcome::Complete, ended),
            }
        }
    }

    fn fail(&mut self, step: &FailStep) -> Played {
        let mut fault = Fault::new(step.code.clone(), step.message.clone());
        if let Some(domain) = &step.domain {
            fault = fault.domain(domain.clone());
        }
        if let Some(details) = &step.details {
            fault = fault.details(details.clone());
        }
        self.end_with(&step.request, &fault)
    }

    fn end_with(&mut self, name: &str, fault: &Fault) -> Played {
        let request = self.theirs(name)?;
        let (key, streams) = (request.key, request.streams);
        match streams {
            true => self.session.finish_stream(self.now, key, Some(fault)),
            false => self.session.reply(self.now, key, Err(fault)),
        };
        self.drop_children(name);
        Ok(())
    }

    fn open(&mut self, name: &str) -> Played {
        let request = self.theirs(name)?;
        let lag = self.vector.methods.get(&request.method).cloned().unwrap_or_default().lag;
        let streams = self.session.start_stream(self.now, request.key, lag);
        self.requests.get_mut(name).expect("it was found above").streams = streams;
        Ok(())
    }

    fn item(&mut self, step: &ItemStep) -> Played {
        let key = self.theirs(&step.request)?.key;
        if self.session.stream_room(key, || format!("@{}", step.request)).is_none_or(|room| room == 0) {
            return Err("the source may not be polled now".into());
        }
        let item = RawItem {
            data: Message::from(step.data.to_string()),
            pos: step.pos,
            epoch: step.epoch.as_deref().map(Into::into),
            skipped: 0,
            reset: step.reset,
        };
        self.session.push_items(self.now, key, [item]);
        Ok(())
    }

    fn receive(&mut self, bytes: Vec<u8>) -> Played {
        let message = Message::from(bytes);
        match frame::decode(&message, self.depth) {
            Ok(frame) => self.session.receive(self.now, &message, &frame),
            Err(malformed) => self.session.receive_malformed(self.now, &malformed),
        }
        Ok(())
    }

    fn advance(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.session.next_deadline().filter(|due| *due > self.now && *due <= end) {
            self.now = due;
            self.session.advance(due);
        }
        if self.now < end {
            self.now = end;
            self.session.advance(end);
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
                compare::same(Some(expected), serde_json::from_slice(result).ok().as_ref())
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
                Event::Request(incoming) => self.seen.push_back(Seen::Request(incoming)),
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
    fn await_call(&mut self, name: &str) {
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
    fn drop_children(&mut self, request: &str) {
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

    fn ours(&self, name: &str) -> Played<&Ours> {
        self.calls.get(name).ok_or_else(|| format!("no call {name}"))
    }

    fn theirs(&self, name: &str) -> Played<&Theirs> {
        self.requests.get(name).ok_or_else(|| format!("no request {name}"))
    }
}

fn fits(step: &RequestStep, incoming: &Incoming) -> bool {
    let parsed =
        |text: &[u8]| if text.is_empty() { Value::Null } else { serde_json::from_slice(text).unwrap_or_default() };
    let payload =
        step.payload.as_ref().is_none_or(|payload| compare::same(Some(payload), Some(&parsed(&incoming.payload))));
    let meta = step.meta.as_ref().is_none_or(|meta| compare::same(Some(meta), Some(&parsed(&incoming.meta))));
    incoming.method == step.method && payload && meta
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

fn seen_item(item: &RawItem) -> ItemSeen {
    let data = serde_json::from_slice(&item.data).expect("items were checked when they came in");
    ItemSeen { data, pos: item.pos, skipped: item.skipped, reset: item.reset }
}

fn same_item(expected: &ItemSeen, actual: &ItemSeen) -> bool {
    compare::same(Some(&expected.data), Some(&actual.data))
        && (expected.pos, expected.skipped, expected.reset) == (actual.pos, actual.skipped, actual.reset)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: T, expected: T) -> Played {
    if actual == expected { Ok(()) } else { Err(format!("{what} is {actual:?}, not {expected:?}")) }
}

fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Unary => Shape::Unary,
        Kind::Stream => Shape::Stream,
        Kind::Upload => Shape::Upload,
        Kind::Duplex => Shape::Duplex,
    }
}

fn bytes_of(digits: &str) -> Played<Vec<u8>> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|error| error.to_string());
    (0..digits.len()).step_by(2).map(byte).collect()
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
