//! Prompts that are on their way in: each has its place from when it was asked for, though it is still made.

use super::super::event::Delivery;
use super::super::moment::Moment;
use super::queue::rank;
use super::{Process, Session};

/// One of them.
#[derive(Debug)]
pub(super) struct Expected {
    id: String,
    delivery: Delivery,
    /// The turn that was open when it was asked for.
    turn: Option<String>,
}

impl Session {
    /// A prompt was asked for that is still made. Nothing begins that it goes in front of, until it is given, or
    /// [`Session::expects_no_more`].
    pub fn expects(&mut self, prompt_id: &str, delivery: Delivery) {
        let turn = self.turns.open().map(|turn| turn.id().to_owned());
        self.expected.push(Expected { id: prompt_id.to_owned(), delivery, turn });
    }

    /// It is never made, or nobody wants it any more.
    pub fn expects_no_more(&mut self, now: Moment, prompt_id: &str) {
        self.met(prompt_id);
        self.pump(now);
    }

    /// The one that the agent would have been given by now, had it been made at once.
    pub fn awaits_prompt(&self) -> Option<&str> {
        let is_idle = self.process == Process::Ready && self.turns.open().is_none();
        self.goes_first().filter(|_| is_idle).map(|expected| expected.id.as_str())
    }

    /// The one that goes in front of all that waits, and of the others.
    pub(super) fn goes_first(&self) -> Option<&Expected> {
        let first = self.expected.iter().min_by_key(|expected| rank(expected.delivery))?;
        let in_front = self.queue.front().is_none_or(|waiting| rank(first.delivery) < rank(waiting.delivery));
        in_front.then_some(first)
    }

    /// It is expected no more. Gives the turn that was open when it was asked for.
    pub(super) fn met(&mut self, prompt_id: &str) -> Option<String> {
        let at = self.expected.iter().position(|expected| expected.id == prompt_id)?;
        self.expected.remove(at).turn
    }

    /// Whether a prompt that was asked for in this turn means the open one. What has begun since stood in front of it, unless the agent
    /// began it by itself; where no turn was open, it would have begun before.
    pub(super) fn means_open_turn(&self, asked_in: Option<&str>) -> bool {
        let is_meant = |id: &str| asked_in.is_none_or(|asked_in| asked_in == id);
        self.turns.open().is_some_and(|turn| is_meant(turn.id()) || turn.prompt_id().is_none())
    }
}
