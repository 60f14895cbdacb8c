//! Which files are a session's own: ordinary ones in its folder, whatever links lead where.

use std::path::{Component, Path, PathBuf};

/// Names below which changes mean more than they say: hooks, settings, what runs by itself.
const DELICATE: [&str; 13] = [
    ".git",
    ".hg",
    ".svn",
    ".claude",
    ".codex",
    ".gemini",
    ".cursor",
    ".sixframe",
    ".vscode",
    ".idea",
    ".husky",
    ".mcp.json",
    ".envrc",
];

/// Whether every path is an ordinary file in the folder, or would be one if it were made. Looks at the disk. No paths at all
/// are not inside: nobody knows what they would have been.
pub(super) fn are_inside(folder: &Path, paths: &[String]) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    !paths.is_empty() && paths.iter().all(|path| is_inside(&folder, &folder.join(path)))
}

fn is_inside(folder: &Path, path: &Path) -> bool {
    let Some(real) = real(path) else { return false };
    let Ok(below) = real.strip_prefix(folder) else { return false };
    let is_ordinary = |component: Component<'_>| match component {
        Component::Normal(name) => {
            let name = name.to_string_lossy().to_lowercase();
            !DELICATE.contains(&name.as_str())
        }
        _ => false,
    };
    below.components().next().is_some() && below.components().all(is_ordinary)
}

/// The path without links, though its end may not be there yet. None where that cannot be said.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = path.canonicalize() {
        return Some(real);
    }
    // A link that leads nowhere would be followed when the file is made.
    if path.is_symlink() {
        return None;
    }
    match path.components().next_back()? {
        Component::Normal(name) => Some(real(path.parent()?)?.join(name)),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_ordinary_files_of_the_folder_are_inside() -> std::io::Result<()> {
        let (folder, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        std::fs::create_dir(folder.path().join("src"))?;
        symlink(outside.path(), folder.path().join("link"))?;
        symlink(outside.path().join("nowhere"), folder.path().join("dangling"))?;
        let inside = |path: &str| are_inside(folder.path(), &[path.to_owned()]);
        for path in ["a.txt", "src/new/deep.rs", "./src/../a.txt", ".gitignore"] {
            assert!(inside(path), "{path}");
        }
        let absolute = folder.path().join("src/a.rs");
        assert!(inside(&absolute.to_string_lossy()));
        let none = [
            "",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "link/x",
            "dangling",
            "dangling/x",
            ".git/hooks/x",
            "src/.GIT/config",
        ];
        for path in none {
            assert!(!inside(path), "{path}");
        }
        assert!(!are_inside(folder.path(), &[]));
        assert!(!are_inside(folder.path(), &["a.txt".into(), "/etc/passwd".into()]), "all of them");
        Ok(())
    }
}
