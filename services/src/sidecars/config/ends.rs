//! How a sidecar is stopped, and what follows when it ends by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens when a sidecar ends by itself. Once it was ready, that it is not ready in time at a later start, or that another
/// program has its port then, is such an end too; at its first start it is final.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SidecarRestart")]
pub struct Restart {
    /// Whether it is started again. Default `"on-failure"`.
    #[serde(default)]
    pub policy: RestartPolicy,
    /// Milliseconds before the first restart, at most: the wait is a random part of it, and it doubles each time.
    /// Default 250.
    #[serde(default = "default_backoff_ms", alias = "backoff_ms")]
    pub backoff_ms: u64,
    /// What it doubles up to. Default 30,000.
    #[serde(default = "default_max_backoff_ms", alias = "max_backoff_ms")]
    pub max_backoff_ms: u64,
    /// Ends after which it is not started again: within `window_ms`, or without a stable run in between. Default 5.
    #[serde(default = "default_starts")]
    pub starts: u32,
    /// Milliseconds within which ends count, though runs in between were stable. Default 60,000.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SidecarRestartPolicy")]
pub enum RestartPolicy {
    /// No.
    Never,
    /// If it exited with another code than 0, was ended by a signal, lived no more, or was not ready yet.
    #[default]
    OnFailure,
    /// Yes.
    Always,
}

/// How a sidecar is asked to stop, step by step; what is left of it after the last step is killed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a table, as in stop = { signal = \"interrupt\" }")]
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
    #[serde(alias = "SIGTERM")]
    Terminate,
    /// `SIGINT`, what ^C sends.
    #[serde(alias = "SIGINT")]
    Interrupt,
    /// `SIGQUIT`.
    #[serde(alias = "SIGQUIT")]
    Quit,
    /// `SIGHUP`.
    #[serde(alias = "SIGHUP")]
    Hangup,
}
