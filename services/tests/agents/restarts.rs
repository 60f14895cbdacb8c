use std::fs;
use std::io::Write as _;

use serde_json::json;

use super::house::House;

#[tokio::test]
async fn a_session_is_there_again_when_the_daemon_is() {
    let house = House::new();
    let session = house.session("builtin").await;
    house.prompt(&session, "list").end().await;
    let house = house.restart().await;
    let mut turn = house.prompt(&session, "list");
    assert_eq!(turn.end().await["outcome"], "completed");
    let seqs: Vec<u64> = house.logged(&session).iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "its numbers go on");
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    let house = house.restart().await;
    let params = json!({"sessionId": session, "mode": "ask"});
    assert!(house.ask("agent.setMode", params).await.is_err(), "what was closed stays closed");
}

#[tokio::test]
async fn a_session_in_a_folder_where_agents_may_not_work_any_more_does_not_go_on() {
    let house = House::new();
    let session = house.session("builtin").await;
    house.prompt(&session, "list").end().await;
    let other = house.folder.path().join("other-root");
    fs::create_dir(&other).unwrap();
    let house = house.restart_tuned(|config| config.roots = vec![other]).await;
    assert!(house.shown(&session).is_null());
    assert_eq!(house.logged(&session).last().unwrap()["type"], "session.closed");
    for method in ["agent.resume", "agent.fork"] {
        let refused = house.ask(method, json!({"sessionId": session})).await.unwrap_err();
        assert_eq!(refused.code().to_string(), "FORBIDDEN", "{method}");
    }
    let house = house.restart().await;
    house.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
    assert_eq!(house.prompt(&session, "list").end().await["outcome"], "completed");
}

#[tokio::test]
async fn a_daemon_that_was_killed_leaves_no_turn_open_and_no_permission_waiting() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run sleep 600");
    let asked = turn.until("permission.requested").await;
    let mut waits = house.prompt(&session, "list");
    waits.until("prompt.queued").await;

    // What is on the disk at this moment is all that a killed daemon leaves, and the end of a write with it.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("project")).unwrap();
    fs::create_dir(folder.path().join("sessions")).unwrap();
    let name = format!("{session}.jsonl");
    let log = folder.path().join("sessions").join(&name);
    fs::copy(house.folder.path().join("sessions").join(&name), &log).unwrap();
    fs::copy(house.folder.path().join("sessions").join(&name).with_extension("lock"), log.with_extension("lock"))
        .unwrap();
    fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"{\"v\":1,\"epo").unwrap();

    let next = House::build_for(folder, house.folder.path(), house.timers);
    let logged = next.logged(&session);
    let expected = [
        "log.recovered",
        "permission.resolved",
        "state.changed",
        "item.upserted",
        "state.changed",
        "turn.ended",
        "state.changed",
        "prompt.cancelled",
    ];
    let last = &logged[logged.len() - expected.len()..];
    assert_eq!(last.iter().map(|event| event["type"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    let (recovered, resolved, call, ended) = (&last[0], &last[1], &last[3], &last[5]);
    assert_eq!(ended["data"]["error"]["kind"], "crashed");
    assert!(ended["turnId"].is_string());
    assert_eq!((&call["data"]["kind"], &call["data"]["status"]), (&json!("tool_call"), &json!("cancelled")));
    let begun = logged.iter().find(|event| event["data"]["kind"] == "tool_call").unwrap();
    assert_eq!((&call["itemId"], &call["turnId"]), (&begun["itemId"], &ended["turnId"]));
    assert_eq!(resolved["itemId"], begun["itemId"], "whose leave is withdrawn");
    assert!(begun["seq"].as_u64() < call["seq"].as_u64(), "it was open before");
    assert_eq!(recovered["data"]["bytes"], 11);
    let failed = json!({"name": "error", "recoverable": true});
    assert_eq!(last[6]["data"], json!({"state": failed, "prev": {"name": "thinking"}}));
    // It is shown by the time that it answers.
    next.ask("agent.getMetadata", json!({"sessionId": session})).await.unwrap();
    assert_eq!(next.shown(&session)["state"], failed);
    let refused = next.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await;
    assert!(refused.is_err(), "nobody can answer it now");

    next.prompt(&session, "list").end().await;
    let mut state = json!({"name": "idle"});
    for event in next.logged(&session).iter().filter(|event| event["type"] == "state.changed") {
        assert_eq!(event["data"]["prev"], state, "each change begins where the last one has ended");
        state = event["data"]["state"].clone();
    }
    assert_eq!(state["name"], "idle");
}
