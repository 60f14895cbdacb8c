//! A process beside each program, which outlives the daemon: where the daemon is killed and can do nothing any more, it
//! ends the program and everything that it started. Knows of the daemon only that the pipe between them has closed.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use super::tree::Tree;

/// The subcommand that [`stand`]s guard.
const SUBCOMMAND: &str = "guard";

/// A guard that stands. Dropping it relieves it, with nothing done.
pub(super) struct Guard(Child);

impl Guard {
    /// Starts a guard over what carries `mark`. It is there before the program is, so that no moment is unguarded.
    pub(super) fn post(mark: &str) -> io::Result<Guard> {
        let mut command = Command::new(this_program()?);
        command.args([SUBCOMMAND, mark]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        // What a terminal or a supervisor sends to the daemon's group is not for the guard.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().map(Guard)
    }

    /// Names the program's process, whose group and descendants are guarded too.
    pub(super) fn watch(&mut self, leader: Option<u32>) -> io::Result<()> {
        let (Some(leader), Some(pipe)) = (leader, self.0.stdin.as_mut()) else { return Ok(()) };
        writeln!(pipe, "{leader}")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Before its pipe closes, which would be its order to act; a guard that is gone already needs neither.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the guard does: waits until the daemon is gone, then ends everything that carries `mark` or that a process named
/// on standard input has started.
pub(crate) fn stand(mark: &str) -> io::Result<()> {
    let mut told = String::new();
    io::stdin().read_to_string(&mut told)?;
    drop(Tree::of(told.trim().parse().ok(), mark.to_owned()));
    Ok(())
}

/// The file that this process runs, even when another has taken its name since.
fn this_program() -> io::Result<std::path::PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => std::env::current_exe(),
    }
}
