//! Who depends on whom: first what is needed, last what needs it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use rustix::process::Signal;
use serde_json::{Value, json};
use sixframe_hub::{Hub, HubConfig};
use sixframe_services::sidecars::api::{SidecarState, SidecarStatus};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::house::{House, LONG, Plan, WELL, alone, details, python, send, server, shell};

/// Says in a file that it is up, and when it ends.
fn noted(name: &str, depends: &[&str]) -> Value {
    let script = format!(
        "trap 'echo {name} ends >> order; exit 0' TERM; sleep 0.1; echo {name} begins >> order; echo up; \
         while :; do sleep 0.01; done"
    );
    shell(name, &script, json!({"dependsOn": depends, "ready": {"kind": "line", "pattern": "up"}, "autoStart": true}))
}

fn order(house: &House, what: &str) -> Vec<String> {
    let text = fs::read_to_string(house.file("order")).unwrap_or_default();
    text.lines().filter_map(|line| Some(line.strip_suffix(what)?.trim().to_owned())).collect()
}

#[tokio::test]
async fn everything_starts_behind_what_it_needs_and_stops_before_it() {
    let house = House::of(&[
        noted("app", &["api", "search"]),
        noted("api", &["store"]),
        noted("search", &["store"]),
        noted("store", &[]),
    ]);
    assert_eq!(house.state("app").status, SidecarStatus::Starting, "what is to start with the daemon is about to");
    house.sidecars.begin();
    house.sidecars.wait_ready("app", LONG).await.unwrap();
    let begun = order(&house, "begins");
    assert_eq!((begun[0].as_str(), begun[3].as_str(), begun.len()), ("store", "app", 4));
    let state = |name: &str| house.state(name);
    assert!(state("store").ready_at <= state("api").started_at && state("search").ready_at <= state("app").started_at);
    // What does not depend on each other is started together.
    assert!(state("search").started_at < state("api").ready_at && state("api").started_at < state("search").ready_at);
    house.sidecars.stop_all().await;
    let ended = order(&house, "ends");
    assert_eq!((ended[0].as_str(), ended[3].as_str(), ended.len()), ("app", "store", 4));
    assert!(house.processes().is_empty() && house.supervisor.is_empty());
    let refused = house.sidecars.start("store").await.unwrap_err();
    assert!(refused.code == "CONFLICT" && refused.message.contains("the daemon is stopping"));
}

#[tokio::test]
async fn one_that_waits_for_programs_of_an_earlier_daemon_or_for_others_says_so() {
    const EARLIER: &str = "SIXFRAME_TEST_EARLIER";
    if let Some(folder) = env::var_os(EARLIER) {
        let folder = Path::new(&folder);
        let script = "exec 2>/dev/null; trap 'while [ ! -e $FOLDER/go ]; do sleep 0.01; done; exit 0' TERM; echo up; \
                      while :; do sleep 0.01; done";
        let keys = json!({"env": {"FOLDER": folder}, "ready": {"kind": "line", "pattern": "up"},
            "stop": {"closeStdinMs": 0, "signalMs": 60_000}});
        let plan = Plan { ledger: Some(folder.join("ledger")), ..Plan::new() };
        let house = plan.build(&[shell("old", script, keys)]);
        house.up("old").await;
        send(std::process::id(), Signal::KILL);
        std::future::pending::<()>().await;
    }
    let plan = Plan::new();
    let folder = plan.folder.path().to_path_buf();
    let mut earlier = std::process::Command::new(env::current_exe().unwrap());
    let test = "order::one_that_waits_for_programs_of_an_earlier_daemon_or_for_others_says_so";
    let ended = earlier.args(["--exact", test]).env(EARLIER, &folder).env("TMPDIR", &folder).output().unwrap();
    assert_eq!(ended.status.signal(), Some(9), "{}", String::from_utf8_lossy(&ended.stdout));
    let store = shell(
        "store",
        "while [ ! -e warm ]; do sleep 0.01; done; echo up; exec sleep 1000",
        json!({"ready": {"kind": "line", "pattern": "up"}}),
    );
    let web = shell("web", "exec sleep 1000", json!({"dependsOn": ["store"]}));
    let house = Plan { ledger: Some(folder.join("ledger")), ..plan }.build(&[store, web]);
    house.sidecars.start("web").await.unwrap();
    let says = |what: &'static str| move |state: &SidecarState| state.waits_for.as_deref() == Some(what);
    let waits = house.until("web", says("programs of an earlier daemon to end")).await;
    assert_eq!((waits.status, waits.starts), (SidecarStatus::Starting, 0));
    fs::write(house.file("go"), "").unwrap();
    house.until("web", says("store")).await;
    fs::write(house.file("warm"), "").unwrap();
    let up = house.sidecars.wait_ready("web", LONG).await.unwrap();
    assert_eq!((up.waits_for, house.state("store").waits_for), (None, None));
}

