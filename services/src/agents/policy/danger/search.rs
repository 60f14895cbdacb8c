//! Searches through whole folders: they print what is in files that nobody names, keys among them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ignore::{Walk, WalkBuilder};

use super::super::super::passed_over::{PassedOver, Patterns};
use super::super::super::permission::Risk;
use super::super::super::scope::Look;
use super::super::call::Call;
use super::super::matter::SEARCHES;
use super::super::place::{Place, secret};
use super::{Finding, Scene, Stand, shown};

/// The most entries of folders that are looked at, and for how long.
const MOST: (usize, Duration) = (100_000, Duration::from_secs(1));

/// Letters of options whose value may be the next word, or stand behind the letter: of `grep`, and of others.
const VALUED: [&str; 2] = ["ABCefmdD", "ABCemtTgfEMdjr"];

/// Long options that have no value.
const FLAGS: [&str; 12] = [
    "count",
    "ignore-case",
    "line-number",
    "files",
    "files-with-matches",
    "fixed-strings",
    "word-regexp",
    "invert-match",
    "only-matching",
    "heading",
    "no-heading",
    "recursive",
];

/// Which files below a folder a search goes through. It follows no links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Through {
    /// Those that are neither hidden nor ignored, of the folder that it runs in.
    Shown,
    /// The same of another folder, which it is told of: some leave patterns about one place out then.
    Named,
    /// All.
    All,
}

/// The patterns that a search goes by.
const PATTERNS: Patterns = Patterns { names: &[".rgignore", ".ignore"], needs_git: true, hides: true, places: true };

/// A walk through what a search goes through.
struct Searched {
    walk: Walk,
    passed_over: Option<Arc<Mutex<PassedOver>>>,
}

impl Searched {
    /// Whether it was told all that a search goes through: not all patterns may have been read that have it look at more.
    fn is_all(&self) -> bool {
        let is_whole = |passed_over: &Arc<Mutex<PassedOver>>| lock(passed_over).is_whole();
        self.passed_over.as_ref().is_none_or(is_whole)
    }
}

fn lock(passed_over: &Mutex<PassedOver>) -> MutexGuard<'_, PassedOver> {
    passed_over.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Through {
    /// The same of this folder, for a search that runs in another one or in it.
    pub(in super::super) fn of(self, place: &Path, cwd: &Path) -> Through {
        match self {
            Through::Shown if place != cwd => Through::Named,
            through => through,
        }
    }

    /// Goes through a folder until then; what is met later is shown, whatever it is.
    fn walk(self, place: &Path, until: Instant) -> Searched {
        // Patterns are about paths without links.
        let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
        let mut walk = WalkBuilder::new(&place);
        walk.standard_filters(false);
        let patterns = Patterns { places: self == Through::Shown, ..PATTERNS };
        let passed_over = (self != Through::All).then(|| Arc::new(Mutex::new(PassedOver::new(&place, patterns))));
        if let Some(passed_over) = passed_over.clone() {
            // The files of patterns are read here: whoever wrote them may mean harm.
            walk.filter_entry(move |entry| Instant::now() > until || lock(&passed_over).shows(entry));
        }
        Searched { walk: walk.build(), passed_over }
    }

    /// Whether any below a folder is one of these, or there are more than can be looked through.
    pub(in super::super) fn meets(self, place: &Path, is_one: impl Fn(&Path) -> bool) -> bool {
        self.meets_among(MOST.0, place, is_one)
    }

    fn meets_among(self, most: usize, place: &Path, is_one: impl Fn(&Path) -> bool) -> bool {
        let until = Instant::now() + MOST.1;
        // What cannot be looked at may be any.
        let is_one = |entry: Result<ignore::DirEntry, ignore::Error>| entry.map_or(true, |entry| is_one(entry.path()));
        let mut searched = self.walk(place, until);
        let mut entries = searched.walk.by_ref().enumerate();
        entries.any(|(at, entry)| at > most || Instant::now() > until || is_one(entry)) || !searched.is_all()
    }
}

/// Which files a search through folders goes through, where that is known.
pub(in super::super) fn through(call: &Call, scene: &Scene<'_>) -> Option<Through> {
    // Its own settings may have it look everywhere.
    let is_plain = call.is_known() && call.assignments.is_empty() && scene.stand == Stand::Here;
    match call.name.as_str() {
        _ if !is_plain => None,
        "rg" if std::env::var_os("RIPGREP_CONFIG_PATH").is_some() || call.has("L", &["follow"]) => None,
        "rg" if call.given().all(keeps_to_shown) => Some(Through::Shown),
        "rg" => Some(Through::All),
        "grep" | "egrep" | "fgrep" | "rgrep" if !call.has("R", &["dereference-recursive"]) => Some(Through::All),
        _ => None,
    }
}

/// Whether a word has no search go through what is hidden or ignored.
fn keeps_to_shown(word: &str) -> bool {
    const LETTERS: &str = "nilcvowFNSsxqHhIp0123456789";
    let valued = |letter: char| "ABCemtT".contains(letter);
    match (word.strip_prefix("--"), word.strip_prefix('-')) {
        (Some(name), _) => name.is_empty() || FLAGS.contains(&name),
        (None, Some(letters)) => {
            letters.split(valued).next().unwrap_or_default().chars().all(|letter| LETTERS.contains(letter))
        }
        (None, None) => true,
    }
}

