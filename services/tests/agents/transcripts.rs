//! Transcripts of real sessions: written when turns end, listed, read, found, whatever lies among the logs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sixframe_core::{Code, Scope, Scopes};

use super::house::{House, LONG, window};

impl House {
    fn transcripts(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.folder.path().join("sessions/transcripts"), &mut found);
        found.sort();
        found
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, method: &str, params: Value, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let answer = self.ask(method, params.clone()).await.unwrap();
                if is_wanted(&answer) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, asked).await.unwrap_or_else(|_| panic!("{method} never answers as wanted"))
    }

    async fn found(&self, query: &str) -> Value {
        let is_there =
            |answer: &Value| answer["isRebuilding"] == false && !answer["hits"].as_array().unwrap().is_empty();
        self.until("transcript.search", json!({"query": query}), is_there).await
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => collect(&path, found),
            path if path.extension().is_some() => found.push(path),
            _ => (),
        }
    }
}

async fn talked() -> (House, String) {
    let house = House::new();
    house.write("notes.txt", "the RpcEndpoint knows 트랜스크립트 and 検索結果\n");
    let session = house.session("builtin").await;
    house.prompt(&session, "read notes.txt").end().await;
    (house, session)
}

#[tokio::test]
async fn a_turn_that_ends_is_written_down_in_three_forms_for_its_user_alone() {
    let (house, session) = talked().await;
    house.agents.halt().await;
    let paths = house.transcripts();
    let endings: Vec<&str> = paths.iter().map(|path| path.extension().unwrap().to_str().unwrap()).collect();
    assert_eq!(endings, ["json", "md", "org"]);
    for path in &paths {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), format!("session-{session}"));
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("the RpcEndpoint knows 트랜스크립트"), "{text}");
    }
    let day = paths[0].parent().unwrap();
    assert_eq!(fs::metadata(day).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(day.parent().unwrap().ends_with("transcripts/project"), "{}", day.display());
    let written: Value = serde_json::from_str(&fs::read_to_string(&paths[0]).unwrap()).unwrap();
    assert_eq!(written["turns"][0]["prompt"], "read notes.txt");
}

