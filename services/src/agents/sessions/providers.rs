//! The providers that there are on this machine, and whether they can be used.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;

use super::super::agent::Abilities;
use super::super::api::{Providers, ProvidersParams};
use super::super::builtin::BuiltIn;
use super::super::detect::{self, ProviderInfo, ProviderState, Sighting};
use super::config::ProviderConfig;
use super::{Agents, Shared};

/// The last look at each provider, in the order in which they are taken.
#[derive(Debug, Default)]
pub(super) struct Search(Mutex<Vec<Look>>);

/// A look at a provider, under way or done. It is given up when nobody has one any more.
#[derive(Clone, Debug)]
struct Look(watch::Receiver<Sighting>);

impl Look {
    /// Begins a look, of which `before` is told until it is done.
    fn begin(before: Sighting, looking: impl Future<Output = Sighting> + Send + 'static) -> Look {
        let (told, seen) = watch::channel(before);
        tokio::spawn(async move {
            tokio::select! {
                sighting = looking => drop(told.send_replace(sighting)),
                () = told.closed() => (),
            }
        });
        Look(seen)
    }

    fn info(&self) -> ProviderInfo {
        self.0.borrow().info.clone()
    }

    /// Waits until something is known. Gives whether that can be used.
    async fn known(&self) -> bool {
        let mut seen = self.0.clone();
        // A look that ended without a word has found nothing.
        let known = seen.wait_for(|sighting| sighting.info.state != ProviderState::Checking).await;
        known.is_ok_and(|sighting| is_usable(&sighting.info))
    }
}

impl Agents {
    /// The providers, those that can be used first; looked for once, and again when that is asked for. Waits for all of them,
    /// or for as long as the caller has.
    pub(in super::super) async fn providers(&self, ProvidersParams { recheck, wait_ms }: ProvidersParams) -> Providers {
        let looks = self.looks(recheck);
        let known = join_all(looks.iter().map(Look::known));
        match wait_ms {
            Some(wait) => drop(timeout(Duration::from_millis(wait), known).await),
            None => drop(known.await),
        }
        let mut providers: Vec<ProviderInfo> = looks.iter().map(Look::info).collect();
        providers.extend(self.sidecar().await);
        providers.push(BuiltIn::info(self.abilities("builtin")));
        by_use(&mut providers);
        let usable = providers.iter().find(|info| is_usable(info));
        let default = usable.map_or("builtin", |info| &info.id).to_owned();
        Providers { providers, default, cwd: self.usual_folder(), templates: self.templates().names() }
    }

    /// The provider that is taken where none is named: the first one that can be used, for which it waits until those before it
    /// are known.
    pub(super) async fn usual_provider(&self) -> String {
        for look in self.looks(false) {
            if look.known().await {
                return look.info().id;
            }
        }
        let sidecar = self.sidecar().await.filter(is_usable);
        sidecar.map_or_else(|| "builtin".to_owned(), |info| info.id)
    }

    /// A sidecar comes and goes, and looking costs nothing.
    async fn sidecar(&self) -> Option<ProviderInfo> {
        match self.0.config.local.url {
            Some(_) => None,
            None => Some(self.0.local.look().await),
        }
    }

    fn abilities(&self, id: &str) -> Abilities {
        self.0.agents.get(id).map(|agent| agent.abilities()).unwrap_or_default()
    }

    /// The looks, begun where there are none. Who did not answer the last time is asked again, and nobody waits for that.
    fn looks(&self, recheck: bool) -> Vec<Look> {
        let mut looks = self.0.search.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recheck || looks.is_empty() {
            *looks = self.0.config.programs().map(|(id, provider)| self.look(&id, provider, None)).collect();
            looks.extend(self.0.config.local.url.is_some().then(|| self.look_at_service()));
            return looks.clone();
        }
        for (look, (id, provider)) in looks.iter_mut().zip(self.0.config.programs()) {
            let before = look.0.borrow().clone();
            if before.is_silent {
                *look = self.look(&id, provider, Some(before.info));
            }
        }
        looks.clone()
    }

    fn look(&self, id: &str, provider: &ProviderConfig, before: Option<ProviderInfo>) -> Look {
        let Shared { supervisor, .. } = &*self.0;
        let (supervisor, able, id) = (supervisor.clone(), self.abilities(id), id.to_owned());
        let program = provider.program.clone();
        match detect::kind(&id) {
            Some(kind) => {
                let before = Sighting::of(before.unwrap_or_else(|| detect::checked(kind, able)));
                Look::begin(before, async move { detect::look(&supervisor, kind, &program, able).await })
            }
            None => {
                let before = Sighting::of(before.unwrap_or_else(|| detect::looked_for(&id, able)));
                let looking = async move {
                    Sighting::of(match id.starts_with("acp:") {
                        true => detect::look_for_acp(&supervisor, &id, &program, able).await,
                        false => detect::look_for(&id, &program.program, able).await,
                    })
                };
                Look::begin(before, looking)
            }
        }
    }

    fn look_at_service(&self) -> Look {
        let (local, able) = (self.0.local.clone(), self.abilities("local"));
        let before = Sighting::of(detect::looked_for("local", able));
        Look::begin(before, async move { Sighting::of(local.look().await) })
    }
}

fn is_usable(info: &ProviderInfo) -> bool {
    info.state <= ProviderState::Unknown
}

/// Those first that can be used.
fn by_use(found: &mut [ProviderInfo]) {
    // The built-in one is there always, and so the last resort; the local model is no match for the others.
    let rank = |info: &ProviderInfo| ["local", "builtin"].iter().position(|id| info.id == *id).map_or(0, |at| at + 1);
    found.sort_by_key(|info| (!is_usable(info), rank(info)));
}
