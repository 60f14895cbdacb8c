//! From a configuration to a program that can be started: where it is, on which port, with which words.

use std::ffi::OsString;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use sixframe_supervisor::{Ask, Child, ChildConfig, Signal, SpawnError, StopLadder};

use super::{Around, failure};
use crate::sidecars::api::{Failure, FailureCode, FailureDetails};
use crate::sidecars::binary;
use crate::sidecars::config::{PORT, Port, ReadyKind, SidecarConfig, StopSignal};
use crate::sidecars::listener::{self, Answered, RunPort};
use crate::sidecars::probe;

/// The variable with what a program shows in its answers, where its sockets cannot be looked at.
const NONCE: &str = "SIXFRAME_NONCE";

/// A program that can be started.
pub(super) struct Launch {
    pub(super) config: ChildConfig,
    pub(super) port: RunPort,
    /// To be told once it runs: what asks it to stop makes sure whom it asks.
    pub(super) started: Started,
}

/// The child, as soon as there is one.
pub(super) type Started = Arc<OnceLock<Weak<Child>>>;

impl Launch {
    /// Finds the program and a port for it.
    pub(super) async fn prepare(config: &SidecarConfig, around: &Around) -> Result<Launch, Failure> {
        let program = program(config, around)?;
        let port = RunPort::default();
        if let Some(chosen) = choose(config).await? {
            port.set(chosen);
        }
        let mut child = words(config, program, &config.args, &port, around);
        child.name = config.name.clone();
        child.output_bytes = usize::try_from(config.log_bytes).unwrap_or(usize::MAX);
        child.trace_output = config.trace_output;
        let started = Started::default();
        child.stop = ladder(config, &port, &started);
        Ok(Launch { config: child, port, started })
    }
}

/// A program with the folder, the variables, the nonce and the port of the sidecar: itself, or one that looks at it.
pub(super) fn words(
    config: &SidecarConfig,
    program: OsString,
    args: &[String],
    port: &RunPort,
    around: &Around,
) -> ChildConfig {
    let written = |text: &String| port.get().map_or_else(|| text.clone(), |port| text.replace(PORT, &port.to_string()));
    let mut child = ChildConfig::new(program);
    child.args = args.iter().map(|argument| written(argument).into()).collect();
    let env = config.env.iter().map(|(name, value)| (name.into(), Some(written(value).into())));
    child.env = iter::once((NONCE.into(), Some(port.nonce().into()))).chain(env).collect();
    child.cwd = folder(config, around);
    child
}

fn program(config: &SidecarConfig, around: &Around) -> Result<OsString, Failure> {
    if let Some(folder) = folder(config, around).filter(|folder| !folder.is_dir()) {
        let message = format!("{} is no folder to start {} in; change cwd", folder.display(), config.name);
        return Err(failure(FailureCode::NotFound, message));
    }
    match (&config.program, &config.binary) {
        (Some(program), _) => Ok(rooted(program, around)),
        (None, Some(name)) => around.places().find(name).map(Into::into).map_err(|tried| missing(name, &tried)),
        (None, None) => Err(failure(FailureCode::NotFound, "neither program nor binary is given")),
    }
}

fn missing(name: &str, tried: &[PathBuf]) -> Failure {
    let paths: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
    let variable = binary::variable(name);
    let place = paths.first().map_or_else(String::new, |path| format!("put it at {path}, or "));
    let message = format!("no bundled program {name}; {place}set {variable} to where it is");
    failure(FailureCode::NotFound, message).with(FailureDetails { paths, ..FailureDetails::default() })
}

/// A path begins at the folder of the configuration, a name is looked up in `PATH`.
pub(super) fn rooted(program: &str, around: &Around) -> OsString {
    let is_path = program.contains('/') || (cfg!(windows) && program.contains('\\'));
    match &around.folder {
        Some(folder) if is_path => folder.join(program).into(),
        _ => program.into(),
    }
}

pub(super) fn folder(config: &SidecarConfig, around: &Around) -> Option<PathBuf> {
    let cwd = Path::new(config.cwd.as_ref()?);
    Some(around.folder.as_ref().map_or_else(|| cwd.to_path_buf(), |folder| folder.join(cwd)))
}

/// A port that is free, or that nobody else has.
async fn choose(config: &SidecarConfig) -> Result<Option<u16>, Failure> {
    match config.port {
        Port::None => Ok(None),
        Port::Auto if !config.tells_port() && config.readiness().kind == ReadyKind::Handshake => Ok(None),
        Port::Auto => listener::free_port()
            .map(Some)
            .map_err(|error| failure(FailureCode::Host, format!("the system has no free port: {error}"))),
        Port::Fixed(port) if listener::is_taken(port) => Err(taken(port).await),
        Port::Fixed(port) => Ok(Some(port)),
    }
}

/// Somebody else has the port.
pub(super) async fn taken(port: u16) -> Failure {
    let holder = listener::holder(port).await;
    let who = match &holder {
        Some(holder) => format!("{} (process {})", holder.program, holder.pid),
        None => "another program".to_owned(),
    };
    let message = format!("{who} has port {port}; stop it, or set port to \"auto\" or another number");
    failure(FailureCode::PortInUse, message).with(FailureDetails { holder, ..FailureDetails::default() })
}

fn ladder(config: &SidecarConfig, port: &RunPort, started: &Started) -> StopLadder {
    let stop = &config.stop;
    let ask = stop.http.as_ref().and_then(|request| request.split_once(' ')).map(|(method, path)| {
        let (method, path, port) = (method.to_owned(), path.to_owned(), port.clone());
        let started = Arc::clone(started);
        Ask::new(move || ask(method.clone(), path.clone(), port.clone(), Arc::clone(&started)))
    });
    StopLadder {
        ask,
        close_stdin_for: Duration::from_millis(stop.close_stdin_ms),
        signal: match stop.signal {
            StopSignal::Terminate => Signal::Terminate,
            StopSignal::Interrupt => Signal::Interrupt,
            StopSignal::Quit => Signal::Quit,
            StopSignal::Hangup => Signal::Hangup,
        },
        signal_for: Duration::from_millis(stop.signal_ms),
        ..StopLadder::default()
    }
}

async fn ask(method: String, path: String, at: RunPort, started: Started) {
    let Some(child) = started.get().and_then(Weak::upgrade) else { return };
    // Whoever has taken its port since is not asked to stop.
    let (Answered::Ours(stream), Some(port)) = (listener::ask(&at, &child).await, at.get()) else { return };
    if let Err(error) = probe::request(stream, port, &method, &path).await {
        tracing::debug!(error, port, "a sidecar was asked to stop and did not answer");
    }
}

/// Why the supervisor would not begin.
pub(super) fn not_begun(config: &SidecarConfig, error: &SpawnError) -> Failure {
    let code = match error {
        SpawnError::Malformed { .. } | SpawnError::Batch { .. } => FailureCode::Spawn,
        SpawnError::Pipes { .. } | SpawnError::Guardian { .. } => FailureCode::Host,
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    failure(code, format!("{} cannot be started: {error}{cause}", config.name))
}
