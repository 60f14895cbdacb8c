//! Messages over any duplex of bytes. Owns the buffers of one connection, which are empty while it is idle; knows nothing
//! of how the connection came about or who is at its other end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use futures_core::Stream;
use futures_sink::Sink;
use sixframe_core::{Message, TransportError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use crate::connections::Slot;
use crate::framing::{Decoder, Framing};
use crate::output::Output;
use crate::pool;

/// A transport over a duplex of bytes: a socket, or two pipes joined by [`tokio::io::join`].
///
/// Reading borrows a buffer from a pool only while bytes are there; a message is handed over in a buffer of its own.
/// Writing gathers what was started and writes it with one call at `poll_flush`, or when 64 KiB wait; `poll_ready` is
/// pending while 64 KiB wait and the peer takes nothing. `poll_close` flushes and shuts the writing side down, after which
/// the peer's stream ends. Dropping closes at once and loses what was not flushed.
pub struct ByteTransport<S> {
    io: S,
    decoder: Decoder,
    unread: Vec<u8>,
    position: usize,
    output: Output,
    framing: Framing,
    ended: bool,
    _slot: Option<Slot>,
}

impl<S> ByteTransport<S> {
    /// Speaks over `io`; messages of the peer that are longer than `message_bytes` are skipped and reported.
    pub fn new(io: S, framing: Framing, message_bytes: usize) -> ByteTransport<S> {
        Self::counted(io, framing, message_bytes, None)
    }

    /// The same, counted against a listener's limit for as long as it lives.
    pub(crate) fn counted(io: S, framing: Framing, message_bytes: usize, slot: Option<Slot>) -> ByteTransport<S> {
        ByteTransport {
            io,
            decoder: Decoder::new(framing, message_bytes),
            unread: Vec::new(),
            position: 0,
            output: Output::default(),
            framing,
            ended: false,
            _slot: slot,
        }
    }

    fn decode(&mut self) -> Option<Result<Message, TransportError>> {
        let mut input = &self.unread[self.position..];
        let decoded = self.decoder.decode(&mut input);
        self.position = self.unread.len() - input.len();
        if self.position == self.unread.len() && self.unread.capacity() > 0 {
            pool::give_back(std::mem::take(&mut self.unread));
            self.position = 0;
        }
        decoded
    }

    fn end(&mut self, last: Option<Result<Message, TransportError>>) -> Option<Result<Message, TransportError>> {
        self.ended = true;
        last
    }
}

/// What one read brought.
enum Read {
    Message(Result<Message, TransportError>),
    Bytes,
    End,
}

impl<S: AsyncRead + Unpin> ByteTransport<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Read>> {
        match self.decoder.bulk() {
            None => self.poll_read_shared(cx),
            Some((message, most)) => {
                let start = message.len();
                if ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut message.limit(most)))? == 0 {
                    return Poll::Ready(Ok(Read::End));
                }
                let decoded = self.decoder.bulk_read(start, &mut self.unread);
                Poll::Ready(Ok(decoded.map_or(Read::Bytes, Read::Message)))
            }
        }
    }

    fn poll_read_shared(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Read>> {
        let mut buffer = pool::borrow();
        match poll_read_buf(Pin::new(&mut self.io), cx, &mut buffer) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.unread = buffer;
                Poll::Ready(Ok(Read::Bytes))
            }
            outcome => {
                pool::give_back(buffer);
                outcome.map_ok(|_| Read::End)
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Stream for ByteTransport<S> {
    type Item = Result<Message, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            let decoded = match this.decode() {
                Some(decoded) => decoded,
                None => match ready!(this.poll_read(cx)) {
                    Ok(Read::Bytes) => continue,
                    Ok(Read::Message(message)) => message,
                    Ok(Read::End) => {
                        let last = this.decoder.finish();
                        return Poll::Ready(this.end(last));
                    }
                    Err(error) => Err(error.into()),
                },
            };
            this.ended = decoded.as_ref().is_err_and(TransportError::is_fatal);
            return Poll::Ready(Some(decoded));
        }
    }
}

impl<S: AsyncWrite + Unpin> Sink<Message> for ByteTransport<S> {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        if !this.output.is_full() {
            return Poll::Ready(Ok(()));
        }
        match this.output.poll_write(&mut this.io, cx) {
            Poll::Pending if this.output.is_full() => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())),
            Poll::Ready(outcome) => Poll::Ready(outcome.map_err(TransportError::from)),
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        let this = self.get_mut();
        if message.len() > this.framing.longest() {
            return Err(TransportError::new("a message of 4 GiB or more does not fit this framing; use ndjson", None));
        }
        this.output.push(this.framing, message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = self.get_mut();
        ready!(this.output.poll_write(&mut this.io, cx))?;
        Pin::new(&mut this.io).poll_flush(cx).map_err(TransportError::from)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.as_mut().poll_flush(cx))?;
        match ready!(Pin::new(&mut self.get_mut().io).poll_shutdown(cx)) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Poll::Ready(Err(error.into())),
            Ok(()) | Err(_) => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;
