//! What an agent asks a person that is no leave: which way to go, a name, a choice among several.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::permission::Decider;

/// Questions that belong together, as a person is shown them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentQuestionRequest")]
pub struct QuestionRequest {
    /// What to answer to.
    pub question_id: String,
    /// Who asks, where it is not the agent itself: a tool server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The questions, at least one.
    pub questions: Vec<Question>,
    /// When nobody can answer any more, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// A question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentQuestion")]
pub struct Question {
    /// Its name among those it was asked with.
    pub id: String,
    /// A word or two on what it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What is asked.
    pub text: String,
    /// What may be answered; any text where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
    /// Whether several options may be taken.
    #[serde(default)]
    pub is_multiple: bool,
    /// Whether a text of one's own may be answered beside the options.
    #[serde(default)]
    pub allows_other: bool,
    /// Whether the answer is a secret: it is not shown while it is typed, and not written down.
    #[serde(default)]
    pub is_secret: bool,
    /// Whether the questions can be answered without it. They can be left alone as a whole, whatever this says.
    #[serde(default)]
    pub is_required: bool,
    /// What an answer must be.
    #[serde(default, skip_serializing_if = "AnswerKind::is_text")]
    pub kind: AnswerKind,
}

/// What an answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentAnswerKind")]
pub enum AnswerKind {
    /// Any text.
    #[default]
    Text,
    /// A number.
    Number,
    /// A number without a fraction.
    Integer,
}

impl AnswerKind {
    fn is_text(&self) -> bool {
        *self == AnswerKind::Text
    }
}

/// An answer that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentQuestionOption")]
pub struct QuestionOption {
    /// The answer.
    pub label: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentQuestionResolved")]
pub struct QuestionResolved {
    /// Which.
    pub question_id: String,
    /// The answers by the ids of the questions; secrets are left out. Absent where nobody answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, Vec<String>>>,
    /// By whom.
    pub by: Decider,
}
