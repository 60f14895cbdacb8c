//! The agents' methods, served. Knows nothing of transports.

mod again;
mod chat;
mod composing;
mod leash;
mod policy;
mod prompting;
mod runs;
mod sessions;
mod transcripts;
mod trust;
mod watching;

use std::io::{self, ErrorKind};

use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router, Scope};

use super::api::{
    APPROVE, ApproveParams, CANCEL_PROMPT, CLOSE, CREATE_SESSION, CancelPromptParams, CreateSession, Done, EVENTS,
    INTERRUPT, InterruptParams, Interrupted, PROMPT, PROVIDERS, REJECT, RejectParams, SET_MODE, SET_MODEL, SessionRef,
    SetModeParams, SetModelParams,
};
use super::live::{Handle, Over};
use super::permission::Decider;
use super::session::{Choice, Refused, Undecided};
use super::sessions::{Agents, NotBegun};
pub(super) use prompting::LONGEST_MS;

/// The methods `agent.*` over the sessions, and `run.*` over the runs.
pub fn router(agents: &Agents) -> Router {
    let each = || agents.clone();
    let (providers, create, prompt, interrupt) = (each(), each(), each(), each());
    let (approve, reject, cancel, mode) = (each(), each(), each(), each());
    let (model, close, events) = (each(), each(), each());
    Router::new()
        .method(PROVIDERS, move |_, params| {
            let agents = providers.clone();
            async move { Ok::<_, Fault>(agents.providers(params).await) }
        })
        .method(CREATE_SESSION, move |context, params| begin(create.clone(), context, params))
        .written(PROMPT, move |context, params| prompting::prompt(prompt.clone(), context, params))
        .method(INTERRUPT, move |_, params| stop(interrupt.clone(), params))
        .method(APPROVE, move |context, params| {
            let ApproveParams { permission_id, option_id, input_sha256 } = params;
            decide(approve.clone(), context, permission_id, Choice::Approve { option_id, input_sha256 })
        })
        .method(REJECT, move |context, RejectParams { permission_id, reason }| {
            decide(reject.clone(), context, permission_id, Choice::Reject { reason })
        })
        .method(CANCEL_PROMPT, move |_, params| take_back(cancel.clone(), params))
        .method(SET_MODE, move |_, SetModeParams { session_id, mode: to }| {
            let agents = mode.clone();
            async move { Ok::<_, Fault>(done(session(&agents, &session_id)?.set_mode(to).await?)) }
        })
        .method(SET_MODEL, move |_, SetModelParams { session_id, model: to }| {
            let agents = model.clone();
            async move { Ok::<_, Fault>(done(agents.set_model(&session_id, to).await?)) }
        })
        .method(CLOSE, move |_, SessionRef { session_id }| {
            let agents = close.clone();
            async move {
                let is_closed = agents.close(&session_id).await;
                is_closed.then_some(Done { ok: true }).ok_or_else(|| no_session(&session_id))
            }
        })
        .written(EVENTS, move |context, params| watching::watch(events.clone(), &context, params))
        .merge(transcripts::router(agents))
        .merge(policy::router(agents))
        .merge(trust::router(agents))
        .merge(sessions::router(agents))
        .merge(composing::router(agents))
        .merge(chat::router(agents))
        .merge(runs::router(agents))
}

async fn begin(agents: Agents, context: Context, params: CreateSession) -> Result<SessionRef, Fault> {
    if params.mode.consents() && !context.identity().scopes.contains(Scope::Approve) {
        let message = "a session that allows anything by itself needs the scope approve; begin it with the mode ask";
        return Err(Fault::new(Code::FORBIDDEN, message).details(json!({"scope": "approve"})));
    }
    let tied = params.tied;
    let session_id = agents.create(params).await?;
    if tied {
        tie(&agents, &context, session_id.clone());
    }
    Ok(SessionRef { session_id })
}

/// Closes a session when whoever began it is gone.
fn tie(agents: &Agents, context: &Context, session_id: String) {
    let Some(over) = agents.session(&session_id).map(|session| session.over()) else { return };
    let (agents, owner) = (agents.downgrade(), context.owner());
    tokio::spawn(async move {
        tokio::select! {
            () = over => return,
            () = owner.ended() => (),
        }
        if let Some(agents) = agents.upgrade() {
            agents.close(&session_id).await;
        }
    });
}

