//! A program that speaks as Claude Code does, and does nothing else: what it is asked decides what it says. What the agents
//! take longer with it than a plain pipe does is ours.

use std::io::{BufRead as _, BufWriter, StdinLock, StdoutLock, Write as _};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// The text of a delta: 16 bytes.
pub(crate) const PIECE: &str = "sixteen bytes...";

/// Speaks until its input ends.
pub(crate) fn speak() -> Result<()> {
    let mut speaker = Speaker {
        input: std::io::stdin().lock(),
        output: BufWriter::with_capacity(64 << 10, std::io::stdout().lock()),
    };
    while let Some(message) = speaker.hear()? {
        match message["type"].as_str() {
            Some("control_request") => {
                let response = json!({"subtype": "success", "request_id": message["request_id"], "response": {}});
                speaker.say(&json!({"type": "control_response", "response": response}))?;
                speaker.output.flush()?;
            }
            Some("user") => speaker.turn(message["message"]["content"][0]["text"].as_str().unwrap_or_default())?,
            _ => (),
        }
    }
    Ok(())
}

struct Speaker {
    input: StdinLock<'static>,
    output: BufWriter<StdoutLock<'static>>,
}

impl Speaker {
    fn hear(&mut self) -> Result<Option<Value>> {
        let mut line = String::new();
        match self.input.read_line(&mut line)? {
            0 => Ok(None),
            _ => Ok(Some(serde_json::from_str(&line)?)),
        }
    }

    fn say(&mut self, message: &Value) -> Result<()> {
        Ok(writeln!(self.output, "{message}")?)
    }

    fn event(&mut self, event: Value) -> Result<()> {
        self.say(&json!({"type": "stream_event", "event": event, "session_id": "s"}))
    }

    fn turn(&mut self, asked: &str) -> Result<()> {
        let (word, count) = asked.split_once(' ').unwrap_or((asked, "1"));
        let count: u64 = count.parse().unwrap_or(1);
        self.say(&json!({"type": "system", "subtype": "init", "session_id": "s", "model": "m", "tools": []}))?;
        let text = match word {
            "leave" => self.leave(count)?,
            _ => String::new(),
        };
        self.event(json!({"type": "message_start", "message": {"id": "m1", "content": []}}))?;
        let block = json!({"type": "text", "text": ""});
        self.event(json!({"type": "content_block_start", "index": 0, "content_block": block}))?;
        let piece = if text.is_empty() { PIECE } else { &text };
        for _ in 0..if word == "flood" { count } else { 1 } {
            let delta = json!({"type": "text_delta", "text": piece});
            self.event(json!({"type": "content_block_delta", "index": 0, "delta": delta}))?;
        }
        self.event(json!({"type": "content_block_stop", "index": 0}))?;
        self.event(json!({"type": "message_stop"}))?;
        let usage = json!({"input_tokens": 1, "output_tokens": 1});
        self.say(&json!({"type": "result", "subtype": "success", "is_error": false, "usage": usage}))?;
        Ok(self.output.flush()?)
    }

    /// Asks leave so many times: how long each answer took, in microseconds, as JSON.
    fn leave(&mut self, count: u64) -> Result<String> {
        let mut times = Vec::new();
        for number in 0..count {
            let input = json!({"command": format!("true {number}")});
            let request = json!({
                "subtype": "can_use_tool", "tool_name": "Bash", "input": input, "tool_use_id": format!("t{number}")
            });
            let asked = Instant::now();
            self.say(&json!({"type": "control_request", "request_id": format!("r{number}"), "request": request}))?;
            self.output.flush()?;
            let answer = self.hear()?.context("nobody answers")?;
            anyhow::ensure!(answer["response"]["response"]["behavior"] == "allow", "denied: {answer}");
            times.push(u64::try_from(asked.elapsed().as_micros())?);
        }
        Ok(serde_json::to_string(&times)?)
    }
}
