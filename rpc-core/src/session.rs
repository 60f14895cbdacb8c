//! The protocol's state machine: the tables of calls and requests, the two lanes of the writer, credit, deadlines, resume.
//! Frames go in, events and messages come out, and the time is an argument. No I/O, no clock, no user code; what the
//! driver keeps for a call it gets back by value, to drop or wake when it holds no lock.

mod budget;
mod calls;
mod cid;
mod config;
mod deadlines;
mod events;
mod outbox;
mod requests;
mod slots;
mod spec;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use smol_str::SmolStr;

use crate::error::Closed;
use crate::flow::Allowance;
use crate::frame::{self, Frame, Kind, Malformed, MalformedReason};
use crate::inbox::Arrival;
use crate::{Fault, Message};
pub use budget::Budget;
use calls::Call;
use cid::Prefix;
pub use config::SessionConfig;
use deadlines::{Deadlines, Timer};
pub use events::{Counters, Event, Incoming, Items, Outcome, Taken};
use outbox::{Outbox, Turn};
use requests::{Lane, Request};
use slots::{Key, Slots};
pub use spec::{CallSpec, Shape};

/// Monotonic time in milliseconds, from whatever moment the driver chose.
pub type Millis = u64;

/// A span in milliseconds, of which a fraction counts as a whole one. What is too long to be written is without end.
pub(crate) fn millis(span: Duration) -> Millis {
    let fraction = u64::from(span.subsec_nanos().div_ceil(1_000_000));
    span.as_secs().saturating_mul(1000).saturating_add(fraction).min(frame::MAX_NUMBER)
}

/// Names a call that this side made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(Key);

/// Names a request that the peer made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey(Key);

/// The state of one connection, seen from one side. See the module's documentation.
#[derive(Debug)]
pub struct Session<W, H> {
    config: Arc<SessionConfig>,
    prefix: Prefix,
    calls: Slots<Call<W>>,
    requests: Slots<Request<W, H>>,
    by_cid: HashTable<u32>,
    hasher: DefaultHashBuilder,
    lanes: Option<Box<HashMap<SmolStr, Lane>>>,
    /// Requests that wait until less is queued for the peer.
    unstarted: VecDeque<RequestKey>,
    /// Whether one of them was started and the driver does not know yet.
    starting: bool,
    inbound_bytes: usize,
    /// Bytes kept to issue calls once more.
    again_bytes: usize,
    in_flight: u32,
    streams: u32,
    rate: Option<(Millis, f64)>,
    outbox: Outbox,
    budgeted: usize,
    /// When the writer last made progress, while more than the soft bound is queued.
    progress: Option<Millis>,
    /// Whether a source was told to wait because of what is queued, and is to be woken when that is less.
    held_back: bool,
    deadlines: Deadlines,
    events: VecDeque<Event<W, H>>,
    /// What was kept to be woken until another took its place.
    replaced: Option<W>,
    counters: Counters,
    phase: Phase,
}

/// Calls or requests that a session holds room for without keeping it.
const LITTLE: usize = 4;

#[derive(Debug, PartialEq)]
enum Phase {
    Open,
    /// Between two connections.
    Disconnected,
    Draining,
    Closed(Arc<Closed>),
}

impl<W, H> Session<W, H> {
    /// A session for a connection that has just opened.
    pub fn new(config: Arc<SessionConfig>) -> Session<W, H> {
        Session {
            config,
            prefix: Prefix::random(),
            calls: Slots::new(),
            requests: Slots::new(),
            by_cid: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            lanes: None,
            unstarted: VecDeque::new(),
            starting: false,
            inbound_bytes: 0,
            again_bytes: 0,
            in_flight: 0,
            streams: 0,
            rate: None,
            outbox: Outbox::default(),
            budgeted: 0,
            progress: None,
            held_back: false,
            deadlines: Deadlines::default(),
            events: VecDeque::new(),
            replaced: None,
            counters: Counters::default(),
            phase: Phase::Open,
        }
    }

    /// A session that waits for its first connection; calls may be made meanwhile.
    pub fn disconnected(config: Arc<SessionConfig>) -> Session<W, H> {
        let mut session = Session::new(config);
        session.phase = Phase::Disconnected;
        session
    }

    /// Takes in one decoded message. `message` must be the message that `frame` borrows from.
    pub fn receive(&mut self, now: Millis, message: &Message, frame: &Frame<'_>) {
        self.receive_as(now, message, frame, true);
    }

