//! Commits: their versions, conditions, checks, owners, repetitions, and the listeners within the process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sixframe_hub::{
    Check, CommitError, CommitParams, Expect, Hub, HubConfig, Json, Mutation, Op, Pointer, SliceConfig, SliceError,
    Version, Violation,
};

fn hub() -> Hub {
    Hub::new(HubConfig::default()).unwrap()
}

fn ops(ops: Value) -> CommitParams {
    CommitParams { ops: serde_json::from_value::<Vec<Op>>(ops).unwrap(), expect: None, mutation: None }
}

fn set(path: &str, value: Value) -> CommitParams {
    ops(json!([{"op": "add", "path": path, "value": value}]))
}

fn at(hub: &Hub, path: &str) -> Value {
    hub.state().at(path).map_or(Value::Null, Json::to_value)
}

#[test]
fn every_commit_has_the_next_revision_and_a_refused_one_has_none() {
    let hub = hub();
    let first = hub.version();
    let second = hub.commit(set("/notes", json!({}))).unwrap();
    assert_eq!((second.revision, &second.epoch), (first.revision + 1, &first.epoch));
    let half = ops(json!([{"op": "add", "path": "/notes/a", "value": 1}, {"op": "remove", "path": "/notes/b"}]));
    let CommitError::Invalid(paths) = hub.commit(half).unwrap_err() else { panic!("it does not fit") };
    assert_eq!(paths[0].path, "/notes/b");
    assert_eq!((hub.version(), at(&hub, "/notes")), (second.clone(), json!({})), "nothing was changed");
    assert_eq!(hub.commit(ops(json!([{"op": "merge", "path": "/notes", "value": {"x": null}}]))).unwrap(), second);
}

#[test]
fn a_commit_on_what_somebody_else_changed_is_refused_and_one_beside_it_is_not() {
    let hub = hub();
    let seen = hub.commit(set("/notes", json!({"a": 1, "b": 1}))).unwrap();
    let current = hub.commit(set("/notes/a", json!(2))).unwrap();
    let expecting = |path: &str, paths: &[&str]| {
        let paths = paths.iter().map(|path| path.parse::<Pointer>().unwrap()).collect();
        let expect = Expect { epoch: Some(seen.epoch.clone()), revision: seen.revision, paths };
        CommitParams { expect: Some(expect), ..set(path, json!(3)) }
    };
    let conflict = |commit| match hub.commit(commit) {
        Err(CommitError::Conflict { current, .. }) => current,
        other => panic!("{other:?}"),
    };
    assert_eq!(conflict(expecting("/notes/a", &[])), current);
    assert_eq!(conflict(expecting("/notes", &[])), current, "what it replaces was changed");
    assert_eq!(conflict(expecting("/notes/b", &["/notes/a"])), current, "what it looked at was changed");
    assert_eq!(conflict(expecting("/notes/b", &[""])), current);
    hub.commit(expecting("/notes/b", &["/global"])).unwrap();
    let mut foreign = expecting("/notes/b", &[]);
    foreign.expect.as_mut().unwrap().epoch = Some("another life".to_owned());
    conflict(foreign);
    let mut future = expecting("/notes/b", &[]);
    future.expect.as_mut().unwrap().revision = hub.version().revision + 1;
    conflict(future);
    let test = json!([{"op": "test", "path": "/notes/a", "value": 1}, {"op": "remove", "path": "/notes/a"}]);
    conflict(ops(test));
    assert_eq!(at(&hub, "/notes"), json!({"a": 2, "b": 3}));
}

#[test]
fn of_many_who_expect_the_same_revision_one_wins() {
    let hub = hub();
    hub.commit(set("/count", json!(0))).unwrap();
    let increment = |hub: &Hub| {
        loop {
            let snapshot = hub.snapshot();
            let next = snapshot.slices["count"].as_u64().unwrap() + 1;
            let expect = Expect { epoch: None, revision: snapshot.revision, paths: Vec::new() };
            match hub.commit(CommitParams { expect: Some(expect), ..set("/count", json!(next)) }) {
                Ok(_) => return,
                Err(CommitError::Conflict { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..100).for_each(|_| increment(&hub)));
        }
    });
    assert_eq!(at(&hub, "/count"), json!(800));
}

