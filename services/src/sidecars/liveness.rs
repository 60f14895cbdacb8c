//! When a sidecar that was ready counts as dead: after failures in a row, none of which a sleeping machine explains. Knows
//! times that it is told, and nothing of how a look is taken.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How much later than expected a round may come, or the two clocks may differ, before that is called a jump.
const JUMP: Duration = Duration::from_secs(3);

/// What a round says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It lives, or may.
    Lives,
    /// It has failed once too often.
    Dead,
}

/// The looks at one run.
#[derive(Debug)]
pub(crate) struct Liveness {
    limit: u32,
    failures: u32,
    /// Before it has lived once it is starting, and nothing counts.
    has_lived: bool,
    begun: (Instant, SystemTime),
}

impl Liveness {
    /// `has_lived` says whether its health is known to have been good.
    pub(crate) fn new(limit: u32, has_lived: bool) -> Liveness {
        Liveness { limit, failures: 0, has_lived, begun: (Instant::now(), SystemTime::now()) }
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// A wait for the next round begins.
    pub(crate) fn begin(&mut self, now: Instant, wall: SystemTime) {
        self.begun = (now, wall);
    }

    /// A round is over that was to take `expected` at most, the wait before it included. One during which the machine slept
    /// says nothing: its clocks have gone apart, or it came far too late.
    pub(crate) fn end(&mut self, lives: bool, expected: Duration, now: Instant, wall: SystemTime) -> Verdict {
        let (begun, wall_begun) = self.begun;
        let passed = now.duration_since(begun);
        let on_the_wall = wall.duration_since(wall_begun).unwrap_or_default();
        let has_jumped = on_the_wall > passed + JUMP || passed > expected + JUMP;
        match lives {
            true => (self.failures, self.has_lived) = (0, true),
            false if self.has_lived && !has_jumped => self.failures += 1,
            false => {}
        }
        if self.failures >= self.limit { Verdict::Dead } else { Verdict::Lives }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_secs(5);

    struct Clocks(Instant, SystemTime);

    impl Clocks {
        fn round(&mut self, liveness: &mut Liveness, lives: bool, passed: Duration, on_the_wall: Duration) -> Verdict {
            liveness.begin(self.0, self.1);
            (self.0, self.1) = (self.0 + passed, self.1 + on_the_wall);
            liveness.end(lives, ROUND, self.0, self.1)
        }
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let (mut liveness, mut clocks) = (Liveness::new(3, true), Clocks(Instant::now(), SystemTime::now()));
        let mut round = |lives| clocks.round(&mut liveness, lives, ROUND, ROUND);
        let told: Vec<Verdict> = [false, false, true, false, false].map(&mut round).to_vec();
        assert_eq!(told, [Verdict::Lives; 5]);
        assert_eq!(round(false), Verdict::Dead);
    }

    #[test]
    fn what_never_lived_is_starting_and_not_dead() {
        let (mut liveness, mut clocks) = (Liveness::new(1, false), Clocks(Instant::now(), SystemTime::now()));
        let mut round = |lives| clocks.round(&mut liveness, lives, ROUND, ROUND);
        assert!((0..9).all(|_| round(false) == Verdict::Lives));
        assert_eq!((round(true), round(false)), (Verdict::Lives, Verdict::Dead));
    }

    #[test]
    fn a_round_during_which_the_machine_slept_does_not_count() {
        let hour = Duration::from_secs(3600);
        for (passed, on_the_wall) in [(ROUND, hour), (hour, hour)] {
            let (mut liveness, mut clocks) = (Liveness::new(1, true), Clocks(Instant::now(), SystemTime::now()));
            assert_eq!(clocks.round(&mut liveness, false, passed, on_the_wall), Verdict::Lives);
            assert_eq!(clocks.round(&mut liveness, false, ROUND, ROUND), Verdict::Dead, "the next one does");
        }
    }

    #[test]
    fn a_wall_clock_that_is_set_back_changes_nothing() {
        let mut liveness = Liveness::new(1, true);
        let (now, wall) = (Instant::now(), SystemTime::now());
        liveness.begin(now, wall);
        let set_back = wall - Duration::from_secs(3600);
        assert_eq!(liveness.end(false, ROUND, now + ROUND, set_back), Verdict::Dead);
    }
}
