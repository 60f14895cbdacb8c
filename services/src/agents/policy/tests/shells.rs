//! What is understood, against the shells that run it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::super::shell::{Script, Way};

/// A folder with programs that write down what they were called with.
fn recorders(folder: &Path) {
    let script = "#!/bin/sh\nprintf '%s' \"${0##*/}\" >> \"$RECORD\"\nfor word; do printf '\\001%s' \"$word\" >> \"$RECORD\"; done\nprintf '\\002' >> \"$RECORD\"\n";
    for name in ["one", "two", "rm", "if1"] {
        let path = folder.join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "one", "two", "rm", "if1", " ", " ", " ", "\t", "\n", "\\\n", ";", "&&", "||", "|", "'", "\"", "\\", "#", " #",
        "-rf", "a=b", "a", "=", "$", "$(", ")", "`", "{", "}", "~", "*", "?", "2>x", ">x", "2>&1", "<<E\n", "\nE\n",
        "$'", "!", "é", "%", "''", "\"\"", "\\'", "\\\"", "\\ ", "|&", "&", "<in", ":", "[", "]", "^", "\u{a0}", "1",
        ">|x",
    ]);
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_understood_is_what_shells_run(line in pieces()) {
        let script = Script::read(&line);
        let known = |command: &super::super::shell::Simple| {
            let redirects = command.redirects.iter().all(|redirect| redirect.target.is_known && redirect.way != Way::Text);
            command.words.iter().all(|word| word.is_known) && redirects && command.assignments.is_empty()
        };
        if !script.unclear.is_empty() || !script.commands.iter().all(known) {
            return Ok(());
        }
        // Only programs that write down what they are given.
        let is_recorded = |name: &str| ["one", "two", "rm", "if1"].contains(&name);
        if !script.commands.iter().all(|command| command.words.first().is_none_or(|word| is_recorded(&word.text))) {
            return Ok(());
        }
        let mut understood = BTreeMap::<String, usize>::new();
        for command in script.commands.iter().filter(|command| !command.words.is_empty()) {
            let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
            *understood.entry(words.join("\u{1}")).or_default() += 1;
        }
        for shell in ["/bin/sh", "/bin/bash"].into_iter().filter(|shell| Path::new(shell).exists()) {
            let folder = tempfile::tempdir().unwrap();
            let programs = folder.path().join("programs");
            fs::create_dir(&programs).unwrap();
            recorders(&programs);
            fs::write(folder.path().join("in"), "").unwrap();
            let record = folder.path().join("record");
            let path = format!("{}:/usr/bin:/bin", programs.display());
            let mut command = Command::new(shell);
            command.arg("-c").arg(&line).env_clear().env("PATH", path).env("RECORD", &record).env("LC_ALL", "C.UTF-8");
            command.current_dir(folder.path()).stdin(std::process::Stdio::null());
            command.output().unwrap();
            let ran = fs::read_to_string(&record).unwrap_or_default();
            for words in ran.split('\u{2}').filter(|words| !words.is_empty()) {
                prop_assert!(understood.contains_key(words), "{shell} ran {words:?} for {line:?}: {understood:?}");
            }
        }
    }
}
