//! A prompt with what is sent beside it, and `agent.previewPrompt`, which shows it: both are made here.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router, Scope};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use super::super::agent::Prompt;
use super::super::api::{PREVIEW_PROMPT, PreviewParams, Previewed};
use super::super::identifier::identifier;
use super::super::item::Content;
use super::super::prompt_builder::{
    self, Additions, ContextSummary, NotBuilt, PartKind, PromptPart, Templates, estimated_tokens,
};
use super::super::sessions::Agents;

/// `agent.previewPrompt`.
pub(super) fn router(agents: &Agents) -> Router {
    let agents = agents.clone();
    Router::new().method(PREVIEW_PROMPT, move |context, params| preview(agents.clone(), context, params))
}

/// How long a prompt may take to be made: a disk that hangs holds up those behind it no longer.
const LONGEST: Duration = Duration::from_secs(30);

/// A prompt that is made, or was.
pub(super) struct Making {
    pub(super) prompt_id: String,
    /// The prompt itself, which never comes where it cannot be made.
    made: oneshot::Receiver<Prompt>,
    work: Option<JoinHandle<Result<(), Fault>>>,
}

impl Making {
    fn done(prompt: Prompt) -> Making {
        let (prompt_id, (make, made)) = (prompt.id.clone(), oneshot::channel());
        // The other end is here.
        let _ = make.send(prompt);
        Making { prompt_id, made, work: None }
    }

    /// One that goes on being made though whoever asked for it does not listen any more, for 30 s at most.
    pub(super) fn by(prompt_id: String, work: impl Future<Output = Result<Prompt, Fault>> + Send + 'static) -> Making {
        let (make, made) = oneshot::channel();
        let work = tokio::spawn(async move {
            let made = timeout(LONGEST, work).await.map_err(|_| too_late())??;
            // A session that has ended has no use for it.
            let _ = make.send(made);
            Ok(())
        });
        Making { prompt_id, made, work: Some(work) }
    }

    /// The prompt, and what tells whether it could be made.
    pub(super) fn parted(self) -> (oneshot::Receiver<Prompt>, impl Future<Output = Result<(), Fault>> + Send) {
        let Making { made, work, .. } = self;
        let worked = async move {
            match work {
                Some(work) => work.await.map_err(|_| ends())?,
                None => Ok(()),
            }
        };
        (made, worked)
    }
}

/// A prompt for an agent that works in this folder. Where nothing is to be gathered for it, it is there at once.
pub(super) fn compose(
    agents: &Agents,
    folder: PathBuf,
    content: Vec<Content>,
    additions: Additions,
) -> Result<Making, Fault> {
    let prompt = bare(content)?;
    if additions == Additions::default() {
        return Ok(Making::done(prompt));
    }
    Ok(Making::by(prompt.id.clone(), with_context(agents.templates().clone(), folder, prompt, additions)))
}

fn bare(content: Vec<Content>) -> Result<Prompt, Fault> {
    if content.is_empty() {
        let details = json!({"path": "content", "expected": "at least one part"});
        return Err(Fault::new(Code::INVALID_PAYLOAD, "a prompt says something").details(details));
    }
    Ok(Prompt::new(identifier("prompt"), content))
}

async fn with_context(
    templates: Templates,
    folder: PathBuf,
    prompt: Prompt,
    additions: Additions,
) -> Result<Prompt, Fault> {
    let building = spawn_blocking(move || prompt_builder::build(&folder, &templates, &additions));
    let context = building.await.map_err(|_| ends())??;
    Ok(Prompt { context, ..prompt })
}

fn too_late() -> Fault {
    let message = "what is sent beside the prompt could not be read within 30 s; see whether the disk answers";
    Fault::new(Code::INTERNAL, message)
}

fn ends() -> Fault {
    Fault::new(Code::CANCELLED, "the daemon ends")
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
    let prompt = with_context(agents.templates().clone(), folder, bare(content)?, additions).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_while_a_prompt_is_made_is_given_up() {
        let (made, worked) = Making::by("prompt_1".into(), std::future::pending()).parted();
        assert!(worked.await.is_err_and(|fault| fault.code == Code::INTERNAL));
        assert!(made.await.is_err(), "who waits for it waits no longer");
    }
}
