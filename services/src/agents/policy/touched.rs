//! Files that a command touches, as far as its words tell: for rules that deny or ask about files. No rule allows by it, as
//! programs touch more than they are told. What cannot be said is said to be possible.

mod git;

use std::path::PathBuf;

use super::super::permission::Action;
use super::call::{Call, Wraps};
use super::danger::{Scene, Through, changes_in_place, has_sure_operands, through};
use super::harmless;
use super::place::is_nowhere;
use super::shell::{Way, Word};

/// A file that something touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touch {
    /// Whether it is read or changed.
    pub(super) action: Action,
    /// It, without links where it could be found.
    pub(super) path: PathBuf,
    /// Whether what lies below it is touched with it.
    pub(super) is_deep: bool,
    /// Of that, which files, where it is gone through for those that are there.
    pub(super) through: Option<Through>,
    /// Whether it is touched in any case. Else it may be no file, or be left as it is.
    pub(super) is_sure: bool,
}

/// What a program does with the files that it is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Nothing,
    Reads,
    Changes,
    /// It reads them, and may change them.
    Both,
}

/// Programs that change the files that they are given; their names have no numbers at their ends.
const CHANGES: [&str; 19] = [
    "tee", "touch", "mkdir", "rmdir", "rm", "del", "rd", "trash", "unlink", "truncate", "shred", "chmod", "chown",
    "chgrp", "gzip", "gunzip", "bzip", "xz", "mkfifo",
];

/// Programs that only read the files that they are given, beside those that are harmless.
const READS: [&str; 16] = [
    "date", "command", "test", "[", "jq", "less", "more", "bat", "xxd", "od", "hexdump", "strings", "base", "md5sum",
    "sha1sum", "cksum",
];

/// Programs that put files where their names do not tell: in the folder that they run in.
const UNPACKS: [&str; 7] = ["tar", "bsdtar", "unzip", "patch", "cpio", "7z", "unrar"];

/// Programs that search for what stands in front of the files.
const SEARCHES: [&str; 4] = ["grep", "egrep", "fgrep", "rg"];

/// What a call touches.
pub(super) fn touched(call: &Call, scene: &Scene<'_>) -> Vec<Touch> {
    let mut hand = Hand { call, scene, touches: Vec::new() };
    for redirect in &call.redirects {
        match redirect.way {
            Way::Read => hand.read(&redirect.target.text, true),
            Way::Write => hand.change(&redirect.target.text, true),
            Way::Same | Way::Text => (),
        }
    }
    // What stands behind it touches files of its own.
    if call.wraps == Wraps::Nothing || call.name == "find" {
        hand.words();
    } else if let Some((_, uses)) = WRAPPERS.iter().find(|(name, _)| *name == call.name) {
        let own = Call { words: call.words.iter().take(call.own).cloned().collect(), ..call.clone() };
        let mut of_own = Hand { call: &own, scene, touches: Vec::new() };
        of_own.plainly(*uses);
        hand.touches.extend(of_own.touches);
    }
    hand.touches
}

/// Programs that run another one, and what they do with files that stand in front of that.
const WRAPPERS: [(&str, Use); 7] = [
    ("xargs", Use::Reads),
    ("parallel", Use::Both),
    ("time", Use::Both),
    ("strace", Use::Both),
    ("ltrace", Use::Both),
    ("script", Use::Both),
    ("flock", Use::Both),
];

/// What is touched, as it is found.
struct Hand<'a> {
    call: &'a Call,
    scene: &'a Scene<'a>,
    touches: Vec<Touch>,
}

/// A file that is named, as it is now.
struct Seen {
    path: PathBuf,
    is_there: bool,
    is_folder: bool,
    /// Whether it cannot be said which one it is: it may be any.
    is_lost: bool,
}

/// No system takes a path that is as long as this, in bytes.
const TOO_LONG: usize = 4_096;

