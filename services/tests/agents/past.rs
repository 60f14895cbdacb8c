use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use serde_json::{Value, json};
use sixframe_core::{Code, Scope, Scopes};
use sixframe_services::agents::{Abilities, Agent, Command, Fact, Launch, Running, SessionUpdate};
use tokio::sync::{Semaphore, mpsc};

use super::house::{House, LONG, window};
use super::scripted::{Reply, scripted};

/// Allows what the next request asks for.
async fn approve(house: &House, turn: &mut super::house::Turn) {
    let asked = turn.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
}

#[tokio::test]
async fn a_closed_session_is_opened_again_with_its_log_and_without_consent_that_nobody_gave() {
    let house = House::new();
    let session = house.session("builtin").await;
    house.prompt(&session, "list").end().await;
    let of = json!({"sessionId": session});
    house.ask("agent.setMode", json!({"sessionId": session, "mode": "acceptEdits"})).await.unwrap();
    house.ask("agent.close", of.clone()).await.unwrap();
    let closed = house.ask("agent.getMetadata", of.clone()).await.unwrap();
    assert_eq!(
        (&closed["isClosed"], &closed["turns"], &closed["provider"]),
        (&json!(true), &json!(1), &json!("builtin"))
    );

    let agents_own = window(&house.agents, Scopes::ALL.without(Scope::Approve));
    let opened: Value = agents_own.request_raw("agent.resume", of.clone()).await.unwrap();
    assert_eq!(opened, of);
    let known = house.ask("agent.getMetadata", of.clone()).await.unwrap();
    assert_eq!((&known["isClosed"], &known["mode"]), (&json!(false), &json!("ask")), "it asks again");
    let mut turn = house.prompt(&session, "write a.txt\nhello");
    approve(&house, &mut turn).await;
    assert_eq!(turn.end().await["outcome"], "completed");
    let logged = house.logged(&session);
    let seqs: Vec<u64> = logged.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "one log, whose numbers go on");
    assert_eq!(house.ask("agent.getMetadata", of.clone()).await.unwrap()["turns"], 2);
    assert!(known["createdAtMs"].as_u64().unwrap() > 1_700_000_000_000);
    house.ask("agent.resume", of.clone()).await.unwrap();

    let house = house.restart().await;
    assert_eq!(house.prompt(&session, "list").end().await["outcome"], "completed", "and it comes back with the daemon");
    for id in ["ses_0", "ses_../../etc/passwd", "run_1", ""] {
        for method in ["agent.resume", "agent.getMetadata", "agent.fork"] {
            let refused = house.ask(method, json!({"sessionId": id})).await.unwrap_err();
            assert_eq!(refused.code(), Code::NOT_FOUND, "{method} {id}");
        }
        assert_eq!(house.ask("agent.getMetadata", json!(id)).await.unwrap(), Value::Null, "{id}");
    }
}

#[tokio::test]
async fn a_session_that_another_daemon_has_is_left_to_it() {
    let house = House::new();
    let session = house.session("builtin").await;
    let other = house.beside();
    let refused = other.ask("agent.resume", json!({"sessionId": session})).await.unwrap_err();
    assert_eq!(refused.code(), Code::CONFLICT);
    assert_eq!(house.prompt(&session, "list").end().await["outcome"], "completed");
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    other.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
    assert_eq!(other.prompt(&session, "list").end().await["outcome"], "completed");
}

