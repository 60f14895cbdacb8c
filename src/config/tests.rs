//! The layers, the errors and the example, without a process around them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::load::Source;
use super::*;

fn inputs(folder: &Path) -> Inputs {
    let surroundings = Surroundings {
        config_file: folder.join("sixframe.toml"),
        home: Some(PathBuf::from("/h/me")),
        ..Surroundings::example()
    };
    Inputs { surroundings, file: None, variables: Vec::new(), flags: Vec::new() }
}

fn with_file(text: &str) -> (tempfile::TempDir, Inputs) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sixframe.toml"), text).unwrap();
    let inputs = inputs(folder.path());
    (folder, inputs)
}

fn variable(name: &str, value: &str) -> (OsString, OsString) {
    (name.into(), value.into())
}

fn set(key: &str, value: &str) -> Flag {
    Flag { spelling: "--set".to_owned(), key: key.to_owned(), value: FlagValue::Text(value.to_owned()) }
}

fn errors(inputs: &Inputs) -> Vec<String> {
    load(inputs).unwrap_err().0
}

fn only_error(inputs: &Inputs) -> String {
    let errors = errors(inputs);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.concat()
}

#[test]
fn without_file_variables_and_flags_everything_is_default() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = inputs(folder.path());
    let loaded = load(&inputs).unwrap();
    assert_eq!(loaded.config, Config::defaults(&inputs.surroundings));
    assert!(KEYS.iter().all(|key| loaded.source(key.name).to_string() == "default"));
}

#[test]
fn flags_go_over_variables_and_variables_over_the_file() {
    let (folder, mut inputs) = with_file("drain_ms = 1\n\n[limits]\ndepth = 1\nstreams = 1\n");
    inputs.variables = vec![variable("SIXFRAME_LIMITS_DEPTH", "2"), variable("SIXFRAME_LIMITS_STREAMS", "2")];
    inputs.flags = vec![set("limits.streams", "3")];
    let loaded = load(&inputs).unwrap();
    let limits = &loaded.config.limits;
    assert_eq!((loaded.config.drain_ms, limits.depth, limits.streams), (1, 2, 3));
    assert_eq!(loaded.source("drain_ms").to_string(), format!("{}:1", folder.path().join("sixframe.toml").display()));
    assert_eq!(loaded.source("limits.depth").to_string(), "SIXFRAME_LIMITS_DEPTH");
    assert_eq!(loaded.source("limits.streams").to_string(), "--set");
}

#[test]
fn the_defaults_follow_the_runtime_folder() {
    let (_folder, mut inputs) = with_file("runtime_dir = \"/first\"\n");
    inputs.variables = vec![variable("SIXFRAME_RUNTIME_DIR", "/second")];
    let config = load(&inputs).unwrap().config;
    assert_eq!(config.token_file, Path::new("/second/token"));
    let local = if cfg!(windows) { "pipe:sixframe-user" } else { "unix:/second/sixframe.sock" };
    assert_eq!(config.listen[0], ListenAddress::unchecked(local));
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_line_and_the_nearest() {
    let (_folder, inputs) = with_file("drain_ms = 1\n\n[limits]\nmesage_bytes = 4096\n");
    let error = only_error(&inputs);
    assert!(error.contains("sixframe.toml:4: unknown key \"limits.mesage_bytes\""), "{error}");
    assert!(error.ends_with("the nearest known one is \"limits.message_bytes\""), "{error}");
}

#[test]
fn an_unknown_table_is_an_error_that_names_the_nearest() {
    let (_folder, inputs) = with_file("[limit]\ndepth = 3\n");
    let error = only_error(&inputs);
    assert!(error.ends_with(":1: unknown key \"limit\"; the nearest known one is \"limits\""), "{error}");
}

#[test]
fn an_unknown_variable_is_an_error_that_names_the_nearest() {
    let (_folder, mut inputs) = with_file("");
    inputs.variables = vec![variable("SIXFRAME_LISTN", "ws://127.0.0.1:0"), variable("OTHER", "x")];
    let expected = "SIXFRAME_LISTN: unknown variable; the nearest known one is SIXFRAME_LISTEN";
    assert_eq!(only_error(&inputs), expected);
}

#[test]
fn variables_that_are_not_the_daemons_are_no_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = inputs(folder.path());
    inputs.variables = vec![variable("SIXFRAME_TOKEN", "for a program that calls"), variable("SIXFRAME_BIN_LLM", "/l")];
    inputs.variables.push(variable("SIXFRAME_NONCE", "of the sidecar that this was started by"));
    let loaded = load(&inputs).unwrap();
    assert!(matches!(loaded.source("token_file"), Source::Default));
    assert_eq!(loaded.config, Config::defaults(&inputs.surroundings));
    // No key is hidden by them.
    let is_others =
        |name: &str| name.starts_with("SIXFRAME_BIN_") || ["SIXFRAME_TOKEN", "SIXFRAME_NONCE"].contains(&name);
    assert!(!KEYS.iter().any(|key| is_others(&key.variable())));
    inputs.variables = vec![variable("SIXFRAME_TOKENS", "x")];
    assert!(only_error(&inputs).contains("unknown variable"));
}

