//! The local model, played by a service of the test's own on a port of this machine.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sixframe_hub::{Json, SliceConfig};
use sixframe_services::agents::LocalConfig;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::house::House;

/// A service and what it was asked.
struct Service {
    url: String,
    port: u16,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    hung_up: Arc<Notify>,
}

impl Service {
    async fn start() -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, hung_up) = (Arc::default(), Arc::new(Notify::new()));
        let service = Service { url: format!("http://127.0.0.1:{port}/v1"), port, asked, hung_up };
        let (asked, hung_up) = (Arc::clone(&service.asked), Arc::clone(&service.hung_up));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever hangs up in the midst of an answer does so on purpose.
                tokio::spawn(serve(stream, Arc::clone(&asked), Arc::clone(&hung_up)));
            }
        });
        service
    }

    fn house(&self) -> House {
        self.house_with(|_| ())
    }

    fn house_with(&self, tune: impl FnOnce(&mut LocalConfig)) -> House {
        House::tuned(|config| {
            config.local.url = Some(self.url.clone());
            tune(&mut config.local);
        })
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    hung_up: Arc<Notify>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    if head.starts_with("GET /v1/models ") {
        return stream.write_all(&plain(200, r#"{"object":"list","data":[]}"#)).await;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let last = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    asked.lock().unwrap().push((head, body));
    stream.write_all(&answer(&last)).await?;
    if last == "slow" {
        let read = stream.read(&mut [0]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "it is asked nothing more");
        hung_up.notify_one();
    }
    Ok(())
}

fn plain(status: u16, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nretry-after: 7\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn delta(delta: Value) -> String {
    format!("data: {}\n\n", json!({"model": "tiny", "choices": [{"delta": delta, "finish_reason": null}]}))
}

fn finished(reason: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"delta": {}, "finish_reason": reason}]}))
}

/// A stream that ends with its connection.
fn streamed(events: &[String]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    (head.to_owned() + &events.concat()).into_bytes()
}

