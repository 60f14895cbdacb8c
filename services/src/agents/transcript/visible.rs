//! Text from outside, with what could hide or reorder it made visible.

use std::borrow::Cow;

/// The text with line feeds alone at the ends of its lines, and with control characters, marks that turn the direction of text
/// and invisible characters as symbols or code points. Tabs and the joiners of scripts and emoji stay.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => shown.push('\n'),
            '\r' if chars.peek() == Some(&'\n') => (),
            // A terminal would write over the line: all that was ever in it is shown.
            '\r' => shown.push('\n'),
            c => push(&mut shown, c),
        }
    }
    Cow::Owned(shown)
}

/// The same on one line.
pub(super) fn visible_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut shown, c));
    Cow::Owned(shown)
}

fn push(shown: &mut String, c: char) {
    let code = u32::from(c);
    match c {
        c if !is_hidden(c) => shown.push(c),
        // The symbols for these stand in Unicode in their order.
        '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + code)),
        '\u{7f}' => shown.push('\u{2421}'),
        _ => shown.push_str(&format!("<U+{code:04X}>")),
    }
}

/// Whether a character is not what it looks like.
fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && c != '\t';
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    is_control || turns || invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_text_is_shown() {
        assert_eq!(visible("a\r\nb\rc\td"), "a\nb\nc\td");
        assert_eq!(visible("\u{1b}[31mred"), "␛[31mred");
        assert_eq!(visible("safe\u{202e}exe"), "safe<U+202E>exe");
        assert_eq!(visible_line("a\r\nb"), "a␍␊b");
        assert!(matches!(visible("글 👩\u{200d}💻\n"), Cow::Borrowed(_)));
    }
}
