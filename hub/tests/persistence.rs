//! What is on the disk: after a crash, after damage, when the disk is full, while the log begins anew.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sixframe_hub::{
    CommitError, CommitParams, Durability, Hub, HubConfig, Mutation, Op, OpenError, Recovery, SliceConfig, Version,
};
use tempfile::TempDir;

fn ops(ops: Value) -> CommitParams {
    CommitParams { ops: serde_json::from_value::<Vec<Op>>(ops).unwrap(), expect: None, mutation: None }
}

fn set(hub: &Hub, path: &str, value: Value) -> Version {
    hub.commit(ops(json!([{"op": "add", "path": path, "value": value}]))).unwrap()
}

fn at(hub: &Hub, path: &str) -> Value {
    hub.state().at(path).map_or(Value::Null, |json| json.to_value())
}

fn open(folder: &Path) -> (Hub, Recovery) {
    let mut config = HubConfig::default();
    config.slices.push(SliceConfig::new("passing", json!({})).volatile());
    Hub::open(config, folder).unwrap()
}

/// The files of a store whose names begin with `prefix`, without what was set aside.
fn files(folder: &TempDir, prefix: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let named =
        |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix) && path.extension().is_none();
    let mut paths: Vec<PathBuf> = paths.filter(named).collect();
    paths.sort();
    paths
}

#[test]
fn a_hub_that_is_opened_again_has_what_it_had_but_for_what_is_volatile() {
    let folder = tempfile::tempdir().unwrap();
    let mutation = |id| Some(Mutation { client: "window".to_owned(), id });
    let (hub, recovery) = open(folder.path());
    assert_eq!(recovery, Recovery::default());
    set(&hub, "/notes", json!({"list": [{"id": 1}]}));
    let put = json!([{"op": "put", "path": "/notes/list", "by": "id", "value": {"id": 2}, "before": 1}]);
    let first = hub.commit(CommitParams { mutation: mutation(1), ..ops(put.clone()) }).unwrap();
    let passing = set(&hub, "/passing/pid", json!(4711));
    let taken = Hub::open(HubConfig::default(), folder.path()).unwrap_err();
    assert!(matches!(taken, OpenError::InUse(_)), "{taken}");
    drop(hub);
    let (hub, recovery) = open(folder.path());
    assert_eq!(recovery, Recovery { commits: 3, cut: None, lost: false });
    assert_eq!(hub.version().epoch, first.epoch);
    assert!(hub.version().revision > passing.revision, "a revision is never given twice");
    assert_eq!((at(&hub, "/notes/list"), at(&hub, "/passing")), (json!([{"id": 2}, {"id": 1}]), json!({})));
    let again = hub.commit(CommitParams { mutation: mutation(1), ..ops(put) }).unwrap();
    assert_eq!(again, first, "a mutation is remembered with what it changed");
    let mode = fs::metadata(folder.path().join("lock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = fs::read(&files(&folder, "log-")[0]).unwrap();
    assert!(!String::from_utf8_lossy(&written).contains("4711"), "what is volatile is on the disk");
    hub.close().unwrap();
    for path in ["/x", "/passing/x"] {
        let late = hub.commit(ops(json!([{"op": "add", "path": path, "value": 1}]))).unwrap_err();
        assert!(matches!(late, CommitError::NotPersisted(_)), "{late}");
    }
}

#[test]
fn what_a_slice_held_at_first_is_changed_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    let update = ops(json!([{"op": "merge", "path": "/global", "value": {"temperature": 1.5}}]));
    let changed = hub.commit(update).unwrap();
    drop(hub);
    let (hub, recovery) = open(folder.path());
    assert_eq!((recovery.cut, recovery.lost), (None, false));
    assert_eq!(at(&hub, "/global/temperature"), json!(1.5));
    assert_eq!(at(&hub, "/global/defaultModel"), json!("gpt-4o-mini"));
    assert_eq!(hub.version().epoch, changed.epoch);
    set(&hub, "/sessions/s1", json!({"sessionId": "s1"}));
    hub.close().unwrap();
    drop(hub);
    assert_eq!(at(&open(folder.path()).0, "/sessions/s1/sessionId"), json!("s1"));
}

#[test]
fn a_record_that_was_not_written_to_its_end_is_cut_off_and_the_epoch_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    let version = set(&hub, "/a", json!(1));
    set(&hub, "/a", json!("never answered"));
    drop(hub);
    let log = &files(&folder, "log-")[0];
    let length = fs::metadata(log).unwrap().len();
    OpenOptions::new().write(true).open(log).unwrap().set_len(length - 3).unwrap();
    let (hub, recovery) = open(folder.path());
    let cut = recovery.cut.clone().unwrap();
    assert!(cut.reason.contains("not written to its end") && cut.offset + cut.bytes == length - 3, "{cut:?}");
    assert_eq!((recovery.commits, recovery.lost, at(&hub, "/a")), (2, false, json!(1)));
    assert_eq!(hub.version().epoch, version.epoch);
    assert_eq!(fs::metadata(log.with_extension("cut")).unwrap().len(), cut.bytes);
    drop(hub);
    assert_eq!(open(folder.path()).1, Recovery { commits: 2, cut: None, lost: false });
}

