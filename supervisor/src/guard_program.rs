//! Which program is a guardian.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first argument of a guardian that is the host's own program.
const ARGUMENT: &str = "--sixframe-guardian";

/// Whether this program would stand guard if it were started with [`ARGUMENT`].
static STANDS_IF_ASKED: AtomicBool = AtomicBool::new(false);

/// The program that guards a child, on Unix. Windows needs none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardProgram {
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<OsString>,
}

impl GuardProgram {
    /// This very program, started once more for each child. Its `main` must begin with [`stand_guard_if_asked`].
    ///
    /// Errors: this process has not called it, and would start itself again and again.
    pub fn this_program() -> Result<GuardProgram, NoGuard> {
        if !STANDS_IF_ASKED.load(Ordering::Relaxed) {
            return Err(NoGuard);
        }
        // The file that runs, though another may have taken its name since.
        let path = match cfg!(target_os = "linux") {
            true => PathBuf::from("/proc/self/exe"),
            false => std::env::current_exe().map_err(|_| NoGuard)?,
        };
        Ok(GuardProgram { path, args: vec![ARGUMENT.into()] })
    }

    /// Another program, which does nothing but [`stand_guard`](crate::stand_guard): such as the `sixframe-guardian` of this
    /// crate, shipped beside a program that is slow to start or must not run twice.
    pub fn at(path: impl Into<PathBuf>) -> GuardProgram {
        GuardProgram { path: path.into(), args: Vec::new() }
    }
}

/// This program cannot be its own guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("call sixframe_supervisor::stand_guard_if_asked() first thing in main, or name a guardian")]
pub struct NoGuard;

/// To be called first thing in `main`, before any thread is started. Where this process was started as a guardian it is one, and
/// ends when its work is done: this returns in the host alone.
///
/// ```
/// sixframe_supervisor::stand_guard_if_asked();
/// // … the program …
/// ```
pub fn stand_guard_if_asked() {
    STANDS_IF_ASKED.store(true, Ordering::Relaxed);
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT) {
        crate::stand_guard();
    }
}

/// What a guardian does on Unix. Windows needs none, and it ends at once.
#[cfg(windows)]
pub fn stand_guard() -> ! {
    std::process::exit(1)
}
