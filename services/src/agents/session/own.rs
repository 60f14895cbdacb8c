//! Turns that the agent begins by itself, while it was asked nothing. They are turns as all others: they can be stopped, what
//! they ask is asked, and they end once.

use std::time::Duration;

use super::super::event::{Source, TurnStarted};
use super::super::identifier::identifier;
use super::super::moment::Moment;
use super::super::turn::TurnEnd;
use super::{Process, Session};

/// What such a turn is given in a session that had no prompt yet.
pub(super) const GIVEN: Duration = Duration::from_secs(300);

impl Session {
    /// The agent has begun a turn. While one is open, that is a part of it; one that is not ready, or is being stopped, begins none.
    pub(super) fn began(&mut self, now: Moment, reason: Option<String>, src: Source) {
        if self.turns.open().is_some() {
            self.works_beside = true;
            return;
        }
        if self.process != Process::Ready {
            // Who cannot be spoken to cannot be stopped, and what waits for it would find a turn in its place.
            return;
        }
        self.forget_items(now);
        let Some(started) = self.turns.begin(now.at, &identifier("turn"), TurnStarted::by_agent(reason)) else {
            return;
        };
        (self.turn_by, self.waiting_since, self.withheld_since) = (now.at + self.given, None, None);
        self.heard.begin(now.at);
        self.works_beside = false;
        self.push(now, started, None, src, None);
        self.turns.open_mut().into_iter().for_each(|turn| turn.heard(now.at));
    }

    /// Whether the agent has begun something by itself since the open turn began, and has not told of its end.
    pub fn works_beside(&self) -> bool {
        self.works_beside
    }

    /// Whether that is the end of what the agent began by itself, and the open turn is one that it was not given by then.
    pub fn outlasts(&self, end: &TurnEnd) -> bool {
        end.is_own && self.open_prompt().is_some()
    }

    /// The prompt that the open turn works on.
    pub fn open_prompt(&self) -> Option<&str> {
        self.turns.open().and_then(|turn| turn.prompt_id())
    }

    /// Whether a turn is open that the agent began by itself, and that is not being stopped.
    pub fn works_by_itself(&self) -> bool {
        self.turns.open().is_some_and(|turn| turn.prompt_id().is_none()) && self.ladder.is_none()
    }

    /// Whether a prompt waits.
    pub fn waits(&self, prompt_id: &str) -> bool {
        self.queue.iter().any(|waiting| waiting.prompt.id == prompt_id)
    }
}
