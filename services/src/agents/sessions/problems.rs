//! Why there are no agents, and why a session is not begun.

use std::io;
use std::path::PathBuf;

use sixframe_hub::SliceError;

/// Why there are no agents.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The hub has no place to show them.
    #[error("the hub has no place for the agents' sessions")]
    Slice(#[from] SliceError),
    /// The sessions' logs cannot be read.
    #[error("the logs of the agents' sessions in {} cannot be read", dir.display())]
    Logs {
        /// Where they are.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a session is not begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// There is no such provider.
    #[error("there is no provider {0}; agent.providers lists them")]
    NoProvider(String),
    /// Its agent uses no model that is named.
    #[error("{0} has no models to choose from; leave the model out")]
    NoModels(String),
    /// The folder is none.
    #[error("{0} is no folder that agents can work in; give an absolute path")]
    NoFolder(String),
    /// Agents may not work there.
    #[error("agents may not work in {0}; allow it with agent.roots")]
    Outside(String),
    /// Callers may not set this.
    #[error("callers may not set {0}; allow it with allow_env of the provider")]
    Variable(String),
    /// Its agent would load settings of the folder that nobody trusts.
    #[error("{message}")]
    Untrusted {
        /// Which ones.
        message: String,
        /// What would make it begin.
        hint: String,
        /// What `trust.grant` takes, where all of them can be read.
        sha256: Option<String>,
    },
    /// There is no such session.
    #[error("there is no session {0}")]
    NoSession(String),
    /// Another daemon has it.
    #[error("another daemon has the session {0}; close it there, or end that daemon")]
    Elsewhere(String),
    /// The log fails.
    #[error("the session's log cannot be read or written: {message}")]
    NoLog {
        /// In which way.
        kind: io::ErrorKind,
        /// What the system said.
        message: String,
    },
}

impl From<io::Error> for NotBegun {
    fn from(error: io::Error) -> NotBegun {
        NotBegun::NoLog { kind: error.kind(), message: error.to_string() }
    }
}
