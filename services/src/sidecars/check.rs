//! What configurations must be, each alone and all together. Every finding says what to change.

use std::collections::BTreeMap;

use regex::Regex;

use super::config::{Health, HealthKind, Port, Ready, ReadyKind, SidecarConfig};

/// Longest name, in bytes.
const NAME: usize = 64;

/// Most bytes of an output that are kept.
const LOG_BYTES: u64 = 1 << 30;

/// What is wrong with a configuration by itself: a sentence each, in the words of the configuration file.
pub fn faults(config: &SidecarConfig) -> Vec<String> {
    let mut faults = Vec::new();
    let mut require = |holds: bool, change: &str| {
        if !holds {
            faults.push(change.to_owned());
        }
    };
    require(
        is_name(&config.name),
        "name must begin with a letter or digit and hold at most 64 letters, digits, '.', '_' and '-'",
    );
    require(config.program.is_some() != config.binary.is_some(), "give either program or binary");
    let named = [&config.program, &config.binary].into_iter().flatten();
    require(named.clone().all(|name| !name.is_empty()), "program or binary must not be empty");
    let is_plain = config.binary.as_ref().is_none_or(|name| !name.contains(['/', '\\']));
    require(is_plain, "binary must be a name without slashes; write a path as program");
    let variable = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
    require(config.env.keys().all(variable), "a name in env must not be empty or hold a '='");
    require((1024..=LOG_BYTES).contains(&config.log_bytes), "log_bytes must be from 1024 to 1073741824");
    require(!config.depends_on.contains(&config.name), "depends_on must not name the sidecar itself");
    faults.extend(of_port(config));
    faults.extend(of_health(config));
    faults.extend(of_ready(config));
    faults.extend(of_restart(config));
    faults
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.len() <= NAME && name.bytes().all(plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn of_port(config: &SidecarConfig) -> Vec<String> {
    let mut faults = Vec::new();
    let has_handshake = config.readiness().kind == ReadyKind::Handshake;
    if config.port == Port::Auto && !config.tells_port() && !has_handshake {
        faults.push("with port = \"auto\", write {port} in args or env, or ready = \"handshake\"".to_owned());
    }
    if config.port == Port::None && config.tells_port() {
        faults.push("args and env use {port}; set port to \"auto\" or a number".to_owned());
    }
    if let Some(request) = &config.stop.http {
        let is_request = request.split_once(' ').is_some_and(|(method, path)| {
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()) && path.starts_with('/')
        });
        if !is_request {
            faults.push("stop.http must be a method and a path, as in \"POST /shutdown\"".to_owned());
        }
        if !may_have_port(config) {
            faults.push("stop.http needs a port; set port to \"auto\" or a number".to_owned());
        }
    }
    faults
}

/// Whether there will be a port, given or told.
fn may_have_port(config: &SidecarConfig) -> bool {
    config.port != Port::None || config.readiness().kind == ReadyKind::Handshake
}

fn of_health(config: &SidecarConfig) -> Vec<String> {
    let Health { kind, path, program, interval_ms, timeout_ms, failures, .. } = &config.health;
    let mut faults = of_probe("health", *kind == HealthKind::Exec, path.as_deref(), program.as_deref());
    if matches!(kind, HealthKind::Http | HealthKind::Tcp) && !may_have_port(config) {
        faults.push("health needs a port; set port to \"auto\" or a number".to_owned());
    }
    for (key, value) in [("interval_ms", *interval_ms), ("timeout_ms", *timeout_ms), ("failures", (*failures).into())] {
        if value == 0 {
            faults.push(format!("health.{key} must be at least 1"));
        }
    }
    faults
}

fn of_ready(config: &SidecarConfig) -> Vec<String> {
    let Some(Ready { kind, path, pattern, program, timeout_ms, .. }) = &config.ready else { return Vec::new() };
    let mut faults = of_probe("ready", *kind == ReadyKind::Exec, path.as_deref(), program.as_deref());
    if matches!(kind, ReadyKind::Http | ReadyKind::Tcp) && config.port == Port::None {
        faults.push("ready needs a port; set port to \"auto\" or a number".to_owned());
    }
    if *timeout_ms == 0 {
        faults.push("ready.timeout_ms must be at least 1".to_owned());
    }
    match (kind, pattern.as_deref()) {
        (ReadyKind::Line, None | Some("")) => {
            faults.push("ready.kind = \"line\" needs a pattern that a line contains".to_owned());
        }
        (ReadyKind::Line, Some(pattern)) => {
            if let Some(Err(error)) = expression(pattern) {
                let error = error.to_string().replace('\n', " ");
                faults.push(format!("ready.pattern is no regular expression: {error}"));
            }
        }
        _ => {}
    }
    faults
}

/// The regular expression that a pattern is, if it is written as one.
pub(crate) fn expression(pattern: &str) -> Option<Result<Regex, regex::Error>> {
    let inner = pattern.strip_prefix('/')?.strip_suffix('/')?;
    Some(Regex::new(inner))
}

fn of_probe(key: &str, is_exec: bool, path: Option<&str>, program: Option<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    if is_exec && program.is_none_or(str::is_empty) {
        faults.push(format!("{key}.kind = \"exec\" needs a program"));
    }
    let plain = |path: &str| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    if path.is_some_and(|path| !plain(path)) {
        faults.push(format!("{key}.path must begin with a '/' and hold no blanks"));
    }
    faults
}

fn of_restart(config: &SidecarConfig) -> Vec<String> {
    let restart = &config.restart;
    let mut faults = Vec::new();
    if restart.starts == 0 {
        faults.push("restart.starts must be at least 1".to_owned());
    }
    if restart.backoff_ms > restart.max_backoff_ms {
        faults.push(format!("restart.max_backoff_ms must be at least restart.backoff_ms ({})", restart.backoff_ms));
    }
    faults
}

/// Most sidecars of a daemon.
pub(crate) const MOST: usize = 128;

/// What is wrong between configurations: there are more than 128, names or ports are given twice, dependencies are on nobody
/// or in a circle.
pub fn faults_together(configs: &[SidecarConfig]) -> Vec<String> {
    let mut faults = Vec::new();
    if configs.len() > MOST {
        return vec![format!("there are {} sidecars; a daemon keeps {MOST} at most", configs.len())];
    }
    let mut known = BTreeMap::new();
    for config in configs {
        if known.insert(config.name.as_str(), config.depends_on.as_slice()).is_some() {
            faults.push(format!("two sidecars are called {:?}; rename one", config.name));
        }
    }
    let mut ports = BTreeMap::new();
    for config in configs {
        let Port::Fixed(port) = config.port else { continue };
        match ports.insert(port, config.name.as_str()) {
            Some(other) if other != config.name => {
                faults.push(format!(
                    "sidecars {other:?} and {:?} both have port {port}; change one of them",
                    config.name
                ));
            }
            _ => {}
        }
    }
    for config in configs {
        for name in config.depends_on.iter().filter(|name| !known.contains_key(name.as_str())) {
            let nearest = nearest(name, known.keys().copied().filter(|known| *known != config.name), 1);
            let hint = nearest.first().map_or_else(String::new, |near| format!("; the nearest known one is {near:?}"));
            faults.push(format!("sidecar {:?}: depends_on names {name:?}, which is no sidecar{hint}", config.name));
        }
    }
    if let Err(circle) = order(&known) {
        faults.push(format!("depends_on leads in a circle: {}; leave one of them out", circle.join(" -> ")));
    }
    faults
}

/// The names, each behind all that it depends on. Unknown names are passed over. Errors: a circle, its first name again at
/// its end.
pub(crate) fn order(depends: &BTreeMap<&str, &[String]>) -> Result<Vec<String>, Vec<String>> {
    let mut walk = Walk { depends, done: Vec::new(), path: Vec::new() };
    depends.keys().try_for_each(|name| walk.visit(name))?;
    Ok(walk.done)
}

struct Walk<'a> {
    depends: &'a BTreeMap<&'a str, &'a [String]>,
    done: Vec<String>,
    path: Vec<String>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str) -> Result<(), Vec<String>> {
        let Some(depends) = self.depends.get(name) else { return Ok(()) };
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        if let Some(begin) = self.path.iter().position(|above| above == name) {
            let mut circle = self.path.split_off(begin);
            circle.push(name.to_owned());
            return Err(circle);
        }
        self.path.push(name.to_owned());
        depends.iter().try_for_each(|below| self.visit(below))?;
        self.path.pop();
        self.done.push(name.to_owned());
        Ok(())
    }
}

