//! What a list tells of a session, from those events of its log alone that say something of it as a whole.

use serde::{Deserialize, Serialize};

use super::super::event::{Event, RunStarted, SessionCreated, SessionUpdate, TurnEnded};
use super::super::item::Content;
use super::super::moment::wall_ms;
use super::super::usage::{Cost, Usage};
use super::TranscriptInfo;

/// The longest title that is made of what was asked, in characters.
const TITLE: usize = 80;

/// What every event has, whatever it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Head {
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) ts: String,
    pub(crate) session_id: String,
    #[serde(default)]
    pub(crate) turn_id: Option<String>,
    #[serde(default)]
    pub(crate) item_id: Option<String>,
}

impl Head {
    /// When, in milliseconds since 1970.
    pub(crate) fn at_ms(&self) -> u64 {
        wall_ms(&self.ts).unwrap_or_default()
    }
}

/// What is known of a session as a whole, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heads {
    info: TranscriptInfo,
}

impl Heads {
    /// What a list tells of it. None before an event that begins a session or a run.
    pub(crate) fn info(&self) -> Option<&TranscriptInfo> {
        (!self.info.provider.is_empty()).then_some(&self.info)
    }

    /// The same under another title.
    #[must_use]
    pub(crate) fn titled(mut self, title: Option<String>) -> Heads {
        self.info.title = title;
        self
    }

    /// An event of which only that it happened matters here.
    pub(crate) fn pass(&mut self, head: &Head) {
        self.info.updated_at_ms = self.info.updated_at_ms.max(head.at_ms());
    }

    /// The next event.
    pub(crate) fn take(&mut self, head: &Head, event: &Event) {
        match event {
            Event::SessionCreated(created) => self.created(head, created),
            Event::RunStarted(started) => self.run_started(head, started),
            Event::SessionUpdated(update) => self.updated(update),
            Event::PromptQueued(queued) if self.info.title.is_none() => self.info.title = title_of(&queued.content),
            Event::TurnStarted(_) => {
                self.info.turns += 1;
                self.info.is_closed = false;
            }
            Event::TurnEnded(ended) => self.ended(ended),
            Event::RunEnded(ended) => {
                self.info.outcome = Some(ended.outcome);
                self.info.is_closed = true;
            }
            Event::SessionClosed(_) => self.info.is_closed = true,
            _ => (),
        }
        self.pass(head);
    }

    fn created(&mut self, head: &Head, created: &SessionCreated) {
        let SessionCreated { provider, cwd, model, mode: _, forked_from, run_id, .. } = created.clone();
        let (session_id, started_at_ms) = (head.session_id.clone(), head.at_ms());
        self.info = TranscriptInfo {
            session_id,
            provider,
            cwd,
            model,
            started_at_ms,
            run_id,
            forked_from,
            ..TranscriptInfo::default()
        };
    }

    fn run_started(&mut self, head: &Head, started: &RunStarted) {
        self.info = TranscriptInfo {
            session_id: head.session_id.clone(),
            provider: "run".to_owned(),
            cwd: started.cwd.clone(),
            title: title(&started.prompt),
            started_at_ms: head.at_ms(),
            turns: started.members.len() as u64,
            run_id: Some(head.session_id.clone()),
            ..TranscriptInfo::default()
        };
    }

    fn updated(&mut self, update: &SessionUpdate) {
        if update.title.is_some() {
            self.info.title.clone_from(&update.title);
        }
        if let Some(provider) = &update.provider {
            self.info.provider.clone_from(provider);
        }
        if update.model.is_some() {
            self.info.model.clone_from(&update.model);
        }
        // A session that is opened again is told of anew.
        self.info.is_closed = false;
    }

    fn ended(&mut self, ended: &TurnEnded) {
        let TurnEnded { outcome, usage, cost, .. } = ended;
        self.info.outcome = Some(*outcome);
        if let Some(usage) = usage {
            let known = self.info.usage.unwrap_or_default();
            self.info.usage = Some(together(known, *usage));
        }
        match (&mut self.info.cost, cost) {
            (Some(known), Some(cost)) if known.currency == cost.currency => known.amount_micros += cost.amount_micros,
            (known @ None, Some(Cost { .. })) => known.clone_from(cost),
            // Amounts of two currencies have no sum.
            (Some(_), Some(_)) | (_, None) => (),
        }
    }
}

fn together(one: Usage, other: Usage) -> Usage {
    Usage {
        input: one.input.saturating_add(other.input),
        cached_read: one.cached_read.saturating_add(other.cached_read),
        cached_write: one.cached_write.saturating_add(other.cached_write),
        output: one.output.saturating_add(other.output),
        reasoning: one.reasoning.saturating_add(other.reasoning),
    }
}

/// What is said, as text; what is no text is named.
pub(super) fn text(content: &[Content]) -> String {
    let parts = content.iter().map(|part| match part {
        Content::Text { text } => text.clone(),
        Content::Image { mime_type, data } => format!("[image: {mime_type}, {} bytes]", data.len() / 4 * 3),
        Content::ResourceLink { uri, name } => match name {
            Some(name) => format!("[{name}: {uri}]"),
            None => format!("[{uri}]"),
        },
        Content::Other { value } => value.to_string(),
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// What a session is called in which this was asked first.
pub(in super::super) fn title_of(asked: &[Content]) -> Option<String> {
    title(&text(asked))
}

/// The first line that says something, where it is not long.
fn title(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().take(TITLE).collect();
    if title.len() < line.len() {
        title.push('…');
    }
    Some(title)
}
