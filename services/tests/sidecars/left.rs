//! What cannot be ended.

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde_json::json;
use sixframe_services::sidecars::api::{FailureCode, SidecarStatus};

use crate::house::{House, alone, eventually, send, shell};

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
