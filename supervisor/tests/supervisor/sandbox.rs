//! A folder for a test, and its processes: found by a variable that all of them carry, and killed by number if a test has
//! left any.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use sixframe_supervisor::{GuardProgram, Supervisor, SupervisorConfig};

/// The variable that all processes of a sandbox carry.
pub(crate) const TAG: &str = "SIXFRAME_TEST_SANDBOX";

/// Longest time for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        // What loses its parent comes to this process, where it is waited for by its number.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        Sandbox { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of its own for one of several children.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn tag(&self) -> (&'static str, &Path) {
        (TAG, self.path())
    }

    /// All processes that carry the tag and live, or are dead and not waited for.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let value = format!("{TAG}={}", self.path().display());
        let carries = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == value.as_bytes())
        };
        all().into_iter().filter(carries).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for _ in 0..100 {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            left.into_iter().for_each(|pid| send(pid, Signal::KILL));
        }
    }
}

/// Runs a test that measures this process in one of its own. Whether that is here.
pub(crate) fn alone(test: &str) -> bool {
    alone_under(&[], test)
}

/// The same, started by another program.
pub(crate) fn alone_under(starter: &[&str], test: &str) -> bool {
    const ALONE: &str = "SIXFRAME_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let this = std::env::current_exe().unwrap();
    let mut command = match starter {
        [] => std::process::Command::new(this),
        [program, args @ ..] => {
            let mut command = std::process::Command::new(program);
            command.args(args).arg(this);
            command
        }
    };
    let output = command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the test {test} exists");
    false
}

pub(crate) fn supervisor() -> Supervisor {
    Supervisor::new(SupervisorConfig::new(guard())).unwrap()
}

pub(crate) fn guard() -> GuardProgram {
    GuardProgram::at(env!("CARGO_BIN_EXE_sixframe-guardian"))
}

pub(crate) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, signal);
    }
}

/// Waits for a process that has come to this one, if it has.
pub(crate) fn reap(pid: u32) {
    let pid = Pid::from_raw(pid.cast_signed());
    until("an adopted process ends", || match waitpid(pid, WaitOptions::NOHANG) {
        Ok(None) => None,
        Ok(Some(_)) | Err(_) => Some(()),
    });
}

/// Waits, looking again and again: for what no event tells, since it concerns the children of others.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The state of a process, as `R` or `Z`, and its parent; none when there is no such process.
pub(crate) fn state(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

pub(crate) fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

pub(crate) fn children(pid: u32) -> Vec<u32> {
    all().into_iter().filter(|child| state(*child).is_some_and(|(_, parent)| parent == pid)).collect()
}

pub(crate) fn numbers(file: &Path) -> Vec<u32> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect()
}

fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
