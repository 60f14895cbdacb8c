//! The agents' methods: their names, parameters and answers. Knows nothing of how they are served.

mod chat;
mod policy;
mod preview;
mod runs;
mod sessions;
mod transcripts;
mod trust;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope, StreamMethod};

use super::detect::ProviderInfo;
use super::event::{Delivery, Envelope, Mode};
use super::item::Content;
use super::prompt_builder::{CurrentFile, Selection};
pub use chat::{
    CHAT, ChatChunk, ChatContent, ChatMessage, ChatOptions, ChatParams, ChatResult, ChatRole, ChunkKind, STREAM_CHAT,
};
pub use policy::*;
pub use preview::{PREVIEW_PROMPT, PreviewParams, Previewed};
pub use runs::*;
pub use sessions::*;
pub use transcripts::*;
pub use trust::*;

/// `agent.providers`: the first call waits for the first look.
pub const PROVIDERS: Method<ProvidersParams, Providers> = Method::new("agent.providers")
    .doc("Lists the agents on this machine: whether they are installed, in which version, and whether somebody is logged in.")
    .scope(Scope::Read)
    .idempotent();

/// `agent.createSession`: the agent's process starts with the session.
pub const CREATE_SESSION: Method<CreateSession, SessionRef> = Method::new("agent.createSession")
    .doc("Begins a session with an agent in a folder. A mode other than ask and plan needs the scope approve.");

/// `agent.prompt`: ends behind the prompt's `turn.ended`, or its `prompt.cancelled`.
pub const PROMPT: StreamMethod<PromptParams, Envelope> = StreamMethod::new("agent.prompt").doc(
    "Asks an agent for something; items are the events of its turn. Cancelling it stops the turn, as does losing the \
     connection for longer than the grace, unless detach is said.",
);

/// `agent.interrupt`: a stop is no failure.
pub const INTERRUPT: Method<InterruptParams, Interrupted> = Method::new("agent.interrupt")
    .doc("Stops an agent's turn and takes back the prompts that wait, unless keepQueue is said.")
    .idempotent();

/// `agent.approve`: good for one answer.
pub const APPROVE: Method<ApproveParams, Done> = Method::new("agent.approve")
    .doc("Allows what an agent asks leave for: just what was shown. Programs that an agent has started may not.")
    .scope(Scope::Approve);

/// `agent.reject`: good for one answer.
pub const REJECT: Method<RejectParams, Done> = Method::new("agent.reject")
    .doc("Denies what an agent asks leave for. Why is written down, and told the agents that have the ability reasons.")
    .scope(Scope::Approve);

/// `agent.cancelPrompt`: what is at work is for `agent.interrupt`.
pub const CANCEL_PROMPT: Method<CancelPromptParams, Done> =
    Method::new("agent.cancelPrompt").doc("Takes back a prompt that waits for its turn.");

/// `agent.setMode`: it decides what is allowed without being asked for.
pub const SET_MODE: Method<SetModeParams, Done> =
    Method::new("agent.setMode").doc("Says what an agent may do without asking.").scope(Scope::Approve).idempotent();

/// `agent.setModel`: in the agent's words.
pub const SET_MODEL: Method<SetModelParams, Done> =
    Method::new("agent.setModel").doc("Uses another model from the next turn on.").idempotent();

/// `agent.close`: its log stays.
pub const CLOSE: Method<SessionRef, Done> =
    Method::new("agent.close").doc("Ends a session and its agent; answers when nothing of the agent is left.");

/// `agent.events`: of one session, from its first event on; of all, from now on.
pub const EVENTS: StreamMethod<EventsParams, Option<Envelope>> = StreamMethod::new("agent.events")
    .doc(
        "Events of one session, all that its log has and then what comes; or, where not exactly one is named, of all these \
         sessions from now on. An item that is null says reset: what was known of the events is void.",
    )
    .scope(Scope::Read)
    .idempotent()
    .resumable();

