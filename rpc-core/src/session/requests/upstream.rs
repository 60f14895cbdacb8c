//! What the caller sends: upstream items, their credit and their end.

use super::Session;
use crate::flow::{Consumer, Held, Refused, within};
use crate::frame::{self, Credit, Grant, Nxt, Offer};
use crate::inbox::Arrival;
use crate::session::{Items, Millis, Outcome, RequestKey, Taken};
use crate::{CallError, Fault, Message};

#[derive(Debug)]
pub(super) struct Upstream<W> {
    pub(super) wake: Option<W>,
    consumer: Consumer,
    ended: bool,
    failed: Option<CallError>,
}

impl<W, H> Session<W, H> {
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

    pub(in crate::session) fn on_up_item(
        &mut self,
        now: Millis,
        message: &Message,
        nxt: &Nxt<'_>,
        checked: bool,
    ) -> bool {
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

    pub(in crate::session) fn on_up_end(&mut self, cid: &str) -> bool {
        let Some(key) = self.request_key(cid) else { return false };
        let Some(request) = self.requests.get_mut(key.0) else { return false };
        let Some(up) = request.up.as_mut().filter(|up| !up.ended) else { return false };
        up.ended = true;
        let wake = up.wake.take();
        self.wake(wake);
        true
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

    /// What has come is discarded, and whoever awaits more learns that there is none (spec: `up.6`).
    pub(super) fn end_upstream(&mut self, key: RequestKey) {
        let Some(up) = self.requests.get_mut(key.0).and_then(|request| request.up.take()) else { return };
        self.inbound_bytes -= up.consumer.bytes();
        self.wake(up.wake);
    }
}
