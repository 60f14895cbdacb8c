//! Where files are that a request is about: in the session's folder, outside, where keys lie. Looks at the disk, at the time
//! at which it is asked: what is there later may be another thing.

use std::path::{Component, Path, PathBuf};

use super::super::permission::Risk;
use super::super::scope;

/// What is known of the place that a session works in.
#[derive(Clone, Debug)]
pub(in super::super) struct Ground {
    /// The session's folder, without links.
    pub(in super::super) folder: PathBuf,
    /// Folders and files of ours: logs, rules, tokens, the configuration.
    pub(in super::super) own: Vec<PathBuf>,
    /// Whether the session's folder is one of ours that was made for it.
    pub(in super::super) is_lent: bool,
    /// The person's home, without links.
    pub(in super::super) home: Option<PathBuf>,
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

/// Folders whose files are others for each process.
const PER_PROCESS: [&str; 2] = ["/proc", "/dev/fd"];

/// How the home is written.
const HOMES: [&str; 3] = ["~", "$HOME", "${HOME}"];

/// Files that take and give nothing of anybody's.
const NOWHERE: [&str; 6] = ["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero"];

impl Ground {
    /// Where a path leads, through all links, seen from a folder.
    pub(super) fn place(&self, from: &Path, path: &str) -> Place {
        if is_nowhere(path) {
            return Place::Nowhere;
        }
        if is_per_process(from, path) {
            return Place::System;
        }
        let Some(real) = self.real(from, path) else { return Place::Outside };
        let is_inside = real.starts_with(&self.folder);
        if !(is_inside && self.is_lent) && self.own.iter().any(|own| real.starts_with(resolved(own))) {
            return Place::Own;
        }
        // Who works in a folder of the system's, or in all of them, has named that one.
        let is_systems = |system: &&str| real.starts_with(system) && !self.folder.starts_with(system);
        if SYSTEM.iter().any(is_systems) {
            return Place::System;
        }
        match real.strip_prefix(&self.folder) {
            Ok(below) if below.as_os_str().is_empty() => Place::Folder,
            Ok(below) if scope::is_ordinary(below) && !self.is_of_person(&real) => Place::Inside,
            Ok(_) => Place::Delicate,
            Err(_) => Place::Outside,
        }
    }

    /// Whether anything of ours lies below what a path leads to.
    pub(super) fn holds_own(&self, from: &Path, path: &str) -> bool {
        self.real(from, path).is_some_and(|real| self.own.iter().any(|own| resolved(own).starts_with(&real)))
    }

    /// Whether a file is a person's settings, or is run by itself: where a session works in a whole home.
    fn is_of_person(&self, real: &Path) -> bool {
        let home = self.home.as_deref().filter(|home| home.starts_with(&self.folder));
        let first = home.and_then(|home| real.strip_prefix(home).ok()?.components().next());
        let name = first.map(|name| name.as_os_str().to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with('.') || ["bin", "Library"].contains(&name.as_str()))
    }

    /// The file without links that a path leads to, seen from a folder. None where that cannot be said.
    pub(super) fn real(&self, from: &Path, path: &str) -> Option<PathBuf> {
        let below_home = HOMES.iter().find_map(|home| path.strip_prefix(home));
        let below_home = below_home.filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (below_home, &self.home) {
            _ if is_per_process(from, path) => None,
            (Some(rest), Some(home)) => scope::real(&home.join(rest.trim_start_matches('/'))),
            (_, _) => {
                let there = from.join(path);
                let real = scope::real(&there)?;
                (real == by_words(&there) || !leads_per_process(&there, LINKS)).then_some(real)
            }
        }
    }

    /// The folder that a path leads to, where it is there and the session's, and where that is so whether who goes there goes by
    /// words, as shells do, or by links.
    pub(super) fn folder_at(&self, from: &Path, path: &str) -> Option<PathBuf> {
        let there = from.join(path);
        let real = there.canonicalize().ok().filter(|real| real.is_dir())?;
        (real.starts_with(&self.folder) && real == by_words(&there)).then_some(real)
    }

