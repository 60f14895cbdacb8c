//! W3C trace context, as `meta` carries it: read from a request, continued in the calls that its handler makes.

use std::fmt;

use serde::Deserialize;
use std::borrow::Cow;

/// A trace to which a call belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace, 128 bits, not zero.
    pub trace_id: u128,
    /// The caller's span, 64 bits, not zero.
    pub span_id: u64,
    /// The flags; bit 0 says that the trace is recorded.
    pub flags: u8,
    /// `tracestate`, passed on as it is.
    pub state: Option<String>,
    /// `baggage`, passed on as it is.
    pub baggage: Option<String>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
    tracestate: Option<String>,
    baggage: Option<String>,
}

impl TraceContext {
    /// Reads the context from a `meta` object; `None` where it has none or a malformed one, which W3C says to ignore.
    pub fn from_meta(meta: &[u8]) -> Option<TraceContext> {
        if meta.is_empty() || memchr::memmem::find(meta, b"traceparent").is_none() {
            return None;
        }
        let fields: Fields<'_> = serde_json::from_slice(meta).ok()?;
        let context = TraceContext::parse(&fields.traceparent?)?;
        Some(TraceContext { state: fields.tracestate, baggage: fields.baggage, ..context })
    }

    /// Reads a `traceparent`.
    pub fn parse(text: &str) -> Option<TraceContext> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths = (version.len(), trace.len(), span.len(), flags.len()) == (2, 32, 16, 2);
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
        if !lengths || !lower || version == "ff" || version == "00" && parts.next().is_some() {
            return None;
        }
        let context = TraceContext {
            trace_id: u128::from_str_radix(trace, 16).ok()?,
            span_id: u64::from_str_radix(span, 16).ok()?,
            flags: u8::from_str_radix(flags, 16).ok()?,
            state: None,
            baggage: None,
        };
        (context.trace_id != 0 && context.span_id != 0).then_some(context)
    }

    /// The context of a call made under this one: the same trace, a span of its own.
    #[must_use]
    pub fn child(&self) -> TraceContext {
        TraceContext { span_id: fastrand::u64(1..), ..self.clone() }
    }

    /// The inside of a `meta` object that carries the context.
    pub(crate) fn to_meta(&self) -> String {
        let mut meta = format!("\"traceparent\":\"{self}\"");
        let fields = [("tracestate", &self.state), ("baggage", &self.baggage)];
        for (key, value) in fields.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            let value = serde_json::to_string(value).expect("a string can be written as JSON");
            meta.push_str(&format!(",\"{key}\":{value}"));
        }
        meta
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_continued_with_a_span_of_its_own() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let meta = format!(r#"{{"traceparent":"{parent}","tracestate":"a=\"b\"","x":1}}"#);
        let context = TraceContext::from_meta(meta.as_bytes()).expect("the context is well formed");
        assert_eq!(context.to_string(), parent);
        let child = context.child();
        assert_eq!((child.trace_id, &child.state), (context.trace_id, &context.state));
        assert_ne!(child.span_id, context.span_id);
        let again = format!("{{{}}}", child.to_meta());
        assert_eq!(TraceContext::from_meta(again.as_bytes()), Some(child));
    }

    #[test]
    fn malformed_contexts_are_ignored() {
        for text in [
            "",
            "00",
            "00-0-0-00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }
}
