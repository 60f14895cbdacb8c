use serde_json::json;
use sixframe_core::{Code, Scopes};

use super::house::{House, window};

#[tokio::test]
async fn it_says_what_it_is_and_what_it_understands() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "please fix everything");
    let ended = turn.end().await;
    assert_eq!(ended["outcome"], "completed");
    assert!(turn.grown("text").contains("There is no model behind me"), "{}", turn.grown("text"));
    assert_eq!(turn.names()[..4], ["prompt.queued", "prompt.started", "turn.started", "state.changed"]);
}

#[tokio::test]
async fn a_file_is_edited_with_leave_and_the_change_is_told() {
    let house = House::new();
    house.write("notes.txt", "one\ntwo\nthree\n");
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "replace two with TWO in notes.txt");
    let asked = turn.until("permission.requested").await;
    assert_eq!(house.read("notes.txt"), "one\ntwo\nthree\n", "nothing is done before there is leave");
    assert_eq!(asked["shownInput"], json!({"file": "notes.txt", "old": "two", "new": "TWO"}));
    assert_eq!(house.shown(&session)["state"], json!({"name": "waiting_approval", "count": 1}));
    let answer = json!({"permissionId": asked["permissionId"], "inputSha256": asked["inputSha256"]});
    house.ask("agent.approve", answer.clone()).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(house.read("notes.txt"), "one\nTWO\nthree\n");
    let change = turn.seen.iter().find_map(|event| event["data"]["tool"]["changes"].get(0)).unwrap();
    assert_eq!(change["unifiedDiff"], "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n");
    assert_eq!(house.ask("agent.approve", answer).await.unwrap_err().code(), Code::NOT_FOUND, "once");
    assert_eq!(house.shown(&session)["state"]["name"], "idle");
}

#[tokio::test]
async fn what_is_denied_is_not_done_and_nothing_behind_it() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run touch made\nrun touch too");
    let asked = turn.until("permission.requested").await;
    let other = json!({"permissionId": asked["permissionId"], "inputSha256": "0"});
    assert_eq!(house.ask("agent.approve", other).await.unwrap_err().code(), Code::CONFLICT);
    house.ask("agent.reject", json!({"permissionId": asked["permissionId"], "reason": "no"})).await.unwrap();
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.tools(), ["denied"]);
    assert!(!house.file("made").exists() && !house.file("too").exists());
}

#[tokio::test]
async fn a_commands_output_is_told_as_it_comes_and_its_exit_in_the_end() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run echo out; echo err >&2; exit 3");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    turn.end().await;
    assert_eq!((turn.grown("tool_output").as_str(), turn.grown("tool_errors").as_str()), ("out\n", "err\n"));
    assert_eq!(turn.tools(), ["failed"]);
    let code = turn.seen.iter().find_map(|event| event["data"]["tool"]["command"]["exitCode"].as_i64());
    assert_eq!(code, Some(3));
}

