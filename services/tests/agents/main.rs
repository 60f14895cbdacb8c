//! Agents as a window sees them: sessions with the built-in agent, and with programs that speak as Claude Code does.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod builtin;
mod claude_code;
mod codex;
mod gemini;
mod house;
mod model;
mod programs;
mod restarts;
mod streams;
mod transcripts;
