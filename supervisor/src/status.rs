//! What is known of a child: how far it is, how it ended, why it failed.

use std::io;

use serde::{Deserialize, Serialize};

use crate::ProcessId;

/// How far a child is. It goes from top to bottom and never back; a restart is another child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its guardian is being started.
    Starting,
    /// Its program runs, or with [`Lifetime::Tree`](crate::Lifetime::Tree) something that it has started.
    Running {
        /// The program's process.
        program: ProcessId,
    },
    /// It was asked to stop, or the program has ended and what is left of its tree is being ended.
    Stopping,
    /// Nothing of its tree is left.
    Stopped(Exit),
    /// It never ran, or nobody knows how it ended; nothing of its tree is left either, but with [`Failure::Left`].
    Failed(Failure),
}

impl Status {
    /// Whether it will not change any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Status::Stopped(_) | Status::Failed(_))
    }
}

/// How a child's program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// What it exited with; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, on Unix.
    pub signal: Option<i32>,
    /// The offset behind the last byte that standard output had when the program ended; 0 where it is not kept. Processes
    /// that the program has left behind may have written some of it, and may write more.
    pub stdout: u64,
    /// Likewise for standard error.
    pub stderr: u64,
}

impl Exit {
    /// Whether it exited with 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exited with {code}"),
            (None, Some(signal)) => write!(f, "was ended by signal {signal}"),
            (None, None) => f.write_str("ended in a way that the system does not tell"),
        }
    }
}

/// Why a child has no exit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Its program could not be started, and trying again would not change that.
    #[error("cannot start {program}: {reason}")]
    NotStarted {
        /// What was to be started.
        program: String,
        /// What the system said.
        reason: String,
        /// The same as a kind.
        kind: io::ErrorKind,
    },
    /// It could not be started at that moment, which says nothing of the program: the system had no process, descriptor or
    /// memory left for it, its file was just being written, or its guardian ended before it could start it.
    #[error("cannot start {program} now: {reason}")]
    NotNow {
        /// What was to be started.
        program: String,
        /// What the system said, or what has happened.
        reason: String,
    },
    /// Its guardian was ended by somebody else. What it guarded was ended too.
    #[error("the process that guards {program} was ended from outside")]
    GuardianLost {
        /// What was guarded.
        program: String,
    },
    /// Its guardian did not do its work in time and was ended by us. What it guarded was ended too.
    #[error("the process that guards {program} did not end it in time, and both were ended")]
    GuardianStuck {
        /// What was guarded.
        program: String,
    },
    /// Processes of its tree live on and cannot be ended: they are another user's, as below `sudo`, or are held by the system;
    /// or there was no room to look for them. It is tried again for as long as this supervisor lives, and by the next one
    /// where there is a ledger, as far as it can see that they are its.
    #[error("{}", left(program, pids))]
    Left {
        /// Of what they are.
        program: String,
        /// Their numbers, as far as they are known.
        pids: Vec<u32>,
    },
}

impl Failure {
    /// By the number of the system's error.
    pub(crate) fn of_start(program: String, number: i32) -> Failure {
        let error = io::Error::from_raw_os_error(number);
        match passes(number) {
            true => Failure::NotNow { program, reason: error.to_string() },
            false => Failure::NotStarted { program, reason: error.to_string(), kind: error.kind() },
        }
    }
}

fn left(program: &str, pids: &[u32]) -> String {
    let list = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    match pids {
        [] => format!("whether processes of {program} are left cannot be seen"),
        [_] => format!("the process {list} of {program} cannot be ended"),
        [_, ..] => format!("the processes {list} of {program} cannot be ended"),
    }
}

/// Whether the error with this number passes by itself.
#[cfg(unix)]
fn passes(number: i32) -> bool {
    use rustix::io::Errno;
    let passing = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY, Errno::INTR];
    passing.into_iter().any(|error| error.raw_os_error() == number)
}

/// Whether the error with this number passes by itself.
#[cfg(windows)]
fn passes(number: i32) -> bool {
    use windows_sys::Win32::Foundation::{
        ERROR_COMMITMENT_LIMIT, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_SHARING_VIOLATION,
        ERROR_TOO_MANY_OPEN_FILES,
    };
    let passing = [
        ERROR_COMMITMENT_LIMIT,
        ERROR_NO_SYSTEM_RESOURCES,
        ERROR_NOT_ENOUGH_MEMORY,
        ERROR_SHARING_VIOLATION,
        ERROR_TOO_MANY_OPEN_FILES,
    ];
    passing.into_iter().any(|error| error.cast_signed() == number)
}

/// Why [`Supervisor::spawn`](crate::Supervisor::spawn) could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The system has no pipes or descriptors left.
    #[error("cannot make the pipes of {program}")]
    Pipes {
        /// What was to be started.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The guardian's program cannot be started.
    #[error("cannot start {} to guard {program}", guardian.display())]
    Guardian {
        /// What was to be started.
        program: String,
        /// What was to guard it.
        guardian: std::path::PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No system could start this.
    #[error("{reason}")]
    Malformed {
        /// What must not be.
        reason: &'static str,
    },
    /// The program is a batch file: a shell would read its arguments once more.
    #[error("{program} is a batch file; name the program that it starts")]
    Batch {
        /// What was to be started.
        program: String,
    },
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_apart_from_what_stays() {
        let of = |error: Errno| Failure::of_start("p".to_owned(), error.raw_os_error());
        for passing in [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY] {
            assert!(matches!(of(passing), Failure::NotNow { .. }), "{passing}");
        }
        for staying in [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::TOOBIG, Errno::PERM, Errno::LOOP] {
            assert!(matches!(of(staying), Failure::NotStarted { .. }), "{staying}");
        }
    }
}
