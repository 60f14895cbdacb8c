//! Codex's items in our words.

use serde_json::Value;

use super::super::item::{
    ChangeKind, CommandRun, Content, FileChange, Item, ItemKind, ItemStatus, Location, McpTool, ToolCall, ToolKind,
    ToolOutput,
};

/// An item as it begins, or as it is in the end. None where it is told by the session itself.
pub(super) fn item(native: &Value, is_done: bool) -> Option<Item> {
    let status = status(native, is_done);
    let said = |kind, text: String| {
        let item = Item::new(kind).status(status);
        if is_done { item.text(text) } else { item }
    };
    let text = |key: &str| native[key].as_str().unwrap_or_default().to_owned();
    Some(match native["type"].as_str().unwrap_or_default() {
        "userMessage" => return None,
        // Its own thread has told that, and ended the turn maybe.
        "subAgentActivity" if native["kind"] == "completed" => return None,
        "agentMessage" | "plan" => said(ItemKind::AgentMessage, text("text")),
        "reasoning" => said(ItemKind::Thought, thought(native)),
        "contextCompaction" => Item::new(ItemKind::Compaction).status(status),
        "commandExecution" => Item::new(ItemKind::ToolCall).status(status).tool(command(native)),
        "fileChange" => Item::new(ItemKind::ToolCall).status(status).tool(change(native)),
        "mcpToolCall" => Item::new(ItemKind::ToolCall).status(status).tool(mcp(native)),
        "webSearch" => {
            let query = text("query");
            Item::new(ItemKind::ToolCall).status(status).tool(named("webSearch", ToolKind::Search, query))
        }
        "collabAgentToolCall" | "subAgentActivity" => other(native, ItemKind::Subagent, status),
        _ => other(native, ItemKind::ToolCall, status),
    })
}

fn status(native: &Value, is_done: bool) -> ItemStatus {
    match (native["status"].as_str(), is_done) {
        (Some("declined"), _) => ItemStatus::Denied,
        (Some("failed"), true) => ItemStatus::Failed,
        (_, true) => ItemStatus::Completed,
        (_, false) => ItemStatus::InProgress,
    }
}

fn named(name: &str, tool_kind: ToolKind, title: String) -> ToolCall {
    ToolCall { name: Some(name.to_owned()), title: Some(title), tool_kind: Some(tool_kind), ..ToolCall::default() }
}

/// What the model thought: its summary where it has one.
fn thought(native: &Value) -> String {
    let parts = |key: &str| {
        let parts = native[key].as_array().into_iter().flatten();
        parts.filter_map(|part| part.as_str().or(part["text"].as_str())).collect::<Vec<_>>().join("\n\n")
    };
    let summary = parts("summary");
    if summary.is_empty() { parts("content") } else { summary }
}

