//! The methods `run.*`: several agents on one prompt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope, StreamMethod};

use super::super::event::{Envelope, Mode, Strategy};
use super::super::item::FileChange;
use super::super::runs::RunView;
use super::Done;

/// `run.start`: ends with `run.ended`, when nothing of the run is left at work.
pub const RUN_START: StreamMethod<RunStartParams, Envelope> = StreamMethod::new("run.start").doc(
    "Asks several agents for the same at once; items are the events of the run, whose sessionId is its id, and of its members' \
     sessions. Cancelling it stops all of them, as does losing the connection for longer than the grace, unless detach is \
     said. Modes other than ask and plan need the scope approve.",
);

/// `run.list`: those of this daemon, and earlier ones whose worktrees are kept.
pub const RUN_LIST: Method<RunListParams, RunsListed> =
    Method::new("run.list").doc("Lists the runs that are at work or can be applied.").scope(Scope::Read).idempotent();

/// `run.cancel`: that it has ended is told by its `run.ended`.
pub const RUN_CANCEL: Method<RunRef, Done> =
    Method::new("run.cancel").doc("Stops a run and all its members.").idempotent();

/// `run.diff`: what `run.apply` would bring.
pub const RUN_DIFF: Method<RunMemberRef, RunChanges> = Method::new("run.diff")
    .doc("Tells what a member of a run has changed in its worktree, and the hash of that.")
    .scope(Scope::Read)
    .idempotent();

/// `run.apply`: all of it or nothing.
pub const RUN_APPLY: Method<RunApply, RunChanges> = Method::new("run.apply")
    .doc(
        "Brings what a member of a run has changed into the run's folder, all of it, or nothing where it does not fit what was \
         changed there since.",
    )
    .scope(Scope::Approve);

/// `run.discard`: its log stays.
pub const RUN_DISCARD: Method<RunRef, Done> = Method::new("run.discard")
    .doc("Takes away the worktrees of a run that has ended, and what its members changed in them.");

/// What `run.start` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRunStartParams")]
pub struct RunStartParams {
    /// What is asked.
    pub prompt: String,
    /// The folder to work in: an absolute path.
    pub cwd: String,
    /// Who is asked: 1 to 16.
    pub members: Vec<RunMemberParams>,
    /// What is made of the answers.
    #[serde(default)]
    pub strategy: Strategy,
    /// Who judges a vote, or synthesises. For these two, and needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merger: Option<RunMergerParams>,
    /// Whether each member works in a git worktree of its own, which has what the folder has now, but for what git ignores.
    #[serde(default)]
    pub worktrees: bool,
    /// Whether the worktrees and the members' sessions outlive the run, until `run.discard`.
    #[serde(default)]
    pub keep: bool,
    /// How long each turn may take, without the time that people take. Default 300 s.
    #[serde(default = "super::default_timeout")]
    pub timeout_ms: u64,
    /// Whether the run goes on when the caller is gone.
    #[serde(default)]
    pub detach: bool,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRunMemberParams")]
pub struct RunMemberParams {
    /// What it is called in the run: letters, digits, `-`, `_` and dots within, at most 32. Its provider where there is none,
    /// with a number where that is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its provider.
    pub provider: String,
    /// Its model, in the agent's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it may do without being asked.
    #[serde(default)]
    pub mode: Mode,
}

/// Who judges or synthesises: a member by its name alone, or another agent by its provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRunMergerParams")]
pub struct RunMergerParams {
    /// The member; or, with a provider, what the other agent is called: `judge` or `synthesiser` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The provider of another agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Its model, in the agent's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it may do without being asked. A judge may change nothing: it has the mode `plan` whatever is said.
    #[serde(default)]
    pub mode: Mode,
}

/// What `run.list` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AgentRunListParams")]
pub struct RunListParams {}

/// What `run.list` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentRuns")]
pub struct RunsListed {
    /// The runs, the newest first.
    pub runs: Vec<RunView>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRunRef")]
pub struct RunRef {
    /// Its id.
    pub run_id: String,
}

/// A member of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRunMemberRef")]
pub struct RunMemberRef {
    /// The run.
    pub run_id: String,
    /// The member's name.
    pub member: String,
}

/// What `run.apply` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentRunApplyParams")]
pub struct RunApply {
    /// The run.
    pub run_id: String,
    /// Whose changes.
    pub member: String,
    /// The hash that `run.diff` told with what was shown. Where it is another one by now, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a member of a run has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunChanges")]
pub struct RunChanges {
    /// The files, by their paths in the repository.
    pub files: Vec<FileChange>,
    /// The SHA-256 of the member's changes, in hexadecimal.
    pub sha256: String,
}
