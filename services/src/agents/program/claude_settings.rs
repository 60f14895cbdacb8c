//! What Claude Code is told by settings that go before those of its files, a person's and the folder's: these set its environment
//! over ours.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::NO_TASKS;

/// The option that takes them: a text of JSON, or the path of a file. Of several, the last one holds.
const OPTION: &str = "--settings";

/// Adds ours to those that the configuration's arguments bring along. What cannot be read is left to the agent, which says so.
pub(super) fn add(arguments: &mut Vec<String>) {
    let mut settings = match given(arguments) {
        None => Map::new(),
        Some(given) => match read(given) {
            Some(settings) => settings,
            None => return,
        },
    };
    let env = settings.entry("env").or_insert_with(|| json!({}));
    if let Some(env) = env.as_object_mut() {
        env.insert(NO_TASKS.to_owned(), json!("1"));
    }
    arguments.push(format!("{OPTION}={}", Value::Object(settings)));
}

fn given(arguments: &[String]) -> Option<&str> {
    let of = |at: usize| match arguments[at].strip_prefix(OPTION)? {
        "" => arguments.get(at + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    };
    (0..arguments.len()).rev().find_map(of)
}

fn read(given: &str) -> Option<Map<String, Value>> {
    let text = match given.trim_start().starts_with('{') {
        true => given.to_owned(),
        // A path that is relative begins at the folder, which may be anybody's.
        false => fs::read_to_string(Some(Path::new(given)).filter(|path| path.is_absolute())?).ok()?,
    };
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is added behind arguments.
    fn added(arguments: &[&str]) -> Vec<String> {
        let mut with: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        add(&mut with);
        with.split_off(arguments.len())
    }

    #[test]
    fn what_the_configuration_brings_along_is_kept_beside_ours() -> std::io::Result<()> {
        const OURS: &str = r#"--settings={"env":{"CLAUDE_CODE_DISABLE_CRON":"1"}}"#;
        assert_eq!(added(&["-p"]), [OURS]);
        let both = [r#"--settings={"env":{"A":"b","CLAUDE_CODE_DISABLE_CRON":"1"},"model":"m"}"#];
        let text = r#"{"env": {"A": "b", "CLAUDE_CODE_DISABLE_CRON": "0"}, "model": "m"}"#;
        assert_eq!(added(&["--settings={}", "--settings", text, "-p"]), both, "the last one holds");
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("more.json");
        fs::write(&file, text)?;
        assert_eq!(added(&[&format!("--settings={}", file.display())]), both);
        for unread in ["no.json", "{", "/no/such/file"] {
            assert_eq!(added(&["--settings", unread]), [] as [&str; 0], "it says so itself");
        }
        Ok(())
    }
}
