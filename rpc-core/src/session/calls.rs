//! The caller's side: calls from their first byte to their outcome.

mod again;
mod upstream;

use std::sync::Arc;

use super::deadlines::Timer;
use super::outbox::Turn;
use super::requests::PING;
use super::{CallKey, CallSpec, Items, Key, Millis, Outcome, Phase, Session, Shape, Taken};
use crate::error::Closed;
use crate::flow::{Consumer, Held, Refused, within};
use crate::frame::{self, CallMeta, Credit, ItemFields, Lag, MalformedReason, Nxt, Resume};
use crate::inbox::Arrival;
use crate::{CallError, Code, Fault, Message};
use again::Again;
use upstream::Up;

/// How long a stream waits before it is re-issued on a connection that is still there (a relay whose upstream broke),
/// doubled with every fruitless try up to the longest.
const REISSUE_MS: Millis = 100;
const REISSUE_MAX_MS: Millis = 10_000;

#[derive(Debug)]
pub(super) struct Call<W> {
    wake: Option<W>,
    shape: Shape,
    stage: Stage,
    in_ring: bool,
    idempotent: bool,
    /// How often it was issued again on a connection that was still there: each time under a new id.
    round: u32,
    deadline: Option<Millis>,
    /// The `req`, until it has been handed to the transport.
    req: Option<Message>,
    down: Option<Box<Down>>,
    up: Option<Box<Up<W>>>,
    again: Option<Box<Again>>,
}

#[derive(Debug)]
enum Stage {
    Pending,
    /// Waits for a connection, or for the moment of its next try.
    Detached,
    Settled(Option<Outcome>),
}

#[derive(Debug)]
struct Down {
    consumer: Consumer,
    idle_ms: Option<u64>,
    idle_since: Millis,
    /// Whether a timer looks after `idle_ms`, which a call that is issued again keeps.
    idle_armed: bool,
    on_lag: Option<Lag>,
}

impl<W, H> Session<W, H> {
    /// Makes a call. It is queued for the writer; `wake` is woken when there is something to take.
    ///
    /// # Errors
    /// [`CallError::Closed`] when the connection has ended or drains, [`CallError::Timeout`] when there is no time left,
    /// [`CallError::Limit`] when too much is queued.
    pub fn call(&mut self, now: Millis, spec: &CallSpec<'_>) -> Result<CallKey, CallError> {
        self.may_call(spec)?;
        let deadline = spec.timeout_ms.map(|budget| now + budget.min(frame::MAX_NUMBER));
        let idle_ms = spec.idle_ms.map(|idle| idle.min(frame::MAX_NUMBER));
        let lag = spec.on_lag.unwrap_or_default();
        let down = spec.shape.has_down().then(|| {
            let consumer = Consumer::new(spec.window.unwrap_or(self.config.window), self.config.ahead(), lag);
            Box::new(Down { consumer, idle_ms, idle_since: now, idle_armed: false, on_lag: spec.on_lag })
        });
        let up = spec.shape.has_up().then(|| Box::new(Up::new()));
        let again = self.config.reconnects.then(|| Box::new(Again::new(spec)));
        self.again_bytes += again.as_ref().map_or(0, |again| again.bytes());
        let key = CallKey(self.calls.insert(Call {
            wake: None,
            shape: spec.shape,
            stage: Stage::Pending,
            in_ring: false,
            idempotent: spec.idempotent,
            round: 0,
            deadline,
            req: None,
            down,
            up,
            again,
        }));
        if let Some(deadline) = deadline {
            self.arm(deadline, Timer::Call(key));
        }
        if self.phase == Phase::Disconnected {
            self.calls.get_mut(key.0).expect("it was just inserted").stage = Stage::Detached;
        } else {
            self.issue(now, key, spec, None);
        }
        self.after_change(now);
        Ok(key)
    }

