//! What git tells of changes, by files.

use super::super::item::{ChangeKind, FileChange};

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
        let status = head.rsplit(' ').next()?.bytes().next()?;
        let first = names.next()?;
        let section = sections.next()?;
        let (path, old_path, kind) = match status {
            b'A' => (first, None, ChangeKind::Add),
            b'D' => (first, None, ChangeKind::Delete),
            b'R' => (names.next()?, Some(first), ChangeKind::Move),
            b'C' => (names.next()?, Some(first), ChangeKind::Copy),
            b'T' => {
                // What was a file and is a link: taken away, and made again.
                sections.next()?;
                files.push(FileChange { binary: true, ..FileChange::without_diff(first, ChangeKind::Modify) });
                continue;
            }
            b'M' => (first, None, ChangeKind::Modify),
            _ => return None,
        };
        files.push(FileChange { old_path, ..change(path, kind, section) });
    }
    sections.next().is_none().then_some(files)
}

fn change(path: String, kind: ChangeKind, section: &[u8]) -> FileChange {
    if section.split(|byte| *byte == b'\n').any(|line| line == b"GIT binary patch") {
        return FileChange { binary: true, ..FileChange::without_diff(path, kind) };
    }
    let Some(at) = memchr::memmem::find(section, b"\n@@ ") else { return FileChange::without_diff(path, kind) };
    let hunks = String::from_utf8_lossy(&section[at + 1..]);
    match hunks.len() > LONGEST {
        // Its lines are counted all the same.
        true => FileChange { unified_diff: None, ..FileChange::with_diff(path, kind, hunks) },
        false => FileChange::with_diff(path, kind, hunks),
    }
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
