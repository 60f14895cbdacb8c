//! `agent.chat` and `agent.streamChat`, over ordinary sessions: everything that a session keeps, it keeps of these too.

mod chunks;

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::{Stream, TryStreamExt, stream};
use serde_json::json;
use sixframe_core::{Code, Context, Fault, Router};

use super::super::api::{
    CHAT, ChatChunk, ChatContent, ChatMessage, ChatOptions, ChatParams, ChatResult, ChatRole, CreateSession,
    STREAM_CHAT,
};
use super::super::event::{Delivery, Envelope, Outcome, TurnEnded};
use super::super::item::Content;
use super::super::live::Handle;
use super::super::problem::Problem;
use super::super::prompt_builder::{Additions, Spoken};
use super::super::sessions::Agents;
use super::composing::compose;
use super::prompting::{LONGEST_MS, Prompting};
use chunks::Chunks;

pub(super) fn router(agents: &Agents) -> Router {
    let (whole, streamed) = (agents.clone(), agents.clone());
    Router::new()
        .method(CHAT, move |context, params| chat(whole.clone(), context, params))
        .stream(STREAM_CHAT, move |context, params| stream_chat(streamed.clone(), context, params))
}

async fn chat(agents: Agents, context: Context, params: ChatParams) -> Result<ChatResult, Fault> {
    let mut talk = Talk::begin(agents, context, params).await?;
    while talk.next().await?.is_some() {}
    let session_id = talk.chunks.session_id().to_owned();
    let ended = match talk.chunks.ended() {
        Some(ended) => ended.clone(),
        // It was taken back before its turn began.
        None if talk.chunks.is_taken_back() => TurnEnded::stopped(),
        None => return Err(lost()),
    };
    let TurnEnded { outcome, error, usage, cost, .. } = ended;
    let stopped = outcome == Outcome::Interrupted;
    if let (Some(problem), false) = (error, stopped) {
        return Err(failed(&problem, &session_id));
    }
    let content = ChatContent::Part(Content::Text { text: talk.chunks.said() });
    let message = ChatMessage { role: ChatRole::Assistant, content };
    let code = stopped.then(|| chunks::ABORTED.to_owned());
    let files = talk.chunks.into_files();
    Ok(ChatResult { session_id, message, outcome, stopped, code, files, usage, cost })
}

fn stream_chat(
    agents: Agents,
    context: Context,
    params: ChatParams,
) -> impl Stream<Item = Result<ChatChunk, Fault>> + Send {
    let begun = Talk::begin(agents, context, params);
    let opened = async move {
        let talk = begun.await?;
        Ok::<_, Fault>(stream::try_unfold(talk, |mut talk| async move {
            let chunk = talk.next().await?;
            Ok(chunk.map(|chunk| (chunk, talk)))
        }))
    };
    stream::once(opened).try_flatten()
}

/// The session ended before its turn was told to.
fn lost() -> Fault {
    Fault::new(Code::CANCELLED, "the session was closed before its agent was done")
}

/// What went wrong with an agent, as a fault whose code is its kind.
fn failed(problem: &Problem, session_id: &str) -> Fault {
    let kind = serde_json::to_value(problem.kind).ok().and_then(|kind| Some(kind.as_str()?.to_ascii_uppercase()));
    let details = json!({"sessionId": session_id, "problem": problem});
    Fault::new(kind.unwrap_or_else(|| "UNKNOWN".to_owned()), problem.message.clone()).domain("agent").details(details)
}

/// A conversation that goes on.
struct Talk {
    prompting: Prompting,
    chunks: Chunks,
    waiting: VecDeque<ChatChunk>,
    /// A session that was begun for it.
    _own: Option<Own>,
}

impl Talk {
    /// What is asked of a session that is there has its place in it from now on.
    fn begin(agents: Agents, context: Context, params: ChatParams) -> impl Future<Output = Result<Talk, Fault>> + Send {
        let begun = match agents.session(&params.agent_id) {
            Some(session) => Either::Left(Talk::ask(&agents, session, context, params)),
            None => Either::Right(Talk::begin_own(agents, context, params)),
        };
        async move {
            match begun {
                Either::Left(asked) => asked?.await,
                Either::Right(begun) => begun.await,
            }
        }
    }

    fn ask(
        agents: &Agents,
        session: Handle,
        context: Context,
        params: ChatParams,
    ) -> Result<impl Future<Output = Result<Talk, Fault>> + Send + use<>, Fault> {
        let ChatParams { agent_id, messages, options } = params;
        let spoken = Conversation::of(messages)?;
        only_a_provider_has(&options, &spoken)?;
        let (additions, timeout) = (additions(&options, Vec::new()), timeout(&options));
        let making = compose(agents, session.view().cwd.into(), spoken.asked, additions)?;
        let given = Prompting::of(session, context, making, Delivery::Queue, timeout, false);
        Ok(async move { Ok(Talk::new(given.await?, agent_id, None)) })
    }

