//! What can be done with a session beside asking it for something: questions are answered, prompts edited.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope};

use super::super::item::Content;
use super::Done;

/// `agent.answer`: good for one answer.
pub const ANSWER: Method<AnswerParams, Done> = Method::new("agent.answer")
    .doc(
        "Answers what an agent asks a person; without answers, declines to. Programs that an agent has started may not.",
    )
    .scope(Scope::Approve);

/// `agent.editPrompt`: what is at work cannot be edited any more.
pub const EDIT_PROMPT: Method<EditPromptParams, Done> = Method::new("agent.editPrompt")
    .doc("Puts other words in the place of a prompt that waits for its turn. It keeps its place.")
    .idempotent();

/// What `agent.answer` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentAnswerParams")]
pub struct AnswerParams {
    /// What to answer to.
    pub question_id: String,
    /// The answers by the ids of the questions: labels of options, or texts where those are taken. None at all declines.
    #[serde(default)]
    pub answers: BTreeMap<String, Vec<String>>,
}

/// What `agent.editPrompt` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AgentEditPromptParams")]
pub struct EditPromptParams {
    /// The session.
    pub session_id: String,
    /// The prompt, as `prompt.queued` names it.
    pub prompt_id: String,
    /// What is asked instead.
    pub content: Vec<Content>,
}
