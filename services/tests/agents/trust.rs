use serde_json::{Value, json};
use sixframe_core::{CallError, Code, Items};
use sixframe_services::agents::{Program, ProviderConfig};

use super::git::git_in;
use super::house::{House, LONG};

/// Writes down what it was started with, and says nothing.
const RECORD: &str = r#"
[ "$*" = --version ] && exec cat "$0.version"
for word; do echo "$word" >> "$0.args.new"; done
echo "trust=$GEMINI_CLI_TRUST_WORKSPACE" >> "$0.args.new"
echo "location=${GOOGLE_CLOUD_LOCATION-unset}" >> "$0.args.new"
mv "$0.args.new" "$0.args"
exec cat > /dev/null
"#;

/// What a program was started with.
async fn started(house: &House, name: &str) -> String {
    let path = house.folder.path().join(format!("{name}.args"));
    let deadline = tokio::time::Instant::now() + LONG;
    loop {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                std::fs::remove_file(&path).unwrap();
                return text;
            }
            Err(_) => assert!(tokio::time::Instant::now() < deadline, "{name} is never started"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn folder(house: &House) -> String {
    house.file("").canonicalize().unwrap().to_str().unwrap().trim_end_matches('/').to_owned()
}

async fn trust(house: &House) {
    let cwd = folder(house);
    let status = house.ask("trust.status", json!({"cwd": cwd})).await.unwrap();
    house.ask("trust.grant", json!({"cwd": cwd, "sha256": status["sha256"]})).await.unwrap();
    assert_eq!(house.ask("trust.status", json!({"cwd": cwd})).await.unwrap()["isTrusted"], true);
}

fn notices(house: &House, session: &str) -> Vec<String> {
    let logged = house.logged(session);
    let notices = logged.iter().filter(|event| event["data"]["kind"] == "notice");
    notices.map(|event| event["data"]["content"][0]["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn settings_of_a_folder_are_loaded_when_they_are_trusted_and_withheld_until_then() {
    let house = House::new();
    for name in ["claude", "codex", "gemini"] {
        house.install_as(name, RECORD);
    }
    for file in [".claude/settings.json", ".mcp.json", ".codex/config.toml", ".gemini/settings.json"] {
        std::fs::create_dir_all(house.file(file).parent().unwrap()).unwrap();
        house.write(file, "{}");
    }
    let cwd = folder(&house);
    let status = house.ask("trust.status", json!({"cwd": cwd})).await.unwrap();
    let paths: Vec<&Value> = status["files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
    assert_eq!(paths, [".claude/settings.json", ".codex/config.toml", ".gemini/settings.json", ".mcp.json"]);
    assert_eq!((&status["cwd"], &status["isTrusted"]), (&json!(cwd), &json!(false)));

    let session = house.session("claude").await;
    let args = started(&house, "claude").await;
    assert!(args.contains("--setting-sources=user\n") && args.contains("--strict-mcp-config\n"), "{args}");
    let told = notices(&house, &session);
    assert!(told[0].contains(".claude/settings.json, .mcp.json") && !told[0].contains("codex"), "{told:?}");
    house.session("codex").await;
    let args = started(&house, "codex").await;
    assert!(args.contains(&format!("projects={{\"{cwd}\"={{trust_level=\"untrusted\"}}}}")), "{args}");
    house.session("gemini").await;
    assert!(started(&house, "gemini").await.contains("trust=false\n"));

    trust(&house).await;
    let session = house.session("claude").await;
    let args = started(&house, "claude").await;
    assert!(args.contains("--setting-sources=user,project,local\n") && !args.contains("strict"), "{args}");
    assert_eq!(notices(&house, &session), [] as [String; 0]);
    house.session("codex").await;
    assert!(started(&house, "codex").await.contains("trust_level=\"trusted\""));
    house.session("gemini").await;
    assert!(started(&house, "gemini").await.contains("trust=true\n"));

    house.write(".claude/settings.json", r#"{"hooks": {}}"#);
    let session = house.session("claude").await;
    assert!(started(&house, "claude").await.contains("--setting-sources=user\n"), "they are others now");
    assert!(notices(&house, &session)[0].contains("has changed since it was trusted"));
    trust(&house).await;
    house.ask("trust.revoke", json!({"cwd": cwd})).await.unwrap();
    house.session("claude").await;
    assert!(started(&house, "claude").await.contains("--setting-sources=user\n"), "at the next start");
}

/// A repository in the house's project, with what lies there.
fn commit(house: &House) {
    let project = house.file("");
    git_in(&project, &["init", "--quiet"]);
    git_in(&project, &["add", "--all"]);
    git_in(&project, &["commit", "--quiet", "--message", "first"]);
}

/// A run of one member in a worktree: what it tells of that one when it begins. It ends when the rest is dropped.
async fn run(house: &House, provider: &str) -> Result<(Value, Items<Value>), CallError> {
    let params =
        json!({"prompt": "do it", "cwd": house.file(""), "worktrees": true, "members": [{"provider": provider}]});
    let mut items: Items<Value> = house.window.stream_raw("run.start", params);
    let first = tokio::time::timeout(LONG, items.next()).await.expect("a run that begins").unwrap()?;
    Ok((first.data["data"]["members"][0].clone(), items))
}

#[tokio::test]
async fn codex_is_told_not_to_trust_a_worktree_nor_the_repository_that_it_is_of_until_a_person_trusts_what_lies_there()
{
    let house = House::new();
    house.install_as("codex", RECORD);
    std::fs::create_dir(house.file(".codex")).unwrap();
    house.write(".codex/config.toml", "");
    commit(&house);
    let cwd = folder(&house);
    let level = |args: &str, folder: &str, level: &str| args.contains(&format!("{folder:?}={{trust_level={level:?}}}"));
    let (member, going) = run(&house, "codex").await.unwrap();
    let worktree = member["worktree"].as_str().unwrap();
    let args = started(&house, "codex").await;
    assert!(level(&args, worktree, "untrusted") && level(&args, &cwd, "untrusted"), "{args}");
    assert!(notices(&house, member["sessionId"].as_str().unwrap())[0].contains("until somebody trusts it"));
    drop(going);

    trust(&house).await;
    let (member, going) = run(&house, "codex").await.unwrap();
    let args = started(&house, "codex").await;
    assert!(level(&args, member["worktree"].as_str().unwrap(), "trusted") && !args.contains("untrusted"), "{args}");
    assert_eq!(notices(&house, member["sessionId"].as_str().unwrap()), [] as [String; 0]);
    drop(going);

    // What git passes over is in no worktree.
    house.write(".git/info/exclude", "/.codex/more.toml\n");
    house.write(".codex/more.toml", "");
    trust(&house).await;
    let (member, _going) = run(&house, "codex").await.unwrap();
    assert!(!started(&house, "codex").await.contains("\"trusted\""), "it is not what was looked at");
    assert!(notices(&house, member["sessionId"].as_str().unwrap())[0].contains("trusted in the run's folder"));
}

#[tokio::test]
async fn what_is_trusted_in_the_folder_of_a_run_is_trusted_in_its_worktrees() {
    let house = House::new();
    house.install_as("other", RECORD);
    house.write("opencode.json", "{}");
    commit(&house);
    assert_eq!(member_error(&house).await["kind"], "untrusted_workspace");
    trust(&house).await;
    let (_, going) = run(&house, "acp:other").await.unwrap();
    started(&house, "other").await;
    drop(going);
    house.ask("trust.revoke", json!({"cwd": folder(&house)})).await.unwrap();
    assert_eq!(member_error(&house).await["kind"], "untrusted_workspace", "trusted no more");
}

/// Why the member of a run failed.
async fn member_error(house: &House) -> Value {
    let (_, mut items) = run(house, "acp:other").await.unwrap();
    loop {
        let item =
            tokio::time::timeout(LONG, items.next()).await.expect("a run that ends").expect("a member that ends");
        let event = item.unwrap().data;
        if event["type"] == "run.member_ended" {
            return event["data"]["error"].clone();
        }
    }
}

#[tokio::test]
async fn instructions_of_a_folder_are_withheld_until_they_are_trusted_and_keep_nobody_from_beginning() {
    let house = House::new();
    for name in ["claude", "codex", "gemini", "other"] {
        house.install_as(name, RECORD);
    }
    for file in ["CLAUDE.md", "AGENTS.md", "GEMINI.md"] {
        house.write(file, "be quick");
    }
    let session = house.session("claude").await;
    let args = started(&house, "claude").await;
    assert!(args.contains("--setting-sources=user\n") && !args.contains("strict"), "its own servers are kept: {args}");
    assert!(notices(&house, &session)[0].contains("trusts it: CLAUDE.md."));
    house.session("codex").await;
    assert!(started(&house, "codex").await.contains("untrusted"));
    house.session("gemini").await;
    assert!(started(&house, "gemini").await.contains("trust=false\n"));
    let session = house.session("acp:other").await;
    started(&house, "other").await;
    assert_eq!(notices(&house, &session), [] as [String; 0], "it loads them as it does anywhere");

    trust(&house).await;
    house.session("claude").await;
    assert!(started(&house, "claude").await.contains("--setting-sources=user,project,local\n"));
    house.session("codex").await;
    assert!(started(&house, "codex").await.contains("\"trusted\""));
    house.session("gemini").await;
    assert!(started(&house, "gemini").await.contains("trust=true\n"));
}

#[tokio::test]
async fn what_agents_load_of_an_untrusted_folder_all_the_same_is_kept_from_them_file_by_file() {
    let house = House::new();
    for name in ["codex", "gemini"] {
        house.install_as(name, RECORD);
    }
    house.write(".env", "GOOGLE_CLOUD_LOCATION=nowhere");
    std::fs::create_dir_all(house.file(".agents/skills/bird")).unwrap();
    house.write(".agents/skills/bird/SKILL.md", "");
    house.session("codex").await;
    let args = started(&house, "codex").await;
    let skill = format!("{}/.agents/skills/bird/SKILL.md", folder(&house));
    assert!(args.contains(&format!("skills.config=[{{path={skill:?},enabled=false}}]\n")), "{args}");
    assert!(!args.contains("include_instructions"), "a person's own skills are kept: {args}");
    house.session("gemini").await;
    assert!(started(&house, "gemini").await.contains("location=\n"), "it is there, and empty");
    trust(&house).await;
    house.session("codex").await;
    assert!(!started(&house, "codex").await.contains("skills"));
    house.session("gemini").await;
    assert!(!started(&house, "gemini").await.contains("location=\n"), "as the environment has it");
}

#[tokio::test]
async fn an_agent_that_cannot_be_kept_from_settings_is_not_begun_where_nobody_trusts_them() {
    let house = House::new();
    house.install_as("other", RECORD);
    house.session("acp:other").await;
    started(&house, "other").await;
    house.write("opencode.json", "{}");
    let params = json!({"provider": "acp:other", "cwd": house.file("")});
    let refused = house.ask("agent.createSession", params.clone()).await.unwrap_err();
    let CallError::Fault(fault) = refused else { panic!("{refused}") };
    assert_eq!(fault.code, Code::FORBIDDEN);
    let details = serde_json::to_value(&fault.details).unwrap();
    assert_eq!(details["kind"], "untrusted_workspace", "{details}");
    assert!(details["hint"].as_str().unwrap().contains("trust.grant") && fault.message.contains("opencode.json"));
    let cwd = folder(&house);
    house.ask("trust.grant", json!({"cwd": cwd, "sha256": details["sha256"]})).await.unwrap();
    let session = house.session("acp:other").await;
    started(&house, "other").await;

    // The next daemon starts it with the next prompt, in a folder that is not the one that was trusted.
    let house = house.restart().await;
    house.write("opencode.json", r#"{"mcp": {}}"#);
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("untrusted_workspace")));
    assert!(ended["error"]["hint"].is_string());
    assert!(notices(&house, &session)[0].contains("has changed"));
    assert!(!house.folder.path().join("other.args").exists(), "it was not started");
}

#[tokio::test]
async fn an_agent_that_is_too_old_to_be_kept_from_settings_is_not_begun_where_nobody_trusts_them() {
    let mut house = House::new();
    for (name, file) in
        [("claude", ".claude/settings.json"), ("codex", ".codex/config.toml"), ("gemini", ".gemini/settings.json")]
    {
        let version = house.folder.path().join(format!("{name}.version"));
        house.install_as(name, RECORD);
        std::fs::write(&version, "0.0.1\n").unwrap();
        house.session(name).await;
        started(&house, name).await;
        std::fs::create_dir_all(house.file(file).parent().unwrap()).unwrap();
        house.write(file, "{}");
        let params = json!({"provider": name, "cwd": house.file("")});
        let CallError::Fault(fault) = house.ask("agent.createSession", params.clone()).await.unwrap_err() else {
            panic!("{name}")
        };
        let details = serde_json::to_value(&fault.details).unwrap();
        assert_eq!((&*fault.code, &details["kind"]), (Code::FORBIDDEN, &json!("untrusted_workspace")), "{details}");
        assert!(fault.message.contains("0.0.1") && fault.message.contains(file), "{}", fault.message);
        let hint = details["hint"].as_str().unwrap();
        assert!(hint.contains("update it to ") && hint.contains("trust.grant"), "{hint}");

        // One that does not say its version is begun as it is.
        std::fs::write(&version, "").unwrap();
        let session = house.session(name).await;
        started(&house, name).await;

        std::fs::write(&version, "0.0.1\n").unwrap();
        house = house.restart().await;
        let ended = house.prompt(&session, "hello").end().await;
        assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("untrusted_workspace")));
        trust(&house).await;
        house.session(name).await;
        started(&house, name).await;
    }
}

#[tokio::test]
async fn an_agent_whose_program_takes_code_from_the_folder_is_not_begun_where_nobody_trusts_that() {
    let house = House::tuned(|config| {
        let program =
            Program { args: vec!["-y".into(), "some-agent".into()], ..Program::new(config.dir.with_file_name("npx")) };
        config.acp.insert("some".into(), ProviderConfig { program, allow_env: Vec::new() });
    });
    house.install_as("npx", RECORD);
    house.session("acp:some").await;
    started(&house, "npx").await;
    house.write("package.json", "{}");
    let params = json!({"provider": "acp:some", "cwd": house.file("")});
    let refused = house.ask("agent.createSession", params.clone()).await.unwrap_err();
    let CallError::Fault(fault) = refused else { panic!("{refused}") };
    let details = serde_json::to_value(&fault.details).unwrap();
    assert_eq!((fault.code.as_ref(), &details["kind"]), (Code::FORBIDDEN, &json!("untrusted_workspace")));
    assert!(fault.message.contains("package.json"), "{}", fault.message);
    house.ask("trust.grant", json!({"cwd": folder(&house), "sha256": details["sha256"]})).await.unwrap();
    house.ask("agent.createSession", params).await.unwrap();
    started(&house, "npx").await;
    let session = house.session("builtin").await;
    house.write("package.json", "changed");
    assert_ne!(house.prompt(&session, "list").end().await["outcome"], "failed", "others are not concerned");
}

/// Claude Code, which writes down what each of its processes was started with, and what that was asked.
const TOLD: &str = r#"
[ "$*" = --version ] && exit
echo >> "$0.starts"
n=$(grep -c '' "$0.starts")
for word; do echo "$word" >> "$0.args.$n"; done
[ -e "$0.meddles" ] && mkdir -p .claude && touch ".claude/$n"
while read -r line; do
  case "$line" in
    *'"type":"user"'*)
      printf '%s %s\n' "$n" "$line" >> "$0.asked"
      echo '{"type":"system","subtype":"init","session_id":"11111111-1111-4111-8111-111111111111","model":"m"}'
      echo '{"type":"result","subtype":"success","is_error":false}';;
    *) echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}';;
  esac
