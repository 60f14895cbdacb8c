//! The hub's methods, served: parameters in, the hub's own words out. Knows nothing of transports.

use std::pin::Pin;

use futures_core::Stream;
use futures_util::{StreamExt, future, stream};
use serde_json::json;
use sixframe_core::{Code, Context, Fault, Item, Payload, Router};

use crate::api::{
    COMMIT, CommitParams, Done, EventsParams, GET_SNAPSHOT, REMOVE_SESSION, SessionParams, SessionUpdate,
    UPDATE_GLOBAL, UPDATE_SESSION, Version, WATCH, WATCH_EVENTS, WATCH_GLOBAL, WATCH_SESSION, WatchParams,
};
use crate::error::CommitError;
use crate::hub::{Author, Hub, synced};
use crate::json::Json;
use crate::op::Op;
use crate::outbound::OutboundChannel;
use crate::pointer::Pointer;
use crate::state::Violation;
use crate::watch::Watch;

/// The most paths or types of one watch, or paths of what one commit expects.
const PATHS: usize = 256;

/// The most bytes that the paths, or the types, of one watch have together: they are held for as long as it lasts.
const PATHS_BYTES: usize = 64 << 10;

/// The most operations of one commit.
const OPS: usize = 4096;

/// The slice of global settings.
const GLOBAL: &str = "global";

/// The slice of sessions by id.
const SESSIONS: &str = "sessions";

/// The methods `hub.*` over `hub`.
pub fn router(hub: &Hub) -> Router {
    let each = || hub.clone();
    let (snapshot, watch, global, session) = (each(), each(), each(), each());
    let (commit, update_global, update_session, remove_session) = (each(), each(), each(), each());
    Router::new()
        .function(GET_SNAPSHOT, move |_, ()| Ok::<_, Fault>(snapshot.snapshot()))
        .written(WATCH, move |context, params| follow(&watch, &context, params))
        .written(WATCH_GLOBAL, move |context, ()| values(&global, &context, Pointer::root().join(GLOBAL)))
        .written(WATCH_SESSION, move |context, SessionParams { session_id }| {
            match held("session ids of a watch", [session_id.len()].into_iter(), "a shorter one") {
                Ok(()) => values(&session, &context, place(&session_id)),
                Err(fault) => refused(fault),
            }
        })
        .method(COMMIT, move |_, params| commit_now(&commit, params))
        .method(UPDATE_GLOBAL, move |_, partial| merge_global(&update_global, partial))
        .method(UPDATE_SESSION, move |_, update| merge_session(&update_session, update))
        .method(REMOVE_SESSION, move |_, SessionParams { session_id }| drop_session(&remove_session, &session_id))
}

/// The method `events.watch` over `channel`.
pub fn events_router(channel: &OutboundChannel) -> Router {
    let channel = channel.clone();
    Router::new().written(WATCH_EVENTS, move |context, params| listen(&channel, &context, params))
}

fn listen(channel: &OutboundChannel, context: &Context, params: EventsParams) -> Items {
    let types = params.types.iter().flatten().map(String::len);
    if let Err(fault) = held("types of a watch", types, "fewer types, or one that ends with a dot") {
        return refused(fault);
    }
    let events = channel.watch(params);
    let events = match context.resume() {
        Some((epoch, after)) => events.resume(epoch, after),
        None => events,
    };
    Box::pin(events.map(Ok))
}

/// Refuses a watch that names too many things, of these lengths, or too long ones.
fn held(what: &'static str, lengths: impl Iterator<Item = usize>, instead: &'static str) -> Result<(), Fault> {
    let (count, bytes) = lengths.fold((0, 0), |(count, bytes), length| (count + 1, bytes + length));
    if count <= PATHS && bytes <= PATHS_BYTES {
        return Ok(());
    }
    let (limit, most) = if count > PATHS { ("count", PATHS) } else { ("bytes", PATHS_BYTES) };
    let message =
        format!("{what}: {count} of {bytes} bytes, but at most {PATHS} of {PATHS_BYTES} bytes; use {instead}");
    let details = json!({"limit": format!("{limit} of {what}"), "value": most, "setting": instead});
    Err(Fault::new(Code::RESOURCE_EXHAUSTED, message).details(details))
}

