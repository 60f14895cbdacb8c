//! A transcript as a sequence of headings, words and blocks, which Markdown and Org write down each in its own way. Here it is
//! decided what people read and in what order; how nothing of it can break out of its place, the two decide.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::super::event::{DiffScope, Plan, PlanStatus};
use super::super::item::{ChangeKind, FileChange, Item, ItemKind, ItemStatus, ToolCall, ToolOutput};
use super::super::moment::Moment;
use super::super::permission::Decider;
use super::super::usage::{Cost, Usage};
use super::heads::text;
use super::notice::problem;
use super::{
    Transcript, TranscriptInfo, TranscriptItem, TranscriptNotice, TranscriptPermission, TranscriptQuestion,
    TranscriptRun, TranscriptTurn,
};

/// A document.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// The name of the project.
    pub(super) title: String,
    /// What is told of the whole, in front of it.
    pub(super) date: String,
    pub(super) session_id: &'a str,
    pub(super) model: &'a str,
    pub(super) blocks: Vec<Block<'a>>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block<'a> {
    /// A heading of a level from 1, and what is told of what stands below it.
    Heading { level: usize, text: String, fields: Vec<(&'static str, String)> },
    /// What somebody says, as Markdown.
    Prose(Cow<'a, str>),
    /// A few words of ours on the block that follows.
    Label(String),
    /// Text that is shown as it is, in a language.
    Code { language: &'static str, text: Cow<'a, str> },
    /// A list of texts that are shown as they are, each on a line.
    Lines(Vec<String>),
}

impl Transcript {
    /// What people read of it.
    pub(super) fn document(&self) -> Document<'_> {
        let info = &self.info;
        let mut blocks = vec![heading(1, "Conversation", Vec::new())];
        self.unread_said(&mut blocks);
        self.run.iter().for_each(|run| told_of_run(run, &mut blocks));
        self.outside.iter().for_each(|item| told_of_item(item, 2, &mut blocks));
        // Those of no turn stand before the turn that follows them.
        let mut apart = self.notices.iter().filter(|notice| notice.turn_id.is_none()).peekable();
        for (at, turn) in self.turns.iter().enumerate() {
            while let Some(notice) = apart.next_if(|notice| notice.at_ms < turn.started_at_ms) {
                blocks.push(Block::Lines(vec![noticed(notice)]));
            }
            self.told_of_turn(at, turn, &mut blocks);
        }
        apart.for_each(|notice| blocks.push(Block::Lines(vec![noticed(notice)])));
        blocks.push(heading(1, "Metadata", fields_of(info)));
        blocks.push(heading(2, "Files Changed", Vec::new()));
        blocks.push(Block::Lines(self.files_changed()));
        blocks.push(heading(2, "Tool Calls", Vec::new()));
        blocks.push(Block::Lines(self.tool_calls()));
        Document {
            title: project(&info.cwd),
            date: moment(info.started_at_ms),
            session_id: &info.session_id,
            model: info.model.as_deref().unwrap_or_default(),
            blocks,
        }
    }

    fn unread_said(&self, blocks: &mut Vec<Block<'_>>) {
        let unread = self.unread;
        let said = [
            (unread.torn_bytes, "bytes behind the last whole event of the log"),
            (unread.lines, "lines of the log that are no events"),
            (unread.later_events, "events that only a later version knows"),
        ];
        let said = said.into_iter().filter(|(count, _)| *count > 0);
        said.for_each(|(count, what)| blocks.push(Block::Label(format!("Missing here: {what}: {count}."))));
    }

    fn told_of_turn<'a>(&'a self, at: usize, turn: &'a TranscriptTurn, blocks: &mut Vec<Block<'a>>) {
        blocks.push(heading(2, format!("Turn {}", at + 1), fields_of_turn(turn)));
        let has_prompt = turn.items.first().is_some_and(|item| item.item.kind == ItemKind::UserMessage);
        if !has_prompt && !turn.prompt.is_empty() {
            blocks.push(heading(3, "User", Vec::new()));
            blocks.push(Block::Prose(Cow::Borrowed(&turn.prompt)));
        }
        turn.items.iter().for_each(|item| told_of_item(item, 3, blocks));
        turn.permissions.iter().for_each(|permission| told_of_permission(permission, blocks));
        turn.questions.iter().for_each(|question| told_of_question(question, blocks));
        turn.plan.iter().for_each(|plan| told_of_plan(plan, blocks));
        let own = |notice: &&TranscriptNotice| notice.turn_id.as_deref() == Some(&turn.turn_id);
        let notices: Vec<String> = self.notices.iter().filter(own).map(noticed).collect();
        if !notices.is_empty() {
            blocks.push(heading(3, "Notices", Vec::new()));
            blocks.push(Block::Lines(notices));
        }
        if let Some(error) = &turn.error {
            blocks.push(heading(3, "Error", vec![("KIND", word(error.kind))]));
            blocks.push(Block::Code { language: "text", text: problem(error).into() });
        }
        if turn.is_cut {
            blocks.push(Block::Label("Long texts of this turn are cut; the log has them.".to_owned()));
        }
        if turn.files.iter().any(|file| file.unified_diff.is_some()) {
            blocks.push(heading(3, format!("Changes of the {}", word(DiffScope::Turn)), Vec::new()));
            changes(&turn.files, blocks);
        }
    }

    fn files_changed(&self) -> Vec<String> {
        let of_turns =
            self.turns.iter().enumerate().flat_map(|(at, turn)| {
                turn.files.iter().map(move |file| format!("{}, turn {}", changed(file), at + 1))
            });
        let members = self.run.iter().flat_map(|run| &run.members);
        let of_members = members.flat_map(|member| {
            let name = &member.member.name;
            member.files.iter().map(move |file| format!("{}, {name}", changed(file)))
        });
        of_turns.chain(of_members).collect()
    }

    fn tool_calls(&self) -> Vec<String> {
        let items = self.turns.iter().flat_map(|turn| &turn.items).chain(&self.outside);
        items.filter(|item| item.item.kind == ItemKind::ToolCall).map(|item| called(&item.item)).collect()
    }
}

fn heading<'a>(level: usize, text: impl Into<String>, fields: Vec<(&'static str, String)>) -> Block<'a> {
    Block::Heading { level, text: text.into(), fields }
}

