//! Processes as `/proc` shows them.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::{Process, ProcessId};

/// The process with this number; none when there is none.
pub(crate) fn process(pid: u32) -> Option<Process> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// How often the list of processes is read before those that begin meanwhile are left to the next look.
const LISTS: usize = 16;

/// All processes that can be seen, each told as soon as it is: the list is read again until it has nobody new, since one
/// that starts its successor and ends is in no list of which everybody is looked at later.
pub(crate) fn each(mut tell: impl FnMut(Process)) {
    let mut seen = HashSet::new();
    for _ in 0..LISTS {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        // The newest first: they are the soonest to be gone.
        let new: Vec<u32> = pids.filter(|pid| seen.insert(*pid)).collect();
        new.iter().rev().filter_map(|pid| process(*pid)).for_each(&mut tell);
        if new.is_empty() {
            break;
        }
    }
}

/// The children of a process: of each of its threads. May miss some of a process that is not stopped.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut found = Vec::new();
    let mut text = String::new();
    for thread in threads {
        text.clear();
        let read = fs::File::open(thread.path().join("children")).and_then(|mut file| file.read_to_string(&mut text));
        if read.is_ok() {
            found.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    found
}

/// Whether the kernel tells the children of a process directly.
pub(crate) fn tells_children() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

/// The value of a variable in the environment that a process was started with.
pub(crate) fn variable(pid: u32, name: &str) -> Option<Vec<u8>> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let of = |variable: &[u8]| Some(variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
    environment.split(|byte| *byte == 0).find_map(of)
}

/// Whether we may not see what it has open: it belongs to another user, or wants it so.
pub(crate) fn hides_descriptors(pid: u32) -> bool {
    matches!(fs::read_dir(format!("/proc/{pid}/fd")), Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Whether who made a socket and was not found with it may be a process like ours. Of nobody it is once it is closed.
pub(crate) fn may_pass_sockets(uid: Option<u32>) -> bool {
    uid.is_none_or(|uid| uid == rustix::process::geteuid().as_raw())
}

/// Sends a signal to this very process, and to none that has taken its number since.
pub(crate) fn signal(id: ProcessId, signal: Signal) {
    let Some(pid) = i32::try_from(id.pid).ok().and_then(Pid::from_raw) else { return };
    let is_same = || process(id.pid).is_some_and(|process| process.id == id);
    match pidfd_open(pid, PidfdFlags::empty()) {
        // What the descriptor means is settled before the comparison, so nothing can change in between.
        Ok(descriptor) if is_same() => drop(pidfd_send_signal(descriptor, signal)),
        Err(rustix::io::Errno::NOSYS) if is_same() => drop(kill_process(pid, signal)),
        Ok(_) | Err(_) => (),
    }
}

/// Whether no thread of a process runs any more: all are stopped, or have ended. One that was sent `SIGSTOP` may still be
/// within a call of the system, and that may be a fork.
pub(crate) fn stands_still(pid: u32) -> bool {
    states(pid).all(|state| STILL.contains(&state))
}

/// Whether those threads of a process that are not stopped are within a call of the system that does not heed signals, and may
/// be so for long: one that waits for the program that it has just forked, for a disk, for a file of another machine.
pub(crate) fn is_held(pid: u32) -> bool {
    states(pid).all(|state| state == 'D' || STILL.contains(&state))
}

/// Stopped, traced, ended.
const STILL: [char; 5] = ['T', 't', 'Z', 'X', 'x'];

fn states(pid: u32) -> impl Iterator<Item = char> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| state(&fs::read_to_string(thread.path().join("stat")).ok()?))
}

/// What tells one start of the system from another.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The name, which may hold anything, stands in parentheses; the fields are behind the last one.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        id: ProcessId { pid, started: number(19)? },
        parent: u32::try_from(number(1)?).ok()?,
        session: u32::try_from(number(3)?).ok()?,
        // Where only the first thread has ended, the others are counted too and the process lives.
        is_dead: matches!(*fields.first()?, "Z" | "X" | "x") && number(17)? <= 1,
    })
}

fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_read_over() {
        let stat = "7 (a) b (c)) S 3 5 6 0 -1 4194304 105 0 0 0 0 0 0 0 20 0 1 0 982 2";
        let process = parse(7, stat).unwrap();
        assert_eq!((process.parent, process.session, process.id.started, process.is_dead), (3, 6, 982, false));
        assert!(parse(7, "nonsense").is_none());
    }

    #[test]
    fn a_process_stands_still_when_it_is_stopped_and_when_it_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let id = process(child.id()).unwrap().id;
        assert!(!stands_still(id.pid) && !stands_still(std::process::id()));
        signal(id, Signal::STOP);
        while !stands_still(id.pid) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(stands_still(id.pid));
    }

    #[test]
    fn this_process_is_found_with_its_parent() {
        let me = process(std::process::id()).unwrap();
        assert_eq!(me.parent, std::os::unix::process::parent_id());
        assert!(children(me.parent).contains(&me.id.pid), "the parent is alive and tells of us");
    }
}
