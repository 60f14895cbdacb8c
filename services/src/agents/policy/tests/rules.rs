//! Rules of the configuration that ask or deny, and what gets round them.

use super::*;

/// A folder with files that rules keep from agents.
fn kept() -> Bench {
    let bench = Bench::with(vec![
        config(Effect::Deny, Action::FileChange, "db/**"),
        config(Effect::Deny, Action::Read, "private/**"),
        config(Effect::Ask, Action::FileChange, "docs/*.md"),
    ]);
    for name in ["db", "private"] {
        fs::create_dir(bench.ground.folder.join(name)).unwrap();
        fs::write(bench.ground.folder.join(name).join("n.txt"), "text\n").unwrap();
    }
    bench
}

#[test]
fn what_changes_a_file_by_a_command_is_held_to_the_rules_about_changes() {
    let bench = kept();
    std::os::unix::fs::symlink("db", bench.ground.folder.join("link")).unwrap();
    for line in [
        "echo x > db/x",
        "echo x >> ./src/../db/n.txt",
        "echo x > link/x",
        "cat a.txt > db/x",
        "cat a.txt 2> db/x",
        "sort a.txt | cat > db/x",
        "cd db && echo x > y",
        "timeout 5 echo x > db/x",
        "bash -lc 'echo x > db/x'",
        "sh -c 'echo x' > db/x",
        "(echo x > db/x)",
        "echo $(ls > db/x)",
        "tee db/x < a.txt",
        "cp a.txt db",
        "cp a.txt db/x",
        "cp -t db a.txt",
        "cp --target-directory=db a.txt",
        "cp --target-dir=db a.txt",
        "cp --targ db a.txt",
        "cp -at db a.txt",
        "cp -atdb a.txt",
        "install -m 644 -Dt db a.txt",
        "mv db/n.txt src",
        "mv src db",
        "touch db/x",
        "rm db/n.txt",
        "rm -r db",
        "find db -name x -delete",
        "sed -i s/a/b/ db/n.txt",
        "dd if=a.txt of=db/x",
        "git checkout -- db/n.txt",
        "git rm -q db/n.txt",
        "sort -ruodb/f a.txt",
        "sort -rrrrrrrrrrrodb/f a.txt",
        "sort -ro db/f a.txt",
        "sort --outp=db/f a.txt",
    ] {
        let ruling = bench.command(line);
        assert_eq!((ruling.effect, ruling.rule.as_str()), (Effect::Deny, "config:1"), "{line}: {ruling:?}");
        assert_eq!(bench.command_in(line, Mode::Ask).effect, Effect::Deny, "{line}: in whatever mode");
    }
    for line in ["echo x > docs/a.md", "cp a.txt docs/a.md", "cat src/main.rs > ./docs/b.md"] {
        let ruling = bench.command(line);
        assert_eq!((ruling.effect, ruling.remembers.len()), (Effect::Ask, 0), "{line}: {ruling:?}");
    }
    let patterns = ["git checkout *", "git stash *", "git apply a.txt", "mkdir src/new", "git mv *"];
    let rule = |pattern: &str| Remembered { action: Action::Command, pattern: pattern.to_owned() };
    bench.policy.remember(&patterns.map(rule), false, "ses_1", &bench.ground.folder, 1).unwrap();
    for line in ["git checkout main", "git stash -q", "git apply a.txt", "tar xf a.tar"] {
        assert_eq!(bench.command(line).effect, Effect::Ask, "{line}: it may change what nobody names");
    }
    for line in ["mkdir src/new", "git mv a.txt b.txt"] {
        assert_eq!(bench.command_in(line, Mode::Ask).effect, Effect::Allow, "{line}");
    }
    bench.all_are(
        Effect::Allow,
        &["cat db/n.txt", "echo x > src/x", "echo x > docs/a.txt", "echo db/x", "grep -n x db/n.txt", "ls db"],
    );
}

