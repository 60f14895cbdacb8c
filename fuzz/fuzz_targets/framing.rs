//! The framings, whatever pieces a stream comes in.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sixframe_fuzz::framing(data));
