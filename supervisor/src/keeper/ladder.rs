//! The way down: which step of the ladder comes next, and when. Knows times; what a step does is the keeper's.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{Ask, StopLadder};

/// Time beyond all that was granted, after which a guardian that has not emptied its tree does not work.
const BEYOND: Duration = Duration::from_secs(5);

/// The same where the program has ended by itself and nobody waits for the rest: the system may need long for what was killed.
const UNHURRIED: Duration = Duration::from_secs(30);

/// Time for a guardian that was given up to end, and for its last words to be heard.
const LAST: Duration = Duration::from_secs(1);

/// A step to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    CloseInput,
    /// The signal; the kill that follows is the guardian's own.
    Signal,
    Kill,
    GiveUp,
    /// The guardian that was given up is not waited for any more.
    Leave,
}

/// A child's way down.
pub(super) struct Ladder {
    stop: StopLadder,
    rung: Rung,
    /// Whether the kill was asked for: what follows it is not put off by asking again.
    is_killed: bool,
}

enum Rung {
    /// The program is to run until then.
    Starting {
        until: Instant,
    },
    Running,
    Asking {
        asking: Pin<Box<dyn Future<Output = ()> + Send>>,
        until: Instant,
        input: bool,
    },
    /// The next step, and when it is due.
    Due {
        step: Step,
        at: Instant,
    },
    /// Nothing is left to be tried.
    Bottom,
}

impl Ladder {
    pub(super) fn new(stop: &StopLadder, until: Instant) -> Ladder {
        Ladder { stop: stop.clone(), rung: Rung::Starting { until }, is_killed: false }
    }

    /// The time for starting is over, well.
    pub(super) fn has_started(&mut self) {
        if matches!(self.rung, Rung::Starting { .. }) {
            self.rung = Rung::Running;
        }
    }

    /// The program has ended by itself, and its guardian ends the rest in the time that it is given; what cannot be ended is not
    /// waited for without end.
    pub(super) fn has_ended(&mut self) {
        if matches!(self.rung, Rung::Starting { .. } | Rung::Running) {
            self.rung = Rung::Due { step: Step::GiveUp, at: Instant::now() + self.stop.signal_for + UNHURRIED };
        }
    }

    /// Begins to climb down, unless that has begun. `input` says whether there is an input to be closed.
    pub(super) fn begin(&mut self, input: bool) {
        let now = Instant::now();
        match &mut self.rung {
            Rung::Starting { .. } | Rung::Running => (),
            Rung::Due { step: Step::GiveUp, at } => {
                // Now somebody waits for it.
                *at = (*at).min(now + self.stop.signal_for + BEYOND);
                return;
            }
            Rung::Asking { .. } | Rung::Due { .. } | Rung::Bottom => return,
        }
        self.rung = match self.stop.ask.as_ref().map(Ask::begin) {
            Some(asking) => Rung::Asking { asking, until: now + self.stop.ask_for, input },
            None => after_asking(input, now),
        };
    }

    /// Goes to the bottom at once, unless that is reached.
    pub(super) fn kill(&mut self) {
        if self.is_killed || matches!(self.rung, Rung::Due { step: Step::Leave, .. } | Rung::Bottom) {
            return;
        }
        self.is_killed = true;
        self.rung = Rung::Due { step: Step::Kill, at: Instant::now() };
    }

    /// The guardian was given up before its time.
    pub(super) fn is_given_up(&mut self) {
        self.rung = self.below(Step::GiveUp);
    }

