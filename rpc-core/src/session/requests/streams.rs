//! Streams as answers: their sources, credit and lag, up to their end.

use super::{Request, Session, Stage};
use crate::flow::{Producer, Pushed, Room};
use crate::session::deadlines::Timer;
use crate::session::slots::Key;
use crate::session::{Millis, Phase, RequestKey};
use crate::{Code, Delivery, Fault, Item, Payload, frame};

impl<W, H> Session<W, H> {
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

    pub(in crate::session) fn rest_over(&mut self, now: Millis, key: RequestKey) {
        let Some(down) = self.running(key).and_then(|request| request.down.as_mut()) else { return };
        let (over, alarm) = (down.wake_up(now), down.alarm());
        alarm.into_iter().for_each(|at| self.arm(at, Timer::Rest(key)));
        let wake = self.running(key).filter(|_| over).and_then(|request| request.wake.take());
        self.wake(wake);
    }

    pub(in crate::session) fn request_idle(&mut self, now: Millis, key: RequestKey) {
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

    /// Draining ends the streams of both sides.
    pub(in crate::session) fn end_streams(&mut self) {
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
}
