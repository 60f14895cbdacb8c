//! Modes that come and go: the target first, then everything at once, then the old side.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use sixframe_services::sidecars::Server;
use sixframe_services::sidecars::api::{Mode, ModeState, Owner, SetMode, SidecarStatus};

use crate::house::{House, LONG, Plan, WELL, any_server, eventually, looking, looking_at, python, server, shell};

const SERVER: &str = "wss://server.example";

async fn set(house: &House, mode: Value) -> Result<Value, sixframe_core::CallError> {
    house.peer.request_raw("sidecar.setMode", mode).await
}

fn connected() -> Value {
    json!({"mode": "connected", "serverUrl": SERVER})
}

#[tokio::test]
async fn a_switch_makes_the_target_ready_swaps_at_once_and_stops_the_old_side() {
    let plan = Plan { mode: SetMode::Standalone, check_server: any_server(), ..Plan::new() };
    let keys = json!({"port": "auto", "health": "http", "autoStart": true});
    let house = plan.build(&[python("web", &server(WELL), keys), shell("other", "sleep 1000", json!({}))]);
    house.sidecars.begin();
    let refused = house.sidecars.start("other").await.unwrap_err();
    assert!(refused.code == "CONFLICT" && refused.message.contains("sidecar.setMode"), "{refused}");

    let mut seen = house.peer.stream_raw::<_, Value>("sidecar.watch", json!({"names": ["web"]}));
    let mode = set(&house, json!({"mode": "service", "serviceUrl": "http://127.0.0.1:1"})).await.unwrap();
    let web = house.state("web");
    assert_eq!((web.status, web.owner), (SidecarStatus::Ready, Owner::This));
    assert_eq!(mode["endpoints"], json!({"web": {"url": web.url.unwrap(), "owner": "this"}}));
    assert_eq!((&mode["mode"], &mode["serviceUrl"]), (&json!("service"), &json!("http://127.0.0.1:1")));
    assert_eq!(house.state("other").status, SidecarStatus::Stopped, "what is not to start with the daemon is left");

    let mode = set(&house, connected()).await.unwrap();
    let remote = json!({"url": SERVER, "owner": "remote"});
    assert_eq!(mode["endpoints"], json!({"web": remote, "other": remote}));
    assert_eq!((house.state("web").status, house.state("web").owner), (SidecarStatus::Stopped, Owner::Remote));
    assert!(house.processes().is_empty());
    assert_eq!(house.sidecars.wait_ready("web", LONG).await.unwrap().owner, Owner::Remote);

    let mode = set(&house, json!({"mode": "standalone"})).await.unwrap();
    assert_eq!((mode["endpoints"].clone(), house.state("web").owner), (json!({}), Owner::None));
    assert!(seen.next().await.is_some());
}

#[tokio::test]
async fn who_waits_during_a_switch_away_is_not_led_to_what_is_about_to_be_stopped() {
    let plan = Plan { check_server: any_server(), ..Plan::new() };
    let stubborn = "trap '' TERM; touch up; while [ ! -e go ]; do sleep 0.01; done";
    let house = plan.build(&[
        python("db", &server(WELL), json!({"port": "auto", "health": "http"})),
        shell("web", stubborn, json!({"dependsOn": ["db"], "stop": {"closeStdinMs": 0, "signalMs": 60_000}})),
    ]);
    house.up("db").await;
    house.up("web").await;
    eventually("it listens to no signal", || house.file("up").exists().then_some(())).await;
    let switching = set(&house, connected());
    let waiting = async {
        house.until_status("web", SidecarStatus::Stopping).await;
        // It goes last, and runs as before.
        assert_eq!((house.state("db").status, house.state("db").owner), (SidecarStatus::Ready, Owner::This));
        let waits = house.sidecars.wait_ready("db", LONG);
        fs::write(house.file("go"), "").unwrap();
        waits.await
    };
    let (switched, waited) = tokio::join!(switching, waiting);
    switched.unwrap();
    assert_eq!(waited.unwrap().owner, Owner::Remote);
}

