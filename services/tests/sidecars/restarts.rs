//! Ends of all kinds, and what follows from them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde_json::{Value, json};
use sixframe_services::sidecars::api::{FailureCode, SidecarState, SidecarStatus};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::house::{House, LONG, Plan, WELL, alone, eventually, logged, python, send, server, shell};

#[tokio::test]
async fn a_program_that_ends_again_and_again_is_given_up_with_its_last_words() {
    let script = "i=0; while [ $i -lt 30 ]; do echo word $i >&2; i=$((i+1)); done; exit 3";
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 2});
    let house = House::of(&[shell("weak", script, json!({"restart": restart}))]);
    house.sidecars.start("weak").await.unwrap();
    let state = house.until_status("weak", SidecarStatus::Failed).await;
    let failure = serde_json::to_value(state.failure.unwrap()).unwrap();
    assert_eq!(failure["code"], "CRASH_LOOP");
    assert_eq!(failure["details"]["exit"], json!({"code": 3}));
    let words: Vec<String> = (10..30).map(|word| format!("word {word}")).collect();
    assert_eq!(failure["details"]["stderr"], json!(words));
    assert_eq!((state.starts, state.restarts), (5, 4));
    // A person may try again, and the counting begins anew.
    house.sidecars.start("weak").await.unwrap();
    let again = house.until("weak", |state| state.status == SidecarStatus::Failed && state.starts > 5).await;
    assert_eq!(again.starts, 10);
}

#[tokio::test]
async fn slow_crashes_are_counted_though_none_falls_into_the_window_of_another() {
    // Each run is ready, and longer than the window; the third is the last.
    let restart =
        json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1, "starts": 3, "windowMs": 20, "stableMs": 60_000});
    let script = "echo up; echo slowly >&2; sleep 0.1; exit 3";
    let ready = json!({"kind": "line", "pattern": "up"});
    let house = House::of(&[shell("slow", script, json!({"restart": restart, "ready": ready}))]);
    house.sidecars.start("slow").await.unwrap();
    let state = house.until_status("slow", SidecarStatus::Failed).await;
    let failure = serde_json::to_value(state.failure.unwrap()).unwrap();
    assert_eq!(failure["code"], "CRASH_LOOP");
    assert_eq!(failure["details"], json!({"exit": {"code": 3}, "stderr": ["slowly"]}));
    assert_eq!((state.starts, state.restarts), (3, 2));
}

#[tokio::test]
async fn runs_that_were_stable_are_never_given_up_for_their_number() {
    let restart =
        json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1, "starts": 2, "windowMs": 1, "stableMs": 10});
    let house = House::of(&[shell("job", "sleep 0.1; exit 3", json!({"restart": restart}))]);
    house.sidecars.start("job").await.unwrap();
    house.until("job", |state| state.starts > 4 && state.status == SidecarStatus::Running).await;
}

#[tokio::test]
async fn what_is_given_up_is_said_to_have_ended_and_by_which_rule() {
    let often = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1, "starts": 3});
    let stable = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1, "starts": 3, "stableMs": 1});
    let house = House::of(&[
        shell("job", "exit 0", json!({"restart": often})),
        shell("stable", "sleep 0.1; exit 3", json!({"restart": stable})),
    ]);
    let rules = [
        (
            "job",
            "job ended 3 times without being ready for 30000 ms in between and is not started again; last, job exited with 0",
        ),
        ("stable", "stable ended 3 times within 60000 ms and is not started again; last, stable exited with 3"),
    ];
    for (name, rule) in rules {
        house.sidecars.start(name).await.unwrap();
        let failure = house.until_status(name, SidecarStatus::Failed).await.failure.unwrap();
        assert!(failure.code == FailureCode::CrashLoop && failure.message.starts_with(rule), "{failure:?}");
    }
}

