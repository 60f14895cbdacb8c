//! The values of a sidecar's variables, kept out of what is told of it.

use crate::sidecars::config::{PORT, SidecarConfig};

/// Shortest value of a variable, or line of one, that is blacked out: shorter ones are in every text.
const SHORTEST: usize = 6;

/// What a program has said, without the values of the sidecar's variables as it was given them, nor any line of them.
pub(super) fn without_secrets(config: &SidecarConfig, port: Option<u16>, text: String) -> String {
    let written = |value: &String| match port {
        Some(port) => value.replace(PORT, &port.to_string()),
        None => value.clone(),
    };
    let values: Vec<String> = config.env.values().map(written).collect();
    let lines = values.iter().flat_map(|value| value.lines().map(str::trim));
    let mut secrets: Vec<&str> = values.iter().map(String::as_str).chain(lines).collect();
    secrets.retain(|secret| secret.len() >= SHORTEST);
    // A value may hold another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text, |text, secret| text.replace(secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_blacked_out_as_it_was_given_and_line_by_line() {
        let mut config = SidecarConfig::new("a", "b");
        config.env = [("URL", "http://me:pw@localhost:{port}"), ("PEM", "-----BEGIN\nMIIEvQ==\r\n}\n"), ("SHORT", "a")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let black = |text: &str| without_secrets(&config, Some(8080), text.to_owned());
        assert_eq!(black("at http://me:pw@localhost:8080 now"), "at *** now");
        assert_eq!(black("key MIIEvQ== is bad }"), "key *** is bad }");
        assert_eq!(black("-----BEGIN\nMIIEvQ==\r\n}\n"), "***");
    }
}
