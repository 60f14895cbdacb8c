use serde_json::json;
use sixframe_core::{Code, Scope, Scopes};

use super::house::{House, window};

#[tokio::test]
async fn a_person_is_asked_and_the_answer_is_told() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "ask Which way? left|right");
    let asked = turn.until("question.requested").await;
    assert_eq!(asked["questions"][0]["text"], "Which way?");
    assert_eq!(house.shown(&session)["state"], json!({"name": "waiting_approval", "count": 1}));
    assert_eq!(house.shown(&session)["questions"][0]["questionId"], asked["questionId"]);
    let answer = |given: &str| json!({"questionId": asked["questionId"], "answers": {"answer": [given]}});
    let refused = house.ask("agent.answer", answer("up")).await.unwrap_err();
    assert_eq!(refused.code(), Code::INVALID_PAYLOAD, "it is not among the options");

    let agents_own = window(&house.agents, Scopes::ALL.without(Scope::Approve));
    let refused = agents_own.request_raw::<_, serde_json::Value>("agent.answer", answer("left")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FORBIDDEN, "what an agent has started does not answer for a person");

    house.ask("agent.answer", answer("left")).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    let output = turn.seen.iter().find_map(|event| event["data"]["tool"]["output"]["text"].as_str());
    assert_eq!(output, Some("left"));
    assert_eq!(house.ask("agent.answer", answer("left")).await.unwrap_err().code(), Code::NOT_FOUND, "once");
    assert_eq!(house.shown(&session)["questions"], json!([]));
}

#[tokio::test]
async fn a_question_that_is_declined_fails_its_tool_and_one_whose_turn_ends_is_withdrawn() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "ask What now?");
    let asked = turn.until("question.requested").await;
    house.ask("agent.answer", json!({"questionId": asked["questionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.tools(), ["failed"]);

    let mut turn = house.prompt(&session, "ask What now?");
    let asked = turn.until("question.requested").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.until("question.resolved").await["by"], json!({"kind": "stop"}));
    assert_eq!(turn.end().await["outcome"], "interrupted");
    let late = json!({"questionId": asked["questionId"], "answers": {"answer": ["x"]}});
    assert_eq!(house.ask("agent.answer", late).await.unwrap_err().code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn a_prompt_that_waits_is_edited() {
    let house = House::new();
    house.write("a.txt", "here\n");
    let session = house.session("builtin").await;
    let mut first = house.prompt(&session, "ask What now?");
    let asked = first.until("question.requested").await;
    let mut second = house.prompt(&session, "list");
    let prompt = second.until("prompt.queued").await["promptId"].clone();
    let edit = |content: serde_json::Value| json!({"sessionId": session, "promptId": prompt, "content": content});
    assert_eq!(house.ask("agent.editPrompt", edit(json!([]))).await.unwrap_err().code(), Code::INVALID_PAYLOAD);
    house.ask("agent.editPrompt", edit(json!([{"type": "text", "text": "read a.txt"}]))).await.unwrap();
    let seq = house.shown(session.as_str())["queue"][0]["seq"].as_u64().unwrap();
    let of = |seq: u64| {
        let mut edited = edit(json!([{"type": "text", "text": "read a.txt"}]));
        edited["seq"] = seq.into();
        edited
    };
    let refused = house.ask("agent.editPrompt", of(seq - 1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::CONFLICT, "somebody else has edited it since");
    house.ask("agent.editPrompt", of(seq)).await.unwrap();
    assert_eq!(house.shown(&session)["queue"][0]["content"][0]["text"], "read a.txt");
    let answer = json!({"questionId": asked["questionId"], "answers": {"answer": ["go on"]}});
    house.ask("agent.answer", answer).await.unwrap();
    assert_eq!(second.end().await["outcome"], "completed");
    let output = second.seen.iter().find_map(|event| event["data"]["tool"]["output"]["text"].as_str());
    assert_eq!(output, Some("here\n"));
    assert_eq!(
        house.ask("agent.editPrompt", edit(json!([{"type": "text", "text": "x"}]))).await.unwrap_err().code(),
        Code::NOT_FOUND
    );
}
