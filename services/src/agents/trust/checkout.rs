//! The main checkout of the repository that a linked worktree belongs to: some programs load settings from there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::super::plain_file;

/// The longest pointer, in bytes.
const POINTER: u64 = 64 << 10;

/// The folders that a program may take for the main checkout, where this is a linked worktree. They are more than one where the way
/// there leads over links, and where the repository is a bare one: then it may be the repository itself.
pub(in super::super) fn main_checkouts(worktree: &Path) -> BTreeSet<PathBuf> {
    let pointer = pointer(&worktree.join(".git")).unwrap_or_default();
    let Some(place) = pointer.strip_prefix("gitdir:") else { return BTreeSet::new() };
    let place = worktree.join(trimmed(place));
    let commons = [without_steps(&place), place].into_iter().filter_map(|place| {
        let common = place.join(pointer_in(&place)?);
        Some([Some(without_steps(&common)), common.canonicalize().ok()])
    });
    commons.flatten().flatten().flat_map(|common| checkouts_of(&common)).collect()
}

/// Whether it can be told which these are: others may read more of the pointers there.
pub(super) fn are_known(worktree: &Path) -> bool {
    let is_read = |file: &Path| !file.is_file() || plain_file::read(file, POINTER).is_ok();
    let git = worktree.join(".git");
    let pointer = pointer(&git).unwrap_or_default();
    let place = pointer.strip_prefix("gitdir:").map(|place| worktree.join(trimmed(place)));
    let places = place.iter().flat_map(|place| [without_steps(place), place.clone()]);
    is_read(&git) && places.map(|place| place.join("commondir")).all(|file| is_read(&file))
}

fn pointer_in(place: &Path) -> Option<String> {
    pointer(&place.join("commondir"))
}

fn checkouts_of(common: &Path) -> Vec<PathBuf> {
    let bare = (!common.ends_with(".git")).then_some(common);
    common.parent().into_iter().chain(bare).map(Path::to_owned).collect()
}

fn pointer(file: &Path) -> Option<String> {
    let bytes = plain_file::read(file, POINTER).ok()?;
    Some(trimmed(&String::from_utf8_lossy(&bytes)).to_owned())
}

/// As programs trim that take a byte order mark for a space, and no next line.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}')
}

/// The path as programs read it that do not look where its links lead.
fn without_steps(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut to, part| {
        match part {
            Component::CurDir => (),
            Component::ParentDir => drop(to.pop()),
            _ => to.push(part),
        }
        to
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_main_checkout_is_found_by_the_pointers_whoever_wrote_them_and_nowhere_else() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let of_worktree = place.join("fake/.git/worktrees/x");
        fs::create_dir_all(&of_worktree).unwrap();
        fs::create_dir_all(place.join("linked/sub")).unwrap();
        let found = |pointer: &str, common: &str| {
            fs::write(place.join("linked/.git"), pointer).unwrap();
            fs::write(of_worktree.join("commondir"), common).unwrap();
            main_checkouts(&place.join("linked")).into_iter().collect::<Vec<_>>()
        };
        let pointer = "gitdir: ../fake/.git/worktrees/x\n";
        assert_eq!(found(pointer, "../..\n"), [place.join("fake")]);
        assert_eq!(found(&format!("\u{feff} {pointer}"), "../.."), [place.join("fake")]);
        assert_eq!(found(pointer, "../../../bare"), [place.join("fake"), place.join("fake/bare")], "the parent too");
        assert_eq!(found("gitdir: ../nowhere", "../.."), [] as [PathBuf; 0]);
        assert_eq!(found("elsewhere", "../.."), [] as [PathBuf; 0]);
        assert_eq!(found(&format!("{pointer}\u{85}"), "../.."), [] as [PathBuf; 0], "that is a letter of the name");
        assert!(are_known(&place.join("linked")) && are_known(&place.join("linked/sub")));
        for (pointer, common) in [(pointer, "\n".repeat(70_000)), (&"\n".repeat(70_000), String::new())] {
            found(pointer, &common);
            assert!(!are_known(&place.join("linked")), "others may read on");
        }
        assert_eq!(main_checkouts(&place.join("linked/sub")), BTreeSet::new());
        #[cfg(unix)]
        {
            fs::create_dir_all(place.join("deep/er")).unwrap();
            std::os::unix::fs::symlink(place.join("deep/er"), place.join("linked/link")).unwrap();
            let through = found("gitdir: link/../../fake/.git/worktrees/x", "../..");
            assert_eq!(through, [place.join("fake")], "as the system reads it");
            let through = found("gitdir: link/../../fake/.git/worktrees/x/../x", "../../../linked/link/../m/.git");
            assert_eq!(through, [place.join("fake/linked/m")]);
        }
    }
}
