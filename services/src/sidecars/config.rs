//! What is said of a sidecar: which program it is, when it is ready, what happens when it ends. Read from TOML and from JSON
//! alike. Knows nothing of processes.

mod ends;
mod port;
mod probes;
mod word;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use ends::{Restart, RestartPolicy, Stop, StopSignal};
pub use port::Port;
pub use probes::{Health, HealthKind, LogStreams, Ready, ReadyKind};

use port::PortSchema;
use word::{WordOrTable, maybe_word_or_table, word_or_table};

/// A program that is kept running. Only `name` and one of `program` and `binary` are required. Each name is written as here
/// (`auto_start`) or as JSON has it (`autoStart`). Shown without the values of its variables, which may be secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SidecarConfig {
    /// What it is called: a letter or digit, then up to 63 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The program: a path, or a name that is looked up in `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// A bundled program by its name, looked up beside the daemon with and without the target's triple as suffix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// Its arguments, each passed as it stands, but for `{port}`, which is the port that it was given. Other users of the
    /// machine can read them: secrets belong into `env`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables set on top of the daemon's own; `{port}` is replaced likewise. Never shown.
    #[serde(default, deserialize_with = "variables", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub env: BTreeMap<String, String>,
    /// The folder to start in; the daemon's own by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The port that it is to listen on: `"none"` (default), `"auto"` for a free one, or a number.
    #[serde(default, skip_serializing_if = "Port::is_none")]
    #[schemars(with = "PortSchema")]
    pub port: Port,
    /// Whether it is started with the daemon. Default no.
    #[serde(default, alias = "auto_start")]
    pub auto_start: bool,
    /// The sidecars that must be ready before it is started.
    #[serde(default, alias = "depends_on", skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Whether it still lives: a word, or a table with `kind`. Default `"none"`.
    #[serde(default, deserialize_with = "word_or_table")]
    #[schemars(with = "WordOrTable<HealthKind, Health>")]
    pub health: Health,
    /// When it is ready: a word, or a table with `kind`. By default when `health` says so, and at its start where there is
    /// none.
    #[serde(default, deserialize_with = "maybe_word_or_table", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WordOrTable<ReadyKind, Ready>>")]
    pub ready: Option<Ready>,
    /// What happens when it ends: a word, or a table with `policy`. Default `"on-failure"`.
    #[serde(default, deserialize_with = "word_or_table")]
    #[schemars(with = "WordOrTable<RestartPolicy, Restart>")]
    pub restart: Restart,
    /// How it is asked to stop, step by step.
    #[serde(default)]
    pub stop: Stop,
    /// Bytes of each of its outputs that are kept for readers. Default 4 MiB.
    #[serde(default = "default_log_bytes", alias = "log_bytes")]
    pub log_bytes: u64,
    /// Whether its lines are in the daemon's own log too, as it wrote them, at the level `info`, with the target
    /// `sixframe_supervisor::output`. Default no.
    #[serde(default, alias = "trace_output")]
    pub trace_output: bool,
}

/// The variables, or an error that tells nothing of what is there instead: it may be a secret.
fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "env must be a table of strings; write each value in quotes")]
    enum Variables {
        Table(BTreeMap<String, String>),
    }
    Variables::deserialize(deserializer).map(|Variables::Table(table)| table)
}

fn default_log_bytes() -> u64 {
    4 << 20
}

impl SidecarConfig {
    /// A sidecar by its name and its program, everything else by default.
    pub fn new(name: impl Into<String>, program: impl Into<String>) -> SidecarConfig {
        SidecarConfig {
            name: name.into(),
            program: Some(program.into()),
            binary: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            port: Port::None,
            auto_start: false,
            depends_on: Vec::new(),
            health: Health::default(),
            ready: None,
            restart: Restart::default(),
            stop: Stop::default(),
            log_bytes: default_log_bytes(),
            trace_output: false,
        }
    }

    /// When it is ready, whether that is said or follows from its health.
    pub fn readiness(&self) -> Ready {
        if let Some(ready) = &self.ready {
            return ready.clone();
        }
        let Health { kind, path, program, args, .. } = self.health.clone();
        let kind = match kind {
            HealthKind::None => ReadyKind::Started,
            HealthKind::Http => ReadyKind::Http,
            HealthKind::Tcp => ReadyKind::Tcp,
            HealthKind::Exec => ReadyKind::Exec,
        };
        Ready { kind, path, program, args, ..Ready::default() }
    }

