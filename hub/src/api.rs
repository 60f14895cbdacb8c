//! The hub's methods: their names, parameters, answers and items. Knows nothing of how they are served.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sixframe_core::frame::Lag;
use sixframe_core::{Method, Scope, StreamMethod};

use crate::json::Json;
use crate::op::Op;
use crate::pointer::Pointer;

/// `hub.getSnapshot`: the state as it is, with its version.
pub const GET_SNAPSHOT: Method<(), Snapshot> =
    Method::new("hub.getSnapshot").doc("Answers with the whole state and its version.").scope(Scope::Read).idempotent();

/// `hub.watch`: first what the state is, or what changed since a version; then each change. A consumer applies a patch only
/// if `from` is the revision that it has, drops it if it has `to` already, and asks again otherwise.
pub const WATCH: StreamMethod<WatchParams, Change> = follow("hub.watch", Lag::Latest)
    .doc("Follows the state, or parts of it: a snapshot or the patches since a version, then patches.");

/// `hub.watchGlobal`: the value of `/global` first, then after each change.
pub const WATCH_GLOBAL: StreamMethod<(), Json> = follow("hub.watchGlobal", Lag::Latest)
    .doc("Follows the global settings as plain values, the current one first.")
    .labelled();

/// `hub.watchSession`: the value of one session first, then after each change; null while there is no such session.
pub const WATCH_SESSION: StreamMethod<SessionParams, Json> = follow("hub.watchSession", Lag::Latest)
    .doc("Follows one session as plain values, the current one first; null while it is not there.")
    .labelled();

/// `hub.commit`: all operations, or none.
pub const COMMIT: Method<CommitParams, Version> = Method::new("hub.commit")
    .doc("Changes the state by operations that are carried out all or none, if asked only where nobody else did meanwhile.")
    .scope(Scope::Call);

/// `hub.updateGlobal`: merges into the global settings (RFC 7396).
pub const UPDATE_GLOBAL: Method<Json, Done> =
    Method::new("hub.updateGlobal").doc("Merges into the global settings; null removes.").scope(Scope::Call);

/// `hub.updateSession`: merges into a session (RFC 7396), which is made where it is not there.
pub const UPDATE_SESSION: Method<SessionUpdate, Done> = Method::new("hub.updateSession")
    .doc("Merges into a session, which is made where it is not there; null removes.")
    .scope(Scope::Call);

/// `hub.removeSession`: takes a session away; that it was not there is no error.
pub const REMOVE_SESSION: Method<SessionParams, Done> =
    Method::new("hub.removeSession").doc("Takes a session away.").scope(Scope::Call).idempotent();

/// `events.watch`: what is emitted from now on, or since a position.
pub const WATCH_EVENTS: StreamMethod<EventsParams, Event> = follow("events.watch", Lag::DropOldest)
    .doc("Follows the events of the given types; one that ends with a dot means all that begin with it.")
    .labelled();

/// A stream that anyone may follow who may read: it goes on behind a break, and makes nothing before that can be sent.
const fn follow<P, T>(name: &'static str, lag: Lag) -> StreamMethod<P, T> {
    StreamMethod::new(name).scope(Scope::Read).idempotent().lag(lag).on_demand().resumable()
}

/// A version of the state. Revisions of one epoch are ordered; those of different epochs have nothing to do with each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The life of the state. Another one means that what is known of it may be void.
    pub epoch: String,
    /// Counts commits.
    pub revision: u64,
}

/// What `hub.getSnapshot` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The slices: `global`, `sessions` and what else there is.
    #[serde(flatten)]
    pub slices: BTreeMap<String, Json>,
    /// The same as `revision`, by the name that 0.2 gave it.
    pub version: u64,
    /// The life of the state.
    pub epoch: String,
    /// Counts commits.
    pub revision: u64,
}

/// What `hub.watch` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct WatchParams {
    /// The places to follow; the whole state where neither this nor `session` is given. At most 256, of 64 KiB together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<Pointer>>,
    /// A session to follow, as `/sessions/<id>` among the paths does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The version that the consumer has: it gets what changed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Version>,
    /// The shortest time between two items, in milliseconds, at most a minute; changes in between come together. 16 to 33
    /// suit a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_interval_ms: Option<u64>,
    /// What the items are.
    pub mode: Mode,
}

/// What the items of `hub.watch` are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Patches, and snapshots where these are shorter or there is no other way.
    #[default]
    Patch,
    /// Snapshots alone.
    State,
}

/// One item of `hub.watch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "StateChange")]
pub enum Change {
    /// What the followed part of the state is.
    Snapshot {
        /// The life of the state.
        epoch: String,
        /// Which state it is.
        revision: u64,
        /// The state, pruned to what is followed: an object with the shape of the state.
        value: Json,
    },
    /// What changed.
    Patch {
        /// The revision that it applies to.
        from: u64,
        /// The revision that it leads to.
        to: u64,
        /// How. None means that nothing changed that is followed.
        ops: Vec<Op>,
        /// The highest mutation of each client between the two revisions, where there were any.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        acks: BTreeMap<String, u64>,
    },
}

/// What `hub.commit` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitParams {
    /// What to change, in this order.
    pub ops: Vec<Op>,
    /// What the caller looked at. Where that changed since, the answer is `CONFLICT` with `{current}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// Makes the commit safe to repeat: a mutation that was carried out is answered as it was the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutation: Option<Mutation>,
}

/// A condition on what happened since a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The epoch of the version; that of the state where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The revision of the version.
    pub revision: u64,
    /// What must not have changed since, beside what the operations read and write. The empty pointer means everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Pointer>,
}

/// The identity of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mutation {
    /// Who makes it: a name of the client's own choosing, unique among clients, at most 64 bytes.
    pub client: String,
    /// Counts the client's mutations upwards.
    pub id: u64,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionParams {
    /// Its id.
    pub session_id: String,
}

/// What `hub.updateSession` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionUpdate {
    /// The session's id.
    pub session_id: String,
    /// What is merged into it.
    #[serde(flatten)]
    pub partial: BTreeMap<String, Json>,
}

/// It is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// True.
    pub ok: bool,
}

/// What `events.watch` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsParams {
    /// The types to follow, all where none are given; at most 256, of 64 KiB together. One that ends with a dot means all
    /// that begin with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Behind which event to begin; without it, with what is emitted from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Place>,
}

/// A place among the events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EventPlace")]
pub struct Place {
    /// The life of the channel.
    pub epoch: String,
    /// Counts events.
    pub position: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// What, in words with dots between them: `agent.session.ended`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What about it.
    pub payload: Json,
    /// When, in milliseconds since 1970.
    pub ts: u64,
}
