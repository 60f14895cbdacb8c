//! Turns: one at a time, and each ends exactly once, whatever happens to the agent.

use std::time::Duration;

use super::event::{Event, Outcome, TurnEnded, TurnStarted};
use super::problem::Problem;
use super::usage::{Cost, Usage};

/// How an agent ended a turn, as its adapter tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnEnd {
    /// How.
    pub outcome: Outcome,
    /// What went wrong.
    pub error: Option<Problem>,
    /// What it used.
    pub usage: Option<Usage>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// The agent's own word for it.
    pub native_stop_reason: Option<String>,
    /// Whether it is the end of what the agent began by itself, while it was given nothing: no turn of a prompt ends with that.
    pub is_own: bool,
}

impl TurnEnd {
    /// An end of which no more is known.
    pub fn new(outcome: Outcome) -> TurnEnd {
        TurnEnd { outcome, error: None, usage: None, cost: None, native_stop_reason: None, is_own: false }
    }

    /// An end by something that went wrong.
    pub fn failed(problem: Problem) -> TurnEnd {
        TurnEnd { error: Some(problem), ..TurnEnd::new(Outcome::Failed) }
    }
}

/// A turn that is open. It cannot be copied, and ending it uses it up: there is no way to end one twice.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    id: String,
    prompt_id: Option<String>,
    began: Duration,
    first_event: Option<Duration>,
}

impl Turn {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it works on; nothing where the agent began it by itself.
    pub fn prompt_id(&self) -> Option<&str> {
        self.prompt_id.as_deref()
    }

    /// The agent told of something.
    pub fn heard(&mut self, now: Duration) {
        self.first_event.get_or_insert(now);
    }

    /// Whether the agent told of something yet.
    pub fn is_heard(&self) -> bool {
        self.first_event.is_some()
    }
}

/// The turns of a session.
#[derive(Debug, Default)]
pub struct Turns {
    open: Option<Turn>,
}

impl Turns {
    /// The turn that is open.
    pub fn open(&self) -> Option<&Turn> {
        self.open.as_ref()
    }

    /// Likewise.
    pub fn open_mut(&mut self) -> Option<&mut Turn> {
        self.open.as_mut()
    }

    /// Opens a turn, unless one is open.
    pub fn begin(&mut self, now: Duration, id: &str, started: TurnStarted) -> Option<Event> {
        if self.open.is_some() {
            return None;
        }
        let (id, prompt_id) = (id.to_owned(), started.prompt_id.clone());
        self.open = Some(Turn { id, prompt_id, began: now, first_event: None });
        Some(Event::TurnStarted(started))
    }

    /// Ends the turn that is open: its id, and what tells of its end. Nothing where none is open.
    pub fn end(&mut self, now: Duration, end: TurnEnd) -> Option<(String, Event)> {
        let Turn { id, began, first_event, .. } = self.open.take()?;
        let TurnEnd { outcome, error, usage, cost, native_stop_reason, is_own: _ } = end;
        let since_began = |at: Duration| at.saturating_sub(began).as_millis() as u64;
        let (duration_ms, first_event_ms) = (since_began(now), first_event.map(since_began));
        let ended = TurnEnded { outcome, error, usage, cost, duration_ms, first_event_ms, native_stop_reason };
        Some((id, Event::TurnEnded(ended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_turn_that_begins_ends_once_and_in_order(steps in prop::collection::vec(any::<bool>(), 0..64)) {
            let (mut turns, mut open, mut begun, mut ended) = (Turns::default(), None, 0u32, 0u32);
            for (at, begins) in steps.into_iter().enumerate() {
                let now = Duration::from_millis(at as u64);
                if begins {
                    let id = format!("turn{at}");
                    let told = turns.begin(now, &id, TurnStarted::on("p")).is_some();
                    prop_assert_eq!(told, open.is_none());
                    if told {
                        begun += 1;
                        open = Some(id);
                    }
                } else {
                    let told = turns.end(now, TurnEnd::new(Outcome::Completed)).map(|(id, _)| id);
                    ended += u32::from(told.is_some());
                    prop_assert_eq!(told, open.take());
                }
            }
            prop_assert_eq!(begun, ended + u32::from(open.is_some()));
        }
    }
}
