//! How long transcripts take. `cargo test --release -p sixframe-services --test agents -- --ignored --nocapture --test-threads 1 figures`

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use serde_json::{Value, json};
use sixframe_services::agents::Transcript;

use super::house::House;

const WORDS: [&str; 16] = [
    "parser",
    "returns",
    "the",
    "RpcEndpoint",
    "resume_from",
    "트랜스크립트를",
    "검색한다",
    "検索結果を",
    "表示する",
    "fn",
    "main",
    "error",
    "because",
    "Vec<u8>",
    "buffer",
    "stream",
];

/// Words that are other ones each time, and the same in each run.
struct Writer(u64);

impl Writer {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn text(&mut self, words: usize) -> String {
        let mut text = String::new();
        for _ in 0..words {
            let word = WORDS[(self.next() % WORDS.len() as u64) as usize];
            write!(
                text,
                "{word}{} ",
                if self.next().is_multiple_of(3) { (self.next() % 5000).to_string() } else { String::new() }
            )
            .unwrap();
        }
        text
    }
}

/// The log of a session of so many turns, each with so many messages and tool calls.
fn log(id: &str, number: u64, turns: usize, items: usize) -> String {
    let (mut writer, mut seq, mut log) = (Writer(number), 0, String::new());
    let mut tell = |kind: &str, data: Value, turn: Option<&str>, item: Option<&str>| {
        seq += 1;
        let second = seq / 1000 % 3600;
        let ts = format!("2026-11-21T{:02}:{:02}:{:02}.{:03}Z", number % 24, second / 60, second % 60, seq % 1000);
        let mut envelope = json!({"v": 1, "epoch": "e", "seq": seq, "ts": ts, "sessionId": id});
        turn.iter().for_each(|turn| envelope["turnId"] = json!(turn));
        item.iter().for_each(|item| envelope["itemId"] = json!(item));
        let front = envelope.to_string();
        // The type stands in front, as an envelope is written.
        writeln!(
            log,
            "{},\"type\":{},\"data\":{data},\"src\":{{\"provider\":\"builtin\"}}}}",
            &front[..front.len() - 1],
            json!(kind)
        )
        .unwrap();
    };
    tell(
        "session.created",
        json!({"provider": "builtin", "cwd": format!("/p/project{}", number % 7), "mode": "ask"}),
        None,
        None,
    );
    for turn in 0..turns {
        let (turn, prompt) = (format!("turn_{turn}"), writer.text(12));
        tell(
            "prompt.queued",
            json!({"promptId": turn, "position": 0, "delivery": "queue", "content": [{"type": "text", "text": prompt}]}),
            None,
            None,
        );
        tell("turn.started", json!({"promptId": turn}), Some(&turn), None);
        for item in 0..items {
            let id = format!("{turn}-{item}");
            let data = match item % 2 {
                0 => {
                    json!({"kind": "agent_message", "status": "completed", "content": [{"type": "text", "text": writer.text(60)}]})
                }
                _ => json!({"kind": "tool_call", "status": "completed", "tool": {"name": "Bash", "title": "run it",
                    "input": {"command": writer.text(5)}, "output": {"text": writer.text(80), "truncated": false}}}),
            };
            tell("item.delta", json!({"field": "text", "delta": "some of it", "offset": 0}), Some(&turn), Some(&id));
            tell("item.upserted", data, Some(&turn), Some(&id));
        }
        tell("turn.ended", json!({"outcome": "completed", "durationMs": 1}), Some(&turn), None);
    }
    tell("session.closed", json!({"reason": "closed"}), None, None);
    log
}

