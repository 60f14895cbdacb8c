//! A session as windows see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::event::{Delivery, Mode, QuestionRequest};
use super::super::item::Content;
use super::super::permission::PermissionRequest;
use super::super::prompt_builder::ContextSummary;
use super::super::secrets::Secrets;
use super::super::state::State;
use super::super::usage::UsageUpdate;
use super::Session;
use super::queue::Waiting;

/// How much of what a prompt says is shown while it waits, in bytes.
const GIST: usize = 2 << 10;

/// A prompt that waits, as a window shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentWaitingPrompt")]
pub struct WaitingPrompt {
    /// Its id.
    pub prompt_id: String,
    /// How many are before it.
    pub position: u64,
    /// How it is to reach an agent that is at work.
    pub delivery: Delivery,
    /// What it says: the first 2 KiB of its texts, without pictures.
    pub content: Vec<Content>,
    /// Whether it says more than that.
    pub is_cut: bool,
    /// How much it says, in bytes, and what is sent with it.
    pub bytes: u64,
    /// The number of the event `prompt.queued` that tells all of it, among those that `agent.events` gives of the session.
    pub seq: u64,
    /// What the agent is given with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextSummary>,
}

impl WaitingPrompt {
    fn of(position: usize, waiting: &Waiting) -> WaitingPrompt {
        let Waiting { prompt, delivery, told, timeout: _, was_steered: _ } = waiting;
        let mut room = GIST;
        let content: Vec<Content> = prompt.content.iter().map_while(|part| gist(part, &mut room)).collect();
        WaitingPrompt {
            prompt_id: prompt.id.clone(),
            position: position as u64,
            delivery: *delivery,
            is_cut: content != prompt.content,
            content,
            bytes: prompt.bytes() as u64,
            seq: *told,
            context: prompt.context.as_ref().map(|context| context.summary.clone()),
        }
    }
}

/// Of a session as a window shows it, the prompts that are not shown to their ends.
fn cut_prompts(view: &mut Value) -> Vec<&mut Value> {
    let waiting = view.get_mut("queue").and_then(Value::as_array_mut).into_iter().flatten();
    waiting.filter(|prompt| prompt["isCut"] == true).filter_map(|prompt| prompt.get_mut("content")).collect()
}

/// As much of a part as there is room for; none where there is no more.
fn gist(part: &Content, room: &mut usize) -> Option<Content> {
    let fits = |bytes: usize, room: &mut usize| {
        let rest = room.checked_sub(bytes);
        rest.map(|rest| *room = rest).is_some()
    };
    match part {
        Content::Text { text } => {
            let end = (0..=text.len().min(*room)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            *room = if end < text.len() { 0 } else { *room - end };
            (end > 0 || text.is_empty()).then(|| Content::Text { text: text[..end].to_owned() })
        }
        Content::ResourceLink { uri, name } => {
            let bytes = uri.len() + name.as_ref().map_or(0, String::len);
            fits(bytes, room).then(|| part.clone())
        }
        Content::Image { .. } | Content::Other { .. } => None,
    }
}

/// A session as a window shows it: what it is doing, and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSessionView")]
pub struct SessionView {
    /// Its id.
    pub session_id: String,
    /// The provider of its agent.
    pub provider: String,
    /// The folder that the agent works in.
    pub cwd: String,
    /// What it is doing.
    pub state: State,
    /// What is allowed without being asked for.
    pub mode: Mode,
    /// Whether the agent's process can be spoken to.
    pub is_ready: bool,
    /// The turn that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// What it is called: by its agent, else by the first line that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The model that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent's own id of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_session_id: Option<String>,
    /// Prompts that wait.
    pub queue: Vec<WaitingPrompt>,
    /// What waits for leave.
    pub permissions: Vec<PermissionRequest>,
    /// What waits for an answer.
    #[serde(default)]
    pub questions: Vec<QuestionRequest>,
    /// The session that this is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The run that this is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// When it was begun, in milliseconds since 1970.
    #[serde(default)]
    pub created_at_ms: u64,
    /// What was used so far.
    pub usage: UsageUpdate,
    /// The number of its newest event.
    pub seq: u64,
}

impl SessionView {
    /// It as JSON, without secrets. What a prompt is cut to may end with the beginning of one; all else is whole, and is shown as
    /// it is: by it a person gives leave.
    pub(in super::super) fn shown(&self, secrets: &Secrets) -> serde_json::Result<String> {
        let text = serde_json::to_string(self)?;
        Ok(secrets.redacted_json(&text, &[], Some(cut_prompts)).into_owned())
    }
}

impl Session {
    /// The session as a window shows it.
    pub fn view(&self) -> SessionView {
        let queue = self.queue.iter().enumerate().map(|(position, waiting)| WaitingPrompt::of(position, waiting));
        let created = &self.beginning.created;
        SessionView {
            session_id: self.beginning.id.clone(),
            provider: created.provider.clone(),
            cwd: created.cwd.clone(),
            state: self.state(),
            mode: self.mode,
            is_ready: self.is_ready(),
            turn_id: self.turns.open().map(|turn| turn.id().to_owned()),
            title: self.title(),
            model: self.known.model.clone().or_else(|| self.asked_model.clone()),
            native_session_id: self.known.native_session_id.clone(),
            queue: queue.collect(),
            permissions: self.permissions.values().map(|pending| pending.request.clone()).collect(),
            questions: self.questions.values().map(|open| open.request.clone()).collect(),
            forked_from: created.forked_from.clone(),
            run_id: created.run_id.clone(),
            created_at_ms: self.created_at_ms,
            usage: self.usage.clone(),
            seq: self.seq,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_cut_is_shown_without_the_beginning_of_a_secret_at_its_end() {
        let secrets = Secrets::of([("A_TOKEN".to_owned(), "very-secret-value".to_owned())].into_iter());
        let prompt = |is_cut| {
            json!({
                "promptId": "p", "position": 0, "delivery": "queue", "isCut": is_cut, "bytes": 9, "seq": 1,
                "content": [{"type": "text", "text": "use very-secret-"}],
            })
        };
        let asked = json!({
            "permissionId": "1", "action": "command", "title": "rm -rf very-secret", "risk": "high",
            "shownInput": {"command": "rm -rf very-secret", "env": "very-secret-value"}, "inputSha256": "0",
            "paths": ["/srv/ana/very-secret"], "options": [], "expiresAtMs": 1,
        });
        let view = json!({
            "sessionId": "s", "provider": "claude", "cwd": "/srv/ana/very-secret", "state": State::Idle, "mode": Mode::Ask,
            "isReady": true, "queue": [prompt(false), prompt(true)], "permissions": [asked], "questions": [],
            "createdAtMs": 1, "usage": {}, "seq": 1,
        });
        let parsed: SessionView = serde_json::from_value(view.clone()).expect("it is a view");
        let mut expected = view;
        expected["queue"][1]["content"][0]["text"] = json!("use [redacted]");
        expected["permissions"][0]["shownInput"]["env"] = json!("[redacted]");
        let shown = parsed.shown(&secrets).and_then(|text| serde_json::from_str::<Value>(&text));
        assert_eq!(shown.ok(), Some(expected));
    }
}
