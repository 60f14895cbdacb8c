//! The connection to the parent process. The end of our input is its wish that we end, not a loss of the connection: what
//! it asked for before is still answered.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use sixframe_core::{Message, TransportError};
use sixframe_transports::Bounded;
use sixframe_transports::stdio::StdioTransport;
use tokio::sync::Notify;

/// Standard input and output, of which the input's end is told and then waited out.
pub(super) struct ParentTransport {
    stdio: Bounded<StdioTransport>,
    ended: Arc<Notify>,
    is_ended: bool,
}

impl ParentTransport {
    /// Tells `ended` of the end of `stdio`'s input.
    pub(super) fn new(stdio: Bounded<StdioTransport>, ended: Arc<Notify>) -> ParentTransport {
        ParentTransport { stdio, ended, is_ended: false }
    }
}

impl Stream for ParentTransport {
    type Item = Result<Message, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_ended {
            return Poll::Pending;
        }
        match Pin::new(&mut self.stdio).poll_next(cx) {
            Poll::Ready(None) => {
                self.is_ended = true;
                self.ended.notify_one();
                Poll::Pending
            }
            next => next,
        }
    }
}

impl Sink<Message> for ParentTransport {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.stdio).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), TransportError> {
        Pin::new(&mut self.stdio).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.stdio).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.stdio).poll_close(cx)
    }
}
