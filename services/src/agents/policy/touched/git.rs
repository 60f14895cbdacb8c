//! Files that version control touches: those that it is told of, and where it is told of none, all that it keeps.

use super::super::super::permission::Action;
use super::super::danger::subcommand;
use super::Hand;

/// What changes the files that are worked on, and shows nothing of them.
const CHANGES: [&str; 18] = [
    "checkout",
    "switch",
    "restore",
    "reset",
    "clean",
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
    "sparse-checkout",
];

/// What shows what is in files, and changes none.
const SHOWS: [&str; 12] = [
    "diff",
    "show",
    "grep",
    "blame",
    "annotate",
    "cat-file",
    "archive",
    "whatchanged",
    "range-diff",
    "diff-tree",
    "diff-index",
    "diff-files",
];

/// What neither shows nor changes any, but where an option says so. Whatever is in none of these lists may do both.
const TELLS: [&str; 41] = [
    "add",
    "branch",
    "check-attr",
    "check-ignore",
    "check-ref-format",
    "cherry",
    "commit",
    "commit-tree",
    "config",
    "count-objects",
    "describe",
    "fetch",
    "fsck",
    "gc",
    "hash-object",
    "help",
    "init",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "merge-base",
    "name-rev",
    "notes",
    "pack-refs",
    "prune",
    "push",
    "reflog",
    "remote",
    "repack",
    "rev-list",
    "rev-parse",
    "shortlog",
    "show-branch",
    "show-ref",
    "status",
    "symbolic-ref",
    "tag",
    "update-ref",
    "version",
    "write-tree",
];

/// What keeps to the files that it is told of, where it is told of some.
const TAKES_PATHS: [&str; 12] =
    ["diff", "show", "log", "grep", "blame", "annotate", "archive", "checkout", "restore", "clean", "rm", "mv"];

impl Hand<'_> {
    pub(super) fn by_git(&mut self) {
        let Some((name, given)) = subcommand(self.call) else { return };
        let (shows, changes) = (shows(name, &given), changes(name));
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
        if TAKES_PATHS.contains(&name) && self.keeps_to_paths(name, &given) {
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

    /// Whether nothing but files that it is told of are touched: what is told are paths that are there, behind commits.
    fn keeps_to_paths(&self, name: &str, given: &[&str]) -> bool {
        if given.iter().any(|word| word.starts_with(':') || word.contains(['*', '?', '[', '\\'])) {
            return false;
        }
        // That shows all of a commit, whatever is named behind it.
        if given.iter().any(|word| word.len() > 2 && "--full-diff".starts_with(word)) {
            return false;
        }
        let is_there = |word: &&str| self.is_there(word);
        // What it moves is named as it is, and where it comes to is not there yet.
        if name == "mv" {
            return given.iter().any(|word| !word.starts_with('-') && is_there(word));
        }
        let split = given.iter().position(|word| *word == "--");
        let (front, behind) = given.split_at(split.unwrap_or(given.len()));
        let behind = behind.get(1..).unwrap_or_default();
        if !behind.iter().all(is_there) {
            return false;
        }
        // In front of the paths stands what is looked for, or the commit, whatever it is called.
        let skipped = usize::from(matches!(name, "grep" | "archive"));
        if skipped > 0 && !front.iter().all(|word| !word.starts_with('-') || stands_alone(name, word)) {
            return false;
        }
        let is_operand = |at: &usize| !front[*at].starts_with('-');
        let may_be_value = |at: usize| at > 0 && front[at - 1].starts_with('-') && !stands_alone(name, front[at - 1]);
        let operands: Vec<usize> = (0..front.len()).filter(is_operand).skip(skipped).collect();
        let is_path = |at: &usize| split.is_none() && is_there(&front[*at]) && !may_be_value(*at);
        let has_commits =
            matches!(name, "diff" | "show" | "log" | "blame" | "annotate") || (name == "checkout" && split.is_some());
        let is_of_commit = |at: &usize| {
            let path = path_of_commit(front[*at]);
            path.is_some_and(|path| name == "show" || self.is_there(path))
        };
        // What is no commit is shown as a whole, and any name may be one of a file.
        let may_be_file = |word: &str| matches!(name, "show" | "diff") && !is_of_head(word);
        let is_named = |word: &str| !word.contains(':') && !may_be_file(word);
        let is_commit = |at: &usize| has_commits && (is_named(front[*at]) || is_of_commit(at));
        let are_known = operands.iter().all(|at| is_path(at) || is_commit(at) || is_of_commit(at));
        let has_paths = !behind.is_empty() || operands.iter().any(is_path);
        let are_of_commits = !operands.is_empty() && operands.iter().all(is_of_commit);
        are_known && (has_paths || are_of_commits)
    }
}

/// Whether a word can only be a commit: the one that is worked on, or one from which that comes.
fn is_of_head(word: &str) -> bool {
    let mut commits = word.split("..").map(|commit| commit.strip_prefix("HEAD"));
    commits.all(|rest| rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || "~^".contains(c))))
}

