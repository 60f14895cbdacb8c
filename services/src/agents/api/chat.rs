//! `agent.chat` and `agent.streamChat`: a conversation as one call, for whoever keeps no sessions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sixframe_core::{Method, StreamMethod};

use super::super::event::{Mode, Outcome};
use super::super::item::{Content, FileChange};
use super::super::prompt_builder::{CurrentFile, Selection};
use super::super::usage::{Cost, Usage};

/// `agent.chat`: a stop by a person is no failure, what goes wrong with the agent is.
pub const CHAT: Method<ChatParams, ChatResult> = Method::new("agent.chat").doc(
    "Asks an agent by a whole conversation and answers what it says in the end. With a provider as agentId, a session is begun \
     for it and closed with it; with a session's id, that one is asked.",
);

/// `agent.streamChat`: ends behind its `done`.
pub const STREAM_CHAT: StreamMethod<ChatParams, ChatChunk> = StreamMethod::new("agent.streamChat").doc(
    "The same as agent.chat, told while it happens: text, tools that are used, files that are changed, errors, and done. \
     Cancelling it stops the turn.",
);

/// What `agent.chat` and `agent.streamChat` take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentChatParams")]
pub struct ChatParams {
    /// The id of a session, or a provider; `default` is the default provider.
    pub agent_id: String,
    /// The conversation so far; the last is what is asked. A session has its own, and is told what stands behind the last
    /// answer.
    pub messages: Vec<ChatMessage>,
    /// How.
    #[serde(default)]
    pub options: ChatOptions,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentChatMessage")]
pub struct ChatMessage {
    /// Who says it.
    pub role: ChatRole,
    /// What: a text, a part, or several.
    pub content: ChatContent,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AgentChatRole")]
pub enum ChatRole {
    /// The person.
    User,
    /// The agent.
    Assistant,
    /// Whoever has the agent work: what it is told about its task.
    System,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "AgentChatContent")]
pub enum ChatContent {
    /// A text.
    Text(String),
    /// A part, as `{type: "text", text}`.
    Part(Content),
    /// Several.
    Parts(Vec<Content>),
}

/// How a conversation is led.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "AgentChatOptions")]
pub struct ChatOptions {
    /// For a provider: the folder to work in; the one that `agent.providers` offers where there is none. Also `workingDirectory`.
    #[serde(alias = "workingDirectory", skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// For a provider: the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// For a provider: what is allowed without being asked for. Also `permissionMode`.
    #[serde(alias = "permissionMode", skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// For a provider: what the agent is told about its task, in front of the messages of the role system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// For a provider: variables of the agent's environment, those alone that the configuration lets callers set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The file that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_file: Option<CurrentFile>,
    /// What is selected in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// How long it may take, without the time that people take. Default 300 s. Also `timeout`.
    #[serde(alias = "timeout")]
    pub timeout_ms: u64,
}

impl Default for ChatOptions {
    fn default() -> ChatOptions {
        ChatOptions {
            cwd: None,
            model: None,
            mode: None,
            system_prompt: None,
            env: BTreeMap::new(),
            current_file: None,
            selection: None,
            template: None,
            timeout_ms: super::default_timeout(),
        }
    }
}

/// What `agent.chat` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentChatResult")]
pub struct ChatResult {
    /// The session, whose log stays.
    pub session_id: String,
    /// What the agent said.
    pub message: ChatMessage,
    /// How its turn ended.
    pub outcome: Outcome,
    /// Whether somebody stopped it.
    pub stopped: bool,
    /// `ABORTED` where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What it changed in files.
    pub files: Vec<FileChange>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// What happens in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentChatChunk")]
pub struct ChatChunk {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: ChunkKind,
    /// What the agent says; of a tool, what it does; of a file, its path; of an error, its text.
    pub content: String,
    /// What else is known: `sessionId` always; of a text its `itemId`; of a tool `itemId`, `status`, `name`, `input`, and `permission`
    /// or `question` while it waits for that; of a file its change; of an error its problem; of done `outcome`, `usage` and `cost`,
    /// and `stopped: true` with `code: "ABORTED"` where somebody stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// What kind of thing happens in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentChunkKind")]
pub enum ChunkKind {
    /// The agent says more.
    Text,
    /// A tool is used, or is done.
    ToolUse,
    /// A file was changed.
    FileChange,
    /// Something went wrong.
    Error,
    /// It is over. The last, always.
    Done,
}
