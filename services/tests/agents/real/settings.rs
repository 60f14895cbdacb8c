//! Settings that lie in a folder, as the real programs load them or do not.

use serde_json::{Value, json};
use sixframe_core::Items;

use super::super::git::git_in;
use super::super::house::LONG;
use super::World;

/// Lays settings there that start a program, which leaves a file behind where it was started.
fn lay(world: &World, provider: &str) {
    let house = &world.house;
    let program = house.folder.path().join("server");
    let left = house.folder.path().join("started");
    house.install_as("server", &format!("touch {}\n", left.display()));
    let program = program.to_str().unwrap();
    let (file, text) = match provider {
        "claude" => {
            let hook = json!([{"hooks": [{"type": "command", "command": program}]}]);
            let servers = json!({"mcpServers": {"evil": {"command": program, "args": []}}});
            house.write(".mcp.json", &servers.to_string());
            (".claude/settings.json", json!({"hooks": {"UserPromptSubmit": hook, "SessionStart": hook}}).to_string())
        }
        "codex" => (".codex/config.toml", format!("[mcp_servers.evil]\ncommand = {program:?}\n")),
        _ => {
            let servers = json!({"mcpServers": {"evil": {"command": program, "args": []}}});
            (".gemini/settings.json", servers.to_string())
        }
    };
    std::fs::create_dir_all(house.file(file).parent().unwrap()).unwrap();
    house.write(file, &text);
}

/// Whether a turn starts what the settings name.
async fn starts(world: &World, provider: &str) -> bool {
    let session = world.session(provider).await;
    let ended = world.prompt(&session, "hello there").end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    world.close(&session).await;
    world.house.folder.path().join("started").exists()
}

async fn settings_of_the_folder_start_programs_only_when_they_are_trusted(provider: &str) {
    let world = World::new().await;
    lay(&world, provider);
    assert!(!starts(&world, provider).await, "nobody trusts it");
    trust(&world).await;
    assert!(starts(&world, provider).await, "this test shows nothing where they are never loaded");
}

/// A folder in which something is trusted loads what is laid elsewhere only when that is shown, and trusted, too.
async fn what_lies_elsewhere_starts_programs_only_when_it_is_trusted(lay: impl Fn(&World, &str)) {
    let world = World::new().await;
    let house = &world.house;
    let left = house.folder.path().join("started");
    house.install_as("server", &format!("touch {}\n", left.display()));
    house.write("CLAUDE.md", "Be quick.\n");
    trust(&world).await;
    lay(&world, house.folder.path().join("server").to_str().unwrap());
    assert!(!starts(&world, "claude").await, "nobody was shown it");
    trust(&world).await;
    assert!(starts(&world, "claude").await, "this test shows nothing where it is never loaded");
}

