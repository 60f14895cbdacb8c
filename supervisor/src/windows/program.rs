//! Which file a program's name means: never one of the current folder that was not asked for, and never a batch file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::shim::{self, Behind};

/// What is to be started.
pub(crate) struct Resolved {
    pub(crate) program: PathBuf,
    /// Arguments in front of the child's own: the script behind a shim, where node runs one.
    pub(crate) first: Vec<OsString>,
}

/// Why nothing can be started.
pub(crate) enum Unresolved {
    NotFound,
    /// A shell would read its arguments once more.
    Batch,
}

/// Looks a name up in `path`, and a path from where we are. Endings are tried as the system does: `.exe`, and then npm's
/// shims.
pub(crate) fn resolve(program: &OsStr, path: Option<&OsStr>) -> Result<Resolved, Unresolved> {
    let is_path = Path::new(program).components().count() > 1;
    let folders: Vec<PathBuf> = match (is_path, path) {
        (true, _) => vec![PathBuf::new()],
        (false, Some(path)) => std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect(),
        (false, None) => Vec::new(),
    };
    let mut batch = false;
    for folder in folders {
        for candidate in candidates(&folder.join(program)) {
            let Ok(candidate) = std::path::absolute(&candidate) else { continue };
            if !candidate.is_file() {
                continue;
            }
            if !is_batch(&candidate) {
                return Ok(Resolved { program: candidate, first: Vec::new() });
            }
            match behind(&candidate, path) {
                Ok(Some(resolved)) => return Ok(resolved),
                Ok(None) | Err(_) => batch = true,
            }
        }
    }
    Err(if batch { Unresolved::Batch } else { Unresolved::NotFound })
}

/// The name itself where it has an ending, else with the endings that are known; appended, since a name may have dots.
fn candidates(program: &Path) -> Vec<PathBuf> {
    let with = |ending: &str| {
        let mut name = program.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let known = program
        .extension()
        .is_some_and(|ending| ["exe", "com", "cmd", "bat"].iter().any(|known| ending.eq_ignore_ascii_case(known)));
    if known { vec![program.to_owned()] } else { vec![with(".exe"), with(".com"), with(".cmd"), with(".bat")] }
}

fn is_batch(program: &Path) -> bool {
    program.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("bat") || ending.eq_ignore_ascii_case("cmd"))
}

/// What a shim of npm starts: node and a script, or a program of its own.
fn behind(shim: &Path, path: Option<&OsStr>) -> io::Result<Option<Resolved>> {
    let (Some(folder), Some(behind)) = (shim.parent(), shim::behind(&std::fs::read_to_string(shim)?)) else {
        return Ok(None);
    };
    let script = match behind {
        Behind::Script(script) => folder.join(script),
        Behind::Program(program) => {
            let program = folder.join(program);
            return Ok(program.is_file().then(|| Resolved { program, first: Vec::new() }));
        }
    };
    let beside = folder.join("node.exe");
    let in_path = || {
        let folders = path.into_iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join("node.exe")).find(|node| node.is_file())
    };
    let node = if beside.is_file() { Some(beside) } else { in_path() };
    Ok(node.filter(|_| script.is_file()).map(|program| Resolved { program, first: vec![script.into()] }))
}
