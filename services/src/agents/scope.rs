//! Where paths lead, and which names in a folder mean more than a file.

mod look;

use std::path::{Component, Path, PathBuf};

use super::trust;
pub(super) use look::Look;

/// Names below which changes mean more than they say, beside those of agents: hooks, settings, what runs by itself.
const DELICATE: [&str; 13] = [
    ".git",
    ".jj",
    ".hg",
    ".svn",
    ".sixframe",
    ".vscode",
    ".idea",
    ".husky",
    ".envrc",
    ".cargo",
    ".devcontainer",
    ".gitmodules",
    ".pre-commit-config.yaml",
];

/// Whether nothing in a path below the folder is more than a name.
pub(super) fn is_ordinary(below: &Path) -> bool {
    let names: Option<Vec<String>> = below
        .components()
        .map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy().to_lowercase()),
            _ => None,
        })
        .collect();
    let Some(names) = names else { return false };
    !names.iter().any(|name| DELICATE.contains(&name.as_str())) && !trust::are_settings(&names)
}

/// The most bytes of a path that is looked up: systems take no longer ones.
const LONGEST: usize = 4_096;

/// The path without links, though its end may not be there yet: behind what is missing, by its words. None where that cannot be
/// said. Within a [`Look`], each path is looked up once.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    look::known(path, || resolved(path))
}

fn resolved(path: &Path) -> Option<PathBuf> {
    if path.as_os_str().len() > LONGEST {
        return None;
    }
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    let components: Vec<Component<'_>> = path.components().collect();
    let beginning = |count: usize| components[..count].iter().collect::<PathBuf>();
    // Where a beginning is missing, so are all that are longer.
    let (mut there, mut missing) = (0, components.len() + 1);
    while missing - there > 1 {
        let middle = usize::midpoint(there, missing);
        match beginning(middle).symlink_metadata() {
            Ok(_) => there = middle,
            Err(_) => missing = middle,
        }
    }
    // A link that leads nowhere would be followed when the file is made.
    let mut real = beginning(there).canonicalize().ok()?;
    let mut has_gone_back = false;
    for component in &components[there..] {
        match component {
            Component::Normal(name) => real.push(name),
            Component::ParentDir => has_gone_back |= real.pop(),
            Component::CurDir => (),
            Component::Prefix(_) | Component::RootDir => return None,
        }
    }
    // What stands behind a way back may be there, and be a link. Nothing goes back any more.
    if has_gone_back { resolved(&real) } else { Some(real) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_however_much_of_its_end_is_not_there_and_a_longer_one_than_there_may_be_is_not()
    -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        for end in ["a", "a/b/c", "", "a/./b"] {
            assert_eq!(real(&folder.join(end)), Some(folder.join(end)), "{end}");
        }
        std::fs::create_dir(folder.join("there"))?;
        for (path, end) in [("none/..", ""), ("none/../there/x", "there/x"), ("there/../none/a/../b", "none/b")] {
            assert_eq!(real(&folder.join(path)), Some(folder.join(end)), "{path}");
        }
        #[cfg(unix)]
        {
            let outside = tempfile::tempdir()?;
            std::os::unix::fs::symlink(outside.path(), folder.join("link"))?;
            let outside = outside.path().canonicalize()?;
            for path in ["none/../link/x", "none/a/../../there/../link/y/../x", "there/none/../../link/x"] {
                assert_eq!(real(&folder.join(path)), Some(outside.join("x")), "{path}");
            }
        }
        assert_eq!(real(Path::new("")), None);
        let far = format!("{}{}", "there/../".repeat(200), "m/".repeat(600));
        assert_eq!(real(&folder.join(far)), Some(folder.join("m/".repeat(600))));
        let many = |count: usize| folder.join(vec!["a"; count].join("/"));
        assert_eq!(real(&many(1_000)), Some(many(1_000)));
        // The stack that the threads of the daemon have.
        let long = many(30_000);
        let found = std::thread::Builder::new().stack_size(2 << 20).spawn(move || real(&long))?.join();
        assert!(found.is_ok_and(|found| found.is_none()));
        Ok(())
    }
}
