//! Recordings of a connection: every message with its direction and time, as lines of JSON.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::{Direction, FrameTap, Message, redact};

/// One message of a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Milliseconds since the recording began.
    pub at: u64,
    /// Which way it went, as the recorded endpoint sees it.
    pub direction: Direction,
    /// The frame; `None` where the message was no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Box<RawValue>>,
    /// A message that was no JSON, as text with what was no UTF-8 replaced; its length alone where it was redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub garbage: Option<String>,
}

impl Recorded {
    /// The message as it was; garbage only as far as it was text.
    pub fn message(&self) -> Message {
        let text = self.frame.as_deref().map(RawValue::get).or(self.garbage.as_deref());
        Message::copy_from_slice(text.unwrap_or_default().as_bytes())
    }
}

/// The messages of a connection, in the order in which they passed.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The messages.
    pub messages: Vec<Recorded>,
}

impl Recording {
    /// Writes one line of JSON a message.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        for recorded in &self.messages {
            serde_json::to_writer(&mut to, recorded)?;
            to.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what [`Recording::write`] wrote; empty lines are passed over.
    ///
    /// # Errors
    /// Those of `from`, and `InvalidData` for a line that is no message.
    pub fn read(from: impl BufRead) -> io::Result<Recording> {
        let mut messages = Vec::new();
        for line in from.lines() {
            let line = line?;
            if !line.trim().is_empty() {
                messages.push(serde_json::from_str(&line)?);
            }
        }
        Ok(Recording { messages })
    }
}

/// Records a connection through its frame tap. Clones record into the same recording.
#[derive(Clone, Debug)]
pub struct Recorder {
    start: Instant,
    bytes: usize,
    redacts: bool,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    recording: Recording,
    bytes: usize,
    left_out: u64,
}

impl Recorder {
    /// A recorder that keeps at most `bytes` of messages, and leaves out those beyond. Secrets are recorded: see
    /// [`Recorder::redacting`].
    pub fn new(bytes: usize) -> Recorder {
        Recorder { start: Instant::now(), bytes, redacts: false, kept: Arc::default() }
    }

    /// A recorder whose recording may be shown: secrets are taken out as [`redact`] does.
    pub fn redacting(bytes: usize) -> Recorder {
        Recorder { redacts: true, ..Recorder::new(bytes) }
    }

    /// What to give to [`crate::Config::on_frame`].
    pub fn tap(&self) -> FrameTap {
        let recorder = self.clone();
        FrameTap::new(move |direction, message| recorder.record(direction, message))
    }

    /// What was recorded so far.
    pub fn recording(&self) -> Recording {
        self.kept().recording.clone()
    }

    /// How many messages did not fit.
    pub fn left_out(&self) -> u64 {
        self.kept().left_out
    }

    fn record(&self, direction: Direction, message: &Message) {
        let at = self.start.elapsed().as_millis() as u64;
        let text = if self.redacts { redact(message) } else { String::from_utf8_lossy(message) };
        let size = text.len();
        let (frame, garbage) = match RawValue::from_string(text.into_owned()) {
            Ok(frame) => (Some(frame), None),
            Err(_) if self.redacts => (None, Some(redact(message).into_owned())),
            Err(_) => (None, Some(String::from_utf8_lossy(message).into_owned())),
        };
        let mut kept = self.kept();
        if kept.bytes + size > self.bytes {
            kept.left_out += 1;
            return;
        }
        kept.bytes += size;
        kept.recording.messages.push(Recorded { at, direction, frame, garbage });
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
