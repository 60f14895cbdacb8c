//! Logs, folded: what a fixed one comes to in three forms, and that whatever is missing of one, the rest is there.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;
use sixframe_services::agents::{Content, Transcript};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcript").join(name)
}

fn log() -> Vec<u8> {
    fs::read(fixture("log.jsonl")).unwrap()
}

/// Compares with what is kept; with SIXFRAME_BLESS in the environment, keeps it.
fn is_kept(name: &str, text: &str) {
    if std::env::var_os("SIXFRAME_BLESS").is_some() {
        fs::write(fixture(name), text).unwrap();
    }
    let kept = fs::read_to_string(fixture(name)).unwrap();
    assert!(kept == text, "{name} is another one; where that is wanted, run the test with SIXFRAME_BLESS=1:\n{text}");
}

#[test]
fn a_log_comes_to_the_same_transcript_in_each_form() {
    let transcript = Transcript::of_log(&log()).unwrap();
    is_kept("transcript.json", &transcript.json().unwrap());
    is_kept("transcript.md", &transcript.markdown());
    is_kept("transcript.org", &transcript.org());
    let read: Transcript = serde_json::from_str(&transcript.json().unwrap()).unwrap();
    assert_eq!(read, transcript, "what is written is read again");
}

#[test]
fn what_is_final_holds_over_deltas_and_deltas_are_what_is_left_of_what_is_not() {
    let transcript = Transcript::of_log(&log()).unwrap();
    let text = |turn: usize, id: &str| {
        let item = transcript.turns[turn].items.iter().find(|item| item.item_id == id).unwrap();
        item.item.content.clone()
    };
    let said = |text: &str| Some(vec![Content::Text { text: text.to_owned() }]);
    assert_eq!(text(0, "m1:0"), said("Let me look."));
    assert!(matches!(&text(0, "m1:1").unwrap()[0], Content::Text { text } if text.starts_with("I'll read `src")));
    assert_eq!(text(1, "m1:1"), said("half an ans"), "an id that is used again is another item");
    let tool = transcript.turns[1].items.last().unwrap().item.tool.clone().unwrap();
    assert_eq!(tool.input, Some(json!({"command": "sleep 1"})));
    assert_eq!(tool.output.unwrap().text.as_deref(), Some("out\n\nerr\n"));
}

#[test]
fn what_cannot_be_read_is_passed_over_and_said() {
    let transcript = Transcript::of_log(&log()).unwrap();
    let unread = transcript.unread;
    assert_eq!((unread.lines, unread.later_events, unread.torn_bytes), (1, 1, 11));
    for text in [transcript.markdown(), transcript.org()] {
        assert!(text.contains("bytes behind the last whole event of the log: 11."), "{text}");
        assert!(text.contains("The end of the log was torn: 17 bytes"), "{text}");
    }
    assert_eq!(Transcript::of_log(b""), None);
    assert_eq!(
        Transcript::of_log(b"\0\xff\n[]\n{\"seq\":1,\"sessionId\":\"x\",\"type\":\"native\",\"data\":{}}\n"),
        None
    );
}

#[test]
fn a_run_is_told_with_its_members() {
    let event = |seq: u64, kind: &str, data: serde_json::Value| {
        let envelope = json!({"v": 1, "epoch": "e", "seq": seq, "ts": "2026-11-21T06:00:00.000Z", "sessionId": "run_1",
            "type": kind, "data": data, "src": {"provider": "sixframe"}});
        envelope.to_string() + "\n"
    };
    let member = |name: &str| json!({"name": name, "provider": "builtin", "sessionId": format!("ses_{name}")});
    let log = [
        event(
            1,
            "run.started",
            json!({"prompt": "Do it\nwell", "cwd": "/p", "strategy": "vote", "members": [member("a"), member("b")]}),
        ),
        event(2, "run.member_ended", json!({"name": "a", "outcome": "completed", "answer": "# done"})),
        event(
            3,
            "run.member_ended",
            json!({"name": "b", "outcome": "failed", "error": {"kind": "crashed", "message": "gone", "retryable": true}}),
        ),
        event(4, "run.merged", json!({"by": "a", "chosen": "a", "text": "it works"})),
        event(5, "run.ended", json!({"outcome": "completed"})),
    ];
    let transcript = Transcript::of_log(log.concat().as_bytes()).unwrap();
    let info = &transcript.info;
    assert_eq!((info.provider.as_str(), info.turns, info.is_closed), ("run", 2, true));
    assert_eq!((info.title.as_deref(), info.run_id.as_deref()), (Some("Do it"), Some("run_1")));
    let run = transcript.run.as_ref().unwrap();
    assert_eq!(run.members[0].member.session_id.as_deref(), Some("ses_a"));
    for text in [transcript.markdown(), transcript.org()] {
        for part in ["Member: a", "ses_b", "it works", "gone"] {
            assert!(text.replace('\\', "").contains(part), "{part} in {text}");
        }
    }
}

proptest! {
    #[test]
    fn wherever_a_log_ends_what_is_before_is_told(cut in 0usize..12_000) {
        let log = log();
        let log = &log[..cut.min(log.len())];
        let whole = log.iter().filter(|byte| **byte == b'\n').count();
        let transcript = Transcript::of_log(log);
        prop_assert_eq!(transcript.is_some(), whole > 0);
        if let Some(transcript) = transcript {
            let torn = log.len() - log.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            prop_assert_eq!(transcript.unread.torn_bytes, torn as u64);
            transcript.markdown();
            transcript.org();
        }
    }

    #[test]
    fn whatever_bytes_are_in_a_log_it_is_read_to_its_end(at in 0usize..12_000, noise in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut log = log();
        let at = at.min(log.len());
        log.splice(at..at, noise);
        if let Some(transcript) = Transcript::of_log(&log) {
            prop_assert!(transcript.turns.len() <= 2);
        }
    }

    #[test]
    fn pieces_come_to_their_text_however_they_are_cut(text in "\\PC{1,40}", cuts in prop::collection::vec(0usize..40, 0..6)) {
        let mut ends: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
        ends.extend([0, text.len()]);
        ends.sort_unstable();
        let event = |kind: &str, data: serde_json::Value| {
            let envelope = json!({"v": 1, "epoch": "e", "seq": 1, "ts": "", "sessionId": "ses_1", "turnId": "t", "itemId": "i",
                "type": kind, "data": data, "src": {"provider": "x"}});
            envelope.to_string() + "\n"
        };
        let mut log = event("session.created", json!({"provider": "x", "cwd": "/p", "mode": "ask"}));
        log += &event("turn.started", json!({"promptId": "p"}));
        for pair in ends.windows(2) {
            log += &event("item.delta", json!({"field": "text", "delta": &text[pair[0]..pair[1]], "offset": pair[0]}));
        }
        let transcript = Transcript::of_log(log.as_bytes()).unwrap();
        prop_assert_eq!(&transcript.turns[0].items[0].item.content, &Some(vec![Content::Text { text }]));
    }
}
