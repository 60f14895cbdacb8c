//! Commands that Claude Code runs in the background: when they have ended, it begins a turn by itself.

use serde_json::{Value, json};

use super::World;
use crate::house::Turn;

/// Asks it to wait for a file in the background, and then to do something. Gives the session, and what happens in it from the end
/// of that turn on.
async fn waiting(world: &World, then: &str) -> (String, Turn) {
    let session = world.session("claude").await;
    let mut events = world.house.events(&session);
    let turn = world.prompt(&session, &format!("later until [ -e go ]; do sleep 0.05; done | {then}"));
    assert_eq!(events.until("turn.ended").await["outcome"], "completed");
    drop(turn);
    (session, events)
}

/// Lets the command in the background end.
fn go(world: &World) {
    world.house.write("go", "");
}

fn has_begun(started: &Value) -> bool {
    started["origin"] == "agent" && started["promptId"].is_null()
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn what_it_begins_by_itself_is_a_turn_that_asks_and_that_a_prompt_waits_for() {
    let world = World::new().await;
    let made = world.house.file("made.txt");
    let (session, mut events) = waiting(&world, &format!("write {}", made.display())).await;
    go(&world);
    let started = events.until("turn.started").await;
    assert!(has_begun(&started) && started["reason"].as_str().unwrap().contains("completed"), "{started}");
    let asked = events.until("permission.requested").await;
    let mut turn = world.prompt(&session, "hello there");
    turn.until("prompt.queued").await;
    assert_eq!(world.house.shown(&session)["queue"][0]["delivery"], "queue");
    world.house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    let ended = events.until("turn.ended").await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert!(ended["cost"]["amountMicros"].as_u64().unwrap() > 0, "{ended}");
    assert_eq!(std::fs::read_to_string(made).unwrap(), "written\n");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.grown("text"), "Hello from the model.");
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn what_it_begins_by_itself_can_be_stopped() {
    let world = World::new().await;
    let (session, mut events) = waiting(&world, "forever and on").await;
    go(&world);
    assert!(has_begun(&events.until("turn.started").await));
    events.until("item.delta").await;
    let stopped = world.house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(stopped["interrupted"], true);
    assert_eq!(events.until("turn.ended").await["outcome"], "interrupted");
    world.model.hung_up().await;
    assert_eq!(world.prompt(&session, "hello there").end().await["outcome"], "completed");
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn a_prompt_that_waits_while_a_command_ends_gets_its_own_answer() {
    let world = World::new().await;
    let (session, mut events) = waiting(&world, "hello behind").await;
    let mut first = world.prompt(&session, "forever and on");
    first.until("item.delta").await;
    let mut second = world.prompt(&session, "recall magpie");
    second.until("prompt.queued").await;
    go(&world);
    while !events.next().await.unwrap().to_string().contains("task_notification") {}
    let keep = json!({"sessionId": session, "keepQueue": true});
    world.house.ask("agent.interrupt", keep).await.unwrap();
    assert_eq!(first.end().await["outcome"], "interrupted");
    assert_eq!(second.end().await["outcome"], "completed");
    assert!(second.grown("text").ends_with("unknown"), "{}", second.grown("text"));
    world.house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    let logged = world.house.logged(&session);
    let count = |kind: &str| logged.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(count("turn.started"), count("turn.ended"), "each ends once");
}