async fn stop(agents: Agents, params: InterruptParams) -> Result<Interrupted, Fault> {
    let interrupted = session(&agents, &params.session_id)?.interrupt(params.keep_queue).await?;
    Ok(Interrupted { interrupted })
}

async fn decide(agents: Agents, context: Context, id: String, choice: Choice) -> Result<Done, Fault> {
    let session = agents.waiting(&id).ok_or(Undecided::Gone)?;
    let by = Decider::Person { owner: context.owner().id().to_owned() };
    session.decide(id, choice, by).await??;
    Ok(Done { ok: true })
}

async fn take_back(agents: Agents, params: CancelPromptParams) -> Result<Done, Fault> {
    let CancelPromptParams { session_id, prompt_id } = params;
    match session(&agents, &session_id)?.cancel_prompt(prompt_id).await? {
        true => Ok(Done { ok: true }),
        false => Err(Fault::new(Code::NOT_FOUND, "no such prompt waits; stop one at work with agent.interrupt")),
    }
}

fn session(agents: &Agents, id: &str) -> Result<Handle, Fault> {
    agents.session(id).ok_or_else(|| no_session(id))
}

fn no_session(id: &str) -> Fault {
    Fault::new(Code::NOT_FOUND, format!("there is no session {id}")).details(json!({"sessionId": id}))
}

/// What is shown of something cannot be read.
fn unread(what: &str, error: &serde_json::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("the state of the {what} cannot be read: {error}"))
}

/// A log cannot be read on, or will not be written any more.
fn lost_log(error: &io::Error) -> Fault {
    Fault::new(code_of(error.kind()), format!("the session's log is lost: {error}"))
}

fn code_of(failure: ErrorKind) -> &'static str {
    match failure {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Code::RESOURCE_EXHAUSTED,
        _ => Code::INTERNAL,
    }
}

fn done(_: ()) -> Done {
    Done { ok: true }
}

impl From<Over> for Fault {
    fn from(over: Over) -> Fault {
        Fault::new(Code::NOT_FOUND, over.to_string())
    }
}

impl From<Undecided> for Fault {
    fn from(undecided: Undecided) -> Fault {
        let message = undecided.to_string();
        match undecided {
            Undecided::Gone => Fault::new(Code::NOT_FOUND, message),
            Undecided::OtherInput { input_sha256 } => {
                Fault::new(Code::CONFLICT, message).details(json!({"current": {"inputSha256": input_sha256}}))
            }
            Undecided::NoOption => Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "optionId"})),
        }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Fault {
        match refused {
            Refused::Closed => Fault::new(Code::NOT_FOUND, refused.to_string()),
            Refused::Changed { seq } => Fault::new(Code::CONFLICT, refused.to_string()).details(json!({"seq": seq})),
            Refused::Full | Refused::Heavy => {
                Fault::new(Code::RESOURCE_EXHAUSTED, format!("{refused}; wait for one, or take one back"))
            }
        }
    }
}

impl From<NotBegun> for Fault {
    fn from(error: NotBegun) -> Fault {
        let message = error.to_string();
        match error {
            NotBegun::NoProvider(_) => Fault::new(Code::NOT_FOUND, message),
            NotBegun::NoModels(_) => Fault::new(Code::UNSUPPORTED, message).details(json!({"path": "model"})),
            NotBegun::NoFolder(_) => Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "cwd"})),
            NotBegun::Outside(_) => Fault::new(Code::FORBIDDEN, message).details(json!({"setting": "agent.roots"})),
            NotBegun::Variable(_) => Fault::new(Code::FORBIDDEN, message).details(json!({"setting": "allow_env"})),
            NotBegun::Untrusted { hint, sha256, .. } => {
                let details = json!({"kind": "untrusted_workspace", "hint": hint, "sha256": sha256});
                Fault::new(Code::FORBIDDEN, message).details(details)
            }
            NotBegun::NoSession(id) => no_session(&id),
            NotBegun::Elsewhere(_) => Fault::new(Code::CONFLICT, message),
            NotBegun::NoLog { kind, .. } => {
                Fault::new(code_of(kind), format!("{message}; look at the disk of agent.dir"))
            }
        }
    }
}
