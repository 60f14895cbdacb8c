//! Owners: what work that outlives its call belongs to. A session that `rpc.hello` named, else the connection itself. A
//! clean close ends a session's work at once; a lost connection ends it after a grace, unless the session says hello again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The owner of work that outlives its call.
#[derive(Clone, Debug)]
pub struct Owner {
    id: Arc<str>,
    ended: CancellationToken,
}

impl Owner {
    /// A name that is unique in this process: the session's, or one made for the connection.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Completes when work of this owner must end.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Whether work of this owner must end.
    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    pub(crate) fn connection() -> Owner {
        Owner::new("connection")
    }

    /// The id tells nothing of a session's name, which is its secret.
    fn new(kind: &str) -> Owner {
        let id = format!("{kind}-{:016x}", fastrand::u64(..)).into();
        Owner { id, ended: CancellationToken::new() }
    }

    pub(crate) fn end(&self) {
        self.ended.cancel();
    }
}

/// The sessions of one server, shared by its connections.
#[derive(Debug)]
pub struct Owners {
    grace: Duration,
    sessions: Mutex<HashMap<String, Session>>,
}

#[derive(Debug)]
struct Session {
    owner: Owner,
    /// Connections that the session has now.
    connections: usize,
    /// Counts hellos, so that a grace begun before the last one ends nothing.
    hellos: u64,
}

/// A connection's hold on the session it named.
#[derive(Debug)]
pub(crate) struct Hold {
    owners: Weak<Owners>,
    name: String,
    pub(crate) owner: Owner,
}

impl Owners {
    /// Owners whose work survives a lost connection for `grace`; 5 s is what the protocol recommends.
    pub fn new(grace: Duration) -> Arc<Owners> {
        Arc::new(Owners { grace, sessions: Mutex::default() })
    }

    /// The session `name` says hello on a connection.
    pub(crate) fn hello(self: &Arc<Self>, name: &str) -> Hold {
        let mut sessions = self.lock();
        let session = sessions.entry(name.to_owned()).or_insert_with(|| Session {
            owner: Owner::new("session"),
            connections: 0,
            hellos: 0,
        });
        session.connections += 1;
        session.hellos += 1;
        Hold { owners: Arc::downgrade(self), name: name.to_owned(), owner: session.owner.clone() }
    }

    /// How many sessions have work that may still go on.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no session has work that may still go on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn release(&self, name: &str) -> Option<u64> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(name)?;
        session.connections -= 1;
        (session.connections == 0).then_some(session.hellos)
    }

    fn end(&self, name: &str, hellos: u64) {
        let mut sessions = self.lock();
        let over = sessions.get(name).is_some_and(|session| session.connections == 0 && session.hellos == hellos);
        let ended = if over { sessions.remove(name) } else { None };
        drop(sessions);
        if let Some(session) = ended {
            session.owner.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// The connection is gone: cleanly, which ends the session's work at once, or lost, which leaves it a grace.
    pub(crate) fn release(self, clean: bool) {
        let Some(owners) = self.owners.upgrade() else { return self.owner.end() };
        let Some(hellos) = owners.release(&self.name) else { return };
        let grace = owners.grace;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !clean => drop(runtime.spawn(async move {
                tokio::time::sleep(grace).await;
                owners.end(&self.name, hellos);
            })),
            Ok(_) | Err(_) => owners.end(&self.name, hellos),
        }
    }
}
