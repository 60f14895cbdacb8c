use super::*;

struct Bench {
    folder: tempfile::TempDir,
    trust: Trust,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let make = Configured::new("make".as_ref(), &["ask".to_owned()]);
        let programs = Arc::new(BTreeMap::from([("command:make".to_owned(), make)]));
        let trust = Trust { dir: folder.path().join("kept"), home: Some(folder.path().join("home")), programs };
        fs::create_dir_all(folder.path().join("project/sub/.git")).unwrap();
        Bench { folder, trust }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn standing(&self) -> Standing {
        self.trust.standing(&self.project())
    }
}

#[test]
fn trust_is_for_what_the_files_hold_and_gone_when_that_changes() {
    let bench = Bench::new();
    assert_eq!((bench.standing().sha256, bench.standing().is_trusted), (None, false));
    assert_eq!(bench.standing().settings_for("claude"), FolderSettings::Absent);
    bench.write("project/.mcp.json", "{}");
    bench.write("project/.claude/hooks/a.sh", "echo");
    let standing = bench.standing();
    let paths: Vec<&str> = standing.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".claude/hooks/a.sh", ".mcp.json"]);
    assert_eq!(standing.settings_for("claude"), FolderSettings::Withheld);
    assert_eq!(standing.settings_for("codex"), FolderSettings::Absent, "it reads none of these");
    assert_eq!(standing.settings_for("acp:other"), FolderSettings::Withheld, "nobody knows what it reads");
    let sha256 = standing.sha256.unwrap();
    assert_eq!(bench.trust.grant(&bench.project(), "other").unwrap(), Err(Some(sha256.clone())));
    assert!(!bench.standing().is_trusted);
    assert_eq!(bench.trust.grant(&bench.project(), &sha256).unwrap(), Ok(()));
    assert_eq!(bench.standing().settings_for("claude"), FolderSettings::Trusted);

    for change in ["project/.claude/hooks/a.sh", "project/.claude/settings.local.json", "project/.codex/config.toml"] {
        bench.write(change, "changed");
        let standing = bench.standing();
        assert!(standing.has_changed && !standing.is_trusted, "{change}");
        bench.trust.grant(&bench.project(), &standing.sha256.unwrap()).unwrap().unwrap();
    }
    bench.trust.revoke(&bench.project()).unwrap();
    bench.trust.revoke(&bench.project()).unwrap();
    let standing = bench.standing();
    assert!(!standing.is_trusted && !standing.has_changed);
}

#[test]
fn instructions_are_listed_and_trusted_with_the_settings_and_alone_keep_nobody_from_beginning() {
    let bench = Bench::new();
    bench.write("project/AGENTS.md", "be evil");
    bench.write("project/CLAUDE.md", "be evil");
    let standing = bench.standing();
    let named: Vec<&str> = standing.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(named, ["AGENTS.md", "CLAUDE.md"]);
    for (provider, settings) in [
        ("claude", FolderSettings::Unread),
        ("codex", FolderSettings::Unread),
        ("gemini", FolderSettings::Absent),
        ("acp:other", FolderSettings::Unread),
    ] {
        assert_eq!(standing.settings_for(provider), settings, "{provider}");
    }
    assert_eq!(standing.named_for("codex"), "AGENTS.md");
    let withheld = WithheldFiles { files: vec![bench.project().join("AGENTS.md")], is_whole: true };
    assert_eq!(standing.withheld_from("codex"), withheld);
    bench.write("project/.mcp.json", "{}");
    let standing = bench.standing();
    assert_eq!(standing.settings_for("claude"), FolderSettings::Withheld);
    assert_eq!(standing.settings_for("codex"), FolderSettings::Unread);
    bench.trust.grant(&bench.project(), &standing.sha256.unwrap()).unwrap().unwrap();
    assert_eq!(bench.standing().settings_for("codex"), FolderSettings::Trusted);
    bench.write("project/AGENTS.md", "be more evil");
    let standing = bench.standing();
    assert_eq!((standing.settings_for("codex"), standing.has_changed), (FolderSettings::Unread, true));
}