#[tokio::test]
async fn starting_one_starts_what_it_needs_and_stopping_one_stops_what_needs_it() {
    let house = House::of(&[noted("app", &["store"]), noted("store", &[]), noted("other", &[])]);
    house.sidecars.start("app").await.unwrap();
    assert_eq!(house.state("app").status, SidecarStatus::Starting);
    house.sidecars.wait_ready("app", LONG).await.unwrap();
    assert_eq!(house.state("store").status, SidecarStatus::Ready);
    house.sidecars.stop("store", true).await.unwrap();
    assert_eq!(order(&house, "ends"), ["app", "store"]);
    assert_eq!(house.state("app").status, SidecarStatus::Stopped);
    house.up("app").await;
    house.sidecars.stop("store", false).await.unwrap();
    assert_eq!(
        (house.state("app").status, house.state("store").status),
        (SidecarStatus::Ready, SidecarStatus::Stopped)
    );
    house.sidecars.restart("app").await.unwrap();
    house.sidecars.wait_ready("app", LONG).await.unwrap();
    assert_eq!(house.state("store").status, SidecarStatus::Ready, "it needs it again");
}

#[tokio::test]
async fn what_is_slow_to_stop_holds_up_only_what_it_needs() {
    let script = "exec 2>/dev/null; trap 'while [ ! -e go ]; do sleep 0.01; done; exit 0' TERM; echo up; while :; do sleep 0.01; done";
    let stop = json!({"closeStdinMs": 0, "signalMs": 60_000});
    let keys = json!({"dependsOn": ["base"], "ready": {"kind": "line", "pattern": "up"}, "stop": stop});
    let house = House::of(&[
        shell("stubborn", script, keys),
        noted("base", &[]),
        noted("app", &["store"]),
        noted("store", &[]),
    ]);
    house.up("stubborn").await;
    house.up("app").await;
    let going = async {
        house.until_status("store", SidecarStatus::Stopped).await;
        assert_eq!(house.state("stubborn").status, SidecarStatus::Stopping);
        assert_eq!(house.state("base").status, SidecarStatus::Ready, "it is still needed");
        fs::write(house.file("go"), "").unwrap();
    };
    tokio::join!(house.sidecars.stop_all(), going);
    assert_eq!(order(&house, "ends"), ["app", "store", "base"]);
    assert!(house.processes().is_empty());
}

#[tokio::test]
async fn what_needs_something_that_fails_fails_with_its_name() {
    let house = House::of(&[
        shell("app", "sleep 1000", json!({"dependsOn": ["store"]})),
        shell("store", "exit 1", json!({"restart": "never", "ready": {"kind": "line", "pattern": "up"}})),
    ]);
    let fault = house.fails("app").await;
    assert_eq!((fault.code.as_ref(), &details(&fault)["dependency"]), ("DEPENDENCY", &json!("store")));
    assert!(fault.message.contains("exited with 1"), "{fault}");
    assert_eq!(house.state("app").starts, 0);
}

