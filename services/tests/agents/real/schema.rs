//! Codex tells what it speaks: the schema that the installed version writes is held against what we say, what we recorded, and
//! what we know. What it says anew, or no more, is found here before a person finds it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sixframe_services::agents::{
    Codex, Command, Content, Fact, FolderSettings, Launch, Mode, Prompt, Step, Translator, Verdict,
};

use super::installed::{self, Installed};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// What the installed version says of itself.
struct Schema(tempfile::TempDir);

impl Schema {
    fn generated() -> Schema {
        let folder = tempfile::tempdir().unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let [_, Installed { program, variables, .. }, _] = installed::all(target, folder.path(), "http://127.0.0.1:9");
        let mut generate = std::process::Command::new(program);
        generate.env_clear().envs(variables).args(["app-server", "generate-json-schema", "--out"]);
        let generated = generate.arg(folder.path().join("schema")).output().unwrap();
        assert!(generated.status.success(), "{generated:?}");
        Schema(folder)
    }

    fn of(&self, name: &str) -> Value {
        let path = self.0.path().join("schema").join(format!("{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn validator(&self, name: &str) -> jsonschema::Validator {
        jsonschema::validator_for(&self.of(name)).unwrap()
    }

    /// The names of all messages of a kind.
    fn methods(&self, kind: &str) -> Vec<String> {
        let each = |one: &Value| one["properties"]["method"]["enum"][0].as_str().unwrap().to_owned();
        self.of(kind)["oneOf"].as_array().unwrap().iter().map(each).collect()
    }
}

#[track_caller]
fn fits(schema: &jsonschema::Validator, message: &Value) {
    let errors: Vec<String> = schema.iter_errors(message).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{message} is not what the schema wants: {errors:#?}");
}

/// The lines of the recordings, and whether Codex said them.
fn recorded() -> Vec<(bool, Value)> {
    let recordings = std::fs::read_dir(FIXTURES).unwrap().map(|entry| entry.unwrap().path());
    let recordings = recordings.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("codex-"));
    let texts = recordings.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let texts: Vec<String> = texts.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["dir"] == "<-", line["msg"].clone())
    };
    texts.iter().flat_map(|text| text.lines()).map(line).collect()
}

fn said(steps: Vec<Step>) -> Vec<Value> {
    steps.into_iter().filter_map(|step| if let Step::Say(message) = step { Some(message) } else { None }).collect()
}

