//! What of a transcript can be found: its items, questions, errors and notices, each with its text.

use super::super::item::{Item, ItemKind, ToolCall};
use super::document::word;
use super::heads::text;
use super::index::Entry;
use super::notice::problem;
use super::{Transcript, TranscriptItem, TranscriptQuestion, TranscriptTurn};

/// Bytes of a text that can be found; what follows cannot.
const LONGEST: usize = 64 << 10;

/// Everything that can be found in a transcript, in order.
pub(super) fn entries(transcript: &Transcript) -> Vec<Entry> {
    let id = &transcript.info.session_id;
    let mut entries = Vec::new();
    entries.extend(transcript.outside.iter().map(|item| of_item(item, None)));
    transcript.turns.iter().for_each(|turn| of_turn(turn, &mut entries));
    entries.extend(transcript.notices.iter().map(|notice| Entry {
        turn_id: notice.turn_id.clone(),
        seq: notice.seq,
        at_ms: notice.at_ms,
        kind: notice.kind.clone(),
        text: notice.text.clone(),
        ..Entry::default()
    }));
    let members = transcript.run.iter().flat_map(|run| &run.members);
    entries.extend(members.filter_map(|member| {
        let answer = member.answer.clone()?;
        let text = format!("{}\n{answer}", member.member.name);
        Some(Entry {
            seq: 1,
            at_ms: transcript.info.updated_at_ms,
            kind: "member".to_owned(),
            text,
            ..Entry::default()
        })
    }));
    for entry in &mut entries {
        entry.session_id.clone_from(id);
        let end = (0..=LONGEST.min(entry.text.len())).rev().find(|at| entry.text.is_char_boundary(*at));
        entry.text.truncate(end.unwrap_or_default());
    }
    entries.retain(|entry| !entry.text.trim().is_empty());
    entries
}

fn of_turn(turn: &TranscriptTurn, entries: &mut Vec<Entry>) {
    let turn_id = Some(turn.turn_id.clone());
    entries.extend(turn.items.iter().map(|item| of_item(item, turn_id.clone())));
    entries.extend(turn.questions.iter().map(|question| Entry {
        turn_id: turn_id.clone(),
        seq: question.seq,
        at_ms: question.at_ms,
        kind: "question".to_owned(),
        text: asked(question),
        ..Entry::default()
    }));
    entries.extend(turn.error.as_ref().map(|error| Entry {
        turn_id,
        seq: turn.items.last().map_or(1, |item| item.seq),
        at_ms: turn.ended_at_ms.unwrap_or(turn.started_at_ms),
        kind: "error".to_owned(),
        text: problem(error),
        ..Entry::default()
    }));
}

fn of_item(item: &TranscriptItem, turn_id: Option<String>) -> Entry {
    let Item { kind, content, tool, .. } = &item.item;
    let said = content.as_deref().map(text).unwrap_or_default();
    let text = match kind {
        ItemKind::ToolCall | ItemKind::Subagent => {
            let done = tool.as_ref().map(done_by).unwrap_or_default();
            if said.is_empty() { done } else { format!("{said}\n{done}") }
        }
        ItemKind::UserMessage
        | ItemKind::AgentMessage
        | ItemKind::Thought
        | ItemKind::Notice
        | ItemKind::Compaction => said,
    };
    let item_id = Some(item.item_id.clone());
    Entry { turn_id, item_id, seq: item.seq, at_ms: item.at_ms, kind: word(kind), text, ..Entry::default() }
}

fn done_by(tool: &ToolCall) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(tool.name.clone());
    parts.extend(tool.title.clone());
    match (&tool.command, &tool.input) {
        (Some(command), _) => parts.push(command.line.clone()),
        (None, Some(input)) => parts.push(input.to_string()),
        (None, None) => (),
    }
    parts.extend(tool.error.clone());
    for change in tool.changes.iter().flatten() {
        parts.push(change.path.clone());
        parts.extend(change.unified_diff.clone());
    }
    let output = tool.output.iter();
    parts.extend(output.filter_map(|output| output.text.clone().or_else(|| Some(output.json.as_ref()?.to_string()))));
    parts.join("\n")
}

fn asked(question: &TranscriptQuestion) -> String {
    let texts = question.request.questions.iter().map(|asked| asked.text.clone());
    let answers = question.resolved.iter().filter_map(|resolved| resolved.answers.as_ref());
    texts.chain(answers.flat_map(|answers| answers.values().flatten().cloned())).collect::<Vec<_>>().join("\n")
}