#[tokio::test]
async fn what_needs_a_job_that_has_ended_is_told_that_it_cannot() {
    let ready = json!({"kind": "line", "pattern": "done"});
    let house = House::of(&[
        shell("app", "sleep 1000", json!({"dependsOn": ["job"]})),
        shell("job", "while [ ! -e go ]; do sleep 0.01; done", json!({"ready": ready})),
    ]);
    house.sidecars.start("app").await.unwrap();
    fs::write(house.file("go"), "").unwrap();
    let fault = house.sidecars.wait_ready("app", LONG).await.unwrap_err();
    assert_eq!((fault.code.as_ref(), &details(&fault)["dependency"]), ("DEPENDENCY", &json!("job")));
    assert!(!fault.message.contains("a job that ends"), "it ended before it was ready: {fault}");

    let keys = json!({"dependsOn": ["first", "job"]});
    let first = shell("first", "while [ ! -e go ]; do sleep 0.01; done; echo up; sleep 1000", {
        json!({"ready": {"kind": "line", "pattern": "up"}})
    });
    let house = House::of(&[shell("app", "sleep 1000", keys), first, shell("job", "exit 0", json!({}))]);
    house.sidecars.start("app").await.unwrap();
    let fault = house.sidecars.wait_ready("app", LONG).await.unwrap_err();
    assert_eq!((fault.code.as_ref(), &details(&fault)["dependency"]), ("DEPENDENCY", &json!("job")));
    assert!(fault.message.contains("nothing can depend on a job that ends"), "{fault}");
}

#[tokio::test]
async fn what_is_stopped_before_it_has_begun_is_stopped() {
    let house = House::of(&[noted("app", &["store"]), noted("store", &[])]);
    assert_eq!(house.state("store").status, SidecarStatus::Starting, "it is to start with the daemon");
    assert_eq!(house.sidecars.stop("store", true).await.unwrap().status, SidecarStatus::Stopped);
    assert_eq!(house.state("app").status, SidecarStatus::Stopped);
    assert_eq!(house.sidecars.wait_ready("app", LONG).await.unwrap_err().code, "STOPPED");
}

#[tokio::test]
async fn what_needs_something_that_fails_does_not_wait_for_the_rest() {
    let ready = json!({"kind": "line", "pattern": "up"});
    let house = House::of(&[
        shell("app", "sleep 1000", json!({"dependsOn": ["slow", "weak"]})),
        shell("slow", "sleep 1000", json!({"ready": {"kind": "line", "pattern": "up", "timeoutMs": 600_000}})),
        shell("weak", "exit 1", json!({"restart": "never", "ready": ready})),
    ]);
    let fault = house.fails("app").await;
    assert_eq!((fault.code.as_ref(), &details(&fault)["dependency"]), ("DEPENDENCY", &json!("weak")));
    assert_eq!(house.state("slow").status, SidecarStatus::Starting);
}

#[tokio::test]
async fn what_needs_two_waits_for_one_that_falls_while_the_other_is_started() {
    let until = |file: &str| format!("while [ ! -e {file} ]; do sleep 0.01; done");
    let (fall, again, other) = (until("fall"), until("again"), until("other"));
    let script =
        format!("if [ ! -e once ]; then touch once; echo up; {fall}; exit 1; fi; {again}; echo up; sleep 1000");
    let ready = json!({"kind": "line", "pattern": "up"});
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1});
    let house = House::of(&[
        shell("app", "sleep 1000", json!({"dependsOn": ["first", "second"]})),
        shell("first", &script, json!({"restart": restart, "ready": ready.clone()})),
        shell("second", &format!("{other}; echo up; sleep 1000"), json!({"ready": ready})),
    ]);
    house.sidecars.start("app").await.unwrap();
    house.until_status("first", SidecarStatus::Ready).await;
    fs::write(house.file("fall"), "").unwrap();
    house.until("first", |state| state.generation == 2).await;
    fs::write(house.file("other"), "").unwrap();
    house.until_status("second", SidecarStatus::Ready).await;
    fs::write(house.file("again"), "").unwrap();
    house.sidecars.wait_ready("app", LONG).await.unwrap();
    assert!(house.state("app").started_at >= house.state("first").ready_at);
}

