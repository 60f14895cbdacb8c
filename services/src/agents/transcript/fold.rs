//! A log, folded: events go in, one after the other; what they come to comes out. Knows no files.

use std::collections::HashMap;

use super::super::event::{
    DiffScope, Event, FilesChanged, PromptQueued, RunApplied, RunMember, RunMemberEnded, RunMerging, RunStarted,
    Subject, TurnEnded,
};
use super::super::fitting;
use super::super::item::{ChangeKind, Content, FileChange, Item, ItemKind, ItemStatus};
use super::super::permission::{PermissionRequest, PermissionResolved};
use super::growing::Growing;
use super::heads::{Head, Heads, text};
use super::notice::{notice, taken_back};
use super::{
    Transcript, TranscriptItem, TranscriptMember, TranscriptNotice, TranscriptPermission, TranscriptQuestion,
    TranscriptRun, TranscriptTurn, Unread,
};

/// Bytes of texts that a transcript holds in full. Turns behind them hold the beginnings of long ones.
const ROOM: usize = 64 << 20;

/// Bytes that are kept of a text where there is no more room.
const BEGINNING: usize = 1 << 10;

/// The most notices that are kept; an agent may fail for as long as it likes.
const NOTICES: usize = 4096;

/// Where an item is: in which turn, or outside of any; and at which place there.
type Place = (Option<usize>, usize);

/// A log that is being folded.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    heads: Heads,
    transcript: Transcript,
    /// Turns by their ids.
    turns: HashMap<String, usize>,
    /// Items by their ids, those that were told of last.
    items: HashMap<String, Place>,
    growing: HashMap<Place, Growing>,
    permissions: HashMap<String, (usize, usize)>,
    questions: HashMap<String, (usize, usize)>,
    /// Prompts that wait.
    prompts: HashMap<String, Vec<Content>>,
    /// Bytes of texts that are held.
    held: usize,
}

impl Fold {
    /// A log from some event on, with what the events before it tell of the whole.
    pub(crate) fn of(heads: Heads) -> Fold {
        Fold { heads, ..Fold::default() }
    }