#[test]
fn what_reads_a_file_by_a_command_is_held_to_the_rules_about_reading() {
    let bench = kept();
    std::os::unix::fs::symlink("private", bench.ground.folder.join("link")).unwrap();
    for line in [
        "cat private/n.txt",
        "cat ./private/../private/n.txt",
        "cat link/n.txt",
        "cat < private/n.txt",
        "grep -n . private/n.txt",
        "grep -e . private/n.txt",
        "rg . private",
        "rg -e . private",
        "head -n 1 a.txt private/n.txt",
        "cd private && cat n.txt",
        "cd private && ls",
        "ls private",
        "diff a.txt private/n.txt",
        "find private -type f",
        "git show HEAD:private/n.txt",
        "git diff private",
        "cp private/n.txt a.txt",
        "ln private/n.txt x",
        "timeout 5 cat private/n.txt",
        "ls | xargs cat private/n.txt",
        "xargs -a private/n.txt echo",
        "python3 private/n.txt",
    ] {
        let ruling = bench.command(line);
        assert_eq!((ruling.effect, ruling.rule.as_str()), (Effect::Deny, "config:2"), "{line}: {ruling:?}");
    }
    for line in [
        "grep -rn x .",
        "grep -rn x",
        "rg x",
        "rg -e x",
        "find . -name n.txt -exec cat {} \\;",
        "ls -R",
        "ls -R .",
        "git diff",
        "git log -p",
        "git log --patc",
        "git log --unif=3",
        "git show HEAD",
        "git diff ':!src'",
        "git diff src ':!a.txt'",
        "git diff ':(top)private'",
        "git show HEAD:a.txt HEAD",
        "git show 1a2b3c4 src",
        "git show main src",
        "git show blobtag -- src",
        "git diff blobtag -- src",
        "git diff main..blobtag src",
        "git diff-tree -p HEAD",
        "git diff-index -p HEAD",
        "git diff-files -p",
        "git fast-export --all",
        "git unheard-of",
        "git status -v",
        "git commit --dry-run --verb",
        "git add -p",
        "git tag --format='%(raw)'",
        "git for-each-ref --format='%(raw)'",
        "git diff 1a2b3c4 a.txt",
        "git show 'x^{blob}' src",
        "git log -p --full-diff src",
        "git show HEAD: a.txt",
        "git diff a.txt 'p*'",
        "git diff a.txt 'p\\rivate'",
        "git diff -- a.txt gone",
        "git diff src --",
        "git log -p -S src",
        "git log -p --format=%h:%s",
        "git grep src",
        "git grep -A 3 src",
        "rg -m 1 src",
        "rg -A 3 docs",
        "rg --max-count 1 src",
        "grep -r -m 1 src",
        "grep --directories=recurse x",
        "grep --dir=recurse x .",
        "cat p*/n.txt",
        "tree",
    ] {
        let ruling = bench.command(line);
        assert_eq!(ruling.effect, Effect::Ask, "{line}: what is kept may be among it: {ruling:?}");
        assert!(ruling.remembers.is_empty(), "{line}: {ruling:?}");
    }
    bench.all_are(
        Effect::Allow,
        &[
            "ls",
            "ls -la .",
            "cat a.txt",
            "rg x src",
            "grep -n private a.txt",
            "rg private src",
            "find src -name n.txt",
            "find . -name n.txt",
            "git status",
            "git log --oneline -5",
            "git diff --stat",
            "git diff src",
            "git diff HEAD~1 src",
            "git diff --stat -- src",
            "git log -p -5 src",
            "git show HEAD:src/gone.rs",
            "git show HEAD src",
            "git show 'HEAD~2^' -- src",
            "git diff 'HEAD^..HEAD' src",
            "git branch -v",
            "git log --no-color",
            "rg -A3 x src",
            "rg --no-heading x src",
            "echo private/n.txt",
            "echo x > private/x",
            "cd src && ls",
            "pwd",
        ],
    );
    assert_eq!(bench.file(Action::Read, "private/n.txt").effect, Effect::Deny);
    assert_eq!(bench.file(Action::Read, ".").effect, Effect::Ask, "a search by a tool");
    assert_eq!(bench.file(Action::Read, "src").effect, Effect::Allow);
}

