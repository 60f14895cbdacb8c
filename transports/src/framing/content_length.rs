//! The headers of the Language Server Protocol.

use memchr::memchr;
use sixframe_core::TransportError;

use super::{Decoded, Decoder, State, advance, fatal};

/// Longest header block accepted.
const HEADER_BYTES: u16 = 4096;

impl Decoder {
    pub(super) fn header(&mut self, length: Option<u32>, seen: u16, input: &mut &[u8]) -> Decoded {
        let end = memchr(b'\n', input);
        let part = advance(input, end.map_or(input.len(), |end| end + 1));
        if part.len() > usize::from(HEADER_BYTES - seen) {
            return Some(Err(fatal(format!(
                "the header is longer than {HEADER_BYTES} bytes; is the peer using Content-Length?"
            ))));
        }
        let seen = seen + part.len() as u16;
        self.partial.extend_from_slice(part);
        self.state = State::Header { length, seen };
        end?;
        let line = std::mem::take(&mut self.partial);
        self.header_line(length, seen, line.trim_ascii_end())
    }

    fn header_line(&mut self, length: Option<u32>, seen: u16, line: &[u8]) -> Decoded {
        if line.is_empty() {
            return self.header_end(length);
        }
        match field(line) {
            Ok(None) => None,
            Ok(Some(_)) if length.is_some() => Some(Err(fatal("the header has two Content-Length fields"))),
            Ok(found) => {
                self.state = State::Header { length: found, seen };
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    fn header_end(&mut self, length: Option<u32>) -> Decoded {
        match length {
            None => Some(Err(fatal("the header has no Content-Length"))),
            Some(length) => {
                self.begin_body(length);
                None
            }
        }
    }
}

/// The length, if the field says one.
fn field(line: &[u8]) -> Result<Option<u32>, TransportError> {
    let shown = || line[..line.len().min(60)].escape_ascii();
    let Some(colon) = memchr(b':', line) else {
        return Err(fatal(format!("a header line has no colon: \"{}\"", shown())));
    };
    if !line[..colon].trim_ascii().eq_ignore_ascii_case(b"content-length") {
        return Ok(None);
    }
    let value = line[colon + 1..].trim_ascii();
    let digits = value.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|value| value.parse().ok());
    length.map(Some).ok_or_else(|| fatal(format!("a header has no usable length: \"{}\"", shown())))
}
