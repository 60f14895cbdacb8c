//! What must hold of the sources themselves: who may depend on whom, and how files are laid out. Reads manifests and sources as
//! text; knows nothing of what they do.

#![allow(clippy::unwrap_used, reason = "what cannot be read fails the test that reads it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Folders that hold no sources of ours.
const NOT_OURS: [&str; 5] = ["target", "node_modules", "dist", ".git", "corpus"];
/// This file names what it forbids.
const SELF: &str = "tests/tidy.rs";
const LINES_A_FILE: usize = 800;
/// The crate that calls the system where no safe call exists.
const MAY_BE_UNSAFE: &str = "supervisor";

struct File {
    /// From the root of the tree, with `/` between names.
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_prose(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// Whether it belongs to a library: not to a program, a test, an example or a benchmark.
    fn is_library(&self) -> bool {
        let program = ["xtask/", "benches/", "drift/", "fuzz/", "src/main.rs", "src/cli", "src/config"];
        let apart = ["tests/", "/tests/", "examples/", "/examples/", "/src/bin/", "build.rs"];
        self.is_rust()
            && !program.iter().any(|start| self.path.starts_with(start))
            && !apart
                .iter()
                .any(|part| self.path.starts_with(part) || (part.starts_with('/') && self.path.contains(part)))
    }

    /// Where `needle` stands, as `path:line`.
    fn places(&self, holds: impl Fn(&str) -> bool) -> Vec<String> {
        let numbered = self.text.lines().enumerate();
        numbered.filter(|(_, line)| holds(line)).map(|(index, _)| format!("{}:{}", self.path, index + 1)).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Vec<File> {
    let mut found = Vec::new();
    collect(root(), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.iter().any(|file| file.path == SELF), "the walk finds the sources");
    found
}

/// Every text file below `folder`; others are passed over.
fn collect(folder: &Path, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if NOT_OURS.contains(&name.as_str()) || path.is_symlink() {
            continue;
        } else if path.is_dir() {
            collect(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push(File { path: relative(&path), text });
        }
    }
}

fn relative(path: &Path) -> String {
    let names = path.strip_prefix(root()).unwrap().components();
    names.map(|name| name.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}

/// The manifests by folder; the root's is at "".
fn manifests() -> BTreeMap<String, Table> {
    let manifest = |file: &File| {
        let folder = file.path.strip_suffix("Cargo.toml")?.trim_end_matches('/').to_owned();
        Some((folder, file.text.parse::<Table>().unwrap()))
    };
    files().iter().filter_map(manifest).collect()
}

/// The manifests of the root's own workspace.
fn members() -> BTreeMap<String, Table> {
    let mut manifests = manifests();
    let listed = manifests[""]["workspace"]["members"].as_array().unwrap().clone();
    let is_member = |folder: &String| folder.is_empty() || listed.contains(&Value::String(folder.clone()));
    manifests.retain(|folder, _| is_member(folder));
    assert_eq!(manifests.len(), listed.len() + 1, "every member has a manifest");
    manifests
}

/// What a manifest depends on; with its tests, if asked.
fn dependencies(manifest: &Table, with_tests: bool) -> BTreeSet<String> {
    let kinds: &[&str] = if with_tests {
        &["dependencies", "build-dependencies", "dev-dependencies"]
    } else {
        &["dependencies", "build-dependencies"]
    };
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let scopes = targets.filter_map(Value::as_table).chain([manifest]);
    let tables = scopes.flat_map(|scope| kinds.iter().filter_map(|kind| scope.get(*kind)?.as_table()));
    tables.flat_map(|table| table.keys().cloned()).collect()
}

fn own_dependencies(manifest: &Table) -> BTreeSet<String> {
    dependencies(manifest, false).into_iter().filter(|name| name.starts_with("sixframe")).collect()
}

/// Fails with every finding at once.
fn none(what: &str, findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}

fn line_has(file: &File, needles: &[&str]) -> Vec<String> {
    file.places(|line| needles.iter().any(|needle| line.contains(needle)))
}

/// Whether `word` stands in `line` by itself.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word))
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("rpc-core", &[][..]),
        ("transports", &["sixframe-core"]),
        ("hub", &["sixframe-core"]),
        ("services", &["sixframe-core", "sixframe-hub", "sixframe-supervisor"]),
        ("supervisor", &[]),
        ("xtask", &[]),
    ]);
    for (folder, manifest) in members().iter().filter(|(folder, _)| !folder.is_empty()) {
        let allowed =
            allowed.get(folder.as_str()).unwrap_or_else(|| panic!("{folder} is not in the list of directions"));
        let wrong = own_dependencies(manifest).into_iter().filter(|name| !allowed.contains(&name.as_str()));
        none(&format!("{folder} may depend on {allowed:?} only"), wrong);
    }
}

#[test]
fn hub_and_services_name_no_transport() {
    let named = ["sixframe_transports", "tungstenite", "interprocess"];
    let files = files();
    let inner = files.iter().filter(|file| file.path.starts_with("hub/src") || file.path.starts_with("services/src"));
    none("a transport is named", inner.clone().flat_map(|file| line_has(file, &named)));
    // Programs that are looked after are asked whether they answer, and models for answers; that is no transport of frames.
    let asks = ["services/src/sidecars/listener", "services/src/sidecars/probe", "services/src/agents/local"];
    let others = inner.filter(|file| !asks.iter().any(|asking| file.path.starts_with(asking)));
    none("a socket is opened", others.flat_map(|file| line_has(file, &["tokio::net", "std::net"])));
}

#[test]
fn transports_name_no_service() {
    let named = ["sixframe_services", "sixframe_hub"];
    let files = files();
    none(
        "a service is named",
        files.iter().filter(|file| file.path.starts_with("transports/")).flat_map(|f| line_has(f, &named)),
    );
}

#[test]
fn frames_and_sessions_know_neither_runtime_nor_clock() {
    let pure = |file: &&File| {
        let inside = |name: &str| file.path.strip_prefix("rpc-core/src/").is_some_and(|path| path.starts_with(name));
        file.is_rust() && (inside("frame") || inside("session"))
    };
    let impure = ["tokio", "futures", "futures_core", "futures_util", "futures_sink", "SystemTime", "Instant::now"];
    let found = |file: &File| {
        file.places(|line| !line.trim_start().starts_with("//") && impure.iter().any(|word| has_word(line, word)))
    };
    none("frame and session are state alone", files().iter().filter(pure).flat_map(found));
}

#[test]
fn what_a_commit_does_and_what_a_patch_says_is_worked_out_without_locks_clocks_and_files() {
    let pure = ["state", "patch", "tree", "json", "op", "pointer", "selection", "replica", "mutations"];
    let is_pure = |file: &&File| {
        let name = file.path.strip_prefix("hub/src/").and_then(|path| path.strip_suffix(".rs"));
        name.is_some_and(|name| pure.contains(&name))
    };
    let impure = ["tokio", "futures_util", "Mutex", "RwLock", "Instant", "SystemTime", "fs", "arc_swap", "Waker"];
    let found = |file: &File| {
        file.places(|line| !line.trim_start().starts_with("//") && impure.iter().any(|word| has_word(line, word)))
    };
    let sources = files();
    assert_eq!(sources.iter().filter(is_pure).count(), pure.len(), "the list names files that are there");
    none("the state of the hub is data alone", sources.iter().filter(is_pure).flat_map(found));
}

#[test]
fn no_module_is_a_drawer() {
    let drawers = ["util", "utils", "common", "types", "helper", "helpers", "misc", "prelude"];
    let is_drawer = |file: &&File| {
        let path = file.path.strip_suffix("/mod.rs").map_or_else(|| PathBuf::from(&file.path), PathBuf::from);
        file.is_rust() && path.file_stem().is_some_and(|stem| drawers.iter().any(|drawer| stem == *drawer))
    };
    none("name the file after what it holds", files().iter().filter(is_drawer).map(|file| file.path.clone()));
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let without = |(folder, manifest): (&String, &Table)| {
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        (lints != Some(&Value::Boolean(true)) && folder != MAY_BE_UNSAFE).then(|| format!("{folder}/Cargo.toml"))
    };
    none("add [lints] workspace = true", members().iter().filter_map(without));
}

#[test]
fn one_crate_may_be_unsafe_and_takes_every_other_lint() {
    let members = members();
    let (of_all, own) = (&members[""]["workspace"]["lints"], &members[MAY_BE_UNSAFE]["lints"]);
    assert_eq!(own["rust"]["unsafe_code"].as_str(), Some("deny"), "allowed where it stands, with a reason");
    assert_eq!(own["clippy"]["undocumented_unsafe_blocks"].as_str(), Some("deny"));
    for (tool, lint, level) in [("rust", of_all), ("clippy", of_all)]
        .into_iter()
        .flat_map(|(tool, lints)| lints[tool].as_table().unwrap().iter().map(move |(lint, level)| (tool, lint, level)))
        .filter(|(_, lint, _)| *lint != "unsafe_code")
    {
        assert_eq!(own[tool].get(lint), Some(level), "{tool}::{lint} in {MAY_BE_UNSAFE}/Cargo.toml");
    }
}

#[test]
fn every_crate_has_the_version_of_the_workspace() {
    let members = members();
    let version = members[""]["workspace"]["package"]["version"].as_str().unwrap();
    for (folder, manifest) in &members {
        let inherited = manifest["package"]["version"].get("workspace") == Some(&Value::Boolean(true));
        assert!(inherited, "{folder}/Cargo.toml: write version.workspace = true");
    }
    let own = members[""]["workspace"]["dependencies"].as_table().unwrap().iter();
    for (name, dependency) in own.filter(|(_, dependency)| dependency.get("path").is_some()) {
        assert_eq!(dependency["version"].as_str(), Some(version), "{name} in [workspace.dependencies]");
    }
}

#[test]
fn every_workspace_commits_its_lock_file() {
    let manifests = manifests();
    let own = manifests.iter().filter(|(_, manifest)| manifest.contains_key("workspace")).map(|(folder, _)| folder);
    let without = own.filter(|folder| !root().join(folder).join("Cargo.lock").is_file()).cloned();
    let ignored =
        fs::read_to_string(root().join(".gitignore")).unwrap().lines().any(|line| line.contains("Cargo.lock"));
    none("commit Cargo.lock beside these manifests", without);
    assert!(!ignored, ".gitignore must not name Cargo.lock");
}

#[test]
fn nothing_unfinished_is_committed() {
    let unfinished = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "TODO", "XXX", "HACK:"];
    let sources = files();
    let found = sources.iter().filter(|file| (file.is_rust() || file.is_prose()) && file.path != SELF);
    none("finish it or leave it out", found.flat_map(|file| line_has(file, &unfinished)));
}

