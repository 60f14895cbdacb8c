//! `process.run`: a program's output as a stream. Its pipes are read only while the caller takes items, so a program that
//! writes faster than its caller reads waits. Nothing that it started outlives the stream.

#[cfg(unix)]
mod guard;
mod tree;

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use futures_util::{Stream, TryStreamExt, stream};
use serde_json::json;
use sixframe_core::{Code, Fault};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use super::api::{Exit, Output, OutputStream, RunParams};
use super::chunk::Chunk;
#[cfg(unix)]
use guard::Guard;
#[cfg(unix)]
pub(crate) use guard::stand as stand_guard;
use tree::Tree;

/// Most bytes read at once.
const READ: usize = 64 << 10;

/// Silence after which an exited program's output is over, though something that it started keeps it open.
const DRAIN: Duration = Duration::from_millis(100);

/// The stream of one caller. Dropping it kills the program and everything that it started.
pub(crate) fn run(allowed: bool, params: RunParams) -> impl Stream<Item = Result<Output, Fault>> + Send {
    let opened = async move {
        if !allowed {
            return Err(forbidden());
        }
        let run = Run::start(&params)?;
        Ok(stream::try_unfold(Some(run), |run| async {
            let Some(run) = run else { return Ok(None) };
            run.next().await.map(Some)
        }))
    };
    stream::once(opened).try_flatten()
}

fn forbidden() -> Fault {
    let message = "process.run is off; start the daemon with --allow process.run";
    Fault::new(Code::FORBIDDEN, message).details(json!({"setting": "allow", "flag": "--allow process.run"}))
}

/// A program that runs. The tree goes first: while the child is not reaped, its process id is its own; then the guard, who
/// has nothing left to do.
struct Run {
    tree: Tree,
    #[cfg(unix)]
    _guard: Guard,
    child: Child,
    stdout: Pipe<ChildStdout>,
    stderr: Pipe<ChildStderr>,
    exit: Option<ExitStatus>,
}

impl Run {
    fn start(params: &RunParams) -> Result<Run, Fault> {
        check(params)?;
        let mut command = Command::new(&params.program);
        command.args(&params.args).envs(&params.env);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some(cwd) = &params.cwd {
            command.current_dir(cwd);
        }
        let mark = tree::mark(&mut command);
        #[cfg(unix)]
        let mut guard = Guard::post(&mark).map_err(|error| unguarded(&error))?;
        let mut child = command.spawn().map_err(|error| not_started(params, &error))?;
        let tree = Tree::of(child.id(), mark);
        #[cfg(unix)]
        guard.watch(child.id()).map_err(|error| unguarded(&error))?;
        let (stdout, stderr) = (Pipe::new(child.stdout.take()), Pipe::new(child.stderr.take()));
        Ok(Run {
            tree,
            #[cfg(unix)]
            _guard: guard,
            child,
            stdout,
            stderr,
            exit: None,
        })
    }

    /// The next item and what runs on; the exit is the last.
    async fn next(mut self) -> Result<(Output, Option<Run>), Fault> {
        loop {
            if let Some(output) = self.output().await? {
                return Ok((output, Some(self)));
            }
            match self.exit {
                Some(status) => return Ok((Output::Exited { exit: exit(status) }, None)),
                None => self.reap().await?,
            }
        }
    }

    /// The next output; nothing when there is none left, or when the program exits.
    async fn output(&mut self) -> Result<Option<Output>, Fault> {
        let Run { child, stdout, stderr, exit, .. } = self;
        if exit.is_some() {
            let drained = timeout(DRAIN, either(stdout, stderr)).await;
            return drained.unwrap_or(Ok(None)).map_err(|error| unreadable(&error));
        }
        tokio::select! {
            biased;
            output = either(stdout, stderr) => output.map_err(|error| unreadable(&error)),
            status = child.wait() => {
                *exit = Some(status.map_err(|error| unreadable(&error))?);
                self.tree.is_reaped();
                Box::pin(self.output()).await
            }
        }
    }

    async fn reap(&mut self) -> Result<(), Fault> {
        self.exit = Some(self.child.wait().await.map_err(|error| unreadable(&error))?);
        self.tree.is_reaped();
        Ok(())
    }
}

/// One of a program's outputs.
struct Pipe<R> {
    reader: Option<R>,
    pending: BytesMut,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(reader: Option<R>) -> Pipe<R> {
        Pipe { reader, pending: BytesMut::new() }
    }

    /// The next bytes, `None` at the end. May be dropped and called again at any time. A character that was cut in two is
    /// kept for its second half.
    async fn next(&mut self) -> io::Result<Option<Chunk>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        self.pending.reserve(READ);
        let at_end = reader.read_buf(&mut self.pending).await? == 0;
        if at_end {
            self.reader = None;
        }
        if self.pending.is_empty() {
            return Ok(None);
        }
        let (chunk, length) = Chunk::of(&self.pending);
        self.pending.advance(length);
        if self.pending.is_empty() {
            self.pending = BytesMut::new();
        }
        Ok(Some(chunk))
    }
}

async fn either(stdout: &mut Pipe<ChildStdout>, stderr: &mut Pipe<ChildStderr>) -> io::Result<Option<Output>> {
    while stdout.reader.is_some() || stderr.reader.is_some() {
        let (stream, chunk) = tokio::select! {
            chunk = stdout.next(), if stdout.reader.is_some() => (OutputStream::Stdout, chunk?),
            chunk = stderr.next(), if stderr.reader.is_some() => (OutputStream::Stderr, chunk?),
        };
        if let Some(chunk) = chunk {
            return Ok(Some(Output::Wrote { stream, chunk }));
        }
    }
    Ok(None)
}

fn exit(status: ExitStatus) -> Exit {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    Exit { code: status.code(), signal }
}

/// Refuses what no system can pass to a program.
fn check(params: &RunParams) -> Result<(), Fault> {
    let RunParams { program, args, cwd, env } = params;
    let texts = args.iter().chain(cwd).chain(env.keys()).chain(env.values());
    if texts.chain([program]).any(|text| text.contains('\0')) {
        return Err(Fault::new(Code::INVALID_PAYLOAD, "program, args, cwd and env hold no NUL; leave it out"));
    }
    if env.keys().any(|name| name.is_empty() || name.contains('=')) {
        return Err(Fault::new(Code::INVALID_PAYLOAD, "a name in env is not empty and holds no ="));
    }
    Ok(())
}

fn not_started(params: &RunParams, error: &io::Error) -> Fault {
    let program = &params.program;
    match (error.kind(), &params.cwd) {
        (io::ErrorKind::NotFound, Some(cwd)) if !std::path::Path::new(cwd).is_dir() => {
            Fault::new(Code::NOT_FOUND, format!("{cwd} is no folder to start in"))
        }
        (io::ErrorKind::NotFound, _) => {
            Fault::new(Code::NOT_FOUND, format!("no program {program}; check the path or PATH"))
        }
        (io::ErrorKind::PermissionDenied, _) => {
            Fault::new(Code::FORBIDDEN, format!("the daemon's user may not start {program}"))
        }
        _ => Fault::new(Code::INTERNAL, format!("cannot start {program}: {error}")),
    }
}

#[cfg(unix)]
fn unguarded(error: &io::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("cannot start the process that guards the program: {error}"))
}

fn unreadable(error: &io::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("lost the program: {error}"))
}