#[test]
fn a_mutation_that_comes_again_is_carried_out_once_and_answered_as_before() {
    let hub = hub();
    hub.commit(set("/list", json!([]))).unwrap();
    let mutation = |id| Some(Mutation { client: "window".to_owned(), id });
    let push = CommitParams { mutation: mutation(1), ..set("/list/-", json!("x")) };
    let first = hub.commit(push.clone()).unwrap();
    hub.commit(set("/list/-", json!("y"))).unwrap();
    assert_eq!(hub.commit(push.clone()).unwrap(), first);
    let late = Expect { epoch: None, revision: 1, paths: Vec::new() };
    assert_eq!(hub.commit(CommitParams { expect: Some(late), ..push }).unwrap(), first, "whatever it expects");
    assert_eq!(at(&hub, "/list"), json!(["x", "y"]));
    let nothing = CommitParams { mutation: mutation(2), ..ops(json!([])) };
    let acknowledged = hub.commit(nothing.clone()).unwrap();
    assert_eq!(hub.commit(nothing).unwrap(), acknowledged);
    for id in 3..200 {
        hub.commit(CommitParams { mutation: mutation(id), ..set("/count", json!(id)) }).unwrap();
    }
    let forgotten = CommitParams { mutation: mutation(1), ..set("/count", json!(0)) };
    assert_eq!(hub.commit(forgotten).unwrap_err(), CommitError::Forgotten);
    let nameless = Mutation { client: String::new(), id: 1 };
    assert!(hub.commit(CommitParams { mutation: Some(nameless), ..ops(json!([])) }).is_err());
}

