//! The connection to the parent process. The end of our input, in order or not, is no loss of the connection: what was asked
//! for before is still answered.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use sixframe_core::{Message, TransportError};
use sixframe_transports::Bounded;
use sixframe_transports::stdio::StdioTransport;
use tokio::sync::oneshot;

/// Standard input and output, of which the input's end is told and then waited out.
pub(super) struct ParentTransport {
    stdio: Bounded<StdioTransport>,
    /// Tells how the input ended; it has where there is none.
    ended: Option<oneshot::Sender<Result<(), TransportError>>>,
}

impl ParentTransport {
    /// Tells how `stdio`'s input ends.
    pub(super) fn new(
        stdio: Bounded<StdioTransport>,
    ) -> (ParentTransport, oneshot::Receiver<Result<(), TransportError>>) {
        let (tell, ended) = oneshot::channel();
        (ParentTransport { stdio, ended: Some(tell) }, ended)
    }
}

impl Stream for ParentTransport {
    type Item = Result<Message, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended.is_none() {
            return Poll::Pending;
        }
        let how = match Pin::new(&mut self.stdio).poll_next(cx) {
            Poll::Ready(None) => Ok(()),
            Poll::Ready(Some(Err(error))) if error.is_fatal() => Err(error),
            next => return next,
        };
        // Nobody listens where a signal came first.
        let _ = self.ended.take().map(|ended| ended.send(how));
        Poll::Pending
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
