//! `process.run`: a program's output as a stream. Its pipes are read only while the caller takes items, so a program that
//! writes faster than its caller reads waits. Nothing that it started outlives the stream.

use std::io;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use futures_util::{Stream, TryStreamExt, stream};
use serde_json::json;
use sixframe_core::{Code, Fault};
use sixframe_supervisor::{
    Child, ChildConfig, ChildPipe, Failure, Input, Output as Goes, SpawnError, StopLadder, Stream as Of, Supervisor,
};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::api::{Exit, Output, OutputStream, RunParams};
use super::chunk::Chunk;

/// Most bytes read at once.
const READ: usize = 64 << 10;

/// Silence after which a stopped program's output is over, though a process out of reach keeps it open.
const DRAIN: Duration = Duration::from_millis(100);

/// The stream of one caller. Dropping it kills the program and everything that it started.
pub(crate) fn run(
    supervisor: Supervisor,
    allowed: bool,
    params: RunParams,
) -> impl Stream<Item = Result<Output, Fault>> + Send {
    let opened = async move {
        if !allowed {
            return Err(forbidden());
        }
        let run = Run::start(&supervisor, &params).await?;
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

/// A program that runs.
struct Run {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    exit: Option<Exit>,
}

impl Run {
    async fn start(supervisor: &Supervisor, params: &RunParams) -> Result<Run, Fault> {
        let child = supervisor.spawn(config(params)).map_err(|error| not_begun(&error))?;
        child.started().await.map_err(|failure| not_started(params, &failure))?;
        let (stdout, stderr) = (child.take_pipe(Of::Stdout), child.take_pipe(Of::Stderr));
        Ok(Run { child, stdout: Pipe::new(stdout), stderr: Pipe::new(stderr), exit: None })
    }

    /// The next item and what runs on; the exit is the last.
    async fn next(mut self) -> Result<(Output, Option<Run>), Fault> {
        loop {
            if let Some(output) = self.output().await? {
                return Ok((output, Some(self)));
            }
            match self.exit {
                Some(exit) => return Ok((Output::Exited { exit }, None)),
                None => self.exit = Some(exit(self.child.stopped().await)?),
            }
        }
    }

    /// The next output; nothing when there is none left, or when the program and all that it started have ended.
    async fn output(&mut self) -> Result<Option<Output>, Fault> {
        let Run { child, stdout, stderr, exit: told } = self;
        if told.is_some() {
            let drained = timeout(DRAIN, either(stdout, stderr)).await;
            return drained.unwrap_or(Ok(None)).map_err(|error| unreadable(&error));
        }
        tokio::select! {
            biased;
            output = either(stdout, stderr) => output.map_err(|error| unreadable(&error)),
            ended = child.stopped() => {
                *told = Some(exit(ended)?);
                Box::pin(self.output()).await
            }
        }
    }
}

/// It is killed with its caller, and waits for nothing.
fn config(params: &RunParams) -> ChildConfig {
    let mut config = ChildConfig::new(&params.program);
    config.args = params.args.iter().map(Into::into).collect();
    config.env = params.env.iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
    config.cwd = params.cwd.as_ref().map(Into::into);
    (config.stdin, config.stdout, config.stderr) = (Input::Null, Goes::Piped, Goes::Piped);
    config.stop = StopLadder { signal_for: Duration::ZERO, ..StopLadder::default() };
    config
}

/// One of a program's outputs.
struct Pipe {
    reader: Option<ChildPipe>,
    pending: BytesMut,
}

impl Pipe {
    fn new(reader: Option<ChildPipe>) -> Pipe {
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

async fn either(stdout: &mut Pipe, stderr: &mut Pipe) -> io::Result<Option<Output>> {
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

fn exit(ended: Result<sixframe_supervisor::Exit, Failure>) -> Result<Exit, Fault> {
    let exit = ended.map_err(|failure| Fault::new(Code::INTERNAL, failure.to_string()))?;
    Ok(Exit { code: exit.code, signal: exit.signal })
}

fn not_begun(error: &SpawnError) -> Fault {
    let code = match error {
        SpawnError::Malformed { .. } => Code::INVALID_PAYLOAD,
        SpawnError::Batch { .. } => Code::FORBIDDEN,
        SpawnError::Pipes { .. } | SpawnError::Guardian { .. } => Code::INTERNAL,
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Fault::new(code, format!("{error}{cause}"))
}

fn not_started(params: &RunParams, failure: &Failure) -> Fault {
    let program = &params.program;
    let Failure::NotStarted { kind, .. } = failure else {
        return Fault::new(Code::INTERNAL, failure.to_string());
    };
    match (kind, &params.cwd) {
        (io::ErrorKind::NotFound, Some(cwd)) if !std::path::Path::new(cwd).is_dir() => {
            Fault::new(Code::NOT_FOUND, format!("{cwd} is no folder to start in"))
        }
        (io::ErrorKind::NotFound, _) => {
            Fault::new(Code::NOT_FOUND, format!("no program {program}; check the path or PATH"))
        }
        (io::ErrorKind::PermissionDenied, _) => {
            Fault::new(Code::FORBIDDEN, format!("the daemon's user may not start {program}"))
        }
        _ => Fault::new(Code::INTERNAL, failure.to_string()),
    }
}

fn unreadable(error: &io::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("lost the program: {error}"))
}
