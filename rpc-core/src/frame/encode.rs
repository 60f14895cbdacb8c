//! Writes frames. A payload stands last in its frame, so that a trusting reader need not look for its end.

use super::scan;
use super::{Grant, Offer, Resume};
use crate::scratch::{self, Chunk};
use crate::{Fault, Message};

/// What a `req` says in `meta`.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallMeta<'a> {
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) idle_ms: Option<u64>,
    pub(crate) fc: Option<Offer>,
    pub(crate) up: bool,
    pub(crate) resume: Option<Resume<'a>>,
    pub(crate) lane: Option<&'a str>,
    pub(crate) op: Option<&'a str>,
    /// The inside of a JSON object, without its braces.
    pub(crate) extra: &'a str,
}

pub(crate) fn req(
    chunk: Option<&mut Chunk>,
    cid: impl Id,
    method: &str,
    meta: &CallMeta<'_>,
    payload: &[u8],
) -> Message {
    scratch::frame_in(chunk, |out| {
        open(out, "{\"kind\":\"req\",\"cid\":", cid);
        out.extend_from_slice(b",\"method\":");
        write_string(out, method);
        write_meta(out, meta);
        field(out, b",\"payload\":", payload);
        out.push(b'}');
    })
}

/// An answer; `result` is JSON text.
pub fn res(cid: &str, result: &[u8]) -> Message {
    res_in(None, cid, result)
}

pub(crate) fn res_in(chunk: Option<&mut Chunk>, cid: &str, result: &[u8]) -> Message {
    scratch::frame_in(chunk, |out| {
        open(out, "{\"kind\":\"res\",\"cid\":", cid);
        out.extend_from_slice(b",\"ok\":true");
        field(out, b",\"result\":", result);
        out.push(b'}');
    })
}

/// A failure.
pub fn err(cid: &str, fault: &Fault) -> Message {
    scratch::frame(|out| {
        open(out, "{\"kind\":\"err\",\"cid\":", cid);
        out.extend_from_slice(b",\"ok\":false,\"message\":");
        write_string(out, &fault.message);
        out.extend_from_slice(b",\"code\":");
        write_string(out, &fault.code);
        out.extend_from_slice(b",\"domain\":");
        write_string(out, &fault.domain);
        if let Some(details) = &fault.details {
            out.extend_from_slice(b",\"details\":");
            serde_json::to_writer(&mut *out, details).expect("a JSON value can be written to memory");
        }
        out.push(b'}');
    })
}

/// What stands around the data of an item.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ItemFields<'a> {
    pub(crate) seq: u64,
    pub(crate) pos: Option<u64>,
    pub(crate) epoch: Option<&'a str>,
    pub(crate) skipped: u64,
    pub(crate) reset: bool,
    pub(crate) obeys: bool,
    pub(crate) up: bool,
    pub(crate) method: Option<&'a str>,
}

pub(crate) fn item(cid: impl Id, fields: ItemFields<'_>, data: &[u8]) -> Message {
    scratch::transient(|out| {
        open(out, "{\"kind\":\"nxt\",\"cid\":", cid);
        if fields.up {
            out.extend_from_slice(b",\"dir\":\"up\"");
        }
        if let Some(method) = fields.method {
            out.extend_from_slice(b",\"method\":");
            write_string(out, method);
        }
        number(out, b",\"seq\":", fields.seq);
        if let Some(pos) = fields.pos {
            number(out, b",\"pos\":", pos);
        }
        if let Some(epoch) = fields.epoch {
            out.extend_from_slice(b",\"epoch\":");
            write_string(out, epoch);
        }
        if fields.skipped > 0 {
            number(out, b",\"skipped\":", fields.skipped);
        }
        if fields.reset {
            out.extend_from_slice(b",\"reset\":true");
        }
        if fields.obeys {
            out.extend_from_slice(b",\"fc\":1");
        }
        field(out, b",\"data\":", data);
        out.push(b'}');
    })
}

