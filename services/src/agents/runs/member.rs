//! A member's session as its run hears it: until the turn is over that the run asked for.

use serde::Deserialize;

use super::super::event::{DeltaField, Event, Outcome, Subject};
use super::super::item::{Content, ItemKind};
use super::super::log::Follow;
use super::super::problem::{Problem, ProblemKind};
use super::merging::boundary;

/// The longest answer that is kept, in bytes: its end.
const LONGEST: usize = 256 << 10;

/// How a member's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) outcome: Outcome,
    pub(super) error: Option<Problem>,
    /// What it said last.
    pub(super) answer: Option<String>,
}

/// What of an event says whose it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    turn_id: Option<String>,
    #[serde(default)]
    item_id: Option<String>,
    #[serde(flatten)]
    event: Event,
}

/// Follows a session behind some event until the prompt's turn is over, or the prompt is taken back.
pub(super) async fn hear(mut follow: Follow, prompt_id: &str) -> Heard {
    let mut ear = Ear { prompt_id, turn: None, item: None, answer: String::new(), left_out: 0, before: None };
    loop {
        let line = match follow.next().await {
            Ok(Some((_, line))) => line,
            Ok(None) => return ear.ended(Outcome::Failed, Some(lost("its session ended in the midst of the turn"))),
            Err(error) => return ear.ended(Outcome::Failed, Some(lost(&format!("its log is lost: {error}")))),
        };
        // Most of what there is are deltas of what is not said.
        let Ok(head) = serde_json::from_str::<Head>(&line) else { continue };
        if let Some((outcome, error)) = ear.take(head) {
            return ear.ended(outcome, error);
        }
    }
}

fn lost(text: &str) -> Problem {
    Problem::new(ProblemKind::Crashed, text)
}

struct Ear<'a> {
    prompt_id: &'a str,
    turn: Option<String>,
    /// The message that is the last one so far.
    item: Option<String>,
    answer: String,
    /// Bytes of it that were left out.
    left_out: usize,
    /// What it had said before, in case that nothing follows.
    before: Option<String>,
}

impl Ear<'_> {
    /// How it ended, if it did.
    fn take(&mut self, head: Head) -> Option<(Outcome, Option<Problem>)> {
        let Head { turn_id, item_id, event } = head;
        if !matches!(event.subject(), Subject::Prompt | Subject::Turn | Subject::Item) {
            return None;
        }
        match event {
            Event::TurnStarted(started) if started.prompt_id.as_deref() == Some(self.prompt_id) => {
                self.turn = turn_id;
            }
            Event::PromptCancelled(prompt) if prompt.prompt_id == self.prompt_id => {
                return Some((Outcome::Interrupted, None));
            }
            _ if self.turn.is_none() || self.turn != turn_id => (),
            Event::TurnEnded(ended) => return Some((ended.outcome, ended.error)),
            Event::ItemUpserted(item) if item.kind == ItemKind::AgentMessage && item.parent.is_none() => {
                self.begin(item_id);
                if let Some(content) = item.content {
                    self.answer.clear();
                    self.left_out = 0;
                    self.grow(&text(&content));
                }
            }
            Event::ItemDelta(delta) if delta.field == DeltaField::Text && self.item == item_id => {
                self.grow(&delta.delta);
            }
            // What it says at last is all that counts.
            _ => (),
        }
        None
    }

    fn begin(&mut self, item_id: Option<String>) {
        if self.item != item_id {
            self.before = self.said().or(self.before.take());
            self.item = item_id;
        }
    }

    fn grow(&mut self, text: &str) {
        self.answer.push_str(text);
        // Not for each delta, so that a long one costs no more than it is long.
        if self.answer.len() > 2 * LONGEST {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        let at = boundary(&self.answer, self.answer.len().saturating_sub(LONGEST));
        self.answer.drain(..at);
        self.left_out += at;
    }

    /// The message so far, which is begun anew.
    fn said(&mut self) -> Option<String> {
        self.shorten();
        let answer = match std::mem::take(&mut self.left_out) {
            0 => std::mem::take(&mut self.answer),
            left_out => format!("[{left_out} bytes are left out here]\n{}", std::mem::take(&mut self.answer)),
        };
        (!answer.trim().is_empty()).then_some(answer)
    }

    fn ended(mut self, outcome: Outcome, error: Option<Problem>) -> Heard {
        Heard { outcome, error, answer: self.said().or(self.before) }
    }
}

fn text(content: &[Content]) -> String {
    let texts = content.iter().filter_map(|content| match content {
        Content::Text { text } => Some(text.as_str()),
        Content::ResourceLink { .. } | Content::Image { .. } | Content::Other { .. } => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}
