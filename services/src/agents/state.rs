//! A session's state, derived from its events and from nothing else. No agent says in which state it is.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{Event, Outcome, StateChange};
use super::item::{ItemKind, ItemStatus};

/// What a session is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "snake_case")]
#[schemars(rename = "AgentState")]
pub enum State {
    /// Nothing.
    #[default]
    Idle,
    /// The model is at work.
    Thinking,
    /// Tools are at work.
    ToolExecution,
    /// The agent waits for somebody's leave, or for an answer.
    WaitingApproval {
        /// For how many things.
        count: u32,
    },
    /// The last turn failed, or the agent's process did.
    Error {
        /// Whether the next prompt may work.
        recoverable: bool,
    },
}

impl State {
    /// Whether a turn is open.
    pub fn is_in_turn(self) -> bool {
        match self {
            State::Thinking | State::ToolExecution | State::WaitingApproval { .. } => true,
            State::Idle | State::Error { .. } => false,
        }
    }
}

/// Derives the state. Feed it every event of a session, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reducer {
    state: State,
    in_turn: bool,
    tools: BTreeSet<String>,
    pending: BTreeSet<String>,
    failed: Option<bool>,
}

impl Reducer {
    /// The state by the events so far.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether a turn is open.
    pub fn in_turn(&self) -> bool {
        self.in_turn
    }

    /// Takes an event and the id of its item; tells of the state if that is another one now.
    pub fn apply(&mut self, event: &Event, item_id: Option<&str>) -> Option<StateChange> {
        match event {
            Event::TurnStarted(_) => {
                self.in_turn = true;
                self.failed = None;
            }
            Event::TurnEnded(ended) => {
                self.in_turn = false;
                self.tools.clear();
                self.pending.clear();
                let recoverable = ended.error.as_ref().is_none_or(|error| error.retryable);
                self.failed = (ended.outcome == Outcome::Failed).then_some(recoverable);
            }
            Event::ItemUpserted(item) if item.kind == ItemKind::ToolCall => self.tool(item.status, item_id),
            Event::PermissionRequested(request) => drop(self.pending.insert(request.permission_id.clone())),
            Event::PermissionResolved(resolved) => drop(self.pending.remove(&resolved.permission_id)),
            Event::QuestionRequested(request) => drop(self.pending.insert(request.question_id.clone())),
            Event::QuestionResolved(resolved) => drop(self.pending.remove(&resolved.question_id)),
            Event::Error(problem) if !self.in_turn => self.failed = Some(problem.retryable),
            Event::SessionCreated(_)
            | Event::SessionUpdated(_)
            | Event::SessionClosed(_)
            | Event::LogRecovered(_)
            | Event::StateChanged(_)
            | Event::PromptQueued(_)
            | Event::PromptStarted(_)
            | Event::PromptCancelled(_)
            | Event::PromptSteered(_)
            | Event::ItemUpserted(_)
            | Event::ItemDelta(_)
            | Event::DiffUpdated(_)
            | Event::PlanUpdated(_)
            | Event::UsageUpdated(_)
            | Event::LimitsUpdated(_)
            | Event::RetryScheduled(_)
            | Event::ProcessEvent(_)
            | Event::Error(_)
            | Event::Unparsed(_)
            | Event::Native(_)
            | Event::FilesChanged(_)
            | Event::FilesContended(_)
            | Event::TurnUndone(_)
            | Event::RunStarted(_)
            | Event::RunMemberEnded(_)
            | Event::RunMerging(_)
            | Event::RunMerged(_)
            | Event::RunEnded(_)
            | Event::RunApplied(_) => return None,
        }
        let derived = self.derived();
        let prev = std::mem::replace(&mut self.state, derived);
        (prev != self.state).then_some(StateChange { state: self.state, prev })
    }

    fn tool(&mut self, status: Option<ItemStatus>, item_id: Option<&str>) {
        let (Some(status), Some(id)) = (status, item_id) else { return };
        match status {
            ItemStatus::InProgress if self.in_turn => drop(self.tools.insert(id.to_owned())),
            status if status.is_final() => drop(self.tools.remove(id)),
            _ => (),
        }
    }