    /// The caller lost interest: the call is gone, and the peer is told if it knows of it (spec: `cancel.1`). Returns what
    /// was kept to be woken.
    pub fn cancel(&mut self, now: Millis, key: CallKey, reason: Option<&str>) -> [Option<W>; 2] {
        let Some(call) = self.calls.get(key.0) else { return [None, None] };
        if matches!(call.stage, Stage::Pending) {
            self.abandon(key, reason);
        }
        let removed = self.remove_call(key);
        self.after_change(now);
        removed.map_or([None, None], |call| [call.wake, call.up.and_then(|up| up.wake)])
    }

    /// Settles a call on this side and tells the peer; its outcome is still to be taken.
    pub fn abort(&mut self, now: Millis, key: CallKey, error: CallError, reason: Option<&str>) {
        self.abort_with(key, error, reason);
        self.after_change(now);
    }

    /// The outcome of a unary call or an upload; the call is gone with it. Until then `wake` is kept.
    pub fn take_outcome(&mut self, key: CallKey, wake: impl FnOnce() -> W) -> Option<Outcome> {
        let call = self.calls.get_mut(key.0)?;
        match &mut call.stage {
            Stage::Settled(outcome) => {
                let outcome = outcome.take();
                self.remove_call(key);
                outcome
            }
            Stage::Pending | Stage::Detached => {
                self.replaced = call.wake.replace(wake());
                None
            }
        }
    }

    /// The items that have arrived. What was taken before counts as consumed with this, and credit is granted for it. The
    /// call is gone once [`Taken::Ended`] was returned.
    pub fn take_items(&mut self, now: Millis, key: CallKey, into: &mut Items, wake: impl FnOnce() -> W) -> Taken {
        let Some(call) = self.calls.get_mut(key.0) else { return Taken::Ended(Outcome::Complete) };
        let Some(down) = &mut call.down else { return Taken::Pending };
        let before = down.consumer.bytes();
        let had_items = !down.consumer.is_empty();
        down.consumer.take(into);
        self.inbound_bytes = self.inbound_bytes - before + down.consumer.bytes();
        match &mut call.stage {
            Stage::Settled(outcome) if !had_items => {
                let outcome = outcome.take().unwrap_or(Outcome::Complete);
                self.remove_call(key);
                return Taken::Ended(outcome);
            }
            Stage::Settled(_) | Stage::Detached => (),
            Stage::Pending => {
                down.idle_since = if down.consumer.is_waiting() { down.idle_since } else { now };
                if let Some(grant) = down.consumer.due_grant(self.config.window_bytes) {
                    let cid = self.prefix.cid(key.0, call.round);
                    self.outbox.push_control(frame::grant(cid, true, grant));
                }
            }
        }
        if !had_items {
            self.replaced = call.wake.replace(wake());
        }
        self.account();
        if had_items { Taken::Items } else { Taken::Pending }
    }

    /// Whether a call has been settled or is gone.
    pub fn is_settled(&self, key: CallKey) -> bool {
        self.calls.get(key.0).is_none_or(|call| matches!(call.stage, Stage::Settled(_)))
    }

    pub(super) fn on_res(&mut self, cid: &str, result: Arrival<'_>) -> bool {
        let Some((key, call)) = self.pending_call(cid) else { return false };
        if call.up.as_ref().is_some_and(|up| !up.accepted) {
            self.abort_with(key, CallError::Unsupported, None);
            return true;
        }
        match call.shape {
            Shape::Unary | Shape::Upload => self.settle(key, Outcome::Result(result.into())),
            Shape::Stream | Shape::Duplex => {
                // A stream answered by one value: an item, then the end.
                let nxt = Nxt::default();
                if self.take_in(key, &nxt, result, false) {
                    self.settle(key, Outcome::Complete);
                }
            }
        }
        true
    }

    pub(super) fn on_err(&mut self, now: Millis, cid: &str, fault: &Fault) -> bool {
        let Some((key, call)) = self.pending_call(cid) else { return false };
        let resumes = fault.code == Code::CONNECTION_CLOSED && call.can_resume() && self.phase == Phase::Open;
        if !resumes {
            self.settle(key, Outcome::Failed(CallError::Fault(fault.clone())));
            return true;
        }
        let call = self.calls.get_mut(key.0).expect("it is pending");
        let again = call.again.as_mut().expect("only a call that can be issued again resumes");
        let wait = (REISSUE_MS << again.tries.min(7)).min(REISSUE_MAX_MS);
        again.tries += 1;
        call.stage = Stage::Detached;
        self.arm(now + wait / 2 + fastrand::u64(0..=wait / 2), Timer::Reissue(key));
        true
    }