#[tokio::test]
async fn one_that_was_ready_and_is_too_slow_another_time_is_started_again() {
    let script = "echo . >> runs; case $(wc -l < runs) in 2) exec sleep 1000;; esac; echo up; exec sleep 1000";
    let ready = json!({"kind": "line", "pattern": "up", "timeoutMs": 5000});
    let restart = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1});
    let house = House::of(&[shell("web", script, json!({"ready": ready, "restart": restart}))]);
    send(house.up("web").await.pid.unwrap(), Signal::KILL);
    let late = |state: &SidecarState| state.failure.as_ref().is_some_and(|why| why.code == FailureCode::StartTimeout);
    let waits = house.until("web", late).await;
    assert!(waits.status == SidecarStatus::Starting && waits.generation >= 2, "{waits:?}");
    let third = house.until("web", |state| state.generation >= 3 && state.status == SidecarStatus::Ready).await;
    assert_eq!(third.failure, None);
    // A person's start counts anew, and what is wrong then is final.
    house.sidecars.stop("web", true).await.unwrap();
    fs::write(house.file("runs"), ".\n").unwrap();
    house.sidecars.start("web").await.unwrap();
    assert!(late(&house.until_status("web", SidecarStatus::Failed).await));
}

#[tokio::test]
async fn one_that_was_ready_and_finds_its_port_taken_is_started_again_as_soon_as_it_may() {
    let restart = json!({"policy": "on-failure", "backoffMs": 10, "maxBackoffMs": 10, "starts": 100_000});
    let few = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1, "starts": 3});
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let keys = |restart: &Value| json!({"port": free(), "health": "http", "restart": restart});
    let house = House::of(&[python("web", &server(WELL), keys(&restart)), python("few", &server(WELL), keys(&few))]);
    let mut squatters = Vec::new();
    for name in ["web", "few"] {
        let state = house.up(name).await;
        squatters.push(std::net::TcpListener::bind(("::1", state.port.unwrap())).unwrap());
        send(state.pid.unwrap(), Signal::KILL);
    }
    let taken = |state: &SidecarState| state.failure.as_ref().is_some_and(|why| why.code == FailureCode::PortInUse);
    let waits = house.until("web", taken).await;
    assert_eq!((waits.status, waits.generation), (SidecarStatus::Starting, 1));
    let given_up = house.until_status("few", SidecarStatus::Failed).await.failure.unwrap();
    assert!(given_up.code == FailureCode::PortInUse && given_up.details.unwrap().holder.is_some());
    drop(squatters);
    house.until("web", |state| state.generation == 2 && state.status == SidecarStatus::Ready).await;
}

#[tokio::test]
async fn what_ends_well_rests_unless_it_is_always_to_run() {
    let script = "echo $$ >> $RUNS; [ $(wc -l < $RUNS) -ge 3 ] && sleep 1000; exit 0";
    let always = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 2});
    let house = House::of(&[
        shell("once", script, json!({"env": {"RUNS": "once"}})),
        shell("ever", script, json!({"env": {"RUNS": "ever"}, "restart": always})),
        shell("never", "exit 4", json!({"restart": "never"})),
    ]);
    for name in ["once", "ever", "never"] {
        house.sidecars.start(name).await.unwrap();
    }
    let once = house.until_status("once", SidecarStatus::Stopped).await;
    assert_eq!((once.starts, once.exit.unwrap().code, once.failure), (1, Some(0), None));
    let ever = house.until("ever", |state| state.starts == 3 && state.status == SidecarStatus::Running).await;
    assert_eq!(ever.restarts, 2);
    let never = house.until_status("never", SidecarStatus::Failed).await;
    assert_eq!((never.starts, never.exit.unwrap().code), (1, Some(4)));
}

#[tokio::test]
async fn a_killed_program_is_there_again_on_its_own_and_its_whole_tree_was_gone_before() {
    let script = "echo $$ >> pids; sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & echo $! >> pids; sleep 1000";
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1});
    let keys = json!({"restart": restart, "stop": {"closeStdinMs": 0, "signalMs": 50}, "ready": {"kind": "line", "pattern": "up"}});
    let script = script.replace("sleep 1000", "echo up; sleep 1000");
    let house = House::of(&[shell("tree", &script, keys)]);
    let first = house.up("tree").await;
    send(first.pid.unwrap(), Signal::KILL);
    let second = house.until("tree", |state| state.generation == 2 && state.status == SidecarStatus::Ready).await;
    assert_eq!((second.restarts, second.exit.unwrap().signal), (1, Some(9)));
    let pids: Vec<u32> =
        fs::read_to_string(house.file("pids")).unwrap().lines().map(|pid| pid.parse().unwrap()).collect();
    let left = house.processes();
    assert!(pids[..2].iter().all(|pid| !left.contains(pid)), "{pids:?} {left:?}");
    // One that is just becoming another program has no variables for a moment.
    assert!(pids[2..].iter().all(|pid| Path::new(&format!("/proc/{pid}")).exists()), "{pids:?}");
}

