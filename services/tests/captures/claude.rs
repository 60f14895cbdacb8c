use serde_json::{Value, json};
use sixframe_services::agents::{
    Action, AnswerKind, Answers, ChangeKind, Claude, Command, Content, Cost, DeltaField, Fact, ItemKind, ItemStatus,
    Launch, OptionKind, Outcome, ProblemKind, Prompt, Step, Translator, Verdict,
};

use super::replay::{self, Heard, text};

/// Does what the host of the recording did.
fn command(claude: &mut Claude, line: &Value) -> Vec<Step> {
    match (line["type"].as_str(), line["request"]["subtype"].as_str()) {
        (Some("control_request"), Some("initialize")) => claude.open(&Launch::default()),
        (Some("control_request"), Some("interrupt")) => claude.command(Command::Interrupt),
        (Some("user"), _) => {
            let text = line["message"]["content"][0]["text"].as_str().unwrap().to_owned();
            claude.command(Command::Prompt(Prompt::new("p", vec![Content::Text { text }])))
        }
        (Some("control_response"), _) => {
            let key = line["response"]["request_id"].as_str().unwrap().to_owned();
            let verdict = match line["response"]["response"]["behavior"] == "allow" {
                true => Verdict::Allow { option_id: "allow_once".into() },
                false => Verdict::Deny { option_id: None, reason: "no".into() },
            };
            claude.command(Command::Decide { key, verdict })
        }
        _ => Vec::new(),
    }
}

fn played(name: &str) -> Heard {
    let mut heard = replay::replay(&format!("claude-2.1.197-{name}"), &mut Claude::default(), command);
    // Our id of the first request is not the recording's.
    heard.told.retain(|told| told.native_type.as_deref() != Some("control_response"));
    heard
}

