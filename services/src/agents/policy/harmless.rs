//! What a call may be that needs no person: it looks at ordinary files of the folder, with options that are known to do
//! nothing else. Whatever is not listed here is not harmless.

use std::path::Path;

use super::super::scope::Look;
use super::call::{Call, Wraps};
use super::danger::{Scene, may_take_next};
use super::place::{Place, secret};

/// What a program is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operands {
    /// Nothing.
    None,
    /// Texts, which are not looked up anywhere.
    Texts,
    /// Files, and texts that could be taken for some.
    Files,
    /// One file; a second one would be written.
    One,
}

use Operands::{Files, None as Nothing, One, Texts};

/// Programs, their options by letters and by long names, and what they are given.
const PROGRAMS: [(&str, &str, &[&str], Operands); 41] = [
    ("pwd", "LP", &[], Nothing),
    ("true", "", &[], Texts),
    ("false", "", &[], Texts),
    ("whoami", "", &[], Nothing),
    ("id", "unGgr", &[], Nothing),
    ("uname", "asrmnpio", &[], Nothing),
    ("hostname", "", &[], Nothing),
    ("echo", "neE", &[], Texts),
    ("printf", "", &[], Texts),
    ("basename", "as", &[], Texts),
    ("dirname", "", &[], Texts),
    ("which", "a", &[], Texts),
    ("type", "", &[], Texts),
    ("seq", "ws", &[], Texts),
    ("sleep", "", &[], Texts),
    ("tr", "dscC", &[], Texts),
    ("rev", "", &[], Files),
    ("tac", "", &[], Files),
    (
        "ls",
        "la1hRtrSFdpAsiGmnkxoXv",
        &["all", "almost-all", "recursive", "human-readable", "color", "directory", "size", "sort", "time"],
        Files,
    ),
    ("cat", "nbeEsTAvt", &["number", "show-all"], Files),
    ("head", "ncqv", &["lines", "bytes"], Files),
    ("tail", "ncqv", &["lines", "bytes"], Files),
    ("wc", "lwcmL", &["lines", "words", "bytes", "chars"], Files),
    ("nl", "bav", &[], Files),
    ("stat", "Lt", &[], Files),
    ("file", "bi", &["brief", "mime-type"], Files),
    ("du", "shackdm", &["summarize", "human-readable", "max-depth"], Files),
    ("df", "hTik", &["human-readable"], Files),
    ("tree", "aLdI", &[], Files),
    ("grep", "nilcvowxEFPqshHABCem", GREP, Files),
    ("egrep", "nilcvowxqshHABCem", GREP, Files),
    ("fgrep", "nilcvowxqshHABCem", GREP, Files),
    (
        "rg",
        "nilcvowFNSsABCemtT",
        &[
            "count",
            "ignore-case",
            "line-number",
            "files",
            "files-with-matches",
            "type",
            "fixed-strings",
            "word-regexp",
            "no-heading",
            "heading",
            "color",
        ],
        Files,
    ),
    ("diff", "uNbBwqyiU", &["unified", "brief", "color", "ignore-all-space", "side-by-side"], Files),
    ("cmp", "ls", &[], Files),
    ("sort", "nrukthfbdgVisM", &["numeric-sort", "reverse", "unique", "key"], Files),
    ("uniq", "cdui", &["count", "repeated", "unique"], One),
    ("cut", "dfcbs", &["delimiter", "fields", "characters"], Files),
    ("comm", "123", &[], Files),
    ("realpath", "em", &[], Files),
    ("sha256sum", "bt", &[], Files),
];

const GREP: &[&str] = &[
    "count",
    "ignore-case",
    "line-number",
    "files-with-matches",
    "invert-match",
    "only-matching",
    "word-regexp",
    "fixed-strings",
    "extended-regexp",
    "color",
    "max-count",
    "context",
    "after-context",
    "before-context",
    "regexp",
];

/// What `find` may be asked.
const CONDITIONS: [&str; 24] = [
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-regex",
    "-iregex",
    "-type",
    "-maxdepth",
    "-mindepth",
    "-size",
    "-mtime",
    "-mmin",
    "-newer",
    "-empty",
    "-not",
    "-a",
    "-o",
    "-and",
    "-or",
    "-print",
    "-print0",
    "-prune",
    "-depth",
];

