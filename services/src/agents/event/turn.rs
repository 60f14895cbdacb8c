//! What is told of prompts and of the turns that work on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::item::{Content, FileChange};
use super::super::problem::Problem;
use super::super::prompt_builder::ContextSummary;
use super::super::usage::{Cost, Usage};

/// How a prompt reaches an agent that is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentDelivery")]
pub enum Delivery {
    /// It waits until the turn and the prompts before it are done.
    #[default]
    Queue,
    /// It joins the turn; where the agent knows no such thing, it waits in front of what is queued.
    Steer,
    /// The turn is interrupted for it, and it goes in front of what waits.
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
    /// What the agent is given with it. The text itself is in the `ext` of `prompt.started`, as `context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextSummary>,
}

/// A prompt that was told of before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentPromptRef")]
pub struct PromptRef {
    /// Its id.
    pub prompt_id: String,
}

/// Who begins a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentTurnOrigin")]
pub enum TurnOrigin {
    /// Somebody, by a prompt.
    #[default]
    Prompt,
    /// The agent, by itself: something that it had left to itself is done, a command in the background for one.
    Agent,
}

impl TurnOrigin {
    fn is_prompt(&self) -> bool {
        *self == TurnOrigin::Prompt
    }
}

/// The agent works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentTurnStarted")]
pub struct TurnStarted {
    /// On what; nothing where the agent begins by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_id: Option<String>,
    /// Who began it; somebody, where it is left out.
    #[serde(default, skip_serializing_if = "TurnOrigin::is_prompt")]
    pub origin: TurnOrigin,
    /// Why the agent began it, in its words, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl TurnStarted {
    /// A turn that works on a prompt.
    pub fn on(prompt_id: impl Into<String>) -> TurnStarted {
        TurnStarted { prompt_id: Some(prompt_id.into()), ..TurnStarted::default() }
    }

    /// A turn that the agent began by itself.
    pub fn by_agent(reason: Option<String>) -> TurnStarted {
        TurnStarted { prompt_id: None, origin: TurnOrigin::Agent, reason }
    }
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

impl TurnEnded {
    /// The end of what somebody stopped before it began.
    pub(crate) fn stopped() -> TurnEnded {
        TurnEnded {
            outcome: Outcome::Interrupted,
            error: None,
            usage: None,
            cost: None,
            duration_ms: 0,
            first_event_ms: None,
            native_stop_reason: None,
        }
    }
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
