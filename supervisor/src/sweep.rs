//! The end of what is left without a guardian: found by what is known of it, by its mark, and by its parents.

use std::collections::HashSet;
use std::time::Duration;

use crate::mark::{Instance, VARIABLE};
use crate::process::{self, Process};
use crate::{ProcessId, tree};

/// Rounds after which what still comes back is left to itself, with the pause between them: the killed need a moment.
const ROUNDS: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// What is looked for.
pub(crate) struct Sweep {
    pub(crate) instance: Instance,
    /// One child; all of them where there is none.
    pub(crate) generation: Option<u64>,
    /// Processes that are known to belong to it.
    pub(crate) known: HashSet<ProcessId>,
    /// The session that its program began.
    pub(crate) session: Option<u32>,
}

impl Sweep {
    /// Kills until a look finds nobody; how many there were. Blocks for as long as they take to end.
    pub(crate) fn run(&self) -> usize {
        let mut killed = 0;
        for _ in 0..ROUNDS {
            let round = tree::end(|| self.find());
            if round == 0 {
                return killed;
            }
            killed += round;
            std::thread::sleep(PAUSE);
        }
        tracing::warn!("processes of an ended child cannot be killed");
        killed
    }

    fn find(&self) -> Vec<ProcessId> {
        let belongs = |process: &Process| {
            self.known.contains(&process.id)
                || self.session == Some(process.session)
                || process::variable(process.id.pid, VARIABLE)
                    .is_some_and(|value| self.instance.is_in(&value, self.generation))
        };
        tree::closure(&process::all(), belongs, true)
    }
}
