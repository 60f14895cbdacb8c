//! A model's answer while it comes: streamed as events, or whole where a service does not stream.

use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;

use super::super::agent::{Fact, Told};
use super::super::event::{DeltaField, Outcome, SessionUpdate, Unparsed};
use super::super::identifier::identifier;
use super::super::item::{Item, ItemKind, ItemStatus};
use super::super::problem::{Problem, ProblemKind};
use super::super::turn::TurnEnd;
use super::super::usage::{Usage, UsageUpdate};
use super::event_stream::{EventStream, LONGEST as EVENT, Sent};
use super::http::{Answered, in_stream, source};
use super::{Over, Voice};

/// The longest answer, in bytes of text.
const LONGEST: usize = 16 << 20;

/// A text of the answer.
#[derive(Debug)]
struct Saying {
    id: String,
    kind: ItemKind,
    field: DeltaField,
    text: String,
}

/// An answer so far.
pub(super) struct Answer {
    voice: Voice,
    sayings: Vec<Saying>,
    bytes: usize,
    model: Option<String>,
    usage: Option<Usage>,
    /// Why the model ended.
    reason: Option<String>,
}

impl Answer {
    /// Nothing yet, of the model that was asked for.
    pub(super) fn new(voice: Voice, model: Option<String>) -> Answer {
        Answer { voice, sayings: Vec::new(), bytes: 0, model, usage: None, reason: None }
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Hears an answer to its end. What is wrong with it is not the session's end.
    pub(super) async fn hear(&mut self, answered: Answered) -> Result<Result<TurnEnd, Problem>, Over> {
        match answered.is_json() {
            true => self.whole(answered).await,
            false => self.streamed(answered).await,
        }
    }

    async fn whole(&mut self, answered: Answered) -> Result<Result<TurnEnd, Problem>, Over> {
        let (body, _connection) = answered.into_parts();
        let read = match Limited::new(body, LONGEST).collect().await {
            Ok(read) => read.to_bytes(),
            Err(error) => return Ok(Err(Problem::new(ProblemKind::Network, format!("the answer broke off: {error}")))),
        };
        let problem = self.event(&read, "message").await?;
        Ok(problem.map_or_else(|| self.end(true), Err))
    }

    async fn streamed(&mut self, answered: Answered) -> Result<Result<TurnEnd, Problem>, Over> {
        let (mut body, _connection) = answered.into_parts();
        let mut events = EventStream::default();
        loop {
            let (sent, is_over) = match body.frame().await {
                None => (events.finish(), true),
                Some(Ok(frame)) => (frame.into_data().map_or(Ok(Vec::new()), |bytes| events.push(&bytes)), false),
                Some(Err(error)) => {
                    let text = format!("the answer broke off: {}", source(&error));
                    return Ok(Err(Problem::new(ProblemKind::Network, text)));
                }
            };
            let Ok(sent) = sent else {
                let text = format!("the service sent an event of more than {EVENT} bytes");
                return Ok(Err(Problem::new(ProblemKind::Protocol, text)));
            };
            for sent in sent {
                match sent {
                    Sent::Comment => self.voice.tell(Fact::Alive).await?,
                    Sent::Data(data) if data.trim_ascii() == b"[DONE]" => return Ok(self.end(true)),
                    Sent::Data(data) => {
                        if let Some(problem) = self.event(&data, "delta").await? {
                            return Ok(Err(problem));
                        }
                    }
                }
            }
            if is_over {
                return Ok(self.end(false));
            }
        }
    }

    /// Takes a piece of the answer, or the whole. Gives what ends it.
    async fn event(&mut self, data: &[u8], member: &str) -> Result<Option<Problem>, Over> {
        let body: Value = match serde_json::from_slice(data) {
            Ok(body) => body,
            Err(error) => {
                let preview = String::from_utf8_lossy(&data[..data.len().min(256)]).into_owned();
                let (bytes, error) = (data.len() as u64, error.to_string());
                self.voice.tell(Fact::Unparsed(Unparsed { preview, bytes, error })).await?;
                return Ok(Some(Problem::new(ProblemKind::Protocol, "the service answered what is no JSON")));
            }
        };
        if !body["error"].is_null() {
            return Ok(Some(in_stream(&body)));
        }
        if !body["choices"].is_array() && body["usage"].is_null() {
            self.voice.0.send(Told::unknown("chat.completion", &body)).await.map_err(|_| Over)?;
            return Ok(None);
        }
        self.known(&body).await?;
        let choice = &body["choices"][0];
        let said = &choice[member];
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.reason = Some(reason.chars().take(100).collect());
        }
        let thought = said["reasoning_content"].as_str().or(said["reasoning"].as_str()).unwrap_or_default();
        self.say(ItemKind::Thought, DeltaField::Thought, thought).await?;
        let text = said["content"].as_str().unwrap_or_default();
        self.say(ItemKind::AgentMessage, DeltaField::Text, text).await?;
        let too_long = || Problem::new(ProblemKind::MaxOutput, format!("the answer is longer than {LONGEST} bytes"));
        Ok((self.bytes > LONGEST).then(too_long))
    }

