//! What holds for every one of them.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sixframe_core::Scopes;
use sixframe_services::agents::Timers;

use super::World;
use crate::house::{LONG, Turn, window};

/// Something that each of them asks leave for before it does it, and what it is called: what makes a file.
fn making(world: &World, provider: &str, name: &str) -> (String, &'static str) {
    match provider {
        "codex" => (format!("run touch {name}"), "command"),
        _ => (format!("write {}", world.house.file(name).display()), "file_change"),
    }
}

async fn text_is_streamed(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    let mut turn = world.prompt(&session, "hello there");
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert_eq!(turn.grown("text"), "Hello from the model.");
    assert!(ended["usage"]["output"].as_u64().unwrap() > 0, "{ended}");
    assert!(world.house.shown(&session)["nativeSessionId"].is_string());
    assert!(turn.seen.iter().all(|event| event["type"] != "unparsed"));
    world.close(&session).await;
}

async fn tools_do_what_was_shown_or_nothing(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    for (name, method, is_made) in [("made.txt", "agent.approve", true), ("other.txt", "agent.reject", false)] {
        let (prompt, action) = making(&world, provider, name);
        let mut turn = world.prompt(&session, &prompt);
        let asked = turn.until("permission.requested").await;
        assert_eq!((&asked["action"], world.house.file(name).exists()), (&json!(action), false));
        let mut answer = json!({"permissionId": asked["permissionId"]});
        if is_made {
            answer["inputSha256"] = asked["inputSha256"].clone();
        }
        world.house.ask(method, answer).await.unwrap();
        assert_eq!(turn.end().await["outcome"], "completed");
        assert_eq!(turn.tools(), [if is_made { "completed" } else { "denied" }]);
        assert_eq!(world.house.file(name).exists(), is_made);
    }
    world.close(&session).await;
}

async fn interrupts_are_heard_in_midstream_and_while_leave_is_awaited(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    let interrupt = json!({"sessionId": session});
    let mut turn = world.prompt(&session, "forever please");
    turn.until("item.delta").await;
    world.house.ask("agent.interrupt", interrupt.clone()).await.unwrap();
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "interrupted", "{ended}");

    let mut turn = world.prompt(&session, &making(&world, provider, "never.txt").0);
    let asked = turn.until("permission.requested").await;
    world.house.ask("agent.interrupt", interrupt).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert!(world.house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.is_err());

    assert_eq!(world.prompt(&session, "hello again").end().await["outcome"], "completed");
    let logged = world.house.logged(&session);
    let spawned = logged.iter().filter(|event| event["data"]["what"] == "spawned").count();
    assert_eq!(spawned, 1, "it heard the interrupts, so its process is the first one still");
    assert!(!world.house.file("never.txt").exists());
    world.close(&session).await;
}

async fn an_interrupt_in_the_moment_in_which_a_turn_begins_is_heard_and_no_error(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    assert_eq!(world.prompt(&session, "hello").end().await["outcome"], "completed");
    for is_begun in [false, true, false, true] {
        let mut turn = world.prompt(&session, "forever please");
        turn.until("turn.started").await;
        // Codex tells something while its turn has a name and cannot be interrupted yet.
        while is_begun && turn.next().await.unwrap()["src"]["provider"] != provider {}
        world.house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
        assert_eq!(turn.end().await["outcome"], "interrupted");
    }
    assert_eq!(world.prompt(&session, "hello again").end().await["outcome"], "completed");
    let logged = world.house.logged(&session);
    let spawned = logged.iter().filter(|event| event["data"]["what"] == "spawned").count();
    assert_eq!(spawned, 1, "it heard the interrupts, so its process is the first one still");
    assert!(!logged.iter().any(|event| event["type"] == "error"));
    world.close(&session).await;
}

async fn prompts_wait_while_it_is_busy_and_can_be_taken_back(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    let mut busy = world.prompt(&session, &making(&world, provider, "made.txt").0);
    let asked = busy.until("permission.requested").await;
    let mut first = world.prompt(&session, "hello there");
    first.until("prompt.queued").await;
    let mut second = world.prompt(&session, "hello for nothing");
    let queued = second.until("prompt.queued").await;
    let mut third = world.prompt(&session, "hello again");
    third.until("prompt.queued").await;
    let unwanted = json!({"sessionId": session, "promptId": queued["promptId"]});
    world.house.ask("agent.cancelPrompt", unwanted).await.unwrap();
    second.until("prompt.cancelled").await;
    world.house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    for turn in [&mut busy, &mut first, &mut third] {
        assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.names());
    }
    let turns = world.house.logged(&session).iter().filter(|event| event["type"] == "turn.ended").count();
    assert_eq!(turns, 3);
    world.close(&session).await;
}

async fn a_session_goes_on_after_the_daemon(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    world.prompt(&session, "hello there").end().await;
    let native = world.house.shown(&session)["nativeSessionId"].clone();
    if provider == "gemini" {
        // It keeps a session in a file that is named after the minute, and begins that anew in the same one.
        an_hour_passes(&world);
    }
    let world = world.restart().await;
    let mut turn = world.prompt(&session, "hello again");
    assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.seen);
    let shown = world.house.shown(&session);
    let notices = world.house.logged(&session).into_iter().filter(|event| event["data"]["kind"] == "notice");
    let notices: Vec<_> = notices.map(|event| event["data"]["content"].clone()).collect();
    assert_eq!(shown["nativeSessionId"], native, "it is the session of before: {notices:?}");
    world.close(&session).await;
}

