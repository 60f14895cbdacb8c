//! Middleware: functions from service to service, to be given to [`crate::Router::layer`]. Each handles answers that are
//! there, that will come, and streams; none looks into payloads.
//!
//! The layer added last sees a request first: add [`operations()`] before [`authorize()`], and [`trace()`] after both.
//!
//! ```
//! use std::time::Duration;
//!
//! use sixframe_core::layers::{self, Concurrency, Metrics, Operations};
//! use sixframe_core::{Fault, Method, Router};
//!
//! const ADD: Method<(i64, i64), i64> = Method::new("add");
//!
//! let metrics = Metrics::new();
//! let service = Router::new()
//!     .function(ADD, |_, (a, b)| Ok::<_, Fault>(a + b))
//!     .layer(layers::operations(Operations::default()))
//!     .layer(layers::concurrency_limit(Concurrency::default()))
//!     .layer(layers::deadline_cap(Duration::from_secs(300)))
//!     .layer(layers::authorize())
//!     .layer(metrics.layer())
//!     .layer(layers::trace())
//!     .into_service();
//! # drop(service);
//! assert!(metrics.snapshot().methods.is_empty());
//! ```

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