#[test]
fn what_it_is_told_about_its_task_stands_in_no_argument() {
    let launch = Launch { system_prompt: Some("be brief ".repeat(40_000)), ..Launch::default() };
    assert!(Claude::arguments(&launch).iter().all(|argument| !argument.contains("brief")));
    let told = Claude::default().open(&launch);
    let [Step::Say(request)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(request["request"]["appendSystemPrompt"], json!(launch.system_prompt));
}

#[test]
fn streamed_text_comes_as_deltas_and_once_in_full() {
    let heard = played("text-partial");
    assert_eq!(heard.messages(), ["Hello from the mock model."]);
    let grown = heard.grown(DeltaField::Text);
    assert_eq!(grown.values().collect::<Vec<_>>(), ["Hello from the mock model."]);
    assert_eq!(grown.keys().next(), heard.items().first().map(|(id, _)| id), "both are of one item");
    assert_eq!(heard.outcomes(), [Outcome::Completed]);
    assert_eq!(heard.unknown(), [""; 0]);
}

#[test]
fn text_without_deltas_is_the_same_item() {
    for name in ["text", "bare-text"] {
        let heard = played(name);
        assert_eq!(heard.messages(), ["Hello from the mock model."], "{name}");
        let end = heard.ends()[0];
        assert_eq!(end.usage.map(|usage| (usage.input, usage.output)), Some((10, 12)), "{name}");
        assert_eq!(end.cost, Some(Cost { amount_micros: 350, currency: "USD".into() }), "{name}");
    }
}

#[test]
fn a_tool_that_is_allowed_completes_and_one_that_is_denied_is_denied() {
    let heard = played("bidi-permission");
    let expected = [("Write", ItemStatus::Completed), ("Write", ItemStatus::Denied), ("Bash", ItemStatus::Completed)];
    let expected = expected.map(|(name, status)| (name.to_owned(), status));
    let tools = heard.tools();
    assert_eq!(tools[..2], expected[..2], "{tools:?}");
    assert!(heard.outcomes().iter().all(|outcome| *outcome == Outcome::Completed));
    let asked = heard.asked();
    assert_eq!(asked[0].action, Action::FileChange);
    assert_eq!(asked[0].paths, ["/project/bidi-allow.txt"]);
    assert_eq!(asked[0].input, json!({"file_path": "/project/bidi-allow.txt", "content": "hello from mock\n"}));
    assert_eq!(asked[0].item, heard.items().iter().find(|(_, item)| item.tool.is_some()).map(|(id, _)| id.clone()));
    let allowed = heard.said.iter().find(|said| said["response"]["response"]["behavior"] == "allow").unwrap();
    assert_eq!(allowed["response"]["response"]["updatedInput"], asked[0].input, "just what was shown is allowed");
}

#[test]
fn a_written_file_is_told_with_its_diff() {
    let heard = played("write-acceptEdits");
    let written = heard.of_kind(ItemKind::ToolCall).remove(0).tool.unwrap();
    let change = written.changes.unwrap().remove(0);
    assert_eq!((change.path.as_str(), change.kind), ("/project/out2.txt", ChangeKind::Add));
    assert_eq!(change.unified_diff.as_deref(), Some("@@ -0,0 +1,1 @@\n+hello from mock\n"));
    assert_eq!((change.additions, change.deletions), (1, 0));
    assert_eq!(written.title.as_deref(), Some("Write: /project/out2.txt"));
}

#[test]
fn a_command_is_told_with_its_line_and_what_it_wrote() {
    let heard = played("bash-allowed");
    let tool = heard.of_kind(ItemKind::ToolCall).remove(0).tool.unwrap();
    assert_eq!(tool.command.unwrap().line, "echo hi-from-bash; id -u");
    assert_eq!(tool.output.unwrap().text.as_deref(), Some("hi-from-bash\n0"));
}

#[test]
fn a_tool_that_it_denied_by_itself_is_denied_by_the_end_of_the_turn() {
    let heard = played("write-denied");
    assert_eq!(heard.tools(), [("Write".to_owned(), ItemStatus::Denied)]);
    assert_eq!(heard.outcomes(), [Outcome::Completed]);
}

#[test]
fn an_interrupted_turn_ends_as_that_and_the_next_one_goes_on() {
    let heard = played("bidi-interrupt");
    assert_eq!(heard.outcomes(), [Outcome::Interrupted, Outcome::Completed, Outcome::Completed]);
    assert_eq!(heard.messages()[0], "piece0 piece1 piece2 piece3 piece4 ", "what was said is kept");
    assert_eq!(heard.ends()[0].native_stop_reason.as_deref(), Some("aborted_streaming"));
    assert!(heard.ends()[0].error.is_none());
    let interrupt = heard.said.iter().find(|said| said["request"]["subtype"] == "interrupt").unwrap();
    assert_eq!(interrupt["request"]["cancel_queued"], true);
}

#[test]
fn an_interrupt_while_a_permission_is_asked_for_withdraws_it_and_cancels_the_tool() {
    let heard = played("bidi-interrupt-pending-permission");
    let asked = heard.asked();
    assert_eq!(heard.withdrew(), [asked[0].key.as_str()]);
    assert_eq!(heard.tools(), [("Bash".to_owned(), ItemStatus::Cancelled)]);
    assert_eq!(heard.outcomes(), [Outcome::Interrupted]);
}

#[test]
fn a_rule_is_allowed_for_the_session_and_never_written_into_settings() {
    let mut claude = Claude::default();
    let lines = replay::lines("claude-2.1.197-bidi-interrupt-pending-permission");
    let request = lines.iter().find(|(_, line)| line["request"]["subtype"] == "can_use_tool").unwrap();
    let mut heard = Heard::default();
    heard.take(claude.hear(request.1.to_string().as_bytes()));
    let ask = heard.asked()[0].clone();
    let option = ask.options.iter().find(|option| option.kind == OptionKind::AllowSession).unwrap();
    assert_eq!(option.rule_preview.as_deref(), Some("Bash(touch /project/x)"));
    let verdict = Verdict::Allow { option_id: option.option_id.clone() };
    heard.take(claude.command(Command::Decide { key: ask.key.clone(), verdict: verdict.clone() }));
    let updated = heard.said[0]["response"]["response"]["updatedPermissions"].clone();
    assert_eq!(updated.as_array().map(Vec::len), Some(1), "neither folders nor modes go with it");
    assert_eq!(updated[0]["destination"], "session");
    assert_eq!(claude.command(Command::Decide { key: ask.key, verdict }), [], "one answer is all");
}

#[test]
fn an_error_of_the_service_is_an_error_and_never_what_the_agent_says() {
    let heard = played("err401");
    assert_eq!(heard.messages(), [""; 0]);
    assert_eq!(heard.outcomes(), [Outcome::Failed]);
    let problem = heard.failure();
    assert_eq!((problem.kind, problem.http_status), (ProblemKind::AuthRequired, Some(401)));
    assert!(!problem.retryable && problem.hint.is_some());
}

#[test]
fn a_service_with_too_much_to_do_is_tried_again_and_then_told_as_that() {
    let heard = played("err529");
    let retries: Vec<_> = heard
        .told
        .iter()
        .filter_map(|told| match &told.fact {
            Fact::Retry(retry) => Some((retry.attempt, retry.delay_ms, retry.error.kind)),
            _ => None,
        })
        .collect();
    assert_eq!(retries, [(1, 587, ProblemKind::Overloaded), (2, 1062, ProblemKind::Overloaded)]);
    assert_eq!(heard.failure().kind, ProblemKind::Overloaded);
    assert!(heard.failure().retryable);
}

#[test]
fn what_has_no_name_is_kept_and_what_is_no_json_is_told() {
    let mut heard = Heard::default();
    let mut claude = Claude::default();
    heard.take(claude.hear(br#"{"type":"prompt_suggestion","text":"x"}"#));
    heard.take(claude.hear(b"[SandboxDebug] starting"));
    heard.take(claude.hear(br#"{"type":"assistant"}"#));
    heard.take(claude.hear(br#"{"type":"control_request","request_id":"q","request":{"subtype":"hook_callback"}}"#));
    assert_eq!(heard.unknown(), ["prompt_suggestion", "control_request/hook_callback"]);
    assert_eq!(heard.told[0].ext, Some(json!({"type": "prompt_suggestion", "text": "x"})));
    assert!(matches!(&heard.told[1].fact, Fact::Unparsed(unparsed) if unparsed.preview == "[SandboxDebug] starting"));
    assert_eq!(heard.said[0]["response"]["error_code"], "unsupported_request", "what we do not know is refused");
}

#[test]
fn leave_of_a_kind_that_is_not_known_is_asked_for_and_never_given_by_the_way() {
    let decided = |request: Value, is_allowed: bool| {
        let (mut heard, mut claude) = (Heard::default(), Claude::default());
        let message = json!({"type": "control_request", "request_id": "q", "request": request});
        heard.take(claude.hear(message.to_string().as_bytes()));
        let ask = heard.asked()[0].clone();
        assert_eq!(ask.action, Action::Unknown);
        assert!(ask.input.to_string().contains("the moon"), "all of it is shown: {}", ask.input);
        let option_id = ask.option(is_allowed).map(|option| option.option_id.clone());
        let verdict = match (is_allowed, option_id.clone()) {
            (true, Some(option_id)) => Verdict::Allow { option_id },
            (_, option_id) => Verdict::Deny { option_id, reason: "no".into() },
        };
        heard.take(claude.command(Command::Decide { key: ask.key, verdict }));
        (option_id, heard.said[0]["response"].clone())
    };
    let tool =
        json!({"subtype": "can_use_tool", "tool_name": "Teleport", "input": {"to": "the moon"}, "tool_use_id": "t"});
    assert_eq!(decided(tool.clone(), true).1["response"]["behavior"], "allow");
    assert_eq!(decided(tool, false).1["response"]["behavior"], "deny");
    let kind = json!({"subtype": "can_use_device", "tool_name": "Laser", "input": {"at": "the moon"}});
    let allowed = decided(kind.clone(), true).1;
    assert_eq!(allowed["response"], json!({"behavior": "allow", "updatedInput": {"at": "the moon"}}));
    assert_eq!(decided(kind, false).1["response"]["behavior"], "deny");
    let strange = json!({"subtype": "approve_teleport", "to": "the moon"});
    let (option, said) = decided(strange.clone(), true);
    assert_eq!((option, &said["error_code"]), (None, &json!("unsupported_request")), "it can only be denied");
    assert_eq!(decided(strange, false).1["error_code"], "unsupported_request");
}

#[test]
fn a_pattern_of_names_is_about_where_it_leads() {
    let paths = |input: Value| {
        let request = json!({"subtype": "can_use_tool", "tool_name": "Glob", "input": input, "tool_use_id": "t"});
        let message = json!({"type": "control_request", "request_id": "q", "request": request});
        let mut heard = Heard::default();
        heard.take(Claude::default().hear(message.to_string().as_bytes()));
        heard.asked()[0].paths.clone()
    };
    assert_eq!(paths(json!({"pattern": "/etc/**/*.conf"})), ["/etc/"]);
    assert_eq!(paths(json!({"pattern": "../*", "path": "src"})), ["src", "src/../"]);
    assert_eq!(paths(json!({"pattern": "*/../../x", "path": "src"})), ["src", ".."]);
    assert_eq!(paths(json!({"pattern": "~/.ssh/*"})), ["~/.ssh/"]);
    assert_eq!(paths(json!({"pattern": "**/*.rs", "path": "src"})), ["src", "src/"]);
}

#[test]
fn a_message_tells_its_text_whatever_was_cut_before() {
    // A recording whose beginning is missing: the message begins in the middle.
    let mut heard = Heard::default();
    let mut claude = Claude::default();
    let lines = replay::lines("claude-2.1.197-text-partial");
    let rest = lines.iter().skip_while(|(_, line)| line["type"] != "assistant");
    rest.for_each(|(_, line)| heard.take(claude.hear(line.to_string().as_bytes())));
    assert_eq!(
        heard.of_kind(ItemKind::AgentMessage).iter().map(text).collect::<Vec<_>>(),
        ["Hello from the mock model."]
    );
}

#[test]
fn its_questions_are_asked_and_their_answers_go_back_in_its_input() {
    let mut claude = Claude::default();
    let mut heard = Heard::default();
    let input = json!({"questions": [
        {"question": "Which way?", "header": "Way", "multiSelect": false, "options": [{"label": "Left", "description": "west"}]},
        {"question": "Which parts?", "header": "Parts", "multiSelect": true, "options": [{"label": "A"}, {"label": "B"}]},
    ]});
    let request =
        json!({"subtype": "can_use_tool", "tool_name": "AskUserQuestion", "tool_use_id": "t1", "input": input});
    let line = json!({"type": "control_request", "request_id": "q1", "request": request}).to_string();
    heard.take(claude.hear(line.as_bytes()));
    assert!(heard.asked().is_empty(), "it is no leave");
    let inquiry = heard.inquired()[0].clone();
    assert_eq!((inquiry.key.as_str(), inquiry.item.as_deref()), ("q1", Some("t1")));
    let (way, parts) = (&inquiry.questions[0], &inquiry.questions[1]);
    assert_eq!((way.header.as_deref(), way.text.as_str(), way.is_multiple), (Some("Way"), "Which way?", false));
    assert_eq!(way.options[0].description.as_deref(), Some("west"));
    assert!(parts.is_multiple && parts.allows_other);
    let answers = Answers::from([
        (way.id.clone(), vec!["Left".to_owned()]),
        (parts.id.clone(), vec!["A".to_owned(), "C".to_owned()]),
    ]);
    heard.take(claude.command(Command::Answer { key: "q1".into(), answers: Some(answers) }));
    let answer = &heard.said[0]["response"]["response"];
    assert_eq!(answer["behavior"], "allow");
    assert_eq!(answer["updatedInput"]["answers"], json!({"Which way?": "Left", "Which parts?": "A, C"}));
    assert_eq!(answer["updatedInput"]["questions"], input["questions"]);
    assert_eq!(claude.command(Command::Answer { key: "q1".into(), answers: None }), [], "one answer is all");

    heard.take(claude.hear(line.as_bytes()));
    heard.take(claude.command(Command::Answer { key: "q1".into(), answers: None }));
    assert_eq!(heard.said[1]["response"]["response"]["behavior"], "deny");
}

#[test]
fn the_forms_of_its_tool_servers_are_questions_and_one_without_any_is_leave() {
    let mut claude = Claude::default();
    let mut heard = Heard::default();
    let mut ask = |id: &str, request: Value| {
        let line = json!({"type": "control_request", "request_id": id, "request": request}).to_string();
        heard.take(claude.hear(line.as_bytes()));
    };
    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]});
    ask("1", json!({"subtype": "elicitation", "mcp_server_name": "s", "message": "Who?", "requested_schema": schema}));
    ask("2", json!({"subtype": "elicitation", "mcp_server_name": "s", "message": "Sure?"}));
    ask(
        "3",
        json!({"subtype": "elicitation", "mcp_server_name": "s", "message": "Open", "mode": "url", "url": "https://x"}),
    );
    let inquiry = heard.inquired()[0].clone();
    assert_eq!(inquiry.title.as_deref(), Some("s: Who?"));
    assert_eq!((inquiry.questions[0].kind, inquiry.questions[0].is_required), (AnswerKind::Integer, true));
    assert_eq!((heard.asked()[0].action, heard.asked()[0].title.as_str()), (Action::McpTool, "s: Sure?"));
    assert_eq!(heard.said[0]["response"]["response"], json!({"action": "decline"}), "pages are not opened");
    let answers = Answers::from([("age".to_owned(), vec!["7".to_owned()])]);
    heard.take(claude.command(Command::Answer { key: "1".into(), answers: Some(answers) }));
    assert_eq!(heard.said[1]["response"]["response"], json!({"action": "accept", "content": {"age": 7}}));
    let verdict = Verdict::Deny { option_id: None, reason: "no".into() };
    heard.take(claude.command(Command::Decide { key: "2".into(), verdict }));
    assert_eq!(heard.said[2]["response"]["response"], json!({"action": "decline"}));
}
