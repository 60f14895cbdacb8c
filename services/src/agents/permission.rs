//! What an agent asks leave for: how it is shown to a person, what may be answered, and what the answer is bound to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::policy::Ruling;

/// What is to be done with leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentAction")]
pub enum Action {
    /// Run a command.
    Command,
    /// Change files.
    FileChange,
    /// Use a tool of an MCP server.
    McpTool,
    /// Reach out to the network.
    Network,
    /// Read what may not be read without asking.
    Read,
    /// Go over to another mode.
    ModeSwitch,
    /// Something that is not known here.
    Unknown,
}

impl Action {
    /// How much harm the action may do where nothing more is known of it.
    pub fn risk(self) -> Risk {
        match self {
            Action::Read => Risk::Low,
            Action::FileChange | Action::ModeSwitch => Risk::Medium,
            Action::Command | Action::McpTool | Action::Network | Action::Unknown => Risk::High,
        }
    }
}

/// How much harm may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentRisk")]
pub enum Risk {
    /// Hardly any.
    Low,
    /// What can be undone.
    Medium,
    /// What can not.
    High,
    /// What nobody should allow without having read it.
    Critical,
}

/// A rule that holds for what is asked, and why that is risky.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AgentHit")]
pub struct Hit {
    /// The rule, as `policy.list` names it.
    pub rule: String,
    /// Why, for a person.
    pub text: String,
}

/// What an option means, whatever the agent calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentOptionKind")]
pub enum OptionKind {
    /// Yes, this once.
    AllowOnce,
    /// Yes, and to the same again in this session.
    AllowSession,
    /// Yes, and to the same again for good, by the agent's own settings.
    AllowAlways,
    /// No, this once.
    RejectOnce,
    /// No, and to the same again for good, by the agent's own settings.
    RejectAlways,
}

impl OptionKind {
    /// Whether it allows.
    pub fn allows(self) -> bool {
        match self {
            OptionKind::AllowOnce | OptionKind::AllowSession | OptionKind::AllowAlways => true,
            OptionKind::RejectOnce | OptionKind::RejectAlways => false,
        }
    }
}

/// One of the answers that may be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionOption {
    /// What to answer with.
    pub option_id: String,
    /// What it means.
    pub kind: OptionKind,
    /// What to show.
    pub label: String,
    /// What will be allowed without being asked for, as the agent writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_preview: Option<String>,
}

impl PermissionOption {
    /// An option with nothing to remember.
    pub fn new(option_id: impl Into<String>, kind: OptionKind, label: impl Into<String>) -> PermissionOption {
        PermissionOption { option_id: option_id.into(), kind, label: label.into(), rule_preview: None }
    }
}

/// What an agent asks leave for, as its adapter tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The agent's own id of what it asks; used to answer it, and when the agent takes it back.
    pub key: String,
    /// The item that waits.
    pub item: Option<String>,
    /// What is to be done.
    pub action: Action,
    /// What, in a few words.
    pub title: String,
    /// What, in more words.
    pub description: Option<String>,
    /// Why the agent asks.
    pub reason: Option<String>,
    /// Exactly what is allowed by a yes.
    pub input: Value,
    /// The files that it is about, where they are known.
    pub paths: Vec<String>,
    /// The skill that is to be loaded, where it is about one.
    pub skill: Option<AskedSkill>,
    /// What is decided about it. An adapter says nothing: the rules do.
    pub ruling: Ruling,
    /// What may be answered, in the agent's order.
    pub options: Vec<PermissionOption>,
}

impl Ask {
    /// The option to choose where only the kind matters; the one with the least consequences first.
    pub fn option(&self, allows: bool) -> Option<&PermissionOption> {
        let once = if allows { OptionKind::AllowOnce } else { OptionKind::RejectOnce };
        let of_kind = |kind| self.options.iter().find(move |option| option.kind == kind);
        // To refuse for good is not what was meant, but it refuses. To allow for good is never meant.
        of_kind(once).or_else(|| of_kind(OptionKind::RejectAlways).filter(|_| !allows))
    }

    /// How much of it would have to be kept and shown, in bytes.
    pub(super) fn held(&self) -> usize {
        let texts = [&self.description, &self.reason].into_iter().flatten().chain([&self.title]).chain(&self.paths);
        let options = self.options.iter().map(|option| option.label.len() + option.option_id.len());
        self.input.to_string().len() + texts.map(String::len).sum::<usize>() + options.sum::<usize>()
    }
}

/// A skill that an agent is to load: what it says, and with that what it brings along of hooks and of leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSkill {
    /// Its name.
    pub name: String,
    /// Whether the agent had one of this name when it was started.
    pub was_there: bool,
}

/// What an agent asks leave for, as a person sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionRequest {
    /// What to answer to, in `agent.approve` and `agent.reject`. Good for one answer.
    pub permission_id: String,
    /// What is to be done.
    pub action: Action,
    /// What, in a few words.
    pub title: String,
    /// What, in more words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why the agent asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much harm may be done.
    pub risk: Risk,
    /// Why it is risky.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// Exactly what is allowed by a yes: the agent is given this, and nothing else.
    pub shown_input: Value,
    /// The SHA-256 of what is shown, in hexadecimal. An answer that names another one is refused.
    pub input_sha256: String,
    /// The files that it is about, where they are known.
    pub paths: Vec<String>,
    /// What may be answered.
    pub options: Vec<PermissionOption>,
    /// When it is denied because nobody answered, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentDecision")]
pub enum Decision {
    /// It was allowed.
    Allowed,
    /// It was denied.
    Denied,
    /// It can no longer be answered.
    Withdrawn,
}

/// Who ended a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(rename = "AgentDecider")]
pub enum Decider {
    /// A person, by a connection.
    Person {
        /// The connection's owner, an id that lasts as long as this daemon.
        owner: String,
    },
    /// A rule of ours.
    Policy {
        /// Which one.
        rule: String,
    },
    /// Nobody, in time.
    Timeout,
    /// The agent, which took it back, or whose turn ended.
    Agent,
    /// Whoever stopped the turn: by `agent.interrupt`, by a prompt for now, or by leaving.
    Stop,
    /// The daemon, which ended.
    Shutdown,
}

/// How a request ended, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionResolved {
    /// Which request.
    pub permission_id: String,
    /// How.
    pub decision: Decision,
    /// The option that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option_id: Option<String>,
    /// By whom.
    pub by: Decider,
    /// Why, as a person said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// What the agent is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, by this of its options.
    Allow {
        /// The option.
        option_id: String,
    },
    /// No, by this of its options where it has one, and why.
    Deny {
        /// The option.
        option_id: Option<String>,
        /// For the model, where the agent has a way to hear it.
        reason: String,
    },
}

/// The SHA-256 of what is shown, in hexadecimal: of its JSON, without spaces, members in the order of their names.
pub fn input_sha256(input: &Value) -> String {
    // The members of a `Value` are in order.
    sha256(input.to_string().as_bytes())
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hash_of_an_input_does_not_depend_on_how_it_was_written() {
        let one: Value = serde_json::from_str(r#"{"b": 1, "a": "x"}"#).unwrap_or_default();
        assert_eq!(input_sha256(&one), input_sha256(&json!({"a": "x", "b": 1})));
        assert_ne!(input_sha256(&one), input_sha256(&json!({"a": "x", "b": 2})));
        assert_eq!(input_sha256(&json!({})), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }
}
