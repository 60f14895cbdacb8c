//! Settings that change while an agent runs that has loaded the trusted ones: it is not left to do what those say that came.

use std::time::Duration;

use serde_json::{Value, json};
use sixframe_services::agents::Timers;
use tokio::time::timeout;

use super::held::{Look, patient};
use super::house::{House, LONG, Turn};

/// Claude Code, which notes by the number of the process what it was asked, and that it was left to end in its own way, as when it
/// would run hooks.
const CLAUDE: &str = r#"
[ "$1" = --version ] && exec echo '2.1.329 (Claude Code)'
echo >> "$0.starts"
n=$(grep -c '' "$0.starts")
trap 'echo "$n" >> "$0.ended"; exit' TERM
# As a tool server, which is not waited for.
sleep 600 &
for word; do echo "$word" >> "$0.args.$n"; done
while read -r line; do
  case "$line" in
    *'"type":"user"'*)
      case "$line" in *serve*)
        echo '{"type":"assistant","message":{"id":"s","role":"assistant","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}]}}'
        sleep 600 &
        echo '{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"up"}]}}'
        until [ -e go ]; do sleep 0.01; done;;
      esac
      case "$line" in *behind*)
        echo '{"type":"assistant","parent_tool_use_id":"a","message":{"id":"b","role":"assistant","content":[{"type":"tool_use","id":"b","name":"Bash","input":{}}]}}'
        sh -c 'until [ -e release ]; do sleep 0.01; done; echo done > made' &
      esac
      case "$line" in *run*)
        echo '{"type":"assistant","message":{"id":"m","role":"assistant","content":[{"type":"text","text":"I run"}]}}'
        sh -c 'until [ -e release ]; do sleep 0.01; done; echo done > made'; echo run >> "$0.ended";;
      esac
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
    trusted_in(House::new(), files).await
}

