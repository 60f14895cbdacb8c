//! git as we call it ourselves: without a shell, without a terminal, and so that no repository can have a program of its own
//! run by it. What a person's own git does is not changed by anything here.

mod changes;
mod programs;
mod repository;
mod store;
mod undo;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sixframe_supervisor::{ChildConfig, Exit, Input, Output, StopLadder, Stream, Supervisor};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::detect;
pub use repository::Repository;
pub use store::{Applied, Bounds, Diff, Glance, Store, Tree};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much a call may answer where nothing else is said, in bytes.
const MOST: usize = 32 << 20;

/// How much is kept of what git complains about, in bytes, and how many lines of it are told.
const STDERR: (usize, usize) = (16 << 10, 5);

/// Variables of our environment that git is given. All others, `GIT_*` above all, are not.
const KEPT: [&str; 11] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "APPDATA",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "PROGRAMDATA",
];

/// What is not there on this system: as a folder of hooks, as a file of settings.
const NOTHING: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Variables that keep git from asking anybody, from reaching out, and from reading settings that we do not know.
const FIXED: [(&str, &str); 16] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", NOTHING),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("GIT_EDITOR", ":"),
    ("GIT_PAGER", ""),
    // No protocol has this name, so none is allowed: objects that are missing are fetched by git itself otherwise.
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_ADVICE", "0"),
    ("GIT_AUTHOR_NAME", "sixframe"),
    ("GIT_COMMITTER_NAME", "sixframe"),
];

/// Settings that hold over those of a repository. Programs that it names under names of its own are [`Repository`]'s matter.
const SETTINGS: [(&str, &str); 27] = [
    ("core.hooksPath", NOTHING),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("core.attributesFile", NOTHING),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.askPass", ""),
    ("core.alternateRefsCommand", "false"),
    ("core.pager", ""),
    ("core.editor", ":"),
    ("core.quotePath", "false"),
    ("core.protectNTFS", "true"),
    ("core.protectHFS", "true"),
    ("core.longPaths", "true"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("diff.external", ""),
    ("submodule.recurse", "false"),
    ("commit.gpgSign", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("checkout.guess", "false"),
    ("merge.renames", "true"),
    // Hooks under names that nobody knows, for what a call of ours may be followed by: newer ones than 2.54 know these.
    ("hook.reference-transaction.enabled", "false"),
    ("hook.post-checkout.enabled", "false"),
    ("hook.post-index-change.enabled", "false"),
];

/// Why git did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// It is not installed.
    #[error("there is no program git; install it")]
    Missing,
    /// It could not be started.
    #[error("git cannot be started: {0}")]
    NotStarted(String),
    /// It took too long and was stopped.
    #[error("git {command} took longer than {} s and was stopped", after.as_secs())]
    TimedOut {
        /// What it was asked for.
        command: String,
        /// How long it was given.
        after: Duration,
    },
    /// It answered too much and was stopped.
    #[error("git {command} answered more than {most} bytes")]
    TooLong {
        /// What it was asked for.
        command: String,
        /// How many bytes it may answer.
        most: usize,
    },
    /// It failed.
    #[error("git {command} failed: {said}")]
    Failed {
        /// What it was asked for.
        command: String,
        /// What it exited with; none where a signal ended it.
        code: Option<i32>,
        /// The last lines that it complained.
        said: String,
    },
    /// What it answered is not understood, or the repository is not as it should be.
    #[error("{0}")]
    Unfit(String),
}

/// git, which runs no program that a repository names. Cheap to clone.
#[derive(Clone)]
pub struct Git {
    supervisor: Supervisor,
    program: PathBuf,
}

impl std::fmt::Debug for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Git").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Git {
    /// git as it is installed, held by `supervisor`.
    ///
    /// # Errors
    /// There is none in `PATH`.
    pub fn find(supervisor: &Supervisor) -> Result<Git, GitError> {
        let program = detect::find(OsStr::new("git")).ok_or(GitError::Missing)?;
        Ok(Git { supervisor: supervisor.clone(), program })
    }

    /// A call that works in this folder.
    pub(super) fn call<'a>(&'a self, folder: &'a Path) -> Call<'a> {
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Call {
            git: self,
            folder,
            args: Vec::new(),
            env: Vec::new(),
            unset: Vec::new(),
            settings,
            input: None,
            most: MOST,
        }
    }
}

/// What a call answered, however it ended.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) exit: Exit,
    pub(super) stdout: Vec<u8>,
    /// The last lines that it complained.
    pub(super) said: String,
}

/// A call of git that is being put together.
pub(super) struct Call<'a> {
    git: &'a Git,
    folder: &'a Path,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    unset: Vec<&'static str>,
    settings: Vec<(String, String)>,
    input: Option<Vec<u8>>,
    most: usize,
}

