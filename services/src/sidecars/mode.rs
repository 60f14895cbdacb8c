//! Switching the mode: the target is made ready, then everything changes in one commit, then the old side is stopped. Where
//! the target cannot be made ready, nothing has changed. The switch is under way until nothing of the old side is left.

use serde_json::json;
use sixframe_core::{Code, Fault};

use super::api::{Mode, ModeState, SetMode, SidecarState};
use super::server::{Looks, Server};
use super::set::Sidecars;

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
        let server = match self.prepare(&set).await {
            Ok(server) => server,
            Err(fault) => {
                tracing::warn!(%fault, to = ?set.mode(), "the mode stays as it is");
                self.board().end_switch();
                return Err(fault);
            }
        };
        let (state, old) = {
            let _alone = self.gate().await;
            self.shared.lookout.end();
            let (server, looks) = server.unzip();
            let old = if set.mode() == Mode::Service { Vec::new() } else { self.running() };
            let state = self.board().swap(set.clone(), server, !old.is_empty());
            looks.into_iter().for_each(|looks| self.watch_server(set.clone(), looks));
            (state, old)
        };
        tracing::info!(mode = ?state.mode, "the mode has changed");
        if old.is_empty() {
            return Ok(state);
        }
        // Another switch would start again what is still being stopped.
        self.stop_these(old).await;
        Ok(self.board().end_switch())
    }

    /// Makes the target ready; a server is told with what looks at it.
    async fn prepare(&self, set: &SetMode) -> Result<Option<(Server, Looks)>, Fault> {
        match set {
            SetMode::Standalone => Ok(None),
            SetMode::Service { .. } => self.prepare_service().await.map(|()| None),
            SetMode::Connected { server_url, identity } => {
                self.find_server(server_url, identity.as_deref()).await.map(Some)
            }
        }
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
}
