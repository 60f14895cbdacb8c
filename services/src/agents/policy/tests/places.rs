//! Where a line works, and which file a path is, where shells, agents and the system do not see that alike.

use std::os::unix::fs::symlink;

use super::*;

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
