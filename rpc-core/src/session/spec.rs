//! What a call is made of.

use crate::frame::Lag;

/// A call to be made.
#[derive(Clone, Debug, Default)]
pub struct CallSpec<'a> {
    /// What is called.
    pub method: &'a str,
    /// JSON text; empty where there is no payload.
    pub payload: &'a [u8],
    /// Which directions carry items.
    pub shape: Shape,
    /// The budget of the whole call, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// The longest gap between two items, in milliseconds.
    pub idle_ms: Option<u64>,
    /// Whether it may safely run twice: decides between `CONNECTION_CLOSED` and `INDETERMINATE`.
    pub idempotent: bool,
    /// Whether a break may be mended by re-issuing the stream. Only streams whose first item says an epoch are.
    pub resumable: bool,
    /// Items offered at first; the session's window where `None`.
    pub window: Option<u32>,
    /// What happens when the consumer lags; the method's declared policy where `None`.
    pub on_lag: Option<Lag>,
    /// The lane in which the request starts.
    pub lane: Option<&'a str>,
    /// An operation id, which lets the responder answer a repeated call with the first one's outcome.
    pub op: Option<&'a str>,
    /// More fields of `meta`: the inside of a JSON object, without its braces.
    pub extra_meta: &'a str,
}

/// Which directions of a call carry items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One answer.
    #[default]
    Unary,
    /// Items from the responder.
    Stream,
    /// Items from the caller, then one answer.
    Upload,
    /// Items both ways.
    Duplex,
}

impl Shape {
    pub(crate) fn has_down(self) -> bool {
        matches!(self, Shape::Stream | Shape::Duplex)
    }

    pub(crate) fn has_up(self) -> bool {
        matches!(self, Shape::Upload | Shape::Duplex)
    }
}
