//! What sidecars write, and where readers are.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sixframe_core::Items;
use sixframe_services::sidecars::api::SidecarStatus;

use crate::house::{House, LONG, WELL, python, server, shell};

fn read(house: &House, params: Value) -> Items<Value> {
    house.peer.stream_raw("sidecar.logs", params)
}

async fn next(items: &mut Items<Value>) -> Value {
    tokio::time::timeout(LONG, items.next()).await.expect("an item comes").unwrap().unwrap().data
}

async fn all(house: &House, params: Value) -> Vec<Value> {
    let mut items = read(house, params);
    let mut found = Vec::new();
    while let Some(item) = tokio::time::timeout(LONG, items.next()).await.expect("it ends") {
        found.push(item.unwrap().data);
    }
    found
}

fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["text"].as_str()).collect()
}

#[tokio::test]
async fn a_follower_goes_on_over_restarts_and_is_told_where_runs_begin_and_end() {
    let script =
        "echo out of $$; echo err of $$ >&2; while [ ! -e \"$STOP\" ]; do sleep 0.01; done; rm \"$STOP\"; exit 6";
    let restart = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1});
    let house = House::of(&[shell("work", script, json!({"env": {"STOP": "stop"}, "restart": restart}))]);
    let mut items = read(&house, json!({"name": "work", "stream": "stdout"}));
    house.up("work").await;
    for generation in 1..=3 {
        let started = next(&mut items).await;
        let pid = started["pid"].as_u64().unwrap();
        assert_eq!(started, json!({"kind": "started", "generation": generation, "pid": pid}));
        let line = next(&mut items).await;
        let text = format!("out of {pid}");
        assert_eq!(
            line,
            json!({"kind": "line", "stream": "stdout", "generation": generation, "offset": 0, "text": text})
        );
        fs::write(house.file("stop"), "").unwrap();
        let exited = next(&mut items).await;
        let length = text.len() + 1;
        let expected = json!({"kind": "exited", "generation": generation, "exit": {"code": 6},
            "lastOffset": {"stdout": length, "stderr": length}});
        assert_eq!(exited, expected);
    }
}

#[tokio::test]
async fn a_reader_begins_at_an_offset_at_the_end_or_with_the_last_bytes() {
    let house = House::of(&[shell(
        "work",
        "echo one; echo two; echo three; read stop; echo four",
        json!({"stop": {"closeStdinMs": 60000}}),
    )]);
    house.up("work").await;
    crate::house::logged(&house, "work", "three", 1).await;
    let mut end = read(&house, json!({"name": "work", "from": "end"}));
    let now = |from: Value| json!({"name": "work", "from": from, "follow": false});
    assert_eq!(texts(&all(&house, now(json!("start"))).await), ["one", "two", "three"]);
    assert_eq!(texts(&all(&house, now(json!({"offset": 4}))).await), ["two", "three"]);
    assert_eq!(texts(&all(&house, now(json!({"generation": 1, "offset": 8}))).await), ["three"]);
    assert_eq!(texts(&all(&house, now(json!({"last": 6}))).await), ["three"]);
    assert_eq!(all(&house, now(json!("end"))).await, [] as [Value; 0]);
    // The request for the end is answered in its order before that to stop.
    house.peer.request_raw::<_, Value>("sidecar.stop", json!({"name": "work"})).await.unwrap();
    assert_eq!(next(&mut end).await["text"], "four");
    assert_eq!(next(&mut end).await["kind"], "exited");
    assert_eq!(texts(&all(&house, now(json!({"offset": 14}))).await), ["four"]);
}

#[tokio::test]
async fn the_rest_of_a_line_is_told_as_such() {
    let house = House::of(&[shell("work", "echo 2475712; echo 2475713; printf 'name? '; sleep 1000", json!({}))]);
    house.up("work").await;
    crate::house::logged(&house, "work", "2475713", 1).await;
    let last = |bytes: u64| json!({"name": "work", "from": {"last": bytes}, "follow": false});
    while texts(&all(&house, last(6)).await) != ["name? "] {}
    let seen = async |bytes: u64| {
        let items = all(&house, last(bytes)).await;
        let lines = items.iter().map(|item| (item["text"].as_str().unwrap().to_owned(), item["rest"] == json!(true)));
        lines.collect::<Vec<_>>()
    };
    let line = |text: &str, rest: bool| (text.to_owned(), rest);
    assert_eq!(seen(10).await, [line("713", true), line("name? ", false)]);
    assert_eq!(seen(14).await, [line("2475713", false), line("name? ", false)]);
    assert_eq!(seen(3).await, [line("e? ", true)]);
    assert_eq!(seen(1000).await[0], line("2475712", false));
}

