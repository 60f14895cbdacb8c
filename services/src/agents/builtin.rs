//! The built-in agent: no model, and it says so. It lists, reads, searches and edits files and runs commands by a few plain
//! words, and asks leave as any other agent does, so that everything can be tried on any machine.

mod begun;
mod files;
mod search;
mod words;
mod work;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sixframe_supervisor::Supervisor;
use tokio::sync::{mpsc, oneshot};
use tokio::time::interval;

use super::agent::{Abilities, Agent, Answers, Command, Fact, Inquiry, Launch, PULSE, Prompt, Running, Told};
use super::detect::{ProviderInfo, ProviderState};
use super::event::{Outcome, SessionUpdate};
use super::permission::{Ask, Verdict};
use super::runs;
use super::turn::TurnEnd;
use files::Kept;
use work::Work;

/// Facts that may wait for the session.
const FACTS: usize = 256;

/// The built-in agent.
#[derive(Clone)]
pub struct BuiltIn {
    supervisor: Supervisor,
    /// The daemon's folder, in which worktrees are lent to sessions.
    dir: Option<PathBuf>,
    protected: Vec<PathBuf>,
}

impl std::fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BuiltIn")
    }
}

impl BuiltIn {
    /// The agent, whose commands are held by `supervisor`.
    pub fn new(supervisor: Supervisor) -> BuiltIn {
        BuiltIn { supervisor, dir: None, protected: Vec::new() }
    }

    /// The agent, which asks before it reads what is in the daemon's folder or is one of these files and folders, unless it works
    /// in a worktree there that was made for it, or below one of them.
    pub fn kept_from(supervisor: Supervisor, dir: PathBuf, protected: Vec<PathBuf>) -> BuiltIn {
        BuiltIn { supervisor, dir: Some(dir), protected }
    }

    /// What is only read with leave by who works in a folder.
    fn kept(&self, folder: &Path) -> Kept {
        let lent = self.dir.as_ref().filter(|dir| runs::is_worktree(dir, folder)).map(|_| folder.to_owned());
        let protected = self.protected.iter().filter(|own| !folder.starts_with(own));
        Kept { own: self.dir.iter().chain(protected).cloned().collect(), lent }
    }

    pub(super) fn info(abilities: Abilities) -> ProviderInfo {
        ProviderInfo {
            id: "builtin".to_owned(),
            name: "Built-in (no model)".to_owned(),
            state: ProviderState::Ready,
            hint: None,
            program: None,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            tested: None,
            auth_method: None,
            abilities,
            install_url: None,
        }
    }
}

impl Agent for BuiltIn {
    fn provider(&self) -> &str {
        "builtin"
    }

    fn abilities(&self) -> Abilities {
        Abilities { permissions: true, reasons: true, ..Abilities::default() }
    }

    fn waits_for_leave(&self) -> bool {
        true
    }

    fn reads_history(&self) -> bool {
        false
    }

    fn start(&self, launch: Launch) -> Running {
        let (commands, heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(FACTS);
        let (asks, asked) = mpsc::channel(1);
        let voice = Voice { told, asks };
        let kept = self.kept(&launch.cwd);
        let work = Work::new(self.supervisor.clone(), launch, kept, voice.clone());
        tokio::spawn(attend(work, voice, heard, asked));
        Running { commands, facts }
    }
}

/// The session does not listen any more.
#[derive(Clone, Copy, Debug)]
struct Unheard;

/// What the work tells and asks.
#[derive(Clone)]
struct Voice {
    told: mpsc::Sender<Told>,
    asks: mpsc::Sender<(String, oneshot::Sender<Reply>)>,
}

/// What is answered to what it asks.
enum Reply {
    Leave(Verdict),
    Answers(Option<Answers>),
}

impl Voice {
    async fn tell(&self, fact: Fact) -> Result<(), Unheard> {
        self.told.send(fact.into()).await.map_err(|_| Unheard)
    }

    /// Tells that it is at work, though it has nothing to say. Where more waits to be heard, that tells it.
    fn live(&self) {
        let _ = self.told.try_send(Fact::Alive.into());
    }