    /// As [`Session::receive`]; `checked` is whether the syntax and depth of the payload are known to be right.
    pub(crate) fn receive_as(&mut self, now: Millis, message: &Message, frame: &Frame<'_>, checked: bool) {
        if matches!(self.phase, Phase::Closed(_) | Phase::Disconnected) {
            return;
        }
        let known = match frame {
            Frame::Req(req) => {
                self.on_req(now, message, req, checked);
                true
            }
            Frame::Res { cid, result } => self.on_res(cid, Arrival { message, text: result, checked }),
            Frame::Err { cid, fault } => self.on_err(now, cid, fault),
            Frame::Nxt(nxt) if nxt.up => self.on_up_item(now, message, nxt, checked),
            Frame::Nxt(nxt) => self.on_item(now, message, nxt, checked),
            Frame::End { cid, up: true } => self.on_up_end(cid),
            Frame::End { cid, up: false } => self.on_end(cid),
            Frame::Can { cid, .. } => self.on_can(cid),
            Frame::Unknown => false,
        };
        self.counters.dropped += u64::from(!known);
        self.after_change(now);
    }

    /// Asks the peer for a sign of life, by the control lane. Whatever it sends next is one.
    pub fn ping(&mut self) {
        let ping = frame::req(None, self.prefix.heartbeat().as_str(), requests::PING, &Default::default(), b"");
        self.send_control(ping);
    }

    /// Takes in a message that is no frame (spec: `frame.7` to `frame.10`).
    pub fn receive_malformed(&mut self, now: Millis, malformed: &Malformed) {
        self.counters.malformed += 1;
        let cid = malformed.cid.as_deref();
        match (malformed.kind, cid) {
            (Some(Kind::Req), Some(cid)) => {
                let fault = malformed.reason.fault(&self.config.limits);
                self.refuse_frame(cid, &fault);
            }
            (Some(Kind::Res | Kind::Err | Kind::Nxt | Kind::End), Some(cid)) if !malformed.up => {
                self.fail_answer(cid, malformed.reason);
            }
            _ if malformed.reason == MalformedReason::Oversized => {
                self.close(Closed::new(format!(
                    "a message over the message bytes limit of {} names no call; raise it with limits.message_bytes",
                    self.config.limits.message_bytes
                )));
            }
            _ => (),
        }
        let limit = u64::from(self.config.limits.malformed.max(16));
        if self.counters.malformed >= limit {
            let reason = format!("malformed messages limit of {limit} reached; raise it with limits.malformed");
            self.close(Closed::new(reason));
        }
        self.after_change(now);
    }

    /// The next message for the transport. What is returned counts as handed over.
    pub fn poll_message(&mut self, now: Millis) -> Option<Message> {
        if self.phase == Phase::Disconnected {
            return None;
        }
        let message = self.outbox.pop_control().or_else(|| self.pop_data())?;
        if self.progress.is_some() {
            self.progress = Some(now);
        }
        self.after_change(now);
        Some(message)
    }

    /// Whether a message is ready for the transport.
    pub fn has_messages(&self) -> bool {
        !self.outbox.is_empty() && self.phase != Phase::Disconnected
    }

