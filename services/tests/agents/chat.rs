//! Conversations as one call.

use serde_json::{Value, json};
use sixframe_core::Code;
use sixframe_services::agents::{Program, ProviderConfig};

use super::house::{House, Turn};

fn echoing() -> House {
    House::tuned(|config| {
        config.command.insert("echo".to_owned(), ProviderConfig::new("/bin/cat"));
        let args = vec!["-c".to_owned(), "echo begun; echo broken >&2; exit 3".to_owned()];
        let failing = ProviderConfig::new("/bin/sh");
        let program = Program { args, ..failing.program.clone() };
        config.command.insert("fails".to_owned(), ProviderConfig { program, ..failing });
    })
}

fn chunks(house: &House, params: Value) -> Turn {
    Turn { items: house.window.stream_raw("agent.streamChat", params), seen: Vec::new() }
}

fn text(turn: &Turn) -> String {
    turn.seen.iter().filter(|chunk| chunk["type"] == "text").map(|chunk| chunk["content"].as_str().unwrap()).collect()
}

/// The sessions that the hub shows.
fn open(house: &House) -> usize {
    house.hub.state().to_value()["agents"].as_object().unwrap().len()
}

async fn until_closed(house: &House) {
    while open(house) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_conversation_is_answered_by_a_session_that_is_closed_with_it() {
    let house = echoing();
    let message = json!({"role": "user", "content": {"type": "text", "text": "Hello"}});
    let answer = house.ask("agent.chat", json!({"agentId": "command:echo", "messages": [message]})).await.unwrap();
    let content = json!({"type": "text", "text": "Hello"});
    assert_eq!(answer["message"], json!({"role": "assistant", "content": content}));
    assert_eq!((&answer["outcome"], &answer["stopped"]), (&json!("completed"), &json!(false)));
    until_closed(&house).await;
    let logged = house.logged(answer["sessionId"].as_str().unwrap());
    assert_eq!(logged.last().unwrap()["type"], "session.closed", "and its log stays");
}

#[tokio::test]
async fn a_conversation_without_a_folder_is_had_where_the_daemon_was_started() {
    let house = House::tuned(|config| {
        config.roots.clear();
        config.command.insert("where".to_owned(), ProviderConfig::new("/bin/pwd"));
    });
    let asked = json!({"agentId": "command:where", "messages": [{"role": "user", "content": "Where?"}]});
    let answer = house.ask("agent.chat", asked).await.unwrap();
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    assert_eq!(answer["message"]["content"]["text"].as_str().unwrap().trim(), here.to_str().unwrap());
}

#[tokio::test]
async fn a_conversation_that_is_stopped_while_it_waits_is_done_and_no_error() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut first = house.prompt(&session, "run sleep 600");
    first.until("permission.requested").await;
    let message = json!({"role": "user", "content": "list"});
    let (window, params) = (house.window.clone(), json!({"agentId": session, "messages": [message]}));
    let waiting = tokio::spawn(async move { window.request_raw::<_, Value>("agent.chat", params).await });
    let mut events = house.events(&session);
    while events.until("prompt.queued").await["content"][0]["text"] != "list" {}
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    let answer = waiting.await.unwrap().unwrap();
    let expected = (&json!("interrupted"), &json!(true), &json!("ABORTED"));
    assert_eq!((&answer["outcome"], &answer["stopped"], &answer["code"]), expected);
}

#[tokio::test]
async fn what_was_said_before_is_handed_over_to_an_agent_that_was_not_there() {
    let house = echoing();
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is ``` for?"},
        {"role": "assistant", "content": [{"type": "text", "text": "A fence."}]},
        {"role": "user", "content": "And now"},
        {"role": "user", "content": "this?"},
    ]);
    let params = json!({"agentId": "command:echo", "messages": messages, "options": {"systemPrompt": "Be kind."}});
    let answer = house.ask("agent.chat", params).await.unwrap();
    let said = answer["message"]["content"]["text"].as_str().unwrap();
    assert!(said.starts_with("Be kind.\n\nBe brief.\n\n# What was said before"), "{said}");
    assert!(said.contains("````\nWhat is ``` for?\n````") && said.contains("A fence."), "{said}");
    assert!(said.ends_with("\n\nAnd now\nthis?"), "{said}");

    let session = house.session("command:echo").await;
    let messages = json!([{"role": "assistant", "content": "before"}, {"role": "user", "content": "now"}]);
    let params = json!({"agentId": session, "messages": messages});
    let answer = house.ask("agent.chat", params).await.unwrap();
    assert_eq!(answer["message"]["content"]["text"], "now", "a session has its own history");
    assert_eq!(house.shown(&session)["state"]["name"], "idle", "and stays open");
}

