//! Secrets that must not be written down: the values of variables whose names say that they are some.

use std::borrow::Cow;

/// Shorter values are not looked for: they may be ordinary words.
const SHORTEST: usize = 12;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

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
        let secret = variables.filter(|(name, value)| is_secret(name) && value.len() >= SHORTEST);
        Secrets::sorted(secret.map(|(_, value)| value).collect())
    }

    /// These and more, as they are.
    pub fn and(&self, more: Vec<String>) -> Secrets {
        let mut values = self.values.clone();
        values.extend(more.into_iter().filter(|value| value.len() >= SHORTEST));
        Secrets::sorted(values)
    }

    fn sorted(mut values: Vec<String>) -> Secrets {
        // One that holds another one goes first.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Secrets { values }
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

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS"];
    ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_variables_that_are_named_as_secrets_are_taken_out_of_texts() {
        let variables =
            [("SERVICE_API_KEY", "abcdefghijklmnop"), ("PATH", "/usr/bin/something"), ("MY_TOKEN", "short")];
        let secrets = Secrets::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
        let told = secrets.redacted("key abcdefghijklmnop, /usr/bin/something, short");
        assert_eq!(told, "key [redacted], /usr/bin/something, short");
        assert!(matches!(secrets.redacted("nothing"), Cow::Borrowed(_)));
        assert!(!format!("{secrets:?}").contains("abc"));
    }
}
