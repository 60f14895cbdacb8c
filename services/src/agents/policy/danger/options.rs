//! Options by which a program is given another one to run, or settings and scripts that can name one.

use super::super::super::permission::Risk;
use super::super::call::Call;
use super::{Finding, shown};

/// Programs, and their options. One that ends with a colon has its value right behind it.
const GIVEN: [(&[&str], &[&str]); 23] = [
    (
        &["tar", "bsdtar", "gtar"],
        &[
            "--to-command",
            "--checkpoint-action",
            "-I",
            "--use-compress-program",
            "-F",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
            "--rmt-command",
        ],
    ),
    (&["zip"], &["-TT", "--unzip-command"]),
    (&["split"], &["--filter"]),
    (&["sort"], &["--compress-program"]),
    (&["rg"], &["--pre", "--hostname-bin"]),
    (&["make", "gmake"], &["--eval", "-E", "-f", "--file", "--makefile", "-I", "--include-dir", "-C", "--directory"]),
    (
        &["just"],
        &[
            "-f",
            "--justfile",
            "-d",
            "--working-directory",
            "--shell",
            "--shell-arg",
            "--shell-command",
            "-c",
            "--command",
            "--set",
            "--chooser",
        ],
    ),
    (
        &["cargo"],
        &["--config", "--config-file", "-Z", "-C", "--manifest-path", "--codegen", "--test-runtool", "--test-builder"],
    ),
    (
        &["go"],
        &[
            "-exec",
            "-toolexec",
            "-vettool",
            "-overlay",
            "-modfile",
            "-C",
            "-compiler",
            "-ldflags",
            "-gcflags",
            "-gccgoflags",
            "-asmflags",
        ],
    ),
    (&["dotnet", "msbuild"], &["-p:", "/p:", "-property:", "/property:", "--property", "-logger:", "/logger:"]),
    (
        &["npm", "pnpm", "yarn", "bun"],
        &["--script-shell", "--shell", "--node-options", "--globalconfig", "--userconfig"],
    ),
    (&["gradle", "gradlew"], &["-I", "--init-script", "-c", "--settings-file", "--project-cache-dir"]),
    (&["mvn", "mvnw"], &["-s", "--settings", "-gs", "-t", "--toolchains"]),
    (&["man"], &["-P", "--pager", "-H", "--html", "-C", "--config-file"]),
    (&["vim", "vi", "nvim", "ex", "view", "vimdiff", "gvim", "rvim"], &["-c", "--cmd", "-S", "-s", "-u", "-W", "+"]),
    (&["emacs", "emacsclient"], &["-e", "--eval", "-f", "--funcall", "-l", "--load", "--script", "--execute"]),
    (&["gdb", "lldb"], &["-ex", "-iex", "--eval-command", "-x", "--command", "-o", "-O", "-s", "-S", "--source"]),
    (&["rsync"], &["-e", "--rsh", "--rsync-path"]),
    (&["ssh", "scp", "sftp"], &["-o", "-F", "-S"]),
    (&["curl"], &["-K", "--config"]),
    (&["nmap"], &["--script"]),
    (&["nc", "ncat", "netcat"], &["-e", "-c", "--exec", "--sh-exec", "--lua-exec"]),
    (&["eslint", "prettier", "stylelint"], &["--rulesdir", "--plugin", "--parser", "-f", "--format"]),
];

pub(super) fn findings(call: &Call) -> Option<Finding> {
    let (_, options) = GIVEN.iter().find(|(names, _)| names.contains(&call.name.as_str()))?;
    let has_clusters = !WITHOUT_CLUSTERS.contains(&call.name.as_str());
    let is_cut = |option: &str, word: &str| CUTTING.contains(&call.name.as_str()) && is_cut_short(option, word);
    let is_one = |word: &str| options.iter().any(|option| is(option, word, has_clusters) || is_cut(option, word));
    // What `make` is told to set may be its shell.
    let sets = |word: &str| ["make", "gmake"].contains(&call.name.as_str()) && word.contains('=');
    let word = call.given().find(|word| is_one(word) || sets(word))?;
    let text = format!("`{} {word}` can name a program to run", shown(call));
    Some(Finding::new("given_program", Risk::High, text))
}

/// Programs whose long options may stand behind one dash, so that letters are no options each.
const WITHOUT_CLUSTERS: [&str; 11] =
    ["go", "mvn", "mvnw", "gradle", "gradlew", "gdb", "lldb", "emacs", "emacsclient", "nmap", "dotnet"];

/// Programs that take a long option whose name is cut short. Others refuse it, or hold it for another one.
const CUTTING: [&str; 22] = [
    "tar",
    "bsdtar",
    "gtar",
    "zip",
    "split",
    "sort",
    "make",
    "gmake",
    "npm",
    "pnpm",
    "mvn",
    "mvnw",
    "man",
    "emacs",
    "emacsclient",
    "gdb",
    "rsync",
    "curl",
    "nmap",
    "nc",
    "ncat",
    "netcat",
];

/// Options that are none of these cut short, but others.
const WHOLE: [&str; 2] = ["--checkpoint", "--global"];

/// Whether a word is a long option whose name is cut short.
fn is_cut_short(option: &str, word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    name.len() > 2 && name.starts_with("--") && option.starts_with(name) && !WHOLE.contains(&name)
}

/// Whether a word is an option, however many dashes it has.
fn is(option: &str, word: &str, has_clusters: bool) -> bool {
    if option == "+" || option.ends_with(':') {
        return word.to_lowercase().starts_with(option);
    }
    let is_letter = option.len() == 2;
    match (word.strip_prefix("--"), word.strip_prefix('-')) {
        // A value may stand right behind a letter, and letters behind one dash.
        (None, Some(letters)) if is_letter => match has_clusters {
            true => letters.split('=').next().unwrap_or_default().contains(&option[1..]),
            false => letters.starts_with(&option[1..]),
        },
        (Some(name), _) | (None, Some(name)) => {
            let name = name.split('=').next().unwrap_or_default();
            let full = option.trim_start_matches('-');
            name == full
        }
        (None, None) => false,
    }
}
