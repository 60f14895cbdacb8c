//! One message a line.

use memchr::memchr;
use sixframe_core::Message;

use super::{Decoded, Decoder, State};

impl Decoder {
    pub(super) fn line(&mut self, input: &mut &[u8]) -> Decoded {
        // One byte more than the limit, for the `\r` of a line that just fits.
        let room = self.limit.saturating_add(1).saturating_sub(self.partial.len());
        let Some(end) = memchr(b'\n', input) else {
            return self.unfinished_line(room, input);
        };
        let line = &input[..end];
        *input = &input[end + 1..];
        if end > room {
            return self.oversized(line);
        }
        if self.partial.is_empty() {
            return self.whole_line(line);
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(line);
        self.finished_line(whole)
    }

    pub(super) fn skipped_line(&mut self, input: &mut &[u8]) -> Decoded {
        match memchr(b'\n', input) {
            None => *input = &[],
            Some(end) => {
                *input = &input[end + 1..];
                self.state = State::Line;
            }
        }
        None
    }

    pub(super) fn bulk_line(&mut self, start: usize, rest: &mut Vec<u8>) -> Decoded {
        if let Some(end) = memchr(b'\n', &self.partial[start..]) {
            let mut line = std::mem::take(&mut self.partial);
            *rest = line.split_off(start + end + 1);
            line.truncate(start + end);
            return self.finished_line(line);
        }
        if self.partial.len() <= self.limit.saturating_add(1) {
            return None;
        }
        self.state = State::SkippedLine;
        self.oversized(&[])
    }

    pub(super) fn finished_line(&mut self, mut line: Vec<u8>) -> Decoded {
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.len() > self.limit {
            return self.oversized(&line);
        }
        (!line.is_empty()).then(|| Ok(self.gathered(line)))
    }

    fn whole_line(&mut self, line: &[u8]) -> Decoded {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.limit {
            return self.oversized(line);
        }
        (!line.is_empty()).then(|| Ok(Message::copy_from_slice(line)))
    }

    fn unfinished_line(&mut self, room: usize, input: &mut &[u8]) -> Decoded {
        let bytes = std::mem::take(input);
        if bytes.len() > room {
            self.state = State::SkippedLine;
            return self.oversized(bytes);
        }
        self.partial.extend_from_slice(bytes);
        None
    }
}
