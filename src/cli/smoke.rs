//! `sixframe smoke`: whether an agent works here, step by step.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error};
use serde_json::{Value, json};
use sixframe_core::{Items, RpcEndpoint};
use sixframe_services::agents::{
    CLOSE, CREATE_SESSION, CreateSession, Envelope, Event, PROVIDERS, ProcessEvent, ProviderInfo, ProviderState,
    ProvidersParams, SessionRef, Tested, TurnEnded,
};

use super::agents::{Said, decline, failed, judged, with_agents};
use super::args::{ConfigArgs, SmokeArgs};
use super::config::loaded;
use super::failure::Failure;
use super::print;
use super::signals::Signals;
use crate::private_file;

/// What is asked: little, and nothing that needs leave.
const ASKED: &str = "Answer with the one word pong, and use no tools.";

/// How long the agent may take for that, unless it is said otherwise, in milliseconds.
const TIMEOUT_MS: u64 = 60_000;

/// The most that is shown of the answer, in characters.
const SHOWN: usize = 60;

/// The most that is shown of why a service is asked again, in characters.
const CAUSE: usize = 300;

/// Sends an agent one prompt, and tells how far that comes.
pub(super) async fn run(args: &SmokeArgs) -> Result<(), Error> {
    eprintln!("sixframe: one short prompt goes to the agent; it costs a few tokens of whoever is logged in");
    let cwd = folder(args)?;
    with_agents(&args.prompted.daemon, async |endpoint| {
        let mut steps = Steps { began: Instant::now() };
        let info = found(args, &endpoint, &mut steps).await?;
        let create = CreateSession {
            provider: Some(info.id.clone()),
            cwd: cwd.to_string_lossy().into_owned(),
            model: args.prompted.model.clone(),
            tied: true,
            ..CreateSession::default()
        };
        let SessionRef { session_id } = endpoint.request(&CREATE_SESSION, create).await.map_err(Failure::Call)?;
        let worked = prompted(args, &endpoint, &session_id, &mut steps).await;
        // One that is closed by somebody else is closed.
        let _ = endpoint.request(&CLOSE, SessionRef { session_id }).await;
        worked
    })
    .await
}

/// The folder to work in: an empty one, so that nothing of a project is sent.
fn folder(args: &SmokeArgs) -> Result<PathBuf, Error> {
    if let Some(cwd) = &args.cwd {
        return Ok(std::path::absolute(cwd)?);
    }
    let config = loaded(&ConfigArgs::default(), None)?.config;
    // A root that agents are held to has to be worked in.
    if let Some(root) = config.agent.roots.first() {
        return Ok(root.clone());
    }
    let folder = config.runtime_dir.join("smoke");
    let made = private_file::make_folder(&folder.join("any"));
    made.with_context(|| format!("cannot make {}; name a folder with --cwd", folder.display()))?;
    Ok(folder)
}

/// What was done, and how long each took.
struct Steps {
    began: Instant,
}

impl Steps {
    /// Prints a step, with the time since the one before.
    fn tell(&mut self, step: &str, what: &str) -> Result<(), Error> {
        let took = std::mem::replace(&mut self.began, Instant::now()).elapsed();
        Ok(print(&format!("{step:<12} {:>9}  {what}\n", time(took)))?)
    }
}