#[tokio::test]
async fn the_hub_never_shows_two_owners_nor_a_target_that_is_not_ready() {
    let plan = Plan { mode: SetMode::Standalone, check_server: any_server(), ..Plan::new() };
    let house =
        plan.build(&[python("web", &server(WELL), json!({"port": "auto", "health": "http", "autoStart": true}))]);
    let params = serde_json::from_value(json!({"paths": ["/sidecars"], "mode": "state"})).unwrap();
    let mut watch = house.hub.watch(params);
    let seeing = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(item) = futures_util::StreamExt::next(&mut watch).await {
            let item: Value = serde_json::from_str(item.data.as_str()).unwrap();
            let sidecars = item["value"]["sidecars"].clone();
            let is_last = sidecars["mode"]["mode"] == "connected";
            seen.push(sidecars);
            if is_last {
                break;
            }
        }
        seen
    });
    set(&house, json!({"mode": "service"})).await.unwrap();
    set(&house, connected()).await.unwrap();
    for sidecars in seeing.await.unwrap() {
        let (mode, web) = (&sidecars["mode"], &sidecars["services"]["web"]);
        match mode["mode"].as_str().unwrap() {
            "standalone" => assert_eq!(mode["endpoints"], json!({})),
            "service" => assert_eq!(mode["endpoints"]["web"]["url"], web["url"]),
            _ => assert_eq!(mode["endpoints"]["web"]["url"], SERVER),
        }
    }
}

#[tokio::test]
async fn where_the_target_cannot_be_made_ready_nothing_has_changed() {
    let keys = json!({"autoStart": true, "restart": "never", "ready": {"kind": "line", "pattern": "up"}});
    let plan = Plan { mode: SetMode::Standalone, ..Plan::new() };
    let house = plan.build(&[
        shell("good", "echo up; sleep 1000", keys.clone()),
        shell("bad", "while [ ! -e go ]; do sleep 0.01; done; [ -e fixed ] || exit 8; echo up; sleep 1000", keys),
    ]);
    let before = house.peer.request_raw::<_, Value>("sidecar.list", ()).await.unwrap()["mode"].clone();
    let switching = set(&house, json!({"mode": "service"}));
    let going = async {
        house.until_status("good", SidecarStatus::Ready).await;
        let listed = house.peer.request_raw::<_, Value>("sidecar.list", ()).await.unwrap();
        assert_eq!(
            (&listed["mode"]["mode"], &listed["mode"]["changing"]["to"]),
            (&json!("standalone"), &json!("service"))
        );
        let second = set(&house, json!({"mode": "service"})).await.unwrap_err();
        assert_eq!(second.code(), "CONFLICT");
        fs::write(house.file("go"), "").unwrap();
    };
    let (switched, ()) = tokio::join!(switching, going);
    let failed = switched.unwrap_err();
    assert_eq!((failed.code(), &failed.details().unwrap()["exit"]["code"]), ("EXITED", &json!(8)));
    let after = house.peer.request_raw::<_, Value>("sidecar.list", ()).await.unwrap()["mode"].clone();
    assert_eq!(before, after);
    assert!(house.processes().is_empty(), "what was started for it is stopped again");
    fs::write(house.file("fixed"), "").unwrap();
    assert_eq!(set(&house, json!({"mode": "service"})).await.unwrap()["mode"], "service");
}

#[tokio::test]
async fn a_sidecar_that_fails_keeps_the_daemon_connected() {
    let plan = Plan { mode: SetMode::Standalone, check_server: any_server(), ..Plan::new() };
    let keys = json!({"autoStart": true, "restart": "never", "ready": {"kind": "line", "pattern": "up"}});
    let house = plan.build(&[shell("bad", "exit 8", keys)]);
    set(&house, connected()).await.unwrap();
    let failed = set(&house, json!({"mode": "service"})).await.unwrap_err();
    assert_eq!((failed.code(), &failed.details().unwrap()["exit"]["code"]), ("EXITED", &json!(8)));
    let mode = house.sidecars.list().mode;
    assert_eq!((mode.mode, mode.changing, mode.endpoints["bad"].url.as_str()), (Mode::Connected, None, SERVER));
    assert_eq!(house.sidecars.wait_ready("bad", LONG).await.unwrap().owner, Owner::Remote);
}

#[tokio::test]
async fn a_server_that_is_lost_does_not_hold_the_daemon_back_from_its_own_sidecars() {
    let is_there = tokio::sync::watch::Sender::new(true);
    let look = is_there.subscribe();
    let check = looking(move |_, _| {
        let is_there = *look.borrow();
        async move { if is_there { Ok("it".to_owned()) } else { Err("it is lost".to_owned()) } }
    });
    let plan = Plan { mode: SetMode::Standalone, check_server: check, ..Plan::new() };
    let house = plan.build(&[shell("work", "sleep 1000", json!({"autoStart": true}))]);
    set(&house, connected()).await.unwrap();
    is_there.send_replace(false);
    eventually("the server is lost", || house.sidecars.list().mode.server_failure.map(drop)).await;
    let mode = set(&house, json!({"mode": "service"})).await.unwrap();
    assert_eq!((&mode["mode"], mode.get("serverFailure")), (&json!("service"), None));
    assert_eq!(house.state("work").status, SidecarStatus::Running);
}

