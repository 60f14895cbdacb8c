//! What is told beside the words of a command and beside the files that a tool is about.

use super::attacks::{asked, effect};
use super::*;

#[test]
fn what_is_told_beside_a_command_is_looked_at_with_it() {
    let bench = Bench::new();
    let run = |input| effect(&bench, Action::Command, &[], &input);
    let raw = |input: serde_json::Value| run(json!({"title": "x", "kind": "execute", "rawInput": input}));
    for input in [
        json!({"command": "cat", "args": ["/etc/hostname"]}),
        json!({"command": "cat", "args": "/etc/hostname"}),
        json!({"command": "cat a.txt", "arguments": ["../x"]}),
        json!({"command": "cat a.txt #", "args": ["../x"]}),
        json!({"command": ["cat"], "argv": [".env"]}),
        json!({"cmd": "find", "args": [".", "-delete"]}),
        json!({"command": "cat", "args": ["a.txt"], "argv": ["../x"]}),
        json!({"command": "cat", "args": [1]}),
        json!({"command": "cat", "args": {"0": "x"}}),
        json!({"command": "ls", "env": {"PATH": "/tmp/evil"}}),
        json!({"command": "ls", "env": [{"name": "PATH", "value": "/tmp/evil"}]}),
        json!({"command": "ls", "environment": {"LD_PRELOAD": "x"}}),
        json!({"command": "ls", "shell": "./x"}),
        json!({"command": "ls", "stdin": "x"}),
        json!({"command": "cat", "path": "/etc/hostname"}),
        json!({"command": "ls", "working_dir": "/etc"}),
    ] {
        assert_eq!((run(input.clone()), raw(input.clone())).1, Effect::Ask, "{input}");
        if input["cmd"].is_null() {
            assert_eq!(run(input.clone()), Effect::Ask, "{input}");
        }
    }
    assert_eq!(raw(json!({"command": "rm", "args": ["-rf", "/"]})), Effect::Deny);
    assert_eq!(raw(json!({"command": "cat", "args": ["/etc/shadow"]})), Effect::Deny);
    assert_eq!(run(json!({"rawInput": {"command": "ls"}, "env": {"PATH": "."}})), Effect::Ask);
    for input in [
        json!({"command": "cat", "args": ["a.txt"], "env": {}, "shell": null}),
        json!({"command": "ls", "description": "lists", "timeout": 5000, "run_in_background": false, "cwd": "."}),
        json!({"command": "ls", "workdir": "src", "call_id": "1", "parsed_cmd": [{"type": "list_files"}]}),
        json!({"command": ["ls"], "args": []}),
    ] {
        assert_eq!(raw(input.clone()), Effect::Allow, "{input}");
    }
    let codex = json!({
        "command": "/bin/bash -lc 'ls src'", "cwd": bench.ground.folder, "network": null, "kind": "command",
        "actions": [{"type": "listFiles", "command": "ls src"}], "environmentId": "local",
    });
    assert_eq!(run(codex.clone()), Effect::Allow);
    assert_eq!(run(json!({"command": "ls", "environmentId": "elsewhere"})), Effect::Ask);
}

