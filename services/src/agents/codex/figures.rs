//! What Codex counts: tokens, and how much of a quota is used up.

use serde_json::Value;

use super::super::usage::{LimitStatus, Limits, Usage};

/// How much of a quota is used up.
pub(super) fn limits(told: &Value) -> Option<Limits> {
    let primary = told.get("primary").filter(|primary| !primary.is_null())?;
    let used = primary["usedPercent"].as_f64()?;
    let status = match used {
        used if used >= 100.0 => LimitStatus::Rejected,
        used if used >= 80.0 => LimitStatus::Warning,
        _ => LimitStatus::Ok,
    };
    let scope = told["limitId"].as_str().unwrap_or("account").to_owned();
    Some(Limits { scope, status, used_percent: Some(used), resets_at: primary["resetsAt"].as_u64() })
}

/// What was used, in tokens.
pub(super) fn usage(tokens: &Value) -> Usage {
    let number = |key: &str| tokens[key].as_u64().unwrap_or_default();
    Usage {
        input: number("inputTokens").saturating_sub(number("cachedInputTokens")),
        cached_read: number("cachedInputTokens"),
        cached_write: number("cacheWriteInputTokens"),
        output: number("outputTokens"),
        reasoning: number("reasoningOutputTokens"),
    }
}

/// What was used between two counts.
pub(super) fn since(now: Usage, before: Usage) -> Usage {
    Usage {
        input: now.input.saturating_sub(before.input),
        cached_read: now.cached_read.saturating_sub(before.cached_read),
        cached_write: now.cached_write.saturating_sub(before.cached_write),
        output: now.output.saturating_sub(before.output),
        reasoning: now.reasoning.saturating_sub(before.reasoning),
    }
}
