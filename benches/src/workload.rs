//! The columns of the table.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// One way to load a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Workload {
    /// One call at a time: median and 99th percentile.
    PingPong,
    /// 64 calls in flight on one connection.
    Pipelined,
    /// The same, the payload passed through undecoded.
    PipelinedOpaque,
    /// 100 connections with 8 calls in flight each.
    Crowd,
    /// Typed items of one stream.
    Stream,
    Kib16,
    Mib1,
    Kib16Opaque,
    Mib1Opaque,
    /// A million items whose consumer stops reading, with calls beside it on the same connection.
    Stall,
    /// Ten thousand connections that made one call each.
    Idle,
    /// From the spawn of the server to its first answer.
    ColdStart,
}

use Workload::{
    ColdStart, Crowd, Idle, Kib16, Kib16Opaque, Mib1, Mib1Opaque, PingPong, Pipelined, PipelinedOpaque, Stall, Stream,
};

impl Workload {
    pub const ALL: [Self; 12] = [
        PingPong,
        Pipelined,
        Crowd,
        Stream,
        PipelinedOpaque,
        Kib16,
        Kib16Opaque,
        Mib1,
        Mib1Opaque,
        Stall,
        Idle,
        ColdStart,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            PingPong => "ping-pong",
            Pipelined => "pipelined",
            PipelinedOpaque => "pipelined-opaque",
            Crowd => "crowd",
            Stream => "stream",
            Kib16 => "16k",
            Mib1 => "1m",
            Kib16Opaque => "16k-opaque",
            Mib1Opaque => "1m-opaque",
            Stall => "stall",
            Idle => "idle",
            ColdStart => "cold-start",
        }
    }

    /// The head of the column.
    pub const fn title(self) -> &'static str {
        match self {
            PingPong => "ping-pong p50 / p99 µs",
            Pipelined => "64 in flight /s",
            PipelinedOpaque => "64 opaque in flight /s",
            Crowd => "100 × 8 in flight /s",
            Stream => "stream items/s",
            Kib16 => "16 KiB typed p50 µs",
            Mib1 => "1 MiB typed p50 µs",
            Kib16Opaque => "16 KiB opaque p50 µs",
            Mib1Opaque => "1 MiB opaque p50 µs",
            Stall => "beside a stalled stream: p99 µs calm → stalled, growth server + client",
            Idle => "RSS per idle connection",
            ColdStart => "cold start p50 ms",
        }
    }

    /// Whether it is sampled in short rounds, each beside the baseline.
    pub const fn in_rounds(self) -> bool {
        !matches!(self, Stall | Idle)
    }

    /// Whether the ratio compares rates (more is better) rather than times (less is better).
    pub const fn is_rate(self) -> bool {
        matches!(self, Pipelined | PipelinedOpaque | Crowd | Stream)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Workload {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|workload| workload.name() == name) {
            Some(workload) => Ok(workload),
            None => bail!("no workload {name:?}: write one of {}", Self::ALL.map(Self::name).join(", ")),
        }
    }
}
