//! The supervisor as its users see it: children of every shape, hosts that end in every way, output of every kind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod forged;
mod guardians;
mod host;
mod ledger;
mod left;
mod output;
mod room;
mod sandbox;
mod shape;
mod starting;
mod stopping;
mod survivors;
