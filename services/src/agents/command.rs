//! A plain command as an agent: any program that takes a question on its standard input and answers on its standard output.
//! It runs once for each prompt and remembers nothing; what others did before it came is told with its first. The fallback for what speaks no protocol.

mod text;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sixframe_supervisor::{
    Child, ChildConfig, ChildPipe, ChildStdin, Exit, Failure, Input, Output, StopLadder, Stream, Supervisor,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::interval;

use super::agent::{Abilities, Agent, Command, Fact, Launch, PULSE, Prompt, Running, Told};
use super::event::{DeltaField, Outcome, ProcessEvent, SessionUpdate};
use super::identifier::identifier;
use super::item::{Item, ItemKind, ItemStatus};
use super::problem::{Problem, ProblemKind};
use super::program::{Program, environment, located, not_run, not_started};
use super::secrets::Secrets;
use super::stderr;
use super::trust::SettingsUse;
use super::turn::TurnEnd;
use text::Text;

/// Facts that may wait for the session.
const FACTS: usize = 256;

/// How much is read at once, in bytes.
const PIECE: usize = 16 << 10;

/// Silence after which the output of a program that has ended is over, though a process out of reach keeps it open.
const DRAIN: Duration = Duration::from_millis(200);

/// What stands in an argument for the prompt. The program then gets it there, and nothing on its standard input.
pub(super) const PLACE: &str = "{prompt}";

/// The longest prompt that goes into an argument, in bytes: what Linux takes for one.
const LONGEST_ARGUMENT: usize = 128 << 10;

/// A plain command.
#[derive(Clone)]
pub struct CommandAgent {
    provider: String,
    supervisor: Supervisor,
    program: Program,
    secrets: Arc<Secrets>,
}

impl CommandAgent {
    /// The program as the provider of this id. Where one of its arguments holds `{prompt}`, the prompt goes in there, for
    /// every user of the machine to read while the program runs; else it goes in on standard input.
    pub fn new(provider: impl Into<String>, supervisor: Supervisor, program: Program) -> CommandAgent {
        let secrets = Arc::new(Secrets::of_environment(&program.env));
        CommandAgent { provider: provider.into(), supervisor, program, secrets }
    }

    fn config(&self, program: PathBuf, launch: &Launch, asked: &str) -> Result<ChildConfig, Problem> {
        let takes_argument = self.program.args.iter().any(|arg| arg.contains(PLACE));
        let wrong = |text: &str| Problem::new(ProblemKind::InvalidRequest, text);
        if takes_argument && asked.contains('\0') {
            return Err(wrong("the prompt holds a NUL, which no argument can"));
        }
        if takes_argument && asked.len() >= LONGEST_ARGUMENT {
            let hint = format!("take {PLACE} out of the arguments, so that the prompt goes in on standard input");
            return Err(wrong("the prompt is too long for an argument").hint(hint));
        }
        let env = environment(Some(&program), &self.program.env, launch);
        let mut config = ChildConfig::new(program);
        config.name = format!("agent-{}", self.provider.replace(':', "-"));
        config.args = self.program.args.iter().map(|arg| arg.replace(PLACE, asked).into()).collect();
        config.env = env;
        config.cwd = Some(launch.cwd.clone());
        config.stdin = if takes_argument { Input::Null } else { Input::Piped };
        config.stdout = Output::Piped;
        config.output_bytes = stderr::KEPT;
        config.stop = StopLadder { close_stdin_for: Duration::ZERO, ..StopLadder::default() };
        Ok(config)
    }
}

impl fmt::Debug for CommandAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandAgent").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Agent for CommandAgent {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn settings_use(&self) -> SettingsUse {
        SettingsUse::Loads
    }

    fn runs_between_turns(&self) -> bool {
        false
    }

    fn start(&self, launch: Launch) -> Running {
        let (commands, heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(FACTS);
        let session = Attending { agent: self.clone(), launch, told };
        tokio::spawn(session.run(heard));
        Running { commands, facts }
    }
}

