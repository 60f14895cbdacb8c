//! The server of the mode `connected`: looked at before it is used, and for as long as it is. Knows nothing of how it is reached.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt as _;
use serde_json::json;
use sixframe_core::Fault;
use tokio::task::JoinHandle;

use super::api::SetMode;
use super::board::Found;
use super::set::{Shared, Sidecars};

/// The first wait for a server that is not there; it doubles up to the time between two looks at one that is.
const SOON: Duration = Duration::from_millis(500);

/// The looks at one server, as they are asked for: each is what was found, or why it is not to be used.
pub(super) type Looks = Pin<Box<dyn Stream<Item = Result<Server, String>> + Send>>;

/// A server of the mode `connected`, as a look has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its `serverId`.
    pub id: String,
    /// The names of the sidecars that it has; nothing where it does not tell, and is taken to have them all.
    pub sidecars: Option<BTreeSet<String>>,
}

impl Server {
    /// Whether it answers for a sidecar.
    pub(super) fn has(&self, name: &str) -> bool {
        self.sidecars.as_ref().is_none_or(|names| names.contains(name))
    }
}

/// How the server of the mode `connected` is known, before it is used and while it is.
#[derive(Clone)]
pub struct CheckServer {
    interval: Duration,
    looks: Arc<dyn Fn(String, Option<String>) -> Looks + Send + Sync>,
}

impl CheckServer {
    /// Looks by the items of what `look` makes of an address and the identity that is expected, if any, `interval` apart and
    /// at least 1 ms. An item is what the server tells of itself, or why it is not to be used, in a sentence that says
    /// what to change. What is needed for looking is held until the stream is dropped.
    pub fn new<S>(interval: Duration, look: impl Fn(String, Option<String>) -> S + Send + Sync + 'static) -> CheckServer
    where
        S: Stream<Item = Result<Server, String>> + Send + 'static,
    {
        let interval = interval.max(Duration::from_millis(1));
        CheckServer { interval, looks: Arc::new(move |url, identity| Box::pin(look(url, identity))) }
    }

    fn looks(&self, url: &str, identity: Option<&str>) -> Looks {
        (self.looks)(url.to_owned(), identity.map(str::to_owned))
    }
}

impl fmt::Debug for CheckServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckServer").field("interval", &self.interval).finish_non_exhaustive()
    }
}

/// Who looks at the server that is used now, if anybody does.
#[derive(Default)]
pub(super) struct Lookout(Mutex<Option<JoinHandle<()>>>);

impl Lookout {
    /// Nobody looks any more.
    pub(super) fn end(&self) {
        self.replace(None);
    }

    fn replace(&self, looking: Option<JoinHandle<()>>) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), looking);
        if let Some(before) = before {
            before.abort();
        }
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.end();
    }
}

impl Sidecars {
    /// Looks for the first time: who it is, and what looks again. Errors: `UNREACHABLE`.
    pub(super) async fn find_server(&self, url: &str, identity: Option<&str>) -> Result<(Server, Looks), Fault> {
        let mut looks = self.shared.check_server.looks(url, identity);
        match looks.next().await {
            Some(Ok(server)) => Ok((server, looks)),
            Some(Err(why)) => Err(unreachable(url, why)),
            None => Err(unreachable(url, format!("nobody can tell who {url} is"))),
        }
    }

    /// Goes on looking at a server that is used, until [`Lookout::end`].
    pub(super) fn watch_server(&self, set: SetMode, looks: Looks) {
        let wait = self.shared.check_server.interval;
        self.look_out(set, looks, wait, true);
    }

    /// Begins to look for a server that is to be used as soon as it is there.
    pub(super) fn look_for_server(&self, set: SetMode) {
        let SetMode::Connected { server_url, identity } = &set else { return };
        let looks = self.shared.check_server.looks(server_url, identity.as_deref());
        self.look_out(set, looks, Duration::ZERO, false);
    }

    fn look_out(&self, set: SetMode, looks: Looks, wait: Duration, is_there: bool) {
        let (shared, interval) = (Arc::downgrade(&self.shared), self.shared.check_server.interval);
        let looking = tokio::spawn(keep_looking(shared, set, looks, interval, wait, is_there));
        self.shared.lookout.replace(Some(looking));
    }
}

async fn keep_looking(
    shared: Weak<Shared>,
    set: SetMode,
    mut looks: Looks,
    interval: Duration,
    mut wait: Duration,
    mut was_there: bool,
) {
    loop {
        tokio::time::sleep(wait).await;
        let Some(seen) = looks.next().await else { return };
        let Some(shared) = shared.upgrade() else { return };
        let is_there = seen.is_ok();
        wait = match is_there {
            true => interval,
            false if was_there => SOON.min(interval),
            false => (wait * 2).clamp(SOON.min(interval), interval),
        };
        was_there = is_there;
        tell(&shared, &set, seen);
    }
}

fn tell(shared: &Shared, set: &SetMode, seen: Result<Server, String>) {
    let found = match seen {
        Ok(server) => Found::Server(server),
        Err(why) => Found::Nobody { why },
    };
    if shared.around.board.found(set, found.clone()) {
        match found {
            Found::Server(server) => {
                tracing::info!(server = server.id, sidecars = ?server.sidecars, "the server is there")
            }
            Found::Nobody { why } => tracing::warn!(why, "the server is not there, and its endpoints are not shown"),
        }
    }
}

/// The server is not to be used.
pub(super) fn unreachable(url: &str, why: String) -> Fault {
    Fault::new("UNREACHABLE", why).domain("sidecar").details(json!({"serverUrl": url}))
}