/// The known names that are most like `name`, the likest first.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
    let mut names: Vec<&str> = known.into_iter().collect();
    names.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    names.into_iter().take(most).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(keys: Value) -> SidecarConfig {
        let mut config = json!({"name": "a", "program": "b"});
        config.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn what_is_complete_has_no_faults() {
        let good = [
            json!({}),
            json!({"port": "auto", "args": ["--port", "{port}"], "health": "http"}),
            json!({"port": "auto", "env": {"PORT": "{port}"}, "ready": "tcp"}),
            json!({"port": "auto", "ready": "handshake", "health": "http", "stop": {"http": "POST /shutdown"}}),
            json!({"ready": {"kind": "line", "pattern": "/^up on \\d+$/"}}),
            json!({"health": {"kind": "exec", "program": "true"}}),
        ];
        for keys in good {
            assert_eq!(faults(&of(keys.clone())), [""; 0], "{keys}");
        }
    }

    #[test]
    fn every_fault_is_found_and_says_what_to_change() {
        let bad = [
            (json!({"name": "-a"}), "name must begin"),
            (json!({"name": "a/b"}), "name must begin"),
            (json!({"name": "x".repeat(65)}), "name must begin"),
            (json!({"binary": "c"}), "either program or binary"),
            (json!({"program": null}), "either program or binary"),
            (json!({"program": null, "binary": "./c"}), "write a path as program"),
            (json!({"port": "auto"}), "{port} in args"),
            (json!({"args": ["{port}"]}), "set port"),
            (json!({"health": "http"}), "health needs a port"),
            (json!({"ready": "tcp"}), "ready needs a port"),
            (json!({"ready": "line"}), "needs a pattern"),
            (json!({"ready": {"kind": "line", "pattern": "/(/"}}), "no regular expression"),
            (json!({"ready": "exec"}), "needs a program"),
            (json!({"port": 80, "health": {"kind": "http", "path": "health"}}), "health.path must begin"),
            (json!({"stop": {"http": "/shutdown"}, "port": 80}), "POST /shutdown"),
            (json!({"stop": {"http": "POST /shutdown"}}), "stop.http needs a port"),
            (json!({"restart": {"policy": "always", "starts": 0}}), "restart.starts"),
            (json!({"restart": {"policy": "always", "backoffMs": 99, "maxBackoffMs": 9}}), "(99)"),
            (json!({"env": {"A=B": "c"}}), "'='"),
            (json!({"dependsOn": ["a"]}), "the sidecar itself"),
            (json!({"logBytes": 1}), "log_bytes"),
        ];
        for (keys, hint) in bad {
            let found = faults(&of(keys.clone()));
            assert!(found.len() == 1 && found[0].contains(hint), "{keys}: {found:?}");
        }
    }

    fn chain(depends: &[(&str, &[&str])]) -> Vec<SidecarConfig> {
        let config = |(name, depends): &(&str, &[&str])| of(json!({"name": name, "dependsOn": depends}));
        depends.iter().map(config).collect()
    }

    #[test]
    fn a_circle_an_unknown_name_and_a_name_given_twice_are_named() {
        let circle = faults_together(&chain(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])]));
        assert_eq!(circle, ["depends_on leads in a circle: a -> b -> c -> a; leave one of them out"]);
        let unknown = faults_together(&chain(&[("web", &["databse"]), ("database", &[])]));
        assert!(unknown[0].contains("\"databse\"") && unknown[0].ends_with("\"database\""), "{unknown:?}");
        assert!(faults_together(&chain(&[("a", &[]), ("a", &[])]))[0].contains("two sidecars"));
    }

    #[test]
    fn two_with_the_same_fixed_port_are_named() {
        let on = |name: &str, port: Value| of(json!({"name": name, "port": port, "args": ["{port}"]}));
        let configs = [on("a", json!(8080)), on("b", json!("auto")), on("c", json!("auto")), on("d", json!(8080))];
        assert_eq!(faults_together(&configs), ["sidecars \"a\" and \"d\" both have port 8080; change one of them"]);
    }

    #[test]
    fn a_chain_without_end_is_refused_for_its_length() {
        let names: Vec<String> = (0..100_000).map(|at| format!("n{at}")).collect();
        let config = |pair: &[String]| of(json!({"name": pair[0], "dependsOn": [pair[1]]}));
        let configs: Vec<SidecarConfig> = names.windows(2).map(config).collect();
        assert_eq!(faults_together(&configs), ["there are 99999 sidecars; a daemon keeps 128 at most"]);
    }

    #[test]
    fn everything_comes_behind_what_it_depends_on() {
        let configs = chain(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]);
        let depends = configs.iter().map(|config| (config.name.as_str(), config.depends_on.as_slice())).collect();
        assert_eq!(order(&depends).unwrap(), ["d", "b", "c", "a"]);
    }
}
