//! Secrets that must not be written down: the values of variables whose names say that they are some.

use std::borrow::Cow;
use std::path::Path;

/// Shorter values are not looked for: they may be ordinary words.
const SHORTEST: usize = 12;

/// Of a secret of several lines, shorter ones are not looked for by themselves.
const LINE: usize = 24;

/// Of a text that ends with the beginning of a secret, so many bytes say too much of it.
const TELLING: usize = 8;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// What is told of an end that is the beginning of a secret, and did not become one, or not yet.
pub(super) fn told(end: String) -> String {
    if end.len() < TELLING { end } else { REDACTED.to_owned() }
}

/// The parts of a value of JSON whose texts may end in the midst of something, as of a text that grows or was cut.
pub(super) type OpenEnds = fn(&mut serde_json::Value) -> Vec<&mut serde_json::Value>;

/// Values that must not be told. Shown without them.
#[derive(Clone, Default)]
pub struct Secrets {
    values: Vec<String>,
}

impl Secrets {
    /// The secrets of our environment and of these variables.
    pub fn of_environment(more: &[(String, String)]) -> Secrets {
        let ours =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Secrets::of(ours.chain(more.iter().cloned()))
    }

    /// The secrets among some variables.
    pub fn of(variables: impl Iterator<Item = (String, String)>) -> Secrets {
        let secret =
            variables.filter(|(name, value)| is_secret(name) && value.len() >= SHORTEST && !is_place(name, value));
        Secrets::default().and(secret.map(|(_, value)| value).collect())
    }

    /// These, and the secrets among more variables.
    pub(super) fn and_of(&self, variables: &[(String, String)]) -> Secrets {
        self.and(Secrets::of(variables.iter().cloned()).values)
    }

    /// These and more, as they are.
    pub fn and(&self, more: Vec<String>) -> Secrets {
        let more: Vec<String> = more.into_iter().filter(|value| value.len() >= SHORTEST).collect();
        let mut values = self.values.clone();
        values.extend(more.iter().flat_map(|value| forms(value)));
        values.extend(more);
        // One that holds another one goes first.
        values.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        values.dedup();
        Secrets { values }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Where the end of a text begins that may be the beginning of a secret, which ends in what follows; its length where
    /// there is none.
    pub(super) fn open_end(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let open = self.values.iter().filter_map(|secret| {
            let secret = secret.as_bytes();
            let from = bytes.len().saturating_sub(secret.len() - 1);
            let first = *secret.first()?;
            let mut starts = memchr::memchr_iter(first, &bytes[from..]).map(|at| from + at);
            starts.find(|start| secret.starts_with(&bytes[*start..]))
        });
        open.min().unwrap_or(bytes.len())
    }

    /// A text of JSON without them, but for what these members of it say. Where texts of it end in the midst of something, that
    /// may be the beginning of one, which is taken out as well.
    pub(super) fn redacted_json<'a>(&self, text: &'a str, spared: &[&str], open: Option<OpenEnds>) -> Cow<'a, str> {
        // In JSON a secret may stand with other characters than its own.
        let is_in = |secret: &str| match secret.contains(['"', '\\']) || secret.contains(char::is_control) {
            true => text.contains(serde_json::Value::from(secret).to_string().trim_matches('"')),
            false => text.contains(secret),
        };
        let begins = |secret: &str| {
            let telling = (0..=TELLING).rev().find(|at| secret.is_char_boundary(*at));
            is_in(&secret[..telling.unwrap_or_default()])
        };
        if !self.values.iter().any(|secret| is_in(secret) || (open.is_some() && begins(secret))) {
            return Cow::Borrowed(text);
        }
        let Ok(mut value) = serde_json::from_str::<serde_json::Value>(text) else { return self.redacted(text) };
        match value.as_object_mut() {
            Some(members) => {
                members
                    .iter_mut()
                    .filter(|(name, _)| !spared.contains(&name.as_str()))
                    .for_each(|(_, of)| self.take_out(of));
            }
            None => self.take_out(&mut value),
        }
        if let Some(open) = open {
            open(&mut value).into_iter().for_each(|part| self.take_ends_out(part));
        }
        Cow::Owned(value.to_string())
    }

    /// Takes them out of all texts of a value, names of members among them.
    fn take_out(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => {
                if let Cow::Owned(redacted) = self.redacted(text) {
                    *text = redacted;
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(|value| self.take_out(value)),
            serde_json::Value::Object(members) => {
                let named = std::mem::take(members).into_iter();
                members.extend(named.map(|(name, mut value)| {
                    self.take_out(&mut value);
                    (self.redacted(&name).into_owned(), value)
                }));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => (),
        }
    }

    /// Takes out of the texts of a value what they end with, where it is the beginning of one.
    fn take_ends_out(&self, value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => {
                let end = text.split_off(self.open_end(text));
                text.push_str(&told(end));
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(|value| self.take_ends_out(value)),
            serde_json::Value::Object(members) => members.values_mut().for_each(|value| self.take_ends_out(value)),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => (),
        }
    }

    /// The text without them.
    pub fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.values.iter().fold(Cow::Borrowed(text), |text, secret| match text.contains(secret.as_str()) {
            true => Cow::Owned(text.replace(secret.as_str(), REDACTED)),
            false => text,
        })
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("known", &self.values.len()).finish()
    }
}

