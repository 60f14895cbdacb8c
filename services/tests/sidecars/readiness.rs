//! When a sidecar is ready, and when it never will be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use sixframe_services::sidecars::api::{FailureCode, SidecarStatus};

use crate::house::{House, LONG, WELL, details, eventually, logged, python, server, shell};

#[tokio::test]
async fn a_start_however_slow_is_not_ended_by_the_health_that_it_has_not_yet() {
    let answer = "def answer(path): return 200 if os.path.exists('warm') else 503";
    let health = json!({"kind": "http", "path": "/health", "intervalMs": 1, "timeoutMs": 500, "failures": 1});
    let house = House::of(&[python("slow", &server(answer), json!({"port": "auto", "health": health}))]);
    house.sidecars.start("slow").await.unwrap();
    logged(&house, "slow", "503", 4).await;
    assert_eq!(house.state("slow").status, SidecarStatus::Starting);
    fs::write(house.file("warm"), "").unwrap();
    let state = house.sidecars.wait_ready("slow", LONG).await.unwrap();
    assert_eq!((state.status, state.generation, state.restarts), (SidecarStatus::Ready, 1, 0));
}

#[tokio::test]
async fn what_is_ready_as_its_time_ends_is_ready_or_has_failed_and_everyone_is_told_the_same() {
    let script = "sleep 0.1; echo up; exec sleep 1000";
    let mut ends = [0, 0];
    for step in 0..24 {
        let ready = json!({"kind": "line", "pattern": "up", "timeoutMs": 96 + step});
        let house = House::of(&[shell("web", script, json!({"ready": ready, "restart": "never"}))]);
        house.sidecars.start("web").await.unwrap();
        let waiting = join_all((0..8).map(|_| house.sidecars.wait_ready("web", LONG))).await;
        match waiting[0].is_ok() {
            true => {
                assert!(waiting.iter().all(Result::is_ok), "{waiting:?}");
                let state = house.state("web");
                assert_eq!(state.status, SidecarStatus::Ready);
                // It is just becoming another program, and has no variables for a moment.
                assert!(Path::new(&format!("/proc/{}", state.pid.unwrap())).exists());
                assert!(house.processes().len() <= 1);
            }
            false => {
                let codes = waiting.iter().map(|told| told.as_ref().unwrap_err().code.as_ref());
                // Where its time was over before it had begun, that was the machine's.
                let codes: BTreeSet<&str> = codes.collect();
                assert!([["START_TIMEOUT"], ["HOST"]].map(BTreeSet::from).contains(&codes), "{codes:?}");
                assert_eq!(house.state("web").status, SidecarStatus::Failed);
                assert_eq!(house.processes(), [] as [u32; 0]);
            }
        }
        ends[usize::from(waiting[0].is_ok())] += 1;
    }
    eprintln!("{} were too late, {} were ready", ends[0], ends[1]);
}

