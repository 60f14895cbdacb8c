//! Patterns of rules: words of a command, files of a folder, names in the network.

use std::path::{Path, PathBuf};

/// Programs whose first word says what they do.
const WITH_SUBCOMMANDS: [&str; 22] = [
    "git", "cargo", "npm", "pnpm", "yarn", "bun", "go", "make", "just", "docker", "kubectl", "gh", "dotnet", "mvn",
    "gradle", "poetry", "uv", "pip", "bundle", "mix", "zig", "swift",
];

/// Words behind which stands what is really run.
const RUNNERS: [&str; 5] = ["run", "exec", "x", "compose", "remote"];

/// The pattern of just this: the program with its subcommand, if nothing about it is dangerous; else word by word.
pub(super) fn of_command(words: &[String], is_plain: bool) -> Option<String> {
    let program = words.first().filter(|program| !program.is_empty())?;
    let base = program.rsplit('/').next().unwrap_or(program);
    let subcommand = words.get(1).filter(|word| is_name(word));
    let has_free_rest = is_plain && WITH_SUBCOMMANDS.contains(&base);
    match subcommand.filter(|_| has_free_rest) {
        Some(name) if RUNNERS.contains(&name.as_str()) => {
            let runs = words.get(2).filter(|word| is_name(word))?;
            Some(format!("{} *", shell_words::join([program, name, runs])))
        }
        Some(name) => Some(format!("{} *", shell_words::join([program, name]))),
        None => Some(shell_words::join(words)),
    }
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

/// Whether a file is one of a pattern, which begins at the folder where it is not absolute. `*` stands for a part of a name,
/// `**` for any folders.
pub(super) fn has_file(pattern: &str, folder: &Path, path: &Path) -> bool {
    let whole: PathBuf = folder.join(pattern);
    let (Some(pattern), Some(path)) = (whole.to_str(), path.to_str()) else { return false };
    let names =
        |path: &str| path.split(['/', '\\']).filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    has_names(&names(pattern), &names(path))
}

fn has_names(pattern: &[String], names: &[String]) -> bool {
    // Which ends of the pattern fit the names so far, for each beginning: no more steps than there are pairs.
    let mut fits = vec![false; names.len() + 1];
    fits[0] = true;
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
    }
    fits.last().copied().unwrap_or_default()
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
            ("npm run", true, None),
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
        let file = |pattern: &str, path: &str| has_file(pattern, Path::new("/p"), Path::new(path));
        assert!(file("src/**/*.rs", "/p/src/a/b.rs") && file("src/**/*.rs", "/p/src/b.rs") && file("/p/a", "/p/a"));
        assert!(!file("src/*.rs", "/p/src/a/b.rs") && !file("src/**", "/q/src/a") && !file("a*b", "/p/ab/c"));
        assert!(file("a*b*c", "/p/axbxc") && !file("ab*ba", "/p/aba"));
        assert!(has_host("*.example.com", "a.example.com") && !has_host("*.example.com", "example.com"));
        assert!(!has_host("*.example.com", "badexample.com") && has_host("example.com", "Example.com"));
    }
}
