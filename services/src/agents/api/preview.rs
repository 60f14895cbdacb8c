//! `agent.previewPrompt`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope};

use super::super::item::Content;
use super::super::prompt_builder::{ContextSummary, CurrentFile, Selection};

/// `agent.previewPrompt`: made by what makes the prompt itself.
pub const PREVIEW_PROMPT: Method<PreviewParams, Previewed> = Method::new("agent.previewPrompt")
    .doc("Shows what agent.prompt would send with the same parameters: the whole text, its parts, and what was left out. Where \
          that is more than what was typed, it needs the scope call.")
    .scope(Scope::Read)
    .idempotent();

/// What `agent.previewPrompt` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentPreviewParams")]
pub struct PreviewParams {
    /// The session.
    pub session_id: String,
    /// What is asked.
    pub content: Vec<Content>,
    /// The file that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_file: Option<CurrentFile>,
    /// What is selected in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// What `agent.previewPrompt` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentPreviewed")]
pub struct Previewed {
    /// The text that would be sent, its parts with an empty line between them. Pictures are not in it.
    pub text: String,
    /// How long it is, what it consists of, what was cut or left out. The last part is what is asked.
    #[serde(flatten)]
    pub summary: ContextSummary,
}