#[tokio::test]
async fn what_needs_something_that_crashes_once_waits_for_it() {
    let script = "if [ ! -e once ]; then touch once; exit 1; fi; echo up; sleep 1000";
    let restart = json!({"policy": "on-failure", "backoffMs": 1, "maxBackoffMs": 1});
    let house = House::of(&[
        shell("app", "sleep 1000", json!({"dependsOn": ["store"]})),
        shell("store", script, json!({"restart": restart, "ready": {"kind": "line", "pattern": "up"}})),
    ]);
    assert_eq!(house.up("app").await.status, SidecarStatus::Running);
    assert_eq!(house.state("store").generation, 2);
}

#[tokio::test]
async fn one_is_defined_only_where_that_is_allowed_and_makes_sense() {
    let mut plan = Plan::new();
    plan.define_allowed = true;
    let house = plan.build(&[shell("store", "sleep 1000", json!({}))]);
    let define = |config: Value| house.peer.request_raw::<_, Value>("sidecar.define", config);
    let state = define(shell("late", "sleep 1000", json!({"dependsOn": ["store"]}))).await.unwrap();
    assert_eq!(state["status"], "stopped");
    house.up("late").await;
    assert_eq!(house.state("store").status, SidecarStatus::Running);
    let runs = define(shell("late", "sleep 1", json!({}))).await.unwrap_err();
    assert_eq!(runs.code(), "CONFLICT");
    let circle = define(shell("store", "sleep 1", json!({"dependsOn": ["late"]}))).await.unwrap_err();
    assert!(circle.code() == "INVALID_PAYLOAD" && circle.to_string().contains("late -> store -> late"), "{circle}");
    house.sidecars.stop("late", true).await.unwrap();
    define(shell("late", "exit 9", json!({"restart": "never"}))).await.unwrap();
    house.sidecars.start("late").await.unwrap();
    assert_eq!(house.until_status("late", SidecarStatus::Failed).await.exit.unwrap().code, Some(9));

    let house = House::of(&[]);
    let refused =
        house.peer.request_raw::<_, Value>("sidecar.define", shell("a", "true", json!({}))).await.unwrap_err();
    assert!(refused.code() == "FORBIDDEN" && refused.to_string().contains("--allow sidecar.define"), "{refused}");
}

#[tokio::test]
async fn as_many_are_defined_as_a_daemon_keeps_and_those_may_be_changed() {
    let house = Plan { define_allowed: true, ..Plan::new() }.build(&[]);
    let define = |at: usize| {
        let config = serde_json::from_value(shell(&format!("n{at}"), "true", json!({}))).unwrap();
        house.sidecars.define(config)
    };
    (0..128).for_each(|at| drop(define(at).unwrap()));
    let refused = define(128).unwrap_err();
    assert!(refused.code == "RESOURCE_EXHAUSTED" && refused.message.contains("128"), "{refused}");
    define(0).unwrap();
}

#[tokio::test]
async fn two_that_are_defined_at_once_are_no_circle() {
    let house = Plan { define_allowed: true, ..Plan::new() }.build(&[]);
    let define = |name: &str, below: &[&str]| {
        let config = serde_json::from_value(shell(name, "true", json!({"dependsOn": below}))).unwrap();
        house.sidecars.define(config)
    };
    let runtime = tokio::runtime::Handle::current();
    for _ in 0..200 {
        ["a", "b"].iter().for_each(|name| drop(define(name, &[]).unwrap()));
        let together = std::sync::Barrier::new(2);
        let done = std::thread::scope(|scope| {
            let [first, second] = [("a", "b"), ("b", "a")].map(|(name, below)| {
                let (runtime, together, define) = (&runtime, &together, &define);
                scope.spawn(move || {
                    let _within = runtime.enter();
                    together.wait();
                    define(name, &[below]).is_ok()
                })
            });
            [first.join().unwrap(), second.join().unwrap()]
        });
        assert_eq!(done.iter().filter(|ok| **ok).count(), 1, "{done:?}");
    }
}

