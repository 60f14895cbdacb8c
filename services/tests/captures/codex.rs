use serde_json::{Value, json};
use sixframe_services::agents::{
    Action, Answers, ChangeKind, Codex, Command, Content, DeltaField, DiffScope, Fact, ItemKind, ItemStatus, Launch,
    OptionKind, Outcome, ProblemKind, Prompt, Step, Translator, Verdict,
};

use super::replay::{self, Heard, text};

/// Does what the host of the recording did. What follows by itself is not asked for again.
fn command(codex: &mut Codex, line: &Value) -> Vec<Step> {
    match line["method"].as_str() {
        Some("initialize") => codex.open(&Launch::default()),
        Some("turn/start") => {
            let text = line["params"]["input"][0]["text"].as_str().unwrap().to_owned();
            codex.command(Command::Prompt(Prompt::new("p", vec![Content::Text { text }])))
        }
        Some("turn/interrupt") => codex.command(Command::Interrupt),
        Some(_) => Vec::new(),
        None => {
            let key = line["id"].to_string();
            let verdict = match line["result"]["decision"] == "accept" {
                true => Verdict::Allow { option_id: "accept".into() },
                false => Verdict::Deny { option_id: Some("decline".into()), reason: "no".into() },
            };
            codex.command(Command::Decide { key, verdict })
        }
    }
}

pub(crate) fn played(name: &str) -> Heard {
    replay::replay(&format!("codex-0.169.0-appserver-{name}"), &mut Codex::default(), command)
}

#[test]
fn it_says_what_the_host_of_the_recording_said() {
    for name in ["text", "approve-command", "decline-command", "approve-filechange", "interrupt"] {
        let heard = played(name);
        let recorded = replay::lines(&format!("codex-0.169.0-appserver-{name}"));
        let methods = |values: &mut dyn Iterator<Item = &Value>| {
            values.map(|said| (said["id"].clone(), said["method"].clone())).collect::<Vec<_>>()
        };
        let expected = methods(&mut recorded.iter().filter(|(is_agents, _)| !is_agents).map(|(_, line)| line));
        assert_eq!(methods(&mut heard.said.iter()), expected, "{name}");
    }
}

#[test]
fn text_and_thoughts_are_streamed_and_told_in_full() {
    let heard = played("text");
    assert!(heard.outcomes().iter().all(|outcome| *outcome == Outcome::Completed), "{:?}", heard.outcomes());
    let grown = heard.grown(DeltaField::Text);
    for (id, item) in heard.items().into_iter().filter(|(_, item)| item.kind == ItemKind::AgentMessage) {
        assert_eq!(grown.get(&id), Some(&text(&item)), "{id}");
    }
    let thoughts = heard.of_kind(ItemKind::Thought);
    assert!(!thoughts.is_empty() && !text(&thoughts[0]).is_empty(), "{thoughts:?}");
    let usage = heard.ends()[0].usage.unwrap();
    assert_eq!((usage.input, usage.output), (10, 5));
    assert!(
        heard.told.iter().any(|told| matches!(&told.fact, Fact::Ready(update) if update.native_session_id.is_some()))
    );
    assert_eq!(heard.unknown(), [""; 0]);
}

#[test]
fn a_command_is_asked_for_with_what_may_be_answered() {
    let heard = played("approve-command");
    let ask = heard.asked()[0];
    assert_eq!((ask.action, ask.key.as_str()), (Action::Command, "0"), "an id of 0 is an id");
    let kinds: Vec<_> = ask.options.iter().map(|option| option.kind).collect();
    assert_eq!(kinds, [OptionKind::AllowOnce, OptionKind::AllowAlways, OptionKind::RejectOnce]);
    assert_eq!(heard.said.last().unwrap(), &json!({"id": 0, "result": {"decision": "accept"}}));
    let tool = heard.of_kind(ItemKind::ToolCall).remove(0).tool.unwrap();
    let command = tool.command.unwrap();
    assert_eq!((command.exit_code, tool.output.unwrap().text.as_deref()), (Some(0), Some("made\n")));
    assert_eq!(heard.withdrew(), [""; 0], "what was answered is not withdrawn");
}

