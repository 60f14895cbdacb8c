//! Where transcripts are written and how: each file at once or not at all, private to its user, under names that mean nothing to
//! a file system.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::super::identifier::identifier;
use super::super::log::{make_private, private};
use super::TranscriptInfo;
use super::document::{moment, project};

/// The longest name of a project's folder, in bytes.
const NAME: usize = 64;

/// What is left of a write that was cut off is taken away when it is older than this.
const LEFT: Duration = Duration::from_secs(3600);

/// Says whose folder it is, where two projects have the same name.
const OWNER: &str = ".project";

/// Names that are devices on Windows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The folder of a session's transcripts, made where it is missing: the project's name and the day on which it began, in UTC.
pub(super) fn folder(root: &Path, info: &TranscriptInfo) -> io::Result<PathBuf> {
    let name = name(&project(&info.cwd));
    let hash = Sha256::digest(info.cwd.as_bytes());
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let (plain, apart) = (root.join(&name), root.join(format!("{name}-{hash}")));
    let project = if claims(&plain, &info.cwd)? { plain } else { apart };
    let folder = project.join(&moment(info.started_at_ms)[..10]);
    make_private(&folder)?;
    Ok(folder)
}

/// Whether the folder of a project is that of this one, which the first to come has.
fn claims(folder: &Path, cwd: &str) -> io::Result<bool> {
    make_private(folder)?;
    let owner = folder.join(OWNER);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    match options.open(&owner) {
        Ok(mut file) => file.write_all(cwd.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(fs::read(&owner)? == cwd.as_bytes()),
        Err(error) => Err(error),
    }
}

/// A name that is one part of a path on every system.
pub(super) fn name(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let mut name: String = text.trim().chars().map(safe).collect();
    while name.len() > NAME {
        name.pop();
    }
    let name = name.trim_start_matches(['.', '-']).trim_end_matches('.');
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let is_device = DEVICES.contains(&stem.trim_end_matches(|c: char| c.is_ascii_digit()));
    match (name.is_empty(), is_device) {
        (true, _) => "root".to_owned(),
        (false, true) => format!("_{name}"),
        (false, false) => name.to_owned(),
    }
}

/// Writes a file that is there as a whole or not at all.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    let begun = folder.join(format!(".{name}.{}.tmp", identifier("part")));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let written = options.open(&begun).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        // Else the name may be on the disk before the text is.
        file.sync_data()
    });
    written.and_then(|()| fs::rename(&begun, &path)).inspect_err(|_| {
        // Whatever the error left of it is of no use.
        let _ = fs::remove_file(&begun);
    })?;
    Ok(path)
}

/// Takes away what writes that were cut off have left in a folder.
pub(super) fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.starts_with(".session-") && name.ends_with(".tmp");
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
        if is_ours && age.is_some_and(|age| age > LEFT) {
            // It is looked for again the next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_harmless_part_of_a_path() {
        for (text, wanted) in [
            ("project", "project"),
            ("../../etc", "etc"),
            ("a/b\\c:d", "a-b-c-d"),
            ("", "root"),
            ("..", "root"),
            (".git", "git"),
            ("한글 프로젝트", "한글-프로젝트"),
            ("nul.txt", "_nul.txt"),
            ("COM1", "_COM1"),
            ("a\u{202e}b\n", "a-b"),
        ] {
            assert_eq!(name(text), wanted);
        }
        assert!(name(&"글".repeat(100)).len() <= NAME);
    }

    #[test]
    fn two_projects_of_one_name_have_two_folders() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let info =
            |cwd: &str| TranscriptInfo { cwd: cwd.into(), started_at_ms: 1_795_243_189_376, ..Default::default() };
        let (one, other) = (folder(root.path(), &info("/a/app"))?, folder(root.path(), &info("/b/app"))?);
        assert_eq!(one, root.path().join("app/2026-11-21"));
        assert_ne!(one, other);
        assert_eq!((folder(root.path(), &info("/a/app"))?, folder(root.path(), &info("/b/app"))?), (one, other));
        Ok(())
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there_and_nothing_else() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        write(root.path(), "session-a.md", "one")?;
        fs::create_dir(root.path().join("session-b.md"))?;
        assert!(write(root.path(), "session-b.md", "two").is_err(), "a folder stands there");
        let names: Vec<_> =
            fs::read_dir(root.path())?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(fs::read_to_string(root.path().join("session-a.md"))?, "one");
        Ok(())
    }
}
