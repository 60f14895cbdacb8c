//! The Sixframe engine: frames, the session's state machine, endpoints and services.

mod error;
mod identity;
mod limits;
mod transport;

pub use error::{Code, Fault, TransportError};
pub use identity::{Identity, Scope, Scopes};
pub use limits::Limits;
pub use transport::{Connector, Message, Transport};
