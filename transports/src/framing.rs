//! How messages lie on a stream of bytes: by newline, by `Content-Length` header, or by a 4-byte length. Owns the
//! decoder's partial message and its limit; knows nothing of where the bytes come from.

mod body;
mod content_length;
mod ndjson;

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use sixframe_core::{Message, TransportError};

/// Bytes of a skipped message that are kept, for the engine to read its `cid`.
const HEAD_BYTES: usize = 512;

/// From this size on, a message that is still incomplete is read straight into its own buffer.
const BULK_BYTES: usize = 16 * 1024;

/// Between these sizes a message is copied out of the buffer that it was gathered in.
const COPIED_FROM: usize = 64 * 1024;
const COPIED_TO: usize = 4 << 20;

/// The most that is reserved because other messages were that long; more as bytes arrive.
const USUAL_MOST: usize = 4 << 20;

/// How messages are separated on a stream of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// One message a line, ended by `\n`. `\r\n` is accepted, empty lines are skipped. A newline between the tokens of a
    /// message (as in pretty-printed JSON) is sent as a space.
    #[default]
    Ndjson,
    /// `Content-Length: N`, an empty line, N bytes: the framing of the Language Server Protocol.
    ContentLength,
    /// Four bytes of length in the machine's own byte order: the native messaging of Chrome and Firefox. A browser takes
    /// at most 1 MiB from its host, which [`Bounded`](crate::Bounded) observes.
    NativeMessaging,
}

impl Framing {
    /// Appends `message` and what separates it from the next one to `out`.
    pub fn encode(self, message: &[u8], out: &mut Vec<u8>) {
        self.encode_head(message.len(), out);
        out.extend_from_slice(&self.flatten(message));
        out.extend_from_slice(self.tail());
    }

    /// The longest message that the framing can express, in bytes.
    pub const fn longest(self) -> usize {
        match self {
            Framing::Ndjson => usize::MAX,
            Framing::ContentLength | Framing::NativeMessaging => u32::MAX as usize,
        }
    }

    /// What stands before a message of `length` bytes.
    pub(crate) fn encode_head(self, length: usize, out: &mut Vec<u8>) {
        match self {
            Framing::Ndjson => {}
            Framing::ContentLength => out.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes()),
            Framing::NativeMessaging => out.extend_from_slice(&(length as u32).to_ne_bytes()),
        }
    }

    /// What stands after a message.
    pub(crate) fn tail(self) -> &'static [u8] {
        match self {
            Framing::Ndjson => b"\n",
            Framing::ContentLength | Framing::NativeMessaging => b"",
        }
    }

    /// The message as it may stand on the stream: newlines, which JSON has only between tokens, become spaces.
    pub(crate) fn flatten(self, message: &[u8]) -> Cow<'_, [u8]> {
        if self != Framing::Ndjson || memchr::memchr2(b'\n', b'\r', message).is_none() {
            return Cow::Borrowed(message);
        }
        let blank = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        Cow::Owned(message.iter().map(blank).collect())
    }

    /// [`Framing::flatten`] for a message that is kept whole.
    pub(crate) fn flatten_bytes(self, message: Bytes) -> Bytes {
        match self.flatten(&message) {
            Cow::Borrowed(_) => message,
            Cow::Owned(flat) => flat.into(),
        }
    }

    fn between(self) -> State {
        match self {
            Framing::Ndjson => State::Line,
            Framing::ContentLength => State::Header { length: None, seen: 0 },
            Framing::NativeMessaging => State::Prefix,
        }
    }
}

/// Cuts a stream of bytes into messages.
///
/// Every message is handed over in a buffer that is hardly larger than itself. The limit is checked before anything is kept: a
/// longer message is skipped and reported once as [`TransportError::oversized`], then decoding goes on. After a fatal
/// error (a malformed header) the decoder must not be used again.
pub struct Decoder {
    partial: Vec<u8>,
    /// Room for the next long message, by the lengths of the last ones.
    usual: usize,
    limit: usize,
    state: State,
    framing: Framing,
}

#[derive(Clone, Copy)]
enum State {
    Line,
    SkippedLine,
    Prefix,
    Header { length: Option<u32>, seen: u16 },
    Body { remaining: u32 },
    SkippedBody { remaining: u32, told: bool },
}

type Decoded = Option<Result<Message, TransportError>>;

impl Decoder {
    /// A decoder for messages of at most `limit` bytes.
    pub fn new(framing: Framing, limit: usize) -> Decoder {
        Decoder { partial: Vec::new(), usual: 0, limit, state: framing.between(), framing }
    }