    /// Waits for the next step that is due. May be dropped and called again at any time.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            match &mut self.rung {
                Rung::Running | Rung::Bottom => std::future::pending().await,
                Rung::Starting { until } => {
                    sleep_until(*until).await;
                    self.rung = self.below(Step::GiveUp);
                    return Step::GiveUp;
                }
                Rung::Asking { asking, until, input } => {
                    let asked = tokio::time::timeout_at(*until, asking).await;
                    // What was passed on is given its whole time.
                    if asked.is_ok() {
                        let (until, input) = (*until, *input);
                        self.rung = Rung::Asking { asking: Box::pin(std::future::pending()), until, input };
                        continue;
                    }
                    self.rung = after_asking(*input, Instant::now());
                }
                Rung::Due { step, at } => {
                    sleep_until(*at).await;
                    let step = *step;
                    self.rung = self.below(step);
                    return step;
                }
            }
        }
    }

    fn below(&self, step: Step) -> Rung {
        let now = Instant::now();
        match step {
            Step::CloseInput => Rung::Due { step: Step::Signal, at: now + self.stop.close_stdin_for },
            Step::Signal => Rung::Due { step: Step::GiveUp, at: now + self.stop.signal_for + BEYOND },
            Step::Kill => Rung::Due { step: Step::GiveUp, at: now + BEYOND },
            Step::GiveUp => Rung::Due { step: Step::Leave, at: now + LAST },
            Step::Leave => Rung::Bottom,
        }
    }
}

fn after_asking(input: bool, now: Instant) -> Rung {
    Rung::Due { step: if input { Step::CloseInput } else { Step::Signal }, at: now }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn steps(stop: StopLadder, input: bool) -> Vec<(Step, u64)> {
        let begun = Instant::now();
        let mut ladder = Ladder::new(&stop, begun + Duration::from_secs(60));
        ladder.has_started();
        ladder.begin(input);
        ladder.begin(input);
        let mut taken = Vec::new();
        while taken.last().is_none_or(|(step, _)| *step != Step::Leave) {
            let step = ladder.next().await;
            taken.push((step, begun.elapsed().as_secs()));
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn every_step_waits_for_the_time_of_the_one_before() {
        let plain = StopLadder::default();
        assert_eq!(
            steps(plain.clone(), true).await,
            [(Step::CloseInput, 0), (Step::Signal, 2), (Step::GiveUp, 10), (Step::Leave, 11)]
        );
        assert_eq!(steps(plain, false).await, [(Step::Signal, 0), (Step::GiveUp, 8), (Step::Leave, 9)]);
        let asking = StopLadder { ask: Some(Ask::new(|| async {})), ..StopLadder::default() };
        assert_eq!(
            steps(asking, true).await,
            [(Step::CloseInput, 2), (Step::Signal, 4), (Step::GiveUp, 12), (Step::Leave, 13)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_program_leaves_behind_is_given_up_in_the_end_and_sooner_where_somebody_waits_for_it() {
        for (is_asked, expected) in [(false, 33), (true, 8)] {
            let begun = Instant::now();
            let mut ladder = Ladder::new(&StopLadder::default(), begun + BEYOND);
            ladder.has_started();
            ladder.has_ended();
            if is_asked {
                ladder.begin(true);
            }
            assert_eq!((ladder.next().await, begun.elapsed().as_secs()), (Step::GiveUp, expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_way_down_goes_on_though_the_program_has_ended() {
        let mut ladder = Ladder::new(&StopLadder::default(), Instant::now() + BEYOND);
        ladder.has_started();
        ladder.begin(true);
        ladder.has_ended();
        assert_eq!(ladder.next().await, Step::CloseInput);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kill_passes_over_every_step() {
        let mut ladder = Ladder::new(&StopLadder::default(), Instant::now());
        ladder.begin(true);
        ladder.kill();
        assert_eq!(ladder.next().await, Step::Kill);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kill_that_is_asked_for_again_and_again_does_not_put_off_what_follows_it() {
        let begun = Instant::now();
        let mut ladder = Ladder::new(&StopLadder::default(), begun + BEYOND);
        ladder.kill();
        assert_eq!(ladder.next().await, Step::Kill);
        for _ in 0..4 {
            ladder.kill();
            let early = tokio::time::timeout(Duration::from_secs(1), ladder.next()).await;
            assert!(early.is_err(), "{early:?} is not due yet");
        }
        ladder.kill();
        assert_eq!((ladder.next().await, begun.elapsed()), (Step::GiveUp, BEYOND));
    }
}