/// The beginning of a text, on one line.
fn shown(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn time(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}

/// The first steps cost nothing: whether it is there, in which version, and whether somebody is logged in.
async fn found(args: &SmokeArgs, endpoint: &RpcEndpoint, steps: &mut Steps) -> Result<ProviderInfo, Error> {
    let is_wanted = |info: &ProviderInfo| args.prompted.provider.as_ref().is_none_or(|provider| *provider == info.id);
    // What hangs keeps nobody from another one.
    let mut params = ProvidersParams { recheck: true, wait_ms: Some(1_000) };
    let mut listed = endpoint.request(&PROVIDERS, params).await.map_err(Failure::Call)?;
    while listed.providers.iter().any(|info| is_wanted(info) && info.state == ProviderState::Checking) {
        params.recheck = false;
        listed = endpoint.request(&PROVIDERS, params).await.map_err(Failure::Call)?;
    }
    let wanted = args.prompted.provider.clone().unwrap_or(listed.default);
    let known: Vec<&str> = listed.providers.iter().map(|info| info.id.as_str()).collect();
    let unknown = || Failure::Usage(format!("there is no provider {wanted}; there are {}", known.join(", ")));
    let info = listed.providers.iter().find(|info| info.id == wanted).cloned().ok_or_else(unknown)?;
    let hint = info.hint.clone().unwrap_or_else(|| "see agent.providers".to_owned());
    let stuck = |why: &str| Failure::Agent { text: format!("{} {why}: {hint}", info.name), is_late: false };
    if info.state == ProviderState::Missing {
        return Err(stuck("was not found").into());
    }
    steps.tell("found", info.program.as_deref().unwrap_or(&info.name))?;
    match info.state {
        ProviderState::TooOld => return Err(stuck("is too old").into()),
        ProviderState::Broken => return Err(stuck("does not run").into()),
        ProviderState::Ready
        | ProviderState::Unknown
        | ProviderState::Checking
        | ProviderState::LoggedOut
        | ProviderState::Missing => (),
    }
    let tested = match info.tested {
        Some(Tested::Within) => ", which it was tried with",
        Some(Tested::Newer) => ", newer than any that it was tried with",
        Some(Tested::Older) | None => "",
    };
    steps.tell("version", &format!("{}{tested}", info.version.as_deref().unwrap_or("not told")))?;
    let login = match (info.state, &info.auth_method) {
        (ProviderState::LoggedOut, _) => return Err(stuck("has nobody logged in").into()),
        (_, Some(method)) => method.as_str(),
        (ProviderState::Unknown, None) => "not told",
        (_, None) => "yes, or not needed",
    };
    steps.tell("logged in", login)?;
    Ok(info)
}

/// The steps that a prompt goes through.
async fn prompted(args: &SmokeArgs, endpoint: &RpcEndpoint, session_id: &str, steps: &mut Steps) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let mut events: Items<Value> = endpoint.stream_raw("agent.events", json!({"sessions": [session_id]}));
    let worked = async {
        until_started(&mut events, steps).await?;
        answered(args, endpoint, session_id, steps).await
    };
    tokio::select! {
        worked = worked => worked,
        signal = signals.asked() => Err(Failure::Signalled(signal).into()),
    }
}

/// The steps from the prompt to the end of its turn.
async fn answered(args: &SmokeArgs, endpoint: &RpcEndpoint, session_id: &str, steps: &mut Steps) -> Result<(), Error> {
    let content = json!([{"type": "text", "text": ASKED}]);
    let timeout_ms = args.prompted.timeout_ms.unwrap_or(TIMEOUT_MS);
    let params = json!({"sessionId": session_id, "content": content, "timeoutMs": timeout_ms});
    // Letting it go would stop the turn.
    let mut turn: Items<Value> = endpoint.stream_raw("agent.prompt", params);
    let (mut said, mut text, mut is_heard) = (Said::default(), String::new(), false);
    while let Some(item) = turn.next().await {
        let Ok(envelope) = serde_json::from_value::<Envelope>(item.map_err(Failure::Call)?.data) else { continue };
        decline(endpoint, &envelope.event).await;
        if !is_heard && envelope.turn_id.is_some() && envelope.src.provider != "sixframe" {
            is_heard = true;
            steps.tell("first event", envelope.event.name())?;
        }
        if let Event::RetryScheduled(retry) = &envelope.event {
            steps.tell("retry", &shown(&retry.error.message, CAUSE))?;
        }
        let more = said.take(&envelope);
        if text.trim().is_empty() && !more.trim().is_empty() {
            steps.tell("text", "its first words")?;
        }
        text += &more;
        if let Event::TurnEnded(ended) = envelope.event {
            return end(ended, &text, steps);
        }
    }
    Err(Failure::Agent { text: "the turn never ended".to_owned(), is_late: false }.into())
}

async fn until_started(events: &mut Items<Value>, steps: &mut Steps) -> Result<(), Error> {
    loop {
        let item = events.next().await;
        let gone = || Failure::Agent { text: "the session ended before its agent began".to_owned(), is_late: false };
        let item = item.ok_or_else(gone)?.map_err(Failure::Call)?;
        let Ok(envelope) = serde_json::from_value::<Envelope>(item.data) else { continue };
        match envelope.event {
            Event::ProcessEvent(ProcessEvent::Ready) => return steps.tell("started", "it can be spoken to"),
            Event::Error(problem) => return Err(failed(problem).into()),
            _ => (),
        }
    }
}

fn end(ended: TurnEnded, text: &str, steps: &mut Steps) -> Result<(), Error> {
    let shown = shown(text, SHOWN);
    let used = ended.usage.map_or_else(String::new, |used| {
        format!(", {} tokens in, {} out", used.input + used.cached_read + used.cached_write, used.output)
    });
    judged(ended)?;
    if shown.trim().is_empty() {
        let text = "the turn ended well, and the agent said nothing; look at its log with agent.events";
        return Err(Failure::Agent { text: text.to_owned(), is_late: false }.into());
    }
    steps.tell("ended", &format!("{shown:?}{used}"))
}