#[test]
fn every_place_that_does_not_fit_its_schema_is_named() {
    let hub = hub();
    let merge = |path: &str, value: Value| ops(json!([{"op": "merge", "path": path, "value": value}]));
    let wrong = |commit| match hub.commit(commit) {
        Err(CommitError::Invalid(paths)) => paths.into_iter().map(|violation| violation.path).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let before = hub.version();
    let mut paths = wrong(merge("/global", json!({"maxTokens": -1, "temperature": "hot", "more": 1})));
    paths.sort();
    assert_eq!(paths, ["/global/maxTokens", "/global/temperature"]);
    assert_eq!(wrong(merge("/global", json!({"defaultModel": null}))), ["/global"]);
    assert_eq!(wrong(merge("/sessions", json!({"s": {"sessionId": "s", "title": 7}}))), ["/sessions/s/title"]);
    assert_eq!(wrong(set("/sessions/a~1b", json!({}))), ["/sessions/a~1b"]);
    assert_eq!(wrong(set("/sessions", json!([]))), ["/sessions"]);
    assert_eq!(wrong(ops(json!([{"op": "remove", "path": "/global"}]))), ["/global"]);
    assert_eq!(wrong(set("/revision", json!(1))), ["/revision"]);
    assert_eq!(wrong(set("", json!({}))), [""]);
    assert_eq!(hub.version(), before);
    hub.commit(merge("/sessions", json!({"s": {"sessionId": "s", "title": "one"}}))).unwrap();
}

#[test]
fn a_session_cannot_stand_under_the_id_of_another_one() {
    let hub = hub();
    let wrong = |commit| match hub.commit(commit) {
        Err(CommitError::Invalid(paths)) => paths.into_iter().map(|violation| violation.path).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(wrong(set("/sessions/one", json!({"sessionId": "other"}))), ["/sessions/one/sessionId"]);
    hub.commit(set("/sessions/one", json!({"sessionId": "one"}))).unwrap();
    hub.commit(set("/sessions/a~1b", json!({"sessionId": "a/b"}))).unwrap();
    assert_eq!(wrong(set("/sessions/a~1b/sessionId", json!("one"))), ["/sessions/a~1b/sessionId"]);
    let all = json!({"one": {"sessionId": "one"}, "two": {"sessionId": "one"}});
    assert_eq!(wrong(set("/sessions", all)), ["/sessions/two/sessionId"]);
    hub.commit(set("/sessions/one/title", json!("a title"))).unwrap();
}

#[test]
fn a_state_grows_neither_too_large_nor_too_deep() {
    let hub = Hub::new(HubConfig { state_bytes: 10_000, ..HubConfig::default() }).unwrap();
    hub.commit(set("/large", json!("x".repeat(5_000)))).unwrap();
    assert_eq!(hub.commit(set("/more", json!("x".repeat(5_000)))).unwrap_err(), CommitError::TooLarge(10_000));
    hub.commit(ops(json!([{"op": "remove", "path": "/large"}]))).unwrap();
    hub.commit(set("/more", json!("x".repeat(5_000)))).unwrap();
    let mut path = "/deep".to_owned();
    hub.commit(set(&path, json!({}))).unwrap();
    let refused = (0..100).find_map(|_| {
        path.push_str("/d");
        hub.commit(set(&path, json!({}))).err()
    });
    assert!(refused.unwrap().to_string().contains("deeper"));
    let closed = Hub::new(HubConfig { open: false, ..HubConfig::default() }).unwrap();
    assert_eq!(closed.commit(set("/new", json!(1))).unwrap_err(), CommitError::Closed("new".to_owned()));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Build {
    done: u32,
    steps: Vec<String>,
}

#[test]
fn a_slice_of_a_service_is_written_by_it_alone_and_stays_what_its_type_says() {
    let hub = hub();
    let initial = Json::of(&Build { done: 0, steps: Vec::new() }).unwrap();
    let build = hub.own::<Build>(SliceConfig::new("build", initial.clone())).unwrap();
    build
        .commit(|write| {
            write.set("/done", 1);
            write.insert("/steps/-", "compile");
            write.insert("/steps/-", "link");
            write.replace("/steps/0", "check");
        })
        .unwrap();
    assert_eq!(build.read().unwrap(), Build { done: 1, steps: vec!["check".to_owned(), "link".to_owned()] });
    let CommitError::Invalid(paths) = build.commit(|write| write.insert("/steps/0", 7)).unwrap_err() else { panic!() };
    assert_eq!(paths[0].path, "/build/steps/0");
    assert!(build.commit(|write| write.set("done", 7)).is_err(), "not a pointer");
    let foreign = [set("/build/done", json!(9)), ops(json!([{"op": "merge", "path": "", "value": {"build": null}}]))];
    for commit in foreign {
        assert_eq!(hub.commit(commit).unwrap_err(), CommitError::Owned("build".to_owned()));
    }
    let look = ops(json!([{"op": "test", "path": "/build/done", "value": 1}, {"op": "add", "path": "/b", "value": 1}]));
    hub.commit(look).unwrap();
    let second = hub.own::<Build>(SliceConfig::new("build", initial)).unwrap_err();
    assert_eq!(second, SliceError::Owned("build".to_owned()));
    let seen = hub.version();
    build.replace(&Build { done: 2, steps: Vec::new() }).unwrap();
    assert!(matches!(build.commit_if(&seen, |write| write.set("/done", 3)), Err(CommitError::Conflict { .. })));
    drop(build);
    hub.commit(set("/build/done", json!(9))).unwrap();
    assert!(hub.commit(set("/build/done", json!("nine"))).is_err(), "it is still a Build");
}

#[test]
fn members_are_checked_alone_where_a_slice_is_a_map() {
    let hub = hub();
    let looked = Arc::new(Mutex::new(0));
    let counter = looked.clone();
    let test = Check::Members(Arc::new(move |member: &Json| {
        *counter.lock().unwrap() += 1;
        let fits = member.member("ok").is_some();
        if fits { Vec::new() } else { vec![sixframe_hub::Violation { path: "/ok".into(), message: "missing".into() }] }
    }));
    let all: Value = (0..1000).map(|n| (n.to_string(), json!({"ok": n}))).collect::<serde_json::Map<_, _>>().into();
    let _map = hub.slice::<Json>(SliceConfig::new("map", all).checked(test)).unwrap();
    *looked.lock().unwrap() = 0;
    hub.commit(set("/map/7/more", json!(1))).unwrap();
    hub.commit(ops(json!([{"op": "remove", "path": "/map/8"}, {"op": "add", "path": "/map/9/x", "value": 1}])))
        .unwrap();
    assert_eq!(*looked.lock().unwrap(), 2);
    let wrong = hub.commit(ops(json!([{"op": "remove", "path": "/map/7/ok"}]))).unwrap_err();
    assert!(wrong.to_string().contains("/map/7/ok"), "{wrong}");
    let unfit = hub.slice::<Vec<u8>>(SliceConfig::new("map", json!([]))).unwrap_err();
    assert!(matches!(unfit, SliceError::Unfit { .. }), "{unfit}");
}

#[test]
fn a_check_may_commit_and_runs_while_others_do() {
    let hub = hub();
    let handle = hub.clone();
    let test = Check::Whole(Arc::new(move |json: &Json| {
        handle.commit(set("/looked", json.to_value())).unwrap();
        Vec::new()
    }));
    let slice = hub.slice::<Json>(SliceConfig::new("slow", json!(0)).checked(test)).unwrap();
    slice.commit(|write| write.set("", 1)).unwrap();
    assert_eq!((at(&hub, "/slow"), at(&hub, "/looked")), (json!(1), json!(1)));
}

#[test]
fn a_commit_made_by_a_listener_is_told_behind_the_one_that_it_was_told_of() {
    let hub = hub();
    hub.commit(set("/n", json!(0))).unwrap();
    let told: [Arc<Mutex<Vec<u64>>>; 3] = Default::default();
    let (handle, seen) = (hub.clone(), told[0].clone());
    let _first = hub.listen(move |commit| {
        seen.lock().unwrap().push(commit.revision());
        if commit.ops().any(|op| op.path().as_str() == "/n") {
            let inner = handle.commit(set("/echo", json!(commit.revision()))).unwrap();
            assert!(inner.revision > commit.revision(), "it has its revision at once");
        }
    });
    let panicking = hub.listen(|_| panic!("a listener of the test"));
    let seen = told[1].clone();
    let _last = hub.listen(move |commit| seen.lock().unwrap().push(commit.revision()));
    let begin = hub.version().revision;
    hub.commit(set("/n", json!(1))).unwrap();
    hub.commit(set("/n", json!(2))).unwrap();
    let in_order: Vec<u64> = (begin + 1..=begin + 4).collect();
    assert_eq!(*told[0].lock().unwrap(), in_order);
    assert_eq!(*told[1].lock().unwrap(), in_order, "the later one sees no newer commit first, and no panic stops it");
    drop(panicking);
    let seen = told[2].clone();
    let late = hub.listen(move |commit| seen.lock().unwrap().push(commit.revision()));
    hub.commit(set("/m", json!(1))).unwrap();
    drop(late);
    hub.commit(set("/m", json!(2))).unwrap();
    assert_eq!(*told[2].lock().unwrap(), [begin + 5], "neither what was before it nor what came after");
}

#[test]
fn a_commit_that_is_refused_is_answered_though_others_go_on() {
    let hub = hub();
    let other = hub.clone();
    let writes = move |value: &Json| {
        // Somebody else commits whenever this check runs.
        other.commit(set("/beside", json!(1))).unwrap();
        match value.as_u64() {
            Some(number) if number > 9 => vec![Violation { path: String::new(), message: "too many".to_owned() }],
            _ => Vec::new(),
        }
    };
    let few = SliceConfig::new("few", json!(0)).checked(Check::Whole(std::sync::Arc::new(writes)));
    let _few = hub.slice::<Json>(few).unwrap();
    let (answer, answered) = std::sync::mpsc::channel();
    let asking = hub.clone();
    std::thread::spawn(move || answer.send(asking.commit(set("/few", json!(10)))));
    let refused = answered.recv_timeout(std::time::Duration::from_secs(20)).expect("it is answered");
    assert!(matches!(refused, Err(CommitError::Invalid(_))));
    hub.commit(set("/few", json!(9))).unwrap();
}

#[test]
fn listeners_of_commits_from_many_threads_are_called_in_order() {
    let hub = hub();
    let told: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = told.clone();
    let _listener = hub.listen(move |commit| {
        assert_eq!(commit.missed(), 0);
        seen.lock().unwrap().push(commit.revision());
    });
    let begin = hub.version().revision;
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let hub = &hub;
            scope.spawn(move || {
                for n in 0..250 {
                    hub.commit(set(&format!("/w{writer}"), json!(n))).unwrap();
                }
            });
        }
    });
    hub.commit(set("/last", json!(true))).unwrap();
    assert_eq!(*told.lock().unwrap(), (begin + 1..=begin + 1001).collect::<Vec<_>>());
    assert_eq!(hub.version(), Version { revision: begin + 1001, ..hub.version() });
}

