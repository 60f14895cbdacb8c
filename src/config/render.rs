//! The configuration as text: the annotated example, and the values in effect with their sources. Both are TOML that can be
//! read back.

use std::fmt::Write as _;

use super::key::{Key, Table};
use super::load::Loaded;
use super::{Config, KEYS, Surroundings, TABLES};

const HEAD: &str = "\
# Sixframe's configuration: every key at its default, which leaving it out keeps. Made by `sixframe config example`.
#
# The daemon reads the file of --config, or of SIXFRAME_CONFIG, or $XDG_CONFIG_HOME/sixframe/sixframe.toml (by default
# ~/.config/sixframe/sixframe.toml; on Windows %APPDATA%\\sixframe\\sixframe.toml). Over the file go the variables named below,
# where lists are separated by commas, and over those go flags: --listen, --runtime-dir, --token-file, --allow,
# --console-port, --console-dir, --no-console, and --set KEY=VALUE for all the others. Relative paths in this file start at its folder, and ~/ is the home folder.
# Paths below are those of a user on Linux.
";

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
    text
}

/// The values in effect, each with its source in a comment.
pub(crate) fn shown(loaded: &Loaded) -> String {
    let mut text = String::new();
    for_each_section(|table, keys| {
        if let Some(table) = table {
            _ = write!(text, "\n[{}]\n", table.name);
        }
        for key in keys {
            let value = (key.get)(&loaded.config);
            _ = writeln!(text, "{} = {value} # {}", key.short_name(), loaded.source(key.name));
        }
    });
    text
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
