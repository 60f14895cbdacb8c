//! The types of the Agent Client Protocol, asked what words they know and whether they take what we write.

use agent_client_protocol_schema::v1;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The words that an agent may use, by where they stand, sorted.
pub fn vocabulary() -> Value {
    json!({
        "contentBlock": words::<v1::ContentBlock>("type"),
        "elicitationMode": words::<v1::ElicitationMode>("mode"),
        "permissionOptionKind": words::<v1::PermissionOptionKind>(""),
        "planEntryStatus": words::<v1::PlanEntryStatus>(""),
        "request": sorted(quoted(&format!("{:?}", v1::CLIENT_METHOD_NAMES))),
        "sessionUpdate": words::<v1::SessionUpdate>("sessionUpdate"),
        "stopReason": words::<v1::StopReason>(""),
        "toolCallContent": words::<v1::ToolCallContent>("type"),
        "toolCallStatus": words::<v1::ToolCallStatus>(""),
        "toolKind": words::<v1::ToolKind>(""),
    })
}

/// The constants of an enumeration, or of the member that tells its variants apart.
fn words<T: JsonSchema>(tag: &str) -> Vec<String> {
    let schema = schema_for!(T).to_value();
    let variants = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let told = variants.filter_map(|variant| {
        let told = variant["properties"][tag]["const"].as_str().or(variant["const"].as_str());
        told.map(str::to_owned)
    });
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned));
    sorted(told.chain(listed).collect())
}

fn quoted(text: &str) -> Vec<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words.dedup();
    words
}

/// Why the protocol does not take a message that a client writes: a request, a notification, or the answer to the request
/// `answers`. What its types pass over without a word is a reason, too.
///
/// # Errors
/// What is wrong with it.
pub fn taken(message: &Value, answers: Option<&str>) -> Result<(), String> {
    let (params, result) = (&message["params"], &message["result"]);
    match (message["method"].as_str(), answers) {
        (Some("initialize"), _) => read::<v1::InitializeRequest>(params),
        (Some("session/new"), _) => read::<v1::NewSessionRequest>(params),
        (Some("session/load"), _) => read::<v1::LoadSessionRequest>(params),
        (Some("session/resume"), _) => read::<v1::ResumeSessionRequest>(params),
        (Some("session/fork"), _) => read::<v1::ForkSessionRequest>(params),
        (Some("session/set_mode"), _) => read::<v1::SetSessionModeRequest>(params),
        (Some("session/set_config_option"), _) => read::<v1::SetSessionConfigOptionRequest>(params),
        (Some("session/prompt"), _) => read::<v1::PromptRequest>(params),
        (Some("session/cancel"), _) => read::<v1::CancelNotification>(params),
        (Some(method), _) => Err(format!("it has no method {method}")),
        (None, _) if !message["error"].is_null() => read::<v1::Error>(&message["error"]),
        (None, Some("session/request_permission")) => read::<v1::RequestPermissionResponse>(result),
        (None, Some("elicitation/create")) => read::<v1::CreateElicitationResponse>(result),
        (None, other) => Err(format!("nobody answers {other:?}")),
    }
}

fn read<T: DeserializeOwned + Serialize>(written: &Value) -> Result<(), String> {
    let read: T = serde_json::from_value(written.clone()).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(read).map_err(|error| error.to_string())?;
    lost(written, &kept, "").map_or(Ok(()), |place| Err(format!("{place} means nothing to it")))
}

/// The first place of what was written that is not in what was kept. What is empty need not be.
fn lost(written: &Value, kept: &Value, place: &str) -> Option<String> {
    let nothing = Map::new();
    match (written, kept) {
        (Value::Object(written), kept) => {
            let kept = kept.as_object().unwrap_or(&nothing);
            let of = |key: &String| kept.get(key).unwrap_or(&Value::Null);
            written.iter().find_map(|(key, value)| lost(value, of(key), &format!("{place}/{key}")))
        }
        (Value::Array(written), kept) => {
            let of = |at: usize| kept.get(at).unwrap_or(&Value::Null);
            let each = written.iter().enumerate();
            each.into_iter().find_map(|(at, value)| lost(value, of(at), &format!("{place}/{at}")))
        }
        (Value::Bool(false), Value::Null) => None,
        (written, kept) => (written != kept).then(|| place.to_owned()),
    }
}
