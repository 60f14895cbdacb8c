//! What agents tell of what a yes allows: the line that would be run, where, and what is told beside it.

use serde_json::{Map, Value};

use super::super::permission::Action;

/// The lines that would be run, as agents tell them: the command with what it is given beside it, and alone where it is more than a
/// name.
pub(super) fn lines(input: &Value) -> Vec<String> {
    let Some((_, command)) = command(input) else { return Vec::new() };
    let (line, words) = match command {
        Value::String(line) => (line.clone(), shell_words::split(line).unwrap_or_else(|_| vec![line.clone()])),
        command => match texts(command) {
            Some(words) => (shell_words::join(&words), words),
            None => return Vec::new(),
        },
    };
    let given: Vec<String> = given(input).into_iter().flatten().collect();
    match (given.is_empty(), words.len()) {
        (true, _) => vec![line],
        (false, 1) => vec![shell_words::join(words.iter().chain(&given))],
        (false, _) => vec![shell_words::join(words.iter().chain(&given)), line],
    }
}

/// Names under which agents tell what is run.
const COMMANDS: [&str; 2] = ["command", "cmd"];

/// Names under which they tell what it is given.
const GIVEN: [&str; 3] = ["args", "argv", "arguments"];

/// What is run, and with what it is told.
fn command(input: &Value) -> Option<(&Map<String, Value>, &Value)> {
    let of = |told: &'_ Value, name: &str| told.get(name).is_some_and(|told| told.is_string() || texts(told).is_some());
    let told = [(input, "command"), (&input["rawInput"], "command"), (&input["rawInput"], "cmd")];
    let (holder, name) = told.into_iter().find(|(holder, name)| of(holder, name))?;
    Some((holder.as_object()?, &holder[name]))
}

