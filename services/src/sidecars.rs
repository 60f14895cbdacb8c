//! Sidecars: programs that the daemon starts, looks after and stops, and that never outlive it.
//!
//! [`Sidecars`] keeps what a [`SidecarConfig`] describes: in the order in which one depends on the other, ready when it truly
//! answers, started again when it ends, stopped with everything that it has started. [`router`] serves that as the methods
//! `sidecar.*`, and the hub shows it as its slice `sidecars`.

pub mod api;
mod binary;
mod board;
mod check;
mod config;
mod keeper;
mod listener;
mod liveness;
mod logs;
mod mode;
mod portion;
mod probe;
mod restart;
mod router;
mod server;
mod set;
mod usage;

pub use check::{faults, faults_together};
pub use config::{
    Health, HealthKind, LogStreams, Port, Ready, ReadyKind, Restart, RestartPolicy, SidecarConfig, Stop, StopSignal,
};
pub use router::router;
pub use server::{CheckServer, Server};
pub use set::{Sidecars, SidecarsConfig, SidecarsError};
