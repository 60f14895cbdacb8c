//! The task that keeps one sidecar: starts it, waits until it is ready, looks whether it lives, starts it again, stops it.
//! There is one for each sidecar, and it alone changes the sidecar's state, so that a late end of one run never touches the
//! next.

mod came_to_nothing;
mod in_use;
mod launch;
mod mailbox;
mod not_started;
mod ready;
mod run;
mod secrets;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sixframe_supervisor::{Child, Supervisor};
use tokio::time::Instant;

pub(crate) use mailbox::{Command, Mailbox};

use super::api::{Failure, FailureCode, FailureDetails, RunExit, SidecarStatus};
use super::binary::Places;
use super::board::{Board, Entry, now_ms};
use super::config::SidecarConfig;
use super::logs::Runs;
use super::restart::{Broken, Ended, Next, Restarts};

/// What all keepers work with.
pub(crate) struct Around {
    pub(crate) supervisor: Supervisor,
    pub(crate) board: Board,
    /// Where relative folders of configurations begin, and projects have their bundled programs.
    pub(crate) folder: Option<PathBuf>,
}

impl Around {
    fn places(&self) -> Places {
        Places::of_process(self.folder.as_deref())
    }
}

/// What a keeper shares with those who ask about its sidecar.
pub(crate) struct Known {
    pub(crate) name: String,
    config: Mutex<Arc<SidecarConfig>>,
    pub(crate) runs: Runs,
    live: Mutex<Weak<Child>>,
}

impl Known {
    pub(crate) fn new(config: SidecarConfig) -> Known {
        let name = config.name.clone();
        Known { name, config: Mutex::new(Arc::new(config)), runs: Runs::default(), live: Mutex::new(Weak::new()) }
    }

    /// Its configuration; a run has the one that it began with.
    pub(crate) fn config(&self) -> Arc<SidecarConfig> {
        Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives the runs to come another configuration.
    pub(crate) fn configure(&self, config: SidecarConfig) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Its processes, while it runs.
    pub(crate) fn live(&self) -> Option<Arc<Child>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    fn lives_as(&self, child: &Arc<Child>) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(child);
    }
}

/// A sidecar's keeper.
pub(crate) struct Keeper {
    pub(crate) known: Arc<Known>,
    pub(crate) around: Arc<Around>,
    pub(crate) mailbox: Mailbox,
}

/// How a run came to its end.
enum Outcome {
    /// Somebody wished it.
    Turned,
    /// By itself; a run that was ready says since when.
    Ended { how: Ended, ready: Option<Instant>, failure: Failure },
    /// In a way that trying again does not mend, unless it was ready before.
    Failed(Failure),
    /// Some of it lives on, whatever was wished.
    Left(Failure),
    /// Somebody else took the port that was free; another may be tried at once, and after some it is an end like any other.
    PortLost(Failure),
}

/// How a sidecar comes to rest.
enum Rest {
    /// Somebody wished it.
    Stopped,
    /// Its program has done its work.
    Done,
    Failed(Failure),
}

impl Keeper {
    /// Keeps it until nobody can ask for it any more.
    pub(crate) async fn keep(mut self) {
        while self.mailbox.summoned(&self.around.board, &self.known.name).await {
            let rest = self.run().await;
            self.rest(rest);
        }
    }

    /// One run after the other, until it comes to rest.
    async fn run(&mut self) -> Rest {
        let mut config = self.known.config();
        let mut restarts = Restarts::new(config.restart.clone());
        let mut is_restart = false;
        loop {
            self.begin(is_restart);
            let outcome = self.attempt(&config).await;
            let ended = match outcome {
                // Another run would be beside what is left of this one.
                Outcome::Left(failure) => return Rest::Failed(failure),
                Outcome::Turned => None,
                _ if self.mailbox.is_asked() => None,
                Outcome::Failed(failure) if !self.may_pass(&failure) => return Rest::Failed(failure),
                Outcome::Failed(failure) | Outcome::PortLost(failure) => Some((Ended::Badly, None, failure)),
                Outcome::Ended { how, ready, failure } => Some((how, ready, failure)),
            };
            is_restart = match ended {
                Some((how, ready, failure)) => match restarts.ended(how, ready, Instant::now()) {
                    Next::Rest if how == Ended::Well => return Rest::Done,
                    Next::Rest => return Rest::Failed(failure),
                    Next::Broken(rule) => return Rest::Failed(crash_loop(&config, rule, failure)),
                    Next::Again(wait) => self.wait(wait, ready, failure).await,
                },
                None => false,
            };
            if !is_restart {
                if !self.mailbox.goes_on() {
                    return Rest::Stopped;
                }
                self.answer_stopped();
                config = self.known.config();
                restarts = Restarts::new(config.restart.clone());
            }
        }
    }

