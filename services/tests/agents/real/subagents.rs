//! Codex's subagents, which are threads of their own beside that of the session.

use serde_json::{Value, json};

use super::World;
use crate::house::Turn;

/// Goes on until an item says this, and gives the item's event.
async fn until_said(turn: &mut Turn, words: &str) -> Value {
    loop {
        let event = turn.next().await.unwrap();
        if event["type"] == "item.upserted" && event["data"]["content"][0]["text"] == words {
            return event;
        }
    }
}

/// The last that was told of the items of a kind.
fn items<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == "item.upserted" && event["data"]["kind"] == kind).collect()
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn what_a_subagent_does_is_seen_and_asked_within_the_turn_which_ends_with_it() {
    let world = World::new().await;
    let session = world.session("codex").await;
    let mut turn = world.prompt(&session, "spawn run touch made.txt");
    // The subagent is held by what it asks; the session's own thread goes on and has its say.
    let own = until_said(&mut turn, "It is done.").await;
    assert_eq!(own["data"]["parent"], Value::Null);
    let asked = loop {
        let event = turn.seen.iter().find(|event| event["type"] == "permission.requested").cloned();
        match event {
            Some(event) => break event,
            None => drop(turn.next().await.unwrap()),
        }
    };
    let call = items(&turn.seen, "subagent")[0]["itemId"].clone();
    assert_eq!(world.house.shown(&session)["state"]["name"], "waiting_approval");
    let approval = json!({"permissionId": asked["data"]["permissionId"]});
    world.house.ask("agent.approve", approval).await.unwrap();
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    assert!(world.house.file("made.txt").exists(), "it was done before the turn ended");
    let tools = items(&turn.seen, "tool_call");
    assert!(!tools.is_empty() && tools.iter().all(|tool| tool["data"]["parent"] == call), "{tools:?}");
    let messages = items(&turn.seen, "agent_message");
    assert!(messages.iter().any(|message| message["data"]["parent"] == call), "{messages:?}");
    let mut next = world.prompt(&session, "hello there");
    assert_eq!(next.end().await["outcome"], "completed");
    // Codex has its model consider that the subagent is done as soon as it notices, once more maybe.
    assert!(next.grown("text").starts_with("Hello from the model."), "{}", next.grown("text"));
    world.close(&session).await;
}

#[tokio::test]
#[ignore = "needs the real programs of agents: cargo xtask test --only agents"]
async fn who_stops_a_turn_stops_its_subagents() {
    let world = World::new().await;
    let session = world.session("codex").await;
    let mut turn = world.prompt(&session, "spawn forever and on");
    until_said(&mut turn, "It is done.").await;
    while !turn.grown("text").contains("on and on") {
        turn.next().await.unwrap();
    }
    let stopped = world.house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(stopped["interrupted"], true);
    assert_eq!(turn.end().await["outcome"], "interrupted");
    world.model.hung_up().await;
    let mut next = world.prompt(&session, "hello there");
    assert_eq!(next.end().await["outcome"], "completed");
    assert_eq!(next.grown("text"), "Hello from the model.");
    let logged = world.house.logged(&session);
    let spawned = logged.iter().filter(|event| event["data"]["what"] == "spawned").count();
    assert_eq!(spawned, 1, "they heard the interrupt, so its process is the first one still");
    world.close(&session).await;
}
