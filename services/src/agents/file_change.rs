//! What became of a file, and of what kind it was and is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentChangeKind")]
pub enum ChangeKind {
    /// It was made.
    Add,
    /// It was deleted.
    Delete,
    /// It was changed.
    Modify,
    /// It was moved, and maybe changed.
    Move,
    /// It was copied, and maybe changed.
    Copy,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AgentFileMode")]
pub enum FileMode {
    /// A file that is only read and written.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link, whose text is where it leads.
    Link,
    /// A repository of its own.
    Repository,
}

impl FileMode {
    /// A mode as git writes it, in octal digits. None for what is not there, or is nothing that git knows.
    pub(super) fn of_git(digits: &str) -> Option<FileMode> {
        match digits {
            "100755" => Some(FileMode::Executable),
            "120000" => Some(FileMode::Link),
            "160000" => Some(FileMode::Repository),
            _ => digits.starts_with("100").then_some(FileMode::File),
        }
    }
}

/// A file that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentFileChange")]
pub struct FileChange {
    /// The file, where it is now, or was.
    pub path: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// Where it was before it was moved, or copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_path: Option<String>,
    /// What it was, where git has looked and it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_mode: Option<FileMode>,
    /// What it is now, where git has looked and it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_mode: Option<FileMode>,
    /// Where the link leads that it is now, as the link has it; the diff has it too. Left out where git told only a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_to: Option<String>,
    /// Whether it is or was no text, so that the diff, if there is one, has nothing of that.
    #[serde(default)]
    pub binary: bool,
    /// Whether there is a diff that is too long to be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// The change as a unified diff, from its first `@@` on. Where a link takes the place of a file or a file that of a link, one is
    /// taken away and the other added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unified_diff: Option<String>,
    /// Lines that were added, where there is a diff.
    #[serde(default)]
    pub additions: u64,
    /// Lines that were taken away, where there is a diff.
    #[serde(default)]
    pub deletions: u64,
}

impl FileChange {
    /// A change by its diff, whose lines are counted.
    pub fn with_diff(path: impl Into<String>, kind: ChangeKind, unified_diff: impl Into<String>) -> FileChange {
        let diff: String = unified_diff.into();
        let hunks = diff.find("@@").map_or("", |at| &diff[at..]);
        let count = |sign: char| hunks.lines().filter(|line| line.starts_with(sign)).count() as u64;
        let (additions, deletions) = (count('+'), count('-'));
        FileChange { unified_diff: Some(diff), additions, deletions, ..FileChange::without_diff(path, kind) }
    }

    /// A change of which no diff is known.
    pub fn without_diff(path: impl Into<String>, kind: ChangeKind) -> FileChange {
        FileChange {
            path: path.into(),
            kind,
            old_path: None,
            old_mode: None,
            new_mode: None,
            link_to: None,
            binary: false,
            is_cut: false,
            unified_diff: None,
            additions: 0,
            deletions: 0,
        }
    }

    /// Leaves out the diff, which there is no room for.
    pub(super) fn cut(&mut self) {
        self.is_cut |= self.unified_diff.take().is_some();
    }

    /// What it is now that lines of text do not tell, in words: a link and where to, whether it may be run. None where there is
    /// nothing of the kind.
    pub(super) fn nature(&self) -> Option<String> {
        let link = || self.link_to.as_ref().map_or("a link".to_owned(), |to| format!("a link to {to}"));
        let text = match (self.old_mode, self.new_mode) {
            (Some(FileMode::Link), Some(FileMode::File)) => "a file in the place of a link".to_owned(),
            (Some(FileMode::Link), Some(FileMode::Executable)) => {
                "a file in the place of a link, and may be run".to_owned()
            }
            (Some(FileMode::File | FileMode::Executable), Some(FileMode::Link)) => {
                format!("{} in the place of a file", link())
            }
            (_, Some(FileMode::Link)) => link(),
            (Some(FileMode::Link), None) => "was a link".to_owned(),
            (_, Some(FileMode::Repository)) => "a repository of its own".to_owned(),
            (Some(FileMode::Repository), _) => "was a repository of its own".to_owned(),
            (Some(FileMode::File), Some(FileMode::Executable)) => "may be run from now on".to_owned(),
            (None, Some(FileMode::Executable)) => "may be run".to_owned(),
            (Some(FileMode::Executable), Some(FileMode::File)) => "may not be run any more".to_owned(),
            _ => return None,
        };
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_diff_are_counted_without_its_head() {
        let change = FileChange::with_diff("a", ChangeKind::Modify, "--- a\n+++ b\n@@ -1,2 +1,3 @@\n x\n-y\n+z\n+w\n");
        assert_eq!((change.additions, change.deletions), (2, 1));
    }

    #[test]
    fn what_lines_do_not_tell_has_words() {
        use FileMode::{Executable, File, Link};
        let words = |old_mode, new_mode| {
            let link_to = (new_mode == Some(Link)).then(|| "/etc/passwd".to_owned());
            let plain = FileChange::without_diff("a", ChangeKind::Modify);
            FileChange { old_mode, new_mode, link_to, ..plain }.nature().unwrap_or_default()
        };
        assert_eq!(words(Some(File), Some(Link)), "a link to /etc/passwd in the place of a file");
        assert_eq!(words(None, Some(Link)), "a link to /etc/passwd");
        assert_eq!(words(Some(Link), Some(Executable)), "a file in the place of a link, and may be run");
        assert_eq!(words(Some(Link), None), "was a link");
        assert_eq!(words(Some(File), Some(Executable)), "may be run from now on");
        assert_eq!(words(Some(Executable), Some(File)), "may not be run any more");
        assert_eq!([words(None, None), words(Some(File), Some(File)), words(None, Some(File))], ["", "", ""]);
    }
}
