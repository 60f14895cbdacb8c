use serde_json::{Value, json};
use sixframe_services::agents::{
    Acp, Action, Answers, ChangeKind, Command, Content, DeltaField, Fact, ItemKind, ItemStatus, Launch, OptionKind,
    Outcome, Prompt, Step, Translator, Verdict,
};

use super::replay::{self, Heard, text};

const MAIN: [&str; 4] = [
    "acp-gemini-0.61.0-nofs-main",
    "acp-claude-agent-acp-0.100.0-main",
    "acp-codex-acp-2.6.0-main",
    "acp-codex-acp-2.6.0-readonly-main",
];

const CANCEL: [&str; 4] = [
    "acp-gemini-0.61.0-nofs-cancel",
    "acp-claude-agent-acp-0.100.0-cancel",
    "acp-codex-acp-2.6.0-cancel",
    "acp-codex-acp-2.6.0-readonly-cancel",
];

/// Plays a recording. The host of it may have asked what we do not, so its ids are put in the place of ours.
fn played(name: &str) -> Heard {
    let mut acp = Acp::default();
    let mut heard = Heard::default();
    let mut ids = std::collections::HashMap::new();
    for (is_agents, line) in replay::lines(name) {
        let before = heard.said.len();
        if is_agents {
            let mut line = line;
            let is_answer = line.get("method").is_none();
            if let Some(ours) = ids.get(&line["id"].to_string()).filter(|_| is_answer) {
                line["id"] = Value::clone(ours);
            } else if is_answer {
                continue;
            }
            heard.take(acp.hear(line.to_string().as_bytes()));
            continue;
        }
        let steps = match line["method"].as_str() {
            Some("initialize") => acp.open(&Launch::default()),
            Some("session/prompt") => {
                let text = line["params"]["prompt"][0]["text"].as_str().unwrap().to_owned();
                acp.command(Command::Prompt(Prompt::new("p", vec![Content::Text { text }])))
            }
            Some("session/cancel") => acp.command(Command::Interrupt),
            // It follows by itself from the answer before it.
            Some("session/new") => Vec::new(),
            Some(_) => Vec::new(),
            None => answer(&mut acp, &heard, &line),
        };
        heard.take(steps);
        let said = heard.said[before..].iter().chain(heard.said.iter().rev().take(3));
        let ours = said.into_iter().find(|said| said["method"] == line["method"] && said.get("id").is_some());
        if let (Some(ours), Some(theirs)) = (ours, line.get("id").filter(|_| line.get("method").is_some())) {
            ids.insert(theirs.to_string(), ours["id"].clone());
        }
    }
    heard
}

fn answer(acp: &mut Acp, heard: &Heard, line: &Value) -> Vec<Step> {
    let key = line["id"].to_string();
    let Some(option) = line["result"]["outcome"]["optionId"].as_str() else { return Vec::new() };
    let asked = heard.asked();
    let ask = asked.iter().rev().find(|ask| ask.key == key).unwrap();
    let kind = ask.options.iter().find(|known| known.option_id == option).unwrap().kind;
    let option_id = option.to_owned();
    let verdict = match kind.allows() {
        true => Verdict::Allow { option_id },
        false => Verdict::Deny { option_id: Some(option_id), reason: "no".into() },
    };
    acp.command(Command::Decide { key, verdict })
}

#[test]
fn each_agent_is_ready_and_its_turns_end_once_each() {
    for name in MAIN {
        let heard = played(name);
        let prompts = heard.said.iter().filter(|said| said["method"] == "session/prompt").count();
        assert!(
            heard
                .told
                .iter()
                .any(|told| matches!(&told.fact, Fact::Ready(update) if update.native_session_id.is_some())),
            "{name}"
        );
        assert_eq!(heard.ends().len(), prompts, "{name}");
        assert!(prompts >= 3, "{name}");
        // Codex's adapter ends a turn by itself when a tool of it is denied.
        let denied_ends = name == "acp-codex-acp-2.6.0-readonly-main";
        let expected =
            |outcome: &Outcome| *outcome == Outcome::Completed || (denied_ends && *outcome == Outcome::Interrupted);
        assert!(heard.outcomes().iter().all(expected), "{name}: {:?}", heard.outcomes());
    }
}

