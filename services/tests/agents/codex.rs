//! Codex itself, in a world of its own, with a model that is a test's. Where it was not installed, these tests are left out.

use std::path::{Path, PathBuf};

use serde_json::json;
use sixframe_services::agents::Timers;

use super::house::{House, Programs, alone};
use super::model::Model;

/// Where `npm install --prefix target/agents @openai/codex@0.169.0` puts the program itself.
fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let arch = if cfg!(target_arch = "aarch64") { ("arm64", "aarch64") } else { ("x64", "x86_64") };
    let (os, triple) = match std::env::consts::OS {
        "macos" => ("darwin", format!("{}-apple-darwin", arch.1)),
        os => (os, format!("{}-unknown-linux-musl", arch.1)),
    };
    target.join(format!("agents/node_modules/@openai/codex-{os}-{}/vendor/{triple}/bin/codex", arch.0))
}

async fn house() -> (House, Model) {
    let model = Model::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    std::fs::create_dir(folder.path().join("home")).unwrap();
    let home = folder.path().join("home");
    let home = home.to_str().unwrap();
    let variables = [("HOME", home), ("CODEX_HOME", home), ("MODEL_KEY", "key-of-a-test-and-of-nobody")];
    let provider = format!(
        "model_providers.test={{name=\"test\",base_url=\"{}/v1\",env_key=\"MODEL_KEY\",wire_api=\"responses\",\
         supports_websockets=false,request_max_retries=0,stream_max_retries=0}}",
        model.url
    );
    let settings = [
        "model=\"test-model\"",
        "model_provider=\"test\"",
        &provider,
        "check_for_update_on_startup=false",
        "analytics.enabled=false",
        "feedback.enabled=false",
        "features.plugins=false",
        "features.apps=false",
        "features.remote_plugin=false",
    ];
    let args: Vec<&str> = settings.iter().flat_map(|setting| ["-c", setting]).collect();
    let programs = Programs { codex: alone(&program(), &variables, &args), ..Programs::in_folder(folder.path()) };
    (House::build_with(folder, Timers::default(), programs), model)
}

#[tokio::test]
#[ignore = "needs Codex: npm install --prefix target/agents @openai/codex@0.169.0"]
async fn its_text_is_streamed() {
    let (house, _model) = house().await;
    let session = house.session("codex").await;
    let mut turn = house.prompt(&session, "hello there");
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(turn.grown("text"), "Hello from the model.");
    assert_eq!(ended["usage"]["output"], 5);
    assert!(turn.seen.iter().all(|event| event["type"] != "unparsed"));
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Codex: npm install --prefix target/agents @openai/codex@0.169.0"]
async fn its_commands_wait_for_leave_and_are_not_run_where_it_is_denied() {
    let (house, _model) = house().await;
    let session = house.session("codex").await;
    let mut turn = house.prompt(&session, "run touch made.txt");
    let asked = turn.until("permission.requested").await;
    assert_eq!(asked["action"], "command");
    assert!(!house.file("made.txt").exists());
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert!(house.file("made.txt").exists());

    let mut turn = house.prompt(&session, "run touch other.txt");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.reject", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.tools(), ["denied"]);
    assert!(!house.file("other.txt").exists());
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Codex: npm install --prefix target/agents @openai/codex@0.169.0"]
async fn it_is_interrupted_in_midstream_and_while_it_waits_and_goes_on() {
    let (house, _model) = house().await;
    let session = house.session("codex").await;
    let mut turn = house.prompt(&session, "forever please");
    turn.until("item.delta").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");

    let mut turn = house.prompt(&session, "run touch never.txt");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert!(house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.is_err());

    assert_eq!(house.prompt(&session, "hello again").end().await["outcome"], "completed");
    assert!(!house.file("never.txt").exists());
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Codex: npm install --prefix target/agents @openai/codex@0.169.0"]
async fn what_its_service_refuses_is_told_by_kind_and_it_goes_on_after_the_daemon() {
    let (house, _model) = house().await;
    let session = house.session("codex").await;
    for (status, kind) in [(401, "auth_required"), (429, "rate_limited")] {
        let ended = house.prompt(&session, &format!("fail-{status} please")).end().await;
        assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!(kind)), "{status}: {ended}");
    }
    house.prompt(&session, "hello there").end().await;
    let native = house.shown(&session)["nativeSessionId"].clone();
    let house = house.restart().await;
    assert_eq!(house.prompt(&session, "hello again").end().await["outcome"], "completed");
    assert_eq!(house.shown(&session)["nativeSessionId"], native, "it is the session of before");
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}
