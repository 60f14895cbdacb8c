//! What sessions of the real programs do beyond a prompt and its answer.

use serde_json::{Value, json};

use super::World;

/// Whether the model has been told of a word before the prompt that asks for it.
async fn recalls(world: &World, session: &str, word: &str) -> bool {
    let mut turn = world.prompt(session, &format!("recall {word}"));
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    turn.grown("text") == "known"
}

async fn fork(world: &World, session: &str) -> String {
    let fork = world.house.ask("agent.fork", json!({"sessionId": session})).await.unwrap();
    fork["sessionId"].as_str().unwrap().to_owned()
}

/// A fork knows what was said, by the agent's own session and not by a summary, and the session that it comes of learns nothing.
async fn a_fork_is_the_agents_own(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    assert_eq!(world.prompt(&session, "hello magpie").end().await["outcome"], "completed");
    let native = world.house.shown(&session)["nativeSessionId"].clone();
    let fork = fork(&world, &session).await;
    assert!(recalls(&world, &fork, "magpie").await);
    assert_ne!(world.house.shown(&fork)["nativeSessionId"], native, "a session of its own");
    let logged = world.house.logged(&fork);
    assert!(logged.iter().all(|event| !event.to_string().contains("cannot be gone on with")), "{logged:?}");
    assert_eq!(world.prompt(&fork, "hello heron").end().await["outcome"], "completed");
    assert!(!recalls(&world, &session, "heron").await, "the session goes on as it was");
    world.close(&session).await;
    world.close(&fork).await;
}

/// One that was closed is opened again, and goes on with what was said.
async fn a_closed_session_is_opened_again(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    assert_eq!(world.prompt(&session, "hello magpie").end().await["outcome"], "completed");
    world.close(&session).await;
    world.house.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
    assert!(recalls(&world, &session, "magpie").await);
    world.close(&session).await;
}

/// Where each keeps its sessions, below its home.
fn kept(provider: &str) -> &'static str {
    match provider {
        "claude" => ".claude/projects",
        "codex" => "sessions",
        _ => ".gemini/tmp",
    }
}

/// One whose own session is gone begins another, is given a summary, and says so.
async fn a_lost_session_is_begun_anew(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    assert_eq!(world.prompt(&session, "hello magpie").end().await["outcome"], "completed");
    let native = world.house.shown(&session)["nativeSessionId"].clone();
    let kept = world.house.folder.path().join("homes").join(provider).join(kept(provider));
    let world = world.restart().await;
    std::fs::remove_dir_all(kept).unwrap();
    assert!(recalls(&world, &session, "magpie").await);
    assert_ne!(world.house.shown(&session)["nativeSessionId"], native);
    let logged = world.house.logged(&session);
    let says_so =
        |event: &&Value| event["data"]["kind"] == "notice" && event.to_string().contains("cannot be gone on with");
    assert_eq!(logged.iter().filter(says_so).count(), 1, "{logged:?}");
    assert_eq!(world.prompt(&session, "hello again").end().await["outcome"], "completed");
    world.close(&session).await;
}

