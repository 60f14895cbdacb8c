//! Claude Code itself, in a world of its own, with a model that is a test's. It is not ours to ship: where it was not
//! installed, these tests are left out.

use std::path::{Path, PathBuf};

use serde_json::json;
use sixframe_services::agents::Timers;

use super::house::{House, Programs, alone};
use super::model::Model;

/// Where `npm install --prefix target/agents @anthropic-ai/claude-code@2.1.329` puts the program itself.
fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let packages = target.join("agents/node_modules/@anthropic-ai");
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let os = if os == "macos" { "darwin" } else { os };
    let arch = if arch == "aarch64" { "arm64" } else { "x64" };
    packages.join(format!("claude-code-{os}-{arch}/claude"))
}

async fn house() -> (House, Model) {
    let model = Model::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let variables = [
        ("HOME", folder.path().to_str().unwrap()),
        ("ANTHROPIC_BASE_URL", model.url.as_str()),
        ("ANTHROPIC_API_KEY", "key-of-a-test-and-of-nobody"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_TELEMETRY", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
    ];
    let programs = Programs { claude: alone(&program(), &variables, &[]), ..Programs::in_folder(folder.path()) };
    (House::build_with(folder, Timers::default(), programs), model)
}

#[tokio::test]
#[ignore = "needs Claude Code: npm install --prefix target/agents @anthropic-ai/claude-code@2.1.329"]
async fn its_text_is_streamed() {
    let (house, _model) = house().await;
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello there");
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(turn.grown("text"), "Hello from the model.");
    assert!(ended["usage"]["output"].as_u64().unwrap() > 0);
    assert!(house.shown(&session)["nativeSessionId"].is_string());
    assert!(turn.seen.iter().all(|event| event["type"] != "unparsed"));
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Claude Code: npm install --prefix target/agents @anthropic-ai/claude-code@2.1.329"]
async fn its_tools_wait_for_leave_and_do_what_was_shown_or_nothing() {
    let (house, _model) = house().await;
    let session = house.session("claude").await;
    let path = house.file("made.txt");
    let mut turn = house.prompt(&session, &format!("write {}", path.display()));
    let asked = turn.until("permission.requested").await;
    assert_eq!(asked["action"], "file_change");
    assert_eq!(asked["shownInput"]["content"], "written\n");
    assert!(!path.exists());
    let answer = json!({"permissionId": asked["permissionId"], "inputSha256": asked["inputSha256"]});
    house.ask("agent.approve", answer).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.tools(), ["completed"]);
    assert_eq!(house.read("made.txt"), "written\n");

    let mut turn = house.prompt(&session, "run touch other.txt");
    let asked = turn.until("permission.requested").await;
    assert_eq!(asked["action"], "command");
    house.ask("agent.reject", json!({"permissionId": asked["permissionId"], "reason": "no"})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert!(!house.file("other.txt").exists());
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Claude Code: npm install --prefix target/agents @anthropic-ai/claude-code@2.1.329"]
async fn it_is_interrupted_in_midstream_and_while_it_waits_and_goes_on() {
    let (house, _model) = house().await;
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "forever please");
    turn.until("item.delta").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "interrupted", "{ended}");

    let mut turn = house.prompt(&session, "run touch never.txt");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert!(house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.is_err());

    let mut turn = house.prompt(&session, "hello again");
    assert_eq!(turn.end().await["outcome"], "completed");
    let spawned = house.logged(&session).iter().filter(|event| event["data"]["what"] == "spawned").count();
    assert_eq!(spawned, 1, "it heard the interrupts, so its process is the first one still");
    assert!(!house.file("never.txt").exists());
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Claude Code: npm install --prefix target/agents @anthropic-ai/claude-code@2.1.329"]
async fn what_its_service_refuses_is_told_by_kind_and_never_as_what_it_says() {
    let (house, _model) = house().await;
    let session = house.session("claude").await;
    for (status, kind) in [(401, "auth_required"), (400, "invalid_request")] {
        let mut turn = house.prompt(&session, &format!("fail-{status} please"));
        let ended = turn.end().await;
        assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!(kind)), "{status}: {ended}");
        assert!(turn.seen.iter().all(|event| event["data"]["kind"] != "agent_message"), "{status}");
    }
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Claude Code: npm install --prefix target/agents @anthropic-ai/claude-code@2.1.329"]
async fn it_goes_on_with_its_session_after_the_daemon() {
    let (house, _model) = house().await;
    let session = house.session("claude").await;
    house.prompt(&session, "hello there").end().await;
    let native = house.shown(&session)["nativeSessionId"].clone();
    let house = house.restart().await;
    let mut turn = house.prompt(&session, "hello again");
    assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.seen);
    assert_eq!(house.shown(&session)["nativeSessionId"], native);
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}
