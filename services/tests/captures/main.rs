//! The translators on what the real programs said: recordings of each, played to them line by line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod acp;
mod acp_protocol;
mod claude;
mod claude_turns;
mod codex;
mod codex_subagents;
mod codex_turns;
mod replay;
