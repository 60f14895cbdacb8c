//! What cannot be ended.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde_json::json;
use sixframe_services::sidecars::api::{FailureCode, SidecarStatus};
use tokio::time::Instant;

use crate::house::{House, Plan, alone, eventually, send, shell};

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
