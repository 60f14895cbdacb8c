//! Plain commands as agents: scripts of the shell.

use std::time::Duration;

use serde_json::{Value, json};
use sixframe_core::Code;
use sixframe_services::agents::{AgentsConfig, Program, ProviderConfig};

use super::house::House;

fn shell(script: &str) -> impl FnOnce(&mut AgentsConfig) + use<> {
    given(&["-c", script])
}

fn given(args: &[&str]) -> impl FnOnce(&mut AgentsConfig) + use<> {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let program = Program { args, ..Program::new("/bin/sh") };
    move |config| {
        config
            .command
            .insert("it".to_owned(), ProviderConfig { program, allow_env: vec!["ALLOWED".to_owned()], settings: None });
    }
}

fn said(seen: &[Value]) -> Vec<&str> {
    let messages = seen.iter().filter(|event| event["data"]["kind"] == "agent_message");
    messages.filter_map(|event| event["data"]["content"][0]["text"].as_str()).collect()
}

/// Timers that are over before the silent work of these tests is.
fn impatient(config: &mut AgentsConfig) {
    config.timers.first_event = Duration::from_secs(2);
    config.timers.stall = Duration::from_secs(2);
}

#[tokio::test]
async fn an_agent_without_models_is_given_none() {
    let house = House::tuned(|config| {
        config.command.insert("echo".to_owned(), ProviderConfig::new("/bin/cat"));
    });
    let cwd = house.folder.path().join("project");
    let session = house.session("builtin").await;
    let hello = json!([{"role": "user", "content": "Hello"}]);
    for (method, params) in [
        ("agent.createSession", json!({"provider": "command:echo", "cwd": cwd, "model": "big"})),
        ("agent.setModel", json!({"sessionId": session, "model": "big"})),
        ("agent.setProvider", json!({"sessionId": session, "provider": "command:echo", "model": "big"})),
        ("agent.setProvider", json!({"sessionId": session, "provider": "builtin", "model": "big"})),
        ("agent.chat", json!({"agentId": "command:echo", "messages": hello, "options": {"model": "big"}})),
    ] {
        let refused = house.ask(method, params).await.unwrap_err();
        assert_eq!(refused.code(), Code::UNSUPPORTED, "{method}");
        assert_eq!(refused.details().unwrap()["path"], "model");
    }
    let member = json!({"provider": "builtin", "model": "big"});
    let run = json!({"prompt": "list", "cwd": cwd, "members": [member]});
    let mut run = house.window.stream_raw::<_, Value>("run.start", run);
    assert_eq!(run.next().await.unwrap().unwrap_err().code(), Code::UNSUPPORTED);
    assert_eq!(house.shown(&session)["model"], Value::Null);
    assert_eq!(house.shown(&session)["provider"], "builtin");
    let providers = house.ask("agent.providers", json!({"waitMs": 0})).await.unwrap();
    let able = |id: &str| {
        let listed = providers["providers"].as_array().unwrap();
        listed.iter().find(|info| info["id"] == id).unwrap()["abilities"]["models"].clone()
    };
    assert_eq!([able("builtin"), able("command:echo"), able("claude")], [false, false, true]);
}

#[tokio::test]
async fn a_command_that_is_silent_for_long_is_at_work_as_long_as_it_runs() {
    let house = House::tuned(|config| {
        impatient(config);
        shell("read line; sleep 4; echo done")(config);
    });
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, "hello");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(said(&turn.seen), ["done\n"]);
}

#[tokio::test]
async fn what_the_builtin_agent_runs_may_be_silent_for_long() {
    let house = House::tuned(impatient);
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run sleep 4");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
}

#[tokio::test]
async fn what_a_command_writes_is_what_the_agent_says() {
    let house =
        House::tuned(shell("read line; echo \"you said $line\"; printf 'in \\303\\251 ' ; printf '%s' \"$ALLOWED\""));
    let session = house.session_with("command:it", json!({"env": {"ALLOWED": "and given"}})).await;
    let mut turn = house.prompt(&session, "hello");
    assert_eq!(turn.end().await["outcome"], "completed");
    let whole = "you said hello\nin é and given";
    assert_eq!((turn.grown("text").as_str(), said(&turn.seen)), (whole, vec![whole]));
    let mut again = house.prompt(&session, "again");
    assert_eq!(again.end().await["outcome"], "completed", "each prompt has a process of its own");
    assert!(again.grown("text").starts_with("you said again"));
}