/// A thread that stands, and what was said until it did.
fn opened(launch: &Launch) -> (Codex, Vec<Value>) {
    let mut codex = Codex::default();
    let mut all = said(codex.open(launch));
    all.extend(said(codex.hear(br#"{"id":1,"result":{}}"#)));
    all.extend(said(codex.hear(br#"{"id":2,"result":{"thread":{"id":"thread"},"model":"m"}}"#)));
    (codex, all)
}

fn prompt() -> Prompt {
    Prompt::new("p", vec![Content::Text { text: "do it".into() }])
}

#[test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
fn codex_wants_what_is_said_to_it() {
    let schema = Schema::generated();
    let (requests, notifications) = (schema.validator("ClientRequest"), schema.validator("ClientNotification"));
    let new = Launch { system_prompt: Some("be brief".into()), model: Some("m".into()), ..Launch::default() };
    let resumed = Launch { resume: Some("thread".into()), mode: Mode::Plan, ..Launch::default() };
    let forked = Launch { is_fork: true, settings: FolderSettings::Trusted, ..resumed.clone() };
    let mut methods = Vec::new();
    for launch in [new, resumed, forked] {
        let (mut codex, mut all) = opened(&launch);
        all.extend(said(codex.command(Command::Prompt(prompt()))));
        codex.hear(br#"{"method":"turn/started","params":{"turn":{"id":"turn"}}}"#);
        all.extend(said(codex.command(Command::Steer(prompt()))));
        all.extend(said(codex.command(Command::Interrupt)));
        for message in all {
            fits(if message.get("id").is_some() { &requests } else { &notifications }, &message);
            methods.push(message["method"].as_str().unwrap().to_owned());
        }
    }
    methods.sort_unstable();
    methods.dedup();
    let wanted = ["initialize", "initialized", "thread/fork", "thread/resume", "thread/start"];
    assert_eq!(methods, [&wanted[..], &["turn/interrupt", "turn/start", "turn/steer"]].concat());
}

#[test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
fn codex_wants_what_is_answered_to_it() {
    let schema = Schema::generated();
    let requests = schema.validator("ServerRequest");
    let mut asked: Vec<Value> = recorded()
        .into_iter()
        .filter(|(is_codex, line)| *is_codex && line.get("method").is_some() && line.get("id").is_some())
        .map(|(_, line)| line)
        .collect();
    let of = json!({"threadId": "thread", "turnId": "turn", "itemId": "item"});
    let with = |more: Value| {
        let mut params = of.clone();
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let question = json!({"id": "q", "header": "Colour", "question": "Which?", "options": [{"label": "red", "description": "warm"}]});
    asked.push(json!({"id": 901, "method": "item/tool/requestUserInput", "params": with(json!({"questions": [question], "isBlocking": true}))}));
    for (id, properties) in [(902, json!({})), (903, json!({"name": {"type": "string"}}))] {
        let form =
            json!({"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": properties}});
        let params = json!({"threadId": "thread", "turnId": "turn", "serverName": "people"});
        let mut params = with(params);
        params.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        asked.push(json!({"id": id, "method": "mcpServer/elicitation/request", "params": params}));
    }
    let mut answered = BTreeMap::<String, usize>::new();
    for request in asked {
        fits(&requests, &request);
        let method = request["method"].as_str().unwrap();
        let response = schema.validator(match method {
            "item/commandExecution/requestApproval" => "CommandExecutionRequestApprovalResponse",
            "item/fileChange/requestApproval" => "FileChangeRequestApprovalResponse",
            "item/tool/requestUserInput" => "ToolRequestUserInputResponse",
            "mcpServer/elicitation/request" => "McpServerElicitationRequestResponse",
            other => panic!("{other} was recorded, and its answers are held against nothing"),
        });
        let told = |codex: &mut Codex| {
            let facts = codex.hear(request.to_string().as_bytes()).into_iter();
            facts
                .filter_map(|step| if let Step::Tell(told) = step { Some(told.fact) } else { None })
                .collect::<Vec<_>>()
        };
        let facts = told(&mut opened(&Launch::default()).0);
        let mut ways: Vec<Command> = Vec::new();
        for fact in facts {
            match fact {
                Fact::Asked(ask) => {
                    let deny = Verdict::Deny { option_id: None, reason: "no".into() };
                    let allowed =
                        ask.options.iter().map(|option| Verdict::Allow { option_id: option.option_id.clone() });
                    let verdicts = allowed.chain([deny]);
                    ways.extend(verdicts.map(|verdict| Command::Decide { key: ask.key.clone(), verdict }));
                }
                Fact::Inquired(inquiry) => {
                    let answers =
                        inquiry.questions.iter().map(|question| (question.id.clone(), vec!["red".to_owned()]));
                    let answers = Some(answers.collect());
                    ways.push(Command::Answer { key: inquiry.key.clone(), answers });
                    ways.push(Command::Answer { key: inquiry.key, answers: None });
                }
                _ => (),
            }
        }
        assert!(ways.len() > 1, "{request} is not asked of anybody");
        for way in ways {
            let mut codex = opened(&Launch::default()).0;
            told(&mut codex);
            for answer in said(codex.command(way)) {
                assert_eq!(answer["id"], request["id"]);
                fits(&response, &answer["result"]);
                *answered.entry(method.to_owned()).or_default() += 1;
            }
        }
    }
    assert_eq!(answered.len(), 4, "{answered:?}");
}

#[test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
fn codex_still_says_what_was_recorded() {
    let schema = Schema::generated();
    let (requests, notifications) = (schema.validator("ServerRequest"), schema.validator("ServerNotification"));
    let mut held = 0;
    for (is_codex, line) in recorded() {
        if is_codex && line.get("method").is_some() {
            fits(if line.get("id").is_some() { &requests } else { &notifications }, &line);
            held += 1;
        }
    }
    assert!(held > 100, "{held} messages");
}

#[test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
fn codex_says_nothing_that_nobody_has_thought_of() {
    let schema = Schema::generated();
    // What is not known is kept as it came, and asked of nobody.
    let is_known = |message: Value| {
        let steps = opened(&Launch::default()).0.hear(message.to_string().as_bytes());
        !steps.iter().any(|step| matches!(step, Step::Tell(told) if told.fact == Fact::Native))
    };
    let sorted = |methods: Vec<String>, message: fn(&str) -> Value| {
        let (mut known, mut kept): (Vec<_>, Vec<_>) = methods.into_iter().partition(|method| is_known(message(method)));
        known.sort_unstable();
        kept.sort_unstable();
        json!({"known": known, "kept": kept})
    };
    let notifications = schema.of("ServerNotification");
    let mut items: Vec<&str> = notifications["definitions"]["ThreadItem"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["properties"]["type"]["enum"][0].as_str().unwrap())
        .collect();
    items.sort_unstable();
    let today = json!({
        "notifications": sorted(schema.methods("ServerNotification"), |method| json!({"method": method, "params": {}})),
        "requests": sorted(schema.methods("ServerRequest"), |method| {
            json!({"id": 7, "method": method, "params": {"mode": "form"}})
        }),
        "items": items,
    });
    let path = format!("{FIXTURES}/codex-0.169.0-vocabulary.json");
    let known: Value = serde_json::from_slice(&std::fs::read(&path).unwrap_or_default()).unwrap_or_default();
    assert!(
        known == today,
        "what Codex says has changed. Look at what is new or gone, let the adapter follow, and then write this to {path}:\n{today:#}"
    );
}