/// Another agent is told by a summary.
async fn another_agent_takes_over(from: &str, to: &str) {
    let world = World::new().await;
    let session = world.session(from).await;
    assert_eq!(world.prompt(&session, "hello magpie").end().await["outcome"], "completed");
    world.house.ask("agent.setProvider", json!({"sessionId": session, "provider": to})).await.unwrap();
    assert!(recalls(&world, &session, "magpie").await);
    let known: Value = world.house.ask("agent.getMetadata", json!({"sessionId": session})).await.unwrap();
    assert_eq!((&known["provider"], &known["turns"]), (&json!(to), &json!(2)));
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn claude_runs_each_command_in_the_sessions_folder_wherever_the_last_one_has_gone() {
    let world = World::new().await;
    std::fs::create_dir(world.house.file("deep")).unwrap();
    for (file, text) in [("word", "outer"), ("deep/word", "inner")] {
        world.house.write(file, text);
    }
    let session = world.session("claude").await;
    for (line, said) in [("cd deep && cat word", "inner"), ("cat word", "outer")] {
        let mut turn = world.prompt(&session, &format!("run {line}"));
        assert_eq!(turn.end().await["outcome"], "completed");
        let outputs: Vec<&Value> = turn.seen.iter().map(|event| &event["data"]["tool"]["output"]["text"]).collect();
        assert!(outputs.contains(&&json!(said)), "{line}: {outputs:?}");
    }
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn claude_asks_a_person_and_is_told_the_answer() {
    let world = World::new().await;
    let session = world.session("claude").await;
    let mut turn = world.prompt(&session, "ask Which way?");
    let asked = turn.until("question.requested").await;
    let question = &asked["questions"][0];
    assert_eq!((&question["text"], &question["options"][0]["label"]), (&json!("Which way?"), &json!("Left")));
    let answers = json!({"Which way?": ["Left"]});
    world.house.ask("agent.answer", json!({"questionId": asked["questionId"], "answers": answers})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.tools(), ["completed"]);
    let told = turn.seen.iter().find_map(|event| event["data"]["tool"]["output"]["text"].as_str()).unwrap();
    assert!(told.contains("Which way?") && told.contains("Left"), "{told}");

    let mut turn = world.prompt(&session, "ask Which way?");
    let asked = turn.until("question.requested").await;
    world.house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    let late = json!({"questionId": asked["questionId"], "answers": answers});
    assert!(world.house.ask("agent.answer", late).await.is_err());
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn codex_considers_what_it_is_told_right_behind_a_prompt() {
    let world = World::new().await;
    let session = world.session("codex").await;
    let mut events = world.house.events(&session);
    let mut turn = world.prompt(&session, "run touch made.txt");
    let mut steered = world.house.prompt_with(&session, "hello magpie", json!({"delivery": "steer"}));
    let asked = events.until("permission.requested").await;
    world.house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(steered.end().await["outcome"], "completed");
    assert!(recalls(&world, &session, "magpie").await, "{:?}", world.house.logged(&session));
    let logged = world.house.logged(&session);
    assert!(logged.iter().all(|event| event["type"] != "error"), "{logged:?}");
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn codex_changes_files_behind_a_plan() {
    let world = World::new().await;
    let session = world.house.session_with("codex", json!({"mode": "plan"})).await;
    assert_eq!(world.prompt(&session, "hello there").end().await["outcome"], "completed");
    world.house.ask("agent.setMode", json!({"sessionId": session, "mode": "ask"})).await.unwrap();
    let mut turn = world.prompt(&session, "run touch made.txt");
    let asked = turn.until("permission.requested").await;
    world.house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert!(world.house.file("made.txt").exists(), "{:?}", turn.seen);
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn codex_with_a_service_of_its_own_is_not_called_logged_out() {
    let world = World::with_codex_itself().await;
    let codex = crate::programs::looked_at(&world.house, "codex").await;
    assert_eq!((&codex["state"], &codex["version"]), (&json!("unknown"), &json!("0.169.0")), "{codex}");
}

macro_rules! really {
    ($($name:ident: $call:expr;)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
            async fn $name() {
                $call.await;
            }
        )*
    };
}

really! {
    claude_forks_its_session: a_fork_is_the_agents_own("claude");
    codex_forks_its_session: a_fork_is_the_agents_own("codex");
    claude_goes_on_with_a_session_that_was_closed: a_closed_session_is_opened_again("claude");
    codex_goes_on_with_a_session_that_was_closed: a_closed_session_is_opened_again("codex");
    claude_begins_a_lost_session_anew: a_lost_session_is_begun_anew("claude");
    codex_begins_a_lost_session_anew: a_lost_session_is_begun_anew("codex");
    gemini_begins_a_lost_session_anew: a_lost_session_is_begun_anew("gemini");
    codex_takes_over_from_claude: another_agent_takes_over("claude", "codex");
    claude_takes_over_from_codex: another_agent_takes_over("codex", "claude");
}

/// Closes a session and opens it again.
async fn reopen(world: &World, session: &str) {
    world.close(session).await;
    world.house.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn a_turn_of_claude_costs_the_same_whatever_was_before_it() {
    let world = World::new().await;
    let cost = async |session: &str| world.prompt(session, "hello there").end().await["cost"]["amountMicros"].clone();
    let (session, other) = (world.session("claude").await, world.session("claude").await);
    let first = cost(&session).await;
    assert!(first.as_u64().is_some_and(|cost| cost > 0), "{first}");
    for _ in 0..2 {
        reopen(&world, &session).await;
        assert_eq!(cost(&session).await, first);
    }
    world.close(&session).await;
    assert_eq!(cost(&other).await, first);
    world.close(&other).await;
    world.house.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
    assert_eq!(cost(&session).await, first, "though another one was the last of its folder");
    let fork = fork(&world, &session).await;
    let of_fork = cost(&fork).await;
    assert!(of_fork.is_null() || of_fork == first, "a fork may begin with a sum that nobody knows: {of_fork}");
    assert_eq!(cost(&fork).await, first);
    reopen(&world, &fork).await;
    assert_eq!(cost(&fork).await, first);
    for session in [&session, &fork] {
        world.close(session).await;
    }
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn a_turn_of_codex_uses_the_same_whatever_was_before_it() {
    let world = World::new().await;
    let used = async |session: &str| {
        let mut turn = world.prompt(session, "hello there");
        let ended = turn.end().await;
        let updates = turn.seen.iter().filter(|event| event["type"] == "usage.updated");
        let last = updates.filter_map(|event| event["data"].get("turn")).next_back().unwrap();
        assert_eq!(*last, ended["usage"]);
        ended["usage"].clone()
    };
    let session = world.session("codex").await;
    let first = used(&session).await;
    reopen(&world, &session).await;
    assert_eq!(used(&session).await, first);
    let fork = fork(&world, &session).await;
    assert_eq!(used(&fork).await, first);
    reopen(&world, &fork).await;
    assert_eq!(used(&fork).await, first);
    for session in [&session, &fork] {
        world.close(session).await;
    }
}
