//! What happens in a session, one vocabulary for all agents, and the envelope that each event travels and is kept in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::{Content, FileChange, Item};
use super::permission::{PermissionRequest, PermissionResolved};
use super::problem::Problem;
use super::state::State;
use super::usage::{Cost, Limits, Usage, UsageUpdate};

/// An event, where it belongs, and where it comes from. Log and wire carry the same text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentEnvelope")]
pub struct Envelope {
    /// The version of this format: 1.
    pub v: u32,
    /// The life of the session's log that `seq` counts in.
    pub epoch: String,
    /// The number of the event in its session, from 1, without holes.
    pub seq: u64,
    /// When, as RFC 3339 in UTC.
    pub ts: String,
    /// The session.
    pub session_id: String,
    /// The turn, where it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The item that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Where it comes from.
    pub src: Source,
    /// What the agent said beside that and we do not know, as it came, where that is not long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<Value>,
}

/// Where an event comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSource")]
pub struct Source {
    /// The provider: `claude`, `codex`, `acp:NAME`, `builtin`, or `sixframe` for what the session itself tells.
    pub provider: String,
    /// The agent's own name for what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_type: Option<String>,
}

impl Source {
    /// The session itself.
    pub fn sixframe() -> Source {
        Source { provider: "sixframe".to_owned(), native_type: None }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[schemars(rename = "AgentEvent")]
pub enum Event {
    /// The session began.
    #[serde(rename = "session.created")]
    SessionCreated(SessionCreated),
    /// More is known of the session.
    #[serde(rename = "session.updated")]
    SessionUpdated(SessionUpdate),
    /// The session ended.
    #[serde(rename = "session.closed")]
    SessionClosed(SessionClosed),
    /// The end of the log was torn, and what of it was no event was taken away.
    #[serde(rename = "log.recovered")]
    LogRecovered(LogRecovered),
    /// The session is in another state. Derived from the events before it, never told by an agent.
    #[serde(rename = "state.changed")]
    StateChanged(StateChange),
    /// Somebody asked for something, which waits for its turn.
    #[serde(rename = "prompt.queued")]
    PromptQueued(PromptQueued),
    /// The agent was given it.
    #[serde(rename = "prompt.started")]
    PromptStarted(PromptRef),
    /// It was taken back before the agent was given it.
    #[serde(rename = "prompt.cancelled")]
    PromptCancelled(PromptRef),
    /// It was given to the agent in the midst of a turn.
    #[serde(rename = "prompt.steered")]
    PromptSteered(PromptRef),
    /// The agent works.
    #[serde(rename = "turn.started")]
    TurnStarted(TurnStarted),
    /// The agent is done. There is exactly one for each `turn.started`.
    #[serde(rename = "turn.ended")]
    TurnEnded(TurnEnded),
    /// An item, or what is new of one. What it says holds over deltas.
    #[serde(rename = "item.upserted")]
    ItemUpserted(Item),
    /// An item grew.
    #[serde(rename = "item.delta")]
    ItemDelta(Delta),
    /// Files were changed.
    #[serde(rename = "diff.updated")]
    DiffUpdated(DiffUpdate),
    /// The agent's plan, in full.
    #[serde(rename = "plan.updated")]
    PlanUpdated(Plan),
    /// The agent asks leave.
    #[serde(rename = "permission.requested")]
    PermissionRequested(Box<PermissionRequest>),
    /// That is answered, or has not to be any more.
    #[serde(rename = "permission.resolved")]
    PermissionResolved(PermissionResolved),
    /// What was used so far.
    #[serde(rename = "usage.updated")]
    UsageUpdated(UsageUpdate),
    /// How much of the plan's quota is used up.
    #[serde(rename = "limits.updated")]
    LimitsUpdated(Limits),
    /// The agent will ask its service again.
    #[serde(rename = "retry.scheduled")]
    RetryScheduled(Retry),
    /// Something became of the agent's process.
    #[serde(rename = "process.event")]
    ProcessEvent(ProcessEvent),
    /// Something went wrong outside of a turn, or without ending it.
    #[serde(rename = "error")]
    Error(Problem),
    /// The agent said what cannot be read.
    #[serde(rename = "unparsed")]
    Unparsed(Unparsed),
    /// The agent said what has no name here; it stands in the envelope's `ext`.
    #[serde(rename = "native")]
    Native(Native),
}

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
}

/// What is known of a session since. What is absent is as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AgentSessionUpdate")]
pub struct SessionUpdate {
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

/// How a prompt reaches an agent that is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentDelivery")]
pub enum Delivery {
    /// It waits until the turn and the prompts before it are done.
    #[default]
    Queue,
    /// It joins the turn; where the agent knows no such thing, it is the first one behind it.
    Steer,
    /// The turn is interrupted for it.
    Now,
}

/// A prompt that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentPromptQueued")]
pub struct PromptQueued {
    /// Its id.
    pub prompt_id: String,
    /// How many are before it.
    pub position: u64,
    /// How it is to reach an agent that is at work.
    pub delivery: Delivery,
    /// What it says.
    pub content: Vec<Content>,
}

/// A prompt that was told of before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentPromptRef")]
pub struct PromptRef {
    /// Its id.
    pub prompt_id: String,
}

/// The agent works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentTurnStarted")]
pub struct TurnStarted {
    /// On what.
    pub prompt_id: String,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentOutcome")]
pub enum Outcome {
    /// The agent was done.
    Completed,
    /// Somebody stopped it.
    Interrupted,
    /// Something went wrong.
    Failed,
    /// The model refused.
    Refused,
    /// It took more steps than it may.
    MaxTurns,
    /// The answer reached its longest length.
    MaxTokens,
    /// It cost more than it may.
    Budget,
}

/// The agent is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentTurnEnded")]
pub struct TurnEnded {
    /// How.
    pub outcome: Outcome,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How long it took until the agent first told of something, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event_ms: Option<u64>,
    /// The agent's own word for how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_stop_reason: Option<String>,
}

/// What of an item grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentDeltaField")]
pub enum DeltaField {
    /// What is said.
    Text,
    /// What is thought.
    Thought,
    /// What a tool is given, as JSON text.
    ToolInput,
    /// What a tool writes to its standard output, or answers.
    ToolOutput,
    /// What a tool writes to its standard error.
    ToolErrors,
}

/// An item grew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentDelta")]
pub struct Delta {
    /// What of it.
    pub field: DeltaField,
    /// By what.
    pub delta: String,
    /// Behind how many bytes of the same field; where that is not the end of what is known, something is missing.
    pub offset: u64,
}

/// Files were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentDiffUpdate")]
pub struct DiffUpdate {
    /// In what.
    pub scope: DiffScope,
    /// Which.
    pub files: Vec<FileChange>,
}

/// In what files were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentDiffScope")]
pub enum DiffScope {
    /// In one item.
    Item,
    /// In the turn so far.
    Turn,
}

/// What the agent means to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentPlan")]
pub struct Plan {
    /// Its steps.
    pub entries: Vec<PlanEntry>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentPlanEntry")]
pub struct PlanEntry {
    /// What is to be done.
    pub text: String,
    /// How far it is.
    pub status: PlanStatus,
}

/// How far a step of a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentPlanStatus")]
pub enum PlanStatus {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
}

/// The agent will ask its service again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRetry")]
pub struct Retry {
    /// For which time, from 1.
    pub attempt: u64,
    /// How often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// In how many milliseconds.
    pub delay_ms: u64,
    /// Why.
    pub error: Problem,
}

/// Something became of the agent's process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
#[schemars(rename = "AgentProcessEvent")]
pub enum ProcessEvent {
    /// It was started.
    Spawned {
        /// Its process id.
        pid: u32,
    },
    /// It can be spoken to.
    Ready,
    /// It is being stopped.
    Stopping,
    /// It ended.
    Exited {
        /// What it exited with.
        #[serde(default, rename = "exitCode", skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// The last that it wrote to its standard error.
        #[serde(default, rename = "stderrTail", skip_serializing_if = "Vec::is_empty")]
        stderr_tail: Vec<String>,
    },
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentUnparsed")]
pub struct Unparsed {
    /// Its beginning, at most 256 bytes.
    pub preview: String,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// What is wrong with it.
    pub error: String,
}

/// The agent said what has no name here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentNative")]
pub struct Native {}

impl Event {
    /// Its type, as it travels.
    pub fn name(&self) -> &'static str {
        match self {
            Event::SessionCreated(_) => "session.created",
            Event::SessionUpdated(_) => "session.updated",
            Event::SessionClosed(_) => "session.closed",
            Event::LogRecovered(_) => "log.recovered",
            Event::StateChanged(_) => "state.changed",
            Event::PromptQueued(_) => "prompt.queued",
            Event::PromptStarted(_) => "prompt.started",
            Event::PromptCancelled(_) => "prompt.cancelled",
            Event::PromptSteered(_) => "prompt.steered",
            Event::TurnStarted(_) => "turn.started",
            Event::TurnEnded(_) => "turn.ended",
            Event::ItemUpserted(_) => "item.upserted",
            Event::ItemDelta(_) => "item.delta",
            Event::DiffUpdated(_) => "diff.updated",
            Event::PlanUpdated(_) => "plan.updated",
            Event::PermissionRequested(_) => "permission.requested",
            Event::PermissionResolved(_) => "permission.resolved",
            Event::UsageUpdated(_) => "usage.updated",
            Event::LimitsUpdated(_) => "limits.updated",
            Event::RetryScheduled(_) => "retry.scheduled",
            Event::ProcessEvent(_) => "process.event",
            Event::Error(_) => "error",
            Event::Unparsed(_) => "unparsed",
            Event::Native(_) => "native",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope(event: Event) -> Envelope {
        Envelope {
            v: 1,
            epoch: "e".into(),
            seq: 7,
            ts: "2026-11-21T06:39:49.376Z".into(),
            session_id: "ses_1".into(),
            turn_id: Some("turn_1".into()),
            item_id: Some("item_1".into()),
            event,
            src: Source::sixframe(),
            ext: None,
        }
    }

    #[test]
    fn an_envelope_is_flat_and_reads_back_as_it_was() {
        let event = Event::ItemDelta(Delta { field: DeltaField::Text, delta: "hi".into(), offset: 3 });
        let envelope = envelope(event);
        let written = serde_json::to_value(&envelope).unwrap_or_default();
        let expected = json!({
            "v": 1, "epoch": "e", "seq": 7, "ts": "2026-11-21T06:39:49.376Z", "sessionId": "ses_1", "turnId": "turn_1",
            "itemId": "item_1", "type": "item.delta", "data": {"field": "text", "delta": "hi", "offset": 3},
            "src": {"provider": "sixframe"}
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Envelope>(written).ok(), Some(envelope));
    }

    #[test]
    fn an_events_name_is_the_type_it_is_written_with() {
        let problem = Problem::new(super::super::problem::ProblemKind::Unknown, "x");
        let events = [
            Event::Error(problem),
            Event::ProcessEvent(ProcessEvent::Ready),
            Event::TurnStarted(TurnStarted { prompt_id: "p".into() }),
            Event::PlanUpdated(Plan { entries: Vec::new() }),
            Event::LogRecovered(LogRecovered { bytes: 3 }),
            Event::SessionUpdated(SessionUpdate::default()),
        ];
        for event in events {
            let written = serde_json::to_value(&event).unwrap_or_default();
            assert_eq!(written["type"], event.name());
        }
    }
}
