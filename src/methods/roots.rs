//! The folders that callers may look into. Every path is resolved here, and every file opened; a link that leads outside
//! leads nowhere.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde_json::json;
use sixframe_core::{Code, Fault};

/// The folders of `fs.roots`, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    folders: Vec<PathBuf>,
    base: PathBuf,
}

impl Roots {
    /// Resolves the configured folders; one that is not there is logged and left out.
    pub(crate) fn new(configured: &[PathBuf]) -> Roots {
        let resolved = |folder: &PathBuf| {
            let canonical = folder.canonicalize();
            canonical
                .inspect_err(|error| tracing::warn!(folder = %folder.display(), %error, "left out of fs.roots"))
                .ok()
        };
        let folders: Vec<PathBuf> = configured.iter().filter_map(resolved).collect();
        let base = folders.first().cloned().unwrap_or_else(|| PathBuf::from("/"));
        Roots { folders, base }
    }

    /// Where `path` leads, links followed. `FORBIDDEN` outside of the roots, whether something is there or not;
    /// `NOT_FOUND` inside of them.
    pub(crate) fn resolve(&self, path: &str) -> Result<PathBuf, Fault> {
        if path.contains('\0') {
            return Err(Fault::new(Code::INVALID_PAYLOAD, "a path holds no NUL; name another"));
        }
        let asked = self.absolute(path);
        match asked.canonicalize() {
            Ok(found) if self.contain(&found) => Ok(found),
            Ok(_) => Err(forbidden(path)),
            Err(error) if self.contain(&nearest_that_exists(&asked)) => Err(fault(path, &error)),
            Err(_) => Err(forbidden(path)),
        }
    }

    /// Opens a regular file for reading, and says where it really is.
    pub(crate) fn open(&self, path: &str) -> Result<(File, PathBuf), Fault> {
        let found = self.resolve(path)?;
        let file = self.open_resolved(&found).map_err(|error| fault(path, &error))?;
        let is_file = file.metadata().map_err(|error| fault(path, &error))?.is_file();
        if !is_file {
            return Err(Fault::new(Code::INVALID_PAYLOAD, format!("{path} is no regular file; name one")));
        }
        Ok((file, found))
    }

    /// Opens what [`Roots::resolve`] gave. A link that took its place since then is not followed.
    #[cfg(target_os = "linux")]
    pub(crate) fn open_resolved(&self, found: &Path) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags, ResolveFlags};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let outside = || io::Error::from(io::ErrorKind::PermissionDenied);
        let root = self.folders.iter().find(|root| found.starts_with(root)).ok_or_else(outside)?;
        let below = found.strip_prefix(root).map_err(|_| outside())?;
        if below.as_os_str().is_empty() {
            return Ok(rustix::fs::open(root, flags | OFlags::NOFOLLOW, Mode::empty())?.into());
        }
        let folder = File::open(root)?;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(&folder, below, flags, Mode::empty(), beneath) {
            Ok(file) => Ok(file.into()),
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                Ok(rustix::fs::open(found, flags | OFlags::NOFOLLOW, Mode::empty())?.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens what [`Roots::resolve`] gave. A link that took its place since then is not followed.
    #[cfg(all(unix, not(target_os = "linux")))]
    pub(crate) fn open_resolved(&self, found: &Path) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        Ok(rustix::fs::open(found, flags, Mode::empty())?.into())
    }

    /// Opens what [`Roots::resolve`] gave.
    #[cfg(not(unix))]
    pub(crate) fn open_resolved(&self, found: &Path) -> io::Result<File> {
        File::open(found)
    }

    fn absolute(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    fn contain(&self, found: &Path) -> bool {
        self.folders.iter().any(|root| found.starts_with(root))
    }
}

/// The folder nearest to `path` that is there, links followed. A link to nothing leads nowhere, and so does `..` behind
/// something that is missing.
fn nearest_that_exists(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if above.symlink_metadata().is_ok() {
            return above.canonicalize().unwrap_or_default();
        }
        if above.components().next_back() == Some(Component::ParentDir) {
            break;
        }
    }
    PathBuf::new()
}

fn forbidden(path: &str) -> Fault {
    let message = format!("{path} is outside of the folders that callers may see; add its folder to fs.roots");
    Fault::new(Code::FORBIDDEN, message).details(json!({"setting": "fs.roots"}))
}

/// What the system said about a file, as a caller can act on it.
pub(crate) fn fault(path: &str, error: &io::Error) -> Fault {
    let (code, message) = match error.kind() {
        io::ErrorKind::NotFound => (Code::NOT_FOUND, format!("{path} is not there")),
        io::ErrorKind::PermissionDenied => (Code::FORBIDDEN, format!("the daemon's user may not read {path}")),
        io::ErrorKind::NotADirectory => (Code::NOT_FOUND, format!("a folder on the way to {path} is a file")),
        _ => (Code::INTERNAL, format!("cannot read {path}: {error}")),
    };
    Fault::new(code, message)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn world() -> (tempfile::TempDir, Roots) {
        let world = tempfile::tempdir().unwrap();
        fs::create_dir(world.path().join("in")).unwrap();
        fs::create_dir(world.path().join("in-not")).unwrap();
        fs::write(world.path().join("in/file"), "inside").unwrap();
        fs::write(world.path().join("in-not/file"), "outside").unwrap();
        symlink("../in-not", world.path().join("in/folder-link")).unwrap();
        symlink("../in-not/file", world.path().join("in/link")).unwrap();
        symlink("../in-not/missing", world.path().join("in/dangling")).unwrap();
        symlink("file", world.path().join("in/good-link")).unwrap();
        let roots = Roots::new(&[world.path().join("in"), world.path().join("never-there")]);
        (world, roots)
    }

    #[test]
    fn a_path_that_leads_outside_is_forbidden_whether_it_is_there_or_not() {
        let (world, roots) = world();
        let outside = world.path().join("in-not/file").to_string_lossy().into_owned();
        let elsewhere = world.path().join("nothing/at/all").to_string_lossy().into_owned();
        for path in [
            "link",
            "folder-link/file",
            "folder-link/no",
            "dangling",
            "../in-not/file",
            "no/../../x",
            "/etc/passwd",
            &outside,
            &elsewhere,
        ] {
            let fault = roots.open(path).unwrap_err();
            assert_eq!(fault.code, Code::FORBIDDEN, "{path}: {fault}");
            assert!(fault.message.contains("fs.roots"), "{fault}");
        }
    }

    #[test]
    fn what_is_inside_is_opened_and_what_is_missing_is_not_found() {
        let (_world, roots) = world();
        for path in ["file", "./file", "good-link", "../in/file"] {
            assert!(roots.open(path).unwrap().1.ends_with("in/file"), "{path}");
        }
        for path in ["no", "no/further", "file/below"] {
            assert_eq!(roots.open(path).unwrap_err().code, Code::NOT_FOUND, "{path}");
        }
        assert_eq!(roots.open(".").unwrap_err().code, Code::INVALID_PAYLOAD);
        assert_eq!(roots.open("fi\0le").unwrap_err().code, Code::INVALID_PAYLOAD);
    }

    #[test]
    fn a_link_that_takes_a_files_place_is_not_followed() {
        let (world, roots) = world();
        let found = roots.resolve("file").unwrap();
        fs::remove_file(&found).unwrap();
        symlink(world.path().join("in-not/file"), &found).unwrap();
        assert!(roots.open_resolved(&found).is_err());
    }

    #[test]
    fn without_roots_everything_is_forbidden() {
        assert_eq!(Roots::new(&[]).open("/etc/passwd").unwrap_err().code, Code::FORBIDDEN);
    }
}
