//! Reads the kind and the `cid` of a message that is broken, too deep or cut off, as far as they stand before the damage.

use super::scan::{self, ScanError};
use super::{Kind, MAX_CID_BYTES, Malformed, MalformedReason};

pub(super) fn malformed(message: &[u8], reason: MalformedReason) -> Malformed {
    let mut found = Malformed { reason, kind: None, cid: None, up: false };
    // Whatever ends the walk, what was read before it counts.
    let _ = walk(message, &mut found);
    found
}

fn walk(text: &[u8], found: &mut Malformed) -> Result<(), ScanError> {
    let mut at = scan::space(text, 0);
    if scan::byte(text, at)? != b'{' {
        return Err(ScanError::Syntax);
    }
    at = scan::space(text, at + 1);
    while scan::byte(text, at)? == b'"' {
        let key = at..scan::string(text, at)?;
        at = scan::space(text, key.end);
        if scan::byte(text, at)? != b':' {
            return Err(ScanError::Syntax);
        }
        at = scan::space(text, at + 1);
        let value = at..pass(text, at)?;
        note(&text[key], &text[value.clone()], found);
        at = scan::space(text, value.end);
        if scan::byte(text, at)? != b',' {
            return Ok(());
        }
        at = scan::space(text, at + 1);
    }
    Ok(())
}

/// The index behind a value of any depth.
fn pass(text: &[u8], at: usize) -> Result<usize, ScanError> {
    match scan::value(text, at, scan::MAX_DEPTH) {
        Err(ScanError::Depth) => brackets(text, at),
        other => other,
    }
}

/// The index behind an array or object of which only the brackets and strings are looked at.
fn brackets(text: &[u8], mut at: usize) -> Result<usize, ScanError> {
    let mut level = 0usize;
    loop {
        match scan::byte(text, at)? {
            b'"' => {
                at = scan::string(text, at)?;
                continue;
            }
            b'{' | b'[' => level += 1,
            b'}' | b']' if level == 1 => return Ok(at + 1),
            b'}' | b']' => level -= 1,
            _ => (),
        }
        at += 1;
    }
}

fn note(key: &[u8], value: &[u8], found: &mut Malformed) {
    let Ok(key) = serde_json::from_slice::<String>(key) else { return };
    let Ok(value) = serde_json::from_slice::<String>(value) else { return };
    match key.as_str() {
        "kind" => found.kind = Kind::parse(&value),
        // A cid that stands twice cannot be read: whose call it is would depend on the reader.
        "cid" => found.cid = if found.cid.is_none() && value.len() <= MAX_CID_BYTES { Some(value) } else { None },
        "dir" => found.up = value == "up",
        _ => (),
    }
}