    pub(super) fn on_item(&mut self, now: Millis, message: &Message, nxt: &Nxt<'_>, checked: bool) -> bool {
        let Some((key, call)) = self.pending_call(&nxt.cid) else { return false };
        if let (Some(up), Credit::Grant(grant), None) = (&mut call.up, nxt.fc, nxt.data) {
            up.accepted = true;
            let before = up.producer.held();
            up.producer.grant(grant);
            let (after, wake) = (up.producer.held(), up.wake.take());
            self.outbox.moved(before, after);
            self.wake(wake);
            self.enter_call(key);
            return true;
        }
        if call.up.as_ref().is_some_and(|up| !up.accepted) {
            self.abort_with(key, CallError::Unsupported, None);
            return true;
        }
        let Some(data) = nxt.data else { return false };
        match &mut call.down {
            Some(down) => {
                down.idle_since = now;
                if let Some(again) = &mut call.again {
                    again.tries = 0;
                }
                self.take_in(key, nxt, Arrival { message, text: data, checked }, nxt.fc == Credit::Obeys);
            }
            None => self.abort_with(key, CallError::NotUnary, None),
        }
        true
    }

    pub(super) fn on_end(&mut self, cid: &str) -> bool {
        let Some((key, call)) = self.pending_call(cid) else { return false };
        let accepted = call.up.as_ref().is_none_or(|up| up.accepted);
        match call.shape {
            Shape::Upload | Shape::Duplex if !accepted => self.abort_with(key, CallError::Unsupported, None),
            Shape::Unary | Shape::Upload => self.settle(key, Outcome::Failed(CallError::NotUnary)),
            Shape::Stream | Shape::Duplex => self.settle(key, Outcome::Complete),
        }
        true
    }

    /// A malformed answer settles the call it names, on this side alone (spec: `frame.8`).
    pub(super) fn fail_answer(&mut self, cid: &str, reason: MalformedReason) {
        let Some((key, _)) = self.pending_call(cid) else { return };
        let error = match reason {
            MalformedReason::Oversized | MalformedReason::Depth => CallError::Limit(reason.fault(&self.config.limits)),
            other => CallError::InvalidFrame(other.to_string().into()),
        };
        self.abort_with(key, error, None);
    }

    pub(super) fn pop_call(&mut self, key: CallKey) -> Option<Message> {
        let call = self.calls.get_mut(key.0)?;
        call.in_ring = false;
        if let Some(req) = call.req.take() {
            self.outbox.data_bytes -= req.len();
            self.enter_call(key);
            return Some(req);
        }
        let up = call.up.as_mut().filter(|_| matches!(call.stage, Stage::Pending))?;
        let before = up.producer.held();
        if let Some((seq, item)) = up.producer.pop() {
            self.outbox.moved(before, up.producer.held());
            let cid = self.prefix.cid(key.0, call.round);
            let fields = ItemFields { seq, up: true, ..ItemFields::default() };
            let message = frame::item(cid, fields, item.data.as_bytes());
            self.enter_call(key);
            return Some(message);
        }
        if !up.wants_end() {
            return None;
        }
        up.end_sent = true;
        Some(frame::end(self.prefix.cid(key.0, call.round), true))
    }

    pub(super) fn call_deadline(&mut self, now: Millis, key: CallKey) {
        let due = |call: &Call<W>| call.is_live() && call.deadline.is_some_and(|at| at <= now);
        if self.calls.get(key.0).is_some_and(due) {
            self.abort_with(key, CallError::Timeout, Some("deadline"));
        }
    }

