//! What goes wrong with agents, in one vocabulary for all of them. An error of a model's service is never shown as a model's
//! words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of thing went wrong: what programs branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentProblemKind")]
pub enum ProblemKind {
    /// Nobody is logged in, or the key is wrong.
    AuthRequired,
    /// Somebody was logged in, and has to do it again.
    AuthExpired,
    /// The account has to be paid for, or is on hold.
    Billing,
    /// Too many requests for now.
    RateLimited,
    /// The plan's quota is used up.
    QuotaExhausted,
    /// The service has too much to do.
    Overloaded,
    /// The conversation is longer than the model can read.
    ContextOverflow,
    /// The answer reached its longest length.
    MaxOutput,
    /// There is no such model, or not for this account.
    ModelNotFound,
    /// The service refused the request as it is.
    InvalidRequest,
    /// The service refused what was asked for.
    ContentPolicy,
    /// The service cannot be reached, or the connection broke.
    Network,
    /// Nothing came for too long.
    Timeout,
    /// The service failed for reasons of its own.
    ProviderError,
    /// The agent wants the folder to be trusted first.
    UntrustedWorkspace,
    /// The agent's program is not installed.
    CliMissing,
    /// The agent's program is too old to be spoken to.
    CliTooOld,
    /// The agent's program cannot be started.
    SpawnFailed,
    /// The agent's program ended though it should have gone on.
    Crashed,
    /// The agent said something that its protocol does not know.
    Protocol,
    /// A policy of ours forbids it.
    PolicyDenied,
    /// Nothing more is known.
    Unknown,
}

/// Something that went wrong with an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentProblem")]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// For people.
    pub message: String,
    /// Whether the same may work when it is tried again.
    pub retryable: bool,
    /// How long to wait before that, in milliseconds, where the service says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The status that the model's service answered, where it did over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The agent's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of which no more is known than its kind and its text. Whether it may go away is told by the kind.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Problem {
        let retryable = kind.is_passing();
        let message = message.into();
        Problem { kind, message, retryable, retry_after_ms: None, http_status: None, provider_code: None, hint: None }
    }

    /// A problem by the status that a model's service answered.
    pub fn of_status(status: u16, message: impl Into<String>) -> Problem {
        Problem { http_status: Some(status), ..Problem::new(ProblemKind::of_status(status), message) }
    }

    /// The same problem with what a person can do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }

    /// The same problem with the agent's own word for it.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Problem {
        Problem { provider_code: Some(code.into()), ..self }
    }
}

impl ProblemKind {
    /// The kind that a status of HTTP stands for.
    pub fn of_status(status: u16) -> ProblemKind {
        match status {
            401 | 403 => ProblemKind::AuthRequired,
            402 => ProblemKind::Billing,
            404 => ProblemKind::ModelNotFound,
            408 | 504 => ProblemKind::Timeout,
            413 => ProblemKind::ContextOverflow,
            429 => ProblemKind::RateLimited,
            400..=499 => ProblemKind::InvalidRequest,
            503 | 529 => ProblemKind::Overloaded,
            _ => ProblemKind::ProviderError,
        }
    }

    /// Whether it may go away by itself, or by trying again.
    fn is_passing(self) -> bool {
        use ProblemKind as Kind;
        match self {
            Kind::RateLimited
            | Kind::Overloaded
            | Kind::Network
            | Kind::Timeout
            | Kind::ProviderError
            | Kind::Crashed
            | Kind::Unknown => true,
            Kind::AuthRequired
            | Kind::AuthExpired
            | Kind::Billing
            | Kind::QuotaExhausted
            | Kind::ContextOverflow
            | Kind::MaxOutput
            | Kind::ModelNotFound
            | Kind::InvalidRequest
            | Kind::ContentPolicy
            | Kind::UntrustedWorkspace
            | Kind::CliMissing
            | Kind::CliTooOld
            | Kind::SpawnFailed
            | Kind::Protocol
            | Kind::PolicyDenied => false,
        }
    }
}
