//! Where files are that a request is about: in the session's folder, outside, where keys lie. Looks at the disk, at the time
//! at which it is asked: what is there later may be another thing.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::permission::Risk;
use super::super::scope;

/// What is known of the place that a session works in.
#[derive(Clone, Debug)]
pub(in super::super) struct Ground {
    /// The session's folder, without links.
    pub(in super::super) folder: PathBuf,
    /// Folders of ours: logs, rules, tokens.
    pub(in super::super) own: Vec<PathBuf>,
}

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An ordinary file of the folder.
    Inside,
    /// The folder itself.
    Folder,
    /// In the folder, where a change is more than a change: settings of agents and of version control.
    Delicate,
    /// Not in the folder, or that cannot be said.
    Outside,
    /// The system's: programs, settings, devices.
    System,
    /// Ours.
    Own,
    /// Nothing is kept there.
    Nowhere,
}

/// Folders that are the system's.
const SYSTEM: [&str; 13] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/System", "/Library", "/opt",
];

/// Files that take and give nothing of anybody's.
const NOWHERE: [&str; 6] = ["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero"];

impl Ground {
    /// Where a path leads, through all links, seen from a folder.
    pub(super) fn place(&self, from: &Path, path: &str) -> Place {
        if NOWHERE.contains(&path) {
            return Place::Nowhere;
        }
        let Some(real) = scope::real(&from.join(path)) else { return Place::Outside };
        let is_below = |folder: &&PathBuf| real.starts_with(folder.canonicalize().as_ref().unwrap_or(folder));
        if self.own.iter().any(|folder| is_below(&folder)) {
            return Place::Own;
        }
        match real.strip_prefix(&self.folder) {
            Ok(below) if below.as_os_str().is_empty() => Place::Folder,
            Ok(below) if scope::is_ordinary(below) => Place::Inside,
            Ok(_) => Place::Delicate,
            Err(_) if SYSTEM.iter().any(|system| real.starts_with(system)) => Place::System,
            Err(_) => Place::Outside,
        }
    }

    /// The folder that a path leads to, where it is there and the session's.
    pub(super) fn folder_at(&self, from: &Path, path: &str) -> Option<PathBuf> {
        let real = from.join(path).canonicalize().ok().filter(|real| real.is_dir())?;
        real.starts_with(&self.folder).then_some(real)
    }

    /// What is secret in a file, by its name and by where it leads.
    pub(super) fn secret(&self, from: &Path, path: &str) -> Option<Risk> {
        let real = scope::real(&from.join(path)).map(|real| real.to_string_lossy().into_owned());
        secret(path).max(real.and_then(|real| secret(&real)))
    }

    /// Whether version control runs no program that the folder names when it is asked for what is there.
    pub(super) fn has_plain_git(&self, from: &Path) -> bool {
        for folder in from.ancestors() {
            let git = folder.join(".git");
            if git.is_dir() {
                let runs = [git.join("hooks/post-index-change"), git.join("modules"), folder.join(".gitmodules")];
                let is_plain = is_plain(&git.join("config")) && is_plain(&git.join("config.worktree"));
                return is_plain && !runs.iter().any(|path| path.exists());
            }
            // A link to elsewhere, or a folder that takes itself for a repository.
            if git.exists() || folder.join("HEAD").exists() {
                return false;
            }
        }
        true
    }
}

/// What makes version control run programs, in its configuration.
const RUNS: [&str; 12] = [
    "include",
    "fsmonitor",
    "external",
    "textconv",
    "alias",
    "filter",
    "pager",
    "hookspath",
    "command",
    "program",
    "worktree",
    "helper",
];

