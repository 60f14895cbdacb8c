//! How a sidecar is, and why it failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a sidecar is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SidecarState {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: SidecarStatus,
    /// Why it failed, or why its last run did, while it waits for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Counts its runs since the daemon was started; 0 before the first.
    pub generation: u64,
    /// How often it was started.
    pub starts: u64,
    /// How many of these starts were restarts after it had ended by itself.
    pub restarts: u64,
    /// Its program's process, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The port that it was given, or that it told, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Where it is reached, while it runs and has a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When this run began, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<u64>,
    /// When this run became ready, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<u64>,
    /// When its status changed last, in milliseconds since 1970.
    pub changed_at: u64,
    /// When it is started again, in milliseconds since 1970, while it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_start_at: Option<u64>,
    /// What it waits for before it is started, in words behind "it waits for", while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Whose process answers for it.
    pub owner: Owner,
    /// How its last run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<RunExit>,
    /// What it depends on.
    pub depends_on: Vec<String>,
    /// Whether it is started with the daemon.
    pub auto_start: bool,
    /// Looks at its health that failed in a row, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_failures: Option<u32>,
    /// What its processes use; only while somebody follows `sidecar.watch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// How far a sidecar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SidecarStatus {
    /// It is being started, or waits to be started again.
    Starting,
    /// It runs, and was found to be ready.
    Ready,
    /// It runs; when it is ready nobody asked to know.
    Running,
    /// It is being stopped.
    Stopping,
    /// No process of it is left.
    Stopped,
    /// It will not be started again by itself; no process of it is left, but with the code `LEFT`.
    Failed,
}

impl SidecarStatus {
    /// Whether it can be used.
    pub fn is_up(self) -> bool {
        matches!(self, SidecarStatus::Ready | SidecarStatus::Running)
    }

    /// Whether nothing of it is there, and nothing will be by itself.
    pub fn is_at_rest(self) -> bool {
        matches!(self, SidecarStatus::Stopped | SidecarStatus::Failed)
    }
}

/// Whose process answers for a sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarOwner")]
pub enum Owner {
    /// This daemon's.
    This,
    /// That of the server this daemon is connected to.
    Remote,
    /// Nobody's.
    None,
}

/// How a run ended: by itself with a code, or by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarExit")]
pub struct RunExit {
    /// The code, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal that ended it, on Unix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// Why a sidecar failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarFailure")]
pub struct Failure {
    /// What programs branch on.
    pub code: FailureCode,
    /// What people read; it says what to change.
    pub message: String,
    /// What is known beside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<FailureDetails>>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "SidecarFailureCode")]
pub enum FailureCode {
    /// The system would not start the program.
    Spawn,
    /// There is no such program, or no such folder to start in.
    NotFound,
    /// It ended by itself.
    Exited,
    /// It ended by itself again and again.
    CrashLoop,
    /// Another program has its port.
    PortInUse,
    /// What listens on its port is not below it.
    NotOurs,
    /// It was not ready in time.
    StartTimeout,
    /// It did not answer any more.
    Unhealthy,
    /// What it depends on is not there.
    Dependency,
    /// This daemon could not do its part.
    Host,
    /// Processes of it live on and cannot be ended.
    Left,
}

/// What is known of a failure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarFailureDetails")]
pub struct FailureDetails {
    /// How the last run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<RunExit>,
    /// The last lines that it wrote to standard error, at most 20. The values of its variables are blacked out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stderr: Vec<String>,
    /// Who has the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Where a program was looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// What it depends on and is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency: Option<String>,
}

/// Who has a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PortHolder")]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its program, as the system calls it.
    pub program: String,
}

/// What the processes of a sidecar use together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SidecarUsage")]
pub struct Usage {
    /// Time on processors during the last seconds, 100 for one of them.
    pub cpu_percent: f64,
    /// Memory that is resident, in bytes.
    pub memory_bytes: u64,
    /// How many processes.
    pub processes: u32,
}
