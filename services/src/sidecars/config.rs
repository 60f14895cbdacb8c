//! What is said of a sidecar: which program it is, when it is ready, what happens when it ends. Read from TOML and from JSON
//! alike. Knows nothing of processes.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A program that is kept running. Only `name` and one of `program` and `binary` are required. Each name is written as here
/// (`auto_start`) or as JSON has it (`autoStart`). Shown without the values of its variables, which may be secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SidecarConfig {
    /// What it is called: a letter or digit, then up to 63 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The program: a path, or a name that is looked up in `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// A bundled program by its name, looked up beside the daemon with and without the target's triple as suffix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// Its arguments, each passed as it stands, but for `{port}`, which is the port that it was given. Other users of the
    /// machine can read them: secrets belong into `env`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables set on top of the daemon's own; `{port}` is replaced likewise. Never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The folder to start in; the daemon's own by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The port that it is to listen on: `"none"` (default), `"auto"` for a free one, or a number.
    #[serde(default, skip_serializing_if = "Port::is_none")]
    #[schemars(with = "PortSchema")]
    pub port: Port,
    /// Whether it is started with the daemon. Default no.
    #[serde(default, alias = "auto_start")]
    pub auto_start: bool,
    /// The sidecars that must be ready before it is started.
    #[serde(default, alias = "depends_on", skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Whether it still lives: a word, or a table with `kind`. Default `"none"`.
    #[serde(default, deserialize_with = "word_or_table")]
    #[schemars(with = "WordOrTable<HealthKind, Health>")]
    pub health: Health,
    /// When it is ready: a word, or a table with `kind`. By default when `health` says so, and at its start where there is
    /// none.
    #[serde(default, deserialize_with = "maybe_word_or_table", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WordOrTable<ReadyKind, Ready>>")]
    pub ready: Option<Ready>,
    /// What happens when it ends: a word, or a table with `policy`. Default `"on-failure"`.
    #[serde(default, deserialize_with = "word_or_table")]
    #[schemars(with = "WordOrTable<RestartPolicy, Restart>")]
    pub restart: Restart,
    /// How it is asked to stop, step by step.
    #[serde(default)]
    pub stop: Stop,
    /// Bytes of each of its outputs that are kept for readers. Default 4 MiB.
    #[serde(default = "default_log_bytes", alias = "log_bytes")]
    pub log_bytes: u64,
}

fn default_log_bytes() -> u64 {
    4 << 20
}

impl SidecarConfig {
    /// A sidecar by its name and its program, everything else by default.
    pub fn new(name: impl Into<String>, program: impl Into<String>) -> SidecarConfig {
        SidecarConfig {
            name: name.into(),
            program: Some(program.into()),
            binary: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            port: Port::None,
            auto_start: false,
            depends_on: Vec::new(),
            health: Health::default(),
            ready: None,
            restart: Restart::default(),
            stop: Stop::default(),
            log_bytes: default_log_bytes(),
        }
    }

    /// When it is ready, whether that is said or follows from its health.
    pub fn readiness(&self) -> Ready {
        if let Some(ready) = &self.ready {
            return ready.clone();
        }
        let Health { kind, path, program, args, .. } = self.health.clone();
        let kind = match kind {
            HealthKind::None => ReadyKind::Started,
            HealthKind::Http => ReadyKind::Http,
            HealthKind::Tcp => ReadyKind::Tcp,
            HealthKind::Exec => ReadyKind::Exec,
        };
        Ready { kind, path, program, args, ..Ready::default() }
    }

    /// Whether its port is told to it, in an argument or a variable.
    pub(crate) fn tells_port(&self) -> bool {
        self.args.iter().chain(self.env.values()).any(|text| text.contains(PORT))
    }
}

/// What stands for the port in arguments and variables.
pub(crate) const PORT: &str = "{port}";