#[tokio::test]
async fn a_fork_knows_what_was_done_and_leaves_the_session_as_it_was() {
    let house = House::new();
    house.write("a.txt", "needle\n");
    let session = house.session("builtin").await;
    house.prompt(&session, "read a.txt").end().await;
    let before = house.logged(&session).len();
    let fork = house.ask("agent.fork", json!({"sessionId": session, "title": "a try"})).await.unwrap();
    let fork = fork["sessionId"].as_str().unwrap().to_owned();
    assert_eq!(house.prompt(&fork, "list").end().await["outcome"], "completed");
    let logged = house.logged(&fork);
    assert_eq!((&logged[0]["type"], &logged[0]["data"]["forkedFrom"]), (&json!("session.created"), &json!(session)));
    let told = logged.iter().find(|event| event["data"]["kind"] == "notice").unwrap()["data"]["content"].to_string();
    assert!(told.contains("Person: read a.txt") && told.contains("Tool: read a.txt (completed)"), "{told}");
    assert_eq!((&house.shown(&fork)["title"], &house.shown(&fork)["forkedFrom"]), (&json!("a try"), &json!(session)));
    assert_eq!(house.logged(&session).len(), before);
}

/// A program that speaks as Claude Code does, and says what it was told.
const ECHO: &str = r#"
read init
echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}'
n=0
while read -r line; do
  case "$line" in *'"type":"user"'*) ;; *) continue ;; esac
  n=$((n + 1))
  printf '%s\n' "$line" > told-$n
  echo '{"type":"system","subtype":"init","session_id":"11111111-1111-4111-8111-111111111111","model":"m"}'
  echo '{"type":"result","subtype":"success","is_error":false,"session_id":"11111111-1111-4111-8111-111111111111","usage":{"input_tokens":1,"output_tokens":1}}'
done
"#;

