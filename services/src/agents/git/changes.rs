//! What git tells of changes, by files.

use super::super::item::{ChangeKind, FileChange, FileMode};

/// The longest diff of a file that is told, in bytes.
const LONGEST: usize = 256 << 10;

/// What stands at the beginning of each file in a patch.
const HEAD: &[u8] = b"diff --git ";

/// Texts that each end with a NUL.
pub(super) fn names(listed: &[u8]) -> Vec<String> {
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// The changes by what `--raw -z` and what `-p` tell of them, in the same order. None where they do not fit together.
pub(super) fn changes(raw: &[u8], patch: &[u8]) -> Option<Vec<FileChange>> {
    let mut sections = sections(patch).into_iter();
    let mut names = names(raw).into_iter();
    let mut files = Vec::new();
    while let Some(head) = names.next() {
        let (old_mode, new_mode, status) = read(&head)?;
        let first = names.next()?;
        let mut of_it = vec![sections.next()?];
        let (path, old_path, kind) = match status {
            b'A' => (first, None, ChangeKind::Add),
            b'D' => (first, None, ChangeKind::Delete),
            b'R' => (names.next()?, Some(first), ChangeKind::Move),
            b'C' => (names.next()?, Some(first), ChangeKind::Copy),
            b'M' => (first, None, ChangeKind::Modify),
            b'T' => {
                // What was a file and is a link: taken away, and made again.
                of_it.push(sections.next()?);
                (first, None, ChangeKind::Modify)
            }
            _ => return None,
        };
        let is_link = new_mode == Some(FileMode::Link);
        let link_to = of_it.last().filter(|_| is_link).and_then(|section| whole(&lines(section)?));
        files.push(FileChange { old_path, old_mode, new_mode, link_to, ..change(path, kind, &of_it) });
    }
    sections.next().is_none().then_some(files)
}

/// Of what `--raw` has before the names: what was there, what is there, and the letter for what became of it.
fn read(head: &str) -> Option<(Option<FileMode>, Option<FileMode>, u8)> {
    let mut words = head.strip_prefix(':')?.split(' ');
    let (old, new) = (words.next()?, words.next()?);
    let status = words.next_back()?.bytes().next()?;
    Some((FileMode::of_git(old), FileMode::of_git(new), status))
}

fn change(path: String, kind: ChangeKind, sections: &[&[u8]]) -> FileChange {
    let told: Vec<Option<String>> = sections.iter().map(|section| lines(section)).collect();
    let binary = told.iter().any(Option::is_none);
    let diff: String = told.into_iter().flatten().collect();
    if diff.is_empty() {
        return FileChange { binary, ..FileChange::without_diff(path, kind) };
    }
    let is_long = diff.len() > LONGEST;
    let mut change = FileChange { binary, ..FileChange::with_diff(path, kind, diff) };
    if is_long {
        // Its lines are counted all the same.
        change.cut();
    }
    change
}

/// What a section has from its first `@@` on. None where it is no text.
fn lines(section: &[u8]) -> Option<String> {
    if section.split(|byte| *byte == b'\n').any(|line| line == b"GIT binary patch") {
        return None;
    }
    let at = memchr::memmem::find(section, b"\n@@ ").map_or(section.len(), |at| at + 1);
    Some(String::from_utf8_lossy(&section[at..]).into_owned())
}

/// The whole text that these lines end up with. None where there may be more of it than they show.
fn whole(lines: &str) -> Option<String> {
    let (head, rest) = lines.split_once('\n')?;
    let is_whole = head.starts_with("@@ -0,0 ") || head.contains(" +1 @@");
    let mut text = String::new();
    for line in rest.split_terminator('\n') {
        match line.as_bytes().first()? {
            b'+' => text = text + &line[1..] + "\n",
            // The end of a line that is added ends nothing.
            b'\\' if text.ends_with('\n') => drop(text.pop()),
            _ => (),
        }
    }
    is_whole.then_some(text)
}

/// The parts of a patch, one for each file. Within a part no line begins as a part does.
fn sections(patch: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = memchr::memmem::find_iter(patch, b"\ndiff --git ").map(|at| at + 1).collect();
    if patch.starts_with(HEAD) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().copied().skip(1).chain([patch.len()]);
    starts.iter().zip(ends).map(|(start, end)| &patch[*start..end]).collect()
}