#[tokio::test]
async fn a_chat_is_told_in_chunks_and_done_is_the_last() {
    let house = echoing();
    house.write("notes.txt", "one\ntwo\n");
    let cwd = house.folder.path().join("project");
    let options = json!({"workingDirectory": cwd, "permissionMode": "interactive", "timeout": 60_000});
    let messages = json!([{"role": "user", "content": "replace two with TWO in notes.txt"}]);
    let mut turn = chunks(&house, json!({"agentId": "builtin", "messages": messages, "options": options}));
    let permission = loop {
        let chunk = turn.next().await.unwrap();
        if chunk["metadata"]["status"] == "waiting_approval" {
            break chunk["metadata"]["permission"].clone();
        }
    };
    let answer = json!({"permissionId": permission["permissionId"], "inputSha256": permission["inputSha256"]});
    house.ask("agent.approve", answer).await.unwrap();
    while turn.next().await.is_some() {}
    let kinds = turn.names();
    assert_eq!(kinds.first(), Some(&"tool_use"));
    assert_eq!(kinds.iter().filter(|kind| **kind == "file_change").count(), 1, "{kinds:?}");
    let done = turn.seen.last().unwrap();
    assert_eq!((&done["type"], &done["metadata"]["outcome"]), (&json!("done"), &json!("completed")));
    assert!(turn.seen.iter().all(|chunk| chunk["metadata"]["sessionId"].is_string()));
    assert_eq!(house.read("notes.txt"), "one\nTWO\n");
    until_closed(&house).await;
}

#[tokio::test]
async fn a_stop_is_a_normal_end() {
    let house = echoing();
    let cwd = house.folder.path().join("project");
    let messages = json!([{"role": "user", "content": "run sleep 600"}]);
    let params = json!({"agentId": "builtin", "messages": messages, "options": {"cwd": cwd}});
    let mut turn = chunks(&house, params.clone());
    let session = turn.next().await.unwrap()["metadata"]["sessionId"].clone();
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    while turn.next().await.is_some() {}
    let done = turn.seen.last().unwrap();
    assert_eq!(done["type"], "done");
    assert_eq!((&done["metadata"]["stopped"], &done["metadata"]["code"]), (&json!(true), &json!("ABORTED")));
    assert!(!turn.names().contains(&"error"), "{:?}", turn.names());

    let mut turn = chunks(&house, params);
    turn.next().await.unwrap();
    drop(turn);
    until_closed(&house).await;
}

#[tokio::test]
async fn what_goes_wrong_with_the_agent_fails_the_call_and_is_a_chunk_in_the_stream() {
    let house = echoing();
    let params = json!({"agentId": "command:fails", "messages": [{"role": "user", "content": "hello"}]});
    let failed = house.ask("agent.chat", params.clone()).await.unwrap_err();
    assert_eq!(failed.code(), "CRASHED");
    let mut turn = chunks(&house, params);
    while turn.next().await.is_some() {}
    assert_eq!(turn.names(), ["text", "error", "done"]);
    assert_eq!(text(&turn), "begun\n");
    assert!(turn.seen[1]["content"].as_str().unwrap().contains("broken"));
    assert_eq!(turn.seen[2]["metadata"]["outcome"], "failed");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let house = echoing();
    let session = house.session("builtin").await;
    let hello = json!([{"role": "user", "content": "hello"}]);
    for (params, code) in [
        (json!({"agentId": "nobody", "messages": hello}), Code::NOT_FOUND),
        (json!({"agentId": "builtin", "messages": []}), Code::INVALID_PAYLOAD),
        (json!({"agentId": "builtin", "messages": [{"role": "assistant", "content": "hi"}]}), Code::INVALID_PAYLOAD),
        (json!({"agentId": "builtin", "messages": hello, "options": {"cwd": "/"}}), Code::FORBIDDEN),
        (json!({"agentId": session, "messages": hello, "options": {"model": "x"}}), Code::INVALID_PAYLOAD),
        (json!({"agentId": "builtin", "messages": hello, "options": {"template": "x"}}), Code::INVALID_PAYLOAD),
    ] {
        let refused = house.ask("agent.chat", params.clone()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{params}");
    }
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    until_closed(&house).await;
}
