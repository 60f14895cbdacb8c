//! What a context is told as: its parts, how long they are, and what was cut or left out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an agent is given in front of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptContext {
    /// The text, as it is sent.
    pub text: String,
    /// What is told of it.
    pub summary: ContextSummary,
}

/// What is sent with a prompt, without the text itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentContextSummary")]
pub struct ContextSummary {
    /// Its length in characters.
    pub characters: u64,
    /// The tokens that it comes to: one for each four ASCII characters, one for each other character. An estimate.
    pub estimated_tokens: u64,
    /// What it consists of, in the order in which it is sent.
    pub parts: Vec<PromptPart>,
    /// What was cut or left out.
    pub omitted: Vec<Omitted>,
}

/// A part of what is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentPromptPart")]
pub struct PromptPart {
    /// What it is.
    pub kind: PartKind,
    /// The file that it is of, below the session's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its length in characters.
    pub characters: u64,
    /// Whether something of it was cut.
    pub is_cut: bool,
    /// Whether the name of its file says that it holds secrets. Such a file is sent only where it was named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_secret: bool,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentPromptPartKind")]
pub enum PartKind {
    /// Who the agent is to be.
    Role,
    /// The files of the project, by their names.
    Tree,
    /// What the template has to say of components and interfaces.
    Notes,
    /// What was said before.
    History,
    /// The file that is spoken of.
    File,
    /// What is selected.
    Selection,
    /// How to answer.
    Rules,
    /// What somebody typed: the last part, always.
    Prompt,
}

/// Something that is not sent, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentPromptOmitted")]
pub struct Omitted {
    /// What: a path below the session's folder, or the kind of a part.
    pub what: String,
    /// Why.
    pub why: OmittedWhy,
    /// How much of it, in words.
    pub detail: String,
}

/// Why something is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentOmittedWhy")]
pub enum OmittedWhy {
    /// It is longer than what is left of the template's `characters`.
    Budget,
    /// Its name says that it holds secrets.
    Secret,
    /// It cannot be read.
    Unreadable,
}

/// The file that a prompt is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "AgentCurrentFile")]
pub enum CurrentFile {
    /// Its path, below the session's folder or in full. It is read from the disk.
    Path(String),
    /// A file that may be open somewhere.
    File {
        /// Its path, below the session's folder or in full.
        path: String,
        /// Its text as it is in the editor; read from the disk where it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },
}

impl CurrentFile {
    pub(super) fn path(&self) -> &str {
        match self {
            CurrentFile::Path(path) | CurrentFile::File { path, .. } => path,
        }
    }

    pub(super) fn content(&self) -> Option<&str> {
        match self {
            CurrentFile::Path(_) => None,
            CurrentFile::File { content, .. } => content.as_deref(),
        }
    }
}

/// What is selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentSelection")]
pub struct Selection {
    /// The text.
    pub text: String,
    /// The line of the current file that it begins in, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_line: Option<u64>,
    /// The line that it ends in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u64>,
}