#[test]
fn what_is_said_in_pieces_is_one_message_and_told_in_full() {
    for name in MAIN {
        let heard = played(name);
        let said = heard.messages();
        assert!(said.iter().any(|text| text == "Hello from the mock model."), "{name}: {said:?}");
        let grown = heard.grown(DeltaField::Text);
        for (id, item) in heard.items().into_iter().filter(|(_, item)| item.kind == ItemKind::AgentMessage) {
            assert_eq!(grown.get(&id), Some(&replay::text(&item)), "{name}");
            assert_eq!(item.status, Some(ItemStatus::Completed), "{name}");
        }
    }
}

#[test]
fn a_tool_is_asked_for_by_what_its_options_mean_and_denied_where_it_was() {
    for name in
        ["acp-gemini-0.61.0-nofs-main", "acp-claude-agent-acp-0.100.0-main", "acp-codex-acp-2.6.0-readonly-main"]
    {
        let heard = played(name);
        let asked = heard.asked();
        assert!(asked.len() >= 2, "{name}: {}", asked.len());
        for ask in &asked {
            assert!(ask.option(true).is_some_and(|option| option.kind == OptionKind::AllowOnce), "{name}");
            assert!(ask.option(false).is_some_and(|option| !option.kind.allows()), "{name}");
            assert_ne!(ask.action, Action::Unknown, "{name}: {ask:?}");
        }
        let statuses: Vec<ItemStatus> = heard.tools().into_iter().map(|(_, status)| status).collect();
        assert!(statuses.contains(&ItemStatus::Completed), "{name}: {statuses:?}");
        assert!(statuses.contains(&ItemStatus::Denied), "{name}: {statuses:?}");
    }
}

#[test]
fn a_tool_that_is_first_heard_of_when_it_is_asked_for_is_known_by_its_change() {
    let heard = played("acp-gemini-0.61.0-nofs-main");
    let ask = heard.asked()[0];
    assert_eq!((ask.action, ask.paths.len()), (Action::FileChange, 1));
    assert_eq!(ask.input["content"][0]["newText"], "hello from mock\n");
    let tool = heard.of_kind(ItemKind::ToolCall).remove(0).tool.unwrap();
    let change = tool.changes.unwrap().remove(0);
    assert_eq!(
        (change.kind, change.unified_diff.as_deref()),
        (ChangeKind::Add, Some("@@ -0,0 +1,1 @@\n+hello from mock\n"))
    );
    let usage = heard.ends()[0].usage.unwrap();
    assert_eq!((usage.input, usage.output), (10, 5));
}

#[test]
fn a_cancelled_turn_is_interrupted_and_the_next_one_goes_on() {
    for name in CANCEL {
        let heard = played(name);
        let outcomes = heard.outcomes();
        assert_eq!(outcomes.first(), Some(&Outcome::Interrupted), "{name}");
        assert_eq!(outcomes.last(), Some(&Outcome::Completed), "{name}");
    }
}

#[test]
fn what_is_asked_when_a_turn_is_cancelled_is_answered_with_that() {
    let mut acp = Acp::default();
    let mut heard = Heard::default();
    let request = r#"{"jsonrpc":"2.0","id":7,"method":"session/request_permission","params":{"options":[],"toolCall":{"toolCallId":"t","title":"x"}}}"#;
    heard.take(acp.hear(request.as_bytes()));
    heard.take(acp.command(Command::Interrupt));
    assert_eq!(heard.said[0]["method"], "session/cancel");
    assert_eq!(heard.said[1]["result"]["outcome"]["outcome"], "cancelled");
    assert_eq!(heard.said[1]["id"], 7);
    heard.take(acp.hear(br#"{"jsonrpc":"2.0","id":8,"method":"fs/read_text_file","params":{}}"#));
    assert_eq!(heard.said[2]["error"]["code"], -32601, "what we did not offer is refused");
}

#[test]
fn a_form_is_a_question_and_an_interrupt_answers_it() {
    let (mut acp, mut heard) = (Acp::default(), Heard::default());
    heard.take(acp.open(&Launch::default()));
    assert!(heard.said[0]["params"]["clientCapabilities"]["elicitation"]["form"].is_object(), "it is offered");
    let ask = |id: &str, mode: &str| {
        let schema =
            serde_json::json!({"type": "object", "properties": {"way": {"type": "string", "enum": ["l", "r"]}}});
        let params =
            serde_json::json!({"sessionId": "s", "mode": mode, "message": "Which?", "requestedSchema": schema});
        serde_json::json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params}).to_string()
    };
    heard.take(acp.hear(ask("a", "form").as_bytes()));
    heard.take(acp.hear(ask("b", "url").as_bytes()));
    assert_eq!(heard.said[1]["result"], serde_json::json!({"action": "cancel"}), "pages are not opened");
    let inquiry = heard.inquired()[0].clone();
    assert_eq!((inquiry.title.as_deref(), inquiry.questions[0].options.len()), (Some("Which?"), 2));
    let answers = Some(Answers::from([("way".to_owned(), vec!["r".to_owned()])]));
    heard.take(acp.command(Command::Answer { key: inquiry.key.clone(), answers: answers.clone() }));
    assert_eq!(heard.said[2]["result"], serde_json::json!({"action": "accept", "content": {"way": "r"}}));
    heard.take(acp.hear(ask("c", "form").as_bytes()));
    heard.take(acp.command(Command::Interrupt));
    assert_eq!((heard.said[4]["id"].as_str(), &heard.said[4]["result"]["action"]), (Some("c"), &"cancel".into()));
    assert_eq!(acp.command(Command::Answer { key: "\"c\"".into(), answers }), []);
}