#[test]
fn every_ignored_test_and_every_allowed_lint_says_why() {
    let unexplained = |line: &str| line.trim() == "#[ignore]";
    let attribute = |line: &str| {
        let line = line.trim_start();
        ["#[allow(", "#![allow(", "#[expect(", "#![expect("].iter().any(|start| line.starts_with(start))
    };
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust() && file.path != SELF) {
        found.extend(file.places(unexplained));
        let lines: Vec<&str> = file.text.lines().collect();
        let until_closed = |start: usize| lines[start..].iter().take_while(|line| !line.contains(")]")).count() + start;
        let bare =
            |start: &usize| !lines[*start..lines.len().min(until_closed(*start) + 1)].concat().contains("reason");
        let attributes = (0..lines.len()).filter(|index| attribute(lines[*index])).filter(bare);
        found.extend(attributes.map(|index| format!("{}:{}", file.path, index + 1)));
    }
    none("say why, with `reason = \"…\"` or #[ignore = \"…\"]", found);
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = |file: &File| {
        let lines = file.text.lines().count();
        (file.is_rust() && lines > LINES_A_FILE).then(|| format!("{}: {lines} lines", file.path))
    };
    none(&format!("split at {LINES_A_FILE} lines"), files().iter().filter_map(long));
}

#[test]
fn libraries_do_not_print() {
    let prints = ["println!(", "print!(", "eprintln!(", "eprint!("];
    let outside_docs =
        |line: &str| !line.trim_start().starts_with("//") && prints.iter().any(|print| line.contains(print));
    let sources = files();
    let found = sources.iter().filter(|file| file.is_library()).flat_map(|file| file.places(outside_docs));
    none("stdout is a transport, and stderr is the program's", found);
}

