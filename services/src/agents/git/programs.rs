//! The programs that a repository's settings name, under whatever condition: in the worktree that is being made, some settings
//! hold that do not where we look. What is found is taken away by settings of our own, which hold over all others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{GitError, NOTHING, Repository};

/// How much of a repository's settings is read, in bytes, and in how many files.
const SETTINGS: (usize, usize) = (4 << 20, 100);

/// The names of the settings in a list, with their values where it has those.
fn listed(list: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let entries = list.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    entries.map(|entry| match memchr::memchr(b'\n', entry) {
        Some(at) => (&entry[..at], Some(&entry[at + 1..])),
        None => (entry, None),
    })
}

impl Repository {
    /// Settings that take away the programs which this repository's settings name now, be it for this folder or for a worktree.
    ///
    /// # Errors
    /// Not all settings can be known.
    pub async fn programs(&self) -> Result<Vec<(String, String)>, GitError> {
        self.programs_at(self.top()).await
    }

    /// Likewise, where git is called in another folder of it.
    pub(super) async fn programs_at(&self, folder: &Path) -> Result<Vec<(String, String)>, GitError> {
        let holding = self.git.call(folder).args(["config", "--list", "--name-only", "-z"]).most(SETTINGS.0);
        let holding = holding.run().await?;
        let mut names: BTreeSet<Vec<u8>> = listed(&holding).map(|(name, _)| name.to_owned()).collect();
        let asked = ["rev-parse", "--path-format=absolute", "--git-common-dir", "--git-dir"];
        let text = self.git.call(folder).args(asked).text().await?;
        let lines: Vec<&str> = text.lines().collect();
        let [common, own] = lines[..] else { return Err(unfit("are in a folder whose name cannot be used")) };
        let of_worktree = Path::new(own).join("config.worktree");
        let mut files = vec![Path::new(common).join("config"), of_worktree.clone()];
        let mut seen = BTreeSet::new();
        while let Some(file) = files.pop() {
            if !is_there(&file)? || !seen.insert(file.clone()) {
                continue;
            }
            if seen.len() > SETTINGS.1 {
                return Err(unfit("are in too many files"));
            }
            let call = self.git.call(folder).args(["config", "--no-includes", "--list", "-z", "--file"]);
            let list = call.args([file.as_os_str()]).most(SETTINGS.0).run().await?;
            for (name, value) in listed(&list) {
                names.insert(name.to_owned());
                if is_include(name) {
                    files.push(included(value.unwrap_or_default(), &file, file == of_worktree)?);
                }
            }
        }
        let taken: Result<Vec<_>, _> = names.iter().map(|name| harmless(name)).collect();
        Ok(taken?.concat())
    }
}

fn unfit(what: &str) -> GitError {
    GitError::Unfit(format!("the repository's settings {what}"))
}

/// Whether there is a file of settings. git passes over those that are not there.
fn is_there(file: &Path) -> Result<bool, GitError> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match file.metadata() {
        Ok(found) if found.is_file() => Ok(true),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Ok(_) | Err(_) => Err(unfit(&format!("include {}, which cannot be read", file.display()))),
    }
}

/// Whether a setting includes a file, under a condition or under none.
fn is_include(name: &[u8]) -> bool {
    name == b"include.path" || (name.starts_with(b"includeif.") && name.ends_with(b".path"))
}

/// The file that is included from this one. What a worktree's own settings name from where they are is another file in the
/// worktree that they are copied to.
fn included(value: &[u8], from: &Path, is_copied: bool) -> Result<PathBuf, GitError> {
    let unknown = || unfit(&format!("include {}, which is not known to be one file", String::from_utf8_lossy(value)));
    let named = std::str::from_utf8(value).map_err(|_| unknown())?;
    if let Some(rest) = named.strip_prefix("~/") {
        return std::env::home_dir().map(|home| home.join(rest)).ok_or_else(unknown);
    }
    let is_elsewhere = named.starts_with('~') || named.starts_with("%(");
    if is_elsewhere || (is_copied && Path::new(named).is_relative()) {
        return Err(unknown());
    }
    Ok(from.parent().unwrap_or(from).join(named))
}

/// What is set so that a setting's program is not run; nothing for one that names none.
fn harmless(name: &[u8]) -> Result<Vec<(String, String)>, GitError> {
    let text = String::from_utf8_lossy(name);
    let set = |name: String, value: &str| vec![(name, value.to_owned())];
    let Some((section, rest)) = text.split_once('.') else { return Ok(Vec::new()) };
    let Some((of, last)) = rest.rsplit_once('.') else { return Ok(Vec::new()) };
    let taken = match (section, last) {
        ("filter", "required") => set(text.to_string(), "false"),
        ("filter", "clean" | "smudge" | "process") => set(text.to_string(), ""),
        ("diff", "command" | "textconv") => set(text.to_string(), ""),
        // To merge by it fails, which is a conflict. An empty one would be taken for a success.
        ("merge", "driver") => set(text.to_string(), "false"),
        // A name may be that of an event, which has no command: git stops at one.
        ("hook", _) => set(format!("hook.{of}.enabled"), "false"),
        ("remote", "uploadpack" | "receivepack" | "vcs" | "proxy") => set(text.to_string(), NOTHING),
        _ => Vec::new(),
    };
    match taken.is_empty() || std::str::from_utf8(name).is_ok() {
        true => Ok(taken),
        false => Err(unfit(&format!("name {text}, which is no text"))),
    }
}
