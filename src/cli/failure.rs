//! How a call can fail, and the exit code that a script sees. Codes as `args::EXIT_CODES` promises them.

use serde_json::json;
use sixframe_core::{CallError, Code, Fault, TransportError};

/// Why a subcommand that calls did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// What was asked makes no sense.
    #[error("{0}")]
    Usage(String),
    /// There is no connection.
    #[error("{0}")]
    Connection(TransportError),
    /// The call failed.
    #[error("{0}")]
    Call(CallError),
    /// Nothing here opens a page.
    #[error("no browser can be started here; `sixframe open --print` prints the link")]
    NoBrowser,
    /// An agent was asked, and its turn did not come to a good end.
    #[error("{text}")]
    Agent {
        /// What went wrong, and what to do.
        text: String,
        /// Whether that was time running out.
        is_late: bool,
    },
    /// A signal, by its number.
    #[error("ended by the signal {0}")]
    Signalled(u8),
}

impl Failure {
    /// Says on stderr what went wrong, an error of the call as JSON.
    pub(super) fn tell(&self) {
        match self {
            Failure::Usage(_) | Failure::Connection(_) | Failure::NoBrowser | Failure::Agent { .. } => {
                eprintln!("sixframe: {self}")
            }
            Failure::Call(error) => eprintln!("{}", told(error)),
            Failure::Signalled(_) => (),
        }
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Failure::Call(error) if error.code() == Code::RPC_TIMEOUT => 4,
            Failure::Agent { is_late: true, .. } => 4,
            Failure::Call(CallError::Closed(_) | CallError::Indeterminate(_)) | Failure::Connection(_) => 3,
            Failure::Call(_) | Failure::Agent { .. } | Failure::NoBrowser => 1,
            Failure::Usage(_) => 2,
            Failure::Signalled(number) => 128 + number,
        }
    }
}

fn told(error: &CallError) -> String {
    let Fault { code, message, domain, details } = Fault::from(error.clone());
    let mut fault = json!({"code": code, "message": message, "domain": domain});
    if let Some(details) = details {
        fault["details"] = *details;
    }
    fault.to_string()
}
