//! Prompts on their way into a session. Each has its place from when it was asked for, though what is sent with it is still
//! gathered: they come in one after another, and whoever stops meanwhile stops those too.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use sixframe_core::Owner;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::super::agent::Prompt;
use super::super::event::Delivery;
use super::super::session::Refused;
use super::Live;

/// A prompt that was asked for.
pub(super) struct Arrival {
    pub(super) id: String,
    /// The prompt, when it is made; it never is where its sender is dropped.
    pub(super) made: oneshot::Receiver<Prompt>,
    pub(super) delivery: Delivery,
    pub(super) timeout: Duration,
    pub(super) owner: Option<Owner>,
    pub(super) told: oneshot::Sender<Result<u64, Refused>>,
    /// Whether it was taken back meanwhile.
    pub(super) is_unwanted: bool,
}

/// The first of them, when it is made or never will be.
pub(super) async fn made(arrivals: &mut VecDeque<Arrival>) -> Option<Prompt> {
    match arrivals.front_mut() {
        Some(first) => (&mut first.made).await.ok(),
        None => pending().await,
    }
}

impl Live {
    pub(super) fn asked_for(&mut self, arrival: Arrival) {
        self.session.expects(&arrival.id, arrival.delivery);
        self.arrivals.push_back(arrival);
        self.take_in_made();
    }

    /// The first is made, or never will be.
    pub(super) fn arrived(&mut self, prompt: Option<Prompt>) {
        self.take_in(prompt);
        self.take_in_made();
    }

    fn take_in_made(&mut self) {
        while let Some(first) = self.arrivals.front_mut() {
            match first.made.try_recv() {
                Ok(prompt) => self.take_in(Some(prompt)),
                Err(TryRecvError::Closed) => self.take_in(None),
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn take_in(&mut self, prompt: Option<Prompt>) {
        let (now, before) = (self.now(), self.session.seq());
        let Some(Arrival { id, delivery, timeout, owner, told, is_unwanted, .. }) = self.arrivals.pop_front() else {
            return;
        };
        let Some(prompt) = prompt else { return self.session.expects_no_more(now, &id) };
        let taken = match is_unwanted {
            true => self.session.forgo(now, prompt, delivery, timeout),
            false => {
                self.owners.asks(&self.session, &prompt.id, owner);
                self.session.prompt(now, prompt, delivery, timeout)
            }
        };
        self.reply(told, taken.map(|()| before));
    }

    /// Takes one of them back. Gives whether it did.
    pub(super) fn take_back(&mut self, prompt_id: &str) -> bool {
        let found = self.arrivals.iter_mut().find(|arrival| arrival.id == prompt_id && !arrival.is_unwanted);
        let is_found = found.map(|arrival| arrival.is_unwanted = true).is_some();
        if is_found {
            self.session.expects_no_more(self.now(), prompt_id);
        }
        is_found
    }

    /// Stops what is at work, and what waits unless that is kept. Gives whether there was anything.
    pub(super) fn interrupt(&mut self, keeps_queue: bool) -> bool {
        let now = self.now();
        let (waited, hit): (bool, Vec<String>) = match keeps_queue {
            true => (false, self.session.awaits_prompt().map(str::to_owned).into_iter().collect()),
            false => {
                let arrivals = self.arrivals.iter().map(|arrival| arrival.id.clone()).collect();
                (self.session.cancel_prompts(now), arrivals)
            }
        };
        // What waits behind those may begin when they are taken back, and is not meant.
        let stopped = self.session.stop_turn(now);
        let taken_back = hit.iter().filter(|id| self.take_back(id)).count();
        stopped || waited || taken_back > 0
    }
}
