//! Runs whose members work in git worktrees of their own.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;

/// The worktrees that git knows, and the folders and stores that are there.
fn left(house: &House, project: &Path) -> (usize, usize) {
    let listed = git_in(project, &["worktree", "list", "--porcelain"]);
    let places = fs::read_dir(house.folder.path().join("sessions/worktrees")).into_iter().flatten();
    let folders = places.filter(|place| place.as_ref().unwrap().path().extension().is_none());
    (listed.lines().filter(|line| line.starts_with("worktree ")).count() - 1, folders.count())
}

/// A house with a repository, and a run whose one member writes a file in a folder of that, in a worktree that is kept.
fn deep() -> (House, PathBuf, Value) {
    let house = House::new();
    let project = with_repository(&house);
    fs::create_dir(project.join("deep")).unwrap();
    house.write("deep/b.txt", "b\n");
    let members = json!([{"provider": "builtin", "name": "a", "mode": "acceptEdits"}]);
    let params = json!({
        "prompt": "write new.txt\nhello", "members": members, "worktrees": true, "keep": true, "cwd": project.join("deep")
    });
    (house, project, params)
}

/// What whoever makes one answer of two is told of the folder.
async fn told_of_the_folder(merger: Value, worktrees: bool) -> String {
    let (told, heard) = std::sync::mpsc::channel();
    let reply = move |prompt: &str, _: &Path| {
        if prompt.contains("Several agents") {
            told.send(prompt.to_owned()).unwrap();
        }
        Reply::Say("said".to_owned())
    };
    let house = among(vec![scripted("first", reply.clone()), says("second", "b"), scripted("third", reply)]);
    with_repository(&house);
    let members = json!([{"provider": "first", "name": "a"}, {"provider": "second", "name": "b"}]);
    let params = json!({"members": members, "strategy": "synthesise", "merger": merger, "worktrees": worktrees});
    let mut run = Run::start(&house, params);
    assert_eq!(run.end().await["outcome"], "completed");
    let asked = heard.try_recv().unwrap();
    asked.lines().find(|line| line.contains("change them here")).unwrap().to_owned()
}

#[tokio::test]
async fn who_makes_one_answer_of_all_is_told_truly_whose_changes_its_folder_holds() {
    let (member, other) = (json!({"name": "a"}), json!({"provider": "third"}));
    let told = told_of_the_folder(member.clone(), true).await;
    assert!(told.contains("holds the changes of a, which you made before, and nobody else's"), "{told}");
    let told = told_of_the_folder(other.clone(), true).await;
    assert!(told.contains("none of their changes is made yet"), "{told}");
    for merger in [member, other] {
        let told = told_of_the_folder(merger, false).await;
        assert!(told.contains("in which all of them have worked"), "{told}");
    }
}

#[tokio::test]
async fn members_change_the_same_file_apart_and_one_of_them_is_applied() {
    let house = House::new();
    let project = with_repository(&house);
    house.write("a.txt", "one\ntwo, not committed\nthree\n");
    let write = scripted("writer", |_, cwd| {
        let name = cwd.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(cwd.join("a.txt")).unwrap().replace("three", name);
        fs::write(cwd.join("a.txt"), text).unwrap();
        fs::write(cwd.join(format!("{name}.bin")), [0, 1, 2]).unwrap();
        Reply::Say("done".to_owned())
    });
    let House { folder, agents, .. } = house;
    agents.halt().await;
    let programs = Programs::in_folder(folder.path());
    let house = House::build_among(folder, Timers::default(), programs, vec![write]);
    let members = json!([{"provider": "writer", "name": "left"}, {"provider": "writer", "name": "right"}]);
    let mut run = Run::start(&house, json!({"members": members, "worktrees": true}));
    assert_eq!(run.end().await["outcome"], "completed");
    assert_eq!(house.read("a.txt"), "one\ntwo, not committed\nthree\n", "nothing is applied by itself");
    assert_eq!(left(&house, &project), (0, 0), "the worktrees are gone");
    let files = run.member("left")["files"].as_array().unwrap();
    assert_eq!(files[0]["unifiedDiff"], "@@ -1,3 +1,3 @@\n one\n two, not committed\n-three\n+left\n");
    assert_eq!((&files[1]["path"], &files[1]["binary"]), (&json!("left.bin"), &json!(true)));

    let id = run.id();
    let of = |member: &str| json!({"runId": id, "member": member});
    let shown = house.ask("run.diff", of("left")).await.unwrap();
    assert_eq!(shown["files"], run.member("left")["files"]);
    let other = json!({"runId": id, "member": "right", "sha256": shown["sha256"]});
    let refused = house.ask("run.apply", other).await.unwrap_err();
    assert_eq!(refused.code(), Code::CONFLICT, "what is applied is what was shown");
    let agents_own = window(&house.agents, Scopes::ALL.without(Scope::Approve));
    let refused = agents_own.request_raw::<_, Value>("run.apply", of("left")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FORBIDDEN);

    let apply = json!({"runId": id, "member": "left", "sha256": shown["sha256"]});
    let applied = house.ask("run.apply", apply).await.unwrap();
    assert_eq!(applied["files"].as_array().unwrap().len(), 2);
    assert_eq!(house.read("a.txt"), "one\ntwo, not committed\nleft\n");
    assert_eq!(fs::read(house.file("left.bin")).unwrap(), [0, 1, 2]);
    assert_eq!(house.logged(&id).last().unwrap()["type"], "run.applied");
    let list = house.ask("run.list", json!({})).await.unwrap();
    let applied: Vec<&Value> =
        list["runs"][0]["members"].as_array().unwrap().iter().map(|of| &of["isApplied"]).collect();
    assert_eq!(applied, [&json!(true), &Value::Null], "every window sees it");

    let refused = house.ask("run.apply", of("right")).await.unwrap_err();
    assert_eq!(refused.code(), Code::CONFLICT);
    assert!(format!("{refused:?}").contains("a.txt"), "{refused:?}");
    assert_eq!(house.read("a.txt"), "one\ntwo, not committed\nleft\n");
    assert!(!house.file("right.bin").exists(), "all of it or nothing");
    assert_eq!(git_in(&project, &["diff", "--cached", "--name-only"]), "", "nothing is added to the index");
}