#[test]
fn a_command_that_is_declined_is_denied() {
    let heard = played("decline-command");
    assert_eq!(heard.tools(), [("commandExecution".to_owned(), ItemStatus::Denied)]);
    assert_eq!(heard.outcomes(), [Outcome::Completed]);
    assert_eq!(heard.said.last().unwrap()["result"]["decision"], "decline");
}

#[test]
fn a_change_of_files_is_shown_as_it_was_told_before_it_was_asked_for() {
    let heard = played("approve-filechange");
    let ask = heard.asked()[0];
    assert_eq!(ask.action, Action::FileChange);
    assert_eq!(ask.paths, ["/project/as-patch.txt"]);
    assert_eq!(ask.input["changes"][0]["diff"], "hello from mock\n");
    let change = heard.of_kind(ItemKind::ToolCall).remove(0).tool.unwrap().changes.unwrap().remove(0);
    assert_eq!((change.kind, change.additions), (ChangeKind::Add, 1));
    assert_eq!(change.unified_diff.as_deref(), Some("@@ -0,0 +1,1 @@\n+hello from mock\n"));
    let diffs: Vec<_> = heard
        .told
        .iter()
        .filter_map(|told| match &told.fact {
            Fact::Diff(diff) => Some((diff.scope, diff.files[0].path.clone(), diff.files[0].kind)),
            _ => None,
        })
        .collect();
    assert_eq!(diffs[0], (DiffScope::Turn, "/project/as-patch.txt".to_owned(), ChangeKind::Add));
}

#[test]
fn a_change_that_is_told_anew_while_it_waits_is_asked_for_anew_and_an_answer_to_the_first_allows_nothing() {
    let change = |text: &str| json!([{"path": "/p/a.txt", "kind": {"type": "add"}, "diff": text}]);
    let mut codex = Codex::default();
    let hear = |codex: &mut Codex, message: Value| codex.hear(message.to_string().as_bytes());
    let item = json!({"type": "fileChange", "id": "i", "status": "inProgress", "changes": change("one")});
    hear(&mut codex, json!({"method": "item/started", "params": {"item": item}}));
    let ask = json!({"id": 7, "method": "item/fileChange/requestApproval", "params": {"itemId": "i"}});
    let asked = |steps: &[Step]| {
        let asks = steps.iter().filter_map(|step| match step {
            Step::Tell(told) => match &told.fact {
                Fact::Asked(ask) => Some((ask.key.clone(), ask.input["changes"].clone())),
                _ => None,
            },
            _ => None,
        });
        asks.collect::<Vec<_>>()
    };
    let first = asked(&hear(&mut codex, ask));
    assert_eq!(first, [("7".to_owned(), change("one"))]);
    let patched = |text: &str| json!({"method": "item/fileChange/patchUpdated", "params": {"itemId": "i", "changes": change(text)}});
    assert_eq!(asked(&hear(&mut codex, patched("one"))), [], "it is what was shown");
    let steps = hear(&mut codex, patched("evil"));
    assert!(matches!(&steps[0], Step::Tell(told) if told.fact == Fact::Withdrew { key: "7".into() }), "{steps:?}");
    let second = asked(&steps);
    assert_eq!((second.len(), &second[0].1), (1, &change("evil")));
    let allow = |key: &str| Command::Decide { key: key.into(), verdict: Verdict::Allow { option_id: "accept".into() } };
    assert!(codex.command(allow("7")).is_empty(), "what was on its way is about something else");
    let said = codex.command(allow(&second[0].0));
    assert!(matches!(&said[..], [Step::Say(said)] if said["id"] == 7 && said["result"]["decision"] == "accept"));
    assert_eq!(asked(&hear(&mut codex, patched("more"))), [], "nothing waits");
}