#[test]
fn leave_of_a_kind_that_is_not_known_is_asked_for_and_what_is_no_leave_is_refused() {
    let (mut acp, mut heard) = (Acp::default(), Heard::default());
    let ask = |id: u64, method: &str, options: serde_json::Value| {
        let params = serde_json::json!({"sessionId": "s", "what": "the moon", "options": options});
        serde_json::json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
    };
    let options = serde_json::json!([
        {"optionId": "y", "kind": "allow_once", "name": "Yes"}, {"optionId": "n", "kind": "reject_once", "name": "No"},
    ]);
    heard.take(acp.hear(ask(1, "_vendor/confirm", options.clone()).as_bytes()));
    heard.take(acp.hear(ask(2, "session/request_approval", serde_json::Value::Null).as_bytes()));
    heard.take(acp.hear(ask(3, "fs/read_text_file", serde_json::Value::Null).as_bytes()));
    assert_eq!((heard.said.len(), &heard.said[0]["error"]["code"]), (1, &serde_json::json!(-32601)), "no leave");
    assert!(text(&heard.of_kind(ItemKind::Notice)[0]).contains("fs/read_text_file"));
    let asked: Vec<(Action, bool)> = heard.asked().iter().map(|ask| (ask.action, ask.option(true).is_some())).collect();
    assert_eq!(asked, [(Action::Unknown, true), (Action::Unknown, false)]);
    assert!(heard.asked().iter().all(|ask| ask.input.to_string().contains("the moon")), "all of it is shown");
    let decide = |key: &str, verdict| Command::Decide { key: key.to_owned(), verdict };
    heard.take(acp.command(decide("1", Verdict::Allow { option_id: "y".into() })));
    heard.take(acp.command(decide("2", Verdict::Deny { option_id: None, reason: "no".into() })));
    assert_eq!(heard.said[1]["result"]["outcome"]["optionId"], "y");
    assert_eq!(heard.said[2]["error"]["code"], -32601);
    heard.take(acp.hear(ask(4, "_vendor/confirm", options).as_bytes()));
    heard.take(acp.hear(ask(5, "session/request_approval", serde_json::Value::Null).as_bytes()));
    heard.take(acp.command(Command::Interrupt));
    assert_eq!(heard.said[4]["result"]["outcome"]["outcome"], "cancelled");
    assert_eq!((&heard.said[5]["id"], &heard.said[5]["error"]["code"]), (&5.into(), &(-32601).into()));
}

#[test]
fn what_it_does_not_name_is_called_as_nothing_of_another_process_is() {
    let names = || {
        let mut acp = Acp::default();
        let chunk = json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "hi"}});
        let line = json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": chunk}});
        let steps = acp.hear(line.to_string().as_bytes()).into_iter();
        let named = steps.filter_map(|step| match step {
            Step::Tell(told) => match told.fact {
                Fact::Item { id, .. } => Some(id),
                _ => None,
            },
            Step::Say(_) => None,
        });
        named.collect::<Vec<_>>()
    };
    let (one, other) = (names(), names());
    assert_eq!((one.len(), other.len()), (1, 1));
    assert_ne!(one, other);
}
