//! The errors of the engine, in three kinds that are never mixed: a [`Fault`] travels, a `CallError` is what a caller can
//! act on, and a [`TransportError`] is opaque with a source.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

/// The engine's own error codes (spec: `error.2`). Applications add theirs as plain strings, in a `domain` of their own.
pub struct Code;

#[allow(missing_docs, reason = "each constant is its own name; the spec says what each means")]
impl Code {
    pub const NO_HANDLER: &str = "NO_HANDLER";
    pub const INVALID_PAYLOAD: &str = "INVALID_PAYLOAD";
    pub const INVALID_FRAME: &str = "INVALID_FRAME";
    pub const UNAUTHORIZED: &str = "UNAUTHORIZED";
    pub const FORBIDDEN: &str = "FORBIDDEN";
    pub const RPC_TIMEOUT: &str = "RPC_TIMEOUT";
    pub const CANCELLED: &str = "CANCELLED";
    pub const CONNECTION_CLOSED: &str = "CONNECTION_CLOSED";
    pub const INDETERMINATE: &str = "INDETERMINATE";
    pub const RESOURCE_EXHAUSTED: &str = "RESOURCE_EXHAUSTED";
    pub const SLOW_CONSUMER: &str = "SLOW_CONSUMER";
    pub const DUPLICATE_CID: &str = "DUPLICATE_CID";
    pub const NOT_UNARY: &str = "NOT_UNARY";
    pub const UNSUPPORTED: &str = "UNSUPPORTED";
    pub const UNSUPPORTED_VERSION: &str = "UNSUPPORTED_VERSION";
    pub const CONFLICT: &str = "CONFLICT";
    pub const NOT_FOUND: &str = "NOT_FOUND";
    pub const INTERNAL: &str = "INTERNAL";
}

/// What an `err` frame carries: the failure of one call, as its responder tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What programs branch on: one of [`Code`] or an application's own.
    pub code: Cow<'static, str>,
    /// What people read. Lower case, no full stop, says what to change.
    pub message: Cow<'static, str>,
    /// Whose code it is: `common` for the engine's own.
    pub domain: Cow<'static, str>,
    /// Data about the failure; its shape depends on `code`.
    pub details: Option<Box<Value>>,
}

impl Fault {
    /// A fault of the engine's domain, `common`.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code: code.into(), message: message.into(), domain: Cow::Borrowed("common"), details: None }
    }

    /// The same fault in an application's own domain.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Fault {
        self.domain = domain.into();
        self
    }

    /// The same fault with details.
    #[must_use]
    pub fn details(mut self, details: Value) -> Fault {
        self.details = Some(Box::new(details));
        self
    }

    /// `RESOURCE_EXHAUSTED` with the details that every limit gives: its name, its value, the setting that raises it.
    pub fn limit(limit: &'static str, value: u64, setting: &'static str) -> Fault {
        Fault::new(Code::RESOURCE_EXHAUSTED, format!("{limit} limit of {value} reached; raise it with {setting}"))
            .details(serde_json::json!({"limit": limit, "value": value, "setting": setting}))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Error for Fault {}

/// Why a call failed, as its caller can act on it. [`CallError::code`] is the protocol's word for it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The peer answered `err`.
    #[error(transparent)]
    Fault(Fault),
    /// The call's time ran out on this side; the peer was told to stop.
    #[error("no answer within the call's timeout")]
    Timeout,
    /// The call was cancelled on this side, by its parent or by the endpoint's close.
    #[error("the call was cancelled")]
    Cancelled,
    /// The connection ended; the call did not run, or may safely run again.
    #[error("connection closed: {0}")]
    Closed(Arc<Closed>),
    /// The connection ended after the request had left: whether it ran is not known.
    #[error("connection closed before the answer, whether the call ran is not known: {0}")]
    Indeterminate(Arc<Closed>),
    /// A unary call was answered with a stream; it was cancelled.
    #[error("the method streams; call it with stream()")]
    NotUnary,
    /// The peer does not take upstream items for this method.
    #[error("the peer takes no upstream items for this method")]
    Unsupported,
    /// This side consumed too slowly for a producer that knows no credit, or for the bytes allowed.
    #[error("{limit} limit of {value} reached by a slow consumer; raise it with {setting}")]
    SlowConsumer {
        /// The limit.
        limit: &'static str,
        /// Its value.
        value: u64,
        /// What raises it.
        setting: &'static str,
    },
    /// Items are missing from the stream.
    #[error("items are missing: expected number {expected}, got {got}")]
    Gap {
        /// The `seq` that should have come.
        expected: u64,
        /// The `seq` that came.
        got: u64,
    },
    /// The peer's answer is not a frame, or broke the rules.
    #[error("invalid frame: {0}")]
    InvalidFrame(Cow<'static, str>),
    /// The answer does not have the shape that the method's descriptor promises.
    #[error("the answer does not fit the method's type at `{path}`: {message}")]
    Decode {
        /// Where in the answer.
        path: String,
        /// What was expected there.
        message: String,
    },
    /// The parameters cannot be written as JSON.
    #[error("the parameters cannot be written as JSON: {0}")]
    Encode(String),
    /// A limit of this side kept the call from being sent.
    #[error(transparent)]
    Limit(Fault),
}

impl CallError {
    /// The protocol's code: one of [`Code`], or the application's own.
    pub fn code(&self) -> &str {
        match self {
            CallError::Fault(fault) | CallError::Limit(fault) => &fault.code,
            CallError::Timeout => Code::RPC_TIMEOUT,
            CallError::Cancelled => Code::CANCELLED,
            CallError::Closed(_) => Code::CONNECTION_CLOSED,
            CallError::Indeterminate(_) => Code::INDETERMINATE,
            CallError::NotUnary => Code::NOT_UNARY,
            CallError::Unsupported => Code::UNSUPPORTED,
            CallError::SlowConsumer { .. } => Code::SLOW_CONSUMER,
            CallError::Gap { .. } | CallError::InvalidFrame(_) => Code::INVALID_FRAME,
            CallError::Decode { .. } | CallError::Encode(_) => Code::INVALID_PAYLOAD,
        }
    }

    /// The details that the failure carries, where it has some.
    pub fn details(&self) -> Option<&Value> {
        match self {
            CallError::Fault(fault) | CallError::Limit(fault) => fault.details.as_deref(),
            CallError::Closed(closed) | CallError::Indeterminate(closed) => closed.details.as_ref(),
            CallError::Timeout
            | CallError::Cancelled
            | CallError::NotUnary
            | CallError::Unsupported
            | CallError::SlowConsumer { .. }
            | CallError::Gap { .. }
            | CallError::InvalidFrame(_)
            | CallError::Decode { .. }
            | CallError::Encode(_) => None,
        }
    }
}

impl From<CallError> for Fault {
    /// What a handler passes on when a call of its own failed: the peer's fault as it was, everything else by its code.
    fn from(error: CallError) -> Fault {
        match error {
            CallError::Fault(fault) | CallError::Limit(fault) => fault,
            other => {
                let details = other.details().cloned();
                let fault = Fault::new(other.code().to_owned(), other.to_string());
                match details {
                    Some(details) => fault.details(details),
                    None => fault,
                }
            }
        }
    }
}

/// Why a connection ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closed {
    /// For people.
    pub message: String,
    /// Data about it, from the transport: a child's exit status and last lines, say.
    pub details: Option<Value>,
}