fn answer(asked: &str) -> Vec<u8> {
    let text = |text: &str| delta(json!({"content": text}));
    let done = || "data: [DONE]\n\n".to_owned();
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\
                 \"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n";
    let refused =
        |status, code: &str| plain(status, &json!({"error": {"message": "said so", "code": code}}).to_string());
    match asked.split_whitespace().last().unwrap_or_default() {
        "status" => {
            let status = asked.split(' ').next().unwrap().parse().unwrap();
            plain(status, r#"{"error":{"message":"the key sixframe-services is not good","type":"x"}}"#)
        }
        "overflow" => refused(400, "context_length_exceeded"),
        "quota" => refused(429, "insufficient_quota"),
        "redirect" => b"HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "cut" => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\ndata: {\"cho".to_vec(),
        "torn" => streamed(&[text("half an ")]),
        "garbage" => streamed(&[text("a"), "data: {oops\n\n".to_owned()]),
        "bytes" => [streamed(&[]), b"data: {\"choices\":\"\xff\xfe\"}\n\n".to_vec()].concat(),
        "endless" => [streamed(&[]), vec![b'x'; 2 << 20]].concat(),
        "failing" => streamed(&[text("a"), "data: {\"error\":{\"code\":503,\"message\":\"busy\"}}\n\n".to_owned()]),
        "nothttp" => b"+OK hello\r\n\r\n".to_vec(),
        "length" => streamed(&[text("cut off"), finished("length"), done()]),
        "filter" => streamed(&[text("no"), finished("content_filter"), done()]),
        "slow" => streamed(&[text("I think")]),
        "odd" => streamed(&["data: {\"new\":1}\n\n".to_owned(), ": ping\n\n".to_owned(), text("ok"), done()]),
        "think" => streamed(&[delta(json!({"reasoning_content": "hmm"})), text("so"), finished("stop"), done()]),
        "whole" => {
            let message = json!({"role": "assistant", "content": "all at once"});
            plain(200, &json!({"choices": [{"message": message, "finish_reason": "stop"}]}).to_string())
        }
        _ => streamed(&[text("Hello, "), text("wörld."), finished("stop"), usage.to_owned(), done()]),
    }
}

#[tokio::test]
async fn an_answer_is_streamed_with_what_it_used_and_the_conversation_is_kept() {
    let service = Service::start().await;
    let house = service.house();
    let session = house.session_with("local", json!({"systemPrompt": "Be brief."})).await;
    let mut turn = house.prompt(&session, "first");
    let ended = turn.end().await;
    assert_eq!((&ended["outcome"], &ended["nativeStopReason"]), (&json!("completed"), &json!("stop")));
    assert_eq!(turn.grown("text"), "Hello, wörld.");
    let used = &ended["usage"];
    assert_eq!((&used["input"], &used["cachedRead"], &used["output"]), (&json!(5), &json!(4), &json!(2)));
    assert_eq!(house.shown(&session)["model"], "tiny");
    house.write("a.txt", "content of a\n");
    house.prompt_with(&session, "second", json!({"currentFile": "a.txt"})).end().await;
    house.prompt(&session, "third").end().await;
    let asked = service.asked();
    assert!(asked[0].0.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", asked[0].0);
    assert!(!asked[0].0.to_lowercase().contains("authorization"));
    let messages: Vec<Vec<Value>> =
        asked.iter().map(|(_, body)| body["messages"].as_array().unwrap().clone()).collect();
    assert_eq!(
        messages[0],
        [json!({"role": "system", "content": "Be brief."}), json!({"role": "user", "content": "first"})]
    );
    assert!(messages[1].last().unwrap()["content"].as_str().unwrap().contains("content of a"));
    let third: Vec<&str> = messages[2].iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(third, ["Be brief.", "first", "Hello, wörld.", "second", "Hello, wörld.", "third"], "without the file");
}

#[tokio::test]
async fn what_was_said_before_it_came_is_told_to_the_model() {
    let service = Service::start().await;
    let house = service.house();
    house.write("a.txt", "needle\n");
    let session = house.session("builtin").await;
    house.prompt(&session, "read a.txt").end().await;
    house.ask("agent.setProvider", json!({"sessionId": session, "provider": "local"})).await.unwrap();
    house.prompt(&session, "first").end().await;
    house.prompt(&session, "second").end().await;
    let fork = house.ask("agent.fork", json!({"sessionId": session})).await.unwrap();
    house.prompt(fork["sessionId"].as_str().unwrap(), "third").end().await;
    let texts = |at: usize| -> Vec<String> {
        let messages = service.asked()[at].1["messages"].as_array().unwrap().clone();
        messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    };
    for at in [0, 1] {
        let texts = texts(at);
        assert!(texts[0].contains("Person: read a.txt") && texts[0].ends_with(" ends\n\nfirst"), "{texts:?}");
        assert_eq!(texts.len(), 1 + 2 * at, "it stands in front of the first prompt, and stays there");
    }
    assert!(texts(2)[0].contains("Person: second") && texts(2)[0].ends_with("third"), "{:?}", texts(2));
}

#[tokio::test]
async fn what_a_conversation_is_too_long_for_is_not_sent_and_told() {
    let service = Service::start().await;
    let house = service.house_with(|local| local.history_characters = 40);
    let session = house.session("local").await;
    house.prompt(&session, "something that is long").end().await;
    let mut turn = house.prompt(&session, "something else");
    turn.end().await;
    assert!(turn.seen.iter().any(|event| event["data"]["kind"] == "compaction"), "{:?}", turn.names());
    assert_eq!(service.asked()[1].1["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_goes_wrong_is_told_by_its_kind_and_never_as_an_answer() {
    let service = Service::start().await;
    let house = service.house_with(|local| local.key_env = Some("CARGO_PKG_NAME".to_owned()));
    let session = house.session("local").await;
    for (asked, kind, is_retryable) in [
        ("401 status", "auth_required", false),
        ("404 status", "model_not_found", false),
        ("429 status", "rate_limited", true),
        ("500 status", "provider_error", true),
        ("503 status", "overloaded", true),
        ("overflow", "context_overflow", false),
        ("quota", "quota_exhausted", false),
        ("redirect", "provider_error", true),
        ("cut", "network", true),
        ("torn", "network", true),
        ("nothttp", "network", true),
        ("garbage", "protocol", false),
        ("bytes", "protocol", false),
        ("endless", "protocol", false),
        ("failing", "overloaded", true),
    ] {
        let mut turn = house.prompt(&session, asked);
        let ended = turn.end().await;
        let error = &ended["error"];
        assert_eq!((&ended["outcome"], &error["kind"]), (&json!("failed"), &json!(kind)), "{asked}: {ended}");
        assert_eq!(error["retryable"], is_retryable, "{asked}");
        if asked.ends_with("status") {
            let message = error["message"].as_str().unwrap();
            assert_eq!(message, "the key [redacted] is not good", "{asked}");
            assert_eq!((turn.grown("text").as_str(), &error["retryAfterMs"]), ("", &json!(7000)));
        }
    }
    let heads: Vec<String> = service.asked().into_iter().map(|(head, _)| head.to_lowercase()).collect();
    assert!(heads.iter().all(|head| head.contains("\r\nauthorization: bearer sixframe-services\r\n")), "{heads:?}");
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["outcome"], "completed", "and the session goes on");
    assert_eq!(service.asked().last().unwrap().1["messages"].as_array().unwrap().len(), 1, "what failed was not said");
}

#[tokio::test]
async fn ends_and_shapes_of_answers_are_understood() {
    let service = Service::start().await;
    let house = service.house();
    let session = house.session_with("local", json!({"model": "big"})).await;
    for (asked, outcome, said) in [
        ("length", "max_tokens", "cut off"),
        ("filter", "refused", "no"),
        ("odd", "completed", "ok"),
        ("think", "completed", "so"),
        ("whole", "completed", "all at once"),
    ] {
        let mut turn = house.prompt(&session, asked);
        let ended = turn.end().await;
        assert_eq!((ended["outcome"].as_str().unwrap(), turn.grown("text").as_str()), (outcome, said), "{asked}");
        assert_eq!(turn.grown("thought"), if asked == "think" { "hmm" } else { "" });
    }
    assert!(service.asked().iter().all(|(_, body)| body["model"] == "big" && body["stream"] == true));
    house.ask("agent.setModel", json!({"sessionId": session, "model": "small"})).await.unwrap();
    house.prompt(&session, "hello").end().await;
    assert_eq!(service.asked().last().unwrap().1["model"], "small");
    let image = json!({"type": "image", "mimeType": "image/png", "data": "AA=="});
    let ended = house.prompt_with(&session, "", json!({"content": [image]})).end().await;
    assert_eq!(ended["error"]["kind"], "invalid_request");
}

#[tokio::test]
async fn an_interrupt_hangs_up_and_what_was_said_by_then_is_remembered() {
    let service = Service::start().await;
    let house = service.house();
    let session = house.session("local").await;
    let mut turn = house.prompt(&session, "slow");
    turn.until("item.delta").await;
    house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "interrupted");
    service.hung_up.notified().await;
    house.prompt(&session, "go on").end().await;
    let body = service.asked().pop().unwrap().1;
    let texts: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["slow", "I think", "go on"]);
}

#[tokio::test]
async fn an_address_leads_to_this_machine_or_nowhere() {
    let house = House::tuned(|config| config.local.url = Some("http://192.0.2.1/v1".to_owned()));
    let session = house.session("local").await;
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "invalid_request", "{ended}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let house = House::tuned(|config| config.local.url = Some(url));
    let session = house.session("local").await;
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!((&ended["error"]["kind"], &ended["error"]["retryable"]), (&json!("network"), &json!(true)), "{ended}");
}

async fn shown(house: &House, recheck: bool) -> (String, String) {
    let listed = house.ask("agent.providers", json!({"recheck": recheck})).await.unwrap();
    let info = listed["providers"].as_array().unwrap().iter().find(|info| info["id"] == "local").unwrap().clone();
    let text = |key: &str| info[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("hint"))
}

#[tokio::test]
async fn a_service_is_ready_where_it_lists_its_models() {
    let service = Service::start().await;
    let house = service.house();
    assert_eq!(shown(&house, false).await.0, "ready");
    let house = service.house_with(|local| local.key_env = Some("NO_SUCH_VARIABLE_AT_ALL".to_owned()));
    let (state, hint) = shown(&house, false).await;
    assert!(state == "loggedOut" && hint.contains("NO_SUCH_VARIABLE_AT_ALL"), "{state}: {hint}");
    let house = House::tuned(|config| config.local.url = Some("http://127.0.0.1:1/v1".to_owned()));
    assert_eq!(shown(&house, false).await.0, "missing");
}

#[tokio::test]
async fn a_sidecar_is_found_where_it_is_just_now() {
    let service = Service::start().await;
    let house = House::new();
    let (state, hint) = shown(&house, false).await;
    assert!(state == "missing" && hint.contains("local-model"), "{state}: {hint}");
    let session = house.session("local").await;
    let ended = house.prompt(&session, "hello").end().await;
    assert_eq!(ended["error"]["kind"], "cli_missing");

    let slice = house.hub.own::<Json>(SliceConfig::new("sidecars", Json::object())).unwrap();
    let stand = |status: &str| {
        let state = json!({
            "name": "local-model", "status": status, "generation": 1, "starts": 1, "restarts": 0, "port": service.port,
            "changedAt": 0, "owner": "this", "dependsOn": [], "autoStart": true
        });
        slice.commit(|write| write.set("", json!({"services": {"local-model": state}}))).unwrap();
    };
    stand("starting");
    assert_eq!(shown(&house, false).await.0, "missing");
    stand("ready");
    assert_eq!(shown(&house, false).await, ("ready".to_owned(), String::new()), "without being asked to look again");
    let mut turn = house.prompt(&session, "hello");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.grown("text"), "Hello, wörld.");
    stand("failed");
    assert_eq!(shown(&house, false).await.0, "missing");
}
