//! git as it is called for people: nothing that a repository names is run, and nothing of theirs is changed but what they asked
//! for.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sixframe_services::agents::{Applied, ChangeKind, Git, Repository, Store, Tree};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};

/// A repository as a person has it, and a place of ours.
pub(crate) struct Person {
    pub(crate) folder: tempfile::TempDir,
}

impl Person {
    pub(crate) fn new() -> Person {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        let person = Person { folder };
        person.git(&["init", "--quiet", "--initial-branch=main"]);
        person.write("a.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
        person.write("b.txt", "b\n");
        person.commit("first");
        person
    }

    pub(crate) fn top(&self) -> PathBuf {
        self.folder.path().join("project").canonicalize().unwrap()
    }

    /// git as the person calls it.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git_in(&self.top(), args)
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.top().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.top().join(name)).unwrap()
    }

    /// Sets everything in the repository that makes git run a program. Gives the file that those programs would write.
    pub(crate) fn made_hostile(&self) -> PathBuf {
        let (top, witness) = (self.top(), self.folder.path().join("witness"));
        let program = self.folder.path().join("evil");
        fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", witness.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let attributes = "*.txt filter=evil diff=evil merge=evil\n*.bin filter=process\n";
        self.write(".gitattributes", attributes);
        self.write("c.bin", "c");
        self.commit("attributes");
        let hooks = ["post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-commit"];
        for hook in hooks {
            symlink(&program, top.join(".git/hooks").join(hook)).unwrap();
        }
        let evil = program.to_str().unwrap();
        let settings = [
            "core.fsmonitor",
            "core.sshCommand",
            "core.editor",
            "core.pager",
            "core.askPass",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.process.process",
            "diff.external",
            "diff.evil.command",
            "diff.evil.textconv",
            "merge.evil.driver",
            "gpg.program",
            "hook.evil.command",
            "remote.origin.uploadpack",
        ];
        // Written as they stand: the person's own git would run some of them on the way.
        let text = settings.map(|name| {
            let (section, last) = name.rsplit_once('.').unwrap();
            let section = section.split_once('.').map_or(section.to_owned(), |(of, name)| format!("{of} \"{name}\""));
            format!("[{section}]\n\t{last} = {evil}\n")
        });
        let more = "[hook \"evil\"]\n\tevent = post-checkout\n\tevent = reference-transaction\n[filter \"evil\"]\n\trequired = true\n\
             [filter \"process\"]\n\trequired = true\n[commit]\n\tgpgSign = true\n[extensions]\n\tpartialClone = origin\n\
             [remote \"origin\"]\n\turl = ext::evil\n\tpromisor = true\n[protocol]\n\tallow = always\n";
        let config = top.join(".git/config");
        let known = fs::read_to_string(&config).unwrap();
        fs::write(&config, known + &text.concat() + more).unwrap();
        witness
    }
}