/// Other forms in which a secret may be told: within a text of JSON, as what a tool is given while it comes, and, of several
/// lines such as a key has, each that is nothing but that.
fn forms(value: &str) -> Vec<String> {
    let json = serde_json::Value::from(value).to_string();
    let escaped = json.get(1..json.len() - 1).filter(|escaped| *escaped != value).map(str::to_owned);
    let is_key = |line: &&str| line.len() >= LINE && !line.contains(char::is_whitespace) && !line.starts_with("-----");
    let lines = value.lines().map(str::trim).filter(|line| *line != value).filter(is_key).map(str::to_owned);
    escaped.into_iter().chain(lines).collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends = [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIALS",
        // `GIT_ASKPASS` names a program.
        "_PASS",
        "_PAT",
        "_DSN",
    ];
    ends.iter().any(|end| name.ends_with(end))
}

/// Whether a value is the path of a file, which is no secret: what is in the file is. A key may begin like a path, so it must be
/// one of something that is there, but for names that are given to paths.
fn is_place(name: &str, value: &str) -> bool {
    let path = Path::new(value);
    path.is_absolute() && (name.to_ascii_uppercase().ends_with("CREDENTIALS") || path.exists())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_variables_that_are_named_as_secrets_are_taken_out_of_texts() {
        let variables =
            [("SERVICE_API_KEY", "abcdefghijklmnop"), ("GIT_ASKPASS", "/usr/bin/something"), ("MY_TOKEN", "short")];
        let secrets = Secrets::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
        let told = secrets.redacted("key abcdefghijklmnop, /usr/bin/something, short");
        assert_eq!(told, "key [redacted], /usr/bin/something, short");
        assert!(matches!(secrets.redacted("nothing"), Cow::Borrowed(_)));
        assert!(!format!("{secrets:?}").contains("abc"));
    }

    #[test]
    fn the_path_of_a_file_is_no_secret() {
        let there = env!("CARGO_MANIFEST_DIR");
        let variables = [
            ("GOOGLE_APPLICATION_CREDENTIALS", "/srv/nobody/project/key.json"),
            ("SIGNING_KEY", there),
            ("OTHER_KEY", "/AxL7Jdm/begins+like/a/path=="),
            ("MY_CREDENTIALS", "somebody:a-password"),
        ];
        let secrets = Secrets::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
        for (_, path) in &variables[..2] {
            assert_eq!(secrets.redacted(path), *path);
        }
        for (_, secret) in &variables[2..] {
            assert_eq!(secrets.redacted(secret), REDACTED);
        }
    }

    #[test]
    fn a_secret_is_found_as_json_has_it_and_a_key_line_by_line() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
        let key = format!("-----BEGIN PRIVATE KEY-----\n{line}\nshort\n-----END PRIVATE KEY-----");
        let variables = [("A_KEY", key.as_str()), ("B_TOKEN", "to\"ken\\of\"mine")];
        let secrets = Secrets::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
        let json = json!({"command": format!("echo {} {}", variables[0].1, variables[1].1)}).to_string();
        assert_eq!(secrets.redacted(&json), r#"{"command":"echo [redacted] [redacted]"}"#);
        assert_eq!(secrets.redacted(&format!("> {line}\r\n> short")), "> [redacted]\r\n> short");
        assert_eq!(secrets.redacted("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
        let more = secrets.and_of(&[("C_SECRET".to_owned(), "another-one-of-them".to_owned())]);
        assert_eq!(more.redacted(&format!("{key} another-one-of-them")), "[redacted] [redacted]");
    }

    /// All that an event tells.
    const DATA: OpenEnds = |event| event.get_mut("data").into_iter().collect();

    #[test]
    fn of_a_text_that_grows_no_end_is_told_that_begins_a_secret() {
        let secret = "with\"quote-and-more";
        let secrets = Secrets::of([("A_KEY".to_owned(), secret.to_owned())].into_iter());
        let text = "the key is with\"quote-and-more, again";
        for end in 0..=text.len() {
            let event =
                json!({"data": {"content": [{"text": text[..end]}], "tool": {"output": {"json": [text[..end]]}}}});
            let told = secrets.redacted_json(&event.to_string(), &[], Some(DATA)).into_owned();
            let told: serde_json::Value = serde_json::from_str(&told).unwrap_or_default();
            for told in [&told["data"]["content"][0]["text"], &told["data"]["tool"]["output"]["json"][0]] {
                let told = told.as_str().unwrap_or_default();
                assert!(
                    !told.contains(&secret[..TELLING]) && text[..end].starts_with(&told[..told.len().min(11)]),
                    "{told}"
                );
            }
        }
        let whole = json!({"data": text}).to_string();
        assert_eq!(secrets.redacted_json(&whole, &[], Some(DATA)), "{\"data\":\"the key is [redacted], again\"}");
        let part = json!({"text": "with\"quote", "title": "with\"quote"}).to_string();
        assert_eq!(secrets.redacted_json(&part, &[], Some(DATA)), part, "that is not what grows");
        assert_eq!(secrets.redacted_json(&part, &[], None), part, "it is what it is in the end");
    }

    #[test]
    fn a_secret_is_found_in_json_however_it_is_written_there_and_the_form_of_it_stays() {
        let values = ["with\"quote\\and\nline", "item.upserted", "agent_message"];
        let secrets = Secrets::of(values.map(|value| ("A_KEY".to_owned(), value.to_owned())).into_iter());
        let event = json!({
            "type": "item.upserted", "data": {"text": format!("say {} twice", values[0]), "input": {values[0]: [values[0]]}},
        });
        let told = secrets.redacted_json(&event.to_string(), &["type"], None).into_owned();
        let expected = json!({
            "type": "item.upserted", "data": {"text": "say [redacted] twice", "input": {"[redacted]": ["[redacted]"]}},
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&told).ok(), Some(expected));
        assert!(matches!(secrets.redacted_json("{\"a\":1}", &[], None), Cow::Borrowed(_)));
    }
}
