//! A prompt with what is sent beside it, and `agent.previewPrompt`, which shows it: both are made here.

use std::path::PathBuf;

use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router, Scope};
use tokio::task::spawn_blocking;

use super::super::agent::Prompt;
use super::super::api::{PREVIEW_PROMPT, PreviewParams, Previewed};
use super::super::identifier::identifier;
use super::super::item::Content;
use super::super::prompt_builder::{self, Additions, ContextSummary, NotBuilt, PartKind, PromptPart, estimated_tokens};
use super::super::sessions::Agents;

/// `agent.previewPrompt`.
pub(super) fn router(agents: &Agents) -> Router {
    let agents = agents.clone();
    Router::new().method(PREVIEW_PROMPT, move |context, params| preview(agents.clone(), context, params))
}

/// A prompt for an agent that works in this folder.
pub(super) async fn compose(
    agents: &Agents,
    folder: PathBuf,
    content: Vec<Content>,
    additions: Additions,
) -> Result<Prompt, Fault> {
    if content.is_empty() {
        let details = json!({"path": "content", "expected": "at least one part"});
        return Err(Fault::new(Code::INVALID_PAYLOAD, "a prompt says something").details(details));
    }
    let templates = agents.templates().clone();
    let building = spawn_blocking(move || prompt_builder::build(&folder, &templates, &additions));
    let context = building.await.map_err(|_| Fault::new(Code::CANCELLED, "the daemon ends"))??;
    Ok(Prompt { context, ..Prompt::new(identifier("prompt"), content) })
}

async fn preview(agents: Agents, context: Context, params: PreviewParams) -> Result<Previewed, Fault> {
    let PreviewParams { session_id, content, current_file, selection, template } = params;
    let folder = super::session(&agents, &session_id)?.view().cwd.into();
    let additions = Additions { current_file, selection, template, history: Vec::new() };
    // Who may only look at what happens may not look into folders by asking what would be sent of them.
    if additions != Additions::default() && !context.identity().scopes.contains(Scope::Call) {
        let message = "what is sent beside what is typed is shown to whoever may send it: it needs the scope call";
        return Err(Fault::new(Code::FORBIDDEN, message).details(json!({"scope": "call"})));
    }
    let prompt = compose(&agents, folder, content, additions).await?;
    let text = prompt.sent_text();
    let (characters, asked) = (text.chars().count() as u64, prompt.text().chars().count() as u64);
    let told = prompt.context.map(|context| context.summary).unwrap_or_default();
    let last = PromptPart { kind: PartKind::Prompt, path: None, characters: asked, is_cut: false, is_secret: false };
    let parts = told.parts.into_iter().chain([last]).collect();
    let summary =
        ContextSummary { characters, estimated_tokens: estimated_tokens(&text), parts, omitted: told.omitted };
    Ok(Previewed { text, summary })
}

impl From<NotBuilt> for Fault {
    fn from(error: NotBuilt) -> Fault {
        let message = error.to_string();
        let path = match error {
            NotBuilt::File { .. } => "currentFile",
            NotBuilt::NoTemplate(_) => "template",
        };
        Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": path}))
    }
}
