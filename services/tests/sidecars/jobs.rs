//! Jobs: programs that do their work and end well.

use std::fs;

use serde_json::{Value, json};
use sixframe_services::sidecars::api::SidecarStatus;

use crate::house::{House, LONG, shell};

#[tokio::test]
async fn who_waits_for_a_job_that_is_done_by_then_is_told_its_end_and_of_one_that_was_stopped_that_it_is() {
    let house = House::of(&[shell("job", "[ -e long ] && exec sleep 1000; exit 0", json!({}))]);
    for run in 1..=3 {
        house.sidecars.start("job").await.unwrap();
        house.until("job", |state| state.starts == run && state.status == SidecarStatus::Stopped).await;
        let state = house.sidecars.wait_ready("job", LONG).await.unwrap();
        assert_eq!((state.status, state.exit.unwrap().code), (SidecarStatus::Stopped, Some(0)));
    }
    fs::write(house.file("long"), "").unwrap();
    house.up("job").await;
    house.sidecars.stop("job", true).await.unwrap();
    assert_eq!(house.sidecars.wait_ready("job", LONG).await.unwrap_err().code, "STOPPED");
}

#[tokio::test]
async fn a_job_that_is_done_before_the_others_are_ready_does_not_hinder_a_switch() {
    let script = "exec 2>/dev/null; trap 'while [ ! -e go ]; do sleep 0.01; done; exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let stop = json!({"closeStdinMs": 0, "signalMs": 60_000});
    let keys = json!({"autoStart": true, "ready": {"kind": "line", "pattern": "up"}, "stop": stop});
    let slow = shell("slow", script, keys);
    let house = House::of(&[shell("job", "exit 0", json!({"autoStart": true})), slow]);
    let set = |mode: &str| house.peer.request_raw::<_, Value>("sidecar.setMode", json!({"mode": mode}));
    house.up("slow").await;
    let stopping = house.sidecars.stop("slow", true);
    let switching = async {
        house.until_status("slow", SidecarStatus::Stopping).await;
        // It starts the job, and then waits for the end of the other before that is started again.
        set("service").await
    };
    let going = async {
        house.until("job", |state| state.starts == 1 && state.status == SidecarStatus::Stopped).await;
        fs::write(house.file("go"), "").unwrap();
    };
    let (stopped, switched, ()) = tokio::join!(stopping, switching, going);
    stopped.unwrap();
    switched.unwrap();
    for run in 2..=6 {
        set("standalone").await.unwrap();
        set("service").await.unwrap();
        assert_eq!((house.state("job").starts, house.state("slow").status), (run, SidecarStatus::Ready));
    }
}

#[tokio::test]
async fn a_service_that_has_ended_well_is_not_there_for_who_asks_later() {
    let script = "echo up; while [ ! -e go ]; do sleep 0.01; done";
    let house = House::of(&[shell("brief", script, json!({"ready": {"kind": "line", "pattern": "up"}}))]);
    house.up("brief").await;
    fs::write(house.file("go"), "").unwrap();
    house.until_status("brief", SidecarStatus::Stopped).await;
    assert_eq!(house.sidecars.wait_ready("brief", LONG).await.unwrap_err().code, "STOPPED");
}
