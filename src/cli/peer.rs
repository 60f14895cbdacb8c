//! The connection of a subcommand that calls: whom it leads to, with which token, and how it ends.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Error;
use serde_json::Value;
use sixframe_core::{
    CallOptions, Closed, Config, Connecting, Connector, DISCOVER, Driver, FrameTap, Identity, Payload, Router,
    RpcEndpoint, Scopes, Timeout, TransportError, connect_with, reconnecting, redact,
};
use sixframe_transports::{Address, AnyTransport, ConnectConfig, connect};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::args::{ConfigArgs, PeerArgs, RequestArgs};
use super::config::loaded;
use super::failure::Failure;
use crate::server::read_token;

/// Time for the last frames to leave.
const CLOSING: Duration = Duration::from_secs(1);

/// Time for a peer to describe itself.
const DESCRIBING: Duration = Duration::from_secs(5);

/// Runs a subcommand that calls.
pub(super) fn block_on(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = Runtime::new()?;
    let result = runtime.block_on(work);
    // A read of stdin that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    result
}

/// A connection and the task that runs it.
pub(super) struct Peer {
    pub(super) endpoint: RpcEndpoint,
    driver: JoinHandle<Arc<Closed>>,
}

impl Peer {
    /// Connects once.
    pub(super) async fn connect(args: &PeerArgs) -> Result<Peer, Error> {
        let (address, config) = target(args)?;
        let (transport, identity) = connect(&address, &config).await.map_err(|error| refused(error, &config))?;
        Ok(Peer::run(connect_with(endpoint_config(args, identity), transport, Router::new())))
    }

    /// Connects, and again whenever the connection breaks, saying so on stderr. A program that was started is not started
    /// again: its end is the end.
    pub(super) async fn reconnecting(args: &PeerArgs) -> Result<Peer, Error> {
        let (address, config) = target(args)?;
        if matches!(address, Address::Exec { .. } | Address::Stdio) {
            return Peer::connect(args).await;
        }
        let first = connect(&address, &config).await.map_err(|error| refused(error, &config))?;
        let endpoint_config = endpoint_config(args, first.1.clone());
        let again = Again { first: Some(first), address, config, lost: Arc::default() };
        Ok(Peer::run(reconnecting(endpoint_config, again, Router::new())))
    }

    /// Lets what is queued leave, then ends the connection.
    pub(super) async fn close(self) {
        self.endpoint.close(CLOSING);
        // Nothing is left to be done about a driver that does not end in time.
        let _ = tokio::time::timeout(CLOSING * 2, self.driver).await;
    }

    /// What `rpc.discover` tells of `method`; null where the peer knows neither, or says nothing for a while.
    pub(super) async fn described(&self, method: &str) -> Value {
        let patient = CallOptions { timeout: Timeout::After(DESCRIBING), ..CallOptions::default() };
        let Ok(document) = self.endpoint.with(patient).request(&DISCOVER, ()).await else { return Value::Null };
        let methods = document["methods"].as_array().cloned().unwrap_or_default();
        methods.into_iter().find(|described| described["name"] == method).unwrap_or_default()
    }

    fn run((endpoint, driver): (RpcEndpoint, Driver<AnyTransport>)) -> Peer {
        Peer { endpoint, driver: tokio::spawn(driver) }
    }
}

/// The parameters of a request; those of `-` are read from stdin.
pub(super) fn payload(request: &RequestArgs) -> Result<Payload, Error> {
    let text = match request.payload.as_deref() {
        None => return Ok(Payload::NULL),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(text) => text.to_owned(),
    };
    Payload::from_json(text.trim().to_owned())
        .map_err(|error| Failure::Usage(format!("the parameters are not JSON: {error}")).into())
}

/// JSON text as one line.
pub(super) fn line(payload: &Payload) -> String {
    // A line break stands between tokens only.
    payload.as_str().replace(['\n', '\r'], " ")
}

fn target(args: &PeerArgs) -> Result<(Address, ConnectConfig), Error> {
    let address: Address = args.address.parse().map_err(|error| Failure::Usage(format!("{error}")))?;
    address.check().map_err(|error| Failure::Usage(format!("{error}")))?;
    let config = ConnectConfig {
        token: token(args, &address)?,
        timeout: Duration::from_millis(args.reach.connect_timeout_ms),
        child_scopes: Scopes::NONE,
        ..ConnectConfig::default()
    };
    Ok((address, config))
}

/// The token for a WebSocket. The daemon's own is shown to this machine alone, unless the caller names its file.
fn token(args: &PeerArgs, address: &Address) -> Result<Option<String>, Error> {
    let Address::WebSocket(url) = address else { return Ok(None) };
    if let Some(named) = &args.reach.token_file {
        return read(named).map(Some);
    }
    let settings = loaded(&ConfigArgs::default(), None)?;
    let named = settings.is_given("token_file");
    let token_file = &settings.config.token_file;
    if !named && (!is_local(url) || !token_file.exists()) {
        return Ok(None);
    }
    read(token_file).map(Some)
}

fn read(file: &Path) -> Result<String, Error> {
    read_token(file).map_err(|error| Failure::Usage(format!("{error:#}")).into())
}

/// Why there is no connection. A server that asks for a token does not know our flags.
fn refused(error: TransportError, config: &ConnectConfig) -> Failure {
    if config.token.is_none() && error.to_string().contains("401 Unauthorized") {
        eprintln!("sixframe: no token was shown; name the file that holds it with --token-file");
    }
    Failure::Connection(error)
}

fn is_local(url: &str) -> bool {
    let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn endpoint_config(args: &PeerArgs, identity: Identity) -> Config {
    let print = |direction, message: &sixframe_core::Message| eprintln!("{direction:?} {}", redact(message));
    Config { identity, on_frame: args.reach.trace.then(|| FrameTap::new(print)), ..Config::default() }
}

/// A connector that has its first connection already and tells of every other.
struct Again {
    first: Option<(AnyTransport, Identity)>,
    address: Address,
    config: ConnectConfig,
    lost: Arc<AtomicBool>,
}

impl Connector for Again {
    type Transport = AnyTransport;

    fn connect(&mut self) -> Connecting<AnyTransport> {
        if let Some(first) = self.first.take() {
            return Box::pin(std::future::ready(Ok(first)));
        }
        let (address, config, lost) = (self.address.clone(), self.config.clone(), Arc::clone(&self.lost));
        if !lost.swap(true, Ordering::Relaxed) {
            eprintln!("sixframe: the connection is lost; connecting again to {address}");
        }
        Box::pin(async move {
            let connected = connect(&address, &config).await?;
            lost.store(false, Ordering::Relaxed);
            eprintln!("sixframe: connected again");
            Ok(connected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_own_token_stays_on_this_machine() {
        for url in ["ws://127.0.0.1:4700/", "ws://localhost", "ws://[::1]:1/x", "ws://127.9.9.9:1"] {
            assert!(is_local(url), "{url}");
        }
        for url in ["ws://example.org:4700/", "wss://localhost.example/", "ws://10.0.0.1:1", "ws://127.0.0.1.example"] {
            assert!(!is_local(url), "{url}");
        }
    }
}