    /// Asks leave and waits for it. What is not answered is denied.
    async fn ask(&self, ask: Ask) -> Result<Verdict, Unheard> {
        match self.wait(ask.key.clone(), Fact::Asked(ask)).await? {
            Some(Reply::Leave(verdict)) => Ok(verdict),
            Some(Reply::Answers(_)) | None => {
                Ok(Verdict::Deny { option_id: None, reason: "nobody answered".to_owned() })
            }
        }
    }

    /// Asks a person and waits for the answer. None where nobody answers.
    async fn inquire(&self, inquiry: Inquiry) -> Result<Option<Answers>, Unheard> {
        match self.wait(inquiry.key.clone(), Fact::Inquired(inquiry)).await? {
            Some(Reply::Answers(answers)) => Ok(answers),
            Some(Reply::Leave(_)) | None => Ok(None),
        }
    }

    async fn wait(&self, key: String, asked: Fact) -> Result<Option<Reply>, Unheard> {
        let (answer, answered) = oneshot::channel();
        self.asks.send((key, answer)).await.map_err(|_| Unheard)?;
        self.tell(asked).await?;
        Ok(answered.await.ok())
    }
}

/// Works on one prompt at a time, and hears commands meanwhile.
async fn attend(
    mut work: Work,
    voice: Voice,
    mut heard: mpsc::UnboundedReceiver<Command>,
    mut asked: mpsc::Receiver<(String, oneshot::Sender<Reply>)>,
) {
    let mut waiting = HashMap::new();
    let mut unheard = voice.tell(Fact::Ready(SessionUpdate::default())).await.is_err();
    while !unheard {
        let Some(prompt) = next_prompt(&mut heard).await else { break };
        let end = {
            let doing = work.turn(&prompt);
            tokio::pin!(doing);
            let mut pulse = interval(PULSE);
            loop {
                tokio::select! {
                    biased;
                    Some((key, answer)) = asked.recv() => drop(waiting.insert(key, answer)),
                    command = heard.recv() => match command {
                        Some(Command::Decide { key, verdict }) => reply(&mut waiting, &key, Reply::Leave(verdict)),
                        Some(Command::Answer { key, answers }) => reply(&mut waiting, &key, Reply::Answers(answers)),
                        Some(Command::Interrupt) => break Ok(TurnEnd::new(Outcome::Interrupted)),
                        Some(Command::Stop | Command::Kill | Command::Hold(_)) | None => break Err(Unheard),
                        Some(Command::Prompt(_) | Command::Steer(_) | Command::SetMode(_) | Command::SetModel(_)) => (),
                    },
                    _ = pulse.tick() => voice.live(),
                    end = &mut doing => break end.map(|()| TurnEnd::new(Outcome::Completed)),
                }
            }
        };
        // What it has begun may change files until it has ended, and that belongs to the turn.
        work.rest().await;
        waiting.clear();
        unheard = match end {
            Ok(end) => voice.tell(Fact::Ended(end)).await.is_err(),
            Err(Unheard) => true,
        };
    }
    // Nobody has to know any more where nobody listens.
    let _ = voice.tell(Fact::Gone { problem: None }).await;
}

fn reply(waiting: &mut HashMap<String, oneshot::Sender<Reply>>, key: &str, reply: Reply) {
    // Work that was dropped meanwhile does not wait any more.
    let _ = waiting.remove(key).map(|answer| answer.send(reply));
}

/// The next prompt; none when there will be none.
async fn next_prompt(heard: &mut mpsc::UnboundedReceiver<Command>) -> Option<Prompt> {
    loop {
        match heard.recv().await? {
            Command::Prompt(prompt) | Command::Steer(prompt) => return Some(prompt),
            Command::Stop | Command::Kill | Command::Hold(_) => return None,
            Command::Interrupt
            | Command::Decide { .. }
            | Command::Answer { .. }
            | Command::SetMode(_)
            | Command::SetModel(_) => (),
        }
    }
}
