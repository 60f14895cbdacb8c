//! The responder's side: requests from their arrival to their terminal frame.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::deadlines::Timer;
use super::outbox::Turn;
use super::slots::Key;
use super::{Event, Incoming, Items, Millis, Outcome, Phase, RequestKey, Session, Taken};
use crate::flow::{Allowance, Consumer, Held, Producer, Pushed, Refused, Room, within};
use crate::frame::{self, Credit, Grant, ItemFields, Nxt, Offer, Req};
use crate::inbox::Arrival;
use crate::{CallError, Code, Delivery, Fault, Item, Message, Payload, Received};

/// The heartbeat, which the session answers itself; it and its answer go by the control lane (spec: `discover.5`).
pub(super) const PING: &str = "rpc.ping";

#[derive(Debug)]
pub(super) struct Request<W, H> {
    cid: SmolStr,
    /// The hash of the `cid`, by which the index finds the request.
    hash: u64,
    wake: Option<W>,
    handler: Option<H>,
    stage: Stage,
    in_ring: bool,
    /// Whether it counts as in flight: until it is answered.
    counts: bool,
    /// Whether it counts as an open stream.
    streams: bool,
    lane: Option<SmolStr>,
    offer: Option<Offer>,
    deadline: Option<Millis>,
    idle: Option<(u64, Millis)>,
    /// The terminal frame, which follows the items.
    terminal: Option<Message>,
    down: Option<Box<Producer>>,
    up: Option<Box<Upstream<W>>>,
}

#[derive(Debug)]
enum Stage {
    /// Not started: its lane is busy, or too much is queued for the peer.
    Waiting(Box<Incoming>),
    Running,
    /// Answered; the terminal frame may still be queued.
    Finished,
}

#[derive(Debug)]
struct Upstream<W> {
    wake: Option<W>,
    consumer: Consumer,
    ended: bool,
    failed: Option<CallError>,
}

/// The requests that start one after another.
#[derive(Debug)]
pub(super) struct Lane {
    busy: RequestKey,
    waiting: VecDeque<RequestKey>,
}

impl<W, H> Session<W, H> {
    /// Keeps the driver's hold on a handler, which it gets back by [`Event::Stopped`]. Returned at once where the request
    /// is already over.
    pub fn keep_handler(&mut self, key: RequestKey, handler: H) -> Option<H> {
        match self.requests.get_mut(key.0) {
            Some(request) if matches!(request.stage, Stage::Running) => {
                request.handler = Some(handler);
                None
            }
            Some(_) | None => Some(handler),
        }
    }

    /// Whether a request is still to be answered.
    pub fn is_running(&self, key: RequestKey) -> bool {
        self.requests.get(key.0).is_some_and(|request| matches!(request.stage, Stage::Running))
    }

    /// When the caller's budget for a request runs out.
    pub fn deadline(&self, key: RequestKey) -> Option<Millis> {
        self.requests.get(key.0)?.deadline
    }

    /// Allows a request less time than its caller did: until `at`, where that is earlier (spec: `time.5`).
    pub fn shorten(&mut self, key: RequestKey, at: Millis) {
        let Some(request) = self.requests.get_mut(key.0) else { return };
        if request.deadline.is_none_or(|deadline| at < deadline) {
            request.deadline = Some(at);
            self.deadlines.arm(at, Timer::Request(key));
        }
    }

    /// Answers a unary request or an upload: JSON text or a fault. Nothing happens where the request was over. Returns
    /// the driver's hold on the handler.
    pub fn reply(&mut self, now: Millis, key: RequestKey, answer: Result<&[u8], &Fault>) -> Option<H> {
        let under_way = self.requests.len();
        let request = self.requests.get(key.0).filter(|request| matches!(request.stage, Stage::Running))?;
        let terminal = match answer {
            Ok(result) => frame::res_in(self.outbox.chunk(under_way), &request.cid, result),
            Err(fault) => frame::err(&request.cid, fault),
        };
        let handler = self.finish_with(key, terminal);
        self.after_change(now);
        handler
    }