    /// Whether a path has no links on its way to where it leads.
    pub(super) fn is_straight(&self, from: &Path, path: &str) -> bool {
        self.real(from, path).is_some_and(|real| real == by_words(&from.join(path)))
    }

    /// Whether a path leads to the same file by words, as some agents take it, and by links, as the system does.
    pub(super) fn is_one(&self, from: &Path, path: &str) -> bool {
        let there = from.join(path);
        let goes_up = there.components().any(|part| part == Component::ParentDir);
        !goes_up || self.real(from, path) == scope::real(&by_words(&there))
    }

    /// What is secret in a file, by its name and by where it leads.
    pub(super) fn secret(&self, from: &Path, path: &str) -> Option<Risk> {
        let real = self.real(from, path).map(|real| real.to_string_lossy().into_owned());
        secret(path).max(real.and_then(|real| secret(&real)))
    }
}

/// Whether nothing is kept in a file.
pub(super) fn is_nowhere(path: &str) -> bool {
    NOWHERE.contains(&path)
}

/// Whether another thing stands there for each process.
fn is_per_process(from: &Path, path: &str) -> bool {
    let there = by_words(&from.join(path));
    PER_PROCESS.iter().any(|folder| there.starts_with(folder))
}

/// As many links as this behind each other lead nowhere.
const LINKS: usize = 40;

/// Whether a link on the way of a path that leads somewhere goes to such a place, and from there to where this process is.
fn leads_per_process(path: &Path, links: usize) -> bool {
    let mut there = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(there.pop()),
            part => there.push(part),
        }
        if let Ok(target) = there.read_link() {
            let target = there.parent().unwrap_or(&there).join(target);
            if links == 0 || is_per_process(&target, "") || leads_per_process(&target, links - 1) {
                return true;
            }
            // Behind what is not there, nothing is.
            let Ok(real) = there.canonicalize() else { return false };
            there = real;
        }
    }
    false
}

/// A path without `.` and `..`, as its words have it, whatever links stand on the way.
fn by_words(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut words, part| {
        match part {
            Component::CurDir => (),
            Component::ParentDir => drop(words.pop()),
            part => words.push(part),
        }
        words
    })
}

/// A path without links, or as it stands where it leads nowhere yet.
fn resolved(path: &Path) -> PathBuf {
    scope::real(path).unwrap_or_else(|| path.to_owned())
}

/// Folders whose files are keys.
const KEY_FOLDERS: [&str; 9] =
    [".ssh", ".gnupg", ".aws", ".azure", ".kube", ".password-store", "gcloud", "keychains", "keyrings"];

/// Files that are keys wherever they are.
const KEYS: [&str; 16] = [
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
    "_netrc",
    ".my.cnf",
    ".s3cfg",
    ".rhosts",
];

/// Files that often hold some.
const MAYBE: [&str; 12] = [
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".envrc",
    "credentials",
    "credentials.json",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
    ".boto",
    ".terraformrc",
    "terraform.tfstate",
];

/// Endings of files that are keys.
const KEY_ENDINGS: [&str; 10] =
    [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".env", ".tfvars", ".tfvars.json"];

/// Those of them that words of programs have as well.
const WORD_ENDINGS: [&str; 3] = [".env", ".tfvars", ".tfvars.json"];

/// What ends like these and is a word of a program, or shows how to write one.
const NO_KEYS: [&str; 8] = [
    "process.env",
    "import.meta.env",
    "deno.env",
    "bun.env",
    "example.env",
    "sample.env",
    "template.env",
    "example.tfvars",
];

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
    let ends = KEY_ENDINGS.iter().any(|ending| last.ends_with(ending)) && !NO_KEYS.contains(last);
    let is_history = last.starts_with('.') && last.ends_with("_history");
    let is_account = path.ends_with(".docker/config.json") || path.ends_with("gh/hosts.yml");
    (is_environment || ends || is_history || is_account || MAYBE.contains(last)).then_some(Risk::High)
}

