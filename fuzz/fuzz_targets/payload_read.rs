//! Payloads read and written as `serde_json` does.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sixframe_fuzz::payload_read(data));
