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
    /// Not as it should be, in words that follow a name.
    Bad(String),
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

    /// Looks once, which may take `longest` in all. `listens` is called when it is asked and has not answered yet.
    pub(crate) async fn look(&self, port: &RunPort, child: &Arc<Child>, longest: Duration, listens: impl Fn()) -> Seen {
        let limit = Limit { by: Instant::now() + longest, longest };
        let looking = async {
            match self {
                Probe::Exec { supervisor, config } => run(supervisor, config, longest).await,
                Probe::Tcp => match limit.hold(listener::ask(port, child)).await {
                    Ok(Answered::Nobody) => Seen::Nobody,
                    Ok(Answered::Foreign(holder)) => Seen::Foreign(holder),
                    Ok(Answered::Ours(_)) => Seen::Good,
                    Ok(Answered::Unknown(error)) => unknown(&error),
                    Err(why) => Seen::Bad(why),
                },
                Probe::Http { path, answered } => match limit.hold(listener::ask(port, child)).await {
                    Ok(Answered::Nobody) => Seen::Nobody,
                    Ok(Answered::Foreign(holder)) => Seen::Foreign(holder),
                    Ok(Answered::Ours(stream)) => {
                        listens();
                        ask(stream, port, child, path.as_deref(), answered, limit).await
                    }
                    Ok(Answered::Unknown(error)) => unknown(&error),
                    Err(why) => Seen::Bad(why),
                },
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

/// Why a path does not answer well, in words that follow a name.
enum Refused {
    /// It says so by its status.
    Status(String),
    /// It says nothing.
    Silent(String),
}

/// Asks for each path in turn, over a connection of its own, of which each must lead to the child, until one answers well;
/// that one is asked for first from then on. Only a status leads to the next path: whoever is silent would be so again.
async fn ask(
    first: TcpStream,
    at: &RunPort,
    child: &Arc<Child>,
    path: Option<&str>,
    answered: &Mutex<Option<&'static str>>,
    limit: Limit,
) -> Seen {
    let port = at.get().unwrap_or_default();
    if let Some(path) = path {
        return match get(first, port, path, limit).await {
            Ok(()) => Seen::Good,
            Err(Refused::Status(why) | Refused::Silent(why)) => Seen::Bad(why),
        };
    }
    let known = *answered.lock().unwrap_or_else(PoisonError::into_inner);
    let paths = known.into_iter().chain(PATHS.into_iter().filter(|path| Some(*path) != known));
    let (mut next, mut said) = (Some(first), Vec::new());
    for path in paths {
        let stream = match next.take() {
            Some(stream) => stream,
            None => match limit.hold(listener::ask(at, child)).await {
                Ok(Answered::Nobody) => return Seen::Nobody,
                Ok(Answered::Foreign(holder)) => return Seen::Foreign(holder),
                Ok(Answered::Ours(stream)) => stream,
                Ok(Answered::Unknown(error)) => return unknown(&error),
                Err(why) => return Seen::Bad(why),
            },
        };
        match get(stream, port, path, limit).await {
            Ok(()) => {
                *answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
                return Seen::Good;
            }
            Err(Refused::Status(why)) => said.push(why),
            Err(Refused::Silent(why)) => {
                said.push(why);
                break;
            }
        }
    }
    Seen::Bad(said.join("; "))
}

async fn get(stream: TcpStream, port: u16, path: &str, limit: Limit) -> Result<(), Refused> {
    match timeout_at(limit.by, request(stream, port, "GET", path)).await {
        Ok(Ok(status)) if (200..400).contains(&status) => Ok(()),
        Ok(Ok(status)) => Err(Refused::Status(format!("answers {path} with {status}"))),
        Ok(Err(error)) => Err(Refused::Silent(format!("does not answer {path}: {error}"))),
        Err(_) => Err(Refused::Silent(format!("does not answer {path} within {:?}", limit.longest))),
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
        Ok(Err(failure @ (Failure::NotNow { .. } | Failure::GuardianLost { .. }))) => unknown(&failure),
        Ok(Err(failure @ Failure::NotStarted { .. })) => Seen::Bad(format!("is not vouched for: {failure}")),
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