#[test]
fn damage_cuts_the_log_at_the_first_bad_record_and_the_epoch_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    let version = set(&hub, "/a", json!("first value"));
    set(&hub, "/a", json!("second value"));
    set(&hub, "/a", json!("third value"));
    drop(hub);
    let log = &files(&folder, "log-")[0];
    let bytes = fs::read(log).unwrap();
    let place = bytes.windows(6).position(|window| window == b"second").unwrap();
    OpenOptions::new().write(true).open(log).unwrap().write_at(b"S", place as u64).unwrap();
    let (hub, recovery) = open(folder.path());
    assert!(recovery.lost && recovery.cut.unwrap().reason.contains("checksum"));
    assert_eq!(at(&hub, "/a"), json!("first value"));
    assert_ne!(hub.version().epoch, version.epoch);
    let since = sixframe_hub::WatchParams { since: Some(version.clone()), ..Default::default() };
    let first = futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(
        &mut hub.watch(since).resume(&version.epoch, version.revision),
    ));
    assert!(first.unwrap().unwrap().reset, "whoever knew the other life starts anew");
}

#[test]
fn a_length_that_is_damaged_is_not_taken_for_a_record_that_was_not_written_to_its_end() {
    for damaged in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let (hub, _) = open(folder.path());
        let log = files(&folder, "log-")[0].clone();
        let mut begins = Vec::new();
        let mut version = hub.version();
        for n in 0..2 {
            begins.push(fs::metadata(&log).unwrap().len());
            version = set(&hub, "/a", json!(n));
        }
        drop(hub);
        OpenOptions::new().write(true).open(&log).unwrap().write_at(&[1], begins[damaged] + 2).unwrap();
        let (hub, recovery) = open(folder.path());
        assert!(recovery.lost, "answered commits are gone: {recovery:?}");
        assert_ne!(hub.version().epoch, version.epoch, "revisions are given again, so they must be of another epoch");
    }
}

#[test]
fn a_hub_that_was_closed_keeps_its_epoch_and_gives_no_revision_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    set(&hub, "/a", json!(1));
    let last = set(&hub, "/passing/a", json!(1));
    hub.close().unwrap();
    drop(hub);
    let (hub, recovery) = open(folder.path());
    assert_eq!((recovery.lost, &hub.version().epoch), (false, &last.epoch));
    assert_eq!(hub.version().revision, last.revision + 1);
}

#[test]
fn the_log_begins_anew_while_commits_go_on_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    set(&hub, "/large", json!({}));
    let text = "x".repeat(1000);
    for n in 0..12_000 {
        set(&hub, &format!("/large/{}", n % 100), json!({"n": n, "text": text}));
    }
    let version = hub.version();
    hub.close().unwrap();
    let state = hub.state();
    drop(hub);
    assert_eq!(files(&folder, "snapshot-").len(), 1, "older ones are gone");
    let bytes: u64 = files(&folder, "log-").iter().map(|log| fs::metadata(log).unwrap().len()).sum();
    assert!(bytes < 8 << 20, "{bytes} bytes of log for 12 MB of commits");
    let (hub, recovery) = open(folder.path());
    assert!(recovery.commits < 11_000 && !recovery.lost, "{recovery:?}");
    assert_eq!((hub.state(), hub.version().epoch), (state, version.epoch));
    assert!(hub.version().revision > version.revision);
}

