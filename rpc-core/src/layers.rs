//! Middleware: functions from service to service, to be given to [`crate::Router::layer`]. Each handles answers that are
//! there, that will come, and streams; none looks into payloads.
//!
//! The layer added last sees a request first: add [`operations`] before [`authorize`], and [`trace`] after both.

mod authorize;
mod concurrency;
mod deadline;
mod logging;
mod metrics;
mod operations;
mod trace;
mod watch;

pub use authorize::authorize;
pub use concurrency::{Concurrency, concurrency_limit};
pub use deadline::deadline_cap;
pub use logging::logging;
pub use metrics::{LATENCY_BUCKETS, MethodMetrics, Metrics, MetricsSnapshot};
pub use operations::{Operations, operations};
pub use trace::trace;