impl fmt::Debug for SidecarConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SidecarConfig")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("binary", &self.binary)
            .field("args", &self.args)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("cwd", &self.cwd)
            .field("port", &self.port)
            .field("depends_on", &self.depends_on)
            .field("health", &self.health)
            .field("ready", &self.ready)
            .field("restart", &self.restart)
            .finish_non_exhaustive()
    }
}

/// The port of a sidecar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Port {
    /// It has none.
    #[default]
    None,
    /// One that is free when it is started, or that it tells by its handshake.
    Auto,
    /// This one.
    Fixed(u16),
}

impl Port {
    fn is_none(&self) -> bool {
        *self == Port::None
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Port::None => serializer.serialize_str("none"),
            Port::Auto => serializer.serialize_str("auto"),
            Port::Fixed(port) => serializer.serialize_u16(*port),
        }
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Port, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl Visitor<'_> for PortVisitor {
    type Value = Port;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"none\", \"auto\" or a number from 1 to 65535")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Port, E> {
        match word {
            "none" => Ok(Port::None),
            "auto" => Ok(Port::Auto),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Port, E> {
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        port.map(Port::Fixed).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Port, E> {
        let unsigned = u64::try_from(number);
        let unsigned = unsigned.map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))?;
        self.visit_u64(unsigned)
    }
}

/// How a port is written.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
#[schemars(rename = "SidecarPort")]
enum PortSchema {
    /// None, or any free one.
    Word(PortWord),
    /// A number from 1 to 65535.
    Number(u16),
}

/// A port in a word.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[allow(dead_code, reason = "only its schema is used")]
#[schemars(rename = "SidecarPortWord")]
enum PortWord {
    None,
    Auto,
}

/// How it is found out whether a sidecar still lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SidecarHealth")]
pub struct Health {
    /// By what.
    pub kind: HealthKind,
    /// For `http`: the one path to ask for, instead of `/health`, `/docs` and `/` in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// For `exec`: the program whose exit with 0 means life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// For `exec`: its arguments; `{port}` is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Milliseconds between two looks. Default 5000.
    #[serde(default = "default_interval_ms", alias = "interval_ms")]
    pub interval_ms: u64,
    /// Milliseconds that one look may take. Default 2000.
    #[serde(default = "default_timeout_ms", alias = "timeout_ms")]
    pub timeout_ms: u64,
    /// Failures in a row after which it is stopped and, as `restart` says, started again. Default 3.
    #[serde(default = "default_failures")]
    pub failures: u32,
}

fn default_interval_ms() -> u64 {
    5_000
}

fn default_timeout_ms() -> u64 {
    2_000
}

fn default_failures() -> u32 {
    3
}

impl Default for Health {
    fn default() -> Health {
        HealthKind::None.into()
    }
}

impl From<HealthKind> for Health {
    fn from(kind: HealthKind) -> Health {
        Health {
            kind,
            path: None,
            program: None,
            args: Vec::new(),
            interval_ms: default_interval_ms(),
            timeout_ms: default_timeout_ms(),
            failures: default_failures(),
        }
    }
}

/// By what a sidecar's life is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarHealthKind")]
pub enum HealthKind {
    /// By nothing but its process.
    #[default]
    None,
    /// It answers HTTP with a status below 400.
    Http,
    /// It takes connections.
    Tcp,
    /// A program says so.
    Exec,
}

/// When a sidecar is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SidecarReady")]
pub struct Ready {
    /// By what.
    pub kind: ReadyKind,
    /// For `http`: the one path to ask for, instead of `/health`, `/docs` and `/` in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// For `line`: what a line must contain, or `/…/` around a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// For `line`: where. Default both.
    #[serde(default)]
    pub stream: LogStreams,
    /// For `exec`: the program whose exit with 0 means that it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// For `exec`: its arguments; `{port}` is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Milliseconds that it may take until it is ready; then it is stopped. Default 30,000.
    #[serde(default = "default_ready_ms", alias = "timeout_ms")]
    pub timeout_ms: u64,
}

fn default_ready_ms() -> u64 {
    30_000
}

impl Default for Ready {
    fn default() -> Ready {
        ReadyKind::Started.into()
    }
}