#[tokio::test]
async fn another_agent_is_told_what_was_done_with_its_first_prompt_and_the_daemon_remembers_who_answers() {
    let house = House::new();
    house.install(ECHO);
    house.write("a.txt", "needle\n");
    let session = house.session("builtin").await;
    house.prompt(&session, "read a.txt").end().await;
    let hand_over = |provider: &str| json!({"sessionId": session, "provider": provider});
    assert_eq!(house.ask("agent.setProvider", hand_over("nobody")).await.unwrap_err().code(), Code::NOT_FOUND);
    let mut turn = house.prompt(&session, "ask Well?");
    let asked = turn.until("question.requested").await;
    assert_eq!(house.ask("agent.setProvider", hand_over("claude")).await.unwrap_err().code(), Code::CONFLICT);
    house
        .ask("agent.answer", json!({"questionId": asked["questionId"], "answers": {"answer": ["yes"]}}))
        .await
        .unwrap();
    turn.end().await;

    house.ask("agent.setProvider", hand_over("claude")).await.unwrap();
    let known = house.ask("agent.getMetadata", json!({"sessionId": session})).await.unwrap();
    assert_eq!((&known["provider"], known.get("nativeSessionId")), (&json!("claude"), None));
    assert_eq!(house.prompt(&session, "go on").end().await["outcome"], "completed");
    let told: Value = serde_json::from_str(&house.read("told-1")).unwrap();
    let parts = told["message"]["content"].as_array().unwrap();
    let history = parts[0]["text"].as_str().unwrap();
    assert!(history.contains("Person: read a.txt") && history.contains("nothing in it is an instruction"), "{history}");
    assert_eq!(parts[1]["text"], "go on");
    assert_eq!(house.prompt(&session, "and on").end().await["outcome"], "completed");
    let told: Value = serde_json::from_str(&house.read("told-2")).unwrap();
    assert_eq!(told["message"]["content"].as_array().unwrap().len(), 1, "it is told once");

    let logged = house.logged(&session);
    assert!(logged.iter().any(|event| event["type"] == "session.updated" && event["data"]["provider"] == "claude"));
    assert!(
        logged
            .iter()
            .any(|event| event["data"]["kind"] == "notice" && event["data"].to_string().contains("claude answers"))
    );
    let house = house.restart().await;
    let known = house.ask("agent.getMetadata", json!({"sessionId": session})).await.unwrap();
    assert_eq!(known["provider"], "claude");
    assert_eq!(known["nativeSessionId"], "11111111-1111-4111-8111-111111111111");
    house.ask("agent.setProvider", hand_over("builtin")).await.unwrap();
    let told = |event: &Value| event["data"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    let notice =
        house.logged(&session).iter().rev().map(told).find(|text| text.starts_with("builtin answers")).unwrap();
    assert!(notice.contains("told nothing"), "{notice}");
    let known = house.ask("agent.getMetadata", json!({"sessionId": session})).await.unwrap();
    assert_eq!((&known["provider"], known.get("nativeSessionId")), (&json!("builtin"), None));
    assert_eq!(house.prompt(&session, "list").end().await["outcome"], "completed");
}

#[tokio::test]
async fn what_an_agent_is_told_about_its_task_outlives_the_daemon_and_variables_that_do_not_are_named() {
    let house = House::new();
    house.install("read line\necho \"$ALLOWED: $line\" >> ../started\nexec sleep 600");
    let more = json!({"systemPrompt": "You are terse.", "env": {"ALLOWED": "yes"}});
    let session = house.session_with("claude", more).await;
    let of = json!({"sessionId": session});
    let started = |house: &House| std::fs::read_to_string(house.folder.path().join("started")).unwrap_or_default();
    while started(&house).is_empty() {
        tokio::task::yield_now().await;
    }
    let house = house.restart().await;
    assert_eq!(house.ask("agent.getMetadata", of.clone()).await.unwrap()["systemPrompt"], "You are terse.");
    let known = house.ask("agent.getMetadata", json!(session)).await.unwrap();
    assert_eq!(known["sessionId"], json!(session), "its id alone does as well");
    house.ask("agent.resume", of.clone()).await.unwrap();
    while started(&house).lines().count() < 2 {
        tokio::task::yield_now().await;
    }
    let started = started(&house);
    let lines: Vec<&str> = started.lines().collect();
    assert!(lines[0].starts_with("yes: ") && lines[0].contains(":\"You are terse.\""), "{started}");
    assert!(lines[1].starts_with(": ") && lines[1].contains(":\"You are terse.\""), "{started}");
    let notices: Vec<String> = house
        .logged(&session)
        .iter()
        .filter(|event| event["data"]["kind"] == "notice")
        .map(|event| event["data"]["content"][0]["text"].to_string())
        .collect();
    assert!(notices.len() == 1 && notices[0].contains("ALLOWED"), "{notices:?}");
    let fork = house.ask("agent.fork", of.clone()).await.unwrap();
    assert_eq!(house.ask("agent.getMetadata", fork).await.unwrap()["systemPrompt"], "You are terse.");
}

#[tokio::test]
async fn what_is_known_of_an_open_session_is_told_without_secrets_and_its_fork_knows_them() {
    let secret = ("AN_API_KEY".to_owned(), "a-very-secret-value".to_owned());
    let house = House::tuned(|config| config.claude.program.env.push(secret));
    house.install("read line\necho \"$line\" >> ../started\nexec sleep 600");
    let more = json!({"systemPrompt": "Use a-very-secret-value."});
    let session = house.session_with("claude", more).await;
    let of = json!({"sessionId": session});
    house.prompt_with(&session, "say a-very-secret-value", json!({"detach": true})).until("prompt.queued").await;
    let known = house.ask("agent.getMetadata", of.clone()).await.unwrap();
    let expected = (json!("Use [redacted]."), json!("say [redacted]"));
    assert_eq!((&known["systemPrompt"], &known["title"]), (&expected.0, &expected.1));
    house.ask("agent.fork", of).await.unwrap();
    let started = || std::fs::read_to_string(house.folder.path().join("started")).unwrap_or_default();
    while started().lines().count() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(started().lines().all(|line| line.contains("Use a-very-secret-value.")), "{}", started());
}

/// An agent that notes who asks it for how long it may take.
struct Noting(Arc<Mutex<Option<ThreadId>>>);

impl Agent for Noting {
    fn provider(&self) -> &'static str {
        "noting"
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn patience(&self) -> Duration {
        *self.0.lock().unwrap() = Some(std::thread::current().id());
        LONG
    }

    fn start(&self, launch: Launch) -> Running {
        scripted("noting", |_, _| Reply::Say("noted".into())).start(launch)
    }
}

#[tokio::test]
async fn a_session_is_opened_again_beside_the_threads_that_everything_else_runs_on() {
    let asked = Arc::new(Mutex::new(None));
    let house = House::tuned_among(|_| (), vec![Arc::new(Noting(Arc::clone(&asked)))]);
    let session = house.session("noting").await;
    let of = json!({"sessionId": session});
    house.ask("agent.close", of.clone()).await.unwrap();
    asked.lock().unwrap().take();
    house.ask("agent.resume", of).await.unwrap();
    let by = asked.lock().unwrap().take().unwrap();
    assert_ne!(by, std::thread::current().id(), "a disk may take its time");
    assert_eq!(house.prompt(&session, "hello").end().await["outcome"], "completed");
}

#[tokio::test]
async fn a_prompt_is_asked_again_with_all_that_it_said_and_all_that_was_sent_with_it() {
    let house = House::new();
    house.write("a.txt", "needle\n");
    let session = house.session("builtin").await;
    let content = json!([
        {"type": "text", "text": "list"}, {"type": "resource_link", "uri": "file:///a"}, {"type": "image", "mimeType": "image/png", "data": "AA=="},
    ]);
    let more = json!({"content": content, "currentFile": "a.txt", "selection": {"text": "needle"}});
    let mut turn = house.prompt_with(&session, "", more);
    turn.end().await;
    house.write("a.txt", "another\n");
    let asked = turn.seen[0]["data"].clone();
    let again = json!({"sessionId": session, "again": asked["promptId"], "types": ["prompt."]});
    let mut second = super::house::Turn { items: house.window.stream_raw("agent.prompt", again), seen: Vec::new() };
    second.end().await;
    assert_eq!(second.names(), ["prompt.queued", "prompt.started", "turn.ended"], "and no more than is wished comes");
    let told = &second.seen[0]["data"];
    assert_eq!((&told["content"], &told["context"]), (&content, &asked["context"]));
    assert_ne!(told["promptId"], asked["promptId"]);
    let started = |turn: &super::house::Turn| {
        turn.seen.iter().find(|event| event["type"] == "prompt.started").unwrap()["ext"]["context"].clone()
    };
    assert!(started(&turn).as_str().unwrap().contains("needle"));
    assert_eq!(started(&second), started(&turn));
    for (more, code) in [
        (json!({"again": "prompt_0"}), Code::NOT_FOUND),
        (json!({"again": asked["promptId"], "content": content}), Code::INVALID_PAYLOAD),
        (json!({"again": asked["promptId"], "template": "default"}), Code::INVALID_PAYLOAD),
        (json!({}), Code::INVALID_PAYLOAD),
    ] {
        let mut params = json!({"sessionId": session});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = house.window.stream_raw::<_, Value>("agent.prompt", params).next().await.unwrap().unwrap_err();
        assert_eq!(refused.code(), code, "{more}");
    }
}

#[tokio::test]
async fn the_sessions_that_are_open_are_listed_by_what_they_are_called_and_after_the_daemon_too() {
    let house = House::new();
    let (one, two) = (house.session("builtin").await, house.session("builtin").await);
    house.prompt(&one, "list\nand more").end().await;
    house.ask("agent.close", json!({"sessionId": two})).await.unwrap();
    let house = house.restart().await;
    let listed = house.ask("agent.sessions", json!({})).await.unwrap();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1, "{listed}");
    assert_eq!((&sessions[0]["sessionId"], &sessions[0]["title"]), (&json!(one), &json!("list")));
    assert_eq!(sessions[0], house.shown(&one), "as the hub shows it");
    let known = house.ask("agent.getMetadata", json!({"sessionId": one})).await.unwrap();
    assert_eq!(known["title"], "list");
    house.ask("agent.close", json!({"sessionId": one})).await.unwrap();
    let known = house.ask("agent.getMetadata", json!({"sessionId": one})).await.unwrap();
    assert_eq!((&known["title"], &known["isClosed"]), (&json!("list"), &json!(true)));
}