#[test]
fn no_subcommand_nor_option_in_front_of_it_gets_round_a_rule_where_others_are_allowed() {
    let bench = Bench::with(vec![
        config(Effect::Allow, Action::Command, "git *"),
        config(Effect::Allow, Action::Command, "cargo *"),
        config(Effect::Allow, Action::Command, "wget *"),
        config(Effect::Deny, Action::Command, "git push *"),
        config(Effect::Deny, Action::Command, "cargo publish *"),
        config(Effect::Deny, Action::Read, "private/**"),
        config(Effect::Deny, Action::FileChange, "db/**"),
    ]);
    bench.all_are(
        Effect::Deny,
        &["git --attr-source HEAD push origin main", "git --config-env a.b=HOME push", "cargo +stable publish"],
    );
    bench.all_are(
        Effect::Ask,
        &[
            "git diff-tree -p HEAD",
            "git diff-index -p HEAD",
            "git fast-export --all",
            "git bisect good",
            "git sparse-checkout set src",
            "git clone x",
            "git unheard-of",
            "git status -v",
            "git tag --format='%(raw)'",
            "wget -qOdb/x y",
        ],
    );
    bench.all_are(
        Effect::Allow,
        &["git grep -n x src", "git grep -lEi x -- src", "git grep --line-number x src", "git diff -M HEAD src"],
    );
    bench.all_are(
        Effect::Ask,
        &["git grep -n src", "git grep -A 3 src", "git grep -f src a.txt", "git grep x blobtag -- src"],
    );
    bench.all_are(
        Effect::Allow,
        &[
            "git add -u",
            "git commit -am x",
            "git status -sb",
            "git fetch",
            "git tag",
            "git branch -v",
            "cargo +stable b",
        ],
    );
}

#[test]
fn the_longest_line_is_looked_at_like_any_other() {
    let bench = kept();
    let many = "a.txt ".repeat(2_000);
    assert_eq!(bench.command(&format!("cat {many} private/n.txt")).effect, Effect::Deny);
    assert_eq!(bench.command(&format!("echo {many} > db/x")).effect, Effect::Deny);
    assert_eq!(bench.command(&format!("cat {many}")).effect, Effect::Allow);
}

#[test]
fn a_search_asks_by_a_rule_where_what_that_keeps_is_among_what_it_goes_through() {
    let bench = Bench::with(vec![
        config(Effect::Deny, Action::Read, "**/.env"),
        config(Effect::Ask, Action::Read, "docs/*.txt"),
    ]);
    let folder = &bench.ground.folder;
    let ruled = |line: &str| bench.command(line).rule;
    bench.all_are(
        Effect::Allow,
        &["rg x", "rg -n x", "rg -m 1 x", "rg x docs", "cd src && rg x", "find . -name '*.rs'"],
    );
    assert_eq!(ruled("grep -rn x src"), "ask", "by no rule");
    assert_eq!(bench.command(&["rg x src"; 4].join(" && ")).effect, Effect::Allow);
    assert_eq!(ruled(&["rg x src"; 40].join(" && ")), "config:1", "no more are looked through");
    for line in ["grep -rn x .", "grep -rn x", "rg --hidden x", "rg -uu x", "rg -g '*.rs' x", "git diff"] {
        assert_eq!(ruled(line), "config:1", "{line}");
    }
    for line in ["grep -R x src", "rg -L x src", "rg x $A"] {
        assert_eq!(ruled(line), "config:1", "{line}: it may go elsewhere");
    }
    fs::write(folder.join("docs/k.txt"), "text").unwrap();
    for line in ["rg x", "rg -n x docs", "grep -rn x docs", "cd docs && rg x"] {
        assert_eq!(ruled(line), "config:2", "{line}");
    }
    assert_eq!(bench.command("rg x src").effect, Effect::Allow);
    fs::write(folder.join(".gitignore"), "k.txt\n").unwrap();
    assert_eq!(bench.command("rg x").effect, Effect::Allow, "what is ignored is not searched");
    fs::write(folder.join("docs/.rgignore"), "k.txt\n").unwrap();
    assert_eq!(ruled("grep -rn x docs"), "config:2", "by others it is");
    fs::write(folder.join("docs/.rgignore"), "!k.txt\n").unwrap();
    assert_eq!(ruled("rg x"), "config:2", "but where a file says that it is");
}

#[test]
fn a_path_that_is_longer_than_any_is_none_of_the_folder() {
    let bench = kept();
    let long = vec!["a"; 30_000].join("/");
    for action in [Action::Read, Action::FileChange] {
        assert_eq!(bench.file(action, &long).effect, Effect::Ask, "{action:?}");
    }
    assert_eq!(bench.command(&format!("cat {long}")).effect, Effect::Ask);
    assert_eq!(bench.command(&format!("echo x > db/{long}")).effect, Effect::Deny);
}

