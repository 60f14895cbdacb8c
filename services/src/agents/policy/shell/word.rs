//! Words: quotes, and what is put in the place of something else.

use super::{Lines, Script, Word};

impl Word {
    fn push(&mut self, c: char) {
        self.text.push(c);
    }

    /// A part that was quoted begins.
    fn quote(&mut self) {
        self.quoted_from.get_or_insert(self.text.len());
    }

    /// What it comes to is not known.
    fn guess(&mut self) {
        self.quote();
        self.is_known = false;
    }
}

impl Lines<'_> {
    /// A word, with the commands that run so that it comes to something.
    pub(super) fn expanded(&mut self) -> Word {
        let mut word = Word { is_known: true, ..Word::default() };
        while let Some(next) = self.reader.peek() {
            match next {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => self.single(&mut word),
                '"' => self.double(&mut word),
                '\\' => {
                    self.reader.skip(1);
                    word.quote();
                    match self.reader.next() {
                        Some(c) => self.literal(&mut word, c),
                        None => self.unclear("a backslash at the end"),
                    }
                }
                '$' => self.dollar(&mut word),
                '`' => self.backquoted(&mut word),
                _ => {
                    self.reader.next();
                    self.plain(&mut word, next);
                }
            }
        }
        word
    }

    /// A character that is not quoted.
    fn plain(&mut self, word: &mut Word, c: char) {
        let starts = word.text.is_empty() || word.text.ends_with(['=', ':']);
        match c {
            // Files and lists; and what some shells take for more than it is.
            '*' | '?' | '[' | '{' | '}' | '^' => word.guess(),
            '~' | '=' if starts => word.guess(),
            c if !c.is_ascii() => word.guess(),
            _ => (),
        }
        self.literal(word, c);
    }

    /// A character that is what it is.
    fn literal(&mut self, word: &mut Word, c: char) {
        if c.is_control() && c != '\n' && c != '\t' {
            self.unclear("a control character");
        }
        word.push(c);
    }

    fn single(&mut self, word: &mut Word) {
        self.reader.skip(1);
        word.quote();
        loop {
            match self.reader.next() {
                Some('\'') => return,
                Some(c) => self.literal(word, c),
                None => return self.unclear("a quote that is not closed"),
            }
        }
    }

    fn double(&mut self, word: &mut Word) {
        self.reader.skip(1);
        word.quote();
        loop {
            match self.reader.peek() {
                Some('"') => return self.reader.skip(1),
                Some('$') => self.dollar(word),
                Some('`') => self.backquoted(word),
                Some('\\') => {
                    self.reader.skip(1);
                    match self.reader.next() {
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c),
                        Some(c) => {
                            word.push('\\');
                            self.literal(word, c);
                        }
                        None => return self.unclear("a quote that is not closed"),
                    }
                }
                Some(c) => {
                    self.reader.next();
                    self.literal(word, c);
                }
                None => return self.unclear("a quote that is not closed"),
            }
        }
    }

    /// A variable, a substitution, a quote of another kind.
    fn dollar(&mut self, word: &mut Word) {
        self.reader.skip(1);
        word.guess();
        word.push('$');
        match self.reader.peek() {
            Some('(') => {
                self.reader.skip(1);
                self.unclear("a substitution");
                word.text.push_str("()");
                self.open();
            }
            Some('{') => self.braced(word),
            Some('\'') => {
                self.unclear("a quote with escapes");
                self.escaped(word);
            }
            Some(_) | None => (),
        }
    }

    fn braced(&mut self, word: &mut Word) {
        self.unclear("what a variable is made into");
        loop {
            match self.reader.next() {
                Some('}') => return word.push('}'),
                Some('`') => return self.unclear("a substitution in a variable"),
                Some('\\') => drop(self.reader.next()),
                Some('$') if self.reader.starts("(") => {
                    self.reader.skip(1);
                    self.open();
                }
                Some(c) => word.push(c),
                None => return self.unclear("a brace that is not closed"),
            }
        }
    }

    fn escaped(&mut self, word: &mut Word) {
        self.reader.skip(1);
        loop {
            match self.reader.next() {
                Some('\'') => return,
                Some('\\') => word.text.extend(self.reader.next()),
                Some(c) => word.push(c),
                None => return self.unclear("a quote that is not closed"),
            }
        }
    }

    fn backquoted(&mut self, word: &mut Word) {
        self.reader.skip(1);
        word.guess();
        self.unclear("a substitution");
        word.text.push_str("$()");
        let mut inner = String::new();
        loop {
            match self.reader.next() {
                Some('`') => break,
                Some('\\') => match self.reader.next() {
                    Some(c @ ('`' | '\\' | '$')) => inner.push(c),
                    Some(c) => inner.extend(['\\', c]),
                    None => break,
                },
                Some(c) => inner.push(c),
                None => {
                    self.unclear("a substitution that is not closed");
                    break;
                }
            }
        }
        self.script.hold(Script::read_at(&inner, self.depth + 1));
    }
}