#[tokio::test]
async fn the_hub_shows_what_the_methods_tell_and_nobody_else_may_write_it() {
    let web = python("web", &server(WELL), json!({"port": "auto", "health": "http"}));
    let house = House::of(&[noted("store", &[]), web]);
    house.up("store").await;
    house.up("web").await;
    let snapshot = serde_json::to_value(house.hub.snapshot()).unwrap();
    let listed = house.peer.request_raw::<_, Value>("sidecar.list", ()).await.unwrap();
    assert_eq!(snapshot["sidecars"]["services"]["store"], listed["sidecars"][0]);
    assert_eq!(snapshot["sidecars"]["mode"], listed["mode"]);
    assert_eq!(listed["mode"]["endpoints"]["web"]["url"], listed["sidecars"][1]["url"]);
    let ops = json!({"ops": [{"op": "remove", "path": "/sidecars/services/store"}]});
    let refused = house.hub.commit(serde_json::from_value(ops).unwrap()).unwrap_err();
    assert!(format!("{refused:?}").contains("sidecars"), "{refused:?}");
}

#[tokio::test]
async fn a_hub_that_is_closed_is_a_warning_only_while_the_daemon_goes_on() {
    if !alone("order::a_hub_that_is_closed_is_a_warning_only_while_the_daemon_goes_on") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let layer = tracing_subscriber::fmt::layer().with_writer(Arc::new(fs::File::create(&log).unwrap()));
    let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let warnings = || fs::read_to_string(&log).unwrap().matches("the hub does not show the sidecars").count();
    let (hub, _) = Hub::open(HubConfig::default(), &folder.path().join("hub")).unwrap();
    let house = Plan { hub, ..Plan::new() }.build(&[shell("work", "sleep 1000", json!({}))]);
    house.up("work").await;
    assert_eq!(warnings(), 0);
    house.hub.close().unwrap();
    house.sidecars.restart("work").await.unwrap();
    house.sidecars.wait_ready("work", LONG).await.unwrap();
    let told = warnings();
    assert!(told > 0, "what is not shown is told");
    house.sidecars.stop_all().await;
    assert_eq!(warnings(), told);
    assert!(house.processes().is_empty());
}

#[tokio::test]
async fn a_watcher_that_looks_away_gets_the_newest_of_each() {
    let house = House::of(&[shell("a", "sleep 1000", json!({})), shell("b", "sleep 1000", json!({}))]);
    let mut items = house.peer.stream_raw::<_, Value>("sidecar.watch", json!({}));
    let mut next = async || items.next().await.unwrap().unwrap().data;
    assert_eq!((next().await["name"].clone(), next().await["name"].clone()), (json!("a"), json!("b")));
    for _ in 0..50 {
        house.up("a").await;
        house.sidecars.stop("a", true).await.unwrap();
    }
    house.up("b").await;
    let mut told = 0;
    loop {
        told += 1;
        let state = next().await;
        if state["name"] == "b" && state["status"] == "running" {
            break;
        }
    }
    // What was under way when it looked away, and one behind that for each.
    assert!(told < 300, "{told}");
}

#[tokio::test]
async fn what_is_used_is_told_only_while_somebody_watches() {
    let house = House::of(&[shell("busy", "while :; do :; done", json!({}))]);
    house.up("busy").await;
    assert_eq!(house.state("busy").usage, None);
    let used = house.until("busy", |state| state.usage.is_some_and(|usage| usage.cpu_percent > 1.0)).await;
    let usage = used.usage.unwrap();
    assert!(usage.processes == 1 && usage.memory_bytes > 100_000, "{usage:?}");
    crate::house::eventually("it is forgotten", || house.state("busy").usage.is_none().then_some(())).await;
}