    fn derived(&self) -> State {
        if !self.pending.is_empty() {
            return State::WaitingApproval { count: u32::try_from(self.pending.len()).unwrap_or(u32::MAX) };
        }
        match (self.in_turn, self.tools.is_empty(), self.failed) {
            (true, true, _) => State::Thinking,
            (true, false, _) => State::ToolExecution,
            (false, _, Some(recoverable)) => State::Error { recoverable },
            (false, _, None) => State::Idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{TurnEnded, TurnStarted};
    use super::super::item::Item;
    use super::super::permission::{Action, Decider, Decision, PermissionRequest, PermissionResolved, Risk};
    use super::super::problem::{Problem, ProblemKind};
    use super::*;

    fn started() -> Event {
        Event::TurnStarted(TurnStarted::on("p"))
    }

    fn ended(outcome: Outcome, error: Option<Problem>) -> Event {
        let (usage, cost, first_event_ms, native_stop_reason) = (None, None, None, None);
        Event::TurnEnded(TurnEnded { outcome, error, usage, cost, duration_ms: 1, first_event_ms, native_stop_reason })
    }

    fn tool(status: ItemStatus) -> Event {
        Event::ItemUpserted(Item::new(ItemKind::ToolCall).status(status))
    }

    fn asked(id: &str) -> Event {
        Event::PermissionRequested(Box::new(PermissionRequest {
            permission_id: id.into(),
            action: Action::Command,
            title: "x".into(),
            description: None,
            reason: None,
            hits: Vec::new(),
            risk: Risk::High,
            shown_input: serde_json::Value::Null,
            input_sha256: String::new(),
            paths: Vec::new(),
            options: Vec::new(),
            expires_at_ms: 0,
        }))
    }

    fn answered(id: &str) -> Event {
        Event::PermissionResolved(PermissionResolved {
            permission_id: id.into(),
            decision: Decision::Allowed,
            option_id: None,
            by: Decider::Timeout,
            reason: None,
            latency_ms: 0,
        })
    }

    #[test]
    fn a_turn_goes_through_its_states_and_back() {
        let mut reducer = Reducer::default();
        let mut state = |event: Event, item: &str| {
            reducer.apply(&event, Some(item));
            reducer.state()
        };
        assert_eq!(state(started(), ""), State::Thinking);
        assert_eq!(state(tool(ItemStatus::InProgress), "a"), State::ToolExecution);
        assert_eq!(state(asked("1"), "a"), State::WaitingApproval { count: 1 });
        assert_eq!(state(asked("2"), "b"), State::WaitingApproval { count: 2 });
        assert_eq!(state(answered("1"), "a"), State::WaitingApproval { count: 1 });
        assert_eq!(state(answered("2"), "b"), State::ToolExecution);
        assert_eq!(state(tool(ItemStatus::Completed), "a"), State::Thinking);
        assert_eq!(state(ended(Outcome::Completed, None), ""), State::Idle);
    }

    #[test]
    fn only_a_failed_turn_leaves_an_error_and_the_next_turn_ends_it() {
        let mut reducer = Reducer::default();
        let mut state = |event: Event| {
            reducer.apply(&event, None);
            reducer.state()
        };
        state(started());
        assert_eq!(state(ended(Outcome::Interrupted, None)), State::Idle);
        state(started());
        let overloaded = Problem::new(ProblemKind::Overloaded, "busy");
        assert_eq!(state(ended(Outcome::Failed, Some(overloaded))), State::Error { recoverable: true });
        assert_eq!(state(started()), State::Thinking);
        let auth = Problem::new(ProblemKind::AuthRequired, "log in");
        assert_eq!(state(ended(Outcome::Failed, Some(auth))), State::Error { recoverable: false });
    }

    #[test]
    fn a_change_is_told_once() {
        let mut reducer = Reducer::default();
        assert!(reducer.apply(&started(), None).is_some());
        assert!(reducer.apply(&tool(ItemStatus::InProgress), Some("a")).is_some());
        assert!(reducer.apply(&tool(ItemStatus::InProgress), Some("b")).is_none());
        assert!(reducer.apply(&tool(ItemStatus::Completed), Some("a")).is_none());
        assert!(reducer.apply(&tool(ItemStatus::Completed), Some("b")).is_some());
    }
}
