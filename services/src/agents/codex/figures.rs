//! What Codex counts: tokens, and how much of a quota is used up.

use serde_json::Value;

use super::super::usage::{LimitStatus, Limits, Usage, UsageUpdate};

/// What was used of a thread, which may have a past. Codex tells the sum of all of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Until the turn began.
    before: Usage,
    /// Until now.
    now: Usage,
    /// Whether the thread has a past, and nothing was told of what that came to.
    has_untold_past: bool,
}

impl Tally {
    /// Of a thread that another process has begun, or that is a fork.
    pub(super) fn of_past() -> Tally {
        Tally { has_untold_past: true, ..Tally::default() }
    }

    /// A turn begins.
    pub(super) fn begin(&mut self) {
        self.before = self.now;
    }

    /// What the turn used; none where nothing was told.
    pub(super) fn of_turn(&self) -> Option<Usage> {
        Some(since(self.now, self.before)).filter(|usage| *usage != Usage::default())
    }

    /// It tells of a turn of this process.
    pub(super) fn take(&mut self, told: &Value) -> UsageUpdate {
        self.now = usage(&told["total"]);
        if std::mem::take(&mut self.has_untold_past) {
            // Of a fork, and of one that is gone on with, the past is told by no message of its own.
            self.before = since(self.now, usage(&told["last"]));
        }
        UsageUpdate { turn: Some(since(self.now, self.before)), ..self.update(told) }
    }

    /// It tells what a turn of an earlier process came to, as it does once of a thread that is gone on with.
    pub(super) fn take_past(&mut self, told: &Value) -> UsageUpdate {
        let total = usage(&told["total"]);
        *self = Tally { before: total, now: total, has_untold_past: false };
        self.update(told)
    }

    fn update(&self, told: &Value) -> UsageUpdate {
        UsageUpdate {
            context_used: told["last"]["totalTokens"].as_u64(),
            context_size: told["modelContextWindow"].as_u64(),
            session: Some(self.now),
            ..UsageUpdate::default()
        }
    }
}

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
fn usage(tokens: &Value) -> Usage {
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
fn since(now: Usage, before: Usage) -> Usage {
    Usage {
        input: now.input.saturating_sub(before.input),
        cached_read: now.cached_read.saturating_sub(before.cached_read),
        cached_write: now.cached_write.saturating_sub(before.cached_write),
        output: now.output.saturating_sub(before.output),
        reasoning: now.reasoning.saturating_sub(before.reasoning),
    }
}
