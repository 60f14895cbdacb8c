use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sixframe_services::agents::{Program, ProviderConfig, Timers};

use super::house::{House, Programs};
use super::scripted::{Reply, scripted};

/// Begins as Claude Code does.
const BEGIN: &str = r#"
read line
echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}'
"#;

fn quick() -> Timers {
    let ms = Duration::from_millis;
    Timers { first_event: ms(300), stall: ms(300), interrupt: ms(100), ..Timers::default() }
}

fn script(rest: &str) -> String {
    format!("{BEGIN}{rest}")
}

#[tokio::test]
async fn a_turn_goes_through_a_program_and_back() {
    let house = House::new();
    house.install(&script(
        r#"
read prompt
echo '{"type":"system","subtype":"init","session_id":"native-1","model":"m","tools":[]}'
echo '{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"hi there"}]}}'
echo '{"type":"result","subtype":"success","is_error":false,"usage":{"input_tokens":1,"output_tokens":2}}'
cat >/dev/null
"#,
    ));
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello");
    let ended = turn.end().await;
    assert_eq!((&ended["outcome"], &ended["usage"]["output"]), (&json!("completed"), &json!(2)));
    let said = turn.seen.iter().find(|event| event["data"]["kind"] == "agent_message").unwrap();
    assert_eq!(said["data"]["content"][0]["text"], "hi there");
    assert_eq!(said["src"], json!({"provider": "claude", "nativeType": "assistant"}));
    assert_eq!(house.shown(&session)["nativeSessionId"], "native-1");
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
async fn claude_is_told_to_run_each_command_in_the_sessions_folder() {
    let house = House::new();
    house.install(&script(
        r#"
read prompt
echo "$CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR" > told
echo '{"type":"result","subtype":"success","is_error":false}'
cat >/dev/null
"#,
    ));
    let session = house.session("claude").await;
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    assert_eq!(house.read("told"), "1\n");
}

#[tokio::test]
async fn claude_is_told_to_run_no_scheduled_tasks_whatever_is_configured_or_asked_for() {
    const NAME: &str = "CLAUDE_CODE_DISABLE_CRON";
    let house = House::tuned(|config| {
        config.claude.program.env.push((NAME.into(), "0".into()));
        config.claude.allow_env = vec![NAME.into()];
    });
    house.install(&script(
        r#"
read prompt
echo "$CLAUDE_CODE_DISABLE_CRON" > told
for word; do echo "$word" >> told; done
echo '{"type":"result","subtype":"success","is_error":false}'
cat >/dev/null
"#,
    ));
    let session = house.session_with("claude", json!({"env": {NAME: "0"}})).await;
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    let told = house.read("told");
    // Its settings, a person's and those of the folder, set its environment over ours.
    assert!(told.starts_with("1\n") && told.contains(&format!(r#"--settings={{"env":{{"{NAME}":"1"}}}}"#)), "{told}");
}

#[tokio::test]
async fn a_mode_and_a_model_that_are_chosen_while_a_program_starts_reach_it_before_the_prompt() {
    let house = House::new();
    let go = house.folder.path().join("claude.go");
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let answer = BEGIN.trim_start().strip_prefix("read line").unwrap();
    house.install(&format!(
        r#"
read line
read go < "$0.go"
{answer}
while read line; do
  echo "$line" >> heard
  case "$line" in *'"type":"user"'*) echo '{{"type":"result","subtype":"success","is_error":false}}';; esac
done
"#
    ));
    let session = house.session("claude").await;
    house.ask("agent.setMode", json!({"sessionId": session, "mode": "plan"})).await.unwrap();
    house.ask("agent.setModel", json!({"sessionId": session, "model": "opus"})).await.unwrap();
    let mut turn = house.prompt(&session, "hello");
    turn.until("prompt.queued").await;
    tokio::fs::write(&go, "go\n").await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    let heard = house.read("heard");
    let heard: Vec<serde_json::Value> = heard.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let asked: Vec<_> = heard.iter().map(|line| (&line["type"], &line["request"])).collect();
    let request = json!("control_request");
    let [mode, model] =
        [json!({"subtype": "set_permission_mode", "mode": "plan"}), json!({"subtype": "set_model", "model": "opus"})];
    assert_eq!(asked[..2], [(&request, &mode), (&request, &model)], "{heard:?}");
    assert_eq!(heard[2]["type"], "user");
}

#[tokio::test]
async fn a_program_that_is_killed_ends_its_turn_and_the_next_prompt_resumes() {
    let house = House::new();
    house.install(&script(
        r#"
case "$*" in *--resume=native-1*) resumed=yes;; esac
read prompt
echo '{"type":"system","subtype":"init","session_id":"native-1"}'
if [ -z "$resumed" ]; then echo "about to die" >&2; kill -9 $$; fi
echo '{"type":"result","subtype":"success","is_error":false}'
cat >/dev/null
"#,
    ));
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello");
    let ended = turn.end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("crashed")));
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("signal 9") && message.contains("about to die"), "{message}");
    assert_eq!(house.shown(&session)["state"], json!({"name": "error", "recoverable": true}));
    assert_eq!(house.prompt(&session, "again").end().await["outcome"], "completed");
}