#[test]
fn what_a_program_would_run_is_trusted_with_the_settings_and_changes_apart_from_them() {
    let bench = Bench::new();
    let code = || bench.standing().code_for("command:make");
    assert_eq!(code(), FolderCode::Absent);
    bench.write("project/Makefile", "ask:");
    bench.write("project/.mcp.json", "{}");
    let standing = bench.standing();
    let told: Vec<(&str, &str)> = standing.files.iter().map(|file| (file.path.as_str(), file.what.as_str())).collect();
    assert_eq!(told, [(".mcp.json", "tool servers for Claude Code"), ("Makefile", "what command:make runs")]);
    assert_eq!(code(), FolderCode::Withheld("Makefile".to_owned()));
    assert_eq!(standing.code_for("command:other"), FolderCode::Absent);
    bench.trust.grant(&bench.project(), &standing.sha256.unwrap()).unwrap().unwrap();
    let FolderCode::Trusted(sha256) = code() else { panic!("{:?}", code()) };
    assert!(bench.standing().is_trusted);
    let make = &bench.trust.programs["command:make"];
    assert_eq!(untrusted_code(make, &bench.project(), Some(&sha256)), None);
    assert!(untrusted_code(make, &bench.project(), None).unwrap().message.contains("Makefile"));

    bench.write("project/Makefile", "ask: evil");
    let standing = bench.standing();
    assert_eq!((standing.is_trusted, standing.has_changed), (false, false));
    assert_eq!(standing.settings_for("claude"), FolderSettings::Trusted, "they are what they were");
    assert_eq!(code(), FolderCode::Withheld("Makefile".to_owned()));
    assert!(untrusted_code(make, &bench.project(), Some(&sha256)).is_some(), "when it is started, too");
    bench.write("project/Makefile", "ask:");
    bench.write("project/.mcp.json", "changed");
    assert_eq!(code(), FolderCode::Trusted(sha256));
    assert_eq!(bench.standing().settings_for("claude"), FolderSettings::Withheld);
}

#[test]
fn settings_of_the_repository_that_a_folder_is_in_count_and_those_of_the_home_do_not() {
    let bench = Bench::new();
    bench.write("home/.claude/settings.json", "{}");
    let home = bench.folder.path().join("home");
    assert_eq!(bench.trust.standing(&home).files, []);
    fs::create_dir_all(bench.project().join(".git")).unwrap();
    bench.write("project/.gemini/settings.json", "{}");
    bench.write("project/deep/below/.env", "A=1");
    let standing = bench.trust.standing(&bench.project().join("deep/below"));
    let paths: Vec<&str> = standing.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["../../.gemini/settings.json", ".env"]);
    let other = bench.trust.standing(&bench.project().join("sub"));
    assert_eq!(other.files, [], "another repository ends there");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_what_cannot_be_read_cannot_be_trusted() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    bench.write("elsewhere/settings.json", "{}");
    symlink(bench.folder.path().join("elsewhere"), bench.project().join(".claude")).unwrap();
    let before = bench.standing().sha256;
    bench.write("elsewhere/settings.json", "{\"hooks\": {}}");
    assert!(before.is_some() && bench.standing().sha256 != before);
    symlink("nowhere", bench.project().join(".mcp.json")).unwrap();
    assert_eq!(bench.standing().sha256, None);
    fs::remove_file(bench.project().join(".mcp.json")).unwrap();
    symlink(".", bench.folder.path().join("elsewhere/again")).unwrap();
    assert_eq!(bench.standing().sha256, None, "a folder that holds itself");
}

