//! The methods `sidecar.*`: their names, parameters, answers and items. Knows nothing of how they are served.

mod logs;
mod mode;
mod state;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::{Method, Scope, StreamMethod};

pub use logs::{LastOffset, LogItem, LogStream, LogsEdge, LogsFrom, LogsParams};
pub use mode::{Changing, Endpoint, Mode, ModeState, SetMode};
pub use state::{Failure, FailureCode, FailureDetails, Holder, Owner, RunExit, SidecarState, SidecarStatus, Usage};

use super::config::SidecarConfig;

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