#[test]
fn the_log_begins_anew_though_every_process_writes_little() {
    let folder = tempfile::tempdir().unwrap();
    let text = "x".repeat(100_000);
    for life in 0..30 {
        let (hub, recovery) = open(folder.path());
        assert!(recovery.commits < 40, "{recovery:?} when it was opened for the {life}. time");
        (0..3).for_each(|n| _ = set(&hub, "/text", json!(format!("{life} {n} {text}"))));
        hub.close().unwrap();
    }
    assert_eq!(files(&folder, "log-").len(), 1);
    assert_eq!(open(folder.path()).0.state().at("/text").unwrap().as_str().unwrap(), format!("29 2 {text}"));
}

#[test]
fn a_number_is_the_same_number_in_the_next_life() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    fastrand::seed(7);
    let numbers: Vec<f64> = (0..2_000).map(|_| fastrand::f64() * 10_f64.powi(fastrand::i32(-20..20))).collect();
    set(&hub, "/numbers", json!(numbers));
    let state = hub.state();
    drop(hub);
    let again = open(folder.path()).0.state();
    let read: Vec<f64> = again.at("/numbers").unwrap().read().unwrap();
    let others = read.iter().zip(&numbers).filter(|(read, number)| read != number).count();
    assert_eq!((others, again == state), (0, true));
}

#[test]
fn a_revision_of_what_is_volatile_is_not_given_twice_though_the_log_began_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    // Revisions are reserved for what is not written, in a log that is gone when the crash comes.
    set(&hub, "/passing/n", json!(0));
    let first = files(&folder, "log-")[0].clone();
    let text = "x".repeat(100_000);
    for n in 0..12 {
        set(&hub, "/text", json!(format!("{n}{text}")));
    }
    while first.exists() {
        std::thread::yield_now();
    }
    (0..100).for_each(|n| _ = set(&hub, "/passing/n", json!(n)));
    let passing = hub.version();
    // The files as a crash would leave them now.
    let crashed = tempfile::tempdir().unwrap();
    for file in files(&folder, "log-").iter().chain(&files(&folder, "snapshot-")) {
        fs::copy(file, crashed.path().join(file.file_name().unwrap())).unwrap();
    }
    let (again, recovery) = open(crashed.path());
    assert_eq!((recovery.lost, again.version().epoch), (false, passing.epoch));
    assert!(again.version().revision > passing.revision, "{} was given before", again.version().revision);
}

#[test]
fn a_mutation_that_changed_nothing_is_remembered_too() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    set(&hub, "/a", json!({"x": 1}));
    let merge = ops(json!([{"op": "merge", "path": "/a", "value": {"x": 1}}]));
    let mutation = Some(Mutation { client: "window".to_owned(), id: 1 });
    let first = hub.commit(CommitParams { mutation: mutation.clone(), ..merge.clone() }).unwrap();
    set(&hub, "/a/x", json!(2));
    drop(hub);
    let (hub, _) = open(folder.path());
    assert_eq!(hub.commit(CommitParams { mutation, ..merge }).unwrap(), first);
    assert_eq!(at(&hub, "/a/x"), json!(2), "what somebody else wrote behind it is still there");
}

#[test]
fn a_snapshot_that_is_damaged_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _) = open(folder.path());
    let text = "x".repeat(100_000);
    for n in 0..30 {
        set(&hub, "/text", json!(format!("{n}{text}")));
    }
    hub.close().unwrap();
    let version = hub.version();
    drop(hub);
    let snapshot = &files(&folder, "snapshot-")[0];
    OpenOptions::new().write(true).open(snapshot).unwrap().write_at(b"#", 100).unwrap();
    let (hub, recovery) = open(folder.path());
    assert!(recovery.lost);
    assert_ne!(hub.version().epoch, version.epoch);
    assert!(snapshot.with_extension("damaged").exists());
}

#[test]
fn what_must_last_is_synced_before_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let config = HubConfig { durability: Durability::Synced, ..HubConfig::default() };
    let (hub, _) = Hub::open(config, folder.path()).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let hub = &hub;
            scope.spawn(move || (0..20).for_each(|n| _ = set(hub, &format!("/w{writer}"), json!(n))));
        }
    });
    drop(hub);
    assert_eq!(open(folder.path()).1.commits, 161);
}

