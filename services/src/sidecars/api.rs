//! The methods `sidecar.*`: their names, parameters, answers and items. Knows nothing of how they are served.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope, StreamMethod};

use super::config::{LogStreams, SidecarConfig};

/// `sidecar.list`: all of them, by name, and the mode.
pub const LIST: Method<(), Listed> = Method::new("sidecar.list")
    .doc("Lists the sidecars with their states, and the mode.")
    .scope(Scope::Read)
    .idempotent();

/// `sidecar.status`: one of them.
pub const STATUS: Method<Named, SidecarState> =
    Method::new("sidecar.status").doc("Tells the state of a sidecar.").scope(Scope::Read).idempotent();

/// `sidecar.watch`: all current states first, then each change; of several changes that a slow consumer missed, it gets the
/// newest of each sidecar.
pub const WATCH: StreamMethod<WatchParams, SidecarState> = StreamMethod::new("sidecar.watch")
    .doc("Follows the states of the sidecars: all current ones first, then each that changes.")
    .scope(Scope::Read)
    .idempotent()
    .on_demand();

/// `sidecar.start`: answers as soon as it is starting, or when it runs already.
pub const START: Method<Named, SidecarState> = Method::new("sidecar.start")
    .doc("Starts a sidecar, and first what it depends on; answers as soon as it is starting.")
    .idempotent();

/// `sidecar.stop`: answers when nothing of it is left.
pub const STOP: Method<StopParams, SidecarState> = Method::new("sidecar.stop")
    .doc("Stops a sidecar, and first what depends on it; answers when no process of it is left.")
    .idempotent();

/// `sidecar.restart`: stops it alone, and starts it again.
pub const RESTART: Method<Named, SidecarState> = Method::new("sidecar.restart")
    .doc("Stops a sidecar and starts it again; answers as soon as it is starting. What depends on it is left alone.");

/// `sidecar.waitReady`: fails at once when it exits, cannot be started, finds its port taken or is stopped.
pub const WAIT_READY: Method<WaitParams, SidecarState> = Method::new("sidecar.waitReady")
    .doc("Waits until a sidecar is ready; fails at once, with the reason, when this run of it will not be.")
    .scope(Scope::Read)
    .idempotent();

/// `sidecar.logs`: what it writes, line by line, over restarts.
pub const LOGS: StreamMethod<LogsParams, LogItem> = StreamMethod::new("sidecar.logs")
    .doc("Follows what a sidecar writes, line by line, over restarts; what is not kept any more is told as a gap.")
    .scope(Scope::Read)
    .idempotent()
    .on_demand();

/// `sidecar.setMode`: all or nothing: what the mode needs is made ready first, and where that fails nothing has changed.
pub const SET_MODE: Method<SetMode, ModeState> = Method::new("sidecar.setMode")
    .doc("Switches between standalone, service and connected; where the target cannot be made ready nothing changes.")
    .scope(Scope::Admin);

/// `sidecar.define`: adds a sidecar, or gives a stopped one another configuration.
pub const DEFINE: Method<SidecarConfig, SidecarState> =
    Method::new("sidecar.define").doc("Adds a sidecar, or changes one that is stopped. Needs --allow sidecar.define.");

/// A sidecar by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SidecarName")]
pub struct Named {
    /// Its name.
    pub name: String,
}

/// What `sidecar.watch` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "SidecarWatchParams")]
pub struct WatchParams {
    /// Which to follow; all, later ones too, where none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
}

/// What `sidecar.stop` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SidecarStopParams")]
pub struct StopParams {
    /// Its name.
    pub name: String,
    /// Whether what depends on it is stopped first. Default yes.
    #[serde(default = "yes")]
    pub dependents: bool,
}

fn yes() -> bool {
    true
}

/// What `sidecar.waitReady` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SidecarWaitParams")]
pub struct WaitParams {
    /// Its name.
    pub name: String,
    /// How long to wait at most, in milliseconds. Default 30,000.
    #[serde(default = "half_a_minute")]
    pub timeout_ms: u64,
}

fn half_a_minute() -> u64 {
    30_000
}

