//! The settings' types for sidecars: an entry `[[sidecar]]`, and the mode. Reads and checks them; what they do, the services
//! know.

use std::path::PathBuf;

use sixframe_services::sidecars::{self, SidecarConfig, api};
use toml::{Table, Value};

use super::key::{Place, Setting};
use super::nearest::nearest;

/// The keys of an entry.
const KEYS: [&str; 15] = [
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
    "trace_output",
];

/// The keys of the tables within an entry.
const INNER: [(&str, &[&str]); 4] = [
    ("health", &["kind", "path", "program", "args", "interval_ms", "timeout_ms", "failures"]),
    ("ready", &["kind", "path", "pattern", "stream", "program", "args", "timeout_ms"]),
    ("restart", &["policy", "backoff_ms", "max_backoff_ms", "starts", "window_ms", "stable_ms"]),
    ("stop", &["http", "close_stdin_ms", "signal", "signal_ms"]),
];

/// Of the tables that need a kind, one with which every other key can be read.
const KINDS: [(&str, &str); 2] = [("health", "none"), ("ready", "started")];

/// What stands for the value of a variable where it is shown.
const HIDDEN: &str = "(hidden)";

/// An entry `[[sidecar]]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SidecarEntry {
    /// What it says, its paths in full.
    pub(crate) config: SidecarConfig,
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
        let (config, mut faults) = read(table);
        let mut config = config.unwrap_or_else(|| SidecarConfig::new("", ""));
        let mut found = |path: Result<String, String>| path.map_err(|why| faults.push(why)).ok();
        let vouching = [Some(&mut config.health.program), config.ready.as_mut().map(|ready| &mut ready.program)];
        for program in vouching.into_iter().flatten().chain([&mut config.program]) {
            *program = program.take().and_then(|program| found(rooted(program, place)));
        }
        config.cwd = config.cwd.and_then(|cwd| found(in_full(&cwd, place)));
        if !faults.is_empty() {
            return Err(named(faults.join("; ")));
        }
        Ok(SidecarEntry { config })
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

/// What an entry says, and all that is wrong with it.
fn read(table: &Table) -> (Option<SidecarConfig>, Vec<String>) {
    let mut faults = unknown_keys(table);
    let mut known = known_keys(table);
    let unreadable: Vec<(String, Vec<String>)> = known
        .iter()
        .map(|(key, value)| (key.clone(), faults_of_key(key, value)))
        .filter(|(_, faults)| !faults.is_empty())
        .collect();
    for (key, why) in &unreadable {
        known.remove(key);
        faults.extend(why.iter().cloned());
    }
    let is_unreadable = |name: &str| unreadable.iter().any(|(key, _)| key == name);
    if !known.contains_key("name") {
        faults.extend((!is_unreadable("name")).then(|| "missing field `name`".to_owned()));
        known.insert("name".to_owned(), "unnamed".into());
    }
    let config = match deserialized(&known) {
        Ok(config) => config,
        Err(why) => return (None, [faults, vec![why]].concat()),
    };
    // What names a key that cannot be read may be right once it can. A handshake brings a port.
    let is_open = |fault: &String| {
        let names = |key: &str| fault.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == key);
        unreadable.iter().any(|(key, _)| names(key)) || (is_unreadable("ready") && names("port"))
    };
    faults.extend(sidecars::faults(&config).into_iter().filter(|fault| !is_open(fault)));
    (Some(config), faults)
}

fn deserialized(table: &Table) -> Result<SidecarConfig, String> {
    serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner().message().to_owned());
        if path == "." { why } else { format!("{path}: {why}") }
    })
}

/// What is wrong with the value of a key by itself; of a table, with each of its keys.
fn faults_of_key(key: &str, value: &Value) -> Vec<String> {
    let fault = |value: Value| {
        let mut table: Table =
            [("name", "a"), ("program", "b")].map(|(key, word)| (key.to_owned(), word.into())).into_iter().collect();
        table.insert(key.to_owned(), value);
        deserialized(&table).err()
    };
    let Some(whole) = fault(value.clone()) else { return Vec::new() };
    let Some(inner) = value.as_table().filter(|_| INNER.iter().any(|(name, _)| *name == key)) else {
        return vec![whole];
    };
    let alone = |(inner, value): (&String, &Value)| {
        let mut table: Table = KINDS
            .iter()
            .filter(|(name, _)| *name == key)
            .map(|(_, kind)| ("kind".to_owned(), (*kind).into()))
            .collect();
        table.insert(inner.clone(), value.clone());
        fault(Value::Table(table))
    };
    let each: Vec<String> = inner.iter().filter_map(alone).collect();
    if each.is_empty() { vec![whole] } else { each }
}

/// What is wrong with the keys that nobody knows.
fn unknown_keys(table: &Table) -> Vec<String> {
    let told = |path: String, key: &str, known: &[&str]| {
        let near = nearest(key, known.iter().copied()).unwrap_or_default();
        format!("unknown key {path:?}; the nearest known one is {near:?}")
    };
    let outer = table.keys().filter(|key| !is_known(&KEYS, key)).map(|key| told(key.clone(), key, &KEYS));
    let inner = INNER.iter().flat_map(|(name, known)| {
        let keys = table.get(*name).and_then(Value::as_table).into_iter().flat_map(Table::keys);
        keys.filter(|key| !is_known(known, key)).map(move |key| told(format!("{name}.{key}"), key, known))
    });
    outer.chain(inner).collect()
}

/// The entry without them.
fn known_keys(table: &Table) -> Table {
    let mut table = table.clone();
    table.retain(|key, _| is_known(&KEYS, key));
    for (name, known) in INNER {
        if let Some(inner) = table.get_mut(name).and_then(Value::as_table_mut) {
            inner.retain(|key, _| is_known(known, key));
        }
    }
    table
}

fn is_known(known: &[&str], key: &str) -> bool {
    known.contains(&key)
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
