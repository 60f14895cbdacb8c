//! What `sidecar.logs` takes, and its items.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunExit, yes};
use crate::sidecars::config::LogStreams;

/// What `sidecar.logs` takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SidecarLogsParams")]
pub struct LogsParams {
    /// Its name.
    pub name: String,
    /// Which output. Default both.
    #[serde(default)]
    pub stream: LogStreams,
    /// Where to begin. Default with the oldest line that is kept.
    #[serde(default)]
    pub from: LogsFrom,
    /// Whether to go on with what comes, over restarts too. Default yes.
    #[serde(default = "yes")]
    pub follow: bool,
    /// Only lines that contain this, in whichever case. Gaps, starts and exits are told all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Where logs begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "write \"start\", \"end\", {\"last\": bytes} or {\"generation\": n, \"offset\": n}")]
#[schemars(rename = "SidecarLogsFrom")]
pub enum LogsFrom {
    /// At an end of what is kept.
    Edge(LogsEdge),
    /// With the last bytes of the newest run.
    Last {
        /// How many bytes of each output.
        last: u64,
    },
    /// With a place in a run.
    Place {
        /// Which run; the newest where it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
        /// The offset in each output, in bytes.
        offset: u64,
    },
}

impl Default for LogsFrom {
    fn default() -> LogsFrom {
        LogsFrom::Edge(LogsEdge::Start)
    }
}

/// An end of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarLogsEdge")]
pub enum LogsEdge {
    /// The oldest line that is kept, of earlier runs too.
    Start,
    /// What comes from now on.
    End,
}

/// One item of `sidecar.logs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[schemars(rename = "SidecarLogItem")]
pub enum LogItem {
    /// A line.
    Line {
        /// Where it was written.
        stream: LogStream,
        /// In which run.
        generation: u64,
        /// The offset of its first byte.
        offset: u64,
        /// Without its end. What is no UTF-8 is shown as replacement characters.
        text: String,
        /// Whether it goes on in the next item, or its end was not written yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
        /// Whether it is the rest of a line, of which the beginning is missing: behind a gap, where that is not known, or at the
        /// start of the last bytes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rest: bool,
    },
    /// Bytes that are not kept any more.
    Gap {
        /// Where they were written.
        stream: LogStream,
        /// In which run.
        generation: u64,
        /// Where whole runs are not kept any more: the last of them. `generation` is the first, and `to - from` counts what
        /// they wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_generation: Option<u64>,
        /// The offset of the first of them.
        from: u64,
        /// The offset behind the last.
        to: u64,
    },
    /// A run began.
    Started {
        /// Which.
        generation: u64,
        /// Its process, where it is known by now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// A run has ended, and nothing more comes of it.
    Exited {
        /// Which.
        generation: u64,
        /// How its program ended.
        exit: RunExit,
        /// Where its outputs end.
        last_offset: LastOffset,
    },
}

/// One output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SidecarLogStream")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where the outputs of a run end, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SidecarLastOffset")]
pub struct LastOffset {
    /// Standard output.
    pub stdout: u64,
    /// Standard error.
    pub stderr: u64,
}