    /// The handler answers with a stream, whose source may be polled from now on within [`Session::stream_room`]. Its lane
    /// is released (spec: `lane.2`). False where the request was over or the limit on streams refuses it.
    pub fn start_stream(&mut self, now: Millis, key: RequestKey, declared: impl Into<Delivery>) -> bool {
        let declared = declared.into();
        let limit = self.config.limits.streams;
        let full = self.streams >= limit;
        let draining = self.phase == Phase::Draining;
        let Some(request) = self.running(key) else { return false };
        if draining {
            self.abort_request(key, &Fault::new(Code::CONNECTION_CLOSED, "the endpoint is closing"));
            self.after_change(now);
            return false;
        }
        if full {
            let fault = Fault::limit("streams", u64::from(limit), "limits.streams");
            self.abort_request(key, &fault);
            self.after_change(now);
            return false;
        }
        let lag = request.offer.and_then(|offer| offer.on_lag).unwrap_or(declared.lag);
        request.down = Some(Box::new(Producer::new(request.offer, Delivery { lag, ..declared })));
        request.streams = true;
        if let Some((idle, since)) = &mut request.idle {
            *since = now;
            let at = now + *idle;
            self.arm(at, Timer::RequestIdle(key));
        }
        self.streams += 1;
        self.release_lane(key);
        self.after_change(now);
        true
    }

    /// How many items the source may be asked for; zero keeps `wake`. `None` when the stream is over.
    pub fn stream_room(&mut self, key: RequestKey, wake: impl FnOnce() -> W) -> Option<u64> {
        let over = self.is_over_soft();
        self.held_back |= over;
        let request = self.running(key)?;
        let room = if over { 0 } else { request.down.as_ref()?.room() };
        if room == 0 {
            self.replaced = request.wake.replace(wake());
        }
        Some(room)
    }

    /// Lets a source rest for `pause` that had as many items as it was asked for, where these only take each other's place
    /// because nothing leaves: there is no room until then, or until something leaves, when `wake` is woken (spec: `fc.20`).
    /// False, and nothing is kept, where it is to be asked again at once.
    pub fn rest_stream(&mut self, now: Millis, key: RequestKey, pause: Millis, wake: impl FnOnce() -> W) -> bool {
        let Some(request) = self.running(key) else { return false };
        let Some(down) = &mut request.down else { return false };
        if !down.rest(now + pause) {
            return false;
        }
        let alarm = down.alarm();
        self.replaced = request.wake.replace(wake());
        alarm.into_iter().for_each(|at| self.arm(at, Timer::Rest(key)));
        true
    }

    /// Queues items of a stream. False where the stream is over, or was ended with `SLOW_CONSUMER` by this.
    pub fn push_items(&mut self, now: Millis, key: RequestKey, items: impl IntoIterator<Item = Item<Payload>>) -> bool {
        let allowance = self.allowance();
        let Some(request) = self.requests.get_mut(key.0).filter(|request| matches!(request.stage, Stage::Running))
        else {
            return false;
        };
        let Some(down) = &mut request.down else { return false };
        let before = down.held();
        let room = Room::beside(self.outbox.waiting_bytes() - before.waiting, allowance, &self.config.limits);
        let overflow = items.into_iter().find_map(|item| match down.push(item, &room) {
            Pushed::Queued => None,
            Pushed::Overflow(limit) => Some(limit),
        });
        self.outbox.moved(before, down.held());
        if let Some((_, since)) = &mut request.idle {
            *since = now;
        }
        match overflow {
            Some((limit, value, setting)) => {
                let fault = Fault { code: Code::SLOW_CONSUMER.into(), ..Fault::limit(limit, value, setting) };
                self.abort_request(key, &fault);
            }
            None => self.enter_request(key),
        }
        self.after_change(now);
        overflow.is_none()
    }

    /// Ends a stream after its queued items: with `end`, or with the fault that its handler returned. Returns the driver's
    /// hold on the handler.
    pub fn finish_stream(&mut self, now: Millis, key: RequestKey, fault: Option<&Fault>) -> Option<H> {
        let request = self.running(key)?;
        let terminal = match fault {
            Some(fault) => frame::err(&request.cid, fault),
            None => frame::end(request.cid.as_str(), false),
        };
        let handler = self.finish_with(key, terminal);
        self.after_change(now);
        handler
    }

