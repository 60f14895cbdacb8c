//! What a line really runs: commands behind other commands, as in `timeout 5 env sh -c "…"`, `xargs` and `find -exec`. Knows
//! how such programs are called, and nothing of what is dangerous.

mod wrapper;

use super::shell::{Join, Redirect, Script, Simple, Way, Word, opens};
use wrapper::{Reading, Wrapper};

/// One program that is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Its name without folders and versions, in small letters: what it is held for.
    pub(super) name: String,
    /// Its name as it is written, where that is found by `PATH` or in a folder of the system's.
    pub(super) exact: Option<String>,
    /// Its name and what it is given.
    pub(super) words: Vec<Word>,
    /// Variables that are set for it.
    pub(super) assignments: Vec<Word>,
    /// Where its input and output go.
    pub(super) redirects: Vec<Redirect>,
    /// How it is joined to what is in front of it.
    pub(super) join: Join,
    /// Where it stands.
    pub(super) standing: Standing,
    /// Whether it runs another program, which stands behind it as another call.
    pub(super) wraps: Wraps,
    /// How many of its words are its own, where it does.
    pub(super) own: usize,
    /// What it reads beside what its words name, or what runs it does.
    pub(super) fed: Fed,
}

/// What a call reads beside what its words name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fed {
    /// Nothing that is known of.
    #[default]
    Nothing,
    /// What another command writes.
    Output,
    /// A file, or a text of the line.
    File,
}

impl Fed {
    fn by(simple: &Simple) -> Fed {
        let is_nothing = |target: &Word| target.is_known && target.text == "/dev/null";
        let reads = |redirect: &Redirect| match redirect.way {
            Way::Read => !is_nothing(&redirect.target),
            Way::Text => true,
            Way::Write | Way::Same => false,
        };
        match simple.join {
            _ if simple.redirects.iter().any(reads) => Fed::File,
            Join::Pipe => Fed::Output,
            Join::Then | Join::And | Join::Or => Fed::Nothing,
        }
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In the line.
    Line,
    /// Behind another program, which runs it.
    Behind,
    /// In a substitution.
    Inner,
}

/// Whether a call runs another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wraps {
    /// It does not.
    Nothing,
    /// It does nothing else, and what it runs is known.
    Exactly,
    /// It does, and does or adds more.
    Somehow,
}

/// All calls of a line, and what of it is not understood.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    pub(super) calls: Vec<Call>,
    pub(super) unclear: Vec<&'static str>,
    /// Whether the line is one command.
    is_single: bool,
    /// How many words they have.
    words: usize,
}

/// How deep programs may stand behind each other.
const DEEPEST: usize = 8;

/// The most programs of a line that are looked at, and the most words that they have together.
const MOST: (usize, usize) = (1_000, 10_000);

/// Programs that run a line which they are given behind `-c`.
pub(super) const SHELLS: [&str; 21] = [
    "sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "csh", "tcsh", "scsh", "yash", "rbash", "oksh", "loksh",
    "posh", "rc", "nu", "xonsh", "elvish", "osh",
];

/// How many of them, from the first, understand a line as it is read here.
const READ: usize = 7;

/// Programs that run a shell where they are given no other program.
const OPENING: [&str; 6] = ["unshare", "nsenter", "chroot", "setarch", "linux", "script"];

/// What a line runs.
pub(super) fn calls(line: &str) -> Calls {
    let script = Script::read(line);
    let mut calls = Calls { is_single: script.commands.len() == 1, ..Calls::default() };
    calls.script(&script, Standing::Line, 0);
    calls
}

impl Calls {
    fn script(&mut self, script: &Script, standing: Standing, depth: usize) {
        self.unclear.extend(&script.unclear);
        for simple in &script.commands {
            let standing = if simple.is_inner { Standing::Inner } else { standing };
            let call = Call {
                assignments: simple.assignments.clone(),
                redirects: simple.redirects.clone(),
                join: simple.join,
                fed: Fed::by(simple),
                ..Call::of(&simple.words, standing)
            };
            self.add(call, depth);
        }
    }

