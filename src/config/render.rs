//! The configuration as text: the annotated example, and the values in effect with their sources. Both are TOML that can be
//! read back.

use std::fmt::Write as _;

use super::key::{Key, Setting as _, Table};
use super::load::Loaded;
use super::{Config, KEYS, Surroundings, TABLES};

const HEAD: &str = "\
# Sixframe's configuration: every key at its default, which leaving it out keeps. Made by `sixframe config example`.
#
# The daemon reads the file of --config, or of SIXFRAME_CONFIG, or $XDG_CONFIG_HOME/sixframe/sixframe.toml (by default
# ~/.config/sixframe/sixframe.toml; on Windows %APPDATA%\\sixframe\\sixframe.toml). Over the file go the variables named below,
# where lists are separated by commas, and over those go flags: --listen, --runtime-dir, --token-file, --allow,
# --console-port, --console-dir, --no-console, and --set KEY=VALUE for all the others. Relative paths in this file start at its folder, and ~/ is the home folder.
# SIXFRAME_TOKEN is no setting: it is for programs that call the daemon, whose own token is in token_file.
# Paths below are those of a user on Linux.
";

/// An entry with every key, for the end of the example file. Each line is commented out by `# `, so that an editor takes it in
/// one step.
const SIDECAR: &str = r#"
# A sidecar: any number of these may follow. name and one of program and binary are required; everything else is shown at its
# default where it has one.
#
# [[sidecar]]
# name = "search"                  # letters, digits, '.', '_' and '-'
# program = "python3"              # a path from this file's folder, or a name in PATH
# #binary = "search-server"        # or a bundled one: beside the daemon, in binaries/ here, also with -<target triple> behind
# args = ["-m", "http.server", "{port}", "--bind", "127.0.0.1"]    # {port} is the port that it was given
# env = { PYTHONUNBUFFERED = "1" } # {port} works here too; values are never shown
# #cwd = "search"                  # by default the daemon's own folder
# port = "auto"                    # "none" (default), "auto" for a free one, or a number
# auto_start = true                # default false
# depends_on = []                  # names of sidecars that must be ready first
# health = "http"                  # "none" (default), "http", "tcp", "exec", or a table:
# #health = { kind = "http", path = "/health", interval_ms = 5000, timeout_ms = 2000, failures = 3 }
# #health = { kind = "exec", program = "check", args = ["{port}"] }
# #ready = "http"                  # by default as health; "started", "http", "tcp", "exec", "line", "handshake", or a table:
# #ready = { kind = "line", pattern = '/listening on \d+/', stream = "both", timeout_ms = 30000 }
# restart = "on-failure"           # "never", "on-failure", "always", or a table:
# #restart = { policy = "always", backoff_ms = 250, max_backoff_ms = 30000, starts = 5, window_ms = 60000, stable_ms = 30000 }
# stop = { close_stdin_ms = 2000, signal = "terminate", signal_ms = 3000 } # and http = "POST /shutdown", asked first
# log_bytes = 4194304              # of each output
# trace_output = false             # whether its lines are in the daemon's own log too
"#;

/// The example file: each key's words, its type, its variable and its default.
pub(crate) fn example() -> String {
    let config = Config::defaults(&Surroundings::example());
    let mut text = HEAD.to_owned();
    for_each_section(|table, keys| {
        if let Some(table) = table {
            _ = write!(text, "\n{}[{}]\n", commented(table.doc), table.name);
        }
        for key in keys {
            let value = (key.get)(&config);
            _ = write!(text, "\n{}# {}; {}\n", commented(key.doc), sentence(key.expected), key.variable());
            _ = writeln!(text, "#{} = {value}", key.short_name());
        }
    });
    text + SIDECAR
}

/// The values in effect, each with its source in a comment.
pub(crate) fn shown(loaded: &Loaded) -> String {
    let mut text = String::new();
    for_each_section(|table, keys| {
        if let Some(table) = table {
            _ = write!(text, "\n[{}]\n", table.name);
        }
        for key in keys.iter().filter(|key| key.name != TABLES_OF || loaded.config.sidecar.is_empty()) {
            let value = (key.get)(&loaded.config);
            _ = writeln!(text, "{} = {value} # {}", key.short_name(), loaded.source(key.name));
        }
    });
    text + &sidecars(loaded)
}

/// The key whose value is written as tables, behind all others.
const TABLES_OF: &str = "sidecar";

/// The sidecars, without the values of their variables.
fn sidecars(loaded: &Loaded) -> String {
    if loaded.config.sidecar.is_empty() {
        return String::new();
    }
    let entries: toml::Table = [(TABLES_OF.to_owned(), loaded.config.sidecar.to_toml())].into_iter().collect();
    format!("\n# {}\n{entries}", loaded.source(TABLES_OF))
}

fn for_each_section(mut section: impl FnMut(Option<&Table>, &[&Key<Config>])) {
    let keys_of = |table: Option<&str>| KEYS.iter().filter(|key| key.table == table).collect::<Vec<_>>();
    section(None, &keys_of(None));
    for table in TABLES {
        section(Some(table), &keys_of(Some(table.name)));
    }
}

fn commented(doc: &[&str]) -> String {
    doc.iter().fold(String::new(), |text, line| text + "#" + line + "\n")
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
