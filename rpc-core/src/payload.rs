//! Payloads: JSON text on its way between the wire and a program's own types, with no tree of values in between.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame::{self, Frame};
use crate::{CallError, Code, Fault, Message, scratch};

/// JSON text that is known to be valid. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// `null`, which is also what an absent payload reads as.
    pub const NULL: Payload = Payload(Bytes::from_static(b"null"));

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// What `value`'s `Serialize` says: a map with keys that are no strings, say.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Payload, serde_json::Error> {
        scratch::payload(|text| serde_json::to_writer(text, value), |text| Payload(Bytes::copy_from_slice(text)))
    }

    /// Takes JSON text as it is.
    ///
    /// # Errors
    /// When `text` is not one JSON value.
    pub fn from_json(text: impl Into<Bytes>) -> Result<Payload, serde_json::Error> {
        let text = text.into();
        serde_json::from_slice::<&serde_json::value::RawValue>(&text)?;
        Ok(Payload(text))
    }

    /// Reads the payload as `T`. `null` and `{}` are the same to a type that takes one of them (spec: `call.8`).
    ///
    /// # Errors
    /// [`Mismatch`], which says where and what was expected.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Mismatch> {
        parse(self.as_str())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        simdutf8::basic::from_utf8(&self.0).unwrap_or("null")
    }

    /// The JSON text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON text's bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Default for Payload {
    fn default() -> Self {
        Payload::NULL
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// JSON text within the message that brought it. Reading it as a type checks it on the way; whoever wants the text itself
/// has it checked first. `Debug` shows its length alone.
#[derive(Clone, Default)]
pub struct Received {
    message: Message,
    start: u32,
    end: u32,
    checked: bool,
}

impl Received {
    /// The part of `message` that `text` borrows; a copy where it was made elsewhere. `checked` is whether its syntax and
    /// depth are known to be right.
    pub(crate) fn within(message: &Message, text: &str, checked: bool) -> Received {
        let (outer, inner) = (message.as_ptr() as usize, text.as_ptr() as usize);
        match inner.checked_sub(outer) {
            Some(start) if start + text.len() <= message.len() => {
                Received { message: message.clone(), start: start as u32, end: (start + text.len()) as u32, checked }
            }
            Some(_) | None => Received::from(Payload(Bytes::copy_from_slice(text.as_bytes()))),
        }
    }

    /// How many bytes the text has; zero where there is none.
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there is no text, which reads as `null`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the text as `T`. An absent payload, `null` and `{}` are the same to a type that takes one of them
    /// (spec: `call.8`).
    ///
    /// # Errors
    /// [`Unfit::Mismatch`] where the text does not fit `T`, [`Unfit::Malformed`] where it turns out to be no JSON.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Unfit> {
        if let Ok(value) = serde_json::from_str(self.text()) {
            return Ok(value);
        }
        Ok(parse(self.check()?.text())?)
    }

    /// The text, with its syntax and depth checked.
    ///
    /// # Errors
    /// [`Unfit::Malformed`] where it is no JSON.
    pub fn into_payload(self) -> Result<Payload, Unfit> {
        let checked = self.check()?;
        if checked.is_empty() {
            return Ok(Payload::NULL);
        }
        let range = checked.start as usize..checked.end as usize;
        let whole = range.len() == checked.message.len();
        Ok(Payload(if whole { checked.message } else { checked.message.slice(range) }))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.text(), "null")
    }

    fn text(&self) -> &str {
        match self.message.get(self.start as usize..self.end as usize).map(simdutf8::basic::from_utf8) {
            Some(Ok("")) | Some(Err(_)) | None => "null",
            Some(Ok(text)) => text,
        }
    }

    /// Decodes the whole message once more, now with a look at everything: the text may end earlier than it seemed.
    fn check(&self) -> Result<Received, Unfit> {
        if self.checked || self.is_empty() {
            return Ok(self.clone());
        }
        let text = match frame::decode(&self.message, u32::MAX) {
            Ok(Frame::Req(req)) => req.payload.unwrap_or("null"),
            Ok(Frame::Res { result, .. }) => result,
            Ok(Frame::Nxt(nxt)) => nxt.data.unwrap_or("null"),
            Ok(Frame::Err { .. } | Frame::End { .. } | Frame::Can { .. } | Frame::Unknown) => "null",
            Err(malformed) => return Err(Unfit::Malformed(malformed.reason)),
        };
        Ok(Received::within(&self.message, text, true))
    }
}

impl From<Payload> for Received {
    fn from(payload: Payload) -> Received {
        let end = payload.0.len() as u32;
        Received { message: payload.0, start: 0, end, checked: true }
    }
}

impl PartialEq for Received {
    fn eq(&self, other: &Received) -> bool {
        self.text() == other.text()
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} bytes)", self.len())
    }
}

/// Why received text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not fit the type.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It is no JSON, or its frame breaks the rules.
    #[error("{0}")]
    Malformed(frame::MalformedReason),
}

impl From<Unfit> for Fault {
    fn from(unfit: Unfit) -> Fault {
        match unfit {
            Unfit::Mismatch(mismatch) => mismatch.into(),
            Unfit::Malformed(reason) => Fault::new(Code::INVALID_FRAME, reason.to_string()),
        }
    }
}

impl From<Unfit> for CallError {
    fn from(unfit: Unfit) -> CallError {
        match unfit {
            Unfit::Mismatch(mismatch) => mismatch.into(),
            Unfit::Malformed(reason) => CallError::InvalidFrame(reason.to_string().into()),
        }
    }
}

/// Why a payload does not fit a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {expected}")]
pub struct Mismatch {
    /// Where, as a path of keys and indices; `.` is the whole.
    pub path: String,
    /// What was expected there.
    pub expected: String,
}

impl From<Mismatch> for Fault {
    fn from(mismatch: Mismatch) -> Fault {
        let details = serde_json::json!({"path": mismatch.path, "expected": mismatch.expected});
        Fault::new(Code::INVALID_PAYLOAD, format!("the payload does not fit {mismatch}")).details(details)
    }
}

impl From<Mismatch> for CallError {
    fn from(mismatch: Mismatch) -> CallError {
        CallError::Decode { path: mismatch.path, message: mismatch.expected }
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Mismatch> {
    serde_json::from_str(text).or_else(|_| match text {
        "null" => serde_json::from_str("{}").map_err(|_| mismatch::<T>(text)),
        "{}" => serde_json::from_str("null").map_err(|_| mismatch::<T>(text)),
        _ => Err(mismatch::<T>(text)),
    })
}

/// Reads once more, slowly, to learn where it fails.
fn mismatch<T: DeserializeOwned>(text: &str) -> Mismatch {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => Mismatch { path: ".".to_owned(), expected: "one JSON value".to_owned() },
        Err(error) => Mismatch { path: error.path().to_string(), expected: error.inner().to_string() },
    }
}