/// What `agent.providers` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentProvidersParams")]
pub struct ProvidersParams {
    /// Whether to look again.
    pub recheck: bool,
    /// For how many milliseconds to wait for those that have not answered, which are told as `checking` then. Where this is
    /// missing, all have answered or had their time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// What `agent.providers` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentProviders")]
pub struct Providers {
    /// The providers, those that can be used first.
    pub providers: Vec<ProviderInfo>,
    /// The one that `agent.createSession` takes where none is named.
    pub default: String,
    /// A folder that a session may begin in, for a person who names none: the first of `agent.roots` that is there, or the one
    /// that the daemon was started in, unless that is the root of all folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The templates that prompts may name.
    #[serde(default)]
    pub templates: Vec<String>,
}

/// What `agent.createSession` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentCreateSession")]
pub struct CreateSession {
    /// The provider; the default one of `agent.providers` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The folder to work in: an absolute path.
    pub cwd: String,
    /// The model, in the agent's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is allowed without being asked for.
    #[serde(default)]
    pub mode: Mode,
    /// What the agent is told about its task beside its own instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Variables of its environment, those alone that the configuration lets callers set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Whether it is closed when whoever begins it is gone: at once with the connection that is closed, after the grace with one
    /// that is lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tied: bool,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSessionRef")]
pub struct SessionRef {
    /// Its id.
    pub session_id: String,
}

/// What `agent.prompt` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentPromptParams")]
pub struct PromptParams {
    /// The session.
    pub session_id: String,
    /// What is asked.
    #[serde(default)]
    pub content: Vec<Content>,
    /// The id of a prompt of this session that is asked again, with all that it said and all that was sent with it: in the
    /// place of `content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// The types of the events that come, as `agent.events` takes them; all where none is named. The last one comes in any
    /// case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// What is to become of the turn that may be open.
    #[serde(default)]
    pub delivery: Delivery,
    /// How long the turn may take, without the time that people take. Default 300 s.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
    /// Whether the turn goes on when the caller is gone.
    #[serde(default)]
    pub detach: bool,
    /// The file that it is about: a path, or a path with the text that an editor has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_file: Option<CurrentFile>,
    /// What is selected in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// What else is sent with it: a template of the daemon's configuration, or `default`. Where neither this nor a file nor a
    /// selection is said, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

fn default_timeout() -> u64 {
    300_000
}

/// What `agent.interrupt` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentInterruptParams")]
pub struct InterruptParams {
    /// The session.
    pub session_id: String,
    /// Whether the prompts that wait are kept. Default no.
    #[serde(default)]
    pub keep_queue: bool,
}

/// What `agent.interrupt` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentInterrupted")]
pub struct Interrupted {
    /// Whether anything is being stopped: a turn, as its `turn.ended` tells, or prompts that waited (`prompt.cancelled`).
    pub interrupted: bool,
}

/// What `agent.approve` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentApproveParams")]
pub struct ApproveParams {
    /// What to answer to.
    pub permission_id: String,
    /// By which option; the one that allows it once where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option_id: Option<String>,
    /// The hash of what was shown. Where it is not that of what waits, nothing is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sha256: Option<String>,
}

/// What `agent.reject` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRejectParams")]
pub struct RejectParams {
    /// What to answer to.
    pub permission_id: String,
    /// Why, for the log, and for an agent that has the ability `reasons`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What `agent.cancelPrompt` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentCancelPromptParams")]
pub struct CancelPromptParams {
    /// The session.
    pub session_id: String,
    /// The prompt, as `prompt.queued` names it.
    pub prompt_id: String,
}

/// What `agent.setMode` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentSetModeParams")]
pub struct SetModeParams {
    /// The session.
    pub session_id: String,
    /// The mode.
    pub mode: Mode,
}

/// What `agent.setModel` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentSetModelParams")]
pub struct SetModelParams {
    /// The session.
    pub session_id: String,
    /// The model, in the agent's words.
    pub model: String,
}

/// What `agent.events` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AgentEventsParams")]
pub struct EventsParams {
    /// The sessions; all where none is named.
    pub sessions: Vec<String>,
    /// The types of events, or what they begin with where it ends with a dot; all where none is named.
    pub types: Vec<String>,
    /// Behind which event to begin.
    pub since: Option<Since>,
}

/// A place among events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentSince")]
pub struct Since {
    /// The `epoch` of an item.
    pub epoch: String,
    /// Its `pos`.
    pub position: u64,
}

/// It is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentDone")]
pub struct Done {
    /// Always true.
    pub ok: bool,
}
