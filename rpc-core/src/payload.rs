//! Payloads: JSON text on its way between the wire and a program's own types, with no tree of values in between.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{CallError, Code, Fault};

/// JSON text that is known to be valid. Cheap to clone; an absent payload is `null`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Payload(Bytes);

impl Payload {
    /// `null`, which is also what an absent payload reads as.
    pub const NULL: Payload = Payload(Bytes::from_static(b"null"));

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// What `value`'s `Serialize` says: a map with keys that are no strings, say.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Payload, serde_json::Error> {
        let mut text = Vec::with_capacity(128);
        serde_json::to_writer(&mut text, value)?;
        Ok(Payload(text.into()))
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

    /// Text that the engine has checked.
    pub(crate) fn checked(text: Bytes) -> Payload {
        Payload(text)
    }

    /// Reads the payload as `T`. An absent payload, `null` and `{}` are the same to a type that takes one of them
    /// (spec: `meta.6`).
    ///
    /// # Errors
    /// [`Mismatch`], which says where and what was expected.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Mismatch> {
        let text = self.as_str();
        serde_json::from_str(text).or_else(|_| match text {
            "null" => serde_json::from_str("{}").map_err(|_| mismatch::<T>(text)),
            "{}" => serde_json::from_str("null").map_err(|_| mismatch::<T>(text)),
            _ => Err(mismatch::<T>(text)),
        })
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        match simdutf8::basic::from_utf8(&self.0) {
            Ok("") | Err(_) => "null",
            Ok(text) => text,
        }
    }

    /// The JSON text's bytes; `null` where the payload is absent.
    pub fn as_bytes(&self) -> &[u8] {
        if self.0.is_empty() { b"null" } else { &self.0 }
    }

    /// The JSON text's bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        if self.0.is_empty() { Payload::NULL.0 } else { self.0 }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
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

/// Reads once more, slowly, to learn where it fails.
fn mismatch<T: DeserializeOwned>(text: &str) -> Mismatch {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => Mismatch { path: ".".to_owned(), expected: "one JSON value".to_owned() },
        Err(error) => Mismatch { path: error.path().to_string(), expected: error.inner().to_string() },
    }
}
