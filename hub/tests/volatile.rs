//! What of a slice never touches the disk: while it runs, after a restart, after `kill -9`, after the slice was set up another
//! way.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use sixframe_hub::{
    Check, CommitError, CommitParams, Durability, Hub, HubConfig, Op, Pointer, Recovery, SliceConfig, SliceError,
};

fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

fn commit(hub: &Hub, ops: Value) -> Result<u64, CommitError> {
    let ops = serde_json::from_value::<Vec<Op>>(ops).unwrap();
    hub.commit(CommitParams { ops, expect: None, mutation: None }).map(|version| version.revision)
}

fn set(hub: &Hub, path: &str, value: Value) {
    commit(hub, json!([{"op": "add", "path": path, "value": value}])).unwrap();
}

fn at(hub: &Hub, path: &str) -> Value {
    hub.state().at(path).map_or(Value::Null, |json| json.to_value())
}

/// Builds by name: what they do now is not kept.
fn builds() -> SliceConfig {
    let schema = json!({
        "type": "object",
        "properties": {"done": {"type": "integer"}, "pid": {"type": "integer"}, "log": {"type": "array"}},
        "required": ["of"],
    });
    let initial = json!({"main": {"of": 10, "done": 0}});
    SliceConfig::new("builds", initial)
        .checked(Check::members_schema(&schema).unwrap())
        .volatile_at(pointer("/*/done"))
        .volatile_at(pointer("/*/pid"))
}

fn open_with(folder: &Path, slices: Vec<SliceConfig>) -> (Hub, Recovery) {
    Hub::open(HubConfig { slices, ..HubConfig::default() }, folder).unwrap()
}

fn open(folder: &Path) -> (Hub, Recovery) {
    open_with(folder, vec![builds()])
}

/// Everything that lies in the folder.
fn on_disk(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

#[test]
fn a_volatile_place_never_touches_the_disk_and_is_what_it_was_at_first_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    set(&hub, "/builds/side", json!({"of": 5, "pid": 471_147, "log": ["begun"]}));
    set(&hub, "/builds/side/done", json!(815_518));
    set(&hub, "/builds/main/done", json!(815_518));
    commit(&hub, json!([{"op": "merge", "path": "/builds/side", "value": {"of": 6, "done": 815_518}}])).unwrap();
    set(&hub, "/builds/side/log/-", json!("went on"));
    assert_eq!(at(&hub, "/builds/side/pid"), json!(471_147));
    hub.close().unwrap();
    drop(hub);
    let written = on_disk(folder.path());
    assert!(written.contains("went on") && !written.contains("471147") && !written.contains("815518"), "{written}");
    let (hub, recovery) = open(folder.path());
    assert_eq!((recovery.cut, recovery.lost), (None, false));
    let expected = json!({"main": {"of": 10, "done": 0}, "side": {"of": 6, "log": ["begun", "went on"]}});
    assert_eq!(at(&hub, "/builds"), expected);
}

#[test]
fn a_volatile_place_is_not_in_a_snapshot_either() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    let log = "x".repeat(1000);
    for n in 0..4000 {
        set(&hub, &format!("/builds/b{}", n % 50), json!({"of": n, "done": 815_518, "log": [log]}));
    }
    hub.close().unwrap();
    drop(hub);
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().any(|name| name.to_string_lossy().starts_with("snapshot-")), "it was compacted");
    assert!(!on_disk(folder.path()).contains("815518"));
    let (hub, recovery) = open(folder.path());
    assert!(!recovery.lost && recovery.cut.is_none(), "{recovery:?}");
    assert_eq!(at(&hub, "/builds/b49"), json!({"of": 3999, "log": [log]}));
}

