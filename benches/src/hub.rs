//! The shared state: what a commit costs, what it costs to tell a window, and a crowd of windows of which few read.

mod commits;
mod crowd;
mod idle;

use anyhow::Result;
use serde_json::{Value, json};
use sixframe_hub::{CommitParams, Hub, HubConfig, Op};

pub use crowd::Crowd;

use crate::machine;
use crate::placement::Placement;

/// Members of the large state; it is about a megabyte of JSON then.
const ITEMS: usize = 10_000;

/// Measures and prints everything.
pub fn run(crowd: &Crowd) -> Result<()> {
    println!("{}", machine::describe(Placement::Free));
    // First: memory that was used before would be used again, and not be seen.
    idle::run()?;
    commits::run()?;
    crowd::run(crowd)
}

/// A state of about a megabyte.
fn large() -> Value {
    let item = |n: usize| {
        let text = "some words that are as long as the settings of a session tend to be";
        (format!("item{n}"), json!({"n": n, "text": text, "on": n.is_multiple_of(2)}))
    };
    Value::Object((0..ITEMS).map(item).collect())
}

/// A hub with the large state as `/items`, and nothing else.
fn hub() -> Hub {
    let hub = Hub::new(HubConfig { slices: Vec::new(), ..HubConfig::default() })
        .expect("it has no slices that could not fit");
    set(&hub, "/items", large());
    hub
}

fn set(hub: &Hub, path: &str, value: Value) {
    hub.commit(add(path, value)).expect("the commit fits");
}

fn add(path: &str, value: Value) -> CommitParams {
    let ops = vec![Op::Add { path: path.parse().expect("a pointer"), value: value.into() }];
    CommitParams { ops, expect: None, mutation: None }
}
