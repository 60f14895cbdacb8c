//! The settings' types for sidecars: an entry `[[sidecar]]`, and the mode. Reads and checks them; what they do, the services
//! know.

use std::path::{Path, PathBuf};

use sixframe_services::sidecars::{self, SidecarConfig, api};
use toml::{Table, Value};

use super::key::{Place, Setting};
use super::nearest::nearest;

/// The keys of an entry.
const KEYS: [&str; 14] = [
    "name",
    "program",
    "binary",
    "args",
    "env",
    "cwd",
    "port",
    "auto_start",
    "depends_on",
    "health",
    "ready",
    "restart",
    "stop",
    "log_bytes",
];

/// The keys of the tables within an entry.
const INNER: [(&str, &[&str]); 4] = [
    ("health", &["kind", "path", "program", "args", "interval_ms", "timeout_ms", "failures"]),
    ("ready", &["kind", "path", "pattern", "stream", "program", "args", "timeout_ms"]),
    ("restart", &["policy", "backoff_ms", "max_backoff_ms", "starts", "window_ms", "stable_ms"]),
    ("stop", &["http", "close_stdin_ms", "signal", "signal_ms"]),
];

/// What stands for the value of a variable where it is shown.
const HIDDEN: &str = "(hidden)";

/// An entry `[[sidecar]]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SidecarEntry {
    /// What it says, its paths in full.
    pub(crate) config: SidecarConfig,
    /// Where its paths began.
    pub(crate) folder: PathBuf,
}

impl Setting for SidecarEntry {
    const EXPECTED: &'static str = "a table";
    const LIST: &'static str = "a list of tables, each written [[sidecar]] on a line of its own";

    fn from_toml(value: &Value, place: Place<'_>) -> Result<SidecarEntry, Option<String>> {
        let table = value.as_table().ok_or(None)?;
        let named = |why: String| match table.get("name").and_then(Value::as_str) {
            Some(name) => Some(format!("{name:?}: {why}")),
            None => Some(format!("an entry without a name: {why}")),
        };
        unknown_key(table).map_or(Ok(()), |why| Err(named(why)))?;
        let mut config = read(value).map_err(named)?;
        let faults = sidecars::faults(&config);
        if !faults.is_empty() {
            return Err(named(faults.join("; ")));
        }
        config.program = config.program.map(|program| rooted(program, place)).transpose().map_err(named)?;
        config.cwd = config.cwd.map(|cwd| in_full(&cwd, place)).transpose().map_err(named)?;
        Ok(SidecarEntry { config, folder: place.folder.to_path_buf() })
    }

    fn to_toml(&self) -> Value {
        // What was read from TOML can be written as TOML.
        let mut value = Value::try_from(&self.config).unwrap_or_else(|_| Value::Table(Table::new()));
        if let Some(variables) = value.get_mut("env").and_then(Value::as_table_mut) {
            variables.iter_mut().for_each(|(_, value)| *value = HIDDEN.into());
        }
        snake(&value)
    }
}

fn read(value: &Value) -> Result<SidecarConfig, String> {
    serde_path_to_error::deserialize(value.clone()).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner().message().to_owned());
        if path == "." { why } else { format!("{path}: {why}") }
    })
}

/// What is wrong with the first key that nobody knows.
fn unknown_key(table: &Table) -> Option<String> {
    let known = &KEYS[..];
    let told = |path: String, key: &str, known: &[&str]| {
        let near = nearest(key, known.iter().copied()).unwrap_or_default();
        format!("unknown key {path:?}; the nearest known one is {near:?}")
    };
    if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
        return Some(told(key.clone(), key, known));
    }
    INNER.iter().find_map(|(name, known)| {
        let inner = table.get(*name)?.as_table()?;
        let key = inner.keys().find(|key| !known.contains(&key.as_str()))?;
        Some(told(format!("{name}.{key}"), key, known))
    })
}

/// A path begins at the place, a name is looked up in `PATH`.
fn rooted(program: String, place: Place<'_>) -> Result<String, String> {
    let is_path = program.contains('/') || (cfg!(windows) && program.contains('\\'));
    if is_path { in_full(&program, place) } else { Ok(program) }
}

fn in_full(path: &str, place: Place<'_>) -> Result<String, String> {
    let value = Value::String(path.to_owned());
    let path = PathBuf::from_toml(&value, place).map_err(Option::unwrap_or_default)?;
    Ok(path.to_string_lossy().into_owned())
}

/// The same value with keys as TOML has them here, but for the names of variables.
fn snake(value: &Value) -> Value {
    let Value::Table(table) = value else { return value.clone() };
    let renamed = table.iter().map(|(key, value)| match key.as_str() {
        "env" => (key.clone(), value.clone()),
        _ => (snake_case(key), snake(value)),
    });
    Value::Table(renamed.collect())
}

fn snake_case(key: &str) -> String {
    key.chars().fold(String::new(), |text, c| match c.is_ascii_uppercase() {
        true => text + "_" + &c.to_ascii_lowercase().to_string(),
        false => text + &c.to_string(),
    })
}

/// The folder where paths of sidecars begin that are defined later.
pub(crate) fn folder(entries: &[SidecarEntry]) -> Option<&Path> {
    entries.first().map(|entry| entry.folder.as_path())
}

/// Where what the sidecars offer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AppMode(pub(crate) api::Mode);

const MODES: [(&str, api::Mode); 3] =
    [("standalone", api::Mode::Standalone), ("service", api::Mode::Service), ("connected", api::Mode::Connected)];

impl Setting for AppMode {
    const EXPECTED: &'static str = "standalone, service or connected";

    fn from_toml(value: &Value, _: Place<'_>) -> Result<AppMode, Option<String>> {
        let name = value.as_str().ok_or(None)?;
        let known = MODES.iter().find(|(known, _)| *known == name);
        known.map(|(_, mode)| AppMode(*mode)).ok_or(None)
    }

    fn to_toml(&self) -> Value {
        let known = MODES.iter().find(|(_, mode)| *mode == self.0);
        Value::String(known.map_or_else(String::new, |(name, _)| (*name).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Schema;

    use super::*;

    fn properties(schema: &Schema) -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().map(|key| snake_case(key)).collect()
    }

    #[test]
    fn the_keys_are_those_of_the_types() {
        let schema = schemars::schema_for!(SidecarConfig).to_value();
        let known: BTreeSet<String> = KEYS.iter().map(ToString::to_string).collect();
        assert_eq!(known, properties(&schema));
        for (name, keys) in INNER {
            let definition = format!("Sidecar{}{}", name[..1].to_uppercase(), &name[1..]);
            let keys: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
            assert_eq!(keys, properties(&schema["$defs"][definition]), "{name}");
        }
    }
}
