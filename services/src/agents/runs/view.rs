//! A run as windows see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::event::{Outcome, RunMember, RunMemberEnded, RunMerged, Strategy};
use super::super::item::FileChange;
use super::super::problem::Problem;
use super::super::secrets::Secrets;
use super::merging::boundary;

/// The longest text that is shown, in bytes. All of it stands in the run's log.
const TEXT: usize = 8 << 10;

/// The most files of a member that are shown.
const FILES: usize = 200;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentRunState")]
pub enum RunState {
    /// Its members work.
    Running,
    /// Their answers are judged, or made into one.
    Merging,
    /// It is over, and nothing of it runs.
    Ended,
}

/// A run as a window shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunView")]
pub struct RunView {
    /// Its id, by which `agent.events` has its log.
    pub run_id: String,
    /// What is asked.
    pub prompt: String,
    /// The folder.
    pub cwd: String,
    /// What is made of the answers.
    pub strategy: Strategy,
    /// How far it is.
    pub state: RunState,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Who works on it.
    pub members: Vec<RunMemberView>,
    /// The judge, or who synthesises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merger: Option<RunMemberView>,
    /// What was made of the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<RunMerged>,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Whether its members have worktrees of their own, so that their changes can be applied.
    pub has_worktrees: bool,
    /// The number of its newest event.
    pub seq: u64,
}

/// A member of a run as a window shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunMemberView")]
pub struct RunMemberView {
    /// Who it is.
    #[serde(flatten)]
    pub member: RunMember,
    /// How its turn ended; absent while it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// The end of its last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What it changed in its worktree, without the diffs, which `run.diff` has. The first 200 files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileChange>,
    /// Whether these are in the run's folder, because somebody applied them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_applied: bool,
}

impl RunView {
    /// It as JSON, without secrets.
    pub(super) fn shown(&self, secrets: &Secrets) -> serde_json::Result<String> {
        Ok(secrets.redacted_json(&serde_json::to_string(self)?, &[], None).into_owned())
    }
}

impl RunMemberView {
    pub(super) fn of(member: &RunMember, ended: Option<&RunMemberEnded>) -> RunMemberView {
        let files = ended.into_iter().flat_map(|ended| &ended.files).take(FILES);
        let answer = ended.and_then(|ended| ended.answer.as_deref());
        RunMemberView {
            member: member.clone(),
            outcome: ended.map(|ended| ended.outcome),
            error: ended.and_then(|ended| ended.error.clone()),
            answer: answer.map(ending),
            files: files.map(|file| FileChange { unified_diff: None, ..file.clone() }).collect(),
            is_applied: false,
        }
    }
}

/// The beginning of a text, where it is long.
pub(super) fn beginning(text: &str) -> String {
    text[..boundary(text, TEXT)].to_owned()
}

/// The end of a text, where it is long.
pub(super) fn ending(text: &str) -> String {
    text[boundary(text, text.len().saturating_sub(TEXT))..].to_owned()
}
