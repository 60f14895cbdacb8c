//! What Sixframe's daemon does beside the shared state, as services of methods. Knows no transport.

pub mod agents;
