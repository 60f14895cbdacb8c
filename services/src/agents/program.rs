//! An agent that is a program of its own: started by the supervisor, spoken to by lines over its standard input and output.
//! What the lines mean is its translator's matter.

mod claude_settings;
mod conversation;
mod gemini;
mod lines;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use sixframe_supervisor::{Child, ChildConfig, Failure, Output, StopLadder, Supervisor};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::acp::Acp;
use super::agent::{Abilities, Agent, Fact, Launch, Outdated, Running, Translator};
use super::claude::Claude;
use super::codex::Codex;
use super::detect;
use super::problem::{Problem, ProblemKind};
use super::secrets::Secrets;
use super::stderr;
use super::trust::{self, Configured, SettingsUse};
use conversation::Conversation;

/// Facts that may wait for the session.
const FACTS: usize = 256;

/// A program and how it is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub program: OsString,
    /// Arguments in front of those that make it speak.
    pub args: Vec<String>,
    /// Variables of its environment, beside ours.
    pub env: Vec<(String, String)>,
}

impl Program {
    /// The program as it is found.
    pub fn new(program: impl Into<OsString>) -> Program {
        Program { program: program.into(), args: Vec::new(), env: Vec::new() }
    }
}

/// What is said to a program so that it speaks, and who understands it then.
#[derive(Clone, Copy)]
struct Dialect {
    arguments: fn(&Launch) -> Vec<String>,
    translator: fn() -> Box<dyn Translator>,
    abilities: Abilities,
    patience: Duration,
    settings_use: SettingsUse,
}

/// What all of them can do.
const COMMON: Abilities =
    Abilities { resume: true, steer: false, permissions: true, usage: true, fork: true, reasons: false, models: true };

/// An agent that is a program of its own.
#[derive(Clone)]
pub struct ProgramAgent {
    provider: String,
    supervisor: Supervisor,
    program: Program,
    dialect: Dialect,
    secrets: Arc<Secrets>,
    /// The one that was found not to be too old.
    known: Arc<Mutex<Option<Found>>>,
}

/// A program where it was found, and when it was put there.
#[derive(PartialEq)]
struct Found {
    path: PathBuf,
    written: Option<SystemTime>,
}

impl ProgramAgent {
    /// Claude Code.
    pub fn claude(supervisor: Supervisor, program: Program) -> ProgramAgent {
        let dialect = Dialect {
            arguments: Claude::arguments,
            translator: || Box::new(Claude::default()),
            abilities: Abilities { reasons: true, ..COMMON },
            patience: Duration::from_secs(10),
            settings_use: SettingsUse::CanWithhold,
        };
        ProgramAgent::new(CLAUDE, supervisor, program, dialect)
    }

    /// Codex.
    pub fn codex(supervisor: Supervisor, program: Program) -> ProgramAgent {
        let dialect = Dialect {
            arguments: Codex::arguments,
            translator: || Box::new(Codex::default()),
            abilities: Abilities { steer: true, ..COMMON },
            patience: Duration::from_secs(10),
            settings_use: SettingsUse::CanWithhold,
        };
        ProgramAgent::new("codex", supervisor, program, dialect)
    }

    /// An agent that speaks the Agent Client Protocol when its program is started as it is. Such programs may take their time.
    pub fn acp(provider: impl Into<String>, supervisor: Supervisor, program: Program) -> ProgramAgent {
        let provider = provider.into();
        // The protocol has no word for it; Gemini CLI is told by its environment.
        let settings_use = if provider == GEMINI { SettingsUse::CanWithhold } else { SettingsUse::Loads };
        let dialect = Dialect {
            arguments: Acp::arguments,
            translator: || Box::new(Acp::default()),
            abilities: COMMON,
            patience: Duration::from_secs(30),
            settings_use,
        };
        ProgramAgent::new(provider, supervisor, program, dialect)
    }

    fn new(provider: impl Into<String>, supervisor: Supervisor, program: Program, dialect: Dialect) -> ProgramAgent {
        let secrets = Arc::new(Secrets::of_environment(&program.env));
        ProgramAgent { provider: provider.into(), supervisor, program, dialect, secrets, known: Arc::default() }
    }

    fn config(&self, program: PathBuf, launch: &Launch) -> ChildConfig {
        let env = environment(Some(&program), &self.program.env, launch);
        let mut config = ChildConfig::new(program);
        config.name = format!("agent-{}", self.provider.replace(':', "-"));
        let spoken = (self.dialect.arguments)(launch);
        let mut args: Vec<String> = self.program.args.iter().chain(&spoken).cloned().collect();
        if self.provider == CLAUDE {
            claude_settings::add(&mut args);
        }
        config.args = args.into_iter().map(Into::into).collect();
        config.env = env;
        if self.provider == GEMINI {
            let given = || self.program.env.iter().chain(&launch.env).rev();
            let given = |name: &str| given().find(|(given, _)| given == name).map(|(_, value)| value.into());
            let value = |name: &str| given(name).or_else(|| std::env::var_os(name));
            config.env.extend(gemini::variables(launch, value));
        }
        config.cwd = Some(launch.cwd.clone());
        config.stdout = Output::Piped;
        config.output_bytes = stderr::KEPT;
        config.stop = StopLadder { signal_for: Duration::from_secs(2), ..StopLadder::default() };
        config
    }