#[tokio::test]
async fn who_drops_a_run_leaves_no_process_no_worktree_and_no_session() {
    let house = House::new();
    let project = with_repository(&house);
    let members = json!([{"provider": "builtin", "name": "a"}, {"provider": "builtin", "name": "b"}]);
    let params = json!({"prompt": "run echo $$; exec sleep 600", "members": members, "worktrees": true});
    let mut run = Run::start(&house, params);
    let asked = run.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": asked["data"]["permissionId"]})).await.unwrap();
    let pid = run.until("item.delta").await["data"]["delta"].as_str().unwrap().trim().to_owned();
    assert_eq!(left(&house, &project), (2, 1));
    let id = run.id();
    let mut events = house.events(&id);
    drop(run);
    let ended = events.until("run.ended").await;
    assert_eq!(ended["outcome"], "interrupted");
    assert!(!Path::new("/proc").join(&pid).join("exe").exists());
    assert_eq!(left(&house, &project), (0, 0));
    assert_eq!(house.hub.state().to_value()["agents"], json!({}));
    let members = house.logged(&id);
    let ended: Vec<&Value> = members.iter().filter(|event| event["type"] == "run.member_ended").collect();
    assert!(ended.len() == 2 && ended.iter().all(|event| event["data"]["outcome"] == "interrupted"), "{ended:?}");
}

