//! The Sixframe engine: frames, the session's state machine, endpoints and services.

mod error;
mod flow;
pub mod frame;
mod identity;
mod limits;
pub mod session;
mod transport;

pub use error::{CallError, Closed, Code, Fault, TransportError};
pub use flow::RawItem;
pub use identity::{Identity, Scope, Scopes};
pub use limits::Limits;
pub use transport::{Connector, Message, Transport};
