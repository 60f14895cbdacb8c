//! Version control: what overwrites or throws away the work of others.

use super::super::super::permission::Risk;
use super::super::call::Call;
use super::{Finding, Scene};

/// Options in front of the subcommand that take a value.
pub(in super::super) const VALUED: [&str; 9] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--exec-path",
    "--super-prefix",
    "--config-env",
    "--attr-source",
];

/// The subcommand and what stands behind it.
pub(in super::super) fn subcommand(call: &Call) -> Option<(&str, Vec<&str>)> {
    let words: Vec<&str> = call.given().collect();
    let mut at = 0;
    while words.get(at)?.starts_with('-') {
        at += 1 + usize::from(VALUED.contains(words.get(at)?));
    }
    Some((words.get(at)?, words[at + 1..].to_vec()))
}

/// Whether `git checkout` puts files back as they were, by the words behind it: it is told of more than what to go to, or of a
/// file that is there, or may be.
fn puts_back(call: &Call, given: &[&str], scene: &Scene<'_>) -> bool {
    let operands: Vec<&str> = given.iter().copied().filter(|word| !word.starts_with('-')).collect();
    // What makes a branch takes no files.
    let makes = given.iter().any(|word| ["-b", "-B", "-t", "--orphan", "--track"].contains(word));
    let words: Vec<&str> = call.given().collect();
    let folders = words.windows(2).filter(|pair| pair[0] == "-C").map(|pair| scene.cwd.join(pair[1]));
    let folders: Vec<_> = folders.chain([scene.cwd.to_owned()]).collect();
    let is_file = |word: &str| {
        word.contains(['*', '?', '[', ':']) || folders.iter().any(|folder| folder.join(word).symlink_metadata().is_ok())
    };
    !makes && (operands.len() > 1 || operands.into_iter().any(is_file))
}

pub(super) fn findings(call: &Call, scene: &Scene<'_>) -> Vec<Finding> {
    if call.name != "git" {
        return Vec::new();
    }
    let Some((name, given)) = subcommand(call) else { return Vec::new() };
    let has = |letters: &str, long: &[&str]| {
        given.iter().any(|word| match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(word), _) => {
                let word = word.split('=').next().unwrap_or_default();
                !word.is_empty() && long.iter().any(|long| long.starts_with(word))
            }
            (None, Some(word)) => word.chars().any(|letter| letters.contains(letter)),
            (None, None) => false,
        })
    };
    let operand = |of: &[&str]| given.iter().any(|word| of.contains(word));
    let mut found = Vec::new();
    let elsewhere = ["--exec-path", "--config-env", "--git-dir", "--work-tree", "--super-prefix", "--attr-source"];
    let configured = call.given().any(|word| word == "-c" || elsewhere.iter().any(|option| word.starts_with(option)));
    if configured || name == "config" {
        found.push(Finding::new("git_settings", Risk::High, "settings of git can name programs that it runs"));
    }
    let names_program =
        has("", &["upload-pack", "receive-pack", "ext-diff", "textconv", "open-files-in-pager", "exec", "extcmd"])
            || given.iter().any(|word| word.starts_with("-O") || (*word == "-x" && name != "clean"))
            || (name == "bisect" && operand(&["run"]))
            || (name == "submodule" && operand(&["foreach"]));
    if names_program {
        found.push(Finding::new("git_settings", Risk::High, format!("`git {name}` is given a program to run")));
    }
    let forces = has("f", &["force", "force-with-lease", "force-if-includes", "mirror", "prune"])
        || given.iter().any(|word| word.starts_with('+'));
    let deletes = has("d", &["delete"]) || given.iter().any(|word| word.starts_with(':') && word.len() > 1);
    match name {
        "push" if forces => {
            let text = "overwrites what others have pushed";
            found.push(Finding::new("force_push", Risk::Critical, text));
        }
        "push" if deletes => found.push(Finding::new("force_push", Risk::Critical, "deletes what others have pushed")),
        "push" => found.push(Finding::new("push", Risk::High, "gives commits to others")),
        "remote" if given.is_empty() => (),
        "remote" if matches!(given.as_slice(), ["-v" | "--verbose"]) => {
            found.push(Finding::new("secrets", Risk::Medium, "shows addresses, which may hold keys"));
        }
        "fetch" | "pull" | "clone" | "ls-remote" | "submodule" | "remote" => {
            found.push(Finding::new("network", Risk::Medium, format!("`git {name}` reaches out to the network")));
        }
        "daemon" | "instaweb" | "send-email" | "imap-send" | "request-pull" | "svn" | "p4" | "http-backend"
        | "upload-pack" | "receive-pack" | "upload-archive" => {
            found.push(Finding::new("network", Risk::High, format!("`git {name}` reaches out to the network")));
        }
        "credential" | "credential-store" | "credential-cache" => {
            found.push(Finding::new("secrets", Risk::High, format!("`git {name}` shows or changes keys")));
        }
        "hook" | "gui" | "citool" | "mergetool" | "difftool" | "web--browse" | "help" | "maintenance" => {
            found.push(Finding::new("git_settings", Risk::High, format!("`git {name}` runs programs")));
        }
        "commit" if has("", &["amend"]) => {
            found.push(Finding::new("git_history", Risk::High, "`git commit --amend` changes what was committed"));
        }
        "filter-branch" | "filter-repo" | "replace" | "update-ref" | "gc" | "prune" | "rebase" | "fast-import" => {
            found.push(Finding::new("git_history", Risk::High, format!("`git {name}` changes what was committed")));
        }
        _ => (),
    }
    let discards = match name {
        _ if has("", &["output"]) => true,
        "reset" => has("", &["hard", "merge", "keep"]),
        "clean" => !has("n", &["dry-run"]),
        "checkout" => {
            has("fBp", &["force", "pathspec-from-file", "patch", "ours", "theirs"])
                || operand(&["--", "."])
                || puts_back(call, &given, scene)
        }
        "switch" => has("fC", &["force", "force-create", "discard-changes"]) || operand(&["--", "."]),
        "mv" => has("f", &["force"]),
        "restore" => !has("S", &["staged"]) || has("W", &["worktree"]),
        "branch" => has("DdfMC", &["delete", "force"]),
        "tag" => has("df", &["delete", "force"]),
        "stash" => operand(&["drop", "clear", "pop"]),
        "reflog" => operand(&["expire", "delete"]),
        "worktree" => operand(&["remove", "prune"]),
        "rm" => true,
        _ => false,
    };
    if discards {
        found.push(Finding::new("git_discard", Risk::High, format!("`git {name}` may throw away work for good")));
    }
    found
}