fn is_plain(config: &Path) -> bool {
    match fs::read_to_string(config) {
        Ok(text) => {
            let text = text.to_ascii_lowercase();
            !RUNS.iter().any(|word| text.contains(word))
        }
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Folders whose files are keys.
const KEY_FOLDERS: [&str; 9] =
    [".ssh", ".gnupg", ".aws", ".azure", ".kube", ".password-store", "gcloud", "keychains", "keyrings"];

/// Files that are keys wherever they are.
const KEYS: [&str; 12] = [
    "shadow",
    "gshadow",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    ".credentials.json",
    "authorized_keys",
    "oauth_creds.json",
    "auth.json",
    ".vault-token",
    "environ",
    ".dockercfg",
];

/// Files that often hold some.
const MAYBE: [&str; 9] = [
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".envrc",
    "credentials",
    "credentials.json",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
];

/// Endings of files that are keys.
const KEY_ENDINGS: [&str; 7] = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"];

/// What is secret in a file of this name: keys that open other doors, or what may be some.
pub(super) fn secret(path: &str) -> Option<Risk> {
    let path = path.to_lowercase().replace('\\', "/");
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let (last, above) = names.split_last()?;
    let is_private = |name: &str| {
        let stem = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"].iter().any(|stem| name.starts_with(stem));
        stem && !name.ends_with(".pub")
    };
    let is_key = KEYS.contains(last) && (!["environ", "shadow", "gshadow"].contains(last) || path.starts_with('/'));
    if above.iter().chain([last]).any(|name| KEY_FOLDERS.contains(name)) || is_key || is_private(last) {
        return Some(Risk::Critical);
    }
    let is_environment = *last == ".env"
        || last.strip_prefix(".env.").is_some_and(|rest| !["example", "sample", "template", "dist"].contains(&rest));
    let ends = KEY_ENDINGS.iter().any(|ending| last.ends_with(ending));
    (is_environment || ends || MAYBE.contains(last) || path.ends_with(".docker/config.json")).then_some(Risk::High)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_names() {
        let critical =
            ["/people/a/.ssh/config", "~/.ssh", "x/id_rsa", "ID_ED25519", "/etc/shadow", "/proc/1/environ", "~/.AWS/x"];
        for path in critical {
            assert_eq!(secret(path), Some(Risk::Critical), "{path}");
        }
        for path in [".env", "a/.env.local", "server.key", "x.pem", "credentials.json", ".npmrc"] {
            assert_eq!(secret(path), Some(Risk::High), "{path}");
        }
        for path in ["a.txt", ".env.example", "id_rsa.pub", "environ", "environment.rs", "src/key.rs", "", "/"] {
            assert_eq!(secret(path), None, "{path}");
        }
    }
}

#[cfg(all(test, unix))]
mod links {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_ordinary_files_of_the_folder_are_inside_whatever_links_lead_where() -> std::io::Result<()> {
        let (folder, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let real = folder.path().canonicalize()?;
        std::fs::create_dir(folder.path().join("src"))?;
        symlink(outside.path(), folder.path().join("link"))?;
        symlink(outside.path().join("nowhere"), folder.path().join("dangling"))?;
        symlink(outside.path().join("id_rsa"), folder.path().join("harmless"))?;
        std::fs::write(outside.path().join("id_rsa"), "key")?;
        let ground = Ground { folder: real.clone(), own: vec![outside.path().join("ours")] };
        let place = |path: &str| ground.place(&real, path);
        for path in ["a.txt", "src/new/deep.rs", "./src/../a.txt", ".gitignore"] {
            assert_eq!(place(path), Place::Inside, "{path}");
        }
        assert_eq!(place(&folder.path().join("src/a.rs").to_string_lossy()), Place::Inside);
        for path in ["", ".", "src/.."] {
            assert_eq!(place(path), Place::Folder, "{path}");
        }
        for path in [".git/hooks/x", "src/.GIT/config", ".mcp.json"] {
            assert_eq!(place(path), Place::Delicate, "{path}");
        }
        for path in ["..", "../x", "link/x", "dangling", "dangling/x", "harmless"] {
            assert_eq!(place(path), Place::Outside, "{path}");
        }
        assert_eq!(place("/etc/passwd"), Place::System);
        assert_eq!(place(&outside.path().join("ours/x").to_string_lossy()), Place::Own);
        assert_eq!(place("/dev/null"), Place::Nowhere);
        assert_eq!(ground.secret(&real, "harmless"), Some(Risk::Critical), "by where it leads");
        assert_eq!(ground.folder_at(&real, "src"), Some(real.join("src")));
        assert_eq!((ground.folder_at(&real, "link"), ground.folder_at(&real, "none")), (None, None));
        Ok(())
    }
}
