//! What can be done with a session, served.

use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router, Scope};

use super::super::api::{
    ANSWER, AnswerParams, Done, EDIT_PROMPT, EditPromptParams, FORK, ForkParams, GET_METADATA, Metadata,
    MetadataParams, RESUME, SESSIONS, SET_PROVIDER, SessionRef, SessionsListed, SetProviderParams, UNDO, UndoParams,
    Undone,
};
use super::super::permission::Decider;
use super::super::session::{NotNow, Unanswered};
use super::super::sessions::{Agents, Consent, NotBegun, NotHanded};
use super::super::undo::NotUndone;
use super::{session, unread};

pub(super) fn router(agents: &Agents) -> Router {
    let each = || agents.clone();
    let (answering, editing, resuming) = (each(), each(), each());
    let (forking, handing, known, undoing, listing) = (each(), each(), each(), each(), each());
    Router::new()
        .function(SESSIONS, move |_, _| {
            let sessions = listing.views();
            sessions.map(|sessions| SessionsListed { sessions }).map_err(|error| unread("sessions", &error))
        })
        .method(ANSWER, move |context, params| answer(answering.clone(), context, params))
        .method(EDIT_PROMPT, move |_, params| edit(editing.clone(), params))
        .method(RESUME, move |context, params| resume(resuming.clone(), context, params))
        .method(FORK, move |context, params| fork(forking.clone(), context, params))
        .method(SET_PROVIDER, move |_, params| hand_over(handing.clone(), params))
        .method(UNDO, move |_, params| undo(undoing.clone(), params))
        .method(GET_METADATA, move |_, params| {
            let agents = known.clone();
            async move { metadata(&agents, params).await }
        })
}

async fn metadata(agents: &Agents, params: MetadataParams) -> Result<Option<Metadata>, Fault> {
    match params {
        MetadataParams::Session(SessionRef { session_id }) => Ok(Some(agents.metadata(&session_id).await?)),
        MetadataParams::Id(session_id) => match agents.metadata(&session_id).await {
            Err(NotBegun::NoSession(_)) => Ok(None),
            known => Ok(Some(known?)),
        },
    }
}

async fn answer(agents: Agents, context: Context, params: AnswerParams) -> Result<Done, Fault> {
    let AnswerParams { question_id, answers } = params;
    let session = agents.asking(&question_id).ok_or(Unanswered::Gone)?;
    let by = Decider::Person { owner: context.owner().id().to_owned() };
    session.answer(question_id, answers, by).await??;
    Ok(Done { ok: true })
}

async fn edit(agents: Agents, params: EditPromptParams) -> Result<Done, Fault> {
    let EditPromptParams { session_id, prompt_id, content, seq } = params;
    if content.is_empty() {
        let details = json!({"path": "content", "expected": "at least one part"});
        return Err(Fault::new(Code::INVALID_PAYLOAD, "a prompt says something").details(details));
    }
    match session(&agents, &session_id)?.edit_prompt(prompt_id, content, seq).await?? {
        true => Ok(Done { ok: true }),
        false => Err(Fault::new(Code::NOT_FOUND, "no such prompt waits; what is at work cannot be edited any more")),
    }
}

async fn resume(agents: Agents, context: Context, params: SessionRef) -> Result<SessionRef, Fault> {
    agents.resume(&params.session_id, consent(&context)).await?;
    Ok(params)
}

async fn fork(agents: Agents, context: Context, params: ForkParams) -> Result<SessionRef, Fault> {
    let session_id = agents.fork(&params.session_id, params.title, consent(&context)).await?;
    Ok(SessionRef { session_id })
}

async fn hand_over(agents: Agents, params: SetProviderParams) -> Result<Done, Fault> {
    let SetProviderParams { session_id, provider, model } = params;
    agents.succeed(&session_id, &provider, model).await?;
    Ok(Done { ok: true })
}

async fn undo(agents: Agents, params: UndoParams) -> Result<Undone, Fault> {
    let UndoParams { session_id, turn_id, force } = params;
    Ok(Undone { files: agents.undo(session_id, turn_id, force).await? })
}

fn consent(context: &Context) -> Consent {
    match context.identity().scopes.contains(Scope::Approve) {
        true => Consent::Given,
        false => Consent::NotGiven,
    }
}

impl From<NotHanded> for Fault {
    fn from(error: NotHanded) -> Fault {
        match error {
            NotHanded::NotBegun(error) => error.into(),
            NotHanded::Over(over) => over.into(),
            NotHanded::NoTurn => Fault::new(Code::NOT_FOUND, error.to_string()),
            NotHanded::NotUndone(error) => error.into(),
            NotHanded::NotNow(NotNow::Closed) => Fault::new(Code::NOT_FOUND, NotNow::Closed.to_string()),
            NotHanded::NotNow(NotNow::InTurn) => Fault::new(Code::CONFLICT, NotNow::InTurn.to_string()),
        }
    }
}

impl From<NotUndone> for Fault {
    fn from(error: NotUndone) -> Fault {
        let message = error.to_string();
        match error {
            NotUndone::Conflict(paths) => Fault::new(Code::CONFLICT, message).details(json!({"paths": paths})),
            NotUndone::InTurn => Fault::new(Code::CONFLICT, message),
            NotUndone::NotKept => Fault::new(Code::NOT_FOUND, message),
            NotUndone::Off => Fault::new(Code::FORBIDDEN, message).details(json!({"setting": "agent.undo"})),
            NotUndone::NoGit => Fault::new(Code::UNSUPPORTED, message).details(json!({"missing": "git"})),
            NotUndone::Failed(_) => Fault::new(Code::INTERNAL, message),
        }
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