#[tokio::test]
async fn what_loses_its_guardian_is_started_again_and_nothing_of_it_was_left() {
    let script = "echo $$ >> pids; setsid sh -c 'echo $$ >> pids; echo up; exec sleep 1000' & sleep 1000";
    let keys = |restart: Value| json!({"restart": restart, "ready": {"kind": "line", "pattern": "up"}});
    let again = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1});
    let house = House::of(&[shell("again", script, keys(again)), shell("once", script, keys(json!("never")))]);
    let pids = || -> Vec<u32> {
        fs::read_to_string(house.file("pids")).unwrap().lines().map(|pid| pid.parse().unwrap()).collect()
    };
    let guardian = |pid: u32| -> u32 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let first = house.up("again").await.pid.unwrap();
    let before = pids();
    assert!(before.len() == 2 && before.contains(&first), "{before:?}");
    send(guardian(first), Signal::KILL);
    let second = house.until("again", |state| state.generation == 2 && state.status == SidecarStatus::Ready).await;
    let left = house.processes();
    assert!(before.iter().all(|pid| !left.contains(pid)), "{before:?} {left:?}");
    assert!(left.contains(&second.pid.unwrap()));
    house.sidecars.stop("again", true).await.unwrap();

    let once = house.up("once").await.pid.unwrap();
    send(guardian(once), Signal::KILL);
    let state = house.until_status("once", SidecarStatus::Failed).await;
    assert_eq!(serde_json::to_value(state.failure.unwrap()).unwrap()["code"], "HOST");
    assert_eq!(house.processes(), [] as [u32; 0]);
}

#[tokio::test]
async fn the_end_of_one_run_never_touches_the_next() {
    let keys = json!({"ready": {"kind": "line", "pattern": "up"}});
    let house = House::of(&[shell("again", "echo up; exec sleep 1000", keys)]);
    house.up("again").await;
    for _ in 0..10 {
        // Of all who ask at once, each is answered; what runs behind that is one run.
        let asks = (0..4).map(|_| house.peer.request_raw::<_, Value>("sidecar.restart", json!({"name": "again"})));
        assert!(join_all(asks).await.iter().all(Result::is_ok));
        let state = house.sidecars.wait_ready("again", LONG).await.unwrap();
        assert_eq!(house.processes(), [state.pid.unwrap()]);
        assert_eq!(house.supervisor.len(), 1);
    }
    let state = house.sidecars.wait_ready("again", LONG).await.unwrap();
    assert_eq!((state.status, state.restarts, state.failure), (SidecarStatus::Ready, 0, None));
    assert!(state.generation > 10 && state.starts == state.generation);
}

#[tokio::test]
async fn what_does_not_answer_any_more_is_ended_and_started_again() {
    let answer = "def answer(path):\n    return 500 if os.path.exists('sick') else 200";
    let health = json!({"kind": "http", "path": "/health", "intervalMs": 10, "timeoutMs": 1000, "failures": 3});
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1});
    let house =
        House::of(&[python("web", &server(answer), json!({"port": "auto", "health": health, "restart": restart}))]);
    house.up("web").await;
    logged(&house, "web", "200", 4).await;
    fs::write(house.file("sick"), "").unwrap();
    let seen = house.until("web", |state| state.failure.is_some()).await;
    assert_eq!(serde_json::to_value(seen.failure.unwrap()).unwrap()["code"], "UNHEALTHY");
    fs::remove_file(house.file("sick")).unwrap();
    let again = house.until("web", |state| state.generation == 2 && state.status == SidecarStatus::Ready).await;
    assert_eq!(again.restarts, 1);
    assert_eq!(logged(&house, "web", "500", 3).await.len(), 3);
}

#[tokio::test]
async fn what_is_silent_at_its_known_path_is_not_asked_for_others() {
    let answer = "def answer(path):\n    if os.path.exists('hung'):\n        print('asked', path, 'in vain')\n        time.sleep(1000)\n    return 200";
    let health = json!({"kind": "http", "intervalMs": 10, "timeoutMs": 300, "failures": 1});
    let keys = json!({"port": "auto", "ready": {"kind": "http"}, "health": health, "restart": "never"});
    let house = House::of(&[python("web", &server(answer), keys)]);
    house.up("web").await;
    fs::write(house.file("hung"), "").unwrap();
    let state = house.until_status("web", SidecarStatus::Failed).await;
    let message = state.failure.unwrap().message;
    assert!(message.contains("does not answer /health within 300ms"), "{message}");
    assert!(!message.contains("/docs"), "{message}");
}

