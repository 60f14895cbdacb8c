//! The frame tap: sees every message of a connection, for logs and recordings, with secrets taken out on request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::Message;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the peer.
    Received,
    /// To the peer.
    Sent,
}

/// A function that sees every message of a connection as it passes, before anything else does. It must not block.
#[derive(Clone)]
pub struct FrameTap(Arc<See>);

type See = dyn Fn(Direction, &Message) + Send + Sync;

impl FrameTap {
    /// A tap that calls `see`.
    pub fn new(see: impl Fn(Direction, &Message) + Send + Sync + 'static) -> FrameTap {
        FrameTap(Arc::new(see))
    }

    pub(crate) fn see(&self, direction: Direction, message: &Message) {
        (self.0)(direction, message);
    }
}

impl fmt::Debug for FrameTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameTap")
    }
}

/// Keys whose values never stand in a log, whatever their case and wherever they stand.
const SECRET_KEYS: [&str; 12] = [
    "token",
    "authorization",
    "password",
    "passwd",
    "secret",
    "apikey",
    "api_key",
    "accesstoken",
    "cookie",
    "credentials",
    "ticket",
    // The variables that a program is started with.
    "env",
];

/// What stands where a secret was.
const REDACTED: &str = "[redacted]";

/// A message as text that may stand in a log: the values of keys that name secrets are replaced, and those of
/// `meta.$sensitive` too. A message that is no JSON is described by its length alone.
pub fn redact(message: &[u8]) -> Cow<'_, str> {
    let Ok(mut value) = serde_json::from_slice::<Value>(message) else {
        return Cow::Owned(format!("[{} bytes that are no JSON]", message.len()));
    };
    let named = sensitive(&value);
    let found = redact_value(&mut value, &named);
    match std::str::from_utf8(message) {
        Ok(text) if !found => Cow::Borrowed(text),
        Ok(_) | Err(_) => Cow::Owned(value.to_string()),
    }
}

/// The keys that are secret in this frame: those that the sender itself marked, and the session in `rpc.hello`, whose name
/// is all that it takes to own it.
fn sensitive(frame: &Value) -> Vec<String> {
    let marked = frame.pointer("/meta/$sensitive").and_then(Value::as_array);
    let marked = marked.into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned));
    let session = (frame["method"] == "rpc.hello").then(|| "session".to_owned());
    marked.chain(session).collect()
}

fn redact_value(value: &mut Value, named: &[String]) -> bool {
    match value {
        Value::Object(fields) => fields.iter_mut().fold(false, |found, (key, value)| {
            if is_secret(key, named) && !value.is_null() {
                *value = Value::from(REDACTED);
                return true;
            }
            redact_value(value, named) || found
        }),
        Value::Array(items) => items.iter_mut().map(|item| redact_value(item, named)).fold(false, |a, b| a | b),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_secret(key: &str, named: &[String]) -> bool {
    SECRET_KEYS.iter().any(|secret| key.eq_ignore_ascii_case(secret)) || named.iter().any(|name| name == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_stand_in_a_log() {
        let message = br#"{"kind":"req","cid":"1","method":"m","meta":{"token":"s3cr3t","$sensitive":["pin"]},"payload":[{"Password":"s3cr3t","pin":"s3cr3t","name":"n","env":{"KEY":"s3cr3t"}}]}"#;
        let text = redact(message);
        assert!(!text.contains("s3cr3t"), "{text}");
        assert!(text.contains("\"name\":\"n\""), "{text}");
    }

    #[test]
    fn a_session_is_a_secret_in_the_call_that_claims_it_alone() {
        let message =
            |method| format!(r#"{{"kind":"req","cid":"1","method":"{method}","payload":{{"session":"mine"}}}}"#);
        assert!(!redact(message("rpc.hello").as_bytes()).contains("mine"));
        assert!(redact(message("hub.watch").as_bytes()).contains("mine"));
    }

    #[test]
    fn a_message_without_secrets_stays_as_it_was() {
        let message = br#"{"kind":"res", "cid":"1","ok":true,"result":1}"#;
        assert_eq!(redact(message).as_bytes(), message);
        assert_eq!(redact(b"\xff{"), "[2 bytes that are no JSON]");
    }
}
