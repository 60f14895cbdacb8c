//! What a yes is remembered for.

use super::*;

#[test]
fn a_yes_is_remembered_as_narrowly_as_is_of_use_and_revoked_at_once() {
    let bench = Bench::new();
    assert_eq!(bench.remember("cargo test --lib", false), "cargo test *");
    assert_eq!(bench.remember("git grep y", false), "git grep *");
    for (line, effect) in [
        ("cargo test", Effect::Allow),
        ("cargo test | tail -n 5", Effect::Allow),
        ("cargo build", Effect::Ask),
        ("cargo test && npm test", Effect::Ask),
        ("cargo test > ../x", Effect::Ask),
        ("cargo test $(id)", Effect::Ask),
        ("cargo test --manifest-path /somewhere/Cargo.toml", Effect::Ask),
        ("A=1 cargo test", Effect::Ask),
        ("bash -lc 'cargo test'", Effect::Allow),
        ("bash -lc 'cargo test' x", Effect::Ask),
        ("bash -ic 'cargo test'", Effect::Ask),
        ("./cargo test", Effect::Ask),
        ("cd src && cargo test", Effect::Allow),
        ("cargo test; rm -rf /", Effect::Deny),
        ("git grep x", Effect::Allow),
        ("git grep --open-files-in-pager=sh x", Effect::Ask),
        ("git grep -Osh x", Effect::Ask),
    ] {
        assert_eq!(bench.command(line).effect, effect, "{line}");
    }
    assert_eq!(bench.command_in("cargo test", Mode::Ask).effect, Effect::Allow, "in whatever mode");
    for line in ["cargo test > src/main.rs", "cargo test >> a.txt", "cargo test 2> a.txt | tail -n 1"] {
        assert_eq!(bench.command_in(line, Mode::Ask).effect, Effect::Ask, "{line}: it was not allowed to write files");
        assert_eq!(bench.command(line).effect, Effect::Allow, "{line}: such files may be changed in this mode anyway");
    }
    assert_eq!(bench.command_in("cargo test 2> /dev/null", Mode::Ask).effect, Effect::Allow);
    assert_eq!(bench.command_in("cargo test < /dev/null", Mode::Ask).effect, Effect::Allow);
    for line in ["cargo test < a.txt", "cargo test < /dev/null <<< x", "cargo test < $NULL"] {
        assert_eq!(bench.command_in(line, Mode::Ask).effect, Effect::Ask, "{line}: what it is fed was not seen");
    }
    assert_eq!(bench.command_in("cargo bench > a.txt", Mode::Ask).remembers, []);
    let rules = bench.policy.list(Some(("ses_1", &bench.ground.folder)));
    let of_cargo = |rule: &&Rule| rule.pattern.as_deref() == Some("cargo test *");
    let rule = rules.iter().find(of_cargo).unwrap();
    assert_eq!((rule.scope, rule.session_id.as_deref()), (RuleScope::Session, Some("ses_1")));
    assert!(bench.policy.revoke(&rule.id).unwrap());
    assert_eq!(bench.command("cargo test").effect, Effect::Ask);
    assert!(!bench.policy.revoke(&rule.id).unwrap());

    bench.remember("cargo test", false);
    bench.policy.forget("ses_1");
    assert_eq!(bench.command("cargo test").effect, Effect::Ask, "the session has ended");
}

#[test]
fn what_is_remembered_for_good_is_kept_privately_for_its_folder() {
    let bench = Bench::new();
    assert_eq!(bench.remember("npm install left-pad", true), "npm install left-pad");
    assert_eq!(bench.command("npm install left-pad").effect, Effect::Allow);
    assert_eq!(bench.command("npm install other").effect, Effect::Ask, "what is dangerous is remembered word by word");
    let kept = fs::read_dir(bench.folder.path().join("ours/policy")).unwrap().next().unwrap().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = Policy::new(PolicyConfig::default(), &bench.folder.path().join("ours"));
    let asked = Asked { command: Some("npm install left-pad"), ..Asked::default() };
    let other = Ground { folder: bench.ground.folder.join("src"), ..bench.ground.clone() };
    let effect = |ground| again.rule(Action::Command, &asked, ground, Mode::Ask, None).effect;
    assert_eq!(
        (effect(&bench.ground), effect(&other)),
        (Effect::Allow, Effect::Ask),
        "by another daemon, in this folder"
    );
    let id = kept.path().file_stem().unwrap().to_str().unwrap().to_owned();
    assert!(again.revoke(&id).unwrap());
    assert_eq!(bench.command("npm install left-pad").effect, Effect::Ask, "whoever revoked it");
    for id in ["../../x", "rule_/../x", "config:1", "looks_only", "rule_"] {
        assert!(!again.revoke(id).unwrap(), "{id}");
    }
}

#[test]
fn what_is_ruinous_or_may_be_anything_is_never_remembered() {
    let bench = Bench::new();
    for line in [
        "rm -rf /",
        "python3 x.py",
        "sh x",
        "bash -c 'node x'",
        "node x",
        "ls $(id)",
        "cat .env",
        "eval ls",
        "$X",
        "npm run",
        "",
    ] {
        assert_eq!(bench.command_in(line, Mode::Ask).options(), [], "{line}");
    }
    // A file in the place of a rule that allows more than people can.
    let folder = bench.folder.path().join("ours/policy");
    fs::create_dir_all(&folder).unwrap();
    let cwd = bench.ground.folder.to_str().unwrap();
    let rule =
        json!({"id": "rule_x", "source": "person", "effect": "allow", "text": "", "scope": "always", "cwd": cwd});
    fs::write(folder.join("rule_x.json"), rule.to_string()).unwrap();
    assert_eq!(bench.command("cargo test").effect, Effect::Ask);
}