#[test]
fn a_yes_to_words_is_none_to_what_is_fed_to_them_or_where_they_write() {
    let bench = Bench::new();
    let rules = [
        "cat",
        "patch -p1",
        "psql",
        "ssh host",
        "echo hi",
        "cargo test *",
        "git apply",
        "tail -n 5",
        "timeout 5 cat",
        "jq .",
    ];
    let rule = |pattern: &str| Remembered { action: Action::Command, pattern: pattern.to_owned() };
    bench.policy.remember(&rules.map(rule), false, "ses_1", &bench.ground.folder, 1).unwrap();
    for line in
        ["cat", "patch -p1", "psql", "ssh host", "echo hi", "git apply", "cargo test | tail -n 5 | cat", "cat | jq ."]
    {
        assert_eq!(bench.command_in(line, Mode::Ask).effect, Effect::Allow, "{line}");
    }
    for line in [
        "cat < a.txt",
        "cat < .env",
        "timeout 5 cat < a.txt",
        "cat 3< .env",
        "patch -p1 < a.txt",
        "cat a.txt | patch -p1",
        "cat | patch -p1",
        "cat | timeout 5 patch -p1",
        "timeout 5 patch -p1 < a.txt",
        "cat | psql",
        "cat | ssh host",
        "cat | git apply",
        "psql < a.txt",
        "cat a.txt | sed -f - a.txt",
        "cat a.txt | sed e",
        "cat a.txt | jq -f /dev/stdin",
        "cat a.txt | parallel",
        "cat a.txt | unshare",
        "cat a.txt | setarch x86_64",
        "cat a.txt | nohup",
        "cat a.txt | gnuplot",
        "cat a.txt | cmake -P /dev/stdin",
        "cat a.txt | nu",
        "cat a.txt | a_program_that_nobody_knows",
    ] {
        let ruling = bench.command_in(line, Mode::Ask);
        assert_eq!((ruling.effect, ruling.remembers.len()), (Effect::Ask, 0), "{line}: {ruling:?}");
    }
    assert_eq!(bench.command_in("echo hi > a.txt", Mode::AcceptEdits).effect, Effect::Allow);
    for line in ["echo hi > .env", "echo hi > .git/hooks/x", "timeout 5 echo hi > .env"] {
        assert_eq!(bench.command_in(line, Mode::AcceptEdits).effect, Effect::Ask, "{line}");
    }
    let bench = Bench::with(vec![
        config(Effect::Allow, Action::Command, "echo *"),
        config(Effect::Allow, Action::Command, "cat *"),
    ]);
    for line in ["echo hi > .env", "cat < .env"] {
        assert_eq!(bench.command_in(line, Mode::AcceptEdits).effect, Effect::Ask, "{line}");
    }
    assert_eq!(bench.command_in("cat < a.txt", Mode::Ask).effect, Effect::Allow);
}

#[test]
fn what_a_tool_is_given_counts_with_what_its_agent_says_of_it() {
    let bench = Bench::new();
    let change = |paths: &[&str], input: serde_json::Value| effect(&bench, Action::FileChange, paths, &input);
    for given in [json!({"destination": "../x"}), json!({"from": "a.txt", "to": "/elsewhere/x"}), json!({})] {
        assert_eq!(change(&["a.txt"], json!({"kind": "move", "rawInput": given})), Effect::Ask, "{given}");
    }
    let given = json!({"source": "a.txt", "destination": "src/x"});
    assert_eq!(change(&["a.txt"], json!({"kind": "move", "rawInput": given})), Effect::Allow);
    assert_eq!(change(&["a.txt", "src/x"], json!({"kind": "move"})), Effect::Allow);
    for name in ["file_path", "path", "filePath", "paths"] {
        for (file, expected) in [("../x", Effect::Ask), ("/etc/passwd", Effect::Deny), ("src/x", Effect::Allow)] {
            let given = if name == "paths" { json!([file]) } else { json!(file) };
            let input = json!({"kind": "edit", "rawInput": {name: given}});
            assert_eq!(change(&["a.txt"], input.clone()), expected, "{input}");
            assert_eq!(
                asked(&bench, Action::Read, &["a.txt"], &input, Mode::Auto).effect == Effect::Allow,
                file == "src/x"
            );
        }
    }
    for name in ["dangerouslyDisableSandbox", "additionalPermissions"] {
        let run = |input| effect(&bench, Action::Command, &[], &input);
        assert_eq!(run(json!({"kind": "execute", "rawInput": {"command": "ls", name: true}})), Effect::Ask, "{name}");
        assert_eq!(run(json!({"rawInput": {"command": "ls"}, name: true})), Effect::Ask, "{name}");
        assert_eq!(
            run(json!({"kind": "execute", "rawInput": {"command": "ls", name: false}})),
            Effect::Allow,
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_seen_is_found_in_every_name_of_a_file() {
    let bench = Bench::new();
    let name = "a\u{202e}gpj.sh";
    for ruling in [
        bench.command(&format!("echo x > \"{name}\"")),
        bench.command(&format!("cat < '{name}'")),
        bench.file(Action::FileChange, name),
        bench.file(Action::Read, name),
    ] {
        assert_eq!((ruling.effect, ruling.hits[0].rule.as_str()), (Effect::Ask, "hidden_characters"), "{ruling:?}");
    }
}
