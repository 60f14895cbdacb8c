//! What cannot be ended.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde_json::json;
use sixframe_services::sidecars::api::{FailureCode, SidecarStatus};
use tokio::time::Instant;

use crate::house::{House, LONG, Plan, alone, details, eventually, send, shell};

fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_cannot_be_ended_is_told_and_nothing_is_started_beside_it() {
    if !alone("left::what_cannot_be_ended_is_told_and_nothing_is_started_beside_it") {
        return;
    }
    let script = "setsid sh -c 'echo up; exec sleep 1000' & exec sleep 1000";
    let keys = json!({
        "ready": {"kind": "line", "pattern": "up"},
        "restart": {"policy": "always", "backoffMs": 1, "maxBackoffMs": 1},
    });
    let house = House::of(&[shell("it", script, keys)]);
    let guardian = parent(house.up("it").await.pid.unwrap());
    let limit = getrlimit(Resource::Nofile);
    // Nothing can be opened any more, and so nobody looked at.
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit }).unwrap();
    send(guardian, Signal::KILL);
    let state = house.until("it", |state| state.status.is_at_rest()).await;
    setrlimit(Resource::Nofile, limit).unwrap();
    let failure = state.failure.unwrap();
    assert_eq!(
        (state.status, failure.code, state.restarts),
        (SidecarStatus::Failed, FailureCode::Left, 0),
        "{failure:?}"
    );
    eventually("what was left is ended", || house.processes().is_empty().then_some(())).await;
    house.up("it").await;
    assert_eq!(house.sidecars.stop("it", true).await.unwrap().status, SidecarStatus::Stopped);
}

/// A guardian whose tree is never empty.
const NEVER_EMPTY: &str = include_str!("../bin/never_empty.py");

#[tokio::test]
async fn who_stops_what_a_program_has_left_behind_waits_no_longer_than_for_a_program_that_runs() {
    for wish in ["stop", "restart", "end of the daemon"] {
        let plan = Plan::new();
        std::fs::write(plan.folder.path().join("guardian.py"), NEVER_EMPTY).unwrap();
        let house = plan.guarded_behind("exec python3 $HOUSE/guardian.py").build(&[shell("it", "", json!({}))]);
        house.sidecars.start("it").await.unwrap();
        house.until_status("it", SidecarStatus::Stopping).await;
        // From here on, time goes as fast as nobody does anything.
        tokio::time::pause();
        let begun = Instant::now();
        match wish {
            "stop" => assert_eq!(house.sidecars.stop("it", true).await.unwrap().status, SidecarStatus::Stopped),
            "restart" => assert_eq!(house.sidecars.restart("it").await.unwrap().status, SidecarStatus::Starting),
            _ => house.sidecars.stop_all().await,
        }
        let waited = begun.elapsed();
        tokio::time::resume();
        assert!(waited < Duration::from_secs(20), "{wish}: {waited:?}, of the 33 s that it has where nobody waits");
    }
}

/// Leaves behind what ignores the polite signals, and exits with 7.
const LEAVES: &str =
    "(trap '' TERM HUP; : > stays; while :; do sleep 1; done) & while [ ! -e stays ]; do sleep 0.01; done; exit 7";

#[tokio::test]
async fn an_exit_is_told_while_what_the_program_has_left_behind_is_being_ended() {
    let keys = json!({
        "ready": {"kind": "line", "pattern": "up"},
        "restart": {"policy": "never"},
        "stop": {"closeStdinMs": 0, "signalMs": 600_000},
    });
    let later = format!("echo up; while [ ! -e fall ]; do sleep 0.01; done; {LEAVES}");
    let is_being_ended = |house: &House| {
        let state = house.state("it");
        assert_eq!((state.status, state.exit.unwrap().code), (SidecarStatus::Stopping, Some(7)));
    };

    let house = House::of(&[shell("it", LEAVES, keys.clone())]);
    let while_it_exits = house.fails("it").await;
    is_being_ended(&house);
    let behind_that = house.sidecars.wait_ready("it", LONG).await.unwrap_err();
    is_being_ended(&house);
    for fault in [while_it_exits, behind_that] {
        assert_eq!((fault.code.as_ref(), details(&fault)), ("EXITED", json!({"exit": {"code": 7}})));
    }
    kill_the_rest(&house).await;

    let house = House::of(&[shell("it", &later, keys)]);
    house.up("it").await;
    std::fs::write(house.file("fall"), "").unwrap();
    house.until("it", |state| state.exit.is_some()).await;
    is_being_ended(&house);
    kill_the_rest(&house).await;
}

/// Listens on a port, and ignores the polite signals.
const LISTENS: &str = "
import signal, socket, sys, time
for polite in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(polite, signal.SIG_IGN)
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
open('listens', 'w')
time.sleep(1000)
";

#[tokio::test]
async fn what_a_program_has_left_behind_on_its_port_does_not_hide_its_exit() {
    let keys = json!({
        "port": "auto",
        "env": {"PORT": "{port}"},
        "ready": {"kind": "line", "pattern": "up"},
        "restart": {"policy": "never"},
        "stop": {"closeStdinMs": 0, "signalMs": 600_000},
    });
    let script = "python3 listens.py $PORT & while [ ! -e listens ]; do sleep 0.01; done; exit 7";
    let house = House::of(&[shell("it", script, keys)]);
    std::fs::write(house.file("listens.py"), LISTENS).unwrap();
    let fault = house.fails("it").await;
    assert_eq!((fault.code.as_ref(), house.state("it").status), ("EXITED", SidecarStatus::Stopping), "{fault}");
    kill_the_rest(&house).await;
}

/// Ends what a program has left behind; what it was told to have ended with stays.
async fn kill_the_rest(house: &House) {
    eventually("the rest is ended", || {
        house.processes().into_iter().for_each(|pid| send(pid, Signal::KILL));
        house.state("it").status.is_at_rest().then_some(())
    })
    .await;
    let (state, failure) = (house.state("it"), house.state("it").failure.unwrap());
    assert_eq!((failure.code, state.exit.unwrap().code), (FailureCode::Exited, Some(7)), "{failure:?}");
}
