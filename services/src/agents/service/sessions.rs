//! What can be done with a session, served.

use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router};

use super::super::api::{ANSWER, AnswerParams, Done, EDIT_PROMPT, EditPromptParams};
use super::super::permission::Decider;
use super::super::session::Unanswered;
use super::super::sessions::Agents;
use super::session;

pub(super) fn router(agents: &Agents) -> Router {
    let each = || agents.clone();
    let (answering, editing) = (each(), each());
    Router::new()
        .method(ANSWER, move |context, params| answer(answering.clone(), context, params))
        .method(EDIT_PROMPT, move |_, params| edit(editing.clone(), params))
}

async fn answer(agents: Agents, context: Context, params: AnswerParams) -> Result<Done, Fault> {
    let AnswerParams { question_id, answers } = params;
    let session = agents.asking(&question_id).ok_or(Unanswered::Gone)?;
    let by = Decider::Person { owner: context.owner().id().to_owned() };
    session.answer(question_id, answers, by).await??;
    Ok(Done { ok: true })
}

async fn edit(agents: Agents, params: EditPromptParams) -> Result<Done, Fault> {
    let EditPromptParams { session_id, prompt_id, content } = params;
    if content.is_empty() {
        let details = json!({"path": "content", "expected": "at least one part"});
        return Err(Fault::new(Code::INVALID_PAYLOAD, "a prompt says something").details(details));
    }
    match session(&agents, &session_id)?.edit_prompt(prompt_id, content).await? {
        true => Ok(Done { ok: true }),
        false => Err(Fault::new(Code::NOT_FOUND, "no such prompt waits; what is at work cannot be edited any more")),
    }
}

impl From<Unanswered> for Fault {
    fn from(error: Unanswered) -> Fault {
        let message = error.to_string();
        match error {
            Unanswered::Gone => Fault::new(Code::NOT_FOUND, message),
            Unanswered::Unfit { question, .. } => {
                Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "answers", "question": question}))
            }
        }
    }
}