/// Keeps in memory what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_daemon_without_descriptors_takes_what_it_cannot_see_for_alive() {
    if !alone("restarts::a_daemon_without_descriptors_takes_what_it_cannot_see_for_alive") {
        return;
    }
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let health = |kind: Value| {
        let mut health = json!({"intervalMs": 10, "timeoutMs": 60_000, "failures": 1});
        health.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        health
    };
    let exec = health(json!({"kind": "exec", "program": "true"}));
    let again = json!({"policy": "on-failure", "backoffMs": 5, "maxBackoffMs": 5, "starts": 100_000});
    let house = House::of(&[
        python("http", &server(WELL), json!({"port": "auto", "health": health(json!({"kind": "http"}))})),
        python("tcp", &server(WELL), json!({"port": "auto", "health": health(json!({"kind": "tcp"}))})),
        shell("exec", "exec sleep 1000", json!({"health": exec})),
        shell("again", "exec sleep 1000", json!({"restart": again})),
    ]);
    for name in ["http", "tcp", "exec", "again"] {
        house.up(name).await;
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..getrlimit(Resource::Nofile) }).unwrap();
    let mut kept = Vec::new();
    let looks = |name: &str| {
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("cannot be looked at by the daemon") && line.contains(name)).count()
    };
    for name in ["http", "tcp", "exec"] {
        eventually("it was looked at in vain", || {
            // Those that a look has given back, too.
            kept.extend(std::iter::from_fn(|| fs::File::open("/dev/null").ok()));
            (looks(&format!("{name:?}")) >= 3).then_some(())
        })
        .await;
    }
    send(house.state("again").pid.unwrap(), Signal::KILL);
    let waits = house.until("again", |state| state.next_start_at.is_some() && state.exit.is_some()).await;
    assert_eq!((waits.status, waits.generation), (SidecarStatus::Starting, 1));
    let host = |state: &SidecarState| state.failure.as_ref().is_some_and(|why| why.code == FailureCode::Host);
    house.until("again", host).await;
    drop(kept);
    house.until("again", |state| state.generation == 2 && state.status == SidecarStatus::Running).await;
    let before = logged(&house, "http", "asked", 1).await.len();
    logged(&house, "http", "asked", before + 3).await;
    for name in ["http", "tcp", "exec"] {
        let state = house.state(name);
        assert!(state.generation == 1 && state.status.is_up() && state.health_failures.is_none(), "{state:?}");
    }
}

/// Both die with the guardian, or the program never begins.
const TIGHT: [&str; 2] = ["ulimit -n 18", "exit 1"];

#[tokio::test]
async fn what_cannot_be_started_for_want_of_room_is_started_as_soon_as_there_is_some() {
    for limit in TIGHT {
        let house = Plan::new().guarded_behind(&format!("[ -e $HOUSE/tight ] && {limit}"));
        fs::write(house.folder.path().join("tight"), "").unwrap();
        let again = json!({"policy": "on-failure", "backoffMs": 20, "maxBackoffMs": 20, "starts": 100_000});
        let few = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1, "starts": 3});
        let house = house.build(&[
            shell("web", "exec sleep 1000", json!({"restart": again})),
            shell("few", "exec sleep 1000", json!({"restart": few})),
        ]);
        house.sidecars.start("web").await.unwrap();
        house.sidecars.start("few").await.unwrap();
        let host = |state: &SidecarState| state.failure.as_ref().is_some_and(|why| why.code == FailureCode::Host);
        let waits = house.until("web", |state| state.next_start_at.is_some() && state.generation > 1).await;
        assert!(waits.status == SidecarStatus::Starting && host(&waits) && waits.exit.is_none(), "{waits:?}");
        let given_up = house.until_status("few", SidecarStatus::Failed).await;
        assert!(given_up.starts == 3 && host(&given_up), "{given_up:?}");
        fs::remove_file(house.file("tight")).unwrap();
        let up = house.until_status("web", SidecarStatus::Running).await;
        assert!(up.failure.is_none() && up.restarts + 1 == up.starts, "{up:?}");
    }
}

