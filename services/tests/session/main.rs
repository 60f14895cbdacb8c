//! A session without an agent, a clock or a disk: what it tells of what it is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod chosen;
mod expected;
mod files;
mod own_turns;
mod past;
mod permissions;
mod prompts;
mod properties;
mod questions;
mod stage;
mod transcripts;
mod watchdogs;