    pub(super) fn call_idle(&mut self, now: Millis, key: CallKey) {
        let Some(call) = self.calls.get_mut(key.0) else { return };
        let Some(down) = &mut call.down else { return };
        if !matches!(call.stage, Stage::Pending) {
            down.idle_armed = false;
            return;
        }
        let Some(idle) = down.idle_ms else { return };
        let since = if down.consumer.is_waiting() { down.idle_since } else { now };
        if since + idle <= now {
            self.abort_with(key, CallError::Timeout, Some("idle"));
        } else {
            self.arm(since + idle, Timer::CallIdle(key));
        }
    }

    pub(super) fn pending_calls(&self) -> usize {
        self.calls.keys().filter(|key| self.calls.get(*key).is_some_and(Call::is_live)).count()
    }

    pub(super) fn wake_calls(&mut self) {
        let keys: Vec<Key> = self.calls.keys().collect();
        for key in keys {
            let up = self.calls.get_mut(key).and_then(|call| call.up.as_mut());
            let wake = up.and_then(|up| up.wake.take());
            self.wake(wake);
        }
    }

    /// Streams of ours end when the endpoint drains.
    pub(super) fn cancel_streams(&mut self) {
        let keys: Vec<Key> = self.calls.keys().collect();
        for key in keys {
            let streams = |call: &Call<W>| call.is_live() && call.shape != Shape::Unary;
            if self.calls.get(key).is_some_and(streams) {
                self.abort_with(CallKey(key), CallError::Cancelled, None);
            }
        }
    }

    fn may_call(&self, spec: &CallSpec<'_>) -> Result<(), CallError> {
        match &self.phase {
            Phase::Closed(closed) => return Err(CallError::Closed(closed.clone())),
            Phase::Draining => return Err(CallError::Closed(Arc::new(Closed::new("the endpoint is closing")))),
            Phase::Open | Phase::Disconnected => (),
        }
        if spec.timeout_ms == Some(0) {
            return Err(CallError::Timeout);
        }
        let hard = self.config.limits.hard_bytes;
        let waiting = if self.phase == Phase::Disconnected { self.again_bytes } else { 0 };
        if self.outbox.all_bytes() + waiting + spec.payload.len() > hard {
            return Err(CallError::Limit(Fault::limit("queued bytes", hard as u64, "limits.hard_bytes")));
        }
        Ok(())
    }

    fn issue(&mut self, now: Millis, key: CallKey, spec: &CallSpec<'_>, resume: Option<Resume<'_>>) {
        let under_way = self.calls.len();
        let call = self.calls.get_mut(key.0).expect("only calls in the table are issued");
        let down = call.down.as_deref();
        let meta = CallMeta {
            timeout_ms: call.deadline.map(|at| at.saturating_sub(now).max(1)),
            idle_ms: down.and_then(|down| down.idle_ms),
            fc: down.map(|down| down.consumer.offer(down.on_lag)),
            up: call.up.is_some(),
            resume,
            lane: spec.lane,
            op: spec.op,
            extra: spec.extra_meta,
        };
        let cid = self.prefix.cid(key.0, call.round);
        let req = frame::req(self.outbox.chunk(under_way), cid, spec.method, &meta, spec.payload);
        call.stage = Stage::Pending;
        if spec.method == PING {
            self.outbox.push_control(req);
            return;
        }
        self.outbox.data_bytes += req.len();
        call.req = Some(req);
        if let Some((idle, down)) = call.down.as_mut().and_then(|down| Some((down.idle_ms?, down))) {
            down.idle_since = now;
            if !std::mem::replace(&mut down.idle_armed, true) {
                self.arm(now + idle, Timer::CallIdle(key));
            }
        }
        self.enter_call(key);
    }

    fn pending_call(&mut self, cid: &str) -> Option<(CallKey, &mut Call<W>)> {
        let (key, round) = self.prefix.key(cid)?;
        let call = self.calls.get_mut(key)?;
        (matches!(call.stage, Stage::Pending) && call.req.is_none() && call.round == round)
            .then_some((CallKey(key), call))
    }

