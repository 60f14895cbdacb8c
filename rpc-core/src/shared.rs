//! What an endpoint's handles and its driver share: the session behind one short lock, the clock, the peer's identity.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::task::{Context as TaskContext, Waker};

use tokio::time::Instant;

use crate::config::{Behaviour, Config};
use crate::context::Parts;
use crate::owner::{Hold, Owner};
use crate::session::{Millis, Session, SessionConfig};
use crate::{Identity, Limits};

/// The session as the driver runs it: it wakes wakers, and holds on to handlers by their contexts.
pub(crate) type DrivenSession = Session<Waker, Arc<Parts>>;

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) config: Behaviour,
    session_config: Arc<SessionConfig>,
    start: Instant,
    identity: RwLock<Arc<Identity>>,
    owner: OnceLock<Owner>,
    hold: Mutex<Option<Box<Hold>>>,
}

#[derive(Debug)]
struct State {
    session: DrivenSession,
    driver: Option<Waker>,
    /// Whether the driver was woken and has not looked since.
    notified: bool,
    /// The time that the driver's timer is set to.
    armed: Option<Millis>,
    /// When a closing endpoint stops waiting.
    close_at: Option<Millis>,
}

/// What the driver should see to after it looked at the session.
pub(crate) struct Look {
    pub(crate) next_deadline: Option<Millis>,
    pub(crate) close_at: Option<Millis>,
    pub(crate) is_drained: bool,
    pub(crate) holds_memory: bool,
}

impl Shared {
    pub(crate) fn new(config: Config, reconnects: bool) -> Arc<Shared> {
        let session_config = config.session(reconnects);
        let begin = if reconnects { Session::disconnected } else { Session::new };
        let session = begin(session_config.clone());
        let identity = RwLock::new(Arc::new(config.identity));
        let state = State { session, driver: None, notified: false, armed: None, close_at: None };
        Arc::new(Shared {
            state: Mutex::new(state),
            config: Behaviour {
                timeout: config.timeout,
                heartbeat: config.heartbeat,
                expose_internal_errors: config.expose_internal_errors,
                trusted: config.trusted,
                on_frame: config.on_frame,
                owners: config.owners,
            },
            session_config,
            start: Instant::now(),
            identity,
            owner: OnceLock::new(),
            hold: Mutex::new(None),
        })
    }

    pub(crate) fn now(&self) -> Millis {
        self.start.elapsed().as_millis() as Millis
    }

    pub(crate) fn instant(&self, at: Millis) -> Instant {
        self.start + std::time::Duration::from_millis(at)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.session_config.limits
    }

    /// Runs `f` on the session, and wakes the driver if that left it something to do. `f` must run no code of a user.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut DrivenSession, Millis) -> R) -> R {
        let now = self.now();
        let mut state = self.lock();
        let result = f(&mut state.session, now);
        let driver = state.notify();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }

    /// As [`Shared::with`], for the driver itself, which needs no waking.
    pub(crate) fn drive<R>(&self, f: impl FnOnce(&mut DrivenSession) -> R) -> R {
        f(&mut self.lock().session)
    }

    /// The driver begins to look: from now on it wants to be woken again.
    pub(crate) fn begin_look(&self, cx: &TaskContext<'_>) -> Option<Waker> {
        let mut state = self.lock();
        state.notified = false;
        match &state.driver {
            Some(driver) if driver.will_wake(cx.waker()) => None,
            Some(_) | None => state.driver.replace(cx.waker().clone()),
        }
    }

    pub(crate) fn look(&self) -> Look {
        let mut state = self.lock();
        state.armed = state.session.next_deadline();
        Look {
            next_deadline: state.armed,
            close_at: state.close_at,
            is_drained: state.session.is_drained(),
            holds_memory: state.session.holds_memory(),
        }
    }

    /// Begins to close: the driver drains and stops at `at`.
    pub(crate) fn close_at(&self, at: Millis) {
        let mut state = self.lock();
        state.close_at = Some(state.close_at.map_or(at, |before| before.min(at)));
        let driver = state.driver.clone();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    pub(crate) fn identity(&self) -> Arc<Identity> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_identity(&self, identity: Identity) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(identity);
    }

    pub(crate) fn owner(&self) -> Owner {
        let hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let named = hold.as_ref().map(|hold| hold.owner.clone());
        drop(hold);
        named.unwrap_or_else(|| self.owner.get_or_init(Owner::connection).clone())
    }

    /// The peer named its session; work belongs to that from now on.
    pub(crate) fn claim_session(&self, name: &str) {
        let Some(owners) = &self.config.owners else { return };
        let claimed = Box::new(owners.hello(name));
        let before = self.hold.lock().unwrap_or_else(PoisonError::into_inner).replace(claimed);
        if let Some(before) = before {
            before.release(false);
        }
    }

    /// The connection is gone, cleanly or not; so is what belonged to it.
    pub(crate) fn release_owner(&self, clean: bool) {
        if let Some(owner) = self.owner.get() {
            owner.end();
        }
        let hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(hold) = hold {
            hold.release(clean);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn notify(&mut self) -> Option<Waker> {
        let earlier = match (self.session.next_deadline(), self.armed) {
            (Some(next), Some(armed)) => next < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let wanted = self.session.has_messages() || self.session.has_events() || earlier;
        if !wanted || std::mem::replace(&mut self.notified, true) {
            return None;
        }
        self.driver.clone()
    }
}
