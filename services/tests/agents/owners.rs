//! Whose the turns are that an agent begins by itself.

use std::time::Duration;

use serde_json::{Value, json};
use sixframe_core::Scopes;
use sixframe_services::agents::{Fact, Outcome, Timers, TurnEnd};

use super::house::{House, Programs, Turn, window};
use super::scripted::{Reply, scripted};

/// A house with an agent that begins a turn by itself behind each prompt, and goes on until it is stopped; and what is told of it.
async fn lingering() -> (House, String, Turn) {
    of(|| Reply::Linger).await
}

/// A house with an agent that replies so, and what is told of it.
async fn of(reply: fn() -> Reply) -> (House, String, Turn) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let programs = Programs::in_folder(folder.path());
    let agent = scripted("lingerer", move |_, _| reply());
    let timers = Timers { interrupt: Duration::from_millis(50), ..Timers::default() };
    let house = House::build_among(folder, timers, programs, vec![agent]);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_floods_by_itself_ends_with_the_window_too() {
    let (house, session, mut events) = of(|| Reply::Swarm).await;
    let theirs = window(&house.agents, Scopes::ALL);
    let mut turn = Turn { items: theirs.stream_raw("agent.prompt", asked(&session, false)), seen: Vec::new() };
    assert_eq!(turn.end().await["outcome"], "completed");
    begun(&mut events).await;
    theirs.close(Duration::ZERO);
    assert_eq!(events.until("turn.ended").await["outcome"], "interrupted");
}

fn interrupted() -> Fact {
    Fact::Ended(TurnEnd::new(Outcome::Interrupted))
}

/// What becomes of a prompt that waits while an agent is interrupted that tells this then, and answers all else.
async fn behind(burst: fn() -> Vec<Fact>) -> (House, Turn) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let programs = Programs::in_folder(folder.path());
    let agent = scripted("burst", move |asked, _| match asked {
        "first" => Reply::Burst(burst()),
        other => Reply::Say(other.to_owned()),
    });
    let house = House::build_among(folder, Timers::default(), programs, vec![agent]);
    let session = house.session("burst").await;
    let mut first = house.prompt(&session, "first");
    first.until("turn.started").await;
    let mut second = house.prompt(&session, "second");
    second.until("prompt.queued").await;
    house.ask("agent.interrupt", json!({"sessionId": session, "keepQueue": true})).await.unwrap();
    assert_eq!(first.end().await["outcome"], "interrupted");
    (house, second)
}

#[tokio::test]
async fn a_prompt_is_not_over_by_the_end_of_what_the_agent_did_by_itself_before_it_was_given_it() {
    let (_house, mut second) = behind(|| {
        let own = TurnEnd { is_own: true, ..TurnEnd::new(Outcome::Completed) };
        vec![interrupted(), Fact::Began { reason: None }, Fact::Ended(own)]
    })
    .await;
    assert_eq!(second.end().await["outcome"], "completed");
    assert!(second.seen.iter().any(|event| event["data"]["kind"] == "agent_message"), "{:?}", second.seen);
}

#[tokio::test]
async fn a_prompt_that_an_agent_was_not_given_before_it_was_gone_is_answered_by_the_next_one() {
    let (_house, mut second) = behind(|| vec![interrupted(), Fact::Muted, Fact::Gone { problem: None }]).await;
    let ended = second.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert!(second.seen.iter().any(|event| event["data"]["kind"] == "agent_message"), "{:?}", second.seen);
}