/// What of version control only tells.
const GIT: [&str; 10] =
    ["status", "log", "diff", "show", "rev-parse", "ls-files", "blame", "describe", "shortlog", "branch"];

const GIT_OPTIONS: [&str; 44] = [
    "oneline",
    "stat",
    "name-only",
    "name-status",
    "cached",
    "staged",
    "graph",
    "all",
    "decorate",
    "no-color",
    "numstat",
    "shortstat",
    "summary",
    "patch",
    "no-patch",
    "porcelain",
    "short",
    "branch",
    "abbrev-commit",
    "since",
    "until",
    "author",
    "grep",
    "pretty",
    "format",
    "date",
    "no-merges",
    "merges",
    "reverse",
    "follow",
    "word-diff",
    "unified",
    "ignore-all-space",
    "max-count",
    "show-current",
    "list",
    "verbose",
    "show-toplevel",
    "abbrev-ref",
    "others",
    "exclude-standard",
    "deleted",
    "modified",
    "tags",
];

/// Whether a program that may be harmless reads the files that it is given; nothing where it is none of these.
pub(super) fn reads_files(name: &str) -> Option<bool> {
    let (.., operands) = PROGRAMS.iter().find(|(known, ..)| *known == name)?;
    Some(matches!(operands, Files | One))
}

/// Whether nothing comes of a call but that it tells something about ordinary files of the folder, to the agent or to ordinary
/// files of the folder.
pub(super) fn is_harmless(call: &Call, scene: &Scene<'_>) -> bool {
    let Some(name) = call.exact.as_deref().filter(|_| call.is_known() && call.assignments.is_empty()) else {
        return false;
    };
    if Look::is_over() {
        return false;
    }
    match call.wraps {
        Wraps::Exactly => return true,
        Wraps::Somehow => return false,
        Wraps::Nothing => (),
    }
    match name {
        "git" => is_harmless_git(call, scene),
        "find" => is_harmless_find(call, scene),
        "date" => call.given().all(|word| word.starts_with('+') || ["-u", "-I", "-R", "-Is"].contains(&word)),
        "rg" => is_harmless_search(call, scene),
        "sed" => is_excerpt(call) && call.given().skip(2).all(|word| is_open(word, scene)),
        // Of two folders it shows files that nobody names.
        "diff" => is_listed(call, name, scene) && !call.given().any(|word| scene.cwd.join(word).is_dir()),
        "command" => call.words.len() > 2 && ["-v", "-V"].contains(&call.words[1].text.as_str()),
        _ => is_listed(call, name, scene),
    }
}

fn is_listed(call: &Call, name: &str, scene: &Scene<'_>) -> bool {
    let is_plain = |letters, long, operands| is_plain(call, letters, long, operands, scene);
    PROGRAMS.iter().any(|(known, letters, long, operands)| *known == name && is_plain(letters, long, *operands))
}

/// What names files by their endings, or passes over some. By other patterns, files are searched that are hidden else.
fn is_harmless_search(call: &Call, scene: &Scene<'_>) -> bool {
    let mut rest = Vec::new();
    let mut words = call.words.iter();
    let mut before = "";
    while let Some(word) = words.next() {
        // What looks like a pattern may be the value of what stands in front of it, and the word behind it a file.
        let may_be_value = may_take_next(std::mem::replace(&mut before, &word.text));
        let glob = match word.text.as_str() {
            "--" => {
                rest.extend([word].into_iter().chain(words).cloned());
                break;
            }
            "-g" | "--glob" if may_be_value => return false,
            "-g" | "--glob" => {
                before = "";
                words.next().map(|word| word.text.as_str())
            }
            text => text.strip_prefix("--glob="),
        };
        match glob {
            Some(glob) if glob.starts_with('!') => (),
            Some(glob) => {
                let ending = glob.strip_prefix("**/").unwrap_or(glob).strip_prefix("*.").unwrap_or_default();
                let is_ending = !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if !is_ending || [".", "x."].iter().any(|start| secret(&format!("{start}{ending}")).is_some()) {
                    return false;
                }
            }
            None => rest.push(word.clone()),
        }
    }
    is_listed(&Call { words: rest, ..call.clone() }, "rg", scene)
}