#[tokio::test]
async fn a_transcript_is_listed_and_read_while_its_session_lives_and_after() {
    let (house, session) = talked().await;
    let list = house.ask("transcript.list", json!({})).await.unwrap();
    let info = &list["transcripts"][0];
    assert_eq!((&info["sessionId"], &info["turns"], &info["isClosed"]), (&json!(session), &json!(1), &json!(false)));
    assert_eq!((&info["title"], &info["outcome"]), (&json!("read notes.txt"), &json!("completed")));
    house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    let list = house.ask("transcript.list", json!({"provider": "builtin"})).await.unwrap();
    assert_eq!(list["transcripts"][0]["isClosed"], true);
    assert_eq!(house.ask("transcript.list", json!({"provider": "claude"})).await.unwrap()["transcripts"], json!([]));
    let got = house.ask("transcript.get", json!({"sessionId": session})).await.unwrap();
    let items = got["transcript"]["turns"][0]["items"].as_array().unwrap();
    let kinds: Vec<&str> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["user_message", "tool_call"], "{kinds:?}");
    assert!(items[1]["tool"]["output"]["text"].as_str().unwrap().contains("検索結果"));
    for format in ["md", "org"] {
        let got = house.ask("transcript.get", json!({"sessionId": session, "format": format})).await.unwrap();
        assert!(got["text"].as_str().unwrap().contains("Turn 1"), "{got}");
    }
    let gone = house.ask("transcript.get", json!({"sessionId": "ses_../../x"})).await.unwrap_err();
    assert_eq!(gone.code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn a_name_that_may_go_on_is_found_behind_newer_texts_that_have_its_parts_apart() {
    let house = House::new();
    let session = house.session("builtin").await;
    let asked = ["say chi/rho1", "say rho2 and chi", "say rho3, then chi", "say rho4 or chi"];
    for text in asked {
        house.prompt(&session, text).end().await;
    }
    // They come into the index one turn after the other; the newest is the last.
    loop {
        let found = house.ask("transcript.search", json!({"query": "rho4"})).await.unwrap();
        if found["isRebuilding"] == false && !found["hits"].as_array().unwrap().is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let found = house.ask("transcript.search", json!({"query": "chi/rh", "limit": 1})).await.unwrap();
    let hits = found["hits"].clone();
    assert_eq!(hits.as_array().unwrap().len(), 1);
    assert!(hits[0]["snippet"].as_str().unwrap().contains("chi/rho1"), "{hits}");
    let all = house.ask("transcript.search", json!({"query": "chi rh"})).await.unwrap();
    assert!(all["hits"].as_array().unwrap().len() >= asked.len(), "apart they are in all of them: {all}");
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended() {
    let house = House::new();
    let mut sessions = Vec::new();
    for _ in 0..5 {
        let session = house.session("builtin").await;
        house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
        sessions.push(session);
    }
    let (mut seen, mut before) = (Vec::new(), Value::Null);
    loop {
        let mut params = json!({"limit": 2});
        if before.is_string() {
            params["before"] = before;
        }
        let list = house.ask("transcript.list", params).await.unwrap();
        seen.extend(list["transcripts"].as_array().unwrap().iter().map(|info| info["sessionId"].clone()));
        before = list["next"].clone();
        if before.is_null() {
            break;
        }
    }
    let mut ids: Vec<&str> = seen.iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    sessions.sort_unstable();
    assert_eq!(ids, sessions);
}

#[tokio::test]
async fn what_was_said_is_found_by_words_names_and_parts_of_unspaced_scripts() {
    let (house, session) = talked().await;
    for query in ["RpcEndpoint", "rpcend", "endpoint knows", "\"endpoint knows\"", "스크립", "検索", "索", "notes.txt"]
    {
        let found = house.found(query).await;
        let hit = &found["hits"][0];
        assert_eq!(hit["sessionId"], json!(session), "{query}: {found}");
        let units: Vec<u16> = hit["snippet"].as_str().unwrap().encode_utf16().collect();
        let range = &hit["ranges"][0];
        let (from, to) = (range[0].as_u64().unwrap() as usize, range[1].as_u64().unwrap() as usize);
        assert!(!String::from_utf16(&units[from..to]).unwrap().is_empty(), "{hit}");
    }
    let nothing = house.ask("transcript.search", json!({"query": "\"knows endpoint\""})).await.unwrap();
    assert_eq!(nothing["hits"], json!([]));
    let refused = house.ask("transcript.search", json!({"query": " \" "})).await.unwrap_err();
    assert_eq!(refused.code(), Code::INVALID_PAYLOAD);
}

#[tokio::test]
async fn an_index_that_is_missing_torn_or_behind_is_made_anew() {
    let (mut house, session) = talked().await;
    house.found("RpcEndpoint").await;
    let index = house.folder.path().join("sessions/index/v1");
    for harm in ["missing", "torn", "meta", "behind"] {
        house.agents.halt().await;
        match harm {
            "missing" => fs::remove_dir_all(&index).unwrap(),
            "torn" => {
                for entry in fs::read_dir(&index).unwrap().flatten() {
                    let bytes = fs::read(entry.path()).unwrap();
                    fs::write(entry.path(), &bytes[..bytes.len() / 2]).unwrap();
                }
            }
            "meta" => fs::write(index.join("meta.json"), "{").unwrap(),
            _ => (),
        }
        house = house.restart().await;
        if harm == "behind" {
            house.prompt(&session, "read nothing_behind.txt").end().await;
            house.found("nothing_behind").await;
        }
        let found = house.found("RpcEndpoint").await;
        assert_eq!(found["hits"][0]["sessionId"], json!(session), "{harm}");
    }
}

#[tokio::test]
async fn an_index_that_is_harmed_while_it_is_used_is_made_anew() {
    let (house, session) = talked().await;
    house.found("RpcEndpoint").await;
    let index = house.folder.path().join("sessions/index/v1");
    for harm in ["missing", "garbage", "empty", "no_folder"] {
        // At once, whoever writes into it meanwhile.
        let away = || fs::rename(&index, house.folder.path().join(harm)).unwrap();
        match harm {
            "missing" => away(),
            "no_folder" => {
                away();
                // It may be made anew by now.
                while fs::write(&index, "a file").is_err() {
                    let _ = fs::remove_dir_all(&index);
                }
            }
            _ => {
                let text = if harm == "garbage" { &b"garbage"[..] } else { b"" };
                for entry in fs::read_dir(&index).unwrap().flatten() {
                    // Others in their places: what is mapped into memory is not cut off under its reader.
                    let other = house.folder.path().join("other");
                    fs::write(&other, text).unwrap();
                    fs::rename(&other, entry.path()).unwrap();
                }
            }
        }
        house.prompt(&session, &format!("read behind_{harm}.txt")).end().await;
        for wanted in ["RpcEndpoint", &format!("behind_{harm}")] {
            let found = house.found(wanted).await;
            assert_eq!(found["hits"][0]["sessionId"], json!(session), "{harm}: {wanted}");
        }
    }
}

#[tokio::test]
async fn projects_of_hostile_names_have_folders_of_their_own() {
    let house = House::new();
    let names =
        ["..", "a/../b", "con", "-rf", ".hidden", "new\nline", "ä ö\u{202e}txt", "\u{1f600}", "x".repeat(200).as_str()]
            .map(|name| name.replace('/', "\u{2215}"));
    let mut folders = Vec::new();
    for name in names.iter().filter(|name| *name != "..") {
        let folder = house.folder.path().join("of").join(name);
        fs::create_dir_all(&folder).unwrap();
        let session = house.session_with("builtin", json!({"cwd": folder})).await;
        house.prompt(&session, "list").end().await;
        let exported = house.ask("transcript.export", json!({"sessionId": session})).await.unwrap();
        let path = PathBuf::from(exported["paths"][0].as_str().unwrap());
        let below = path.strip_prefix(house.folder.path().join("sessions/transcripts")).unwrap();
        let parts: Vec<&str> = below.iter().map(|part| part.to_str().unwrap()).collect();
        assert_eq!(parts.len(), 3, "project, day and file: {parts:?}");
        let is_plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
        assert!(parts[0].chars().all(is_plain) && !parts[0].starts_with(['.', '-']), "{:?}", parts[0]);
        folders.push(parts[0].to_owned());
        let text = fs::read_to_string(path.with_extension("org")).unwrap();
        assert!(text.starts_with("#+TITLE: ") && !text.contains('\u{202e}') && !text.contains("\nline"), "{text}");
    }
    folders.sort();
    folders.dedup();
    assert_eq!(folders.len(), names.len() - 1, "none shares one: {folders:?}");
}

#[tokio::test]
async fn logs_that_are_none_hinder_nobody() {
    let (house, session) = talked().await;
    house.agents.halt().await;
    let sessions = house.folder.path().join("sessions");
    fs::write(sessions.join("ses_00.jsonl"), [0u8, 159, 146, 150, b'\n', 255]).unwrap();
    fs::write(sessions.join("ses_01.jsonl"), "").unwrap();
    fs::write(sessions.join("ses_02.jsonl"), "{\"seq\":1}\n[[[[\n").unwrap();
    fs::create_dir(sessions.join("ses_03.jsonl")).unwrap();
    let log = fs::read_to_string(sessions.join(format!("{session}.jsonl"))).unwrap();
    let copy = log.replace(&session, "ses_04");
    fs::write(sessions.join("ses_04.jsonl"), format!("{copy}not an event\n{}", &copy[..100])).unwrap();
    fs::write(sessions.join("ses_04.lock"), "").unwrap();
    let house = house.restart().await;
    house.found("RpcEndpoint").await;
    let list = house.ask("transcript.list", json!({})).await.unwrap();
    assert_eq!(list["transcripts"].as_array().unwrap().len(), 2, "{list}");
    let gone = house.ask("transcript.get", json!({"sessionId": "ses_00"})).await.unwrap_err();
    assert_eq!(gone.code(), Code::NOT_FOUND);
}

#[tokio::test]
async fn what_was_torn_off_a_log_is_said_in_its_transcript() {
    let (house, session) = talked().await;
    house.agents.halt().await;
    let path = house.folder.path().join("sessions").join(format!("{session}.jsonl"));
    let mut log = fs::read(&path).unwrap();
    log.extend_from_slice(b"{\"v\":1,\"epoch");
    fs::write(&path, log).unwrap();
    let house = house.restart().await;
    let is_told = |answer: &Value| answer["transcript"]["notices"].as_array().is_some_and(|all| !all.is_empty());
    let got = house.until("transcript.get", json!({"sessionId": session}), is_told).await;
    let notice = &got["transcript"]["notices"][0];
    assert_eq!(notice["kind"], "log.recovered");
    for format in ["md", "org"] {
        let got = house.ask("transcript.get", json!({"sessionId": session, "format": format})).await.unwrap();
        assert!(got["text"].as_str().unwrap().contains("The end of the log was torn"), "{got}");
    }
}

#[tokio::test]
async fn secrets_by_their_shape_are_in_no_transcript_and_not_in_the_index() {
    let house = House::new();
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    house.write("key.txt", &format!("token {secret} findme\n"));
    let session = house.session("builtin").await;
    house.prompt(&session, "read key.txt").end().await;
    let found = house.found("findme").await;
    assert!(!found.to_string().contains(&secret) && found.to_string().contains("[redacted]"), "{found}");
    let hits = house.ask("transcript.search", json!({"query": secret})).await.unwrap();
    assert_eq!(hits["hits"], json!([]));
    let got = house.ask("transcript.get", json!({"sessionId": session})).await.unwrap();
    assert!(!got.to_string().contains(&secret));
    house.agents.halt().await;
    for path in house.transcripts() {
        assert!(!fs::read_to_string(&path).unwrap().contains(&secret), "{}", path.display());
    }
}

#[tokio::test]
async fn files_go_where_a_person_says_and_where_an_agent_may_not() {
    let (house, session) = talked().await;
    let dir = house.folder.path().join("project");
    let params = json!({"sessionId": session, "formats": ["md"], "dir": dir});
    let written = house.ask("transcript.export", params.clone()).await.unwrap();
    let path = written["paths"][0].as_str().unwrap();
    assert_eq!(Path::new(path), dir.join(format!("session-{session}.md")));
    assert!(fs::read_to_string(path).unwrap().contains("RpcEndpoint"));
    let agents_own = window(&house.agents, Scopes::ALL.without(Scope::Approve));
    let refused = agents_own.request_raw::<_, Value>("transcript.export", params).await.unwrap_err();
    assert_eq!(refused.code(), Code::FORBIDDEN);
    let own = agents_own.request_raw::<_, Value>("transcript.export", json!({"sessionId": session})).await.unwrap();
    assert_eq!(own["paths"].as_array().unwrap().len(), 3);
    for (dir, code) in
        [("relative", Code::INVALID_PAYLOAD), ("/", Code::FORBIDDEN), ("/nowhere", Code::INVALID_PAYLOAD)]
    {
        let params = json!({"sessionId": session, "dir": dir});
        assert_eq!(house.ask("transcript.export", params).await.unwrap_err().code(), code, "{dir}");
    }
}

#[tokio::test]
async fn two_daemons_share_the_index_and_the_second_writes_it_when_the_first_is_gone() {
    let (house, session) = talked().await;
    house.found("RpcEndpoint").await;
    let other = house.beside();
    let found = other.found("RpcEndpoint").await;
    assert_eq!(found["hits"][0]["sessionId"], json!(session));
    house.write("more.txt", "something quite_else\n");
    let cwd = house.file("");
    house.agents.halt().await;
    let session = other.session_with("builtin", json!({"cwd": cwd})).await;
    other.prompt(&session, "read more.txt").end().await;
    let found = other.found("quite_else").await;
    assert_eq!(found["hits"][0]["sessionId"], json!(session));
}
