//! Items from the caller.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Poll;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::{CallHandle, LiveCall};
use crate::{CallError, Payload, Received};

/// A call that takes items and answers once. Dropping it cancels the call.
#[must_use = "dropping an upload cancels it"]
#[derive(Debug)]
pub struct Upload<U, R> {
    sender: Sender<U>,
    call: Call<R>,
}

impl<U: Serialize, R> Upload<U, R> {
    pub(super) fn new(
        handle: Result<CallHandle, CallError>,
        parent: Option<CancellationToken>,
        decode: fn(Received) -> Result<R, CallError>,
    ) -> Upload<U, R> {
        let sender = Sender::new(handle.as_ref().ok().and_then(CallHandle::shared));
        Upload { sender, call: Call::new(handle, parent, decode) }
    }

    /// Sends one item, waiting for credit. False when the call has ended, whose outcome [`Upload::finish`] tells. Cancel
    /// safe: an item is sent whole or not at all.
    ///
    /// # Errors
    /// [`CallError::Encode`] when the item cannot be written as JSON.
    pub async fn send(&mut self, item: &U) -> Result<bool, CallError> {
        self.sender.send(item).await
    }

    /// Says that no more items come, and waits for the answer.
    ///
    /// # Errors
    /// As [`Call`].
    pub async fn finish(mut self) -> Result<R, CallError> {
        self.sender.finish();
        drop(self.sender);
        self.call.await
    }
}

/// The sending half of a duplex call. Dropping it says that no more items come.
#[derive(Debug)]
pub struct Sender<U> {
    handle: Option<Arc<LiveCall>>,
    types: PhantomData<fn(U)>,
}

impl<U: Serialize> Sender<U> {
    pub(super) fn new(handle: Option<Arc<LiveCall>>) -> Sender<U> {
        Sender { handle, types: PhantomData }
    }

    /// Sends one item, waiting for credit. False when the call has ended. Cancel safe: an item is sent whole or not at
    /// all.
    ///
    /// # Errors
    /// [`CallError::Encode`] when the item cannot be written as JSON.
    pub async fn send(&mut self, item: &U) -> Result<bool, CallError> {
        let item = Payload::of(item).map_err(|error| CallError::Encode(error.to_string()))?;
        let Some(handle) = self.handle.as_ref() else { return Ok(false) };
        let room = poll_fn(|cx| {
            let (room, _replaced) = handle
                .shared
                .with(|session, _| (session.upstream_room(handle.key, || cx.waker().clone()), session.take_replaced()));
            match room {
                Some(0) => Poll::Pending,
                Some(_) => Poll::Ready(true),
                None => Poll::Ready(false),
            }
        });
        if !room.await {
            return Ok(false);
        }
        handle.shared.with(|session, now| session.push_upstream(now, handle.key, [item]));
        Ok(true)
    }
}

impl<U> Sender<U> {
    /// Says that no more items come; the answers may go on.
    pub fn finish(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.shared.with(|session, now| session.finish_upstream(now, handle.key));
        }
    }
}

impl<U> Drop for Sender<U> {
    fn drop(&mut self) {
        self.finish();
    }
}
