//! When a sidecar that ended by itself is started again, and when no more. Knows times that it is told, and no process.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::config::{Restart, RestartPolicy};

/// How a run ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As a program that has done its work.
    Well,
    /// In any other way.
    Badly,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is started again after this time.
    Again(Duration),
    /// It stays as it is.
    Rest,
    /// It has ended too often.
    Broken(Broken),
}

/// By which rule it has ended too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// No run in between was stable.
    Unstable,
    /// Within the window, however stable the runs were.
    Window,
}

/// What is remembered of the runs since a person started it.
#[derive(Debug)]
pub(crate) struct Restarts {
    restart: Restart,
    /// When runs ended that count within the window.
    recent: VecDeque<Instant>,
    /// Runs since the last stable one.
    unstable: u32,
}

impl Restarts {
    pub(crate) fn new(restart: Restart) -> Restarts {
        Restarts { restart, recent: VecDeque::new(), unstable: 0 }
    }

    /// A run has ended at `now` that was ready since `ready`. A run that crashes slowly is one that ends before it was
    /// stable: such runs count however long they took.
    pub(crate) fn ended(&mut self, how: Ended, ready: Option<Instant>, now: Instant) -> Next {
        let is_stable = ready.is_some_and(|ready| now.duration_since(ready) >= millis(self.restart.stable_ms));
        match (self.restart.policy, how) {
            (RestartPolicy::Never, _) | (RestartPolicy::OnFailure, Ended::Well) => return Next::Rest,
            (RestartPolicy::OnFailure, Ended::Badly) | (RestartPolicy::Always, _) => {}
        }
        self.unstable = if is_stable { 1 } else { self.unstable + 1 };
        self.recent.push_back(now);
        let window = millis(self.restart.window_ms);
        while self.recent.front().is_some_and(|ended| now.duration_since(*ended) > window) {
            self.recent.pop_front();
        }
        let starts = self.restart.starts;
        if self.unstable >= starts {
            Next::Broken(Broken::Unstable)
        } else if self.recent.len() >= starts as usize {
            Next::Broken(Broken::Window)
        } else {
            Next::Again(self.wait())
        }
    }

    /// A random part of a time that doubles with every run in vain.
    fn wait(&self) -> Duration {
        let doubled = self.restart.backoff_ms.saturating_mul(1 << (self.unstable - 1).min(32));
        let longest = doubled.min(self.restart.max_backoff_ms);
        Duration::from_millis(fastrand::u64(0..=longest))
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(policy: RestartPolicy) -> Restarts {
        Restarts::new(policy.into())
    }

    /// Runs that each become ready at once and end badly after `run`; how many until it is broken, at most 50.
    async fn runs_until_broken(restarts: &mut Restarts, run: Duration) -> Option<(u32, Broken)> {
        for count in 1..=50 {
            let ready = Instant::now();
            tokio::time::advance(run).await;
            match restarts.ended(Ended::Badly, Some(ready), Instant::now()) {
                Next::Again(wait) => tokio::time::advance(wait).await,
                Next::Broken(rule) => return Some((count, rule)),
                Next::Rest => panic!("it is started again"),
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn crashes_trip_the_breaker_however_slow_they_are() {
        for seconds in [0, 1, 5, 20, 29] {
            let run = Duration::from_secs(seconds);
            let broken = runs_until_broken(&mut of(RestartPolicy::OnFailure), run).await;
            assert_eq!(broken, Some((5, Broken::Unstable)), "after {seconds} s each");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stable_runs_never_trip_it() {
        let broken = runs_until_broken(&mut of(RestartPolicy::Always), Duration::from_secs(31)).await;
        assert_eq!(broken, None);
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_ends_within_the_window_trip_it_though_each_run_was_stable() {
        let restart = Restart { stable_ms: 1_000, ..Restart::default() };
        let broken = runs_until_broken(&mut Restarts::new(restart), Duration::from_secs(2)).await;
        assert_eq!(broken, Some((5, Broken::Window)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stable_run_takes_back_the_waiting_of_the_crashes_before() {
        let restart = Restart { backoff_ms: 1_000, max_backoff_ms: 4_000, starts: 100, ..Restart::default() };
        let mut restarts = Restarts::new(restart);
        let longest = |restarts: &mut Restarts, ready: Option<Duration>| {
            let now = Instant::now() + Duration::from_secs(1_000);
            let next = restarts.ended(Ended::Badly, ready.map(|before| now - before), now);
            let Next::Again(wait) = next else { panic!("{next:?}") };
            wait
        };
        let crashed: Vec<Duration> = (0..20).map(|_| longest(&mut restarts, None)).collect();
        assert!(crashed[0] <= Duration::from_secs(1) && crashed.iter().all(|wait| *wait <= Duration::from_secs(4)));
        assert!(crashed.iter().any(|wait| *wait > Duration::from_secs(1)), "it doubles: {crashed:?}");
        assert!(longest(&mut restarts, Some(Duration::from_secs(30))) <= Duration::from_secs(1));
    }

    #[test]
    fn the_policy_says_who_is_started_again() {
        let next = |policy, how| of(policy).ended(how, None, Instant::now());
        assert_eq!(next(RestartPolicy::Never, Ended::Badly), Next::Rest);
        assert_eq!(next(RestartPolicy::OnFailure, Ended::Well), Next::Rest);
        assert!(matches!(next(RestartPolicy::OnFailure, Ended::Badly), Next::Again(_)));
        assert!(matches!(next(RestartPolicy::Always, Ended::Well), Next::Again(_)));
    }
}
