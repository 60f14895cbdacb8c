//! Who is started and stopped behind whom, and in which mode anybody is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use sixframe_core::{Code, Fault};
use tokio::sync::{RwLockWriteGuard, oneshot};

use super::{DOMAIN, Sidecars};
use crate::sidecars::api::{Mode, SidecarState};
use crate::sidecars::check;
use crate::sidecars::config::SidecarConfig;
use crate::sidecars::keeper::Command;

impl Sidecars {
    /// Starts one of them, and first what it depends on. Its state as soon as it is starting, or when it runs already.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CONFLICT` where the mode has no sidecars run.
    pub async fn start(&self, name: &str) -> Result<SidecarState, Fault> {
        self.member(name)?;
        let _open = self.shared.gate.read().await;
        self.may_start()?;
        self.start_in_order(self.with_dependencies([name.to_owned()])).await?;
        self.status(name)
    }

    /// Stops one of them, behind what depends on it if asked. Its state when nothing of it is left, though somebody may have
    /// started it again since.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn stop(&self, name: &str, dependents: bool) -> Result<SidecarState, Fault> {
        self.member(name)?;
        let stopped = match dependents {
            true => self.stop_these(self.with_dependents(name)).await.remove(name),
            false => self.order(name, Command::Stop).await.ok(),
        };
        stopped.map_or_else(|| self.status(name), Ok)
    }

    /// Stops one of them alone and starts it again. Its state as soon as it is starting.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CONFLICT` where the mode has no sidecars run.
    pub async fn restart(&self, name: &str) -> Result<SidecarState, Fault> {
        let member = self.member(name)?;
        let _open = self.shared.gate.read().await;
        self.may_start()?;
        let depends = member.known.config().depends_on.clone();
        self.start_in_order(self.with_dependencies(depends)).await?;
        self.order(name, Command::Restart).await
    }

    /// Those that start with the daemon, and what they depend on, in order.
    pub(in crate::sidecars) fn auto_started(&self) -> Vec<String> {
        let members = self.members();
        let wanted = members.values().filter(|member| member.known.config().auto_start);
        self.with_dependencies(wanted.map(|member| member.known.name.clone()))
    }

    /// Starts these, of which each stands behind what it depends on; one that cannot be started is told by its state.
    pub(in crate::sidecars) async fn start_all(&self, names: Vec<String>) {
        let _open = self.shared.gate.read().await;
        let started = match self.may_start() {
            Ok(()) => self.start_in_order(names).await,
            Err(refused) => Err(refused),
        };
        if let Err(fault) = started {
            tracing::warn!(%fault, "the sidecars are not started");
        }
    }

    /// Waits until whoever was allowed to start something has done so; nobody else does while this is held.
    pub(in crate::sidecars) async fn gate(&self) -> RwLockWriteGuard<'_, ()> {
        self.shared.gate.write().await
    }

    pub(super) async fn start_in_order(&self, names: Vec<String>) -> Result<(), Fault> {
        for name in names {
            self.order(&name, Command::Start).await?;
        }
        Ok(())
    }

    /// Stops these, each as soon as those among them that depend on it are stopped. Their states when that was so.
    pub(in crate::sidecars) async fn stop_these(
        &self,
        names: impl IntoIterator<Item = String>,
    ) -> BTreeMap<String, SidecarState> {
        let mut states = BTreeMap::new();
        let mut left = self.depending(names);
        let mut waiting: BTreeSet<String> = left.keys().cloned().collect();
        let mut stopping = FuturesUnordered::new();
        loop {
            let is_needed = |name: &String| left.values().flatten().any(|below| below == name);
            let (needed, free) = std::mem::take(&mut waiting).into_iter().partition::<BTreeSet<_>, _>(is_needed);
            waiting = needed;
            stopping.extend(free.into_iter().map(|name| async move {
                let state = self.order(&name, Command::Stop).await;
                (name, state)
            }));
            let Some((stopped, state)) = stopping.next().await else { return states };
            left.remove(&stopped);
            states.extend(state.ok().map(|state| (stopped, state)));
        }
    }

    /// What each of these depends on, at one moment: there is no circle in it.
    fn depending(&self, names: impl IntoIterator<Item = String>) -> BTreeMap<String, Vec<String>> {
        let _alone = self.shared.defining.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.into_iter().filter_map(|name| Some((self.member(&name).ok()?, name)));
        known.map(|(member, name)| (name, member.known.config().depends_on.clone())).collect()
    }

    async fn order(
        &self,
        name: &str,
        command: impl FnOnce(oneshot::Sender<SidecarState>) -> Command,
    ) -> Result<SidecarState, Fault> {
        let member = self.member(name)?;
        let (reply, answer) = oneshot::channel();
        let ending = || Fault::new(Code::INTERNAL, "the daemon is ending");
        member.commands.send(command(reply)).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())
    }

    /// Nothing is started once all of them are being stopped.
    pub(super) fn may_go_on(&self) -> Result<(), Fault> {
        match self.board().is_closing() {
            true => Err(Fault::new(Code::CONFLICT, "the daemon is stopping").domain(DOMAIN)),
            false => Ok(()),
        }
    }

    fn may_start(&self) -> Result<(), Fault> {
        self.may_go_on()?;
        let state = self.board().mode_state();
        if state.mode == Mode::Service {
            return Ok(());
        }
        let mode = json!(state.mode);
        let message =
            format!("no sidecars run in the mode {mode}; switch with sidecar.setMode {{\"mode\": \"service\"}}");
        Err(Fault::new(Code::CONFLICT, message).domain(DOMAIN).details(json!({"mode": mode})))
    }

    fn with_dependencies(&self, names: impl IntoIterator<Item = String>) -> Vec<String> {
        let members = self.members();
        let mut wanted = BTreeSet::new();
        let mut open: Vec<String> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some(member) = members.get(&name) else { continue };
            if wanted.insert(name) {
                open.extend(member.known.config().depends_on.iter().cloned());
            }
        }
        self.in_order().into_iter().filter(|name| wanted.contains(name)).collect()
    }

    fn with_dependents(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([name.to_owned()]);
        for member in self.in_order().iter().filter_map(|name| self.member(name).ok()) {
            if member.known.config().depends_on.iter().any(|below| found.contains(below)) {
                found.insert(member.known.name.clone());
            }
        }
        found
    }

    /// All names, each behind what it depends on.
    fn in_order(&self) -> Vec<String> {
        let configs: Vec<Arc<SidecarConfig>> = self.members().values().map(|member| member.known.config()).collect();
        let depends = configs.iter().map(|config| (config.name.as_str(), config.depends_on.as_slice())).collect();
        check::order(&depends).unwrap_or_default()
    }
}

/// Those that start with the daemon, and what they depend on.
pub(super) fn started_with(configs: &[SidecarConfig]) -> BTreeSet<String> {
    let mut open: Vec<&str> = configs.iter().filter(|c| c.auto_start).map(|c| c.name.as_str()).collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if found.insert(name.to_owned()) {
            let of = configs.iter().filter(|config| config.name == name);
            open.extend(of.flat_map(|config| config.depends_on.iter().map(String::as_str)));
        }
    }
    found
}
