//! A program that we start, spoken to over its standard input and output. Owns the process and its process group until the
//! transport is dropped; restarting it is somebody else's business.

mod exit;
mod stderr;

use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use sixframe_core::{Identity, Message, Scope, Scopes, TransportError};
use tokio::io::Join;
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::closing::Closing;
use crate::{ByteTransport, Framing};
use exit::{Exit, Watch};
use stderr::StderrTail;

/// What to start and how to speak to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildConfig {
    /// The program: a path, or a name that is looked up in `PATH`. No shell is involved.
    pub program: OsString,
    /// Its arguments, each passed as it stands. Other users of the machine can read them: secrets belong into `env`.
    pub args: Vec<OsString>,
    /// Variables set on top of our own environment.
    pub env: Vec<(OsString, OsString)>,
    /// The folder to start in; ours where there is none.
    pub cwd: Option<PathBuf>,
    /// How messages are separated. Default [`Framing::Ndjson`].
    pub framing: Framing,
    /// Longest message accepted, in bytes; a longer one is skipped. Default 16 MiB.
    pub message_bytes: usize,
    /// What the program may call on us. Default `read` and `call`.
    pub scopes: Scopes,
}

impl ChildConfig {
    /// The program without arguments, everything else by default.
    pub fn new(program: impl Into<OsString>) -> ChildConfig {
        ChildConfig {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            framing: Framing::Ndjson,
            message_bytes: 16 << 20,
            scopes: Scopes::NONE.with(Scope::Read).with(Scope::Call),
        }
    }
}

type Pipes = ByteTransport<Join<ChildStdout, Closing<ChildStdin>>>;

/// Messages over a child's standard input and output.
///
/// When the process exits the stream ends with a fatal error that names the program, how it exited and what it last wrote
/// to stderr; `details` hold the same as `{exit: {code, signal}, stderr: [lines]}`. That happens even while a grandchild keeps the
/// output open. After `poll_close`, which closes the child's input, an exit with status 0 is a clean end instead.
/// Dropping kills the process and, on Unix, its whole process group.
pub struct ChildTransport {
    bytes: Pipes,
    watch: Watch,
    stderr: Arc<StderrTail>,
    closed: bool,
    /// Why writing failed, until it is known how the child ended.
    broken: Option<TransportError>,
    exit: Option<Exit>,
    ended: bool,
}

/// Starts the program, within a tokio runtime. The identity is the child's process id.
///
/// Errors, all permanent: the program cannot be started; on Windows, it is a `.bat` or `.cmd` file, whose arguments a shell
/// would read again.
pub fn spawn(config: &ChildConfig) -> Result<(ChildTransport, Identity), TransportError> {
    let name = config.program.to_string_lossy().into_owned();
    if cfg!(windows) && is_batch(&name) {
        let why = "batch files are run by a shell; name the program that it starts";
        return Err(TransportError::permanent(format!("cannot start {name}: {why}"), None));
    }
    let mut child = command(config).spawn().map_err(|error| {
        TransportError::permanent(
            format!("cannot start {name}: {error}; check the program and its folder"),
            Some(error.into()),
        )
    })?;
    let pid = child.id();
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(TransportError::new(format!("cannot reach the pipes of {name}"), None));
    };
    let tail = Arc::new(StderrTail::default());
    let transport = ChildTransport {
        bytes: ByteTransport::new(tokio::io::join(stdout, Closing::new(stdin)), config.framing, config.message_bytes),
        watch: Watch::start(name.clone(), child, stderr, Arc::clone(&tail)),
        stderr: tail,
        closed: false,
        broken: None,
        exit: None,
        ended: false,
    };
    let identity = Identity {
        transport: "child",
        scopes: config.scopes,
        pid,
        uid: None,
        address: Some(format!("exec:{name}")),
        ..Identity::default()
    };
    Ok((transport, identity))
}

impl ChildTransport {
    /// What the child last wrote to stderr, line by line: at most 64 KiB, each line at most 4 KiB.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// What the exit is told as, once it is known; nothing when it was asked for.
    fn poll_exit(&mut self, cx: &mut Context<'_>, output_ended: bool) -> Poll<Option<TransportError>> {
        let exit = match self.exit.take() {
            Some(exit) => exit,
            None => ready!(self.watch.poll(cx, output_ended)),
        };
        let error = (!self.closed || !exit.success()).then(|| exit.error(&self.stderr));
        self.exit = Some(exit);
        Poll::Ready(error)
    }

    /// A broken pipe says less than the exit that broke it, so that is waited for and told instead.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Pipes>, &mut Context<'_>) -> Poll<Result<(), TransportError>>,
    ) -> Poll<Result<(), TransportError>> {
        if self.broken.is_none() {
            match ready!(write(Pin::new(&mut self.bytes), cx)) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) => self.broken = Some(error),
            }
        }
        let exit = ready!(self.poll_exit(cx, true));
        let broken = self.broken.take().unwrap_or_else(|| TransportError::new("the program reads no more", None));
        Poll::Ready(Err(exit.unwrap_or(broken)))
    }
}

fn command(config: &ChildConfig) -> Command {
    let mut command = Command::new(&config.program);
    command.args(&config.args).envs(config.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(cwd) = &config.cwd {
        command.current_dir(cwd);
    }
    // A group of its own, without `pre_exec`: that would make the standard library fork instead of posix_spawn.
    #[cfg(unix)]
    command.process_group(0);
    command
}

fn is_batch(name: &str) -> bool {
    let name = name.trim_end_matches([' ', '.']).to_ascii_lowercase();
    name.ends_with(".bat") || name.ends_with(".cmd")
}

impl Stream for ChildTransport {
    type Item = Result<Message, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let output_ended = match Pin::new(&mut this.bytes).poll_next(cx) {
            Poll::Ready(Some(Err(error))) if error.is_fatal() => true,
            Poll::Ready(Some(message)) => return Poll::Ready(Some(message)),
            Poll::Ready(None) => true,
            Poll::Pending => false,
        };
        let error = ready!(this.poll_exit(cx, output_ended));
        this.ended = true;
        Poll::Ready(error.map(Err))
    }
}

impl Sink<Message> for ChildTransport {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.get_mut().poll_write(cx, |bytes, cx| bytes.poll_ready(cx))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        Pin::new(&mut self.bytes).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.get_mut().poll_write(cx, |bytes, cx| bytes.poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.closed = true;
        Pin::new(&mut self.bytes).poll_close(cx)
    }
}