#[tokio::test]
async fn a_program_that_vouches_and_cannot_be_started_for_want_of_room_says_nothing() {
    for limit in TIGHT {
        let line = format!("[ -e $HOUSE/tight ] && {{ echo . >> $HOUSE/vain; {limit}; }}");
        let exec = json!({"kind": "exec", "program": "true", "intervalMs": 5, "timeoutMs": 60_000, "failures": 1});
        let web = shell("web", "exec sleep 1000", json!({"health": exec, "restart": "never"}));
        let house = Plan::new().guarded_behind(&line).build(&[web]);
        house.up("web").await;
        fs::write(house.file("tight"), "").unwrap();
        let vain = || fs::read_to_string(house.file("vain")).unwrap_or_default().len() / 2;
        eventually("it was looked at in vain", || (vain() > 5).then_some(())).await;
        let state = house.state("web");
        assert!(state.generation == 1 && state.status.is_up() && state.health_failures.is_none(), "{state:?}");
    }
}

#[tokio::test]
async fn a_start_that_could_not_be_watched_is_tried_again() {
    // There is room for the sidecar, and none for those who look at it.
    let line = "mkdir $HOUSE/first 2>/dev/null || exit 1";
    let ready = json!({"kind": "exec", "program": "test", "args": ["-e", "warm"], "timeoutMs": 3000});
    let again = json!({"policy": "on-failure", "backoffMs": 20, "maxBackoffMs": 20, "starts": 100_000});
    let script = "exec sleep 1000";
    let house = Plan::new().guarded_behind(line).build(&[
        shell("once", script, json!({"ready": ready, "restart": "never"})),
        shell("web", script, json!({"ready": ready, "restart": again})),
    ]);
    house.sidecars.start("once").await.unwrap();
    let why = house.until_status("once", SidecarStatus::Failed).await.failure.unwrap();
    let says = |words: &str| why.message.contains(words);
    // On a machine with too much to do it may not even have begun.
    assert!(says("cannot be looked at by the daemon") || says("was still being started"), "{why:?}");
    assert_eq!(why.code, FailureCode::Host);
    let _ = fs::remove_dir(house.file("first"));
    house.sidecars.start("web").await.unwrap();
    house.until("web", |state| state.next_start_at.is_some()).await;
    fs::write(house.file("warm"), "").unwrap();
    eventually("it is ready", || {
        let _ = fs::remove_dir(house.file("first"));
        (house.state("web").status == SidecarStatus::Ready).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_single_failure_in_between_does_not_end_it() {
    let answer =
        "count = 0\ndef answer(path):\n    global count\n    count += 1\n    return 500 if count % 3 == 0 else 200";
    let health = json!({"kind": "http", "path": "/health", "intervalMs": 1, "timeoutMs": 2000, "failures": 2});
    let house = House::of(&[python("web", &server(answer), json!({"port": "auto", "health": health}))]);
    house.up("web").await;
    logged(&house, "web", "500", 5).await;
    assert_eq!(house.state("web").generation, 1);
}

#[tokio::test]
async fn a_stop_while_it_waits_for_a_restart_is_the_end() {
    let restart = json!({"policy": "on-failure", "backoffMs": 60000, "maxBackoffMs": 60000});
    let house = House::of(&[shell("weak", "exit 1", json!({"restart": restart}))]);
    house.sidecars.start("weak").await.unwrap();
    house.until("weak", |state| state.next_start_at.is_some()).await;
    let state = house.sidecars.stop("weak", true).await.unwrap();
    assert_eq!((state.status, state.next_start_at, state.failure), (SidecarStatus::Stopped, None, None));
}

#[tokio::test]
async fn start_and_stop_may_be_asked_for_again_and_in_any_order() {
    let house = House::of(&[shell("web", "exec sleep 1000", json!({}))]);
    assert_eq!(house.sidecars.stop("web", true).await.unwrap().status, SidecarStatus::Stopped);
    let first = house.up("web").await;
    assert_eq!(house.sidecars.start("web").await.unwrap().pid, first.pid);
    for dependents in [true, false] {
        let (stopped, started) = tokio::join!(house.sidecars.stop("web", dependents), house.sidecars.start("web"));
        assert_eq!(stopped.unwrap().status, SidecarStatus::Stopped, "it was, though it starts again by now");
        assert_eq!(started.unwrap().status, SidecarStatus::Starting, "behind the stop that was asked for first");
        house.sidecars.wait_ready("web", LONG).await.unwrap();
    }
    house.sidecars.stop("web", true).await.unwrap();
    house.sidecars.stop("web", true).await.unwrap();
    assert!(house.processes().is_empty());
}