#[test]
fn an_interrupt_ends_the_turn_and_withdraws_what_is_asked() {
    let heard = played("interrupt");
    assert_eq!(heard.outcomes(), [Outcome::Interrupted, Outcome::Completed]);
    let heard = played("interrupt-pending-approval");
    assert_eq!(heard.outcomes(), [Outcome::Interrupted]);
    assert_eq!(heard.withdrew(), ["0"]);
}

#[test]
fn leave_to_leave_the_sandbox_is_asked_for_like_any_other() {
    let heard = played("escalate-onrequest");
    assert_eq!(heard.asked().len(), 1);
    assert_eq!(heard.outcomes(), [Outcome::Completed]);
}

#[test]
fn an_interrupt_before_the_turn_has_a_name_is_not_lost() {
    let mut codex = Codex::default();
    codex.open(&Launch::default());
    let text = "x".to_owned();
    codex.command(Command::Prompt(Prompt::new("p", vec![Content::Text { text }])));
    assert_eq!(codex.command(Command::Interrupt), []);
    let mut heard = Heard::default();
    heard.take(codex.hear(br#"{"method":"turn/started","params":{"turn":{"id":"t1"}}}"#));
    assert_eq!(heard.said[0]["method"], "turn/interrupt");
    assert_eq!(heard.said[0]["params"]["turnId"], "t1");
}

#[test]
fn what_it_asks_and_we_do_not_know_is_refused_and_kept() {
    let mut heard = Heard::default();
    let mut codex = Codex::default();
    heard.take(codex.hear(br#"{"method":"item/tool/call","id":0,"params":{}}"#));
    assert_eq!(heard.said[0]["error"]["code"], -32601);
    assert_eq!(heard.unknown(), ["item/tool/call"]);
    assert!(text(&heard.of_kind(ItemKind::Notice)[0]).contains("item/tool/call"), "and a person is told");
    let failed = r#"{"method":"turn/completed","params":{"turn":{"id":"t","status":"failed","error":{"message":"busy","codexErrorInfo":{"responseTooManyFailedAttempts":{"httpStatusCode":429}}}}}}"#;
    heard.take(codex.hear(failed.as_bytes()));
    assert_eq!(heard.failure().kind, ProblemKind::RateLimited);
}

/// What it is answered when this is decided about what it asks.
fn decided(request: &Value, is_allowed: bool) -> (Heard, Value) {
    let (mut heard, mut codex) = (Heard::default(), Codex::default());
    heard.take(codex.hear(request.to_string().as_bytes()));
    let ask = heard.asked()[0].clone();
    let option_id = ask.option(is_allowed).map(|option| option.option_id.clone());
    let verdict = match (is_allowed, option_id) {
        (true, Some(option_id)) => Verdict::Allow { option_id },
        (_, option_id) => Verdict::Deny { option_id, reason: "no".into() },
    };
    heard.take(codex.command(Command::Decide { key: ask.key, verdict }));
    let said = heard.said.last().unwrap().clone();
    (heard, said)
}

#[test]
fn leave_of_a_kind_that_is_not_known_is_asked_for_and_answered_as_the_kind_wants_it() {
    let rights = json!({"network": {"enabled": true}, "fileSystem": {"write": ["/srv"]}});
    let cases = [
        (
            "item/permissions/requestApproval",
            json!({"itemId": "i", "reason": "why", "permissions": rights}),
            Action::Unknown,
            json!({"permissions": rights, "scope": "turn"}),
            json!({"permissions": {}, "scope": "turn"}),
        ),
        (
            "execCommandApproval",
            json!({"callId": "i", "command": ["rm", "-rf", "/"], "cwd": "/"}),
            Action::Command,
            json!({"decision": "approved"}),
            json!({"decision": "denied"}),
        ),
        (
            "applyPatchApproval",
            json!({"callId": "i", "fileChanges": {"/a": {"delete": {"content": "x"}}}, "grantRoot": "/"}),
            Action::Unknown,
            json!({"decision": "approved"}),
            json!({"decision": "denied"}),
        ),
        (
            "item/teleport/requestApproval",
            json!({"itemId": "i", "to": "the moon"}),
            Action::Unknown,
            json!({"decision": "accept"}),
            json!({"decision": "decline"}),
        ),
    ];
    for (method, params, action, yes, no) in cases {
        let request = json!({"method": method, "id": 7, "params": params});
        let (heard, allowed) = decided(&request, true);
        assert_eq!(allowed, json!({"id": 7, "result": yes}), "{method}");
        assert_eq!(decided(&request, false).1, json!({"id": 7, "result": no}), "{method}");
        let ask = heard.asked()[0];
        assert_eq!((ask.action, ask.item.as_deref()), (action, Some("i")), "{method}");
        assert!(ask.input.to_string().contains(&params.to_string()), "all of it is shown: {}", ask.input);
    }
}

#[test]
fn leave_that_nobody_knows_how_to_give_is_shown_and_can_only_be_denied() {
    let request = json!({"method": "account/confirmPurchase", "id": "a", "params": {"price": 100}});
    let (heard, said) = decided(&request, false);
    let ask = heard.asked()[0];
    assert_eq!((ask.action, ask.option(true)), (Action::Unknown, None));
    assert!(ask.title.contains("account/confirmPurchase") && ask.input.to_string().contains("100"));
    assert_eq!((&said["id"], &said["error"]["code"]), (&json!("a"), &json!(-32601)));
}

#[test]
fn what_a_command_is_given_beside_itself_is_shown_with_it() {
    let params = json!({"itemId": "i", "command": "ls", "cwd": "/", "additionalPermissions": {"network": true},
        "tomorrow": "x", "threadId": "t"});
    let request = json!({"method": "item/commandExecution/requestApproval", "id": 1, "params": params});
    let (heard, _) = decided(&request, false);
    let input = &heard.asked()[0].input;
    assert_eq!((&input["additionalPermissions"]["network"], &input["tomorrow"]), (&json!(true), &json!("x")));
    assert!(input["threadId"].is_null());
}

#[test]
fn a_session_that_cannot_be_gone_on_with_begins_anew_and_says_so() {
    let mut codex = Codex::default();
    let mut heard = Heard::default();
    heard.take(codex.open(&Launch { resume: Some("gone".into()), ..Launch::default() }));
    heard.take(codex.hear(br#"{"id":1,"result":{}}"#));
    assert_eq!(heard.said[2]["method"], "thread/resume");
    heard.take(codex.hear(br#"{"id":2,"error":{"code":-32600,"message":"no rollout"}}"#));
    assert_eq!(heard.said[3]["method"], "thread/start");
    assert!(text(&heard.of_kind(ItemKind::Notice)[0]).contains("no rollout"));
}

#[test]
fn its_questions_are_asked_and_answered_by_their_ids() {
    let mut codex = Codex::default();
    let mut heard = Heard::default();
    // As its generated schema has them.
    let questions = json!([
        {"id": "way", "header": "Way", "question": "Which way?", "isOther": true, "isSecret": false,
            "options": [{"label": "Left", "description": "west"}]},
        {"id": "word", "header": "", "question": "The word?", "isSecret": true, "options": null},
    ]);
    let params = json!({"threadId": "t", "turnId": "u", "itemId": "i", "isBlocking": true, "questions": questions});
    let line = json!({"id": 7, "method": "item/tool/requestUserInput", "params": params}).to_string();
    heard.take(codex.hear(line.as_bytes()));
    let inquiry = heard.inquired()[0].clone();
    assert_eq!((inquiry.key.as_str(), inquiry.item.as_deref()), ("7", Some("i")));
    assert!(inquiry.questions[0].allows_other && !inquiry.questions[1].allows_other && inquiry.questions[1].is_secret);
    let answers = Answers::from([("way".to_owned(), vec!["Left".to_owned()])]);
    heard.take(codex.command(Command::Answer { key: "7".into(), answers: Some(answers) }));
    assert_eq!(heard.said[0], json!({"id": 7, "result": {"answers": {"way": {"answers": ["Left"]}}}}));

    heard.take(codex.hear(line.as_bytes()));
    heard.take(codex.hear(br#"{"method":"serverRequest/resolved","params":{"threadId":"t","requestId":7}}"#));
    assert_eq!(heard.withdrew(), ["7"], "what it takes back is withdrawn");
    assert_eq!(codex.command(Command::Answer { key: "7".into(), answers: None }), []);
}

#[test]
fn the_forms_of_its_tool_servers_are_questions_and_one_without_any_is_leave() {
    let mut codex = Codex::default();
    let mut heard = Heard::default();
    let mut ask = |id: u64, more: Value| {
        let mut params = json!({"threadId": "t", "serverName": "s", "message": "Who?"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let line = json!({"id": id, "method": "mcpServer/elicitation/request", "params": params}).to_string();
        heard.take(codex.hear(line.as_bytes()));
    };
    let schema = json!({"type": "object", "properties": {"agree": {"type": "boolean"}}});
    ask(1, json!({"mode": "form", "requestedSchema": schema}));
    ask(2, json!({"mode": "form", "requestedSchema": {"type": "object", "properties": {}}}));
    ask(3, json!({"mode": "url", "url": "https://x", "elicitationId": "e"}));
    assert_eq!(heard.said[0], json!({"id": 3, "result": {"action": "decline", "content": null}}));
    assert_eq!(heard.inquired()[0].title.as_deref(), Some("s: Who?"));
    assert_eq!(heard.asked()[0].action, Action::McpTool);
    let answers = Answers::from([("agree".to_owned(), vec!["yes".to_owned()])]);
    heard.take(codex.command(Command::Answer { key: "1".into(), answers: Some(answers) }));
    assert_eq!(heard.said[1], json!({"id": 1, "result": {"action": "accept", "content": {"agree": true}}}));
    let verdict = Verdict::Allow { option_id: "accept".into() };
    heard.take(codex.command(Command::Decide { key: "2".into(), verdict }));
    assert_eq!(heard.said[2], json!({"id": 2, "result": {"action": "accept", "content": {}}}));
}

#[test]
fn warnings_are_told_as_notices_and_a_proposed_plan_as_what_it_says() {
    let mut heard = replay::Heard::default();
    let mut codex = Codex::default();
    for (method, params) in [
        ("guardianWarning", json!({"message": "careful"})),
        ("configWarning", json!({"summary": "no such key", "details": "line 3"})),
        ("deprecationNotice", json!({"summary": "gone soon", "details": null})),
        ("model/rerouted", json!({"fromModel": "a", "toModel": "b", "reason": "overloaded"})),
        ("mcpServer/startupStatus/updated", json!({"name": "s", "status": "failed", "error": "no such program"})),
        ("mcpServer/startupStatus/updated", json!({"name": "t", "status": "ready", "error": null})),
        ("item/plan/delta", json!({"itemId": "p", "delta": "1. look"})),
        ("item/completed", json!({"item": {"type": "plan", "id": "p", "text": "1. look\n"}})),
    ] {
        let line = json!({"method": method, "params": params}).to_string();
        heard.take(codex.hear(line.as_bytes()));
    }
    let notices: Vec<String> = heard.of_kind(ItemKind::Notice).iter().map(text).collect();
    assert_eq!(
        notices,
        [
            "careful",
            "no such key\nline 3",
            "gone soon",
            "another model answers: b instead of a",
            "the tool server s did not start: no such program",
        ]
    );
    assert_eq!(heard.messages(), ["1. look\n"]);
    assert!(heard.unknown().is_empty(), "{:?}", heard.unknown());
}