#[tokio::test]
async fn a_secret_that_a_caller_sets_for_a_session_stands_nowhere() {
    let house = House::tuned(|config| {
        shell("printf 'it is %s, or not' \"$A_TOKEN\"")(config);
        config.command.get_mut("it").unwrap().allow_env = vec!["A_TOKEN".to_owned()];
    });
    let session = house.session_with("command:it", json!({"env": {"A_TOKEN": "a-value-of-the-caller"}})).await;
    let mut turn = house.prompt(&session, "hello");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(said(&turn.seen), ["it is [redacted], or not"]);
    let logged = house.logged(&session);
    assert!(logged.iter().all(|event| !event.to_string().contains("a-value-of-the-caller")), "{logged:?}");
}

#[tokio::test]
async fn it_is_told_as_it_comes_and_an_interrupt_ends_the_whole_tree() {
    let house = House::tuned(shell("echo $$; sleep 600 & wait"));
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, "hello");
    let pid = turn.until("item.delta").await["delta"].as_str().unwrap().trim().to_owned();
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    let ended = turn.end().await;
    assert_eq!((&ended["outcome"], ended.get("error")), (&json!("interrupted"), None));
    assert!(!std::path::Path::new("/proc").join(&pid).exists(), "its turn ends when nothing of it is left");
    let last = house.prompt(&session, "more");
    drop(last);
}

#[tokio::test]
async fn a_command_that_fails_says_how_with_the_end_of_its_errors() {
    let house = House::tuned(shell("echo begun; echo 'no such model' >&2; exit 7"));
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, "hello");
    let ended = turn.end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["providerCode"]), (&json!("failed"), &json!("7")));
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("7") && message.contains("no such model"), "{message}");
    assert_eq!(turn.grown("text"), "begun\n");

    let house = House::tuned(|config| {
        config.command.insert("gone".to_owned(), ProviderConfig::new("/nowhere/to/be/found"));
    });
    let session = house.session("command:gone").await;
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "cli_missing");
    let listed = house.ask("agent.providers", json!({})).await.unwrap();
    let info = listed["providers"].as_array().unwrap().iter().find(|info| info["id"] == "command:gone").unwrap();
    assert_eq!((&info["state"], &info["name"]), (&json!("missing"), &json!("gone")));
}

#[tokio::test]
async fn a_prompt_goes_into_an_argument_only_where_the_configuration_says_so() {
    let house = House::tuned(given(&["-c", "printf '%s|' \"$1\"; cat", "sh", "--ask={prompt}"]));
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, "$(touch evil); `x` 'y'");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.grown("text"), "--ask=$(touch evil); `x` 'y'|", "as it stands, and nothing on standard input");
    assert!(!house.file("evil").exists());
    for text in ["a\0b".to_owned(), "x".repeat(200_000)] {
        let ended = house.prompt(&session, &text).end().await;
        assert_eq!(ended["error"]["kind"], "invalid_request");
    }

    let house = House::tuned(shell("printf '%s|' \"$*\"; cat"));
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, "only here");
    turn.end().await;
    assert_eq!(turn.grown("text"), "|only here");
}

#[tokio::test]
async fn a_command_that_does_not_read_or_writes_a_lot_is_no_trouble() {
    let house = House::tuned(shell("exec 0<&-; yes word | head -n 200000"));
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, &"x".repeat(1 << 20));
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.grown("text").len(), 1_000_000);
}

#[tokio::test]
async fn what_was_done_before_it_came_is_told_with_the_first_prompt_and_never_again() {
    let house = House::tuned(|config| drop(config.command.insert("echo".into(), ProviderConfig::new("/bin/cat"))));
    house.write("a.txt", "needle\n");
    let session = house.session("builtin").await;
    house.prompt(&session, "read a.txt").end().await;
    house.ask("agent.setProvider", json!({"sessionId": session, "provider": "command:echo"})).await.unwrap();
    let mut turn = house.prompt(&session, "go on");
    turn.end().await;
    let said = turn.grown("text");
    assert!(said.contains("Person: read a.txt") && said.ends_with(" ends\n\n\ngo on"), "{said}");
    let mut turn = house.prompt(&session, "and on");
    turn.end().await;
    assert_eq!(turn.grown("text"), "and on");
}

