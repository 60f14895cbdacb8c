//! What waits to be written on one connection: small messages gathered in one buffer, large ones kept whole beside it.
//! Knows nothing of what the bytes mean.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use sixframe_core::Message;
use tokio::io::AsyncWrite;

use crate::Framing;
use crate::pool;

/// Bytes that may wait before the sink asks its user to wait too.
pub(crate) const HIGH_WATER: usize = 64 * 1024;

/// From this size on, a message is written from its own buffer instead of being copied.
const KEPT_WHOLE: usize = 32 * 1024;

const SLICES: usize = 16;

#[derive(Default)]
pub(crate) struct Output {
    /// In front of `open`, in order.
    sealed: VecDeque<Bytes>,
    open: Vec<u8>,
    /// How much of `open` has left; not 0 only while `sealed` is empty.
    written: usize,
    waiting: usize,
}

impl Output {
    pub(crate) fn is_full(&self) -> bool {
        self.waiting >= HIGH_WATER
    }

    pub(crate) fn push(&mut self, framing: Framing, message: Message) {
        if self.open.capacity() == 0 {
            self.open = pool::borrow();
        }
        let before = self.open.len();
        if message.len() < KEPT_WHOLE {
            framing.encode(&message, &mut self.open);
            self.waiting += self.open.len() - before;
            return;
        }
        framing.encode_head(message.len(), &mut self.open);
        self.waiting += self.open.len() - before + message.len() + framing.tail().len();
        self.seal();
        self.sealed.push_back(framing.flatten_bytes(message));
        self.open.extend_from_slice(framing.tail());
    }

    /// Writes until nothing waits, in as few calls as the system allows.
    pub(crate) fn poll_write<W>(&mut self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        while self.waiting > 0 {
            match ready!(self.poll_write_once(io, cx))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.advance(count),
            }
        }
        pool::give_back(std::mem::take(&mut self.open));
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Bytes kept for what waits.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.open.capacity() + self.sealed.iter().map(Bytes::len).sum::<usize>() + self.sealed.capacity()
    }

    fn poll_write_once<W>(&self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<usize>>
    where
        W: AsyncWrite + Unpin,
    {
        let open = &self.open[self.written..];
        match self.sealed.front() {
            None => Pin::new(io).poll_write(cx, open),
            Some(first) if !io.is_write_vectored() => Pin::new(io).poll_write(cx, first),
            Some(_) => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let chunks = self.sealed.iter().map(Bytes::as_ref).chain([open]);
                let used = slices.iter_mut().zip(chunks).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count();
                Pin::new(io).poll_write_vectored(cx, &slices[..used])
            }
        }
    }

    fn advance(&mut self, mut count: usize) {
        self.waiting -= count;
        while let Some(first) = self.sealed.front_mut() {
            if count < first.len() {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.sealed.pop_front();
        }
        self.sealed.shrink_to(0);
        self.written += count;
        if self.written >= HIGH_WATER {
            self.open.drain(..self.written);
            self.written = 0;
        }
    }

    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut open = Bytes::from(std::mem::take(&mut self.open));
        open.advance(std::mem::take(&mut self.written));
        self.sealed.push_back(open);
    }
}
