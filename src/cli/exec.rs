//! `sixframe exec`.

use std::io::Read as _;

use anyhow::Error;
use serde_json::json;
use sixframe_core::{Payload, RpcEndpoint};
use sixframe_services::agents::{
    CLOSE, CREATE_SESSION, Content, CreateSession, CurrentFile, Decider, Decision, Envelope, Event, INTERRUPT,
    InterruptParams, Mode, Outcome, PermissionResolved, SessionRef,
};

use super::agents::{NOBODY, Said, decline, judged, with_agents};
use super::answered::Answered;
use super::args::ExecArgs;
use super::failure::Failure;
use super::peer::line;
use super::signals::Signals;
use super::{print, reader};

/// How long the agent may take, unless it is said otherwise, in milliseconds.
const TIMEOUT_MS: u64 = 300_000;

/// Asks an agent for something in a session that ends with it.
pub(super) async fn run(args: &ExecArgs) -> Result<(), Error> {
    let text = prompt(args)?;
    let mode = mode(&args.mode)?;
    let cwd = match &args.cwd {
        Some(cwd) => std::path::absolute(cwd)?,
        None => std::env::current_dir()?,
    };
    let create = CreateSession {
        provider: args.prompted.provider.clone(),
        cwd: cwd.to_string_lossy().into_owned(),
        model: args.prompted.model.clone(),
        mode,
        system_prompt: args.system_prompt.clone(),
        // It has no use for anybody once this program is gone, however it ends.
        tied: true,
        ..CreateSession::default()
    };
    let mut signals = Signals::new()?;
    with_agents(&args.prompted.daemon, async |endpoint| {
        let created = tokio::select! {
            created = endpoint.request(&CREATE_SESSION, create) => created.map_err(Failure::Call)?,
            signal = signals.asked() => return Err(Failure::Signalled(signal).into()),
        };
        let SessionRef { session_id } = created;
        let worked = follow(args, &endpoint, &session_id, text, &mut signals).await;
        // One that is closed by somebody else is closed.
        let _ = endpoint.request(&CLOSE, SessionRef { session_id }).await;
        worked
    })
    .await
}

fn prompt(args: &ExecArgs) -> Result<String, Error> {
    let text = match args.prompt.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        text => text.to_owned(),
    };
    match text.trim().is_empty() {
        true => Err(Failure::Usage("the prompt is empty".to_owned()).into()),
        false => Ok(text),
    }
}

fn mode(word: &str) -> Result<Mode, Failure> {
    let unknown = |_| Failure::Usage(format!("there is no mode {word:?}; take ask, plan, acceptEdits or auto"));
    serde_json::from_value(json!(word)).map_err(unknown)
}

/// Follows the turn to its end.
async fn follow(
    args: &ExecArgs,
    endpoint: &RpcEndpoint,
    session_id: &str,
    text: String,
    signals: &mut Signals,
) -> Result<(), Error> {
    let current_file = args.current_file.as_ref().map(|path| CurrentFile::Path(path.clone()));
    let timeout_ms = args.prompted.timeout_ms.unwrap_or(TIMEOUT_MS);
    let content = [Content::Text { text }];
    let mut params = json!({"sessionId": session_id, "content": content, "timeoutMs": timeout_ms});
    params["currentFile"] = json!(current_file);
    params["template"] = json!(args.template);
    let mut items = endpoint.forward_stream("agent.prompt", Payload::of(&params)?);
    let mut shown = Shown { is_json: args.json, ..Shown::default() };
    let mut ended_by = None;
    let mut unread = std::pin::pin!(reader::gone());
    loop {
        let next = tokio::select! {
            next = items.next() => next,
            // As for any program whose output nobody wants any more; closing the session stops the agent.
            () = &mut unread => return Ok(()),
            signal = signals.asked() => {
                if ended_by.replace(signal).is_some() {
                    return Err(Failure::Signalled(signal).into());
                }
                let params = InterruptParams { session_id: session_id.to_owned(), keep_queue: false };
                endpoint.request(&INTERRUPT, params).await.map_err(Failure::Call)?;
                continue;
            }
        };
        let Some(item) = next else { break };
        let data = item.map_err(Failure::Call)?.data;
        shown.raw(&data)?;
        // What this version does not know was printed as it came.
        let Ok(envelope) = data.parse::<Envelope>() else { continue };
        decline(endpoint, &envelope.event).await;
        shown.event(&envelope)?;
        if let Event::TurnEnded(ended) = envelope.event {
            if ended.outcome == Outcome::Completed {
                shown.answer()?;
            }
            shown.end()?;
            return match ended_by {
                Some(signal) => Err(Failure::Signalled(signal).into()),
                None => Ok(judged(ended)?),
            };
        }
    }
    shown.end()?;
    match ended_by {
        Some(signal) => Err(Failure::Signalled(signal).into()),
        None => {
            let text = "the prompt was taken back before the agent was given it".to_owned();
            Err(Failure::Agent { text, is_late: false }.into())
        }
    }
}