/// It is over: the session does not listen any more or wants no more, or something is in the way.
#[derive(Default)]
struct Over {
    problem: Option<Problem>,
}

/// A session with a command.
struct Attending {
    agent: CommandAgent,
    launch: Launch,
    told: mpsc::Sender<Told>,
}

impl Attending {
    async fn run(self, mut heard: mpsc::UnboundedReceiver<Command>) {
        let problem = self.attend(&mut heard).await.err().and_then(|over| over.problem);
        // Where nobody listens, nobody has to know.
        let _ = self.told.send(Fact::Gone { problem }.into()).await;
    }

    async fn attend(&self, heard: &mut mpsc::UnboundedReceiver<Command>) -> Result<(), Over> {
        let mut history = self.launch.history.clone();
        self.tell(Fact::Ready(SessionUpdate::default())).await?;
        loop {
            match heard.recv().await {
                Some(Command::Prompt(prompt) | Command::Steer(prompt)) => {
                    self.turn(&prompt, history.take(), heard).await?;
                }
                Some(Command::Stop | Command::Kill | Command::Hold(_)) | None => return Err(Over::default()),
                Some(
                    Command::Interrupt
                    | Command::Decide { .. }
                    | Command::Answer { .. }
                    | Command::SetMode(_)
                    | Command::SetModel(_),
                ) => (),
            }
        }
    }

    async fn tell(&self, fact: Fact) -> Result<(), Over> {
        self.told.send(fact.into()).await.map_err(|_| Over::default())
    }

