//! Shared state for Sixframe: many windows, one truth.
//!
//! A [`Hub`] holds one JSON state in named slices. Every commit gets a version `(epoch, revision)`; a subscriber gets a
//! snapshot, or the patches since a version that it has, then patches. Commits may be conditional, checked against schemas
//! or Rust types, and repeated safely. An [`OutboundChannel`] carries events beside the state. [`router`] and
//! [`events_router`] serve both as methods; the crate knows no transport.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use sixframe_hub::{Hub, HubConfig, SliceConfig};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Progress {
//!     done: u32,
//!     of: u32,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Hub::new(HubConfig::default())?;
//! let first = sixframe_hub::Json::of(&Progress { done: 0, of: 10 })?;
//! let progress = hub.own::<Progress>(SliceConfig::new("progress", first).volatile())?;
//! progress.commit(|write| write.set("/done", 3))?;
//! assert_eq!(progress.read()?, Progress { done: 3, of: 10 });
//! assert!(progress.commit(|write| write.set("/done", "many")).is_err());
//! # Ok(())
//! # }
//! ```

mod api;
mod error;
mod hub;
mod json;
mod log;
mod mutations;
mod op;
mod outbound;
mod patch;
mod pointer;
mod replica;
mod retention;
mod selection;
mod service;
mod slice;
mod state;
mod store;
mod topics;
mod tree;
mod typed;
mod watch;

pub use api::{
    COMMIT, Change, CommitParams, Done, Event, EventsParams, Expect, GET_SNAPSHOT, Mode, Mutation, Place,
    REMOVE_SESSION, SessionParams, SessionUpdate, Snapshot, UPDATE_GLOBAL, UPDATE_SESSION, Version, WATCH,
    WATCH_EVENTS, WATCH_GLOBAL, WATCH_SESSION, WatchParams,
};
pub use error::CommitError;
pub use hub::{Commit, Hub, HubConfig, Listener, SliceError};
pub use json::Json;
pub use op::Op;
pub use outbound::{Events, OutboundChannel};
pub use pointer::{NoPointer, Pointer};
pub use replica::{Applied, Replica};
pub use service::{events_router, router};
pub use slice::{Check, Durability, NoSchema, SliceConfig, Test};
pub use state::Violation;
pub use store::{Cut, OpenError, Recovery};
pub use typed::{Slice, Write};
pub use watch::Watch;
