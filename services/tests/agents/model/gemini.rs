//! Gemini's API, as far as its command line asks for it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{cut, garble, plain, recalled, streamed};

/// What it was asked last: a text, or nothing where that is what a tool answered.
fn asked(body: &Value) -> Option<String> {
    let last = body["contents"].as_array()?.iter().rev().find(|content| content["role"] != "model")?;
    let parts = last["parts"].as_array()?;
    if parts.iter().any(|part| part.get("functionResponse").is_some()) {
        return None;
    }
    parts.iter().rev().find_map(|part| part["text"].as_str()).map(str::to_owned)
}

pub(super) async fn answer(stream: &mut TcpStream, body: &Value) -> std::io::Result<()> {
    let asked = asked(body);
    let (word, rest) = asked.as_deref().and_then(|text| text.trim().split_once(' ')).unwrap_or(("", ""));
    if let Some(status) = word.strip_prefix("fail-").and_then(|status| status.parse::<u16>().ok()) {
        let error =
            json!({"error": {"code": status, "message": format!("refused with {status}"), "status": "REFUSED"}});
        return plain(stream, status, &error.to_string()).await;
    }
    streamed(stream).await?;
    match (word, asked.is_none()) {
        (_, true) => texts(stream, &["It ", "is ", "done."]).await?,
        ("write", _) => {
            let call = json!({"name": "write_file", "args": {"file_path": rest, "content": "written\n"}});
            part(stream, json!({"functionCall": call}), true).await?;
        }
        ("recall", _) => {
            texts(stream, &[recalled(&json!([body["contents"], body["systemInstruction"]]), rest)]).await?
        }
        ("garble", _) => return garble(stream).await,
        ("cut", _) => {
            part(stream, json!({"text": "Hel"}), false).await?;
            return cut(stream).await;
        }
        ("forever", _) => loop {
            part(stream, json!({"text": "on and "}), false).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        },
        _ => texts(stream, &["Hello ", "from ", "the ", "model."]).await?,
    }
    stream.write_all(b"0\r\n\r\n").await
}

async fn texts(stream: &mut TcpStream, pieces: &[&str]) -> std::io::Result<()> {
    for (at, text) in pieces.iter().enumerate() {
        part(stream, json!({"text": text}), at + 1 == pieces.len()).await?;
    }
    Ok(())
}

async fn part(stream: &mut TcpStream, part: Value, is_last: bool) -> std::io::Result<()> {
    let mut candidate = json!({"content": {"role": "model", "parts": [part]}, "index": 0});
    let mut chunk = json!({"modelVersion": "test", "responseId": "r1"});
    if is_last {
        candidate["finishReason"] = json!("STOP");
        chunk["usageMetadata"] = json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15});
    }
    chunk["candidates"] = json!([candidate]);
    let text = format!("data: {chunk}\r\n\r\n");
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await
}
