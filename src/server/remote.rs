//! The server of the mode `connected`: reached by a connection of our own, and asked who it is.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sixframe_core::{CallOptions, Config, HELLO, Hello, Router, Timeout, Welcome, connect_with};
use sixframe_services::sidecars::CheckServer;
use sixframe_transports::{Address, ConnectConfig, connect};

/// How long connecting and asking may take, each.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects, asks by `rpc.hello`, and compares. The token is read each time, where there is one.
pub(super) fn check(token_file: PathBuf) -> CheckServer {
    CheckServer::new(move |url, identity| {
        let token_file = token_file.clone();
        async move { compare(&url, identity, &token_file).await }
    })
}

async fn compare(url: &str, identity: Option<String>, token_file: &Path) -> Result<(), String> {
    let token = match std::fs::read_to_string(token_file) {
        Ok(token) => Some(token.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("app.server_token_file, {}: {error}", token_file.display())),
    };
    let welcome = welcome(url, token).await?;
    match identity {
        Some(expected) if expected != welcome.server_id => {
            Err(format!("{url} is another server than expected: its serverId is {}, not {expected}", welcome.server_id))
        }
        Some(_) | None => Ok(()),
    }
}

async fn welcome(url: &str, token: Option<String>) -> Result<Welcome, String> {
    let address: Address = url.parse().map_err(|error| format!("{url} is no address: {error}"))?;
    let is_safe = url.starts_with("wss://") || (url.starts_with("ws://") && is_here(url));
    if !is_safe {
        return Err(format!(
            "{url} is reached neither by TLS nor on this machine; use wss://host, or ws://127.0.0.1:port"
        ));
    }
    let config = ConnectConfig { token, timeout: PATIENCE, ..ConnectConfig::default() };
    let (transport, identity) =
        connect(&address, &config).await.map_err(|error| format!("{url} cannot be reached: {error}"))?;
    let (endpoint, driver) = connect_with(Config { identity, ..Config::default() }, transport, Router::new());
    let driving = tokio::spawn(driver);
    let patient = CallOptions { timeout: Timeout::After(PATIENCE), ..CallOptions::default() };
    let answer = endpoint.with(patient).request(&HELLO, Hello::default()).await;
    endpoint.close(Duration::ZERO);
    driving.abort();
    answer.map_err(|error| format!("{url} does not say who it is: {error}"))
}

/// Whether the address leads to this machine by its form; a name may be resolved to anything.
fn is_here(url: &str) -> bool {
    let authority = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_here() {
        assert!(["ws://127.0.0.1:1/", "ws://[::1]:1", "ws://localhost:4700/"].iter().all(|url| is_here(url)));
        assert!(!["ws://127.0.0.1.example:1", "ws://10.0.0.1:1", "ws://localhost@a:1"].iter().any(|url| is_here(url)));
    }
}