impl From<ReadyKind> for Ready {
    fn from(kind: ReadyKind) -> Ready {
        let (path, pattern, program) = (None, None, None);
        let stream = LogStreams::Both;
        Ready { kind, path, pattern, stream, program, args: Vec::new(), timeout_ms: default_ready_ms() }
    }
}

/// By what it is known that a sidecar is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarReadyKind")]
pub enum ReadyKind {
    /// It was started; nothing more is asked.
    Started,
    /// It answers HTTP with a status below 400.
    Http,
    /// It takes connections.
    Tcp,
    /// A program says so.
    Exec,
    /// It writes a line.
    Line,
    /// It writes one line of JSON on standard output, an object with its `port`, and listens there.
    Handshake,
}

/// Which outputs are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarLogStreams")]
pub enum LogStreams {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both.
    #[default]
    Both,
}

/// What happens when a sidecar ends by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SidecarRestart")]
pub struct Restart {
    /// Whether it is started again.
    pub policy: RestartPolicy,
    /// Milliseconds before the first restart, at most: the wait is a random part of it, and it doubles each time.
    /// Default 250.
    #[serde(default = "default_backoff_ms", alias = "backoff_ms")]
    pub backoff_ms: u64,
    /// What it doubles up to. Default 30,000.
    #[serde(default = "default_max_backoff_ms", alias = "max_backoff_ms")]
    pub max_backoff_ms: u64,
    /// Starts in vain after which it is not started again: within `window_ms`, or without a stable run in between. Default 5.
    #[serde(default = "default_starts")]
    pub starts: u32,
    /// Milliseconds within which starts count, though runs in between were stable. Default 60,000.
    #[serde(default = "default_window_ms", alias = "window_ms")]
    pub window_ms: u64,
    /// Milliseconds for which a run must be ready to count as stable. Default 30,000.
    #[serde(default = "default_stable_ms", alias = "stable_ms")]
    pub stable_ms: u64,
}

fn default_backoff_ms() -> u64 {
    250
}

fn default_max_backoff_ms() -> u64 {
    30_000
}

fn default_starts() -> u32 {
    5
}

fn default_window_ms() -> u64 {
    60_000
}

fn default_stable_ms() -> u64 {
    30_000
}

impl Default for Restart {
    fn default() -> Restart {
        RestartPolicy::OnFailure.into()
    }
}

impl From<RestartPolicy> for Restart {
    fn from(policy: RestartPolicy) -> Restart {
        Restart {
            policy,
            backoff_ms: default_backoff_ms(),
            max_backoff_ms: default_max_backoff_ms(),
            starts: default_starts(),
            window_ms: default_window_ms(),
            stable_ms: default_stable_ms(),
        }
    }
}

/// Whether a sidecar that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SidecarRestartPolicy")]
pub enum RestartPolicy {
    /// No.
    Never,
    /// If it exited with another code than 0, was ended by a signal, lived no more, or was not ready yet.
    OnFailure,
    /// Yes.
    Always,
}

/// How a sidecar is asked to stop, step by step; what is left of it after the last step is killed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SidecarStop")]
pub struct Stop {
    /// A request to its port, as in `"POST /shutdown"`; it has two seconds to act on it. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Milliseconds after its input was closed. Default 2000.
    #[serde(default = "default_close_stdin_ms", alias = "close_stdin_ms")]
    pub close_stdin_ms: u64,
    /// The signal that every process of its tree is sent. Default `"terminate"`.
    #[serde(default)]
    pub signal: StopSignal,
    /// Milliseconds after that, before what is left is killed. Default 3000.
    #[serde(default = "default_signal_ms", alias = "signal_ms")]
    pub signal_ms: u64,
}

fn default_close_stdin_ms() -> u64 {
    2_000
}

fn default_signal_ms() -> u64 {
    3_000
}

impl Default for Stop {
    fn default() -> Stop {
        Stop {
            http: None,
            close_stdin_ms: default_close_stdin_ms(),
            signal: StopSignal::Terminate,
            signal_ms: default_signal_ms(),
        }
    }
}

