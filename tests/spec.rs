//! Keeps `spec/` honest: every rule of `protocol.md` is proven by a vector or by a test that names it, or stands in
//! `unproven.txt` with a reason; nothing names a rule that is not there; the files fit their schemas.
//!
//! A test proves a rule by a comment: `// proves: close.6, call.9`. Code cites one as `spec:` and the id in backquotes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// How many rules may be unproven. Lower it when a rule gets its proof.
const MOST_UNPROVEN: usize = 7;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn is_rule(text: &str) -> bool {
    let Some((name, number)) = text.split_once('.') else { return false };
    let word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    word && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ids of `protocol.md`, in its order.
fn rules() -> Vec<String> {
    let text = read("spec/protocol.md");
    let ids = text.lines().filter_map(|line| line.strip_prefix("- **`")?.split_once("`**"));
    ids.map(|(id, _)| id.to_owned()).collect()
}

/// The rules that are allowed to be unproven, with the reason.
fn unproven() -> BTreeMap<String, String> {
    let text = read("spec/unproven.txt");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &str| {
        let (rule, reason) = line.split_once(" # ").unwrap_or_else(|| panic!("unproven.txt: no reason in {line:?}"));
        (rule.trim().to_owned(), reason.trim().to_owned())
    };
    lines.map(split).collect()
}

fn vector_files() -> Vec<(String, Value)> {
    let files = files_under(&root().join("spec/vectors"), "json");
    let parse = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
    };
    files.iter().map(parse).collect()
}

fn vectors() -> Vec<Value> {
    let files = vector_files().into_iter();
    files.flat_map(|(_, file)| file["vectors"].as_array().cloned().unwrap_or_default()).collect()
}

fn named_by_vectors() -> BTreeSet<String> {
    let vectors = vectors();
    let rules = vectors.iter().flat_map(|vector| vector["rules"].as_array().into_iter().flatten());
    rules.map(|rule| rule.as_str().unwrap().to_owned()).collect()
}

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.into_iter().flat_map(|path| {
        if path.is_dir() {
            return files_under(&path, extension);
        }
        if path.extension().is_some_and(|found| found == extension) { vec![path] } else { Vec::new() }
    });
    files.collect()
}

