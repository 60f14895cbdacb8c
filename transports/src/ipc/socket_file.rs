//! The file of a unix socket: who may make it, when an old one may be replaced, and that only its maker removes it.
//!
//! A lock file beside it is held for as long as the socket is served, so that two servers that start at once never remove
//! each other's socket.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sixframe_core::TransportError;

/// What `sun_path` holds, without its final NUL.
const PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A bound socket's file. Removed on drop while it is still the same file.
pub(super) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
    lock: Lock,
}

impl SocketFile {
    /// Takes the name `path` and listens on it, in the order that leaves no gap: folder, lock, old socket, new socket.
    pub(super) fn bind(path: &Path) -> Result<(SocketFile, UnixListener), TransportError> {
        let path = checked(path)?;
        private_folder(&path)?;
        let lock = Lock::take(&path)?;
        clear_stale(&path)?;
        let failed = |error| refused("bind", &path, error);
        let listener = UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
        let inode = inode(&path).map_err(failed)?;
        Ok((SocketFile { path, inode, lock }, listener))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
        self.lock.remove();
    }
}

/// The path made absolute, if it can name a socket.
pub(super) fn checked(path: &Path) -> Result<PathBuf, TransportError> {
    let bytes = path.as_os_str().as_bytes();
    if matches!(bytes.first(), None | Some(b'@' | 0)) || bytes.contains(&0) {
        return Err(invalid(path, "an abstract or empty name has no owner; use the path of a file"));
    }
    let path = std::path::absolute(path).map_err(|error| refused("resolve", path, error))?;
    let length = path.as_os_str().len();
    if length > PATH_BYTES {
        return Err(invalid(
            &path,
            &format!("{length} bytes are too long for a socket, at most {PATH_BYTES} fit; use a shorter path"),
        ));
    }
    Ok(path)
}

pub(super) fn refused(doing: &str, path: &Path, error: io::Error) -> TransportError {
    TransportError::permanent(format!("cannot {doing} unix:{}: {error}", path.display()), Some(error.into()))
}

fn invalid(path: &Path, why: &str) -> TransportError {
    TransportError::permanent(format!("cannot use unix:{}: {why}", path.display()), None)
}

fn private_folder(path: &Path) -> Result<(), TransportError> {
    let Some(folder) = path.parent() else {
        return Err(invalid(path, "it has no folder"));
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let folder =
        made.and_then(|()| fs::metadata(folder)).map_err(|error| refused("make the folder of", path, error))?;
    let (mode, owner) = (folder.mode() & 0o777, folder.uid());
    if owner != rustix::process::geteuid().as_raw() {
        return Err(invalid(path, &format!("its folder belongs to user {owner}; use a folder of your own")));
    }
    if mode & 0o077 != 0 {
        return Err(invalid(
            path,
            &format!("its folder has mode {mode:o} and is open to others; make it 700 or use another"),
        ));
    }
    Ok(())
}

/// Removes a socket that nobody listens on; refuses anything else that has the name.
fn clear_stale(path: &Path) -> Result<(), TransportError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused("look at", path, error)),
    };
    if !found.file_type().is_socket() {
        return Err(invalid(path, "something that is not a socket has this name; remove it or use another name"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| refused("replace the stale", path, error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => Err(in_use(path)),
        Err(error) => Err(refused("tell whether a server runs on", path, error)),
    }
}

fn in_use(path: &Path) -> TransportError {
    invalid(path, "address in use by a running server; stop it or use another path")
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// The lock file, held while this lives.
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn take(socket: &Path) -> Result<Lock, TransportError> {
        let mut name = socket.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        loop {
            let file = Self::open(&path).map_err(|error| refused("open the lock file of", socket, error))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(in_use(socket)),
                Err(error) => return Err(refused("lock", socket, error.into())),
            }
            // Another holder may have removed the file between our opening and locking it.
            let ours = file.metadata().map(|file| (file.dev(), file.ino()));
            if ours.is_ok_and(|ours| inode(&path).is_ok_and(|there| there == ours)) {
                return Ok(Lock { path, _file: file });
            }
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        let no_link = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link).open(path)
    }

    /// Removes the name while the lock is still held.
    fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}
