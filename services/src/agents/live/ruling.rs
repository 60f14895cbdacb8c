//! What an agent asks leave for is held to the rules beside the session, which hears its people meanwhile. What the agent tells
//! behind it waits for that.

use std::future::pending;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use super::super::agent::{Fact, Told};
use super::super::event::Mode;
use super::super::policy::Ruling;
use super::{Live, Surroundings};

/// The longest that rules are waited for. They leave off by themselves before: only a disk that does not answer takes longer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What is held to the rules.
#[derive(Debug)]
pub(super) struct Asking {
    told: Told,
    /// The mode for which the rules are asked.
    mode: Mode,
    ruling: JoinHandle<Ruling>,
    until: Instant,
}

/// What the rules say of what is held to them; where they cannot say it in time, a person is asked.
pub(super) async fn ruled(asking: &mut Option<Asking>) -> Ruling {
    match asking {
        Some(Asking { told, ruling, until, .. }) => match timeout_at(*until, ruling).await {
            Ok(Ok(ruling)) => ruling,
            Ok(Err(_)) | Err(_) => unsaid(told),
        },
        None => pending().await,
    }
}

fn unsaid(told: &Told) -> Ruling {
    match &told.fact {
        Fact::Asked(ask) => Ruling::unsaid(ask),
        _ => Ruling::default(),
    }
}

impl Live {
    /// Has what is asked held to the rules.
    pub(super) fn consult(&mut self, told: Told) {
        let Fact::Asked(ask) = &told.fact else { return self.session.told(self.now(), told) };
        if self.session.denies_all() {
            // Whatever they say.
            let ruling = unsaid(&told);
            return self.rule(told, ruling);
        }
        let Surroundings { policy, ground, .. } = self.surroundings.clone();
        let (ask, mode, id) = (ask.clone(), self.session.mode(), self.session.id().to_owned());
        let ruling = match self.late.as_ref().is_some_and(|late| !late.is_finished()) {
            // Nobody has more than one at work, however many were given up.
            true => tokio::spawn(async move { Ruling::unsaid(&ask) }),
            false => spawn_blocking(move || policy.rule_on(&ask, &ground, mode, &id)),
        };
        self.asking = Some(Asking { told, mode, ruling, until: Instant::now() + PATIENCE });
    }

    /// Nobody waits for the rules where whatever they say is denied, or is nobody's matter any more.
    pub(super) fn give_up_ruling(&mut self) {
        let given_up = self.asking.as_ref().filter(|_| self.session.denies_all()).map(|asking| unsaid(&asking.told));
        given_up.into_iter().for_each(|ruling| self.take_ruling(ruling));
    }

    /// The rules have spoken.
    pub(super) fn take_ruling(&mut self, ruling: Ruling) {
        let Some(Asking { told, mode, ruling: asked, .. }) = self.asking.take() else { return };
        // What stands for one that was not begun, as another was late, does not take the place of that.
        if !asked.is_finished() && self.late.as_ref().is_none_or(JoinHandle::is_finished) {
            self.late = Some(asked);
        }
        if mode != self.session.mode() {
            // What was decided was so in another one.
            return self.consult(told);
        }
        self.rule(told, ruling);
    }

    fn rule(&mut self, mut told: Told, ruling: Ruling) {
        if let Fact::Asked(ask) = &mut told.fact {
            ask.ruling = ruling;
            self.weigh(ask);
        }
        self.session.told(self.now(), told);
    }
}
