//! Turns that Claude Code begins by itself: recordings of commands in the background, which have ended while nothing was asked of
//! it, and while something was.

use serde_json::{Value, json};
use sixframe_services::agents::{
    Claude, Command, Content, Cost, Fact, Launch, Outcome, Prompt, Step, Translator, TurnEnd, Usage, Verdict,
};

use super::replay::{self, Heard};

/// Plays a recording. The ids of prompts are ours in it.
fn played(name: &str) -> Heard {
    let (mut claude, mut heard) = (Claude::default(), Heard::default());
    let mut ids = Vec::<(String, String)>::new();
    for (is_agents, line) in replay::lines(&format!("claude-2.1.329-{name}")) {
        if is_agents {
            let text = ids.iter().fold(line.to_string(), |text, (theirs, ours)| text.replace(theirs, ours));
            heard.take(claude.hear(text.as_bytes()));
            continue;
        }
        let steps = command(&mut claude, &line);
        if let (Some(theirs), [Step::Say(said)]) = (line["uuid"].as_str(), steps.as_slice()) {
            ids.push((theirs.to_owned(), said["uuid"].as_str().unwrap().to_owned()));
        }
        heard.take(steps);
    }
    heard
}

fn command(claude: &mut Claude, line: &Value) -> Vec<Step> {
    match line["type"].as_str() {
        Some("user") => claude.command(prompt(line["message"]["content"][0]["text"].as_str().unwrap())),
        Some("control_response") => {
            let key = line["response"]["request_id"].as_str().unwrap().to_owned();
            claude.command(Command::Decide { key, verdict: Verdict::Allow { option_id: "allow_once".into() } })
        }
        _ => claude.open(&Launch::default()),
    }
}

fn prompt(text: &str) -> Command {
    Command::Prompt(Prompt::new("p", vec![Content::Text { text: text.to_owned() }]))
}

/// What tells of turns and messages, in short.
fn told(heard: &Heard) -> Vec<String> {
    let messages = heard.messages();
    let mut messages = messages.iter();
    let mut short = |fact: &Fact| match fact {
        Fact::Began { reason } => Some(format!("began: {}", reason.as_deref().unwrap_or_default())),
        Fact::Ended(end) => {
            Some(format!("{:?} for {:?}", end.outcome, end.cost.as_ref().map(|cost| cost.amount_micros)))
        }
        Fact::Asked(ask) => Some(format!("asks: {}", ask.title)),
        Fact::Item { item, .. } if item.content.is_some() => messages.next().cloned(),
        _ => None,
    };
    heard.told.iter().filter_map(|told| short(&told.fact)).collect()
}

#[test]
fn a_turn_that_it_begins_by_itself_begins_and_ends_as_that() {
    let heard = played("background-idle");
    let expected = [
        "Done: the tool ran.",
        "Completed for Some(560)",
        "began: Background command \"wait\" completed (exit code 0)",
        "The background is done.",
        "Completed for Some(280)",
        "Hello from the mock model.",
        "Completed for Some(280)",
    ];
    assert_eq!(told(&heard), expected);
    let are_own: Vec<bool> = heard
        .told
        .iter()
        .filter_map(|told| match &told.fact {
            Fact::Ended(end) => Some(end.is_own),
            _ => None,
        })
        .collect();
    assert_eq!(are_own, [false, true, false]);
}

#[test]
fn a_result_of_its_own_does_not_end_the_turn_of_a_prompt_that_it_has_not_begun() {
    let heard = played("background-prompt-before");
    let expected = [
        "Done: the tool ran.",
        "Completed for Some(560)",
        "The background is done.",
        "Hello from the mock model.",
        "Completed for Some(560)",
    ];
    assert_eq!(told(&heard), expected);
    let used = |end: &TurnEnd| end.usage.map(|Usage { output, .. }| output);
    assert_eq!(used(heard.ends()[1]), Some(24), "what it used by itself is told with it");
}

#[test]
fn a_prompt_that_it_takes_up_in_the_midst_of_its_own_turn_ends_with_that() {
    let heard = played("background-prompt-within");
    let expected = [
        "Done: the tool ran.",
        "Completed for Some(560)",
        "began: Background command \"ownwrite\" completed (exit code 0)",
        "Own turn writes.",
        "asks: Write: /project/own.txt",
        "Done: the tool ran.",
        "Completed for Some(560)",
    ];
    assert_eq!(told(&heard), expected);
}

