//! Whatever a line is made of: what is allowed holds nothing that is denied, and nothing that is only known when it runs.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(Bench::new)
}

/// Commands that are denied by themselves.
const DENIED: [&str; 8] = [
    "rm -rf /",
    "rm -r -f ..",
    "git push --force",
    "sudo ls",
    "chmod -R 777 .",
    "dd if=a of=/dev/sda",
    "mkfs /dev/sda",
    "reboot",
];

/// Commands that are allowed by themselves.
const ALLOWED: [&str; 6] = ["ls", "cat a.txt", "echo 'x y'", "pwd", "grep -n x a.txt", "git status"];

/// Puts a command somewhere in a line; what a shell then runs is that command.
fn around() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("", ""),
        ("ls; ", ""),
        ("ls && ", ""),
        ("false || ", ""),
        ("ls | ", ""),
        ("", " | cat"),
        ("ls\n", "\nls"),
        ("ls # x\n", ""),
        ("ls \\\n; ", ""),
        ("env ", ""),
        ("nohup ", ""),
        ("timeout 5 ", ""),
        ("nice -n 5 ", ""),
        ("command ", ""),
        ("setsid ", ""),
        ("exec ", ""),
        ("time ", ""),
        ("\\", ""),
        ("A=1 ", ""),
        ("PATH=. ", ""),
        ("env A=1 ", ""),
        ("! ", ""),
        ("(", ")"),
        ("{ ", "; }"),
        ("echo $(", ")"),
        ("echo \"$(", ")\""),
        ("echo `", "`"),
        ("cat <(", ")"),
        ("if true; then ", "; fi"),
        ("f() { ", "; }; f"),
        ("while true; do ", "; done"),
        ("ls & ", ""),
        ("", " &"),
        ("cd src && ", ""),
        ("cd / && ", ""),
        ("x=$(", ")"),
        ("ls ${x:-$(", ")}"),
        ("cat <<E\n$(", ")\nE\n"),
        ("true && { ls; ", "; }"),
        ("2>/dev/null ", ""),
        ("</dev/null ", ""),
        ("\t", ""),
        ("busybox ", ""),
        ("bash -c '", "'"),
        ("sh -c \"", "\""),
        ("eval '", "'"),
        ("bash -lc 'ls && ", "'"),
        ("ls; bash -c 'sh -c \"", "\"'"),
    ])
}

/// Writes a word in another way that comes to the same.
fn disguised(command: &str, way: usize) -> String {
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let (first, others) = name.split_at(1);
    let name = match way % 6 {
        0 => name.to_owned(),
        1 => format!("{first}''{others}"),
        2 => format!("\\{name}"),
        3 => format!("'{name}'"),
        4 => format!("{first}\\\n{others}"),
        _ => format!("\"{first}\"{others}"),
    };
    format!("{name} {rest}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_denied_command_is_not_allowed_wherever_it_stands_and_however_it_is_written(
        denied in prop::sample::select(DENIED.to_vec()),
        way in 0usize..6,
        around in prop::collection::vec(around(), 0..4),
        before in prop::sample::select(ALLOWED.to_vec()),
        joint in prop::sample::select(vec!["; ", " && ", " || ", " | ", "\n"]),
    ) {
        let inner = around.iter().fold(disguised(denied, way), |line, (front, back)| format!("{front}{line}{back}"));
        for line in [inner.clone(), format!("{before}{joint}{inner}"), format!("{inner}{joint}{before}")] {
            prop_assert_ne!(bench().command(&line).effect, Effect::Allow, "{}", line);
        }
    }

    #[test]
    fn what_is_allowed_is_made_of_what_is_allowed(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "ls", "cat", "a.txt", "rm", "-rf", "/", " ", " ", " ", ";", "&&", "|", "||", "\n", "'", "\"", "\\", "$(", ")", "`", "$x", "*",
            "{a,b}", "~", ">", ">>", "<", "2>&1", "src/x", "../x", "sudo", "env", "bash -c", "A=1", "<<E", "E", "\u{202e}", "\u{a0}", "é",
            "#", "cd src", "git", "status", "push", "-f", "echo", "&", "(", "find", "-delete", "-exec", "xargs", ".env", "-", "--", "sh",
        ]), 1..16),
    ) {
        let line = pieces.concat();
        let ruling = bench().command(&line);
        if ruling.effect == Effect::Allow {
            prop_assert!(ruling.hits.is_empty() && ruling.risk == Risk::Low, "{line:?}: {ruling:?}");
            for unknown in ["$(", "`", "<<"] {
                // They stand in quotes, if anywhere.
                prop_assert!(!line.contains(unknown) || line.contains(['\'', '\\', '#']), "{line:?}");
            }
            let alone = calls_of(&line);
            for call in &alone {
                prop_assert_ne!(bench().command(call).effect, Effect::Deny, "{:?} in {:?}", call, line);
            }
        }
    }

    #[test]
    fn no_line_is_too_much(line in "\\PC{0,200}") {
        bench().command(&line);
    }
}

/// The commands of a line, each written as a line.
fn calls_of(line: &str) -> Vec<String> {
    let calls = super::super::call::calls(line).calls;
    calls.iter().map(|call| shell_words::join(call.words.iter().map(|word| word.text.as_str()))).collect()
}
