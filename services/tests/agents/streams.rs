use serde_json::{Value, json};
use sixframe_core::Code;

use super::house::{House, Turn};

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

/// What stands first in each of these prompts' streams: its number, where nobody tells of it at once.
async fn numbers(turns: &mut [Turn]) -> Vec<u64> {
    let mut numbers = Vec::new();
    for turn in turns {
        turn.until("prompt.queued").await;
        numbers.push(turn.seen[0]["seq"].as_u64().unwrap());
    }
    numbers
}

#[tokio::test]
async fn prompts_wait_in_the_order_of_their_calls_whatever_is_gathered_for_them() {
    let house = House::new();
    house.write("notes.txt", &"a line of many\n".repeat(20_000));
    let session = house.session("builtin").await;
    let mut first = house.prompt(&session, "run sleep 600");
    first.until("permission.requested").await;
    let gathered = |at: u64| at.is_multiple_of(3);
    let mut turns: Vec<Turn> = (0..12)
        .map(|at| {
            let more = if gathered(at) { json!({"currentFile": "notes.txt"}) } else { json!({}) };
            house.prompt_with(&session, "list", more)
        })
        .collect();
    let told = numbers(&mut turns).await;
    assert!(told.is_sorted(), "{told:?}");
    let contexts: Vec<bool> = turns.iter().map(|turn| turn.seen[0]["data"]["context"].is_object()).collect();
    assert_eq!(contexts, (0..12).map(gathered).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_prompt_that_goes_first_does_so_though_it_is_still_made_when_its_turn_ends() {
    let house = House::new();
    for folder in 0..20 {
        std::fs::create_dir(house.folder.path().join(format!("project/{folder}"))).unwrap();
        (0..200).for_each(|file| house.write(&format!("{folder}/{file}.txt"), ""));
    }
    let session = house.session("builtin").await;
    for delivery in ["now", "steer"] {
        let mut first = house.prompt(&session, "ask Which? a|b");
        let question = first.until("question.requested").await;
        let mut behind = house.prompt(&session, "list");
        behind.until("prompt.queued").await;
        let more = json!({"delivery": delivery, "currentFile": "0/0.txt", "template": "default"});
        let mut in_front = house.prompt_with(&session, "list", more);
        let answer = json!({"questionId": question["questionId"], "answers": {"answer": ["a"]}});
        house.ask("agent.answer", answer).await.unwrap();
        first.end().await;
        assert_eq!(in_front.end().await["outcome"], "completed", "{delivery}");
        assert_eq!(behind.end().await["outcome"], "completed", "{delivery}");
        let begun = |turn: &Turn| {
            turn.seen.iter().find(|event| event["type"] == "turn.started").unwrap()["seq"].as_u64().unwrap()
        };
        assert!(begun(&in_front) < begun(&behind), "{delivery}");
    }
}

#[tokio::test]
async fn a_stop_behind_a_prompt_hits_it_though_it_is_still_made() {
    let house = House::new();
    house.write("notes.txt", &"a line of many\n".repeat(20_000));
    let session = house.session("builtin").await;
    for (more, keeps) in [
        (json!({}), false),
        (json!({"currentFile": "notes.txt"}), false),
        (json!({"currentFile": "notes.txt"}), true),
        (json!({"currentFile": "notes.txt", "detach": true}), false),
    ] {
        // It is ready for the next one.
        house.prompt(&session, "list").end().await;
        let mut turn = house.prompt_with(&session, "run sleep 600", more.clone());
        let params = json!({"sessionId": session, "keepQueue": keeps});
        assert_eq!(house.ask("agent.interrupt", params.clone()).await.unwrap(), json!({"interrupted": true}), "{more}");
        while turn.next().await.is_some() {}
        let last = turn.seen.last().unwrap();
        let is_stopped = last["type"] == "prompt.cancelled" || last["data"]["outcome"] == "interrupted";
        assert!(is_stopped, "{more}: {last}");
        assert_eq!(turn.seen[0]["type"], "prompt.queued");
        assert_eq!(
            house.ask("agent.interrupt", params).await.unwrap(),
            json!({"interrupted": false}),
            "nothing is left"
        );
    }
}

#[tokio::test]
async fn what_was_asked_again_waits_in_the_order_of_its_call_and_is_stopped_while_it_is_looked_for() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut asked = house.prompt(&session, "list");
    asked.end().await;
    let again = json!({"again": asked.seen[0]["data"]["promptId"], "content": []});
    let mut first = house.prompt(&session, "run sleep 600");
    first.until("permission.requested").await;
    let mut turns = [house.prompt_with(&session, "", again.clone()), house.prompt(&session, "list")];
    let told = numbers(&mut turns).await;
    assert!(told.is_sorted(), "{told:?}");
    let mut last = house.prompt_with(&session, "", again);
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    last.until("prompt.cancelled").await;
    assert_eq!(first.end().await["outcome"], "interrupted");
}

#[tokio::test]
async fn who_drops_a_prompt_that_is_still_made_takes_it_back_and_one_that_was_detached_goes_on() {
    let house = House::new();
    house.write("notes.txt", &"a line of many\n".repeat(20_000));
    let session = house.session("builtin").await;
    let mut events = house.events(&session);
    let unwanted = house.prompt_with(&session, "run sleep 600", json!({"currentFile": "notes.txt"}));
    // Who is answered was heard behind it.
    house.ask("agent.sessions", json!({})).await.unwrap();
    drop(unwanted);
    let is_stopped = |event: &Value| event["type"] == "prompt.cancelled" || event["data"]["outcome"] == "interrupted";
    while !is_stopped(&events.next().await.unwrap()) {}
    let detached = house.prompt_with(&session, "list", json!({"currentFile": "notes.txt", "detach": true}));
    house.ask("agent.sessions", json!({})).await.unwrap();
    drop(detached);
    assert_eq!(events.until("turn.ended").await["outcome"], "completed");
}

#[tokio::test]
async fn a_chat_with_a_session_has_its_place_behind_the_prompts_before_it() {
    let house = House::new();
    house.write("notes.txt", &"a line of many\n".repeat(20_000));
    let session = house.session("builtin").await;
    let mut events = house.events(&session);
    let mut first = house.prompt_with(&session, "list", json!({"currentFile": "notes.txt"}));
    let message = json!({"role": "user", "content": "list notes.txt"});
    let params = json!({"agentId": session, "messages": [message]});
    let mut chat = Turn { items: house.window.stream_raw("agent.streamChat", params), seen: Vec::new() };
    let mut last = house.prompt(&session, "list");
    first.end().await;
    while chat.next().await.is_some() {}
    last.end().await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(events.until("prompt.started").await["promptId"].clone());
    }
    assert_eq!((&asked[0], &asked[2]), (&first.seen[0]["data"]["promptId"], &last.seen[0]["data"]["promptId"]));
}