impl Hand<'_> {
    fn words(&mut self) {
        match self.call.name.as_str() {
            "cp" | "mv" | "ln" | "install" => self.copied(),
            "dd" => self.dumped(),
            "find" | "fd" => self.found(),
            "sort" => self.sorted(),
            "git" => self.by_git(),
            _ => self.plainly(use_of(self.call)),
        }
    }

    /// A file, looked up once.
    fn seen(&self, path: &str) -> Option<Seen> {
        if is_nowhere(path) {
            return None;
        }
        let real = self.scene.ground.real(self.scene.cwd, path);
        if real.is_none() && path.len() < TOO_LONG {
            return Some(Seen { path: PathBuf::from("/"), is_there: false, is_folder: true, is_lost: true });
        }
        let path = real.unwrap_or_else(|| self.scene.cwd.join(path));
        let found = path.metadata().ok();
        let (is_there, is_folder) = (found.is_some(), found.is_some_and(|found| found.is_dir()));
        Some(Seen { path, is_there, is_folder, is_lost: false })
    }

    fn add(&mut self, action: Action, seen: &Seen, is_sure: bool) {
        let is_deep = seen.is_lost || (seen.is_folder && self.goes_deep());
        let is_searched = is_deep && !seen.is_lost && action == Action::Read;
        let through = through(self.call, self.scene).filter(|_| is_searched);
        let through = through.map(|through| through.of(&seen.path, self.scene.cwd));
        let is_sure = is_sure && !seen.is_lost;
        self.touches.push(Touch { action, path: seen.path.clone(), is_deep, through, is_sure });
    }

    fn read(&mut self, path: &str, is_sure: bool) {
        self.seen(path).iter().for_each(|seen| self.add(Action::Read, seen, is_sure));
    }

    fn change(&mut self, path: &str, is_sure: bool) {
        self.seen(path).iter().for_each(|seen| self.add(Action::FileChange, seen, is_sure));
    }

    /// What comes to be, with what is below it.
    fn make(&mut self, path: &str, is_deep: bool) {
        let Some(Seen { path, is_lost, .. }) = self.seen(path) else { return };
        let (is_deep, is_sure) = (is_deep || is_lost, !is_lost);
        self.touches.push(Touch { action: Action::FileChange, path, is_deep, through: None, is_sure });
    }

    fn real(&self, path: &str) -> PathBuf {
        self.scene.ground.real(self.scene.cwd, path).unwrap_or_else(|| self.scene.cwd.join(path))
    }

    fn is_there(&self, path: &str) -> bool {
        self.real(path).exists()
    }

    /// Whether a folder is touched with what is in it, and not by its name alone.
    fn goes_deep(&self) -> bool {
        let by_name = match self.call.name.as_str() {
            "stat" | "file" | "test" | "[" | "realpath" | "df" | "du" | "touch" | "mkdir" | "rmdir" => true,
            "ls" | "chmod" | "chown" | "chgrp" => !self.call.has("R", &["recursive"]),
            "find" | "fd" => self.call.wraps == Wraps::Nothing && !self.call.given().any(|word| word == "-delete"),
            _ => false,
        };
        !by_name
    }

    /// What is named, and whether it stands there as a whole. What is only a part of a word may be a part of anything.
    fn named(&self) -> Vec<(String, bool)> {
        let mut named = Vec::new();
        let mut skipped = usize::from(self.is_first_a_text());
        let mut is_over = false;
        for word in self.call.given() {
            let is_option = !is_over && word.starts_with('-');
            is_over |= word == "--";
            if word == "--" || word == "-" {
                continue;
            }
            if !is_option && skipped > 0 {
                skipped -= 1;
                continue;
            }
            let whole = if is_option { word.split_once('=').map(|(_, value)| value) } else { Some(word) };
            let attached = attached(if is_option { word } else { "" });
            let pieces = word.split(['=', ':', '@', ',', '\'', '"']).filter(|piece| Some(*piece) != whole);
            let parts = pieces.filter(|piece| !piece.starts_with('-')).chain(attached);
            named.extend(whole.map(|whole| (whole.to_owned(), true)));
            named.extend(parts.map(|part| (part.to_owned(), false)));
        }
        named.retain(|(text, _)| !text.is_empty());
        named
    }

    /// Whether the first operand is what is looked for, and no file.
    fn is_first_a_text(&self) -> bool {
        let is_elsewhere = self.call.has("ef", &["regexp", "file", "files"]);
        SEARCHES.contains(&self.call.name.as_str()) && !is_elsewhere
    }

    fn plainly(&mut self, uses: Use) {
        let named = if uses == Use::Nothing { Vec::new() } else { self.named() };
        for (path, is_whole) in named {
            let Some(seen) = self.seen(&path) else { continue };
            if uses != Use::Changes {
                self.add(Action::Read, &seen, is_whole && seen.is_there);
            }
            if uses != Use::Reads {
                self.add(Action::FileChange, &seen, is_whole && uses == Use::Changes);
            }
        }
        if UNPACKS.contains(&self.call.name.as_str()) {
            self.change(".", true);
        }
        if self.looks_here() {
            self.read(".", true);
        }
    }

    /// Whether it reads the folder that it runs in, without that being named.
    fn looks_here(&self) -> bool {
        let call = self.call;
        // An operand may be the value of an option, and the last of them what is looked for.
        let names_places = || has_sure_operands(call) && call.operands().skip(1).any(|word| self.is_there(&word.text));
        match call.name.as_str() {
            "ls" | "tree" | "du" => call.operands().next().is_none(),
            "rg" | "ag" | "ack" => !names_places(),
            "grep" | "egrep" | "fgrep" | "rgrep" => {
                let is_deep =
                    call.name == "rgrep" || call.has("rRd", &["recursive", "dereference-recursive", "directories"]);
                is_deep && !names_places()
            }
            _ => false,
        }
    }

    /// `cp`, `mv`, `ln`, `install`: all but the last are read, and what comes of them is changed.
    fn copied(&mut self) {
        let call = self.call;
        let mut given: Vec<&str> =
            call.operands().map(|word| word.text.as_str()).filter(|text| *text != "--").collect();
        let target = match target_of(&call.words) {
            Some(target) => {
                given.retain(|text| *text != target);
                Some(target)
            }
            None if given.len() > 1 => given.pop(),
            None => (call.name == "ln").then_some("."),
        };
        let makes = call.name == "install" && call.has("d", &["directory"]);
        for source in &given {
            self.read(source, true);
            if call.name != "cp" {
                // Through a link, or by its name.
                self.change(source, call.name == "mv" || makes);
            }
        }
        let Some(target) = target else { return };
        let is_deep = given.iter().any(|source| self.real(source).is_dir());
        if makes || !self.real(target).is_dir() {
            return self.make(target, is_deep);
        }
        for source in &given {
            let name = self.real(source).file_name().map(|name| name.to_string_lossy().into_owned());
            let made = format!("{target}/{}", name.unwrap_or_default());
            self.make(&made, self.real(source).is_dir());
        }
    }

    /// `sort`: it may write into a file.
    fn sorted(&mut self) {
        self.plainly(use_of(self.call));
        let words: Vec<&str> = self.call.given().take_while(|word| *word != "--").collect();
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).copied();
            let target = match (word.strip_prefix("--"), word.strip_prefix('-')) {
                (Some(long), _) => {
                    let (name, value) = long.split_once('=').map_or((long, next), |(name, value)| (name, Some(value)));
                    value.filter(|_| !name.is_empty() && "output".starts_with(name))
                }
                // Behind other letters that take a value stands theirs.
                (None, Some(letters)) => letters.split_once(['o', 'k', 't', 'S', 'T']).and_then(|(front, value)| {
                    let value = Some(value).filter(|value| !value.is_empty()).or(next);
                    value.filter(|_| letters[front.len()..].starts_with('o'))
                }),
                (None, None) => None,
            };
            target.into_iter().for_each(|target| self.change(target, true));
        }
    }

    /// `dd`.
    fn dumped(&mut self) {
        for word in self.call.given() {
            match word.split_once('=') {
                Some(("if", path)) => self.read(path, true),
                Some(("of", path)) => self.change(path, true),
                Some(_) | None => (),
            }
        }
    }

    /// `find`: the folders in which it begins, and files that it writes.
    fn found(&mut self) {
        let begins = |word: &&Word| !word.text.starts_with(['-', '!', '(']);
        let words = &self.call.words[1..];
        let options = words.iter().take_while(|word| ["-H", "-L", "-P"].contains(&word.text.as_str())).count();
        let mut places: Vec<&str> =
            words[options..].iter().take_while(|word| begins(word)).map(|word| word.text.as_str()).collect();
        if places.is_empty() {
            places.push(".");
        }
        let deletes = self.call.given().any(|word| word == "-delete");
        for place in places {
            self.read(place, true);
            if deletes || self.call.wraps != Wraps::Nothing {
                self.change(place, deletes);
            }
        }
        for pair in words.windows(2).filter(|pair| pair[0].text.starts_with("-fprint") || pair[0].text == "-fls") {
            self.change(&pair[1].text, true);
        }
    }
}

