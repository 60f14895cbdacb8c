//! Claude Code's tools in our words: what they are for, what they change, what they answered.

use serde_json::Value;

use super::super::event::{Plan, PlanEntry, PlanStatus};
use super::super::item::{
    ChangeKind, CommandRun, FileChange, Item, ItemKind, ItemStatus, Location, McpTool, ToolCall, ToolKind, ToolOutput,
};
use super::super::permission::Action;
use super::blocks::text_of;

/// Whether a tool is another agent.
pub(super) fn is_subagent(name: &str) -> bool {
    matches!(name, "Task" | "Agent")
}

fn kind(name: &str) -> ToolKind {
    match name {
        "Read" | "NotebookRead" | "LS" => ToolKind::Read,
        "Write" | "Edit" | "MultiEdit" | "NotebookEdit" => ToolKind::Edit,
        "Grep" | "Glob" | "WebSearch" | "ToolSearch" => ToolKind::Search,
        "Bash" | "BashOutput" | "KillShell" | "KillBash" => ToolKind::Execute,
        "WebFetch" => ToolKind::Fetch,
        "TodoWrite" => ToolKind::Think,
        "EnterPlanMode" | "ExitPlanMode" => ToolKind::SwitchMode,
        _ if name.starts_with("mcp__") => ToolKind::Mcp,
        _ => ToolKind::Other,
    }
}

/// What leave is asked for.
pub(super) fn action(name: &str) -> Action {
    match (name, kind(name)) {
        ("WebSearch", _) | (_, ToolKind::Fetch) => Action::Network,
        (_, ToolKind::Read | ToolKind::Search) => Action::Read,
        (_, ToolKind::Edit | ToolKind::Delete | ToolKind::Move) => Action::FileChange,
        (_, ToolKind::Execute) => Action::Command,
        (_, ToolKind::Mcp) => Action::McpTool,
        (_, ToolKind::SwitchMode) => Action::ModeSwitch,
        (_, ToolKind::Think | ToolKind::Other) => Action::Unknown,
    }
}

/// The files that a tool is given.
pub(super) fn paths(input: &Value) -> Vec<String> {
    let given = ["file_path", "notebook_path", "path"].into_iter().filter_map(|key| input[key].as_str());
    given.map(str::to_owned).collect()
}

/// Where a pattern of names leads that may leave the folder: the part in front of its first wildcard.
pub(super) fn reached(name: &str, input: &Value) -> Option<String> {
    let pattern = input["pattern"].as_str().filter(|_| name == "Glob")?;
    let fixed = pattern.find(['*', '?', '[', '{']).map_or(pattern, |end| &pattern[..end]);
    // Behind a wildcard, steps upward lead nobody knows where.
    let leaves = pattern[fixed.len()..].contains("..");
    let below = |path: &str| input["path"].as_str().map_or_else(|| path.to_owned(), |base| format!("{base}/{path}"));
    match fixed.starts_with(['/', '~', '\\']) {
        true => Some(fixed.to_owned()),
        false if leaves => Some("..".to_owned()),
        false => Some(below(fixed)),
    }
}

/// What a tool does this time, in one line.
pub(super) fn title(name: &str, input: &Value) -> String {
    let keys = ["command", "file_path", "notebook_path", "path", "pattern", "url", "query", "description", "skill"];
    let what = keys.into_iter().find_map(|key| input[key].as_str()).and_then(|text| text.lines().next());
    what.map_or_else(|| name.to_owned(), |what| format!("{name}: {what}"))
}

/// What is proposed to be allowed, as its settings write it.
pub(super) fn preview(rules: &[Value]) -> String {
    let each = rules.iter().flat_map(|suggestion| suggestion["rules"].as_array().into_iter().flatten());
    let written = each.map(|rule| {
        let tool = rule["toolName"].as_str().unwrap_or("any tool");
        rule["ruleContent"].as_str().map_or_else(|| tool.to_owned(), |content| format!("{tool}({content})"))
    });
    written.collect::<Vec<_>>().join(", ")
}

/// A tool and what it is given.
pub(super) fn called(name: &str, input: &Value) -> ToolCall {
    let tool_kind = kind(name);
    let locations: Vec<Location> = paths(input).into_iter().map(|path| Location { path, line: None }).collect();
    let command = (tool_kind == ToolKind::Execute).then(|| input["command"].as_str()).flatten();
    let command = command.map(|line| CommandRun { line: line.to_owned(), ..CommandRun::default() });
    let mcp = name.strip_prefix("mcp__").and_then(|name| name.split_once("__"));
    ToolCall {
        name: Some(name.to_owned()),
        title: Some(title(name, input)),
        tool_kind: Some(tool_kind),
        input: Some(input.clone()),
        locations: (!locations.is_empty()).then_some(locations),
        command,
        mcp: mcp.map(|(server, tool)| McpTool { server: server.to_owned(), tool: tool.to_owned() }),
        ..ToolCall::default()
    }
}

/// What a tool answered: to the model, and to programs.
pub(super) fn answered(part: &Value, result: &Value, status: ItemStatus) -> Item {
    let text = text_of(&part["content"]);
    let changes = change(result).filter(|_| status == ItemStatus::Completed);
    let tool = ToolCall {
        error: (status == ItemStatus::Failed).then(|| text.lines().next().unwrap_or_default().to_owned()),
        output: Some(ToolOutput::of_text(text)),
        changes: changes.map(|change| vec![change]),
        ..ToolCall::default()
    };
    Item::new(ItemKind::ToolCall).status(status).tool(tool)
}

/// What became of a file, by what a tool tells programs.
fn change(result: &Value) -> Option<FileChange> {
    let path = result["filePath"].as_str()?;
    let hunks = result["structuredPatch"].as_array()?;
    let is_new = result["type"] == "create" || (result["originalFile"].is_null() && hunks.is_empty());
    match (is_new, result["content"].as_str()) {
        (true, Some(content)) => Some(FileChange::with_diff(path, ChangeKind::Add, added(content))),
        (true, None) => Some(FileChange::without_diff(path, ChangeKind::Add)),
        (false, _) => {
            let diff: String = hunks.iter().map(hunk).collect();
            Some(FileChange::with_diff(path, ChangeKind::Modify, diff))
        }
    }
}

fn added(content: &str) -> String {
    let lines = content.lines().count();
    let head = format!("@@ -0,0 +1,{lines} @@\n");
    content.lines().fold(head, |diff, line| diff + "+" + line + "\n")
}

fn hunk(hunk: &Value) -> String {
    let number = |key: &str| hunk[key].as_u64().unwrap_or_default();
    let (old, new) = (number("oldStart"), number("newStart"));
    let head = format!("@@ -{old},{} +{new},{} @@\n", number("oldLines"), number("newLines"));
    let lines = hunk["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.fold(head, |diff, line| diff + line + "\n")
}

/// The plan, where a block writes it down.
pub(super) fn plan(block: &Value) -> Option<Plan> {
    if block["name"] != "TodoWrite" {
        return None;
    }
    let entries = block["input"]["todos"].as_array()?.iter().filter_map(|entry| {
        let status = match entry["status"].as_str() {
            Some("completed") => PlanStatus::Completed,
            Some("in_progress") => PlanStatus::InProgress,
            _ => PlanStatus::Pending,
        };
        Some(PlanEntry { text: entry["content"].as_str()?.to_owned(), status })
    });
    Some(Plan { entries: entries.collect() })
}
