//! When a sidecar is ready, and how it is known that it lives.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
