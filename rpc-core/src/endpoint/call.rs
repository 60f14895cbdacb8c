//! A call in flight.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{CallHandle, LiveCall};
use crate::session::Outcome;
use crate::shared::DrivenSession;
use crate::{CallError, Received};

/// A call in flight: a future of its answer. Dropping it cancels the call.
///
/// # Errors
/// [`CallError`], whose code says what a caller can do about it.
#[must_use = "dropping a call cancels it"]
pub struct Call<R> {
    handle: Result<CallHandle, Option<CallError>>,
    parent: Option<ParentWatch>,
    decode: fn(Received) -> Result<R, CallError>,
}

impl<R> Call<R> {
    pub(super) fn new(
        handle: Result<CallHandle, CallError>,
        parent: Option<CancellationToken>,
        decode: fn(Received) -> Result<R, CallError>,
    ) -> Call<R> {
        Call { handle: handle.map_err(Some), parent: parent.map(ParentWatch::new), decode }
    }
}

impl<R> Future for Call<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let handle = match &mut this.handle {
            Ok(handle) => handle,
            Err(error) => return Poll::Ready(Err(error.take().unwrap_or(CallError::Cancelled))),
        };
        if let Some(parent) = &mut this.parent {
            parent.poll_abort(cx, handle);
        }
        let take = |session: &mut DrivenSession| {
            (session.take_outcome(handle.key, || cx.waker().clone()), session.take_replaced())
        };
        let (outcome, _replaced) = handle.shared.drive(take);
        let Some(outcome) = outcome else { return Poll::Pending };
        handle.has_ended();
        this.handle = Err(None);
        Poll::Ready(match outcome {
            Outcome::Result(result) => (this.decode)(result),
            Outcome::Complete => Err(CallError::NotUnary),
            Outcome::Failed(error) => Err(error),
        })
    }
}

impl<R> std::fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Watches for the end of the request in whose name a call was made.
pub(super) struct ParentWatch(Option<Pin<Box<WaitForCancellationFutureOwned>>>);

impl ParentWatch {
    pub(super) fn new(token: CancellationToken) -> ParentWatch {
        ParentWatch(Some(Box::pin(token.cancelled_owned())))
    }

    /// Aborts the call if its parent is over.
    pub(super) fn poll_abort(&mut self, cx: &mut Context<'_>, handle: &LiveCall) {
        if self.0.as_mut().is_some_and(|watch| watch.as_mut().poll(cx).is_ready()) {
            self.0 = None;
            handle.abort(CallError::Cancelled);
        }
    }
}