    /// The handler takes upstream items: the peer gets its first credit (spec: `up.2`). False where the request is over or
    /// announced none.
    pub fn accept_upstream(&mut self, now: Millis, key: RequestKey) -> bool {
        let (window, ahead) = (self.config.window, self.config.ahead());
        let Some(request) = self.running(key) else { return false };
        if request.up.is_some() {
            return true;
        }
        let consumer = Consumer::upstream(window, ahead);
        let Offer { upto, bytes, .. } = consumer.offer(None);
        let grant = frame::grant(request.cid.as_str(), false, Grant { upto, ack: None, bytes });
        request.up = Some(Box::new(Upstream { wake: None, consumer, ended: false, failed: None }));
        self.send_control(grant);
        self.after_change(now);
        true
    }

    /// The upstream items that have arrived; what was taken before counts as consumed with this.
    pub fn take_upstream(&mut self, now: Millis, key: RequestKey, into: &mut Items, wake: impl FnOnce() -> W) -> Taken {
        let window_bytes = self.config.window_bytes;
        let cancelled = Taken::Ended(Outcome::Failed(CallError::Cancelled));
        let Some(request) = self.requests.get_mut(key.0) else { return cancelled };
        let Some(up) = &mut request.up else { return cancelled };
        let before = up.consumer.bytes();
        let had_items = !up.consumer.is_empty();
        up.consumer.take(into);
        self.inbound_bytes = self.inbound_bytes - before + up.consumer.bytes();
        if had_items || !up.ended {
            let grant = up.consumer.due_grant(window_bytes).filter(|_| !up.ended);
            if !had_items {
                self.replaced = up.wake.replace(wake());
            }
            if let Some(grant) = grant {
                let grant = frame::grant(request.cid.as_str(), false, grant);
                self.send_control(grant);
                self.after_change(now);
            }
            self.account();
            return if had_items { Taken::Items } else { Taken::Pending };
        }
        let outcome = up.failed.clone().map_or(Outcome::Complete, Outcome::Failed);
        self.account();
        Taken::Ended(outcome)
    }

    pub(super) fn on_req(&mut self, now: Millis, message: &Message, req: &Req<'_>, checked: bool) {
        if let Some(key) = self.request_key(&req.cid) {
            let fault = Fault::new(Code::DUPLICATE_CID, "the cid is in use by a live request, which ends with this");
            self.abort_request(key, &fault);
            return;
        }
        if req.method == PING {
            self.on_ping(&req.cid, req.payload.unwrap_or("null"), checked);
            return;
        }
        if let Err(fault) = self.admit(now, req) {
            self.refuse(&req.cid, &fault);
            return;
        }
        let key = self.insert_request(now, req);
        let incoming = Box::new(Incoming {
            key,
            cid: SmolStr::new(&req.cid),
            method: SmolStr::new(&req.method),
            payload: req.payload.map_or(Received::default(), |text| Received::within(message, text, checked)),
            meta: req.meta.raw.map_or(SmolStr::default(), SmolStr::new),
            deadline: req.meta.timeout_ms.map(|budget| now + budget),
            resume: req.meta.resume.as_ref().map(|resume| (SmolStr::new(&resume.epoch), resume.after)),
            up: req.meta.up,
        });
        if !self.enter_lane(key) {
            self.wait(incoming);
        } else if self.is_over_soft() || !self.unstarted.is_empty() {
            self.unstarted.push_back(key);
            self.wait(incoming);
        } else {
            self.events.push_back(Event::Request(incoming));
        }
    }

    /// Answers a heartbeat with what it carried, which nobody else will have checked.
    fn on_ping(&mut self, cid: &str, payload: &str, checked: bool) {
        match if checked { Ok(payload) } else { frame::check_payload(payload) } {
            Ok(payload) => self.send_control(frame::res(cid, payload.as_bytes())),
            Err(reason) => {
                self.counters.malformed += 1;
                self.refuse(cid, &reason.fault(&self.config.limits.clone()));
            }
        }
    }

    pub(super) fn on_can(&mut self, cid: &str) -> bool {
        let Some(key) = self.request_key(cid) else { return false };
        self.abort_request(key, &Fault::new(Code::CANCELLED, "the caller cancelled"));
        true
    }