pub(crate) fn grant(cid: impl Id, up: bool, grant: Grant) -> Message {
    scratch::frame(|out| {
        open(out, "{\"kind\":\"nxt\",\"cid\":", cid);
        if up {
            out.extend_from_slice(b",\"dir\":\"up\"");
        }
        number(out, b",\"fc\":{\"upto\":", grant.upto);
        if let Some(ack) = grant.ack {
            number(out, b",\"ack\":", ack);
        }
        if let Some(bytes) = grant.bytes {
            number(out, b",\"bytes\":", bytes);
        }
        out.push(b'}');
        out.push(b'}');
    })
}

pub(crate) fn end(cid: impl Id, up: bool) -> Message {
    scratch::frame(|out| {
        open(out, "{\"kind\":\"end\",\"cid\":", cid);
        if up {
            out.extend_from_slice(b",\"dir\":\"up\"");
        }
        out.push(b'}');
    })
}

/// The caller's loss of interest, and why.
pub fn can(cid: &str, reason: Option<&str>) -> Message {
    scratch::frame(|out| {
        open(out, "{\"kind\":\"can\",\"cid\":", cid);
        if let Some(reason) = reason {
            out.extend_from_slice(b",\"reason\":");
            write_string(out, reason);
        }
        out.push(b'}');
    })
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    if scan::stop(text.as_bytes(), 0).is_none() {
        write_plain(out, text.as_bytes());
    } else {
        serde_json::to_writer(out, text).expect("a string can be written to memory");
    }
}

/// Writes a text in which nothing needs an escape as a JSON string.
pub(crate) fn write_plain(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// What can be the `cid` of a frame: a text, or one that is known to need no escapes.
pub(crate) trait Id {
    /// Writes it as a JSON string.
    fn write(&self, out: &mut Vec<u8>);
}

impl Id for &str {
    fn write(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

fn open(out: &mut Vec<u8>, head: &str, cid: impl Id) {
    out.extend_from_slice(head.as_bytes());
    cid.write(out);
}

fn field(out: &mut Vec<u8>, name: &[u8], json: &[u8]) {
    if !json.is_empty() {
        // A long one is copied once, not at every doubling on the way.
        out.reserve(name.len() + json.len() + 1);
        out.extend_from_slice(name);
        out.extend_from_slice(json);
    }
}

fn number(out: &mut Vec<u8>, name: &[u8], number: u64) {
    out.extend_from_slice(name);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn write_meta(out: &mut Vec<u8>, meta: &CallMeta<'_>) {
    out.extend_from_slice(b",\"meta\":");
    let start = out.len();
    if let Some(timeout) = meta.timeout_ms {
        number(out, b",\"timeoutMs\":", timeout);
    }
    if let Some(idle) = meta.idle_ms {
        number(out, b",\"idleMs\":", idle);
    }
    if let Some(offer) = meta.fc {
        write_offer(out, offer);
    }
    if meta.up {
        out.extend_from_slice(b",\"up\":{}");
    }
    if let Some(resume) = &meta.resume {
        out.extend_from_slice(b",\"resume\":{\"epoch\":");
        write_string(out, &resume.epoch);
        number(out, b",\"after\":", resume.after);
        out.push(b'}');
    }
    if let Some(lane) = meta.lane {
        out.extend_from_slice(b",\"lane\":");
        write_string(out, lane);
    }
    if let Some(op) = meta.op {
        out.extend_from_slice(b",\"op\":");
        write_string(out, op);
    }
    if !meta.extra.is_empty() {
        out.push(b',');
        out.extend_from_slice(meta.extra.as_bytes());
    }
    if out.len() == start {
        out.truncate(start - b",\"meta\":".len());
    } else {
        // Every field begins with a comma; the first one's place is the opening of the object.
        out[start] = b'{';
        out.push(b'}');
    }
}

fn write_offer(out: &mut Vec<u8>, offer: Offer) {
    number(out, b",\"fc\":{\"upto\":", offer.upto);
    if let Some(lag) = offer.on_lag {
        out.extend_from_slice(b",\"onLag\":");
        serde_json::to_writer(&mut *out, &lag).expect("a policy can be written to memory");
    }
    if let Some(bytes) = offer.bytes {
        number(out, b",\"bytes\":", bytes);
    }
    out.push(b'}');
}