fn is_plain(call: &Call, letters: &str, long: &[&str], operands: Operands, scene: &Scene<'_>) -> bool {
    let mut is_over = false;
    let mut files = 0;
    // What `echo` does not know as an option is a text.
    let says = operands == Texts && call.exact.as_deref() == Some("echo");
    let mut words = call.given();
    let is_plain = words.all(|word| {
        if is_over || !word.starts_with('-') || word.len() == 1 || says {
            files += 1;
            return match operands {
                Nothing => false,
                Texts => true,
                Files | One => is_open(word, scene) || (scene.is_text(call, word) && is_inside(word, scene)),
            };
        }
        if word == "--" {
            is_over = true;
            return true;
        }
        match word.strip_prefix("--") {
            Some(option) => {
                let (name, value) = option.split_once('=').unwrap_or((option, ""));
                long.contains(&name) && (value.is_empty() || is_open(value, scene))
            }
            None => word[1..].chars().all(|letter| letters.contains(letter) || letter.is_ascii_digit()),
        }
    });
    is_plain && (operands != One || files < 2)
}

/// Whether a word is no path that leads elsewhere, nor one of a file that may hold keys.
fn is_open(word: &str, scene: &Scene<'_>) -> bool {
    is_inside(word, scene) && scene.ground.secret(scene.cwd, word).is_none()
}

fn is_inside(word: &str, scene: &Scene<'_>) -> bool {
    matches!(scene.ground.place(scene.cwd, word), Place::Inside | Place::Folder | Place::Nowhere)
}

/// `sed -n 1,200p FILE`: some lines of files.
pub(super) fn is_excerpt(call: &Call) -> bool {
    let mut words = call.given();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_range = |text: &str| match text.split_once(',') {
        Some((from, to)) => is_number(from) && (to == "$" || is_number(to)),
        None => is_number(text),
    };
    call.name == "sed"
        && words.next() == Some("-n")
        && words.next().and_then(|script| script.strip_suffix('p')).is_some_and(is_range)
        && words.all(|word| !word.starts_with('-'))
}

fn is_harmless_find(call: &Call, scene: &Scene<'_>) -> bool {
    call.given().all(|word| match word {
        "!" | "(" | ")" => true,
        word if word.starts_with('-') && word.len() > 1 => {
            let is_number = word[1..].bytes().all(|byte| byte.is_ascii_digit());
            is_number || CONDITIONS.contains(&word)
        }
        word => is_open(word, scene),
    })
}

fn is_harmless_git(call: &Call, scene: &Scene<'_>) -> bool {
    if !scene.ground.has_plain_git(scene.cwd) {
        return false;
    }
    let mut words = call.given().peekable();
    while words.next_if(|word| ["--no-pager", "-P"].contains(word)).is_some() {}
    let Some(name) = words.next() else { return false };
    let given: Vec<&str> = words.collect();
    if name == "remote" || name == "tag" {
        return given.is_empty() || given == ["--list"] || given == ["-l"];
    }
    let is_plain = |word: &&str| match (word.strip_prefix("--"), word.strip_prefix('-')) {
        (Some(""), _) => true,
        (Some(option), _) => {
            let (option, value) = option.split_once('=').unwrap_or((option, ""));
            GIT_OPTIONS.contains(&option) && (value.is_empty() || is_open(value, scene))
        }
        (None, Some(short)) => short.chars().all(|letter| "sbpunvawrML".contains(letter) || letter.is_ascii_digit()),
        // A name of a commit, and a file of one.
        (None, None) => word.split(':').all(|piece| is_open(piece, scene)),
    };
    let lists = name != "branch"
        || given.iter().all(|word| ["-a", "-r", "-v", "-vv", "--list", "--show-current", "--all"].contains(word));
    GIT.contains(&name) && lists && given.iter().all(is_plain)
}

/// Whether a call goes to another folder of the session's, and nothing else.
pub(super) fn entered(call: &Call, scene: &Scene<'_>) -> Option<std::path::PathBuf> {
    let [_, folder] = call.words.as_slice() else { return None };
    let is_plain = call.exact.as_deref() == Some("cd") && call.is_known() && call.assignments.is_empty();
    let is_named = !folder.text.is_empty() && !folder.text.starts_with('-');
    let from: &Path = scene.cwd;
    scene.ground.folder_at(from, &folder.text).filter(|_| is_plain && is_named && call.redirects.is_empty())
}
