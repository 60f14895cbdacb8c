//! Gemini CLI itself, by the Agent Client Protocol, in a world of its own, with a model that is a test's. Where it was not
//! installed, these tests are left out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use sixframe_services::agents::Timers;

use super::house::{House, Programs, alone};
use super::model::Model;

/// What keeps it to itself.
const SETTINGS: &str = r#"{
    "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
    "privacy": {"usageStatisticsEnabled": false},
    "telemetry": {"enabled": false},
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
    "ide": {"enabled": false}
}"#;

/// Where `npm install --prefix target/agents @google/gemini-cli@0.61.0` puts it.
fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("agents/node_modules/.bin/gemini")
}

async fn house(timers: Timers) -> (House, Model) {
    let model = Model::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir_all(home.join(".gemini")).unwrap();
    std::fs::write(home.join(".gemini/settings.json"), SETTINGS).unwrap();
    let variables = [
        ("HOME", home.to_str().unwrap()),
        ("GEMINI_API_KEY", "key-of-a-test-and-of-nobody"),
        ("GOOGLE_GEMINI_BASE_URL", model.url.as_str()),
        ("GEMINI_CLI_TRUST_WORKSPACE", "true"),
        ("GEMINI_CLI_NO_RELAUNCH", "true"),
    ];
    let gemini = alone(&program(), &variables, &["--acp", "-m", "gemini-2.5-flash"]);
    let programs = Programs { gemini, ..Programs::in_folder(folder.path()) };
    (House::build_with(folder, timers, programs), model)
}

#[tokio::test]
#[ignore = "needs Gemini CLI: npm install --prefix target/agents @google/gemini-cli@0.61.0"]
async fn its_text_is_streamed_and_its_tools_wait_for_leave() {
    let (house, _model) = house(Timers::default()).await;
    let session = house.session("gemini").await;
    let mut turn = house.prompt(&session, "hello there");
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(turn.grown("text"), "Hello from the model.");

    for (name, method, is_made) in [("made.txt", "agent.approve", true), ("other.txt", "agent.reject", false)] {
        let path = house.file(name);
        let mut turn = house.prompt(&session, &format!("write {}", path.display()));
        let asked = turn.until("permission.requested").await;
        assert_eq!((&asked["action"], path.exists()), (&json!("file_change"), false));
        house.ask(method, json!({"permissionId": asked["permissionId"]})).await.unwrap();
        assert_eq!(turn.end().await["outcome"], "completed");
        assert_eq!(turn.tools(), [if is_made { "completed" } else { "denied" }]);
        assert_eq!(path.exists(), is_made);
    }
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Gemini CLI: npm install --prefix target/agents @google/gemini-cli@0.61.0"]
async fn it_is_interrupted_in_midstream_and_goes_on_and_its_silence_ends() {
    let timers = Timers { first_event: Duration::from_secs(3), ..Timers::default() };
    let (house, _model) = house(timers).await;
    let session = house.session("gemini").await;
    let mut turn = house.prompt(&session, "forever please");
    turn.until("item.delta").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert_eq!(house.prompt(&session, "hello again").end().await["outcome"], "completed");

    // It asks its service again and again, and tells nobody.
    let ended = house.prompt(&session, "fail-429 please").end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("timeout")), "{ended}");
    let ended = house.prompt(&session, "fail-400 please").end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("invalid_request")), "{ended}");
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}
