//! Patterns of rules: words of a command, files of a folder, names in the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::call::held_for;
use super::danger::GIT_VALUED;

/// Programs with their subcommands that do what their name says whatever follows, but for the options that are known to be
/// dangerous.
const FREE: [(&str, &[&str]); 6] = [
    (
        "git",
        &[
            "add",
            "blame",
            "branch",
            "checkout",
            "cherry-pick",
            "commit",
            "describe",
            "diff",
            "grep",
            "log",
            "ls-files",
            "merge",
            "mv",
            "rev-parse",
            "revert",
            "shortlog",
            "show",
            "stash",
            "status",
            "switch",
            "tag",
        ],
    ),
    ("cargo", &["b", "bench", "build", "c", "check", "clippy", "d", "doc", "fmt", "metadata", "t", "test", "tree"]),
    ("go", &["build", "doc", "fmt", "list", "test", "version", "vet"]),
    ("npm", &["list", "ls", "outdated", "start", "t", "test"]),
    ("pnpm", &["build", "lint", "list", "ls", "outdated", "start", "t", "test"]),
    ("yarn", &["build", "lint", "list", "start", "test", "why"]),
];

/// Programs that give what follows to a script, whose options are not known here; and those that they keep.
const SCRIPTED: [&str; 3] = ["npm", "pnpm", "yarn"];
const KEPT: [&str; 8] = ["--", "--silent", "-s", "--if-present", "--verbose", "--color", "--no-color", "--quiet"];

/// Words behind which stands what is really run.
const RUNNERS: [&str; 3] = ["run", "exec", "x"];

/// The pattern of just this: the program with its subcommand, if nothing about it is dangerous; else word by word.
pub(super) fn of_command(words: &[String], is_plain: bool) -> Option<String> {
    let program = words.first().filter(|program| !program.is_empty())?;
    let is_runner = words.get(1).is_some_and(|word| RUNNERS.contains(&word.as_str()));
    let is_known = FREE.iter().any(|(known, _)| known == program);
    match named(words).filter(|_| is_plain && is_free(words)) {
        Some(count) => Some(format!("{} *", shell_words::join(&words[..count]))),
        // What it would run is not said.
        None if is_plain && is_known && is_runner && !words.get(2).is_some_and(|word| is_name(word)) => None,
        None => Some(shell_words::join(words)),
    }
}

/// How many words say what a command does, where any may follow.
fn named(words: &[String]) -> Option<usize> {
    let [program, name, ..] = words else { return None };
    let (_, known) = FREE.iter().find(|(known, _)| known == program)?;
    if name == "run" && SCRIPTED.contains(&program.as_str()) {
        return words.get(2).filter(|word| is_name(word)).map(|_| 3);
    }
    known.contains(&name.as_str()).then_some(2)
}

/// Whether a command is one that may be allowed with whatever follows, as far as its words tell.
pub(super) fn is_free(words: &[String]) -> bool {
    let Some(count) = named(words) else { return false };
    let is_scripted = SCRIPTED.contains(&words[0].as_str());
    !is_scripted || words[count..].iter().all(|word| !word.starts_with('-') || KEPT.contains(&word.as_str()))
}

fn is_name(word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(is_part)
}

/// The pattern of this file alone.
pub(super) fn of_file(path: &Path) -> Option<String> {
    path.to_str().filter(|path| !path.contains(['*', '?'])).map(str::to_owned)
}

/// Whether a command is one of a pattern: word by word; a star at the end stands for all that follow.
pub(super) fn has_command(pattern: &str, words: &[String]) -> bool {
    let (fixed, is_open) = match pattern.strip_suffix(" *") {
        Some(fixed) => (fixed, true),
        None => (pattern, false),
    };
    let Ok(fixed) = shell_words::split(fixed) else { return false };
    let is_same = words.len() >= fixed.len() && fixed.iter().zip(words).all(|(fixed, word)| fixed == word);
    !fixed.is_empty() && is_same && (is_open || words.len() == fixed.len())
}

