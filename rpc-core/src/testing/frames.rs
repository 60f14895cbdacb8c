//! Frames as JSON values, to send as a scripted peer and to expect from an endpoint. An answer is made for the frame that
//! it answers, whose `cid` it takes.

use serde_json::{Value, json};

/// What a call of `method` looks like, to be expected.
pub fn req(method: &str) -> Value {
    json!({"kind": "req", "method": method})
}

/// A call to be sent.
pub fn call(cid: &str, method: &str, payload: Value) -> Value {
    json!({"kind": "req", "cid": cid, "method": method, "payload": payload})
}

/// A call that offers credit for a stream's first `upto` items.
pub fn open(cid: &str, method: &str, payload: Value, upto: u64) -> Value {
    json!({"kind": "req", "cid": cid, "method": method, "payload": payload, "meta": {"fc": {"upto": upto}}})
}

/// The answer to `frame`.
pub fn res(frame: &Value, result: Value) -> Value {
    json!({"kind": "res", "cid": frame["cid"], "ok": true, "result": result})
}

/// The failure of `frame`.
pub fn err(frame: &Value, code: &str, message: &str) -> Value {
    json!({"kind": "err", "cid": frame["cid"], "ok": false, "code": code, "message": message, "domain": "common"})
}

/// Item number `seq` of the stream that `frame` opened; the first says that credit is obeyed.
pub fn nxt(frame: &Value, seq: u64, data: Value) -> Value {
    let mut item = json!({"kind": "nxt", "cid": frame["cid"], "seq": seq, "data": data});
    if seq == 1 {
        item["fc"] = 1.into();
    }
    item
}

/// Credit for upstream items of `frame` (which called with `meta.up`), or, with `dir` added, for a stream's items.
pub fn grant(frame: &Value, upto: u64) -> Value {
    json!({"kind": "nxt", "cid": frame["cid"], "fc": {"upto": upto}})
}

/// The end of the stream that `frame` opened.
pub fn end(frame: &Value) -> Value {
    json!({"kind": "end", "cid": frame["cid"]})
}

/// The cancel of `frame`, to be sent or expected.
pub fn can(frame: &Value) -> Value {
    json!({"kind": "can", "cid": frame["cid"]})
}