#[test]
fn a_wrong_type_names_the_key_and_the_expected_type() {
    let (_folder, mut inputs) = with_file("listen = \"ws://127.0.0.1:0\"\nlimits = 3\n");
    inputs.variables = vec![variable("SIXFRAME_DRAIN_MS", "soon")];
    inputs.flags = vec![set("expose_internal_errors", "yes")];
    let errors = errors(&inputs);
    let expected = [
        "limits must be a table, written [limits] on a line of its own",
        "listen must be a list, not the string \"ws://127.0.0.1:0\"",
        "SIXFRAME_DRAIN_MS: drain_ms must be a whole number, not the string \"soon\"",
        "--set: expose_internal_errors must be true or false, not the string \"yes\"",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    assert!(expected.iter().zip(&errors).all(|(end, error)| error.ends_with(end)), "{errors:#?}");
}

#[test]
fn every_refused_value_says_what_to_write() {
    let refused = [
        ("listen", "unix:sock", "absolute"),
        ("listen", "unix:@name", "absolute"),
        ("listen", "ws://127.0.0.1", "ws://host:port"),
        ("listen", "ws://127.0.0.1:99999", "ws://host:port"),
        ("listen", "wss://a:1", "proxy"),
        ("listen", "tcp:1", "an address is"),
        ("listen", "[]", "at least one address"),
        ("allow", "process.runn", "process.run"),
        ("log", "verbose", "a level"),
        ("log", "info,sixframe=loud", "a level"),
        ("limits.depth", "0", "at least 1"),
        ("limits.depth", "-1", "below zero"),
        ("limits.depth", "4294967296", "or less"),
        ("limits.malformed", "15", "at least 16"),
        ("limits.stall_ms", "0", "at least 1"),
        ("limits.soft_bytes", "67108864", "below limits.hard_bytes"),
        ("limits.soft_bytes", "0", "at least 1"),
        ("limits.message_bytes", "67108865", "at least limits.message_bytes"),
        ("ws.allowed_origins", "localhost", "scheme://"),
        ("ws.allowed_origins", "http://*", "wildcard"),
        ("hub.volatile", "sessions", "JSON pointer"),
        ("hub.volatile", "/*/draft", "names no slice"),
        ("runtime_dir", "", "empty"),
        ("app.mode", "servic", "standalone, service or connected"),
        ("app.mode", "connected", "must name the other daemon"),
        ("sidecar", "[{ name = 'a' }]", "either program or binary"),
    ];
    for (key, value, hint) in refused {
        let (_folder, mut inputs) = with_file("");
        inputs.flags = vec![set(key, value)];
        let error = only_error(&inputs);
        assert!(error.contains(hint), "{key} = {value}: {error}");
    }
}

#[test]
fn broken_toml_is_told_of_with_its_line() {
    let (_folder, inputs) = with_file("drain_ms = 1\nlog = \"info\n");
    let errors = errors(&inputs);
    assert!(errors[0].contains("sixframe.toml:2: "), "{errors:#?}");
}

#[test]
fn a_named_file_must_be_there() {
    let (folder, mut inputs) = with_file("");
    let missing = folder.path().join("missing.toml");
    inputs.variables = vec![variable("SIXFRAME_CONFIG", missing.to_str().unwrap())];
    assert!(only_error(&inputs).contains("missing.toml"));
    inputs.file = Some(folder.path().join("other.toml"));
    assert!(only_error(&inputs).contains("other.toml"));
}

#[test]
fn relative_paths_start_at_the_file_and_elsewhere_at_the_working_folder() {
    let (folder, mut inputs) = with_file("token_file = \"token\"\n\n[fs]\nroots = [\"~/notes\"]\n");
    inputs.flags = vec![set("runtime_dir", "run")];
    let config = load(&inputs).unwrap().config;
    assert_eq!(config.token_file, folder.path().join("token"));
    assert_eq!(config.fs.roots, [Path::new("/h/me/notes")]);
    assert_eq!(config.runtime_dir, Path::new("/srv/project/run"));
}

#[test]
fn a_list_in_a_variable_is_separated_by_commas_or_written_as_toml() {
    for text in ["unix:/a.sock, ws://[::1]:0", "[\"unix:/a.sock\", 'ws://[::1]:0']"] {
        let (_folder, mut inputs) = with_file("");
        inputs.variables = vec![variable("SIXFRAME_LISTEN", text)];
        let expected = ["unix:/a.sock", "ws://[::1]:0"].map(ListenAddress::unchecked);
        assert_eq!(load(&inputs).unwrap().config.listen, expected);
    }
}

#[test]
fn a_daemon_started_at_the_root_of_the_file_system_shows_no_folder() {
    let surroundings = Surroundings { working_dir: PathBuf::from("/"), ..Surroundings::example() };
    assert!(Config::defaults(&surroundings).fs.roots.is_empty());
}

#[test]
fn the_default_limits_are_the_engine_s() {
    let config = Config::defaults(&Surroundings::example());
    assert_eq!(config.limits.of_connection(), sixframe_core::Limits::default());
}

#[test]
fn a_sidecar_needs_two_keys_and_its_paths_begin_at_the_file() {
    let text = "[[sidecar]]\nname = \"a\"\nprogram = \"python3\"\n[[sidecar]]\nname = \"b\"\nprogram = \"./b\"\ncwd = \"~/c\"\n";
    let (folder, inputs) = with_file(text);
    let sidecars = load(&inputs).unwrap().config.sidecars();
    assert_eq!(sidecars[0], SidecarConfig::new("a", "python3"));
    assert_eq!(sidecars[1].program.as_deref(), folder.path().join("./b").to_str());
    assert_eq!(sidecars[1].cwd.as_deref(), Some("/h/me/c"));
}

#[test]
fn what_is_defined_later_begins_at_the_file_that_was_read_though_it_names_no_sidecar() {
    let (folder, inputs) = with_file("drain_ms = 1\n");
    assert_eq!(load(&inputs).unwrap().config.sidecar_folder(), Some(folder.path()));
    std::fs::remove_file(folder.path().join("sixframe.toml")).unwrap();
    assert_eq!(load(&inputs).unwrap().config.sidecar_folder(), None, "nothing was read");
}

#[test]
fn the_programs_that_vouch_for_a_sidecar_begin_where_its_own_does() {
    let exec = |program: &str| format!("{{ kind = \"exec\", program = \"{program}\" }}");
    let (ready, health) = (exec("./ready"), exec("bin/health"));
    let (folder, inputs) =
        with_file(&format!("[[sidecar]]\nname = \"a\"\nprogram = \"./a\"\nready = {ready}\nhealth = {health}\n"));
    let sidecar = load(&inputs).unwrap().config.sidecars().remove(0);
    let found = [sidecar.ready.unwrap().program, sidecar.health.program];
    let expected = ["./ready", "bin/health"].map(|path| Some(folder.path().join(path).to_str().unwrap().to_owned()));
    assert_eq!(found, expected);
    let (_folder, inputs) =
        with_file(&format!("[[sidecar]]\nname = \"a\"\nprogram = \"a\"\nready = {}\n", exec("true")));
    let sidecar = load(&inputs).unwrap().config.sidecars().remove(0);
    assert_eq!(sidecar.readiness().program.as_deref(), Some("true"), "a name is looked up");
}

#[test]
fn what_is_wrong_with_a_sidecar_names_the_file_the_entry_and_the_key() {
    let entry = |name: &str, rest: &str| format!("[[sidecar]]\nname = \"{name}\"\nprogram = \"p\"\n{rest}\n");
    let wrong = [
        (
            entry("web", "prot = 80"),
            "toml:1: sidecar: \"web\": unknown key \"prot\"; the nearest known one is \"port\"",
        ),
        (entry("web", "[sidecar.health]\nkind = \"none\"\nintervall_ms = 1"), "nearest known one is \"interval_ms\""),
        (entry("web", "health = \"htpp\""), "\"web\": health: unknown variant `htpp`"),
        (entry("web", "port = 70000"), "\"web\": port: invalid value"),
        (entry("web", "port = \"auto\""), "\"web\": with port = \"auto\", write {port}"),
        ("[[sidecar]]\nprogram = \"p\"\n".to_owned(), "an entry without a name: missing field `name`"),
        ("[sidecar]\nname = \"a\"\n".to_owned(), "each written [[sidecar]]"),
        (entry("a", "") + &entry("a", ""), "two sidecars are called \"a\""),
        (entry("a", "depends_on = [\"b\"]") + &entry("b", "depends_on = [\"a\"]"), "a -> b -> a"),
        (entry("web", "") + &entry("b", "depends_on = [\"wep\"]"), "sidecar \"b\": depends_on names \"wep\""),
    ];
    for (text, hint) in wrong {
        let (_folder, inputs) = with_file(&text);
        let error = only_error(&inputs);
        assert!(error.contains("sixframe.toml:1: sidecar") && error.contains(hint), "{text}: {error}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_sidecar_is_told_at_once() {
    let told = |rest: &str| {
        let (_folder, inputs) = with_file(&format!("[[sidecar]]\nname = \"web\"\n{rest}\n"));
        only_error(&inputs)
    };
    let all = |rest: &str, hints: &[&str]| {
        let told = told(rest);
        assert!(hints.iter().all(|hint| told.contains(hint)), "{rest}: {told}");
        assert_eq!(told.split("; ").filter(|part| !part.starts_with("the nearest")).count(), hints.len(), "{told}");
    };
    let unknown = ["unknown key \"cmd\"", "unknown key \"ports\""];
    all(
        "ports = 80\ncmd = \"x\"\nhealth = \"htpp\"",
        &[&unknown[..], &["health: unknown variant `htpp`", "give either program or binary"]].concat(),
    );
    all(
        "program = \"x\"\nlog_bytes = 1\nrestart = { policy = \"allways\", starts = \"5\", backof_ms = 1 }",
        &["unknown key \"restart.backof_ms\"", "`allways`", "starts: invalid type", "log_bytes must be from 1024"],
    );
    all(
        "program = \"x\"\nport = \"80\"\nready = { timeout_ms = 0 }\nargs = [\"{port}\"]",
        &["port:", "ready: missing field `kind`"],
    );
    let (_folder, inputs) = with_file("[[sidecar]]\ncmd = \"x\"\n");
    let error = only_error(&inputs);
    assert!(["`name`", "\"cmd\"", "program or binary"].iter().all(|hint| error.contains(hint)), "{error}");
    // Whether there is a port is not known before it is known how it becomes ready.
    all(
        "program = \"\"\nready = \"hand shake\"\nhealth = \"http\"\ncwd = \"\"",
        &["ready:", "must not be empty", "the path is empty", "leave the key out"],
    );
}

#[test]
fn each_sidecar_that_is_wrong_is_told_of_with_its_own_line() {
    let entry = |name: &str, rest: &str| format!("[[sidecar]]\nname = \"{name}\"\nprogram = \"p\"\n{rest}\n");
    let all = [entry("a", ""), entry("b", "port = \"80\""), entry("c", ""), entry("d", "[sidecar.stop]\nsignl = 1")];
    let (_folder, inputs) = with_file(&all.concat());
    let errors = errors(&inputs);
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(errors[0].contains("sixframe.toml:5: sidecar: \"b\": port"), "{errors:#?}");
    assert!(errors[1].contains("sixframe.toml:13: sidecar: \"d\": unknown key \"stop.signl\""), "{errors:#?}");
}

#[test]
fn sidecars_are_shown_without_their_secrets_and_read_back() {
    let text = "[[sidecar]]\nname = \"a\"\nprogram = \"/p\"\nready = \"line\"\n[sidecar.env]\nTOKEN_A = \"secret\"\n";
    let (_folder, inputs) = with_file(&text.replace("\"line\"", "{ kind = \"line\", pattern = \"up\" }"));
    let first = load(&inputs).unwrap();
    let shown = shown(&first);
    assert!(shown.contains("TOKEN_A = \"(hidden)\"") && !shown.contains("secret"), "{shown}");
    let (_folder, inputs) = with_file(&shown.replace("(hidden)", "secret"));
    assert_eq!(load(&inputs).unwrap().config.sidecars(), first.config.sidecars());
}

#[test]
fn the_sidecar_of_the_example_can_be_used() {
    let example = example();
    let (_, sidecar) = example.split_once("# [[sidecar]]\n").unwrap();
    let lines = sidecar.lines().map(|line| line.strip_prefix("# ").unwrap());
    let text = format!("[[sidecar]]\n{}", lines.clone().collect::<Vec<_>>().join("\n"));
    let (_folder, inputs) = with_file(&text);
    assert_eq!(load(&inputs).unwrap().config.sidecars()[0].name, "search");
    // Each of the other ways to write a key is one, too.
    for line in lines.filter_map(|line| line.strip_prefix('#')) {
        let key = line.split(' ').next().unwrap();
        let others: Vec<&str> = text.lines().filter(|other| !other.starts_with(&format!("{key} "))).collect();
        let without = if key == "binary" {
            others.iter().filter(|l| !l.starts_with("program")).copied().collect()
        } else {
            others
        };
        let (_folder, inputs) = with_file(&format!("{}\n{line}\n", without.join("\n")));
        assert!(load(&inputs).is_ok(), "{line}: {:?}", load(&inputs).unwrap_err());
    }
}

#[test]
fn no_two_keys_share_a_variable() {
    let mut names: Vec<String> = KEYS.iter().map(key::Key::variable).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

#[test]
fn what_is_shown_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = inputs(folder.path());
    first.flags = vec![set("allow", "process.run"), set("ws.allowed_origins", "http://localhost:5173")];
    let shown = shown(&load(&first).unwrap());
    let (_folder, second) = with_file(&shown);
    let again = load(&second).unwrap().config;
    let (file, folder) = (again.file.clone(), again.folder.clone());
    let expected = Config { file, folder, ..load(&first).unwrap().config };
    assert_eq!(again, expected);
}

#[test]
fn the_example_has_every_key_at_its_default() {
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = example().lines().map(uncommented).collect();
    let (_folder, inputs) = with_file(&text.join("\n"));
    let loaded = load(&inputs).unwrap();
    let (file, folder) = (loaded.config.file.clone(), loaded.config.folder.clone());
    let expected = Config { file, folder, ..Config::defaults(&Surroundings::example()) };
    assert_eq!(loaded.config, expected);
    assert!(KEYS.iter().all(|key| loaded.source(key.name).to_string() != "default"));
}

#[cfg(unix)]
#[test]
fn the_committed_example_is_the_generated_one() {
    let committed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sixframe.example.toml")).unwrap();
    assert!(committed == example(), "run `sixframe config example > sixframe.example.toml`");
}

#[test]
fn agents_are_kept_from_the_file_that_was_read_and_from_what_is_the_daemons() {
    let (folder, inputs) = with_file("token_file = \"/srv/token\"\n");
    let protected = load(&inputs).unwrap().config.of_agents().policy.protected;
    for own in [folder.path().join("sixframe.toml"), "/srv/token".into()] {
        assert!(protected.contains(&own), "{}: {protected:?}", own.display());
    }
    let other = folder.path().join("other.toml");
    fs::write(&other, "").unwrap();
    let named = Inputs { file: Some(other.clone()), ..inputs };
    assert!(load(&named).unwrap().config.of_agents().policy.protected.contains(&other));
}

#[test]
fn a_rule_over_agents_is_read_and_what_is_wrong_with_one_is_said() {
    let (_folder, inputs) =
        with_file("[[agent.policy]]\neffect = \"deny\"\naction = \"command\"\npattern = \"git push *\"\n");
    let rules = load(&inputs).unwrap().config.of_agents().policy.rules;
    assert_eq!((rules.len(), rules[0].pattern.as_deref()), (1, Some("git push *")));
    for (entry, expected) in [
        ("effect = \"permit\"", "unknown variant"),
        ("action = \"command\"", "missing field"),
        ("effect = \"deny\"\naction = \"unknown\"\npattern = \"x\"", "a pattern needs the action"),
        ("effect = \"allow\"\naction = \"command\"", "what allows needs a pattern"),
        ("effect = \"allow\"\naction = \"command\"\npattern = \"*\"", "a pattern names something"),
        ("effect = \"deny\"\npatern = \"x\"", "the nearest known one is \"pattern\""),
    ] {
        let (_folder, inputs) = with_file(&format!("[[agent.policy]]\n{entry}\n"));
        let error = only_error(&inputs);
        assert!(error.contains("agent.policy") && error.contains(expected), "{entry}: {error}");
    }
}
