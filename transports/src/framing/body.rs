//! The bytes of a message whose length came before it.

use sixframe_core::Message;

use super::{Decoded, Decoder, HEAD_BYTES, State, advance};

/// Reserved at once on the word of a header; more is reserved as bytes arrive.
const TRUSTED_BYTES: usize = 256 * 1024;

impl Decoder {
    pub(super) fn begin_body(&mut self, length: u32) {
        self.state = match length {
            0 => self.framing.between(),
            _ if length as usize > self.limit => State::SkippedBody { remaining: length, told: false },
            _ => State::Body { remaining: length },
        };
    }

    pub(super) fn body(&mut self, remaining: u32, input: &mut &[u8]) -> Decoded {
        let part = advance(input, remaining as usize);
        let remaining = remaining - part.len() as u32;
        if self.partial.is_empty() && remaining == 0 {
            self.state = self.framing.between();
            return Some(Ok(Message::copy_from_slice(part)));
        }
        if self.partial.is_empty() {
            self.partial.reserve_exact((part.len() + remaining as usize).min(TRUSTED_BYTES));
        }
        self.partial.extend_from_slice(part);
        self.bulk_body(remaining)
    }

    pub(super) fn bulk_body(&mut self, remaining: u32) -> Decoded {
        if remaining > 0 {
            self.state = State::Body { remaining };
            return None;
        }
        self.state = self.framing.between();
        let message = std::mem::take(&mut self.partial);
        Some(Ok(self.gathered(message)))
    }

    pub(super) fn skipped_body(&mut self, remaining: u32, told: bool, input: &mut &[u8]) -> Decoded {
        let part = advance(input, remaining as usize);
        let remaining = remaining - part.len() as u32;
        if !told {
            let wanted = HEAD_BYTES - self.partial.len();
            self.partial.extend_from_slice(&part[..part.len().min(wanted)]);
        }
        let tell = !told && (self.partial.len() == HEAD_BYTES || remaining == 0);
        self.state = match remaining {
            0 => self.framing.between(),
            _ => State::SkippedBody { remaining, told: told || tell },
        };
        if tell { self.oversized(&[]) } else { None }
    }
}
