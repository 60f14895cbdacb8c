//! A session as windows see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::event::{Mode, PromptQueued, QuestionRequest};
use super::super::permission::PermissionRequest;
use super::super::state::State;
use super::super::usage::UsageUpdate;
use super::queue::queued;
use super::{Process, Session};

/// A session as a window shows it: what it is doing, and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSessionView")]
pub struct SessionView {
    /// Its id.
    pub session_id: String,
    /// The provider of its agent.
    pub provider: String,
    /// The folder that the agent works in.
    pub cwd: String,
    /// What it is doing.
    pub state: State,
    /// What is allowed without being asked for.
    pub mode: Mode,
    /// Whether the agent's process can be spoken to.
    pub is_ready: bool,
    /// The turn that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// What it is called: by its agent, else by the first line that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The model that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent's own id of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_session_id: Option<String>,
    /// Prompts that wait.
    pub queue: Vec<PromptQueued>,
    /// What waits for leave.
    pub permissions: Vec<PermissionRequest>,
    /// What waits for an answer.
    #[serde(default)]
    pub questions: Vec<QuestionRequest>,
    /// The session that this is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The run that this is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What was used so far.
    pub usage: UsageUpdate,
    /// The number of its newest event.
    pub seq: u64,
}

impl Session {
    /// The session as a window shows it.
    pub fn view(&self) -> SessionView {
        let queue = self.queue.iter().enumerate().map(|(position, waiting)| queued(position, waiting));
        let created = &self.beginning.created;
        SessionView {
            session_id: self.beginning.id.clone(),
            provider: created.provider.clone(),
            cwd: created.cwd.clone(),
            state: self.state(),
            mode: self.mode,
            is_ready: self.process == Process::Ready,
            turn_id: self.turns.open().map(|turn| turn.id().to_owned()),
            title: self.title(),
            model: self.known.model.clone().or_else(|| self.asked_model.clone()),
            native_session_id: self.known.native_session_id.clone(),
            queue: queue.collect(),
            permissions: self.permissions.values().map(|pending| pending.request.clone()).collect(),
            questions: self.questions.values().map(|open| open.request.clone()).collect(),
            forked_from: created.forked_from.clone(),
            run_id: created.run_id.clone(),
            usage: self.usage.clone(),
            seq: self.seq,
        }
    }
}