/// Whether a command comes to one of a pattern, however its program is named, and whichever options stand between: one that takes
/// a value may have the next word.
pub(super) fn is_meant(pattern: &str, words: &[String]) -> bool {
    let (fixed, is_open) = match pattern.strip_suffix(" *") {
        Some(fixed) => (fixed, true),
        None => (pattern, false),
    };
    let Ok(fixed) = shell_words::split(fixed) else { return false };
    let ([first, fixed @ ..], [program, given @ ..]) = (fixed.as_slice(), words) else { return false };
    let base = program.rsplit('/').next().unwrap_or(program);
    let lower = base.to_lowercase();
    let is_same =
        [program, base, lower.strip_suffix(".exe").unwrap_or(&lower), &held_for(base)].contains(&first.as_str());
    // How many of the words may be used up, for each word of the pattern. A toolchain may stand in front of them.
    let chooses = held_for(base) == "cargo" && given.first().is_some_and(|word| word.starts_with('+'));
    let mut ends = BTreeSet::from([0, usize::from(chooses)]);
    for (at, word) in fixed.iter().enumerate() {
        let is_known = at == 0 && held_for(base) == "git";
        let takes_next = |option: &str| !option.contains('=') && (!is_known || GIT_VALUED.contains(&option));
        let starts = past_options(ends, given, takes_next);
        ends = starts.into_iter().filter(|at| given.get(*at) == Some(word)).map(|at| at + 1).collect();
    }
    is_same && if is_open { !ends.is_empty() } else { ends.contains(&given.len()) }
}

/// Where the next word may stand that is no option, nor the value of one.
fn past_options(ends: BTreeSet<usize>, words: &[String], takes_next: impl Fn(&str) -> bool) -> BTreeSet<usize> {
    let mut starts: BTreeSet<usize> = BTreeSet::new();
    let mut open: Vec<usize> = ends.into_iter().collect();
    while let Some(at) = open.pop() {
        let option = words.get(at).filter(|word| word.starts_with('-'));
        if let Some(option) = option.filter(|_| !starts.contains(&at)) {
            open.push(at + 1);
            open.extend(takes_next(option).then_some(at + 2));
        }
        starts.insert(at);
    }
    starts
}

/// Whether a file is one of a pattern, which begins at the folder where it is not absolute. `*` stands for a part of a name,
/// `**` for any folders.
pub(super) fn has_file(pattern: &str, folder: &Path, path: &Path) -> bool {
    fits(pattern, folder, path).last().copied().unwrap_or_default()
}

/// Whether files of a pattern may lie below a folder.
pub(super) fn may_lie_below(pattern: &str, folder: &Path, path: &Path) -> bool {
    fits(pattern, folder, path).contains(&true)
}

/// Whether a path is one of a pattern, for each beginning of that, from none of it to all.
fn fits(pattern: &str, folder: &Path, path: &Path) -> Vec<bool> {
    let whole: PathBuf = folder.join(pattern);
    let (Some(pattern), Some(path)) = (whole.to_str(), path.to_str()) else { return Vec::new() };
    let names =
        |path: &str| path.split(['/', '\\']).filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    fits_names(&names(pattern), &names(path))
}

fn fits_names(pattern: &[String], names: &[String]) -> Vec<bool> {
    // How many of the names fit the pattern so far: no more steps than there are pairs.
    let mut fits = vec![false; names.len() + 1];
    fits[0] = true;
    let mut all = vec![names.is_empty()];
    for part in pattern {
        let mut next = vec![false; names.len() + 1];
        match part.as_str() {
            "**" => {
                let mut open = false;
                for (at, fit) in fits.iter().enumerate() {
                    open |= fit;
                    next[at] = open;
                }
            }
            part => {
                for (at, name) in names.iter().enumerate() {
                    next[at + 1] = fits[at] && has_name(part, name);
                }
            }
        }
        fits = next;
        all.push(fits.last().copied().unwrap_or_default());
    }
    all
}

