//! The tools of the Agent Client Protocol in our words.

use serde_json::{Value, json};

use super::super::diff;
use super::super::item::{
    ChangeKind, CommandRun, FileChange, Item, ItemKind, ItemStatus, Location, ToolCall, ToolKind, ToolOutput,
};
use super::super::permission::Action;

fn kind(call: &Value) -> ToolKind {
    match call["kind"].as_str() {
        Some("read") => ToolKind::Read,
        Some("edit") => ToolKind::Edit,
        Some("delete") => ToolKind::Delete,
        Some("move") => ToolKind::Move,
        Some("search") => ToolKind::Search,
        Some("execute") => ToolKind::Execute,
        Some("think") => ToolKind::Think,
        Some("fetch") => ToolKind::Fetch,
        Some("switch_mode") => ToolKind::SwitchMode,
        Some(_) | None => ToolKind::Other,
    }
}

/// What leave is asked for.
pub(super) fn action(call: &Value) -> Action {
    match kind(call) {
        ToolKind::Read | ToolKind::Search => Action::Read,
        ToolKind::Edit | ToolKind::Delete | ToolKind::Move => Action::FileChange,
        ToolKind::Execute => Action::Command,
        ToolKind::Fetch => Action::Network,
        ToolKind::SwitchMode => Action::ModeSwitch,
        ToolKind::Mcp => Action::McpTool,
        ToolKind::Think | ToolKind::Other => Action::Unknown,
    }
}

/// What is shown to a person: all that the agent tells of what it will do.
pub(super) fn shown(call: &Value) -> Value {
    let keys = ["title", "kind", "rawInput", "content", "locations"];
    let told = keys.into_iter().filter_map(|key| Some((key.to_owned(), call.get(key)?.clone())));
    json!(told.collect::<serde_json::Map<_, _>>())
}

/// The files that a call is about.
pub(super) fn paths(call: &Value) -> Vec<String> {
    let located = call["locations"].as_array().into_iter().flatten().filter_map(|location| location["path"].as_str());
    let changed = contents(call, "diff").filter_map(|part| part["path"].as_str());
    let mut paths: Vec<String> = located.chain(changed).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn contents<'a>(call: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    call["content"].as_array().into_iter().flatten().filter(move |part| part["type"] == kind)
}

/// A call as an item: all that is known of it, in the state that was told last.
pub(super) fn item(call: &Value, told: &Value, is_denied: bool) -> Item {
    let status = match (told["status"].as_str(), is_denied) {
        (Some("failed" | "completed"), true) => Some(ItemStatus::Denied),
        (Some("pending"), _) => Some(ItemStatus::Pending),
        (Some("in_progress"), _) => Some(ItemStatus::InProgress),
        (Some("completed"), false) => Some(ItemStatus::Completed),
        (Some("failed"), false) => Some(ItemStatus::Failed),
        (Some(_) | None, _) => None,
    };
    let text = |key: &str| call[key].as_str().map(str::to_owned);
    let texts = contents(call, "content").filter_map(|part| part["content"]["text"].as_str());
    let texts: Vec<&str> = texts.collect();
    let output = (!texts.is_empty()).then(|| ToolOutput::of_text(texts.join("\n")));
    let raw = call.get("rawOutput").map(|raw| ToolOutput { json: Some(raw.clone()), ..ToolOutput::default() });
    let locations = call["locations"].as_array().map(|locations| locations.iter().filter_map(location).collect());
    let changes: Vec<FileChange> = contents(call, "diff").filter_map(change).collect();
    let command = call["rawInput"]["command"].as_str().filter(|_| kind(call) == ToolKind::Execute);
    let command = command.map(|line| CommandRun { line: line.to_owned(), ..CommandRun::default() });
    let tool = ToolCall {
        name: text("kind"),
        title: text("title"),
        tool_kind: Some(kind(call)),
        input: call.get("rawInput").cloned(),
        locations,
        output: output.or(raw),
        changes: (!changes.is_empty()).then_some(changes),
        command,
        ..ToolCall::default()
    };
    Item { status, ..Item::new(ItemKind::ToolCall).tool(tool) }
}

fn location(location: &Value) -> Option<Location> {
    Some(Location { path: location["path"].as_str()?.to_owned(), line: location["line"].as_u64() })
}

/// A file by its text before and after. No text before, or an empty one, is a file that was not there.
fn change(part: &Value) -> Option<FileChange> {
    let (path, new) = (part["path"].as_str()?, part["newText"].as_str().unwrap_or_default());
    let old = part["oldText"].as_str().unwrap_or_default();
    let kind = if old.is_empty() { ChangeKind::Add } else { ChangeKind::Modify };
    Some(FileChange::with_diff(path, kind, diff::unified(old, new)))
}
