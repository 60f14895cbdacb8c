//! A transcript as Markdown. What an agent says stays Markdown, but for what would make it more than text of its own: headings,
//! HTML, links, pictures and definitions are shown as they were typed, and blocks of code get fences of ours.

use std::fmt::Write as _;

use super::Transcript;
use super::document::{Block, Document};
use super::visible::{visible, visible_line};

/// The longest heading, in characters.
const HEADING: usize = 120;

/// Fields that stand in the other forms alone: here they would be in the way.
const FOR_PROGRAMS: [&str; 3] = ["ITEM_ID", "PERMISSION_ID", "INPUT_SHA256"];

impl Transcript {
    /// The transcript as Markdown (CommonMark). Whatever the texts in it hold, headings are those of the transcript alone, a block
    /// ends where it is meant to, and nothing is fetched or run by showing it.
    pub fn markdown(&self) -> String {
        let Document { title, date, session_id, model, blocks } = self.document();
        let mut page = String::new();
        heading(&mut page, 1, &title);
        let fields = [("DATE", date.as_str()), ("SESSION_ID", session_id), ("MODEL", model)];
        fields.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| field(&mut page, name, value));
        page.push('\n');
        blocks.iter().for_each(|block| write(&mut page, block));
        page
    }
}

fn write(page: &mut String, block: &Block<'_>) {
    match block {
        Block::Heading { level, text, fields } => {
            heading(page, level + 1, text);
            let mut shown = fields.iter().filter(|(name, _)| !FOR_PROGRAMS.contains(name)).peekable();
            let has_some = shown.peek().is_some();
            shown.for_each(|(name, value)| field(page, name, value));
            if has_some {
                page.push('\n');
            }
        }
        Block::Prose(text) => prose(page, &visible(text)),
        Block::Label(text) => writeln_to(page, format_args!("{}\n", escaped(text))),
        Block::Code { language, text } => fenced(page, language, &visible(text)),
        Block::Lines(lines) => {
            lines.iter().for_each(|line| writeln_to(page, format_args!("- {}", span(line))));
            page.push('\n');
        }
    }
}

fn writeln_to(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = writeln!(page, "{text}");
}

fn heading(page: &mut String, level: usize, text: &str) {
    let short: String = text.chars().take(HEADING).collect();
    writeln_to(page, format_args!("{} {}\n", "#".repeat(level.min(6)), escaped(&short)));
}

fn field(page: &mut String, name: &str, value: &str) {
    writeln_to(page, format_args!("- {}: {}", name.to_lowercase().replace('_', " "), span(value)));
}

/// Words of one line, in which nothing means anything.
fn escaped(text: &str) -> String {
    let text = visible_line(text);
    let mut plain = String::with_capacity(text.len());
    // What is left of white space at either end would mean something to a heading.
    for (at, c) in text.trim().char_indices() {
        let is_plain = matches!(c, '.' | ',' | '\'' | '"' | '/' | '?' | '%') || (at > 0 && matches!(c, ':' | '-'));
        if c.is_ascii_punctuation() && !is_plain {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// A text of one line between so many backticks that it cannot end before its end.
fn span(text: &str) -> String {
    let text = visible_line(text);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    // A space at each end is taken off again.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn fenced(page: &mut String, language: &str, text: &str) {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    writeln_to(page, format_args!("{fence}{language}\n{text}{end}{fence}\n"));
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Markdown from outside. Its blocks of code are written with our fences, so that a reader cannot see them elsewhere than we do.
fn prose(page: &mut String, text: &str) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(fence) = Fence::opened_by(line) else {
            page.push_str(&neutral(line));
            page.push('\n');
            continue;
        };
        let mut code = String::new();
        for line in lines.by_ref() {
            if fence.is_closed_by(line) {
                break;
            }
            let indent = line.len() - line.trim_start_matches(' ').len();
            code.push_str(&line[indent.min(fence.indent)..]);
            code.push('\n');
        }
        page.push('\n');
        fenced(page, &fence.language, &code);
    }
    page.push('\n');
}

/// The line that a block of code begins with.
struct Fence {
    of: char,
    length: usize,
    indent: usize,
    language: String,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Fence> {
        let rest = line.trim_start_matches([' ', '\t']);
        let of = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = rest.trim_start_matches(of);
        let length = rest.len() - info.len();
        // Behind backticks that are closed on the same line is a span.
        if length < 3 || (of == '`' && info.contains('`')) {
            return None;
        }
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '#' | '.');
        let language = info.trim().chars().take_while(is_plain).take(32).collect();
        Some(Fence { of, length, indent: line.len() - rest.len(), language })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let rest = line.trim();
        rest.len() >= self.length && rest.chars().all(|c| c == self.of)
    }
}

/// A line of Markdown without what reaches beyond it.
fn neutral(line: &str) -> String {
    // Within quotes and lists, too, a line begins.
    let rest = line.trim_start_matches([
        ' ', '\t', '>', '*', '+', '-', '.', ')', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]);
    let (mut plain, mut text) = (line[..line.len() - rest.len()].to_owned(), rest);
    let inner = line.trim_matches([' ', '\t', '>']);
    if !inner.is_empty() && inner.chars().all(|c| matches!(c, '-' | ' ' | '\t')) {
        // It would make a heading of the line before.
        return plain.replacen('-', "&#45;", 1);
    }
    if let Some(first) = rest.chars().next().filter(|c| matches!(c, '#' | '=') || starts_fence(rest, *c)) {
        plain.push_str(&entity(first));
        text = &rest[first.len_utf8()..];
    }
    spans(&mut plain, text);
    plain
}

fn starts_fence(rest: &str, c: char) -> bool {
    matches!(c, '`' | '~') && rest.chars().take_while(|other| *other == c).count() >= 3
}

fn entity(c: char) -> String {
    format!("&#{};", u32::from(c))
}

/// Text with spans of code, which stay as they are where they end on the line that they begin on.
fn spans(plain: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let (before, from) = rest.split_at(at);
        quoted(plain, before);
        let run = from.len() - from.trim_start_matches('`').len();
        let inner = &from[run..];
        let is_escaped = before.ends_with('\\') || (before.is_empty() && plain.ends_with('\\'));
        // A row of a table is parted at its bars, within spans too.
        let end = closing(inner, run).filter(|end| !is_escaped && !inner[..*end].contains('|'));
        let Some(end) = end else {
            plain.push_str(&entity('`').repeat(run));
            rest = inner;
            continue;
        };
        plain.push_str(&from[..run + end + run]);
        rest = &inner[end + run..];
    }
    quoted(plain, rest);
}

/// Where a run of exactly so many backticks begins.
fn closing(text: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        if length == run {
            return Some(start);
        }
        at = start + length;
    }
    None
}

/// Text without HTML, links, pictures and definitions.
fn quoted(plain: &mut String, text: &str) {
    let mut before = plain.chars().next_back();
    for c in text.chars() {
        match (before, c) {
            (_, '<') => plain.push_str("&lt;"),
            (Some(']'), '(' | ':' | '[') | (Some('['), '[') => plain.push_str(&entity(c)),
            _ => plain.push(c),
        }
        before = Some(c);
    }
}

#[cfg(test)]
mod tests;
