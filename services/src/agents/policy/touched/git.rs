//! Files that version control touches: those that it is told of, and where it is told of none, all that it keeps.

use super::super::super::permission::Action;
use super::super::danger::subcommand;
use super::Hand;

/// What shows what is in files.
const SHOWS: [&str; 11] = [
    "diff",
    "show",
    "grep",
    "blame",
    "annotate",
    "cat-file",
    "archive",
    "format-patch",
    "stash",
    "whatchanged",
    "range-diff",
];

/// What changes the files that are worked on.
const CHANGES: [&str; 18] = [
    "checkout",
    "switch",
    "restore",
    "reset",
    "clean",
    "stash",
    "merge",
    "pull",
    "rebase",
    "cherry-pick",
    "revert",
    "apply",
    "am",
    "rm",
    "mv",
    "worktree",
    "read-tree",
    "checkout-index",
];

/// What keeps to the files that it is told of, where it is told of some.
const TAKES_PATHS: [&str; 12] =
    ["diff", "show", "log", "grep", "blame", "annotate", "archive", "checkout", "restore", "clean", "rm", "mv"];

impl Hand<'_> {
    pub(super) fn by_git(&mut self) {
        let Some((name, given)) = subcommand(self.call) else { return };
        let (shows, changes) = (shows(name, &given), CHANGES.contains(&name));
        for (path, is_whole) in self.named() {
            let Some(seen) = self.seen(&path) else { continue };
            self.add(Action::Read, &seen, is_whole && seen.is_there);
            if changes {
                self.add(Action::FileChange, &seen, is_whole && seen.is_there);
            }
        }
        let of_commits: Vec<&str> = given.iter().filter_map(|word| Some(word.split_once(':')?.1)).collect();
        for path in &of_commits {
            // It begins at the folder of the repository, or here.
            let whole = self.scene.ground.folder.join(path);
            self.read(path, true);
            self.read(&whole.to_string_lossy(), true);
        }
        let is_path = |word: &&str| !word.starts_with('-') && self.is_there(word);
        if TAKES_PATHS.contains(&name) && (!of_commits.is_empty() || given.iter().any(is_path)) {
            return;
        }
        for folder in [self.scene.cwd, &self.scene.ground.folder] {
            let folder = folder.to_string_lossy();
            if shows {
                self.read(&folder, true);
            }
            if changes {
                self.change(&folder, true);
            }
        }
    }
}

/// Whether a subcommand shows what is in files, and not only which.
fn shows(name: &str, given: &[&str]) -> bool {
    let short = |letters: &str| {
        let words = given.iter().filter(|word| word.starts_with('-') && !word.starts_with("--"));
        words.into_iter().any(|word| word.contains(|letter| letters.contains(letter)))
    };
    let long = |names: &[&str]| given.iter().any(|word| names.iter().any(|name| word.starts_with(name)));
    let patches = short("puUL")
        || long(&["--patch", "--unified", "--cc", "--word-diff", "--color-words", "--remerge-diff", "--binary"]);
    let sums = long(&[
        "--no-patch",
        "--stat",
        "--shortstat",
        "--numstat",
        "--name-only",
        "--name-status",
        "--quiet",
        "--summary",
    ]);
    match name {
        "log" | "reflog" => patches || short("c"),
        "diff" | "show" | "whatchanged" => patches || !sums,
        name => SHOWS.contains(&name),
    }
}
