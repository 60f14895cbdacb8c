//! What happened in a session, for people: the log folded into turns, and that written as JSON, Markdown or Org. Pure, but for
//! what reads logs and writes files. What the log says is the truth; everything here can be made again from it.

mod archive;
mod catalogue;
mod document;
mod entries;
mod fold;
mod growing;
mod heads;
#[cfg(test)]
mod hostile;
mod index;
mod markdown;
mod notice;
mod org;
mod place;
mod query;
mod reading;
mod shapes;
mod snippet;
mod visible;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{Event, Outcome, Plan, QuestionRequest, QuestionResolved, RunEnded, RunMember, RunMerged, Strategy};
use super::item::{FileChange, Item};
use super::permission::{PermissionRequest, PermissionResolved};
use super::problem::Problem;
use super::usage::{Cost, Usage};
pub use archive::TranscriptConfig;
pub(super) use archive::{Archive, Folder};
pub(super) use catalogue::Found;
use fold::Fold;
pub(super) use heads::title_of;
use heads::{Head, Heads};

/// What a list of transcripts tells of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptInfo {
    /// The session, or the run.
    pub session_id: String,
    /// The provider of its agent; `run` for a run.
    pub provider: String,
    /// The folder that the agent works in.
    pub cwd: String,
    /// What it is called: the agent's title, or else the first line that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The model that answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// When something was last told of it, in milliseconds since 1970.
    pub updated_at_ms: u64,
    /// How many turns it has; of a run, how many members.
    pub turns: u64,
    /// How the last turn that ended did, or the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What its turns used together, as far as the agent tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What its turns cost together, as far as the agent tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Whether nothing is added to it any more.
    pub is_closed: bool,
    /// The run that it is a member of; a run's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The session that it is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
}

/// A session from its beginning on, or a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transcript {
    /// What it is.
    pub info: TranscriptInfo,
    /// Its turns, in order.
    pub turns: Vec<TranscriptTurn>,
    /// Items from before its first turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<TranscriptItem>,
    /// What is told beside the turns, or beside what an agent says in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<TranscriptNotice>,
    /// The run, where it is the transcript of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<TranscriptRun>,
    /// What of the log cannot be read.
    #[serde(default, skip_serializing_if = "Unread::is_nothing")]
    pub unread: Unread,
}

/// The event on a line of a log, if it is one that is known here.
fn event(line: &[u8]) -> Option<(Head, Event)> {
    Some((serde_json::from_slice(line).ok()?, serde_json::from_slice(line).ok()?))
}

impl Transcript {
    /// What a log comes to, secrets that only their shape gives away included. None where it is neither that of a session nor
    /// that of a run.
    pub fn of_log(log: &[u8]) -> Option<Transcript> {
        let mut fold = Fold::default();
        let end = memchr::memrchr(b'\n', log).map_or(0, |at| at + 1);
        log[..end].split_inclusive(|byte| *byte == b'\n').for_each(|line| fold.line(line));
        fold.finish((log.len() - end) as u64).map(|transcript| shapes::Shapes::default().transcript(transcript))
    }

    /// The transcript as JSON, for people too.
    ///
    /// # Errors
    /// What an agent sent cannot be written as JSON, which no log has.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }
}

/// What of a log cannot be read, and is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "TranscriptUnread")]
pub struct Unread {
    /// Bytes behind its last whole line: a write that was cut off, or is under way.
    pub torn_bytes: u64,
    /// Lines that are no events.
    pub lines: u64,
    /// Events that only a later version knows.
    pub later_events: u64,
}

impl Unread {
    /// Whether everything could be read.
    pub fn is_nothing(&self) -> bool {
        *self == Unread::default()
    }
}

/// A turn: what was asked and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptTurn {
    /// Its id.
    pub turn_id: String,
    /// What was asked, as text.
    pub prompt: String,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// When it ended, in milliseconds since 1970; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<u64>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Messages, thoughts and tool calls, in the order in which they began, as they were in the end.
    pub items: Vec<TranscriptItem>,
    /// What leave was asked for.
    pub permissions: Vec<TranscriptPermission>,
    /// What the agent asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<TranscriptQuestion>,
    /// The agent's plan, as it was in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What became of files, each once.
    pub files: Vec<FileChange>,
    /// Whether what it changed was taken back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_undone: bool,
    /// Whether long texts, and long lists within its entries, were cut, since the session has more of them than a transcript
    /// holds, or the turn more than an answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_cut: bool,
    /// How many of its items, permissions, questions and files are left out, since they would fit into no answer however they
    /// were cut. Of each list they are missing in the middle: behind the first half of it, rounded down.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted_entries: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// An item as it was in the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptItem {
    /// Its id.
    pub item_id: String,
    /// The number of the event that it began with.
    pub seq: u64,
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// What it is.
    #[serde(flatten)]
    pub item: Item,
}

/// What leave was asked for, and what was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptPermission {
    /// The number of the event that asked.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The item that waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// What was asked.
    pub request: PermissionRequest,
    /// What was answered; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<PermissionResolved>,
}

/// What an agent asked, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptQuestion {
    /// The number of the event that asked.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What was asked.
    pub request: QuestionRequest,
    /// What was answered; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<QuestionResolved>,
}

/// Something beside what an agent says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptNotice {
    /// The number of the event.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The turn that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The type of the event, `log.recovered` for one.
    pub kind: String,
    /// What happened, for people.
    pub text: String,
}

/// A run: several agents on one prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptRun {
    /// What was asked.
    pub prompt: String,
    /// What was made of the answers.
    pub strategy: Strategy,
    /// Who worked on it. Their transcripts are those of their sessions.
    pub members: Vec<TranscriptMember>,
    /// The judge of a vote, or who synthesised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merger: Option<RunMember>,
    /// Which answer was chosen, or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<RunMerged>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<RunEnded>,
}

/// An agent of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptMember {
    /// Who.
    #[serde(flatten)]
    pub member: RunMember,
    /// How its turn ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Its last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileChange>,
    /// Whether that is in the folder of the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_applied: bool,
}
