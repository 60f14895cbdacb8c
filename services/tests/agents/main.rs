//! Agents as a window sees them: sessions with the built-in agent, and with programs that speak as Claude Code does.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod builtin;
mod chat;
mod commands;
mod context;
mod figures;
mod frames;
mod git;
mod guarded;
mod held;
mod house;
mod left;
mod local;
mod model;
mod named;
mod owners;
mod past;
mod policy;
mod programs;
mod questions;
mod real;
mod restarts;
mod runs;
mod scripted;
mod skills;
mod starts;
mod streams;
mod transcripts;
mod trust;
mod undo;
#[cfg(target_os = "linux")]
mod watching;
