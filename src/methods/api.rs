//! The daemon's own methods: their names, parameters and items. Knows nothing of how they are served.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sixframe_core::frame::Lag;
use sixframe_core::{Direction, Method, Scope, StreamMethod};

use super::chunk::Chunk;

/// `fs.watch`: the first item is `watching`; then one for each change.
pub(crate) const FS_WATCH: StreamMethod<WatchParams, Change> = StreamMethod::new("fs.watch")
    .doc("Watches a file or folder; an item for each change, and one that says `overflow` where changes were missed.")
    .scope(Scope::Read)
    .idempotent();

/// `fs.tail`: the first item is empty and says where the stream begins. An item that is null says `reset`: the file was
/// replaced or cut short, and what follows begins at its first byte. A replaced file is read to its end first; of several
/// that had the name while the caller took nothing, the last is followed.
pub(crate) const FS_TAIL: StreamMethod<TailParams, Option<Chunk>> = StreamMethod::new("fs.tail")
    .doc("Follows a file as it grows, over rotation and truncation; an item's pos is the byte offset behind it.")
    .scope(Scope::Read)
    .idempotent()
    .resumable();

/// `process.run`: cancelling it, or losing the connection, kills the program and everything that it started.
pub(crate) const PROCESS_RUN: StreamMethod<RunParams, Output> = StreamMethod::new("process.run")
    .doc("Runs a program without a shell; items of its output, the last one with its exit. Needs --allow process.run.")
    .scope(Scope::Call);

/// `rpc.tap`: connections that tap themselves are left out.
pub(crate) const RPC_TAP: StreamMethod<(), TappedFrame> = StreamMethod::new("rpc.tap")
    .doc("Shows the frames of all other connections as they pass, without secrets.")
    .scope(Scope::Admin)
    .lag(Lag::DropOldest);

/// `rpc.metrics`: what was counted since the daemon began.
pub(crate) const RPC_METRICS: Method<(), Value> = Method::new("rpc.metrics")
    .doc("Counts requests, failures, bytes and durations by method.")
    .scope(Scope::Admin)
    .idempotent();

/// `console.ticket`: a way in for one browser, used up by its first use.
pub(crate) const CONSOLE_TICKET: Method<(), ConsoleTicket> = Method::new("console.ticket")
    .doc("Makes a ticket that lets a browser into the console once, within a minute: the link is url + \"#ticket=\" + ticket.")
    .scope(Scope::Admin);

/// What `fs.watch` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchParams {
    /// The file or folder; a relative path begins at the first of `fs.roots`.
    pub(crate) path: String,
    /// Whether folders below it are watched too.
    #[serde(default)]
    pub(crate) recursive: bool,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Change {
    /// What happened.
    pub(crate) kind: ChangeKind,
    /// To what, as absolute paths.
    pub(crate) paths: Vec<String>,
    /// The two halves of a rename, `removed` and `created`, have the same number here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rename: Option<usize>,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeKind {
    /// Nothing yet: from now on every change is told.
    Watching,
    /// It is there.
    Created,
    /// Its content or its attributes are others.
    Modified,
    /// It is gone from here.
    Removed,
    /// Changes were missed: look at everything below the path again.
    Overflow,
}

/// What `fs.tail` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TailParams {
    /// The file; a relative path begins at the first of `fs.roots`.
    pub(crate) path: String,
    /// Where to begin: a byte offset, `"start"` or `"end"`.
    #[serde(default)]
    pub(crate) from: TailFrom,
}

/// Where a tail begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "write a byte offset, \"start\" or \"end\"")]
pub(crate) enum TailFrom {
    /// At this offset in bytes.
    Offset(u64),
    /// At an end of the file.
    Edge(Edge),
    /// At the file's end.
    #[default]
    Unsaid,
}

/// An end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Edge {
    /// Its first byte.
    Start,
    /// Behind its last byte.
    End,
}

/// What `process.run` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunParams {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub(crate) program: String,
    /// Its arguments, each passed as it stands.
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// The folder to start in; the daemon's own by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cwd: Option<String>,
    /// Variables set on top of the daemon's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) env: BTreeMap<String, String>,
}

/// What a program that runs has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Output {
    /// Some of what it wrote.
    Wrote {
        /// Where.
        stream: OutputStream,
        /// What.
        #[serde(flatten)]
        chunk: Chunk,
    },
    /// Its end; the last item.
    Exited {
        /// How it ended.
        exit: Exit,
    },
}

/// Where a program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutputStream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// How a program ended: by itself with a code, or by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Exit {
    /// The code, where it ended by itself.
    pub(crate) code: Option<i32>,
    /// The signal that ended it, on Unix.
    pub(crate) signal: Option<i32>,
}

/// One frame of another connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TappedFrame {
    /// The connection's number, in the order in which they came.
    pub(crate) connection: u64,
    /// How the connection came: `unix`, `pipe`, `ws`, `stdio`.
    pub(crate) transport: String,
    /// The process at its other end, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    /// Which way the frame went, as the daemon sees it.
    pub(crate) direction: Direction,
    /// When, in milliseconds since 1970.
    pub(crate) ts: u64,
    /// The frame, secrets redacted; text where it is no JSON.
    pub(crate) frame: Value,
}

/// What `console.ticket` answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleTicket {
    /// Where the console is.
    pub(crate) url: String,
    /// The secret that lets in, once.
    pub(crate) ticket: String,
    /// How long it does, in milliseconds from now.
    pub(crate) expires_in_ms: u64,
}