fn refused(fault: Fault) -> Items {
    Box::pin(stream::once(future::ready(Err(fault))))
}

type Items = Pin<Box<dyn Stream<Item = Result<Item<Payload>, Fault>> + Send>>;

fn follow(hub: &Hub, context: &Context, params: WatchParams) -> Items {
    let paths = params.paths.iter().flatten().map(|path| path.as_str().len());
    let lengths = paths.chain(params.session.iter().map(String::len));
    if let Err(fault) = held("paths of a watch", lengths, "fewer paths, or one above them") {
        return refused(fault);
    }
    resumed(hub.watch(params), context)
}

fn values(hub: &Hub, context: &Context, place: Pointer) -> Items {
    resumed(Watch::plain(hub.0.clone(), place), context)
}

fn resumed(watch: Watch, context: &Context) -> Items {
    let watch = match context.resume() {
        Some((epoch, after)) => watch.resume(epoch, after),
        None => watch,
    };
    Box::pin(watch.map(Ok))
}

/// Commits at once, so that the commits of one caller stand in the order of their requests; the answer waits for the disk
/// where it must.
fn commit_now(hub: &Hub, params: CommitParams) -> impl Future<Output = Result<Version, CommitError>> + Send + use<> {
    let committed = bounded(&params).and_then(|()| hub.0.commit_unsynced(&params, Author::Anyone));
    async move {
        let (version, mark) = committed?;
        if let Some(mark) = mark {
            let waited = tokio::task::spawn_blocking(move || synced(&mark)).await;
            waited.map_err(|_| CommitError::NotPersisted("the runtime is shutting down".to_owned()))??;
        }
        Ok(version)
    }
}

/// What a caller asks of one commit is looked at while nobody else can commit.
fn bounded(params: &CommitParams) -> Result<(), CommitError> {
    let paths = params.expect.as_ref().map_or(0, |expect| expect.paths.len());
    let refuse = |message: String| Err(CommitError::Invalid(vec![Violation { path: String::new(), message }]));
    if paths > PATHS {
        return refuse(format!("expect.paths holds {paths} paths, {PATHS} at most; name one above them"));
    }
    if params.ops.len() > OPS {
        return refuse(format!("a commit holds {} operations, {OPS} at most", params.ops.len()));
    }
    Ok(())
}

type Merging = Pin<Box<dyn Future<Output = Result<Done, CommitError>> + Send>>;

fn merge_global(hub: &Hub, partial: Json) -> Merging {
    if !partial.is_object() {
        let violation = Violation::new("", "the settings to merge must be an object");
        return Box::pin(future::ready(Err(CommitError::Invalid(vec![violation]))));
    }
    merge(hub, Pointer::root().join(GLOBAL), partial)
}

fn merge_session(hub: &Hub, update: SessionUpdate) -> Merging {
    let SessionUpdate { session_id, partial } = update;
    let id = ("sessionId".to_owned(), Json::from(&*session_id));
    let value: Json = partial.into_iter().chain([id]).collect();
    merge(hub, place(&session_id), value)
}

fn drop_session(hub: &Hub, id: &str) -> Merging {
    merge(hub, Pointer::root().join(SESSIONS), [(id.to_owned(), Json::NULL)].into_iter().collect())
}

fn merge(hub: &Hub, path: Pointer, value: Json) -> Merging {
    let params = CommitParams { ops: vec![Op::Merge { path, value }], expect: None, mutation: None };
    let committing = commit_now(hub, params);
    Box::pin(async move {
        committing.await?;
        Ok(Done { ok: true })
    })
}

fn place(session: &str) -> Pointer {
    Pointer::root().join(SESSIONS).join(session)
}
