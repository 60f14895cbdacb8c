//! The signals that ask the daemon to stop: SIGTERM and SIGINT on Unix, ^C and ^Break on Windows.

use std::io;

/// How the daemon came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// What ran was given its time.
    InOrder,
    /// A second signal cut the drain short.
    AtOnce,
}

/// Waits for signals; from its making on they end nothing by themselves.
pub(super) struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlBreak,
}

impl Stop {
    pub(super) fn new() -> io::Result<Stop> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(windows)]
        {
            use tokio::signal::windows::{ctrl_break, ctrl_c};
            Ok(Stop { interrupt: ctrl_c()?, terminate: ctrl_break()? })
        }
    }

    /// Completes at the next signal.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }
}
