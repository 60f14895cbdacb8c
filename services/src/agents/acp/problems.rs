//! What goes wrong with agents of the Agent Client Protocol, in our words. They have no vocabulary in common.

use serde_json::Value;

use super::super::problem::{Problem, ProblemKind};

/// What an error says, with what some leave for its details.
pub(super) fn text(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or("it told of an error without saying which");
    match error["data"]["details"].as_str().filter(|details| !message.contains(details)) {
        Some(details) => format!("{message}: {details}"),
        None => message.to_owned(),
    }
}

/// An error of JSON-RPC. Agents have no vocabulary in common: some tell the status of HTTP as its code.
pub(super) fn problem(error: &Value) -> Problem {
    let text = text(error);
    let code = error["code"].as_i64().unwrap_or_default();
    let word = error["data"]["errorKind"].as_str();
    let problem = match (word, code) {
        (Some("rate_limit"), _) => Problem::new(ProblemKind::RateLimited, text),
        (Some("overloaded"), _) => Problem::new(ProblemKind::Overloaded, text),
        (Some("billing_error"), _) => Problem::new(ProblemKind::Billing, text),
        (Some("authentication_failed"), _) | (_, -32000) => {
            Problem::new(ProblemKind::AuthRequired, text).hint("log in with the agent's own program")
        }
        (_, 400..=599) => Problem::of_status(u16::try_from(code).unwrap_or_default(), text),
        (_, -32602) => Problem::new(ProblemKind::InvalidRequest, text),
        _ => Problem::new(ProblemKind::ProviderError, text),
    };
    problem.code(word.map_or_else(|| code.to_string(), str::to_owned))
}

/// What an agent says that failed, and says so only by a text. Some name the status of their service in it.
pub(super) fn failed(text: &str) -> Problem {
    let status = text.split_once("status").and_then(|(_, rest)| {
        let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
        let number = digits.split(|c: char| !c.is_ascii_digit()).next()?;
        number.parse().ok().filter(|status| (400..600).contains(status))
    });
    match status {
        Some(status) => Problem::of_status(status, text),
        None => Problem::new(ProblemKind::ProviderError, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_measured_of_agents_that_fail_is_told_by_kind() {
        let kind = |error: Value| problem(&error).kind;
        assert_eq!(kind(json!({"code": -32000, "message": "Authentication required"})), ProblemKind::AuthRequired);
        let limited = json!({"code": -32603, "message": "x", "data": {"errorKind": "rate_limit"}});
        assert_eq!(kind(limited), ProblemKind::RateLimited);
        assert_eq!(kind(json!({"code": 503, "message": "x"})), ProblemKind::Overloaded);
        assert_eq!(kind(json!({"code": -32603, "message": "x"})), ProblemKind::ProviderError);
    }
}
