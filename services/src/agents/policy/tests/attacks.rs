//! What somebody who means harm, or a model that was talked into it, might ask for.

use super::*;

/// A request by a tool, as its adapter tells it.
pub(super) fn asked(bench: &Bench, action: Action, paths: &[&str], input: &serde_json::Value, mode: Mode) -> Ruling {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let asked = Asked { command: None, paths: &paths, input: Some(input) };
    bench.policy.rule(action, &asked, &bench.ground, mode, Some("ses_1"))
}

pub(super) fn effect(bench: &Bench, action: Action, paths: &[&str], input: &serde_json::Value) -> Effect {
    asked(bench, action, paths, input, Mode::Auto).effect
}

#[test]
fn lines_from_life_are_read_for_what_they_do() {
    let bench = Bench::new();
    let remembering = remembering();
    let mut expected = "";
    let mut wrong = Vec::new();
    for line in include_str!("lines.txt").lines().filter(|line| !line.is_empty()) {
        if let Some(head) = line.strip_prefix("# ") {
            expected = head.split(':').next().unwrap();
            continue;
        }
        let is_of_rules = expected.ends_with("remembered");
        let ruling = match is_of_rules {
            true => remembering.command_in(line, Mode::Ask),
            false => bench.command(&line.replace("\\n", "\n")),
        };
        let found = match (ruling.effect, ruling.remembers.is_empty()) {
            (Effect::Allow, _) if is_of_rules => "remembered",
            _ if is_of_rules => "not remembered",
            (Effect::Deny, _) => "denied",
            (Effect::Ask, false) => "asked",
            (Effect::Ask, true) => "asked once",
            (Effect::Allow, _) => "allowed",
        };
        if found != expected {
            wrong.push(format!("{line:?} is {found} and not {expected}: {ruling:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A session in which a person has said yes to more than is offered.
fn remembering() -> Bench {
    let bench = Bench::new();
    let patterns = [
        "go test *",
        "go build *",
        "go vet *",
        "go env *",
        "make build *",
        "npm test *",
        "npm run build *",
        "yarn build *",
        "just test *",
        "dotnet build *",
        "mvn test *",
        "gradle build *",
        "cargo test *",
        "cargo clippy *",
        "git checkout *",
        "git switch *",
        "git diff *",
        "git mv *",
        "pytest *",
        "rake *",
        "make build",
    ];
    let rule = |pattern: &&str| Remembered { action: Action::Command, pattern: (*pattern).to_owned() };
    let rules: Vec<Remembered> = patterns.iter().map(rule).collect();
    bench.policy.remember(&rules, false, "ses_1", &bench.ground.folder, 1).unwrap();
    bench
}

#[test]
fn no_subcommand_of_version_control_empties_a_file_by_the_way() {
    let bench = Bench::new();
    for name in ["blame", "shortlog", "revert", "cherry-pick", "log", "diff", "show"] {
        let rule = Remembered { action: Action::Command, pattern: format!("git {name} *") };
        bench.policy.remember(&[rule], false, "ses_1", &bench.ground.folder, 1).unwrap();
        for option in ["--output=src/main.rs", "--output src/main.rs", "--outp=src/main.rs"] {
            let ruling = bench.command_in(&format!("git {name} {option} a.txt"), Mode::Ask);
            assert_eq!((ruling.effect, ruling.rule.as_str()), (Effect::Ask, "git_discard"), "{name}: {ruling:?}");
        }
        assert_eq!(bench.command_in(&format!("git {name} HEAD"), Mode::Ask).effect, Effect::Allow, "{name}");
    }
}

#[test]
fn a_search_looks_at_whatever_it_may_be_told_of() {
    let bench = Bench::new();
    let folder = &bench.ground.folder;
    for name in [".hidden", "ign"] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("server.key"), "key").unwrap();
    }
    fs::write(folder.join(".gitignore"), "ign\n").unwrap();
    bench.all_are(
        Effect::Ask,
        &[
            "rg key .hidden",
            "rg -e key .hidden",
            "rg -A 3 key .hidden",
            "rg -e key ign",
            "rg -m 9 -e key ign",
            "rg --max-count 9 key ign",
            "rg --regexp=key ign",
            "rg -eno ign",
            "rg -nem ign",
            "rg -e key src ign",
            "cd src && rg -e key ../ign",
        ],
    );
    bench.all_are(Effect::Allow, &["rg key", "rg key src", "rg -e key src", "rg -A 3 key src", "rg -n key"]);
    fs::write(folder.join(".gitignore"), "ign\n/src/server.key\n").unwrap();
    fs::write(folder.join("src/server.key"), "key").unwrap();
    bench.all_are(Effect::Allow, &["rg key", "rg key ."]);
    bench.all_are(Effect::Ask, &["rg key src", "cd src && rg key ../src"]);
}

#[test]
fn what_some_shells_write_to_behind_a_mark_is_not_hidden_by_it() {
    let bench = Bench::new();
    for line in ["echo x >! a.txt", "echo x >!a.txt", "echo x >>! a.txt", "echo x >|! a.txt", "echo x >&! a.txt"] {
        let ruling = bench.command(line);
        assert_eq!((ruling.effect, ruling.rule.as_str()), (Effect::Ask, "unclear"), "{line}: {ruling:?}");
    }
    assert_eq!(bench.command("echo x >! /etc/passwd").effect, Effect::Deny);
    assert_eq!(bench.command("echo x > '!'").effect, Effect::Allow);
}

#[test]
fn a_path_that_agents_read_in_another_way_is_not_of_the_folder() {
    let bench = Bench::new();
    for path in [
        "~/.bashrc",
        "~",
        " /etc/hostname",
        "/etc/hostname ",
        "\t../x",
        "file:///etc/hostname",
        "FILE:///etc/hostname",
        "a\nb",
        "/proc/self/cwd/a.txt",
        "$HOME/x",
    ] {
        for action in [Action::FileChange, Action::Read] {
            for mode in [Mode::Auto, Mode::AcceptEdits] {
                let ruling = asked(&bench, action, &[path], &json!({}), mode);
                assert_ne!(ruling.effect, Effect::Allow, "{action:?} {path:?}: {ruling:?}");
                assert!(ruling.remembers.is_empty() || path.starts_with(['~', '$']), "{path:?}: {ruling:?}");
            }
        }
    }
}

#[test]
fn where_a_model_says_that_a_command_runs_takes_nothing_away_from_it() {
    let bench = Bench::new();
    fs::create_dir_all(bench.ground.folder.join("src/a/b")).unwrap();
    let line = |line: &str, cwd: &str| effect(&bench, Action::Command, &[], &json!({"command": line, "cwd": cwd}));
    assert_eq!(line("cat b/../../main.rs", "src/a"), Effect::Ask, "from the session's folder it is elsewhere");
    assert_eq!(line("cat a.txt", &bench.ground.folder.to_string_lossy()), Effect::Allow);
    assert_eq!(line("ls", "src"), Effect::Allow);
    let deep = bench.ground.folder.join("src/a/b");
    assert_eq!(line("cat ../../../a.txt", &deep.to_string_lossy()), Effect::Ask);
    for outside in ["/", "/etc", "..", "/nowhere", "~"] {
        assert_eq!(line("rg x", outside), Effect::Ask, "{outside}");
        assert_eq!(line("ls", outside), Effect::Ask, "{outside}");
    }
    for name in ["workdir", "working_directory", "dir_path", "directory"] {
        let input = json!({"rawInput": {"command": "ls", name: "/etc"}});
        assert_eq!(effect(&bench, Action::Command, &[], &input), Effect::Ask, "{name}");
    }
    assert_eq!(line("rm -rf x", "/"), Effect::Deny);
    bench.remember("cargo test", false);
    assert_eq!(line("cargo test", "src"), Effect::Allow);
    assert_eq!(line("cargo test", "/"), Effect::Ask, "what is remembered is of this folder");
}

#[test]
fn what_a_model_adds_to_its_input_hides_nothing() {
    let bench = Bench::new();
    let line = json!({"file_path": "/etc/hostname", "command": "ls"});
    for action in [Action::FileChange, Action::Read] {
        assert_ne!(effect(&bench, action, &["/etc/hostname"], &line), Effect::Allow, "{action:?}");
        assert_ne!(effect(&bench, action, &["a.txt"], &line), Effect::Allow, "{action:?}: it is told of another file");
        let line = json!({"file_path": "a.txt", "command": "ls"});
        assert_eq!(effect(&bench, action, &["a.txt"], &line), Effect::Allow, "{action:?}: both are harmless");
    }
    let docs = Bench::with(vec![
        config(Effect::Deny, Action::FileChange, "docs/**"),
        config(Effect::Allow, Action::Network, "*.example.com"),
    ]);
    assert_eq!(effect(&docs, Action::FileChange, &["docs/x"], &line), Effect::Deny);
    let both = json!({"url": "https://evil.org/x", "network": {"host": "api.example.com"}});
    assert_eq!(effect(&docs, Action::Network, &[], &both), Effect::Ask);
    assert_eq!(effect(&docs, Action::Network, &[], &json!({"network": {"host": "api.example.com"}})), Effect::Allow);
}

#[test]
fn deleting_by_a_tool_is_deleting() {
    let bench = Bench::new();
    for input in [
        json!({"kind": "delete"}),
        json!({"changes": [{"path": "a.txt", "kind": {"type": "delete"}}]}),
        json!({"changes": [{"path": "a.txt", "kind": "delete"}]}),
    ] {
        for mode in [Mode::Auto, Mode::AcceptEdits] {
            let ruling = asked(&bench, Action::FileChange, &["a.txt"], &input, mode);
            assert_eq!((ruling.effect, ruling.hits[0].rule.as_str()), (Effect::Ask, "delete"), "{input}");
        }
    }
}

#[test]
fn what_is_the_daemons_own_is_never_changed_by_the_way_however_it_is_named() {
    let mut bench = Bench::new();
    let home = bench.ground.folder.parent().unwrap().to_owned();
    bench.ground.home = Some(home.clone());
    let config = home.join("settings/sixframe.toml");
    bench.ground.own.push(config.clone());
    for path in ["~/ours/policy/rule_x.json", "../ours/trust/x", "~/settings/sixframe.toml", config.to_str().unwrap()] {
        for mode in [Mode::Auto, Mode::AcceptEdits, Mode::Ask] {
            let ruling = asked(&bench, Action::FileChange, &[path], &json!({}), mode);
            assert_eq!((ruling.effect == Effect::Allow, ruling.risk), (false, Risk::Critical), "{path}");
            assert_eq!(ruling.hits[0].rule, "protected_files", "{path}");
        }
        assert_eq!(effect(&bench, Action::Read, &[path], &json!({})), Effect::Deny, "{path}");
    }
    for line in [
        "echo x > ~/ours/policy/rule_x.json",
        "echo x >> $HOME/settings/sixframe.toml",
        "tee \"${HOME}/ours/x\" < a.txt",
        "cat ../ours/token",
        "cp a.txt ../ours/x",
        "ln -s ../ours here",
        "sed -i s/ask/allow/ ../settings/sixframe.toml",
        "mv ../ours elsewhere",
        "mv .. elsewhere",
        "rm -rf ..",
        "chmod -R u+w ..",
        "python3 x.py ../ours/policy",
        "sqlite3 --file=../ours/x",
        "cd .. && cat ours/x",
    ] {
        let ruling = bench.command(line);
        assert_ne!(ruling.effect, Effect::Allow, "{line}: {ruling:?}");
        assert!(line.starts_with("cd") || ruling.risk == Risk::Critical, "{line}: {ruling:?}");
    }
    // A session in the folder of the daemon, or in one that holds it, is kept from it too.
    for folder in [home.join("ours"), home] {
        fs::create_dir_all(folder.join("policy")).unwrap();
        bench.ground.folder = folder.clone();
        let path = bench.ground.own[0].join("policy/rule_x.json");
        let ruling = asked(&bench, Action::FileChange, &[path.to_str().unwrap()], &json!({}), Mode::AcceptEdits);
        assert_eq!((ruling.effect, ruling.risk), (Effect::Ask, Risk::Critical), "{}", folder.display());
    }
}

#[test]
fn a_worktree_that_lies_among_the_daemons_own_is_worked_in_and_what_is_beside_it_is_not() {
    let mut bench = Bench::new();
    let ours = bench.ground.own[0].clone();
    let folder = ours.join("worktrees/run_1/a");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.txt"), "").unwrap();
    bench.ground = Ground { folder: folder.canonicalize().unwrap(), is_lent: true, ..bench.ground };
    assert_eq!(bench.command("cat a.txt").effect, Effect::Allow);
    assert_eq!(bench.file(Action::FileChange, "new.txt").effect, Effect::Allow);
    assert_eq!(bench.file(Action::FileChange, "../b/a.txt").effect, Effect::Deny);
    assert_eq!(bench.file(Action::FileChange, "../../../policy/rule_x.json").effect, Effect::Deny);
}

#[test]
fn in_a_whole_home_and_in_the_root_what_is_more_than_a_file_is_asked_about() {
    let mut bench = Bench::new();
    let home = bench.ground.folder.clone();
    bench.ground.home = Some(home.clone());
    for path in [".bashrc", ".config/autostart/x.desktop", ".local/bin/ls", ".gitconfig", "bin/ls"] {
        assert_eq!(bench.file(Action::FileChange, path).effect, Effect::Ask, "{path}");
        assert_eq!(bench.command(&format!("echo x >> {path}")).effect, Effect::Ask, "{path}");
    }
    assert_eq!(bench.file(Action::FileChange, "src/.hidden").effect, Effect::Allow);
    bench.ground.folder = "/".into();
    bench.ground.own = Vec::new();
    for path in ["/etc/passwd", "/usr/bin/ls", "/dev/sda", "usr/lib/x"] {
        assert_eq!(bench.file(Action::FileChange, path).effect, Effect::Deny, "{path}");
    }
    assert_eq!(bench.command("echo x > /etc/cron.d/x").effect, Effect::Deny);
}

#[test]
fn a_search_shows_nothing_that_may_not_be_read() {
    let bench = Bench::new();
    bench.all_are(
        Effect::Ask,
        &[
            "rg -g '.e*' x",
            "rg -g '*' x",
            "rg --glob='*' x",
            "rg -g '*.pem' x",
            "rg -g '*.env' x",
            "rg -g '{.env,x}' x",
        ],
    );
    fs::create_dir(bench.ground.folder.join("!")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", bench.ground.folder.join("!/l")).unwrap();
    bench.all_are(
        Effect::Ask,
        &["rg -e -g '!/l'", "rg -ne -g '!/l' src", "rg --regexp --glob '!/l'", "rg -- -g '!/l'", "rg x -- -g '!/l'"],
    );
    bench.all_are(
        Effect::Allow,
        &[
            "rg -g '*.rs' x",
            "rg -n -g '*.rs' x",
            "rg -g '!l' -g '*.rs' x",
            "rg -n --glob='*.rs' x src",
            "rg -g '!*.lock' x",
        ],
    );
}

#[test]
fn only_a_repository_whose_settings_name_no_program_is_looked_at_by_the_way() {
    let bench = Bench::new();
    let git = bench.ground.folder.join(".git");
    let plain = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote \"origin\"]\n\turl = https://x/y.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n# note\n[branch \"main\"]\n\tremote = origin\n";
    let is_allowed = |config: &str| {
        fs::write(git.join("config"), config).unwrap();
        bench.command("git log -p").effect == Effect::Allow
    };
    assert!(is_allowed(plain));
    for more in [
        "[extensions]\n\tpartialClone = origin\n[remote \"origin\"]\n\tpromisor = true\n",
        "[protocol \"ext\"]\n\tallow = always\n",
        "[remote \"origin\"]\n\turl = ext::sh -c id\n",
        "[remote \"origin\"]\n\tuploadpack = ./x\n",
        "[core] fsmonitor = ./x\n",
        "[core]\n\tfsmonitor\n",
        "[Core]\n\tFSMonitor = ./x\n",
        "[core]\n\tbare = false \\\nfsmonitor = ./x\n",
        "[diff \"x\"]\n\tcommand = ./x\n",
        "[include]\n\tpath = ../x\n",
        "[includeIf \"gitdir:/\"]\n\tpath = x\n",
        "[trace2]\n\teventTarget = /x\n",
        "[gpg]\n\tprogram = ./x\n",
        "[core]\n\tworktree = /\n",
        "[difftool]\n\tx = y\n",
    ] {
        assert!(!is_allowed(&format!("{plain}{more}")), "{more}");
    }
    assert!(is_allowed(plain));
    for name in ["commondir", "config.worktree", "hooks/post-index-change", "sharedindex.1", "modules"] {
        let path = git.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        assert!(!is_allowed(plain), "{name}");
        fs::remove_file(path).unwrap();
    }
    fs::write(git.join("index"), b"DIRC\0\0\0\x02\0\0\0\x01...\0\0\x81\xa4...").unwrap();
    assert!(is_allowed(plain));
    fs::write(git.join("index"), b"DIRC\0\0\0\x02\0\0\0\x01...\0\0\xe0\0...").unwrap();
    assert!(!is_allowed(plain), "another repository within");
}

#[test]
fn a_nested_repository_that_names_a_program_is_not_met_by_the_way() {
    let bench = Bench::new();
    let folder = bench.ground.folder.clone();
    fs::remove_dir_all(folder.join(".git")).unwrap();
    let witness = folder.join("witness");
    let git = |at: &std::path::Path, args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]).args(args);
        let output = command.current_dir(at).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{args:?} {}", String::from_utf8_lossy(&output.stderr));
    };
    let inner = folder.join("src");
    for at in [&folder, &inner] {
        git(at, &["init", "-q"]);
    }
    git(&inner, &["add", "."]);
    git(&inner, &["commit", "-qm", "x"]);
    git(&folder, &["add", "a.txt"]);
    git(&folder, &["commit", "-qm", "x"]);
    assert_eq!(bench.command("git status").effect, Effect::Allow);
    git(&folder, &["add", "src"]);
    git(&folder, &["commit", "-qm", "x"]);
    let monitor = format!("[core]\n\tfsmonitor = \"touch {}; false\"\n", witness.display());
    let config = inner.join(".git/config");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &monitor).unwrap();
    git(&folder, &["status", "--porcelain"]);
    assert!(witness.exists(), "git asks the one within, which runs a program");
    assert_eq!(bench.command("git status").effect, Effect::Ask);
}

