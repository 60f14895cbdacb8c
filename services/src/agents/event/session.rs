//! What is told of a session as a whole.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::state::State;

/// What is known of a session from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSessionCreated")]
pub struct SessionCreated {
    /// The provider.
    pub provider: String,
    /// The folder that the agent works in.
    pub cwd: String,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is allowed without being asked for.
    pub mode: Mode,
    /// The session that this is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The run that this is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What the agent is told about its task beside its own instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// The names of the variables that the caller set for the agent. Their values are kept nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Whether it goes with whoever began it, and not on after them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tied: bool,
}

/// What is allowed without being asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentMode")]
pub enum Mode {
    /// Nothing that the agent asks for; what it reads in the session's folder it does not ask for. `interactive` is another
    /// name for it.
    #[default]
    #[serde(alias = "interactive")]
    Ask,
    /// Changes to files in the session's folder, but for settings of agents and of version control.
    AcceptEdits,
    /// Nothing, and what changes anything is denied.
    Plan,
    /// What rules hold for harmless; what they hold for ruinous is denied, and a person is asked for the rest.
    Auto,
}

impl Mode {
    /// Whether it answers what the agent asks by itself, and not only by no.
    pub fn consents(self) -> bool {
        match self {
            Mode::Ask | Mode::Plan => false,
            Mode::AcceptEdits | Mode::Auto => true,
        }
    }
}

/// What is known of a session since. What is absent is as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AgentSessionUpdate")]
pub struct SessionUpdate {
    /// The provider, where it is another one now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The agent's own id of the session, by which it can be resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native_session_id: Option<String>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The model that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is allowed without being asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The version of the agent's program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The tools that the agent has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// The commands that begin with a slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<String>>,
    /// The models that can be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// The MCP servers and how they are, in the agent's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<BTreeMap<String, String>>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentSessionClosed")]
pub struct SessionClosed {
    /// Why.
    pub reason: CloseReason,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentCloseReason")]
pub enum CloseReason {
    /// Somebody closed it.
    Closed,
    /// The daemon ended.
    Shutdown,
}

/// What was taken from the end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentLogRecovered")]
pub struct LogRecovered {
    /// Bytes behind the last event that could be read.
    pub bytes: u64,
}

/// The session is in another state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentStateChange")]
pub struct StateChange {
    /// The state.
    pub state: State,
    /// The one before.
    pub prev: State,
}