#[test]
#[ignore = "takes figures"]
fn figures_of_a_long_session() {
    let text = log("ses_1", 1, 500, 20);
    let timed = |what: &str, work: &dyn Fn() -> usize| {
        let begun = Instant::now();
        let bytes = work();
        eprintln!("{what}: {:?}, {bytes} bytes", begun.elapsed());
    };
    eprintln!("a log of 10,000 items in 500 turns: {} bytes", text.len());
    timed("fold", &|| Transcript::of_log(text.as_bytes()).unwrap().turns.len());
    let transcript = Transcript::of_log(text.as_bytes()).unwrap();
    timed("as JSON", &|| transcript.json().unwrap().len());
    timed("as Markdown", &|| transcript.markdown().len());
    timed("as Org", &|| transcript.org().len());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes figures"]
async fn figures_of_a_beginning_among_ten_thousand_closed_sessions() {
    let house = House::new();
    house.agents.halt().await;
    let sessions = house.folder.path().join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    for number in 0..10_000 {
        let id = format!("ses_{number:04x}");
        let place = sessions.join(format!("{id}.jsonl"));
        fs::write(place, log(&id, number, 1, 10)).unwrap();
    }
    let begun = Instant::now();
    let house = house.restart().await;
    eprintln!("a daemon begins: {:?}", begun.elapsed());
    house.agents.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes figures"]
async fn figures_of_a_thousand_sessions() {
    let house = House::new();
    house.agents.halt().await;
    let sessions = house.folder.path().join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    let mut bytes = 0;
    for number in 0..1000 {
        let id = format!("ses_{number:04x}");
        let text = log(&id, number, 10, 10);
        bytes += text.len();
        fs::write(sessions.join(format!("{id}.jsonl")), text).unwrap();
    }
    let long = log("ses_ffff", 5, 500, 20);
    fs::write(sessions.join("ses_ffff.jsonl"), &long).unwrap();
    eprintln!("1,000 logs with 100 items each, and one with 10,000: {} bytes", bytes + long.len());
    let begun = Instant::now();
    let house = house.restart().await;
    eprintln!("a daemon begins: {:?}", begun.elapsed());
    let first = Instant::now();
    house.ask("transcript.list", json!({"limit": 100})).await.unwrap();
    eprintln!("the first list of 100: {:?}", first.elapsed());
    while house.ask("transcript.search", json!({"query": "parser"})).await.unwrap()["isRebuilding"] == true {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    eprintln!("all of it is in the index after {:?}", begun.elapsed());
    let size: u64 =
        fs::read_dir(sessions.join("index/v1")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    eprintln!("the index: {size} bytes");
    for query in [
        "parser",
        "parser1234",
        "RpcEndpoint",
        "\"the RpcEndpoint\"",
        "스크립트",
        "索結",
        "검",
        "p",
        "resume_from42 error",
        "nowhere",
    ] {
        let mut times = Vec::new();
        let mut hits = 0;
        for _ in 0..20 {
            let begun = Instant::now();
            let answer = house.ask("transcript.search", json!({"query": query})).await.unwrap();
            times.push(begun.elapsed());
            hits = answer["hits"].as_array().unwrap().len();
        }
        times.sort_unstable();
        eprintln!("{query}: {hits} hits, median {:?}, worst {:?}", times[10], times[19]);
    }
    for (what, method, params) in [
        ("a list of 100", "transcript.list", json!({"limit": 100})),
        ("a list of 1000", "transcript.list", json!({"limit": 1000})),
        ("10,000 items as Markdown", "transcript.get", json!({"sessionId": "ses_ffff", "format": "md"})),
        ("10,000 items to three files", "transcript.export", json!({"sessionId": "ses_ffff"})),
        ("100 items to three files", "transcript.export", json!({"sessionId": "ses_0001"})),
    ] {
        let begun = Instant::now();
        house.ask(method, params).await.map(drop).unwrap_or_else(|error| eprintln!("{error}"));
        eprintln!("{what}: {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let house = house.restart().await;
    house.ask("transcript.search", json!({"query": "parser"})).await.unwrap();
    eprintln!("the first search of the next daemon: {:?}", begun.elapsed());
}
