//! Sixframe: six frames, any transport.
