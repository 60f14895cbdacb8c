//! Whether version control runs no program that a folder names when it is asked for what is there. What a repository holds may
//! be anybody's: only settings that are known to name none are taken for harmless.

use std::fs;
use std::io;
use std::path::Path;

use super::super::plain_file;
use super::place::Ground;

/// Settings by which nothing is run, by their section and name; `*` stands for all of a section.
const HARMLESS: &[(&str, &str)] = &[
    ("core", "repositoryformatversion"),
    ("core", "filemode"),
    ("core", "bare"),
    ("core", "logallrefupdates"),
    ("core", "ignorecase"),
    ("core", "precomposeunicode"),
    ("core", "symlinks"),
    ("core", "autocrlf"),
    ("core", "eol"),
    ("core", "safecrlf"),
    ("core", "quotepath"),
    ("core", "abbrev"),
    ("core", "compression"),
    ("core", "bigfilethreshold"),
    ("core", "untrackedcache"),
    ("core", "preloadindex"),
    ("core", "commitgraph"),
    ("core", "multipackindex"),
    ("extensions", "objectformat"),
    ("extensions", "refstorage"),
    ("remote", "url"),
    ("remote", "pushurl"),
    ("remote", "fetch"),
    ("remote", "prune"),
    ("remote", "tagopt"),
    ("remote", "gh-resolved"),
    ("branch", "*"),
    ("user", "*"),
    ("author", "*"),
    ("committer", "*"),
    ("init", "defaultbranch"),
    ("pull", "*"),
    ("push", "*"),
    ("fetch", "*"),
    ("rebase", "*"),
    ("color", "*"),
    ("advice", "*"),
    ("commit", "gpgsign"),
    ("gc", "auto"),
    ("lfs", "repositoryformatversion"),
];

impl Ground {
    /// Whether version control runs no program that the folder names when it is asked for what is there.
    pub(super) fn has_plain_git(&self, from: &Path) -> bool {
        for folder in from.ancestors() {
            let git = folder.join(".git");
            if git.is_dir() {
                return is_repository(&git) && is_plain(folder, &git);
            }
            // A link to elsewhere, or a folder that takes itself for a repository: git takes a link that leads nowhere, too.
            if git.symlink_metadata().is_ok() || folder.join("HEAD").symlink_metadata().is_ok() {
                return false;
            }
        }
        true
    }
}

/// The longest settings, and the longest list of files, that are read, in bytes.
const LONGEST: (u64, u64) = (1 << 20, 64 << 20);

/// Whether git takes a folder for a repository, and does not go on to those above it.
fn is_repository(git: &Path) -> bool {
    let head = git.join("HEAD");
    let is_file = head.symlink_metadata().is_ok_and(|head| head.is_file());
    let text = plain_file::read(&head, LONGEST.0).ok().filter(|_| is_file).unwrap_or_default();
    let is_reference = text.strip_prefix(b"ref:").is_some_and(|name| name.trim_ascii_start().starts_with(b"refs/"));
    let is_commit = text.get(..40).is_some_and(|name| name.iter().all(u8::is_ascii_hexdigit));
    (is_reference || is_commit) && git.join("objects").is_dir() && git.join("refs").is_dir()
}

fn is_plain(folder: &Path, git: &Path) -> bool {
    // Its settings are elsewhere, it is asked about others within it, or what it knows of files is spread.
    let more = [
        git.join("commondir"),
        git.join("config.worktree"),
        git.join("hooks/post-index-change"),
        git.join("modules"),
        folder.join(".gitmodules"),
    ];
    let is_spread = || {
        let names = fs::read_dir(git).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with("sharedindex"))
    };
    !more.iter().any(|path| path.symlink_metadata().is_ok())
        && !is_spread()
        && names_no_program(&git.join("config"))
        && has_no_others(&git.join("index"))
}

/// Reads settings line by line. What is not understood is taken for more than it says.
fn names_no_program(config: &Path) -> bool {
    let text = match plain_file::read(config, LONGEST.0).map(String::from_utf8) {
        Ok(Ok(text)) => text.to_ascii_lowercase(),
        Ok(Err(_)) => return false,
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    let mut section = String::new();
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])).all(|line| {
        if let Some(head) = line.strip_prefix('[') {
            // Behind it on the same line may stand a setting.
            let Some(head) = head.strip_suffix(']') else { return false };
            let name = head.split([' ', '\t', '.', '"']).next().unwrap_or_default();
            section = name.to_owned();
            return !head.contains(']');
        }
        let (name, value) = line.split_once('=').map_or((line, ""), |(name, value)| (name.trim(), value.trim()));
        let is_known = |(of, known): &(&str, &str)| *of == section && (*known == "*" || *known == name);
        !value.ends_with('\\') && !value.contains("::") && HARMLESS.iter().any(is_known)
    })
}

/// Whether an index has no other repository in it, whose own settings would count. Their mode stands there in four bytes; where
/// these come up by chance, one too many is seen.
fn has_no_others(index: &Path) -> bool {
    match plain_file::read(index, LONGEST.1) {
        Ok(bytes) => memchr::memmem::find(&bytes, &[0, 0, 0xe0, 0]).is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