#[test]
fn a_search_through_folders_asks_where_one_holds_what_its_name_tells_to_be_a_key() {
    let bench = Bench::new();
    let folder = &bench.ground.folder;
    let effect = |line: &str| bench.command(line).effect;
    assert_eq!(effect("rg needle"), Effect::Allow, "what is hidden is not searched");
    fs::write(folder.join("docs/server.pem"), "needle").unwrap();
    for line in [
        "rg needle",
        "rg -n needle docs",
        "rg -A 3 src",
        "rg -l needle . src",
        "rg needle docs/server.pem",
        "cd docs && rg needle",
    ] {
        let ruling = bench.command(line);
        assert_eq!((ruling.effect, ruling.hits[0].rule.as_str()), (Effect::Ask, "secrets"), "{line}: {ruling:?}");
        assert!(ruling.hits[0].text.contains("server.pem") && ruling.remembers.is_empty(), "{line}: {ruling:?}");
    }
    assert_eq!(effect("diff src docs"), Effect::Ask, "of two folders it shows what nobody names");
    for line in
        ["rg needle . -- --files", "rg -- --files .", "rg -ve --files .", "rg -e --files", "rg --regexp --files"]
    {
        assert_eq!(effect(line), Effect::Ask, "{line}: {:?}", bench.command(line));
    }
    for line in [
        "rg --files .",
        "rg -n --files",
        "rg needle src",
        "rg -n needle src a.txt",
        "rg --files",
        "cd src && rg needle",
    ] {
        assert_eq!(effect(line), Effect::Allow, "{line}: {:?}", bench.command(line));
    }
    fs::create_dir(folder.join("src/gcloud")).unwrap();
    fs::write(folder.join("src/gcloud/token"), "needle").unwrap();
    assert_eq!(effect("rg needle src"), Effect::Ask, "by the folder that it lies in");
    fs::write(folder.join(".gitignore"), "*.pem\ngcloud\n").unwrap();
    assert_eq!(effect("rg needle"), Effect::Allow, "what is ignored is not searched");
}

