//! A transcript as Org. Texts from outside stand in blocks alone, escaped as Org does it, so that none of them is a heading, a
//! drawer or the end of its block; nothing in them can be run.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Transcript;
use super::document::{Block, Document};
use super::visible::{visible, visible_line};

/// The longest heading, in characters.
const HEADING: usize = 120;

impl Transcript {
    /// The transcript as Org: the keywords TITLE, DATE, SESSION_ID and MODEL, the conversation with a drawer of properties for
    /// each turn and item, and the files and tools. Whatever the texts in it hold, headings, drawers and blocks are those of
    /// the transcript alone.
    pub fn org(&self) -> String {
        let Document { title, date, session_id, model, blocks } = self.document();
        let mut page = String::new();
        let keywords =
            [("TITLE", words(&title)), ("DATE", date), ("SESSION_ID", line(session_id)), ("MODEL", line(model))];
        keywords.iter().for_each(|(name, value)| writeln_to(&mut page, format_args!("#+{name}: {value}")));
        page.push('\n');
        blocks.iter().for_each(|block| write(&mut page, block));
        // Emacs looks for variables to set on the last page, and there is nothing on this one.
        page.push_str("\u{c}\n");
        page
    }
}

fn write(page: &mut String, block: &Block<'_>) {
    match block {
        Block::Heading { level, text, fields } => {
            writeln_to(page, format_args!("{} {}", "*".repeat(*level), words(text)));
            if fields.is_empty() {
                return page.push('\n');
            }
            page.push_str(":PROPERTIES:\n");
            fields.iter().for_each(|(name, value)| writeln_to(page, format_args!(":{name}: {}", line(value))));
            page.push_str(":END:\n\n");
        }
        Block::Prose(text) => block_of(page, "src markdown :eval no", "src", text),
        Block::Label(text) => writeln_to(page, format_args!("{}\n", words(text))),
        Block::Code { language: "text", text } => block_of(page, "example", "example", text),
        Block::Code { language, text } => block_of(page, &format!("src {language} :eval no"), "src", text),
        Block::Lines(lines) if lines.is_empty() => (),
        Block::Lines(lines) => {
            let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| visible_line(line)).collect();
            block_of(page, "example", "example", &lines.join("\n"));
        }
    }
}

fn writeln_to(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = writeln!(page, "{text}");
}

fn block_of(page: &mut String, begin: &str, end: &str, text: &str) {
    writeln_to(page, format_args!("#+begin_{begin}"));
    let text = visible(text);
    for line in text.lines() {
        let rest = line.trim_start_matches([' ', '\t']);
        page.push_str(&line[..line.len() - rest.len()]);
        if needs_comma(rest) {
            page.push(',');
        }
        page.push_str(rest);
        page.push('\n');
    }
    writeln_to(page, format_args!("#+end_{end}\n"));
}

/// Whether Org would take the line for more than text: it, and what is already escaped, gets one more comma.
fn needs_comma(line: &str) -> bool {
    let rest = line.trim_start_matches(',');
    rest.starts_with('*') || rest.starts_with("#+")
}

/// A value that ends with its line.
fn line(text: &str) -> String {
    visible_line(text).trim().to_owned()
}

/// Words alone: neither links nor tags nor dates nor anything else that Org reads in a line.
fn words(text: &str) -> String {
    let text = visible_line(text);
    let is_plain = |c: char| c.is_alphanumeric() || " .,-_/'?!;&%+".contains(c);
    let plain = |(at, c): (usize, char)| match c {
        c if is_plain(c) => c,
        // Behind a word, and not around one as tags have it.
        ':' if text[at + 1..].starts_with(' ') => ':',
        _ => ' ',
    };
    let plain: String = text.char_indices().map(plain).take(HEADING).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").trim_start_matches(['-', '+']).trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests;
