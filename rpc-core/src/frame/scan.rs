//! A validating scanner for JSON text: where does a value end, is its syntax right, is it too deep? It builds nothing and
//! knows nothing of frames.

/// Why a value could not be passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanError {
    /// The text ends inside the value.
    Truncated,
    /// The text is not JSON.
    Syntax,
    /// Arrays and objects are nested deeper than allowed.
    Depth,
}

/// The deepest nesting that the scanner can follow; a larger limit is cut to this.
pub(crate) const MAX_DEPTH: u32 = 127;

/// The index behind the JSON value that starts at `at`. `depth` counts the levels still allowed below this point.
pub(crate) fn value(text: &[u8], at: usize, depth: u32) -> Result<usize, ScanError> {
    let limit = depth.min(MAX_DEPTH);
    let (mut at, mut objects, mut level) = (at, 0u128, 0u32);
    loop {
        at = match byte(text, at)? {
            b'"' => string(text, at)?,
            b'-' | b'0'..=b'9' => number(text, at)?,
            b't' => literal(text, at, b"true")?,
            b'f' => literal(text, at, b"false")?,
            b'n' => literal(text, at, b"null")?,
            open @ (b'{' | b'[') => {
                if level == limit {
                    return Err(ScanError::Depth);
                }
                let object = open == b'{';
                let inside = space(text, at + 1);
                if byte(text, inside)? == if object { b'}' } else { b']' } {
                    inside + 1
                } else {
                    level += 1;
                    objects = objects << 1 | u128::from(object);
                    at = if object { key(text, inside)? } else { inside };
                    continue;
                }
            }
            _ => return Err(ScanError::Syntax),
        };
        loop {
            if level == 0 {
                return Ok(at);
            }
            at = space(text, at);
            let object = objects & 1 == 1;
            match byte(text, at)? {
                b',' => {
                    at = space(text, at + 1);
                    if object {
                        at = key(text, at)?;
                    }
                    break;
                }
                b'}' if object => (),
                b']' if !object => (),
                _ => return Err(ScanError::Syntax),
            }
            objects >>= 1;
            level -= 1;
            at += 1;
        }
    }
}

/// The index behind the string whose opening quote stands at `at`.
#[inline]
pub(crate) fn string(text: &[u8], at: usize) -> Result<usize, ScanError> {
    let mut at = at + 1;
    loop {
        at = stop(text, at).ok_or(ScanError::Truncated)?;
        match text[at] {
            b'"' => return Ok(at + 1),
            b'\\' => at = escape(text, at + 1)?,
            _ => return Err(ScanError::Syntax),
        }
    }
}

/// The index of the first quote, backslash or control character at or after `at`.
#[inline]
pub(crate) fn stop(text: &[u8], mut at: usize) -> Option<usize> {
    while let Some(chunk) = text.get(at..at + 8) {
        let stops = stop_bytes(u64::from_le_bytes(chunk.try_into().expect("the slice has eight bytes")));
        if stops != 0 {
            return Some(at + stops.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).map(|offset| at + offset)
}

/// Marks, in the high bit of each byte, which of eight bytes are `one` or `other`. A byte behind a marked one may be marked
/// wrongly; none is missed.
pub(crate) fn likely_bytes(word: u64, one: u8, other: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let equals = |byte: u8| {
        let x = word ^ (ONES * u64::from(byte));
        x.wrapping_sub(ONES) & !x
    };
    (equals(one) | equals(other)) & (ONES << 7)
}

/// The index of the first byte at or after `at` that is not white space.
#[inline]
pub(crate) fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at)
        && *byte <= b' '
        && matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    {
        at += 1;
    }
    at
}

/// The byte at `at`.
#[inline]
pub(crate) fn byte(text: &[u8], at: usize) -> Result<u8, ScanError> {
    text.get(at).copied().ok_or(ScanError::Truncated)
}