    /// What is known of the whole, so far.
    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }

    /// The next line of the log.
    pub(crate) fn line(&mut self, line: &[u8]) {
        let line = str::from_utf8(line).map(fitting::event).unwrap_or_default();
        let Ok(head) = serde_json::from_str::<Head>(&line) else {
            self.transcript.unread.lines += 1;
            return;
        };
        match serde_json::from_str::<Event>(&line) {
            Ok(event) => self.take(&head, event),
            Err(_) => {
                self.transcript.unread.later_events += 1;
                self.heads.pass(&head);
            }
        }
    }

    /// A line that is no event.
    pub(crate) fn pass(&mut self) {
        self.transcript.unread.lines += 1;
    }

    /// What all of it came to; `torn` bytes follow behind its last whole line. None where it is neither a session nor a run.
    pub(crate) fn finish(mut self, torn: u64) -> Option<Transcript> {
        for place in self.growing.keys().copied().collect::<Vec<_>>() {
            self.settle(place);
        }
        (0..self.transcript.turns.len()).for_each(|turn| self.files(turn));
        self.transcript.info = self.heads.info()?.clone();
        self.transcript.unread = Unread { torn_bytes: torn, ..self.transcript.unread };
        Some(self.transcript)
    }

    fn take(&mut self, head: &Head, event: Event) {
        self.heads.take(head, &event);
        if let Some(text) = notice(&event) {
            self.note(head, event.name(), text);
        }
        if matches!(event.subject(), Subject::Session | Subject::Usage | Subject::Agent) {
            return;
        }
        let turn = head.turn_id.as_ref().and_then(|id| self.turns.get(id)).copied();
        match event {
            Event::PromptQueued(PromptQueued { prompt_id, content, .. }) => {
                self.prompts.insert(prompt_id, content);
            }
            Event::PromptCancelled(prompt) => {
                let content = self.prompts.remove(&prompt.prompt_id).unwrap_or_default();
                self.note(head, "prompt.cancelled", taken_back(&content));
            }
            Event::PromptSteered(prompt) => drop(self.prompts.remove(&prompt.prompt_id)),
            Event::TurnStarted(started) => self.begin(head, started.prompt_id.as_deref()),
            Event::TurnEnded(ended) => self.end(head, turn, ended),
            Event::ItemUpserted(item) => self.item(head, turn, item),
            Event::ItemDelta(delta) => {
                let place = self.place(head, turn, || Item::new(ItemKind::Notice));
                self.growing.entry(place).or_default().grow(delta);
            }
            Event::DiffUpdated(diff) => {
                let turn = turn.and_then(|turn| self.transcript.turns.get_mut(turn));
                match (turn, diff.scope) {
                    // All of the turn so far.
                    (Some(turn), DiffScope::Turn) => diff.files.into_iter().for_each(|file| put(&mut turn.files, file)),
                    (Some(_), DiffScope::Item) | (None, _) => (),
                }
            }
            Event::PlanUpdated(plan) => {
                self.turn(turn).into_iter().for_each(|turn| turn.plan = Some(plan.clone()));
            }
            Event::PermissionRequested(request) => self.asked(head, turn, *request),
            Event::PermissionResolved(resolved) => self.resolved(resolved),
            Event::QuestionRequested(request) => {
                let Some(at) = turn else { return };
                let (seq, at_ms) = (head.seq, head.at_ms());
                let questions = &mut self.transcript.turns[at].questions;
                self.questions.insert(request.question_id.clone(), (at, questions.len()));
                questions.push(TranscriptQuestion { seq, at_ms, request, resolved: None });
            }
            Event::QuestionResolved(resolved) => {
                let Some((turn, at)) = self.questions.remove(&resolved.question_id) else { return };
                self.transcript.turns[turn].questions[at].resolved = Some(resolved);
            }
            Event::FilesChanged(changed) => self.seen(turn, &changed),
            Event::TurnUndone(undone) => {
                let turn = self.turns.get(&undone.turn_id).copied();
                self.turn(turn).into_iter().for_each(|turn| turn.is_undone = true);
            }
            Event::RunStarted(started) => self.run_started(started),
            Event::RunMemberEnded(ended) => self.member_ended(ended),
            Event::RunMerging(merging) => self.merging(merging),
            Event::RunMerged(merged) => self.run().into_iter().for_each(|run| run.merged = Some(merged.clone())),
            Event::RunEnded(ended) => self.run().into_iter().for_each(|run| run.ended = Some(ended.clone())),
            Event::RunApplied(applied) => self.applied(&applied),
            // What is left is in the heads, or a notice.
            _ => (),
        }
    }

    fn turn(&mut self, at: Option<usize>) -> Option<&mut TranscriptTurn> {
        self.transcript.turns.get_mut(at?)
    }

    fn run(&mut self) -> Option<&mut TranscriptRun> {
        self.transcript.run.as_mut()
    }

    fn note(&mut self, head: &Head, kind: &str, text: String) {
        if self.transcript.notices.len() < NOTICES {
            let (seq, at_ms, turn_id) = (head.seq, head.at_ms(), head.turn_id.clone());
            self.transcript.notices.push(TranscriptNotice { seq, at_ms, turn_id, kind: kind.to_owned(), text });
        }
    }

    fn begin(&mut self, head: &Head, prompt_id: Option<&str>) {
        let prompt = prompt_id.and_then(|id| self.prompts.remove(id)).unwrap_or_default();
        let turn_id = head.turn_id.clone().unwrap_or_default();
        let (prompt, started_at_ms) = (text(&prompt), head.at_ms());
        self.turns.insert(turn_id.clone(), self.transcript.turns.len());
        self.transcript.turns.push(TranscriptTurn { turn_id, prompt, started_at_ms, ..TranscriptTurn::default() });
    }

    fn end(&mut self, head: &Head, at: Option<usize>, ended: TurnEnded) {
        let TurnEnded { outcome, error, usage, cost, .. } = ended;
        let Some(at) = at else { return };
        for place in self.growing.keys().copied().filter(|place| place.0 == Some(at)).collect::<Vec<_>>() {
            self.settle(place);
        }
        let has_room = self.held < ROOM;
        let turn = &mut self.transcript.turns[at];
        turn.ended_at_ms = Some(head.at_ms());
        (turn.outcome, turn.error, turn.usage, turn.cost) = (Some(outcome), error, usage, cost);
        if !has_room {
            turn.items.iter_mut().for_each(|item| turn.is_cut |= cut(&mut item.item));
        }
        self.held += turn.items.iter().map(|item| weight(&item.item)).sum::<usize>();
    }

    /// Where an item is. One that is done in another turn is another one: agents that begin anew count anew.
    fn place(&mut self, head: &Head, turn: Option<usize>, new: impl FnOnce() -> Item) -> Place {
        let id = head.item_id.clone().unwrap_or_default();
        let known = self.items.get(&id).copied();
        let is_same = |place: &Place| {
            let item = self.at(*place);
            place.0 == turn || !item.item.status.is_some_and(ItemStatus::is_final)
        };
        if let Some(place) = known.filter(is_same) {
            return place;
        }
        // What is told late is of the turn before.
        let turn = turn.or_else(|| self.transcript.turns.len().checked_sub(1));
        let items = match turn {
            Some(turn) => &mut self.transcript.turns[turn].items,
            None => &mut self.transcript.outside,
        };
        let place = (turn, items.len());
        items.push(TranscriptItem { item_id: id.clone(), seq: head.seq, at_ms: head.at_ms(), item: new() });
        self.items.insert(id, place);
        place
    }

    fn at(&self, place: Place) -> &TranscriptItem {
        match place {
            (Some(turn), at) => &self.transcript.turns[turn].items[at],
            (None, at) => &self.transcript.outside[at],
        }
    }

    fn at_mut(&mut self, place: Place) -> &mut TranscriptItem {
        match place {
            (Some(turn), at) => &mut self.transcript.turns[turn].items[at],
            (None, at) => &mut self.transcript.outside[at],
        }
    }

    fn item(&mut self, head: &Head, turn: Option<usize>, patch: Item) {
        let place = self.place(head, turn, || Item::new(patch.kind));
        if let Some(growing) = self.growing.get_mut(&place) {
            growing.told(&patch);
        }
        if let Some(turn) = self.turn(place.0).filter(|turn| turn.prompt.is_empty() && turn.items.len() == 1) {
            // A log that does not say what was queued says what was asked.
            let is_prompt = patch.kind == ItemKind::UserMessage;
            turn.prompt = patch.content.as_deref().filter(|_| is_prompt).map(text).unwrap_or_default();
        }
        let known = self.at_mut(place);
        known.item.kind = patch.kind;
        known.item.apply(patch);
        if known.item.status.is_some_and(ItemStatus::is_final) {
            self.settle(place);
        }
    }

    fn settle(&mut self, place: Place) {
        if let Some(growing) = self.growing.remove(&place) {
            growing.settle(&mut self.at_mut(place).item);
        }
    }

    fn asked(&mut self, head: &Head, turn: Option<usize>, request: PermissionRequest) {
        let Some(turn) = turn else { return };
        let permissions = &mut self.transcript.turns[turn].permissions;
        self.permissions.insert(request.permission_id.clone(), (turn, permissions.len()));
        let (seq, at_ms, item_id) = (head.seq, head.at_ms(), head.item_id.clone());
        permissions.push(TranscriptPermission { seq, at_ms, item_id, request, resolved: None });
    }

    fn resolved(&mut self, resolved: PermissionResolved) {
        let Some((turn, at)) = self.permissions.remove(&resolved.permission_id) else { return };
        self.transcript.turns[turn].permissions[at].resolved = Some(resolved);
    }

    fn seen(&mut self, turn: Option<usize>, changed: &FilesChanged) {
        let Some(turn) = self.turn(turn) else { return };
        for seen in &changed.files {
            if !turn.files.iter().any(|file| file.path == seen.path) {
                turn.files.push(FileChange::without_diff(&seen.path, seen.kind));
            }
        }
    }

    /// What the tools of a turn have changed, beside what is known of its files otherwise.
    fn files(&mut self, turn: usize) {
        let turn = &mut self.transcript.turns[turn];
        let changes = turn.items.iter().filter_map(|item| item.item.tool.as_ref()?.changes.as_ref()).flatten();
        let mut files = std::mem::take(&mut turn.files);
        for change in changes {
            match files.iter_mut().find(|file| is_same_file(&file.path, &change.path)) {
                Some(file) if file.unified_diff.is_some() => (),
                Some(file) => add(file, change),
                None => files.push(FileChange { unified_diff: None, ..change.clone() }),
            }
        }
        turn.files = files;
    }

    fn run_started(&mut self, started: RunStarted) {
        let RunStarted { prompt, strategy, members, merger, .. } = started;
        let members = members.into_iter().map(member).collect();
        self.transcript.run = Some(TranscriptRun { prompt, strategy, members, merger, merged: None, ended: None });
    }

    fn member(&mut self, name: &str) -> Option<&mut TranscriptMember> {
        self.run()?.members.iter_mut().find(|member| member.member.name == name)
    }

    fn member_ended(&mut self, ended: RunMemberEnded) {
        // Whoever merges and is a member has an end as such already.
        let member = self.member(&ended.name).filter(|member| member.outcome.is_none());
        let Some(member) = member else { return };
        (member.outcome, member.error) = (Some(ended.outcome), ended.error);
        (member.answer, member.files) = (ended.answer, ended.files);
    }

    fn merging(&mut self, merging: RunMerging) {
        let merger = self.run().and_then(|run| run.merger.as_mut());
        merger.into_iter().for_each(|merger| *merger = merging.by.clone());
    }

    fn applied(&mut self, applied: &RunApplied) {
        self.member(&applied.name).into_iter().for_each(|member| member.is_applied = true);
    }
}

