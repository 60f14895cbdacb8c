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
