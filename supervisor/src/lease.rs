//! What host and guardian tell each other over the lease, the socket whose end means that the other one is gone. Knows the
//! words and their bytes; nothing of who acts on them.

#[cfg(unix)]
mod wire;

#[cfg(unix)]
pub(crate) use wire::{Decoder, encode};

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Lifetime, ProcessId, Signal};

/// From the host.
#[derive(Serialize, Deserialize)]
pub(crate) enum Order {
    /// Start this; its three descriptors came with the first byte.
    Launch(Box<Launch>),
    /// Send the signal to everything below, and kill what is left after `grace`.
    Stop { signal: Signal, grace: Duration },
    /// Send the signal to everything below; a courtesy, nothing follows.
    Signal(Signal),
    /// Kill everything below.
    Kill,
}

/// What to start. Not shown anywhere: its environment may hold secrets.
#[derive(Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) clear_env: bool,
    /// Set, or removed where there is no value.
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) cwd: Option<OsString>,
    pub(crate) lifetime: Lifetime,
    /// The process whose end is the host's.
    pub(crate) host: u32,
    /// What everything below carries in its environment.
    pub(crate) mark: String,
    /// What is done when the host is gone, and for what outlives the program.
    pub(crate) signal: Signal,
    pub(crate) grace: Duration,
    /// The soft limit of descriptors that the program begins with; ours where there is none.
    pub(crate) open_files: Option<u64>,
}

/// From the guardian.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The program runs.
    Started(ProcessId),
    /// It could not be started: the system's error number.
    NotStarted(i32),
    /// The program has ended: with this status, as `wait` tells it.
    Exited(i32),
    /// What is below, the program itself included; told now and then.
    Members(Vec<ProcessId>),
    /// Nothing is below any more. The last report.
    Empty,
}