fn texts(told: &Value) -> Option<Vec<String>> {
    told.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// What a command is given beside itself. None where that is not understood.
fn given(input: &Value) -> Option<Vec<String>> {
    let (holder, _) = command(input)?;
    let told = GIVEN.iter().filter_map(|name| holder.get(*name)).filter(|told| !says_nothing(told));
    let each: Option<Vec<Vec<String>>> = told
        .map(|told| match told {
            Value::String(text) => shell_words::split(text).ok(),
            told => texts(told),
        })
        .collect();
    each.map(|each| each.concat())
}

/// Names under which agents tell where a command is to run.
const FOLDERS: [&str; 9] = [
    "cwd",
    "workdir",
    "working_dir",
    "workingDir",
    "working_directory",
    "workingDirectory",
    "dir_path",
    "directory",
    "dir",
];

/// Where a command is to run, as agents tell it, or as a model has them tell it.
pub(super) fn folders(input: &Value) -> impl Iterator<Item = &str> {
    let told = |key| [&input[key], &input["rawInput"][key]];
    FOLDERS.into_iter().flat_map(told).filter_map(Value::as_str).filter(|folder| !folder.is_empty())
}

/// What is told of a command that is to do more than others may, which is looked at by itself.
const UNBOUND: [&str; 2] = ["dangerouslyDisableSandbox", "additionalPermissions"];

/// Whether a command may do what the agent's sandbox keeps others from, as an agent tells it or a model has it told.
pub(super) fn is_unbound(input: &Value) -> bool {
    [input, &input["rawInput"]].iter().any(|told| UNBOUND.iter().any(|name| !says_nothing(&told[*name])))
}

/// What changes nothing of what a command does: what is said about it, how long it may take, how its output is shown.
const INERT: [&str; 42] = [
    "description",
    "title",
    "kind",
    "type",
    "reason",
    "justification",
    "explanation",
    "timeout",
    "timeoutMs",
    "timeout_ms",
    "timeoutSeconds",
    "timeout_seconds",
    "timeout_secs",
    "timeoutSecs",
    "delay_ms",
    "requires_approval",
    "yield_time_ms",
    "max_output_tokens",
    "run_in_background",
    "runInBackground",
    "is_background",
    "isBackground",
    "background",
    "actions",
    "commandActions",
    "parsed_cmd",
    "parsedCmd",
    "locations",
    "content",
    "id",
    "call_id",
    "callId",
    "turn_id",
    "turnId",
    "threadId",
    "itemId",
    "approval_id",
    "approvalId",
    "startedAtMs",
    "network",
    "tty",
    "rawInput",
];

/// Names under which tools for files tell theirs, which are looked at by themselves.
const FILES: [&str; 3] = ["file_path", "path", "notebook_path"];

/// More of them, which tools that run nothing have.
const MORE_FILES: [&str; 12] = [
    "filePath",
    "filepath",
    "notebookPath",
    "absolute_path",
    "absolutePath",
    "target_file",
    "targetFile",
    "filename",
    "fileName",
    "file",
    "paths",
    "files",
];

/// Names under which tools that move a file tell where from and where to.
const MOVED: [&str; 20] = [
    "source",
    "src",
    "from",
    "old_path",
    "oldPath",
    "source_path",
    "sourcePath",
    "destination",
    "dest",
    "dst",
    "to",
    "target",
    "new_path",
    "newPath",
    "new_name",
    "newName",
    "destination_path",
    "destinationPath",
    "target_path",
    "targetPath",
];

/// Files that are told of in what a tool is given, beside those that an agent says that it is about.
pub(super) fn files(input: &Value) -> Vec<&str> {
    let moved = if moves(input) { &MOVED[..] } else { &[] };
    let names = FILES.iter().chain(&MORE_FILES).chain(moved);
    let told = names.flat_map(|name| [&input[*name], &input["rawInput"][*name]]);
    told.flat_map(|told| match told {
        Value::String(file) => vec![file.as_str()],
        Value::Array(files) => files.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    })
    .filter(|file| !file.is_empty())
    .collect()
}

/// Whether a file is moved, by the kind of the tool.
pub(super) fn moves(input: &Value) -> bool {
    input["kind"] == "move"
}

/// What is told beside a command and may change what it does: variables, a shell, whatever is not known here.
pub(super) fn beside(action: Action, input: &Value) -> Option<String> {
    let (holder, _) = command(input)?;
    if given(input).is_none() {
        return Some("what it is given beside its line is not understood".to_owned());
    }
    let is_inert = |name: &str, told: &Value, is_holder: bool| {
        let is_told = is_holder && (COMMANDS.contains(&name) || GIVEN.contains(&name));
        let is_file = action != Action::Command && FILES.contains(&name);
        let is_local = name == "environmentId" && told == "local";
        let is_known = (name != "rawInput" || !is_holder) && INERT.contains(&name);
        let is_known = is_known || UNBOUND.contains(&name);
        says_nothing(told) || is_told || is_file || is_local || is_known || FOLDERS.contains(&name)
    };
    let outer = input.as_object().filter(|outer| !std::ptr::eq(*outer, holder));
    let of_outer = outer.into_iter().flatten().filter(|(name, told)| !is_inert(name, told, false));
    let mut more = holder.iter().filter(|(name, told)| !is_inert(name, told, true)).chain(of_outer);
    let (name, _) = more.next()?;
    let name: String = name.chars().take(40).collect();
    Some(format!("{name:?} is told beside its line, and may change what that does"))
}

fn says_nothing(told: &Value) -> bool {
    match told {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The host in an address that is asked for; none where one host is told of and another one asked for.
pub(super) fn host(input: &Value) -> Option<String> {
    let of_address = |address: &str| {
        let (_, rest) = address.split_once("://")?;
        let host = rest.split(['/', '?', '#', '\\']).next()?;
        let is_plain = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
        is_plain.then(|| host.to_ascii_lowercase())
    };
    match (input["network"]["host"].as_str(), input["url"].as_str()) {
        (Some(host), None) => Some(host.to_ascii_lowercase()),
        (None, Some(address)) => of_address(address),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// Whether files are to be deleted: by the kind of the tool, or of one of the changes.
pub(super) fn deletes(input: &Value) -> bool {
    let mut changes = input["changes"].as_array().into_iter().flatten();
    input["kind"] == "delete" || changes.any(|change| change["kind"] == "delete" || change["kind"]["type"] == "delete")
}
