//! The six frames: what a message's bytes mean, and how frames are written. Decoding borrows from the message and leaves
//! payloads as raw JSON text; a fast path reads the order in which this engine writes, a general one everything else, and
//! a fuzz target holds the two together. Knows no session, no clock and no I/O.

mod block;
mod encode;
mod envelope;
mod fast;
mod general;
mod peek;
pub(crate) mod scan;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Code, Fault, Limits};

pub(crate) use encode::{CallMeta, Id, ItemFields, end, grant, item, req, res_in, write_plain, write_string};
pub use encode::{can, err, res};
pub use envelope::{Envelope, Stamp};

/// The longest `cid`, in bytes (spec: `cid.1`).
pub const MAX_CID_BYTES: usize = 64;

/// The largest number that every JSON reader keeps exactly.
pub(crate) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The versions of the protocol that this engine serves (spec: `version.2`).
pub const VERSIONS: [&str; 2] = ["0.2", "0.3"];

/// One decoded frame, borrowing from its message. Payloads are JSON text whose syntax and depth have been checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame<'a> {
    /// A call.
    Req(Req<'a>),
    /// The one answer of a unary call.
    Res {
        /// The call.
        cid: Cow<'a, str>,
        /// JSON text; `null` where the frame has none.
        result: &'a str,
    },
    /// A failure.
    Err {
        /// The call.
        cid: Cow<'a, str>,
        /// What failed, with 0.2's gaps filled (spec: `frame.12`).
        fault: Fault,
    },
    /// An item of a stream, or a grant of credit.
    Nxt(Nxt<'a>),
    /// A stream is complete, or, upwards, half closed.
    End {
        /// The call.
        cid: Cow<'a, str>,
        /// Whether it travels from the caller to the responder.
        up: bool,
    },
    /// The caller lost interest.
    Can {
        /// The call.
        cid: Cow<'a, str>,
        /// Why, for logs only.
        reason: Option<Cow<'a, str>>,
    },
    /// A kind of a later version, to be ignored (spec: `frame.4`).
    Unknown,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Req<'a> {
    /// The caller's id for the call.
    pub cid: Cow<'a, str>,
    /// What is called.
    pub method: Cow<'a, str>,
    /// JSON text, where there is a payload.
    pub payload: Option<&'a str>,
    /// The fields of `meta` that the engine acts on, and the whole as text.
    pub meta: Meta<'a>,
}

/// The `meta` of a call: what the engine acts on, and the raw text for everybody else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta<'a> {
    /// The whole object as JSON text.
    pub raw: Option<&'a str>,
    /// The budget that is left, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// The longest gap between two items, in milliseconds.
    pub idle_ms: Option<u64>,
    /// The consumer's offer of credit.
    pub fc: Option<Offer>,
    /// Whether the caller sends items too.
    pub up: bool,
    /// Where to go on after a break.
    pub resume: Option<Resume<'a>>,
    /// The lane in which the request starts.
    pub lane: Option<Cow<'a, str>>,
    /// The version that the caller speaks.
    pub version: Option<Cow<'a, str>>,
}

/// `meta.fc`: the consumer allows items up to `upto`, and may bound their bytes and choose what happens when it lags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The highest `seq` allowed, at least 1.
    pub upto: u64,
    /// The consumer's choice; the method's declared policy where absent.
    pub on_lag: Option<Lag>,
    /// Bytes of items that may be sent ahead of what was acknowledged, at least 1 (spec: `fc.17`).
    pub bytes: Option<u64>,
}

/// What happens to a stream whose consumer has no credit left (spec: `fc.8`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Lag {
    /// The source is not polled.
    #[default]
    Block,
    /// The source is polled and only the newest item kept: for states.
    Latest,
    /// The source is polled into a bounded buffer; what falls out is counted in the next item's `skipped`.
    DropOldest,
    /// The source is polled into a bounded buffer; the stream fails with `SLOW_CONSUMER` when it overflows.
    Close,
}

/// `meta.resume`: the source's epoch and the position of the last item received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume<'a> {
    /// The epoch that the broken stream said.
    pub epoch: Cow<'a, str>,
    /// The `pos` of the last item received.
    pub after: u64,
}

/// An item, or a grant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nxt<'a> {
    /// The call.
    pub cid: Cow<'a, str>,
    /// JSON text; absent in a grant.
    pub data: Option<&'a str>,
    /// The item's number under this `cid`.
    pub seq: Option<u64>,
    /// Where the item stands in its source.
    pub pos: Option<u64>,
    /// The life of the source that `pos` counts in.
    pub epoch: Option<Cow<'a, str>>,
    /// How many items were dropped before this one.
    pub skipped: u64,
    /// Whether the source starts over with this item.
    pub reset: bool,
    /// What the frame says of credit.
    pub fc: Credit,
    /// Whether it travels from the caller to the responder.
    pub up: bool,
}

/// The `fc` of a `nxt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credit {
    /// Nothing.
    #[default]
    Silent,
    /// `1`: the producer obeys credit.
    Obeys,
    /// An object: more items are allowed.
    Grant(Grant),
}

/// A grant: the consumer allows items up to `upto`, and has consumed those up to `ack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The highest `seq` allowed.
    pub upto: u64,
    /// The highest `seq` consumed.
    pub ack: Option<u64>,
    /// Bytes of items that may be sent ahead of what was acknowledged, at least 1; said in a call's first grant alone
    /// (spec: `fc.17`).
    pub bytes: Option<u64>,
}

/// The kinds of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the six kinds are their own names")]
pub enum Kind {
    Req,
    Res,
    Err,
    Nxt,
    End,
    Can,
}

