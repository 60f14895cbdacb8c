//! A span for every request, which its handler runs in.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

use crate::service::ReplyStream;
use crate::{Fault, Item, Payload, Reply, Request, Service};

/// Runs every handler, its future and its stream, in a span `request` of the level `info` with `method` and `cid`, and
/// with the W3C `trace_id` and `parent_span_id` that the caller sent. Calls that the handler makes through its context
/// continue that trace. Costs nothing where the span is off.
pub fn trace() -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    |next| {
        Arc::new(move |request: Request| {
            let span = span(&request);
            if span.is_disabled() {
                return next.call(request);
            }
            match span.in_scope(|| next.call(request)) {
                Reply::Ready(answer) => Reply::Ready(answer),
                Reply::Future(future) => Reply::Future(Box::pin(future.instrument(span))),
                Reply::Stream(delivery, source) => {
                    Reply::Stream(delivery, Box::pin(InSpan { source: Some(source), span }))
                }
            }
        })
    }
}

fn span(request: &Request) -> Span {
    let (method, cid) = (request.method.as_str(), request.context.cid());
    let span = tracing::info_span!("request", method, cid, trace_id = Empty, parent_span_id = Empty);
    if !span.is_disabled()
        && let Some(trace) = request.context.trace()
    {
        span.record("trace_id", display(format_args!("{:032x}", trace.trace_id)));
        span.record("parent_span_id", display(format_args!("{:016x}", trace.span_id)));
    }
    span
}

/// A stream that is polled and dropped in a span.
struct InSpan {
    source: Option<ReplyStream>,
    span: Span,
}

impl Stream for InSpan {
    type Item = Result<Item<Payload>, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let InSpan { source, span } = &mut *self;
        let _entered = span.enter();
        source.as_mut().map_or(Poll::Ready(None), |source| source.as_mut().poll_next(cx))
    }
}

impl Drop for InSpan {
    fn drop(&mut self) {
        let InSpan { source, span } = self;
        span.in_scope(|| drop(source.take()));
    }
}