impl Bench {
    /// Two folders, the first of which is in a repository of its own, and the other a worktree of a run that was begun there.
    fn begun(&self) -> (PathBuf, PathBuf) {
        let (origin, run) = (self.project(), self.trust.dir.join("worktrees/run_1"));
        let top = self.folder.path().canonicalize().unwrap().join("project");
        let ledger = serde_json::json!({
            "top": top, "below": "", "head": "0", "base": null, "keep": false, "names": ["one"]
        });
        self.write("kept/worktrees/run_1.json", &ledger.to_string());
        let of_worktree = origin.join(".git/worktrees/one");
        self.write("project/.git/worktrees/one/commondir", "../..\n");
        self.write("kept/worktrees/run_1/one/.git", &format!("gitdir: {}\n", of_worktree.display()));
        (top, run.join("one").canonicalize().unwrap())
    }

    fn grant(&self, folder: &Path) {
        let sha256 = self.trust.standing(folder).sha256.unwrap();
        self.trust.grant(folder, &sha256).unwrap().unwrap();
    }

    fn listed(&self, folder: &Path) -> Vec<String> {
        self.trust.standing(folder).files.into_iter().map(|file| file.path).collect()
    }
}

#[test]
fn what_lies_in_the_main_checkout_is_listed_for_a_linked_worktree_and_trusted_with_it() {
    let bench = Bench::new();
    bench.write("linked/sub/CLAUDE.md", "be quick");
    bench.write("fake/.git/worktrees/x/commondir", "../..\n");
    bench.write("linked/.git", "gitdir: ../fake/.git/worktrees/x\n");
    let folder = bench.folder.path().join("linked/sub");
    assert_eq!(bench.listed(&folder), ["CLAUDE.md"]);
    bench.grant(&folder);
    let settings = |provider| bench.trust.standing(&folder).settings_for(provider);
    assert_eq!(settings("claude"), FolderSettings::Trusted);
    bench.write("fake/.claude/settings.local.json", "{}");
    assert_eq!(bench.listed(&folder), ["../../fake/.claude/settings.local.json", "CLAUDE.md"]);
    assert_eq!((settings("claude"), settings("codex")), (FolderSettings::Withheld, FolderSettings::Absent));
    bench.grant(&folder);
    assert_eq!(settings("claude"), FolderSettings::Trusted);
    bench.write("fake/.claude/agents/a.md", "changed");
    assert_eq!(settings("claude"), FolderSettings::Withheld);
}

#[test]
fn a_worktree_has_the_trust_of_its_runs_folder_as_long_as_that_one_has_it() {
    let bench = Bench::new();
    let (origin, worktree) = bench.begun();
    for folder in ["project", "kept/worktrees/run_1/one"] {
        bench.write(&format!("{folder}/.claude/settings.json"), "{}");
    }
    let standing = || bench.trust.standing(&worktree);
    assert_eq!(standing().settings_for("claude"), FolderSettings::Withheld);
    bench.grant(&origin);
    let lent = standing();
    assert_eq!((lent.settings_for("claude"), lent.is_lent, lent.is_trusted), (FolderSettings::Trusted, true, true));

    bench.write("project/.claude/settings.local.json", "{}");
    assert!(!bench.trust.standing(&origin).is_trusted);
    let lost = standing();
    assert_eq!((lost.settings_for("claude"), lost.has_changed), (FolderSettings::Withheld, true));
    bench.grant(&origin);
    assert_eq!(standing().settings_for("claude"), FolderSettings::Withheld, "it does not lie in the worktree");
    fs::remove_file(origin.join(".claude/settings.local.json")).unwrap();
    bench.grant(&origin);
    assert!(standing().is_trusted);

    bench.write("elsewhere/.git/worktrees/one/commondir", "../..\n");
    let elsewhere = bench.folder.path().join("elsewhere/.git/worktrees/one");
    bench.write("kept/worktrees/run_1/one/.git", &format!("gitdir: {}\n", elsewhere.display()));
    assert!(standing().is_trusted, "nothing is loaded from there");
    bench.write("elsewhere/.claude/settings.json", "{}");
    assert!(!standing().is_trusted, "it is nowhere in the run's folder");
}

