//! The general parser: any order of keys, white space, escapes, unknown fields, 0.2's lenient shapes, and every error.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::peek;
use super::scan::{self, ScanError};
use super::{
    Credit, Frame, Grant, Kind, Lag, MAX_CID_BYTES, Malformed, MalformedReason, Meta, Nxt, Offer, Req, Resume,
};
use crate::{Code, Fault};

type Parsed<T> = Result<T, MalformedReason>;

pub(super) fn decode(text: &str, depth: u32) -> Result<Frame<'_>, Malformed> {
    parse(text, depth).map_err(|reason| peek::malformed(text.as_bytes(), reason))
}

fn parse(text: &str, depth: u32) -> Parsed<Frame<'_>> {
    check_depth(text, depth)?;
    let fields = Fields::parse(text)?;
    let Some(kind) = Kind::parse(&fields.required::<String>("kind")?) else {
        return Ok(Frame::Unknown);
    };
    let cid = fields.text("cid")?.filter(|cid| cid.len() <= MAX_CID_BYTES).ok_or(MalformedReason::Field("cid"))?;
    match kind {
        Kind::Req => req(&fields, cid),
        Kind::Res => res(&fields, cid),
        Kind::Err => Ok(Frame::Err { cid, fault: fault(&fields) }),
        Kind::Nxt => nxt(&fields, cid),
        Kind::End => Ok(Frame::End { cid, up: direction(&fields)? }),
        Kind::Can => Ok(Frame::Can { cid, reason: fields.text("reason").ok().flatten() }),
    }
}

/// Checks fields that stand behind a payload: the inside of an object.
pub(super) fn check_fields(fields: &str) -> Parsed<()> {
    let object = format!("{{{fields}}}");
    if fields.trim().is_empty() { Err(MalformedReason::Syntax) } else { Fields::parse(&object).map(drop) }
}

fn check_depth(text: &str, depth: u32) -> Parsed<()> {
    match scan::value(text.as_bytes(), scan::space(text.as_bytes(), 0), depth) {
        Ok(_) => Ok(()),
        Err(ScanError::Depth) => Err(MalformedReason::Depth),
        Err(ScanError::Syntax | ScanError::Truncated) => Err(MalformedReason::Syntax),
    }
}

fn req<'a>(fields: &Fields<'a>, cid: Cow<'a, str>) -> Parsed<Frame<'a>> {
    let method = fields.text("method")?.ok_or(MalformedReason::Field("method"))?;
    let meta = fields.raw("meta").map_or(Ok(Meta::default()), meta)?;
    Ok(Frame::Req(Req { cid, method, payload: fields.raw("payload"), meta }))
}

fn res<'a>(fields: &Fields<'a>, cid: Cow<'a, str>) -> Parsed<Frame<'a>> {
    match fields.optional::<bool>("ok")? {
        Some(false) => Err(MalformedReason::Field("ok")),
        Some(true) | None => Ok(Frame::Res { cid, result: fields.raw("result").unwrap_or("null") }),
    }
}

fn fault(fields: &Fields<'_>) -> Fault {
    let text = |key| fields.optional::<String>(key).ok().flatten();
    let message = text("message").unwrap_or_default();
    let code = match text("code") {
        Some(code) if code == Code::NOT_FOUND && message == Code::NO_HANDLER => Code::NO_HANDLER.to_owned(),
        Some(code) => code,
        None => Code::INTERNAL.to_owned(),
    };
    let fault = Fault::new(code, message).domain(text("domain").unwrap_or_else(|| "common".to_owned()));
    match fields.optional::<Value>("details") {
        Ok(Some(details)) => fault.details(details),
        Ok(None) | Err(_) => fault,
    }
}

fn nxt<'a>(fields: &Fields<'a>, cid: Cow<'a, str>) -> Parsed<Frame<'a>> {
    let fc = fields.raw("fc").map_or(Ok(Credit::Silent), credit)?;
    let is_grant = matches!(fc, Credit::Grant { .. });
    Ok(Frame::Nxt(Nxt {
        cid,
        data: fields.raw("data").or(if is_grant { None } else { Some("null") }),
        seq: fields.count("seq")?,
        pos: fields.count("pos")?,
        epoch: fields.text("epoch")?,
        skipped: fields.count("skipped")?.unwrap_or(0),
        reset: fields.optional("reset")?.unwrap_or(false),
        fc,
        up: direction(fields)?,
    }))
}

fn direction(fields: &Fields<'_>) -> Parsed<bool> {
    match fields.text("dir")?.as_deref() {
        Some("up") => Ok(true),
        Some("down") | None => Ok(false),
        Some(_) => Err(MalformedReason::Field("dir")),
    }
}

fn credit(raw: &str) -> Parsed<Credit> {
    if !raw.starts_with('{') {
        return Ok(if raw == "1" { Credit::Obeys } else { Credit::Silent });
    }
    let fields = Fields::parse(raw).map_err(|_| MalformedReason::Field("fc"))?;
    let upto = fields.count("upto")?.ok_or(MalformedReason::Field("fc.upto"))?;
    Ok(Credit::Grant(Grant { upto, ack: fields.count("ack")?, bytes: bytes_ahead(&fields, "fc.bytes")? }))
}

