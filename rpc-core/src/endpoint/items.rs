//! A stream in flight.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::call::ParentWatch;
use super::{CallHandle, decode_item};
use crate::session::{self, Outcome, Taken};
use crate::{CallError, Item, Received};

/// A stream of items. Dropping it cancels the stream, also while the next item is awaited.
///
/// An item that does not fit `T` is an error of its own; the stream goes on. Any other error is the last item.
#[must_use = "dropping a stream cancels it"]
pub struct Items<T> {
    handle: Result<CallHandle, Option<CallError>>,
    parent: Option<ParentWatch>,
    taken: session::Items,
    reset: bool,
    decode: fn(Received) -> Result<T, CallError>,
}

impl<T> Items<T> {
    pub(super) fn new(
        handle: Result<CallHandle, CallError>,
        parent: Option<CancellationToken>,
        decode: fn(Received) -> Result<T, CallError>,
    ) -> Items<T> {
        let (taken, parent) = (session::Items::new(), parent.map(ParentWatch::new));
        Items { handle: handle.map_err(Some), parent, taken, reset: false, decode }
    }

    /// The next item, `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// As the stream's items.
    pub async fn next(&mut self) -> Option<Result<Item<T>, CallError>> {
        StreamExt::next(self).await
    }

    /// The stream of the values alone, without position and reset; the errors are the same. Dropping it cancels the stream.
    pub fn values(self) -> impl Stream<Item = Result<T, CallError>> {
        self.map(|item| item.map(|item| item.data))
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<CallError>> {
        let handle = match &mut self.handle {
            Ok(handle) => handle,
            Err(error) => return Poll::Ready(error.take()),
        };
        if let Some(parent) = &mut self.parent {
            parent.poll_abort(cx, handle);
        }
        let taken = &mut self.taken;
        let (step, _replaced) = handle.shared.with(|session, now| {
            let step = session.take_items(now, handle.key, taken, || cx.waker().clone());
            (step, session.take_replaced())
        });
        match step {
            Taken::Items => Poll::Ready(None),
            Taken::Pending => Poll::Pending,
            Taken::Ended(outcome) => {
                handle.has_ended();
                self.handle = Err(None);
                Poll::Ready(match outcome {
                    Outcome::Failed(error) => Some(error),
                    Outcome::Complete | Outcome::Result(_) => None,
                })
            }
        }
    }
}

impl<T> Stream for Items<T> {
    type Item = Result<Item<T>, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            while let Some(raw) = this.taken.pop_front() {
                if let Some(item) = decode_item(raw, &mut this.reset, this.decode) {
                    return Poll::Ready(Some(item));
                }
            }
            match this.poll_take(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) if this.taken.is_empty() && this.handle.is_err() => return Poll::Ready(None),
                Poll::Ready(None) => (),
            }
        }
    }
}

impl<T> std::fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("handle", &self.handle).field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}