#[test]
fn what_ends_like_a_file_with_keys_is_a_text_until_such_a_file_is_there() {
    let bench = Bench::new();
    let effect = |line: &str| (bench.command(line).effect, bench.command(line).remembers.is_empty());
    let lines = ["grep -n x prod.env", "rg prod.env src"];
    for line in lines {
        assert_eq!(effect(line).0, Effect::Allow, "{line}");
    }
    assert_eq!(effect("node x.js prod.env"), (Effect::Ask, true), "an interpreter");
    assert_eq!(effect("./x prod.env"), (Effect::Ask, false));
    fs::write(bench.ground.folder.join("prod.env"), "key").unwrap();
    for line in lines.into_iter().chain(["./x prod.env", "git commit -m prod.env"]) {
        assert_eq!(effect(line), (Effect::Ask, true), "{line}: {:?}", bench.command(line));
    }
}

#[test]
fn a_shell_of_another_grammar_is_asked_about_and_lines_of_a_file_are_shown_by_numbers_alone() {
    let bench = Bench::new();
    bench.all_are(
        Effect::Ask,
        &[
            "git remote -v",
            "git remote --verbose | cat",
            "csh -c ls",
            "csh -c 'echo x >! a.txt'",
            "nu -c ls",
            "fish -c ls",
            "sed -n '1e id' a.txt",
            "sed -n 1,5w a.txt",
            "sed -n 1p -i a.txt",
            "sed -n 1p .env",
            "sed -n 1p ../x",
            "sed -n 1p -- a.txt",
            "sed -n p a.txt",
            "sed 1p a.txt",
        ],
    );
}
