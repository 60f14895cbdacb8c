//! Two sessions, joined by a pipe that is slow and breaks.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sixframe_fuzz::session_pair(data));
