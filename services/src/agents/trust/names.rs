//! The names by which agents find what is theirs in a folder: settings, and instructions for models.

use std::fs;
use std::path::Path;

use serde_json::{Deserializer, Value};

/// A name, what is in it, and the providers that read it: any where none is named.
pub(super) type Name = (&'static str, &'static str, &'static [&'static str]);

/// Names of settings.
pub(super) const KNOWN: [Name; 6] = [
    (".claude", "settings, hooks, commands and agents of Claude Code", &["claude"]),
    (".mcp.json", "tool servers for Claude Code", &["claude"]),
    (".codex", "settings, hooks and rules of Codex", &["codex"]),
    (".agents", "skills", &["codex", "gemini"]),
    (".gemini", "settings, commands and extensions of Gemini CLI", &["gemini"]),
    (VARIABLES, "variables that Gemini CLI takes over", &["gemini"]),
];

/// Names of settings of other agents.
pub(super) const OTHERS: [&str; 48] = [
    ".aider.conf.yml",
    ".amp",
    ".augment",
    ".blackbox",
    ".cline",
    ".clinerules",
    ".codebuddy",
    ".continue",
    ".copilot",
    ".crush.json",
    ".cursor",
    ".factory",
    ".github/agents",
    ".github/copilot",
    ".github/hooks",
    ".github/lsp.json",
    ".github/mcp.json",
    ".goose",
    ".grok",
    ".iflow",
    ".junie",
    ".kilo",
    ".kilocode",
    ".kimi",
    ".kiro",
    ".opencode",
    ".openhands",
    ".pi",
    ".qoder",
    ".qwen",
    ".roo",
    ".roomodes",
    ".stakpak",
    ".trae",
    ".vibe",
    ".vscode/mcp.json",
    ".vtcode",
    ".windsurf",
    ".zed",
    "cagent.yaml",
    "crush.json",
    "fastagent.config.yaml",
    "fastagent.secrets.yaml",
    "kilo.json",
    "kilo.jsonc",
    "opencode.json",
    "opencode.jsonc",
    "vtcode.toml",
];

/// Names of instructions for models, what they are, and the providers that load them. They run nothing by themselves.
pub(super) const INSTRUCTIONS: [Name; 5] = [
    ("CLAUDE.md", "instructions for Claude Code", &["claude"]),
    ("CLAUDE.local.md", "instructions for Claude Code", &["claude"]),
    ("AGENTS.md", "instructions for Codex and others", &["codex"]),
    ("AGENTS.override.md", "instructions for Codex", &["codex"]),
    ("GEMINI.md", "instructions for Gemini CLI", &["gemini"]),
];

/// Names of files that are taken from folders above the repository too, what is in them, and the providers that take them.
pub(super) const ABOVE: [Name; 3] = [
    (".mcp.json", "tool servers for Claude Code", &["claude"]),
    (VARIABLES, "variables that Gemini CLI takes over", &["gemini"]),
    (".gemini/.env", "variables that Gemini CLI takes over", &["gemini"]),
];

/// What is taken besides from all folders above one that is in no repository, and by whom.
pub(super) const WITHOUT_REPOSITORY: Name =
    (".claude", "commands, skills and agents of Claude Code in a folder above", &["claude"]);

/// What is taken from the main checkout of the repository that a worktree belongs to, and by whom.
pub(super) const BESIDE: Name =
    (".claude", "settings, hooks, commands and agents of Claude Code in the main checkout", &["claude"]);

/// What agents keep there that is no setting, or is one that is loaded in no session.
const PASSED_OVER: [&str; 3] = ["worktrees", "scheduled_tasks.lock", "scheduled_tasks.json"];

/// A file of variables. Folders that are called so are environments of Python's.
const VARIABLES: &str = ".env";

/// Whether a path of these names, in small letters, leads to or into settings of an agent, whatever folder they are of.
pub(in super::super) fn are_settings(path: &[String]) -> bool {
    let is_there = |name: &str| {
        let name: Vec<&str> = name.split('/').collect();
        path.windows(name.len()).any(|part| part.iter().eq(&name))
    };
    // Variables are asked about for what they may hold.
    KNOWN.iter().map(|(name, ..)| *name).filter(|name| *name != VARIABLES).chain(OTHERS).any(is_there)
}

/// What lies in `.claude` and is text for its model alone.
const TEXTS: [&str; 4] = ["CLAUDE.md", "rules", "agent-memory", "agent-memory-local"];

/// Whether what Claude Code keeps under this path runs nothing.
pub(super) fn runs_nothing(path: &Path) -> bool {
    let names: Vec<_> = path.iter().collect();
    let at = names.iter().rposition(|name| *name == ".claude");
    at.and_then(|at| names.get(at + 1)).is_some_and(|name| TEXTS.iter().any(|text| *name == *text))
}

/// What Claude Code takes over or runs by itself while it runs where it comes to `.claude`, in small letters: in these folders, what
/// ends so. Hooks run what lies in theirs, and what that loads in turn.
const TAKEN_OVER: [(&str, &str); 6] = [
    ("agents", ".md"),
    ("commands", ".md"),
    ("hooks", ""),
    ("output-styles", ""),
    ("plugins", ""),
    ("skills", "skill.md"),
];