fn fields_of(info: &TranscriptInfo) -> Vec<(&'static str, String)> {
    let fields = [
        ("PROVIDER", Some(info.provider.clone())),
        ("FOLDER", Some(info.cwd.clone())),
        ("NAME", info.title.clone()),
        ("STARTED", Some(moment(info.started_at_ms))),
        ("UPDATED", Some(moment(info.updated_at_ms))),
        ("TURNS", Some(info.turns.to_string())),
        ("OUTCOME", info.outcome.map(word)),
        ("TOKENS", info.usage.as_ref().map(used)),
        ("COST", info.cost.as_ref().map(paid)),
        ("RUN", info.run_id.clone()),
        ("FORKED_FROM", info.forked_from.clone()),
    ];
    told(fields)
}

fn fields_of_turn(turn: &TranscriptTurn) -> Vec<(&'static str, String)> {
    let fields = [
        ("TURN_ID", Some(turn.turn_id.clone())),
        ("STARTED", Some(moment(turn.started_at_ms))),
        ("ENDED", turn.ended_at_ms.map(moment)),
        ("OUTCOME", Some(turn.outcome.map_or("open".to_owned(), word))),
        ("TOKENS", turn.usage.as_ref().map(used)),
        ("COST", turn.cost.as_ref().map(paid)),
        ("UNDONE", turn.is_undone.then(|| "yes".to_owned())),
    ];
    told(fields)
}

fn told<const N: usize>(fields: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn told_of_item<'a>(item: &'a TranscriptItem, level: usize, blocks: &mut Vec<Block<'a>>) {
    let Item { kind, status, parent, content, tool } = &item.item;
    let unfinished = status.filter(|status| *status != ItemStatus::Completed).map(word);
    let fields = told([
        ("ITEM_ID", Some(item.item_id.clone())),
        ("STARTED", Some(moment(item.at_ms))),
        ("STATUS", unfinished),
        ("PARENT", parent.clone()),
    ]);
    let name = match kind {
        ItemKind::UserMessage => "User".to_owned(),
        ItemKind::AgentMessage => "Agent".to_owned(),
        ItemKind::Thought => "Thought".to_owned(),
        ItemKind::ToolCall => format!("Tool: {}", tool.as_ref().map(tool_name).unwrap_or_default()),
        ItemKind::Notice => "Notice".to_owned(),
        ItemKind::Compaction => "Compaction".to_owned(),
        ItemKind::Subagent => "Subagent".to_owned(),
    };
    blocks.push(heading(level, name, fields));
    if let Some(content) = content.as_ref().filter(|content| !content.is_empty()) {
        blocks.push(Block::Prose(text(content).into()));
    }
    tool.iter().for_each(|tool| told_of_tool(tool, blocks));
}

