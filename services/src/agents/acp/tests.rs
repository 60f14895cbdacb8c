use super::*;

/// What follows from these updates of a turn, and from its end.
fn turn(acp: &mut Acp, updates: &[Value]) -> Vec<Step> {
    let text = "p".to_owned();
    acp.command(Command::Prompt(Prompt::new("p", vec![Content::Text { text }])));
    let ended = json!({"id": acp.requests, "result": {"stopReason": "end_turn"}});
    let updates = updates.iter().map(|update| json!({"method": "session/update", "params": {"update": update}}));
    updates.chain([ended]).flat_map(|message| acp.hear(message.to_string().as_bytes())).collect()
}

fn ended(steps: &[Step]) -> Option<&TurnEnd> {
    steps.iter().find_map(|step| match step {
        Step::Tell(Told { fact: Fact::Ended(end), .. }) => Some(end),
        Step::Tell(_) | Step::Say(_) => None,
    })
}

fn told(steps: &[Step], kind: ItemKind) -> Vec<String> {
    let items = steps.iter().filter_map(|step| match step {
        Step::Tell(Told { fact: Fact::Item { item, .. }, .. }) if item.kind == kind => item.content.clone(),
        Step::Tell(_) | Step::Say(_) => None,
    });
    items.flatten().map(|content| format!("{content:?}")).collect()
}

fn chunk(text: &str) -> Value {
    json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}})
}

fn system_error() -> Value {
    let status = json!({"codex": {"threadStatus": {"type": "systemError"}}});
    json!({"sessionUpdate": "session_info_update", "_meta": status})
}

#[test]
fn an_agent_that_fails_in_its_own_words_fails() {
    let mut acp = Acp { session: Some("s".into()), ..Acp::default() };
    let steps = turn(&mut acp, &[chunk("429 too many"), system_error()]);
    let problem = ended(&steps).and_then(|end| end.error.clone()).map(|problem| (problem.kind, problem.message));
    assert_eq!(problem, Some((ProblemKind::ProviderError, "429 too many".to_owned())));
}

#[test]
fn what_codex_acp_says_itself_is_no_answer_and_why_it_failed_an_error_alone() {
    let mut acp = Acp { session: Some("s".into()), names_messages: true, ..Acp::default() };
    let why = "exceeded retry limit, last status: 429 Too Many Requests";
    let steps = turn(&mut acp, &[chunk("Warning: x\n\n"), chunk(why), system_error()]);
    let problem = ended(&steps).and_then(|end| end.error.clone()).map(|problem| (problem.kind, problem.message));
    assert_eq!(problem, Some((ProblemKind::RateLimited, why.to_owned())));
    assert_eq!(told(&steps, ItemKind::AgentMessage), Vec::<String>::new());
    let notices = told(&steps, ItemKind::Notice);
    assert!(notices.len() == 1 && notices[0].contains("\"Warning: x\""), "{notices:?}");
    let mut named = chunk("Hello");
    named["messageId"] = json!("m1");
    let steps = turn(&mut acp, &[chunk("Warning: y"), named, chunk("/status says so")]);
    assert_eq!(ended(&steps).map(|end| end.outcome), Some(Outcome::Completed));
    assert_eq!(told(&steps, ItemKind::AgentMessage), [r#"Text { text: "Hello" }"#]);
    let notices = told(&steps, ItemKind::Notice);
    assert!(notices.len() == 2 && notices[1].contains("/status says so"), "{notices:?}");
}

#[test]
fn an_agent_that_cannot_go_on_with_its_session_says_so_and_is_told_what_was_done() {
    let begun = |can: Value| {
        let mut acp = Acp::default();
        acp.open(&Launch { resume: Some("old".into()), history: Some("long ago".into()), ..Launch::default() });
        let answer = json!({"id": 1, "result": {"agentCapabilities": can}});
        let steps = acp.hear(answer.to_string().as_bytes());
        let said = steps.iter().find_map(|step| match step {
            Step::Say(said) => said["method"].as_str().map(str::to_owned),
            Step::Tell(_) => None,
        });
        (acp, said.unwrap_or_default(), told(&steps, ItemKind::Notice).join(""))
    };
    let (acp, said, notice) = begun(json!({}));
    assert_eq!((said.as_str(), acp.preface.as_deref()), ("session/new", Some("long ago")));
    assert!(notice.contains("cannot be gone on with"), "{notice}");
    let (acp, said, notice) = begun(json!({"sessionCapabilities": {"resume": {}}}));
    assert_eq!((said.as_str(), acp.preface, notice.as_str()), ("session/resume", None, ""));
    assert_eq!(begun(json!({"loadSession": true, "sessionCapabilities": {"resume": {}}})).1, "session/load");
}
