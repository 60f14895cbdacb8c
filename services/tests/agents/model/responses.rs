//! The Responses API, as far as Codex asks for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{NUMBER, cut, event, garble, plain, recalled, streamed};

/// What it was asked last: a text, or nothing where that is what a tool answered.
fn asked(body: &Value) -> Option<String> {
    let last =
        body["input"].as_array()?.iter().rev().find(|item| {
            item["role"] == "user" || item["type"].as_str().is_some_and(|kind| kind.ends_with("_output"))
        })?;
    let texts = last["content"].as_array()?.iter().rev().filter_map(|part| part["text"].as_str());
    texts.into_iter().next().map(str::to_owned)
}

pub(super) async fn answer(stream: &mut TcpStream, body: &Value) -> std::io::Result<()> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let asked = asked(body);
    let (word, rest) = asked.as_deref().and_then(|text| text.trim().split_once(' ')).unwrap_or(("", ""));
    if let Some(status) = word.strip_prefix("fail-").and_then(|status| status.parse().ok()) {
        let error = json!({"error": {"message": format!("refused with {status}"), "type": "refused"}});
        return plain(stream, status, &error.to_string()).await;
    }
    streamed(stream).await?;
    let response = json!({"id": format!("resp_{number}"), "object": "response", "status": "in_progress", "output": []});
    event(stream, json!({"type": "response.created", "response": response})).await?;
    let item = match (word, asked.is_none()) {
        (_, true) => message(stream, number, &["It ", "is ", "done."]).await?,
        ("run", _) => call(stream, number, json!({"name": "exec_command"}), json!({"cmd": rest})).await?,
        ("spawn", _) => {
            let tool = json!({"name": "spawn_agent", "namespace": "multi_agent_v1"});
            call(stream, number, tool, json!({"message": rest})).await?
        }
        ("recall", _) => message(stream, number, &[recalled(&body["input"], rest)]).await?,
        ("forever", _) => forever(stream, number).await?,
        ("garble", _) => return garble(stream).await,
        ("cut", _) => {
            let id = begin(stream, number).await?;
            delta(stream, &id, "Hel").await?;
            return cut(stream).await;
        }
        _ => message(stream, number, &["Hello ", "from ", "the ", "model."]).await?,
    };
    let mut completed = response;
    (completed["status"], completed["output"]) = (json!("completed"), json!([item]));
    completed["usage"] = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15,
    });
    event(stream, json!({"type": "response.completed", "response": completed})).await?;
    stream.write_all(b"0\r\n\r\n").await
}

/// A message begins: its id.
async fn begin(stream: &mut TcpStream, number: u64) -> std::io::Result<String> {
    let id = format!("msg_{number}");
    let item = json!({"type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": []});
    event(stream, json!({"type": "response.output_item.added", "output_index": 0, "item": item})).await?;
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    let added = json!({"type": "response.content_part.added", "item_id": id, "output_index": 0, "content_index": 0, "part": part});
    event(stream, added).await?;
    Ok(id)
}

async fn delta(stream: &mut TcpStream, id: &str, text: &str) -> std::io::Result<()> {
    event(
        stream,
        json!({
            "type": "response.output_text.delta", "item_id": id, "output_index": 0, "content_index": 0, "delta": text
        }),
    )
    .await
}

async fn message(stream: &mut TcpStream, number: u64, pieces: &[&str]) -> std::io::Result<Value> {
    let id = begin(stream, number).await?;
    for piece in pieces {
        delta(stream, &id, piece).await?;
    }
    let part = json!({"type": "output_text", "text": pieces.concat(), "annotations": []});
    let item = json!({"type": "message", "id": id, "role": "assistant", "status": "completed", "content": [part]});
    event(stream, json!({"type": "response.output_item.done", "output_index": 0, "item": item})).await?;
    Ok(item)
}

/// Ends when the one who asked hangs up.
async fn forever(stream: &mut TcpStream, number: u64) -> std::io::Result<Value> {
    let id = begin(stream, number).await?;
    loop {
        delta(stream, &id, "on and ").await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn call(stream: &mut TcpStream, number: u64, tool: Value, arguments: Value) -> std::io::Result<Value> {
    let mut item = json!({
        "type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"),
        "arguments": arguments.to_string(), "status": "completed",
    });
    item.as_object_mut().into_iter().for_each(|item| item.extend(tool.as_object().cloned().unwrap_or_default()));
    event(stream, json!({"type": "response.output_item.done", "output_index": 0, "item": item})).await?;
    Ok(item)
}
