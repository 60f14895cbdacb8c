//! A validating scanner for JSON text: where does a value end, is its syntax right, is it too deep? It builds nothing and
//! knows nothing of frames.

use super::block::{self, Stops};

/// Why a value could not be passed over. As wide as an index, so that a result of either travels in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
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
///
/// What stands in compact text is looked for first at every place, and white space only where that is not there.
pub(crate) fn value(text: &[u8], at: usize, depth: u32) -> Result<usize, ScanError> {
    let limit = depth.min(MAX_DEPTH);
    let (mut at, mut level, mut around) = (at, Level::Whole, Around::default());
    let mut stops = Stops::new(text, at);
    loop {
        let first = byte(text, at)?;
        at = if first == b'"' {
            string_by(&mut stops, text, at)?
        } else if first == b'{' || first == b'[' {
            if around.levels == limit {
                return Err(ScanError::Depth);
            }
            let opened = if first == b'{' { Level::Object } else { Level::Array };
            let inside = space(text, at + 1);
            if byte(text, inside)? != opened as u8 {
                around.push(std::mem::replace(&mut level, opened));
                at = if opened == Level::Object { key(&mut stops, text, inside)? } else { inside };
                continue;
            }
            inside + 1
        } else if first == b'-' || first.is_ascii_digit() {
            number(text, at)?
        } else {
            match first {
                b't' => literal(text, at, b"true")?,
                b'f' => literal(text, at, b"false")?,
                b'n' => literal(text, at, b"null")?,
                b' ' | b'\t' | b'\n' | b'\r' if around.levels > 0 => {
                    at = space(text, at);
                    continue;
                }
                _ => return Err(ScanError::Syntax),
            }
        };
        loop {
            if level == Level::Whole {
                return Ok(at);
            }
            let next = byte(text, at)?;
            if next == b',' {
                at = if level == Level::Object { key(&mut stops, text, at + 1)? } else { at + 1 };
                break;
            }
            if next == level as u8 {
                level = around.pop();
                at += 1;
                continue;
            }
            let solid = space(text, at);
            if solid == at {
                return Err(ScanError::Syntax);
            }
            at = solid;
        }
    }
}

/// What a place in the text is directly in, by the byte that ends it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Level {
    Whole = 0,
    Array = b']',
    Object = b'}',
}

/// The levels around that, the innermost in the lowest bit, which is set for an object.
#[derive(Default)]
struct Around {
    objects: u128,
    levels: u32,
}

impl Around {
    #[inline]
    fn push(&mut self, level: Level) {
        self.objects = self.objects << 1 | u128::from(level == Level::Object);
        self.levels += 1;
    }

    #[inline]
    fn pop(&mut self) -> Level {
        let object = self.objects & 1 == 1;
        self.objects >>= 1;
        self.levels -= 1;
        match (self.levels, object) {
            (0, _) => Level::Whole,
            (_, true) => Level::Object,
            (_, false) => Level::Array,
        }
    }
}

/// The index behind the string whose opening quote stands at `at`.
pub(crate) fn string(text: &[u8], at: usize) -> Result<usize, ScanError> {
    string_by(&mut Stops::new(text, at), text, at)
}

/// [`string`], with the stops of `text`.
#[inline(always)]
fn string_by(stops: &mut Stops, text: &[u8], at: usize) -> Result<usize, ScanError> {
    let end = stops.next(text, at + 1).ok_or(ScanError::Truncated)?;
    if text[end] == b'"' { Ok(end + 1) } else { rest_of_string(text, end) }
}

/// [`string`], from a stop inside it on: for strings with escapes.
#[inline(never)]
fn rest_of_string(text: &[u8], mut stop: usize) -> Result<usize, ScanError> {
    let mut stops = Stops::new(text, stop);
    loop {
        match text[stop] {
            b'"' => return Ok(stop + 1),
            b'\\' => {
                let at = escape(text, stop + 1)?;
                stop = stops.next(text, at).ok_or(ScanError::Truncated)?;
            }
            _ => return Err(ScanError::Syntax),
        }
    }
}

/// The index of the first quote, backslash or control character at or after `at`.
#[inline]
pub(crate) fn stop(text: &[u8], at: usize) -> Option<usize> {
    block::find(text, at, block::string_stops)
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

/// The index behind `"key":`, with white space before the key and the colon.
#[inline(always)]
fn key(stops: &mut Stops, text: &[u8], mut at: usize) -> Result<usize, ScanError> {
    if byte(text, at)? != b'"' {
        at = space(text, at);
        if byte(text, at)? != b'"' {
            return Err(ScanError::Syntax);
        }
    }
    at = string_by(stops, text, at)?;
    if byte(text, at)? != b':' {
        at = space(text, at);
        if byte(text, at)? != b':' {
            return Err(ScanError::Syntax);
        }
    }
    Ok(at + 1)
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
    fn it_agrees_with_serde_json_wherever_one_byte_is_another() {
        let text = br#"{"a": [1.5e3 ,"a string of more than one block", true],"b":{"c\u00e9":-0,"d":[ ]} , "e":null}"#;
        for place in 0..text.len() {
            for byte in b" \"\\,:[]{}-.eu0x\x1f" {
                let mut text = *text;
                text[place] = *byte;
                let ours = value(&text, space(&text, 0), 100) == Ok(text.len());
                let theirs = serde_json::from_slice::<&serde_json::value::RawValue>(&text).is_ok();
                assert_eq!(ours, theirs, "{}", text.escape_ascii());
            }
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
