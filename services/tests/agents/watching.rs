use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::{Value, json};

use super::house::{House, Turn};

/// Whether these files have been seen so far, and how.
fn seen(turn: &Turn) -> Vec<(String, String)> {
    let files = turn.seen.iter().filter(|event| event["type"] == "files.changed");
    let files = files.flat_map(|event| event["data"]["files"].as_array().unwrap());
    files.map(|file| (file["path"].as_str().unwrap().to_owned(), file["kind"].as_str().unwrap().to_owned())).collect()
}

async fn until_seen(turn: &mut Turn, path: &str) {
    while !seen(turn).iter().any(|(known, _)| known == path) {
        turn.until("files.changed").await;
    }
}

/// The folder is watched a moment after the turn has begun: the system tells when it is, and then a file is seen.
async fn watched(house: &House, turn: &mut Turn) {
    let mark = format!(" ino:{:x} ", fs::metadata(house.file("")).unwrap().ino());
    let watches = |entry: fs::DirEntry| fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&mark));
    while !fs::read_dir("/proc/self/fdinfo").unwrap().flatten().any(watches) {
        tokio::task::yield_now().await;
    }
    house.write("watched.tmp", "x");
    until_seen(turn, "watched.tmp").await;
}

async fn answer(house: &House, asked: &Value) {
    let answer = json!({"questionId": asked["questionId"], "answers": {"answer": ["yes"]}});
    house.ask("agent.answer", answer).await.unwrap();
}

#[tokio::test]
async fn what_changes_while_a_turn_is_open_is_told_but_not_what_is_passed_over() {
    let house = House::new();
    house.write(".gitignore", "*.log\nout/\n");
    fs::create_dir(house.file("out")).unwrap();
    house.write("gone.txt", "x");
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "ask Well?");
    let asked = turn.until("question.requested").await;
    watched(&house, &mut turn).await;
    house.write("a.log", "x");
    house.write("out/b.txt", "x");
    fs::create_dir(house.file("new")).unwrap();
    house.write("new/c.txt", "x");
    fs::remove_file(house.file("gone.txt")).unwrap();
    until_seen(&mut turn, "new/c.txt").await;
    while !seen(&turn).contains(&("gone.txt".to_owned(), "delete".to_owned())) {
        turn.until("files.changed").await;
    }
    // Folders that are new are watched too.
    house.write("new/d.txt", "x");
    until_seen(&mut turn, "new/d.txt").await;
    answer(&house, &asked).await;
    turn.end().await;
    let passed_over =
        seen(&turn).into_iter().any(|(path, _)| path.contains("log") || path.contains("out") || path.contains(".git/"));
    assert!(!passed_over, "{:?}", seen(&turn));
    let contended = turn.seen.iter().any(|event| event["type"] == "files.contended");
    assert!(!contended, "the turn changes none of them");
    let turn_id = &turn.seen.iter().find(|event| event["type"] == "files.changed").unwrap()["turnId"];
    assert!(turn_id.is_string(), "they are told as of the turn");
}

#[tokio::test]
async fn a_person_who_edits_what_the_turn_is_changing_is_warned_and_the_agents_own_change_is_none() {
    let house = House::new();
    house.write("a.txt", "old\n");
    house.write("b.txt", "old\n");
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "ask Well?\nreplace old with new in a.txt\nreplace old with new in b.txt");
    let asked = turn.until("question.requested").await;
    watched(&house, &mut turn).await;
    answer(&house, &asked).await;
    let first = turn.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": first["permissionId"]})).await.unwrap();
    let second = turn.until("permission.requested").await;
    until_seen(&mut turn, "a.txt").await;
    // The agent waits for leave to change this one: whoever writes it now is somebody else. What it wrote before settles
    // first.
    let contended = loop {
        house.write("b.txt", "old\nand mine\n");
        match turn.next().await {
            Some(event) if event["type"] == "files.contended" => break event["data"]["paths"].clone(),
            // Each write is told before the next one.
            Some(_) => (),
            None => panic!("nobody is warned: {:?}", turn.names()),
        }
    };
    assert_eq!(contended, json!(["b.txt"]));
    house.ask("agent.approve", json!({"permissionId": second["permissionId"]})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(house.read("b.txt"), "new\nand mine\n");
}

#[tokio::test]
async fn a_folder_that_is_too_much_to_watch_is_said_once_and_the_session_goes_on() {
    let house = House::tuned(|config| config.watch.folders = 2);
    for name in ["a", "b", "c"] {
        fs::create_dir(house.file(name)).unwrap();
    }
    let session = house.session("builtin").await;
    for _ in 0..2 {
        let mut turn = house.prompt(&session, "ask Well?");
        let asked = turn.until("question.requested").await;
        if turn.seen.iter().all(|event| event["type"] != "error")
            && house.logged(&session).iter().all(|event| event["type"] != "error")
        {
            turn.until("error").await;
        }
        answer(&house, &asked).await;
        assert_eq!(turn.end().await["outcome"], "completed");
    }
    let errors: Vec<Value> = house.logged(&session).into_iter().filter(|event| event["type"] == "error").collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0]["data"]["message"].as_str().unwrap().contains("only 2 folders"));
}