    pub(super) fn on_up_item(&mut self, now: Millis, message: &Message, nxt: &Nxt<'_>, checked: bool) -> bool {
        let Some(key) = self.request_key(&nxt.cid) else { return false };
        let Some(request) = self.requests.get_mut(key.0) else { return false };
        if let Credit::Grant(grant) = nxt.fc {
            let starved = request.down.as_ref().is_some_and(|down| !down.has_credit());
            if let Some((_, since)) = request.idle.as_mut().filter(|_| starved) {
                *since = now;
            }
            let before = request.down.as_ref().map_or(Held::default(), |down| down.held());
            let granted = request.down.as_mut().is_some_and(|down| down.grant(grant));
            self.outbox.moved(before, request.down.as_ref().map_or(Held::default(), |down| down.held()));
            let early = match (&request.down, &mut request.offer) {
                (None, Some(offer)) => {
                    offer.upto = offer.upto.max(grant.upto);
                    true
                }
                (None, None) | (Some(_), _) => false,
            };
            if granted {
                let wake = request.wake.take();
                self.wake(wake);
                self.enter_request(key);
            }
            if nxt.data.is_none() {
                return granted || early;
            }
        }
        let Some(data) = nxt.data else { return false };
        self.take_up(key, nxt, Arrival { message, text: data, checked })
    }

    pub(super) fn on_up_end(&mut self, cid: &str) -> bool {
        let Some(key) = self.request_key(cid) else { return false };
        let Some(request) = self.requests.get_mut(key.0) else { return false };
        let Some(up) = request.up.as_mut().filter(|up| !up.ended) else { return false };
        up.ended = true;
        let wake = up.wake.take();
        self.wake(wake);
        true
    }

    pub(super) fn pop_request(&mut self, key: RequestKey) -> Option<Message> {
        let request = self.requests.get_mut(key.0)?;
        request.in_ring = false;
        if let Some(down) = &mut request.down {
            let (before, rested) = (down.held(), down.is_resting());
            if let Some((seq, item)) = down.pop() {
                let obeys = seq == 1 && down.obeys_credit();
                self.outbox.moved(before, down.held());
                let method = down.method();
                let wake = if rested || down.asks_again() { request.wake.take() } else { None };
                let message = request.item_frame(seq, obeys, method, &item);
                self.enter_request(key);
                self.wake(wake);
                return Some(message);
            }
            if !down.is_empty() {
                return None;
            }
        }
        let terminal = request.terminal.take()?;
        self.outbox.data_bytes -= terminal.len();
        self.remove_request(key);
        Some(terminal)
    }

    pub(super) fn request_deadline(&mut self, now: Millis, key: RequestKey) {
        let due = |request: &Request<W, H>| {
            !matches!(request.stage, Stage::Finished) && request.deadline.is_some_and(|at| at <= now)
        };
        if self.requests.get(key.0).is_some_and(due) {
            self.abort_request(key, &Fault::new(Code::RPC_TIMEOUT, "the time allowed for the request ran out"));
        }
    }

    pub(super) fn rest_over(&mut self, now: Millis, key: RequestKey) {
        let Some(down) = self.running(key).and_then(|request| request.down.as_mut()) else { return };
        let (over, alarm) = (down.wake_up(now), down.alarm());
        alarm.into_iter().for_each(|at| self.arm(at, Timer::Rest(key)));
        let wake = self.running(key).filter(|_| over).and_then(|request| request.wake.take());
        self.wake(wake);
    }