    /// The next thing for the driver to do.
    pub fn poll_event(&mut self) -> Option<Event<W, H>> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > 64 {
            self.events = VecDeque::new();
        }
        if matches!(event, Some(Event::Request(_))) {
            self.start_next();
        }
        event
    }

    /// Everything for the driver to do, in order, exchanged for an empty queue.
    pub fn swap_events(&mut self, events: &mut VecDeque<Event<W, H>>) {
        debug_assert!(events.is_empty(), "the driver does everything before it asks for more");
        std::mem::swap(&mut self.events, events);
        self.start_next();
    }

    /// The driver has taken the request that was started last.
    fn start_next(&mut self) {
        if std::mem::take(&mut self.starting) && !self.unstarted.is_empty() {
            self.start_waiting();
        }
    }

    /// What the last call kept to be woken in the place of this, to be dropped where no lock is held: it may be all that
    /// holds a task, whose calls are cancelled with it.
    pub fn take_replaced(&mut self) -> Option<W> {
        self.replaced.take()
    }

    /// Whether an event is waiting.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When [`Session::advance`] wants to be called.
    pub fn next_deadline(&self) -> Option<Millis> {
        let stall = self.progress.map(|at| at + millis(self.config.limits.stall));
        match (self.deadlines.next(), stall) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Lets time pass: timeouts, idle streams, a peer that takes nothing.
    pub fn advance(&mut self, now: Millis) {
        while let Some(timer) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Call(key) => self.call_deadline(now, key),
                Timer::CallIdle(key) => self.call_idle(now, key),
                Timer::Reissue(key) => self.reissue_due(now, key),
                Timer::Request(key) => self.request_deadline(now, key),
                Timer::RequestIdle(key) => self.request_idle(now, key),
                Timer::Rest(key) => self.rest_over(now, key),
            }
        }
        if self.progress.is_some() {
            // What others of the process held may have lowered the bound, and be gone.
            self.keep_bounds(now);
        }
        let stall = self.config.limits.stall;
        if self.progress.is_some_and(|at| at + millis(stall) <= now) {
            let reason = format!(
                "the peer took nothing for {stall:?} with over {} bytes queued; see limits.stall and limits.soft_bytes",
                self.config.limits.soft_bytes
            );
            self.close(Closed::new(reason));
        }
        self.after_change(now);
    }

    /// The connection ended. Every call and request is settled, but for what may wait for the next connection where the
    /// session reconnects (spec: `close.1` to `close.3`).
    pub fn disconnect(&mut self, now: Millis, closed: Closed) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        let closed = Arc::new(closed);
        let again = self.config.reconnects && self.phase == Phase::Open;
        self.stop_requests();
        self.outbox.clear();
        self.break_calls(now, &closed, again);
        self.phase = if again { Phase::Disconnected } else { Phase::Closed(closed) };
        self.account();
        self.progress = None;
    }

    /// A new connection is there: what waited is sent under new ids (spec: `resume.3`).
    pub fn reconnect(&mut self, now: Millis) {
        if self.phase != Phase::Disconnected {
            return;
        }
        self.phase = Phase::Open;
        self.prefix = Prefix::random();
        self.counters = Counters::default();
        self.rate = None;
        self.reissue_all(now);
        self.after_change(now);
    }

    /// No reconnection will come: everything that waited is settled.
    pub fn give_up(&mut self, now: Millis, closed: Closed) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        self.phase = Phase::Draining;
        self.disconnect(now, closed);
    }

    /// Begins to drain: new calls and requests are refused, streams end, unary calls may finish (spec: `close.6`).
    pub fn drain(&mut self, now: Millis) {
        match self.phase {
            Phase::Open => {
                self.phase = Phase::Draining;
                self.end_streams();
                self.after_change(now);
            }
            Phase::Disconnected => self.give_up(now, Closed::new("the endpoint was closed")),
            Phase::Draining | Phase::Closed(_) => (),
        }
    }

    /// Whether a draining session has nothing left to finish or send.
    pub fn is_drained(&self) -> bool {
        match self.phase {
            Phase::Open | Phase::Disconnected => false,
            Phase::Draining => self.in_flight == 0 && self.outbox.is_empty() && self.pending_calls() == 0,
            Phase::Closed(_) => true,
        }
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Draining)
    }

    /// Whether the connection has ended for good.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// Why the connection ended, once it has for good.
    pub fn closed(&self) -> Option<Arc<Closed>> {
        match &self.phase {
            Phase::Closed(closed) => Some(closed.clone()),
            Phase::Open | Phase::Disconnected | Phase::Draining => None,
        }
    }

    /// What was counted so far on this connection.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many calls and requests the tables hold: zero when everything is settled, taken and sent.
    pub fn table_sizes(&self) -> (usize, usize) {
        (self.calls.len(), self.requests.len())
    }

    /// Requests of the peer that are not answered.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Bytes that wait for the transport.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.all_bytes()
    }

    /// Bytes that have been received and wait to be taken: items, and requests that have not started.
    pub fn inbound_bytes(&self) -> usize {
        self.inbound_bytes
    }

    /// Gives back the memory that a busier time needed, once nothing is under way.
    pub fn release_memory(&mut self) {
        if self.is_idle() {
            self.calls.release();
            self.requests.release();
            self.by_cid = HashTable::new();
            self.deadlines.clear();
            self.outbox.clear();
            self.unstarted = VecDeque::new();
            self.events = VecDeque::new();
        }
    }

    /// Whether [`Session::release_memory`] has something to give back.
    pub fn holds_memory(&self) -> bool {
        self.is_idle() && (self.calls.capacity() + self.requests.capacity() > 0 || self.deadlines.next().is_some())
    }

    /// Gives back at once what little an idle session holds, and what is made again at little cost; more than that waits
    /// for [`Session::release_memory`], since a busy connection is idle for moments too.
    pub fn release_little(&mut self) {
        if self.calls.capacity() <= LITTLE && self.requests.capacity() <= LITTLE && self.holds_memory() {
            self.release_memory();
        }
    }

    /// Whether nothing is under way: no call, no request, nothing queued.
    pub fn is_idle(&self) -> bool {
        self.calls.len() + self.requests.len() == 0 && self.outbox.is_empty() && self.events.is_empty()
    }

    /// Bytes that are held in memory for this connection, which is what its budget counts: those that wait for the
    /// transport or for credit, those that were received and wait, and those that are kept to issue calls once more.
    pub fn held_bytes(&self) -> usize {
        self.outbox.all_bytes() + self.inbound_bytes + self.again_bytes
    }

    fn is_over_soft(&self) -> bool {
        let soft = self.config.limits.soft_bytes;
        let exceeded = self.exceeded_budget().is_some();
        self.outbox.bytes() > if exceeded { budget::share(soft) } else { soft }
    }

    /// What may wait for credit or to be taken: as the connection's limits have it, or its share while the process holds
    /// too much (spec: `bytes.1`).
    fn allowance(&self) -> Allowance {
        let hard = self.config.limits.hard_bytes;
        match self.exceeded_budget() {
            None => Allowance { bytes: hard, limit: ("waiting bytes", hard as u64, "limits.hard_bytes") },
            Some(budget) => Allowance { bytes: budget::share(hard), limit: budget.exceeded() },
        }
    }

    fn exceeded_budget(&self) -> Option<&Budget> {
        self.config.budget.as_deref().filter(|budget| budget.is_exceeded())
    }

    /// What every change may bring about: the bounds on what is queued, requests that can start, stale timers.
    #[inline]
    fn after_change(&mut self, now: Millis) {
        let small = self.outbox.all_bytes() <= self.config.limits.soft_bytes && self.config.budget.is_none();
        if !(small && self.progress.is_none() && self.unstarted.is_empty()) {
            self.keep_bounds(now);
        }
    }

    fn keep_bounds(&mut self, now: Millis) {
        self.account();
        if self.outbox.all_bytes() > self.config.limits.hard_bytes {
            let fault = Fault::limit("queued bytes", self.config.limits.hard_bytes as u64, "limits.hard_bytes");
            self.close(Closed::new(fault.message));
        }
        if self.is_over_soft() {
            self.progress.get_or_insert(now);
        } else {
            if self.progress.take().is_some() | std::mem::take(&mut self.held_back) {
                self.wake_requests();
            }
            self.start_waiting();
        }
    }

    fn arm(&mut self, at: Millis, timer: Timer) {
        self.deadlines.arm(at, timer);
        let living = self.calls.len() + self.requests.len();
        self.deadlines.sweep(living, |timer| match timer {
            Timer::Call(key) | Timer::CallIdle(key) | Timer::Reissue(key) => self.calls.get(key.0).is_some(),
            Timer::Request(key) | Timer::RequestIdle(key) | Timer::Rest(key) => self.requests.get(key.0).is_some(),
        });
    }

    fn account(&mut self) {
        let now = self.held_bytes();
        if let Some(budget) = self.config.budget.as_ref().filter(|_| now != self.budgeted) {
            budget.settle(std::mem::replace(&mut self.budgeted, now), now);
        }
    }

    fn close(&mut self, closed: Closed) {
        self.events.push_back(Event::Close(closed));
    }

    fn wake(&mut self, wake: Option<W>) {
        self.events.extend(wake.map(Event::Wake));
    }

    fn pop_data(&mut self) -> Option<Message> {
        while let Some(turn) = self.outbox.next_turn() {
            let message = match turn {
                Turn::Call(key) => self.pop_call(key),
                Turn::Request(key) => self.pop_request(key),
            };
            if message.is_some() {
                return message;
            }
        }
        None
    }

    fn send_control(&mut self, message: Message) {
        if matches!(self.phase, Phase::Open | Phase::Draining) {
            self.outbox.push_control(message);
        }
    }
}

impl<W, H> Drop for Session<W, H> {
    fn drop(&mut self) {
        if let Some(budget) = &self.config.budget {
            budget.settle(self.budgeted, 0);
        }
    }
}

const _: () = assert!(frame::MAX_CID_BYTES <= u8::MAX as usize);