/// A signal that asks to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarStopSignal")]
pub enum StopSignal {
    /// `SIGTERM`.
    #[default]
    Terminate,
    /// `SIGINT`, what ^C sends.
    Interrupt,
    /// `SIGQUIT`.
    Quit,
    /// `SIGHUP`.
    Hangup,
}

/// A table that one word may stand for.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "{T}OrWord")]
#[allow(dead_code, reason = "only its schema is used")]
enum WordOrTable<W, T> {
    /// The word, everything else by default.
    Word(W),
    /// The table.
    Table(T),
}

/// A table that one word may stand for.
trait OfWord: for<'a> Deserialize<'a> {
    type Word: for<'a> Deserialize<'a> + Into<Self>;
    const EXPECTED: &'static str;
}

impl OfWord for Health {
    type Word = HealthKind;
    const EXPECTED: &'static str = "\"none\", \"http\", \"tcp\", \"exec\" or a table with kind";
}

impl OfWord for Ready {
    type Word = ReadyKind;
    const EXPECTED: &'static str =
        "\"started\", \"http\", \"tcp\", \"exec\", \"line\", \"handshake\" or a table with kind";
}

impl OfWord for Restart {
    type Word = RestartPolicy;
    const EXPECTED: &'static str = "\"never\", \"on-failure\", \"always\" or a table with policy";
}

fn word_or_table<'de, T: OfWord, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(WordVisitor(PhantomData))
}

fn maybe_word_or_table<'de, T: OfWord, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(MaybeVisitor(PhantomData))
}

struct WordVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: OfWord> Visitor<'de> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::Word::deserialize(StrDeserializer::new(word)).map(Into::into)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct MaybeVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: OfWord> Visitor<'de> for MaybeVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Option<T>, E> {
        WordVisitor(PhantomData).visit_str(word).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        WordVisitor(PhantomData).visit_map(map).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: serde_json::Value) -> Result<SidecarConfig, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn two_keys_are_enough() {
        let config = read(json!({"name": "web", "program": "python3"})).unwrap();
        assert_eq!(config, SidecarConfig::new("web", "python3"));
        assert_eq!(config.readiness().kind, ReadyKind::Started);
    }

    #[test]
    fn a_word_and_a_table_say_the_same() {
        let word = json!({"name": "a", "program": "b", "health": "http", "ready": "tcp", "restart": "never"});
        let table = json!({"name": "a", "program": "b", "health": {"kind": "http", "interval_ms": 5000},
            "ready": {"kind": "tcp", "timeoutMs": 30000}, "restart": {"policy": "never"}});
        assert_eq!(read(word).unwrap(), read(table).unwrap());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could_be() {
        let error = |key: &str, value: serde_json::Value| {
            let mut config = json!({"name": "a", "program": "b"});
            config[key] = value;
            read(config).unwrap_err().to_string()
        };
        assert!(error("port", json!("any")).contains("\"none\", \"auto\" or a number"));
        assert!(error("port", json!(0)).contains("1 to 65535"));
        assert!(error("port", json!(70000)).contains("1 to 65535"));
        assert!(error("health", json!("htpp")).contains("`http`"));
        assert!(error("ready", json!(3)).contains("\"handshake\""));
        assert!(error("restart", json!({"policy": "sometimes"})).contains("`on-failure`"));
        assert!(error("colour", json!(1)).contains("unknown field"));
    }

    #[test]
    fn it_is_written_as_it_is_read_and_shown_without_its_secrets() {
        let config = json!({"name": "a", "binary": "b", "port": "auto", "args": ["{port}"], "env": {"TOKEN": "hidden"},
            "ready": {"kind": "line", "pattern": "up"}});
        let config = read(config).unwrap();
        assert_eq!(read(serde_json::to_value(&config).unwrap()).unwrap(), config);
        let shown = format!("{config:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hidden"), "{shown}");
    }
}