/// Runs a test of this file as a program of its own, which is told what to do by a variable.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--include-ignored"]).env("HUB_FOLDER", folder);
    command
}

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os("HUB_FOLDER").map(PathBuf::from)
}

#[test]
fn a_child_that_commits() {
    let Some(folder) = folder_of_child() else { return };
    let (hub, _) = Hub::open(HubConfig { slices: Vec::new(), ..HubConfig::default() }, &folder).unwrap();
    let from = at(&hub, "/count").as_u64().unwrap_or(0);
    let mut stdout = std::io::stdout().lock();
    for n in from + 1..=from + 10_000 {
        let change = json!([
            {"op": "add", "path": "/count", "value": n},
            {"op": "add", "path": "/same", "value": {"n": n, "text": "x".repeat((n * 37 % 1200) as usize)}},
        ]);
        hub.commit(ops(change)).unwrap();
        // Long lines: a pipe holds few of them, and whoever is not read waits.
        writeln!(stdout, "{:1000} done {n}", "").unwrap();
        stdout.flush().unwrap();
    }
}

#[test]
fn a_hub_that_is_killed_among_its_commits_has_every_one_that_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut answered, mut epoch) = (0, None);
    for round in 0..200 {
        let mut command = child("a_child_that_commits", folder.path());
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut done = lines.filter_map(|line| line.split("done ").nth(1)?.trim().parse::<u64>().ok());
        let first = done.next().expect("it commits");
        // The program goes on behind what it finds: every commit that was answered, and perhaps one that was not.
        assert!(
            (answered + 1..=answered + 2).contains(&first),
            "round {round}: {answered} were answered, then {first}"
        );
        answered = done.by_ref().take(random.usize(..60)).last().unwrap_or(first);
        program.kill().unwrap();
        // What it had answered when it died is in the pipe.
        answered = done.last().unwrap_or(answered);
        program.wait().unwrap();
        if round % 10 != 9 {
            continue;
        }
        let (hub, recovery) = open(folder.path());
        let count = at(&hub, "/count").as_u64().unwrap();
        assert!(
            count == answered || count == answered + 1,
            "round {round}: {answered} were answered, {count} are there"
        );
        assert_eq!(at(&hub, "/same/n"), json!(count), "a commit is there whole");
        assert!(!recovery.lost, "round {round}: {recovery:?}");
        let same = epoch.get_or_insert(hub.version().epoch).clone();
        assert_eq!(hub.version().epoch, same, "round {round}");
        drop(hub);
    }
    assert!(answered > 200, "{answered}");
}

#[test]
fn a_child_with_a_small_disk() {
    let Some(folder) = folder_of_child() else { return };
    let (hub, _) = open(&folder);
    let mut last = None;
    let refused = loop {
        let value = json!("x".repeat(1000));
        match hub.commit(ops(
            json!([{"op": "add", "path": "/text", "value": value}, {"op": "add", "path": "/n", "value": 1}]),
        )) {
            Ok(version) => last = Some(version),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(&refused, CommitError::NotPersisted(why) if why.contains("File too large")), "{refused}");
    assert_eq!(Some(hub.version()), last, "nothing was changed");
    let small = set(&hub, "/n", json!(2));
    set(&hub, "/passing/on", json!(true));
    println!("went on at {}", small.revision);
}

#[test]
fn a_commit_that_does_not_fit_on_the_disk_fails_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let script = "trap '' XFSZ; ulimit -f 40; exec \"$0\" --exact a_child_with_a_small_disk --nocapture";
    let output =
        Command::new("sh").args(["-c", script]).arg(program).env("HUB_FOLDER", folder.path()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("went on at"), "{stdout}");
    let (hub, recovery) = open(folder.path());
    assert_eq!((at(&hub, "/n"), recovery.cut, recovery.lost), (json!(2), None, false));
}

#[test]
fn a_folder_that_cannot_be_used_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let error = Hub::open(HubConfig::default(), &file).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }) && error.to_string().contains("file"), "{error}");
}