#[tokio::test]
async fn only_its_own_time_ends_a_start_and_says_what_it_was_last_seen_to_do() {
    let ready = json!({"kind": "tcp", "timeoutMs": 2000});
    let house = House::of(&[shell(
        "mute",
        "echo so far >&2; sleep 1000",
        json!({"port": "auto", "env": {"P": "{port}"}, "ready": ready}),
    )]);
    let fault = house.fails("mute").await;
    assert_eq!((fault.code.as_ref(), fault.domain.as_ref()), ("START_TIMEOUT", "sidecar"));
    assert!(fault.message.contains("2000 ms") && fault.message.contains("does not listen"), "{fault}");
    assert!(fault.message.contains("ready.timeout_ms"), "{fault}");
    assert_eq!(details(&fault)["stderr"], json!(["so far"]));
    let state = house.until_status("mute", SidecarStatus::Failed).await;
    assert!(house.processes().is_empty() && state.pid.is_none() && state.port.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_floods_its_output_without_the_line_is_ended_by_its_time_and_by_who_stops_it() {
    let flood = |name: &str, kind: &str, timeout: u64| {
        let ready = json!({"kind": kind, "pattern": "up", "timeoutMs": timeout});
        shell(name, "exec yes", json!({"ready": ready, "restart": "never", "logBytes": 65536}))
    };
    let kinds = ["line", "handshake"];
    let late = kinds.map(|kind| flood(kind, kind, 500));
    let stopped = kinds.map(|kind| flood(&format!("{kind}-stopped"), kind, 600_000));
    let house = House::of(&[late, stopped].concat());
    for kind in kinds {
        // Where its time was over before it had begun, that was the machine's.
        let fault = house.fails(kind).await;
        assert!(["START_TIMEOUT", "HOST"].contains(&fault.code.as_ref()), "{fault}");
        let name = format!("{kind}-stopped");
        house.sidecars.start(&name).await.unwrap();
        house.until(&name, |state| state.pid.is_some()).await;
        let stopping = tokio::time::timeout(LONG, house.sidecars.stop(&name, true)).await;
        assert_eq!(stopping.expect("it is stopped").unwrap().status, SidecarStatus::Stopped);
    }
}

#[tokio::test]
async fn one_that_listens_and_never_answers_is_not_said_to_be_deaf() {
    let silent =
        "import socket, sys, time\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\ntime.sleep(1000)";
    let ready = json!({"kind": "http", "timeoutMs": 4000});
    let health = json!({"kind": "none", "timeoutMs": 60000});
    let house = House::of(&[python("web", silent, json!({"port": "auto", "ready": ready, "health": health}))]);
    let fault = house.fails("web").await;
    assert_eq!(fault.code.as_ref(), "START_TIMEOUT");
    assert!(fault.message.contains("it listens on port") && fault.message.contains("not answered yet"), "{fault}");
}

#[tokio::test]
async fn what_was_ready_by_a_line_is_not_ended_before_it_was_well_once() {
    let late = "import time\nprint('up')\ntime.sleep(0.5)\n".to_owned() + &server(WELL);
    let health = json!({"kind": "http", "path": "/health", "intervalMs": 5, "timeoutMs": 2000, "failures": 1});
    let keys =
        json!({"port": "auto", "ready": {"kind": "line", "pattern": "up"}, "health": health, "restart": "never"});
    let house = House::of(&[python("web", &late, keys)]);
    house.up("web").await;
    logged(&house, "web", "asked /health 200", 3).await;
    let state = house.state("web");
    assert_eq!((state.status, state.generation, state.health_failures), (SidecarStatus::Ready, 1, None));
}

#[tokio::test]
async fn what_takes_connections_while_it_loads_is_not_ended_before_it_was_well_once() {
    let answer = "def answer(path): return 200 if os.path.exists('warm') else 503";
    let health = json!({"kind": "http", "path": "/health", "intervalMs": 5, "timeoutMs": 2000, "failures": 1});
    let keys = json!({"port": "auto", "ready": "tcp", "health": health, "restart": "never"});
    let house = House::of(&[python("web", &server(answer), keys)]);
    let url = house.up("web").await.url.unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "it answers HTTP: {url}");
    logged(&house, "web", "asked /health 503", 4).await;
    assert_eq!(house.state("web").status, SidecarStatus::Ready);
    fs::write(house.file("warm"), "").unwrap();
    logged(&house, "web", "asked /health 200", 1).await;
    fs::remove_file(house.file("warm")).unwrap();
    let failure = house.until_status("web", SidecarStatus::Failed).await.failure.unwrap();
    assert!(failure.code == FailureCode::Unhealthy && failure.message.contains("503"), "{failure:?}");
}

#[tokio::test]
async fn http_is_asked_for_three_paths_in_turn_and_a_redirect_is_life() {
    let answer = "def answer(path): return {'/health': 404, '/docs': 500}.get(path, 307)";
    let house = House::of(&[python("web", &server(answer), json!({"port": "auto", "ready": "http"}))]);
    let state = house.up("web").await;
    assert_eq!(state.status, SidecarStatus::Ready);
    assert_eq!(state.url, Some(format!("http://127.0.0.1:{}", state.port.unwrap())));
    let asked = logged(&house, "web", "asked", 3).await;
    assert_eq!(asked, ["asked /health 404", "asked /docs 500", "asked / 307"]);
}

#[tokio::test]
async fn a_path_that_is_named_is_the_only_one_that_is_asked_for() {
    let answer = "def answer(path): return 200 if path == '/up' and os.path.exists('warm') else 404";
    let ready = json!({"kind": "http", "path": "/up"});
    let house = House::of(&[python("web", &server(answer), json!({"port": "auto", "ready": ready}))]);
    house.sidecars.start("web").await.unwrap();
    let asked = logged(&house, "web", "asked", 2).await;
    assert_eq!(asked, ["asked /up 404", "asked /up 404"]);
    fs::write(house.file("warm"), "").unwrap();
    house.sidecars.wait_ready("web", LONG).await.unwrap();
}

#[tokio::test]
async fn a_line_makes_it_ready_and_other_lines_do_not() {
    let script = "echo not up; while [ ! -e warm ]; do sleep 0.01; done; echo 'now up on 80' >&2; sleep 1000";
    let line = |pattern: &str, stream: &str| json!({"ready": {"kind": "line", "pattern": pattern, "stream": stream}});
    let house = House::of(&[
        shell("part", script, line("now up", "both")),
        shell("expression", script, line("/up on \\d+$/", "stderr")),
        shell("elsewhere", script, line("now up", "stdout")),
    ]);
    for name in ["part", "expression", "elsewhere"] {
        house.sidecars.start(name).await.unwrap();
        logged(&house, name, "not up", 1).await;
        assert_eq!(house.state(name).status, SidecarStatus::Starting);
    }
    fs::write(house.file("warm"), "").unwrap();
    for name in ["part", "expression"] {
        assert_eq!(house.sidecars.wait_ready(name, LONG).await.unwrap().status, SidecarStatus::Ready);
    }
    logged(&house, "elsewhere", "now up", 1).await;
    assert_eq!(house.state("elsewhere").status, SidecarStatus::Starting);
}

#[tokio::test]
async fn a_handshake_tells_the_port_that_it_listens_on() {
    let program = "
import json, socket, time
print('warming up')
print(json.dumps({'ready': True}))
listener = socket.create_server(('127.0.0.1', 0))
print(json.dumps({'port': listener.getsockname()[1], 'model': 'm'}))
while True: listener.accept()";
    let config = json!({"name": "hand", "program": "python3", "args": ["-u", "-c", program], "port": "auto",
        "ready": "handshake", "stop": {"closeStdinMs": 0}});
    let house = House::of(&[config]);
    let state = house.up("hand").await;
    let port = state.port.unwrap();
    assert_eq!(state.url, Some(format!("http://127.0.0.1:{port}")));
    assert!(logged(&house, "hand", "\"model\"", 1).await[0].contains(&port.to_string()));
}

#[tokio::test]
async fn a_program_can_vouch_for_it_and_has_its_variables_and_its_folder() {
    let exec = json!({"kind": "exec", "program": "sh", "args": ["-c", "test -e \"$MARK\""]});
    let house = House::of(&[shell("work", "sleep 1000", json!({"env": {"MARK": "done"}, "ready": exec}))]);
    house.sidecars.start("work").await.unwrap();
    house.until("work", |state| state.pid.is_some()).await;
    assert_eq!(house.state("work").status, SidecarStatus::Starting);
    fs::write(house.file("done"), "").unwrap();
    assert_eq!(house.sidecars.wait_ready("work", LONG).await.unwrap().status, SidecarStatus::Ready);
    house.sidecars.stop("work", true).await.unwrap();
    eventually("nothing is left of those who looked", || house.supervisor.is_empty().then_some(())).await;
}

#[tokio::test]
async fn without_any_question_it_runs_as_soon_as_it_is_started() {
    let house = House::of(&[shell("plain", "sleep 1000", json!({}))]);
    let state = house.up("plain").await;
    assert_eq!(state.status, SidecarStatus::Running);
    assert!(state.pid.is_some() && state.started_at <= state.ready_at && state.url.is_none());
}

#[tokio::test]
async fn whoever_waits_learns_of_an_exit_at_once_though_it_will_be_started_again() {
    let restart = json!({"policy": "on-failure", "backoffMs": 30000, "maxBackoffMs": 30000});
    let keys = json!({"port": "auto", "env": {"P": "{port}"}, "ready": "tcp", "restart": restart});
    let house = House::of(&[shell("weak", "echo why >&2; exit 7", keys)]);
    let begun = Instant::now();
    let fault = house.fails("weak").await;
    assert!(begun.elapsed() < Duration::from_secs(20), "not at the end of the time for starting");
    assert_eq!(fault.code, "EXITED");
    assert_eq!(details(&fault), json!({"exit": {"code": 7}, "stderr": ["why"]}));
}

#[tokio::test]
async fn what_cannot_be_started_says_so_at_once() {
    let house = House::of(&[
        json!({"name": "missing", "program": "no-such-program-anywhere"}),
        json!({"name": "words", "program": "python3 -m http.server"}),
        json!({"name": "bundled", "binary": "no-such-binary"}),
        json!({"name": "nowhere", "program": "sh", "cwd": "no-such-folder"}),
        json!({"name": "plain", "program": "./plain"}),
    ]);
    fs::write(house.file("plain"), "no program").unwrap();
    let missing = house.fails("missing").await;
    assert!(missing.code == "NOT_FOUND" && missing.message.contains("no-such-program-anywhere"), "{missing}");
    assert!(!missing.message.contains("args"), "{missing}");
    let words = house.fails("words").await;
    assert!(words.code == "NOT_FOUND" && words.message.contains("words behind the program go into args"), "{words}");
    let bundled = house.fails("bundled").await;
    assert!(bundled.code == "NOT_FOUND" && bundled.message.contains("SIXFRAME_BIN_NO_SUCH_BINARY"), "{bundled}");
    let first = details(&bundled)["paths"][0].as_str().unwrap().to_owned();
    assert!(bundled.message.contains(&first), "{bundled}");
    assert!(details(&bundled)["paths"].as_array().unwrap().len() >= 4, "{bundled:?}");
    let nowhere = house.fails("nowhere").await;
    assert!(nowhere.code == "NOT_FOUND" && nowhere.message.contains("no-such-folder"), "{nowhere}");
    assert_eq!(house.fails("plain").await.code, "SPAWN");
    assert_eq!(house.state("missing").status, SidecarStatus::Failed);
}

#[tokio::test]
async fn a_program_that_is_there_and_cannot_be_started_is_not_said_to_be_missing() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::of(&[
        json!({"name": "script", "program": "./script"}),
        json!({"name": "folder", "program": "./folder"}),
        json!({"name": "beside", "program": "beside.py"}),
        json!({"name": "pipe", "program": "./pipe"}),
    ]);
    for (name, text) in [("script", "#!/opt/no such/python3 -u\nprint()\n"), ("beside.py", "#!/usr/bin/env python3\n")]
    {
        fs::write(house.file(name), text).unwrap();
        fs::set_permissions(house.file(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir(house.file("folder")).unwrap();
    let script = house.fails("script").await;
    assert!(script.code == "NOT_FOUND" && script.message.contains("\"/opt/no\""), "{script}");
    assert!(!script.message.contains("PATH"), "{script}");
    let folder = house.fails("folder").await;
    assert!(folder.message.contains("./folder is a folder"), "{folder}");
    let made = Command::new("mkfifo").args(["-m", "755"]).arg(house.file("pipe")).status().unwrap();
    assert!(made.success());
    let pipe = house.fails("pipe").await;
    assert!(pipe.code == "SPAWN" && pipe.message.contains("./pipe is no file"), "{pipe}");
    let beside = house.fails("beside").await;
    assert!(beside.code == "NOT_FOUND" && beside.message.contains("./beside.py"), "{beside}");
}

#[tokio::test]
async fn a_bundled_program_is_started_from_the_folder_of_the_configuration() {
    use std::os::unix::fs::PermissionsExt as _;
    let house =
        House::of(&[json!({"name": "tool", "binary": "tool", "ready": {"kind": "line", "pattern": "bundled"}})]);
    fs::create_dir(house.file("binaries")).unwrap();
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let file = house.file("binaries").join(format!("tool-{triple}"));
    fs::write(&file, "#!/bin/sh\necho bundled\nread line\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    house.up("tool").await;
    let state = house.sidecars.stop("tool", true).await.unwrap();
    assert_eq!(state.exit.unwrap().code, Some(1), "it ends when its input is closed");
}

#[tokio::test]
async fn a_hundred_may_wait_for_one() {
    let house = House::of(&[python("web", &server(WELL), json!({"port": "auto", "health": "http"}))]);
    house.sidecars.start("web").await.unwrap();
    let waiting = (0..100).map(|_| house.peer.request_raw::<_, Value>("sidecar.waitReady", json!({"name": "web"})));
    let told = join_all(waiting).await;
    assert!(told.iter().all(|told| told.as_ref().unwrap()["status"] == "ready"));
    assert_eq!(house.state("web").generation, 1);
}

#[tokio::test]
async fn stopping_what_is_starting_ends_it_and_everyone_who_waits() {
    let keys = json!({"port": "auto", "env": {"P": "{port}"}, "ready": "tcp"});
    let house = House::of(&[shell("slow", "sleep 1000 & sleep 1000", keys)]);
    house.sidecars.start("slow").await.unwrap();
    house.until("slow", |state| state.pid.is_some()).await;
    let waiting = (0..100).map(|_| house.peer.request_raw::<_, Value>("sidecar.waitReady", json!({"name": "slow"})));
    let (told, stopped) = tokio::join!(join_all(waiting), house.sidecars.stop("slow", true));
    assert!(told.iter().all(|told| told.as_ref().unwrap_err().code() == "STOPPED"));
    assert_eq!(stopped.unwrap().status, SidecarStatus::Stopped);
    assert!(house.processes().is_empty());
}

#[tokio::test]
async fn waiting_ends_with_its_own_time_and_changes_nothing() {
    let keys = json!({"port": "auto", "env": {"P": "{port}"}, "ready": "tcp"});
    let house = House::of(&[shell("slow", "sleep 1000", keys)]);
    house.sidecars.start("slow").await.unwrap();
    let late = house.sidecars.wait_ready("slow", Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(late.code, "RPC_TIMEOUT");
    assert_eq!(house.state("slow").status, SidecarStatus::Starting);
}

#[tokio::test]
async fn nobody_waits_for_one_that_is_not_ready_when_the_daemon_stops() {
    let house = House::of(&[
        shell("slow", "sleep 1000", json!({"ready": {"kind": "line", "pattern": "up", "timeoutMs": 600_000}})),
        shell("plain", "sleep 1000", json!({})),
    ]);
    house.up("plain").await;
    house.sidecars.start("slow").await.unwrap();
    house.until("slow", |state| state.pid.is_some()).await;
    let closing = async {
        tokio::task::yield_now().await;
        house.sidecars.close();
    };
    let (waited, ()) = tokio::join!(house.sidecars.wait_ready("slow", LONG), closing);
    let refused = waited.unwrap_err();
    assert!(refused.code == "CONFLICT" && refused.message.contains("the daemon is stopping"), "{refused}");
    assert_eq!(house.state("slow").status, SidecarStatus::Starting, "what runs goes on");
    assert_eq!(house.sidecars.wait_ready("plain", LONG).await.unwrap().status, SidecarStatus::Running);
    assert_eq!(house.sidecars.start("plain").await.unwrap_err().code, "CONFLICT");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_answered_with_the_nearest() {
    let house = House::of(&[shell("web-search", "sleep 1", json!({}))]);
    for method in ["sidecar.status", "sidecar.start", "sidecar.stop", "sidecar.restart", "sidecar.waitReady"] {
        let unknown = house.peer.request_raw::<_, Value>(method, json!({"name": "websearch"})).await.unwrap_err();
        assert_eq!(unknown.code(), "NOT_FOUND", "{method}");
        assert_eq!(unknown.details().unwrap()["names"], json!(["web-search"]));
    }
    for (method, params) in [("sidecar.logs", json!({"name": "x"})), ("sidecar.watch", json!({"names": ["x"]}))] {
        let unknown = house.peer.stream_raw::<_, Value>(method, params).next().await.unwrap().unwrap_err();
        assert_eq!(unknown.code(), "NOT_FOUND", "{method}");
    }
}

#[tokio::test]
async fn a_program_that_vouches_is_found_where_the_sidecar_s_own_is_and_said_not_to_be_there() {
    let one = |name: &str, program: &str, longest: u64| {
        let ready = json!({"kind": "exec", "program": program, "timeoutMs": longest});
        json!({"name": name, "program": "./run", "cwd": "below", "stop": {"closeStdinMs": 0}, "ready": ready})
    };
    let mut lives = one("lives", "./check", 60_000);
    lives["health"] = json!({"kind": "exec", "program": "./check", "intervalMs": 1, "timeoutMs": 60_000});
    let house = House::of(&[lives, one("lost", "./nowhere", 5000)]);
    fs::create_dir(house.file("below")).unwrap();
    for (name, script) in [("run", "exec sleep 1000"), ("check", "echo asked >> asked")] {
        fs::write(house.file(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(house.file(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
    house.up("lives").await;
    let asked = || fs::read_to_string(house.file("below/asked")).unwrap().lines().count();
    eventually("its health is asked for", || (asked() > 2).then_some(())).await;
    assert_eq!((house.state("lives").health_failures, house.state("lives").generation), (None, 1));
    let fault = house.fails("lost").await;
    assert_eq!(fault.code.as_ref(), "START_TIMEOUT");
    assert!(fault.message.contains("/./nowhere: No such file"), "{fault}");
    assert!(!fault.message.contains("raise"), "{fault}");
}
