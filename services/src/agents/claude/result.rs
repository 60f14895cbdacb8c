//! The end of a turn, as Claude Code tells it. What failed at the model's service is told as a success with an error inside.

use serde_json::Value;

use super::super::agent::{Fact, Step};
use super::super::event::Outcome;
use super::super::item::{Item, ItemKind, ItemStatus};
use super::super::problem::{Problem, ProblemKind};
use super::super::turn::TurnEnd;
use super::super::usage::{Cost, Usage, UsageUpdate};
use super::Claude;
use super::blocks::Blocks;
use super::course::End;

/// What was paid so far, of which only the sum is told.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// In dollars, where anything was told of it.
    sum: Option<f64>,
    /// Whether it goes on with a session or forks one, and has told of no sum yet.
    goes_on: bool,
}

/// By how much a sum may be below the last one because that was rounded, in dollars.
const ROUNDED: f64 = 1e-6;

impl Costs {
    /// Of a process that goes on with a session which has cost so much. Of a fork nobody knows what is in its sum.
    pub(super) fn of_session(spent: Option<&Cost>) -> Costs {
        let dollars = spent.filter(|cost| cost.currency == "USD");
        Costs { sum: dollars.map(|cost| cost.amount_micros as f64 / 1e6), goes_on: true }
    }

    /// What a turn has cost that used so much.
    fn of_turn(&mut self, message: &Value, used: Usage) -> Option<Cost> {
        let sum = message["total_cost_usd"].as_f64()?;
        let before = self.sum.replace(sum);
        // Whoever goes on with a session goes on with the sum that it kept of it, if it did, and with the tokens in that.
        let is_first = std::mem::take(&mut self.goes_on);
        let begins_anew = is_first && counted(&message["modelUsage"]).is_some_and(|all| all <= used.tokens());
        match before {
            _ if begins_anew => Cost::of_dollars(sum),
            None if is_first => None,
            Some(before) if sum + ROUNDED >= before => Cost::of_dollars((sum - before).max(0.0)),
            Some(_) | None => Cost::of_dollars(sum),
        }
    }
}

/// The tokens of all models so far, where they are told.
fn counted(models: &Value) -> Option<u64> {
    const COUNTS: [&str; 4] = ["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"];
    let of_model = |model: &Value| COUNTS.iter().filter_map(|count| model[*count].as_u64()).sum::<u64>();
    let models = models.as_object().filter(|models| !models.is_empty())?;
    Some(models.values().map(of_model).sum())
}

impl Claude {
    pub(super) fn result(&mut self, message: &Value) -> Vec<Step> {
        // Nothing was asked of it yet: it does not find the session.
        if self.resumes && message["is_error"] == true {
            return vec![Step::tell("result", Fact::Lost { why: said(message) })];
        }
        let mut steps = self.late_denials(message);
        let usage = self.course.used(usage(&message["usage"]));
        let end = self.end(message);
        (self.problem, self.blocks) = (None, Blocks::default());
        let context_size = message["modelUsage"].as_object().into_iter().flatten();
        let context_size = context_size.filter_map(|(_, model)| model["contextWindow"].as_u64()).max();
        let session_cost = message["total_cost_usd"].as_f64().and_then(Cost::of_dollars);
        let told = UsageUpdate { context_size, turn: Some(usage), session_cost, ..UsageUpdate::default() };
        steps.push(Step::tell("result", Fact::Usage(told)));
        let Some(ends) = self.course.ends(message, usage) else {
            steps.extend(end.error.map(|problem| Step::tell("result", Fact::Problem(problem))));
            return steps;
        };
        let end = TurnEnd {
            usage: Some(usage),
            cost: self.costs.of_turn(message, usage),
            native_stop_reason: word(message, "terminal_reason").or_else(|| word(message, "stop_reason")),
            is_own: ends == End::Own,
            ..end
        };
        steps.push(Step::tell("result", Fact::Ended(end)));
        self.interrupted = false;
        steps
    }

    /// Tools that it denied by itself are named at the end.
    fn late_denials(&mut self, message: &Value) -> Vec<Step> {
        if self.interrupted {
            return Vec::new();
        }
        let denials = message["permission_denials"].as_array().into_iter().flatten();
        let ids = denials.filter_map(|denial| denial["tool_use_id"].as_str());
        let unknown: Vec<String> = ids.filter(|id| !self.denied.contains(*id)).map(str::to_owned).collect();
        let denied = |id: String| {
            let item = Item::new(ItemKind::ToolCall).status(ItemStatus::Denied);
            Step::tell("result", Fact::Item { id, item })
        };
        self.denied.clear();
        unknown.into_iter().map(denied).collect()
    }