#[test]
fn a_commit_that_would_not_fit_after_a_restart_is_refused() {
    #[derive(Deserialize)]
    struct Job {
        #[expect(dead_code, reason = "it is only looked at whether it is there")]
        pid: u32,
    }
    let jobs = |initial: Value| {
        SliceConfig::new("jobs", initial)
            .checked(Check::members_of::<Job>())
            .volatile_at(pointer("/*/pid"))
            .volatile_at(pointer("/*/note"))
    };
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open_with(folder.path(), vec![jobs(json!({"init": {"pid": 1}}))]);
    set(&hub, "/jobs/init", json!({"pid": 7, "name": "kept"}));
    set(&hub, "/jobs/init/pid", json!(8));
    let refused = commit(&hub, json!([{"op": "add", "path": "/jobs/other", "value": {"pid": 9}}])).unwrap_err();
    let CommitError::Invalid(paths) = refused else { unreachable!("{refused}") };
    assert!(paths[0].path == "/jobs/other" && paths[0].message.starts_with("after a restart"), "{paths:?}");
    let wrong = commit(&hub, json!([{"op": "add", "path": "/jobs/init/pid", "value": "none"}])).unwrap_err();
    assert!(wrong.to_string().contains("/jobs/init/pid"), "what is volatile is checked all the same: {wrong}");
    set(&hub, "/jobs/init/note", json!("only for now"));
    drop(hub);
    let (hub, _) = open_with(folder.path(), vec![jobs(json!({"init": {"pid": 1}}))]);
    assert_eq!(at(&hub, "/jobs"), json!({"init": {"pid": 1, "name": "kept"}}));
    drop(hub);
    let config = HubConfig { slices: vec![jobs(json!({}))], ..HubConfig::default() };
    let unfit = Hub::open(config, folder.path()).unwrap_err();
    assert!(unfit.to_string().contains("/jobs/init"), "{unfit}");
}

#[test]
fn a_service_that_begins_anew_finds_its_volatile_places_as_they_were_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let build = || {
        let initial = json!({"name": "", "done": 0});
        SliceConfig::new("build", initial).volatile_at(pointer("/done")).volatile_at(pointer("/pid"))
    };
    let (hub, _) = open(folder.path());
    let slice = hub.own::<BTreeMap<String, Value>>(build()).unwrap();
    slice.commit(|write| write.merge("", json!({"name": "sixframe", "done": 815_518, "pid": 471_147}))).unwrap();
    drop(slice);
    let slice = hub.own::<BTreeMap<String, Value>>(build()).unwrap();
    assert_eq!(slice.json().member("done").unwrap().as_u64(), Some(815_518), "the process is the same");
    drop((slice, hub));
    let (hub, _) = open(folder.path());
    assert_eq!(at(&hub, "/build"), json!({"name": "sixframe"}), "nobody has said yet what it is at first");
    set(&hub, "/build/pid", json!(1234));
    let slice = hub.own::<BTreeMap<String, Value>>(build()).unwrap();
    assert_eq!(slice.json(), json!({"name": "sixframe", "done": 0}).into());
    slice.commit(|write| write.replace("/name", "again")).unwrap();
    drop((slice, hub));
    let (hub, recovery) = open(folder.path());
    assert_eq!((recovery.lost, recovery.cut, at(&hub, "/build")), (false, None, json!({"name": "again"})));
}

#[test]
fn what_becomes_volatile_later_is_forgotten_by_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let slice = || SliceConfig::new("notes", json!({}));
    let notes = |config: SliceConfig| {
        let (hub, recovery) = open_with(folder.path(), vec![config]);
        assert_eq!((recovery.lost, recovery.cut), (false, None));
        hub
    };
    set(&notes(slice()), "/notes", json!({"draft": "old", "text": "kept"}));
    let hub = notes(slice().volatile_at(pointer("/draft")));
    assert_eq!(at(&hub, "/notes"), json!({"text": "kept"}));
    set(&hub, "/notes/draft", json!("new"));
    drop(hub);
    assert_eq!(at(&notes(slice()), "/notes"), json!({"text": "kept"}), "the old one is not there again");
    set(&notes(slice().volatile()), "/notes/text", json!("gone"));
    assert_eq!(at(&notes(slice()), "/notes"), json!({}));
    let hub = notes(slice().volatile_at(Pointer::root()));
    set(&hub, "/notes/all", json!("gone"));
    drop(hub);
    assert_eq!(at(&notes(slice()), "/notes"), json!({}));
}

