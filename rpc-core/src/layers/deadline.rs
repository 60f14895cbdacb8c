//! The longest time that any request may take.

use std::sync::Arc;
use std::time::Duration;

use crate::{Request, Service};

/// Ends every request, streams too, that runs longer than `longest` or than its caller allows, whichever is less: its
/// handler is dropped and it is answered with `RPC_TIMEOUT` (spec: `time.5`). [`crate::Context::remaining`] knows of it,
/// and so do the calls that the handler makes.
pub fn deadline_cap(longest: Duration) -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    move |next| {
        Arc::new(move |request: Request| {
            request.context.cap(longest);
            next.call(request)
        })
    }
}
