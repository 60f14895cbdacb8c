//! The end of a family of processes: each is stopped where it stands before any is killed, so that none can start another
//! meanwhile. Knows how to find and end them; whose they are is the caller's business.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::ProcessId;
use crate::process::{self, Process, UNSEEN};

/// Looks for newcomers before what was stopped is killed. One that forks faster than that is met again in the next round.
const LOOKS: usize = 256;

/// How long those that were stopped may go on within a call of the system that does not heed signals before they are left to
/// it; how long they may wait for a processor on which they stop; and the pause between two glances at them.
const HELD: Duration = Duration::from_millis(20);
const STANDSTILL: Duration = Duration::from_millis(500);
const GLANCE: Duration = Duration::from_micros(50);

/// Everything that lives below `root`, by the parents that the system tells.
pub(crate) fn below(root: u32) -> Vec<ProcessId> {
    look(root, &mut HashSet::new()).living
}

/// One look at who lives.
pub(crate) struct Look {
    pub(crate) living: Vec<ProcessId>,
    /// Whether nobody can have been missed by having come to another parent meanwhile.
    pub(crate) is_whole: bool,
}

/// Looks below `root`. `ended` are those whose end the looks before have met, and is added to: what they started has its new
/// parent since, who may have been asked for its children before.
pub(crate) fn look(root: u32, ended: &mut HashSet<u32>) -> Look {
    if process::tells_children() {
        let before = ended.len();
        let living = walk(root, ended);
        Look { living, is_whole: ended.len() == before }
    } else {
        let living = closure(&process::all(), |process| process.id.pid == root, false);
        Look { living, is_whole: true }
    }
}

/// Stops, looks again, and kills what was found when nobody new comes. Nothing found means that nothing was left.
pub(crate) fn end(mut find: impl FnMut() -> Vec<ProcessId>) -> usize {
    let stopped = stop(|| Look { living: find(), is_whole: true }, |_| true);
    stopped.iter().for_each(|id| process::signal(*id, Signal::KILL));
    stopped.len()
}

/// Sends all of them a signal that none can miss by being started meanwhile: they are stopped until nobody new can come, and
/// go on with the signal. Those that cannot be stopped in time are sent it all the same. Those who were asked before stand
/// still with the others, since they may be starting one, and are not sent it again.
pub(crate) fn ask(find: impl FnMut() -> Look, signal: Signal, asked: &mut HashSet<ProcessId>) {
    let begun = Instant::now();
    let still = |stopped: &HashSet<ProcessId>| {
        let waited = begun.elapsed();
        let is_still = |id: &ProcessId| process::stands_still(id.pid) || (waited >= HELD && process::is_held(id.pid));
        let is_still = waited >= STANDSTILL || stopped.iter().all(is_still);
        if !is_still {
            std::thread::sleep(if waited < HELD { GLANCE } else { GLANCE * 20 });
        }
        is_still
    };
    let stopped = stop(find, still);
    stopped.iter().filter(|id| asked.insert(**id)).for_each(|id| process::signal(*id, signal));
    stopped.iter().for_each(|id| process::signal(*id, Signal::CONT));
}

/// Stops whoever is found until nobody new is, by a look that began when those before stood still.
fn stop(mut find: impl FnMut() -> Look, are_still: impl Fn(&HashSet<ProcessId>) -> bool) -> HashSet<ProcessId> {
    let mut stopped = HashSet::new();
    let mut looks = 0;
    while looks < LOOKS {
        let were_still = are_still(&stopped);
        let Look { living, is_whole } = find();
        let new: Vec<ProcessId> = living.into_iter().filter(|id| stopped.insert(*id)).collect();
        new.iter().for_each(|id| process::signal(*id, Signal::STOP));
        match (new.is_empty() && is_whole, were_still) {
            (true, true) => break,
            // Time ends this, and not the number of looks.
            (true, false) => (),
            (false, _) => looks += 1,
        }
    }
    stopped
}

/// Those that `is_root` picks and everything that descends from them, as far as it lives; with the roots, if wanted.
pub(crate) fn closure(processes: &[Process], is_root: impl Fn(&Process) -> bool, with_roots: bool) -> Vec<ProcessId> {
    let roots: HashSet<u32> = processes.iter().filter(|p| is_root(p)).map(|p| p.id.pid).collect();
    let mut family = roots.clone();
    loop {
        let before = family.len();
        family.extend(processes.iter().filter(|p| family.contains(&p.parent)).map(|p| p.id.pid).collect::<Vec<_>>());
        if family.len() == before {
            break;
        }
    }
    let belongs = |p: &&Process| !p.is_dead && family.contains(&p.id.pid) && (with_roots || !roots.contains(&p.id.pid));
    processes.iter().filter(belongs).map(|process| process.id).collect()
}

fn walk(root: u32, ended: &mut HashSet<u32>) -> Vec<ProcessId> {
    let mut found = Vec::new();
    let mut open = process::children(root);
    let mut seen: HashSet<u32> = open.iter().copied().collect();
    let own = if root == std::process::id() { seen.clone() } else { HashSet::new() };
    while let Some(pid) = open.pop() {
        let Some(process) = process::process(pid) else {
            // A child of ours is there until we have waited for it, though it may be hidden, as where `/proc` has `hidepid`. What
            // is below it comes to us when it ends.
            if own.contains(&pid) {
                found.push(ProcessId { pid, started: UNSEEN });
            } else {
                ended.insert(pid);
            }
            continue;
        };
        if process.is_dead {
            ended.insert(pid);
        } else {
            found.push(process.id);
        }
        // The children of one that has just ended are the guardian's own by now, or soon.
        open.extend(process::children(pid).into_iter().filter(|pid| seen.insert(*pid)));
    }
    found
}
