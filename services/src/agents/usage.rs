//! What a turn used and cost, as far as the agent tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens that were used. What the agent does not tell is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AgentUsage")]
pub struct Usage {
    /// Read by the model, without what was cached.
    pub input: u64,
    /// Read from the cache.
    pub cached_read: u64,
    /// Written to the cache.
    pub cached_write: u64,
    /// Written by the model.
    pub output: u64,
    /// Written by the model as thoughts; part of `output` for some agents.
    pub reasoning: u64,
}

impl Usage {
    /// All tokens that went to the model and came from it.
    pub(crate) fn tokens(self) -> u64 {
        self.input + self.cached_read + self.cached_write + self.output
    }

    /// Both together.
    pub(crate) fn plus(self, more: Usage) -> Usage {
        Usage {
            input: self.input + more.input,
            cached_read: self.cached_read + more.cached_read,
            cached_write: self.cached_write + more.cached_write,
            output: self.output + more.output,
            reasoning: self.reasoning + more.reasoning,
        }
    }
}

/// What it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentCost")]
pub struct Cost {
    /// In millionths of the currency's unit.
    pub amount_micros: u64,
    /// The currency, as ISO 4217 has it.
    pub currency: String,
}

impl Cost {
    /// A cost in dollars; none where the number is no amount.
    pub fn of_dollars(dollars: f64) -> Option<Cost> {
        let micros = (dollars * 1e6).round();
        let fits = micros.is_finite() && (0.0..1e15).contains(&micros);
        fits.then(|| Cost { amount_micros: micros as u64, currency: "USD".to_owned() })
    }
}

/// What was used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AgentUsageUpdate")]
pub struct UsageUpdate {
    /// Tokens of the conversation that the model reads now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_used: Option<u64>,
    /// Tokens that it can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_size: Option<u64>,
    /// Used in this turn so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<Usage>,
    /// Used in this session so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Usage>,
    /// What the agent's own session has cost so far, with what it goes on with and is a fork of, as it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_cost: Option<Cost>,
}

impl UsageUpdate {
    /// Takes over what is new, and keeps what that leaves out.
    pub fn take(&mut self, news: UsageUpdate) {
        self.context_used = news.context_used.or(self.context_used);
        self.context_size = news.context_size.or(self.context_size);
        self.turn = news.turn.or(self.turn);
        self.session = news.session.or(self.session);
        self.session_cost = news.session_cost.or(self.session_cost.take());
    }

    /// Another agent answers from now on, and reads a conversation of its own: what was used stays, how full that was goes.
    pub(crate) fn hand_over(&mut self) {
        *self = UsageUpdate { session: self.session, ..UsageUpdate::default() };
    }
}

/// How much of a plan's quota is used up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentLimits")]
pub struct Limits {
    /// The agent's word for what is limited.
    pub scope: String,
    /// `ok`, `warning` or `rejected`.
    pub status: LimitStatus,
    /// How much is used, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_percent: Option<f64>,
    /// When it begins anew, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<u64>,
}

/// Whether requests are still answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentLimitStatus")]
pub enum LimitStatus {
    /// They are.
    Ok,
    /// They are, and soon not any more.
    Warning,
    /// They are not.
    Rejected,
}