#[test]
fn whole_numbers_are_compared_exactly_and_elements_are_merged_in_their_place() {
    let hub = Hub::new(HubConfig::default()).unwrap();
    let commit = |ops: serde_json::Value| {
        let ops = serde_json::from_value(ops).unwrap();
        hub.commit(CommitParams { ops, expect: None, mutation: None }).map(|_| hub.state().at("/x").unwrap().to_value())
    };
    let large = 9_007_199_254_740_992u64;
    commit(json!([{"op": "add", "path": "/x", "value": [{"id": large}, 1, 2]}])).unwrap();
    let merged = commit(json!([{"op": "merge", "path": "/x/1", "value": {"a": 1}}])).unwrap();
    assert_eq!(merged, json!([{"id": large}, {"a": 1}, 2]));
    let put = json!([{"op": "remove", "path": "/x/2"}, {"op": "remove", "path": "/x/1"},
        {"op": "put", "path": "/x", "by": "id", "value": {"id": large + 1}}]);
    assert_eq!(commit(put).unwrap(), json!([{"id": large}, {"id": large + 1}]));
    let test = json!([{"op": "test", "path": "/x/0/id", "value": large + 1}]);
    assert!(commit(test).is_err());
    assert!(
        commit(json!([{"op": "replace", "path": "/x", "value": 1}, {"op": "test", "path": "/x", "value": 1.0}]))
            .is_ok()
    );
}

#[test]
fn a_state_that_would_not_fit_into_a_message_with_its_escapes_is_refused() {
    let hub = Hub::new(HubConfig::default()).unwrap();
    let add = |name: &str| {
        let ops =
            serde_json::from_value(json!([{"op": "add", "path": name, "value": "\u{1}".repeat(1 << 20)}])).unwrap();
        hub.commit(CommitParams { ops, expect: None, mutation: None })
    };
    add("/a").unwrap();
    assert!(matches!(add("/b"), Err(sixframe_hub::CommitError::TooLarge(_))));
}
