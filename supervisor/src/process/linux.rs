//! Processes as `/proc` shows them.

#![allow(unsafe_code, reason = "the session of a process that /proc hides is told by a call of C alone")]

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read as _};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::{Process, ProcessId, UNSEEN};

/// The process with this number; none when there is none that we may see. Errors: we have no room to look.
pub(crate) fn look(pid: u32) -> io::Result<Option<Process>> {
    let stat = seen(fs::read_to_string(format!("/proc/{pid}/stat")))?;
    Ok(stat.and_then(|stat| parse(pid, &stat)))
}

/// What cannot be read is not there, or not for us, unless we have no descriptors or memory to read it.
fn seen<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Err(error),
            Some(_) | None => Ok(None),
        },
    }
}

/// How often the list of processes is read before those that begin meanwhile are left to the next look.
const LISTS: usize = 16;

/// All processes that can be seen, each told as soon as it is: the list is read again until it has nobody new, since one
/// that starts its successor and ends is in no list of which everybody is looked at later. Errors: there was no room to look
/// at some; the others are told.
pub(crate) fn each(mut tell: impl FnMut(Process)) -> io::Result<()> {
    let mut listed = HashSet::new();
    let mut looked = Ok(());
    for _ in 0..LISTS {
        let mut new = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let pid = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            new.extend(pid.filter(|pid| listed.insert(*pid)));
        }
        // The newest first: they are the soonest to be gone.
        for pid in new.iter().rev() {
            match look(*pid) {
                Ok(process) => process.into_iter().for_each(&mut tell),
                Err(error) => looked = Err(error),
            }
        }
        if new.is_empty() {
            break;
        }
    }
    looked
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

/// The value of a variable in the environment that a process was started with; none that we may not see. Errors: we have no
/// room to look.
pub(crate) fn variable(pid: u32, name: &str) -> io::Result<Option<Vec<u8>>> {
    let environment = seen(fs::read(format!("/proc/{pid}/environ")))?.unwrap_or_default();
    let of = |variable: &[u8]| Some(variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
    Ok(environment.split(|byte| *byte == 0).find_map(of))
}

/// Whether we may not see what it has open: it belongs to another user, or wants it so.
pub(crate) fn hides_descriptors(pid: u32) -> bool {
    matches!(fs::read_dir(format!("/proc/{pid}/fd")), Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Whether who made a socket and was not found with it may be a process like ours. Of nobody it is once it is closed.
pub(crate) fn may_pass_sockets(uid: Option<u32>) -> bool {
    uid.is_none_or(|uid| uid == rustix::process::geteuid().as_raw())
}

/// The session of a process, also of one that `/proc` hides: 0 where our namespace does not show the session; none where there
/// is no such process.
pub(crate) fn session(pid: u32) -> Option<u32> {
    let pid = i32::try_from(pid).ok()?;
    // SAFETY: the call takes a number and touches no memory. Its answer may be 0, which `rustix` has no type for.
    u32::try_from(unsafe { libc::getsid(pid) }).ok()
}

/// Sends a signal to this very process, and to none that has taken its number since. One that we cannot see is sent it if it
/// is a child of ours: its number is nobody else's before we have waited for it.
pub(crate) fn signal(id: ProcessId, signal: Signal) {
    let Some(pid) = i32::try_from(id.pid).ok().and_then(Pid::from_raw) else { return };
    if id.started == UNSEEN {
        if children(std::process::id()).contains(&id.pid) {
            let _ = kill_process(pid, signal);
        }
        return;
    }
    // What the descriptor means is settled before the comparison, so nothing can change in between.
    let sent = pidfd_open(pid, PidfdFlags::empty()).and_then(|descriptor| match look(id.pid) {
        Ok(now) if now.is_some_and(|now| now.id == id) => pidfd_send_signal(descriptor, signal),
        Ok(_) => Ok(()),
        Err(_) => Err(Errno::MFILE),
    });
    // By its number where the system has no such descriptors, a profile refuses them, or there is no room for one.
    let is_same = || look(id.pid).is_ok_and(|now| now.is_some_and(|now| now.id == id));
    if matches!(sent, Err(Errno::NOSYS | Errno::PERM | Errno::MFILE | Errno::NFILE)) && is_same() {
        let _ = kill_process(pid, signal);
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

/// What tells one start of the system from another. Errors: we have no room to look.
pub(crate) fn boot_id() -> io::Result<String> {
    let id = seen(fs::read_to_string("/proc/sys/kernel/random/boot_id"))?.unwrap_or_default();
    Ok(id.trim().to_owned())
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
    use crate::process::process;

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
