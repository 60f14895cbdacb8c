//! Where paths lead, and which names in a folder mean more than a file.

use std::path::{Component, Path, PathBuf};

/// Names below which changes mean more than they say: hooks, settings, what runs by itself.
const DELICATE: [&str; 36] = [
    ".git",
    ".hg",
    ".svn",
    ".claude",
    ".codex",
    ".gemini",
    ".cursor",
    ".sixframe",
    ".vscode",
    ".idea",
    ".husky",
    ".mcp.json",
    ".envrc",
    ".agents",
    ".qwen",
    ".opencode",
    "opencode.json",
    "opencode.jsonc",
    ".crush.json",
    "crush.json",
    ".goose",
    ".kimi",
    ".copilot",
    ".cargo",
    ".devcontainer",
    ".gitmodules",
    ".factory",
    ".junie",
    ".kiro",
    ".augment",
    ".vibe",
    ".qoder",
    ".cline",
    ".roo",
    ".continue",
    ".zed",
];

/// Names that are so only in this folder.
const DELICATE_BELOW: [(&str, &str); 1] = [(".github", "hooks")];

/// Whether nothing in a path below the folder is more than a name.
pub(super) fn is_ordinary(below: &Path) -> bool {
    let names: Option<Vec<String>> = below
        .components()
        .map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy().to_lowercase()),
            _ => None,
        })
        .collect();
    let Some(names) = names else { return false };
    let is_pair = |pair: &[String]| DELICATE_BELOW.contains(&(pair[0].as_str(), pair[1].as_str()));
    !names.iter().any(|name| DELICATE.contains(&name.as_str())) && !names.windows(2).any(is_pair)
}

/// The path without links, though its end may not be there yet. None where that cannot be said.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    // A link that leads nowhere would be followed when the file is made.
    if path.is_symlink() {
        return None;
    }
    match path.components().next_back()? {
        Component::Normal(name) => Some(real(path.parent()?)?.join(name)),
        _ => None,
    }
}
