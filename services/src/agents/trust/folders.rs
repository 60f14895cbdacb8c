//! Which folders agents take something from when they work in one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::checkout::main_checkouts;

/// A folder and all those above it, without the person's home: what lies in that is their own. Some programs go on above the home,
/// and some know it by another path only, so nothing ends there.
pub(super) fn upwards<'a>(cwd: &'a Path, home: Option<&'a Path>) -> impl Iterator<Item = &'a Path> {
    cwd.ancestors().filter(move |folder| Some(*folder) != home)
}

/// A folder and those above it, to the one of its repository; itself alone where it is in none.
pub(super) fn of_repository(cwd: &Path) -> Vec<&Path> {
    let depth = cwd.ancestors().position(has_git);
    cwd.ancestors().take(depth.unwrap_or_default() + 1).collect()
}

/// Whether these are of a repository.
pub(super) fn are_of_one(repository: &[&Path]) -> bool {
    repository.last().is_some_and(|top| has_git(top))
}

/// The folders whose commands, skills and agents Claude Code takes, and which are listed for it: a folder and those above it, where
/// it is in a repository, those of that.
pub(in super::super) fn taken_by_claude<'a>(cwd: &'a Path, home: Option<&'a Path>) -> Vec<&'a Path> {
    let repository = of_repository(cwd);
    let is_all = !are_of_one(&repository);
    upwards(cwd, home).filter(|folder| is_all || repository.contains(folder)).collect()
}

/// Whether a folder is that of a repository. Some programs go on where `.git` is something else.
fn has_git(folder: &Path) -> bool {
    let git = folder.join(".git");
    git.is_file() || git.is_dir()
}

/// The folders of the main checkout that have the places of these, of a repository, where it is a worktree.
pub(super) fn beside(repository: &[&Path]) -> BTreeSet<PathBuf> {
    let Some(top) = repository.last() else { return BTreeSet::new() };
    let below = || repository.iter().filter_map(|folder| folder.strip_prefix(top).ok());
    let all = main_checkouts(top).into_iter().flat_map(|main| below().map(move |below| main.join(below)));
    all.filter(|folder| !repository.contains(&folder.as_path())).collect()
}
