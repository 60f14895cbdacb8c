//! A line of log for every request that is over. Payloads never stand in it.

use std::sync::Arc;

use smol_str::SmolStr;
use tokio::time::Instant;

use super::watch::{Observer, Watch};
use crate::{Code, Request, Service};

/// Logs each request at its end through `tracing`, with method, `cid`, code, duration and bytes: successes at the level
/// `debug`, failures at `info`, `INTERNAL` at `warn`. Costs nothing where `warn` is off.
pub fn logging() -> impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service> {
    |next| {
        Arc::new(move |request: Request| {
            if !tracing::enabled!(tracing::Level::WARN) {
                return next.call(request);
            }
            let watch = Watch::new(request.context.clone(), Line::of(&request));
            watch.over(next.call(request))
        })
    }
}

struct Line {
    method: SmolStr,
    cid: SmolStr,
    start: Instant,
    bytes_in: usize,
    bytes_out: usize,
}

impl Line {
    fn of(request: &Request) -> Line {
        Line {
            method: request.method.clone(),
            cid: request.context.cid().into(),
            start: Instant::now(),
            bytes_in: request.payload.len(),
            bytes_out: 0,
        }
    }
}

impl Observer for Line {
    fn passed(&mut self, bytes: usize) {
        self.bytes_out += bytes;
    }

    fn ended(&mut self, code: Option<&str>) {
        let Line { method, cid, bytes_in, bytes_out, .. } = self;
        let took = self.start.elapsed();
        match code {
            None => tracing::debug!(%method, %cid, ?took, bytes_in, bytes_out, "answered"),
            Some(Code::INTERNAL) => {
                tracing::warn!(%method, %cid, code = Code::INTERNAL, ?took, bytes_in, bytes_out, "failed");
            }
            Some(code) => tracing::info!(%method, %cid, code, ?took, bytes_in, bytes_out, "failed"),
        }
    }
}
