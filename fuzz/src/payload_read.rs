//! The quick reader and writer of payloads against `serde_json`, which has the last word on what a text means.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sixframe_core::Payload;

/// Reads `data` as several types, and writes again what was read.
pub fn payload_read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(payload) = Payload::from_json(text.to_owned()) else { return };
    check::<Value>(&payload);
    check::<Everything>(&payload);
    check::<Vec<Option<Number>>>(&payload);
    check::<BTreeMap<i64, Shape>>(&payload);
    check::<(Shape, Option<bool>)>(&payload);
    check::<Either>(&payload);
    check::<f64>(&payload);
    check::<u64>(&payload);
    check::<i128>(&payload);
    check::<char>(&payload);
    check::<String>(&payload);
}

fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(payload: &Payload) {
    let text = payload.as_str();
    let Ok(expected) = serde_json::from_str::<T>(text) else {
        // An absent value stands for an empty one in payloads alone; nothing else is more lenient than serde_json.
        assert!(matches!(text.trim(), "null" | "{}") || payload.parse::<T>().is_err(), "{text}");
        return;
    };
    assert_eq!(payload.parse::<T>().ok().as_ref(), Some(&expected), "{text}");
    let written = Payload::of(&expected).expect("what was read can be written");
    assert_eq!(written.as_str(), serde_json::to_string(&expected).expect("what was read can be written"));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Everything {
    id: u64,
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f32>,
    inner: Option<Box<Everything>>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(i8),
    Tuple(u16, char),
    Struct { a: Option<u8>, b: () },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Number {
    Whole { value: i32 },
    Fraction { value: f64 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Text(String),
    Flag(bool),
    List(Vec<Either>),
    Number(f64),
    Shape(Shape),
}
