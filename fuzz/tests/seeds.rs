//! The committed inputs of every target, run once: what a fuzzer found stays fixed, and the targets stay in order.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

fn run(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no seeds", folder.display());
    for path in paths {
        let input = fs::read(&path).unwrap();
        if panic::catch_unwind(AssertUnwindSafe(|| body(&input))).is_err() {
            panic!("{} does not hold", path.display());
        }
    }
}

#[test]
fn every_seed_decodes_alike_in_every_way() {
    run("frame_decode", sixframe_fuzz::frame_decode);
}

#[test]
fn every_seed_is_cut_into_the_same_messages_in_any_pieces() {
    run("framing", sixframe_fuzz::framing);
}

#[test]
fn every_seed_keeps_the_invariants_of_a_session() {
    run("session_frames", sixframe_fuzz::session_frames);
}

#[test]
fn every_seed_settles_the_calls_of_two_sessions() {
    run("session_pair", sixframe_fuzz::session_pair);
}

#[test]
fn every_seed_is_read_and_written_as_serde_json_does() {
    run("payload_read", sixframe_fuzz::payload_read);
}
