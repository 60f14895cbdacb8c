use super::*;

/// The commands, word by word, where all is understood.
fn understood(line: &str) -> Option<Vec<Vec<String>>> {
    let script = Script::read(line);
    let words = script.commands.iter().flat_map(|command| &command.words);
    let is_clear = script.unclear.is_empty() && words.clone().all(|word| word.is_known);
    let texts = |command: &Simple| command.words.iter().map(|word| word.text.clone()).collect();
    is_clear.then(|| script.commands.iter().map(texts).collect())
}

/// The names of all commands that are found.
fn found(line: &str) -> Vec<String> {
    let script = Script::read(line);
    script.commands.iter().filter_map(|command| Some(command.words.first()?.text.clone())).collect()
}

#[test]
fn what_is_understood_is_what_a_shell_would_run() {
    let expected: [(&str, &[&[&str]]); 10] = [
        ("ls -la | wc -l && rm 'x y'", &[&["ls", "-la"], &["wc", "-l"], &["rm", "x y"]]),
        ("r\\m \"a b\"'c'd", &[&["rm", "a bcd"]]),
        ("ls \\\n -l\nr\"\"m x", &[&["ls", "-l"], &["rm", "x"]]),
        ("ls # rm\nwc", &[&["ls"], &["wc"]]),
        ("echo a#b", &[&["echo", "a#b"]]),
        ("ls>out 2>&1 <in x", &[&["ls", "x"]]),
        ("echo \"a\\\"b\\c\"", &[&["echo", "a\"b\\c"]]),
        ("ls ''", &[&["ls", ""]]),
        ("ls &&\n\nwc ||\nid", &[&["ls"], &["wc"], &["id"]]),
        ("l\\\ns", &[&["ls"]]),
    ];
    for (line, commands) in expected {
        let commands: Vec<Vec<String>> =
            commands.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect()).collect();
        assert_eq!(understood(line), Some(commands), "{line}");
    }
}

#[test]
fn what_is_not_understood_is_said_and_its_commands_are_found() {
    let expected: [(&str, &[&str]); 18] = [
        ("echo $(rm x)", &["rm", "echo"]),
        ("echo \"a $(rm \"$(id)\") b\"", &["id", "rm", "echo"]),
        ("echo `rm x`", &["rm", "echo"]),
        ("echo `echo \\`rm x\\``", &["rm", "echo", "echo"]),
        ("cat <<EOF\nrm -rf /\nEOF\nls", &["cat", "ls"]),
        ("cat <<EOF\n$(rm x)\nEOF\nls", &["cat", "rm", "ls"]),
        ("cat <<'EOF'\n$(rm x)\nEOF\nls", &["cat", "ls"]),
        ("(cd a; rm x)", &["cd", "rm"]),
        ("if true; then rm x; else ls; fi", &["true", "rm", "ls", "fi"]),
        ("f() { rm x; }; f", &["f", "rm", "}", "f"]),
        ("diff <(rm x) y", &["rm", "diff"]),
        ("ls & rm x", &["ls", "rm"]),
        ("ls &> x", &["ls"]),
        ("ls $'a\\'b' && rm", &["ls", "rm"]),
        ("ls ${x:-$(rm x)}", &["rm", "ls"]),
        ("ls *", &["ls"]),
        ("ls ~/x", &["ls"]),
        ("while true; do rm x; done", &["true", "rm", "done"]),
    ];
    for (line, names) in expected {
        assert_eq!(understood(line), None, "{line}");
        assert_eq!(found(line), names, "{line}");
    }
    for line in
        ["'", "\"", "ls \\", "ls\r", "l\u{a0}s", "ls\u{7}", "{ ls; }", "! ls", "[[ x ]]", "ls <", "x=$(", "ls 10>x"]
    {
        assert_eq!(understood(line), None, "{line:?}");
    }
}

#[test]
fn variables_that_are_set_for_a_command_are_no_words_of_it() {
    let script = Script::read("A=1 B+='x y' ls C=3");
    assert_eq!(script.commands[0].assignments.iter().filter_map(Word::assigned).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(script.commands[0].words.len(), 2);
    assert_eq!(found("\"A=1\" ls"), ["A=1"]);
    assert_eq!(found("A\\=1 ls"), ["A=1"]);
    assert_eq!(found("1A=1 ls"), ["1A=1"]);
}

#[test]
fn lines_that_are_deep_or_long_are_given_up_in_time() {
    for opening in ["(", "( ", "$(", "`", "\"$(", "{ ", "if ", "((", "case a in b) ", "<(", "${", "x=$(", "<<a "] {
        let script = Script::read(&opening.repeat(LONGEST / opening.len()));
        assert!(!script.unclear.is_empty(), "{opening}");
    }
    assert!(!Script::read(&"a".repeat(LONGEST + 1)).unclear.is_empty());
}