fn has_name(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// Whether a host is one of a pattern: the same, or below it behind `*.`.
pub(super) fn has_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        shell_words::split(line).unwrap_or_default()
    }

    #[test]
    fn a_rule_is_as_narrow_as_is_of_any_use() {
        let expected = [
            ("cargo test --lib", true, Some("cargo test *")),
            ("npm run build --silent", true, Some("npm run build *")),
            ("npm run build -- --exec x", true, Some("npm run build -- --exec x")),
            ("npm run", true, None),
            ("make build", true, Some("make build")),
            ("go env GOROOT", true, Some("go env GOROOT")),
            ("./cargo test", true, Some("./cargo test")),
            ("npm install left-pad", false, Some("npm install left-pad")),
            ("mkdir 'a b'", true, Some("mkdir 'a b'")),
            ("git -C x status", true, Some("git -C x status")),
            ("", true, None),
        ];
        for (line, is_plain, pattern) in expected {
            assert_eq!(of_command(&words(line), is_plain).as_deref(), pattern, "{line}");
        }
    }

    #[test]
    fn patterns_have_just_what_they_say() {
        assert!(has_command("cargo test *", &words("cargo test")));
        assert!(has_command("cargo test *", &words("cargo test -- x")));
        assert!(!has_command("cargo test *", &words("cargo testing")));
        assert!(!has_command("cargo test", &words("cargo test x")));
        assert!(has_command("echo '*'", &words("echo '*'")));
        assert!(!has_command("echo '*'", &words("echo x")));
        assert!(!has_command(" *", &words("rm x")) && !has_command("", &[]));
        for line in
            ["git log", "/usr/bin/git log -1", "git --no-pager log", "git -C x log", "GIT.exe -P log x", "git2 log"]
        {
            assert!(is_meant("git log *", &words(line)), "{line}");
        }
        for line in ["git show log", "gitk log", "git -P show log", "git", "log"] {
            assert!(!is_meant("git log *", &words(line)), "{line}");
        }
        for line in ["git --attr-source HEAD log", "git --config-env a.b=HOME --config-env=a.b=C log"] {
            assert!(is_meant("git log *", &words(line)), "{line}");
        }
        for line in ["cargo +stable publish", "/x/cargo +stable -q publish --dry-run", "cargo publish"] {
            assert!(is_meant("cargo publish *", &words(line)), "{line}");
        }
        assert!(is_meant("cargo +stable *", &words("cargo +stable b")) && !is_meant("git log *", &words("git +x log")));
        assert!(is_meant("npm run x", &words("npm -s run --loglevel silent x")));
        assert!(!is_meant("npm run x", &words("npm run x y")) && !is_meant(" *", &words("rm x")) && !is_meant("", &[]));
        let below = |pattern: &str, path: &str| may_lie_below(pattern, Path::new("/p"), Path::new(path));
        assert!(below("a/b/**", "/p/a") && below("a/b/**", "/p") && below("a/b", "/") && below("**/x", "/p/q"));
        assert!(!below("a/b/**", "/p/c") && !below("a/b", "/q") && !below("a/*.rs", "/p/a/b"));
        let file = |pattern: &str, path: &str| has_file(pattern, Path::new("/p"), Path::new(path));
        assert!(file("src/**/*.rs", "/p/src/a/b.rs") && file("src/**/*.rs", "/p/src/b.rs") && file("/p/a", "/p/a"));
        assert!(!file("src/*.rs", "/p/src/a/b.rs") && !file("src/**", "/q/src/a") && !file("a*b", "/p/ab/c"));
        assert!(file("a*b*c", "/p/axbxc") && !file("ab*ba", "/p/aba"));
        assert!(has_host("*.example.com", "a.example.com") && !has_host("*.example.com", "example.com"));
        assert!(!has_host("*.example.com", "badexample.com") && has_host("example.com", "Example.com"));
    }
}
