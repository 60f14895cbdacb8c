use super::*;

fn names(line: &str) -> Vec<String> {
    calls(line).calls.into_iter().map(|call| call.name).collect()
}

#[test]
fn programs_behind_programs_are_found() {
    let expected: [(&str, &[&str]); 18] = [
        ("timeout -k 3 5 env -u X A=1 nice -n 5 rm -rf x", &["timeout", "env", "nice", "rm"]),
        ("/bin/bash -lc 'cd a && rm -rf x'", &["bash", "cd", "rm"]),
        ("bash -c \"sh -c 'rm x'\"", &["bash", "sh", "rm"]),
        ("find . -name x -exec rm -rf {} \\; -o -exec id \\;", &["find", "rm", "id"]),
        ("ls | xargs -n 1 -I {} rm {}", &["ls", "xargs", "rm"]),
        ("eval 'rm x' ';' id", &["eval", "rm", "id"]),
        ("sudo -u root rm x", &["sudo", "rm"]),
        ("env -S 'rm -rf x'", &["env", "rm"]),
        ("command -v rm", &["command"]),
        ("nohup setsid rm x", &["nohup", "setsid", "rm"]),
        ("PYTHON3.11 x", &["python"]),
        ("/usr/bin/RM x", &["rm"]),
        ("busybox rm x", &["busybox", "rm"]),
        ("python3 -c x", &["python"]),
        ("timeout --sig KILL 5 rm x", &["timeout", "rm"]),
        ("timeout -v --unheard 5 rm x", &["timeout", "rm", "x"]),
        ("xargs -0rn 1 rm", &["xargs", "rm"]),
        ("time -p rm x", &["time", "rm"]),
    ];
    for (line, expected) in expected {
        assert_eq!(names(line), expected, "{line}");
    }
}

#[test]
fn no_line_comes_to_more_programs_than_are_looked_at() {
    let many = |count: usize, piece: &str| calls(&format!("find . {}", piece.repeat(count)));
    let behind = many(16, "-exec find . ");
    assert_eq!((behind.calls.len(), behind.unclear.len()), (DEEPEST + 1, 1), "each runs the one behind it");
    for line in ["-exec find . + ".repeat(60), "; a".repeat(2_000), " x".repeat(20_000), "; a b c d e f".repeat(1_999)]
    {
        let all = calls(&format!("find . {line}"));
        assert!(all.calls.len() <= MOST.0 && all.words <= MOST.1 && !all.unclear.is_empty(), "{line:.20}");
    }
    assert!(many(900, "; a").unclear.is_empty() && many(9_000, "x ").unclear.is_empty());
    assert_eq!(names(&format!("rm -rf / {}", "x ".repeat(20_000))), ["rm"]);
}

#[test]
fn only_what_adds_nothing_is_taken_for_what_it_runs() {
    let wraps = |line: &str| calls(line).calls[0].wraps;
    for line in
        ["timeout 5 ls", "nice -n 5 ls", "nice -5 ls", "nice ls", "command ls", "env ls", "bash -lc 'ls'", "sh -c ls"]
    {
        assert_eq!(wraps(line), Wraps::Exactly, "{line}");
    }
    for line in
        ["timeout -s 9 5 ls", "env A=1 ls", "xargs ls", "sudo ls", "bash -ic ls", "sh -c ls x", "sh -c $x", "eval ls"]
    {
        assert_eq!(wraps(line), Wraps::Somehow, "{line}");
    }
}