/// Files that a search would go through and that may hold keys.
pub(super) fn findings(call: &Call, scene: &Scene<'_>) -> Option<Finding> {
    if call.name != "rg" || only_lists(call) {
        return None;
    }
    // Its own settings may have it look everywhere.
    let looks_everywhere = std::env::var_os("RIPGREP_CONFIG_PATH").is_some();
    let through = if looks_everywhere { Through::All } else { Through::Shown };
    let until = Instant::now() + MOST.1;
    let mut entries = 0;
    let unknown = || {
        let text = "searches more files than can be looked through, and some may hold keys";
        Some(Finding::new("secrets", Risk::Medium, format!("`{}` {text}", shown(call))))
    };
    if scene.searches >= SEARCHES || Look::is_over() {
        return unknown();
    }
    for place in places(call, scene) {
        let mut searched = through.of(&place, scene.cwd).walk(&place, until);
        for entry in searched.walk.by_ref() {
            entries += 1;
            if entries > MOST.0 || Instant::now() > until || Look::is_over() {
                return unknown();
            }
            let Ok(entry) = entry else { continue };
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let path = entry.path().strip_prefix(&scene.ground.folder).unwrap_or(entry.path());
            if let Some(risk) = secret(&path.to_string_lossy()).filter(|_| is_file) {
                let text = format!("searches {}, which holds keys or may", path.display());
                return Some(Finding::new("secrets", risk.min(Risk::High), text));
            }
        }
        if !searched.is_all() {
            return unknown();
        }
    }
    None
}

/// Whether it tells names of files alone: it is told so where no word may be a value, nor what is looked for.
fn only_lists(call: &Call) -> bool {
    let words: Vec<&str> = call.given().take_while(|word| *word != "--").collect();
    (0..words.len()).any(|at| words[at] == "--files" && (at == 0 || !may_take_next(words[at - 1])))
}

/// Whether an option of `rg` may take the word behind it for its value.
pub(in super::super) fn may_take_next(option: &str) -> bool {
    takes_next(option, VALUED[1])
}

fn takes_next(option: &str, valued: &str) -> bool {
    match option.strip_prefix("--") {
        Some(long) => !long.is_empty() && !long.contains('=') && !FLAGS.contains(&long),
        None if option.starts_with('-') => {
            option.split_once(|letter| valued.contains(letter)).is_some_and(|(_, value)| value.is_empty())
        }
        None => false,
    }
}

/// The folders that are searched; where that is not sure, the one that it runs in, and whatever is named and there.
fn places(call: &Call, scene: &Scene<'_>) -> Vec<PathBuf> {
    let is_sure = has_sure_operands(call);
    let operands: Vec<PathBuf> = call.operands().map(|word| scene.cwd.join(&word.text)).collect();
    // The first is what is looked for.
    let named = operands.get(1..).unwrap_or_default();
    let places: Vec<PathBuf> = match is_sure && !named.is_empty() && named.iter().all(|path| path.exists()) {
        true => named.to_vec(),
        false => operands.into_iter().filter(|path| path.exists()).chain([scene.cwd.to_owned()]).collect(),
    };
    // About what is elsewhere a person is asked in any case.
    let is_here = |place: &PathBuf| {
        let place = scene.ground.place(scene.cwd, &place.to_string_lossy());
        matches!(place, Place::Inside | Place::Folder | Place::Delicate)
    };
    places.into_iter().filter(is_here).collect()
}

/// Whether the operands of a search are what is looked for, and behind it where: none may be the value of an option, and what is
/// looked for does not stand in one.
pub(in super::super) fn has_sure_operands(call: &Call) -> bool {
    let valued = VALUED[usize::from(!call.name.ends_with("grep"))];
    let holds = |word: &str| match word.strip_prefix("--") {
        Some(long) => long
            .split_once('=')
            .is_some_and(|(name, _)| ["regexp", "file", "files"].iter().any(|known| known.starts_with(name))),
        // The value may stand right behind the letter.
        None if word.starts_with('-') => word
            .split_once(|letter| valued.contains(letter))
            .is_some_and(|(front, _)| word[front.len()..].starts_with(['e', 'f'])),
        None => false,
    };
    !call.given().any(|word| takes_next(word, valued) || holds(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_may_be_in_it_where_there_is_more_than_can_be_looked_through() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["a", "b", ".c"] {
            std::fs::write(folder.path().join(name), "")?;
        }
        let meets = |through: Through, most, name: &str| {
            through.meets_among(most, folder.path(), |path: &Path| path.ends_with(name))
        };
        assert!(meets(Through::Shown, 9, "a") && !meets(Through::Shown, 9, ".c") && meets(Through::All, 9, ".c"));
        assert!(!meets(Through::All, 9, "none") && meets(Through::All, 2, "none"));
        assert!(Through::All.meets(&folder.path().join("gone"), |_| false));
        Ok(())
    }

    #[test]
    fn a_folder_holds_what_may_be_in_it_where_not_all_patterns_are_read() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("a"), "")?;
        let meets = || Through::Shown.meets(folder.path(), |path: &Path| path.ends_with("a"));
        std::fs::write(folder.path().join(".ignore"), "a\n")?;
        assert!(!meets());
        std::fs::write(folder.path().join(".ignore"), format!("{}a\n", "# a comment\n".repeat(100_000)))?;
        assert!(meets() && Through::Shown.meets(folder.path(), |_| false));
        Ok(())
    }
}