#[tokio::test]
async fn a_crash_is_told_by_what_was_written_in_its_turn_as_plain_text() {
    let house = House::new();
    house.install(&script(
        r#"
read prompt
echo '{"type":"system","subtype":"init","session_id":"native-1"}'
echo "of the first turn" >&2
echo '{"type":"result","subtype":"success","is_error":false}'
read prompt
case "$prompt" in *loud*) printf '\033[2mnow\033[0m \033[31mERROR\033[0m it is over\n' >&2;; esac
exit 3
"#,
    ));
    for (asked, told, tail) in
        [("loud", ": now ERROR it is over", json!(["now ERROR it is over"])), ("still", "", Value::Null)]
    {
        let session = house.session("claude").await;
        assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
        let ended = house.prompt(&session, asked).end().await;
        let message = ended["error"]["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("3{told}")), "{message}");
        let logged = house.logged(&session);
        let exited = logged.iter().rfind(|event| event["data"]["what"] == "exited").unwrap();
        assert_eq!(exited["data"]["stderrTail"], tail);
    }
}

#[tokio::test]
async fn an_agent_that_has_lost_its_session_is_given_a_summary_and_the_prompt_that_waited() {
    let house = House::new();
    house.install(
        r#"
case "$*" in *--resume*)
  echo '{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["No conversation found with session ID: native-1"]}'
  exit 1;;
esac
read line
echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}'
read prompt
printf '%s\n' "$prompt" > told-$$
echo '{"type":"system","subtype":"init","session_id":"native-1"}'
echo '{"type":"result","subtype":"success","is_error":false}'
cat >/dev/null
"#,
    );
    let session = house.session("claude").await;
    house.prompt(&session, "hello").end().await;
    std::fs::read_dir(house.file("")).unwrap().for_each(|told| std::fs::remove_file(told.unwrap().path()).unwrap());
    let house = house.restart().await;
    let ended = house.prompt(&session, "go on").end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    let told = std::fs::read_dir(house.file("")).unwrap().next().unwrap().unwrap().file_name();
    let told = house.read(told.to_str().unwrap());
    assert!(told.contains("Person: hello") && told.contains(r#""text":"go on""#), "{told}");
    let notices: Vec<String> = house
        .logged(&session)
        .iter()
        .filter(|event| event["data"]["kind"] == "notice")
        .map(|event| event["data"]["content"][0]["text"].to_string())
        .collect();
    assert!(notices.iter().any(|text| text.contains("No conversation found with session ID: native-1")), "{notices:?}");
}

#[tokio::test]
async fn a_program_that_falls_silent_is_stopped_and_the_turn_fails_by_that() {
    let house = House::with(quick());
    house.install(&script("read prompt\nexec sleep 600\n"));
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello");
    let ended = turn.end().await;
    assert_eq!(ended["error"]["kind"], "timeout", "{ended}");
    let logged = house.logged(&session);
    assert!(logged.iter().any(|event| event["data"]["what"] == "exited"), "nothing of it is left");
}

#[tokio::test]
async fn a_program_that_closes_its_output_and_does_not_end_is_stopped_and_another_one_is_started() {
    let house = House::with(Timers { exit: Duration::from_millis(100), ..Timers::default() });
    house.install(&script(
        r#"
read prompt
echo '{"type":"system","subtype":"init","session_id":"native-1"}'
case "$prompt" in
  *hello*) echo '{"type":"result","subtype":"success","is_error":false}'; exec >&-; exec sleep 600;;
  *silence*) exec >&-; exec sleep 600;;
esac
"#,
    ));
    let session = house.session("claude").await;
    let mut events = house.events(&session);
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    let problem = events.until("error").await;
    assert_eq!(problem["kind"], "timeout", "{problem}");
    while events.until("process.event").await["what"] != "exited" {}

    assert_eq!(house.prompt(&session, "hello again").end().await["outcome"], "completed");
    while events.until("process.event").await["what"] != "exited" {}
    let ended = house.prompt(&session, "silence").end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("timeout")), "{ended}");
    let spawned = house.logged(&session).iter().filter(|event| event["data"]["what"] == "spawned").count();
    assert_eq!(spawned, 3, "each of them had said its last word");
}

