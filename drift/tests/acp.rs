//! What the services write and know of the Agent Client Protocol stands in fixtures that their own tests hold them to. Here the
//! fixtures are held to the protocol.
#![allow(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test that reads it")]

use serde_json::Value;
use sixframe_drift::{taken, vocabulary};

/// What earlier agents know, and the protocol does not any more: Gemini CLI 0.61.0 and codex-acp 2.6.0.
const EARLIER: [&str; 1] = ["session/set_model"];

fn fixture(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../services/tests/fixtures/");
    std::fs::read_to_string(format!("{path}{name}")).unwrap()
}

#[test]
fn everything_that_is_written_is_of_the_protocol() {
    let text = fixture("acp-written.jsonl");
    assert!(text.lines().count() > 10);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let message = &line["message"];
        if EARLIER.iter().any(|method| message["method"] == *method) {
            continue;
        }
        assert_eq!(taken(message, line["answers"].as_str()), Ok(()), "{message}");
    }
}

#[test]
fn what_the_protocol_does_not_know_is_found() {
    let wrong = r#"{"method":"session/new","params":{"cwd":"/","mcpServers":[],"cwdd":"x"}}"#;
    assert_eq!(taken(&serde_json::from_str(wrong).unwrap(), None), Err("/cwdd means nothing to it".to_owned()));
}

#[test]
fn every_word_of_the_protocol_is_one_that_the_services_are_tested_with() {
    let known: Value = serde_json::from_str(&fixture("acp-vocabulary.json")).unwrap();
    let now = vocabulary();
    assert_eq!(now, known, "the vocabulary has changed; it is now\n{}", serde_json::to_string_pretty(&now).unwrap());
}
