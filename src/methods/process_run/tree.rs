//! Everything that a program started, so that it can be ended with it: its process group, its descendants, and on Linux
//! whatever still carries its mark in the environment, sessions of their own and orphans included.

use tokio::process::Command;

/// The variable that marks what a program starts.
#[cfg(target_os = "linux")]
const MARK: &str = "_SIXFRAME_RUN";

/// Prepares `command` to be found again with all that it starts: a process group of its own, and a mark. A daemon that was
/// itself started so keeps the mark that it has in front.
pub(super) fn mark(command: &mut Command) -> String {
    let mark = format!("{:x}.{:x}", std::process::id(), next_number());
    #[cfg(target_os = "linux")]
    let mark = std::env::var(MARK).map_or(mark.clone(), |outer| format!("{outer}/{mark}"));
    #[cfg(target_os = "linux")]
    command.env(MARK, &mark);
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(not(unix))]
    let _ = command;
    mark
}

/// Unique in this process.
fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A program and everything that it started. Dropping it kills them all.
pub(super) struct Tree {
    /// The program's id, until it is reaped: afterwards the number may be another's.
    leader: Option<u32>,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux shows the environment of others"))]
    mark: String,
}

impl Tree {
    pub(super) fn of(leader: Option<u32>, mark: String) -> Tree {
        Tree { leader, mark }
    }

    /// The program's exit was taken; what it started may live on.
    pub(super) fn is_reaped(&mut self) {
        self.leader = None;
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.kill_group();
        #[cfg(target_os = "linux")]
        linux::kill_all(self.leader, &self.mark);
    }
}

#[cfg(unix)]
impl Tree {
    fn kill_group(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let leader = self.leader.and_then(|leader| i32::try_from(leader).ok()).and_then(Pid::from_raw);
        if let Some(group) = leader {
            // It fails when nobody is left, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;
    use std::fs;

    use rustix::process::{Pid, Signal, kill_process};

    use super::MARK;

    /// Rounds of looking for processes that were started meanwhile.
    const ROUNDS: usize = 20;

    /// A process, as `/proc/PID/stat` tells of it.
    struct Process {
        pid: u32,
        parent: u32,
        group: u32,
        is_dead: bool,
    }

    /// Kills until a look finds nobody new.
    pub(super) fn kill_all(leader: Option<u32>, mark: &str) {
        let mut killed: HashSet<u32> = leader.into_iter().collect();
        for _ in 0..ROUNDS {
            let found: Vec<u32> = members(leader, mark, &killed);
            if found.is_empty() {
                return;
            }
            for pid in found {
                if let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    // A process that is gone already is what is wanted.
                    let _ = kill_process(target, Signal::KILL);
                }
                killed.insert(pid);
            }
        }
        tracing::warn!("a program keeps starting others faster than they can be killed");
    }

    /// Those that belong to the program and were not killed yet.
    fn members(leader: Option<u32>, mark: &str, killed: &HashSet<u32>) -> Vec<u32> {
        let marker = format!("{MARK}={mark}");
        let processes: Vec<Process> = processes().filter(|process| !process.is_dead).collect();
        let mut family = killed.clone();
        loop {
            let before = family.len();
            let is_child = |process: &&Process| leader.is_some() && family.contains(&process.parent);
            let children: Vec<u32> = processes.iter().filter(is_child).map(|process| process.pid).collect();
            family.extend(children);
            if family.len() == before {
                break;
            }
        }
        let belongs = |process: &&Process| {
            family.contains(&process.pid) || leader == Some(process.group) || carries(process.pid, &marker)
        };
        let found = processes.iter().filter(belongs).map(|process| process.pid);
        found.filter(|pid| !killed.contains(pid)).collect()
    }

    fn processes() -> impl Iterator<Item = Process> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter_map(|pid| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
    }

    /// The name, which may hold anything, stands in parentheses; the fields are behind the last one.
    fn parse(pid: u32, stat: &str) -> Option<Process> {
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let is_dead = matches!(fields.next()?, "Z" | "X");
        Some(Process { pid, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()?, is_dead })
    }

    fn carries(pid: u32, marker: &str) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| is_marked(variable, marker.as_bytes()))
    }

    /// Whether the mark is the variable's own, or one that it has in front.
    fn is_marked(variable: &[u8], marker: &[u8]) -> bool {
        variable.strip_prefix(marker).is_some_and(|inner| matches!(inner.first(), None | Some(b'/')))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_a_marked_daemon_starts_is_found_and_a_longer_number_is_not() {
            assert!(is_marked(b"M=1.2", b"M=1.2") && is_marked(b"M=1.2/7.0", b"M=1.2"));
            assert!(!is_marked(b"M=1.23", b"M=1.2") && !is_marked(b"M=7.0/1.2", b"M=1.2"));
        }

        #[test]
        fn a_name_with_parentheses_and_spaces_is_read_over() {
            let process = parse(7, "7 (a) b (c)) S 3 5 5 0 -1").unwrap();
            assert_eq!((process.parent, process.group, process.is_dead), (3, 5, false));
            assert!(parse(7, "nonsense").is_none());
        }
    }
}
