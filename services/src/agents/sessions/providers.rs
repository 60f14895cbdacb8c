//! The providers that there are on this machine, and whether they can be used.

use futures_util::future::join_all;

use super::super::api::Providers;
use super::super::builtin::BuiltIn;
use super::super::detect::{self, ProviderInfo, ProviderState};
use super::{Agents, Shared};

impl Agents {
    /// The providers, those that can be used first; looked for once, and again when that is asked for.
    pub(in super::super) async fn providers(&self, recheck: bool) -> Providers {
        let mut found = self.0.found.lock().await;
        match found.as_mut().filter(|_| !recheck) {
            Some(found) => self.look_for_sidecar(found).await,
            None => *found = Some(self.look().await),
        }
        let providers = found.clone().unwrap_or_default();
        let usable = providers.iter().find(|info| info.state <= ProviderState::Unknown);
        let default = usable.map_or("builtin", |info| &info.id).to_owned();
        Providers { providers, default, cwd: self.usual_folder() }
    }

    /// A sidecar comes and goes, and looking costs nothing.
    async fn look_for_sidecar(&self, found: &mut [ProviderInfo]) {
        if self.0.config.local.url.is_none() {
            let local = self.0.local.look().await;
            found.iter_mut().filter(|info| info.id == local.id).for_each(|info| *info = local.clone());
            by_use(found);
        }
    }

    async fn look(&self) -> Vec<ProviderInfo> {
        let Shared { supervisor, config, agents, local, .. } = &*self.0;
        let abilities = |id: &str| agents.get(id).map(|agent| agent.abilities()).unwrap_or_default();
        let looks = config.programs().map(async |(id, provider)| {
            let (program, able) = (&provider.program, abilities(&id));
            let kind = [&detect::CLAUDE, &detect::CODEX, &detect::GEMINI].into_iter().find(|kind| kind.id == id);
            match kind {
                Some(kind) => detect::look(supervisor, kind, &program.program, &program.env, able).await,
                None => detect::look_for(&id, &program.program, able).await,
            }
        });
        let (mut found, local) = tokio::join!(join_all(looks), local.look());
        found.extend([local, BuiltIn::info(abilities("builtin"))]);
        by_use(&mut found);
        found
    }
}

/// Those first that can be used.
fn by_use(found: &mut [ProviderInfo]) {
    // The built-in one is there always, and so the last resort; the local model is no match for the others.
    let rank = |info: &ProviderInfo| ["local", "builtin"].iter().position(|id| info.id == *id).map_or(0, |at| at + 1);
    found.sort_by_key(|info| (info.state > ProviderState::Unknown, rank(info)));
}
