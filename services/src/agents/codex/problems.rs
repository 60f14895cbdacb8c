//! What Codex says of what went wrong, in our words.

use serde_json::Value;

use super::super::problem::{Problem, ProblemKind};

/// An error with its `codexErrorInfo`.
pub(super) fn problem(error: &Value) -> Problem {
    let text = error["message"].as_str().unwrap_or("it told of an error without saying which");
    let info = &error["codexErrorInfo"];
    let (word, status) = match info {
        Value::String(word) => (word.as_str(), None),
        Value::Object(members) => members.iter().next().map_or(("", None), |(word, more)| {
            (word.as_str(), more["httpStatusCode"].as_u64().and_then(|status| u16::try_from(status).ok()))
        }),
        _ => ("", None),
    };
    let problem = match (kind(word), status) {
        (Some(kind), status) => Problem { http_status: status, ..Problem::new(kind, text) },
        (None, Some(status)) => Problem::of_status(status, text),
        // Without a status, there was no answer.
        (None, None) if info.is_object() || names_connection(text) => Problem::new(ProblemKind::Network, text),
        (None, None) => Problem::new(ProblemKind::ProviderError, text),
    };
    let problem = if word.is_empty() { problem } else { problem.code(word) };
    match problem.kind {
        ProblemKind::AuthRequired => problem.hint("log in with `codex login`"),
        _ => problem,
    }
}

/// Whether a text is what it says of a connection that could not be made, or was lost, where its word for that is `other`.
fn names_connection(text: &str) -> bool {
    // Of an answer that comes to its end and is none, it says so too.
    let is_lost = text.contains("stream disconnected before completion") && !text.contains(ENDED);
    is_lost || text.contains("error sending request")
}

/// What it says of an answer that ended, though not as answers do.
const ENDED: &str = "stream closed before response.completed";

fn kind(word: &str) -> Option<ProblemKind> {
    use ProblemKind as Kind;
    Some(match word {
        "contextWindowExceeded" => Kind::ContextOverflow,
        "usageLimitExceeded" => Kind::QuotaExhausted,
        "rateLimitExceeded" => Kind::RateLimited,
        "serverOverloaded" => Kind::Overloaded,
        "modelNotFound" => Kind::ModelNotFound,
        "unauthorized" => Kind::AuthRequired,
        "badRequest" => Kind::InvalidRequest,
        "cyberPolicy" => Kind::ContentPolicy,
        "internalServerError" => Kind::ProviderError,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_measured_of_services_that_refuse_is_told_by_kind() {
        let kind = |info: Value| problem(&json!({"message": "x", "codexErrorInfo": info})).kind;
        assert_eq!(kind(json!({"httpConnectionFailed": {"httpStatusCode": 401}})), ProblemKind::AuthRequired);
        assert_eq!(kind(json!({"responseTooManyFailedAttempts": {"httpStatusCode": 429}})), ProblemKind::RateLimited);
        assert_eq!(kind(json!({"responseStreamDisconnected": {"httpStatusCode": null}})), ProblemKind::Network);
        assert_eq!(kind(json!("contextWindowExceeded")), ProblemKind::ContextOverflow);
        assert_eq!(kind(Value::Null), ProblemKind::ProviderError);
    }

    #[test]
    fn a_connection_that_cannot_be_made_is_told_as_that_though_its_word_is_other() {
        let kind = |text: &str| problem(&json!({"message": text, "codexErrorInfo": "other"})).kind;
        let refused = "error sending request for url (http://127.0.0.1:1/v1/responses)";
        assert_eq!(kind(refused), ProblemKind::Network);
        assert_eq!(kind(&format!("stream disconnected before completion: {refused}")), ProblemKind::Network);
        let ended = "stream disconnected before completion: stream closed before response.completed";
        assert_eq!(kind(ended), ProblemKind::ProviderError);
        assert_eq!(kind("it has thought better of it"), ProblemKind::ProviderError);
    }
}
