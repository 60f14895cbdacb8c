//! The daemon's own methods and the service that they make. Knows nothing of transports.

pub(crate) mod api;
mod chunk;
mod fs_tail;
mod fs_watch;
mod process_run;
mod roots;
mod tap;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sixframe_core::layers::Metrics;
use sixframe_core::{Code, Fault, Router};
use sixframe_hub::{Hub, OutboundChannel};
use sixframe_services::agents::{self, Agents};
use sixframe_services::sidecars::{self, Sidecars};
use sixframe_supervisor::Supervisor;

use crate::console::Entrance;
pub(crate) use roots::Roots;
pub(crate) use tap::{Tapped, Taps};

/// How long a ticket lets in that somebody asked for.
const TICKET: Duration = Duration::from_secs(60);

/// What the methods work with.
pub(crate) struct Surroundings {
    /// What callers may see.
    pub(crate) roots: Arc<Roots>,
    /// Whether they may start programs.
    pub(crate) run_allowed: bool,
    /// What holds the programs that are started.
    pub(crate) supervisor: Supervisor,
    pub(crate) taps: Arc<Taps>,
    pub(crate) metrics: Metrics,
    /// The way in by the console, where one is served.
    pub(crate) entrance: Option<Arc<Entrance>>,
    pub(crate) hub: Hub,
    /// Where services tell what happens.
    pub(crate) events: OutboundChannel,
    /// The programs that are kept running.
    pub(crate) sidecars: Sidecars,
    pub(crate) agents: Agents,
}

/// The methods in their surroundings.
pub(crate) fn router(surroundings: &Surroundings) -> Router {
    let Surroundings { roots, run_allowed, supervisor, taps, metrics, entrance, hub, events, sidecars, agents } =
        surroundings;
    let (watch_roots, tail_roots) = (Arc::clone(roots), Arc::clone(roots));
    let (run_allowed, taps, metrics) = (*run_allowed, Arc::clone(taps), metrics.clone());
    let (entrance, supervisor) = (entrance.clone(), supervisor.clone());
    Router::new()
        .stream(api::FS_WATCH, move |_, params| fs_watch::watch(Arc::clone(&watch_roots), params))
        .stream(api::FS_TAIL, move |context, params| fs_tail::tail(Arc::clone(&tail_roots), context, params))
        .stream(api::PROCESS_RUN, move |_, params| process_run::run(supervisor.clone(), run_allowed, params))
        .stream(api::RPC_TAP, move |_, ()| taps.look())
        .function(api::RPC_METRICS, move |_, ()| serde_json::to_value(metrics.snapshot()).map_err(unwritable))
        .function(api::CONSOLE_TICKET, move |_, ()| ticket(entrance.as_deref()))
        .merge(sixframe_hub::router(hub))
        .merge(sixframe_hub::events_router(events))
        .merge(sidecars::router(sidecars))
        .merge(agents::router(agents))
}

fn ticket(entrance: Option<&Entrance>) -> Result<api::ConsoleTicket, Fault> {
    let Some(entrance) = entrance else {
        let message = "this daemon serves no console; turn it on with console.enabled";
        return Err(Fault::new(Code::UNSUPPORTED, message).details(json!({"setting": "console.enabled"})));
    };
    let ticket = entrance.ticket(TICKET).map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
    let expires_in_ms = ticket.lifetime.as_millis() as u64;
    Ok(api::ConsoleTicket { url: entrance.url().to_owned(), ticket: ticket.secret, expires_in_ms })
}

fn unwritable(error: serde_json::Error) -> Fault {
    Fault::new(Code::INTERNAL, format!("the numbers cannot be written: {error}"))
}
