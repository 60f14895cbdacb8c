//! What is told of a program's standard error: its last lines as text, without what was meant for a terminal, and without secrets.

use std::iter::Peekable;
use std::str::Chars;

use sixframe_supervisor::KeptOutput;

use super::secrets::Secrets;

/// How much of standard error is kept, in bytes.
pub(super) const KEPT: usize = 64 << 10;

/// How many lines of it are told.
const TOLD: usize = 20;

/// The last lines of what came at an offset or behind it.
pub(super) fn tail(output: &KeptOutput, since: u64, secrets: &Secrets) -> Vec<String> {
    let lines = output.last_lines_from(since, TOLD);
    // What stands between the letters of a secret hides it.
    lines.iter().map(|line| secrets.redacted(&plain(line)).into_owned()).collect()
}

/// The last of these lines that says anything.
pub(super) fn last(lines: &[String]) -> Option<&str> {
    lines.iter().rev().map(String::as_str).find(|line| !line.trim().is_empty())
}

/// A line without escape sequences (colours, titles, movements) and other control characters.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            '\u{1b}' => escaped(&mut chars),
            '\u{9b}' => sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => string(&mut chars),
            '\t' => text.push('\t'),
            other if other.is_control() => (),
            other => text.push(other),
        }
    }
    text
}

/// What follows the character that begins a sequence, as ECMA-48 has it.
fn escaped(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            sequence(chars);
        }
        Some('P' | 'X' | ']' | '^' | '_') => {
            chars.next();
            string(chars);
        }
        _ => {
            while chars.next_if(|next| (' '..='/').contains(next)).is_some() {}
            chars.next_if(|next| ('0'..='~').contains(next));
        }
    }
}

/// Parameters and the letter that ends them. Whatever does not belong there ends it too.
fn sequence(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|next| (' '..='?').contains(next)).is_some() {}
    chars.next_if(|next| ('@'..='~').contains(next));
}

/// A text for the terminal, to its end.
fn string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(next) = chars.next() {
        match next {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_for_a_terminal_is_not_told() {
        for (written, told) in [
            (
                "\u{1b}[2m2026-11-22\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m \u{1b}[1;38;5;208mno\u{1b}[m",
                "2026-11-22 ERROR no",
            ),
            ("\u{1b}]0;a title\u{7}here", "here"),
            ("\u{1b}]8;;https://example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9b}31mred\u{9b}0m", "red"),
            ("\u{1b}(Bplain\u{1b}=", "plain"),
            ("\u{1b}[31", ""),
            ("\u{1b}[3\u{e4}", "\u{e4}"),
            ("1 %\r\ttwo\u{8}", "1 %\ttwo"),
            ("as it [31m is", "as it [31m is"),
        ] {
            assert_eq!(plain(written), told, "{written:?}");
        }
    }

    #[test]
    fn the_last_line_that_says_anything_is_found() {
        let lines = ["one", " ", ""].map(str::to_owned);
        assert_eq!(last(&lines), Some("one"));
        assert_eq!(last(&lines[1..]), None);
    }
}
