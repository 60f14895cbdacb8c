use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde_json::{Value, json};
use sixframe_core::{Code, Scope, Scopes};

use super::house::{House, LONG, Turn, window};

/// How requests ended, and by which rule.
fn resolved(turn: &Turn) -> Vec<(String, String)> {
    let resolved = turn.seen.iter().filter(|event| event["type"] == "permission.resolved");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    resolved.map(|event| (text(&event["data"]["decision"]), text(&event["data"]["by"]["rule"]))).collect()
}

async fn auto(house: &House) -> String {
    house.session_with("builtin", json!({"mode": "auto"})).await
}

#[tokio::test]
async fn in_the_mode_auto_rules_allow_deny_and_ask() {
    let house = House::new();
    house.write("notes.txt", "one\n");
    let session = auto(&house).await;
    let mut turn = house.prompt(&session, "run cat notes.txt | wc -l\nreplace one with two in notes.txt\nrun rm -rf /");
    turn.end().await;
    assert_eq!(house.read("notes.txt"), "two\n");
    let pair = |decision: &str, rule: &str| (decision.to_owned(), rule.to_owned());
    let expected = [pair("allowed", "looks_only"), pair("allowed", "change_inside"), pair("denied", "delete_all")];
    assert_eq!(resolved(&turn), expected);
    assert_eq!(turn.tools(), ["completed", "completed", "denied"]);
    let denied = turn.seen.iter().rev().find(|event| event["data"]["status"] == "denied").unwrap();
    let told = denied["data"]["tool"]["error"].as_str().unwrap();
    assert!(told.contains("delete_all") && told.contains("deletes folders"), "the agent is told why: {told}");
    let asked = turn.seen.iter().rev().find(|event| event["type"] == "permission.requested").unwrap();
    assert_eq!((&asked["data"]["risk"], &asked["data"]["hits"][0]["rule"]), (&json!("critical"), &json!("delete_all")));

    let mut turn = house.prompt(&session, "run sh -c 'exit 0' && true $(id)");
    let asked = turn.until("permission.requested").await;
    assert_eq!(asked["hits"][0]["rule"], "unclear");
    house.ask("agent.reject", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    turn.end().await;
    assert_eq!(house.shown(&session)["mode"], "auto");
}

#[tokio::test]
async fn the_mode_auto_needs_the_scope_to_consent() {
    let house = House::new();
    let reader = window(&house.agents, Scopes::ALL.without(Scope::Approve));
    let params = json!({"provider": "builtin", "cwd": house.file(""), "mode": "auto"});
    let refused = reader.request_raw::<_, Value>("agent.createSession", params).await.unwrap_err();
    assert_eq!(refused.code(), Code::FORBIDDEN);
    for method in ["agent.setMode", "policy.revoke", "trust.grant", "trust.revoke"] {
        let refused = reader.request_raw::<_, Value>(method, json!({})).await.unwrap_err();
        assert_eq!(refused.code(), Code::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn a_yes_that_is_remembered_holds_until_it_is_revoked() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run mkdir made");
    let asked = turn.until("permission.requested").await;
    let always =
        asked["options"].as_array().unwrap().iter().find(|option| option["optionId"] == "sixframe:always").unwrap();
    assert_eq!((&always["kind"], &always["rulePreview"]), (&json!("allow_always"), &json!("mkdir made")));
    let answer = json!({"permissionId": asked["permissionId"], "optionId": "sixframe:always"});
    house.ask("agent.approve", answer).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert!(house.file("made").is_dir());

    let house = house.restart().await;
    let other = house.session("builtin").await;
    let mut turn = house.prompt(&other, "run mkdir made");
    turn.end().await;
    let listed = house.ask("policy.list", json!({"sessionId": other})).await.unwrap();
    let rule = listed["rules"].as_array().unwrap().iter().find(|rule| rule["source"] == "person").unwrap().clone();
    assert_eq!(resolved(&turn), [("allowed".to_owned(), rule["id"].as_str().unwrap().to_owned())]);
    assert_eq!((&rule["scope"], &rule["pattern"]), (&json!("folder"), &json!("mkdir made")));

    house.ask("policy.revoke", json!({"id": rule["id"]})).await.unwrap();
    let mut turn = house.prompt(&other, "run mkdir made");
    turn.until("permission.requested").await;
    assert_eq!(house.shown(&other)["state"]["name"], "waiting_approval", "at once");
    let gone = house.ask("policy.revoke", json!({"id": rule["id"]})).await.unwrap_err();
    assert_eq!(gone.code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn what_would_be_decided_is_explained_and_nothing_is_done() {
    let house = House::new();
    let folder = house.file("");
    let explain = async |more: Value| {
        let mut params = json!({"cwd": folder, "action": "command"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.ask("policy.explain", params).await
    };
    let told = explain(json!({"command": "git push --force origin main"})).await.unwrap();
    assert_eq!(
        (&told["effect"], &told["rule"], &told["risk"]),
        (&json!("deny"), &json!("force_push"), &json!("critical"))
    );
    assert!(told["hits"][0]["text"].as_str().unwrap().contains("overwrites"));
    let told = explain(json!({"command": "ls"})).await.unwrap();
    assert_eq!((&told["effect"], &told["rule"], &told["risk"]), (&json!("allow"), &json!("looks_only"), &json!("low")));
    let told = explain(json!({"action": "read", "paths": ["/etc/shadow"]})).await.unwrap();
    assert_eq!((&told["effect"], &told["rule"]), (&json!("deny"), &json!("secrets")));
    let session = house.session("builtin").await;
    let of_session = json!({"sessionId": session, "action": "command", "command": "ls"});
    assert_eq!(house.ask("policy.explain", of_session).await.unwrap()["effect"], "ask", "in the session's mode");
    let neither = house.ask("policy.explain", json!({"action": "command"})).await.unwrap_err();
    assert_eq!(neither.code(), Code::INVALID_PAYLOAD);
    let outside = explain(json!({"cwd": "/"})).await.unwrap_err();
    assert_eq!(outside.code(), Code::FORBIDDEN, "where agents may not work, nothing is looked at");
}

/// What a daemon reads before it decides: a rule that nobody writes.
async fn held_rules(house: &House) -> std::path::PathBuf {
    let folder = house.folder.path().join("sessions/policy");
    tokio::fs::create_dir_all(&folder).await.unwrap();
    let rule = folder.join("rule_x.json");
    assert!(std::process::Command::new("mkfifo").arg(&rule).status().unwrap().success());
    rule
}

#[tokio::test]
async fn whoever_interrupts_or_closes_is_heard_while_a_request_is_held_to_the_rules() {
    let house = House::new();
    let session = auto(&house).await;
    let rule = held_rules(&house).await;
    let mut turn = house.prompt(&session, "run touch made");
    turn.until("item.upserted").await;
    while turn.seen.iter().all(|event| event["data"]["kind"] != "tool_call") {
        turn.next().await.unwrap();
    }
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    tokio::fs::write(&rule, "").await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert!(!house.file("made").exists());
}

/// Holds the look at the rules up that is under way, until this is dropped.
async fn holding(rule: &std::path::Path) -> OwnedFd {
    loop {
        match rustix::fs::open(rule, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(held) => return held,
            // Nobody reads yet.
            Err(Errno::NXIO) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Ends when that has taken too long by any clock, whatever time it is for the runtime.
fn too_long() -> tokio::sync::oneshot::Receiver<()> {
    let (late, is_late) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(LONG);
        let _ = late.send(());
    });
    is_late
}

#[tokio::test]
async fn whoever_stops_a_turn_or_closes_does_not_wait_until_the_rules_have_spoken() {
    for method in ["agent.interrupt", "agent.close"] {
        let house = House::tuned(|config| (config.undo.is_on, config.watch.is_on) = (false, false));
        let session = auto(&house).await;
        let rule = held_rules(&house).await;
        let mut turn = house.prompt(&session, "run touch made");
        turn.until("turn.started").await;
        let held = holding(&rule).await;
        // No time passes while anything is at work for the runtime, as the look is.
        tokio::time::pause();
        let stopped = async {
            house.ask(method, json!({"sessionId": session})).await.unwrap();
            assert_eq!(turn.end().await["outcome"], "interrupted");
        };
        tokio::select! {
            () = stopped => (),
            _ = too_long() => panic!("{method} waits for the rules"),
        }
        assert!(!house.file("made").exists());
        tokio::time::resume();
        drop(held);
    }
}

/// An agent that asks for leave once, and twenty times more when it is stopped.
const INSISTING: &str = r#"
import json, sys

def say(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

def ask():
    global asked
    asked += 1
    call = {"toolCallId": f"t{asked}", "title": "ls", "kind": "execute", "rawInput": {"command": "ls"}}
    options = [{"optionId": of, "name": of, "kind": of} for of in ("allow_once", "reject_once")]
    params = {"sessionId": "s", "toolCall": call, "options": options}
    say({"id": f"q{asked}", "method": "session/request_permission", "params": params})

asked = answered = prompt = 0
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if method == "initialize":
        say({"id": number, "result": {"protocolVersion": 1, "agentCapabilities": {}, "authMethods": []}})
    elif method == "session/new":
        say({"id": number, "result": {"sessionId": "s"}})
    elif method == "session/prompt":
        prompt = number
        ask()
    elif method == "session/cancel":
        for _ in range(20):
            ask()
    elif method is None:
        answered += 1
        if answered == 21:
            say({"id": prompt, "result": {"stopReason": "cancelled"}})
"#;

#[tokio::test]
async fn whoever_asks_again_and_again_while_it_is_stopped_has_the_rules_looked_at_once() {
    let house = House::new();
    std::fs::write(house.folder.path().join("other.py"), INSISTING).unwrap();
    house.install_as("other", "exec python3 \"$0.py\"");
    let session = house.session("acp:other").await;
    let rule = held_rules(&house).await;
    let mut turn = house.prompt(&session, "go");
    turn.until("turn.started").await;
    let held = holding(&rule).await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert_eq!(resolved(&turn), vec![("denied".to_owned(), "no_turn".to_owned()); 21]);
    let opened = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let looks = opened.filter(|one| std::fs::read_link(one.path()).is_ok_and(|file| file == rule)).count();
    assert_eq!(looks, 2, "the first one, and what holds that");
    drop(held);
}

#[tokio::test]
async fn where_rules_cannot_be_looked_up_in_time_a_person_is_asked() {
    let house = House::new();
    let session = auto(&house).await;
    let rule = held_rules(&house).await;
    let mut turn = house.prompt(&session, "run ls");
    let asked = turn.until("permission.requested").await;
    assert_eq!((&asked["hits"][0]["rule"], &asked["risk"]), (&json!("unclear"), &json!("high")), "{asked}");
    tokio::fs::write(&rule, "").await.unwrap();
    house.ask("agent.reject", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    turn.end().await;
}