    /// The next message in `input`, from which the bytes that were used are cut off. `None` when `input` is used up; the
    /// beginning of a message is kept until the rest comes.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Result<Message, TransportError>> {
        while !input.is_empty() {
            let decoded = match self.state {
                State::Line => self.line(input),
                State::SkippedLine => self.skipped_line(input),
                State::Prefix => self.prefix(input),
                State::Header { length, seen } => self.header(length, seen, input),
                State::Body { remaining } => self.body(remaining, input),
                State::SkippedBody { remaining, told } => self.skipped_body(remaining, told, input),
            };
            if decoded.is_some() {
                return decoded;
            }
        }
        None
    }

    /// What the end of the stream leaves: nothing, a last line that lacks only its newline, or an error for a message that
    /// was cut off.
    pub fn finish(&mut self) -> Option<Result<Message, TransportError>> {
        let partial = std::mem::take(&mut self.partial);
        let complete = matches!(self.state, State::Line) && partial.trim_ascii_end().ends_with(b"}");
        match self.state {
            State::Line if partial.trim_ascii().is_empty() => None,
            State::Line if complete => self.finished_line(partial),
            State::Prefix | State::Header { seen: 0, .. } if partial.is_empty() => None,
            State::SkippedLine => None,
            State::Line | State::Prefix | State::Header { .. } | State::Body { .. } | State::SkippedBody { .. } => {
                Some(Err(fatal("the connection ended inside a message")))
            }
        }
    }

    /// The buffer of a long message that is still incomplete, with room for more, and how many bytes may be read into it;
    /// `None` while a shared buffer serves as well.
    pub(crate) fn bulk(&mut self) -> Option<(&mut Vec<u8>, usize)> {
        let most = match self.state {
            State::Line => usize::MAX,
            State::Body { remaining } => remaining as usize,
            State::SkippedLine | State::Prefix | State::Header { .. } | State::SkippedBody { .. } => return None,
        };
        if self.partial.len() < BULK_BYTES {
            return None;
        }
        if self.partial.capacity() - self.partial.len() < BULK_BYTES / 4 {
            let expected = self.usual.saturating_sub(self.partial.len()).max(4 * BULK_BYTES);
            self.partial.reserve(most.min(expected));
        }
        Some((&mut self.partial, most))
    }

    /// Takes note of what was read into [`Decoder::bulk`] from `start` on. Bytes that lie behind the end of the message
    /// are moved to `rest`.
    pub(crate) fn bulk_read(&mut self, start: usize, rest: &mut Vec<u8>) -> Option<Result<Message, TransportError>> {
        let fresh = self.partial.len() - start;
        match self.state {
            State::Line => self.bulk_line(start, rest),
            State::Body { remaining } => self.bulk_body(remaining - fresh as u32),
            State::SkippedLine | State::Prefix | State::Header { .. } | State::SkippedBody { .. } => None,
        }
    }

    /// Bytes kept for the message that is still incomplete.
    pub fn held(&self) -> usize {
        self.partial.capacity()
    }

    /// A message that was gathered in a buffer of its own.
    fn gathered(&mut self, message: Vec<u8>) -> Message {
        if message.len() >= BULK_BYTES {
            let room = message.len() + message.len() / 16;
            self.usual = room.max(self.usual / 2).min(USUAL_MOST);
        }
        exact(message)
    }

    fn prefix(&mut self, input: &mut &[u8]) -> Decoded {
        let wanted = 4 - self.partial.len();
        self.partial.extend_from_slice(advance(input, wanted));
        let length = u32::from_ne_bytes(self.partial.as_slice().try_into().ok()?);
        self.partial.clear();
        self.begin_body(length);
        None
    }

    fn oversized(&mut self, more: &[u8]) -> Decoded {
        let mut head = BytesMut::with_capacity(HEAD_BYTES);
        head.extend_from_slice(&self.partial[..self.partial.len().min(HEAD_BYTES)]);
        head.extend_from_slice(&more[..more.len().min(HEAD_BYTES - head.len())]);
        self.partial = Vec::new();
        Some(Err(TransportError::oversized(head.freeze(), self.limit)))
    }
}

fn advance<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

/// The message in a buffer that is hardly larger.
///
/// Copying a large one lets the allocator reuse the buffer that it was gathered in for the next; shrinking in place would
/// return its pages to the system, and faulting them in again costs more than the copy.
fn exact(mut message: Vec<u8>) -> Message {
    if message.len() < COPIED_FROM || message.capacity() - message.len() > message.len() / 8 {
        if (COPIED_FROM..COPIED_TO).contains(&message.len()) {
            return Message::copy_from_slice(&message);
        }
        message.shrink_to_fit();
    }
    message.into()
}

fn fatal(message: impl Into<String>) -> TransportError {
    TransportError::new(message, None)
}

#[cfg(test)]
mod tests;