    /// Puts an item into the inbox; false where that failed the call.
    fn take_in(&mut self, key: CallKey, nxt: &Nxt<'_>, arrival: Arrival<'_>, obeys: bool) -> bool {
        let allowance = self.allowance();
        let call = self.calls.get_mut(key.0).expect("only pending calls take items in");
        let down = call.down.as_mut().expect("only calls with a consumer take items in");
        let before = down.consumer.bytes();
        let limits = &self.config.limits;
        let taken = within(allowance, self.inbound_bytes, &arrival)
            .and_then(|()| down.consumer.receive(nxt, arrival, obeys, limits));
        self.inbound_bytes = self.inbound_bytes - before + down.consumer.bytes();
        match taken {
            Ok(()) => {
                let wake = call.wake.take();
                self.wake(wake);
                true
            }
            Err(Refused::Repeated) => {
                self.counters.dropped += 1;
                true
            }
            Err(Refused::Fatal(error)) => {
                self.abort_with(key, error, None);
                false
            }
        }
    }

    fn settle(&mut self, key: CallKey, outcome: Outcome) {
        self.unqueue(key);
        let Some(call) = self.calls.get_mut(key.0) else { return };
        call.stage = Stage::Settled(Some(outcome));
        let wakes = (call.wake.take(), call.up.as_mut().and_then(|up| up.wake.take()));
        self.wake(wakes.0);
        self.wake(wakes.1);
    }

    fn remove_call(&mut self, key: CallKey) -> Option<Call<W>> {
        let call = self.calls.remove(key.0)?;
        self.inbound_bytes -= call.down.as_ref().map_or(0, |down| down.consumer.bytes());
        self.again_bytes -= call.again.as_ref().map_or(0, |again| again.bytes());
        self.account();
        Some(call)
    }

    fn abort_with(&mut self, key: CallKey, error: CallError, reason: Option<&str>) {
        let Some(call) = self.calls.get(key.0) else { return };
        match call.stage {
            Stage::Pending => self.abandon(key, reason),
            Stage::Detached => (),
            Stage::Settled(_) => return,
        }
        self.settle(key, Outcome::Failed(error));
    }

    /// Takes back what is queued, and says `can` where the request has left.
    fn abandon(&mut self, key: CallKey, reason: Option<&str>) {
        let Some(call) = self.calls.get(key.0) else { return };
        let (unsent, round) = (call.req.is_some(), call.round);
        self.unqueue(key);
        if !unsent {
            self.send_control(frame::can(self.prefix.cid(key.0, round).as_str(), reason));
        }
    }

    fn unqueue(&mut self, key: CallKey) {
        let Some(call) = self.calls.get_mut(key.0) else { return };
        if let Some(req) = call.req.take() {
            self.outbox.data_bytes -= req.len();
        }
        if let Some(up) = &mut call.up {
            self.outbox.moved(up.producer.held(), Held::default());
            up.producer.clear();
        }
    }

    fn enter_call(&mut self, key: CallKey) {
        let Some(call) = self.calls.get_mut(key.0) else { return };
        let up_ready = call.up.as_ref().is_some_and(|up| up.producer.can_send() || up.wants_end());
        if !call.in_ring && matches!(call.stage, Stage::Pending) && (call.req.is_some() || up_ready) {
            call.in_ring = true;
            self.outbox.enter(Turn::Call(key));
        }
    }
}

impl<W> Call<W> {
    fn is_live(&self) -> bool {
        !matches!(self.stage, Stage::Settled(_))
    }

    /// Whether the stream may be issued again after a break (spec: `resume.2`).
    fn can_resume(&self) -> bool {
        let Some(again) = &self.again else { return false };
        let Some(down) = &self.down else { return false };
        self.up.is_none() && again.resumable && (down.consumer.epoch.is_some() || !down.consumer.has_started())
    }

    fn broken(&self, unsent: bool, closed: Arc<Closed>) -> CallError {
        let harmless = unsent || self.idempotent || self.shape.has_down();
        if harmless { CallError::Closed(closed) } else { CallError::Indeterminate(closed) }
    }
}
