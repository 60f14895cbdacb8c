//! A turn's events as the chunks of a chat. Pure: envelopes in, chunks out, and what they come to in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::super::api::{ChatChunk, ChunkKind};
use super::super::super::event::{DeltaField, DiffScope, DiffUpdate, Envelope, Event, Outcome, TurnEnded};
use super::super::super::item::{Content, FileChange, Item, ItemKind, ItemStatus, ToolCall};
use super::super::super::problem::Problem;

/// What a stop is told as.
pub(super) const ABORTED: &str = "ABORTED";

/// What stands between two messages of an agent.
const BETWEEN: &str = "\n\n";

/// A turn so far.
#[derive(Debug)]
pub(super) struct Chunks {
    session_id: String,
    /// What the agent said, in the order in which it began to.
    messages: Vec<(String, String)>,
    /// Items of other agents that work for this one.
    foreign: BTreeSet<String>,
    tools: BTreeMap<String, (ToolCall, Option<ItemStatus>)>,
    /// The files that were changed, each with the item that told it; none where a diff did.
    files: Vec<(Option<String>, FileChange)>,
    ended: Option<TurnEnded>,
    is_taken_back: bool,
}

impl Chunks {
    pub(super) fn new(session_id: String) -> Chunks {
        Chunks {
            session_id,
            messages: Vec::new(),
            foreign: BTreeSet::new(),
            tools: BTreeMap::new(),
            files: Vec::new(),
            ended: None,
            is_taken_back: false,
        }
    }

    pub(super) fn session_id(&self) -> &str {
        &self.session_id
    }

    /// How the turn ended.
    pub(super) fn ended(&self) -> Option<&TurnEnded> {
        self.ended.as_ref()
    }

    /// Whether the prompt was taken back while it waited.
    pub(super) fn is_taken_back(&self) -> bool {
        self.is_taken_back
    }

    /// All that the agent said. What it said in the end holds over what was told meanwhile.
    pub(super) fn said(&self) -> String {
        let texts = self.messages.iter().map(|(_, text)| text.as_str()).filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(BETWEEN)
    }

    /// The files that were changed.
    pub(super) fn into_files(self) -> Vec<FileChange> {
        self.files.into_iter().map(|(_, change)| change).collect()
    }

    /// What follows from an event.
    pub(super) fn take(&mut self, envelope: Envelope) -> Vec<ChatChunk> {
        let id = envelope.item_id.unwrap_or_default();
        match envelope.event {
            Event::ItemDelta(delta) if delta.field == DeltaField::Text => self.grew(&id, &delta.delta),
            Event::ItemUpserted(item) => self.item(&id, item),
            Event::DiffUpdated(DiffUpdate { scope: DiffScope::Turn, files }) => self.changed(None, files),
            Event::DiffUpdated(DiffUpdate { scope: DiffScope::Item, files }) => self.changed(Some(&id), files),
            Event::PermissionRequested(request) => {
                let title = request.title.clone();
                let permission = serde_json::to_value(request).unwrap_or_default();
                let metadata = json!({"itemId": id, "status": "waiting_approval", "permission": permission});
                vec![self.chunk(ChunkKind::ToolUse, title, metadata)]
            }
            Event::QuestionRequested(question) => {
                let asked: Vec<&str> = question.questions.iter().map(|question| question.text.as_str()).collect();
                let asked = asked.join("\n");
                let question = serde_json::to_value(question).unwrap_or_default();
                let metadata = json!({"itemId": id, "status": "waiting_answer", "question": question});
                vec![self.chunk(ChunkKind::ToolUse, asked, metadata)]
            }
            Event::Error(problem) => vec![self.error(&problem)],
            Event::TurnEnded(ended) => self.end(ended),
            Event::PromptCancelled(_) => {
                self.is_taken_back = true;
                let metadata = json!({"stopped": true, "code": ABORTED});
                vec![self.chunk(ChunkKind::Done, String::new(), metadata)]
            }
            Event::ItemDelta(_)
            | Event::SessionCreated(_)
            | Event::SessionUpdated(_)
            | Event::SessionClosed(_)
            | Event::LogRecovered(_)
            | Event::StateChanged(_)
            | Event::PromptQueued(_)
            | Event::PromptStarted(_)
            | Event::PromptSteered(_)
            | Event::TurnStarted(_)
            | Event::PlanUpdated(_)
            | Event::PermissionResolved(_)
            | Event::QuestionResolved(_)
            | Event::FilesChanged(_)
            | Event::FilesContended(_)
            | Event::TurnUndone(_)
            | Event::RunStarted(_)
            | Event::RunMemberEnded(_)
            | Event::RunMerging(_)
            | Event::RunMerged(_)
            | Event::RunEnded(_)
            | Event::RunApplied(_)
            | Event::UsageUpdated(_)
            | Event::LimitsUpdated(_)
            | Event::RetryScheduled(_)
            | Event::ProcessEvent(_)
            | Event::Unparsed(_)
            | Event::Native(_) => Vec::new(),
        }
    }