#[tokio::test]
async fn what_a_command_would_run_of_the_folder_is_run_only_as_a_person_trusts_it() {
    let house = House::tuned(given(&["ask.sh"]));
    let witness = house.folder.path().join("witness");
    let session = house.session("command:it").await;
    assert_ne!(house.prompt(&session, "hello").end().await["outcome"], "completed", "there is none");
    house.write("ask.sh", &format!("touch {}\n", witness.display()));
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "untrusted_workspace", "{ended}");
    assert!(ended["error"]["message"].as_str().unwrap().contains("ask.sh") && !witness.exists(), "{ended}");
    let params = json!({"provider": "command:it", "cwd": house.file("")});
    let refused = house.ask("agent.createSession", params.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FORBIDDEN);

    let trust = async || {
        let cwd = house.file("");
        let status = house.ask("trust.status", json!({"cwd": cwd})).await.unwrap();
        assert_eq!(status["files"][0]["what"], "what command:it runs");
        house.ask("trust.grant", json!({"cwd": cwd, "sha256": status["sha256"]})).await.unwrap();
    };
    trust().await;
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    std::fs::remove_file(&witness).unwrap();
    house.write("ask.sh", &format!("touch {} # again\n", witness.display()));
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "untrusted_workspace", "it is looked at each time");
    assert!(!witness.exists());
    trust().await;
    house.ask("agent.createSession", params).await.unwrap();
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed", "the same session goes on");
    assert!(witness.exists());
}

/// Answers, closes its output, and goes on without end.
const LINGERS: &str = "echo $$; exec >&- 2>&-; sleep 600";

fn lives(pid: &str) -> bool {
    std::path::Path::new("/proc").join(pid.trim()).exists()
}

#[tokio::test]
async fn a_command_that_has_said_all_and_does_not_end_is_stopped_and_fails_its_turn() {
    let house = House::tuned(|config| {
        config.timers.exit = Duration::from_millis(100);
        shell(LINGERS)(config);
    });
    let session = house.session("command:it").await;
    for _ in 0..2 {
        let mut turn = house.prompt(&session, "hello");
        let ended = turn.end().await;
        assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("timeout")), "{ended}");
        assert!(ended["error"]["message"].as_str().unwrap().contains("closed its output"), "{ended}");
        assert!(!lives(&turn.grown("text")), "nothing of it is left");
    }
}

#[tokio::test]
async fn a_command_that_has_said_all_and_does_not_end_hears_an_interrupt_and_the_end_of_its_session() {
    let house = House::tuned(shell(LINGERS));
    let session = house.session("command:it").await;
    let mut turn = house.prompt(&session, "hello");
    turn.until("item.upserted").await;
    while turn.next().await.unwrap()["data"]["status"] != "completed" {}
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert!(!lives(&turn.grown("text")));

    let mut turn = house.prompt(&session, "hello");
    let pid = turn.until("item.delta").await["delta"].as_str().unwrap().to_owned();
    while turn.next().await.unwrap()["data"]["status"] != "completed" {}
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    assert!(!lives(&pid), "it is gone when the session is closed");
}

#[tokio::test]
async fn each_prompt_that_waits_is_refused_by_what_nobody_trusts_and_not_by_the_refusal_before() {
    let house = House::tuned(given(&["ask.sh"]));
    let gate = house.folder.path().join("gate");
    assert!(std::process::Command::new("mkfifo").arg(&gate).status().unwrap().success());
    house.write("ask.sh", &format!("read line < {}; exit 0\n", gate.display()));
    let status = house.ask("trust.status", json!({"cwd": house.file("")})).await.unwrap();
    let grant = json!({"cwd": house.file(""), "sha256": status["sha256"]});
    house.ask("trust.grant", grant).await.unwrap();
    let session = house.session("command:it").await;
    let mut first = house.prompt(&session, "hello");
    while first.until("process.event").await["what"] != "spawned" {}
    let mut waiting = [house.prompt(&session, "second"), house.prompt(&session, "third")];
    for turn in &mut waiting {
        turn.until("prompt.queued").await;
    }
    // Whoever opens it has read its own program.
    let mut open = tokio::fs::OpenOptions::new().write(true).open(&gate).await.unwrap();
    house.write("ask.sh", "echo other\n");
    tokio::io::AsyncWriteExt::write_all(&mut open, b"go\n").await.unwrap();
    drop(open);
    assert_eq!(first.end().await["outcome"], "completed");
    for turn in &mut waiting {
        let ended = turn.end().await;
        assert_eq!(ended["error"]["kind"], "untrusted_workspace", "{ended}");
    }
}
