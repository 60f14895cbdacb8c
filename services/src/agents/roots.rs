//! The folders that agents may work in.

use std::path::{Path, PathBuf};

/// Whether a folder, given without links, is one of these or below one; any is where there are none.
pub(super) fn allow(roots: &[PathBuf], folder: &Path) -> bool {
    let holds = |root: &PathBuf| root.canonicalize().is_ok_and(|root| folder.starts_with(root));
    roots.is_empty() || roots.iter().any(holds)
}