#[test]
fn nothing_names_the_machine_it_was_made_on() {
    let places = ["/home/", "/root/", "/work/", "/Users/"];
    let hosts = [
        "index.crates.io",
        "static.crates.io",
        "pypi.org",
        "pythonhosted.org",
        "registry.npmjs.org",
        "proxy.golang.org",
    ];
    let is_lock = |file: &File| file.path.ends_with(".lock") || file.path.ends_with("package-lock.json");
    let sources = files();
    let ours = sources.iter().filter(|file| file.path != SELF && !is_lock(file));
    none("leave the machine out", ours.flat_map(|file| [line_has(file, &places), line_has(file, &hosts)].concat()));
}

#[test]
fn prose_is_about_the_software_and_not_about_its_making() {
    let making = ["subagent", "sprint", "deadline of", "assigned to", "this issue"];
    let sources = files();
    let about_making = |file: &File| file.places(|line| making.iter().any(|word| line.to_lowercase().contains(word)));
    none("write about the software", sources.iter().filter(|file| file.is_prose()).flat_map(about_making));
}

#[test]
fn the_readme_mentions_every_example() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let sources = files();
    let programs = sources.iter().filter_map(|file| file.path.strip_prefix("examples/")?.strip_suffix(".rs"));
    let unmentioned = programs.filter(|name| !name.contains('/') && !has_word(&readme, name));
    none("mention these examples in README.md", unmentioned.map(str::to_owned));
}

#[test]
fn the_architecture_is_told_in_a_few_pages() {
    let text = fs::read_to_string(root().join("spec/architecture.md")).unwrap();
    assert!(text.lines().count() <= 150, "spec/architecture.md: shorten it to 150 lines");
    let named = text.split('`').skip(1).step_by(2).filter(|name| name.contains('/') && !name.contains(' '));
    let missing = named.filter(|name| {
        let name = name.trim_end_matches('*');
        let spots = [root().join(name), root().join(name).with_extension("rs"), root().join("spec").join(name)];
        !spots.iter().any(|spot| spot.exists())
    });
    none("spec/architecture.md names what is not there", missing.map(str::to_owned));
}

#[test]
fn every_link_in_the_prose_leads_to_a_file() {
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| file.is_prose()) {
        let folder = root().join(&file.path);
        let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
        let local = targets.filter(|target| !target.is_empty() && !target.contains(':'));
        let missing = local.filter(|target| !folder.parent().unwrap().join(target).exists());
        broken.extend(missing.map(|target| format!("{}: {target}", file.path)));
    }
    none("links that lead nowhere", broken);
}
