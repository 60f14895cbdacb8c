//! The settings' own types: an address to listen on, a capability, an origin, a log filter. Each refuses what it cannot
//! mean, and says what to write instead.

use std::borrow::Cow;
use std::fmt;

use sixframe_core::TransportError;
use sixframe_hub::{NoPointer, Pointer};
use sixframe_transports::Address;
use toml::Value;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::key::{Place, Setting};
use super::nearest::nearest;

/// The longest path that fits a socket address on every Unix.
const SOCKET_PATH_BYTES: usize = 103;

/// An address to listen on: `unix:/path`, `pipe:name` or `ws://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress(String);

impl ListenAddress {
    /// An address that is not checked yet; [`ListenAddress::fault`] does that.
    pub(crate) fn unchecked(text: impl Into<String>) -> ListenAddress {
        ListenAddress(text.into())
    }

    /// The address that it writes.
    pub(crate) fn read(&self) -> Result<Address, TransportError> {
        self.0.parse()
    }

    /// What is wrong with its form. Whether it can be bound, only binding shows.
    pub(crate) fn fault(&self) -> Option<String> {
        let checked = match self.0.split_once(':') {
            Some(("unix", path)) => check_unix(path),
            Some(("pipe", name)) => check_pipe(name),
            Some(("ws", rest)) => check_ws(rest),
            Some(("wss", _)) => Err("TLS is a proxy's work; listen on ws:// and put the proxy before it".to_owned()),
            Some(("stdio", _)) => Err("standard input and output need `sixframe stdio`, not an address".to_owned()),
            Some(_) | None => Err("an address is unix:/path, pipe:name or ws://host:port".to_owned()),
        };
        checked.err().map(|why| format!("{:?}: {why}", self.0))
    }
}

fn check_unix(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("the socket's path must be absolute, as in unix:/run/user/1000/sixframe/sixframe.sock".to_owned());
    }
    if path.len() > SOCKET_PATH_BYTES {
        return Err(format!("a socket's path has at most {SOCKET_PATH_BYTES} bytes; choose a shorter one"));
    }
    Ok(())
}

fn check_pipe(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', '\\']) {
        return Err("a pipe's name is one word without slashes, as in pipe:sixframe".to_owned());
    }
    Ok(())
}

fn check_ws(rest: &str) -> Result<(), String> {
    let form = || "write ws://host:port, with port 0 for any free one".to_owned();
    let authority = rest.strip_prefix("//").ok_or_else(form)?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = authority.rsplit_once(':').ok_or_else(form)?;
    if host.is_empty() || host.contains(['/', '?', '#', '@']) || port.parse::<u16>().is_err() {
        return Err(form());
    }
    Ok(())
}

impl Setting for ListenAddress {
    const EXPECTED: &'static str = "an address such as unix:/path, pipe:name or ws://127.0.0.1:0";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<ListenAddress, Option<String>> {
        let address = ListenAddress::unchecked(value.as_str().ok_or(None)?);
        address.fault().map_or(Ok(address), |fault| Err(Some(fault)))
    }

    fn to_toml(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Something that the daemon does only when it is told that it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// `process.run`: start any program as the daemon's user.
    ProcessRun,
    /// `sidecar.define`: have any program kept running as the daemon's user.
    SidecarDefine,
}