    fn end(&mut self, message: &Value) -> TurnEnd {
        let subtype = message["subtype"].as_str().unwrap_or_default();
        let aborted = message["terminal_reason"].as_str().is_some_and(|reason| reason.starts_with("aborted"));
        let failed = message["is_error"].as_bool().unwrap_or_default() || subtype != "success";
        match (subtype, aborted, failed) {
            (_, true, _) => TurnEnd::new(Outcome::Interrupted),
            ("error_max_turns", ..) => TurnEnd::new(Outcome::MaxTurns),
            ("error_max_budget_usd", ..) => TurnEnd::new(Outcome::Budget),
            (_, false, true) => TurnEnd::failed(self.failure(message)),
            (_, false, false) => TurnEnd::new(match message["stop_reason"].as_str() {
                Some("refusal") => Outcome::Refused,
                Some("max_tokens") => Outcome::MaxTokens,
                _ => Outcome::Completed,
            }),
        }
    }

    fn failure(&mut self, message: &Value) -> Problem {
        let status = message["api_error_status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let text = said(message);
        match (self.problem.take(), status) {
            // One word stands for a service that fails and for one that has too much to do.
            (Some(problem), Some(status))
                if matches!(problem.kind, ProblemKind::Unknown | ProblemKind::ProviderError) =>
            {
                Problem { provider_code: problem.provider_code, ..Problem::of_status(status, problem.message) }
            }
            // Nor has it one for a service that cannot be reached, or is lost.
            (Some(problem), None)
                if matches!(problem.kind, ProblemKind::Unknown | ProblemKind::ProviderError)
                    && names_connection(&problem.message) =>
            {
                Problem { kind: ProblemKind::Network, ..problem }
            }
            // It has no word for an answer that breaks off, or that is none.
            (Some(problem), None)
                if problem.kind == ProblemKind::Unknown && message["terminal_reason"] == "api_error" =>
            {
                Problem { kind: ProblemKind::ProviderError, ..problem }
            }
            (Some(problem), status) => Problem { http_status: status.or(problem.http_status), ..problem },
            (None, Some(status)) => Problem::of_status(status, text),
            (None, None) => Problem::new(ProblemKind::ProviderError, text),
        }
    }
}

/// Whether a text has the system's name for a failure of a connection in it, as in `(ECONNREFUSED)`.
fn names_connection(text: &str) -> bool {
    const NAMES: [&str; 10] = [
        "(ECONNREFUSED)",
        "(ECONNRESET)",
        "(ECONNABORTED)",
        "(EPIPE)",
        "(ETIMEDOUT)",
        "(ENOTFOUND)",
        "(EAI_AGAIN)",
        "(EHOSTUNREACH)",
        "(ENETUNREACH)",
        "(ENETDOWN)",
    ];
    NAMES.iter().any(|name| text.contains(name))
}

/// What it says of what went wrong.
fn said(message: &Value) -> String {
    let errors = message["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    message["result"].as_str().map_or_else(|| errors.collect::<Vec<_>>().join("; "), str::to_owned)
}

fn word(message: &Value, key: &str) -> Option<String> {
    message[key].as_str().map(str::to_owned)
}

fn usage(usage: &Value) -> Usage {
    let number = |key: &str| usage[key].as_u64().unwrap_or_default();
    Usage {
        input: number("input_tokens"),
        cached_read: number("cache_read_input_tokens"),
        cached_write: number("cache_creation_input_tokens"),
        output: number("output_tokens"),
        reasoning: 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::agent::Translator as _;
    use super::*;

    fn kind(error: &str, text: &str) -> ProblemKind {
        let mut claude = Claude::default();
        let content = json!([{"type": "text", "text": text}]);
        claude
            .hear(json!({"type": "assistant", "error": error, "message": {"content": content}}).to_string().as_bytes());
        let result = json!({"type": "result", "subtype": "success", "is_error": true, "terminal_reason": "api_error"});
        let steps = claude.hear(result.to_string().as_bytes());
        let told = steps.into_iter().find_map(|step| match step {
            Step::Tell(told) => match told.fact {
                Fact::Ended(end) => end.error,
                _ => None,
            },
            Step::Say(_) => None,
        });
        told.unwrap().kind
    }

    #[test]
    fn a_service_that_cannot_be_reached_is_told_as_that_whatever_its_word_is() {
        let refused = "API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)";
        assert_eq!(kind("server_error", refused), ProblemKind::Network);
        assert_eq!(kind("unknown", "API Error: Connection to the API was lost (ECONNRESET)."), ProblemKind::Network);
        assert_eq!(kind("server_error", "API Error: internal"), ProblemKind::ProviderError);
        assert_eq!(kind("rate_limit", "API Error: too many (ECONNRESET)"), ProblemKind::RateLimited);
    }
}
