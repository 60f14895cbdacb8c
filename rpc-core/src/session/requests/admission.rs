//! Which requests may come in, and when they start: limits, lanes, and what is queued for the peer.

use std::collections::VecDeque;

use super::{Session, Stage};
use crate::flow::Allowance;
use crate::frame::{self, Req};
use crate::session::{Event, Incoming, Millis, Phase, RequestKey};
use crate::{Code, Fault};

/// The requests that start one after another.
#[derive(Debug)]
pub(in crate::session) struct Lane {
    busy: RequestKey,
    waiting: VecDeque<RequestKey>,
}

impl<W, H> Session<W, H> {
    pub(super) fn admit(&mut self, now: Millis, req: &Req<'_>) -> Result<(), Fault> {
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

    pub(super) fn wait(&mut self, incoming: Box<Incoming>) {
        self.inbound_bytes += incoming.kept_bytes();
        let request = self.requests.get_mut(incoming.key.0).expect("it was just inserted");
        request.stage = Stage::Waiting(incoming);
    }

    fn start(&mut self, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key.0) else { return };
        if let Stage::Waiting(incoming) = std::mem::replace(&mut request.stage, Stage::Running) {
            self.inbound_bytes -= incoming.kept_bytes();
            self.starting = true;
            self.events.push_back(Event::Request(incoming));
        }
    }

    /// Starts what waited for the peer to take what is queued: one request, and the next when the driver has taken that, so
    /// that an answer is counted before the next but one begins (spec: `bytes.3`).
    pub(in crate::session) fn start_waiting(&mut self) {
        while !self.starting
            && !self.is_over_soft()
            && let Some(key) = self.unstarted.pop_front()
        {
            self.start(key);
        }
        self.account();
    }

    /// Whether the request may start: it has no lane, or its lane was free and is now its own.
    pub(super) fn enter_lane(&mut self, key: RequestKey) -> bool {
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
    pub(super) fn release_lane(&mut self, key: RequestKey) {
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
}
