//! Runs the scripts of `spec/vectors` on the session's state machine. What a step means stands in `spec/vectors/README.md`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "vectors/acts.rs"]
mod acts;
#[path = "vectors/compare.rs"]
mod compare;
#[path = "vectors/player.rs"]
mod player;
#[path = "vectors/script.rs"]
mod script;

use std::fs;
use std::path::Path;

use script::{File, Vector};

fn files() -> Vec<(String, File)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let parse = |path: &Path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let file = serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, file)
    };
    files.iter().map(|path| parse(path)).collect()
}

fn vector(text: &str) -> Vector {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_vector_holds() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, file) in files() {
        for vector in &file.vectors {
            count += 1;
            if let Err(failure) = player::play(vector) {
                failures.push(format!("{name}: {}\n    {failure}", vector.name));
            }
        }
    }
    assert!(count > 120, "only {count} vectors were found");
    assert!(failures.is_empty(), "{} of {count} vectors fail\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_vector_that_misses_a_frame_fails() {
    let failure = player::play(&vector(
        r#"{"name": "x", "rules": ["call.1"], "steps": [{"call": {"as": "a", "method": "m"}}, {"idle": true}]}"#,
    ));
    assert!(failure.unwrap_err().contains("step 2"));
}

#[test]
fn a_vector_that_leaves_a_frame_unsent_fails() {
    let text = r#"{"name": "x", "rules": ["call.1"], "steps": [{"call": {"as": "a", "method": "m"}}]}"#;
    assert!(player::play(&vector(text)).unwrap_err().contains("unsent"));
}

#[test]
fn a_vector_that_misses_an_event_fails() {
    let steps = r#"{"receive": {"kind": "req", "cid": "p1", "method": "m"}}, {"advance": 1}"#;
    let text = format!(r#"{{"name": "x", "rules": ["call.1"], "steps": [{steps}]}}"#);
    assert!(player::play(&vector(&text)).unwrap_err().contains("step 2"));
}

#[test]
fn a_vector_that_expects_another_frame_fails() {
    let steps = r#"{"call": {"as": "a", "method": "m"}}, {"send": {"kind": "req", "cid": "$a", "method": "n"}}"#;
    let text = format!(r#"{{"name": "x", "rules": ["call.1"], "steps": [{steps}]}}"#);
    assert!(player::play(&vector(&text)).unwrap_err().contains("step 2"));
}
