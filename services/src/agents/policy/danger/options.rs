//! Options by which a program is given another one to run, or settings and scripts that can name one.

use super::super::super::permission::Risk;
use super::super::call::Call;
use super::{Finding, shown};

/// Programs, and their options.
const GIVEN: [(&[&str], &[&str]); 21] = [
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
    (&["cargo"], &["--config", "-Z"]),
    (&["go"], &["-exec", "-toolexec", "-vettool", "-overlay", "-modfile"]),
    (&["npm", "pnpm", "yarn", "bun"], &["--script-shell", "--node-options", "--globalconfig", "--userconfig"]),
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
    let is_one = |word: &str| {
        options.iter().any(|option| match word.strip_prefix(option) {
            Some(rest) => rest.is_empty() || rest.starts_with('=') || is_letter(option),
            None => false,
        })
    };
    // What `make` is told to set may be its shell.
    let sets = |word: &str| ["make", "gmake"].contains(&call.name.as_str()) && word.contains('=');
    let word = call.given().find(|word| is_one(word) || sets(word))?;
    let text = format!("`{} {word}` can name a program to run", shown(call));
    Some(Finding::new("given_program", Risk::High, text))
}

/// Whether a value may stand right behind an option.
fn is_letter(option: &str) -> bool {
    option.len() == 2 && !option.starts_with("--") || option == "+"
}
