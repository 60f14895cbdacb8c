//! Plays a recording's other end: sends what the endpoint received then, and checks that it sends what it sent then.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;

use super::recording::{Recorded, Recording};
use crate::memory::MemoryTransport;
use crate::{Direction, Message, TransportError};

/// Keys of `meta` that differ from run to run.
const VOLATILE: [&str; 5] = ["timeoutMs", "ts", "traceparent", "tracestate", "baggage"];

/// How an endpoint behaved otherwise than its recording.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("message {index}: expected {expected}, got {got}")]
pub struct Divergence {
    /// Where in the recording, counted from 0.
    pub index: usize,
    /// What the recording says.
    pub expected: String,
    /// What came instead, or why nothing did.
    pub got: String,
}

/// The other end of a recorded connection.
///
/// The `cid`s of the endpoint's own calls differ between runs and are mapped; the order of its messages must be the
/// recording's within each `cid`. What the endpoint calls by itself, the test must let it call again.
#[derive(Debug)]
pub struct Replayer {
    recording: Recording,
    cids: HashMap<String, String>,
    early: Vec<Value>,
    patience: Duration,
}

impl Replayer {
    /// A replayer of `recording`.
    pub fn new(recording: Recording) -> Replayer {
        Replayer { recording, cids: HashMap::new(), early: Vec::new(), patience: Duration::from_secs(10) }
    }

    /// Plays the whole recording over `transport`, the other end of the endpoint's.
    ///
    /// # Errors
    /// The first [`Divergence`]; also when the endpoint sends nothing for 10 s, or ends the connection.
    pub async fn play(mut self, transport: &mut MemoryTransport) -> Result<(), Divergence> {
        let messages = std::mem::take(&mut self.recording.messages);
        for (index, recorded) in messages.iter().enumerate() {
            let diverged = |got: String| Divergence { index, expected: recorded_text(recorded), got };
            match recorded.direction {
                Direction::Received => {
                    let sent = transport.send(self.translate(recorded)).await;
                    sent.map_err(|error| diverged(error.to_string()))?;
                }
                Direction::Sent => {
                    let expected = serde_json::from_slice(&recorded.message()).unwrap_or_default();
                    let got = self.find(transport, &expected).await.map_err(diverged)?;
                    self.check(expected, got).map_err(diverged)?;
                }
            }
        }
        Ok(())
    }

    /// A recorded message under the `cid` that the endpoint uses now.
    fn translate(&self, recorded: &Recorded) -> Message {
        let message = recorded.message();
        let Ok(mut frame) = serde_json::from_slice::<Value>(&message) else { return message };
        let mapped = frame["cid"].as_str().and_then(|cid| self.cids.get(cid));
        match mapped {
            Some(cid) if frame["kind"] != "req" => {
                frame["cid"] = cid.as_str().into();
                frame.to_string().into()
            }
            Some(_) | None => message,
        }
    }

    /// The next message of the endpoint that belongs where `expected` did.
    async fn find(&mut self, transport: &mut MemoryTransport, expected: &Value) -> Result<Value, String> {
        loop {
            if let Some(at) = self.early.iter().position(|frame| self.belongs(frame, expected)) {
                return Ok(self.early.remove(at));
            }
            let next = tokio::time::timeout(self.patience, transport.next()).await;
            let message: Result<Message, TransportError> =
                next.map_err(|_| self.nothing())?.ok_or("the end of the connection")?;
            let message = message.map_err(|error| error.to_string())?;
            let frame = serde_json::from_slice(&message).map_err(|error| format!("no JSON: {error}"))?;
            self.early.push(frame);
        }
    }

    fn belongs(&self, frame: &Value, expected: &Value) -> bool {
        let known = expected["cid"].as_str().and_then(|cid| self.cids.get(cid));
        match known {
            Some(cid) => frame["cid"] == cid.as_str(),
            None if expected["kind"] == "req" => {
                let fresh = !self.cids.values().any(|cid| frame["cid"] == cid.as_str());
                fresh && frame["kind"] == "req" && frame["method"] == expected["method"]
            }
            None => frame["cid"] == expected["cid"],
        }
    }

    fn check(&mut self, mut expected: Value, mut got: Value) -> Result<(), String> {
        if let (Some(then), Some(now)) = (expected["cid"].as_str(), got["cid"].as_str()) {
            self.cids.insert(then.to_owned(), now.to_owned());
        }
        let text = got.to_string();
        for frame in [&mut expected, &mut got] {
            frame["cid"] = Value::Null;
            let meta = frame.get_mut("meta").and_then(Value::as_object_mut);
            meta.into_iter().for_each(|meta| meta.retain(|key, _| !VOLATILE.contains(&key.as_str())));
        }
        if expected == got { Ok(()) } else { Err(text) }
    }

    fn nothing(&self) -> String {
        match self.early.first() {
            Some(early) => format!("nothing that belongs there, but {early}"),
            None => "nothing".to_owned(),
        }
    }
}

fn recorded_text(recorded: &Recorded) -> String {
    String::from_utf8_lossy(&recorded.message()).into_owned()
}
