//! Programs that end because an address is in use: whether their last words say so, and of which port. Knows nothing of whether
//! it is true.

use std::sync::LazyLock;

use regex::Regex;

/// What programs say, in small letters.
const WORDS: [&str; 3] = ["address already in use", "eaddrinuse", "only one usage of each socket address"];

/// The line in which a program says that an address is in use.
pub(super) fn said(lines: Vec<String>) -> Option<String> {
    let says = |line: &String| {
        let line = line.to_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    };
    lines.into_iter().find(says)
}

/// Whether the line means this port: it names it, or none.
pub(super) fn may_mean(line: &str, port: u16) -> bool {
    static PORT: LazyLock<Regex> = LazyLock::new(|| {
        // A name and a colon in front of a number may be that of a file, in front of a line.
        let behind = [
            r"[0-9]\.[0-9]+:",
            r"::1?:",
            r"[\]*]:",
            r"\blocalhost:",
            r"://[^/\s:]+:",
            r#"(?:^|[\s('"]):"#,
            r#"['"], ?"#,
            r#"\bport['"]?[ :=]{1,3}"#,
        ];
        Regex::new(&format!(r"(?i)(?:{})([0-9]{{3,5}})\b", behind.join("|"))).expect("the expression is a constant")
    });
    let mut named = PORT.captures_iter(line).filter_map(|found| found[1].parse::<u16>().ok()).peekable();
    named.peek().is_none() || named.any(|named| named == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_means_the_port_that_it_names_or_any() {
        let of_8080 = [
            "Error: listen EADDRINUSE: address already in use :::8080",
            "OSError: [Errno 98] Address already in use",
            "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8080): address already in use",
            "listen tcp :8080: bind: address already in use",
            "2026-11-22 03:44:07.713 ERROR Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }",
            "nginx: [emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)",
            "Address already in use: port 8080",
            "Cannot bind http://web.example:8080: EADDRINUSE",
            "{ code: 'EADDRINUSE', syscall: 'listen', address: '::1', port: 8080 }",
            "{\"port\":8080,\"error\":\"bind: address already in use\"}",
            "could not bind to [::1]:8080, localhost:8080 or ::1:8080: Address already in use",
            "server.cc:142] bind failed: Address already in use",
            "main.go:142: bind: address already in use",
            "Traceback, app.py:142: Address already in use (line 9091)",
        ];
        for line in of_8080 {
            assert!(may_mean(line, 8080), "{line}");
        }
        for line in of_8080.iter().filter(|line| line.contains("8080")) {
            assert!(!may_mean(line, 9090), "{line}");
        }
    }

    #[test]
    fn only_words_about_an_address_are_heard() {
        let lines = |words: &[&str]| said(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(
            lines(&["up", "bind: Address already in use", "bye"]).as_deref(),
            Some("bind: Address already in use")
        );
        assert_eq!(lines(&["the file is in use", ""]), None);
    }
}
