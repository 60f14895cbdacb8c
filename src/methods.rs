//! The daemon's own methods and the service that they make. Knows nothing of transports.

pub(crate) mod api;
mod chunk;
mod fs_tail;
mod fs_watch;
mod process_run;
mod roots;
mod tap;

use std::sync::Arc;

use sixframe_core::Router;

pub(crate) use roots::Roots;
pub(crate) use tap::{Tapped, Taps};

/// The methods, for callers that may see `roots` and start programs if `run_allowed`.
pub(crate) fn router(roots: Roots, run_allowed: bool, taps: Arc<Taps>) -> Router {
    let (watch_roots, tail_roots) = (Arc::new(roots.clone()), Arc::new(roots));
    Router::new()
        .stream(api::FS_WATCH, move |_, params| fs_watch::watch(Arc::clone(&watch_roots), params))
        .stream(api::FS_TAIL, move |context, params| fs_tail::tail(Arc::clone(&tail_roots), context, params))
        .stream(api::PROCESS_RUN, move |_, params| process_run::run(run_allowed, params))
        .stream(api::RPC_TAP, move |_, ()| taps.look())
}