fn told_of_tool<'a>(tool: &'a ToolCall, blocks: &mut Vec<Block<'a>>) {
    let line = tool.command.as_ref().map(|command| &command.line);
    if let Some(title) = tool.title.as_ref().filter(|title| Some(*title) != line) {
        blocks.push(Block::Code { language: "text", text: Cow::Borrowed(title) });
    }
    if let Some(command) = &tool.command {
        let code = command.exit_code.map(|code| format!(", exit code {code}"));
        let signal = command.signal.map(|signal| format!(", signal {signal}"));
        let ended = code.or(signal).unwrap_or_default();
        blocks.push(Block::Label(format!("Command{ended}")));
        blocks.push(Block::Code { language: "sh", text: Cow::Borrowed(&command.line) });
    } else if let Some(input) = &tool.input {
        blocks.push(Block::Label("Input".to_owned()));
        blocks.push(json(input));
    }
    tool.output.iter().for_each(|output| answered(output, blocks));
    if let Some(error) = &tool.error {
        blocks.push(Block::Label("Error".to_owned()));
        blocks.push(Block::Code { language: "text", text: Cow::Borrowed(error) });
    }
    tool.changes.iter().for_each(|files| changes(files, blocks));
}

fn answered<'a>(output: &'a ToolOutput, blocks: &mut Vec<Block<'a>>) {
    let cut = if output.truncated { ", cut" } else { "" };
    if let Some(text) = output.text.as_ref().filter(|text| !text.is_empty()) {
        blocks.push(Block::Label(format!("Output{cut}")));
        blocks.push(Block::Code { language: "text", text: Cow::Borrowed(text) });
    }
    if let Some(value) = &output.json {
        blocks.push(Block::Label(format!("Output{cut}")));
        blocks.push(json(value));
    }
}

fn json<'a>(value: &Value) -> Block<'a> {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    Block::Code { language: "json", text: text.into() }
}

fn changes<'a>(files: &'a [FileChange], blocks: &mut Vec<Block<'a>>) {
    for file in files {
        blocks.push(Block::Lines(vec![changed(file)]));
        if let Some(diff) = file.unified_diff.as_ref().filter(|diff| !diff.is_empty()) {
            blocks.push(Block::Code { language: "diff", text: Cow::Borrowed(diff) });
        }
    }
}

fn told_of_permission<'a>(permission: &'a TranscriptPermission, blocks: &mut Vec<Block<'a>>) {
    let TranscriptPermission { request, resolved, at_ms, .. } = permission;
    let by = resolved.as_ref().map(|resolved| match &resolved.by {
        Decider::Person { .. } => "a person".to_owned(),
        Decider::Policy { rule } => format!("rule {rule}"),
        Decider::Timeout => "nobody, in time".to_owned(),
        Decider::Agent => "the agent".to_owned(),
        Decider::Stop => "whoever stopped the turn".to_owned(),
        Decider::Shutdown => "the daemon's end".to_owned(),
    });
    let decision = resolved.as_ref().map_or("waiting".to_owned(), |resolved| word(resolved.decision));
    let fields = told([
        ("PERMISSION_ID", Some(request.permission_id.clone())),
        ("ASKED", Some(moment(*at_ms))),
        ("RISK", Some(word(request.risk))),
        ("BY", by),
        ("REASON", resolved.as_ref().and_then(|resolved| resolved.reason.clone())),
        ("INPUT_SHA256", Some(request.input_sha256.clone())),
    ]);
    blocks.push(heading(3, format!("Leave {decision}: {}", word(request.action)), fields));
    blocks.push(Block::Code { language: "text", text: Cow::Borrowed(&request.title) });
    blocks.push(json(&request.shown_input));
}

fn told_of_question<'a>(question: &'a TranscriptQuestion, blocks: &mut Vec<Block<'a>>) {
    let fields = vec![("ASKED", moment(question.at_ms))];
    blocks.push(heading(3, "Question", fields));
    let answers = question.resolved.as_ref().and_then(|resolved| resolved.answers.as_ref());
    for asked in &question.request.questions {
        blocks.push(Block::Prose(Cow::Borrowed(&asked.text)));
        let answer = answers.and_then(|answers| answers.get(&asked.id));
        blocks.push(Block::Label(if answer.is_some() { "Answer" } else { "Not answered" }.to_owned()));
        answer.into_iter().for_each(|answer| blocks.push(Block::Lines(answer.clone())));
    }
}

fn told_of_plan(plan: &Plan, blocks: &mut Vec<Block<'_>>) {
    blocks.push(heading(3, "Plan", Vec::new()));
    let mark = |status| match status {
        PlanStatus::Pending => " ",
        PlanStatus::InProgress => "-",
        PlanStatus::Completed => "x",
    };
    let entries = plan.entries.iter().map(|entry| format!("[{}] {}", mark(entry.status), entry.text));
    blocks.push(Block::Lines(entries.collect()));
}

