//! The daemon's own methods and the service that they make. Knows nothing of transports.

pub(crate) mod api;
mod chunk;
mod fs_tail;
mod fs_watch;
mod process_run;
mod roots;
mod tap;

use std::sync::Arc;

use sixframe_core::layers::Metrics;
use sixframe_core::{Code, Fault, Router};
use sixframe_hub::{Hub, OutboundChannel};

#[cfg(unix)]
pub(crate) use process_run::stand_guard;
pub(crate) use roots::Roots;
pub(crate) use tap::{Tapped, Taps};

/// What the methods work with.
pub(crate) struct Surroundings {
    /// What callers may see.
    pub(crate) roots: Arc<Roots>,
    /// Whether they may start programs.
    pub(crate) run_allowed: bool,
    pub(crate) taps: Arc<Taps>,
    pub(crate) metrics: Metrics,
    pub(crate) hub: Hub,
    /// Where services tell what happens.
    pub(crate) events: OutboundChannel,
}

/// The methods in their surroundings.
pub(crate) fn router(surroundings: &Surroundings) -> Router {
    let Surroundings { roots, run_allowed, taps, metrics, hub, events } = surroundings;
    let (watch_roots, tail_roots) = (Arc::clone(roots), Arc::clone(roots));
    let (run_allowed, taps, metrics) = (*run_allowed, Arc::clone(taps), metrics.clone());
    Router::new()
        .stream(api::FS_WATCH, move |_, params| fs_watch::watch(Arc::clone(&watch_roots), params))
        .stream(api::FS_TAIL, move |context, params| fs_tail::tail(Arc::clone(&tail_roots), context, params))
        .stream(api::PROCESS_RUN, move |_, params| process_run::run(run_allowed, params))
        .stream(api::RPC_TAP, move |_, ()| taps.look())
        .function(api::RPC_METRICS, move |_, ()| serde_json::to_value(metrics.snapshot()).map_err(unwritable))
        .merge(sixframe_hub::router(hub))
        .merge(sixframe_hub::events_router(events))
}

fn unwritable(error: serde_json::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("the numbers cannot be written: {error}"))
}
