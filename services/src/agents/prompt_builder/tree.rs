//! The files of a project by their names, level by level as long as there is room. What version control ignores, what is
//! hidden and what holds secrets is left out; links are not followed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::WalkBuilder;

use super::super::passed_over::{PassedOver, Patterns};
use super::file::is_secret;
use super::plain;
use super::room::Room;

/// The most entries that are looked at.
const LOOKED_AT: usize = 20_000;

/// The deepest folder that is looked into.
const DEPTH: usize = 12;

/// The most secrets that are named.
const NAMED: usize = 20;

/// Folders of what others wrote, which are passed over though nothing says to ignore them.
const PASSED_OVER: [&str; 3] = ["node_modules", "target", ".git"];

/// Which patterns count.
const PATTERNS: Patterns = Patterns { names: &[".ignore"], needs_git: false, hides: true, places: true };

/// The names, and what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) text: String,
    /// Entries for which there was no room.
    pub(super) left_out: usize,
    /// Whether there are more than were looked at.
    pub(super) is_endless: bool,
    /// Paths of files that hold secrets.
    pub(super) secrets: Vec<String>,
    /// Folders that cannot be read.
    pub(super) unreadable: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    depth: usize,
    path: PathBuf,
    is_folder: bool,
}

impl Entry {
    fn line(&self) -> String {
        let name = plain(&self.path.file_name().unwrap_or_default().to_string_lossy());
        let ending = if self.is_folder { "/" } else { "" };
        format!("{}{name}{ending}\n", "  ".repeat(self.depth.saturating_sub(1)))
    }
}

/// Reads the tree of a folder, as far as there is room.
pub(super) fn read(folder: &Path, most: Room) -> Tree {
    let mut tree = Tree::default();
    let mut entries = entries(folder, &mut tree);
    // What lies higher says more of a project.
    entries.sort();
    let mut left = most;
    let mut shown = Vec::new();
    for entry in entries {
        let taken = Room::of(&entry.line());
        if !left.holds(taken) {
            tree.left_out += 1;
            // A shorter name further down would look as if nothing were missing.
            left = Room::ascii(0);
            continue;
        }
        left = left - taken;
        shown.push(entry);
    }
    shown.sort_by(|a, b| a.path.cmp(&b.path));
    tree.text = shown.iter().map(Entry::line).collect();
    tree
}

fn entries(folder: &Path, tree: &mut Tree) -> Vec<Entry> {
    let mut walk = WalkBuilder::new(folder);
    // The files of patterns are read here: whoever wrote them may mean harm.
    walk.standard_filters(false).follow_links(false).max_depth(Some(DEPTH));
    walk.sort_by_file_name(OsStr::cmp);
    let passed_over = Mutex::new(PassedOver::new(folder, PATTERNS));
    walk.filter_entry(move |entry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        !(is_folder && PASSED_OVER.iter().any(|name| entry.file_name() == *name))
            && passed_over.lock().unwrap_or_else(PoisonError::into_inner).shows(entry)
    });
    let mut entries = Vec::new();
    for entry in walk.build().skip(1) {
        if entries.len() >= LOOKED_AT {
            tree.is_endless = true;
            break;
        }
        let Ok(entry) = entry else {
            tree.unreadable += 1;
            continue;
        };
        let Ok(path) = entry.path().strip_prefix(folder).map(Path::to_owned) else { continue };
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if !is_folder && is_secret(&entry.file_name().to_string_lossy()) {
            if tree.secrets.len() < NAMED {
                tree.secrets.push(plain(&path.to_string_lossy()));
            }
            continue;
        }
        entries.push(Entry { depth: entry.depth(), path, is_folder });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_never_end_pass_over_nothing() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        std::fs::write(folder.join("a.txt"), "")?;
        std::fs::write(folder.join(".gitignore"), "a.txt\n")?;
        assert_eq!(read(&folder, Room::ascii(100)).text, "");
        std::fs::write(folder.join(".gitignore"), format!("{}a.txt\n", "# a comment\n".repeat(100_000)))?;
        assert_eq!(read(&folder, Room::ascii(100)).text, "a.txt\n");
        Ok(())
    }
}