/// Whether an option takes no word that follows it.
fn stands_alone(name: &str, option: &str) -> bool {
    const LETTERS: &str = "puwbsaRcrtzqvMidf0123456789";
    const OF_GREP: &str = "nlLEGFPhHowWpIivacqzr0123456789";
    let letters = if name == "grep" { OF_GREP } else { LETTERS };
    const FLAGS: [&str; 20] = [
        "--cached",
        "--staged",
        "--patch",
        "--no-patch",
        "--stat",
        "--numstat",
        "--shortstat",
        "--summary",
        "--name-only",
        "--name-status",
        "--oneline",
        "--graph",
        "--all",
        "--no-color",
        "--ignore-all-space",
        "--quiet",
        "--follow",
        "--line-number",
        "--ignore-case",
        "--word-regexp",
    ];
    match option.strip_prefix("--") {
        Some(_) => option.contains('=') || FLAGS.contains(&option),
        None => option[1..].chars().all(|letter| letters.contains(letter)),
    }
}

/// The path in `commit:path`, where both are plain.
fn path_of_commit(word: &str) -> Option<&str> {
    let (commit, path) = word.split_once(':')?;
    let is_plain = commit.chars().all(|c| c.is_ascii_alphanumeric() || "_-./~^@".contains(c));
    (is_plain && !commit.is_empty() && !commit.contains("..") && !path.is_empty() && !path.contains(':'))
        .then_some(path)
}

/// Options by which what is in files is shown where it would not be.
const PATCHES: [&str; 9] =
    ["--patch", "--unified", "--cc", "--dd", "--word-diff", "--color-words", "--remerge-diff", "--binary", "--check"];

/// Whether a word is one of these options, its name being cut short.
fn is_cut_short(word: &str, options: &[&str]) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    name.len() > 2 && name != "--color" && options.iter().any(|option| option.starts_with(name))
}

/// Whether a subcommand shows what is in files, and not only which.
fn shows(name: &str, given: &[&str]) -> bool {
    let short = |letters: &str| {
        let words = given.iter().filter(|word| word.starts_with('-') && !word.starts_with("--"));
        words.into_iter().any(|word| word.contains(|letter| letters.contains(letter)))
    };
    let long = |names: &[&str]| given.iter().any(|word| names.iter().any(|name| word.starts_with(name)));
    let patches = short("puUL") || long(&PATCHES) || given.iter().any(|word| is_cut_short(word, &PATCHES));
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
    // What is to be taken is asked about piece by piece, or shown where a message is written.
    const ASKING: [&str; 4] = ["--verbose", "--patch", "--interactive", "--edit"];
    let asks = || short("vpie") || given.iter().any(|word| is_cut_short(word, &ASKING));
    match name {
        "log" | "reflog" => patches || short("c"),
        "diff" | "show" | "whatchanged" => patches || !sums,
        "add" | "commit" | "status" => asks(),
        // A name may be one of a file.
        "tag" | "branch" => given.iter().any(|word| word.contains("raw")),
        name => SHOWS.contains(&name) || !(CHANGES.contains(&name) || TELLS.contains(&name)),
    }
}

/// Whether a subcommand changes the files that are worked on.
fn changes(name: &str) -> bool {
    CHANGES.contains(&name) || !(SHOWS.contains(&name) || TELLS.contains(&name))
}