    fn add(&mut self, mut call: Call, depth: usize) {
        if depth > DEEPEST {
            return self.unclear.push("programs behind programs");
        }
        let room = MOST.1.saturating_sub(self.words);
        if self.calls.len() >= MOST.0 || call.words.len() > room {
            self.unclear.push("more programs or words than are looked at");
            call.words.truncate(room);
        }
        if self.calls.len() >= MOST.0 || room == 0 {
            return;
        }
        self.words += call.words.len();
        let at = self.calls.len();
        self.calls.push(call.clone());
        let name = call.name.clone();
        call.wraps = if SHELLS.contains(&name.as_str()) {
            self.line_of_shell(&call, depth)
        } else if name == "eval" {
            self.evaluated(&call, depth)
        } else if name == "find" || name == "fd" {
            self.executed(&call, depth)
        } else {
            self.behind(&mut call, depth)
        };
        (self.calls[at].wraps, self.calls[at].own) = (call.wraps, call.own);
    }

    /// `sh -c LINE`.
    fn line_of_shell(&mut self, call: &Call, depth: usize) -> Wraps {
        let is_flag = |word: &&Word| word.text.starts_with('-') && !word.text.starts_with("--");
        let Some(flag) = call.words.iter().skip(1).position(|word| is_flag(&word) && word.text.contains('c')) else {
            return Wraps::Nothing;
        };
        // Behind `-c` may stand more options.
        let rest = call.words.get(flag + 2..).unwrap_or_default();
        let line = rest.iter().find(|word| !(word.is_known && word.text.starts_with(['-', '+'])));
        let Some(line) = line.filter(|word| word.is_known) else {
            self.unclear.push("a line for a shell that is not known");
            return Wraps::Somehow;
        };
        let is_plain = ["-c", "-lc"].contains(&call.words[flag + 1].text.as_str())
            && (flag, call.words.len()) == (0, 3)
            && SHELLS[..READ].contains(&call.name.as_str());
        // Some agents write every line like this.
        let is_all = is_plain && self.is_single && depth == 0 && call.redirects.is_empty();
        let standing = if is_all { Standing::Line } else { Standing::Behind };
        self.script(&Script::read(&line.text), standing, depth + 1);
        if is_plain { Wraps::Exactly } else { Wraps::Somehow }
    }

    fn evaluated(&mut self, call: &Call, depth: usize) -> Wraps {
        let words = &call.words[1..];
        if words.iter().any(|word| !word.is_known) {
            self.unclear.push("a line that is made up first");
        }
        let line = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        self.script(&Script::read(&line), Standing::Behind, depth + 1);
        Wraps::Somehow
    }

    /// `find -exec`.
    fn executed(&mut self, call: &Call, depth: usize) -> Wraps {
        let flags = ["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"];
        let mut wraps = Wraps::Nothing;
        let mut rest = call.words.as_slice();
        while let Some(at) = rest.iter().position(|word| flags.contains(&word.text.as_str())) {
            rest = &rest[at + 1..];
            let is = |at: usize, text: &str| rest.get(at).is_some_and(|word| word.text == text);
            let may_end = |at: &usize| is(*at, ";") || is(*at, "+");
            // A plus ends it behind braces alone; some programs take it for the end wherever it stands.
            let ends = |at: &usize| is(*at, ";") || (is(*at, "+") && *at > 0 && is(*at - 1, "{}"));
            let end = (0..rest.len()).find(ends).unwrap_or(rest.len());
            let next = (0..rest.len()).find(may_end).unwrap_or(rest.len());
            // What it is given are files that are found.
            let found = Word::unknown("{}");
            let words: Vec<Word> = rest[..end].iter().cloned().chain([found]).collect();
            self.add(Call::of(&words, Standing::Behind), depth + 1);
            // What stands there belongs to the one that is run.
            rest = &rest[next..];
            wraps = Wraps::Somehow;
        }
        wraps
    }