#[test]
fn what_takes_more_than_a_look_is_left_to_a_person() {
    let bench = kept();
    let ruled = |ruling: Ruling| (ruling.effect, ruling.rule.clone(), ruling.remembers.len());
    let asked = (Effect::Ask, "unclear".to_owned(), 0);
    let deep = format!("{}{}", "src/../".repeat(290), "m/".repeat(1_020));
    assert_eq!(bench.file(Action::FileChange, &deep).effect, Effect::Allow);
    assert_eq!(bench.file(Action::Read, "gone/../private/n.txt").effect, Effect::Deny, "by its words, where it is not");
    assert_eq!(bench.command("cat gone/../private/n.txt").effect, Effect::Deny);
    let paths: Vec<String> = (0..1_001).map(|at| format!("{at}")).collect();
    let of = |paths: &[String]| {
        let asked = Asked { paths, ..Asked::default() };
        ruled(bench.policy.rule(Action::FileChange, &asked, &bench.ground, Mode::Auto, None))
    };
    assert_eq!((of(&paths[1..]).0, of(&paths)), (Effect::Allow, asked.clone()));
    let words: Vec<String> = (0..11_000).map(|at| format!("{at}")).collect();
    for line in [format!("rm {}", words.join(" ")), "rg x; ".repeat(9_000), "a;".repeat(32_000)] {
        assert_eq!(ruled(bench.command(&line)), asked, "{line:.20}");
    }
    let line = "cat b c d e f g";
    assert_eq!(bench.command(line).effect, Effect::Allow);
    for (most, patience) in [(5, std::time::Duration::from_secs(3_600)), (9_999, std::time::Duration::ZERO)] {
        let _look = Look::within(most, patience);
        assert_eq!(ruled(bench.command(line)), asked);
    }
    assert_eq!(bench.command(line).effect, Effect::Allow);
}

#[test]
fn no_rule_allows_a_command_by_the_files_that_it_touches() {
    let bench = Bench::with(vec![
        ConfigRule { effect: Effect::Allow, action: Some(Action::FileChange), pattern: None },
        ConfigRule { effect: Effect::Allow, action: Some(Action::Read), pattern: None },
    ]);
    bench.all_are(Effect::Ask, &["cp a.txt b.txt", "python3 a.txt", "tee a.txt"]);
    let bench = Bench::with(vec![ConfigRule { effect: Effect::Deny, action: Some(Action::FileChange), pattern: None }]);
    assert_eq!(bench.command("echo x > a.txt").effect, Effect::Deny);
    assert_eq!(bench.command("echo x > /dev/null").effect, Effect::Allow, "nothing is changed");
    bench.all_are(Effect::Allow, &["ls -la", "cat a.txt", "git status", "find . -name x", "date +%s"]);
}

#[test]
fn a_rule_that_denies_means_a_command_however_it_is_written_and_one_that_allows_just_its_words() {
    let bench = Bench::with(vec![
        config(Effect::Deny, Action::Command, "git log *"),
        config(Effect::Deny, Action::Command, "npm publish *"),
        config(Effect::Ask, Action::Command, "git status"),
        config(Effect::Deny, Action::Command, "cargo owner *"),
        config(Effect::Allow, Action::Command, "cargo *"),
        config(Effect::Deny, Action::Command, "nice *"),
    ]);
    bench.all_are(
        Effect::Deny,
        &[
            "nice ls",
            "nice -n 5 cargo build",
            "timeout 5 nice ls",
            "git log -1",
            "/usr/bin/git log -1",
            "git --no-pager log -1",
            "git -P log -1",
            "git -C src --no-pager log",
            "timeout 5 git -P log",
            "bash -lc '/usr/bin/git log'",
            "/usr/bin/npm publish",
            "npm --silent publish",
            "npm --loglevel silent publish --tag x",
            "env npm publish",
            "cargo -q owner x",
            "/usr/bin/cargo owner x",
        ],
    );
    assert_eq!(bench.command("/usr/bin/git --no-pager status").effect, Effect::Ask);
    bench.all_are(Effect::Allow, &["git diff", "git show", "cargo build"]);
    assert_eq!(bench.command("/usr/bin/cargo build").effect, Effect::Ask, "what allows is taken by its words");
}
