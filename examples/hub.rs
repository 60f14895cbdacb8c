//! The hub: one state for many windows. A service owns a slice of it, a window follows the state by patches and changes a
//! setting on condition that nobody else did, and events go out beside the state.
//!
//!     cargo run --example hub

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sixframe::hub::{
    self, COMMIT, CommitParams, EventsParams, Expect, Hub, HubConfig, Json, Op, OutboundChannel, Replica, SliceConfig,
    WATCH, WATCH_EVENTS, WatchParams,
};
use sixframe::transports::memory;
use sixframe::{Code, Router, connect};

/// What a service shows of its work. Nobody else writes it, and it cannot hold anything else.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Build {
    done: u32,
    steps: Vec<Step>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Step {
    id: String,
    ok: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let hub = Hub::new(HubConfig::default())?;
    let events = OutboundChannel::new(1 << 20);
    let initial = Json::of(&Build { done: 0, steps: Vec::new() })?;
    let build = hub.own::<Build>(SliceConfig::new("build", initial).volatile())?;

    let (ours, theirs) = memory::pair(Default::default());
    let (_server, serving) = connect(theirs, hub::router(&hub).merge(hub::events_router(&events)));
    let (window, calling) = connect(ours, Router::new());
    tokio::spawn(serving);
    tokio::spawn(calling);

    // The first item is the state; each one after it says how the state changed.
    let mut changes = window.stream(&WATCH, WatchParams::default());
    let mut seen = Replica::default();
    seen.apply(changes.next().await.transpose()?.context("the state")?.data);

    // The service writes where it changes something: that is what the windows are told.
    build.commit(|write| {
        write.set("/done", 1);
        write.put("/steps", "id", Step { id: "compile".to_owned(), ok: true });
    })?;
    let change = changes.next().await.transpose()?.context("a change")?.data;
    println!("told: {}", serde_json::to_string(&change)?);
    seen.apply(change);
    ensure!(*seen.value() == hub.state(), "the window has what the hub has");

    // Only if nobody changed the setting since the window saw it.
    let version = seen.version().context("a version")?.clone();
    let set = |value: f64| -> Result<CommitParams> {
        let expect = Expect { epoch: Some(version.epoch.clone()), revision: version.revision, paths: Vec::new() };
        let ops = vec![Op::Replace { path: "/global/temperature".parse()?, value: Json::of(&value)? }];
        Ok(CommitParams { ops, expect: Some(expect), mutation: None })
    };
    window.request(&COMMIT, set(0.2)?).await?;
    let late = window.request(&COMMIT, set(0.9)?).await.err().context("a conflict")?;
    println!("refused: {late}");
    ensure!(late.code() == Code::CONFLICT && hub.state().at("/global/temperature") == Some(&Json::of(&0.2)?));

    let mut told = window.stream(&WATCH_EVENTS, EventsParams { types: Some(vec!["build.".to_owned()]), since: None });
    // A stream begins when its request arrives; a call behind it tells that it did.
    window.request(&hub::GET_SNAPSHOT, ()).await?;
    events.emit("other.thing", ())?;
    events.emit("build.ended", json!({"ok": true}))?;
    let event = told.next().await.transpose()?.context("an event")?;
    println!("event {} at {:?}: {}", event.data.kind, event.pos, event.data.payload);
    ensure!(event.data.kind == "build.ended");
    Ok(())
}