    pub(super) fn request_idle(&mut self, now: Millis, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key.0).filter(|request| matches!(request.stage, Stage::Running))
        else {
            return;
        };
        let Some((idle, since)) = &mut request.idle else { return };
        if request.down.as_ref().is_some_and(|down| !down.has_credit()) {
            *since = now;
        }
        let at = *since + *idle;
        if at <= now {
            self.abort_request(key, &Fault::new(Code::RPC_TIMEOUT, "no item within the caller's idle timeout"));
        } else {
            self.arm(at, Timer::RequestIdle(key));
        }
    }

    /// Starts what waited for the peer to take what is queued.
    pub(super) fn start_waiting(&mut self) {
        while !self.is_over_soft()
            && let Some(key) = self.unstarted.pop_front()
        {
            self.start(key);
        }
        self.account();
    }

    /// More may be queued again: every stream that waited for that is woken.
    pub(super) fn wake_requests(&mut self) {
        let wakes: Vec<W> = {
            let keys: Vec<Key> = self.requests.keys().collect();
            keys.into_iter().filter_map(|key| self.requests.get_mut(key)?.wake.take()).collect()
        };
        self.events.extend(wakes.into_iter().map(Event::Wake));
        self.wake_calls();
    }

    pub(super) fn stop_requests(&mut self) {
        let keys: Vec<Key> = self.requests.keys().collect();
        for key in keys.into_iter().map(RequestKey) {
            self.forget_queued(key);
            let Some(request) = self.remove_request(key) else { continue };
            match request.stage {
                Stage::Running => self.events.push_back(Event::Stopped(key, request.handler)),
                Stage::Waiting(incoming) => self.inbound_bytes -= incoming.kept_bytes(),
                Stage::Finished => (),
            }
        }
        self.by_cid = hashbrown::HashTable::new();
        self.lanes = None;
        self.unstarted = VecDeque::new();
        (self.in_flight, self.streams) = (0, 0);
    }

    /// Draining ends the streams of both sides.
    pub(super) fn end_streams(&mut self) {
        let fault = Fault::new(Code::CONNECTION_CLOSED, "the endpoint is closing");
        let keys: Vec<Key> = self.requests.keys().collect();
        for key in keys {
            let open = |request: &Request<W, H>| request.streams && matches!(request.stage, Stage::Running);
            if self.requests.get(key).is_some_and(open) {
                self.abort_request(RequestKey(key), &fault);
            }
        }
        self.cancel_streams();
    }

    /// Answers a frame that never became a request.
    pub(super) fn refuse_frame(&mut self, cid: &str, fault: &Fault) {
        match self.request_key(cid) {
            Some(key) => self.abort_request(key, fault),
            None => self.refuse(cid, fault),
        }
    }

    fn refuse(&mut self, cid: &str, fault: &Fault) {
        self.send_control(frame::err(cid, fault));
    }

    fn admit(&mut self, now: Millis, req: &Req<'_>) -> Result<(), Fault> {
        if self.phase == Phase::Draining {
            return Err(Fault::new(Code::CONNECTION_CLOSED, "the endpoint is closing"));
        }
        if let Some(version) = req.meta.version.as_deref().filter(|version| !frame::VERSIONS.contains(version)) {
            let details = serde_json::json!({"supported": frame::VERSIONS, "requested": version});
            let message = format!("version {version} is not served");
            return Err(Fault::new(Code::UNSUPPORTED_VERSION, message).details(details));
        }
        let limits = &self.config.limits;
        if self.in_flight >= limits.in_flight {
            return Err(Fault::limit("calls in flight", u64::from(limits.in_flight), "limits.in_flight"));
        }
        let waiting = self.inbound_bytes + req.payload.map_or(0, str::len);
        let Allowance { bytes, limit: (limit, value, setting) } = self.allowance();
        if waiting > bytes && self.would_wait(req) {
            return Err(Fault::limit(limit, value, setting));
        }
        if req.meta.timeout_ms == Some(0) {
            return Err(Fault::new(Code::RPC_TIMEOUT, "the caller left no time for the call"));
        }
        self.admit_rate(now)
    }

    fn would_wait(&self, req: &Req<'_>) -> bool {
        let busy = |lane: &str| self.lanes.as_ref().is_some_and(|lanes| lanes.contains_key(lane));
        !self.unstarted.is_empty() || self.is_over_soft() || req.meta.lane.as_deref().is_some_and(busy)
    }

    /// A bucket that holds one second's requests.
    fn admit_rate(&mut self, now: Millis) -> Result<(), Fault> {
        let Some(limit) = self.config.limits.requests_per_second else { return Ok(()) };
        let (at, tokens) = self.rate.unwrap_or((now, f64::from(limit)));
        let refilled = (tokens + now.saturating_sub(at) as f64 * f64::from(limit) / 1000.0).min(f64::from(limit));
        if refilled < 1.0 {
            self.rate = Some((now, refilled));
            let mut fault = Fault::limit("requests a second", u64::from(limit), "limits.requests_per_second");
            let wait = ((1.0 - refilled) * 1000.0 / f64::from(limit).max(f64::MIN_POSITIVE)).ceil();
            fault.details.iter_mut().for_each(|details| details["retryAfterMs"] = (wait as u64).into());
            return Err(fault);
        }
        self.rate = Some((now, refilled - 1.0));
        Ok(())
    }

    fn insert_request(&mut self, now: Millis, req: &Req<'_>) -> RequestKey {
        let deadline = req.meta.timeout_ms.map(|budget| now + budget);
        let cid = SmolStr::new(&req.cid);
        let hash = self.hash(&cid);
        let key = RequestKey(self.requests.insert(Request {
            cid,
            hash,
            wake: None,
            handler: None,
            stage: Stage::Running,
            in_ring: false,
            counts: true,
            streams: false,
            lane: req.meta.lane.as_deref().map(SmolStr::new),
            offer: req.meta.fc,
            deadline,
            idle: req.meta.idle_ms.map(|idle| (idle, now)),
            terminal: None,
            down: None,
            up: None,
        }));
        let requests = &self.requests;
        self.by_cid.insert_unique(hash, key.0.index, |index| hash_at(requests, *index));
        self.in_flight += 1;
        if let Some(deadline) = deadline {
            self.arm(deadline, Timer::Request(key));
        }
        key
    }

    fn wait(&mut self, incoming: Box<Incoming>) {
        self.inbound_bytes += incoming.kept_bytes();
        let request = self.requests.get_mut(incoming.key.0).expect("it was just inserted");
        request.stage = Stage::Waiting(incoming);
    }

    fn start(&mut self, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key.0) else { return };
        if let Stage::Waiting(incoming) = std::mem::replace(&mut request.stage, Stage::Running) {
            self.inbound_bytes -= incoming.kept_bytes();
            self.events.push_back(Event::Request(incoming));
        }
    }

    /// Whether the request may start: it has no lane, or its lane was free and is now its own.
    fn enter_lane(&mut self, key: RequestKey) -> bool {
        let Some(name) = self.requests.get(key.0).and_then(|request| request.lane.clone()) else { return true };
        let lanes = self.lanes.get_or_insert_default();
        match lanes.get_mut(&name) {
            Some(lane) => {
                lane.waiting.push_back(key);
                false
            }
            None => {
                lanes.insert(name, Lane { busy: key, waiting: VecDeque::new() });
                true
            }
        }
    }

    /// The request leaves its lane, whether it held it or waited; the next one starts.
    fn release_lane(&mut self, key: RequestKey) {
        let Some(name) = self.requests.get_mut(key.0).and_then(|request| request.lane.take()) else { return };
        let Some(lanes) = &mut self.lanes else { return };
        let Some(lane) = lanes.get_mut(&name) else { return };
        if lane.busy != key {
            lane.waiting.retain(|waiting| *waiting != key);
            return;
        }
        match lane.waiting.pop_front() {
            Some(next) => {
                lane.busy = next;
                self.unstarted.push_back(next);
            }
            None => {
                lanes.remove(&name);
                if lanes.is_empty() {
                    self.lanes = None;
                }
            }
        }
    }

    fn take_up(&mut self, key: RequestKey, nxt: &Nxt<'_>, arrival: Arrival<'_>) -> bool {
        let allowance = self.allowance();
        let Some(request) = self.requests.get_mut(key.0) else { return false };
        let Some(up) = request.up.as_mut().filter(|up| !up.ended) else { return false };
        let before = up.consumer.bytes();
        let limits = &self.config.limits;
        let taken = within(allowance, self.inbound_bytes, &arrival)
            .and_then(|()| up.consumer.receive(nxt, arrival, true, limits));
        self.inbound_bytes = self.inbound_bytes - before + up.consumer.bytes();
        match taken {
            Ok(()) => {
                let wake = up.wake.take();
                self.wake(wake);
            }
            Err(Refused::Repeated) => return false,
            Err(Refused::Fatal(error)) => self.abort_request(key, &Fault::from(error)),
        }
        true
    }

    fn running(&mut self, key: RequestKey) -> Option<&mut Request<W, H>> {
        self.requests.get_mut(key.0).filter(|request| matches!(request.stage, Stage::Running))
    }

    fn finish_with(&mut self, key: RequestKey, terminal: Message) -> Option<H> {
        self.end_upstream(key);
        let request = self.requests.get_mut(key.0)?;
        request.wake = None;
        self.outbox.data_bytes += terminal.len();
        request.terminal = Some(terminal);
        request.stage = Stage::Finished;
        let handler = request.handler.take();
        self.settle_counts(key);
        self.enter_request(key);
        handler
    }

    /// Ends a request at once: its handler is dropped, what it has queued is discarded, and the fault goes out by the
    /// control lane (spec: `writer.5`).
    fn abort_request(&mut self, key: RequestKey, fault: &Fault) {
        self.forget_queued(key);
        self.settle_counts(key);
        let Some(request) = self.remove_request(key) else { return };
        self.send_control(frame::err(&request.cid, fault));
        match request.stage {
            Stage::Running => self.events.push_back(Event::Stopped(key, request.handler)),
            Stage::Waiting(incoming) => {
                self.inbound_bytes -= incoming.kept_bytes();
                self.unstarted.retain(|waiting| *waiting != key);
            }
            Stage::Finished => (),
        }
    }

    fn forget_queued(&mut self, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key.0) else { return };
        self.outbox.data_bytes -= request.terminal.take().map_or(0, |terminal| terminal.len());
        self.outbox.moved(request.down.take().map_or(Held::default(), |down| down.held()), Held::default());
        self.end_upstream(key);
    }

    /// What has come is discarded, and whoever awaits more learns that there is none (spec: `up.6`).
    fn end_upstream(&mut self, key: RequestKey) {
        let Some(up) = self.requests.get_mut(key.0).and_then(|request| request.up.take()) else { return };
        self.inbound_bytes -= up.consumer.bytes();
        self.wake(up.wake);
    }

    /// The request no longer counts against the limits, nor holds its lane.
    fn settle_counts(&mut self, key: RequestKey) {
        self.release_lane(key);
        let Some(request) = self.requests.get_mut(key.0) else { return };
        if std::mem::replace(&mut request.counts, false) {
            self.in_flight -= 1;
        }
        if std::mem::replace(&mut request.streams, false) {
            self.streams -= 1;
        }
    }

    fn remove_request(&mut self, key: RequestKey) -> Option<Request<W, H>> {
        let request = self.requests.remove(key.0)?;
        if let Ok(entry) = self.by_cid.find_entry(request.hash, |index| *index == key.0.index) {
            entry.remove();
        }
        Some(request)
    }

    fn request_key(&self, cid: &str) -> Option<RequestKey> {
        let same = |index: &u32| self.requests.at(*index).is_some_and(|(_, request)| request.cid == cid);
        let index = self.by_cid.find(self.hash(cid), same)?;
        self.requests.at(*index).map(|(key, _)| RequestKey(key))
    }

    fn hash(&self, cid: &str) -> u64 {
        std::hash::BuildHasher::hash_one(&self.hasher, cid)
    }

    fn enter_request(&mut self, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key.0) else { return };
        let sendable = match &request.down {
            Some(down) => down.can_send() || down.is_empty() && request.terminal.is_some(),
            None => request.terminal.is_some(),
        };
        if sendable && !request.in_ring {
            request.in_ring = true;
            self.outbox.enter(Turn::Request(key));
        }
    }
}

impl<W, H> Request<W, H> {
    fn item_frame(&self, seq: u64, obeys: bool, method: Option<&str>, item: &Item<Payload>) -> Message {
        let fields = ItemFields {
            seq,
            pos: item.pos,
            epoch: item.epoch.as_deref(),
            skipped: item.skipped,
            reset: item.reset,
            obeys,
            up: false,
            method,
        };
        frame::item(self.cid.as_str(), fields, item.data.as_bytes())
    }
}

fn hash_at<W, H>(requests: &super::Slots<Request<W, H>>, index: u32) -> u64 {
    let (_, request) = requests.at(index).expect("the index holds only requests in the table");
    request.hash
}
