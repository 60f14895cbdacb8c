//! Who this daemon is: a number that lies beside its state, so that it is the same server when it is started anew. Callers
//! may know it; it opens nothing.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Error, bail};

use crate::config::HubSettings;
use crate::private_file;

/// The name of the file in the folder of the state.
const FILE: &str = "server-id";

/// Digits of a number, each of four bits.
const DIGITS: usize = 32;

/// The number beside the state, or where that is in memory alone, one that nobody will have again.
pub(super) fn of(hub: &HubSettings) -> Result<String, Error> {
    if hub.persist { provide(&hub.dir) } else { random() }
}

/// The number in `folder`, which nobody else uses at this time; a new one where there is none.
fn provide(folder: &Path) -> Result<String, Error> {
    let path = folder.join(FILE);
    let read = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            private_file::create(&path, &format!("{}\n", random()?)).and_then(|_| fs::read_to_string(&path))
        }
        read => read,
    };
    let text = read.with_context(|| format!("who this daemon is cannot be kept in {}", path.display()))?;
    let id = text.trim();
    if id.len() != DIGITS || !id.bytes().all(|c| c.is_ascii_hexdigit()) {
        bail!("{} does not say who this daemon is; remove it, and it is another server from then on", path.display());
    }
    Ok(id.to_owned())
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; DIGITS / 2];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_number_and_another_folder_another() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [first, other] = folders.each_ref().map(|folder| provide(folder.path()).unwrap());
        assert_ne!(first, other);
        assert_eq!(provide(folders[0].path()).unwrap(), first);
    }

    #[test]
    fn a_file_that_holds_no_number_is_told_of_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "short", "not hexadecimal digits, thirty-tw"] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let refused = provide(folder.path()).unwrap_err().to_string();
            assert!(refused.contains("server-id") && refused.contains("remove it"), "{refused}");
            assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
        }
    }
}
