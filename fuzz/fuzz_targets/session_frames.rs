//! One session against a peer that may say anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sixframe_fuzz::session_frames(data));