done
"#;

/// What the process with this number was started with.
fn arguments(house: &House, process: u32) -> String {
    std::fs::read_to_string(house.folder.path().join(format!("claude.args.{process}"))).unwrap()
}

/// What was asked of each process, by its number.
fn asked(house: &House) -> Vec<String> {
    let asked = std::fs::read_to_string(house.folder.path().join("claude.asked")).unwrap_or_default();
    // What was said before may be told with it.
    let texts = ["fifth", "fourth", "third", "second", "first"];
    let told = asked.lines().map(|line| {
        let text = texts.iter().find(|text| line.contains(*text)).unwrap();
        format!("{} {text}", line.split(' ').next().unwrap())
    });
    told.collect()
}

#[tokio::test]
async fn settings_that_change_while_an_agent_runs_are_kept_from_it_before_the_next_prompt() {
    let house = House::new();
    house.install(TOLD);
    std::fs::create_dir(house.file(".claude")).unwrap();
    house.write(".claude/settings.json", "{}");
    trust(&house).await;
    let session = house.session("claude").await;
    for text in ["first", "second"] {
        assert_eq!(house.prompt(&session, text).end().await["outcome"], "completed");
        house.write(".claude/scheduled_tasks.lock", "its own, while it runs");
    }
    assert_eq!(asked(&house), ["1 first", "1 second"], "nothing changed");
    assert!(arguments(&house, 1).contains("--setting-sources=user,project,local\n"));
    assert_eq!(notices(&house, &session), [] as [String; 0]);

    house.write(".claude/settings.json", r#"{"hooks": {}}"#);
    let mut third = house.prompt(&session, "third");
    assert_eq!(third.end().await["outcome"], "completed");
    assert_eq!(third.names().iter().filter(|name| **name == "turn.started").count(), 1, "it is one turn");
    let args = arguments(&house, 2);
    assert!(args.contains("--setting-sources=user\n") && args.contains("--resume=11111111-"), "{args}");
    let told = notices(&house, &session);
    assert!(told.len() == 1 && told[0].contains("has changed since it was trusted"), "{told:?}");
    house.write(".claude/settings.json", r#"{"hooks": {"Stop": []}}"#);
    assert_eq!(house.prompt(&session, "fourth").end().await["outcome"], "completed");
    assert_eq!(asked(&house), ["1 first", "1 second", "2 third", "2 fourth"], "what is not loaded may change");
    trust(&house).await;
    assert_eq!(house.prompt(&session, "fifth").end().await["outcome"], "completed");
    assert!(arguments(&house, 3).contains("--setting-sources=user,project,local\n"), "it is trusted by now");
    assert_eq!(asked(&house)[4..], ["3 fifth"]);
}

#[tokio::test]
async fn who_loads_nothing_of_the_folder_goes_on_whatever_comes_there() {
    let house = House::new();
    house.install(TOLD);
    std::fs::write(house.folder.path().join("claude.meddles"), "").unwrap();
    let session = house.session("claude").await;
    for text in ["first", "second"] {
        assert_eq!(house.prompt(&session, text).end().await["outcome"], "completed");
        house.write(".claude/settings.json", text);
    }
    assert_eq!(asked(&house), ["1 first", "1 second"]);
}

#[tokio::test]
async fn only_what_was_seen_can_be_trusted_and_only_where_agents_may_work() {
    let house = House::new();
    let cwd = folder(&house);
    let status = house.ask("trust.status", json!({"cwd": cwd})).await.unwrap();
    assert_eq!((&status["files"], status.get("sha256")), (&json!([]), None));
    house.write(".mcp.json", "{}");
    let seen = house.ask("trust.status", json!({"cwd": cwd})).await.unwrap()["sha256"].clone();
    house.write(".mcp.json", r#"{"mcpServers": {"evil": {"command": "evil"}}}"#);
    let refused = house.ask("trust.grant", json!({"cwd": cwd, "sha256": seen})).await.unwrap_err();
    assert_eq!(refused.code(), Code::CONFLICT);
    for method in ["trust.status", "trust.revoke"] {
        assert_eq!(house.ask(method, json!({"cwd": "/"})).await.unwrap_err().code(), Code::FORBIDDEN, "{method}");
    }
    let outside = house.ask("trust.grant", json!({"cwd": "/", "sha256": seen})).await.unwrap_err();
    assert_eq!(outside.code(), Code::FORBIDDEN);
}
