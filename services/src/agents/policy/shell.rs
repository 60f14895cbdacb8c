//! Command lines as a shell reads them. What is understood is exact: simple commands, pipelines, lists, quotes and
//! redirections. Of everything else the simple commands in it are found as well as can be, and it is said that it was not
//! understood. Bounded in depth and in time, whatever the line. Knows no program and no file.

mod reader;
mod word;

use reader::Reader;

/// The longest line that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// How deep substitutions may stand in each other.
const DEEPEST: usize = 12;

/// A command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// Its simple commands, those of substitutions among them.
    pub(super) commands: Vec<Simple>,
    /// What in it is not understood. Where something is, nothing can be said of what the line does not do.
    pub(super) unclear: Vec<&'static str>,
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Variables that are set for it, as they are written.
    pub(super) assignments: Vec<Word>,
    /// Its name and what it is given.
    pub(super) words: Vec<Word>,
    /// Where its input and output go.
    pub(super) redirects: Vec<Redirect>,
    /// How it is joined to the command in front of it.
    pub(super) join: Join,
    /// Whether it stands in a substitution: another command is given what it writes.
    pub(super) is_inner: bool,
}

/// What stands in front of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Join {
    /// Nothing, a semicolon or the end of a line.
    #[default]
    Then,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`: it reads what the other writes.
    Pipe,
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// What it comes to, where that is known; else what is written.
    pub(super) text: String,
    /// Whether it comes to just this, whatever stands in variables and folders.
    pub(super) is_known: bool,
    /// Where in the text the first character stands that was quoted or is not known.
    quoted_from: Option<usize>,
}

impl Word {
    /// One that comes to just this.
    pub(super) fn known(text: &str) -> Word {
        Word { text: text.to_owned(), is_known: true, quoted_from: None }
    }

    /// One that is only known later.
    pub(super) fn unknown(text: &str) -> Word {
        Word { text: text.to_owned(), is_known: false, quoted_from: Some(0) }
    }

    /// Whether it is written as it is, without quotes.
    fn is_bare(&self) -> bool {
        self.is_known && self.quoted_from.is_none()
    }

    /// The variable that it sets, in front of a command.
    pub(super) fn assigned(&self) -> Option<&str> {
        let (name, _) = self.text.split_once('=')?;
        let is_bare = self.quoted_from.is_none_or(|from| from > name.len());
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split_once('[').map_or(name, |(name, _)| name);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_bare && is_name).then_some(name)
    }
}

/// Where a descriptor goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    /// How.
    pub(super) way: Way,
    /// The file, or the descriptor.
    pub(super) target: Word,
}

/// How a descriptor is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It reads a file.
    Read,
    /// It writes a file.
    Write,
    /// It is another descriptor, or closed.
    Same,
    /// It reads a text that the line holds.
    Text,
}

impl Script {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Script {
        Script::read_at(line, 0)
    }

    fn read_at(line: &str, depth: usize) -> Script {
        let mut script = Script::default();
        if line.len() > LONGEST || depth > DEEPEST {
            script.unclear.push("it is too long or too deep");
            return script;
        }
        let mut lines = Lines { reader: Reader::new(line), script, depth, ..Lines::default() };
        lines.commands(false);
        lines.finish()
    }

    /// Another script that runs as a part of this one.
    fn hold(&mut self, inner: Script) {
        self.unclear.extend(inner.unclear);
        self.commands.extend(inner.commands.into_iter().map(|command| Simple { is_inner: true, ..command }));
    }
}

/// Words of the grammar after which a command begins.
const OPENERS: [&str; 12] =
    ["if", "then", "elif", "else", "do", "while", "until", "{", "!", "time", "coproc", "nocorrect"];

/// Whether a command may begin behind a word.
pub(super) fn opens(word: &str) -> bool {
    OPENERS.contains(&word)
}

/// Other words of the grammar.
const RESERVED: [&str; 11] =
    ["fi", "done", "esac", "}", "case", "for", "select", "function", "[[", "repeat", "foreach"];

/// Commands one after another.
#[derive(Default)]
struct Lines<'a> {
    reader: Reader<'a>,
    script: Script,
    depth: usize,
    now: Simple,
    /// Whether `time` stands in front of what comes.
    is_timed: bool,
    /// Texts that stand below the line: what ends each, whether tabs in front of that are left out, and whether they are taken as
    /// they are.
    texts: Vec<(String, bool, bool)>,
}

impl Lines<'_> {
    fn unclear(&mut self, why: &'static str) {
        self.script.unclear.push(why);
    }

    /// Reads to the end, or to the parenthesis that closes what was opened before.
    fn commands(&mut self, is_closed: bool) {
        let mut open = 0usize;
        while let Some(next) = self.reader.peek() {
            match next {
                ' ' | '\t' => self.reader.skip(1),
                '\n' => {
                    self.reader.skip(1);
                    self.end(Join::Then);
                    self.take_texts();
                }
                '#' => self.reader.skip_line(),
                ';' => self.operator(1, Join::Then, self.reader.starts(";;").then_some("a case")),
                '&' if self.reader.starts("&&") => self.operator(2, Join::And, None),
                '&' if self.reader.starts("&>") => {
                    self.unclear("shells do not agree on &>");
                    self.reader.skip(1);
                }
                '&' => self.operator(1, Join::Then, Some("what runs beside the rest")),
                '|' if self.reader.starts("||") => self.operator(2, Join::Or, None),
                '|' if self.reader.starts("|&") => self.operator(2, Join::Pipe, Some("shells do not agree on |&")),
                '|' => self.operator(1, Join::Pipe, None),
                '(' => {
                    open += 1;
                    self.operator(1, Join::Then, Some("parentheses"));
                }
                ')' if open == 0 && is_closed => return self.end(Join::Then),
                ')' => {
                    open = open.saturating_sub(1);
                    self.operator(1, Join::Then, Some("parentheses"));
                }
                '<' | '>' => self.redirect(),
                _ => self.word(),
            }
        }
        if is_closed {
            self.unclear("a parenthesis that is not closed");
        }
        self.end(Join::Then);
    }

    fn operator(&mut self, characters: usize, join: Join, unclear: Option<&'static str>) {
        unclear.into_iter().for_each(|why| self.unclear(why));
        self.reader.skip(characters);
        self.end(join);
    }

    /// The command is over; the next one is joined like this.
    fn end(&mut self, join: Join) {
        let done = std::mem::take(&mut self.now);
        self.is_timed = false;
        let is_nothing = done.words.is_empty() && done.assignments.is_empty() && done.redirects.is_empty();
        self.now.join = match (is_nothing, join) {
            // An operator may be followed by the end of a line.
            (true, Join::Then) => done.join,
            (true, _) => {
                self.unclear("an operator without a command");
                join
            }
            (false, _) => join,
        };
        if !is_nothing {
            self.script.commands.push(done);
        }
    }

    fn word(&mut self) {
        let word = self.expanded();
        let is_number = !word.text.is_empty() && word.is_bare() && word.text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && matches!(self.reader.peek(), Some('<' | '>')) {
            if word.text.len() > 1 {
                self.unclear("shells do not agree on descriptors above 9");
            }
            return self.redirect();
        }
        // A brace is not known to be what it is written as.
        let is_bare = word.quoted_from.is_none() || ["{", "}"].contains(&word.text.as_str());
        if std::mem::take(&mut self.is_timed) && word.text.starts_with('-') {
            // Its options may be those of the program of that name.
            self.now.words.push(Word::known("time"));
        }
        if self.now.words.is_empty() && is_bare {
            self.is_timed = word.text == "time";
            if OPENERS.contains(&word.text.as_str()) {
                return self.unclear("a compound command");
            }
            if RESERVED.contains(&word.text.as_str()) {
                self.unclear("a compound command");
            }
        }
        let is_body = ["{", "do", "then"].contains(&word.text.as_str());
        if is_body && self.now.words.first().is_some_and(|first| RESERVED.contains(&first.text.as_str())) {
            // What stands behind it is a command of its own.
            return self.end(Join::Then);
        }
        match self.now.words.is_empty() && word.assigned().is_some() {
            true => self.now.assignments.push(word),
            false => self.now.words.push(word),
        }
    }

    /// Reads what a parenthesis has opened in a word.
    fn open(&mut self) {
        if self.depth >= DEEPEST {
            self.unclear("it is too long or too deep");
            return self.reader.skip_all();
        }
        let reader = std::mem::take(&mut self.reader);
        let mut inner = Lines { reader, depth: self.depth + 1, ..Lines::default() };
        inner.commands(true);
        self.reader = std::mem::take(&mut inner.reader);
        self.reader.skip(1);
        self.script.hold(inner.finish());
    }

    fn redirect(&mut self) {
        const OPERATORS: [(&str, Way, Option<&str>); 12] = [
            ("<<<", Way::Text, Some("a text for a command")),
            ("<<-", Way::Text, Some("a text for a command")),
            ("<<", Way::Text, Some("a text for a command")),
            ("<&", Way::Same, None),
            ("<>", Way::Write, Some("a file that is read and written")),
            ("<(", Way::Read, Some("a substitution")),
            ("<", Way::Read, None),
            (">>", Way::Write, None),
            (">|", Way::Write, None),
            (">&", Way::Same, None),
            (">(", Way::Write, Some("a substitution")),
            (">", Way::Write, None),
        ];
        let Some((operator, way, unclear)) = OPERATORS.into_iter().find(|(text, ..)| self.reader.starts(text)) else {
            return;
        };
        self.reader.skip(operator.len());
        unclear.into_iter().for_each(|why| self.unclear(why));
        if operator.ends_with('(') {
            // Its name is given to the command as a word.
            self.now.words.push(Word::unknown(operator));
            return self.open();
        }
        // Some shells take it for no part of the name.
        if way == Way::Write && self.reader.starts("!") {
            self.unclear("shells do not agree on >!");
            self.reader.skip(1);
        }
        self.reader.skip_blanks();
        let target = self.expanded();
        if target.text.is_empty() && target.quoted_from.is_none() {
            self.unclear("a redirection to nothing");
        }
        if operator == "<<" || operator == "<<-" {
            self.texts.push((target.text.clone(), operator == "<<-", target.quoted_from.is_some()));
        }
        let is_descriptor = target.is_bare() && (target.text == "-" || target.text.bytes().all(|b| b.is_ascii_digit()));
        let way = match way {
            Way::Same if !is_descriptor => {
                self.unclear("a descriptor that is a file");
                Way::Write
            }
            way => way,
        };
        self.now.redirects.push(Redirect { way, target });
    }

    /// Passes over the texts that the line before has announced. What is substituted in them runs.
    fn take_texts(&mut self) {
        for (end, is_indented, is_literal) in std::mem::take(&mut self.texts) {
            while let Some(line) = self.reader.take_line() {
                let bare = if is_indented { line.trim_start_matches('\t') } else { line };
                if bare == end {
                    break;
                }
                if !is_literal && line.contains(['$', '`']) {
                    let quoted = format!("\"{}\"", line.replace('"', "\\\""));
                    let mut inner = Script::read_at(&quoted, self.depth + 1);
                    // The text itself is no command.
                    inner.commands.retain(|command| command.is_inner);
                    self.script.hold(inner);
                }
            }
        }
    }

    fn finish(self) -> Script {
        self.script
    }
}

#[cfg(test)]
mod tests;
