//! Where programs are that installers and version managers have put somewhere without telling `PATH`.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::numbers;

/// Folders of programs in a home.
const HOME: [&str; 16] = [
    ".local/bin",
    ".claude/local",
    ".npm-global/bin",
    ".bun/bin",
    ".volta/bin",
    ".asdf/shims",
    ".local/share/mise/shims",
    ".local/share/pnpm",
    ".local/share/pnpm/bin",
    "Library/pnpm",
    "Library/pnpm/bin",
    ".yarn/bin",
    ".deno/bin",
    ".cargo/bin",
    "go/bin",
    ".nix-profile/bin",
];

/// Folders in a home that have one for each version of Node.js, and where its programs are below that.
const VERSIONS: [(&str, &str); 4] = [
    (".nvm/versions/node", "bin"),
    (".local/share/fnm/node-versions", "installation/bin"),
    (".fnm/node-versions", "installation/bin"),
    ("Library/Application Support/fnm/node-versions", "installation/bin"),
];

const SYSTEM: [&str; 3] = ["/usr/local/bin", "/opt/homebrew/bin", "/snap/bin"];

/// Where a program is: by its path, in `PATH`, or where installers put such programs without telling it. Never by a path that
/// depends on the folder that somebody is in: what lies there may be anybody's.
pub(in super::super) fn find(program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return (path.is_absolute() && is_program(path)).then(|| path.to_owned());
    }
    let listed = std::env::var_os("PATH").map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
    let listed = listed.into_iter().flatten().filter(|folder| folder.is_absolute());
    let in_folder = |folder: PathBuf| {
        let names = endings().iter().map(|ending| {
            let mut name = OsString::from(program);
            name.push(ending);
            folder.join(name)
        });
        names.into_iter().find(|path| is_program(path))
    };
    listed.into_iter().find_map(in_folder).or_else(|| {
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        let known = home.iter().flat_map(|home| below(home)).chain(SYSTEM.map(PathBuf::from));
        known.into_iter().find_map(in_folder)
    })
}

/// Whether this is one of the folders beside `PATH` that programs are looked for in.
pub(super) fn are_known(folder: &Path) -> bool {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    SYSTEM.iter().any(|known| Path::new(known) == folder)
        || home.is_some_and(|home| below(&home).contains(&folder.to_owned()))
}

/// The folders of programs in a home, the newest of several versions first.
fn below(home: &Path) -> Vec<PathBuf> {
    let fixed = HOME.iter().map(|folder| home.join(folder));
    let versions = VERSIONS.iter().flat_map(|(folder, rest)| {
        let listed = std::fs::read_dir(home.join(folder)).into_iter().flatten().filter_map(Result::ok);
        let mut found: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
        found.sort_by_key(|version| {
            let name = version.file_name().and_then(OsStr::to_str).unwrap_or_default();
            Reverse(numbers(name.trim_start_matches('v')))
        });
        found.into_iter().map(move |version| version.join(rest))
    });
    fixed.chain(versions).collect()
}

#[cfg(windows)]
fn endings() -> &'static [&'static str] {
    &[".exe", ".cmd", ""]
}

#[cfg(not(windows))]
fn endings() -> &'static [&'static str] {
    &[""]
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_several_versions_is_looked_at_first() {
        let home = tempfile::tempdir().unwrap();
        for version in ["v9.1.0", "v22.3.0", "v20.11.1"] {
            std::fs::create_dir_all(home.path().join(".nvm/versions/node").join(version)).unwrap();
        }
        let found = below(home.path());
        let of_nvm: Vec<_> = found.iter().filter(|folder| folder.starts_with(home.path().join(".nvm"))).collect();
        let expected = ["v22.3.0/bin", "v20.11.1/bin", "v9.1.0/bin"]
            .map(|version| home.path().join(".nvm/versions/node").join(version));
        assert_eq!(of_nvm, expected.iter().collect::<Vec<_>>());
        assert!(found.contains(&home.path().join(".local/share/mise/shims")));
    }
}
