//! The settings' type for an agent's program, such as `[agent.claude]`. Reads and checks it; how it is spoken to, the services
//! know.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sixframe_services::agents::{Program, ProviderConfig};
use toml::Value;

use super::key::{Place, Setting};
use super::nearest::nearest;

/// What stands in the place of a variable's value.
const HIDDEN: &str = "(hidden)";

/// The keys of the table.
const KEYS: [&str; 4] = ["program", "args", "env", "allow_env"];

/// An agent's program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProviderSettings {
    /// A path, or a name that is looked up.
    #[serde(default)]
    program: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    allow_env: Vec<String>,
}

impl ProviderSettings {
    /// The program of this name, as it is found, with these arguments.
    pub(crate) fn of(program: &str, args: &[&str]) -> ProviderSettings {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        ProviderSettings { program: program.to_owned(), args, env: BTreeMap::new(), allow_env: Vec::new() }
    }

    /// The same for the services.
    pub(crate) fn of_provider(&self) -> ProviderConfig {
        let env = self.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let program = Program { args: self.args.clone(), env, ..Program::new(&self.program) };
        ProviderConfig { program, allow_env: self.allow_env.clone(), settings: None }
    }
}

impl Setting for ProviderSettings {
    const EXPECTED: &'static str = "a table with program, args, env and allow_env";
    const LIST: &'static str = "a table of tables with program, args, env and allow_env, each with a name";

    fn from_toml(value: &Value, place: Place<'_>) -> Result<ProviderSettings, Option<String>> {
        let table = value.as_table().ok_or(None)?;
        unknown_key(table, &KEYS)?;
        let mut settings: ProviderSettings = serde_path_to_error::deserialize(value.clone())
            .map_err(|error| Some(format!("{}: {}", error.path(), error.inner().message())))?;
        if settings.program.is_empty() {
            return Err(Some("program is missing; name it, or leave the table out".to_owned()));
        }
        if settings.program.contains(std::path::is_separator) {
            let path = std::path::PathBuf::from_toml(&Value::String(settings.program), place)?;
            settings.program = path.to_string_lossy().into_owned();
        }
        Ok(settings)
    }

    fn value_of_text(text: &str) -> Value {
        table_of_text(text)
    }

    fn to_toml(&self) -> Value {
        let hidden = self.env.keys().map(|name| (name.clone(), HIDDEN.to_owned())).collect();
        let shown = ProviderSettings { env: hidden, ..self.clone() };
        // Texts, lists and tables of texts can be written as TOML.
        Value::try_from(shown).unwrap_or_else(|_| Value::Table(toml::Table::new()))
    }
}

/// Refuses a key that nobody knows.
pub(super) fn unknown_key(table: &toml::Table, known: &[&str]) -> Result<(), Option<String>> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let near = nearest(key, known.iter().copied()).unwrap_or_default();
            Err(Some(format!("unknown key {key:?}; the nearest known one is {near:?}")))
        }
    }
}

/// A table on one line.
pub(super) fn table_of_text(text: &str) -> Value {
    let table: Result<toml::Table, _> = format!("it = {text}").parse();
    let value = table.ok().and_then(|mut table| table.remove("it"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A program of which nobody knows what settings it loads, but for whoever says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherSettings {
    provider: ProviderSettings,
    settings: Option<Vec<String>>,
}

impl OtherSettings {
    /// The same for the services.
    pub(crate) fn of_provider(&self) -> ProviderConfig {
        ProviderConfig { settings: self.settings.clone(), ..self.provider.of_provider() }
    }
}

impl Setting for OtherSettings {
    const EXPECTED: &'static str = "a table with program, args, env, allow_env and settings";
    const LIST: &'static str = "a table of tables with program, args, env, allow_env and settings, each with a name";

    fn from_toml(value: &Value, place: Place<'_>) -> Result<OtherSettings, Option<String>> {
        let mut table = value.as_table().ok_or(None)?.clone();
        let settings = table.remove(SETTINGS).map(names).transpose()?;
        unknown_key(&table, &[&KEYS[..], &[SETTINGS]].concat())?;
        Ok(OtherSettings { provider: ProviderSettings::from_toml(&Value::Table(table), place)?, settings })
    }

    fn value_of_text(text: &str) -> Value {
        table_of_text(text)
    }

    fn to_toml(&self) -> Value {
        let mut value = self.provider.to_toml();
        if let (Some(table), Some(settings)) = (value.as_table_mut(), &self.settings) {
            let names = settings.iter().cloned().map(Value::String).collect();
            table.insert(SETTINGS.to_owned(), Value::Array(names));
        }
        value
    }
}

/// The key of what an agent loads.
const SETTINGS: &str = "settings";

/// Names of files and folders, as they are seen from the folder that holds them.
fn names(value: Value) -> Result<Vec<String>, Option<String>> {
    let wrong =
        || Some("settings: must be a list of names such as \".agent/config.json\", seen from the folder".to_owned());
    let is_below = |name: &str| {
        let mut parts = Path::new(name).components().peekable();
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    let names: Vec<String> = value.try_into().map_err(|_| wrong())?;
    if names.iter().all(|name| is_below(name)) { Ok(names) } else { Err(wrong()) }
}

/// A program that speaks the Agent Client Protocol, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AcpSettings {
    name: String,
    provider: OtherSettings,
}

impl AcpSettings {
    /// The same for the services.
    pub(crate) fn of_provider(&self) -> (String, ProviderConfig) {
        (self.name.clone(), self.provider.of_provider())
    }
}

impl Setting for AcpSettings {
    const EXPECTED: &'static str = "a table with name, program, args, env, allow_env and settings";
    const LIST: &'static str = "a list of tables with name, program, args, env, allow_env and settings";

    fn from_toml(value: &Value, place: Place<'_>) -> Result<AcpSettings, Option<String>> {
        let mut table = value.as_table().ok_or(None)?.clone();
        let name = table.remove("name").and_then(|name| name.as_str().map(str::to_owned));
        let is_name =
            |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let wrong = || Some("an entry needs a name of letters, digits, '.', '_' and '-'".to_owned());
        let name = name.filter(is_name).ok_or_else(wrong)?;
        Ok(AcpSettings { name, provider: OtherSettings::from_toml(&Value::Table(table), place)? })
    }

    fn to_toml(&self) -> Value {
        let mut value = self.provider.to_toml();
        if let Some(table) = value.as_table_mut() {
            table.insert("name".to_owned(), Value::String(self.name.clone()));
        }
        value
    }
}
