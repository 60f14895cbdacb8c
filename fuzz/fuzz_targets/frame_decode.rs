//! The decoder's fast path against its general parser.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sixframe_fuzz::frame_decode(data));