impl Kind {
    fn parse(text: &str) -> Option<Kind> {
        Some(match text {
            "req" => Kind::Req,
            "res" => Kind::Res,
            "err" => Kind::Err,
            "nxt" => Kind::Nxt,
            "end" => Kind::End,
            "can" => Kind::Can,
            _ => return None,
        })
    }
}

/// A message that is no frame, with what could still be read of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// What is wrong.
    pub reason: MalformedReason,
    /// Its kind, where that can be read.
    pub kind: Option<Kind>,
    /// Its `cid`, where that can be read.
    pub cid: Option<String>,
    /// Whether it travels from a caller to its responder with `dir`.
    pub up: bool,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MalformedReason {
    /// It is not UTF-8.
    Utf8,
    /// It is not a JSON object.
    Syntax,
    /// It is nested deeper than `limits.depth`.
    Depth,
    /// A key stands twice in the frame or in its `meta`.
    RepeatedKey,
    /// A field is missing, out of range or mistyped.
    Field(&'static str),
    /// It was longer than `limits.message_bytes` and was skipped.
    Oversized,
}

impl MalformedReason {
    /// What the sender of such a message is told: the limit that it exceeded, else `INVALID_FRAME`.
    pub fn fault(self, limits: &Limits) -> Fault {
        match self {
            MalformedReason::Oversized => {
                Fault::limit("message bytes", limits.message_bytes as u64, "limits.message_bytes")
            }
            MalformedReason::Depth => Fault::limit("depth", u64::from(limits.depth), "limits.depth"),
            MalformedReason::Utf8
            | MalformedReason::Syntax
            | MalformedReason::RepeatedKey
            | MalformedReason::Field(_) => Fault::new(Code::INVALID_FRAME, self.to_string()),
        }
    }
}

impl fmt::Display for MalformedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MalformedReason::Utf8 => f.write_str("the message is not UTF-8"),
            MalformedReason::Syntax => f.write_str("the message is not a JSON object"),
            MalformedReason::Depth => f.write_str("the message is nested too deep"),
            MalformedReason::RepeatedKey => f.write_str("a key stands twice in the frame or its meta"),
            MalformedReason::Field(field) => write!(f, "{field} is missing, out of range or mistyped"),
            MalformedReason::Oversized => f.write_str("the message is too long"),
        }
    }
}

/// Decodes one message. `depth` is the deepest nesting allowed (spec: `frame.1`).
///
/// # Errors
/// [`Malformed`], which names the kind and `cid` where they can still be read.
pub fn decode(message: &[u8], depth: u32) -> Result<Frame<'_>, Malformed> {
    let Ok(text) = simdutf8::basic::from_utf8(message) else {
        return Err(peek::malformed(message, MalformedReason::Utf8));
    };
    match fast::decode(text, depth, fast::Check::All) {
        Some((frame, _)) => Ok(frame),
        None => general::decode(text, depth),
    }
}

/// Decodes one message of a peer that is known to be this engine: a payload that ends the frame is taken without a look
/// at its syntax and depth. Only for a hop that is trusted as this process is.
///
/// # Errors
/// As [`decode`].
pub fn decode_trusted(message: &[u8], depth: u32) -> Result<Frame<'_>, Malformed> {
    let Ok(text) = simdutf8::basic::from_utf8(message) else {
        return Err(peek::malformed(message, MalformedReason::Utf8));
    };
    match fast::decode(text, depth, fast::Check::Envelope) {
        Some((frame, _)) => Ok(frame),
        None => general::decode(text, depth),
    }
}

/// Decodes one message for a reader who parses the payload anyway. A payload that ends its frame, as this engine writes
/// it, is not looked at beyond making sure that nothing the engine acts on can stand behind it and that it is not too
/// deep; the second value says whether it was checked in full.
///
/// # Errors
/// As [`decode`], but for what is wrong within a payload that was not looked at.
pub fn decode_lazily(message: &[u8], depth: u32) -> Result<(Frame<'_>, bool), Malformed> {
    let Ok(text) = simdutf8::basic::from_utf8(message) else {
        return Err(peek::malformed(message, MalformedReason::Utf8));
    };
    match fast::decode(text, depth, fast::Check::Lazily) {
        Some(decoded) => Ok(decoded),
        None => general::decode(text, depth).map(|frame| (frame, true)),
    }
}

/// The payload that `text` begins with: all of it, or, where a sender wrote fields behind the payload that mean nothing to
/// the engine, what stands before them.
pub(crate) fn check_payload(text: &str) -> Result<&str, MalformedReason> {
    let bytes = text.as_bytes();
    let end = scan::value(bytes, scan::space(bytes, 0), scan::MAX_DEPTH).map_err(|error| match error {
        scan::ScanError::Depth => MalformedReason::Depth,
        scan::ScanError::Syntax | scan::ScanError::Truncated => MalformedReason::Syntax,
    })?;
    match text[end..].trim_start_matches([' ', '\t', '\n', '\r']).strip_prefix(',') {
        Some(fields) => general::check_fields(fields)?,
        None if text[end..].trim_matches([' ', '\t', '\n', '\r']).is_empty() => (),
        None => return Err(MalformedReason::Syntax),
    }
    Ok(&text[..end])
}

/// Decodes one message by the general parser alone: the reference that the fast path is held against.
///
/// # Errors
/// As [`decode`].
pub fn decode_general(message: &[u8], depth: u32) -> Result<Frame<'_>, Malformed> {
    match simdutf8::basic::from_utf8(message) {
        Ok(text) => general::decode(text, depth),
        Err(_) => Err(peek::malformed(message, MalformedReason::Utf8)),
    }
}

/// What can be read of a message of which only the beginning is there.
pub fn peek_oversized(head: &[u8]) -> Malformed {
    peek::malformed(head, MalformedReason::Oversized)
}
