//! Switching the mode: the target is made ready, then everything changes in one commit, then the old side is stopped. Where
//! the target cannot be made ready, nothing has changed.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sixframe_core::{Code, Fault};

use super::api::{Mode, ModeState, SetMode, SidecarState};
use super::set::Sidecars;

/// How long the first wait for a server is that could not be reached, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

type Checking = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// How the server of the mode `connected` is known: connects to its address, and compares the identity that it tells with
/// the one that is expected, if any. Errors: why it is not to be used, in a sentence that says what to change.
#[derive(Clone)]
pub struct CheckServer(Arc<dyn Fn(String, Option<String>) -> Checking + Send + Sync>);

impl CheckServer {
    /// Checks by what `check` does.
    pub fn new<F>(check: impl Fn(String, Option<String>) -> F + Send + Sync + 'static) -> CheckServer
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        CheckServer(Arc::new(move |url, identity| Box::pin(check(url, identity))))
    }
}

impl fmt::Debug for CheckServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckServer")
    }
}

impl Sidecars {
    /// Switches the mode. It goes on to its end though the future is dropped.
    ///
    /// # Errors
    /// `CONFLICT` where a switch is under way; `UNREACHABLE` for a server; the failure of a sidecar that does not become
    /// ready. Then nothing has changed.
    pub async fn set_mode(&self, set: SetMode) -> Result<ModeState, Fault> {
        self.board().begin_switch(set.mode()).map_err(|changing| {
            let to = json!(changing.to);
            let message = format!("a switch to the mode {to} is under way; wait until it is done");
            Fault::new(Code::CONFLICT, message).domain("sidecar").details(json!({"changing": changing}))
        })?;
        let sidecars = self.clone();
        let switching = tokio::spawn(async move { sidecars.switch(set).await });
        switching.await.unwrap_or_else(|_| Err(Fault::new(Code::INTERNAL, "the daemon is ending")))
    }

    async fn switch(&self, set: SetMode) -> Result<ModeState, Fault> {
        let prepared = match &set {
            SetMode::Standalone => Ok(()),
            SetMode::Service { .. } => self.prepare_service().await,
            SetMode::Connected { server_url, identity } => self.check(server_url, identity.as_deref()).await,
        };
        if let Err(fault) = prepared {
            tracing::warn!(%fault, to = ?set.mode(), "the mode stays as it is");
            self.board().abandon_switch();
            return Err(fault);
        }
        let stops = set.mode() != Mode::Service;
        let state = {
            let _alone = self.gate().await;
            self.board().finish_switch(set)
        };
        tracing::info!(mode = ?state.mode, "the mode has changed");
        if stops {
            self.stop_these(self.running()).await;
        }
        Ok(state)
    }

    /// Starts what the mode needs. Where that fails, what was started for it is stopped again.
    async fn prepare_service(&self) -> Result<(), Fault> {
        let names = self.auto_started();
        let ran = self.running();
        let prepared = self.make_ready(&names).await;
        if prepared.is_err() {
            self.stop_these(names.into_iter().filter(|name| !ran.contains(name))).await;
        }
        prepared
    }

    fn running(&self) -> Vec<String> {
        let runs = |state: &SidecarState| !state.status.is_at_rest();
        self.board().states().into_iter().filter(runs).map(|state| state.name).collect()
    }

    async fn check(&self, url: &str, identity: Option<&str>) -> Result<(), Fault> {
        let CheckServer(check) = &self.shared.check_server;
        let checked = check(url.to_owned(), identity.map(str::to_owned)).await;
        checked.map_err(|why| Fault::new("UNREACHABLE", why).domain("sidecar").details(json!({"serverUrl": url})))
    }

    /// Looks for the server that the configuration names until it is there, or somebody has chosen another mode.
    pub(super) async fn look_for_server(&self, set: SetMode) {
        let SetMode::Connected { server_url, identity } = &set else { return };
        let (mut wait, longest) = WAITS;
        while self.board().mode() == set && !self.board().is_verified() {
            match self.check(server_url, identity.as_deref()).await {
                Ok(()) => {
                    self.board().verified(&set);
                    return;
                }
                Err(fault) => tracing::warn!(%fault, ?wait, "the server is not there"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }
}
