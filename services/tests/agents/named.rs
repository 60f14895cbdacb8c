//! What is taken away of the programs that a repository's settings name for a worktree alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sixframe_services::agents::{GitError, Repository};

use super::git::{Person, git, git_in};

/// Adds to the repository's settings.
fn configure(person: &Person, text: impl AsRef<[u8]>) {
    let config = person.top().join(".git/config");
    let known = fs::read(&config).unwrap();
    fs::write(config, [known.as_slice(), text.as_ref()].concat()).unwrap();
}

async fn programs(person: &Person) -> Result<Vec<(String, String)>, GitError> {
    Repository::of(&git(), &person.top()).await.unwrap().programs().await
}

#[tokio::test]
async fn programs_that_settings_name_in_a_worktree_alone_are_taken_away_before_it_is_made() {
    let person = Person::new();
    let place = person.folder.path().to_owned();
    let (program, witness) = (place.join("evil"), place.join("witness"));
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", witness.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    person.write(".gitattributes", "*.txt filter=sneaky\n");
    person.commit("attributes");
    configure(&person, "[includeIf \"gitdir:**/worktrees/**\"]\n\tpath = ../sneaky\n[include]\n\tpath = lost\n");
    let program = program.display();
    let text = format!(
        "[filter \"sneaky\"]\n\tclean = {program}\n[core]\n\tfsmonitor = {program}\n\
         [hook \"sneaky\"]\n\tcommand = {program}\n\tevent = reference-transaction\n\
         [includeIf \"onbranch:no/such\"]\n\tpath = {}\n",
        place.join("deep").display()
    );
    person.write("sneaky", text);
    fs::write(place.join("deep"), "[diff \"deep\"]\n\ttextconv = evil\n[includeIf \"gitdir:/\"]\n\tpath = deep\n")
        .unwrap();
    let taken = programs(&person).await.unwrap();
    for (name, value) in [("filter.sneaky.clean", ""), ("hook.sneaky.enabled", "false"), ("diff.deep.textconv", "")] {
        assert!(taken.contains(&(name.to_owned(), value.to_owned())), "{name} in {taken:?}");
    }
    let repository = Repository::of(&git(), &person.top()).await.unwrap();
    let (worktree, head) = (place.join("member"), repository.head().await.unwrap());
    repository.add_worktree(&worktree, &head).await.unwrap();
    repository.read_commit(&worktree, &head).await.unwrap();
    assert!(!witness.exists(), "nothing of it runs");
    // It does where git is called as people do.
    fs::write(worktree.join("b.txt"), "another\n").unwrap();
    git_in(&worktree, &["add", "b.txt"]);
    assert!(witness.exists());
}

#[tokio::test]
async fn no_worktree_is_made_where_not_all_settings_can_be_known() {
    let cases: [(&[u8], &str); 5] = [
        (b"[includeIf \"onbranch:x\"]\n\tpath = objects\n", "cannot be read"),
        (b"[includeIf \"onbranch:x\"]\n\tpath = ~other/settings\n", "not known to be one file"),
        (b"[includeIf \"onbranch:x\"]\n\tpath = %(prefix)/settings\n", "not known to be one file"),
        (b"[includeIf \"onbranch:x\"]\n\tpath = \xff\n", "not known to be one file"),
        (b"[hook \"\xff\"]\n\tcommand = evil\n", "no text"),
    ];
    for (text, said) in cases {
        let person = Person::new();
        configure(&person, text);
        let error = programs(&person).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let person = Person::new();
    configure(&person, "[extensions]\n\tworktreeConfig = true\n");
    person.write(".git/config.worktree", "[include]\n\tpath = ../../settings\n");
    let error = programs(&person).await.unwrap_err().to_string();
    assert!(error.contains("not known to be one file"), "another one is meant in a worktree: {error}");
    let person = Person::new();
    for at in 0..200 {
        configure(&person, format!("[includeIf \"onbranch:x{at}\"]\n\tpath = settings{at}\n"));
        person.write(&format!(".git/settings{at}"), "");
    }
    let error = programs(&person).await.unwrap_err().to_string();
    assert!(error.contains("too many files"), "{error}");
}

#[tokio::test]
async fn a_setting_for_an_event_is_not_taken_for_a_hook_of_that_name() {
    let person = Person::new();
    configure(&person, "[hook \"pre-push\"]\n\tenabled = true\n[branch \"x\"]\n\tmerge = x\n");
    let taken = programs(&person).await.unwrap();
    assert!(taken.contains(&("hook.pre-push.enabled".to_owned(), "false".to_owned())), "{taken:?}");
    assert!(taken.iter().all(|(name, _)| name.ends_with(".enabled")), "it would have a command else: {taken:?}");
}
