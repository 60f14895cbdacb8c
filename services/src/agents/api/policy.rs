//! `policy.*`: what may be done without a person, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sixframe_core::{Method, Scope};

use super::super::permission::{Action, Hit, Risk};
use super::super::policy::{Effect, Rule};
use super::Done;

/// `policy.list`: those that are built in among them.
pub const POLICY_LIST: Method<PolicyListParams, PolicyRules> = Method::new("policy.list")
    .doc("Lists the rules by which agents may do things without a person, or may not: of one session, or all.")
    .scope(Scope::Read)
    .idempotent();

/// `policy.explain`: nothing is done.
pub const POLICY_EXPLAIN: Method<PolicyExplainParams, PolicyExplained> = Method::new("policy.explain")
    .doc("Tells what would be decided if an agent asked for this, and by which rule.")
    .scope(Scope::Read)
    .idempotent();

/// `policy.revoke`: at once.
pub const POLICY_REVOKE: Method<PolicyRevokeParams, Done> = Method::new("policy.revoke")
    .doc("Forgets a rule that a person has made; it decides nothing any more.")
    .scope(Scope::Approve)
    .idempotent();

/// What `policy.list` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(rename = "PolicyListParams")]
pub struct PolicyListParams {
    /// The session; all rules where there is none.
    pub session_id: Option<String>,
}

/// What `policy.list` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PolicyRules")]
pub struct PolicyRules {
    /// The rules: the configuration's, people's, those that are built in.
    pub rules: Vec<Rule>,
}

/// What `policy.explain` takes: a session or a folder, and what would be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PolicyExplainParams")]
pub struct PolicyExplainParams {
    /// The session, whose folder, mode and rules count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The folder, where no session is named: as if a session there had the mode `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// What would be done.
    pub action: Action,
    /// The command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// What an agent would show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
}

/// What `policy.explain` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PolicyExplained")]
pub struct PolicyExplained {
    /// What would become of it.
    pub effect: Effect,
    /// By which rule.
    pub rule: String,
    /// How much harm may be done.
    pub risk: Risk,
    /// Why it is risky.
    pub hits: Vec<Hit>,
}

/// What `policy.revoke` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyRevokeParams")]
pub struct PolicyRevokeParams {
    /// The rule.
    pub id: String,
}
