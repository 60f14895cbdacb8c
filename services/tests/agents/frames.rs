//! What an agent says that no frame holds, and what the hub cannot show.

use serde_json::{Value, json};
use sixframe_services::agents::{
    Action, Ask, Fact, Item, ItemKind, ItemStatus, OptionKind, Outcome, PermissionOption, Ruling, ToolCall, TurnEnd,
};

use super::house::House;
use super::scripted::{Reply, scripted};

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("x"), |inner, _| json!([inner]))
}

fn tool(id: &str, input: Value) -> Fact {
    let tool = ToolCall { input: Some(input), ..ToolCall::default() };
    let item = Item::new(ItemKind::ToolCall).status(ItemStatus::Completed).tool(tool);
    Fact::Item { id: id.into(), item }
}

fn asks(input: Value) -> Fact {
    Fact::Asked(Ask {
        key: "k".into(),
        item: None,
        action: Action::McpTool,
        title: "something".into(),
        description: None,
        reason: None,
        input,
        paths: Vec::new(),
        skill: None,
        ruling: Ruling::default(),
        options: vec![
            PermissionOption::new("yes", OptionKind::AllowOnce, "Yes"),
            PermissionOption::new("no", OptionKind::RejectOnce, "No"),
        ],
    })
}

/// A house with an agent that says the same to each prompt.
fn house(facts: impl Fn() -> Vec<Fact> + Send + Sync + 'static) -> House {
    House::tuned_among(|_| (), vec![scripted("one", move |_, _| Reply::Tell(facts()))])
}

/// Puts so many bytes beside what the hub shows.
fn fill(house: &House, bytes: usize) {
    let ops = json!({"ops": [{"op": "add", "path": "/global/much", "value": "x".repeat(bytes)}]});
    house.hub.commit(serde_json::from_value(ops).unwrap()).unwrap();
}

#[tokio::test]
async fn what_is_too_deep_or_too_long_for_a_frame_keeps_nobody_from_the_rest() {
    let house = house(|| {
        let end = Fact::Ended(TurnEnd::new(Outcome::Completed));
        let long = |id| tool(id, json!({"text": "x".repeat(3 << 20)}));
        vec![tool("deep", nested(70)), long("one"), long("two"), long("three"), end]
    });
    let id = house.session("one").await;
    assert_eq!(house.prompt(&id, "go").end().await["outcome"], "completed");
    house.events(&id).until("turn.ended").await;
    let params = json!({"sessionId": id, "format": "json"});
    let transcript = house.ask("transcript.get", params).await.unwrap();
    assert_eq!(transcript["transcript"]["turns"][0]["isCut"], true);

    // One that an earlier version has written.
    house.ask("agent.close", json!({"sessionId": id})).await.unwrap();
    let path = house.folder.path().join("sessions").join(format!("{id}.jsonl"));
    let log = std::fs::read_to_string(&path).unwrap();
    let lines = log.lines().map(|line| match line.contains("\"itemId\":\"three\"") {
        true => line.replacen(&"x".repeat(1 << 10), &"x".repeat(12 << 20), 1),
        false => line.replacen("\"mode\":", &format!("\"later\":{},\"mode\":", nested(100)), 1),
    });
    std::fs::write(&path, lines.map(|line| line + "\n").collect::<String>()).unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() > 21 << 20, "it is too long, and is as it was written");
    house.events(&id).until("turn.ended").await;
    house.ask("transcript.get", json!({"sessionId": id, "format": "json"})).await.unwrap();
}

#[tokio::test]
async fn what_is_too_deep_to_be_shown_is_denied_and_the_turn_goes_on() {
    let house = house(|| vec![asks(nested(50))]);
    let id = house.session("one").await;
    let mut turn = house.prompt(&id, "go");
    assert_eq!(turn.until("permission.resolved").await["by"]["rule"], "unshown");
    assert_eq!(turn.end().await["outcome"], "completed");
}

#[tokio::test]
async fn what_the_hub_has_no_room_for_is_denied_and_that_is_said() {
    let house = house(|| vec![asks(json!("x".repeat(300 << 10)))]);
    let id = house.session("one").await;
    fill(&house, (8 << 20) - (200 << 10));
    let mut turn = house.prompt(&id, "go");
    assert_eq!(turn.until("permission.resolved").await["by"]["rule"], "unshown");
    assert!(turn.until("error").await["message"].as_str().unwrap().contains("hub.state_bytes"));
    assert_eq!(turn.end().await["outcome"], "completed");
}

#[tokio::test]
async fn what_waits_in_other_sessions_leaves_so_much_room_and_no_more() {
    let house = house(|| vec![asks(json!("x".repeat(1000 << 10)))]);
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let id = house.session("one").await;
        let mut turn = house.prompt(&id, "go");
        turn.until("permission.requested").await;
        waiting.push((id, turn));
    }
    let id = house.session("one").await;
    let mut turn = house.prompt(&id, "go");
    assert_eq!(turn.until("permission.resolved").await["by"]["rule"], "too_many");
    turn.end().await;
    let (other, mut stopped) = waiting.remove(0);
    house.ask("agent.interrupt", json!({"sessionId": other})).await.unwrap();
    stopped.end().await;
    let mut turn = house.prompt(&id, "go");
    turn.until("permission.requested").await;
    assert_eq!(house.shown(&id)["permissions"].as_array().map(Vec::len), Some(1));
}
