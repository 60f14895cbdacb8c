//! The token that WebSocket clients must show: 256 random bits in a file that only its owner can read.

use std::io;
use std::path::Path;

use anyhow::{Context as _, Error, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::private_file;

/// Fewest characters of a token that is taken from a file.
const SHORTEST: usize = 32;

/// The token in the file at `path`; a new one where there is none. A file that others can read is refused, since what it
/// holds is no secret.
pub(super) fn provide(path: &Path) -> Result<String, Error> {
    match read(path) {
        Err(error) if is_missing(&error) => {}
        token => return token,
    }
    let token = random()?;
    match private_file::create(path, &format!("{token}\n"))
        .with_context(|| format!("cannot write the token file {}", path.display()))?
    {
        true => Ok(token),
        // Another daemon was faster.
        false => read(path),
    }
}

/// Reads a token, if the file is private to this user.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let unread = || format!("cannot read the token file {}", path.display());
    let text = private_file::read(path, "remove it, and a new token is made").with_context(unread)?;
    let token = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if token.len() < SHORTEST || !token.chars().all(fits) {
        bail!("the token file {} holds no token; remove it, and a new one is made", path.display());
    }
    Ok(token.to_owned())
}

fn is_missing(error: &Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_token_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/token");
        let token = provide(&path).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap().len(), 32);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(provide(&path).unwrap(), token);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays");
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let token = provide(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(format!("{:#}", provide(&path).unwrap_err()).contains("others can read"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&path, folder.path().join("link")).unwrap();
        assert!(provide(&folder.path().join("link")).is_err());
        fs::write(&path, "short").unwrap();
        let refused = provide(&path).unwrap_err().to_string();
        assert!(refused.contains("holds no token") && !refused.contains(&token), "{refused}");
    }
}
