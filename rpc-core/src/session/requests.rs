//! The responder's side: requests from their arrival to their terminal frame.

mod admission;
mod streams;
mod upstream;

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::deadlines::Timer;
use super::outbox::Turn;
use super::slots::Key;
use super::{Event, Incoming, Millis, RequestKey, Session};
use crate::flow::{Held, Producer};
use crate::frame::{self, ItemFields, Offer, Req};
use crate::{Code, Fault, Item, Message, Payload, Received};
pub(super) use admission::Lane;
use upstream::Upstream;

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