    async fn begin_own(agents: Agents, context: Context, params: ChatParams) -> Result<Talk, Fault> {
        let ChatParams { agent_id, messages, options } = params;
        let spoken = Conversation::of(messages)?;
        let (additions, timeout) = (additions(&options, spoken.history), timeout(&options));
        let session_id = begin_own(&agents, &context, agent_id, options, spoken.system).await?;
        let own = Own { agents: agents.clone(), session_id: session_id.clone() };
        let session = super::session(&agents, &session_id)?;
        let making = compose(&agents, session.view().cwd.into(), spoken.asked, additions)?;
        let prompting = Prompting::of(session, context, making, Delivery::Queue, timeout, false).await?;
        Ok(Talk::new(prompting, session_id, Some(own)))
    }

    fn new(prompting: Prompting, session_id: String, own: Option<Own>) -> Talk {
        Talk { prompting, chunks: Chunks::new(session_id), waiting: VecDeque::new(), _own: own }
    }

    async fn next(&mut self) -> Result<Option<ChatChunk>, Fault> {
        loop {
            if let Some(chunk) = self.waiting.pop_front() {
                return Ok(Some(chunk));
            }
            let Some(payload) = self.prompting.take().await? else { return Ok(None) };
            // What an older daemon has written and we do not know is left to those who read the log.
            if let Ok(envelope) = payload.parse::<Envelope>() {
                self.waiting.extend(self.chunks.take(envelope));
            }
        }
    }
}

fn additions(options: &ChatOptions, history: Vec<Spoken>) -> Additions {
    let ChatOptions { current_file, selection, template, .. } = options.clone();
    Additions { current_file, selection, template, history }
}

fn timeout(options: &ChatOptions) -> Duration {
    Duration::from_millis(options.timeout_ms.clamp(1, LONGEST_MS))
}

/// What of the options belongs to the beginning of a session cannot be said to one that has begun.
fn only_a_provider_has(options: &ChatOptions, spoken: &Conversation) -> Result<(), Fault> {
    let ChatOptions { cwd, model, mode, system_prompt, env, .. } = options;
    let given = [
        ("cwd", cwd.is_some()),
        ("model", model.is_some()),
        ("mode", mode.is_some()),
        ("systemPrompt", system_prompt.is_some() || !spoken.system.is_empty()),
        ("env", !env.is_empty()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("{name} is for a session that is begun; name a provider as agentId, or leave it out");
            Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": format!("options.{name}")})))
        }
    }
}

async fn begin_own(
    agents: &Agents,
    context: &Context,
    agent_id: String,
    options: ChatOptions,
    system: String,
) -> Result<String, Fault> {
    let ChatOptions { cwd, model, mode, system_prompt, env, .. } = options;
    let cwd = cwd.or_else(|| agents.usual_folder()).ok_or_else(|| {
        let message = "name the folder to work in: agent.roots names none, and the daemon was not started in one";
        Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"path": "options.cwd"}))
    })?;
    let told: Vec<String> = system_prompt.into_iter().chain([system]).filter(|text| !text.is_empty()).collect();
    let system_prompt = (!told.is_empty()).then(|| told.join("\n\n"));
    let provider = (agent_id != "default").then_some(agent_id);
    let params = CreateSession { provider, cwd, model, mode: mode.unwrap_or_default(), system_prompt, env, tied: true };
    Ok(super::begin(agents.clone(), context.clone(), params).await?.session_id)
}

/// A session that is closed with what it was begun for.
struct Own {
    agents: Agents,
    session_id: String,
}

impl Drop for Own {
    fn drop(&mut self) {
        let (agents, session_id) = (self.agents.clone(), std::mem::take(&mut self.session_id));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { agents.close(&session_id).await });
        }
    }
}

/// What was said, sorted.
struct Conversation {
    system: String,
    history: Vec<Spoken>,
    /// What stands behind the last answer.
    asked: Vec<Content>,
}

impl Conversation {
    fn of(messages: Vec<ChatMessage>) -> Result<Conversation, Fault> {
        let (told, messages): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| message.role == ChatRole::System);
        let told = told.into_iter().map(|message| Spoken::text_of(&message.content.into_parts()));
        let system = told.collect::<Vec<_>>().join("\n\n");
        let behind = messages.iter().rposition(|message| message.role == ChatRole::Assistant).map_or(0, |at| at + 1);
        let mut messages = messages;
        let asked: Vec<Content> =
            messages.split_off(behind).into_iter().flat_map(|message| message.content.into_parts()).collect();
        if asked.is_empty() {
            let details = json!({"path": "messages", "expected": "a message of the role user as the last one"});
            return Err(Fault::new(Code::INVALID_PAYLOAD, "the last message asks for something").details(details));
        }
        let history = messages.into_iter().map(|message| Spoken {
            is_agent: message.role == ChatRole::Assistant,
            text: Spoken::text_of(&message.content.into_parts()),
        });
        Ok(Conversation { system, history: history.collect(), asked })
    }
}

impl ChatContent {
    fn into_parts(self) -> Vec<Content> {
        match self {
            ChatContent::Text(text) => vec![Content::Text { text }],
            ChatContent::Part(part) => vec![part],
            ChatContent::Parts(parts) => parts,
        }
    }
}