/// The sources of the workspace, this file excepted.
fn sources() -> Vec<(PathBuf, String)> {
    let members = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let folders = members.flat_map(|member| [member.join("src"), member.join("tests")]);
    let folders = folders.chain([root().join("src"), root().join("tests")]);
    let files: BTreeSet<PathBuf> = folders.flat_map(|folder| files_under(&folder, "rs")).collect();
    let sources = files.into_iter().filter(|path| !path.ends_with("tests/spec.rs"));
    sources.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The rules that follow `proves:` in the comments of a source.
fn proven_in(source: &str) -> Vec<String> {
    let comments = source.lines().filter_map(|line| line.trim_start().strip_prefix("//"));
    let lists = comments.filter_map(|comment| comment.split_once("proves:"));
    let words = lists.flat_map(|(_, list)| list.split([',', ' ', '`']));
    words.map(|word| word.trim_end_matches('.')).filter(|word| is_rule(word)).map(str::to_owned).collect()
}

/// The rules that a source cites after `spec:`, up to the end of the parenthesis.
fn cited_in(source: &str) -> Vec<String> {
    let citations = source.split("(spec:").skip(1).filter_map(|rest| rest.split(')').next());
    let words = citations.flat_map(|citation| citation.split('`'));
    words.filter(|word| is_rule(word)).map(str::to_owned).collect()
}

fn named_by_tests() -> BTreeSet<String> {
    sources().iter().flat_map(|(_, source)| proven_in(source)).collect()
}

#[test]
fn every_rule_has_an_id_of_its_own() {
    let rules = rules();
    let distinct: BTreeSet<&String> = rules.iter().collect();
    assert!(rules.len() > 100, "only {} rules were found", rules.len());
    assert_eq!(distinct.len(), rules.len(), "an id stands twice in protocol.md");
    assert!(rules.iter().all(|rule| is_rule(rule)), "an id is not a word, a full stop and a number");
}

#[test]
fn every_rule_is_proven_or_listed_as_unproven() {
    let proven: BTreeSet<String> = named_by_vectors().into_iter().chain(named_by_tests()).collect();
    let listed = unproven();
    let missing: Vec<String> =
        rules().into_iter().filter(|rule| !proven.contains(rule) && !listed.contains_key(rule)).collect();
    assert!(missing.is_empty(), "neither a vector nor a test names {missing:?}, and unproven.txt does not list them");
    let stale: Vec<&String> = listed.keys().filter(|rule| proven.contains(*rule)).collect();
    assert!(stale.is_empty(), "{stale:?} are proven: take them out of unproven.txt");
    assert!(listed.len() <= MOST_UNPROVEN, "unproven.txt has grown to {}: prove a rule instead", listed.len());
}

#[test]
fn nothing_names_a_rule_that_is_not_there() {
    let rules: BTreeSet<String> = rules().into_iter().collect();
    let unknown = |named: BTreeSet<String>| -> Vec<String> { named.difference(&rules).cloned().collect() };
    assert_eq!(unknown(named_by_vectors()), Vec::<String>::new(), "vectors name unknown rules");
    assert_eq!(unknown(unproven().into_keys().collect()), Vec::<String>::new(), "unproven.txt lists unknown rules");
    for (path, source) in sources() {
        let named = proven_in(&source).into_iter().chain(cited_in(&source)).collect();
        assert_eq!(unknown(named), Vec::<String>::new(), "{} names unknown rules", path.display());
    }
}

#[test]
fn every_vector_file_fits_its_schema() {
    let schema = serde_json::from_str(&read("spec/vectors.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, file) in vector_files() {
        let errors: Vec<String> =
            validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn vectors_have_names_of_their_own() {
    let vectors = vectors();
    let names: BTreeSet<&str> = vectors.iter().filter_map(|vector| vector["name"].as_str()).collect();
    assert_eq!(names.len(), vectors.len(), "two vectors have the same name");
}

#[test]
fn every_frame_that_vectors_expect_to_be_sent_fits_the_schema_of_frames() {
    let schema = serde_json::from_str(&read("spec/frames.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for vector in vectors() {
        for frame in vector["steps"].as_array().unwrap().iter().flat_map(sent_frames) {
            let frame = without_wildcards(frame);
            assert!(validator.is_valid(&frame), "{}: {frame}", vector["name"]);
        }
    }
}

#[test]
fn the_schema_of_frames_refuses_what_is_no_frame() {
    let schema = serde_json::from_str(&read("spec/frames.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for frame in [
        json!({"kind": "req", "cid": "a"}),
        json!({"kind": "res", "cid": "a", "ok": false}),
        json!({"kind": "nxt", "cid": "a", "data": 1}),
        json!({"kind": "nxt", "cid": "a", "fc": {"upto": 0}}),
        json!({"kind": "end", "cid": "a", "dir": "left"}),
        json!({"kind": "pub", "cid": "a"}),
    ] {
        assert!(!validator.is_valid(&frame), "{frame}");
    }
}

fn sent_frames(step: &Value) -> Vec<&Value> {
    let several = step["sendAnyOrder"].as_array().into_iter().flatten();
    step.get("send").into_iter().chain(several).collect()
}

/// The frame as it would be sent: what a vector leaves open is filled in or left out.
fn without_wildcards(frame: &Value) -> Value {
    let fields = frame.as_object().unwrap().iter().filter(|(_, value)| *value != "$any");
    let mut fields: Map<String, Value> = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
    if fields["kind"] == "err" {
        fields.entry("message").or_insert_with(|| "for people".into());
        fields.entry("code").or_insert_with(|| "ANY".into());
    }
    fields.into()
}