#[tokio::test]
async fn a_server_that_is_not_who_it_should_be_is_not_used() {
    let check = looking(|url, identity| async move {
        match identity.as_deref() {
            Some("right") => Ok("right".to_owned()),
            _ => Err(format!("{url} is another server")),
        }
    });
    let house =
        Plan { check_server: check, ..Plan::new() }.build(&[shell("work", "sleep 1000", json!({"autoStart": true}))]);
    house.sidecars.begin();
    house.sidecars.wait_ready("work", LONG).await.unwrap();
    let pid = house.state("work").pid;
    let failed = set(&house, json!({"mode": "connected", "serverUrl": SERVER, "identity": "wrong"})).await.unwrap_err();
    assert!(failed.code() == "UNREACHABLE" && failed.to_string().contains("another server"), "{failed}");
    assert_eq!((house.state("work").pid, house.sidecars.list().mode.mode), (pid, Mode::Service));
    let mode = set(&house, json!({"mode": "connected", "serverUrl": SERVER, "identity": "right"})).await.unwrap();
    assert_eq!(mode["serverUrl"], SERVER);
}

#[tokio::test]
async fn a_daemon_that_begins_connected_shows_no_endpoint_before_its_server_is_known() {
    let (mode, found) =
        (SetMode::Connected { server_url: SERVER.to_owned(), identity: None }, tokio::sync::watch::Sender::new(false));
    let look = found.subscribe();
    let check = looking(move |_, _| {
        let mut look = look.clone();
        async move { look.wait_for(|found| *found).await.map(|_| "it".to_owned()).map_err(|error| error.to_string()) }
    });
    let house = Plan { mode, check_server: check, ..Plan::new() }.build(&[shell(
        "work",
        "sleep 1000",
        json!({"autoStart": true}),
    )]);
    assert_eq!(house.state("work").status, SidecarStatus::Stopped);
    house.sidecars.begin();
    let listed = house.sidecars.list().mode;
    assert!(listed.mode == Mode::Connected && listed.endpoints.is_empty());
    assert_eq!(house.state("work").owner, Owner::None);
    found.send_replace(true);
    let state = house.until("work", |state| state.owner == Owner::Remote).await;
    assert_eq!(state.status, SidecarStatus::Stopped);
    assert_eq!(house.sidecars.list().mode.endpoints["work"].url, SERVER);
}

#[tokio::test]
async fn a_server_that_is_lost_or_becomes_another_has_no_endpoints_until_it_is_right_again() {
    let now = tokio::sync::watch::Sender::new(Ok("right".to_owned()));
    let look = now.subscribe();
    let check = looking(move |_, _| {
        let now = look.borrow().clone();
        async move { now }
    });
    let house = Plan { check_server: check, ..Plan::new() }.build(&[shell("work", "sleep 1000", json!({}))]);
    set(&house, connected()).await.unwrap();
    let mode = async |holds: &dyn Fn(&ModeState) -> bool| {
        eventually("the mode tells", || Some(house.sidecars.list().mode).filter(|mode| holds(mode))).await
    };
    for _ in 0..3 {
        let known = mode(&|mode| mode.server_id.as_deref() == Some("right")).await;
        assert_eq!((known.endpoints["work"].url.as_str(), known.server_failure), (SERVER, None));
        assert_eq!(house.sidecars.wait_ready("work", LONG).await.unwrap().owner, Owner::Remote);
        let _ = now.send_replace(Err("it is another server".to_owned()));
        let lost = mode(&|mode| mode.server_failure.is_some()).await;
        assert_eq!((lost.server_id, lost.server_failure.as_deref()), (None, Some("it is another server")));
        assert!(lost.endpoints.is_empty() && lost.mode == Mode::Connected);
        assert_eq!(house.state("work").owner, Owner::None);
        let failed = house.sidecars.wait_ready("work", LONG).await.unwrap_err();
        assert!(failed.code == "UNREACHABLE" && failed.message.contains("another server"), "{failed}");
        let shown = || serde_json::to_value(house.hub.snapshot()).unwrap()["sidecars"]["mode"].clone();
        let told =
            eventually("the hub tells", || Some(shown()).filter(|mode| mode.get("serverFailure").is_some())).await;
        assert_eq!((&told["serverFailure"], &told["endpoints"]), (&json!("it is another server"), &json!({})));
        let _ = now.send_replace(Ok("right".to_owned()));
    }
    let _ = now.send_replace(Ok("new".to_owned()));
    mode(&|mode| mode.server_id.as_deref() == Some("new")).await;
}

