//! The methods `transcript.*`: what sessions were, listed, read, written to files, searched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope};

use super::super::transcript::{Transcript, TranscriptInfo};

/// `transcript.list`: closed sessions and open ones, runs too.
pub const LIST_TRANSCRIPTS: Method<TranscriptListParams, TranscriptList> = Method::new("transcript.list")
    .doc("Lists what sessions and runs there are logs of, those first that something was told of last.")
    .scope(Scope::Read)
    .idempotent();

/// `transcript.get`: a fold of the log.
pub const GET_TRANSCRIPT: Method<TranscriptGetParams, TranscriptText> = Method::new("transcript.get")
    .doc("Gives what happened in a session or run: as data, as Markdown or as Org. Long ones as data in several answers.")
    .scope(Scope::Read)
    .idempotent();

/// `transcript.export`: to the configured folder, or, with the scope `approve`, to any where agents may work.
pub const EXPORT_TRANSCRIPT: Method<TranscriptExportParams, TranscriptFiles> = Method::new("transcript.export")
    .doc("Writes what happened in a session or run to files. A folder of the caller's needs the scope approve.")
    .idempotent();

/// `transcript.search`: words may be beginnings, phrases stand between quotes.
pub const SEARCH_TRANSCRIPTS: Method<TranscriptSearchParams, TranscriptHits> = Method::new("transcript.search")
    .doc("Finds messages, thoughts, tool calls and sessions that have all these words, the newest first.")
    .scope(Scope::Read)
    .idempotent();

/// How a transcript is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TranscriptFormat {
    /// As data.
    #[default]
    Json,
    /// As Markdown.
    Md,
    /// As Org.
    Org,
}

impl TranscriptFormat {
    /// All of them.
    pub const ALL: [TranscriptFormat; 3] = [TranscriptFormat::Json, TranscriptFormat::Md, TranscriptFormat::Org];

    /// The ending of a file of it.
    pub fn ending(self) -> &'static str {
        match self {
            TranscriptFormat::Json => "json",
            TranscriptFormat::Md => "md",
            TranscriptFormat::Org => "org",
        }
    }
}

/// What `transcript.list` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TranscriptListParams {
    /// Those of agents that work in this folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Those of this provider; `run` for runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Those behind the `next` of an earlier answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How many at most: up to 1000. Default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What `transcript.list` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptList {
    /// The sessions and runs.
    pub transcripts: Vec<TranscriptInfo>,
    /// What to ask for more with; absent where there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What `transcript.get` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TranscriptGetParams {
    /// The session or the run.
    pub session_id: String,
    /// As what.
    #[serde(default)]
    pub format: TranscriptFormat,
    /// As data: from which turn on, counted from 0.
    #[serde(default)]
    pub from_turn: u64,
}

/// What `transcript.get` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptText {
    /// The session or the run.
    pub session_id: String,
    /// As what it is given.
    pub format: TranscriptFormat,
    /// Markdown or Org.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Transcript>,
    /// The `fromTurn` to ask for the rest with; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_turn: Option<u64>,
}

/// What `transcript.export` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TranscriptExportParams {
    /// The session or the run.
    pub session_id: String,
    /// As what; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<TranscriptFormat>,
    /// A folder that is there, as an absolute path; the configured one where none is named. It needs the scope `approve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
}

/// What `transcript.export` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptFiles {
    /// The files, in the order of the formats.
    pub paths: Vec<String>,
}

/// What `transcript.search` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TranscriptSearchParams {
    /// Words, each of which may be the beginning of one, and phrases between quotes; at most 1024 bytes.
    pub query: String,
    /// In sessions of agents that work in this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// In sessions of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// How many at most: up to 200. Default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What `transcript.search` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptHits {
    /// What was found, the newest first.
    pub hits: Vec<TranscriptHit>,
    /// Whether there may be more, since not all logs are in the index yet.
    pub is_rebuilding: bool,
    /// Whether there may be more, since so much has the words, though not in order, that not all of it was looked through.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// A part of a session that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptHit {
    /// The session or the run.
    pub session_id: String,
    /// The turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// The number of the event that it began with.
    pub seq: u64,
    /// When, as RFC 3339 in UTC.
    pub ts: String,
    /// The kind of the item, `session` for its title, or the type of the event.
    pub kind: String,
    /// What the session is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text around what was found, on one line.
    pub snippet: String,
    /// Where in it what was looked for stands, from and to, in UTF-16 code units as JavaScript counts.
    pub ranges: Vec<[u64; 2]>,
}