impl Closed {
    /// A reason without details.
    pub fn new(message: impl Into<String>) -> Closed {
        Closed { message: message.into(), details: None }
    }
}

impl From<&TransportError> for Closed {
    fn from(error: &TransportError) -> Closed {
        Closed { message: error.to_string(), details: error.details().cloned() }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why a transport failed. Opaque: its `Display` and `source` are for people, its predicates for the engine.
#[derive(Clone)]
pub struct TransportError(Arc<TransportErrorParts>);

struct TransportErrorParts {
    message: String,
    kind: TransportErrorKind,
    details: Option<Value>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

enum TransportErrorKind {
    Broken,
    Permanent,
    Oversized { head: Bytes, limit: usize },
}

impl TransportError {
    /// A broken connection: what was being done, and the cause.
    pub fn new(message: impl Into<String>, source: impl Into<Option<Box<dyn Error + Send + Sync>>>) -> TransportError {
        Self::of(TransportErrorKind::Broken, message.into(), source.into())
    }

    /// A failure that trying again cannot mend: a wrong token, a bad address.
    pub fn permanent(
        message: impl Into<String>,
        source: impl Into<Option<Box<dyn Error + Send + Sync>>>,
    ) -> TransportError {
        Self::of(TransportErrorKind::Permanent, message.into(), source.into())
    }

    /// A message longer than `limit` bytes was skipped; `head` is its beginning (at most a few hundred bytes), from which
    /// the engine tries to read the `cid`. The stream goes on (spec: `limit.2`).
    pub fn oversized(head: Bytes, limit: usize) -> TransportError {
        Self::of(
            TransportErrorKind::Oversized { head, limit },
            format!("message bytes limit of {limit} exceeded; raise it with limits.message_bytes"),
            None,
        )
    }

    /// The same error with data about it, which reaches the callers as `details` (a child's exit status, say).
    #[must_use]
    pub fn with_details(self, details: Value) -> TransportError {
        let mut parts = Arc::into_inner(self.0).expect("an error under construction has one owner");
        parts.details = Some(details);
        TransportError(Arc::new(parts))
    }

    /// Whether the stream is unusable after this error.
    pub fn is_fatal(&self) -> bool {
        !matches!(self.0.kind, TransportErrorKind::Oversized { .. })
    }

    /// Whether connecting again cannot help.
    pub fn is_permanent(&self) -> bool {
        matches!(self.0.kind, TransportErrorKind::Permanent)
    }

    /// The beginning of a skipped message and the limit that it exceeded.
    pub fn as_oversized(&self) -> Option<(&Bytes, usize)> {
        match &self.0.kind {
            TransportErrorKind::Oversized { head, limit } => Some((head, *limit)),
            TransportErrorKind::Broken | TransportErrorKind::Permanent => None,
        }
    }

    /// Data about the failure.
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    fn of(kind: TransportErrorKind, message: String, source: Option<Box<dyn Error + Send + Sync>>) -> TransportError {
        TransportError(Arc::new(TransportErrorParts { message, kind, details: None, source }))
    }
}

impl From<std::io::Error> for TransportError {
    fn from(error: std::io::Error) -> Self {
        TransportError::new(error.to_string(), Some(error.into()))
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportError({})", self.0.message)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
