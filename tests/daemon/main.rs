//! The daemon as a black box: the built program, real sockets, real files, real processes. On Linux, whose `/proc` tells what
//! is left of a process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what cannot be started or read fails the test that needs it")]

mod agent_programs;
mod agents;
mod client;
mod connected;
mod console;
#[cfg(feature = "tls")]
mod encrypted;
mod exec;
mod files;
mod hub;
mod lifecycle;
mod owners;
mod pressure;
mod processes;
mod proxy;
mod python_sidecar;
mod real_agents;
mod sandbox;
mod sidecars;
mod transports;
