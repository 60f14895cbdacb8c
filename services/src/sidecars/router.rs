//! The methods `sidecar.*`, served.

use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use futures_util::{StreamExt as _, future, stream};
use sixframe_core::{Fault, Router};

use super::api::{
    DEFINE, LIST, LOGS, LogItem, LogsParams, Named, RESTART, SET_MODE, START, STATUS, STOP, SidecarState, StopParams,
    WAIT_READY, WATCH, WaitParams, WatchParams,
};
use super::logs;
use super::set::Sidecars;

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Fault>> + Send>>;

/// The methods `sidecar.*` over these sidecars.
pub fn router(sidecars: &Sidecars) -> Router {
    let each = || sidecars.clone();
    let (list, status, watching, starting, stopping) = (each(), each(), each(), each(), each());
    let (restarting, waiting, reading, switching, defining) = (each(), each(), each(), each(), each());
    Router::new()
        .function(LIST, move |_, ()| Ok::<_, Fault>(list.list()))
        .function(STATUS, move |_, Named { name }| status.status(&name))
        .stream(WATCH, move |_, params| watch(&watching, params))
        .method(START, move |_, Named { name }| {
            let sidecars = starting.clone();
            async move { sidecars.start(&name).await }
        })
        .method(STOP, move |_, StopParams { name, dependents }| {
            let sidecars = stopping.clone();
            async move { sidecars.stop(&name, dependents).await }
        })
        .method(RESTART, move |_, Named { name }| {
            let sidecars = restarting.clone();
            async move { sidecars.restart(&name).await }
        })
        .method(WAIT_READY, move |_, WaitParams { name, timeout_ms }| {
            let sidecars = waiting.clone();
            async move { sidecars.wait_ready(&name, Duration::from_millis(timeout_ms)).await }
        })
        .stream(LOGS, move |_, params| follow(&reading, &params))
        .method(SET_MODE, move |_, set| {
            let sidecars = switching.clone();
            async move { sidecars.set_mode(set).await }
        })
        .function(DEFINE, move |_, config| defining.define(config))
}

fn watch(sidecars: &Sidecars, params: WatchParams) -> Items<SidecarState> {
    let names = params.names.unwrap_or_default();
    if let Some(name) = names.iter().find(|name| sidecars.status(name).is_err()) {
        return Box::pin(stream::once(future::ready(Err(sidecars.unknown(name)))));
    }
    let (sidecars, watching) = (sidecars.clone(), sidecars.watching());
    let changes = sidecars.board().subscribe();
    let following = (sidecars, changes, 0, names, watching);
    Box::pin(stream::unfold(following, |(sidecars, mut changes, cursor, names, watching)| async move {
        loop {
            changes.borrow_and_update();
            let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
            let newer = sidecars.board().behind(cursor, is_wanted);
            if let Some((cursor, state)) = newer {
                return Some((Ok(state), (sidecars, changes, cursor, names, watching)));
            }
            changes.changed().await.ok()?;
        }
    }))
}

fn follow(sidecars: &Sidecars, params: &LogsParams) -> Items<LogItem> {
    match sidecars.known(&params.name) {
        Ok(known) => logs::read(known, params).boxed(),
        Err(unknown) => Box::pin(stream::once(future::ready(Err(unknown)))),
    }
}
