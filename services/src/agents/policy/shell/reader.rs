//! A place in a line.

/// A line, and how far it is read.
#[derive(Default)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character. Lines that are continued are one.
    pub(super) fn peek(&mut self) -> Option<char> {
        while self.starts("\\\n") {
            self.at += 2;
        }
        self.rest().chars().next()
    }

    /// The next character, whatever it is.
    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn starts(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Passes over characters of one byte each.
    pub(super) fn skip(&mut self, characters: usize) {
        self.at += characters;
    }

    pub(super) fn skip_blanks(&mut self) {
        while let Some(' ' | '\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over what is left of the line, but not over its end.
    pub(super) fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    pub(super) fn skip_all(&mut self) {
        self.at = self.text.len();
    }

    /// What is left of the line, and passes over its end.
    pub(super) fn take_line(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let (line, passed) = match rest.find('\n') {
            Some(end) => (&rest[..end], end + 1),
            None if rest.is_empty() => return None,
            None => (rest, rest.len()),
        };
        self.at += passed;
        Some(line)
    }
}
