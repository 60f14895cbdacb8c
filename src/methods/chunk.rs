//! Bytes as JSON can carry them without losing one: as text where they are UTF-8, else in Base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Some bytes of a file or of a program's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Chunk {
    /// The bytes, written as `encoding` says.
    pub(crate) data: String,
    /// How `data` is written.
    pub(crate) encoding: Encoding,
}

/// How bytes are written as a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// As the text that they are.
    Utf8,
    /// In Base64 with padding, RFC 4648 section 4.
    Base64,
}

impl Chunk {
    /// No bytes.
    pub(crate) fn empty() -> Chunk {
        Chunk { data: String::new(), encoding: Encoding::Utf8 }
    }

    /// The beginning of `bytes` and how many of them it holds: all of them, but for a character at the end that is not
    /// complete yet. At least one byte of a slice that is not empty.
    pub(crate) fn of(bytes: &[u8]) -> (Chunk, usize) {
        let whole = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => 0,
        };
        match std::str::from_utf8(&bytes[..whole]) {
            Ok(text) if whole > 0 || bytes.is_empty() => {
                (Chunk { data: text.to_owned(), encoding: Encoding::Utf8 }, whole)
            }
            Ok(_) | Err(_) => (Chunk { data: STANDARD.encode(bytes), encoding: Encoding::Base64 }, bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(chunk: &Chunk) -> Vec<u8> {
        match chunk.encoding {
            Encoding::Utf8 => chunk.data.clone().into_bytes(),
            Encoding::Base64 => STANDARD.decode(&chunk.data).unwrap(),
        }
    }

    #[test]
    fn no_byte_is_lost_however_the_bytes_are_cut() {
        let samples: [&[u8]; 5] = ["ä€𝄞 plain".as_bytes(), b"", b"\xff\xfe\x00binary", b"text\xe2\x82", b"\xe2\x82"];
        for bytes in samples {
            for cut in 0..=bytes.len() {
                let mut told = Vec::new();
                for part in [&bytes[..cut], &bytes[cut..]] {
                    let mut rest = part;
                    while !rest.is_empty() {
                        let (chunk, length) = Chunk::of(rest);
                        assert!(length > 0, "every chunk makes progress");
                        told.extend(decoded(&chunk));
                        rest = &rest[length..];
                    }
                }
                assert_eq!(told, bytes);
            }
        }
    }

    #[test]
    fn a_character_that_is_not_complete_waits_for_its_rest() {
        let (chunk, length) = Chunk::of(b"text\xe2\x82");
        assert_eq!((chunk.data.as_str(), chunk.encoding, length), ("text", Encoding::Utf8, 4));
    }
}
