//! Settings that change while an agent runs that has loaded the trusted ones: it is not left to do what those say that came.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::house::{House, Turn};

/// Claude Code, which notes by the number of the process what it was asked, and that it was left to end in its own way, as when it
/// would run hooks.
const CLAUDE: &str = r#"
[ "$1" = --version ] && exec echo '2.1.329 (Claude Code)'
echo >> "$0.starts"
n=$(grep -c '' "$0.starts")
trap 'echo "$n" >> "$0.ended"; exit' TERM
for word; do echo "$word" >> "$0.args.$n"; done
while read -r line; do
  case "$line" in
    *'"type":"user"'*)
      case "$line" in *wait*) echo '{"type":"assistant","message":{"id":"m","role":"assistant","content":[{"type":"text","text":"I wait"}]}}'; until [ -e go ]; do sleep 0.01; done;; esac
      echo '{"type":"system","subtype":"init","session_id":"11111111-1111-4111-8111-111111111111","model":"m"}'
      echo '{"type":"result","subtype":"success","is_error":false}';;
    *) echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}';;
  esac
done
echo "$n" >> "$0.ended"
"#;

/// The numbers of the processes that ended in their own way.
fn ended(house: &House) -> String {
    std::fs::read_to_string(house.folder.path().join("claude.ended")).unwrap_or_default()
}

fn is_trusted(house: &House, process: u32) -> bool {
    let path = house.folder.path().join(format!("claude.args.{process}"));
    std::fs::read_to_string(path).unwrap().contains("--setting-sources=user,project,local\n")
}

/// A house in which this lies, and a person trusts it.
async fn trusted(files: &[&str]) -> House {
    let house = House::new();
    house.install(CLAUDE);
    files.iter().for_each(|file| lay(&house, file, "{}"));
    trust(&house).await;
    house
}

async fn trust(house: &House) {
    let cwd = house.file("");
    let status = house.ask("trust.status", json!({"cwd": cwd})).await.unwrap();
    house.ask("trust.grant", json!({"cwd": cwd, "sha256": status["sha256"]})).await.unwrap();
}

fn lay(house: &House, file: &str, text: &str) {
    std::fs::create_dir_all(house.file(file).parent().unwrap()).unwrap();
    house.write(file, text);
}

/// A session that was asked something, and what happens in it.
async fn asked(house: &House) -> (String, Turn) {
    let session = house.session("claude").await;
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    let events = house.events(&session);
    (session, events)
}

/// How its next process to end has ended.
async fn exited(events: &mut Turn) -> Value {
    loop {
        let event = events.until("process.event").await;
        if event["what"] == "exited" {
            return event["signal"].clone();
        }
    }
}

#[tokio::test]
async fn an_agent_is_killed_as_soon_as_its_settings_change_between_turns() {
    for (lies, changes) in [
        (".claude/settings.json", ".claude/settings.json"),
        (".claude/settings.json", ".claude/settings.local.json"),
        (".claude/skills/x/SKILL.md", ".claude/skills/x/SKILL.md"),
        ("CLAUDE.md", ".claude/settings.json"),
        ("CLAUDE.md", "../.mcp.json"),
    ] {
        let house = trusted(&[lies]).await;
        let (session, mut events) = asked(&house).await;
        lay(&house, changes, r#"{"hooks": {}}"#);
        assert_eq!((exited(&mut events).await, ended(&house)), (json!(9), String::new()), "{lies}, {changes}");
        assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
        assert!(is_trusted(&house, 1) && !is_trusted(&house, 2), "{lies}, {changes}");
        trust(&house).await;
        assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
        assert!(is_trusted(&house, 3), "{lies}, {changes}");
    }
}

#[tokio::test]
async fn settings_that_change_in_a_turn_end_the_agent_behind_it() {
    let house = trusted(&[".claude/settings.json"]).await;
    let (session, mut events) = asked(&house).await;
    let mut turn = house.prompt(&session, "wait");
    {
        // The folder is watched from a moment later on.
        let seen = turn.until("files.changed");
        tokio::pin!(seen);
        for number in 0.. {
            house.write(".claude/settings.json", &format!(r#"{{"number": {number}}}"#));
            if timeout(Duration::from_millis(20), &mut seen).await.is_ok() {
                break;
            }
        }
    }
    house.write("go", "");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!((exited(&mut events).await, ended(&house)), (json!(9), String::new()));
}

/// What a change while an agent works comes to.
enum Ends {
    Turn,
    Agent,
    Nothing,
}

#[tokio::test]
async fn settings_that_come_while_an_agent_works_end_its_turn_and_what_other_agents_read_ends_nothing() {
    for (file, ends) in [
        (".claude/settings.json", Ends::Turn),
        (".mcp.json", Ends::Turn),
        ("CLAUDE.local.md", Ends::Agent),
        (".claude/agent-memory/x/MEMORY.md", Ends::Agent),
        (".codex/config.toml", Ends::Nothing),
        (".env", Ends::Nothing),
    ] {
        let house = trusted(&["CLAUDE.md"]).await;
        let (session, mut events) = asked(&house).await;
        let mut turn = house.prompt(&session, "wait");
        while turn.until("item.upserted").await["kind"] != "agent_message" {}
        lay(&house, file, r#"{"hooks": {}}"#);
        if matches!(ends, Ends::Turn) {
            let ended = turn.end().await;
            assert_eq!(ended["error"]["kind"], "untrusted_workspace", "{file}: {ended}");
        } else {
            house.write("go", "");
            assert_eq!(turn.end().await["outcome"], "completed", "{file}");
        }
        if matches!(ends, Ends::Nothing) {
            house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
            assert_eq!(ended(&house), "1\n", "{file}");
        } else {
            assert_eq!((exited(&mut events).await, ended(&house)), (json!(9), String::new()), "{file}");
        }
    }
}

#[tokio::test]
async fn an_agent_ends_in_order_where_its_settings_are_the_same_and_is_killed_where_they_are_others() {
    for way in ["close", "setProvider", "prompt", "halt"] {
        for changes in [false, true] {
            let house = trusted(&[".claude/settings.json"]).await;
            let (session, mut events) = asked(&house).await;
            house.write(".claude/scheduled_tasks.lock", "its own");
            if changes {
                house.write(".claude/settings.json", r#"{"hooks": {}}"#);
            }
            let close = || house.ask("agent.close", json!({"sessionId": session}));
            match way {
                "close" => drop(close().await.unwrap()),
                "setProvider" => {
                    let params = json!({"sessionId": session, "provider": "builtin"});
                    house.ask("agent.setProvider", params).await.unwrap();
                    exited(&mut events).await;
                }
                "prompt" => {
                    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
                    close().await.unwrap();
                }
                _ => house.agents.halt().await,
            }
            let expected = match (way, changes) {
                (_, false) => "1\n",
                // It has loaded nothing that could change.
                ("prompt", true) => "2\n",
                (_, true) => "",
            };
            assert_eq!(ended(&house), expected, "{way}, {changes}");
        }
    }
}
