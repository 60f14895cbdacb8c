//! Items from the caller, as its responder takes them.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{self, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::session::{self, Outcome, Taken};
use crate::{Context, Fault};

/// The items that a caller sends with its call. Ends when the caller says that no more come.
///
/// Dropping it leaves what still comes unread; the caller is told nothing until the call is answered.
///
/// # Errors
/// An item that does not fit `U` is `INVALID_PAYLOAD`, and the stream goes on; `CANCELLED` when the call is over.
#[derive(Debug)]
pub struct Upstream<U> {
    context: Context,
    taken: session::Items,
    ended: bool,
    types: PhantomData<fn() -> U>,
}

impl<U> Upstream<U> {
    /// Accepts the caller's items: it gets its first credit with this.
    pub(crate) fn new(context: Context) -> Upstream<U> {
        context.0.shared.with(|session, now| session.accept_upstream(now, context.0.key));
        Upstream { context, taken: session::Items::new(), ended: false, types: PhantomData }
    }
}

impl<U: DeserializeOwned> Upstream<U> {
    /// The next item, `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// As the stream's items.
    pub async fn next(&mut self) -> Option<Result<U, Fault>> {
        StreamExt::next(self).await
    }
}

impl<U: DeserializeOwned> Stream for Upstream<U> {
    type Item = Result<U, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.taken.pop_front() {
                return Poll::Ready(Some(item.data.parse().map_err(Fault::from)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let (parts, taken) = (&this.context.0, &mut this.taken);
            let (step, _replaced) = parts.shared.with(|session, now| {
                let step = session.take_upstream(now, parts.key, taken, || cx.waker().clone());
                (step, session.take_replaced())
            });
            match step {
                Taken::Items => (),
                Taken::Pending => return Poll::Pending,
                Taken::Ended(outcome) => {
                    this.ended = true;
                    return Poll::Ready(match outcome {
                        Outcome::Failed(error) => Some(Err(error.into())),
                        Outcome::Complete | Outcome::Result(_) => None,
                    });
                }
            }
        }
    }
}
