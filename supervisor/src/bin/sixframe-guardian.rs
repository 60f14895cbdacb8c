//! The guardian as a program of its own, for embedders whose program is slow to start or must not run twice.

fn main() {
    sixframe_supervisor::stand_guard()
}