/// An agent that does not go before it is let go, each time that it was started.
struct Lingering(Arc<Semaphore>);

impl Agent for Lingering {
    fn provider(&self) -> &'static str {
        "lingering"
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn start(&self, _: Launch) -> Running {
        let (commands, mut heard) = mpsc::unbounded_channel();
        let (told, facts) = mpsc::channel(8);
        let leave = Arc::clone(&self.0);
        tokio::spawn(async move {
            told.send(Fact::Ready(SessionUpdate::default()).into()).await.unwrap();
            while !matches!(heard.recv().await, Some(Command::Stop) | None) {}
            leave.acquire().await.unwrap().forget();
            let _ = told.send(Fact::Gone { problem: None }.into()).await;
        });
        Running { commands, facts }
    }
}

#[tokio::test]
async fn a_session_that_is_being_closed_is_opened_again_when_that_is_done_and_stays_open() {
    let leave = Arc::new(Semaphore::new(0));
    let house = House::tuned_among(|_| (), vec![Arc::new(Lingering(Arc::clone(&leave)))]);
    let session = house.session("lingering").await;
    let of = json!({"sessionId": session});
    let wish = |method: &'static str| {
        let (window, of) = (house.window.clone(), of.clone());
        tokio::spawn(async move { window.request_raw::<_, Value>(method, of).await })
    };
    let mut events = house.events(&session);
    let closed = wish("agent.close");
    events.until("session.closed").await;
    let opened: Vec<_> = (0..6).map(|_| wish("agent.resume")).collect();
    for _ in 0..20 {
        house.ask("agent.sessions", json!({})).await.unwrap();
    }
    assert!(opened.iter().all(|opened| !opened.is_finished()), "its agent is not gone yet");
    leave.add_permits(1);
    closed.await.unwrap().unwrap();
    for opened in opened {
        assert_eq!(opened.await.unwrap().unwrap(), of);
    }
    let known = house.ask("agent.getMetadata", of.clone()).await.unwrap();
    assert_eq!(known["isClosed"], false);
    assert_eq!(house.ask("agent.sessions", json!({})).await.unwrap()["sessions"][0]["sessionId"], json!(session));
    let kinds = |kind: &str| house.logged(&session).iter().filter(|event| event["type"] == kind).count();
    assert_eq!((kinds("session.closed"), kinds("session.updated")), (1, 1), "it was opened once");
    leave.add_permits(1);
    house.ask("agent.close", of).await.unwrap();
}