#[test]
fn every_prompt_has_an_id_of_its_own() {
    let mut claude = Claude::default();
    let mut id = || {
        let steps = claude.command(prompt("x"));
        let [Step::Say(said)] = steps.as_slice() else { panic!("{steps:?}") };
        said["uuid"].as_str().unwrap().to_owned()
    };
    let (first, second) = (id(), id());
    assert_ne!(first, second);
    let shape: String = first.chars().map(|digit| if digit.is_ascii_hexdigit() { 'x' } else { digit }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!(&first[14..15], "4");
}

/// What follows from lines behind a prompt, where `ID` is the prompt's.
fn behind_a_prompt(lines: &[Value]) -> Vec<Outcome> {
    let (mut claude, mut heard) = (Claude::default(), Heard::default());
    heard.take(claude.command(prompt("x")));
    let id = heard.said[0]["uuid"].as_str().unwrap().to_owned();
    lines.iter().for_each(|line| heard.take(claude.hear(line.to_string().replace("ID", &id).as_bytes())));
    heard.outcomes()
}

fn lifecycle(state: &str) -> Value {
    json!({"type": "command_lifecycle", "command_uuid": "ID", "state": state})
}

#[test]
fn a_prompt_that_is_taken_back_ends_once_also_where_no_result_follows() {
    let working = json!({"type": "system", "subtype": "status", "status": "requesting"});
    let stopped = json!({"type": "result", "subtype": "error_during_execution", "terminal_reason": "aborted_streaming", "is_error": true,
        "origin": {"kind": "task-notification"}});
    let (queued, cancelled) = (lifecycle("queued"), lifecycle("cancelled"));
    assert_eq!(behind_a_prompt(&[queued.clone(), cancelled.clone()]), [Outcome::Interrupted]);
    assert_eq!(behind_a_prompt(&[queued, working, cancelled, stopped]), [Outcome::Interrupted]);
}

#[test]
fn versions_that_tell_nothing_of_prompts_end_them_by_the_next_result_that_is_not_their_own() {
    let done = json!({"type": "result", "subtype": "success"});
    let own = json!({"type": "result", "subtype": "success", "origin": {"kind": "task-notification"}});
    assert_eq!(behind_a_prompt(std::slice::from_ref(&done)), [Outcome::Completed]);
    assert_eq!(behind_a_prompt(std::slice::from_ref(&own)), []);
    assert_eq!(behind_a_prompt(&[own, done]), [Outcome::Completed]);
}

/// What turns cost, by a process whose sums tell of so many turns at the end of each.
fn costs(launch: &Launch, sums: &[u64]) -> Vec<Option<u64>> {
    let (mut claude, mut heard) = (Claude::default(), Heard::default());
    heard.take(claude.open(launch));
    let ready = json!({"subtype": "success", "request_id": "initialise", "response": {}});
    heard.take(claude.hear(json!({"type": "control_response", "response": ready}).to_string().as_bytes()));
    for turns in sums {
        heard.take(claude.command(prompt("hello")));
        let model = json!({"inputTokens": 10 * turns, "outputTokens": 12 * turns, "contextWindow": 1_000_000});
        let result = json!({
            "type": "result", "subtype": "success", "is_error": false, "total_cost_usd": 0.00028 * *turns as f64,
            "usage": {"input_tokens": 10, "output_tokens": 12}, "modelUsage": {"claude-opus-5-5": model},
        });
        heard.take(claude.hear(result.to_string().as_bytes()));
    }
    heard.ends().iter().map(|end| end.cost.as_ref().map(|cost| cost.amount_micros)).collect()
}

#[test]
fn a_turn_costs_what_it_does_though_its_process_tells_the_sum_of_the_session() {
    let after = |turns: u64| {
        let spent = Cost::of_dollars(0.00028 * turns as f64);
        Launch { resume: Some("native".into()), spent, ..Launch::default() }
    };
    assert_eq!(costs(&Launch::default(), &[1, 2, 3]), [Some(280); 3]);
    assert_eq!(costs(&after(3), &[4, 5]), [Some(280); 2], "it goes on with the sum");
    for turns in [1, 3] {
        assert_eq!(
            costs(&after(turns), &[1, 2]),
            [Some(280); 2],
            "where another session was ended last, it begins anew"
        );
    }
    let fork = Launch { is_fork: true, ..after(3) };
    assert_eq!(costs(&fork, &[1, 2]), [Some(280); 2], "a fork may have a sum of its own");
    assert_eq!(costs(&fork, &[3, 4]), [None, Some(280)], "or one of which nobody knows what was in it");
}