fn an_hour_passes(world: &World) {
    let chats = world.house.folder.path().join("homes/gemini/.gemini/tmp/project/chats");
    for chat in std::fs::read_dir(chats).unwrap() {
        let path = chat.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (_, rest) = name.split_at("session-2026-11-21T20-38".len());
        std::fs::rename(&path, path.with_file_name(format!("session-2026-01-01T00-00{rest}"))).unwrap();
    }
}

async fn a_program_that_is_killed_fails_its_turn_and_is_started_again(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    world.prompt(&session, "hello there").end().await;
    let mut turn = world.prompt(&session, "forever please");
    turn.until("item.delta").await;
    let logged = world.house.logged(&session);
    let spawned = logged.iter().find(|event| event["data"]["what"] == "spawned").unwrap();
    let pid = i32::try_from(spawned["data"]["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let ended = turn.end().await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("crashed")), "{ended}");
    let mut turn = world.prompt(&session, "hello again");
    assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.seen);
    world.close(&session).await;
}

async fn a_window_that_closes_in_midturn_stops_it(provider: &str) {
    let world = World::new().await;
    let session = world.session(provider).await;
    let mut events = world.house.events(&session);
    let window = window(&world.house.agents, Scopes::ALL);
    let content = json!([{"type": "text", "text": "forever please"}]);
    let items = window.stream_raw("agent.prompt", json!({"sessionId": session, "content": content}));
    let mut turn = Turn { items, seen: Vec::new() };
    turn.until("item.delta").await;
    window.close(Duration::ZERO);
    let ended = events.until("turn.ended").await;
    assert_eq!(ended["outcome"], "interrupted", "{ended}");
    let hung_up = tokio::time::timeout(LONG, world.model.hung_up());
    assert!(hung_up.await.is_ok(), "it goes on to ask its model");
    world.close(&session).await;
}

async fn what_the_service_refuses_is_told_by_kind_and_never_as_what_it_says(provider: &str) {
    // Some ask again and again and tell nobody: then nothing is heard of them until the watchdog ends it.
    let timers = Timers { first_event: Duration::from_secs(3), stall: Duration::from_secs(6), ..Timers::default() };
    let world = World::with(timers).await;
    let session = world.session(provider).await;
    assert_eq!(world.prompt(&session, "hello there").end().await["outcome"], "completed");
    for (word, expected) in refusals(provider) {
        let mut turn = world.prompt(&session, &format!("{word} please"));
        let ended = turn.end().await;
        let error = &ended["error"]["kind"];
        assert_eq!((&ended["outcome"], error), (&json!("failed"), &json!(expected)), "{word}: {ended}");
        let said = |event: &&Value| event["data"]["kind"] == "agent_message" || event["type"] == "item.delta";
        let said = turn.seen.iter().find(said).filter(|_| word.starts_with("fail"));
        assert!(said.is_none(), "{word} is told as if the agent had said it: {said:?}");
    }
    assert_eq!(world.prompt(&session, "hello again").end().await["outcome"], "completed");
    world.close(&session).await;
}

/// What the service does, and as what that is told.
fn refusals(provider: &str) -> Vec<(&'static str, &'static str)> {
    let mut refusals = match provider {
        "gemini" => vec![
            ("fail-401", "auth_required"),
            // It asks again without a word, for longer than the watchdog waits.
            ("fail-429", "timeout"),
            ("fail-500", "timeout"),
            ("fail-503", "timeout"),
        ],
        _ => vec![
            ("fail-401", "auth_required"),
            ("fail-429", "rate_limited"),
            ("fail-500", "provider_error"),
            ("fail-503", "overloaded"),
        ],
    };
    if provider == "claude" {
        refusals.push(("fail-529", "overloaded"));
    }
    refusals.push(("garble", "provider_error"));
    // Gemini has the same word for it as for any other failure; the others say that the connection was lost.
    refusals.push(("cut", if provider == "gemini" { "provider_error" } else { "network" }));
    refusals
}

async fn eight_sessions_work_at_once(provider: &str) {
    let world = World::new().await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(world.session(provider).await);
    }
    let mut turns: Vec<_> = sessions.iter().map(|session| world.prompt(session, "hello there")).collect();
    for turn in &mut turns {
        assert_eq!(turn.end().await["outcome"], "completed", "{:?}", turn.seen);
        assert_eq!(turn.grown("text"), "Hello from the model.");
    }
    world.house.agents.halt().await;
}

macro_rules! hold {
    ($provider:ident: $($behaviour:ident)*) => {
        mod $provider {
            $(
                #[tokio::test]
                #[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
                async fn $behaviour() {
                    super::$behaviour(stringify!($provider)).await;
                }
            )*
        }
    };
}

macro_rules! hold_for {
    ($($provider:ident)*) => {
        $(hold! { $provider:
            text_is_streamed
            tools_do_what_was_shown_or_nothing
            interrupts_are_heard_in_midstream_and_while_leave_is_awaited
            an_interrupt_in_the_moment_in_which_a_turn_begins_is_heard_and_no_error
            prompts_wait_while_it_is_busy_and_can_be_taken_back
            a_session_goes_on_after_the_daemon
            a_program_that_is_killed_fails_its_turn_and_is_started_again
            a_window_that_closes_in_midturn_stops_it
            what_the_service_refuses_is_told_by_kind_and_never_as_what_it_says
            eight_sessions_work_at_once
        })*
    };
}

hold_for! { claude codex gemini }