    /// `timeout 5 PROGRAM`, and others: what stands behind it, wherever that may begin.
    fn behind(&mut self, call: &mut Call, depth: usize) -> Wraps {
        let Some(wrapper) = Wrapper::of(&call.name) else { return Wraps::Nothing };
        let mut options = call.words[1..].iter().map(|word| &word.text).take_while(|text| text.starts_with('-'));
        // It tells where a command is.
        if call.name == "command" && options.any(|option| ["-v", "-V"].contains(&option.as_str())) {
            return Wraps::Nothing;
        }
        let Reading { starts, options } = wrapper.read(&call.words);
        options.iter().for_each(|at| self.in_option(call, *at, depth));
        let is_number = |word: &Word| word.is_known && word.text[1..].bytes().all(|byte| byte.is_ascii_digit());
        let is_priority = |at: &usize| {
            let word = &call.words[*at];
            call.name == "nice" && (is_number(word) || (word.is_known && word.text == "-n"))
        };
        let mut is_exact =
            wrapper.is_plain && call.assignments.is_empty() && starts.len() == 1 && options.iter().all(is_priority);
        let mut wraps = Wraps::Nothing;
        let mut may_open = starts.is_empty();
        for mut at in starts {
            if ["flock", "script", "watch"].contains(&call.name.as_str()) {
                self.lines_behind(call, at, depth);
            }
            let is_passed = |word: &Word| match call.name.as_str() {
                "env" => word.text.contains('='),
                "time" => opens(&word.text),
                _ => false,
            };
            while call.words.get(at).is_some_and(is_passed) {
                is_exact = false;
                at += 1;
            }
            call.own = call.own.max(at);
            is_exact &= call.words.iter().take(at).all(|word| word.is_known);
            let Some(inner) = call.words.get(at..).filter(|inner| !inner.is_empty()) else {
                may_open = true;
                continue;
            };
            let mut inner = inner.to_vec();
            if ["xargs", "parallel"].contains(&call.name.as_str()) {
                inner.push(Word::unknown("{}"));
            }
            self.add(Call { join: call.join, fed: call.fed, ..Call::of(&inner, Standing::Behind) }, depth + 1);
            wraps = if is_exact { Wraps::Exactly } else { Wraps::Somehow };
        }
        // What this one is given is a file, or a line for the shell.
        if OPENING.contains(&call.name.as_str()) && (may_open || call.name == "script") {
            let shell = Call::of(&[Word::known("sh")], Standing::Behind);
            self.add(Call { join: call.join, fed: call.fed, ..shell }, depth + 1);
            wraps = Wraps::Somehow;
        }
        wraps
    }

    /// What an option has it run, or where.
    fn in_option(&mut self, call: &Call, at: usize, depth: usize) {
        let (option, next) = (&call.words[at], call.words.get(at + 1));
        if let Some(line) = line_in_option(&call.name, option, next) {
            self.script(&Script::read(&line), Standing::Behind, depth + 1);
        }
        if let Some(folder) = folder_in_option(&call.name, option, next) {
            self.add(Call::of(&[Word::known("cd"), folder], Standing::Behind), depth + 1);
        }
    }
}

impl Calls {
    /// Lines that some give to a shell: behind `-c`, or all that follows.
    fn lines_behind(&mut self, call: &Call, at: usize, depth: usize) {
        let is_short = |text: &str| text.starts_with('-') && !text.starts_with("--") && text.ends_with('c');
        let flag = |word: &Word| word.text == "--command" || is_short(&word.text);
        let attached = call.words.iter().find_map(|word| word.text.strip_prefix("--command="));
        let behind = call.words.iter().position(flag).and_then(|flag| call.words.get(flag + 1));
        let behind = behind.map(|word| word.text.as_str()).or(attached);
        let all = call.words.get(at..).filter(|_| call.name == "watch").unwrap_or_default();
        let all = all.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        for line in behind.map(str::to_owned).into_iter().chain([all]).filter(|line| !line.is_empty()) {
            self.script(&Script::read(&line), Standing::Behind, depth + 1);
        }
    }
}

