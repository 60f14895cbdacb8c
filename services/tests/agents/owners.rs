//! Whose the turns are that an agent begins by itself.

use std::time::Duration;

use serde_json::{Value, json};
use sixframe_core::Scopes;
use sixframe_services::agents::Timers;

use super::house::{House, Programs, Turn, window};
use super::scripted::{Reply, scripted};

/// A house with an agent that begins a turn by itself behind each prompt, and goes on until it is stopped; and what is told of it.
async fn lingering() -> (House, String, Turn) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let programs = Programs::in_folder(folder.path());
    let agent = scripted("lingerer", |_, _| Reply::Linger);
    let house = House::build_among(folder, Timers::default(), programs, vec![agent]);
    let session = house.session("lingerer").await;
    let events = house.events(&session);
    (house, session, events)
}

async fn begun(events: &mut Turn) {
    while events.until("turn.started").await["origin"] != "agent" {}
}

fn asked(session: &str, detach: bool) -> Value {
    json!({"sessionId": session, "content": [{"type": "text", "text": "go"}], "detach": detach})
}

#[tokio::test]
async fn what_the_agent_begins_by_itself_ends_with_the_window_that_asked_last() {
    let (house, session, mut events) = lingering().await;
    let theirs = window(&house.agents, Scopes::ALL);
    let mut turn = Turn { items: theirs.stream_raw("agent.prompt", asked(&session, false)), seen: Vec::new() };
    assert_eq!(turn.end().await["outcome"], "completed");
    begun(&mut events).await;
    assert!(house.shown(&session)["turnId"].is_string());
    theirs.close(Duration::ZERO);
    assert_eq!(events.until("turn.ended").await["outcome"], "interrupted");
}

#[tokio::test]
async fn what_it_begins_behind_a_prompt_that_was_detached_outlives_the_window_and_can_be_stopped() {
    let (house, session, mut events) = lingering().await;
    let theirs = window(&house.agents, Scopes::ALL);
    let mut turn = Turn { items: theirs.stream_raw("agent.prompt", asked(&session, true)), seen: Vec::new() };
    assert_eq!(turn.end().await["outcome"], "completed");
    begun(&mut events).await;
    theirs.close(Duration::ZERO);
    let stopped = house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(stopped["interrupted"], true);
    assert_eq!(events.until("turn.ended").await["outcome"], "interrupted");
}
