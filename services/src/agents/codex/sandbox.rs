//! The sandbox that Codex runs commands in: one in which nothing is changed while it plans, and what its configuration says else.

use serde_json::{Value, json};

use super::super::event::Mode;

/// The sandbox as it is.
#[derive(Debug, Default)]
pub(super) struct Sandbox {
    is_of_plans: bool,
    /// The one for work, as it told it.
    work: Option<Value>,
}

impl Sandbox {
    /// That of a thread that was begun in a mode, as it tells it.
    pub(super) fn of(mode: Mode, told: &Value) -> Sandbox {
        let is_of_plans = mode == Mode::Plan;
        Sandbox { is_of_plans, work: (!is_of_plans && told.is_object()).then(|| told.clone()) }
    }

    /// What it is to be told for a turn in a mode, where the sandbox must be another one for it.
    pub(super) fn change(&self, mode: Mode) -> Option<Value> {
        let is_of_plans = mode == Mode::Plan;
        if self.is_of_plans == is_of_plans {
            return None;
        }
        match is_of_plans {
            true => Some(json!({"type": "readOnly"})),
            false => Some(self.work.clone().unwrap_or_else(|| json!({"type": "workspaceWrite"}))),
        }
    }

    /// It has taken a turn in a mode, with what it was told for that.
    pub(super) fn changed(&mut self, mode: Mode) {
        self.is_of_plans = mode == Mode::Plan;
    }
}