/// Names, or their ends, of what editors, systems and programs leave beside what they open or run, in small letters.
const LEAVINGS: [&str; 6] = [".swp", ".swx", "~", ".ds_store", ".log", ".pyc"];

/// Whether Claude Code may take this over, or run it, where it comes while it runs.
pub(super) fn is_taken_over(path: &Path) -> bool {
    let names: Vec<String> = path.iter().map(|name| name.to_string_lossy().to_lowercase()).collect();
    // What lies elsewhere is looked for by its name. It may be a folder, too, of which no more is known.
    let Some(at) = names.iter().rposition(|name| name == ".claude") else { return true };
    let last = names.last().map_or("", String::as_str);
    match &names[at + 1..] {
        [] => true,
        // What lies in a worktree there lies elsewhere.
        [folder, _, _, ..] if folder == "worktrees" => true,
        [name] => {
            (name.starts_with("settings") && name.ends_with(".json"))
                || name == ".mcp.json"
                || TAKEN_OVER.iter().any(|(folder, _)| name == folder)
        }
        [folder, ..] => {
            let is_so = |(name, end): &(&str, &str)| name == folder && last.ends_with(end);
            TAKEN_OVER.iter().any(is_so) && !LEAVINGS.iter().any(|end| last.ends_with(end))
        }
    }
}

/// Whether this lies in a folder of settings and is none.
pub(super) fn is_passed_over(path: &Path) -> bool {
    PASSED_OVER.iter().any(|name| path.ends_with(name))
}

/// Whether this has the name of a setting and is something else.
pub(super) fn is_another(path: &Path) -> bool {
    path.ends_with(VARIABLES) && path.is_dir()
}

/// The entries of a folder that are called as an agent is which nobody knows: `.name`, `.name.yml`, `.namerc`, `name.json`.
pub(super) fn called_like(folder: &Path, names: &[String]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_like = |entry: &str| {
        let entry = entry.to_lowercase();
        let begins = |name: &String| {
            entry.strip_prefix('.').and_then(|entry| entry.strip_prefix(name.as_str())).is_some_and(is_ending)
                || entry.strip_prefix(name.as_str()).is_some_and(is_settings_ending)
        };
        names.iter().any(begins)
    };
    entries.filter(|entry| is_like(entry)).collect()
}

fn is_ending(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', '-', '_']) || ["rc", "code", "cli"].contains(&rest)
}

fn is_settings_ending(rest: &str) -> bool {
    [".json", ".jsonc", ".toml", ".yaml", ".yml"].contains(&rest) || rest.starts_with(".config.")
}

/// The names that a person has given to the instructions that Gemini CLI loads, beside its own. Where they are not to be
/// understood, all that are known of any agent.
pub(super) fn instructions_of_gemini(home: &Path) -> Vec<String> {
    const KEYS: [&str; 2] = ["\"fileName\"", "\"contextFileName\""];
    let text = fs::read_to_string(home.join(".gemini/settings.json")).unwrap_or_default();
    let Some(value) = KEYS.iter().find_map(|key| text.split_once(key)) else { return Vec::new() };
    // The file may have comments, so it is not read as a whole.
    let value = value.1.trim_start().strip_prefix(':').unwrap_or_default();
    let names = match Deserializer::from_str(value).into_iter::<Value>().next() {
        Some(Ok(Value::String(name))) => Some(vec![name]),
        Some(Ok(Value::Array(names))) => names.into_iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    names.unwrap_or_else(|| INSTRUCTIONS.iter().map(|(name, ..)| (*name).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_claude_code_takes_over_is_told_from_what_programs_leave_there() {
        let taken_over = [
            ".mcp.json",
            "x/.claude",
            "x/.claude/settings.json",
            "x/.claude/settings.local.json",
            "x/.claude/skills/x/SKILL.md",
            "x/.claude/skills/x/y/skill.md",
            "x/.claude/commands/x/y.md",
            "x/.claude/Agents/x.MD",
            "x/.claude/output-styles/x.md",
            "x/.claude/plugins/x/plugin.json",
            "x/.claude/hooks/json.py",
            "x/.claude/worktrees/y/.mcp.json",
        ];
        let left = [
            "x/.claude/hook.log",
            "x/.claude/settings.json~",
            "x/.claude/.settings.json.swp",
            "x/.claude/.DS_Store",
            "x/.claude/state/last.json",
            "x/.claude/commands/.x.md.swp",
            "x/.claude/commands/x.md~",
            "x/.claude/skills/x/notes.txt",
            "x/.claude/hooks/__pycache__/check.cpython-312.pyc",
            "x/.claude/hooks/.check.py.swp",
            "x/.claude/hooks/check.log",
        ];
        assert_eq!(taken_over.iter().filter(|path| !is_taken_over(Path::new(path))).count(), 0);
        assert_eq!(left.iter().filter(|path| is_taken_over(Path::new(path))).count(), 0);
    }
}