async fn trusted_in(house: House, files: &[&str]) -> House {
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

/// Until what was changed before was surely looked at: other changes are told some times, each as late as those.
async fn looked(house: &House, turn: &mut Turn) {
    for _ in 0..3 {
        let told = turn.until("files.changed");
        tokio::pin!(told);
        for number in 0.. {
            house.write("plain.txt", &number.to_string());
            if timeout(Duration::from_millis(20), &mut told).await.is_ok() {
                break;
            }
        }
    }
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
        (".claude/skills/x/SKILL.md", Ends::Turn),
        (".claude/commands/x.md", Ends::Turn),
        (".claude/commands/.x.md.swp", Ends::Agent),
        (".claude/hooks/__pycache__/x.pyc", Ends::Agent),
        (".claude/hook.log", Ends::Agent),
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
            looked(&house, &mut turn).await;
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

/// The process that a session has started last.
fn process(house: &House, session: &str) -> Process {
    let spawned = house.logged(session).into_iter().rfind(|event| event["data"]["what"] == "spawned").unwrap();
    Process(spawned["data"]["pid"].to_string())
}

struct Process(String);

impl Process {
    /// As the system calls it; none where it is gone.
    fn state(&self) -> Option<String> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        Some(stat.rsplit_once(')')?.1.split_ascii_whitespace().next()?.to_owned())
    }

    async fn until(&self, state: Option<&str>) {
        let reached = async {
            while self.state().as_deref() != state {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, reached).await.unwrap();
    }
}

/// A session at work on a command, while the settings change: its process does nothing more, and the command does.
async fn held(house: &House) -> (String, Turn) {
    let (session, _) = asked(house).await;
    let mut turn = house.prompt(&session, "run");
    while turn.until("item.upserted").await["kind"] != "agent_message" {}
    hold(house, &session, &mut turn).await;
    (session, turn)
}

/// The settings change while it is at work, and it stands still.
async fn hold(house: &House, session: &str, turn: &mut Turn) {
    lay(house, ".claude/settings.json", r#"{"hooks": {}}"#);
    process(house, session).until(Some("T")).await;
    // From then on nobody waits for it to stand still.
    while turn.until("process.event").await["what"] != "stopping" {}
}

fn hint(ended: &Value) -> &str {
    assert_eq!(ended["error"]["kind"], "untrusted_workspace", "{ended}");
    ended["error"]["hint"].as_str().unwrap()
}

#[tokio::test]
async fn what_an_agent_has_begun_in_its_turn_ends_by_itself_before_the_agent_is_killed_and_is_undone_with_it() {
    let house = House::with(Timers { hold: LONG, ..Timers::default() });
    let house = trusted_in(house, &[".claude/settings.json"]).await;
    let (session, mut turn) = held(&house).await;
    house.write("release", "");
    let told = turn.end().await;
    assert!(hint(&told).contains("ended by themselves before it was killed"), "{told}");
    assert_eq!((house.read("made").as_str(), ended(&house).as_str()), ("done\n", ""));
    process(&house, &session).until(None).await;
    let turn = turn.seen.last().unwrap()["turnId"].clone();
    let undone = house.ask("agent.undo", json!({"turnId": turn})).await.unwrap();
    assert!(undone["files"].as_array().unwrap().iter().any(|file| file["path"] == "made"), "{undone}");
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    assert!(is_trusted(&house, 2), "the settings, too, are as they were");
}

#[tokio::test]
async fn what_outlives_the_tool_that_began_it_is_not_waited_for() {
    let house = House::with(Timers { hold: LONG * 10, ..Timers::default() });
    let house = trusted_in(house, &[".claude/settings.json"]).await;
    let (session, _) = asked(&house).await;
    let mut turn = house.prompt(&session, "serve and run");
    let is_done = |item: &Value| item["kind"] == "tool_call" && item["status"] == "completed";
    while !is_done(&turn.until("item.upserted").await) {}
    house.write("go", "");
    while turn.until("item.upserted").await["kind"] != "agent_message" {}
    hold(&house, &session, &mut turn).await;
    house.write("release", "");
    let told = turn.end().await;
    assert!(hint(&told).contains("ended by themselves; what else it had left running was killed"), "{told}");
    assert_eq!((house.read("made").as_str(), ended(&house).as_str()), ("done\n", ""));
}

#[tokio::test]
async fn what_a_subagent_does_behind_the_end_of_a_turn_is_not_torn_apart_in_the_next() {
    let house = House::with(Timers { hold: LONG, ..Timers::default() });
    let house = trusted_in(house, &[".claude/settings.json"]).await;
    let (session, _) = asked(&house).await;
    assert_eq!(house.prompt(&session, "behind").end().await["outcome"], "completed");
    let mut turn = house.prompt(&session, "wait");
    while turn.until("item.upserted").await["kind"] != "agent_message" {}
    hold(&house, &session, &mut turn).await;
    house.write("release", "");
    let told = turn.end().await;
    assert!(hint(&told).contains("ended by themselves before it was killed"), "{told}");
    assert_eq!((house.read("made").as_str(), ended(&house).as_str()), ("done\n", ""));
}

#[tokio::test]
async fn settings_that_are_linked_to_a_file_of_any_name_are_watched_there() {
    let house = trusted(&["CLAUDE.md"]).await;
    house.write("shared", "{}");
    std::fs::create_dir_all(house.file(".claude")).unwrap();
    std::os::unix::fs::symlink("../shared", house.file(".claude/settings.json")).unwrap();
    trust(&house).await;
    let (_, mut events) = asked(&house).await;
    house.write("shared", r#"{"hooks": {}}"#);
    assert_eq!((exited(&mut events).await, ended(&house)), (json!(9), String::new()));
}

#[tokio::test]
async fn an_agent_that_is_held_goes_on_for_nobody_and_where_somebody_ends_it_what_it_had_begun_is_not_called_done() {
    for signal in ["-CONT", "-KILL"] {
        let house = House::with(Timers { hold: LONG, ..Timers::default() });
        let house = trusted_in(house, &[".claude/settings.json"]).await;
        let (session, mut turn) = held(&house).await;
        let agent = process(&house, &session);
        assert!(std::process::Command::new("kill").args([signal, &agent.0]).status().unwrap().success());
        if signal == "-CONT" {
            agent.until(Some("T")).await;
            house.write("release", "");
        }
        let told = turn.end().await;
        let words = if signal == "-CONT" { "ended by themselves before it was killed" } else { "half done" };
        assert!(hint(&told).contains(words), "{signal}: {told}");
        assert_eq!((house.file("made").exists(), ended(&house)), (signal == "-CONT", String::new()), "{signal}");
    }
}

#[tokio::test]
async fn what_does_not_end_by_itself_is_killed_in_the_end_and_at_once_when_somebody_stops_it() {
    for way in ["time", "agent.interrupt", "agent.close", "halt"] {
        let hold = if way == "time" { Duration::from_millis(100) } else { LONG * 10 };
        let house = House::with(Timers { hold, ..Timers::default() });
        let house = trusted_in(house, &[".claude/settings.json"]).await;
        let (session, mut turn) = match way {
            "time" => {
                let (session, _) = asked(&house).await;
                let mut turn = house.prompt(&session, "run");
                while turn.until("item.upserted").await["kind"] != "agent_message" {}
                lay(&house, ".claude/settings.json", r#"{"hooks": {}}"#);
                (session, turn)
            }
            _ => held(&house).await,
        };
        match way {
            "time" => (),
            "halt" => house.agents.halt().await,
            _ => drop(house.ask(way, json!({"sessionId": session})).await.unwrap()),
        }
        let told = turn.end().await;
        match way {
            "time" | "agent.interrupt" => assert!(hint(&told).contains("half done"), "{way}: {told}"),
            _ => assert_eq!(told["outcome"], "interrupted", "{way}"),
        }
        process(&house, &session).until(None).await;
        assert_eq!((house.file("made").exists(), ended(&house)), (false, String::new()), "{way}");
    }
}

#[tokio::test]
async fn settings_that_change_while_the_folder_is_looked_at_end_the_agent_at_once() {
    for side in ["before", "behind"] {
        let house = trusted_in(House::tuned(patient), &[".claude/settings.json"]).await;
        let (session, _) = asked(&house).await;
        let first = process(&house, &session);
        let (look, mut turn);
        if side == "before" {
            look = Look::held(&house);
            turn = house.prompt(&session, "hello");
            turn.until("turn.started").await;
        } else {
            turn = house.prompt(&session, "wait");
            while turn.until("item.upserted").await["kind"] != "agent_message" {}
            look = Look::held(&house);
            house.write("go", "");
            // What the agent says last is told before its folder is looked at.
            turn.until("usage.updated").await;
        }
        house.write(".claude/settings.json", r#"{"hooks": {}}"#);
        first.until(None).await;
        drop(look);
        assert_eq!(turn.end().await["outcome"], "completed", "{side}");
        assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed", "{side}");
        assert_eq!((ended(&house).as_str(), is_trusted(&house, 2)), ("", false), "{side}");
    }
}

#[tokio::test]
async fn what_was_loaded_and_changes_while_an_agent_works_fails_its_turn_whatever_it_is() {
    let house = trusted(&[".claude/hook.log"]).await;
    let (session, _) = asked(&house).await;
    let mut turn = house.prompt(&session, "wait");
    while turn.until("item.upserted").await["kind"] != "agent_message" {}
    house.write(".claude/hook.log", "more");
    hint(&turn.end().await);
}
