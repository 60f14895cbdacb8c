//! One look at a sidecar: does it answer, does it take connections, does a program vouch for it? Knows nothing of what
//! follows from the answer.

mod http;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sixframe_supervisor::{
    Child, ChildConfig, Failure, Input, Output, SpawnError, Status, StopLadder, Stream, Supervisor,
};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use http::Answer;
pub(crate) use http::request;

use super::api::Holder;
use super::listener::{self, Answered, RunPort};

/// The paths that are asked for in turn where none is named.
const PATHS: [&str; 3] = ["/health", "/docs", "/"];

/// What a look has shown.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It is as it should be.
    Good,
    /// Nobody listens.
    Nobody,
    /// Somebody else listens.
    Foreign(Option<Holder>),
    /// Somebody of whom the system does not tell listens, and did not show the nonce: in words that follow a name.
    Unshown(String),
    /// Not as it should be, likewise.
    Bad(String),
    /// The program that is to vouch for it cannot be started, which time alone does not mend: why, likewise.
    Unasked(String),
    /// Nobody could look, which says nothing of it: why, likewise.
    Unknown(String),
}

/// How one look is taken, and what it needs.
pub(crate) enum Probe {
    /// It answers HTTP.
    Http { path: Option<String>, answered: Mutex<Option<&'static str>> },
    /// It takes connections.
    Tcp,
    /// A program says so.
    Exec { supervisor: Supervisor, config: Box<ChildConfig> },
}

impl Probe {
    /// By HTTP, at this path or at those that programs have.
    pub(crate) fn http(path: Option<String>) -> Probe {
        Probe::Http { path, answered: Mutex::default() }
    }

    /// By a program, which is not asked to stop politely.
    pub(crate) fn exec(supervisor: Supervisor, mut config: ChildConfig) -> Probe {
        (config.stdin, config.stdout, config.output_bytes) = (Input::Null, Output::Null, 4 << 10);
        config.stop = StopLadder { signal_for: Duration::ZERO, ..StopLadder::default() };
        Probe::Exec { supervisor, config: Box::new(config) }
    }