    /// Runs the program for one prompt, with what was said and done before it.
    async fn turn(
        &self,
        prompt: &Prompt,
        history: Option<String>,
        heard: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Result<(), Over> {
        let parts = self.launch.system_prompt.iter().cloned().chain(history).chain([prompt.sent_text()]);
        let asked = parts.collect::<Vec<_>>().join("\n\n");
        let child = match self.child(&asked).await {
            Ok(child) => child,
            Err(problem) => {
                // Whom the person trusts by then is looked up when it is begun anew.
                if problem.kind == ProblemKind::UntrustedWorkspace {
                    return Err(Over { problem: Some(problem) });
                }
                return self.tell(Fact::Ended(TurnEnd::failed(problem))).await;
            }
        };
        match child.started().await {
            Ok(process) => self.tell(Fact::Process(ProcessEvent::Spawned { pid: process.pid })).await?,
            Err(failure) => {
                let problem = not_run(&failure, &self.launch);
                return self.tell(Fact::Ended(TurnEnd::failed(problem))).await;
            }
        }
        // Beside the one who reads, so that neither waits for the other.
        tokio::spawn(write(child.stdin(), asked));
        let (wish, exit) = self.follow(&child, heard).await?;
        self.end(&child, &wish, exit).await?;
        if wish == Wish::Stop { Err(Over::default()) } else { Ok(()) }
    }

    async fn child(&self, asked: &str) -> Result<Child, Problem> {
        let program = located(&self.agent.program, &self.launch).await?;
        let config = self.agent.config(program, &self.launch, asked)?;
        self.agent.supervisor.spawn(config).map_err(|error| not_started(&error.to_string()))
    }

    /// Tells what the program writes until nothing of it is left, and heeds who wants it to end before.
    async fn follow(
        &self,
        child: &Child,
        heard: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Result<(Wish, Result<Exit, Failure>), Over> {
        let saying = self.pass_on(child.take_pipe(Stream::Stdout), child);
        tokio::pin!(saying);
        let mut has_said_all = false;
        let mut pulse = interval(PULSE);
        loop {
            tokio::select! {
                biased;
                command = heard.recv() => {
                    let wish = match command {
                        Some(Command::Interrupt) => Wish::Interrupt,
                        Some(Command::Stop | Command::Kill | Command::Hold(_)) | None => Wish::Stop,
                        Some(_) => continue,
                    };
                    // What it says until it ends is still told.
                    let rest = async { if has_said_all { Ok(()) } else { saying.as_mut().await } };
                    let (said, exit) = tokio::join!(rest, child.stop());
                    said?;
                    return Ok((wish, exit));
                }
                said = &mut saying, if !has_said_all => {
                    said?;
                    has_said_all = true;
                    self.tell(Fact::Muted).await?;
                }
                _ = pulse.tick(), if !has_said_all => {
                    // Where more waits to be heard, that tells it.
                    let _ = self.told.try_send(Fact::Alive.into());
                }
                exit = child.stopped(), if has_said_all => return Ok((Wish::None, exit)),
            }
        }
    }

    /// Tells the program's output as what the agent says.
    async fn pass_on(&self, pipe: Option<ChildPipe>, child: &Child) -> Result<(), Over> {
        let Some(mut pipe) = pipe else { return Ok(()) };
        let id = identifier("item");
        let (mut text, mut has_exited) = (Text::default(), false);
        let mut buffer = vec![0; PIECE];
        loop {
            let read = tokio::select! {
                biased;
                read = pipe.read(&mut buffer) => read.unwrap_or(0),
                _ = child.exited(), if !has_exited => {
                    has_exited = true;
                    continue;
                }
                () = tokio::time::sleep(DRAIN), if has_exited => 0,
            };
            if read == 0 {
                break;
            }
            if text.is_empty() {
                let item = Item::new(ItemKind::AgentMessage).status(ItemStatus::InProgress);
                self.tell(Fact::Item { id: id.clone(), item }).await?;
            }
            let grown = text.push(&buffer[..read]);
            self.grow(&id, grown).await?;
        }
        let grown = text.finish();
        self.grow(&id, grown).await?;
        match text.into_said() {
            None => Ok(()),
            Some(said) => {
                let item = Item::new(ItemKind::AgentMessage).status(ItemStatus::Completed);
                // What is too long to be kept in full was told in pieces, which hold then.
                let item = said.map_or(item.clone(), |said| item.text(said));
                self.tell(Fact::Item { id, item }).await
            }
        }
    }

    async fn grow(&self, id: &str, text: String) -> Result<(), Over> {
        match text.is_empty() {
            true => Ok(()),
            false => self.tell(Fact::Grew { id: id.to_owned(), field: DeltaField::Text, text }).await,
        }
    }

    async fn end(&self, child: &Child, wish: &Wish, exit: Result<Exit, Failure>) -> Result<(), Over> {
        let stderr_tail = stderr::tail(&child.output(Stream::Stderr), 0, &self.agent.secrets);
        let last = stderr::last(&stderr_tail).map(str::to_owned);
        let (exit_code, signal) = exit.as_ref().map_or((None, None), |exit| (exit.code, exit.signal));
        self.tell(Fact::Process(ProcessEvent::Exited { exit_code, signal, stderr_tail })).await?;
        let end = match (wish, exit) {
            (Wish::Interrupt | Wish::Stop, _) => TurnEnd::new(Outcome::Interrupted),
            (Wish::None, Ok(exit)) if exit.is_success() => TurnEnd::new(Outcome::Completed),
            (Wish::None, exit) => {
                let how = exit.map_or_else(|failure| failure.to_string(), |exit| format!("the command {exit}"));
                let text = last.map_or_else(|| how.clone(), |last| format!("{how}: {last}"));
                let problem = Problem::new(ProblemKind::Crashed, text);
                TurnEnd::failed(exit_code.map_or(problem.clone(), |code| problem.code(code.to_string())))
            }
        };
        self.tell(Fact::Ended(end)).await
    }
}

/// What the session wants of a program that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    None,
    Interrupt,
    Stop,
}

/// Writes the prompt. A program that does not read all of it does not have to.
async fn write(mut stdin: ChildStdin, text: String) {
    let _ = stdin.write_all(text.as_bytes()).await;
    stdin.close();
}