/// What `sidecar.logs` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SidecarLogsParams")]
pub struct LogsParams {
    /// Its name.
    pub name: String,
    /// Which output. Default both.
    #[serde(default)]
    pub stream: LogStreams,
    /// Where to begin. Default with the oldest line that is kept.
    #[serde(default)]
    pub from: LogsFrom,
    /// Whether to go on with what comes, over restarts too. Default yes.
    #[serde(default = "yes")]
    pub follow: bool,
    /// Only lines that contain this, in whichever case. Gaps, starts and exits are told all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Where logs begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "write \"start\", \"end\", {\"last\": bytes} or {\"generation\": n, \"offset\": n}")]
#[schemars(rename = "SidecarLogsFrom")]
pub enum LogsFrom {
    /// At an end of what is kept.
    Edge(LogsEdge),
    /// With the last bytes of the newest run.
    Last {
        /// How many bytes of each output.
        last: u64,
    },
    /// With a place in a run.
    Place {
        /// Which run; the newest where it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
        /// The offset in each output, in bytes.
        offset: u64,
    },
}

impl Default for LogsFrom {
    fn default() -> LogsFrom {
        LogsFrom::Edge(LogsEdge::Start)
    }
}

/// An end of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarLogsEdge")]
pub enum LogsEdge {
    /// The oldest line that is kept, of earlier runs too.
    Start,
    /// What comes from now on.
    End,
}

/// What `sidecar.list` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarList")]
pub struct Listed {
    /// The mode.
    pub mode: ModeState,
    /// The sidecars, by name.
    pub sidecars: Vec<SidecarState>,
}

/// What the slice `sidecars` of the hub holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// The mode.
    pub mode: ModeState,
    /// The sidecars by name.
    pub services: BTreeMap<String, SidecarState>,
}

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
    /// No process of it is left, and it will not be started again by itself.
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

/// Where what the sidecars offer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AppMode")]
pub enum Mode {
    /// From nowhere else: no sidecars run.
    Standalone,
    /// From the sidecars of this daemon.
    Service,
    /// From a server; no sidecars run.
    Connected,
}

/// What `sidecar.setMode` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SetModeParams")]
pub enum SetMode {
    /// No sidecars run.
    Standalone,
    /// The sidecars of this daemon run.
    Service {
        /// Where they are reached together, for whom it may concern; told, and not used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service_url: Option<String>,
    },
    /// A server is used.
    Connected {
        /// Its address: `wss://host`, or `ws://` to this machine.
        server_url: String,
        /// The `serverId` that its `rpc.hello` must tell, which a daemon keeps with its state; any where it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
    },
}

impl SetMode {
    /// The mode that it leads to.
    pub fn mode(&self) -> Mode {
        match self {
            SetMode::Standalone => Mode::Standalone,
            SetMode::Service { .. } => Mode::Service,
            SetMode::Connected { .. } => Mode::Connected,
        }
    }
}

/// The mode, and who answers for which sidecar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AppModeState")]
pub struct ModeState {
    /// Which it is.
    pub mode: Mode,
    /// In the mode `service`: where the sidecars are reached together, where that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_url: Option<String>,
    /// In the mode `connected`: the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// In the mode `connected`: the `serverId` that the server told when it was looked at last, if it is to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// In the mode `connected`: why the server is not there, while it is not; then there are no endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_failure: Option<String>,
    /// The switch that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changing: Option<Changing>,
    /// Where the sidecars that can be used are reached, by name.
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// A switch that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AppModeChange")]
pub struct Changing {
    /// The mode that it leads to.
    pub to: Mode,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
}

/// Where a sidecar is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarEndpoint")]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// Whose process answers there.
    pub owner: Owner,
}

/// One item of `sidecar.logs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[schemars(rename = "SidecarLogItem")]
pub enum LogItem {
    /// A line.
    Line {
        /// Where it was written.
        stream: LogStream,
        /// In which run.
        generation: u64,
        /// The offset of its first byte.
        offset: u64,
        /// Without its end. What is no UTF-8 is shown as replacement characters.
        text: String,
        /// Whether it goes on in the next item, or its end was not written yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// Bytes that are not kept any more.
    Gap {
        /// Where they were written.
        stream: LogStream,
        /// In which run.
        generation: u64,
        /// Where whole runs are not kept any more: the last of them. `generation` is the first, and `to - from` counts what
        /// they wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_generation: Option<u64>,
        /// The offset of the first of them.
        from: u64,
        /// The offset behind the last.
        to: u64,
    },
    /// A run began.
    Started {
        /// Which.
        generation: u64,
        /// Its process, where it is known by now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// A run has ended, and nothing more comes of it.
    Exited {
        /// Which.
        generation: u64,
        /// How its program ended.
        exit: RunExit,
        /// Where its outputs end.
        last_offset: LastOffset,
    },
}

/// One output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarLogStream")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where the outputs of a run end, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarLastOffset")]
pub struct LastOffset {
    /// Standard output.
    pub stdout: u64,
    /// Standard error.
    pub stderr: u64,
}
