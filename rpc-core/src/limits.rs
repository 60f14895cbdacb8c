//! The limits of one connection, on by default. Every error that a limit causes names the limit, its value and the
//! setting that raises it (spec: `limit.1`).

use std::time::Duration;

/// The limits of one connection. All of them are on by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest message accepted, in bytes. A longer one is skipped without being kept. Default 16 MiB.
    pub message_bytes: usize,
    /// Deepest nesting of arrays and objects in a message. Default 64.
    pub depth: u32,
    /// Requests of the peer that may be unanswered at once. Default 1024.
    pub in_flight: u32,
    /// Streams of the peer that may be open at once. Default 256.
    pub streams: u32,
    /// Bytes of items that may wait in one stream, on either side. Default 32 MiB.
    pub stream_bytes: usize,
    /// Items that may wait in one stream for which no credit applies, on either side. Default 1024.
    pub stream_items: usize,
    /// Bytes waiting for the peer above which streams are not polled and requests not started. Default 1 MiB.
    pub soft_bytes: usize,
    /// Bytes waiting for the peer above which the connection is closed at once; also the bytes of items and requests that
    /// may wait on this side, above which the stream or request that brings more fails. Default 64 MiB.
    pub hard_bytes: usize,
    /// Time above `soft_bytes` without progress after which the connection is closed. Default 30 s.
    pub stall: Duration,
    /// Requests a second that the peer may send; `None` is unlimited. Default `None`.
    pub requests_per_second: Option<u32>,
    /// Malformed messages after which the connection is closed, at least 16. Default 64.
    pub malformed: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes: 16 << 20,
            depth: 64,
            in_flight: 1024,
            streams: 256,
            stream_bytes: 32 << 20,
            stream_items: 1024,
            soft_bytes: 1 << 20,
            hard_bytes: 64 << 20,
            stall: Duration::from_secs(30),
            requests_per_second: None,
            malformed: 64,
        }
    }
}
