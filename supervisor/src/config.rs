//! What to start, how it is held, and how it is stopped.

use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SpawnError;

/// What to start and how to keep it. Shown without the values of its variables, which may be secrets.
#[derive(Clone)]
pub struct ChildConfig {
    /// What the child is called, in logs and in the ledger. Default: the program's file name.
    pub name: String,
    /// The program: a path, or a name that is looked up in the `PATH` that the child is given. No shell is involved. On
    /// Windows, `.bat` and `.cmd` files are refused, but for npm's own shims, of which the program behind is started.
    pub program: OsString,
    /// Its arguments, each passed as it stands. Other users of the machine can read them: secrets belong into `env`.
    pub args: Vec<OsString>,
    /// Variables set on top of our environment, or removed from it where there is no value.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Whether the child starts from an empty environment instead of ours. Default no.
    pub clear_env: bool,
    /// The folder to start in; ours where there is none.
    pub cwd: Option<PathBuf>,
    /// What the child reads from. Default [`Input::Piped`].
    pub stdin: Input,
    /// Where what it writes goes. Default [`Output::Kept`].
    pub stdout: Output,
    /// Likewise for standard error.
    pub stderr: Output,
    /// How much of each kept output is held for subscribers that come later or read slowly, in bytes. Default 4 MiB. Memory
    /// is taken only as output comes.
    pub output_bytes: usize,
    /// Whether the lines of kept output are also logged, at the level `info`, with the target `sixframe_supervisor::output`.
    /// Default no.
    pub trace_output: bool,
    /// When the child counts as ended. Default [`Lifetime::Program`].
    pub lifetime: Lifetime,
    /// How it is asked to stop.
    pub stop: StopLadder,
}

impl ChildConfig {
    /// The program without arguments, everything else by default.
    pub fn new(program: impl Into<OsString>) -> ChildConfig {
        let program = program.into();
        let name = std::path::Path::new(&program).file_name().unwrap_or(&program);
        ChildConfig {
            name: name.to_string_lossy().into_owned(),
            program,
            args: Vec::new(),
            env: Vec::new(),
            clear_env: false,
            cwd: None,
            stdin: Input::Piped,
            stdout: Output::Kept,
            stderr: Output::Kept,
            output_bytes: 4 << 20,
            trace_output: false,
            lifetime: Lifetime::Program,
            stop: StopLadder::default(),
        }
    }

    /// Refuses what would end somewhere in between, or mean something else there.
    pub(crate) fn check(&self) -> Result<(), SpawnError> {
        let names = self.env.iter().map(|(name, _)| name);
        let values = self.env.iter().filter_map(|(_, value)| value.as_ref());
        let cwd = self.cwd.as_ref().map(|cwd| cwd.as_os_str());
        let texts = names.clone().chain(values).chain(&self.args).chain([&self.program]).map(OsString::as_os_str);
        if texts.chain(cwd).any(|text| text.as_encoded_bytes().contains(&0)) {
            return Err(SpawnError::Malformed { reason: "program, args, cwd and env hold no NUL; leave it out" });
        }
        if names.clone().any(|name| name.is_empty() || name.as_encoded_bytes().contains(&b'=')) {
            return Err(SpawnError::Malformed { reason: "a name in env is not empty and holds no =" });
        }
        Ok(())
    }
}

impl fmt::Debug for ChildConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<&OsString> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("ChildConfig")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &env)
            .field("cwd", &self.cwd)
            .field("lifetime", &self.lifetime)
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

/// What a child reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A pipe that [`Child::stdin`](crate::Child::stdin) writes to. It is closed when the child is stopped, or when we end.
    Piped,
    /// Nothing: the end of the input at once.
    Null,
}

/// Where a child's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Read as fast as it comes, and kept for subscribers of [`Child::output`](crate::Child::output). The child never waits
    /// for them.
    Kept,
    /// A pipe that is read by whoever takes it from [`Child::take_pipe`](crate::Child::take_pipe), and by nobody else: a
    /// child that writes faster waits.
    Piped,
    /// Thrown away.
    Null,
    /// To where our own goes.
    Inherited,
}

/// When a child counts as ended, so that what is left of its tree is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// When its program ends.
    Program,
    /// When the last process of its tree ends: for programs that start the real one in the background and end.
    Tree,
}

/// How a child is asked to stop: step by step, and from any step on it is done as soon as the tree is empty. Where we die,
/// only the signal and the kill are left, and the input closes by itself. A time of more than 30 years is taken for that.
#[derive(Clone, Debug)]
pub struct StopLadder {
    /// The program's own way of being asked, such as a request to a port. Default none.
    pub ask: Option<Ask>,
    /// Time for that. Default 2 s.
    pub ask_for: Duration,
    /// Time after closing the input; nothing waits where the input is not [`Input::Piped`]. Default 2 s.
    pub close_stdin_for: Duration,
    /// The signal that every process of the tree is sent; on Windows, where there are none, a `CTRL_BREAK` to those that
    /// share the child's console. Default [`Signal::Terminate`].
    pub signal: Signal,
    /// Time after the signal, before everything left is killed. Default 3 s.
    pub signal_for: Duration,
}

impl Default for StopLadder {
    fn default() -> StopLadder {
        StopLadder {
            ask: None,
            ask_for: Duration::from_secs(2),
            close_stdin_for: Duration::from_secs(2),
            signal: Signal::Terminate,
            signal_for: Duration::from_secs(3),
        }
    }
}

/// Longer than anybody waits, and short enough for the clocks of all systems.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl StopLadder {
    /// With times that can be added to any moment.
    pub(crate) fn bounded(self) -> StopLadder {
        StopLadder {
            ask_for: self.ask_for.min(LONGEST),
            close_stdin_for: self.close_stdin_for.min(LONGEST),
            signal_for: self.signal_for.min(LONGEST),
            ..self
        }
    }
}

type Asking = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A program's own way of being asked to stop. The future is dropped when its time is over or the tree is empty.
#[derive(Clone)]
pub struct Ask(Arc<dyn Fn() -> Asking + Send + Sync>);

impl Ask {
    /// Asks by what `ask` does. When it completes the next step waits no less: completing says that the wish was passed on.
    pub fn new<F: Future<Output = ()> + Send + 'static>(ask: impl Fn() -> F + Send + Sync + 'static) -> Ask {
        Ask(Arc::new(move || Box::pin(ask())))
    }

    pub(crate) fn begin(&self) -> Asking {
        (self.0)()
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

/// A signal that programs understand as a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`, what ^C sends.
    Interrupt,
    /// `SIGQUIT`.
    Quit,
    /// `SIGHUP`.
    Hangup,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
}

#[cfg(unix)]
impl Signal {
    pub(crate) fn number(self) -> rustix::process::Signal {
        use rustix::process::Signal as Number;
        match self {
            Signal::Terminate => Number::TERM,
            Signal::Interrupt => Number::INT,
            Signal::Quit => Number::QUIT,
            Signal::Hangup => Number::HUP,
            Signal::User1 => Number::USR1,
            Signal::User2 => Number::USR2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_shown_without_its_secrets() {
        let mut config = ChildConfig::new("/bin/program");
        config.env.push(("TOKEN".into(), Some("secret".into())));
        let shown = format!("{config:?}");
        assert!(shown.contains("TOKEN") && shown.contains("program") && !shown.contains("secret"), "{shown}");
    }
}