#[test]
fn what_is_to_be_kept_from_now_on_is_written_down_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let config = || HubConfig { slices: Vec::new(), durability: Durability::Volatile, ..HubConfig::default() };
    let (hub, _) = Hub::open(config(), folder.path()).unwrap();
    set(&hub, "/build", json!({"done": 1, "of": 2}));
    let passing = hub.own::<Value>(SliceConfig::new("passing", json!({"n": 1})).volatile()).unwrap();
    drop(passing);
    let slice = hub.own::<Value>(SliceConfig::new("build", json!({}))).unwrap();
    slice.commit(|write| write.replace("/done", 2)).unwrap();
    let kept = hub.own::<Value>(SliceConfig::new("passing", json!({}))).unwrap();
    kept.commit(|write| write.replace("/n", 2)).unwrap();
    drop((slice, kept, hub));
    let (hub, recovery) = Hub::open(config(), folder.path()).unwrap();
    assert_eq!((recovery.lost, recovery.cut), (false, None));
    assert_eq!((at(&hub, "/build"), at(&hub, "/passing")), (json!({"done": 2, "of": 2}), json!({"n": 2})));
}

#[test]
fn a_slice_with_an_owner_or_an_unfit_value_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    set(&hub, "/build", json!({"pid": 7, "name": 3}));
    let config = || SliceConfig::new("build", json!({})).volatile_at(pointer("/pid"));
    let unfit = hub.own::<BTreeMap<String, String>>(config()).unwrap_err();
    assert!(matches!(&unfit, SliceError::Unfit { path, .. } if path == "/build/name"), "{unfit}");
    assert_eq!(at(&hub, "/build"), json!({"pid": 7, "name": 3}));
    let _owned = hub.own::<Value>(config()).unwrap();
    let before = hub.version();
    assert!(matches!(hub.own::<Value>(config()), Err(SliceError::Owned(_))));
    assert_eq!(hub.version(), before);
}

#[test]
fn a_child_that_commits_what_is_volatile_and_what_is_not() {
    let Some(folder) = std::env::var_os("HUB_FOLDER") else { return };
    let (hub, _) = open(Path::new(&folder));
    let from = at(&hub, "/builds/main/of").as_u64().unwrap();
    let mut stdout = std::io::stdout().lock();
    for n in from + 1..=from + 10_000 {
        set(&hub, "/builds/main/done", json!(815_518));
        let change = json!([
            {"op": "replace", "path": "/builds/main/of", "value": n},
            {"op": "add", "path": "/builds/same", "value": {"of": n, "pid": 471_147, "log": ["x".repeat(500)]}},
            {"op": "replace", "path": "/builds/same/pid", "value": 471_148},
        ]);
        commit(&hub, change).unwrap();
        writeln!(stdout, "{:1000} done {n}", "").unwrap();
        stdout.flush().unwrap();
    }
}

#[test]
fn a_hub_that_is_killed_has_what_is_kept_and_nothing_that_is_volatile() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..20 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_child_that_commits_what_is_volatile_and_what_is_not", "--nocapture"]);
        command.env("HUB_FOLDER", folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = command.spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut done = lines.filter_map(|line| line.split("done ").nth(1)?.trim().parse::<u64>().ok());
        let mut answered = done.by_ref().take(1 + random.usize(..60)).last().expect("it commits");
        program.kill().unwrap();
        answered = done.last().unwrap_or(answered);
        program.wait().unwrap();
        let (hub, recovery) = open(folder.path());
        assert!(!recovery.lost, "round {round}: {recovery:?}");
        let count = at(&hub, "/builds/same/of").as_u64().unwrap();
        assert!(count == answered || count == answered + 1, "round {round}: {answered} answered, {count} there");
        assert_eq!(at(&hub, "/builds/main"), json!({"of": count, "done": 0}), "round {round}");
        assert_eq!(at(&hub, "/builds/same/pid"), Value::Null, "round {round}");
        drop(hub);
        let written = on_disk(folder.path());
        assert!(!written.contains("815518") && !written.contains("47114"), "round {round}");
    }
}
