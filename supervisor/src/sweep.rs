//! The end of what is left without a guardian: found by what is known of it, by its mark, and by its parents.

use std::collections::HashSet;
use std::time::Duration;

use crate::mark::{Instance, VARIABLE};
use crate::process::{self, Process};
use crate::{ProcessId, orphans, tree};

/// Rounds after which what still comes back is left to itself, with the pause between them: the killed need a moment.
const ROUNDS: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Looks that find nobody before that is believed: one may miss what starts its successor and ends.
const VAIN: usize = 3;

/// What is looked for, with all that descends from it.
pub(crate) struct Sweep {
    /// Processes that are known to belong to it.
    pub(crate) known: HashSet<ProcessId>,
    /// The programs that began its sessions.
    pub(crate) leaders: Vec<ProcessId>,
    pub(crate) marked: Marked,
}

/// Who else belongs to it, by the mark.
pub(crate) enum Marked {
    /// Whoever carries that of this child.
    All(Instance, u64),
    /// Nobody, and of a session only those who carry that of this supervisor. What is known from a file alone may be true of
    /// another process by now, and variables are copied: a manager of services that was given ours gives them to all of its own.
    InSession(Instance),
}

impl Sweep {
    /// Kills until some looks, one behind the other, find nobody; how many there were, and none where some cannot be killed.
    /// Blocks for as long as they take to end.
    pub(crate) fn run(&self) -> Option<usize> {
        let (mut killed, mut vain) = (0, 0);
        for _ in 0..ROUNDS {
            let round = tree::end(|| self.find());
            killed += round;
            vain = if round == 0 { vain + 1 } else { 0 };
            if vain == VAIN {
                return Some(killed);
            }
            std::thread::sleep(PAUSE);
        }
        tracing::warn!("processes of an ended child cannot be killed");
        None
    }

    fn find(&self) -> Vec<ProcessId> {
        // A session's number is nobody else's while somebody is in it; behind that, it may be a stranger's.
        let is_its = |leader: &&ProcessId| process::process(leader.pid).is_none_or(|now| now.id == **leader);
        let sessions: HashSet<u32> = self.leaders.iter().filter(is_its).map(|leader| leader.pid).collect();
        let carries = |process: &Process, instance: &Instance, generation| {
            process::variable(process.id.pid, VARIABLE).is_some_and(|value| instance.is_in(&value, generation))
        };
        let belongs = |process: &Process| {
            let is_in_session = sessions.contains(&process.session);
            self.known.contains(&process.id)
                || match &self.marked {
                    Marked::All(instance, generation) => {
                        is_in_session
                            || carries(process, instance, Some(*generation))
                            || orphans::are_ours() && orphans::is_one(process)
                    }
                    Marked::InSession(instance) => is_in_session && carries(process, instance, None),
                }
        };
        let (mut all, mut ours) = (Vec::new(), HashSet::new());
        process::each(|process| {
            orphans::reap_one(&process);
            // At once: it may be gone when all are known.
            if belongs(&process) {
                ours.insert(process.id);
            }
            all.push(process);
        });
        tree::closure(&all, |process| ours.contains(&process.id), true)
    }
}