#[tokio::test]
async fn a_program_that_does_not_hear_an_interrupt_is_stopped_and_the_turn_is_interrupted() {
    let house = House::with(Timers { interrupt: Duration::from_millis(50), ..Timers::default() });
    house.install(&script(
        r#"
read prompt
echo '{"type":"system","subtype":"init","session_id":"native-1"}'
exec sleep 600
"#,
    ));
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello");
    turn.until("session.updated").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
}

#[tokio::test]
async fn what_a_program_cannot_do_is_said_by_kind() {
    let house = House::new();
    let session = house.session("claude").await;
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "cli_missing", "{ended}");
    assert!(ended["error"]["hint"].is_string());

    house.install("echo 'Error: Session ID is already in use.' >&2\nexit 1\n");
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "crashed");
    assert!(ended["error"]["message"].as_str().unwrap().contains("already in use"), "{ended}");
}

#[tokio::test]
async fn a_flood_of_deltas_is_joined_and_nothing_of_it_is_lost() {
    let house = House::new();
    house.install(&script(
        r#"
read prompt
echo '{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1"}}}'
echo '{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}}'
yes '{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}}' | head -n 20000
echo '{"type":"result","subtype":"success","is_error":false}'
cat >/dev/null
"#,
    ));
    let session = house.session("claude").await;
    let mut turn = house.prompt(&session, "hello");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.grown("text"), "word ".repeat(20_000));
    let deltas = turn.names().iter().filter(|name| **name == "item.delta").count();
    assert!(deltas < 2_000, "{deltas} deltas for 20,000 pieces");
}

