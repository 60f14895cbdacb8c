//! What the sidecars use, looked at only while somebody follows their states.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::Sidecars;
use crate::sidecars::usage::{self, Meter};

/// Who follows the states.
#[derive(Default)]
pub(super) struct Watchers {
    count: AtomicUsize,
    came: Notify,
}

/// One who follows the states, while it lives.
pub(in crate::sidecars) struct Watching(Arc<Watchers>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sidecars {
    /// Counts one who follows the states, until it is dropped.
    pub(in crate::sidecars) fn watching(&self) -> Watching {
        self.shared.watchers.count.fetch_add(1, Ordering::Relaxed);
        self.shared.watchers.came.notify_one();
        Watching(Arc::clone(&self.shared.watchers))
    }

    /// Looks at what they use, while somebody follows their states.
    pub(super) fn measure(&self) {
        let (watchers, shared) = (Arc::clone(&self.shared.watchers), Arc::downgrade(&self.shared));
        tokio::spawn(async move {
            let mut meter = Meter::default();
            loop {
                let Some(sidecars) = shared.upgrade().map(|shared| Sidecars { shared }) else { return };
                if watchers.count.load(Ordering::Relaxed) == 0 {
                    sidecars.forget_usage();
                    drop(sidecars);
                    meter = Meter::default();
                    watchers.came.notified().await;
                    continue;
                }
                meter = sidecars.measured(meter).await;
                drop(sidecars);
                tokio::time::sleep(usage::INTERVAL).await;
            }
        });
    }

    async fn measured(&self, mut meter: Meter) -> Meter {
        let live: Vec<_> =
            self.members().into_values().filter_map(|m| Some((m.known.name.clone(), m.known.live()?))).collect();
        let look = move || {
            let groups: Vec<_> = live.iter().map(|(name, child)| (name.clone(), child.processes())).collect();
            (meter.look(&groups), meter)
        };
        // A runtime that is being shut down runs nothing any more.
        let Ok((found, meter)) = tokio::task::spawn_blocking(look).await else { return Meter::default() };
        for (name, usage) in found {
            self.board().change_if(&name, |state| {
                let is_new = state.pid.is_some() && state.usage != Some(usage);
                if is_new {
                    state.usage = Some(usage);
                }
                is_new
            });
        }
        meter
    }

    fn forget_usage(&self) {
        for name in self.names() {
            self.board().change_if(&name, |state| state.usage.take().is_some());
        }
    }
}
