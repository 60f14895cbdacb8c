//! How an expected frame is held against a sent one.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Keys of `meta` that a sender may add to what a vector expects.
const OPTIONAL_META: [&str; 5] = ["rpcSpecVersion", "ts", "traceparent", "tracestate", "baggage"];

/// The `cid`s of our calls by the names that a vector gives them.
#[derive(Default)]
pub(crate) struct Cids {
    bound: HashMap<String, String>,
    used: Vec<String>,
}

impl Cids {
    /// The frame with `$name` replaced in its `cid`.
    pub(crate) fn resolve(&self, frame: &Value) -> Result<Value, String> {
        let mut frame = frame.clone();
        if let Some(name) = frame["cid"].as_str().and_then(|cid| cid.strip_prefix('$')) {
            let cid = self.bound.get(name).ok_or_else(|| format!("${name} is not bound yet"))?;
            frame["cid"] = Value::from(cid.clone());
        }
        Ok(frame)
    }

    /// The text with every bound `$name` replaced.
    pub(crate) fn resolve_text(&self, text: &str) -> String {
        let replace =
            |text: String, (name, cid): (&String, &String)| text.replace(&format!("${name}\""), &format!("{cid}\""));
        self.bound.iter().fold(text.to_owned(), replace)
    }

    /// Binds the name in an expected `req` to the `cid` of the sent one.
    fn bind(&mut self, expected: &Value, sent: &Value) -> Result<(), String> {
        let Some(name) = expected["cid"].as_str().and_then(|cid| cid.strip_prefix('$')) else { return Ok(()) };
        if expected["kind"] != "req" || sent["kind"] != "req" {
            return Ok(());
        }
        let cid = sent["cid"].as_str().ok_or("a request has no cid")?.to_owned();
        if self.used.contains(&cid) {
            return Err(format!("the cid {cid} was used before"));
        }
        self.used.push(cid.clone());
        self.bound.insert(name.to_owned(), cid);
        Ok(())
    }
}

/// Whether `sent` is the frame that was expected; binds its `cid` where it is a request of ours.
pub(crate) fn check_sent(cids: &mut Cids, expected: &Value, sent: &Value) -> Result<(), String> {
    if same_frame(expected, sent, true) {
        cids.bind(expected, sent)?;
        if same_frame(&cids.resolve(expected)?, sent, false) {
            return Ok(());
        }
    }
    Err(format!("expected {expected}, sent {sent}"))
}

fn same_frame(expected: &Value, sent: &Value, any_cid: bool) -> bool {
    let (Some(expected), Some(sent)) = (expected.as_object(), sent.as_object()) else { return false };
    let keys = expected.keys().chain(sent.keys());
    keys.map(String::as_str).all(|key| match key {
        "cid" if any_cid => true,
        "message" if !expected.contains_key("message") => true,
        "details" => !expected.contains_key(key) || more(expected.get(key), sent.get(key)),
        "meta" => same_meta(expected.get(key), sent.get(key)),
        _ => same(expected.get(key), sent.get(key)),
    })
}

/// Equality in which `"$any"` stands for every value, and for none.
pub(crate) fn same(expected: Option<&Value>, actual: Option<&Value>) -> bool {
    match (expected, actual) {
        (Some(Value::String(any)), _) if any == "$any" => true,
        (Some(Value::Object(expected)), Some(Value::Object(actual))) => {
            expected.keys().chain(actual.keys()).all(|key| same(expected.get(key), actual.get(key)))
        }
        (Some(Value::Number(expected)), Some(Value::Number(actual))) => expected.as_f64() == actual.as_f64(),
        (Some(Value::Array(expected)), Some(Value::Array(actual))) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(a, b)| same(Some(a), Some(b)))
        }
        (expected, actual) => expected == actual,
    }
}

/// As [`same`], but an object may hold more than was expected.
pub(crate) fn more(expected: Option<&Value>, actual: Option<&Value>) -> bool {
    match (expected, actual) {
        (Some(Value::Object(expected)), Some(Value::Object(actual))) => {
            expected.iter().all(|(key, value)| same(Some(value), actual.get(key)))
        }
        (expected, actual) => same(expected, actual),
    }
}

fn same_meta(expected: Option<&Value>, sent: Option<&Value>) -> bool {
    let none = Map::new();
    let expected = expected.and_then(Value::as_object).unwrap_or(&none);
    let sent = sent.and_then(Value::as_object).unwrap_or(&none);
    let optional = |key: &str| OPTIONAL_META.contains(&key) && !expected.contains_key(key);
    let keys = expected.keys().chain(sent.keys()).filter(|key| !optional(key));
    keys.into_iter().all(|key| same(expected.get(key), sent.get(key)))
}
