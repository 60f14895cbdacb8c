//! What is written and known of the Agent Client Protocol. The package `drift` holds the fixtures to the protocol's own types.

use std::path::PathBuf;

use serde_json::{Value, json};
use sixframe_services::agents::{
    Acp, Answers, Command, Content, Fact, ItemKind, ItemStatus, Launch, Mode, OptionKind, Outcome, Prompt, Step, Told,
    Translator, Verdict,
};

fn fixture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/fixtures", name].iter().collect();
    std::fs::read_to_string(path).unwrap()
}

/// A session, and everything that was written in it.
struct Session {
    acp: Acp,
    written: Vec<Value>,
}

impl Session {
    fn begin(launch: Launch) -> Session {
        let mut session = Session { acp: Acp::default(), written: Vec::new() };
        let steps = session.acp.open(&launch);
        session.take(steps, None);
        session
    }

    /// One in which prompts can be given.
    fn ready() -> Session {
        let mut session = Session::begin(Launch { cwd: "/project".into(), ..Launch::default() });
        session.answer(json!({"agentCapabilities": {}}));
        session.answer(json!({"sessionId": "s"}));
        session
    }

    fn take(&mut self, steps: Vec<Step>, answers: Option<&str>) -> Vec<Told> {
        let mut told = Vec::new();
        for step in steps {
            match step {
                Step::Say(message) if message.get("method").is_some() => self.written.push(json!({"message": message})),
                Step::Say(message) => self.written.push(json!({"answers": answers, "message": message})),
                Step::Tell(fact) => told.push(fact),
            }
        }
        told
    }

    fn command(&mut self, command: Command, answers: Option<&str>) -> Vec<Told> {
        let steps = self.acp.command(command);
        self.take(steps, answers)
    }

    fn hear(&mut self, message: &Value) -> Vec<Told> {
        let steps = self.acp.hear(message.to_string().as_bytes());
        self.take(steps, message["method"].as_str())
    }

    /// Answers what was asked last.
    fn answer(&mut self, result: Value) -> Vec<Told> {
        let asked = self
            .written
            .iter()
            .rev()
            .find(|line| line["message"]["id"].is_u64() && line["message"]["method"].is_string());
        let id = asked.unwrap()["message"]["id"].clone();
        self.hear(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }

    fn update(&mut self, update: Value) -> Vec<Told> {
        let params = json!({"sessionId": "s", "update": update});
        self.hear(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params}))
    }

    fn asks(&mut self, method: &str, params: Value) -> Vec<Told> {
        self.hear(&json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": params}))
    }
}

fn form() -> Value {
    let schema = json!({"type": "object", "properties": {"way": {"type": "string"}}});
    json!({"sessionId": "s", "mode": "form", "message": "Which?", "requestedSchema": schema})
}

fn leave() -> Value {
    let kinds = ["allow_once", "reject_once"];
    let options = kinds.map(|kind| json!({"optionId": kind, "name": kind, "kind": kind}));
    json!({"sessionId": "s", "options": options, "toolCall": {"toolCallId": "t", "title": "x"}})
}

/// Everything that is ever written: each kind of message once.
fn written() -> Vec<Value> {
    let mut written = Vec::new();
    let resumed = || Launch { cwd: "/project".into(), resume: Some("old".into()), ..Launch::default() };
    for (launch, can) in [
        (resumed(), json!({"loadSession": true})),
        (resumed(), json!({"sessionCapabilities": {"resume": {}}})),
        (Launch { is_fork: true, ..resumed() }, json!({"sessionCapabilities": {"fork": {}}})),
    ] {
        let mut session = Session::begin(launch);
        session.answer(json!({"agentCapabilities": can}));
        written.extend(session.written.split_off(1));
    }
    let mut session = Session::begin(Launch { cwd: "/project".into(), model: Some("m".into()), ..Launch::default() });
    session.answer(json!({"agentCapabilities": {}}));
    session.answer(
        json!({"sessionId": "s", "modes": {"currentModeId": "default", "availableModes": [{"id": "default"}]}}),
    );
    let select = |category: &str| json!({"id": category, "category": category, "type": "select", "options": [{"value": "plan"}]});
    session
        .update(json!({"sessionUpdate": "config_option_update", "configOptions": [select("model"), select("mode")]}));
    session.command(Command::SetModel("m2".into()), None);
    session.command(Command::SetMode(Mode::Ask), None);
    let content = vec![
        Content::Text { text: "hello".into() },
        Content::Image { mime_type: "image/png".into(), data: "AA==".into() },
        Content::ResourceLink { uri: "file:///project/a".into(), name: None },
    ];
    session.command(Command::Prompt(Prompt::new("p", content)), None);
    for verdict in [
        Verdict::Allow { option_id: "allow_once".into() },
        Verdict::Deny { option_id: Some("reject_once".into()), reason: String::new() },
        Verdict::Deny { option_id: None, reason: String::new() },
    ] {
        session.asks("session/request_permission", leave());
        session.command(Command::Decide { key: "\"q\"".into(), verdict }, Some("session/request_permission"));
    }
    for answers in [Some(Answers::from([("way".to_owned(), vec!["left".to_owned()])])), None] {
        session.asks("elicitation/create", form());
        session.command(Command::Answer { key: "\"q\"".into(), answers }, Some("elicitation/create"));
    }
    session.asks("fs/read_text_file", json!({}));
    session.command(Command::Interrupt, None);
    written.extend(session.written);
    written
}

