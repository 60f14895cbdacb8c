//! The end of what is left without a guardian: found by what is known of it, by its mark, and by its parents.

use std::collections::HashSet;
use std::time::Duration;

use crate::mark::{Instance, VARIABLE};
use crate::process::{self, Process};
use crate::{ProcessId, tree};

/// Rounds after which what still comes back is left to itself, with the pause between them: the killed need a moment.
const ROUNDS: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Looks that find nobody before that is believed: one may miss what starts its successor and ends.
const VAIN: usize = 3;

/// What is looked for.
pub(crate) struct Sweep {
    pub(crate) instance: Instance,
    /// One child; all of them where there is none.
    pub(crate) generation: Option<u64>,
    /// Processes that are known to belong to it.
    pub(crate) known: HashSet<ProcessId>,
    /// The program that began its session.
    pub(crate) leader: Option<ProcessId>,
}

impl Sweep {
    /// Kills until some looks, one behind the other, find nobody; how many there were. Blocks for as long as they take to end.
    pub(crate) fn run(&self) -> usize {
        let (mut killed, mut vain) = (0, 0);
        for _ in 0..ROUNDS {
            let round = tree::end(|| self.find());
            killed += round;
            vain = if round == 0 { vain + 1 } else { 0 };
            if vain == VAIN {
                return killed;
            }
            std::thread::sleep(PAUSE);
        }
        tracing::warn!("processes of an ended child cannot be killed");
        killed
    }

    fn find(&self) -> Vec<ProcessId> {
        // A session's number is nobody else's while somebody is in it; behind that, it may be a stranger's.
        let is_its = |leader: &ProcessId| process::process(leader.pid).is_none_or(|now| now.id == *leader);
        let session = self.leader.filter(is_its).map(|leader| leader.pid);
        let belongs = |process: &Process| {
            self.known.contains(&process.id)
                || session == Some(process.session)
                || process::variable(process.id.pid, VARIABLE)
                    .is_some_and(|value| self.instance.is_in(&value, self.generation))
        };
        let (mut all, mut ours) = (Vec::new(), HashSet::new());
        process::each(|process| {
            // At once: it may be gone when all are known.
            if belongs(&process) {
                ours.insert(process.id);
            }
            all.push(process);
        });
        tree::closure(&all, |process| ours.contains(&process.id), true)
    }
}
