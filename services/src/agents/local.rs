//! A model on this machine, or any service with an API as OpenAI's chat completions: text only. It has no tools, so the file
//! and the project that it should know have to be sent with a prompt. The conversation is kept here, up to a budget.

mod answer;
mod event_stream;
mod history;
mod http;
mod look;
mod place;

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use sixframe_hub::Hub;
use tokio::sync::mpsc;

use super::agent::{Abilities, Agent, Command, Fact, Launch, Prompt, Running, Told};
use super::detect::ProviderInfo;
use super::event::{Outcome, SessionUpdate};
use super::identifier::identifier;
use super::item::{Content, Item, ItemKind, ItemStatus};
use super::problem::{Problem, ProblemKind};
use super::secrets::Secrets;
use super::turn::TurnEnd;
use answer::Answer;
use history::{Forgotten, History};
use place::Where;
pub use place::faults as local_faults;

/// Facts that may wait for the session.
const FACTS: usize = 256;

/// Where the local model is, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// The base of its API, as in `http://127.0.0.1:8080/v1` or `https://models.example/v1`; that of the sidecar where there is
    /// none. `http` leads to this machine only.
    pub url: Option<String>,
    /// The sidecar that it is, where no address is given. Default `local-model`.
    pub sidecar: String,
    /// The model to ask for where a session names none; the service's own choice where there is none.
    pub model: Option<String>,
    /// The variable of the daemon's environment that holds the key; no key is shown where there is none.
    pub key_env: Option<String>,
    /// How much of a conversation is sent again with each prompt, in characters. Default 24,000.
    pub history_characters: usize,
}

impl Default for LocalConfig {
    fn default() -> LocalConfig {
        LocalConfig {
            url: None,
            sidecar: "local-model".to_owned(),
            model: None,
            key_env: None,
            history_characters: 24_000,
        }
    }
}

/// The local model.
#[derive(Clone)]
pub struct LocalAgent {
    config: LocalConfig,
    place: Where,
    secrets: Arc<Secrets>,
}

impl LocalAgent {
    /// The model that these settings mean; where they name no address, the hub tells where the sidecar is.
    pub fn new(config: LocalConfig, hub: &Hub) -> LocalAgent {
        let place = Where::new(&config, hub);
        let secrets = Arc::new(Secrets::of(key(&config).map(|key| ("KEY".to_owned(), key)).into_iter()));
        LocalAgent { config, place, secrets }
    }

    /// How it is now. Asks a service for the list of its models, which costs nothing.
    pub(super) async fn look(&self) -> ProviderInfo {
        look::look(self).await
    }

    fn key(&self) -> Option<String> {
        key(&self.config)
    }
}

fn key(config: &LocalConfig) -> Option<String> {
    let value = std::env::var(config.key_env.as_deref()?).ok()?;
    Some(value.trim().to_owned()).filter(|key| !key.is_empty())
}

impl fmt::Debug for LocalAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAgent").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Agent for LocalAgent {
    fn provider(&self) -> &str {
        "local"
    }

    fn abilities(&self) -> Abilities {
        Abilities { usage: true, models: true, ..Abilities::default() }
    }

    fn waits_for_leave(&self) -> bool {
        // It has no tools at all.
        true
    }

    fn start(&self, launch: Launch) -> Running {
        let (commands, heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(FACTS);
        let model = launch.model.clone().or_else(|| self.config.model.clone());
        let Launch { system_prompt, history, .. } = launch;
        let history = History::new(system_prompt, history.as_deref(), self.config.history_characters);
        let attending = Attending { agent: self.clone(), model, history, voice: Voice(told) };
        tokio::spawn(attending.run(heard));
        Running { commands, facts }
    }
}

/// The session does not listen any more, or wants no more.
#[derive(Debug)]
struct Over;

/// What tells the session.
#[derive(Clone)]
struct Voice(mpsc::Sender<Told>);

impl Voice {
    async fn tell(&self, fact: Fact) -> Result<(), Over> {
        self.0.send(fact.into()).await.map_err(|_| Over)
    }
}

/// A session with the model.
struct Attending {
    agent: LocalAgent,
    model: Option<String>,
    history: History,
    voice: Voice,
}