fn command(native: &Value) -> ToolCall {
    let text = |key: &str| native[key].as_str().map(str::to_owned);
    let line = text("command").unwrap_or_default();
    let run = CommandRun {
        line: line.clone(),
        cwd: text("cwd"),
        exit_code: native["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()),
        signal: None,
        duration_ms: native["durationMs"].as_u64(),
    };
    let title = native["commandActions"][0]["command"].as_str().map_or(line, str::to_owned);
    ToolCall {
        command: Some(run),
        output: text("aggregatedOutput").map(ToolOutput::of_text),
        ..named("commandExecution", ToolKind::Execute, title)
    }
}

fn change(native: &Value) -> ToolCall {
    let listed = native["changes"].as_array().into_iter().flatten();
    let changes: Vec<FileChange> = listed.filter_map(file).collect();
    let locations = changes.iter().map(|change| Location { path: change.path.clone(), line: None });
    let title = changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>().join(", ");
    ToolCall {
        locations: Some(locations.collect()),
        changes: Some(changes),
        ..named("fileChange", ToolKind::Edit, title)
    }
}

/// One file. What is new or gone is told by its text, and what is changed by a diff.
fn file(change: &Value) -> Option<FileChange> {
    let (path, diff) = (change["path"].as_str()?, change["diff"].as_str().unwrap_or_default());
    let whole = |sign: char, head: String| diff.lines().fold(head, |text, line| text + &sign.to_string() + line + "\n");
    let lines = diff.lines().count();
    Some(match (change["kind"]["type"].as_str(), change["kind"]["move_path"].as_str()) {
        (Some("add"), _) => {
            FileChange::with_diff(path, ChangeKind::Add, whole('+', format!("@@ -0,0 +1,{lines} @@\n")))
        }
        (Some("delete"), _) => {
            FileChange::with_diff(path, ChangeKind::Delete, whole('-', format!("@@ -1,{lines} +0,0 @@\n")))
        }
        (_, Some(to)) => {
            let old_path = Some(path.to_owned());
            FileChange { old_path, ..FileChange::with_diff(to, ChangeKind::Move, diff) }
        }
        (_, None) => FileChange::with_diff(path, ChangeKind::Modify, diff),
    })
}

fn mcp(native: &Value) -> ToolCall {
    let text = |key: &str| native[key].as_str().unwrap_or_default().to_owned();
    let (server, tool) = (text("server"), text("tool"));
    let result = native.get("result").filter(|result| !result.is_null());
    let output = result.map(|result| ToolOutput { json: Some(result.clone()), ..ToolOutput::default() });
    let error = native["error"]["message"].as_str().map(str::to_owned);
    ToolCall {
        input: native.get("arguments").cloned(),
        output,
        error,
        mcp: Some(McpTool { server: server.clone(), tool: tool.clone() }),
        ..named("mcpToolCall", ToolKind::Mcp, format!("{server}: {tool}"))
    }
}

fn other(native: &Value, kind: ItemKind, status: ItemStatus) -> Item {
    let name = native["type"].as_str().unwrap_or("unknown");
    let content = Some(vec![Content::Other { value: native.clone() }]);
    Item { content, ..Item::new(kind).status(status).tool(named(name, ToolKind::Other, name.to_owned())) }
}

/// The files of a diff of many.
pub(super) fn diffs(diff: &str) -> Vec<FileChange> {
    let mut starts: Vec<usize> = diff.match_indices("diff --git ").map(|(at, _)| at).collect();
    starts.retain(|at| *at == 0 || diff[..*at].ends_with('\n'));
    let ends = starts.iter().skip(1).copied().chain([diff.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| one(&diff[*start..end])).collect()
}

fn one(diff: &str) -> Option<FileChange> {
    let head = diff.find("\n@@").map_or(diff, |at| &diff[..at]);
    let after = |start: &str| head.lines().find_map(|line| line.strip_prefix(start));
    // `diff --git a/PATH b/PATH`, where neither has to be quoted.
    let named = head.lines().next()?.split(" b/").last()?;
    let path = after("+++ b/").or(after("rename to ")).unwrap_or(named);
    let kind = match (after("new file"), after("deleted file"), after("rename from ")) {
        (Some(_), ..) => ChangeKind::Add,
        (_, Some(_), _) => ChangeKind::Delete,
        (.., Some(_)) => ChangeKind::Move,
        (None, None, None) => ChangeKind::Modify,
    };
    let hunks = diff.find("\n@@").map_or("", |at| &diff[at + 1..]);
    let binary = head.contains("\nBinary files ") || head.contains("\nGIT binary patch");
    let old_path = after("rename from ").map(str::to_owned);
    Some(FileChange { old_path, binary, ..FileChange::with_diff(path, kind, hunks) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_of_many_files_is_cut_into_each() {
        let diff = "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+diff --git a b\n\
                    diff --git a/y b/z\nsimilarity index 100%\nrename from y\nrename to z\n\
                    diff --git a/w b/w\ndeleted file mode 100644\n--- a/w\n+++ /dev/null\n@@ -1 +0,0 @@\n-w\n";
        let told: Vec<_> = diffs(diff)
            .into_iter()
            .map(|change| (change.path, change.kind, change.additions, change.deletions, change.old_path))
            .collect();
        let expected = [
            ("x".to_owned(), ChangeKind::Add, 1, 0, None),
            ("z".to_owned(), ChangeKind::Move, 0, 0, Some("y".to_owned())),
            ("w".to_owned(), ChangeKind::Delete, 0, 1, None),
        ];
        assert_eq!(told, expected);
    }
}
