use serde_json::{Value, json};
use sixframe_core::Code;

use super::house::House;

#[tokio::test]
async fn dropping_a_prompt_stops_its_turn() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run sleep 600");
    turn.until("permission.requested").await;
    let mut events = house.events(&session);
    drop(turn);
    let ended = events.until("turn.ended").await;
    assert_eq!(ended["outcome"], "interrupted");
}

#[tokio::test]
async fn dropping_a_prompt_that_waits_takes_it_back_alone() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut first = house.prompt(&session, "run sleep 600");
    let asked = first.until("permission.requested").await;
    let mut second = house.prompt(&session, "list");
    let queued = second.until("prompt.queued").await;
    let mut events = house.events(&session);
    drop(second);
    assert_eq!(events.until("prompt.cancelled").await["promptId"], queued["promptId"]);
    house.ask("agent.reject", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    assert_eq!(first.end().await["outcome"], "completed");
}

#[tokio::test]
async fn a_prompt_that_is_detached_goes_on_without_its_caller() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt_with(&session, "list", json!({"detach": true}));
    turn.until("prompt.queued").await;
    drop(turn);
    assert_eq!(house.events(&session).until("turn.ended").await["outcome"], "completed");
}

#[tokio::test]
async fn a_prompt_that_is_taken_back_ends_its_stream() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut first = house.prompt(&session, "run sleep 600");
    first.until("permission.requested").await;
    let mut second = house.prompt(&session, "list");
    let queued = second.until("prompt.queued").await;
    let params = json!({"sessionId": session, "promptId": queued["promptId"]});
    house.ask("agent.cancelPrompt", params.clone()).await.unwrap();
    assert_eq!(second.next().await.unwrap()["type"], "prompt.cancelled");
    assert_eq!(second.next().await, None);
    assert_eq!(house.ask("agent.cancelPrompt", params).await.unwrap_err().code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn the_events_of_a_session_are_its_log_and_go_on_where_they_were_left() {
    let house = House::new();
    let session = house.session("builtin").await;
    house.prompt(&session, "list").end().await;
    let mut items = house.window.stream_raw::<_, Value>("agent.events", json!({"sessions": [session]}));
    let mut seen = Vec::new();
    let (mut epoch, mut last) = (None, 0);
    for seq in 1..=8 {
        let item = items.next().await.unwrap().unwrap();
        assert_eq!((item.pos, item.data["seq"].as_u64()), (Some(seq), Some(seq)));
        epoch = item.epoch.clone().map(|epoch| epoch.to_string()).or(epoch);
        last = seq;
        seen.push(item.data);
    }
    drop(items);
    let since = json!({"sessions": [session], "since": {"epoch": epoch, "position": last}});
    let mut items = house.window.stream_raw::<_, Value>("agent.events", since);
    let logged = house.logged(&session);
    while seen.len() < logged.len() {
        let item = items.next().await.unwrap().unwrap();
        assert!(!item.reset);
        seen.push(item.data);
    }
    assert_eq!(seen, logged, "whoever was cut off has what the log has");

    let since = json!({"sessions": [session], "since": {"epoch": "another", "position": 3}});
    let mut items = house.window.stream_raw::<_, Value>("agent.events", since);
    let first = items.next().await.unwrap().unwrap();
    assert_eq!((first.reset, first.data), (true, Value::Null));
    assert_eq!(items.next().await.unwrap().unwrap().data, logged[0]);
}

#[tokio::test]
async fn all_sessions_are_told_together_by_type() {
    let house = House::new();
    let (one, two) = (house.session("builtin").await, house.session("builtin").await);
    let mut items = house.window.stream_raw::<_, Value>("agent.events", json!({"types": ["turn."]}));
    let mut of_two = house
        .window
        .stream_raw::<_, Value>("agent.events", json!({"sessions": [two, "none"], "types": ["turn.ended"]}));
    // The first answer shows that the streams before it are open.
    house.ask("agent.providers", json!({})).await.unwrap();
    house.prompt(&one, "list").end().await;
    house.prompt(&two, "list").end().await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let event = items.next().await.unwrap().unwrap().data;
        told.push((event["sessionId"].clone(), event["type"].clone()));
    }
    let expected = [(&one, "turn.started"), (&one, "turn.ended"), (&two, "turn.started"), (&two, "turn.ended")];
    assert_eq!(told, expected.map(|(session, kind)| (json!(session), json!(kind))));
    assert_eq!(of_two.next().await.unwrap().unwrap().data["sessionId"], json!(two));
}

#[tokio::test]
async fn the_log_of_a_closed_session_can_still_be_read() {
    let house = House::new();
    let session = house.session("builtin").await;
    house.prompt(&session, "list").end().await;
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    assert_eq!(house.shown(&session), Value::Null, "it is not shown any more");
    let mut events = house.events(&session);
    while events.next().await.is_some() {}
    assert_eq!(events.names().last(), Some(&"session.closed"));
    assert_eq!(house.ask("agent.close", json!({"sessionId": session})).await.unwrap_err().code(), Code::NOT_FOUND);
    for name in ["ses_../../x", "ses_", "other", "ses_ff"] {
        let mut items = house.window.stream_raw::<_, Value>("agent.events", json!({"sessions": [name]}));
        assert_eq!(items.next().await.unwrap().unwrap_err().code(), Code::NOT_FOUND, "{name}");
    }
}