#[tokio::test]
async fn programs_that_are_not_there_or_broken_are_states_and_no_errors() {
    let house = House::new();
    let listed = house.ask("agent.providers", json!({})).await.unwrap();
    let state = |listed: &serde_json::Value, id: &str| {
        let providers = listed["providers"].as_array().unwrap();
        providers.iter().find(|provider| provider["id"] == id).unwrap().clone()
    };
    assert_eq!(state(&listed, "claude")["state"], "missing");
    assert_eq!((&state(&listed, "builtin")["state"], &listed["default"]), (&json!("ready"), &json!("builtin")));
    assert_eq!(listed["cwd"], json!(house.folder.path().canonicalize().unwrap()), "the first of the roots");
    assert_eq!(listed["templates"], json!(["default"]));

    house.install(
        r#"[ "$1" = --version ] && echo '2.1.300 (Claude Code)' || echo '{"loggedIn":true,"authMethod":"api_key"}'"#,
    );
    assert_eq!(house.ask("agent.providers", json!({})).await.unwrap(), listed, "it is looked for once");
    let listed = house.ask("agent.providers", json!({"recheck": true})).await.unwrap();
    let claude = state(&listed, "claude");
    assert_eq!((&claude["state"], &claude["version"]), (&json!("ready"), &json!("2.1.300")));
    assert_eq!((&claude["tested"], &claude["authMethod"]), (&json!("within"), &json!("api_key")));
    assert_eq!(listed["default"], "claude");

    for (script, expected) in [
        ("echo 1.0.0", "tooOld"),
        ("exit 1", "broken"),
        (r#"[ "$1" = --version ] && echo 9.9.9 || echo '{"loggedIn":false,"authMethod":"none"}'"#, "loggedOut"),
        (r#"[ "$1" = --version ] && echo 9.9.9"#, "unknown"),
    ] {
        house.install(script);
        let listed = house.ask("agent.providers", json!({"recheck": true})).await.unwrap();
        assert_eq!(state(&listed, "claude")["state"], expected, "{script}");
    }
}

#[tokio::test]
async fn agents_that_hear_why_leave_is_denied_say_so() {
    let house = House::new();
    let listed = house.ask("agent.providers", json!({})).await.unwrap();
    let hears = |info: &serde_json::Value| {
        (info["id"].as_str().unwrap().to_owned(), info["abilities"]["reasons"].as_bool().unwrap())
    };
    let listed: BTreeMap<_, _> = listed["providers"].as_array().unwrap().iter().map(hears).collect();
    let expected = [
        ("acp:other", false),
        ("builtin", true),
        ("claude", true),
        ("codex", false),
        ("gemini", false),
        ("local", false),
    ];
    assert_eq!(listed, expected.map(|(id, hears)| (id.to_owned(), hears)).into());
}

#[tokio::test]
async fn a_program_that_is_run_by_another_one_is_asked_about_itself_and_not_that_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut programs = Programs::in_folder(folder.path());
    let run = |program: &mut Program, args: [&str; 2]| {
        *program = Program::new(folder.path().join("runner"));
        program.args = args.map(str::to_owned).to_vec();
    };
    run(&mut programs.claude, ["claude.js", "--verbose"]);
    run(&mut programs.codex, ["codex.js", "--verbose"]);
    run(&mut programs.gemini, ["gemini.js", "--acp"]);
    let house = House::build_with(folder, Timers::default(), programs);
    house.install_as(
        "runner",
        r#"
echo "$*" >> "$0.asked"
case "$*" in
  'claude.js --verbose --version') echo '2.1.300 (Claude Code)';;
  'claude.js --verbose auth status --json') echo '{"loggedIn":true,"authMethod":"api_key"}';;
  'codex.js --verbose --version') echo 'codex-cli 0.169.0';;
  'codex.js --verbose login status') exit 0;;
  'gemini.js --version') echo 0.61.0;;
  *) echo v20.11.0;;
esac
"#,
    );
    for (id, state, version) in
        [("claude", "ready", "2.1.300"), ("codex", "ready", "0.169.0"), ("gemini", "unknown", "0.61.0")]
    {
        let found = looked_at(&house, id).await;
        assert_eq!((&found["state"], &found["version"]), (&json!(state), &json!(version)), "{found}");
    }
    let asked = std::fs::read_to_string(house.folder.path().join("runner.asked")).unwrap();
    assert!(asked.lines().all(|line| line.contains(".js ")), "nothing else is run: {asked}");
}