    fn chunk(&self, kind: ChunkKind, content: String, mut metadata: Value) -> ChatChunk {
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("sessionId".to_owned(), json!(self.session_id));
            metadata.retain(|_, value| !value.is_null());
        }
        ChatChunk { kind, content, metadata: Some(metadata) }
    }

    fn grew(&mut self, id: &str, text: &str) -> Vec<ChatChunk> {
        if self.foreign.contains(id) || text.is_empty() {
            return Vec::new();
        }
        let is_behind = self.messages.iter().any(|(known, said)| known != id && !said.is_empty());
        let at = self.messages.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
            self.messages.push((id.to_owned(), String::new()));
            self.messages.len() - 1
        });
        let said = &mut self.messages[at].1;
        let between = if said.is_empty() && is_behind { BETWEEN } else { "" };
        said.push_str(text);
        vec![self.chunk(ChunkKind::Text, format!("{between}{text}"), json!({"itemId": id}))]
    }

    fn item(&mut self, id: &str, item: Item) -> Vec<ChatChunk> {
        if item.parent.is_some() {
            self.foreign.insert(id.to_owned());
        }
        match item.kind {
            ItemKind::AgentMessage => item.content.map(|content| self.told(id, &content)).unwrap_or_default(),
            ItemKind::ToolCall => self.tool(id, item),
            ItemKind::UserMessage
            | ItemKind::Thought
            | ItemKind::Notice
            | ItemKind::Compaction
            | ItemKind::Subagent => Vec::new(),
        }
    }

    /// A message in full: what of it was not told yet.
    fn told(&mut self, id: &str, content: &[Content]) -> Vec<ChatChunk> {
        let texts = content.iter().filter_map(|part| match part {
            Content::Text { text } => Some(text.as_str()),
            Content::Image { .. } | Content::ResourceLink { .. } | Content::Other { .. } => None,
        });
        let whole = texts.collect::<String>();
        let known = self.messages.iter().position(|(known, _)| known == id);
        let said = known.map(|at| self.messages[at].1.clone()).unwrap_or_default();
        let chunks = match whole.strip_prefix(said.as_str()) {
            Some(rest) => self.grew(id, rest),
            // What was told cannot be taken back; the whole holds for who asks for it.
            None => Vec::new(),
        };
        if let Some(at) = known {
            self.messages[at].1 = whole;
        }
        chunks
    }

    fn tool(&mut self, id: &str, item: Item) -> Vec<ChatChunk> {
        let patch = item.tool.unwrap_or_default();
        let changes = patch.changes.clone().unwrap_or_default();
        let (call, before) = self.tools.remove(id).unwrap_or_default();
        let mut whole = Item::new(ItemKind::ToolCall).tool(call);
        whole.apply(Item::new(ItemKind::ToolCall).tool(patch));
        let call = whole.tool.unwrap_or_default();
        let status = item.status.or(before);
        let title = call.title.clone().or(call.name.clone()).unwrap_or_default();
        let mut chunks = Vec::new();
        if status != before {
            let is_done = status.is_some_and(ItemStatus::is_final);
            let output = is_done.then(|| call.output.clone()).flatten();
            let metadata = json!({
                "itemId": id, "status": status, "name": call.name, "toolKind": call.tool_kind, "input": call.input,
                "output": output, "error": call.error,
            });
            chunks.push(self.chunk(ChunkKind::ToolUse, title, metadata));
        }
        self.tools.insert(id.to_owned(), (call, status));
        if status == Some(ItemStatus::Completed) {
            chunks.extend(self.changed(Some(id), changes));
        }
        chunks
    }

    /// Files that were changed. A diff has all that became of its files so far, and holds over what was told of them before and
    /// over what items tell; of what one item tells of a file, the last holds.
    fn changed(&mut self, item: Option<&str>, files: Vec<FileChange>) -> Vec<ChatChunk> {
        let mut chunks = Vec::new();
        for change in files {
            let is_of_file = |(_, known): &(_, FileChange)| known.path == change.path;
            let is_known = |known: &(Option<String>, FileChange)| {
                is_of_file(known) && (known.0.is_none() && item.is_some() || known.1 == change)
            };
            if self.files.iter().any(is_known) {
                continue;
            }
            let metadata = serde_json::to_value(&change).unwrap_or_default();
            chunks.push(self.chunk(ChunkKind::FileChange, change.path.clone(), metadata));
            self.files.retain(|known| !is_of_file(known) || item.is_some() && known.0.as_deref() != item);
            self.files.push((item.map(str::to_owned), change));
        }
        chunks
    }

    fn error(&self, problem: &Problem) -> ChatChunk {
        let metadata = serde_json::to_value(problem).unwrap_or_default();
        self.chunk(ChunkKind::Error, problem.message.clone(), metadata)
    }

    fn end(&mut self, ended: TurnEnded) -> Vec<ChatChunk> {
        let stopped = ended.outcome == Outcome::Interrupted;
        let error = ended.error.as_ref().filter(|_| !stopped).map(|problem| self.error(problem));
        let metadata = json!({
            "outcome": ended.outcome, "stopped": stopped.then_some(true), "code": stopped.then_some(ABORTED),
            "usage": ended.usage, "cost": ended.cost, "durationMs": ended.duration_ms,
        });
        let done = self.chunk(ChunkKind::Done, String::new(), metadata);
        self.ended = Some(ended);
        error.into_iter().chain([done]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::{Delta, Source, TurnEnd, TurnStarted};

    fn envelope(item: &str, event: Event) -> Envelope {
        Envelope {
            v: 1,
            epoch: "e".into(),
            seq: 1,
            ts: String::new(),
            session_id: "s".into(),
            turn_id: None,
            item_id: Some(item.into()),
            event,
            src: Source::sixframe(),
            ext: None,
        }
    }

    fn told(chunks: &mut Chunks, events: Vec<(&str, Event)>) -> String {
        let all = events.into_iter().flat_map(|(item, event)| chunks.take(envelope(item, event)));
        all.filter(|chunk| chunk.kind == ChunkKind::Text).map(|chunk| chunk.content).collect()
    }

    fn delta(text: &str) -> Event {
        Event::ItemDelta(Delta { field: DeltaField::Text, delta: text.into(), offset: 0 })
    }

    fn message(text: &str) -> Event {
        Event::ItemUpserted(Item::new(ItemKind::AgentMessage).text(text))
    }

    #[test]
    fn what_was_told_is_what_was_said_whether_it_came_in_pieces_or_at_once() {
        let mut chunks = Chunks::new("s".into());
        let events = vec![
            ("a", delta("Hel")),
            ("a", delta("lo")),
            ("a", message("Hello.")),
            ("b", message("More")),
            ("b", message("More")),
        ];
        assert_eq!(told(&mut chunks, events), "Hello.\n\nMore");
        assert_eq!(chunks.said(), "Hello.\n\nMore");
    }

    #[test]
    fn the_end_holds_over_the_pieces_and_others_agents_are_not_this_one() {
        let mut chunks = Chunks::new("s".into());
        let foreign = Item { parent: Some("t".into()), ..Item::new(ItemKind::AgentMessage) };
        let events = vec![
            ("x", Event::ItemUpserted(foreign)),
            ("x", delta("aside")),
            ("a", delta("wrong")),
            ("a", message("right")),
        ];
        assert_eq!(told(&mut chunks, events), "wrong");
        assert_eq!(chunks.said(), "right");
    }

    #[test]
    fn a_diff_has_a_file_once_and_holds_over_what_items_tell_of_it() {
        use crate::agents::ChangeKind;
        let change = |path: &str, diff: &str| FileChange::with_diff(path, ChangeKind::Modify, diff);
        let diff = |files| Event::DiffUpdated(DiffUpdate { scope: DiffScope::Turn, files });
        let edit = |path: &str, diff: &str| {
            let tool = ToolCall { changes: Some(vec![change(path, diff)]), ..ToolCall::default() };
            Event::ItemUpserted(Item::new(ItemKind::ToolCall).status(ItemStatus::Completed).tool(tool))
        };
        let mut chunks = Chunks::new("s".into());
        let events = [
            ("one", edit("a", "@@ first")),
            ("one", edit("a", "@@ first, and more")),
            ("two", edit("a", "@@ second")),
            ("two", edit("b", "@@ other")),
            ("", diff(vec![change("a", "@@ both")])),
            ("", diff(vec![change("a", "@@ both")])),
            ("three", edit("a", "@@ third")),
            ("", diff(vec![change("a", "@@ all")])),
        ];
        let told: Vec<Value> = events
            .into_iter()
            .flat_map(|(item, event)| chunks.take(envelope(item, event)))
            .filter(|chunk| chunk.kind == ChunkKind::FileChange)
            .map(|chunk| chunk.metadata.unwrap()["unifiedDiff"].clone())
            .collect();
        assert_eq!(told, ["@@ first", "@@ first, and more", "@@ second", "@@ other", "@@ both", "@@ all"]);
        let files: Vec<_> =
            chunks.into_files().into_iter().map(|file| (file.path, file.unified_diff.unwrap())).collect();
        assert_eq!(files, [("b".into(), "@@ other".into()), ("a".into(), "@@ all".to_owned())]);
    }

    #[test]
    fn a_stop_is_done_and_no_error() {
        let mut turns = crate::agents::Turns::default();
        turns.begin(std::time::Duration::ZERO, "t", TurnStarted::on("p"));
        let problem = Problem::new(crate::agents::ProblemKind::Timeout, "late");
        let end = TurnEnd { error: Some(problem), ..TurnEnd::new(Outcome::Interrupted) };
        let (_, ended) = turns.end(std::time::Duration::ZERO, end).unwrap();
        let mut chunks = Chunks::new("s".into());
        let told = chunks.take(envelope("", ended));
        assert_eq!(told.iter().map(|chunk| chunk.kind).collect::<Vec<_>>(), [ChunkKind::Done]);
        let metadata = told[0].metadata.clone().unwrap();
        assert_eq!((&metadata["stopped"], &metadata["code"]), (&json!(true), &json!("ABORTED")));
    }
}
