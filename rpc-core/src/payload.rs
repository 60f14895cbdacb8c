//! Payloads: JSON text on its way between the wire and a program's own types, with no tree of values in between.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame;
use crate::inbox::{Arrival, Batch};
use crate::{CallError, Code, Fault, Message, reader, scratch, writer};

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
        scratch::kept(|text| writer::write(text, value)).map(Payload)
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
        let text = self.as_str();
        reader::read(text).map_or_else(|| parse(text), Ok)
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

/// JSON text as it was received. Reading it as a type checks it on the way; whoever wants the text itself has it checked
/// first. `Debug` shows its length alone.
#[derive(Clone, Default)]
pub struct Received {
    text: Text,
    checked: bool,
}

/// Where a received text is.
#[derive(Clone, Default)]
enum Text {
    #[default]
    None,
    /// A short one, copied out of its message.
    Own(Box<str>),
    /// One of a batch of short ones.
    Part { batch: Arc<Batch>, start: u32, end: u32 },
    /// A long one, a part of its message, and how many bytes are kept with it.
    Shared { text: Bytes, kept: usize },
}

/// A text from this length on shares its message's memory, a shorter one is copied out of it.
const SHARED: usize = 4 << 10;

impl Received {
    /// The part of `message` that `text` borrows. `checked` is whether its syntax and depth are known to be right.
    pub(crate) fn within(message: &Message, text: &str, checked: bool) -> Received {
        let (outer, inner) = (message.as_ptr() as usize, text.as_ptr() as usize);
        let text = match inner.checked_sub(outer) {
            Some(start) if text.len() >= SHARED && start + text.len() <= message.len() => {
                Text::Shared { text: message.slice(start..start + text.len()), kept: message.len() }
            }
            Some(_) | None => Text::Own(text.into()),
        };
        Received { text, checked }
    }

    /// The part of a batch between two places, which are less than 4 GiB apart from its start: a batch is bounded far below.
    pub(crate) fn part(batch: Arc<Batch>, start: usize, end: usize, checked: bool) -> Received {
        Received { text: Text::Part { batch, start: start as u32, end: end as u32 }, checked }
    }

    /// Where the text stands in its batch, if it is one of a batch.
    pub(crate) fn place(&self) -> Option<(usize, usize)> {
        match &self.text {
            Text::Part { start, end, .. } => Some((*start as usize, *end as usize)),
            Text::None | Text::Own(_) | Text::Shared { .. } => None,
        }
    }

    /// So many bytes were cut off in front of the batch.
    pub(crate) fn move_forward(&mut self, cut: usize) {
        if let Text::Part { start, end, .. } = &mut self.text {
            (*start, *end) = (*start - cut as u32, *end - cut as u32);
        }
    }

    /// How many bytes are kept for the text, which may be more than it has.
    pub(crate) fn kept_bytes(&self) -> usize {
        match &self.text {
            Text::Shared { kept, .. } => *kept,
            Text::None | Text::Own(_) | Text::Part { .. } => self.len(),
        }
    }

    /// How many bytes the text has; zero where there is none.
    pub fn len(&self) -> usize {
        match &self.text {
            Text::None => 0,
            Text::Own(text) => text.len(),
            Text::Part { start, end, .. } => (end - start) as usize,
            Text::Shared { text, .. } => text.len(),
        }
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
        match reader::read(self.text()) {
            Some(value) => Ok(value),
            None => self.parse_slowly(),
        }
    }

    #[cold]
    fn parse_slowly<T: DeserializeOwned>(&self) -> Result<T, Unfit> {
        match serde_json::from_str(self.text()) {
            Ok(value) => Ok(value),
            Err(_) => Ok(parse(self.check()?)?),
        }
    }

    /// The text, with its syntax and depth checked.
    ///
    /// # Errors
    /// [`Unfit::Malformed`] where it is no JSON.
    pub fn into_payload(self) -> Result<Payload, Unfit> {
        let length = if self.is_empty() { return Ok(Payload::NULL) } else { self.check()?.len() };
        let mut bytes = match self.text {
            Text::None => return Ok(Payload::NULL),
            Text::Own(text) => Bytes::from(text.into_boxed_bytes()),
            Text::Part { batch, start, .. } => {
                let start = start as usize;
                Bytes::copy_from_slice(&batch.text().as_bytes()[start..start + length])
            }
            Text::Shared { text, .. } => text,
        };
        bytes.truncate(length);
        Ok(Payload(bytes))
    }

    pub(crate) fn is_null(&self) -> bool {
        self.text().starts_with("null") && self.check().is_ok_and(|text| text == "null")
    }

    fn text(&self) -> &str {
        match &self.text {
            Text::None => "null",
            Text::Own(text) => text,
            Text::Part { batch, start, end } => batch.text().get(*start as usize..*end as usize).unwrap_or("null"),
            Text::Shared { text, .. } => simdutf8::basic::from_utf8(text).unwrap_or("null"),
        }
    }

    /// The text after a look at everything: it may end earlier than it seemed.
    fn check(&self) -> Result<&str, Unfit> {
        let text = self.text();
        if self.checked { Ok(text) } else { frame::check_payload(text).map_err(Unfit::Malformed) }
    }
}

impl From<Arrival<'_>> for Received {
    fn from(arrival: Arrival<'_>) -> Received {
        Received::within(arrival.message, arrival.text, arrival.checked)
    }
}

impl From<Payload> for Received {
    fn from(payload: Payload) -> Received {
        let kept = payload.0.len();
        Received { text: Text::Shared { text: payload.0, kept }, checked: true }
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