#[tokio::test]
async fn a_server_answers_for_the_sidecars_that_it_has_and_for_no_others() {
    let has = tokio::sync::watch::Sender::new(vec!["work"]);
    let look = has.subscribe();
    let check = looking_at(move |_, _| {
        let names = look.borrow().iter().map(ToString::to_string).collect();
        async move { Ok(Server { id: "it".to_owned(), sidecars: Some(names) }) }
    });
    let plan = Plan { check_server: check, ..Plan::new() };
    let house = plan.build(&[shell("other", "sleep 1000", json!({})), shell("work", "sleep 1000", json!({}))]);
    let mode = set(&house, connected()).await.unwrap();
    assert_eq!(mode["endpoints"], json!({"work": {"url": SERVER, "owner": "remote"}}));
    assert_eq!((house.state("work").owner, house.state("other").owner), (Owner::Remote, Owner::None));
    let failed = house.sidecars.wait_ready("other", LONG).await.unwrap_err();
    assert!(failed.code == "UNREACHABLE" && failed.message.contains("has no sidecar other"), "{failed}");
    // It may get one, or lose it, at any time.
    let _ = has.send_replace(vec!["other"]);
    house.until("other", |state| state.owner == Owner::Remote).await;
    assert_eq!(house.sidecars.wait_ready("other", LONG).await.unwrap().owner, Owner::Remote);
    let mode = house.sidecars.list().mode;
    assert_eq!(mode.endpoints.keys().collect::<Vec<_>>(), ["other"]);
    assert_eq!(house.state("work").owner, Owner::None);
}

#[tokio::test]
async fn a_service_that_has_ended_here_says_nothing_of_that_of_the_server() {
    let has = |names: &[&str]| {
        Ok(Server { id: "it".to_owned(), sidecars: Some(names.iter().map(ToString::to_string).collect()) })
    };
    let now = tokio::sync::watch::Sender::new(has(&["svc"]));
    let look = now.subscribe();
    let check = looking_at(move |_, _| {
        let now = look.borrow().clone();
        async move { now }
    });
    let script = "echo up; while [ ! -e go ]; do sleep 0.01; done";
    let keys = json!({"ready": {"kind": "line", "pattern": "up"}});
    let house = Plan { check_server: check, ..Plan::new() }.build(&[shell("svc", script, keys)]);
    let waits = || house.sidecars.wait_ready("svc", LONG);
    house.up("svc").await;
    fs::write(house.file("go"), "").unwrap();
    house.until_status("svc", SidecarStatus::Stopped).await;
    set(&house, connected()).await.unwrap();
    let state = waits().await.unwrap();
    assert_eq!((state.status, state.owner), (SidecarStatus::Stopped, Owner::Remote));
    // It has none of that name, or is lost, and then nobody serves.
    for (found, why) in [(has(&[]), "has no sidecar svc"), (Err("it is lost".to_owned()), "it is lost")] {
        let _ = now.send_replace(found.clone());
        let is_lost = found.is_err();
        let tells = || {
            let mode = house.sidecars.list().mode;
            (mode.endpoints.is_empty() && mode.server_failure.is_some() == is_lost).then_some(())
        };
        eventually("the mode tells", tells).await;
        let failed = waits().await.unwrap_err();
        assert!(failed.code == "UNREACHABLE" && failed.message.contains(why), "{failed}");
    }
    // Here it is over.
    set(&house, json!({"mode": "service"})).await.unwrap();
    assert_eq!(waits().await.unwrap_err().code, "STOPPED");
}

#[tokio::test]
async fn nobody_looks_at_a_server_that_is_not_used_any_more() {
    let looking_now = Arc::new(());
    let looks = Arc::clone(&looking_now);
    let check = looking(move |_, _| {
        let look = Arc::clone(&looks);
        async move { Ok(format!("{}", Arc::strong_count(&look) > 0)) }
    });
    let house = Plan { check_server: check, ..Plan::new() }.build(&[shell("work", "sleep 1000", json!({}))]);
    let idle = Arc::strong_count(&looking_now);
    let gone = || eventually("nobody looks", || (Arc::strong_count(&looking_now) == idle).then_some(()));
    set(&house, connected()).await.unwrap();
    assert!(Arc::strong_count(&looking_now) > idle);
    set(&house, connected()).await.unwrap();
    set(&house, json!({"mode": "standalone"})).await.unwrap();
    gone().await;
    set(&house, connected()).await.unwrap();
    house.sidecars.stop_all().await;
    gone().await;
}