pub(crate) fn git_in(folder: &Path, args: &[&str]) -> String {
    let mut command = std::process::Command::new("git");
    let fixed = ["-c", "user.name=person", "-c", "user.email=person@localhost", "-c", "core.fsmonitor=false"];
    command.args(fixed).args(args).current_dir(folder);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn git() -> Git {
    let guard = GuardProgram::at(env!("CARGO_BIN_EXE_sixframe-services-guardian"));
    Git::find(&Supervisor::new(SupervisorConfig::new(guard)).unwrap()).unwrap()
}

/// A worktree of a repository, with all that its folder has now.
struct Copy {
    person: Person,
    repository: Repository,
    store: Store,
    base: Tree,
    worktree: PathBuf,
}

impl Copy {
    async fn of(person: Person) -> Copy {
        let git = git();
        let repository = Repository::of(&git, &person.top()).await.unwrap();
        let store = Store::at(&git, person.folder.path().join("store"), Some(&repository)).await.unwrap();
        let base = store.snapshot("top", repository.top()).await.unwrap();
        let worktree = person.folder.path().join("member");
        let head = repository.head().await.unwrap();
        repository.add_worktree(&worktree, &head).await.unwrap();
        repository.read_commit(&worktree, &head).await.unwrap();
        store.fill("member", &worktree, &base).await.unwrap();
        Copy { person, repository, store, base, worktree }
    }

    async fn applied(&self) -> Applied {
        let theirs = self.store.snapshot("member", &self.worktree).await.unwrap();
        self.store.apply("top", self.repository.top(), &self.base, &theirs).await.unwrap()
    }
}

fn paths(applied: Applied) -> Vec<(String, ChangeKind)> {
    match applied {
        Applied::All(files) => files.into_iter().map(|file| (file.path, file.kind)).collect(),
        Applied::Conflict(names) => panic!("conflict in {names:?}"),
    }
}

#[tokio::test]
async fn nothing_that_a_hostile_repository_names_is_run() {
    let person = Person::new();
    let witness = person.made_hostile();
    let copy = Copy::of(person).await;
    assert_eq!(fs::read_to_string(copy.worktree.join("b.txt")).unwrap(), "b\n");
    fs::write(copy.worktree.join("a.txt"), "one\nTWO\nthree\nfour\nfive\nsix\nseven\n").unwrap();
    fs::write(copy.worktree.join("c.bin"), "changed\0").unwrap();
    copy.person.write("a.txt", "one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    let changed = [("a.txt".to_owned(), ChangeKind::Modify), ("c.bin".to_owned(), ChangeKind::Modify)];
    assert_eq!(paths(copy.applied().await), changed);
    assert_eq!(copy.person.read("a.txt"), "one\nTWO\nthree\nfour\nfive\nsix\nSEVEN\n");
    fs::remove_dir_all(&copy.worktree).unwrap();
    copy.repository.forget_worktree(&copy.worktree).await.unwrap();
    let ran = fs::read_to_string(&witness).unwrap_or_default();
    assert_eq!(ran, "", "nothing of it runs");
    // What stands there does run where git is called as people do.
    fs::write(copy.repository.top().join("b.txt"), "another\n").unwrap();
    git_in(copy.repository.top(), &["-c", "commit.gpgSign=false", "add", "b.txt"]);
    assert!(fs::read_to_string(&witness).unwrap().contains("evil"));
}

#[tokio::test]
async fn a_worktree_begins_with_what_is_not_committed_and_without_what_is_ignored() {
    let person = Person::new();
    person.write(".gitignore", "*.log\n");
    person.commit("ignore");
    person.write("a.txt", "changed\n");
    person.write("new file.txt", "new\n");
    person.write("some.log", "ignored\n");
    person.write("staged.txt", "staged\n");
    person.git(&["add", "staged.txt"]);
    person.git(&["rm", "--quiet", "b.txt"]);
    let before = person.git(&["status", "--porcelain"]);
    let copy = Copy::of(person).await;
    let has = |name: &str| fs::read_to_string(copy.worktree.join(name)).ok();
    assert_eq!(has("a.txt").as_deref(), Some("changed\n"));
    assert_eq!(has("new file.txt").as_deref(), Some("new\n"));
    assert_eq!(has("staged.txt").as_deref(), Some("staged\n"));
    assert_eq!((has("b.txt"), has("some.log")), (None, None));
    assert_eq!(copy.person.git(&["status", "--porcelain"]), before, "nothing of the person's is another");
    let theirs = git_in(&copy.worktree, &["status", "--porcelain"]);
    assert!(theirs.contains(" M a.txt") && theirs.contains("?? \"new file.txt\""), "{theirs}");
    assert_eq!(paths(copy.applied().await), [], "nothing was changed in it yet");
}

#[tokio::test]
async fn binary_files_moved_files_links_and_deleted_ones_are_applied_too() {
    let person = Person::new();
    let long: String = (0..50).map(|line| format!("line {line}\n")).collect();
    person.write("long.txt", &long);
    person.write("picture.bin", [0, 159, 146, 150, 0]);
    person.commit("more");
    let copy = Copy::of(person).await;
    let (at, top) = (|name: &str| copy.worktree.join(name), copy.person.top());
    fs::create_dir(at("deep")).unwrap();
    fs::rename(at("long.txt"), at("deep/mövéd\t\"it\".txt")).unwrap();
    fs::write(at("picture.bin"), [1, 0, 2, 255]).unwrap();
    fs::remove_file(at("b.txt")).unwrap();
    symlink("a.txt", at("link")).unwrap();
    fs::write(at("tool.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let theirs = copy.store.snapshot("member", &copy.worktree).await.unwrap();
    let diff = copy.store.diff(&copy.base, &theirs).await.unwrap();
    let moved = diff.files.iter().find(|file| file.kind == ChangeKind::Move).unwrap();
    assert_eq!((moved.old_path.as_deref(), &*moved.path), (Some("long.txt"), "deep/mövéd\t\"it\".txt"));
    let picture = diff.files.iter().find(|file| file.path == "picture.bin").unwrap();
    assert!(picture.binary && picture.unified_diff.is_none());
    assert_eq!(paths(copy.applied().await).len(), 5);
    assert_eq!(fs::read(top.join("deep/mövéd\t\"it\".txt")).unwrap(), long.as_bytes());
    assert_eq!(fs::read(top.join("picture.bin")).unwrap(), [1, 0, 2, 255]);
    assert!(!top.join("b.txt").exists() && !top.join("long.txt").exists());
    assert_eq!(fs::read_link(top.join("link")).unwrap(), Path::new("a.txt"));
    assert_eq!(fs::metadata(top.join("tool.sh")).unwrap().permissions().mode() & 0o111, 0o111);
}

#[tokio::test]
async fn a_change_tells_of_links_of_what_may_be_run_and_of_what_is_too_long_to_be_told() {
    let person = Person::new();
    person.write("cfg.txt", "key = 1\n");
    person.write("picture.bin", [0, 159, 146, 150, 0]);
    person.write("tool.sh", "#!/bin/sh\n");
    symlink("a.txt", person.top().join("old link")).unwrap();
    symlink("a.txt", person.top().join("turned")).unwrap();
    person.commit("more");
    let copy = Copy::of(person).await;
    let at = |name: &str| copy.worktree.join(name);
    for (name, to) in [("cfg.txt", "/srv/me/.zshrc"), ("picture.bin", "../b.txt"), ("old link", "b.txt")] {
        fs::remove_file(at(name)).unwrap();
        symlink(to, at(name)).unwrap();
    }
    symlink("two\nlines", at("new.txt")).unwrap();
    fs::remove_file(at("turned")).unwrap();
    fs::write(at("turned"), "a file now\n").unwrap();
    fs::set_permissions(at("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("long.txt"), "a line\n".repeat(40_000)).unwrap();
    let theirs = copy.store.snapshot("member", &copy.worktree).await.unwrap();
    let diff = copy.store.diff(&copy.base, &theirs).await.unwrap();
    let told = |path: &str| {
        let found = diff.files.iter().find(|file| file.path == path).unwrap();
        serde_json::to_value(found).unwrap()
    };
    let end = "\\ No newline at end of file\n";
    let turned = format!("@@ -1 +0,0 @@\n-key = 1\n@@ -0,0 +1 @@\n+/srv/me/.zshrc\n{end}");
    let expected = json!({
        "path": "cfg.txt", "kind": "modify", "oldMode": "file", "newMode": "link", "linkTo": "/srv/me/.zshrc",
        "binary": false, "unifiedDiff": turned, "additions": 1, "deletions": 1,
    });
    assert_eq!(told("cfg.txt"), expected);
    let new = told("new.txt");
    assert_eq!((&new["kind"], &new["newMode"], &new["linkTo"]), (&json!("add"), &json!("link"), &json!("two\nlines")));
    let expected = json!({
        "path": "tool.sh", "kind": "modify", "oldMode": "file", "newMode": "executable", "binary": false,
        "additions": 0, "deletions": 0,
    });
    assert_eq!(told("tool.sh"), expected);
    let picture = told("picture.bin");
    assert_eq!((&picture["binary"], &picture["linkTo"]), (&json!(true), &json!("../b.txt")));
    assert_eq!(picture["unifiedDiff"], format!("@@ -0,0 +1 @@\n+../b.txt\n{end}"));
    let led = told("old link");
    assert_eq!((&led["oldMode"], &led["linkTo"]), (&json!("link"), &json!("b.txt")));
    let turned = told("turned");
    assert_eq!((&turned["oldMode"], &turned["newMode"]), (&json!("link"), &json!("file")));
    assert_eq!(turned["linkTo"], Value::Null, "it is no link any more");
    let long = told("long.txt");
    assert_eq!(
        (&long["isCut"], &long["additions"], &long["unifiedDiff"]),
        (&json!(true), &json!(40_000), &Value::Null)
    );
    assert_eq!(paths(copy.applied().await).len(), diff.files.len(), "all that is told, and nothing else, is applied");
}

#[tokio::test]
async fn what_does_not_fit_any_more_changes_nothing_and_is_named() {
    let copy = Copy::of(Person::new()).await;
    fs::write(copy.worktree.join("a.txt"), "one\nTHEIRS\nthree\nfour\nfive\nsix\nseven\n").unwrap();
    fs::write(copy.worktree.join("b.txt"), "theirs\n").unwrap();
    copy.person.write("a.txt", "one\nOURS\nthree\nfour\nfive\nsix\nseven\n");
    assert_eq!(copy.applied().await, Applied::Conflict(vec!["a.txt".to_owned()]));
    assert_eq!(copy.person.read("a.txt"), "one\nOURS\nthree\nfour\nfive\nsix\nseven\n");
    assert_eq!(copy.person.read("b.txt"), "b\n", "not even what would fit");
}

#[tokio::test]
async fn links_do_not_lead_out_of_the_folder() {
    let copy = Copy::of(Person::new()).await;
    let outside = copy.person.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir(copy.worktree.join("way")).unwrap();
    fs::write(copy.worktree.join("way/file.txt"), "evil\n").unwrap();
    // What is a folder in the worktree is a link that leads out in the person's.
    symlink(&outside, copy.person.top().join("way")).unwrap();
    assert!(matches!(copy.applied().await, Applied::Conflict(_)));
    assert!(!outside.join("file.txt").exists());
}

#[tokio::test]
async fn a_repository_whose_files_are_elsewhere_is_refused() {
    let person = Person::new();
    let elsewhere = person.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    person.git(&["config", "core.worktree", elsewhere.to_str().unwrap()]);
    let refused = Repository::of(&git(), &person.top()).await.unwrap_err();
    assert!(refused.to_string().contains("another folder"), "{refused}");
}

#[tokio::test]
async fn other_repositories_in_the_folder_are_left_alone() {
    let person = Person::new();
    let inner = person.top().join("inner");
    fs::create_dir(&inner).unwrap();
    git_in(&inner, &["init", "--quiet"]);
    fs::write(inner.join("x.txt"), "x").unwrap();
    git_in(&inner, &["add", "x.txt"]);
    git_in(&inner, &["commit", "--quiet", "--message", "inner"]);
    let copy = Copy::of(person).await;
    assert!(!copy.worktree.join("inner").exists());
}

#[tokio::test]
async fn a_folder_without_a_repository_can_be_looked_at_too() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("a.txt"), "a\n").unwrap();
    let store = Store::at(&git(), folder.path().join("store"), None).await.unwrap();
    let before = store.snapshot("files", &files).await.unwrap();
    fs::write(files.join("a.txt"), "b\n").unwrap();
    fs::write(files.join("c.txt"), "c\n").unwrap();
    let after = store.snapshot("files", &files).await.unwrap();
    let diff = store.diff(&before, &after).await.unwrap();
    let told: Vec<_> = diff.files.iter().map(|file| (file.path.as_str(), file.additions, file.deletions)).collect();
    assert_eq!(told, [("a.txt", 1, 1), ("c.txt", 1, 0)]);
    assert_eq!(paths(store.apply("files", &files, &after, &before).await.unwrap()).len(), 2);
    assert_eq!(fs::read_to_string(files.join("a.txt")).unwrap(), "a\n");
    assert!(!files.join("c.txt").exists());
}
