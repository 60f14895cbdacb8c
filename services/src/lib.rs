//! What Sixframe's daemon offers beside the frames: services over the engine, the hub and the supervisor. They know no
//! transport by which they are called.

pub mod agents;
pub mod sidecars;