#[test]
fn a_worktree_of_a_run_can_be_trusted_no_more_by_itself() {
    let bench = Bench::new();
    let (origin, worktree) = bench.begun();
    for folder in ["project", "kept/worktrees/run_1/one"] {
        bench.write(&format!("{folder}/opencode.json"), "{}");
    }
    bench.grant(&origin);
    assert!(bench.trust.standing(&worktree).is_trusted);
    bench.trust.revoke(&worktree).unwrap();
    let standing = bench.trust.standing(&worktree);
    assert_eq!((standing.is_trusted, standing.is_lent, standing.has_changed), (false, false, false));
    assert!(bench.trust.standing(&origin).is_trusted);
    bench.grant(&worktree);
    assert!(bench.trust.standing(&worktree).is_trusted, "a person may trust it again");
}

#[test]
fn what_is_taken_from_folders_above_the_repository_is_listed_but_for_what_lies_in_the_home() {
    let bench = Bench::new();
    for file in [".mcp.json", ".env", ".gemini/.env"] {
        bench.write(&format!("home/{file}"), "the person's own");
        bench.write(&format!("home/outer/{file}"), "{}");
        bench.write(&format!("outer/{file}"), "{}");
    }
    for other in [".claude/settings.json", ".gemini/settings.json", "opencode.json"] {
        bench.write(&format!("outer/{other}"), "{}");
    }
    fs::create_dir_all(bench.folder.path().join("outer/inner/.git")).unwrap();
    for place in ["outer/inner/sub", "outer/plain", "home/outer/plain"] {
        let folder = bench.folder.path().join(place);
        fs::create_dir_all(&folder).unwrap();
        let up = if place.ends_with("sub") { "../.." } else { ".." };
        let in_none = (place == "outer/plain").then_some(".claude/settings.json");
        let taken = in_none.into_iter().chain([".env", ".gemini/.env", ".mcp.json"]);
        assert_eq!(bench.listed(&folder), taken.map(|file| format!("{up}/{file}")).collect::<Vec<_>>());
        let standing = bench.trust.standing(&folder);
        for (provider, settings) in [
            ("claude", FolderSettings::Withheld),
            ("codex", FolderSettings::Absent),
            ("gemini", FolderSettings::Withheld),
        ] {
            assert_eq!(standing.settings_for(provider), settings, "{provider} in {place}");
        }
        let taken = in_none.into_iter().chain([".mcp.json"]).map(|file| format!("{up}/{file}")).collect::<Vec<_>>();
        assert_eq!(standing.named_for("claude"), taken.join(", "));
        bench.grant(&folder);
        bench.write(&format!("{place}/{up}/.env"), &format!("GEMINI_CLI_HOME=/{place}"));
        assert!(bench.trust.standing(&folder).has_changed, "{place}");
    }
    assert_eq!(bench.listed(&bench.folder.path().join("home")), [] as [String; 0]);
}

#[test]
fn what_lies_above_the_home_is_listed_and_trusted_wherever_a_folder_lies() {
    let bench = Bench::new();
    let home = bench.folder.path().join("home");
    bench.write("home/.mcp.json", "the person's own");
    fs::create_dir_all(home.join("repository/.git")).unwrap();
    fs::create_dir_all(home.join("plain")).unwrap();
    for folder in ["home", "home/plain", "home/repository"] {
        assert_eq!(bench.listed(&bench.folder.path().join(folder)), [] as [String; 0], "{folder}");
    }
    for file in [".mcp.json", ".env", ".gemini/.env", ".claude/skills/x/SKILL.md"] {
        bench.write(file, "");
    }
    for (folder, up) in [("home", ".."), ("home/plain", "../.."), ("home/repository", "../..")] {
        let in_none = (folder != "home/repository").then_some(".claude/skills/x/SKILL.md");
        let files = in_none.into_iter().chain([".env", ".gemini/.env", ".mcp.json"]);
        let folder = bench.folder.path().join(folder);
        assert_eq!(bench.listed(&folder), files.map(|file| format!("{up}/{file}")).collect::<Vec<_>>());
        assert_eq!(bench.trust.standing(&folder).settings_for("claude"), FolderSettings::Withheld);
        bench.grant(&folder);
        assert_eq!(bench.trust.standing(&folder).settings_for("claude"), FolderSettings::Trusted);
        let places = bench.trust.places(&folder, "claude");
        assert!(places.mixed.contains(bench.folder.path()) && !places.mixed.contains(&home), "{places:?}");
    }
    bench.write(".mcp.json", "changed");
    assert!(bench.trust.standing(&home.join("repository")).has_changed);
}