#[tokio::test]
async fn a_program_that_hangs_keeps_nobody_from_the_others_and_is_looked_at_again() {
    let house = House::new();
    house.install(r#"[ "$1" = --version ] && read line < "$0.go"; echo 2.1.300"#);
    house.install_as("codex", "echo 0.169.0");
    let go = house.folder.path().join("claude.go");
    assert!(std::process::Command::new("mkfifo").arg(&go).status().unwrap().success());
    let of = |listed: &serde_json::Value, id: &str| {
        let providers = listed["providers"].as_array().unwrap();
        providers.iter().find(|provider| provider["id"] == id).unwrap().clone()
    };
    let mut listed = house.ask("agent.providers", json!({"waitMs": 0})).await.unwrap();
    while of(&listed, "codex")["state"] == "checking" {
        listed = house.ask("agent.providers", json!({"waitMs": 20})).await.unwrap();
    }
    assert_eq!(of(&listed, "codex")["version"], "0.169.0");
    let claude = of(&listed, "claude");
    assert_eq!((&claude["state"], &listed["default"]), (&json!("checking"), &json!("codex")));
    assert!(claude["hint"].as_str().unwrap().contains("ask again"), "{claude}");
    // Who names none is given the first that can be used, and not the first that answers.
    let begin = house.ask("agent.createSession", json!({"cwd": house.file("")}));
    let open = async { tokio::fs::write(&go, "go\n").await.unwrap() };
    let (begun, ()) = tokio::join!(begin, open);
    let session = begun.unwrap()["sessionId"].as_str().unwrap().to_owned();
    assert_eq!(house.shown(&session)["provider"], "claude");
    let listed = house.ask("agent.providers", json!({})).await.unwrap();
    assert_eq!((&of(&listed, "claude")["version"], &listed["default"]), (&json!("2.1.300"), &json!("claude")));
}

#[tokio::test]
async fn a_program_is_asked_about_itself_where_no_repository_can_answer_and_found_when_it_is_installed_later() {
    let house = House::new();
    let session = house.session("claude").await;
    assert_eq!(house.prompt(&session, "hello").end().await["error"]["kind"], "cli_missing");
    house.install(&script(
        r#"
read prompt
echo '{"type":"result","subtype":"success","is_error":false}'
cat >/dev/null
"#,
    ));
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
    house.install(r#"pwd >> "$0.where"; [ "$1" = --version ] && echo 2.1.300"#);
    house.ask("agent.providers", json!({"recheck": true})).await.unwrap();
    let asked = std::fs::read_to_string(house.folder.path().join("claude.where")).unwrap();
    assert_eq!(asked.lines().collect::<Vec<_>>(), ["/", "/"], "a repository's settings would tell who is logged in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_never_stops_telling_keeps_no_time_from_running_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let programs = Programs::in_folder(folder.path());
    let flood = scripted("flood", |_, _| Reply::Flood);
    let timers = Timers { interrupt: Duration::from_millis(50), ..Timers::default() };
    let house = House::build_among(folder, timers, programs, vec![flood]);
    let session = house.session("flood").await;
    let ended = house.prompt_with(&session, "hello", json!({"timeoutMs": 300})).end().await;
    assert_eq!(ended["error"]["kind"], "timeout", "{ended}");
}

/// A provider as it is found now.
pub(crate) async fn looked_at(house: &House, id: &str) -> serde_json::Value {
    let listed = house.ask("agent.providers", json!({"recheck": true})).await.unwrap();
    listed["providers"].as_array().unwrap().iter().find(|info| info["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn codex_with_a_service_of_its_own_needs_nobody_to_be_logged_in() {
    let house = House::new();
    let codex = |needs: &str| {
        house.install_as(
            "codex",
            &format!(
                r#"case "$1" in
--version) echo codex-cli 0.169.0 ;;
login) echo Not logged in >&2; exit 1 ;;
app-server) read initialize; read initialized; read asked
    echo '{{"id":1,"result":{{}}}}'
    echo '{{"id":2,"result":{{"account":null,"requiresOpenaiAuth":{needs}}}}}' ;;
esac
"#
            ),
        );
    };
    codex("true");
    assert_eq!(looked_at(&house, "codex").await["state"], "loggedOut");
    codex("false");
    assert_eq!(looked_at(&house, "codex").await["state"], "unknown");
}

#[tokio::test]
async fn programs_that_speak_the_agent_client_protocol_are_asked_for_their_version() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = folder.path().join("codex-acp");
    let house = House::tuned(|config| drop(config.acp.insert("codex".into(), ProviderConfig::new(&adapter))));
    house.install_as("other", "[ \"$1\" = --version ] && echo other 1.2.3\n");
    house.install_as("adapter", "echo 2.7.0\n");
    std::fs::rename(house.folder.path().join("adapter"), &adapter).unwrap();
    let other = looked_at(&house, "acp:other").await;
    let expected = (&json!("1.2.3"), &json!("unknown"), &json!(null));
    assert_eq!((&other["version"], &other["state"], &other["tested"]), expected);
    let adapter = looked_at(&house, "acp:codex").await;
    assert_eq!((&adapter["version"], &adapter["tested"]), (&json!("2.7.0"), &json!("newer")));
}