impl Attending {
    async fn run(mut self, mut heard: mpsc::UnboundedReceiver<Command>) {
        // Why it is over, nobody has to know: they wanted it, or do not listen.
        let _: Result<(), Over> = self.attend(&mut heard).await;
        let _ = self.voice.tell(Fact::Gone { problem: None }).await;
    }

    async fn attend(&mut self, heard: &mut mpsc::UnboundedReceiver<Command>) -> Result<(), Over> {
        self.voice.tell(Fact::Ready(SessionUpdate { model: self.model.clone(), ..SessionUpdate::default() })).await?;
        loop {
            match heard.recv().await {
                Some(Command::Prompt(prompt) | Command::Steer(prompt)) => self.turn(&prompt, heard).await?,
                Some(Command::SetModel(model)) => self.model = Some(model),
                Some(Command::Stop | Command::Kill | Command::Hold(_)) | None => return Err(Over),
                Some(Command::Interrupt | Command::Decide { .. } | Command::Answer { .. } | Command::SetMode(_)) => (),
            }
        }
    }

    async fn turn(&mut self, prompt: &Prompt, heard: &mut mpsc::UnboundedReceiver<Command>) -> Result<(), Over> {
        if prompt.content.iter().any(|part| matches!(part, Content::Image { .. })) {
            let problem = Problem::new(ProblemKind::InvalidRequest, "the local model is given text only");
            return self.voice.tell(Fact::Ended(TurnEnd::failed(problem))).await;
        }
        let (messages, forgotten) = self.history.with(&prompt.sent_text());
        if forgotten != Forgotten::default() {
            let Forgotten { messages, record } = forgotten;
            let before = if record { ", nor is the summary of what was before" } else { "" };
            let text = format!("{messages} earlier messages are not sent to the model any more{before}");
            let item = Item::new(ItemKind::Compaction).status(ItemStatus::Completed).text(text);
            self.voice.tell(Fact::Item { id: identifier("item"), item }).await?;
        }
        let mut body = json!({"messages": messages, "stream": true, "stream_options": {"include_usage": true}});
        if let Some(model) = &self.model {
            body["model"] = json!(model);
        }
        let mut answer = Answer::new(self.voice.clone(), self.model.clone());
        let asking = ask(&self.agent, body, &mut answer);
        let mut is_wanted = true;
        let asked = {
            tokio::pin!(asking);
            loop {
                tokio::select! {
                    biased;
                    command = heard.recv() => match command {
                        Some(Command::Interrupt) => break None,
                        Some(Command::Stop | Command::Kill | Command::Hold(_)) | None => {
                            is_wanted = false;
                            break None;
                        }
                        Some(Command::SetModel(model)) => self.model = Some(model),
                        Some(Command::Prompt(_) | Command::Steer(_) | Command::Decide { .. } | Command::Answer { .. } | Command::SetMode(_)) => (),
                    },
                    asked = &mut asking => break Some(asked?),
                }
            }
        };
        let end = match asked {
            // Dropping the question has closed its connection.
            None => TurnEnd::new(Outcome::Interrupted),
            Some(Ok(end)) => end,
            Some(Err(problem)) => TurnEnd::failed(problem),
        };
        let said = answer.finish(end.outcome).await?;
        if end.outcome != Outcome::Failed {
            self.history.push(prompt.text(), said);
        }
        let usage = answer.usage();
        self.voice.tell(Fact::Ended(TurnEnd { usage, ..end })).await?;
        if is_wanted { Ok(()) } else { Err(Over) }
    }
}

/// Asks the model and tells what it answers while it does.
async fn ask(agent: &LocalAgent, body: Value, answer: &mut Answer) -> Result<Result<TurnEnd, Problem>, Over> {
    let place = match agent.place.now() {
        Ok(place) => place,
        Err(problem) => return Ok(Err(problem)),
    };
    let redacted =
        |problem: Problem| Problem { message: agent.secrets.redacted(&problem.message).into_owned(), ..problem };
    let response = match http::post(&place, agent.key().as_deref(), "chat/completions", body.to_string()).await {
        Ok(response) => response,
        Err(problem) => return Ok(Err(redacted(problem))),
    };
    Ok(answer.hear(response).await?.map_err(redacted))
}