#[test]
fn what_is_written_is_what_is_held_to_the_protocol() {
    let version = |text: String| text.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    let lines: Vec<String> = written().iter().map(|line| version(line.to_string())).collect();
    let text = lines.join("\n") + "\n";
    assert_eq!(text, fixture("acp-written.jsonl"), "where this is meant, it is the fixture's new text:\n{text}");
}

fn words(of: &str) -> Vec<String> {
    let known: Value = serde_json::from_str(&fixture("acp-vocabulary.json")).unwrap();
    known[of].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// An update of this kind, with what any of them may have.
fn update(word: &str) -> Value {
    json!({
        "sessionUpdate": word, "content": {"type": "text", "text": "x"}, "toolCallId": "t", "title": "x", "entries": [],
        "availableCommands": [], "configOptions": [], "used": 1, "size": 2, "status": "completed",
    })
}

#[test]
fn every_update_of_the_protocol_has_a_meaning_here() {
    for word in words("sessionUpdate") {
        let told = Session::ready().update(update(&word));
        assert!(!told.is_empty() && told.iter().all(|told| told.fact != Fact::Native), "{word}: {told:?}");
    }
    let told = Session::ready().update(update("of_tomorrow"));
    assert!(told[0].fact == Fact::Native && told[0].ext.is_some(), "what is new is kept");
}

#[test]
fn every_word_of_the_protocol_has_a_meaning_here() {
    for word in words("contentBlock") {
        let mut chunk = update("agent_message_chunk");
        chunk["content"]["type"] = json!(word);
        if word != "text" {
            chunk["content"] = json!({"type": word, "data": "x"});
        }
        let told = Session::ready().update(chunk);
        let is_kept = told.iter().all(|told| told.fact == Fact::Native && told.ext.is_some());
        assert_eq!(is_kept, word != "text", "{word}: {told:?}");
    }
    for word in words("toolCallContent") {
        let content = json!({"type": word, "path": "a", "newText": "b", "content": {"type": "text", "text": "x"}});
        let mut call = update("tool_call");
        call["content"] = json!([content]);
        assert_eq!(Session::ready().update(call).len(), 1, "{word}");
    }
    for word in words("toolKind") {
        let mut call = update("tool_call");
        call["kind"] = json!(word);
        let told = serde_json::to_value(tool(&Session::ready().update(call)).1).unwrap();
        assert_eq!(told, word);
    }
    for word in words("toolCallStatus") {
        let mut call = update("tool_call_update");
        call["status"] = json!(word);
        let status = tool(&Session::ready().update(call)).0;
        assert_eq!(serde_json::to_value(status).unwrap(), word);
    }
    for word in words("planEntryStatus") {
        let mut plan = update("plan");
        plan["entries"] = json!([{"content": "x", "priority": "high", "status": word}]);
        let told = Session::ready().update(plan);
        let Fact::Plan(plan) = &told[0].fact else { panic!("{told:?}") };
        assert_eq!(serde_json::to_value(plan.entries[0].status).unwrap(), word);
    }
}

fn tool(told: &[Told]) -> (Option<ItemStatus>, Value) {
    let Fact::Item { item, .. } = &told[0].fact else { panic!("{told:?}") };
    assert_eq!(item.kind, ItemKind::ToolCall);
    let kind = item.tool.as_ref().and_then(|tool| tool.tool_kind);
    (item.status, serde_json::to_value(kind).unwrap())
}

#[test]
fn every_end_and_every_request_of_the_protocol_has_a_meaning_here() {
    for word in words("stopReason") {
        let mut session = Session::ready();
        session.command(Command::Prompt(Prompt::new("p", vec![Content::Text { text: "x".into() }])), None);
        let told = session.answer(json!({"stopReason": word}));
        let Some(Fact::Ended(end)) = told.last().map(|told| &told.fact) else { panic!("{told:?}") };
        assert_ne!(end.outcome, Outcome::Failed, "{word}");
    }
    let mut kinds = Vec::new();
    for word in words("permissionOptionKind") {
        let mut asked = leave();
        asked["options"] = json!([{"optionId": "o", "name": "n", "kind": word}]);
        let told = Session::ready().asks("session/request_permission", asked);
        let Some(Fact::Asked(ask)) = told.last().map(|told| &told.fact) else { panic!("{told:?}") };
        kinds.push(ask.options[0].kind);
    }
    use OptionKind::{AllowAlways, AllowOnce, RejectAlways, RejectOnce};
    assert_eq!(kinds, [AllowAlways, AllowOnce, RejectAlways, RejectOnce]);
    for word in words("elicitationMode") {
        let mut asked = form();
        asked["mode"] = json!(word);
        let told = Session::ready().asks("elicitation/create", asked);
        assert_eq!(matches!(told[0].fact, Fact::Inquired(_)), word == "form", "pages are not opened");
    }
    let others = ["session/request_permission", "elicitation/create", "session/update", "elicitation/complete"];
    for word in words("request").iter().filter(|word| !others.contains(&word.as_str())) {
        let mut session = Session::ready();
        session.asks(word, json!({}));
        assert_eq!(session.written.last().unwrap()["message"]["error"]["code"], -32601, "{word} is not offered");
    }
}