#[tokio::test]
async fn a_switch_goes_on_though_nobody_waits_for_it() {
    let plan = Plan { mode: SetMode::Standalone, ..Plan::new() };
    let script = "while [ ! -e go ]; do sleep 0.01; done; echo up; sleep 1000";
    let house =
        plan.build(&[shell("work", script, json!({"autoStart": true, "ready": {"kind": "line", "pattern": "up"}}))]);
    let asking = house.peer.request_raw::<_, Value>("sidecar.setMode", json!({"mode": "service"}));
    tokio::select! {
        _ = asking => panic!("it is not ready yet"),
        _ = house.until("work", |state| state.pid.is_some()) => (),
    }
    fs::write(house.file("go"), "").unwrap();
    let mode = crate::house::eventually("the mode has changed", || {
        Some(house.sidecars.list().mode).filter(|mode| mode.mode == Mode::Service)
    });
    assert!(mode.await.changing.is_none());
}

#[tokio::test]
async fn a_switch_is_under_way_until_nothing_of_the_old_side_is_left() {
    let script = "trap 'while [ ! -e go ]; do sleep 0.01; done; exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let stop = json!({"closeStdinMs": 0, "signalMs": 20000});
    let ready = json!({"kind": "line", "pattern": "up"});
    let house = House::of(&[shell("work", script, json!({"autoStart": true, "stop": stop, "ready": ready}))]);
    house.up("work").await;
    let switching = set(&house, json!({"mode": "standalone"}));
    let going = async {
        house.until_status("work", SidecarStatus::Stopping).await;
        let mode = house.sidecars.list().mode;
        assert!(mode.mode == Mode::Standalone && mode.endpoints.is_empty());
        let second = set(&house, json!({"mode": "service"})).await.unwrap_err();
        assert_eq!((second.code(), &second.details().unwrap()["changing"]["to"]), ("CONFLICT", &json!("standalone")));
        fs::write(house.file("go"), "").unwrap();
    };
    let (switched, ()) = tokio::join!(switching, going);
    assert_eq!(switched.unwrap().get("changing"), None);
    assert!(house.processes().is_empty());
    set(&house, json!({"mode": "service"})).await.unwrap();
    assert_eq!(house.state("work").status, SidecarStatus::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_switches_leave_no_descriptor_no_thread_and_no_process() {
    if !crate::house::alone("modes::two_hundred_switches_leave_no_descriptor_no_thread_and_no_process") {
        return;
    }
    let plan = Plan { check_server: any_server(), ..Plan::new() };
    let keys = json!({"autoStart": true, "ready": {"kind": "line", "pattern": "up"}});
    let house = plan.build(&[shell("work", "echo up; sleep 1000 & sleep 1000", keys)]);
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let mut before = None;
    for round in 0..100 {
        set(&house, json!({"mode": "service"})).await.unwrap();
        assert_eq!(house.state("work").generation, round + 1);
        set(&house, if round % 2 == 0 { connected() } else { json!({"mode": "standalone"}) }).await.unwrap();
        assert!(house.processes().is_empty());
        // What the first rounds have made once and for all is there by then.
        if round == 9 {
            before = Some((count("fd"), count("task")));
        }
    }
    // Threads of the pool for blocking work come and go by its own rules; there is a bound on them.
    let (descriptors, threads) = before.unwrap();
    crate::house::eventually("descriptors are given back", || (count("fd") <= descriptors).then_some(())).await;
    assert!(count("task") <= threads + 4, "{} threads, {threads} before", count("task"));
}

#[tokio::test]
async fn no_switch_starts_anything_once_all_of_them_are_stopped() {
    let plan = Plan { mode: SetMode::Standalone, ..Plan::new() };
    let house = plan.build(&[shell("late", "sleep 1000", json!({"autoStart": true}))]);
    house.sidecars.stop_all().await;
    let refused = set(&house, json!({"mode": "service"})).await.unwrap_err();
    assert!(refused.code() == "CONFLICT" && refused.to_string().contains("stopping"), "{refused}");
    assert_eq!((house.state("late").starts, house.processes().len()), (0, 0));
}
