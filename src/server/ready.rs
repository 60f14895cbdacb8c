//! The line that says that the daemon is ready, for programs that embed it.

use std::path::PathBuf;

use serde::Serialize;
use sixframe_transports::{Address, Listener};

use crate::config::Config;
use crate::console::Entrance;

/// What the line says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready {
    ready: bool,
    pid: u32,
    /// The addresses to connect to, ports resolved.
    pub(super) listen: Vec<String>,
    /// Where the console is, for a browser on this machine; absent where none is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) console: Option<String>,
    /// Where the token is that WebSockets need; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<PathBuf>,
}

impl Ready {
    pub(super) fn of(config: &Config, listeners: &[Listener], entrance: Option<&Entrance>) -> Ready {
        let addresses: Vec<Address> = listeners.iter().map(Listener::local_address).collect();
        let has_web_socket = addresses.iter().any(|address| matches!(address, Address::WebSocket(_)));
        Ready {
            ready: true,
            pid: std::process::id(),
            listen: addresses.iter().map(ToString::to_string).collect(),
            console: entrance.map(|entrance| entrance.url().to_owned()),
            token_file: (has_web_socket || entrance.is_some()).then(|| config.token_file.clone()),
        }
    }
}
