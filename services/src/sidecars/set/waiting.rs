//! Who waits until sidecars are ready, and why that fails.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use sixframe_core::{Code, Fault};

use super::{DOMAIN, Sidecars};
use crate::sidecars::api::{Failure, Mode, Owner, SidecarState, SidecarStatus};
use crate::sidecars::board::Entry;
use crate::sidecars::config::ReadyKind;
use crate::sidecars::server::unreachable;

/// What was over already when somebody began to wait for a sidecar, and is not what is waited for.
#[derive(Clone, Copy)]
struct Before {
    falls: u64,
    /// The run of a service that has ended well: it serves nobody. What is a job has done what it was started for.
    ended: Option<u64>,
}

impl Sidecars {
    /// Waits until one of them is ready.
    ///
    /// # Errors
    /// `NOT_FOUND`; in the domain `sidecar` the code of its failure, or `STOPPED`; `RPC_TIMEOUT`;
    /// `CONFLICT` where the daemon is stopping.
    pub async fn wait_ready(&self, name: &str, longest: Duration) -> Result<SidecarState, Fault> {
        let Entry { falls, is_done, state, .. } = self.board().entry(name).ok_or_else(|| self.unknown(name))?;
        let is_over = is_done && self.known(name)?.config().readiness().kind != ReadyKind::Started;
        let before = Before { falls, ended: is_over.then_some(state.generation) };
        let late = || {
            let message = format!("{name} was not ready within {} ms; it may still become so", longest.as_millis());
            Err(Fault::new(Code::RPC_TIMEOUT, message))
        };
        tokio::time::timeout(longest, self.ready_since(name, before)).await.unwrap_or_else(|_| late())
    }

    /// Waits until it is ready, here or at the server that the mode has, where those here are about to be stopped; fails once it
    /// has fallen since `before`, or has ended by then and nobody has started it.
    async fn ready_since(&self, name: &str, before: Before) -> Result<SidecarState, Fault> {
        let look = |entry: Entry| match entry.state.owner {
            Owner::Remote => Ok(Some(entry.state)),
            _ if self.is_remote(name)? => Ok(None),
            _ => readiness(entry, before),
        };
        self.until(name, look).await
    }

    /// Waits until it runs here and is ready, whatever the mode that is about to be left says.
    async fn ready_here(&self, name: &str, falls: u64) -> Result<SidecarState, Fault> {
        self.until(name, |entry| readiness(entry, Before { falls, ended: None })).await
    }

    /// Looks at it, and again whenever the board changes, until `look` finds a state.
    async fn until(
        &self,
        name: &str,
        look: impl Fn(Entry) -> Result<Option<SidecarState>, Fault>,
    ) -> Result<SidecarState, Fault> {
        let mut changes = self.board().subscribe();
        loop {
            changes.borrow_and_update();
            let entry = self.board().entry(name).ok_or_else(|| self.unknown(name))?;
            let seen = look(entry);
            if let Ok(Some(state)) = seen {
                return Ok(state);
            }
            self.may_go_on()?;
            seen?;
            // The board lives as long as this.
            let _ = changes.changed().await;
        }
    }

    /// Whether it is the server that will answer for it, as soon as it is known and nothing runs here. Errors: it is not there,
    /// or not to be used, or has none of this name.
    fn is_remote(&self, name: &str) -> Result<bool, Fault> {
        let mode = self.board().mode_state();
        let url = mode.server_url.unwrap_or_default();
        match (mode.mode, mode.server_failure, mode.server_id) {
            (Mode::Connected, Some(why), _) => Err(unreachable(&url, why)),
            (Mode::Connected, None, Some(_)) if !mode.endpoints.contains_key(name) => {
                Err(unreachable(&url, format!("{url} has no sidecar {name}; it is to be configured there")))
            }
            (Mode::Connected, None, _) => Ok(true),
            (Mode::Service | Mode::Standalone, ..) => Ok(false),
        }
    }

    /// Starts these and waits until all are ready here. Errors: the first that will not be.
    pub(in crate::sidecars) async fn make_ready(&self, names: &[String]) -> Result<(), Fault> {
        let begun: Vec<u64> = names.iter().map(|name| self.falls(name)).collect();
        {
            let _open = self.shared.gate.read().await;
            self.may_go_on()?;
            self.start_in_order(names.to_vec()).await?;
        }
        let each = names.iter().zip(begun).map(|(name, falls)| self.ready_here(name, falls));
        try_join_all(each).await.map(|_| ())
    }

    fn falls(&self, name: &str) -> u64 {
        self.board().entry(name).map_or(0, |entry| entry.falls)
    }
}

/// Its state once it is ready, or was and has done its work; nothing while that may still come.
fn readiness(entry: Entry, before: Before) -> Result<Option<SidecarState>, Fault> {
    let has_fallen = entry.falls > before.falls || entry.is_between_vain_runs();
    let is_new = before.ended != Some(entry.state.generation);
    match (entry.state.status, entry.fall) {
        (status, _) if status.is_up() => Ok(Some(entry.state)),
        // Who waits sees the newest state alone, and a job may be ready and done between two looks. What ends before it was
        // ready, has not done its work.
        (SidecarStatus::Stopped, _) if entry.is_done && is_new => Ok(Some(entry.state)),
        (SidecarStatus::Failed, Some(failure)) => Err(fault(failure)),
        (SidecarStatus::Stopped | SidecarStatus::Failed, _) => Err(stopped(&entry.state.name)),
        (_, Some(failure)) if has_fallen => Err(fault(failure)),
        _ => Ok(None),
    }
}

/// A failure as it travels.
fn fault(failure: Failure) -> Fault {
    let code = json!(failure.code).as_str().unwrap_or(Code::INTERNAL).to_owned();
    let fault = Fault::new(code, failure.message).domain(DOMAIN);
    match failure.details {
        Some(details) => fault.details(json!(details)),
        None => fault,
    }
}

fn stopped(name: &str) -> Fault {
    Fault::new("STOPPED", format!("{name} is stopped; start it with sidecar.start")).domain(DOMAIN)
}