/// The index behind `"key" :` and the white space around it.
#[inline]
fn key(text: &[u8], at: usize) -> Result<usize, ScanError> {
    if byte(text, at)? != b'"' {
        return Err(ScanError::Syntax);
    }
    let colon = space(text, string(text, at)?);
    if byte(text, colon)? != b':' {
        return Err(ScanError::Syntax);
    }
    Ok(space(text, colon + 1))
}

/// Marks, in the high bit of each byte, the quotes, backslashes and control characters among eight bytes. Bits above the
/// first mark may be wrong; only the lowest is used.
fn stop_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let equals = |byte: u8| {
        let x = word ^ (ONES * u64::from(byte));
        x.wrapping_sub(ONES) & !x
    };
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (equals(b'"') | equals(b'\\') | control) & HIGH
}

fn escape(text: &[u8], at: usize) -> Result<usize, ScanError> {
    match byte(text, at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
        b'u' => (at + 1..at + 5)
            .try_for_each(|at| if byte(text, at)?.is_ascii_hexdigit() { Ok(()) } else { Err(ScanError::Syntax) })
            .map(|()| at + 5),
        _ => Err(ScanError::Syntax),
    }
}

#[inline]
fn number(text: &[u8], at: usize) -> Result<usize, ScanError> {
    let digits = |mut at: usize| {
        let start = at;
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at > start { Ok(at) } else { Err(if at == text.len() { ScanError::Truncated } else { ScanError::Syntax }) }
    };
    let start = at + usize::from(text[at] == b'-');
    let mut at = if byte(text, start)? == b'0' { start + 1 } else { digits(start)? };
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at = digits(at + 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-'))))?;
    }
    // A digit behind a leading zero makes no number; whatever else stands here is for the caller to judge.
    if text.get(at).is_some_and(u8::is_ascii_digit) { Err(ScanError::Syntax) } else { Ok(at) }
}

fn literal(text: &[u8], at: usize, word: &[u8]) -> Result<usize, ScanError> {
    match text.get(at..at + word.len()) {
        Some(found) if found == word => Ok(at + word.len()),
        Some(_) => Err(ScanError::Syntax),
        None => Err(if word.starts_with(&text[at..]) { ScanError::Truncated } else { ScanError::Syntax }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_serde_json_on_what_is_json() {
        for text in [
            "0",
            "-0",
            "01",
            "-",
            "1.",
            "1.5",
            ".5",
            "1e",
            "1e+9",
            "1E-2",
            "1e999",
            "true",
            "tru",
            "truex",
            "null",
            "\"\"",
            "\"a\\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"tab\there\"",
            "[]",
            "[ ]",
            "[1,]",
            "[1 , 2]",
            "{}",
            "{\"a\":1}",
            "{\"a\" : [ {} ] }",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "[}",
            "{]",
            "[1}",
            "\"long string without any stop\"",
            "\"12345678\\\"\"",
            "[[[[]]]]",
            "1 2",
            "\"é한국어\"",
            "\"\u{7f}\"",
            "-1.0e-10",
            "--1",
            "+1",
            "\u{feff}1",
        ] {
            let ours = value(text.as_bytes(), 0, 100) == Ok(text.len());
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
            assert_eq!(ours, theirs, "{text}");
        }
    }

    #[test]
    fn every_cut_of_a_value_is_truncated_or_a_shorter_value() {
        let text = br#"{"a":[1.5e3,"x\u0041y",true,null,{"b":-0}],"c":"0123456789abcdef"}"#;
        for cut in 0..text.len() {
            assert_eq!(value(&text[..cut], 0, 10), Err(ScanError::Truncated), "cut at {cut}");
        }
    }

    #[test]
    fn depth_is_counted_to_the_level() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(value(nested(5).as_bytes(), 0, 5), Ok(10));
        assert_eq!(value(nested(6).as_bytes(), 0, 5), Err(ScanError::Depth));
        assert_eq!(value(nested(100_000).as_bytes(), 0, u32::MAX), Err(ScanError::Depth));
    }
}