    /// Which model answers, and what it used.
    async fn known(&mut self, body: &Value) -> Result<(), Over> {
        if let (None, Some(model)) = (&self.model, body["model"].as_str()) {
            let model: String = model.chars().take(200).collect();
            self.model = Some(model.clone());
            self.voice.tell(Fact::Session(SessionUpdate { model: Some(model), ..SessionUpdate::default() })).await?;
        }
        if let Some(usage) = usage(&body["usage"]) {
            self.usage = Some(usage);
            self.voice.tell(Fact::Usage(UsageUpdate { turn: Some(usage), ..UsageUpdate::default() })).await?;
        }
        Ok(())
    }

    async fn say(&mut self, kind: ItemKind, field: DeltaField, text: &str) -> Result<(), Over> {
        if text.is_empty() {
            return Ok(());
        }
        self.bytes += text.len();
        let known = self.sayings.iter().position(|saying| saying.kind == kind);
        let at = match known {
            Some(at) => at,
            None => {
                let id = identifier("item");
                let item = Item::new(kind).status(ItemStatus::InProgress);
                self.voice.tell(Fact::Item { id: id.clone(), item }).await?;
                self.sayings.push(Saying { id, kind, field, text: String::new() });
                self.sayings.len() - 1
            }
        };
        let saying = &mut self.sayings[at];
        saying.text.push_str(text);
        let grew = Fact::Grew { id: saying.id.clone(), field: saying.field, text: text.to_owned() };
        self.voice.tell(grew).await
    }

    /// How it ended. What only broke off said neither why nor that it was done.
    fn end(&self, is_done: bool) -> Result<TurnEnd, Problem> {
        let outcome = match self.reason.as_deref() {
            None if !is_done => {
                return Err(Problem::new(ProblemKind::Network, "the answer ended in its midst"));
            }
            Some("length") => Outcome::MaxTokens,
            Some("content_filter") => Outcome::Refused,
            Some(_) | None => Outcome::Completed,
        };
        Ok(TurnEnd { native_stop_reason: self.reason.clone(), ..TurnEnd::new(outcome) })
    }

    /// Tells in full what was said, where it was said to its end. Gives it.
    pub(super) async fn finish(&mut self, outcome: Outcome) -> Result<String, Over> {
        let is_whole = match outcome {
            Outcome::Interrupted | Outcome::Failed => false,
            Outcome::Completed | Outcome::Refused | Outcome::MaxTurns | Outcome::MaxTokens | Outcome::Budget => true,
        };
        let mut said = String::new();
        for saying in std::mem::take(&mut self.sayings) {
            if saying.kind == ItemKind::AgentMessage {
                said.clone_from(&saying.text);
            }
            if is_whole {
                let item = Item::new(saying.kind).status(ItemStatus::Completed).text(saying.text);
                self.voice.tell(Fact::Item { id: saying.id, item }).await?;
            }
        }
        Ok(said)
    }
}

/// What a service says was used.
fn usage(told: &Value) -> Option<Usage> {
    let input = told["prompt_tokens"].as_u64()?;
    let cached_read = told["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or(0).min(input);
    Some(Usage {
        input: input - cached_read,
        cached_read,
        cached_write: 0,
        output: told["completion_tokens"].as_u64().unwrap_or(0),
        reasoning: told["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap_or(0),
    })
}