    async fn child(&self, launch: &Launch) -> Result<Child, Problem> {
        let program = located(&self.program, launch).await?;
        let (this, of) = (self.clone(), launch.clone());
        // A file of settings may be read for it.
        let config = spawn_blocking(move || this.config(program, &of)).await;
        let config = config.map_err(|error| not_started(&error.to_string()))?;
        self.supervisor.spawn(config).map_err(|error| not_started(&error.to_string()))
    }
}

/// Where the program is just now. It is not left to the system to look for it, which would do so in the folder that the agent
/// works in, where `PATH` has entries that are relative.
pub(super) async fn located(program: &Program, launch: &Launch) -> Result<PathBuf, Problem> {
    let found = detect::located(&program.program).await;
    let found = found.ok_or_else(|| match launch.cwd.is_dir() {
        true => missing(&program.program.to_string_lossy()),
        false => no_folder(launch),
    })?;
    // What the folder has to run must be what a person was shown, now that it is run.
    let configured = Configured::new(&program.program, &program.args);
    let (cwd, trusted) = (launch.cwd.clone(), launch.code.clone());
    let looked = spawn_blocking(move || trust::untrusted_code(&configured, &cwd, trusted.as_deref())).await;
    match looked.map_err(|error| not_started(&error.to_string()))? {
        Some(problem) => Err(problem),
        None => Ok(found),
    }
}

/// The environment of an agent's program: ours, without what is not an agent's, and with these variables.
pub(super) fn environment(
    program: Option<&Path>,
    given: &[(String, String)],
    launch: &Launch,
) -> Vec<(OsString, Option<OsString>)> {
    // Our token is not an agent's; Claude Code takes the second for a sign that it was started by itself; and by the third,
    // a command would go to another folder than the one that the rules have looked at.
    let removed = ["SIXFRAME_TOKEN", "CLAUDECODE", "CDPATH"].into_iter().map(|name| (name.into(), None));
    // Nor does it run what only lies in the folder that it works in.
    let path = detect::path_for(program).map(|path| ("PATH".into(), Some(path)));
    // Agents update themselves when they are alone, and Gemini is one process and not two. By the last one, Claude Code runs
    // each command where the session is, as a person is shown it, and not where the last one has gone to.
    let fixed = [
        ("DISABLE_AUTOUPDATER", "1"),
        ("GEMINI_CLI_NO_RELAUNCH", "true"),
        ("CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR", "1"),
    ]
    .map(|(name, value)| (name.into(), Some(value.into())));
    let given = given.iter().chain(&launch.env);
    let given = given.map(|(name, value)| (name.into(), Some(value.into())));
    // A turn begins with a prompt, or with what the agent had under way, and never with a file: nobody undoes that.
    let held = [(NO_TASKS.into(), Some("1".into()))];
    removed.chain(path).chain(fixed).chain(given).chain(held).collect()
}

/// By this, Claude Code begins no turns for the tasks of `.claude/scheduled_tasks.json`, and has no tool that makes some.
const NO_TASKS: &str = "CLAUDE_CODE_DISABLE_CRON";

/// The provider that Claude Code is.
const CLAUDE: &str = "claude";

/// The provider that Gemini CLI is.
const GEMINI: &str = "gemini";

impl fmt::Debug for ProgramAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramAgent").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Agent for ProgramAgent {
    fn provider(&self) -> &str {
        &self.provider
    }

    fn abilities(&self) -> Abilities {
        self.dialect.abilities
    }

    fn patience(&self) -> Duration {
        self.dialect.patience
    }

    fn settings_use(&self) -> SettingsUse {
        self.dialect.settings_use
    }

    fn outdated(&self) -> BoxFuture<'_, Option<Outdated>> {
        Box::pin(async {
            let kind = detect::kind(&self.provider)?;
            let path = detect::located(&self.program.program).await?;
            let written = path.metadata().and_then(|file| file.modified()).ok();
            let found = Some(Found { path, written });
            if *self.known.lock().unwrap_or_else(PoisonError::into_inner) == found {
                return None;
            }
            let outdated = detect::outdated(&self.supervisor, kind, &self.program).await;
            if outdated.is_none() {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = found;
            }
            outdated
        })
    }

    fn start(&self, launch: Launch) -> Running {
        let (commands, heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(FACTS);
        let this = self.clone();
        tokio::spawn(async move {
            let problem = match this.child(&launch).await {
                Ok(child) => Conversation::new(&this, child, &told).run(&launch, heard).await,
                Err(problem) => Some(problem),
            };
            // Nobody has to know any more where nobody listens.
            let _ = told.send(Fact::Gone { problem }.into()).await;
        });
        Running { commands, facts }
    }
}

pub(super) fn not_started(reason: &str) -> Problem {
    Problem::new(ProblemKind::SpawnFailed, reason)
}

fn missing(program: &str) -> Problem {
    Problem::new(ProblemKind::CliMissing, format!("there is no program {program}"))
        .hint("install it, or name it by its path in the configuration")
}

fn no_folder(launch: &Launch) -> Problem {
    not_started(&format!("{} is no folder to work in", launch.cwd.display()))
}

pub(super) fn not_run(failure: &Failure, launch: &Launch) -> Problem {
    match failure {
        Failure::NotStarted { kind: std::io::ErrorKind::NotFound, .. } if !launch.cwd.is_dir() => no_folder(launch),
        Failure::NotStarted { program, kind: std::io::ErrorKind::NotFound, .. } => missing(program),
        Failure::NotStarted { .. }
        | Failure::NotNow { .. }
        | Failure::GuardianLost { .. }
        | Failure::GuardianStuck { .. }
        | Failure::Left { .. } => not_started(&failure.to_string()),
    }
}