    /// Whether readiness is found by the very look that health takes, so that what is ready was in good health once.
    pub(crate) fn is_ready_by_health(&self) -> bool {
        use {HealthKind as H, ReadyKind as R};
        let Ready { kind, path, program, args, .. } = self.readiness();
        let health = &self.health;
        matches!((kind, health.kind), (R::Http, H::Http) | (R::Tcp, H::Tcp) | (R::Exec, H::Exec))
            && (&path, &program, &args) == (&health.path, &health.program, &health.args)
    }

    /// Whether its port is told to it, in an argument or a variable.
    pub(crate) fn tells_port(&self) -> bool {
        self.args.iter().chain(self.env.values()).any(|text| text.contains(PORT))
    }
}

/// What stands for the port in arguments and variables.
pub(crate) const PORT: &str = "{port}";

impl fmt::Debug for SidecarConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SidecarConfig")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("binary", &self.binary)
            .field("args", &self.args)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("cwd", &self.cwd)
            .field("port", &self.port)
            .field("depends_on", &self.depends_on)
            .field("health", &self.health)
            .field("ready", &self.ready)
            .field("restart", &self.restart)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: serde_json::Value) -> Result<SidecarConfig, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn two_keys_are_enough() {
        let config = read(json!({"name": "web", "program": "python3"})).unwrap();
        assert_eq!(config, SidecarConfig::new("web", "python3"));
        assert_eq!(config.readiness().kind, ReadyKind::Started);
    }

    #[test]
    fn a_word_and_a_table_say_the_same() {
        let word = json!({"name": "a", "program": "b", "health": "http", "ready": "tcp", "restart": "never"});
        let table = json!({"name": "a", "program": "b", "health": {"kind": "http", "interval_ms": 5000},
            "ready": {"kind": "tcp", "timeoutMs": 30000}, "restart": {"policy": "never"}});
        assert_eq!(read(word).unwrap(), read(table).unwrap());
    }

    #[test]
    fn a_signal_has_its_own_name_too_and_a_table_of_restarts_needs_no_policy() {
        let config = json!({"name": "a", "program": "b", "stop": {"signal": "SIGINT"}, "restart": {"backoff_ms": 3}});
        let config = read(config).unwrap();
        assert_eq!((config.stop.signal, config.restart.policy), (StopSignal::Interrupt, RestartPolicy::OnFailure));
        assert_eq!(config.restart.backoff_ms, 3);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could_be() {
        let error = |key: &str, value: serde_json::Value| {
            let mut config = json!({"name": "a", "program": "b"});
            config[key] = value;
            read(config).unwrap_err().to_string()
        };
        assert!(error("port", json!("any")).contains("\"none\", \"auto\" or a number"));
        assert!(error("port", json!("8080")).contains("without quotes: 8080"));
        assert!(error("port", json!(0)).contains("1 to 65535"));
        assert!(error("stop", json!("kill")).contains("a table, as in stop = { signal"));
        assert!(error("port", json!(70000)).contains("1 to 65535"));
        assert!(error("health", json!("htpp")).contains("`http`"));
        assert!(error("ready", json!(3)).contains("\"handshake\""));
        assert!(error("restart", json!({"policy": "sometimes"})).contains("`on-failure`"));
        assert!(error("colour", json!(1)).contains("unknown field"));
    }

    #[test]
    fn an_error_about_variables_tells_nothing_of_them() {
        let table: fn(serde_json::Value) -> serde_json::Value = |value| json!({"PIN": value});
        for env in [
            json!("98765432"),
            json!(98_765_432),
            json!([98_765_432]),
            table(json!(98_765_432)),
            table(json!(["98765432"])),
            table(json!({"98765432": 98_765_432})),
        ] {
            let error = read(json!({"name": "a", "program": "b", "env": env})).unwrap_err().to_string();
            assert!(error.contains("env must be a table of strings") && !error.contains("98765432"), "{error}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read_and_shown_without_its_secrets() {
        let config = json!({"name": "a", "binary": "b", "port": "auto", "args": ["{port}"], "env": {"TOKEN": "hidden"},
            "ready": {"kind": "line", "pattern": "up"}});
        let config = read(config).unwrap();
        assert_eq!(read(serde_json::to_value(&config).unwrap()).unwrap(), config);
        let shown = format!("{config:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hidden"), "{shown}");
    }
}