/// The folder in which a program runs another one, in this option or behind it.
fn folder_in_option(program: &str, option: &Word, next: Option<&Word>) -> Option<Word> {
    let (letter, long) = match program {
        "env" => ('C', "--chdir"),
        "sudo" => ('D', "--chdir"),
        _ => return None,
    };
    let attached = |folder: &str| if option.is_known { Word::known(folder) } else { Word::unknown(folder) };
    if let Some(rest) = option.text.strip_prefix("--") {
        let (name, folder) = rest.split_once('=').map_or((rest, None), |(name, folder)| (name, Some(folder)));
        let is_one = !name.is_empty() && long[2..].starts_with(name);
        return is_one.then(|| folder.map(attached).or(next.cloned()))?;
    }
    match option.text[1..].split_once(letter) {
        Some((_, "")) => next.cloned(),
        Some((_, folder)) => Some(attached(folder)),
        None => None,
    }
}

/// The line that `env -S` takes apart and runs, in this option or behind it.
fn line_in_option(program: &str, option: &Word, next: Option<&Word>) -> Option<String> {
    if program != "env" {
        return None;
    }
    let (name, line) =
        option.text.split_once('=').map_or((option.text.as_str(), None), |(name, line)| (name, Some(line)));
    let is_long = name.len() > 2 && "--split-string".starts_with(name);
    if let Some(line) = line.filter(|_| is_long) {
        return Some(line.to_owned());
    }
    let letters = option.text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let is_next = is_long || letters.is_some_and(|letters| letters.ends_with('S'));
    match is_next {
        true => next.map(|word| word.text.clone()),
        false => letters.and_then(|letters| Some(letters.split_once('S')?.1.to_owned())),
    }
}

/// Folders in which a program is the one of that name.
const PROGRAMS: [&str; 6] = ["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/opt/homebrew/bin"];

/// What a program of this name is held for: without versions, in small letters.
pub(super) fn held_for(base: &str) -> String {
    let lower = base.to_lowercase();
    let lower = lower.strip_suffix(".exe").unwrap_or(&lower);
    let name = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    // A name of digits and dots alone is one of its own.
    if name.is_empty() { lower } else { name }.to_owned()
}

impl Call {
    fn of(words: &[Word], standing: Standing) -> Call {
        let first = words.first().cloned().unwrap_or_default();
        let (folder, base) = match first.text.rsplit_once('/') {
            Some((folder, base)) => (Some(folder), base),
            None => (None, first.text.as_str()),
        };
        let is_found = folder.is_none_or(|folder| PROGRAMS.contains(&folder));
        let exact = (first.is_known && is_found).then(|| base.to_owned());
        Call {
            name: held_for(base),
            exact,
            words: words.to_vec(),
            assignments: Vec::new(),
            redirects: Vec::new(),
            join: Join::Then,
            standing,
            wraps: Wraps::Nothing,
            own: 1,
            fed: Fed::Nothing,
        }
    }

    /// Whether all its words come to just what is written.
    pub(super) fn is_known(&self) -> bool {
        self.words.iter().all(|word| word.is_known)
    }

    /// The words behind its name.
    pub(super) fn given(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.text.as_str())
    }

    /// The words behind its name that are no options.
    pub(super) fn operands(&self) -> impl Iterator<Item = &Word> {
        let mut is_over = false;
        self.words.iter().skip(1).filter(move |word| {
            let is_option = !is_over && word.text.starts_with('-') && word.text.len() > 1;
            is_over |= word.text == "--";
            !is_option
        })
    }

    /// Whether an option is given, by a letter or a long name; long ones may be cut short.
    pub(super) fn has(&self, letters: &str, long: &[&str]) -> bool {
        self.given().any(|word| match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(name), _) => {
                let name = name.split('=').next().unwrap_or_default();
                !name.is_empty() && long.iter().any(|long| long.starts_with(name))
            }
            (None, Some(short)) => short.chars().any(|letter| letters.contains(letter)),
            (None, None) => false,
        })
    }

    /// The word at a place behind its name, where no options are counted.
    pub(super) fn operand(&self, at: usize) -> &str {
        self.operands().nth(at).map_or("", |word| word.text.as_str())
    }
}

#[cfg(test)]
mod tests;
