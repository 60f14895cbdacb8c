//! Transports for Sixframe.