impl Call<'_> {
    /// With these arguments behind those that it has.
    pub(super) fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With this variable.
    pub(super) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Without this one of the variables that calls have.
    pub(super) fn unset(mut self, name: &'static str) -> Self {
        self.unset.push(name);
        self
    }

    /// With these settings over all others.
    pub(super) fn settings<'s>(mut self, settings: impl IntoIterator<Item = &'s (String, String)>) -> Self {
        self.settings.extend(settings.into_iter().cloned());
        self
    }

    /// Reading this.
    pub(super) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = Some(input);
        self
    }

    /// Stopped when it answers more than so many bytes.
    pub(super) fn most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// What it wrote, where it succeeded.
    pub(super) async fn run(self) -> Result<Vec<u8>, GitError> {
        let command = self.command();
        let Answer { exit, stdout, said } = self.answer().await?;
        match exit.is_success() {
            true => Ok(stdout),
            false => Err(GitError::Failed { command, code: exit.code, said }),
        }
    }

    /// What it wrote as text without the end of its last line, where it succeeded.
    pub(super) async fn text(self) -> Result<String, GitError> {
        let command = self.command();
        let text = String::from_utf8(self.run().await?);
        let text = text.map_err(|_| GitError::Unfit(format!("git {command} answered what is no text")))?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// What came of it, whether it succeeded or not.
    pub(super) async fn answer(self) -> Result<Answer, GitError> {
        let (command, most, after) = (self.command(), self.most, PATIENCE);
        let child = self.git.supervisor.spawn(self.config());
        let child = child.map_err(|error| GitError::NotStarted(error.to_string()))?;
        let pipe = child.take_pipe(Stream::Stdout);
        let input = self.input;
        let speaking = async {
            let mut stdin = child.stdin();
            if let Some(input) = input {
                // One that does not want to read all of it says why by how it ends.
                let _ = stdin.write_all(&input).await;
            }
            stdin.close();
        };
        let listening = async {
            let mut stdout = Vec::new();
            if let Some(pipe) = pipe {
                // A pipe that breaks is one that ends.
                let _ = pipe.take(most as u64 + 1).read_to_end(&mut stdout).await;
            }
            match stdout.len() > most {
                true => Err(GitError::TooLong { command: command.clone(), most }),
                false => Ok(stdout),
            }
        };
        let whole = async {
            let (stdout, ()) = tokio::join!(listening, speaking);
            let stdout = stdout?;
            let exit = child.stopped().await.map_err(|failure| GitError::NotStarted(failure.to_string()))?;
            Ok(Answer { exit, stdout, said: child.output(Stream::Stderr).last_lines(STDERR.1).join("\n") })
        };
        let answer = timeout(after, whole).await.unwrap_or(Err(GitError::TimedOut { command, after }));
        if answer.is_err() {
            // It may still write what somebody else is about to.
            let _ = child.stop().await;
        }
        answer
    }

    fn command(&self) -> String {
        let words = self.args.iter().map(|arg| arg.to_string_lossy());
        words.filter(|word| !word.starts_with('-')).take(2).collect::<Vec<_>>().join(" ")
    }

    fn config(&self) -> ChildConfig {
        let mut config = ChildConfig::new(&self.git.program);
        config.name = "git".to_owned();
        config.args = [OsString::from("--no-pager")].into_iter().chain(self.args.iter().cloned()).collect();
        config.clear_env = true;
        config.env = self.environment();
        config.cwd = Some(self.folder.to_owned());
        config.stdin = if self.input.is_some() { Input::Piped } else { Input::Null };
        config.stdout = Output::Piped;
        config.output_bytes = STDERR.0;
        config.stop = StopLadder { close_stdin_for: Duration::ZERO, ..StopLadder::default() };
        config
    }

    fn environment(&self) -> Vec<(OsString, Option<OsString>)> {
        let ours = KEPT.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        let fixed = FIXED.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let emails = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name.into(), "sixframe@localhost".into()));
        // Settings travel by variables: a name may hold any character there.
        let count = (OsString::from("GIT_CONFIG_COUNT"), OsString::from(self.settings.len().to_string()));
        let settings = self.settings.iter().enumerate().flat_map(|(at, (name, value))| {
            [
                (format!("GIT_CONFIG_KEY_{at}").into(), name.into()),
                (format!("GIT_CONFIG_VALUE_{at}").into(), value.into()),
            ]
        });
        let all = ours.chain(fixed).chain(emails).chain([count]).chain(settings).chain(self.env.iter().cloned());
        let is_set = |(name, _): &(OsString, OsString)| !self.unset.iter().any(|unset| name == unset);
        all.filter(is_set).map(|(name, value)| (name, Some(value))).collect()
    }
}
