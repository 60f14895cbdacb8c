//! The server of the mode `connected`: reached by a connection of our own, and asked who it is and which sidecars it has.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream;
use serde::Deserialize;
use sixframe_core::{CallError, CallOptions, Code, Config, HELLO, Hello, Router, RpcEndpoint, Timeout, connect_with};
use sixframe_services::sidecars::api::LIST;
use sixframe_services::sidecars::{CheckServer, Server};
use sixframe_transports::{Address, ConnectConfig, connect};
use tokio::task::JoinHandle;

use crate::config::AppSettings;
use crate::private_file;

/// How long connecting and asking may take, each.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a server that was there may take to say again who it is, before another connection is tried.
const AGAIN: Duration = Duration::from_secs(2);

/// Connects, asks by `rpc.hello` and `sidecar.list`, and compares; asks again over the same connection, and over another one where that fails.
/// The token is read for each connection, where there is one. `own` is who this daemon is: it is no server for itself.
pub(super) fn check(app: &AppSettings, own: &str) -> CheckServer {
    let (token_file, own) = (app.server_token_file.clone(), own.to_owned());
    CheckServer::new(Duration::from_millis(app.server_check_ms), move |url, identity| {
        let remote = Remote { url, identity, own: own.clone(), token_file: token_file.clone(), line: None };
        stream::unfold(remote, |mut remote| async move { Some((remote.look().await, remote)) })
    })
}

/// The server, as it is looked at.
struct Remote {
    url: String,
    identity: Option<String>,
    own: String,
    token_file: PathBuf,
    line: Option<Line>,
}

impl Remote {
    /// What it tells of itself. Errors: why it is not to be used.
    async fn look(&mut self) -> Result<Server, String> {
        if let Some(line) = self.line.take()
            && let Ok(server) = line.ask(AGAIN).await
        {
            return self.compare(line, server);
        }
        let url = &self.url;
        let line = Line::open(url, token(&self.token_file)?).await?;
        let server = line.ask(PATIENCE).await;
        self.compare(line, server.map_err(|error| format!("{url} does not say who it is: {error}"))?)
    }

    /// Keeps the line to one that is who it should be.
    fn compare(&mut self, line: Line, server: Server) -> Result<Server, String> {
        let (url, id) = (&self.url, &server.id);
        match &self.identity {
            _ if self.own == *id => Err(format!(
                "{url} is this daemon itself; name another one, or use its own sidecars in the mode service"
            )),
            Some(expected) if expected != id => {
                Err(format!("{url} is another server than expected: its serverId is {id}, not {expected}"))
            }
            Some(_) | None => {
                self.line = Some(line);
                Ok(server)
            }
        }
    }
}

/// A connection to a server. Dropping it closes it.
struct Line {
    endpoint: RpcEndpoint,
    driving: JoinHandle<()>,
}

impl Line {
    async fn open(url: &str, token: Option<String>) -> Result<Line, String> {
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
        Ok(Line { endpoint, driving: tokio::spawn(async { drop(driver.await) }) })
    }

    async fn ask(&self, longest: Duration) -> Result<Server, CallError> {
        let patient = CallOptions { timeout: Timeout::After(longest), ..CallOptions::default() };
        let endpoint = self.endpoint.with(patient);
        let welcome = endpoint.request(&HELLO, Hello::default()).await?;
        let sidecars = match endpoint.request_raw::<_, Listed>(LIST.info().name, ()).await {
            Ok(listed) => Some(listed.sidecars.into_iter().map(|sidecar| sidecar.name).collect()),
            Err(error) if tells_none(&error) => None,
            Err(error) => return Err(error),
        };
        Ok(Server { id: welcome.server_id, sidecars })
    }
}

/// Of what `sidecar.list` answers, what is of interest here; the server may be of another version.
#[derive(Deserialize)]
struct Listed {
    sidecars: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Whether the answer is that of a server which does not tell of sidecars, to us or to anybody.
fn tells_none(error: &CallError) -> bool {
    let is_refused = [Code::NO_HANDLER, Code::FORBIDDEN, Code::UNAUTHORIZED].contains(&error.code());
    is_refused || matches!(error, CallError::Decode { .. })
}

impl Drop for Line {
    fn drop(&mut self) {
        self.endpoint.close(Duration::ZERO);
        self.driving.abort();
    }
}

/// What the server wants to be shown, if there is a file with it.
fn token(file: &Path) -> Result<Option<String>, String> {
    let shown = file.display();
    match private_file::read(file, &format!("chmod 600 {shown}")) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(format!("app.server_token_file, {shown}, is not used: {error}")),
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
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

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_can_read_is_not_shown_to_anybody() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server-token");
        assert_eq!(token(&path), Ok(None));
        private_file::write(&path, "secret\n").unwrap();
        assert_eq!(token(&path), Ok(Some("secret".to_owned())));
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = token(&path).unwrap_err();
            assert!(
                refused.contains(&format!("chmod 600 {}", path.display())) && !refused.contains("secret"),
                "{refused}"
            );
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(token(&link).unwrap_err().contains("a link"));
    }

    #[test]
    fn only_loopback_addresses_are_here() {
        assert!(["ws://127.0.0.1:1/", "ws://[::1]:1", "ws://localhost:4700/"].iter().all(|url| is_here(url)));
        assert!(!["ws://127.0.0.1.example:1", "ws://10.0.0.1:1", "ws://localhost@a:1"].iter().any(|url| is_here(url)));
    }
}
