//! What Codex is told of the folder that it works in, by its arguments.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::agent::Launch;
use super::super::trust::FolderSettings;

/// Whether the folder is trusted: it trusts every one that it may write to, for good, unless it is told otherwise.
pub(super) fn arguments(launch: &Launch) -> Vec<String> {
    let is_trusted = launch.settings == FolderSettings::Trusted;
    let level = if is_trusted { "trusted" } else { "untrusted" };
    // What is quoted for JSON is quoted for TOML.
    let told = |folder: &PathBuf| format!("{}={{trust_level=\"{level}\"}}", json!(folder.to_string_lossy()));
    let each: Vec<String> = folders(&launch.cwd, is_trusted).iter().map(told).collect();
    vec!["-c".to_owned(), format!("projects={{{}}}", each.join(","))]
}

/// The folders by which it looks for its trust. That of the repository that a worktree belongs to is none of the trusted ones:
/// what lies there is not what was looked at.
fn folders(cwd: &Path, is_trusted: bool) -> BTreeSet<PathBuf> {
    // It takes a name for another one where a slash is behind it.
    let cwd: PathBuf = cwd.components().collect();
    let repository = cwd.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    let main = repository.as_deref().filter(|_| !is_trusted).and_then(main_repository);
    [cwd].into_iter().chain(repository).chain(main).collect()
}

/// The folder of the repository that a worktree belongs to, where this is one.
fn main_repository(worktree: &Path) -> Option<PathBuf> {
    let pointer = fs::read_to_string(worktree.join(".git")).ok()?;
    let of_worktree = worktree.join(pointer.strip_prefix("gitdir:")?.trim());
    let common = fs::read_to_string(of_worktree.join("commondir")).ok()?;
    let common = of_worktree.join(common.trim()).canonicalize().ok()?;
    common.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it is told of this folder.
    fn told(cwd: &Path, settings: FolderSettings) -> String {
        let arguments = arguments(&Launch { cwd: cwd.to_owned(), settings, ..Launch::default() });
        assert_eq!(arguments[0], "-c");
        arguments[1].clone()
    }

    #[test]
    fn a_folder_is_named_without_a_slash_and_with_the_repository_that_it_is_a_worktree_of() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let (main, worktree) = (place.join("main"), place.join("worktree"));
        let of_worktree = main.join(".git/worktrees/worktree");
        fs::create_dir_all(&of_worktree).unwrap();
        fs::write(of_worktree.join("commondir"), "../..\n").unwrap();
        fs::create_dir_all(worktree.join("src")).unwrap();
        fs::write(worktree.join(".git"), format!("gitdir: {}\n", of_worktree.display())).unwrap();
        let entry = |folder: &Path, level: &str| format!("{}={{trust_level=\"{level}\"}}", json!(folder));
        let all = |folders: &[&Path], level: &str| {
            let each: Vec<String> = folders.iter().map(|folder| entry(folder, level)).collect();
            format!("projects={{{}}}", each.join(","))
        };

        for settings in [FolderSettings::Absent, FolderSettings::Withheld] {
            assert_eq!(told(&worktree.join(""), settings), all(&[&main, &worktree], "untrusted"));
            let deep = worktree.join("src");
            assert_eq!(told(&deep, settings), all(&[&main, &worktree, &deep], "untrusted"));
            assert_eq!(told(&main.join(""), settings), all(&[&main], "untrusted"));
        }
        assert_eq!(
            told(&worktree, FolderSettings::Trusted),
            all(&[&worktree], "trusted"),
            "the other was not looked at"
        );
        fs::write(worktree.join(".git"), "gitdir: nowhere\n").unwrap();
        assert_eq!(told(&worktree, FolderSettings::Withheld), all(&[&worktree], "untrusted"));
    }
}
