//! What can be done with a session beside asking it for something: questions are answered, prompts edited, sessions
//! opened again, forked, handed over to another agent.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope};

use super::super::agent::Abilities;
use super::super::event::{Mode, SessionUpdate};
use super::super::item::{Content, FileChange};
use super::super::secrets::Secrets;
use super::super::session::SessionView;
use super::super::usage::UsageUpdate;
use super::{Done, SessionRef};

/// `agent.sessions`: as the hub's slice `agents` shows them, for who watches no hub.
pub const SESSIONS: Method<SessionsParams, SessionsListed> =
    Method::new("agent.sessions").doc("Lists the sessions that are open.").scope(Scope::Read).idempotent();

/// What `agent.sessions` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AgentSessionsParams")]
pub struct SessionsParams {}

/// What `agent.sessions` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentSessions")]
pub struct SessionsListed {
    /// The sessions, in the order of their ids.
    pub sessions: Vec<SessionView>,
}

/// `agent.answer`: good for one answer.
pub const ANSWER: Method<AnswerParams, Done> = Method::new("agent.answer")
    .doc(
        "Answers what an agent asks a person; without answers, declines to. Programs that an agent has started may not.",
    )
    .scope(Scope::Approve);

/// `agent.editPrompt`: what is at work cannot be edited any more.
pub const EDIT_PROMPT: Method<EditPromptParams, Done> = Method::new("agent.editPrompt")
    .doc("Puts other words in the place of a prompt that waits for its turn. It keeps its place.")
    .idempotent();

/// What `agent.answer` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentAnswerParams")]
pub struct AnswerParams {
    /// What to answer to.
    pub question_id: String,
    /// The answers by the ids of the questions: labels of options, or texts where those are taken. None at all declines.
    #[serde(default)]
    pub answers: BTreeMap<String, Vec<String>>,
}

/// What `agent.editPrompt` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentEditPromptParams")]
pub struct EditPromptParams {
    /// The session.
    pub session_id: String,
    /// The prompt, as `prompt.queued` names it.
    pub prompt_id: String,
    /// What is asked instead.
    pub content: Vec<Content>,
    /// The `seq` of the waiting prompt that was edited: `CONFLICT` where it is another one by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `agent.resume`: what is open already stays as it is.
pub const RESUME: Method<SessionRef, SessionRef> = Method::new("agent.resume")
    .doc(
        "Opens a session again that was closed, and starts its agent, on the agent's own session where it has one. Without \
         the scope approve, a session that accepted edits by itself asks again.",
    )
    .idempotent();

/// `agent.fork`: the session that is forked goes on as it was.
pub const FORK: Method<ForkParams, SessionRef> = Method::new("agent.fork").doc(
    "Begins another session that knows what was said and done in this one: by the agent's own fork where it has one, else \
     by a summary.",
);

/// `agent.setProvider`: the session and its log stay.
pub const SET_PROVIDER: Method<SetProviderParams, Done> = Method::new("agent.setProvider")
    .doc(
        "Lets another agent answer from now on. It is given a summary of the session with the next prompt, if it has a use \
         for one.",
    )
    .idempotent();

/// `agent.getMetadata`: of sessions that are closed too.
pub const GET_METADATA: Method<MetadataParams, Option<Metadata>> = Method::new("agent.getMetadata")
    .doc(
        "Says what is known of a session. The session's id alone does as well as an object, and is answered with null where \
         there is no such session, which is NOT_FOUND else.",
    )
    .scope(Scope::Read)
    .idempotent();

/// What `agent.getMetadata` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "AgentMetadataParams")]
pub enum MetadataParams {
    /// The session.
    Session(SessionRef),
    /// Its id.
    Id(String),
}

/// What `agent.fork` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentForkParams")]
pub struct ForkParams {
    /// The session to fork.
    pub session_id: String,
    /// What the fork is to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// What `agent.setProvider` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentSetProviderParams")]
pub struct SetProviderParams {
    /// The session.
    pub session_id: String,
    /// The provider, as `agent.providers` lists it.
    pub provider: String,
    /// The model, in that agent's words; its own choice where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// What `agent.getMetadata` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentMetadata")]
pub struct Metadata {
    /// The session.
    pub session_id: String,
    /// The provider of its agent.
    pub provider: String,
    /// The version of the agent's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The agent's own id of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_session_id: Option<String>,
    /// The folder that the agent works in.
    pub cwd: String,
    /// What is allowed without being asked for.
    pub mode: Mode,
    /// The model that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The models that can be chosen, as far as the agent tells them.
    pub models: Vec<String>,
    /// The tools that the agent has, as far as it tells them.
    pub tools: Vec<String>,
    /// The commands that begin with a slash.
    pub commands: Vec<String>,
    /// The MCP servers and how they are, in the agent's words.
    pub mcp_servers: BTreeMap<String, String>,
    /// What the agent can do.
    pub abilities: Abilities,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// How many turns it had.
    pub turns: u64,
    /// What was used so far.
    pub usage: UsageUpdate,
    /// Whether it is closed; `agent.resume` opens it again.
    pub is_closed: bool,
    /// The session that this is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The run that this is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What the agent is told about its task beside its own instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// The number of its newest event.
    pub seq: u64,
}

impl Metadata {
    /// It without secrets.
    pub(crate) fn shown(&self, secrets: &Secrets) -> serde_json::Result<Metadata> {
        serde_json::from_str(&secrets.redacted_json(&serde_json::to_string(self)?, &[], None))
    }

    /// As far as it is known by what was told of a session.
    pub(crate) fn of(known: SessionUpdate) -> Metadata {
        Metadata {
            agent_version: known.agent_version,
            native_session_id: known.native_session_id,
            model: known.model,
            models: known.models.unwrap_or_default(),
            tools: known.tools.unwrap_or_default(),
            commands: known.commands.unwrap_or_default(),
            mcp_servers: known.mcp_servers.unwrap_or_default(),
            title: known.title,
            ..Metadata::default()
        }
    }
}

/// `agent.undo`: of files alone; what commands did elsewhere stays.
pub const UNDO: Method<UndoParams, Undone> = Method::new("agent.undo")
    .doc(
        "Takes back what became of the folder's files in a turn. Where others have changed them since, nothing is done unless \
         force is said. Programs that an agent has started may not.",
    )
    .scope(Scope::Approve);

/// What `agent.undo` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentUndoParams")]
pub struct UndoParams {
    /// The session, which must be open; that of the turn where it is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The turn.
    pub turn_id: String,
    /// Whether files that were changed since are overwritten.
    #[serde(default)]
    pub force: bool,
}

/// What `agent.undo` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentUndone")]
pub struct Undone {
    /// What was changed to take it back; nothing where all is as it was before the turn.
    pub files: Vec<FileChange>,
}
