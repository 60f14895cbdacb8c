//! Our own call ids: a random prefix for the connection, where the call stands in the table, how often that place was
//! used, and how often the call was issued again. Together they never repeat, and an answer finds its call without a hash.

use std::str;

use super::slots::Key;
use crate::frame::{self, Id};

/// The random part of the ids of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix([u8; 6]);

/// An id as text, on the stack.
pub(super) struct Cid {
    bytes: [u8; 48],
    start: usize,
}

impl Prefix {
    pub(super) fn random() -> Prefix {
        Prefix(std::array::from_fn(|_| fastrand::alphanumeric() as u8))
    }

    /// The id of the call at `key` in its `round`, which is 0 until it is issued again.
    pub(super) fn cid(self, key: Key, round: u32) -> Cid {
        let mut cid = Cid { bytes: [0; 48], start: 48 };
        if round > 0 {
            cid.prepend_number(round);
            cid.prepend(b"-");
        }
        cid.prepend_number(key.generation);
        cid.prepend(b"-");
        cid.prepend_number(key.index);
        cid.prepend(b".");
        cid.prepend(&self.0);
        cid
    }

    /// The id of a heartbeat, whose answer is like any other sign of life and settles nothing.
    pub(super) fn heartbeat(self) -> String {
        format!("{}.ping", str::from_utf8(&self.0).expect("a prefix is made of ASCII"))
    }

    /// The call that `cid` names and its round, if it is one of ours.
    pub(super) fn key(self, cid: &str) -> Option<(Key, u32)> {
        let rest = cid.as_bytes().strip_prefix(&self.0)?.strip_prefix(b".")?;
        let (index, rest) = number(rest)?;
        let (generation, rest) = number(rest.strip_prefix(b"-")?)?;
        let round = match rest {
            [] => 0,
            [b'-', rest @ ..] => number(rest).filter(|(round, rest)| *round > 0 && rest.is_empty())?.0,
            _ => return None,
        };
        Some((Key { index, generation }, round))
    }
}

impl Id for Cid {
    fn write(&self, out: &mut Vec<u8>) {
        frame::write_plain(out, &self.bytes[self.start..]);
    }
}

impl Cid {
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[self.start..]).expect("an id is made of ASCII")
    }

    fn prepend(&mut self, text: &[u8]) {
        let end = self.start;
        self.start -= text.len();
        self.bytes[self.start..end].copy_from_slice(text);
    }

    fn prepend_number(&mut self, mut number: u32) {
        loop {
            self.start -= 1;
            self.bytes[self.start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
    }
}

/// The number that `text` begins with, as it is written here, and what stands behind it.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let (mut number, mut rest) = (0u64, text);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = behind;
    }
    let digits = text.len() - rest.len();
    let sound = digits > 0 && digits <= 10 && (text[0] != b'0' || digits == 1);
    Some((u32::try_from(number).ok().filter(|_| sound)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_call_and_no_other_text_does() {
        let prefix = Prefix(*b"aB3xY9");
        for key in [Key { index: 0, generation: 1 }, Key { index: u32::MAX, generation: u32::MAX }] {
            for round in [0, 1, u32::MAX] {
                let cid = prefix.cid(key, round);
                assert_eq!(prefix.key(cid.as_str()), Some((key, round)), "{}", cid.as_str());
            }
        }
        for cid in [
            "",
            "aB3xY9",
            "aB3xY9.",
            "aB3xY9.1",
            "aB3xY9.1-",
            "aB3xY9.01-1",
            "aB3xY9.1-4294967296",
            "bB3xY9.1-1",
            "aB3xY9.1-1 ",
            "aB3xY9.1-1-0",
            "aB3xY9.1-1-1-1",
        ] {
            assert_eq!(prefix.key(cid), None, "{cid}");
        }
    }
}
