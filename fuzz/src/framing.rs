//! One stream of bytes, cut into pieces in three ways: the messages must be the same, and memory bounded.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::{Sink, Stream};
use sixframe_core::{Message, TransportError};
use sixframe_transports::framing::Decoder;
use sixframe_transports::{ByteTransport, Framing};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::input::Input;

const FRAMINGS: [Framing; 3] = [Framing::Ndjson, Framing::ContentLength, Framing::NativeMessaging];
const LIMITS: [usize; 6] = [0, 8, 100, 1000, 18_000, 40_000];
/// Kept beside a message: the block of headers, or the slack of a small buffer.
const CONSTANT: usize = 8 * 1024;

/// Builds a stream of garbage and whole messages from `data`, and reads it whole, in pieces, and as a transport.
pub fn framing(data: &[u8]) {
    let mut input = Input::new(data);
    let framing = input.pick(&FRAMINGS);
    let limit = input.pick(&LIMITS);
    let cuts = input.bytes(4);
    let Streamed { bytes, messages, clean } = stream(framing, &mut input);

    let whole = decoded(framing, limit, [bytes.as_slice()]);
    let pieces = pieces(&bytes, cuts);
    compare(&whole, &decoded(framing, limit, pieces.iter().copied()));
    compare(&whole, &transported(framing, limit, &pieces));
    if clean {
        round_trip(framing, limit, &messages, &whole);
        assert!(sent(framing, &messages) == bytes, "a transport writes what the framing says");
    }
}

struct Streamed {
    bytes: Vec<u8>,
    messages: Vec<Message>,
    /// Whether there is nothing in it but whole messages.
    clean: bool,
}

fn stream(framing: Framing, input: &mut Input<'_>) -> Streamed {
    let (mut bytes, mut messages, mut clean) = (Vec::new(), Vec::new(), true);
    while !input.is_empty() && bytes.len() < 60_000 {
        let (choice, count) = (input.below(4), input.byte());
        let message = match choice {
            0 => Message::copy_from_slice(input.bytes(count.into())),
            1 => vec![b'x'; usize::from(count) * 100].into(),
            2 => {
                bytes.extend_from_slice(input.bytes(count.into()));
                clean = false;
                continue;
            }
            _ => {
                let byte = input.byte();
                bytes.resize(bytes.len() + usize::from(count) * 30, byte);
                clean = false;
                continue;
            }
        };
        framing.encode(&message, &mut bytes);
        messages.push(message);
    }
    Streamed { bytes, messages, clean }
}

/// What came of a stream.
#[derive(Debug, PartialEq)]
enum Read {
    Message(Message),
    Oversized(Message),
    Fatal,
}

fn read(decoded: Result<Message, TransportError>) -> Read {
    match decoded {
        Ok(message) => Read::Message(message),
        Err(error) => match error.as_oversized() {
            Some((head, _)) => Read::Oversized(Message::copy_from_slice(head)),
            None => Read::Fatal,
        },
    }
}

fn decoded<'a>(framing: Framing, limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Read> {
    let mut decoder = Decoder::new(framing, limit);
    let mut seen = Vec::new();
    for mut piece in pieces {
        while let Some(decoded) = decoder.decode(&mut piece) {
            seen.push(read(decoded));
            if seen.last() == Some(&Read::Fatal) {
                return seen;
            }
        }
        assert!(piece.is_empty(), "all is taken before more is asked for");
        assert!(decoder.held() <= 2 * limit + CONSTANT, "{} bytes are held under a limit of {limit}", decoder.held());
    }
    seen.extend(decoder.finish().map(read));
    seen
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for cut in cuts.iter().chain([&0]).cycle() {
        if rest.is_empty() {
            break;
        }
        // Small pieces in a short stream, larger ones in a long stream.
        let size = usize::from(*cut) * (bytes.len() / 1024 + 1) + 1;
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// A message that is too long may be recognised early or late; its head is the same as far as both go.
fn compare(whole: &[Read], other: &[Read]) {
    assert_eq!(whole.len(), other.len(), "{whole:?} and {other:?}");
    for pair in whole.iter().zip(other) {
        match pair {
            (Read::Oversized(a), Read::Oversized(b)) => {
                assert!(a.len() <= 512 && b.len() <= 512);
                assert!(a.starts_with(b) || b.starts_with(a), "{a:?} and {b:?}");
            }
            (a, b) => assert_eq!(a, b),
        }
    }
}

fn transported(framing: Framing, limit: usize, pieces: &[&[u8]]) -> Vec<Read> {
    let pieces = Pieces(pieces.iter().copied().collect());
    let mut transport = ByteTransport::new(pieces, framing, limit);
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = Vec::new();
    loop {
        match Pin::new(&mut transport).poll_next(&mut cx) {
            Poll::Ready(Some(decoded)) => seen.push(read(decoded)),
            Poll::Ready(None) => return seen,
            Poll::Pending => panic!("the pieces are all there"),
        }
    }
}

/// A reader that gives one piece a time.
struct Pieces<'a>(VecDeque<&'a [u8]>);

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if let Some(piece) = self.0.pop_front() {
            let (now, later) = piece.split_at(piece.len().min(into.remaining()));
            into.put_slice(now);
            if !later.is_empty() {
                self.0.push_front(later);
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn round_trip(framing: Framing, limit: usize, messages: &[Message], seen: &[Read]) {
    let flat = |message: &Message| match framing {
        Framing::Ndjson => {
            message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
        }
        Framing::ContentLength | Framing::NativeMessaging => message.to_vec(),
    };
    let expected: Vec<Vec<u8>> = messages.iter().map(flat).filter(|message| !message.is_empty()).collect();
    assert_eq!(expected.len(), seen.len(), "every message comes out once");
    for (message, seen) in expected.iter().zip(seen) {
        match seen {
            Read::Message(read) => assert!(read.len() <= limit && read == message, "a message is changed"),
            Read::Oversized(head) => {
                assert!(message.len() > limit && message.starts_with(head), "a short one is refused")
            }
            Read::Fatal => panic!("what the framing writes it can read"),
        }
    }
}

fn sent(framing: Framing, messages: &[Message]) -> Vec<u8> {
    let mut written = Vec::new();
    let mut transport = ByteTransport::new(Written(&mut written), framing, usize::MAX);
    let mut cx = Context::from_waker(Waker::noop());
    for message in messages {
        assert!(Pin::new(&mut transport).poll_ready(&mut cx).is_ready(), "the writer takes everything");
        Pin::new(&mut transport).start_send(message.clone()).expect("no message is too long to be sent");
    }
    assert!(Pin::new(&mut transport).poll_flush(&mut cx).is_ready(), "the writer takes everything");
    drop(transport);
    written
}

struct Written<'a>(&'a mut Vec<u8>);

impl AsyncWrite for Written<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        // Not always all of it.
        let taken = if bytes.len() > 7 { bytes.len() - bytes.len() / 8 } else { bytes.len() };
        self.get_mut().0.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