fn told_of_run<'a>(run: &'a TranscriptRun, blocks: &mut Vec<Block<'a>>) {
    blocks.push(heading(2, "Prompt", vec![("STRATEGY", word(run.strategy))]));
    blocks.push(Block::Prose(Cow::Borrowed(&run.prompt)));
    for member in &run.members {
        let who = &member.member;
        let fields = told([
            ("SESSION_ID", who.session_id.clone()),
            ("PROVIDER", Some(who.provider.clone())),
            ("MODEL", who.model.clone()),
            ("OUTCOME", member.outcome.map(word)),
            ("APPLIED", member.is_applied.then(|| "yes".to_owned())),
        ]);
        blocks.push(heading(2, format!("Member: {}", who.name), fields));
        member.answer.iter().for_each(|answer| blocks.push(Block::Prose(Cow::Borrowed(answer))));
        if let Some(error) = &member.error {
            blocks.push(Block::Code { language: "text", text: problem(error).into() });
        }
        changes(&member.files, blocks);
    }
    if let Some(merged) = &run.merged {
        let fields = told([("BY", Some(merged.by.clone())), ("CHOSEN", merged.chosen.clone())]);
        blocks.push(heading(2, "Merged", fields));
        merged.text.iter().for_each(|text| blocks.push(Block::Prose(Cow::Borrowed(text))));
    }
    if let Some(ended) = &run.ended {
        blocks.push(heading(2, "End", vec![("OUTCOME", word(ended.outcome))]));
        if let Some(error) = &ended.error {
            blocks.push(Block::Code { language: "text", text: problem(error).into() });
        }
    }
}

fn noticed(notice: &TranscriptNotice) -> String {
    format!("{} {}: {}", moment(notice.at_ms), notice.kind, notice.text)
}

fn tool_name(tool: &ToolCall) -> String {
    let of_server = tool.mcp.as_ref().map(|mcp| format!("{} {}", mcp.server, mcp.tool));
    let name = of_server.or_else(|| tool.name.clone());
    name.or_else(|| tool.tool_kind.map(word)).unwrap_or_else(|| "unnamed".to_owned())
}

fn called(item: &Item) -> String {
    let tool = item.tool.as_ref();
    let status = item.status.map_or("open".to_owned(), word);
    let title = tool.and_then(|tool| tool.title.as_deref()).unwrap_or_default();
    format!("{} ({status}) {title}", tool.map(tool_name).unwrap_or_default()).trim_end().to_owned()
}

fn changed(file: &FileChange) -> String {
    let FileChange { path, kind, old_path, binary, is_cut, additions, deletions, .. } = file;
    let from = match (kind, old_path) {
        (ChangeKind::Move | ChangeKind::Copy, Some(old)) => format!(" from {old}"),
        _ => String::new(),
    };
    let mut more = Vec::new();
    if *binary {
        more.push("binary".to_owned());
    }
    if !binary || file.unified_diff.is_some() {
        more.push(format!("+{additions} -{deletions}"));
    }
    more.extend(file.nature());
    if *is_cut {
        more.push("too long to be shown".to_owned());
    }
    format!("{} {path}{from} ({})", word(*kind), more.join("; "))
}

/// The last part of a folder's path, as a name for the project.
pub(super) fn project(cwd: &str) -> String {
    let name = Path::new(cwd).file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "root".to_owned())
}

fn used(usage: &Usage) -> String {
    let Usage { input, cached_read, cached_write, output, .. } = usage;
    format!("{input} in, {cached_read} from cache, {cached_write} to cache, {output} out")
}

fn paid(cost: &Cost) -> String {
    let (whole, rest) = (cost.amount_micros / 1_000_000, cost.amount_micros % 1_000_000);
    format!("{whole}.{rest:06} {}", cost.currency)
}

pub(super) fn moment(wall_ms: u64) -> String {
    Moment { at: Duration::ZERO, wall_ms }.rfc3339()
}

/// A value of a fixed set by its name.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::item::FileMode;
    use super::*;

    #[test]
    fn a_changed_file_is_told_with_what_its_lines_do_not_show() {
        let chmod = FileChange {
            old_mode: Some(FileMode::File),
            new_mode: Some(FileMode::Executable),
            ..FileChange::without_diff("tool.sh", ChangeKind::Modify)
        };
        assert_eq!(changed(&chmod), "modify tool.sh (+0 -0; may be run from now on)");
        let mut long = FileChange::with_diff("a.txt", ChangeKind::Add, "@@ -0,0 +1 @@\n+a\n");
        long.cut();
        assert_eq!(changed(&long), "add a.txt (+1 -0; too long to be shown)");
    }
}
