//! Where a line works, and which file a path is, where shells, agents and the system do not see that alike.

use std::os::unix::fs::symlink;

use super::*;

/// A folder with a link to one that lies deep in it, with what is kept from reading, and with `cat` and `cp` allowed.
fn linked() -> Bench {
    let allow = |pattern| config(Effect::Allow, Action::Command, pattern);
    let rules =
        vec![config(Effect::Deny, Action::Read, "private/**"), config(Effect::Deny, Action::FileChange, "private/**")];
    let bench = Bench::with(rules.into_iter().chain([allow("cat *"), allow("cp *")]).collect());
    for name in ["src/deep/er", "private", "src/private"] {
        fs::create_dir_all(bench.ground.folder.join(name)).unwrap();
    }
    fs::write(bench.ground.folder.join("private/key"), "key").unwrap();
    symlink("src/deep/er", bench.ground.folder.join("link")).unwrap();
    bench
}

#[test]
fn where_a_line_works_is_not_known_where_it_may_not_have_gone_there() {
    let (bench, linked) = (Bench::new(), linked());
    bench.all_are(
        Effect::Ask,
        &[
            "true || cd src && echo evil > ../evil.txt",
            "true || cd src && cat ../x/../../y",
            "ls && true || cd src && cat ../b.txt",
            "ls | cd src && cat ../b.txt",
            "cd src | ls && cat ../b.txt",
        ],
    );
    bench.all_are(
        Effect::Allow,
        &["true && cd src && cat ../a.txt", "true || true && cd src && cat ../a.txt", "cd src && cd .. && cat a.txt"],
    );
    for line in ["true || cd src && cat private/key", "ls | cd src && cat private/key"] {
        assert_ne!(linked.command(line).effect, Effect::Allow, "{line}");
    }
}

#[test]
fn where_a_line_works_is_not_known_behind_a_link_that_shells_and_programs_leave_differently() {
    let bench = linked();
    for line in [
        "cd link/.. && echo evil > ../evil.txt",
        "cd link && cd .. && echo evil > ../evil.txt",
        "cd link/.. && cat private/key",
        "cd link && cd .. && cat private/key",
        "cd link && cat ../../private/key",
    ] {
        let ruling = bench.command(line);
        assert_ne!(ruling.effect, Effect::Allow, "{line}: {ruling:?}");
    }
    let run = |folder: &str| {
        let input = json!({"command": "ls", "cwd": folder});
        let asked = Asked { input: Some(&input), ..Asked::default() };
        bench.policy.rule(Action::Command, &asked, &bench.ground, Mode::Auto, Some("ses_1")).effect
    };
    assert_eq!((run("src"), run("link/.."), run("link")), (Effect::Allow, Effect::Ask, Effect::Ask));
}

#[test]
fn a_file_behind_a_link_and_up_again_may_be_another_one() {
    let bench = linked();
    for (path, expected) in [
        ("src/../x", Effect::Allow),
        ("link/x", Effect::Allow),
        ("link/../../x", Effect::Ask),
        ("link/../x", Effect::Ask),
        ("link/../../private/x", Effect::Ask),
    ] {
        for action in [Action::FileChange, Action::Read] {
            assert_eq!(bench.file(action, path).effect, expected, "{action:?} {path}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_told_may_be_one_that_a_rule_is_about() {
    let bench = linked();
    symlink("/proc/self/cwd", bench.ground.folder.join("self")).unwrap();
    let long = format!("{}private/key", "./".repeat(2_040));
    for path in
        ["/proc/self/cwd/private/key", "//proc/self/cwd/private/key", "self/private/key", "gone/../private/key", &long]
    {
        for line in [format!("cat {path}"), format!("cp a.txt {path}"), format!("cp {path} b.txt")] {
            let ruling = bench.command(&line);
            assert_ne!(ruling.effect, Effect::Allow, "{line}: {ruling:?}");
        }
    }
    bench.all_are(Effect::Allow, &["cat a.txt gone", "cp a.txt b.txt", "cat ../other", "cat src/../a.txt"]);
}

#[test]
fn a_folder_that_git_takes_for_a_repository_or_does_not_is_known() {
    let bench = Bench::new();
    let folder = &bench.ground.folder;
    let hostile = "[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = \"touch witness; false\"\n";
    let docs = folder.join("docs");
    for name in ["objects", "refs"] {
        fs::create_dir(docs.join(name)).unwrap();
    }
    fs::write(docs.join("config"), hostile).unwrap();
    assert_eq!(bench.command("cd docs && git status").effect, Effect::Allow);
    symlink("refs/heads/main", docs.join("HEAD")).unwrap();
    assert_eq!(bench.command("cd docs && git status").effect, Effect::Ask, "a link that leads nowhere is a head");

    fs::create_dir(folder.join("src/.git")).unwrap();
    assert_eq!(bench.command("cd src && git status").effect, Effect::Ask, "git goes on to the one above");
    for name in ["objects", "refs"] {
        fs::create_dir(folder.join("src/.git").join(name)).unwrap();
    }
    let head = |text: &str| {
        fs::write(folder.join("src/.git/HEAD"), text).unwrap();
        bench.command("cd src && git status").effect
    };
    assert_eq!((head("ref: refs/heads/x\n"), head("ref: x\n"), head("")), (Effect::Allow, Effect::Ask, Effect::Ask));
    assert_eq!(head(&format!("{}\n", "0a".repeat(20))), Effect::Allow);
}

#[test]
fn what_git_would_read_is_read_only_where_it_is_an_ordinary_file() {
    let bench = Bench::new();
    let git = bench.ground.folder.join(".git");
    for name in ["config", "index"] {
        assert_eq!(bench.command("git status").effect, Effect::Allow);
        symlink("/dev/zero", git.join(name)).unwrap();
        assert_eq!(bench.command("git status").effect, Effect::Ask, "{name}");
        fs::remove_file(git.join(name)).unwrap();
    }
    fs::write(git.join("config"), "\n".repeat(2 << 20)).unwrap();
    assert_eq!(bench.command("git status").effect, Effect::Ask);
}
