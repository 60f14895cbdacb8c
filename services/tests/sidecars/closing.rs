//! A daemon that is stopping and lets calls finish: what runs goes on, and nothing is started.

use std::fs;

use serde_json::json;
use sixframe_services::sidecars::api::SidecarStatus;

use crate::house::{House, shell};

#[tokio::test]
async fn what_waits_for_another_is_not_started_while_the_daemon_stops() {
    let ready = json!({"kind": "line", "pattern": "up"});
    let house = House::of(&[
        shell("app", "sleep 1000", json!({"dependsOn": ["store"]})),
        shell("store", "while [ ! -e go ]; do sleep 0.01; done; echo up; sleep 1000", json!({"ready": ready})),
    ]);
    house.sidecars.start("app").await.unwrap();
    house.until("app", |state| state.waits_for.as_deref() == Some("store")).await;
    house.until("store", |state| state.pid.is_some()).await;
    house.sidecars.close();
    fs::write(house.file("go"), "").unwrap();
    house.until_status("store", SidecarStatus::Ready).await;
    house.until("app", |state| state.waits_for.is_none()).await;
    house.sidecars.stop_all().await;
    assert_eq!((house.state("app").starts, house.state("app").status), (0, SidecarStatus::Stopped));
    assert!(house.processes().is_empty());
}

#[tokio::test]
async fn what_ends_while_the_daemon_stops_is_not_started_again() {
    let restart = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1});
    let keys = json!({"restart": restart, "ready": {"kind": "line", "pattern": "up"}});
    let house = House::of(&[shell("web", "echo up; while [ ! -e fall ]; do sleep 0.01; done; exit 1", keys)]);
    house.up("web").await;
    house.sidecars.close();
    fs::write(house.file("fall"), "").unwrap();
    // It has waited for its next start.
    house.until("web", |state| state.restarts == 1).await;
    house.sidecars.stop_all().await;
    assert_eq!((house.state("web").starts, house.state("web").status), (1, SidecarStatus::Stopped));
}