fn meta(raw: &str) -> Parsed<Meta<'_>> {
    if raw == "null" {
        return Ok(Meta::default());
    }
    let fields = Fields::parse(raw).map_err(|reason| match reason {
        MalformedReason::RepeatedKey => reason,
        _ => MalformedReason::Field("meta"),
    })?;
    Ok(Meta {
        raw: Some(raw),
        timeout_ms: fields.millis("timeoutMs")?,
        idle_ms: fields.millis("idleMs")?,
        fc: fields.raw("fc").filter(|raw| raw.starts_with('{')).map(offer).transpose()?,
        up: fields.raw("up").is_some_and(|raw| raw.starts_with('{')),
        resume: fields.raw("resume").filter(|raw| raw.starts_with('{')).map(resume).transpose()?,
        lane: fields.text("lane")?,
        version: fields.version()?,
    })
}

fn offer(raw: &str) -> Parsed<Offer> {
    let fields = Fields::parse(raw).map_err(|_| MalformedReason::Field("meta.fc"))?;
    let upto = fields.count("upto")?.filter(|upto| *upto > 0).ok_or(MalformedReason::Field("meta.fc.upto"))?;
    // An unknown policy is a later version's: the method's own applies.
    let on_lag = fields.raw("onLag").and_then(|raw| serde_json::from_str::<Lag>(raw).ok());
    Ok(Offer { upto, on_lag, bytes: bytes_ahead(&fields, "meta.fc.bytes")? })
}

fn bytes_ahead(fields: &Fields<'_>, name: &'static str) -> Parsed<Option<u64>> {
    match fields.count("bytes")? {
        Some(0) => Err(MalformedReason::Field(name)),
        bytes => Ok(bytes),
    }
}

fn resume(raw: &str) -> Parsed<Resume<'_>> {
    let fields = Fields::parse(raw).map_err(|_| MalformedReason::Field("meta.resume"))?;
    let epoch = fields.text("epoch")?.ok_or(MalformedReason::Field("meta.resume.epoch"))?;
    let after = fields.count("after")?.ok_or(MalformedReason::Field("meta.resume.after"))?;
    Ok(Resume { epoch, after })
}

/// The keys of one object and their values as text. A null value of an optional field counts as absent.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Parsed<Fields<'a>> {
        let Object(fields) = serde_json::from_str(text).map_err(|_| MalformedReason::Syntax)?;
        let distinct: HashSet<&str> = fields.iter().map(|(key, _)| key.as_ref()).collect();
        if distinct.len() < fields.len() { Err(MalformedReason::RepeatedKey) } else { Ok(Fields(fields)) }
    }

    fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    fn optional<T: DeserializeOwned>(&self, key: &'static str) -> Parsed<Option<T>> {
        let raw = self.raw(key).filter(|raw| *raw != "null");
        raw.map_or(Ok(None), |raw| serde_json::from_str(raw).map_err(|_| MalformedReason::Field(key)))
    }

    fn required<T: DeserializeOwned>(&self, key: &'static str) -> Parsed<T> {
        self.optional(key)?.ok_or(MalformedReason::Field(key))
    }

    fn text(&self, key: &'static str) -> Parsed<Option<Cow<'a, str>>> {
        let Some(raw) = self.raw(key).filter(|raw| *raw != "null") else { return Ok(None) };
        let inside = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).ok_or(MalformedReason::Field(key))?;
        if !inside.contains('\\') {
            return Ok(Some(Cow::Borrowed(inside)));
        }
        serde_json::from_str(raw).map(|text| Some(Cow::Owned(text))).map_err(|_| MalformedReason::Field(key))
    }

    /// A whole number from zero, also where a peer writes it as `3.0` or `3e0`.
    fn count(&self, key: &'static str) -> Parsed<Option<u64>> {
        match self.number(key)? {
            Some(number) if number.fract() == 0.0 => Ok(Some(number as u64)),
            Some(_) => Err(MalformedReason::Field(key)),
            None => Ok(None),
        }
    }

    /// Milliseconds, of which a fraction counts as a whole one.
    fn millis(&self, key: &'static str) -> Parsed<Option<u64>> {
        Ok(self.number(key)?.map(|number| number.ceil() as u64))
    }

    fn number(&self, key: &'static str) -> Parsed<Option<f64>> {
        match self.optional::<f64>(key)? {
            Some(number) if (0.0..=9_007_199_254_740_991.0).contains(&number) => Ok(Some(number)),
            Some(_) => Err(MalformedReason::Field(key)),
            None => Ok(None),
        }
    }

    /// A string, or a number as 0.2 may write it.
    fn version(&self) -> Parsed<Option<Cow<'a, str>>> {
        match self.raw("rpcSpecVersion") {
            Some(raw) if raw.starts_with(|first: char| first.is_ascii_digit()) => Ok(Some(Cow::Borrowed(raw))),
            Some(_) => self.text("rpcSpecVersion"),
            None => Ok(None),
        }
    }
}

/// The keys and values of an object in their order, repeated ones included.
struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            fields.push((key, value.get()));
        }
        Ok(Object(fields))
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
