//! What is sent with a prompt, as a command sees it that says what it was given.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use sixframe_core::{Code, Scope, Scopes};
use sixframe_services::agents::{ProviderConfig, Template, Templates};

use super::house::{House, window};

/// A house whose agent says what it is sent, with a template of its own.
fn echoing() -> House {
    House::tuned(|config| {
        let echo = ProviderConfig { settings: Some(Vec::new()), ..ProviderConfig::new("/bin/cat") };
        config.command.insert("echo".to_owned(), echo);
        let short = Template { notes: "Use <Node>.".to_owned(), characters: 2_000, ..Template::default() };
        let bare = Template { tree: false, role: String::new(), ..Template::default() };
        let few = Template { tokens: 500, tree: false, ..Template::default() };
        let templates =
            [("short", short), ("bare", bare), ("few", few)].map(|(name, template)| (name.to_owned(), template));
        config.templates = Templates::new(BTreeMap::from(templates));
    })
}

fn asked(text: &str, more: &Value) -> Value {
    let mut params = json!({"content": [{"type": "text", "text": text}]});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    params
}

async fn preview(house: &House, session: &str, text: &str, more: &Value) -> Value {
    let mut params = asked(text, more);
    params["sessionId"] = json!(session);
    house.ask("agent.previewPrompt", params).await.unwrap()
}

fn kinds(summary: &Value) -> Vec<&str> {
    summary["parts"].as_array().unwrap().iter().map(|part| part["kind"].as_str().unwrap()).collect()
}

