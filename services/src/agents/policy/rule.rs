//! Rules as they are told: by the configuration, by people, and those that are built in.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::permission::Action;
use super::super::scope::Look;
use super::matter::{Part, Subject};
use super::pattern;
use super::touched::Touch;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentEffect")]
pub enum Effect {
    /// It is allowed.
    Allow,
    /// A person is asked.
    Ask,
    /// It is denied.
    Deny,
}

/// Whose a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentRuleSource")]
pub enum RuleSource {
    /// It is always there.
    Builtin,
    /// The daemon's configuration has it.
    Config,
    /// A person made it by an answer.
    Person,
}

/// Where a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentRuleScope")]
pub enum RuleScope {
    /// In one session.
    Session,
    /// In one folder.
    Folder,
    /// Everywhere.
    Always,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentRule")]
pub struct Rule {
    /// Its name: what `permission.resolved` tells, and what `policy.revoke` takes.
    pub id: String,
    /// Whose it is.
    pub source: RuleSource,
    /// What it does. Those that are built in decide only in the mode `auto`.
    pub effect: Effect,
    /// What it is about, for a person.
    pub text: String,
    /// What it is about: any action where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Of that, what: words of a command, where ` *` at the end stands for any more; a path, where `*` and `**` stand for names; a
    /// host, where `*.` stands for those below it. All of it where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Where it holds.
    pub scope: RuleScope,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// When it was made, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at_ms: Option<u64>,
}

impl Rule {
    /// What it says about a part of a request, if anything.
    pub(super) fn says(&self, part: &Part, folder: &Path) -> Option<Effect> {
        if self.matches(part, folder) {
            return Some(self.effect);
        }
        if self.effect == Effect::Allow || self.source == RuleSource::Builtin {
            return None;
        }
        // What touches a file is kept from it like what names it.
        let touches = part.touches.iter().filter(|touch| self.action == Some(touch.action));
        let met: Vec<Effect> = touches.filter_map(|touch| self.meets(touch, folder)).collect();
        met.iter().copied().find(|effect| *effect == Effect::Deny).or(met.first().copied())
    }

    /// What it says about a file that is touched: where that is not sure, a person is asked.
    fn meets(&self, touch: &Touch, folder: &Path) -> Option<Effect> {
        if Look::is_over() {
            return Some(Effect::Ask);
        }
        let has = self.pattern.as_deref().is_none_or(|text| pattern::has_file(text, folder, &touch.path));
        let is_there = |text: &str| {
            let is_one = |path: &Path| pattern::has_file(text, folder, path);
            touch.through.is_none_or(|through| through.meets(&touch.path, is_one))
        };
        let lies_below = || {
            let text = self.pattern.as_deref().filter(|_| touch.is_deep);
            text.is_some_and(|text| pattern::may_lie_below(text, folder, &touch.path) && is_there(text))
        };
        match has {
            true if touch.is_sure => Some(self.effect),
            true => Some(Effect::Ask),
            false => lies_below().then_some(Effect::Ask),
        }
    }

    /// Whether it is about a part of a request.
    fn matches(&self, part: &Part, folder: &Path) -> bool {
        if self.source == RuleSource::Builtin || self.action.is_some_and(|about| about != part.action) {
            return false;
        }
        let Some(text) = &self.pattern else { return true };
        let has = match &part.subject {
            Subject::Command(words) => {
                pattern::has_command(text, words) || (self.effect != Effect::Allow && pattern::is_meant(text, words))
            }
            Subject::File(path) => pattern::has_file(text, folder, path),
            Subject::Host(host) => pattern::has_host(text, host),
            Subject::Other => false,
        };
        // What allows must know what it allows: a pattern with an open end, only what nothing is said against.
        let is_open = self.action == Some(Action::Command) && text.ends_with(" *");
        // What is dangerous is allowed where it was, and the same words are another thing elsewhere.
        let is_there = part.is_here || part.findings.is_empty() || self.source == RuleSource::Config;
        let is_bounded = match &part.subject {
            Subject::Command(words) => part.findings.is_empty() && pattern::is_free(words),
            Subject::File(_) | Subject::Host(_) | Subject::Other => true,
        };
        // A person has said yes to the words, and to nothing beside them.
        let is_there = is_there && (part.is_told || self.source == RuleSource::Config);
        let is_sound = part.is_exact && is_there && (!is_open || self.source == RuleSource::Config || is_bounded);
        has && (self.effect != Effect::Allow || is_sound)
    }
}

/// A rule of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigRule {
    /// What it does.
    pub effect: Effect,
    /// What it is about: any action where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Of that, what, as [`Rule::pattern`] says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

impl ConfigRule {
    /// What is wrong with it.
    pub fn fault(&self) -> Option<&'static str> {
        let has_pattern =
            matches!(self.action, Some(Action::Command | Action::FileChange | Action::Read | Action::Network));
        match (&self.pattern, self.effect) {
            (Some(_), _) if !has_pattern => {
                Some("a pattern needs the action command, file_change, read or network, whose words it is about")
            }
            (Some(pattern), _) if pattern.trim().is_empty() || pattern.trim() == "*" => {
                Some("a pattern names something; leave it out for all of the action")
            }
            (Some(pattern), _) if self.action == Some(Action::Command) && shell_words::split(pattern).is_err() => {
                Some("the pattern has a quote that is not closed")
            }
            (None, Effect::Allow) if self.action != Some(Action::FileChange) && self.action != Some(Action::Read) => {
                Some("what allows needs a pattern, or the action file_change or read")
            }
            (Some(_) | None, _) => None,
        }
    }
}

/// The rules that the configuration has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    /// Its rules. Among those that fit, what denies is stronger than what asks, and that than what allows.
    pub rules: Vec<ConfigRule>,
    /// Folders and files of the daemon's own, beside its logs, which no agent changes or reads without a person.
    pub protected: Vec<std::path::PathBuf>,
}
