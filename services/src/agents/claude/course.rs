//! Whose turn it is: that of the prompt that it was given, or one that Claude Code begins by itself, as it does when a command in
//! the background has ended. It tells which prompts it takes up by the ids that they were given. One that comes while it works
//! by itself is taken up behind that, or in the midst of it.

use serde_json::{Value, json};

use super::super::agent::{Fact, Step};
use super::super::event::Outcome;
use super::super::strange;
use super::super::turn::TurnEnd;
use super::super::usage::Usage;

/// The longest that is told of why it begins, in characters.
const REASON: usize = 200;

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The prompt that it was given and has not ended.
    given: Option<Given>,
    /// Whether it works, and has not told of a result.
    is_running: bool,
    /// Whether it was told to have begun by itself.
    is_own: bool,
    /// What it was notified of last.
    reason: Option<String>,
    /// What it used by itself since it was given the prompt.
    carried: Usage,
}

/// What ends with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What it was given.
    Given,
    /// What it began by itself, while it was given nothing.
    Own,
}

#[derive(Debug)]
struct Given {
    uuid: String,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing was told of it, and nothing is by old versions.
    Sent,
    Queued,
    /// The next result is its end.
    Started,
}

impl Course {
    /// It is given a prompt: its id there.
    pub(super) fn give(&mut self) -> String {
        let uuid = uuid();
        self.given = Some(Given { uuid: uuid.clone(), place: Place::Sent });
        self.carried = Usage::default();
        uuid
    }

    /// It says something: whether it has begun by itself with that, and why.
    pub(super) fn hear(&mut self, message: &Value) -> Option<Step> {
        if message["type"] == "system" && message["subtype"] == "task_notification" {
            let text = message["summary"].as_str().and_then(|text| text.lines().next()).unwrap_or_default();
            self.reason = (!text.is_empty()).then(|| text.chars().take(REASON).collect());
        }
        if !is_work(message) {
            return None;
        }
        self.is_running = true;
        if self.given.is_some() || self.is_own {
            return None;
        }
        self.is_own = true;
        Some(Step::tell(message["type"].as_str().unwrap_or_default(), Fact::Began { reason: self.reason.take() }))
    }

    /// It tells what becomes of a prompt. Gives how the turn ends, where no result follows.
    pub(super) fn follow(&mut self, message: &Value) -> Option<TurnEnd> {
        let given = self.given.as_mut().filter(|given| message["command_uuid"] == given.uuid.as_str())?;
        let outcome = match message["state"].as_str()? {
            "queued" if given.place == Place::Sent => {
                given.place = Place::Queued;
                return None;
            }
            "completed" => Outcome::Completed,
            "cancelled" => Outcome::Interrupted,
            "started" => {
                given.place = Place::Started;
                return None;
            }
            _ => return None,
        };
        given.place = Place::Started;
        if self.is_running || outcome == Outcome::Completed && self.carried == Usage::default() {
            return None;
        }
        self.given = None;
        Some(TurnEnd { usage: Some(self.carried), ..TurnEnd::new(outcome) })
    }

    /// What was used, with what was used before it in the same turn.
    pub(super) fn used(&self, usage: Usage) -> Usage {
        self.carried.plus(usage)
    }

    /// It tells of a result: what ends with that. If nothing does, it was of something that it began by itself just when it was
    /// given a prompt, and so much was used.
    pub(super) fn ends(&mut self, result: &Value, used: Usage) -> Option<End> {
        self.is_running = false;
        let is_own = self.is_own && self.given.is_none();
        let kind = result["origin"]["kind"].as_str();
        let is_foreign = kind.is_some_and(|kind| kind != "human");
        let waits = self.given.as_ref().is_some_and(|given| match given.place {
            Place::Sent => is_foreign,
            Place::Queued => true,
            Place::Started => false,
        });
        if waits {
            self.carried = used;
            return None;
        }
        (self.given, self.is_own, self.carried) = (None, false, Usage::default());
        Some(if is_own { End::Own } else { End::Given })
    }
}

/// Whether it is at work when it says this. What tool servers ask while nothing is asked of it is not its work.
fn is_work(message: &Value) -> bool {
    match message["type"].as_str() {
        Some("system") => message["subtype"] == "status" && message["status"] == "requesting",
        Some("stream_event") => message["event"]["type"] == "message_start",
        Some("assistant") => message["message"]["model"] != "<synthetic>",
        Some("control_request") => {
            let subtype = message["request"]["subtype"].as_str().unwrap_or_default();
            subtype == "can_use_tool" || strange::is_leave(subtype)
        }
        _ => false,
    }
}

/// An id of the form that it wants, of which there is no other. Where the system has no random numbers, it is none of that form,
/// and the prompt goes without.
fn uuid() -> String {
    let mut bytes = [0u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return String::new();
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A prompt as it is said.
pub(super) fn prompt(content: Vec<Value>, uuid: String) -> Value {
    let message = json!({"role": "user", "content": content});
    let mut prompt = json!({
        "type": "user", "message": message, "parent_tool_use_id": null, "session_id": "", "client_composed": true,
    });
    if !uuid.is_empty() {
        prompt["uuid"] = Value::String(uuid);
    }
    prompt
}