fn omitted(summary: &Value, what: &str) -> Option<String> {
    let omitted = summary["omitted"].as_array().unwrap().iter().find(|omitted| omitted["what"] == what)?;
    Some(omitted["why"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_budget_of_tokens_holds_in_every_script() {
    let house = echoing();
    let session = house.session("command:echo").await;
    for line in ["한국어로 쓴 한 줄\n", "a line of English\n"] {
        house.write("long.txt", &line.repeat(2_000));
        let shown = preview(&house, &session, "?", &json!({"currentFile": "long.txt", "template": "few"})).await;
        let tokens = shown["estimatedTokens"].as_u64().unwrap();
        assert!((400..=500).contains(&tokens), "{line}: {shown}");
        assert_eq!(omitted(&shown, "long.txt").as_deref(), Some("budget"));
    }
}

#[tokio::test]
async fn what_has_no_room_is_left_out_and_said_to_be() {
    let house = echoing();
    let session = house.session("command:echo").await;
    let long = ["한국어".repeat(20), "로쓴이름".repeat(20), "긴이름".repeat(20)].join("/");
    fs::create_dir_all(house.file(&long)).unwrap();
    house.write(&format!("{long}/a.txt"), "a line\n");
    let path = format!("{long}/a.txt");
    let asked = json!({"currentFile": path, "selection": {"text": "a line"}, "template": "few"});
    let shown = preview(&house, &session, "?", &asked).await;
    assert!(shown["estimatedTokens"].as_u64().unwrap() <= 500, "{shown}");
    assert_eq!([&path, "selection"].map(|what| omitted(&shown, what)), [(); 2].map(|()| Some("budget".to_owned())));
    assert!(!kinds(&shown).contains(&"file") && !kinds(&shown).contains(&"selection"));
}

#[tokio::test]
async fn what_is_previewed_is_what_is_sent() {
    let house = echoing();
    fs::create_dir_all(house.file("src")).unwrap();
    house.write("src/a.rs", "fn main() {}\n// ``` and ````\n");
    house.write("big.txt", &"a line of text\n".repeat(20_000));
    let session = house.session("command:echo").await;
    let selection = json!({"text": "fn main() {}", "startLine": 1, "endLine": 1});
    let cases = [
        json!({}),
        json!({"currentFile": "src/a.rs"}),
        json!({"currentFile": {"path": "src/a.rs", "content": "unsaved"}, "selection": selection}),
        json!({"currentFile": house.file("big.txt"), "template": "short"}),
        json!({"selection": selection, "template": "bare"}),
        json!({"template": "default"}),
    ];
    for more in cases {
        let shown = preview(&house, &session, "What is this?", &more).await;
        let mut turn = house.prompt_with(&session, "What is this?", more.clone());
        assert_eq!(turn.end().await["outcome"], "completed");
        assert_eq!(turn.grown("text"), shown["text"].as_str().unwrap(), "{more}");
        assert_eq!(shown["characters"], shown["text"].as_str().unwrap().chars().count(), "{more}");
        assert_eq!(kinds(&shown).last(), Some(&"prompt"));
        assert!(shown["text"].as_str().unwrap().ends_with("What is this?"));
    }
}

#[tokio::test]
async fn what_somebody_typed_is_told_alone_and_what_was_added_beside_it() {
    let house = echoing();
    house.write("a.txt", "content of a\n");
    let session = house.session("command:echo").await;
    let mut turn = house.prompt_with(&session, "hello", json!({"currentFile": "a.txt"}));
    let queued = turn.until("prompt.queued").await;
    assert_eq!(queued["content"], json!([{"type": "text", "text": "hello"}]));
    assert_eq!(kinds(&queued["context"]), ["role", "tree", "file", "rules"]);
    assert!(queued["context"]["estimatedTokens"].as_u64().unwrap() > 10);
    turn.end().await;
    let said = turn.seen.iter().find(|event| event["data"]["kind"] == "user_message").unwrap();
    assert_eq!(said["data"]["content"], json!([{"type": "text", "text": "hello"}]));
    let started = turn.seen.iter().find(|event| event["type"] == "prompt.started").unwrap();
    let context = started["ext"]["context"].as_str().unwrap();
    assert!(context.contains("content of a") && !context.contains("hello"), "the log has what was sent");
    assert_eq!(format!("{context}\n\nhello"), turn.grown("text"));
}

#[tokio::test]
async fn nothing_from_outside_of_the_folder_is_sent() {
    let house = echoing();
    fs::write(house.folder.path().join("outside.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(house.folder.path(), house.file("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", house.file("dangling")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, house.file("pipe"), rustix::fs::Mode::RUSR).unwrap();
    fs::write(house.file("image.png"), [0x89, b'P', b'N', b'G', 0, 0xff]).unwrap();
    let session = house.session("command:echo").await;
    let paths = [
        "../outside.txt",
        "/etc/hostname",
        "link/outside.txt",
        "link",
        "dangling",
        "pipe",
        ".",
        "",
        "missing.txt",
        "image.png",
    ];
    for path in paths {
        let mut params = asked("hello", &json!({"currentFile": path}));
        params["sessionId"] = json!(session);
        let refused = house.ask("agent.previewPrompt", params).await.unwrap_err();
        assert_eq!(refused.code(), Code::INVALID_PAYLOAD, "{path}");
        let mut turn = house.prompt_with(&session, "hello", json!({"currentFile": path}));
        let refused = turn.items.next().await.unwrap().unwrap_err();
        assert_eq!(refused.code(), Code::INVALID_PAYLOAD, "{path}");
    }
    let outside = json!({"currentFile": {"path": "link/outside.txt", "content": "typed"}});
    let mut turn = house.prompt_with(&session, "hello", outside);
    assert!(turn.items.next().await.unwrap().is_err(), "an editor's text is no way around it");
    let mut turn = house.prompt_with(&session, "hello", json!({"template": "unheard of"}));
    assert_eq!(turn.items.next().await.unwrap().unwrap_err().code(), Code::INVALID_PAYLOAD);
}

#[tokio::test]
async fn the_tree_has_no_secrets_nothing_ignored_and_follows_no_links() {
    let house = echoing();
    for folder in ["src", "node_modules/x", "build", ".git"] {
        fs::create_dir_all(house.file(folder)).unwrap();
    }
    for name in ["src/main.rs", "node_modules/x/y.js", "build/out.o", ".git/config", ".env", "server.pem", "seen.log"] {
        house.write(name, "x");
    }
    house.write(".gitignore", "build/\n*.log\n");
    std::os::unix::fs::symlink("/etc", house.file("etc")).unwrap();
    let session = house.session("command:echo").await;
    let shown = preview(&house, &session, "hello", &json!({"template": "default"})).await;
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("etc\nsrc/\n  main.rs\n"), "{text}");
    for absent in ["node_modules", "build", "config", ".env", "server.pem", "seen.log", "hostname"] {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
    assert_eq!(omitted(&shown, "server.pem").as_deref(), Some("secret"), "{shown}");

    let named = preview(&house, &session, "hello", &json!({"currentFile": "server.pem", "template": "bare"})).await;
    assert_eq!((&named["parts"][0]["kind"], &named["parts"][0]["isSecret"]), (&json!("file"), &json!(true)));
}

#[tokio::test]
async fn a_budget_holds_and_what_is_cut_is_listed() {
    let house = echoing();
    fs::create_dir(house.file("many")).unwrap();
    for number in 0..300 {
        house.write(&format!("many/file-{number}.txt"), "x");
    }
    let numbered: String = (1..=5_000).map(|number| format!("line {number}\n")).collect();
    house.write("long.txt", &numbered);
    let session = house.session("command:echo").await;
    let selection = json!({"text": "line 2500\n", "startLine": 2500, "endLine": 2500});
    let more = json!({"currentFile": "long.txt", "selection": selection, "template": "short"});
    let shown = preview(&house, &session, "?", &more).await;
    let text = shown["text"].as_str().unwrap();
    assert!(text.chars().count() <= 2_000, "{}", text.chars().count());
    assert!(text.contains("line 2490\n") && text.contains("line 2510\n") && !text.contains("line 1\n"), "{text}");
    assert!(text.contains("Use <Node>.") && text.contains("`long.txt`, lines "), "{text}");
    assert_eq!(kinds(&shown), ["role", "tree", "notes", "file", "selection", "rules", "prompt"]);
    assert_eq!(omitted(&shown, "long.txt").as_deref(), Some("budget"));
    assert_eq!(omitted(&shown, "tree").as_deref(), Some("budget"));
    let estimated = shown["estimatedTokens"].as_u64().unwrap();
    assert!((400..=500).contains(&estimated), "{estimated} for {} ASCII characters", text.len());
}

#[tokio::test]
async fn who_may_only_look_sees_no_files_by_a_preview() {
    let house = echoing();
    house.write("a.txt", "content of a\n");
    let session = house.session("command:echo").await;
    let looking = window(&house.agents, Scopes::NONE.with(Scope::Read));
    let params = |more: Value| {
        let mut params = asked("hello", &more);
        params["sessionId"] = json!(session);
        params
    };
    for more in [json!({"currentFile": "a.txt"}), json!({"template": "default"})] {
        let refused = looking.request_raw::<_, Value>("agent.previewPrompt", params(more)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FORBIDDEN);
    }
    let shown: Value = looking.request_raw("agent.previewPrompt", params(json!({}))).await.unwrap();
    assert_eq!(shown["text"], "hello");
}
