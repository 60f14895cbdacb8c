//! A model's service for one test: the Messages API, the Responses API and Gemini's, streamed, on a port of this machine. What
//! it answers is chosen by the first word of the last thing that it was asked.

mod gemini;
mod responses;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What answers are told apart by.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// The service. It ends with the test's runtime.
pub(crate) struct Model {
    pub(crate) url: String,
    hung_up: Arc<Notify>,
    /// The keys that it was asked with, where they are Gemini's.
    keys: Arc<Mutex<Vec<String>>>,
}

impl Model {
    pub(crate) async fn start() -> Model {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hung_up = Arc::new(Notify::new());
        let tells = Arc::clone(&hung_up);
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&keys);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tells, seen) = (Arc::clone(&tells), Arc::clone(&seen));
                tokio::spawn(async move {
                    if serve(stream, &seen).await.is_err() {
                        tells.notify_one();
                    }
                });
            }
        });
        Model { url, hung_up, keys }
    }

    /// The keys that it was asked with, where they are Gemini's.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }

    /// Somebody has hung up in the midst of an answer.
    pub(crate) async fn hung_up(&self) {
        self.hung_up.notified().await;
    }
}

async fn serve(stream: TcpStream, keys: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
        keys.lock().unwrap().extend(header(&head, "x-goog-api-key").map(str::to_owned));
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await?;
        let stream = stream.get_mut();
        if head.starts_with("POST /v1/responses") {
            responses::answer(stream, &serde_json::from_slice(&body).unwrap_or_default()).await?;
            continue;
        }
        if head.starts_with("POST /v1beta/") && head.contains(":streamGenerateContent") {
            gemini::answer(stream, &serde_json::from_slice(&body).unwrap_or_default()).await?;
            continue;
        }
        if !head.starts_with("POST /v1/messages?") && !head.starts_with("POST /v1/messages ") {
            plain(stream, 200, "{}").await?;
            continue;
        }
        answer(stream, &serde_json::from_slice(&body).unwrap_or_default()).await?;
    }
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

async fn plain(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nx-should-retry: false\r\n");
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

/// What it was asked last: a text, or nothing where that is what a tool answered.
fn asked(body: &Value) -> Option<String> {
    let last = body["messages"].as_array()?.iter().rev().find(|message| message["role"] == "user")?;
    let parts = match &last["content"] {
        Value::String(text) => return Some(text.clone()),
        parts => parts.as_array()?,
    };
    if parts.iter().any(|part| part["type"] == "tool_result") {
        return None;
    }
    let texts: Vec<&str> = parts.iter().rev().filter_map(|part| part["text"].as_str()).collect();
    let asked = texts.iter().find(|text| !text.contains("<system-reminder>"));
    // What is to be done behind a command in the background is what that is called.
    let called = |text: &&str| Some(text.split_once("Background command \"")?.1.split_once('"')?.0.to_owned());
    asked.map(|text| (*text).to_owned()).or_else(|| texts.iter().find_map(called))
}

async fn answer(stream: &mut TcpStream, body: &Value) -> io::Result<()> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let asked = asked(body);
    let (word, rest) = asked.as_deref().and_then(|text| text.trim().split_once(' ')).unwrap_or(("", ""));
    if let Some(status) = word.strip_prefix("fail-").and_then(|status| status.parse().ok()) {
        let error =
            json!({"type": "error", "error": {"type": "api_error", "message": format!("refused with {status}")}});
        return plain(stream, status, &error.to_string()).await;
    }
    streamed(stream).await?;
    let usage = json!({"input_tokens": 10, "output_tokens": 1});
    let message = json!({
        "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": body["model"], "content": [], "usage": usage,
        "stop_reason": null, "stop_sequence": null,
    });
    event(stream, json!({"type": "message_start", "message": message})).await?;
    let stop = match (word, asked.is_none()) {
        (_, true) => text(stream, &["It ", "is ", "done."]).await?,
        ("run", _) => tool(stream, number, "Bash", json!({"command": rest, "description": "as asked"})).await?,
        ("later", _) => {
            let (command, then) = rest.split_once(" | ").unwrap_or((rest, "hello"));
            let input = json!({"command": command, "description": then, "run_in_background": true});
            tool(stream, number, "Bash", input).await?
        }
        ("write", _) => tool(stream, number, "Write", json!({"file_path": rest, "content": "written\n"})).await?,
        ("ask", _) => tool(stream, number, "AskUserQuestion", question(rest)).await?,
        ("recall", _) => text(stream, &[recalled(body, rest)]).await?,
        ("forever", _) => forever(stream).await?,
        ("garble", _) => return garble(stream).await,
        ("cut", _) => {
            begin(stream, json!({"type": "text", "text": ""})).await?;
            delta(stream, json!({"type": "text_delta", "text": "Hel"})).await?;
            return cut(stream).await;
        }
        _ => text(stream, &["Hello ", "from ", "the ", "model."]).await?,
    };
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    event(stream, json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}})).await?;
    event(stream, json!({"type": "message_stop"})).await?;
    stream.write_all(b"0\r\n\r\n").await
}

/// Whether it was told of a word before it is asked for it.
fn recalled(told: &Value, word: &str) -> &'static str {
    if told.to_string().matches(word).count() > 1 { "known" } else { "unknown" }
}

/// What is asked of a person.
fn question(text: &str) -> Value {
    let options = json!([{"label": "Left", "description": "west"}, {"label": "Right", "description": "east"}]);
    json!({"questions": [{"question": text, "header": "Way", "multiSelect": false, "options": options}]})
}

/// What no service says, and then the end as if all were well.
async fn garble(stream: &mut TcpStream) -> io::Result<()> {
    let text = "data: {\"type\": \u{fffd}, nothing of this is JSON\n\n";
    stream.write_all(format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len()).as_bytes()).await
}

/// The end of the connection in the midst of an answer.
async fn cut(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await
}

/// Ends when the one who asked hangs up.
async fn forever(stream: &mut TcpStream) -> io::Result<&'static str> {
    begin(stream, json!({"type": "text", "text": ""})).await?;
    loop {
        delta(stream, json!({"type": "text_delta", "text": "on and "})).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn text(stream: &mut TcpStream, pieces: &[&str]) -> io::Result<&'static str> {
    begin(stream, json!({"type": "text", "text": ""})).await?;
    for piece in pieces {
        delta(stream, json!({"type": "text_delta", "text": piece})).await?;
    }
    event(stream, json!({"type": "content_block_stop", "index": 0})).await?;
    Ok("end_turn")
}

async fn tool(stream: &mut TcpStream, number: u64, name: &str, input: Value) -> io::Result<&'static str> {
    begin(stream, json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": {}})).await?;
    delta(stream, json!({"type": "input_json_delta", "partial_json": input.to_string()})).await?;
    event(stream, json!({"type": "content_block_stop", "index": 0})).await?;
    Ok("tool_use")
}

async fn begin(stream: &mut TcpStream, block: Value) -> io::Result<()> {
    event(stream, json!({"type": "content_block_start", "index": 0, "content_block": block})).await
}

async fn delta(stream: &mut TcpStream, delta: Value) -> io::Result<()> {
    event(stream, json!({"type": "content_block_delta", "index": 0, "delta": delta})).await
}

/// The head of an answer that is streamed.
async fn streamed(stream: &mut TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await
}

async fn event(stream: &mut TcpStream, event: Value) -> io::Result<()> {
    let text = format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await
}