/// Whether a name is secret by its ending alone, and may be a word of a program: of `config.env`, an object may be meant.
pub(super) fn may_be_a_word(name: &str) -> bool {
    let is_of_files = name.contains(['/', '\\', '*', '?', '[', '{', '~', '$', ':']);
    let stem =
        |ending: &&str| name.strip_suffix(*ending).is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.'));
    !is_of_files && WORD_ENDINGS.iter().any(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_word_is_told_from_what_can_only_be_a_file() {
        for name in ["ctx.env", "Rails.env", "var.tfvars", "read config.env"] {
            assert!(may_be_a_word(name), "{name}");
        }
        for name in [".env", "a/x.env", "*.env", "x.pem", "x.key", "env", "main:x.env", "~x.env", ".env.env"] {
            assert!(!may_be_a_word(name), "{name}");
        }
    }

    #[test]
    fn keys_are_known_by_their_names() {
        let critical =
            ["/people/a/.ssh/config", "~/.ssh", "x/id_rsa", "ID_ED25519", "/etc/shadow", "/proc/1/environ", "~/.AWS/x"];
        for path in critical {
            assert_eq!(secret(path), Some(Risk::Critical), "{path}");
        }
        for path in [
            ".env",
            "a/.env.local",
            "server.key",
            "x.pem",
            "credentials.json",
            ".npmrc",
            "prod.env",
            "deploy/app.tfvars",
            "app.auto.tfvars.json",
        ] {
            assert_eq!(secret(path), Some(Risk::High), "{path}");
        }
        for path in [
            "process.env",
            "src/example.env",
            "env",
            "a.txt",
            ".env.example",
            "id_rsa.pub",
            "environ",
            "environment.rs",
            "src/key.rs",
            "",
            "/",
        ] {
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
        let own = vec![outside.path().join("ours")];
        let ground = Ground { folder: real.clone(), own, is_lent: false, home: None };
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

    #[test]
    fn words_and_links_may_lead_to_different_places() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let real = folder.path().canonicalize()?;
        std::fs::create_dir_all(real.join("a/b/c"))?;
        symlink("a/b/c", real.join("link"))?;
        symlink(".", real.join("here"))?;
        let ground = Ground { folder: real.clone(), own: Vec::new(), is_lent: false, home: None };
        for path in ["a", "a/b/..", "a/../a/b/c", "./a//b/"] {
            assert!(ground.folder_at(&real, path).is_some() && ground.is_straight(&real, path), "{path}");
        }
        for path in ["link", "link/..", "link/../../a", "here/a"] {
            assert!(ground.folder_at(&real, path).is_none() && !ground.is_straight(&real, path), "{path}");
        }
        for path in ["a/../x", "link", "link/x", "here/a/../x", "x/y"] {
            assert!(ground.is_one(&real, path), "{path}");
        }
        for path in ["link/..", "link/../x", "link/../../x", "link/../c/x"] {
            assert!(!ground.is_one(&real, path), "{path}");
        }
        for path in ["/proc/self/cwd/x", "//proc/self/cwd/x", "/dev/../proc/./self", "/dev/fd/3"] {
            assert_eq!((ground.place(&real, path), ground.real(&real, path)), (Place::System, None), "{path}");
        }
        symlink("/proc/self/cwd", real.join("a/self"))?;
        symlink("../../here/a/self", real.join("a/b/again"))?;
        for path in ["a/self", "a/self/x", "a/b/again/x", "link/../again/x"] {
            assert_eq!((ground.place(&real, path), ground.real(&real, path)), (Place::Outside, None), "{path}");
        }
        Ok(())
    }
}
