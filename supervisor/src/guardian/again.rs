//! The pause before what was killed, and is not gone yet, is looked at again.

use std::collections::HashSet;
use std::time::Duration;

use crate::ProcessId;

/// The shortest pause, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Grows while the same are met again and again: those who cannot be ended, as another user's.
pub(super) struct Again {
    met: HashSet<ProcessId>,
    pause: Duration,
}

impl Again {
    pub(super) fn new() -> Again {
        Again { met: HashSet::new(), pause: PAUSE.0 }
    }

    /// These were met and killed. Nobody means that nobody can be looked for, and says nothing.
    pub(super) fn met(&mut self, met: HashSet<ProcessId>) {
        let are_known = !met.is_empty() && met.is_subset(&self.met);
        self.pause = if are_known { (self.pause * 2).min(PAUSE.1) } else { PAUSE.0 };
        self.met = met;
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_while_the_same_are_met_and_is_short_again_for_a_new_one() {
        let ids = |pids: &[u32]| pids.iter().map(|pid| ProcessId { pid: *pid, started: 5 }).collect::<HashSet<_>>();
        let mut again = Again::new();
        let mut after = |met: HashSet<ProcessId>| {
            again.met(met);
            again.pause().as_millis()
        };
        let held = [(); 10].map(|()| after(ids(&[1, 2])));
        assert_eq!(held, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert_eq!(after(ids(&[2])), 1000, "that one has gone is no reason to hurry");
        assert_eq!(after(ids(&[2, 3])), 5, "a new one is");
        assert_eq!(after(ids(&[2, 3])), 10);
        let same_number = HashSet::from([ProcessId { pid: 2, started: 6 }]);
        assert_eq!(after(same_number), 5);
        assert_eq!([after(ids(&[])), after(ids(&[]))], [5, 5], "nobody could look");
    }
}