    /// Looks once, which may take `longest` in all. `listens` is called when it is asked and has not answered yet, with whether
    /// it is known to be the child.
    pub(crate) async fn look(
        &self,
        port: &RunPort,
        child: &Arc<Child>,
        longest: Duration,
        listens: impl Fn(bool),
    ) -> Seen {
        let limit = Limit { by: Instant::now() + longest, longest };
        let looking = async {
            match self {
                Probe::Exec { supervisor, config } => run(supervisor, config, longest).await,
                Probe::Tcp => match reach(port, child, limit).await {
                    Ok(Reached { is_ours: true, .. }) => Seen::Good,
                    Ok(Reached { is_ours: false, .. }) => Seen::Foreign(None),
                    Err(seen) => seen,
                },
                Probe::Http { path, answered } => ask(port, child, path.as_deref(), answered, limit, listens).await,
            }
        };
        // Beyond the limit, as a program that vouches is also ended.
        let outer = longest.saturating_mul(4);
        timeout(outer, looking).await.unwrap_or_else(|_| Seen::Bad(format!("does not answer within {longest:?}")))
    }
}

fn unknown(error: &dyn std::error::Error) -> Seen {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Seen::Unknown(format!("cannot be looked at by the daemon: {error}{cause}"))
}

/// Until when a look may take, and how long that is.
#[derive(Clone, Copy)]
struct Limit {
    by: Instant,
    longest: Duration,
}

impl Limit {
    /// Errors: it took too long, in words that follow a name.
    async fn hold<T>(self, work: impl Future<Output = T>) -> Result<T, String> {
        timeout_at(self.by, work).await.map_err(|_| format!("does not answer within {:?}", self.longest))
    }
}

/// Whoever listens.
struct Reached {
    stream: TcpStream,
    /// Whether it is the child; otherwise the system does not tell who it is.
    is_ours: bool,
}

/// Errors: what is seen instead.
async fn reach(at: &RunPort, child: &Arc<Child>, limit: Limit) -> Result<Reached, Seen> {
    match limit.hold(listener::ask(at, child)).await {
        Ok(Answered::Ours(stream)) => Ok(Reached { stream, is_ours: true }),
        Ok(Answered::Foreign(None, stream)) => Ok(Reached { stream, is_ours: false }),
        Ok(Answered::Foreign(holder, _)) => Err(Seen::Foreign(holder)),
        Ok(Answered::Nobody) => Err(Seen::Nobody),
        Ok(Answered::Unknown(error)) => Err(unknown(&error)),
        Err(why) => Err(Seen::Bad(why)),
    }
}

/// Asks for each path in turn, over a connection of its own, of which each must lead to the child or to who shows its nonce
/// and of whom the system does not tell, until one answers well; that one is asked for first from then on. Only a status leads to
/// the next path: whoever is silent would be so again.
async fn ask(
    at: &RunPort,
    child: &Arc<Child>,
    path: Option<&str>,
    answered: &Mutex<Option<&'static str>>,
    limit: Limit,
    listens: impl Fn(bool),
) -> Seen {
    let known = *answered.lock().unwrap_or_else(PoisonError::into_inner);
    let usual = known.into_iter().chain(PATHS.into_iter().filter(|path| Some(*path) != known));
    let paths: Vec<&str> = path.map_or_else(|| usual.collect(), |path| vec![path]);
    let (mut said, mut is_known) = (Vec::new(), false);
    for path in paths {
        let Reached { stream, is_ours } = match reach(at, child, limit).await {
            Ok(reached) => reached,
            Err(seen) => return seen,
        };
        listens(is_ours);
        let answer = get(stream, at, path, limit).await;
        let shown = answer.as_ref().ok().and_then(|answer| answer.nonce.as_deref());
        let is_ours = is_ours || shown.is_some_and(|nonce| !nonce.is_empty() && nonce == at.nonce());
        is_known |= is_ours;
        match answer {
            Ok(Answer { status: 200..400, .. }) if is_ours => {
                *answered.lock().unwrap_or_else(PoisonError::into_inner) =
                    PATHS.into_iter().find(|usual| *usual == path);
                return Seen::Good;
            }
            Ok(Answer { status, .. }) if is_ours => said.push(format!("answers {path} with {status}")),
            Ok(Answer { status, .. }) => said.push(format!("answers {path} with {status} and without its nonce")),
            Err(why) => {
                said.push(why);
                break;
            }
        }
    }
    let said = said.join("; ");
    if is_known { Seen::Bad(said) } else { Seen::Unshown(said) }
}

/// Errors: it says nothing, in words that follow a name.
async fn get(stream: TcpStream, at: &RunPort, path: &str, limit: Limit) -> Result<Answer, String> {
    let port = at.get().unwrap_or_default();
    match timeout_at(limit.by, request(stream, port, "GET", path)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("does not answer {path}: {error}")),
        Err(_) => Err(format!("does not answer {path} within {:?}", limit.longest)),
    }
}

async fn run(supervisor: &Supervisor, config: &ChildConfig, longest: Duration) -> Seen {
    let program = config.program.to_string_lossy();
    let child = match supervisor.spawn(config.clone()) {
        Ok(child) => child,
        Err(error @ (SpawnError::Pipes { .. } | SpawnError::Guardian { .. })) => return unknown(&error),
        Err(error) => return Seen::Bad(format!("cannot be asked for by {program}: {error}")),
    };
    match timeout(longest, child.stopped()).await {
        Ok(Ok(exit)) if exit.is_success() => Seen::Good,
        Ok(Ok(exit)) => {
            let said = child.output(Stream::Stderr).last_lines(1).concat();
            Seen::Bad(format!("is not vouched for by {program}, which {exit}: {said}"))
        }
        Ok(Err(failure @ Failure::NotStarted { .. })) => Seen::Unasked(format!(
            "is not vouched for: {failure}; a path of ready.program or health.program begins where that of program does"
        )),
        Ok(Err(
            failure @ (Failure::NotNow { .. }
            | Failure::GuardianLost { .. }
            | Failure::GuardianStuck { .. }
            | Failure::Left { .. }),
        )) => unknown(&failure),
        Err(_) => {
            let has_begun = child.status() != Status::Starting;
            let _ = child.kill().await;
            match has_begun {
                true => Seen::Bad(format!("is not vouched for by {program} within {longest:?}")),
                false => Seen::Unknown(format!("cannot be looked at by the daemon: {program} did not begin in time")),
            }
        }
    }
}
