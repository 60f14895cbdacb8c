//! Sidecars as their users see them: programs of every temper, ports that others want, modes that come and go. On Linux,
//! whose `/proc` tells what is left of a process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod closing;
mod house;
mod jobs;
mod left;
mod logs;
mod modes;
mod order;
mod ports;
mod readiness;
mod restarts;
mod secrets;