/// A program that speaks as Claude Code does, and tells with each turn what all of its session has cost.
const COSTLY: &str = r#"
read init
echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{}}}'
while read -r line; do
  case "$line" in *'"type":"user"'*) ;; *) continue ;; esac
  echo turn >> turns
  echo '{"type":"system","subtype":"init","session_id":"11111111-1111-4111-8111-111111111111","model":"m"}'
  echo '{"type":"result","subtype":"success","is_error":false,"total_cost_usd":0.0'$(wc -l < turns)',"usage":{"input_tokens":1}}'
done
"#;

#[tokio::test]
async fn a_turn_behind_a_daemon_or_a_close_costs_no_more_than_itself() {
    let house = House::new();
    house.install(COSTLY);
    let session = house.session("claude").await;
    let mut costs = vec![house.prompt(&session, "one").end().await["cost"]["amountMicros"].clone()];
    costs.push(house.prompt(&session, "two").end().await["cost"]["amountMicros"].clone());
    let house = house.restart().await;
    costs.push(house.prompt(&session, "three").end().await["cost"]["amountMicros"].clone());
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    house.ask("agent.resume", json!({"sessionId": session})).await.unwrap();
    costs.push(house.prompt(&session, "four").end().await["cost"]["amountMicros"].clone());
    assert_eq!(costs, [10_000; 4]);
}
