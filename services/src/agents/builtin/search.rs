//! What is listed and found, as much of it as is told: however much there is, no more than that is kept. It ends when nobody
//! waits for it any more.

use std::borrow::Cow;
use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use super::files::{self, Kept};

/// The most that is told of what is listed or found.
const MOST: usize = 500;

/// The most that is told of a line in which something was found, in bytes.
const LINE: usize = 400;

/// Folders that are not searched.
const PASSED_OVER: [&str; 4] = [".git", "node_modules", "target", ".hg"];

/// Whether somebody waits for what is done on another thread: as long as they have what this was made by.
#[derive(Clone, Debug)]
pub(super) struct Awaited(Weak<()>);

impl Awaited {
    pub(super) fn by(whoever: &Arc<()>) -> Awaited {
        Awaited(Arc::downgrade(whoever))
    }

    fn check(&self) -> io::Result<()> {
        match self.0.strong_count() {
            0 => Err(io::Error::other("nobody waits for it any more")),
            _ => Ok(()),
        }
    }
}

/// Those of some lines that come first in their order, and how many there are.
#[derive(Debug, Default)]
struct First {
    lines: BinaryHeap<String>,
    count: usize,
}

impl First {
    fn take(&mut self, line: String) {
        self.count += 1;
        self.lines.push(line);
        if self.lines.len() > MOST {
            self.lines.pop();
        }
    }

    fn told(self) -> String {
        let more = self.count - self.lines.len();
        let mut lines = self.lines.into_sorted_vec();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }
}

pub(super) fn list(folder: &Path, awaited: &Awaited) -> io::Result<String> {
    let mut names = First::default();
    for entry in fs::read_dir(folder)? {
        awaited.check()?;
        let entry = entry?;
        let ending = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.take(format!("{}{ending}", entry.file_name().to_string_lossy()));
    }
    Ok(names.told())
}

/// The lines in which a text stands, below a folder. Links are not followed, and what is no text is passed over; so are keys, which
/// is said.
pub(super) fn search(root: &Path, folder: &Path, text: &str, kept: &Kept, awaited: &Awaited) -> io::Result<String> {
    let mut found = First::default();
    let mut passed_over = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            awaited.check()?;
            let entry = entry?;
            let kind = entry.file_type()?;
            let path = entry.path();
            if kept.holds(&path) {
                passed_over += 1;
            } else if kind.is_dir() && !PASSED_OVER.iter().any(|name| entry.file_name() == *name) {
                folders.push(path);
            } else if kind.is_file() {
                let Ok(content) = files::read(&path) else { continue };
                let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
                let lines = content.lines().enumerate().filter(|(_, line)| line.contains(text));
                lines.for_each(|(at, line)| found.take(format!("{shown}:{}: {}", at + 1, around(line.trim(), text))));
            }
        }
    }
    let answer = if found.count == 0 { "nothing found".to_owned() } else { found.told() };
    Ok(match passed_over {
        0 => answer,
        more => format!("{answer}\n{more} passed over, which may hold keys"),
    })
}

/// A line; of a long one what stands around a text.
fn around<'a>(line: &'a str, text: &str) -> Cow<'a, str> {
    if line.len() <= LINE {
        return Cow::Borrowed(line);
    }
    let boundary = |at: usize| (0..=at.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
    let from = boundary(line.find(text).unwrap_or_default().saturating_sub(LINE / 4));
    let to = boundary(from + LINE);
    let before = if from > 0 { "…" } else { "" };
    let behind = if to < line.len() { "…" } else { "" };
    Cow::Owned(format!("{before}{}{behind}", &line[from..to]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_is_listed_or_found_only_what_is_told_is_kept() -> io::Result<()> {
        let (waiting, folder) = (Arc::new(()), tempfile::tempdir()?);
        let awaited = Awaited::by(&waiting);
        for at in 0..MOST + 20 {
            fs::write(folder.path().join(format!("{at:04}")), "a needle\nhay\na needle again\n")?;
        }
        let told = list(folder.path(), &awaited)?;
        let names: Vec<&str> = told.lines().collect();
        assert_eq!((names[0], names[MOST - 1], names[MOST]), ("0000", "0499", "and 20 more"));

        let mut found = First::default();
        for at in (0..100_000).rev() {
            found.take(format!("{at:06}"));
            assert!(found.lines.len() <= MOST);
        }
        let told = found.told();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!((lines[0], lines[MOST - 1], lines[MOST]), ("000000", "000499", "and 99500 more"));

        let told = search(folder.path(), folder.path(), "needle", &Kept::default(), &awaited)?;
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!((lines[0], lines[1]), ("0000:1: a needle", "0000:3: a needle again"));
        assert_eq!((lines[MOST - 1], lines[MOST]), ("0249:3: a needle again", "and 540 more"));
        Ok(())
    }

    #[test]
    fn of_a_long_line_what_stands_around_the_text_is_told() -> io::Result<()> {
        let (waiting, folder) = (Arc::new(()), tempfile::tempdir()?);
        let line = format!("{}needle{}\n", "ä".repeat(100_000), "ö".repeat(100_000));
        fs::write(folder.path().join("long"), line)?;
        let told = search(folder.path(), folder.path(), "needle", &Kept::default(), &Awaited::by(&waiting))?;
        assert!(told.starts_with("long:1: …ä") && told.contains("äneedleö") && told.ends_with("ö…"), "{told}");
        assert!(told.len() < LINE + 50, "{}", told.len());
        assert_eq!(around(&"x".repeat(LINE), "x"), "x".repeat(LINE), "what is not long is told as it is");
        Ok(())
    }

    #[test]
    fn what_nobody_waits_for_any_more_ends() -> io::Result<()> {
        let (waiting, folder) = (Arc::new(()), tempfile::tempdir()?);
        fs::write(folder.path().join("file"), "needle")?;
        let awaited = Awaited::by(&waiting);
        assert_eq!(search(folder.path(), folder.path(), "needle", &Kept::default(), &awaited)?, "file:1: needle");
        drop(waiting);
        assert!(search(folder.path(), folder.path(), "needle", &Kept::default(), &awaited).is_err());
        assert!(list(folder.path(), &awaited).is_err());
        Ok(())
    }
}