#[tokio::test]
async fn worktrees_that_are_kept_outlive_the_daemon_until_they_are_discarded() {
    let (house, project, params) = deep();
    let mut run = Run::start(&house, params);
    assert_eq!(run.end().await["outcome"], "completed");
    let member = &run.seen[0]["data"]["members"][0];
    let (worktree, session) = (member["worktree"].as_str().unwrap().to_owned(), member["sessionId"].clone());
    assert_eq!(fs::read_to_string(Path::new(&worktree).join("deep/new.txt")).unwrap(), "hello\n");
    let house = house.restart().await;
    let id = run.id();
    let of_it = json!({"runId": id, "member": "a"});
    // What is left is looked at in the background.
    let changes = loop {
        match house.ask("run.diff", of_it.clone()).await {
            Ok(changes) => break changes,
            Err(error) => assert_eq!(error.code(), Code::NOT_FOUND, "{error:?}"),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(changes["files"][0]["path"], "deep/new.txt");
    fs::write(Path::new(&worktree).join("deep/more.txt"), "more\n").unwrap();
    let stale = json!({"runId": id, "member": "a", "sha256": changes["sha256"]});
    assert_eq!(house.ask("run.apply", stale).await.unwrap_err().code(), Code::CONFLICT);
    assert!(!house.file("deep/new.txt").exists());
    house.ask("run.apply", of_it).await.unwrap();
    assert_eq!(house.read("deep/new.txt") + &house.read("deep/more.txt"), "hello\nmore\n");
    house.ask("agent.setMode", json!({"sessionId": session, "mode": "ask"})).await.unwrap();
    house.ask("run.discard", json!({"runId": id})).await.unwrap();
    assert_eq!(left(&house, &project), (0, 0));
    assert!(house.ask("agent.setMode", json!({"sessionId": session, "mode": "ask"})).await.is_err());
    assert_eq!(house.ask("run.list", json!({})).await.unwrap(), json!({"runs": []}));
    assert_eq!(house.logged(&id).last().unwrap()["type"], "run.applied", "its log stays");
}

#[tokio::test]
async fn changes_are_applied_only_where_agents_may_work_in_all_of_the_repository() {
    let (house, project, params) = deep();
    let mut run = Run::start(&house, params.clone());
    assert_eq!(run.end().await["outcome"], "completed");
    let house = house.restart_tuned(|config| config.roots = vec![project.join("deep")]).await;
    let of_it = json!({"runId": run.id(), "member": "a"});
    let refused = loop {
        let refused = house.ask("run.apply", of_it.clone()).await.unwrap_err();
        // What is left is looked at in the background.
        if refused.code() != Code::NOT_FOUND {
            break refused;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((refused.code(), &refused.details().unwrap()["setting"]), (Code::FORBIDDEN, &json!("agent.roots")));
    assert!(!house.file("deep/new.txt").exists());
    let refused = house.window.stream_raw::<_, Value>("run.start", params).next().await.unwrap().unwrap_err();
    assert_eq!(refused.details().unwrap()["path"], "worktrees");
}

#[tokio::test]
async fn what_a_killed_daemon_has_left_of_a_run_is_ended_and_taken_away() {
    let house = House::new();
    let project = with_repository(&house);
    let members = json!([{"provider": "builtin", "name": "a"}, {"provider": "builtin", "name": "b"}]);
    let params = json!({"prompt": "run sleep 600", "members": members, "worktrees": true});
    let mut run = Run::start(&house, params);
    run.until("permission.requested").await;
    let (id, first) = (run.id(), run.seen[0]["data"]["members"][0]["sessionId"].as_str().unwrap().to_owned());
    let sessions = house.folder.path().join("sessions");
    // One that lives keeps what it has.
    let before = fs::read_to_string(sessions.join(format!("{id}.jsonl"))).unwrap();
    // What is on the disk at this moment is all that a killed daemon leaves: in a folder of the same name as git knows it by.
    let away = house.folder.path().join("away");
    assert!(std::process::Command::new("cp").arg("-a").arg(&sessions).arg(&away).status().unwrap().success());
    let House { folder, agents, timers, .. } = house;
    drop(run);
    agents.halt().await;
    drop(agents);
    fs::remove_dir_all(&sessions).unwrap();
    fs::rename(&away, &sessions).unwrap();
    // git itself has forgotten nothing either.
    for name in ["a", "b"] {
        let place = sessions.join("worktrees").join(&id).join(name);
        fs::remove_dir_all(&place).unwrap();
        git_in(&project, &["worktree", "add", "--quiet", "--detach", place.to_str().unwrap()]);
    }
    let house = House::build(folder, timers);
    let mut events = loop {
        let logged = house.logged(&id);
        if logged.last().unwrap()["type"] == "run.ended" {
            break house.events(&id);
        }
        tokio::task::yield_now().await;
    };
    let ended = events.until("run.ended").await;
    assert_eq!((&ended["outcome"], &ended["error"]["kind"]), (&json!("failed"), &json!("crashed")));
    assert_eq!(left(&house, &project), (0, 0));
    assert!(fs::read_dir(sessions.join("worktrees")).unwrap().next().is_none(), "no store, no ledger");
    assert!(house.logged(&id).len() > before.lines().count());
    assert_eq!(house.logged(&first).last().unwrap()["type"], "session.closed");
    assert_eq!(house.hub.state().to_value()["agents"], json!({}));
}

#[tokio::test]
async fn the_built_in_agent_reads_and_searches_the_worktree_that_is_lent_to_it_and_no_other() {
    let house = House::new();
    with_repository(&house);
    let members = json!([{"provider": "builtin", "name": "left"}, {"provider": "builtin", "name": "right"}]);
    let prompt = "list\nread a.txt\nsearch two\nsearch two in ../right";
    let mut run = Run::start(&house, json!({"prompt": prompt, "members": members, "worktrees": true}));
    let mut asked = Vec::new();
    while let Some(event) = run.next().await {
        if event["type"] == "permission.requested" {
            asked.push(event["data"]["title"].clone());
            let params = json!({"permissionId": event["data"]["permissionId"]});
            house.ask("agent.reject", params).await.unwrap();
        }
    }
    assert_eq!(run.seen.last().unwrap()["data"]["outcome"], "completed");
    let outputs: Vec<String> = run
        .seen
        .iter()
        .filter_map(|event| event["data"]["tool"]["output"]["text"].as_str())
        .map(str::to_owned)
        .collect();
    assert_eq!(outputs.iter().filter(|text| *text == "a.txt:2: two").count(), 3, "{outputs:?}");
    assert_eq!(asked.len(), 1, "for that of the other one alone: {asked:?}");
}
