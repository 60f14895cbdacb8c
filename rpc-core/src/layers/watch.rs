//! Follows a reply to its end, whatever that is. Knows nothing of what is done with what it sees.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;

use crate::service::{ReplyFuture, ReplyStream};
use crate::{Code, Context, Fault, Item, Payload, Reply};

/// Sees a reply pass.
pub(super) trait Observer: Send + Unpin + 'static {
    /// This many bytes of an answer or an item passed.
    fn passed(&mut self, bytes: usize);

    /// It is over: with success, or with the code of its failure. Called once.
    fn ended(&mut self, code: Option<&str>);
}

/// An observer, and the promise that it will be told of the end: on success, failure, panic and drop.
pub(super) struct Watch<O: Observer> {
    observer: O,
    context: Context,
    polling: bool,
    over: bool,
}

impl<O: Observer> Watch<O> {
    pub(super) fn new(context: Context, observer: O) -> Watch<O> {
        Watch { observer, context, polling: false, over: false }
    }

    /// The same reply, watched.
    pub(super) fn over(mut self, reply: Reply) -> Reply {
        match reply {
            Reply::Ready(answer) => {
                self.answered(&answer);
                Reply::Ready(answer)
            }
            Reply::Future(work) => Reply::Future(Box::pin(Watched { work, watch: self })),
            Reply::Stream(delivery, work) => Reply::Stream(delivery, Box::pin(Watched { work, watch: self })),
        }
    }

    fn answered(&mut self, answer: &Result<Payload, Fault>) {
        match answer {
            Ok(payload) => {
                self.observer.passed(payload.as_bytes().len());
                self.end(None);
            }
            Err(fault) => self.end(Some(&fault.code)),
        }
    }

    fn end(&mut self, code: Option<&str>) {
        if !std::mem::replace(&mut self.over, true) {
            self.observer.ended(code);
        }
    }
}

impl<O: Observer> Drop for Watch<O> {
    fn drop(&mut self) {
        let panicked = self.polling || std::thread::panicking();
        let late = self.context.remaining().is_some_and(|left| left.is_zero());
        self.end(Some(match (panicked, late) {
            (true, _) => Code::INTERNAL,
            (false, true) => Code::RPC_TIMEOUT,
            (false, false) => Code::CANCELLED,
        }));
    }
}

struct Watched<W, O: Observer> {
    work: W,
    watch: Watch<O>,
}

impl<O: Observer> Future for Watched<ReplyFuture, O> {
    type Output = Result<Payload, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.watch.polling = true;
        let polled = this.work.as_mut().poll(cx);
        this.watch.polling = false;
        if let Poll::Ready(answer) = &polled {
            this.watch.answered(answer);
        }
        polled
    }
}

impl<O: Observer> Stream for Watched<ReplyStream, O> {
    type Item = Result<Item<Payload>, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.watch.polling = true;
        let polled = this.work.as_mut().poll_next(cx);
        this.watch.polling = false;
        match &polled {
            Poll::Pending => (),
            Poll::Ready(Some(Ok(item))) => this.watch.observer.passed(item.data.as_bytes().len()),
            Poll::Ready(Some(Err(fault))) => this.watch.end(Some(&fault.code)),
            Poll::Ready(None) => this.watch.end(None),
        }
        polled
    }
}
