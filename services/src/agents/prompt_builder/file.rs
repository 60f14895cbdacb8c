//! The file that is spoken of, read from the disk or as an editor has it. Only text; of a long one, the beginning is read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::super::plain_file;
use super::{NotBuilt, Place};

/// The most that is read of a file, in bytes.
const LONGEST: u64 = 4 << 20;

/// A text and whether it is all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    /// Bytes of the file that were not read.
    pub(super) unread: u64,
}

pub(super) fn read(place: &Place, content: Option<&str>) -> Result<Text, NotBuilt> {
    let refused = |why: String| NotBuilt::File { path: place.given.clone(), why };
    match content {
        Some(content) if content.contains('\0') => Err(refused("is no text".to_owned())),
        Some(content) => Ok(Text { text: content.to_owned(), unread: 0 }),
        None => from_disk(&place.real).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => refused("is no text in UTF-8, and is not sent".to_owned()),
            io::ErrorKind::NotFound => refused("is not there".to_owned()),
            _ => refused(format!("cannot be read: {error}")),
        }),
    }
}

fn from_disk(path: &Path) -> io::Result<Text> {
    let file = plain_file::open(path)?;
    let length = file.metadata()?.len();
    if !is_still(&file, path)? {
        return Err(io::Error::other("it is being replaced; try again"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let unread = length.saturating_sub(bytes.len() as u64);
    if unread > 0 {
        without_torn_end(&mut bytes);
    }
    let no_text = || io::Error::from(io::ErrorKind::InvalidData);
    let text = String::from_utf8(bytes).map_err(|_| no_text())?;
    if text.contains('\0') {
        return Err(no_text());
    }
    Ok(Text { text, unread })
}

/// Whether what was opened is what stands at the path that was looked at, with no link on the way by now.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (opened, there) = (file.metadata()?, std::fs::symlink_metadata(path)?);
    Ok(opened.dev() == there.dev() && opened.ino() == there.ino() && path.canonicalize()? == path)
}

#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> io::Result<bool> {
    Ok(path.canonicalize()? == path)
}

/// Takes the beginning of a character away whose end was not read.
fn without_torn_end(bytes: &mut Vec<u8>) {
    if let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
}

/// Names of files that hold secrets.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is = [
        ".env",
        ".envrc",
        ".npmrc",
        ".netrc",
        ".pgpass",
        ".htpasswd",
        ".git-credentials",
        "credentials",
        "credentials.json",
        "secrets",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
    ];
    let ends = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"];
    let begins = [".env.", "secrets.", "service-account"];
    is.contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
        || begins.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [".env", ".ENV", ".env.local", "server.pem", "id_rsa", "secrets.yaml", "a.key"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["environment.ts", "keys.rs", "id_rsa.pub", "secretary.md"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_character_that_is_cut_is_left_out() {
        let mut bytes = "aé".as_bytes()[..2].to_vec();
        without_torn_end(&mut bytes);
        assert_eq!(bytes, b"a");
        let mut broken = vec![b'a', 0xff, b'b'];
        without_torn_end(&mut broken);
        assert_eq!(broken.len(), 3, "what is wrong in the midst is no cut");
    }
}
