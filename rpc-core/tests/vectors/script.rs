//! The shape of a vector file.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sixframe_core::frame::Lag;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(rename = "profile")]
    _profile: String,
    pub(crate) vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    #[serde(rename = "rules")]
    _rules: Vec<String>,
    #[serde(default)]
    pub(crate) limits: Map<String, Value>,
    #[serde(default)]
    pub(crate) methods: HashMap<String, Method>,
    pub(crate) window: Option<u32>,
    pub(crate) ahead: Option<usize>,
    #[serde(default)]
    pub(crate) unsent: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    #[serde(default)]
    pub(crate) idempotent: bool,
    #[serde(default)]
    pub(crate) resumable: bool,
    #[serde(default)]
    pub(crate) lag: Lag,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Step {
    Call(CallStep),
    Cancel(String),
    Push { call: String, data: Value },
    FinishUp(String),
    Take(TakeStep),
    Reply { request: String, result: Value },
    Fail(FailStep),
    Open(String),
    Item(ItemStep),
    Finish(String),
    Accept(String),
    Panic(String),
    Receive(Value),
    ReceiveRaw(String),
    ReceiveHex(String),
    Oversized(String),
    Advance(u64),
    Lost(bool),
    Ended(bool),
    Connected(bool),
    Drain(bool),
    Send(Value),
    SendAnyOrder(Vec<Value>),
    Idle(bool),
    Request(RequestStep),
    Stopped(String),
    Settled(SettledStep),
    Completed(String),
    Closing { setting: String },
    Polled { request: String, ready: bool },
    Pushable { call: String, ready: bool },
    Counted(HashMap<String, u64>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CallStep {
    #[serde(rename = "as")]
    pub(crate) name: String,
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    #[serde(default, deserialize_with = "present")]
    pub(crate) payload: Option<Value>,
    #[serde(default)]
    pub(crate) meta: Map<String, Value>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) idle_ms: Option<u64>,
    pub(crate) window: Option<u32>,
    pub(crate) on_lag: Option<Lag>,
    pub(crate) lane: Option<String>,
    pub(crate) op: Option<String>,
    pub(crate) parent: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    #[default]
    Unary,
    Stream,
    Upload,
    Duplex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeStep {
    pub(crate) call: Option<String>,
    pub(crate) request: Option<String>,
    pub(crate) items: Vec<ItemSeen>,
    #[serde(default)]
    pub(crate) ended: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemSeen {
    pub(crate) data: Value,
    pub(crate) pos: Option<u64>,
    #[serde(default)]
    pub(crate) skipped: u64,
    #[serde(default)]
    pub(crate) reset: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailStep {
    pub(crate) request: String,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    pub(crate) domain: Option<String>,
    pub(crate) details: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemStep {
    pub(crate) request: String,
    pub(crate) data: Value,
    pub(crate) pos: Option<u64>,
    pub(crate) epoch: Option<String>,
    #[serde(default)]
    pub(crate) reset: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestStep {
    #[serde(rename = "as")]
    pub(crate) name: String,
    pub(crate) method: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) payload: Option<Value>,
    pub(crate) meta: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettledStep {
    pub(crate) call: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) result: Option<Value>,
    pub(crate) error: Option<Failure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) details: Option<Value>,
}

/// Tells a null that is there from a value that is not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