#[tokio::test]
async fn what_has_no_end_yet_is_told_to_who_does_not_wait() {
    let house = House::of(&[shell("ask", "echo hello; printf 'name? '; sleep 1000", json!({}))]);
    house.up("ask").await;
    crate::house::logged(&house, "ask", "hello", 1).await;
    let mut last = Value::Null;
    while last["partial"] != json!(true) {
        last = all(&house, json!({"name": "ask", "follow": false})).await.pop().unwrap();
    }
    assert_eq!((&last["text"], &last["offset"]), (&json!("name? "), &json!(6)));
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_told_as_a_gap() {
    let script = "i=0; while [ $i -lt 1000 ]; do echo \"line $i\"; i=$((i+1)); done; echo done; sleep 1000";
    let house =
        House::of(&[shell("loud", script, json!({"logBytes": 1024, "ready": {"kind": "line", "pattern": "done"}}))]);
    house.up("loud").await;
    let items = all(&house, json!({"name": "loud", "follow": false})).await;
    assert_eq!(items[0]["kind"], "started");
    assert_eq!((&items[1]["kind"], &items[1]["from"]), (&json!("gap"), &json!(0)));
    assert_eq!(items[1]["to"], items[2]["offset"]);
    assert_eq!((&items[2]["rest"], &items[3]["rest"]), (&json!(true), &Value::Null), "{items:?}");
    assert_eq!(*texts(&items).last().unwrap(), "done");
}

#[tokio::test]
async fn whole_runs_that_are_not_kept_any_more_are_told_as_a_gap() {
    let restart = json!({"policy": "always", "backoffMs": 1, "maxBackoffMs": 1, "starts": 1000});
    let script = "echo short; echo er >&2; if [ $(ls runs | wc -l) -ge 20 ]; then exec sleep 1000; fi; touch runs/$$";
    let house = House::of(&[shell("work", script, json!({"restart": restart}))]);
    fs::create_dir(house.file("runs")).unwrap();
    house.sidecars.start("work").await.unwrap();
    house.until("work", |state| state.generation == 21 && state.pid.is_some()).await;
    let gap = |stream: &str, first: u64, last: u64, from: u64, to: u64| json!({"kind": "gap", "stream": stream, "generation": first, "lastGeneration": last, "from": from, "to": to});
    // Sixteen runs are kept of twenty-one.
    let items = all(&house, json!({"name": "work", "follow": false})).await;
    assert_eq!(items[..2], [gap("stdout", 1, 5, 0, 30), gap("stderr", 1, 5, 0, 15)]);
    assert_eq!((&items[2]["kind"], &items[2]["generation"]), (&json!("started"), &json!(6)));
    let from = json!({"generation": 4, "offset": 2});
    let mut later = read(&house, json!({"name": "work", "stream": "stdout", "from": from}));
    assert_eq!(next(&mut later).await, gap("stdout", 4, 5, 2, 12));
    assert_eq!(next(&mut later).await["generation"], 6);
    let kept = all(&house, json!({"name": "work", "from": {"generation": 6, "offset": 0}, "follow": false})).await;
    assert!(kept.iter().all(|item| item["kind"] != "gap"), "{kept:?}");
}

#[tokio::test]
async fn a_search_leaves_out_lines_alone() {
    let house =
        House::of(&[shell("work", "echo Error: a; echo fine; echo an ERROR >&2; exit 1", json!({"restart": "never"}))]);
    house.sidecars.start("work").await.unwrap();
    house.until_status("work", SidecarStatus::Failed).await;
    let items = all(&house, json!({"name": "work", "search": "error", "follow": false})).await;
    let mut found = texts(&items);
    found.sort_unstable();
    assert_eq!(found, ["Error: a", "an ERROR"]);
    assert_eq!((items[0]["kind"].as_str(), items[3]["kind"].as_str()), (Some("started"), Some("exited")));
}

#[tokio::test]
async fn a_search_in_vain_lets_others_have_their_turns() {
    let script = "yes 'a line that nobody looks for' | head -c 4000000; exit 1";
    let house = House::of(&[shell("work", script, json!({"restart": "never"}))]);
    house.sidecars.start("work").await.unwrap();
    house.until_status("work", SidecarStatus::Failed).await;
    for follow in [false, true] {
        let mut items = read(&house, json!({"name": "work", "search": "in vain", "follow": follow}));
        assert_eq!(next(&mut items).await["kind"], "started");
        // All of this test, the sidecars and their peer run in turns on one thread.
        let turns = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                counting.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(next(&mut items).await["kind"], "exited");
        other.abort();
        let turns = turns.load(Ordering::Relaxed);
        assert!(turns > 4_000_000 / (64 << 10), "{turns} turns");
    }
}

#[tokio::test]
async fn what_was_written_to_both_outputs_is_told_in_its_order() {
    let script = "
        for at in 1 2 3 4 5 6 7 8; do
            echo $at; while [ ! -e out$at ]; do sleep 0.01; done
            echo $at >&2; while [ ! -e err$at ]; do sleep 0.01; done
        done
        exit 3";
    let house = House::of(&[shell("work", script, json!({"restart": "never"}))]);
    house.up("work").await;
    let mut items = read(&house, json!({"name": "work"}));
    for at in 1..=8 {
        for (stream, file) in [("stdout", "out"), ("stderr", "err")] {
            let line = loop {
                let item = next(&mut items).await;
                if item["kind"] == "line" {
                    break item;
                }
            };
            assert_eq!((&line["stream"], &line["text"]), (&json!(stream), &json!(at.to_string())));
            fs::write(house.file(&format!("{file}{at}")), "").unwrap();
        }
    }
    house.until_status("work", SidecarStatus::Failed).await;
    let expected: Vec<String> = (1..=8).flat_map(|at| [at.to_string(), at.to_string()]).collect();
    let streams = |items: &[Value]| -> Vec<Value> {
        items.iter().filter(|item| item["kind"] == "line").map(|item| item["stream"].clone()).collect()
    };
    for follow in [false, true] {
        let mut items = read(&house, json!({"name": "work", "follow": follow}));
        let mut found = Vec::new();
        while found.last().is_none_or(|item: &Value| item["kind"] != "exited") {
            found.push(next(&mut items).await);
        }
        assert_eq!(texts(&found), expected);
        assert_eq!(streams(&found), json!(["stdout", "stderr"].repeat(8)).as_array().unwrap().clone());
    }
}

#[tokio::test]
async fn a_reader_that_takes_nothing_costs_the_program_nothing() {
    let script = "i=0; while [ $i -lt 20000 ]; do echo \"a line that fills its part of the pipe $i\"; i=$((i+1)); done; echo done; sleep 1000";
    let house =
        House::of(&[shell("loud", script, json!({"logBytes": 4096, "ready": {"kind": "line", "pattern": "done"}}))]);
    let stuck = read(&house, json!({"name": "loud"}));
    house.up("loud").await;
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_with_a_reader_that_takes_nothing_holds_up_neither_who_writes_nor_the_looks_at_others() {
    let program = "
import os, sys, time
line, longest = b'x' * 79 + b'\\n', 0.0
for _ in range(40000):
    begun = time.monotonic()
    os.write(1, line * 100)
    longest = max(longest, time.monotonic() - begun)
print('longest', longest, file=sys.stderr)
time.sleep(1000)
";
    let health = json!({"kind": "http", "intervalMs": 5, "timeoutMs": 5000, "failures": 1});
    let flood =
        json!({"port": "auto", "logBytes": 65536, "ready": {"kind": "line", "pattern": "longest", "stream": "stderr"}});
    let web = python("web", &server(WELL), json!({"port": "auto", "health": health, "restart": "never"}));
    let house = House::of(&[web, python("flood", program, flood)]);
    house.up("web").await;
    let _stuck = read(&house, json!({"name": "flood"}));
    house.sidecars.start("flood").await.unwrap();
    let before = crate::house::logged(&house, "web", "asked", 1).await.len();
    house.sidecars.wait_ready("flood", LONG).await.unwrap();
    // It is looked at while the other writes, and behind that.
    crate::house::logged(&house, "web", "asked", before + 20).await;
    let web = house.state("web");
    assert!(web.generation == 1 && web.status == SidecarStatus::Ready && web.health_failures.is_none(), "{web:?}");
    let told = all(&house, json!({"name": "flood", "stream": "stderr", "follow": false})).await;
    let longest: f64 = texts(&told)[0].strip_prefix("longest ").unwrap().parse().unwrap();
    // Others have the processor too; whoever waits for a reader waits for ever.
    assert!(longest < 2.0, "{longest} s");
}

#[tokio::test]
async fn whoever_does_not_wait_is_told_what_is_there_though_the_program_goes_on_writing() {
    let house = House::of(&[shell("flood", "exec yes", json!({"logBytes": 65536}))]);
    house.up("flood").await;
    crate::house::logged(&house, "flood", "y", 1).await;
    let told = tokio::time::timeout(LONG, all(&house, json!({"name": "flood", "follow": false}))).await;
    assert_eq!(told.expect("it ends")[0]["kind"], "started");
}
