//! The acting steps: what the application, the handlers, the peer and the connection do to the session.

use serde_json::Value;
use sixframe_core::frame;
use sixframe_core::session::{CallSpec, Items, Outcome, Shape, Taken};
use sixframe_core::{Closed, Code, Fault, Item, Message, Payload, Received};

use crate::compare;
use crate::player::{Ours, Played, Player, Seen, same};
use crate::script::{CallStep, FailStep, ItemSeen, ItemStep, Kind, Step, TakeStep};

impl Player<'_> {
    pub(crate) fn act(&mut self, step: &Step) -> Played {
        match step {
            Step::Call(call) => self.call(call),
            Step::Cancel(name) => self.cancel(name),
            Step::Push { call, data } => self.push(call, data),
            Step::FinishUp(name) => self.finish_up(name),
            Step::Take(take) => self.take(take),
            Step::Reply { request, result } => self.reply(request, result),
            Step::Fail(fail) => self.fail(fail),
            Step::Panic(request) => self.end_with(request, &Fault::new(Code::INTERNAL, "the handler panicked")),
            Step::Open(request) => self.open(request),
            Step::Item(item) => self.item(item),
            Step::Finish(request) => self.finish(request),
            Step::Accept(request) => self.accept(request),
            Step::Receive(frame) => self.receive(self.cids.resolve(frame)?.to_string().into_bytes()),
            Step::ReceiveRaw(text) => self.receive(self.cids.resolve_text(text).into_bytes()),
            Step::ReceiveHex(digits) => self.receive(bytes_of(digits)?),
            Step::Oversized(head) => self.skip(head),
            Step::Advance(millis) => self.advance(*millis),
            other => self.change(other),
        }
    }

    /// What happens to the connection.
    fn change(&mut self, step: &Step) -> Played {
        match step {
            Step::Lost(true) => self.session.disconnect(self.now, Closed::new("the connection broke")),
            Step::Ended(true) => self.session.give_up(self.now, Closed::new("the connection ended")),
            Step::Drain(true) => self.session.drain(self.now),
            Step::Connected(true) => self.session.reconnect(self.now),
            other => return Err(format!("{other:?} is no acting step")),
        }
        Ok(())
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
        self.session.push_upstream(self.now, key, [payload(data)?]);
        Ok(())
    }

    pub(crate) fn is_pushable(&mut self, name: &str) -> Played<bool> {
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
        let item = Item {
            data: payload(&step.data)?,
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

    fn finish_up(&mut self, name: &str) -> Played {
        let key = self.ours(name)?.key;
        self.session.finish_upstream(self.now, key);
        Ok(())
    }

    fn reply(&mut self, name: &str, result: &Value) -> Played {
        let key = self.theirs(name)?.key;
        self.session.reply(self.now, key, Ok(result.to_string().as_bytes()));
        self.drop_children(name);
        Ok(())
    }

    fn finish(&mut self, name: &str) -> Played {
        let key = self.theirs(name)?.key;
        self.session.finish_stream(self.now, key, None);
        self.drop_children(name);
        Ok(())
    }

    fn accept(&mut self, name: &str) -> Played {
        let key = self.theirs(name)?.key;
        self.session.accept_upstream(self.now, key).then_some(()).ok_or_else(|| "the request is over".into())
    }

    fn skip(&mut self, head: &str) -> Played {
        let malformed = frame::peek_oversized(self.cids.resolve_text(head).as_bytes());
        self.session.receive_malformed(self.now, &malformed);
        Ok(())
    }

    fn advance(&mut self, millis: u64) -> Played {
        let end = self.now + millis;
        while let Some(due) = self.session.next_deadline().filter(|due| *due > self.now && *due <= end) {
            self.now = due;
            self.session.advance(due);
        }
        if self.now < end {
            self.now = end;
            self.session.advance(end);
        }
        Ok(())
    }
}

fn payload(value: &Value) -> Played<Payload> {
    Payload::of(value).map_err(|error| error.to_string())
}

fn seen_item(item: &Item<Received>) -> ItemSeen {
    let data = item.data.parse().expect("items were checked when they came in");
    ItemSeen { data, pos: item.pos, skipped: item.skipped, reset: item.reset }
}

fn same_item(expected: &ItemSeen, actual: &ItemSeen) -> bool {
    compare::same(Some(&expected.data), Some(&actual.data))
        && (expected.pos, expected.skipped, expected.reset) == (actual.pos, actual.skipped, actual.reset)
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