fn member(member: RunMember) -> TranscriptMember {
    TranscriptMember { member, outcome: None, error: None, answer: None, files: Vec::new(), is_applied: false }
}

/// Agents name files by paths in the session's folder or in full.
fn is_same_file(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() > other.len() { (one, other) } else { (other, one) };
    long.strip_suffix(short)
        .is_some_and(|rest| rest.is_empty() || (rest.ends_with(['/', '\\']) && !short.starts_with('/')))
}

fn put(files: &mut Vec<FileChange>, file: FileChange) {
    match files.iter_mut().find(|known| known.path == file.path) {
        Some(known) => *known = file,
        None => files.push(file),
    }
}

/// A file that was changed once more.
fn add(file: &mut FileChange, change: &FileChange) {
    file.additions += change.additions;
    file.deletions += change.deletions;
    if change.new_mode.is_some() {
        (file.new_mode, file.link_to) = (change.new_mode, change.link_to.clone());
    }
    file.kind = match (file.kind, change.kind) {
        // What was made and then changed was made.
        (ChangeKind::Add, ChangeKind::Modify) => ChangeKind::Add,
        (_, kind) => kind,
    };
}

/// Bytes of an item's texts.
fn weight(item: &Item) -> usize {
    let said = item.content.iter().flatten().map(|part| match part {
        Content::Text { text } => text.len(),
        Content::Image { data, .. } => data.len(),
        Content::ResourceLink { .. } | Content::Other { .. } => 0,
    });
    let tool = item.tool.as_ref();
    let output = tool.and_then(|tool| tool.output.as_ref()?.text.as_ref()).map_or(0, String::len);
    let changes = tool.and_then(|tool| tool.changes.as_ref()).into_iter().flatten();
    said.sum::<usize>()
        + output
        + changes.filter_map(|change| change.unified_diff.as_ref()).map(String::len).sum::<usize>()
}

/// Cuts the long texts of an item. Gives whether there were any.
fn cut(item: &mut Item) -> bool {
    let mut is_cut = false;
    for part in item.content.iter_mut().flatten() {
        match part {
            Content::Text { text } | Content::Image { data: text, .. } => is_cut |= shorten(text),
            Content::ResourceLink { .. } | Content::Other { .. } => (),
        }
    }
    let Some(tool) = &mut item.tool else { return is_cut };
    if let Some(output) = &mut tool.output {
        let was_cut = output.text.as_mut().is_some_and(shorten);
        output.truncated |= was_cut;
        is_cut |= was_cut;
    }
    let diffs = tool.changes.iter_mut().flatten().filter_map(|change| change.unified_diff.as_mut());
    diffs.fold(is_cut, |is_cut, diff| shorten(diff) | is_cut)
}

fn shorten(text: &mut String) -> bool {
    if text.len() <= BEGINNING {
        return false;
    }
    let end = (0..=BEGINNING).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.truncate(end);
    true
}