/// Writes a file beside the project.
fn write_beside(world: &World, path: &str, text: &str) {
    let path = world.house.folder.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn claude_runs_hooks_of_the_main_checkout_only_when_they_are_trusted_with_the_worktree() {
    what_lies_elsewhere_starts_programs_only_when_it_is_trusted(|world, program| {
        let hook = json!([{"hooks": [{"type": "command", "command": program}]}]);
        let hooks = json!({"hooks": {"UserPromptSubmit": hook, "SessionStart": hook}});
        world.house.write(".git", "gitdir: ../main/.git/worktrees/x\n");
        let pointer = world.house.file(".git").canonicalize().unwrap();
        write_beside(world, "main/.git/worktrees/x/gitdir", pointer.to_str().unwrap());
        write_beside(world, "main/.git/worktrees/x/commondir", "../..\n");
        write_beside(world, "main/.claude/settings.local.json", &hooks.to_string());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn claude_starts_tool_servers_from_above_the_folder_only_when_they_are_trusted_with_it() {
    what_lies_elsewhere_starts_programs_only_when_it_is_trusted(|world, program| {
        let servers = json!({"mcpServers": {"evil": {"command": program, "args": []}}});
        write_beside(world, ".mcp.json", &servers.to_string());
    })
    .await;
}

/// Whether a run with a worktree starts what the settings name.
async fn starts_in_a_worktree(world: &World) -> bool {
    let house = &world.house;
    let members = json!([{"provider": "codex"}]);
    let params = json!({"prompt": "hello there", "cwd": house.file(""), "worktrees": true, "members": members});
    let mut items: Items<Value> = house.window.stream_raw("run.start", params);
    let mut last = json!(null);
    while let Some(item) = tokio::time::timeout(LONG, items.next()).await.expect("a run that ends") {
        last = item.unwrap().data["data"].clone();
    }
    assert_eq!(last["outcome"], "completed", "{last}");
    house.folder.path().join("started").exists()
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn codex_trusts_no_worktree_nor_its_repository_by_itself() {
    let world = World::new().await;
    lay(&world, "codex");
    let project = world.house.file("");
    git_in(&project, &["init", "--quiet"]);
    git_in(&project, &["add", "--all"]);
    git_in(&project, &["commit", "--quiet", "--message", "first"]);
    assert!(!starts_in_a_worktree(&world).await, "nobody trusts it");
    let own = std::fs::read_to_string(world.house.folder.path().join("homes/codex/config.toml")).unwrap_or_default();
    assert!(!own.contains("trust_level"), "{own}");
    trust(&world).await;
    assert!(starts_in_a_worktree(&world).await, "what is trusted in the run's folder is so in its worktrees");
}

/// A person may have told Codex that their projects begin at another mark than a repository's.
#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn codex_loads_nothing_from_above_the_repository_whatever_marks_a_project_for_it() {
    let world = World::new().await;
    let house = &world.house;
    let server = house.folder.path().join("server");
    house.install_as("server", &format!("touch {}\n", house.folder.path().join("started").display()));
    write_beside(&world, "homes/codex/config.toml", "project_root_markers = [\".top\"]\n");
    write_beside(&world, ".top", "");
    write_beside(&world, ".codex/config.toml", &format!("[mcp_servers.evil]\ncommand = {server:?}\n"));
    write_beside(&world, ".agents/skills/bird/SKILL.md", "---\nname: bird\ndescription: magpie\n---\nDo it.\n");
    house.write("AGENTS.md", "Be quick.\n");
    git_in(&house.file(""), &["init", "--quiet"]);
    assert_eq!(is_told(&world, "codex").await, ["unknown", "unknown"]);
    assert!(!starts(&world, "codex").await, "it lies above");
    std::fs::remove_dir_all(house.file(".git")).unwrap();
    git_in(house.folder.path(), &["init", "--quiet"]);
    trust(&world).await;
    assert!(starts(&world, "codex").await, "this test shows nothing where it is never loaded");
}

/// What its model is told of what lies in the folder, before anybody trusts it and then.
async fn is_told(world: &World, provider: &str) -> [String; 2] {
    let mut answers = Vec::new();
    for is_trusted in [false, true] {
        if is_trusted {
            trust(world).await;
        }
        let session = world.session(provider).await;
        let mut turn = world.prompt(&session, "recall magpie");
        assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.seen);
        answers.push(turn.grown("text"));
        world.close(&session).await;
    }
    answers.try_into().unwrap()
}

async fn trust(world: &World) {
    let cwd = world.house.file("");
    let status = world.house.ask("trust.status", json!({"cwd": cwd})).await.unwrap();
    world.house.ask("trust.grant", json!({"cwd": cwd, "sha256": status["sha256"]})).await.unwrap();
}

async fn instructions_of_the_folder_are_told_to_the_model_only_when_they_are_trusted(provider: &str) {
    let files: &[&str] = match provider {
        "claude" => &["CLAUDE.md", "CLAUDE.local.md", ".claude/CLAUDE.md"],
        "codex" => &["AGENTS.md", "AGENTS.override.md"],
        _ => &["GEMINI.md"],
    };
    for file in files {
        let world = World::new().await;
        std::fs::create_dir_all(world.house.file(file).parent().unwrap()).unwrap();
        world.house.write(file, "The password of the day is magpie.\n");
        assert_eq!(is_told(&world, provider).await, ["unknown", "known"], "{file}");
    }
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn claude_runs_no_scheduled_tasks_whatever_its_settings_say() {
    let world = World::new().await;
    let settings = json!({"env": {"CLAUDE_CODE_DISABLE_CRON": "0"}}).to_string();
    std::fs::create_dir(world.house.file(".claude")).unwrap();
    world.house.write(".claude/settings.json", &settings);
    write_beside(&world, "homes/claude/.claude/settings.json", &settings);
    trust(&world).await;
    let session = world.session("claude").await;
    let mut turn = world.prompt(&session, "hello there");
    assert_eq!(turn.end().await["outcome"], "completed");
    let told = turn.seen.iter().find_map(|event| event["data"]["tools"].as_array()).expect("its tools").clone();
    // What runs them is there where what makes them is.
    assert!(told.contains(&json!("Bash")) && !told.contains(&json!("CronCreate")), "{told:?}");
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn codex_tells_its_model_of_skills_of_the_folder_only_when_they_are_trusted() {
    for folder in [".agents", ".codex"] {
        let world = World::new().await;
        let skill = format!("{folder}/skills/bird/SKILL.md");
        std::fs::create_dir_all(world.house.file(&skill).parent().unwrap()).unwrap();
        world.house.write(&skill, "---\nname: bird\ndescription: magpie\n---\nDo it.\n");
        assert_eq!(is_told(&world, "codex").await, ["unknown", "known"], "{folder}");
    }
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn gemini_uses_the_key_that_a_folder_brings_along_only_when_it_is_trusted() {
    let world = World::without_key().await;
    world.house.write(".env", KEY);
    the_key_is_used_only_when_it_is_trusted(world).await;
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn gemini_uses_the_key_of_a_folder_above_only_when_it_is_trusted() {
    let world = World::without_key().await;
    write_beside(&world, ".env", KEY);
    the_key_is_used_only_when_it_is_trusted(world).await;
}

const KEY: &str = "GEMINI_API_KEY=key-of-the-repository\n";

async fn the_key_is_used_only_when_it_is_trusted(world: World) {
    let session = world.session("gemini").await;
    let ended = world.prompt(&session, "hello there").end().await;
    assert_eq!((&ended["outcome"], world.model.keys()), (&json!("failed"), Vec::new()), "it has none: {ended}");
    world.close(&session).await;
    trust(&world).await;
    let session = world.session("gemini").await;
    assert_eq!(world.prompt(&session, "hello there").end().await["outcome"], "completed");
    assert!(world.model.keys().contains(&"key-of-the-repository".to_owned()), "this test shows nothing else");
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn gemini_takes_its_system_prompt_from_the_folder_only_when_that_is_trusted() {
    for (named, file) in [("1", ".gemini/system.md"), ("prompts/system.md", "prompts/system.md")] {
        let world = World::with_gemini(&[("GEMINI_SYSTEM_MD", named)]).await;
        world.house.write("GEMINI.md", "Be quick.\n");
        std::fs::create_dir_all(world.house.file(file).parent().unwrap()).unwrap();
        world.house.write(file, "The password of the day is magpie.\n");
        assert_eq!(is_told(&world, "gemini").await, ["unknown", "known"], "{file}");
    }
}

#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn gemini_takes_its_system_prompt_from_its_persons_own_file_wherever_it_works() {
    let (world, own) = {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("system.md");
        std::fs::write(&own, "The password of the day is magpie.\n").unwrap();
        (World::with_gemini(&[("GEMINI_SYSTEM_MD", own.to_str().unwrap())]).await, folder)
    };
    world.house.write("GEMINI.md", "Be quick.\n");
    assert_eq!(is_told(&world, "gemini").await, ["known", "known"]);
    drop(own);
}

/// In a Cloud Shell, it takes the project that a folder names over its person's own.
#[tokio::test]
#[ignore = "needs the agents' programs: cargo xtask test --only agents"]
async fn gemini_takes_the_project_of_a_folder_in_a_cloud_shell_only_when_it_is_trusted() {
    const TELLS: &str = r#"
        const fs = require("fs"), write = process.stdout.write;
        process.stdout.write = function (...text) {
            fs.writeFileSync(__dirname + "/project-id", String(process.env.GOOGLE_CLOUD_PROJECT));
            return write.apply(this, text);
        };"#;
    let beside = tempfile::tempdir().unwrap();
    std::fs::write(beside.path().join("tells.js"), TELLS).unwrap();
    let tells = format!("--require={}", beside.path().join("tells.js").display());
    let given = [("CLOUD_SHELL", "true"), ("GOOGLE_CLOUD_PROJECT", "own"), ("NODE_OPTIONS", tells.as_str())];
    let world = World::with_gemini(&given).await;
    world.house.write(".env", "GOOGLE_CLOUD_PROJECT=of-the-repository\n");
    for project in ["own", "of-the-repository"] {
        let session = world.session("gemini").await;
        assert_eq!(world.prompt(&session, "hello there").end().await["outcome"], "completed");
        assert_eq!(std::fs::read_to_string(beside.path().join("project-id")).unwrap(), project);
        world.close(&session).await;
        trust(&world).await;
    }
}

/// Settings change between two turns: the program that has loaded those that were trusted does nothing that the others say, and
/// what was said before is known to the next one.
async fn settings_that_change_between_turns_end_the_program_and_nothing_is_forgotten(provider: &str) {
    let world = World::new().await;
    let house = &world.house;
    let (left, program) = (house.folder.path().join("started"), house.folder.path().join("server"));
    house.install_as("server", &format!("touch {}\n", left.display()));
    let (file, settings) = match provider {
        "claude" => {
            let hook = json!([{"hooks": [{"type": "command", "command": program}]}]);
            let hooks = json!({"hooks": {"SessionEnd": hook, "ConfigChange": hook, "UserPromptSubmit": hook}});
            (".claude/settings.json", ["{}".to_owned(), hooks.to_string()])
        }
        "codex" => (".codex/config.toml", ["", "model_reasoning_effort = \"low\"\n"].map(str::to_owned)),
        _ => (".gemini/settings.json", ["{}", r#"{"ui": {}}"#].map(str::to_owned)),
    };
    std::fs::create_dir_all(house.file(file).parent().unwrap()).unwrap();
    house.write(file, &settings[0]);
    trust(&world).await;
    let session = world.session(provider).await;
    let mut events = house.events(&session);
    assert_eq!(world.prompt(&session, "hello magpie").end().await["outcome"], "completed");
    house.write(file, &settings[1]);
    loop {
        let event = events.until("process.event").await;
        if event["what"] == "exited" {
            assert_eq!(event["signal"], 9, "{event}");
            break;
        }
    }
    let mut turn = world.prompt(&session, "recall magpie");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert!(turn.grown("text").ends_with("known") && !turn.grown("text").ends_with("unknown"), "{:?}", turn.seen);
    world.close(&session).await;
    assert!(!left.exists(), "nobody trusts it");
}

macro_rules! of_each {
    ($($provider:ident)*) => {
        $(mod $provider {
            #[tokio::test]
            #[ignore = "needs the agents' programs: cargo xtask test --only agents"]
            async fn settings_of_the_folder_start_programs_only_when_they_are_trusted() {
                super::settings_of_the_folder_start_programs_only_when_they_are_trusted(stringify!($provider)).await;
            }

            #[tokio::test]
            #[ignore = "needs the agents' programs: cargo xtask test --only agents"]
            async fn settings_that_change_between_turns_end_the_program_and_nothing_is_forgotten() {
                super::settings_that_change_between_turns_end_the_program_and_nothing_is_forgotten(stringify!($provider)).await;
            }

            #[tokio::test]
            #[ignore = "needs the agents' programs: cargo xtask test --only agents"]
            async fn instructions_of_the_folder_are_told_to_the_model_only_when_they_are_trusted() {
                super::instructions_of_the_folder_are_told_to_the_model_only_when_they_are_trusted(stringify!($provider)).await;
            }
        })*
    };
}

of_each!(claude codex gemini);