/// The folder that files are put in, where it is named by an option.
fn target_of(words: &[Word]) -> Option<&str> {
    let options = words.iter().take_while(|word| word.text != "--");
    options.enumerate().skip(1).find_map(|(at, word)| {
        let next = || words.get(at + 1).map(|next| next.text.as_str());
        let (name, value) =
            word.text.split_once('=').map_or((word.text.as_str(), None), |(name, value)| (name, Some(value)));
        if name.starts_with("--") {
            return "--target-directory".starts_with(name).then(|| value.or_else(next))?;
        }
        // Behind other letters that take one stands their value.
        let (front, value) = word.text.strip_prefix('-')?.split_once(['t', 'S', 'm', 'o', 'g'])?;
        let is_target = word.text[1 + front.len()..].starts_with('t');
        is_target.then(|| Some(value).filter(|value| !value.is_empty()).or_else(next))?
    })
}

/// What may be a value that stands right behind the letter of an option, or behind several.
fn attached(option: &str) -> impl Iterator<Item = &str> {
    let letters = option.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
    let ends = letters.char_indices().take(CLUSTERED).take_while(|(_, c)| c.is_ascii_alphabetic());
    ends.map(|(at, _)| &letters[at + 1..]).filter(|value| !value.is_empty())
}

/// How many letters may stand behind one dash in front of a value.
const CLUSTERED: usize = 8;

fn use_of(call: &Call) -> Use {
    let name = call.name.as_str();
    let writes = match name {
        "sort" | "tree" => call.has("o", &["output"]),
        "uniq" => call.operands().nth(1).is_some(),
        _ => false,
    };
    match harmless::reads_files(name) {
        Some(false) => Use::Nothing,
        None if ["cd", "pushd", "popd"].contains(&name) => Use::Nothing,
        None if CHANGES.contains(&name) || changes_in_place(call) => Use::Changes,
        Some(true) if !writes => Use::Reads,
        None if READS.contains(&name) || harmless::is_excerpt(call) => Use::Reads,
        Some(true) | None => Use::Both,
    }
}
