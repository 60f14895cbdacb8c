//! What is told of a run: several agents that work on the same prompt at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::item::FileChange;
use super::super::problem::Problem;
use super::Outcome;

/// What is made of the members' answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentStrategy")]
pub enum Strategy {
    /// They stand side by side.
    #[default]
    Fanout,
    /// The first that completes holds; the others are stopped.
    Race,
    /// A judge picks one.
    Vote,
    /// One is given all answers, and makes one of them.
    Synthesise,
}

/// A run begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunStarted")]
pub struct RunStarted {
    /// What is asked.
    pub prompt: String,
    /// The folder.
    pub cwd: String,
    /// What is made of the answers.
    pub strategy: Strategy,
    /// Who works on it.
    pub members: Vec<RunMember>,
    /// The judge of a vote, or who synthesises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merger: Option<RunMember>,
}

/// An agent of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunMember")]
pub struct RunMember {
    /// Its name within the run.
    pub name: String,
    /// Its session, whose events are in the log of that session. Absent until it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its provider.
    pub provider: String,
    /// Its model, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The git worktree that it works in, where it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
}

/// A member is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunMemberEnded")]
pub struct RunMemberEnded {
    /// Which.
    pub name: String,
    /// How its turn ended.
    pub outcome: Outcome,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Its last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What it changed in its worktree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileChange>,
}

/// Somebody is asked to judge the answers, or to make one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentRunMerging")]
pub struct RunMerging {
    /// Who: a member, or somebody else.
    pub by: RunMember,
}

/// The answers were judged, or made into one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunMerged")]
pub struct RunMerged {
    /// By which member.
    pub by: String,
    /// Which answer holds, of a vote and of a race.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Why, or the answer that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A run is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunEnded")]
pub struct RunEnded {
    /// How: completed where at least one member is.
    pub outcome: Outcome,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// A member's changes are in the folder of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRunApplied")]
pub struct RunApplied {
    /// Whose.
    pub name: String,
    /// Which.
    pub files: Vec<FileChange>,
}