impl Capability {
    const ALL: [Capability; 2] = [Capability::ProcessRun, Capability::SidecarDefine];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Capability::ProcessRun => "process.run",
            Capability::SidecarDefine => "sidecar.define",
        }
    }

    fn named(name: &str) -> Result<Capability, String> {
        let unknown =
            || format!("unknown capability {name:?}; the nearest known one is {:?}", Self::nearest_name(name));
        Self::ALL.into_iter().find(|capability| capability.name() == name).ok_or_else(unknown)
    }

    fn nearest_name(name: &str) -> &'static str {
        nearest(name, Self::ALL.into_iter().map(Capability::name)).unwrap_or_default()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Setting for Capability {
    const EXPECTED: &'static str = "a capability such as process.run";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<Capability, Option<String>> {
        Capability::named(value.as_str().ok_or(None)?).map_err(Some)
    }

    fn to_toml(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// The origin of a web page: scheme, host and port, as a browser sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    fn new(text: &str) -> Result<Origin, String> {
        match text.split_once("://") {
            Some((scheme, host)) if !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '*']) => {
                Ok(Origin(text.to_ascii_lowercase()))
            }
            Some(_) | None => Err(format!(
                "{text:?} is not an origin; write scheme://host:port without path and wildcard, as in http://localhost:5173"
            )),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for Origin {
    const EXPECTED: &'static str = "an origin such as http://localhost:5173";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<Origin, Option<String>> {
        Origin::new(value.as_str().ok_or(None)?).map_err(Some)
    }

    fn to_toml(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A place in the state of the hub: a slice, or something below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatePlace(Pointer);

impl StatePlace {
    /// The slice, and the place below it.
    pub(crate) fn split(&self) -> (String, Pointer) {
        let mut keys = self.0.tokens();
        let slice = keys.next().map_or_else(String::new, Cow::into_owned);
        (slice, keys.fold(Pointer::root(), |place, key| place.join(&key)))
    }
}

impl Setting for StatePlace {
    const EXPECTED: &'static str = "a JSON pointer such as /sessions/*/draft";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<StatePlace, Option<String>> {
        let place: Pointer = value.as_str().ok_or(None)?.parse().map_err(|error: NoPointer| Some(error.to_string()))?;
        if place.as_str().is_empty() {
            return Err(Some("the state as a whole cannot be volatile; set hub.persist to false for that".to_owned()));
        }
        if place.tokens().next().as_deref() == Some("*") {
            return Err(Some(format!("{place} names no slice; the first key must be the name of one")));
        }
        Ok(StatePlace(place))
    }

    fn to_toml(&self) -> Value {
        Value::String(self.0.as_str().to_owned())
    }
}

/// What is logged: a level, or levels by target, as in `info,sixframe_core=debug`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter {
    text: String,
    targets: Targets,
}

impl LogFilter {
    /// The filter that the key has when it is left out.
    pub(crate) fn info() -> LogFilter {
        LogFilter { text: "info".to_owned(), targets: Targets::new().with_default(LevelFilter::INFO) }
    }

    /// What passes it.
    pub(crate) fn targets(&self) -> Targets {
        self.targets.clone()
    }

    /// Reads every part by itself: `Targets` would take a misspelt level for the name of a target.
    fn new(text: &str) -> Result<LogFilter, String> {
        let mut targets = Targets::new();
        for part in text.split(',').map(str::trim) {
            let (target, level) = part.rsplit_once('=').map_or((None, part), |(target, level)| (Some(target), level));
            let level = LEVELS.iter().find(|(name, _)| *name == level).map(|(_, level)| *level);
            targets = match (target, level) {
                (None, Some(level)) => targets.with_default(level),
                (Some(target), Some(level)) if is_target(target) => targets.with_target(target, level),
                (Some(_) | None, _) => return Err(not_a_filter(text)),
            };
        }
        Ok(LogFilter { text: text.to_owned(), targets })
    }
}

const LEVELS: [(&str, LevelFilter); 6] = [
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
    ("off", LevelFilter::OFF),
];

/// A target is the path of a module.
fn is_target(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn not_a_filter(text: &str) -> String {
    let levels = LEVELS.map(|(name, _)| name).join(", ");
    format!("{text:?} is not a filter; write a level ({levels}) or target=level, separated by commas")
}

impl Setting for LogFilter {
    const EXPECTED: &'static str = "a log filter such as info,sixframe_core=debug";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<LogFilter, Option<String>> {
        LogFilter::new(value.as_str().ok_or(None)?).map_err(Some)
    }

    fn to_toml(&self) -> Value {
        Value::String(self.text.clone())
    }
}
