//! Secrets in texts for people: values that are known, which deltas may have brought in pieces, and what looks like one.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use regex::{Captures, Regex};
use serde_json::Value;

use super::super::secrets::{REDACTED, Secrets};
use super::Transcript;

/// Tokens of services by their prefixes, bearer tokens, web tokens, passwords in addresses. Words end where ASCII has it: by
/// Unicode's rule, a text in another script would not be searched by the automaton, which is a hundred times as fast.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = [
        r"(?-u:\b)sk-[A-Za-z0-9_-]{16,}",
        r"(?-u:\b)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
        r"(?-u:\b)gh[pousr]_[A-Za-z0-9]{20,}",
        r"(?-u:\b)github_pat_[A-Za-z0-9_]{20,}",
        r"(?-u:\b)glpat-[A-Za-z0-9_-]{16,}",
        r"(?-u:\b)npm_[A-Za-z0-9]{30,}",
        r"(?-u:\b)hf_[A-Za-z0-9]{24,}",
        r"(?-u:\b)xox[abeprs]-[A-Za-z0-9-]{10,}",
        r"(?-u:\b)(?:AKIA|ASIA)[0-9A-Z]{16}(?-u:\b)",
        r"(?-u:\b)AIza[0-9A-Za-z_-]{30,}",
        r"(?-u:\b)ya29\.[0-9A-Za-z_-]{16,}",
        r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        r"(?P<bearer>(?-u:\b)(?i:bearer)[ \t]+)[A-Za-z0-9._~+/=-]{16,}",
        r"(?P<user>(?-u:\b)[a-z][a-z0-9+.-]{1,16}://[^/\s:@]{1,64}:)[^@\s/]{3,256}(?P<host>@)",
    ];
    Regex::new(&shapes.join("|")).expect("the shapes are regular expressions, which the tests use")
});

/// What a private key is written between.
static KEY_BEGIN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----").expect("tested"));
static KEY_END: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----").expect("tested"));

/// Takes secrets out of texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes {
    known: Arc<Secrets>,
}

impl Shapes {
    /// Those that are known, and those that look like one.
    pub(crate) fn new(known: Arc<Secrets>) -> Shapes {
        Shapes { known }
    }

    /// The text without them.
    pub(crate) fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.known.redacted(text);
        let keyless = match without_keys(&known) {
            Some(keyless) => Cow::Owned(keyless),
            None => known,
        };
        let replaced = TOKENS.replace_all(&keyless, |found: &Captures<'_>| {
            let part = |name| found.name(name).map_or("", |part| part.as_str());
            format!("{}{}{REDACTED}{}", part("bearer"), part("user"), part("host"))
        });
        match replaced {
            Cow::Owned(replaced) => Cow::Owned(replaced),
            Cow::Borrowed(_) => keyless,
        }
    }

    /// The transcript without them, in whichever text.
    pub(crate) fn transcript(&self, transcript: Transcript) -> Transcript {
        let Ok(mut value) = serde_json::to_value(&transcript) else { return transcript };
        match self.clean(&mut value) {
            // Texts in the places of texts are a transcript as well.
            true => serde_json::from_value(value).unwrap_or_default(),
            false => transcript,
        }
    }

    /// Takes them out of all texts of a value. Gives whether there were any.
    fn clean(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.redacted(text) {
                Cow::Owned(clean) => {
                    *text = clean;
                    true
                }
                Cow::Borrowed(_) => false,
            },
            Value::Array(values) => values.iter_mut().fold(false, |any, value| self.clean(value) | any),
            Value::Object(members) => members.values_mut().fold(false, |any, value| self.clean(value) | any),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// The text without private keys; none where it has none. What has no end is one as far as it is written like one.
fn without_keys(text: &str) -> Option<String> {
    KEY_BEGIN.find(text)?;
    let mut clean = String::with_capacity(text.len());
    let (mut at, mut has_ends) = (0, true);
    while let Some(begin) = KEY_BEGIN.find_at(text, at) {
        clean.push_str(&text[at..begin.start()]);
        clean.push_str(REDACTED);
        let end = if has_ends { KEY_END.find_at(text, begin.end()) } else { None };
        has_ends = end.is_some();
        at = end.map_or_else(|| begin.end() + key_like(&text[begin.end()..]), |end| end.end());
    }
    clean.push_str(&text[at..]);
    Some(clean)
}

fn key_like(text: &str) -> usize {
    let is_like = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || matches!(c, '+' | '/' | '=' | '\\');
    text.find(|c| !is_like(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        Shapes::default().redacted(text).into_owned()
    }

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        let (a, b) = ("a1B2c3D4".repeat(5), "ABCD1234".repeat(2));
        for secret in [
            format!("sk-ant-api03-{a}"),
            format!("ghp_{a}"),
            format!("github_pat_{a}"),
            format!("AKIA{b}"),
            format!("xoxb-{a}"),
            format!("AIza{a}"),
            format!("eyJ{a}.eyJ{a}.{a}"),
            format!("-----BEGIN RSA PRIVATE KEY-----\n{a}\n{a}=\n-----END RSA PRIVATE KEY-----"),
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{a}"),
        ] {
            assert_eq!(clean(&format!("key: {secret}")), "key: [redacted]");
        }
        assert_eq!(clean(&format!("Authorization: Bearer {a}")), "Authorization: Bearer [redacted]");
        assert_eq!(clean(&format!("키는ghp_{a}です")), "키는[redacted]です");
        assert_eq!(clean("postgres://me:hunter22@host/db"), "postgres://me:[redacted]@host/db");
    }

    #[test]
    fn what_does_not_look_like_one_stays() {
        for text in [
            "task-list-of-everything-that-is",
            "the bearer of this letter",
            "AKIAfoo",
            "http://localhost:8080/a@b",
            "sk-short",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert!(matches!(Shapes::default().redacted(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn many_keys_without_an_end_take_no_longer_than_their_text() {
        let text = "-----BEGIN PRIVATE KEY-----!".repeat(20_000);
        assert_eq!(clean(&text), "[redacted]!".repeat(20_000));
    }
}
