//! How many descriptors this process may have open: as many as the system grants, since every connection and every pipe of a
//! child is one.

/// Raises the soft limit to the hard one. What it was: programs that are started here begin with that, since one that uses
/// `select` cannot live with descriptors above 1023. None where nothing was changed.
#[cfg(unix)]
pub(super) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let soft = before.current?;
    let most = match cfg!(target_os = "macos") {
        true => Some(before.maximum.map_or(MACOS_MOST, |hard| hard.min(MACOS_MOST))),
        false => before.maximum,
    };
    if most.is_some_and(|most| most <= soft) {
        return None;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: most, ..before }) {
        Ok(()) => Some(soft),
        Err(error) => {
            tracing::warn!(%error, soft, "the limit of open files cannot be raised");
            None
        }
    }
}

/// macOS refuses more, whatever its hard limit says.
#[cfg(unix)]
const MACOS_MOST: u64 = 10_240;

/// Windows has no such limit.
#[cfg(windows)]
pub(super) fn raise() -> Option<u64> {
    None
}