/// What is printed.
#[derive(Default)]
struct Shown {
    is_json: bool,
    said: Said,
    /// What stands for an answer where the agent says nothing.
    answered: Answered,
    /// What was asked leave for, so that a denial can be told by its title.
    asked: Vec<(String, String)>,
    ends_line: bool,
    is_begun: bool,
}

impl Shown {
    fn raw(&self, data: &Payload) -> Result<(), Error> {
        if self.is_json {
            print(&(line(data) + "\n"))?;
        }
        Ok(())
    }

    fn event(&mut self, envelope: &Envelope) -> Result<(), Error> {
        match &envelope.event {
            Event::PermissionRequested(request) => {
                self.asked.push((request.permission_id.clone(), request.title.clone()));
            }
            Event::PermissionResolved(resolved) if resolved.decision != Decision::Allowed => {
                let asked = self.asked.iter().find(|(id, _)| *id == resolved.permission_id);
                let title = asked.map(|(_, title)| plain(title)).unwrap_or_default();
                eprintln!("sixframe: not allowed: {title} ({})", plain(&cause(resolved)));
            }
            _ => (),
        }
        self.answered.take(envelope);
        let text = self.said.take(envelope);
        if !self.is_json && !text.is_empty() {
            (self.is_begun, self.ends_line) = (true, text.ends_with('\n'));
            print(&text)?;
        }
        Ok(())
    }

    /// What the last tool answered, where the agent has said nothing about it.
    fn answer(&mut self) -> Result<(), Error> {
        if self.is_json || self.is_begun {
            return Ok(());
        }
        let (text, is_cut) = self.answered.last();
        if !text.is_empty() {
            (self.is_begun, self.ends_line) = (true, text.ends_with('\n'));
            print(text)?;
        }
        if is_cut {
            eprintln!("sixframe: what the tool answered is longer than what is kept of it; the rest is missing");
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Error> {
        if self.is_begun && !self.ends_line {
            print("\n")?;
        }
        Ok(())
    }
}

/// Why something was not allowed.
fn cause(resolved: &PermissionResolved) -> String {
    let reason = resolved.reason.as_deref().filter(|reason| !reason.is_empty());
    let told = |by: String| reason.map_or(by.clone(), |reason| format!("{by}: {reason}"));
    match (resolved.decision, &resolved.by) {
        (Decision::Withdrawn, Decider::Agent) => "the agent took it back, or its turn ended".to_owned(),
        (Decision::Withdrawn, Decider::Stop) => "the turn was stopped".to_owned(),
        (Decision::Withdrawn, Decider::Timeout) => "the turn took too long".to_owned(),
        (_, Decider::Person { .. }) if reason == Some(NOBODY) => format!("{NOBODY}; see --mode"),
        (_, Decider::Person { .. }) => told("a person denied it".to_owned()),
        (_, Decider::Policy { rule }) => match reason {
            Some(reason) if reason.contains(&format!("rule {rule}")) => reason.to_owned(),
            _ => told(format!("rule {rule}")),
        },
        (_, Decider::Timeout) => "nobody answered in time".to_owned(),
        (_, Decider::Agent) => "the agent gave it up".to_owned(),
        (_, Decider::Stop) => "the turn was stopped".to_owned(),
        (_, Decider::Shutdown) => "the daemon ended".to_owned(),
    }
}

/// A text on one line, without what a terminal would obey.
fn plain(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