    /// Whether it may well start another time: it did since somebody started it, and no word of its configuration is wrong.
    fn may_pass(&self, failure: &Failure) -> bool {
        use FailureCode::{NotOurs, PortInUse, StartTimeout};
        let was_up = || self.around.board.entry(&self.known.name).is_some_and(|entry| entry.was_up);
        matches!(failure.code, StartTimeout | PortInUse | NotOurs) && was_up()
    }

    /// Waits before a restart; false where somebody wished something else meanwhile.
    async fn wait(&mut self, wait: Duration, ready: Option<Instant>, failure: Failure) -> bool {
        tracing::info!(sidecar = self.known.name, ?wait, reason = failure.message, "starting a sidecar again");
        self.change(|entry| {
            entry.state.status = SidecarStatus::Starting;
            entry.state.next_start_at = Some(now_ms().saturating_add(wait.as_millis() as u64));
            if ready.is_none() {
                entry.fell(failure.clone());
            }
            entry.state.failure = Some(failure);
        });
        tokio::select! {
            biased;
            () = self.mailbox.turned(&self.around.board, &self.known.name) => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// It is starting, from now on.
    fn begin(&mut self, is_restart: bool) {
        let state = self.change(|entry| {
            entry.state.status = SidecarStatus::Starting;
            entry.state.next_start_at = None;
            entry.state.restarts += u64::from(is_restart);
            if !is_restart {
                (entry.state.failure, entry.state.exit) = (None, None);
                (entry.was_up, entry.is_done) = (false, false);
            }
            entry.is_falling = false;
        });
        self.mailbox.answer_starters(&state);
    }

    /// Where somebody waits for its end though it goes on, it has been at rest.
    fn answer_stopped(&mut self) {
        if self.mailbox.has_stoppers() {
            let state = self.change(|entry| entry.state.status = SidecarStatus::Stopped);
            self.mailbox.answer_stoppers(&state);
        }
    }

    fn rest(&mut self, rest: Rest) {
        let state = self.change(|entry| {
            entry.state.next_start_at = None;
            entry.is_done = matches!(rest, Rest::Done);
            match rest {
                Rest::Stopped | Rest::Done => {
                    (entry.state.status, entry.state.failure) = (SidecarStatus::Stopped, None)
                }
                Rest::Failed(failure) => {
                    entry.state.status = SidecarStatus::Failed;
                    entry.fell(failure.clone());
                    entry.state.failure = Some(failure);
                }
            }
        });
        match &state.failure {
            Some(failure) => tracing::warn!(
                sidecar = self.known.name, code = ?failure.code, reason = failure.message, "a sidecar has failed"
            ),
            None => tracing::info!(sidecar = self.known.name, "a sidecar is stopped"),
        }
        self.mailbox.rest(&state);
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) -> super::api::SidecarState {
        self.around.board.change(&self.known.name, change)
    }
}

impl Entry {
    /// A run came to nothing, and whoever waits for it need not wait for the next.
    fn fell(&mut self, failure: Failure) {
        // Each run falls once, though more may be known of it in the end.
        self.falls += u64::from(!self.is_falling);
        self.fall = Some(failure);
    }

    /// The same while some of it is still there.
    fn is_falling(&mut self, failure: Failure) {
        self.fell(failure);
        self.is_falling = true;
    }
}

fn crash_loop(config: &SidecarConfig, rule: Broken, last: Failure) -> Failure {
    let (name, restart, what) = (&config.name, &config.restart, last.message);
    let times = if restart.starts == 1 { "once".to_owned() } else { format!("{} times", restart.starts) };
    let rule = match rule {
        Broken::Unstable => format!("without being ready for {} ms in between", restart.stable_ms),
        Broken::Window => format!("within {} ms", restart.window_ms),
    };
    let message = format!("{name} ended {times} {rule} and is not started again; last, {what}");
    // That somebody has its port, or the daemon has no room, is what its user can act on.
    let code = match last.code {
        FailureCode::PortInUse | FailureCode::NotOurs | FailureCode::Host => last.code,
        _ => FailureCode::CrashLoop,
    };
    Failure { code, message, details: last.details }
}

/// A failure without details.
pub(crate) fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure { code, message: message.into(), details: None }
}

impl Failure {
    /// The same failure with what is known beside it.
    pub(crate) fn with(self, details: FailureDetails) -> Failure {
        Failure { details: Some(Box::new(details)), ..self }
    }
}

impl From<sixframe_supervisor::Exit> for RunExit {
    fn from(exit: sixframe_supervisor::Exit) -> RunExit {
        RunExit { code: exit.code, signal: exit.signal }
    }
}