#[cfg(unix)]
#[test]
fn what_others_keep_to_themselves_above_a_folder_keeps_nobody_from_trusting_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let folder = bench.project().join("deep");
    fs::create_dir_all(&folder).unwrap();
    bench.write("project/deep/.mcp.json", "{}");
    bench.write(".mcp.json", "");
    bench.write(".claude/agents/x.md", "");
    let close = |path: &str, mode: u32| {
        fs::set_permissions(bench.folder.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    close(".mcp.json", 0);
    close(".claude", 0);
    // Some users may read everything.
    if fs::read(bench.folder.path().join(".mcp.json")).is_err() {
        assert_eq!(bench.listed(&folder), [".mcp.json"]);
        assert!(bench.trust.standing(&folder).sha256.is_some());
        close(".claude", 0o111);
        assert_eq!(bench.listed(&folder), ["../../.claude", ".mcp.json"], "what lies in it may be read by its name");
        assert_eq!(bench.trust.standing(&folder).sha256, None);
        close(".claude", 0);
        close("project/deep/.mcp.json", 0);
        assert_eq!(bench.trust.standing(&folder).sha256, None, "what lies in the folder is the person's");
    }
    close(".claude", 0o755);
}

#[test]
fn in_no_repository_commands_and_agents_are_taken_from_all_folders_above_but_the_home() {
    let bench = Bench::new();
    bench.write(".claude/agents/general.md", "");
    bench.write("project/.claude/skills/x/SKILL.md", "");
    let sub = bench.project().join("deep");
    fs::create_dir_all(&sub).unwrap();
    let paths = |cwd: &Path| bench.trust.standing(cwd).files.into_iter().map(|file| file.path).collect::<Vec<_>>();
    assert_eq!(paths(&sub), ["../../.claude/agents/general.md", "../.claude/skills/x/SKILL.md"]);
    assert_eq!(paths(&bench.project().join("sub")), [] as [String; 0], "a repository keeps them out");
    bench.write("home/.claude/skills/mine/SKILL.md", "");
    bench.write("home/plain/a.txt", "");
    let plain = bench.folder.path().join("home/plain");
    assert_eq!(paths(&plain), ["../../.claude/agents/general.md"], "a person's own is left out");
}

#[test]
fn an_environment_of_pythons_is_no_file_of_variables() {
    let bench = Bench::new();
    bench.write("project/CLAUDE.md", "");
    for at in 0..2_100 {
        bench.write(&format!("project/.env/lib/{at}.py"), "");
    }
    let standing = bench.standing();
    assert_eq!((standing.files.len(), standing.sha256.is_some()), (1, true));
    assert_eq!(bench.trust.standing(&bench.project().join("deep")).files.len(), 0);
}

#[test]
fn what_only_the_daemons_configuration_or_an_agents_name_tells_is_asked_about_too() {
    let mut bench = Bench::new();
    let told = |settings: Option<&[&str]>| {
        let settings = settings.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Configured::new("/opt/bin/Unheard.exe".as_ref(), &[]).loading(settings)
    };
    bench.trust.programs = Arc::new(BTreeMap::from([
        ("acp:strange".to_owned(), told(None)),
        ("acp:told".to_owned(), told(Some(&["told/it.toml"]))),
        ("command:filter".to_owned(), told(Some(&[]))),
        ("command:ab".to_owned(), told(None)),
        ("command:strange".to_owned(), told(None)),
        ("command:env".to_owned(), Configured::new("/usr/bin/env".as_ref(), &["A=1".to_owned(), "ask".to_owned()])),
    ]));
    let settings_for = |provider: &str| bench.trust.standing(&bench.project()).settings_for(provider);
    for like in
        [".strange/mcp.json", ".strange-cli.yml", "strange.json", ".unheardrc", ".strangecode/x", "Strange.config.ts"]
    {
        bench.write(&format!("project/{like}"), "");
        for provider in ["acp:strange", "command:strange"] {
            assert_eq!(settings_for(provider), FolderSettings::Withheld, "{provider}: {like}");
        }
        assert_eq!(
            (settings_for("acp:told"), settings_for("claude")),
            (FolderSettings::Absent, FolderSettings::Absent)
        );
        let path = bench.project().join(Path::new(like).components().next().unwrap());
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for other in ["strange.rs", "strangely/x.json", "README.md", ".abc"] {
        bench.write(&format!("project/{other}"), "");
        assert_eq!(settings_for("acp:strange"), FolderSettings::Absent, "{other}");
    }
    for other in [".envrc", ".env.example", ".gitignore", ".strangely"] {
        bench.write(&format!("project/{other}"), "");
        assert_eq!(settings_for("command:env"), FolderSettings::Absent, "{other}");
    }
    bench.write("project/.ask", "");
    assert_eq!(settings_for("command:env"), FolderSettings::Withheld, "by the program behind it");
    bench.write("project/.env", "");
    bench.write("project/.claude/settings.json", "");
    assert_eq!(settings_for("acp:strange"), FolderSettings::Withheld);
    assert_eq!(settings_for("acp:told"), FolderSettings::Absent);
    bench.write("project/told/it.toml", "");
    assert_eq!(settings_for("acp:told"), FolderSettings::Withheld);
    assert_eq!(settings_for("command:filter"), FolderSettings::Absent);
    let standing = bench.standing();
    bench.trust.grant(&bench.project(), &standing.sha256.unwrap()).unwrap().unwrap();
    assert_eq!(settings_for("acp:told"), FolderSettings::Trusted);
    bench.write("project/told/it.toml", "changed");
    assert_eq!(settings_for("acp:told"), FolderSettings::Withheld);
}

#[test]
fn instructions_are_geminis_by_the_names_that_a_person_has_told_it() {
    let bench = Bench::new();
    bench.write("project/AGENTS.md", "");
    bench.write("project/TEAM.md", "");
    let settings_for = |provider: &str| bench.standing().settings_for(provider);
    let settings = "home/.gemini/settings.json";
    for (text, is_told) in [
        ("{}", false),
        (r#"{"context": {"fileName": "AGENTS.md"}}"#, true),
        (r#"{"contextFileName": ["X.md", "AGENTS.md"]}"#, true),
        ("{\"context\": {\"fileName\": [\"GEMINI.md\", // mine\n \"TEAM.md\"]}}", true),
        (r#"{"context": {"fileName": "TEAM.md"}, "x": 1,}"#, true),
        (r#"{"context": {"fileName": "X.md"}}"#, false),
    ] {
        bench.write(settings, text);
        let expected = if is_told { FolderSettings::Unread } else { FolderSettings::Absent };
        assert_eq!(settings_for("gemini"), expected, "{text}");
        assert_eq!(settings_for("claude"), FolderSettings::Absent, "{text}");
    }
}

#[test]
fn what_is_not_there_does_not_count_however_deep_a_folder_lies() {
    let bench = Bench::new();
    let deep: PathBuf = std::iter::repeat_n("x", 100).collect();
    let deep = bench.project().join(deep);
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir_all(bench.project().join(".git")).unwrap();
    bench.write("project/CLAUDE.md", "");
    assert!(bench.trust.standing(&deep).sha256.is_some());
}
