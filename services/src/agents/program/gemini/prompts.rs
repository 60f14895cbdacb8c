//! The files that Gemini CLI takes its system prompt from, and writes it to, where its environment says so. It looks for them from
//! the folder that it works in, and by no trust.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::super::super::plain_file;

/// The variables, each a switch or a path. What a switch turns on is a file in the folder's `.gemini`.
pub(super) const VARIABLES: [&str; 2] = ["GEMINI_SYSTEM_MD", "GEMINI_WRITE_SYSTEM_MD"];

/// What turns one of them off.
pub(super) const OFF: &str = "false";

/// The files in a home that it takes variables from where it trusts a folder, and how much of them is read, in bytes.
const OWN: ([&str; 2], u64) = ([".gemini/.env", ".env"], 1 << 20);

/// Whether the file that this variable names may be the folder's. One that is not set names none.
pub(super) fn leads_into(
    folder: &Path,
    variable: &str,
    home: Option<&Path>,
    value: &impl Fn(&str) -> Option<OsString>,
) -> bool {
    // What lies in a home is its person's own.
    if home == Some(folder) {
        return false;
    }
    let is_of_folder = |path: &Path| {
        path.starts_with(folder) && !home.is_some_and(|home| path.starts_with(home) && home.starts_with(folder))
    };
    let leads = |named: &str| {
        let Some(path) = outside(named, value) else { return true };
        let there = path.ancestors().find_map(|path| path.canonicalize().ok());
        is_of_folder(&path) || there.is_none_or(|there| is_of_folder(&there))
    };
    match value(variable) {
        Some(given) => !given.is_empty() && leads(&given.to_string_lossy()),
        None => kept(variable, value).iter().any(|named| leads(named)),
    }
}

/// What a person has kept for this variable in files of their own.
fn kept(variable: &str, value: &impl Fn(&str) -> Option<OsString>) -> Vec<String> {
    let read = |home: &Path, name: &str| plain_file::read(&home.join(name), OWN.1).ok();
    let texts = home(value).map(|home| OWN.0.map(|name| read(&home, name))).into_iter().flatten().flatten();
    let named = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export").map_or(line, str::trim_start);
        let set = line.strip_prefix(variable)?.trim_start().strip_prefix(['=', ':'])?;
        Some(set.trim().trim_matches(['"', '\'', '`']).to_owned()).filter(|named| !named.is_empty())
    };
    texts.flat_map(|text| String::from_utf8_lossy(&text).lines().filter_map(named).collect::<Vec<_>>()).collect()
}

/// The path that is meant wherever it works: one that is full, or begins at the home.
fn outside(named: &str, value: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = match named.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => home(value)?.join(rest.trim_start_matches('/')),
        Some(_) | None => PathBuf::from(named),
    };
    path.is_absolute().then(|| direct(&path))
}

/// What it takes for the home.
fn home(value: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let given = ["GEMINI_CLI_HOME", "HOME"].into_iter().find_map(|name| value(name).filter(|home| !home.is_empty()));
    given.map(PathBuf::from).or_else(std::env::home_dir)
}

/// The same path without steps back, as it takes it.
fn direct(path: &Path) -> PathBuf {
    let mut direct = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(direct.pop()),
            Component::CurDir => (),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => direct.push(part),
        }
    }
    direct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_folders_unless_it_is_named_by_a_full_path_elsewhere() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let (home, folder) = (place.join("home"), place.join("home/project"));
        std::fs::create_dir_all(folder.join("inner")).unwrap();
        let leads = |folder: &Path, named: &str| {
            let value = |name: &str| match name {
                "GEMINI_SYSTEM_MD" => Some(named.into()),
                "HOME" => Some(home.clone().into()),
                _ => None,
            };
            leads_into(folder, "GEMINI_SYSTEM_MD", Some(&home), &value)
        };
        let at = |path: &str| place.join(path).into_os_string().into_string().unwrap();
        let of_folder = [
            "1",
            "true",
            "0",
            "prompts/system.md",
            "../system.md",
            "~other/x",
            " ~/x",
            "~/project/x",
            "~/a/../project/x",
        ];
        for named in of_folder {
            assert!(leads(&folder, named), "{named}");
        }
        assert!(leads(&folder, &at("home/project/inner/x")));
        for named in ["", "~", "~/x", "~/projects/x", "/etc/x", &at("home/project/../x")] {
            assert!(!leads(&folder, named), "{named}");
        }
        assert!(!leads(&home, "1"), "what lies in the home is a person's own");
        assert!(leads(&place, "1") && leads(&place, &at("x")) && !leads(&place, "~/x"));
        for (line, leads) in [("GEMINI_SYSTEM_MD=~/x", false), (" export GEMINI_SYSTEM_MD = \"prompts/x\" # own", true)]
        {
            std::fs::create_dir_all(home.join(".gemini")).unwrap();
            std::fs::write(home.join(".gemini/.env"), format!("OTHER=1\n{line}\n")).unwrap();
            let value = |name: &str| (name == "HOME").then(|| home.clone().into());
            assert_eq!(leads_into(&folder, "GEMINI_SYSTEM_MD", Some(&home), &value), leads, "{line}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.join("inner"), place.join("link")).unwrap();
            assert!(leads(&folder, &at("link/x")), "it leads into the folder");
        }
    }
}
