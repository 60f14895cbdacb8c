//! The settings' type for a rule over agents: an entry `[[agent.policy]]`. Reads and checks it; what it does, the services know.

use serde::Deserialize as _;
use sixframe_services::agents::ConfigRule;
use toml::{Table, Value};

use super::key::{Place, Setting};
use super::nearest::nearest;

/// The keys of an entry.
const KEYS: [&str; 3] = ["effect", "action", "pattern"];

/// An entry `[[agent.policy]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyEntry(pub(crate) ConfigRule);

impl Setting for PolicyEntry {
    const EXPECTED: &'static str = "a table with effect, action and pattern";
    const LIST: &'static str = "a list of tables with effect, action and pattern";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<PolicyEntry, Option<String>> {
        let table = value.as_table().ok_or(None)?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let near = nearest(key, KEYS).unwrap_or_default();
            return Err(Some(format!("unknown key {key:?}; the nearest known one is {near:?}")));
        }
        let rule = ConfigRule::deserialize(value.clone()).map_err(|error| Some(error.message().to_owned()))?;
        match rule.fault() {
            Some(fault) => Err(Some(fault.to_owned())),
            None => Ok(PolicyEntry(rule)),
        }
    }

    fn to_toml(&self) -> Value {
        // What was read from TOML can be written as TOML.
        Value::try_from(&self.0).unwrap_or_else(|_| Value::Table(Table::new()))
    }
}
