//! The signals that ask a subcommand to end in order: what ^C sends, and what `timeout` and `kill` do.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for signals; from its making on they end nothing by themselves.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Signals> {
        #[cfg(unix)]
        return Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        });
        #[cfg(not(unix))]
        return Ok(Signals {});
    }

    /// Completes at the next one, with its number. May be dropped and called again at any time.
    #[cfg(unix)]
    pub(super) async fn asked(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }

    /// Completes at the next one, with its number. May be dropped and called again at any time.
    #[cfg(not(unix))]
    pub(super) async fn asked(&mut self) -> u8 {
        // Where nobody can listen, nothing is heard.
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }
}
