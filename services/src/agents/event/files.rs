//! What is told of the files of a session's folder beside what the agent says of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::item::{ChangeKind, FileChange};

/// Files are not what they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentFilesChanged")]
pub struct FilesChanged {
    /// Which, and how.
    pub files: Vec<FileSeen>,
    /// How many more there are that are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A file as it was seen on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentFileSeen")]
pub struct FileSeen {
    /// Its path below the session's folder, or an absolute one.
    pub path: String,
    /// What became of it.
    pub kind: ChangeKind,
}

/// Somebody else changes what the turn is changing: one of the two may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentFilesContended")]
pub struct FilesContended {
    /// The paths below the session's folder.
    pub paths: Vec<String>,
}

/// What a turn changed is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentTurnUndone")]
pub struct TurnUndone {
    /// The turn.
    pub turn_id: String,
    /// What was changed to undo it.
    pub files: Vec<FileChange>,
}
