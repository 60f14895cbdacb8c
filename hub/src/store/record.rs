//! What a log is made of: records, each with its length and a checksum, so that a torn or damaged one is known.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::api::Mutation;
use crate::op::Op;

/// Bytes in front of a record's text: its length and its CRC-32C, both little-endian.
const HEAD: usize = 8;

/// The longest record: longer than any commit that the hub lets through.
const LONGEST: usize = 1 << 30;

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Record {
    /// The log begins, or goes on after the process began anew.
    Opened {
        epoch: String,
        /// Revisions up to this one are given.
        revision: u64,
        /// The revision of the last commit that was written before this one, in whichever file.
        last: u64,
        /// Which run of the machine it is, where the system tells.
        boot: Option<String>,
    },
    /// A commit, less what is volatile.
    Commit {
        revision: u64,
        ops: Vec<Op>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mutation: Option<Mutation>,
    },
    /// Revisions up to this one may be given to commits that are not written.
    Reserved(u64),
    /// The log was closed in order; this was the newest revision.
    Closed(u64),
}

/// Appends a record to `bytes`.
pub(super) fn encode<T: Serialize>(record: &T, bytes: &mut Vec<u8>) -> serde_json::Result<()> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; HEAD]);
    serde_json::to_writer(&mut *bytes, record)?;
    let text = &bytes[start + HEAD..];
    let (length, sum) = (text.len() as u32, crc32c::crc32c(text));
    bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    bytes[start + 4..start + HEAD].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// What stands at the beginning of `bytes`.
pub(super) enum Found<T> {
    /// A record, and how many bytes it takes.
    Record(T, usize),
    /// Nothing more.
    End,
    /// The beginning of a record that was not written to its end.
    Torn,
    /// Something that is no record.
    Damaged(&'static str),
}

pub(super) fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Found<T> {
    if bytes.is_empty() {
        return Found::End;
    }
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else { return Found::Torn };
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (length, sum) = (number(0) as usize, number(4));
    if length == 0 || length > LONGEST {
        return Found::Damaged("a record has no length that can be right");
    }
    let Some(text) = rest.get(..length) else { return torn_or_damaged(rest) };
    if crc32c::crc32c(text) != sum {
        return Found::Damaged("a record does not match its checksum");
    }
    match serde_json::from_slice(text) {
        Ok(record) => Found::Record(record, HEAD + length),
        Err(_) => Found::Damaged("a record is none of this version"),
    }
}

/// What is left where a record is said to be longer: its beginning, unless something ends there that is shorter.
fn torn_or_damaged<T>(rest: &[u8]) -> Found<T> {
    match serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>().next() {
        None => Found::Torn,
        Some(Err(error)) if error.is_eof() => Found::Torn,
        Some(Ok(_) | Err(_)) => Found::Damaged("a record is not as long as it says"),
    }
}
