//! A transport whose peer takes no message above a length. What is longer never leaves: the call that it belongs to fails with
//! an error that says why, on both sides, and the connection goes on.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_sink::Sink;
use serde_json::json;
use sixframe_core::frame::{self, Kind};
use sixframe_core::{Code, Fault, Message, Transport, TransportError};

/// Most bytes of a message from a native messaging host to its browser, which ends a host that sends more.
pub const TO_BROWSER_BYTES: usize = 1 << 20;

/// Another transport, of which the peer takes messages up to a length only.
///
/// An answer or an item that is longer becomes `RESOURCE_EXHAUSTED` at the peer, and an item's stream is cancelled here; a
/// request that is longer fails here. Closing and dropping are the other transport's.
#[derive(Debug)]
pub struct Bounded<T> {
    transport: T,
    longest: usize,
    why: &'static str,
    /// What the peer would have said.
    said: VecDeque<Message>,
    reader: Option<Waker>,
}

impl<T: Transport> Bounded<T> {
    /// Bounds `transport` to `longest` bytes a message; `why` says who takes no more, for the error.
    pub fn new(transport: T, longest: usize, why: &'static str) -> Bounded<T> {
        Bounded { transport, longest, why, said: VecDeque::new(), reader: None }
    }

    /// What leaves in the place of a message that is too long, if anything does.
    fn instead(&mut self, message: &Message) -> Option<Message> {
        let found = frame::peek_oversized(message);
        let (Some(kind), Some(cid)) = (found.kind, found.cid) else { return None };
        let fault = self.fault(message.len());
        match (kind, found.up) {
            (Kind::Req, _) => {
                self.say(frame::err(&cid, &fault));
                None
            }
            (Kind::Nxt | Kind::End, true) => {
                self.say(frame::err(&cid, &fault));
                Some(frame::can(&cid, None))
            }
            (Kind::Nxt, false) => {
                self.say(frame::can(&cid, None));
                Some(frame::err(&cid, &fault))
            }
            (Kind::Res | Kind::Err | Kind::End, _) => Some(frame::err(&cid, &fault)),
            (Kind::Can, _) => Some(frame::can(&cid, None)),
        }
    }

    fn fault(&self, length: usize) -> Fault {
        let Bounded { longest, why, .. } = self;
        let message = format!("a message of {length} bytes was not sent: {why}, at most {longest} bytes; ask for less");
        let details = json!({"limit": "message bytes to the peer", "value": longest, "setting": null});
        Fault::new(Code::RESOURCE_EXHAUSTED, message).details(details)
    }

    fn say(&mut self, message: Message) {
        self.said.push_back(message);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl<T: Transport> Stream for Bounded<T> {
    type Item = Result<Message, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(message) = this.said.pop_front() {
            return Poll::Ready(Some(Ok(message)));
        }
        let next = Pin::new(&mut this.transport).poll_next(cx);
        if next.is_pending() {
            this.reader = Some(cx.waker().clone());
        }
        next
    }
}

impl<T: Transport> Sink<Message> for Bounded<T> {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.get_mut().transport).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        let this = self.get_mut();
        let message = if message.len() > this.longest { this.instead(&message) } else { Some(message) };
        message.map_or(Ok(()), |message| Pin::new(&mut this.transport).start_send(message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.get_mut().transport).poll_close(cx)
    }
}