#[tokio::test]
async fn an_interrupt_ends_the_turn_and_the_command() {
    let house = House::new();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run echo $$; exec sleep 600");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    let pid = turn.until("item.delta").await["delta"].as_str().unwrap().trim().to_owned();
    let told = house.ask("agent.interrupt", json!({"sessionId": session})).await.unwrap();
    assert_eq!(told, json!({"interrupted": true}));
    assert_eq!(turn.end().await["outcome"], "interrupted");
    assert_eq!(turn.tools(), ["cancelled"]);
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    while std::path::Path::new("/proc").join(&pid).join("exe").exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn edits_are_accepted_by_themselves_only_where_somebody_who_may_consent_said_so() {
    let house = House::new();
    let session = house.session("builtin").await;
    house.ask("agent.setMode", json!({"sessionId": session, "mode": "acceptEdits"})).await.unwrap();
    let mut turn = house.prompt(&session, "write made.txt\nhello");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(house.read("made.txt"), "hello\n");
    let resolved = turn.seen.iter().find(|event| event["type"] == "permission.resolved").unwrap();
    assert_eq!(resolved["data"]["by"], json!({"kind": "policy", "rule": "accept_edits"}));
    let mut turn = house.prompt(&session, "write .git/hooks/pre-commit\nevil");
    let asked = turn.until("permission.requested").await;
    assert!(turn.names().iter().all(|name| *name != "permission.resolved"), "what runs by itself is asked for");

    let agents_own = window(&house.agents, Scopes::ALL.without(sixframe_core::Scope::Approve));
    let cwd = house.folder.path().join("project");
    for (method, params) in [
        ("agent.approve", json!({"permissionId": asked["permissionId"]})),
        ("agent.reject", json!({"permissionId": asked["permissionId"]})),
        ("agent.setMode", json!({"sessionId": session, "mode": "acceptEdits"})),
        ("agent.createSession", json!({"provider": "builtin", "cwd": cwd, "mode": "acceptEdits"})),
    ] {
        let refused = agents_own.request_raw::<_, serde_json::Value>(method, params).await.unwrap_err();
        assert_eq!(refused.code(), Code::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn reading_outside_of_the_folder_needs_leave_and_inside_none() {
    let house = House::new();
    house.write("a.txt", "needle here\n");
    std::os::unix::fs::symlink("/etc", house.file("link")).unwrap();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "list\nread a.txt\nsearch needle");
    assert_eq!(turn.end().await["outcome"], "completed");
    assert_eq!(turn.tools(), ["completed"; 3]);
    assert!(turn.names().iter().all(|name| *name != "permission.requested"));
    for path in ["/etc/hostname", "link/hostname", "../../etc/hostname"] {
        let mut turn = house.prompt(&session, &format!("read {path}"));
        let asked = turn.until("permission.requested").await;
        assert_eq!(asked["action"], "read", "{path}");
        house.ask("agent.reject", json!({"permissionId": asked["permissionId"]})).await.unwrap();
        turn.end().await;
    }
}

#[tokio::test]
async fn a_session_begins_only_where_agents_may_work_and_with_what_they_may_be_given() {
    let house = House::new();
    let cwd = house.folder.path().join("project");
    for (params, code) in [
        (json!({"provider": "builtin", "cwd": "/"}), Code::FORBIDDEN),
        (json!({"provider": "builtin", "cwd": "project"}), Code::INVALID_PAYLOAD),
        (json!({"provider": "builtin", "cwd": cwd.join("nowhere")}), Code::INVALID_PAYLOAD),
        (json!({"provider": "nobody", "cwd": cwd}), Code::NOT_FOUND),
        (json!({"provider": "claude", "cwd": cwd, "env": {"LD_PRELOAD": "x"}}), Code::FORBIDDEN),
        (json!({"provider": "builtin", "cwd": cwd, "env": {"ALLOWED": "x"}}), Code::FORBIDDEN),
        (json!({"provider": "builtin"}), Code::INVALID_PAYLOAD),
    ] {
        let refused = house.ask("agent.createSession", params.clone()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{params}");
    }
}

#[tokio::test]
async fn a_secret_that_comes_in_two_pieces_stands_nowhere() {
    let secret = ("AN_API_KEY".to_owned(), "a-very-\"secret\"-value".to_owned());
    let house = House::tuned(|config| config.claude.program.env.push(secret));
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "run printf 'it is a-very-\"sec'; sleep 0.2; printf 'ret\"-value, or a'");
    let asked = turn.until("permission.requested").await;
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    turn.end().await;
    assert_eq!(turn.grown("tool_output"), "it is [redacted], or a");
    let outputs: Vec<String> =
        house.logged(&session).iter().map(|event| event["data"]["tool"]["output"].to_string()).collect();
    assert!(outputs.iter().any(|output| output.contains("it is [redacted], or a")), "{outputs:?}");
}

#[tokio::test]
async fn keys_and_what_is_the_daemons_are_not_read_without_leave_though_they_are_in_the_folder() {
    let house =
        House::tuned(|config| config.policy.protected = vec![config.dir.with_file_name("project").join("ours")]);
    house.write("a.txt", "needle\n");
    for name in [".env", "server.key"] {
        house.write(name, "needle=secret\n");
    }
    std::fs::create_dir(house.file("ours")).unwrap();
    house.write("ours/token", "needle token\n");
    let session = house.session("builtin").await;
    for path in [".env", "server.key", "ours/token"] {
        let mut turn = house.prompt(&session, &format!("read {path}"));
        let asked = turn.until("permission.requested").await;
        assert_eq!(asked["action"], "read", "{path}");
        assert!(["high", "critical"].contains(&asked["risk"].as_str().unwrap()), "{path}: {asked}");
        house.ask("agent.reject", json!({"permissionId": asked["permissionId"]})).await.unwrap();
        turn.end().await;
    }
    let mut turn = house.prompt(&session, "search needle");
    turn.end().await;
    let text = turn.seen.iter().map(serde_json::Value::to_string).collect::<String>();
    assert!(text.contains("a.txt:1: needle") && text.contains("3 passed over") && !text.contains("secret\""), "{text}");
}

#[tokio::test]
async fn a_link_that_is_put_there_between_the_question_and_the_answer_leads_nowhere() {
    let house = House::new();
    house.write("notes.txt", "one\n");
    let outside = house.folder.path().join("outside.txt");
    std::fs::write(&outside, "one\n").unwrap();
    let session = house.session("builtin").await;
    let mut turn = house.prompt(&session, "replace one with two in notes.txt");
    let asked = turn.until("permission.requested").await;
    std::fs::remove_file(house.file("notes.txt")).unwrap();
    std::os::unix::fs::symlink(&outside, house.file("notes.txt")).unwrap();
    let answer = json!({"permissionId": asked["permissionId"], "inputSha256": asked["inputSha256"]});
    house.ask("agent.approve", answer).await.unwrap();
    turn.end().await;
    assert_eq!(turn.tools(), ["failed"]);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "one\n");

    let mut turn = house.prompt(&session, "replace one with two in notes.txt");
    let asked = turn.until("permission.requested").await;
    let real = outside.canonicalize().unwrap();
    assert_eq!(asked["shownInput"]["leadsTo"], json!(real), "where it leads is shown, and bound");
    house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    turn.end().await;
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "two\n", "what was shown is done");
}
