//! The mode, and where what the sidecars offer is reached in it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Owner;

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
