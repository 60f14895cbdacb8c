//! What is known of every sidecar at this moment, the mode among it: written by their keepers, read by everyone, shown in
//! the hub. Knows nothing of processes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sixframe_hub::{CommitError, Hub, Json, Slice, SliceConfig, SliceError};
use tokio::sync::watch;

use super::api::{
    Changing, Endpoint, Failure, FailureCode, FailureDetails, Mode, ModeState, Owner, SetMode, Shown, SidecarState,
    SidecarStatus,
};
use super::server::Server;

/// The slice of the hub.
const SLICE: &str = "sidecars";

/// The states of all sidecars.
pub(crate) struct Board {
    shown: Slice<Json>,
    /// One writes to the hub at a time, and what it writes is the newest.
    showing: Mutex<()>,
    kept: Mutex<Kept>,
    version: watch::Sender<u64>,
    is_closing: AtomicBool,
}

struct Kept {
    version: u64,
    shown: u64,
    entries: BTreeMap<String, Entry>,
    mode: Told,
    endpoints: BTreeMap<String, Endpoint>,
}

/// The mode as it was set.
struct Told {
    set: SetMode,
    /// In the mode `connected`: what was found when the server was looked at last.
    server: Option<Found>,
    changing: Option<Changing>,
    /// When it changed, as a version of the board.
    version: u64,
}

/// What a look at the server of the mode `connected` has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is who it should be.
    Server(Server),
    /// It is not there, or not who it should be.
    Nobody { why: String },
}

/// What is kept of one sidecar.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) state: SidecarState,
    /// Runs that ended before they were ready, or could not begin.
    pub(crate) falls: u64,
    /// Why the last of them did.
    pub(crate) fall: Option<Failure>,
    /// Whether its run is one of them, counted before nothing of it is left.
    pub(crate) is_falling: bool,
    /// Whether it could be used since somebody started it.
    pub(crate) was_up: bool,
    /// Whether it is at rest because its program has done its work.
    pub(crate) is_done: bool,
    version: u64,
}

impl Board {
    /// Nobody yet; nobody else may write the slice from now on.
    pub(crate) fn new(hub: &Hub, set: SetMode) -> Result<Board, SliceError> {
        let mode = Told { set, server: None, changing: None, version: 0 };
        let kept = Kept { version: 0, shown: 0, entries: BTreeMap::new(), mode, endpoints: BTreeMap::new() };
        let initial = Shown { mode: kept.mode_state(), services: BTreeMap::new() };
        let initial = Json::of(&initial).unwrap_or_default();
        let shown = hub.own(SliceConfig::new(SLICE, initial).volatile())?;
        let (version, is_closing) = (watch::Sender::new(0), AtomicBool::new(false));
        Ok(Board { shown, showing: Mutex::default(), kept: Mutex::new(kept), version, is_closing })
    }

    /// Puts a sidecar on the board.
    pub(crate) fn put(&self, state: SidecarState) -> SidecarState {
        let name = state.name.clone();
        {
            let mut kept = self.kept();
            kept.entries.insert(name.clone(), Entry::new(state));
        }
        self.change(&name, |_| ())
    }

    /// Changes the state of a sidecar, and gives what it became. Its owner, and when it changed, follow from it.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Entry)) -> SidecarState {
        let (version, state) = {
            let mut kept = self.kept();
            kept.version += 1;
            let (version, mode) = (kept.version, kept.mode.owner_at_rest(name));
            let entry = kept.entries.get_mut(name).expect("only sidecars on the board change");
            let before = entry.state.status;
            change(entry);
            entry.state.owner = owner(entry.state.status, mode);
            if entry.state.status != before {
                entry.state.changed_at = now_ms();
            }
            entry.version = version;
            (version, entry.state.clone())
        };
        self.show();
        self.version.send_replace(version);
        state
    }

    /// Changes a state only if `change` says that it did.
    pub(crate) fn change_if(&self, name: &str, change: impl FnOnce(&mut SidecarState) -> bool) {
        let version = {
            let mut kept = self.kept();
            let next = kept.version + 1;
            let Some(entry) = kept.entries.get_mut(name) else { return };
            if !change(&mut entry.state) {
                return;
            }
            entry.version = next;
            kept.version = next;
            next
        };
        self.show();
        self.version.send_replace(version);
    }

    /// Changes the mode, in one commit with all that follows from it.
    fn change_mode(&self, change: impl FnOnce(&mut Told)) -> ModeState {
        let (version, state) = {
            let mut kept = self.kept();
            kept.version += 1;
            let version = kept.version;
            change(&mut kept.mode);
            kept.mode.version = version;
            let Kept { entries, mode, .. } = &mut *kept;
            for (name, entry) in entries {
                let now = owner(entry.state.status, mode.owner_at_rest(name));
                if entry.state.owner != now {
                    (entry.state.owner, entry.version) = (now, version);
                }
            }
            (version, kept.mode_state())
        };
        self.show();
        self.version.send_replace(version);
        state
    }

    /// A switch begins. Errors: one is under way.
    pub(crate) fn begin_switch(&self, to: Mode) -> Result<(), Changing> {
        let mut under_way = None;
        self.change_mode(|mode| match mode.changing {
            Some(changing) => under_way = Some(changing),
            None => mode.changing = Some(Changing { to, since: now_ms() }),
        });
        under_way.map_or(Ok(()), Err)
    }

    /// The mode is another one from now on; of a server, with what it says of itself. The switch goes on if anything is to be
    /// stopped.
    pub(crate) fn swap(&self, set: SetMode, server: Option<Server>, stops: bool) -> ModeState {
        let server = server.map(Found::Server);
        self.change_mode(|mode| {
            (mode.set, mode.server) = (set, server);
            mode.changing = mode.changing.filter(|_| stops);
        })
    }

    /// The switch is over, made or come to nothing.
    pub(crate) fn end_switch(&self) -> ModeState {
        self.change_mode(|mode| mode.changing = None)
    }

    /// What a look at the server has shown, if it is still the one that is wanted. Whether that is new.
    pub(crate) fn found(&self, set: &SetMode, found: Found) -> bool {
        let is_new = {
            let kept = self.kept();
            kept.mode.set == *set && kept.mode.server.as_ref() != Some(&found)
        };
        if is_new {
            // The mode may have changed by now.
            self.change_mode(|mode| {
                if mode.set == *set {
                    mode.server = Some(found);
                }
            });
        }
        is_new
    }

    /// Nothing is started any more.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.version.send_modify(|_| ());
    }

    /// Whether nothing is started any more.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// What is kept of a sidecar.
    pub(crate) fn entry(&self, name: &str) -> Option<Entry> {
        self.kept().entries.get(name).cloned()
    }

    /// Waits until all of these can be used at once. Errors: one of them cannot, and will not be by itself.
    pub(crate) async fn all_up(&self, names: &[String]) -> Result<(), Failure> {
        let mut changes = self.subscribe();
        loop {
            changes.borrow_and_update();
            if self.are_up(names)? {
                return Ok(());
            }
            // The board lives as long as who asks.
            let _ = changes.changed().await;
        }
    }

    fn are_up(&self, names: &[String]) -> Result<bool, Failure> {
        let kept = self.kept();
        let mut are_up = true;
        for name in names {
            match kept.entries.get(name) {
                Some(entry) if !entry.state.status.is_at_rest() => are_up &= entry.state.status.is_up(),
                entry => return Err(missing(name, entry)),
            }
        }
        Ok(are_up)
    }

    /// The states, by name.
    pub(crate) fn states(&self) -> Vec<SidecarState> {
        self.kept().entries.values().map(|entry| entry.state.clone()).collect()
    }

    /// The oldest change behind the version `cursor` among the sidecars that are wanted, and its version.
    pub(crate) fn behind(&self, cursor: u64, wanted: impl Fn(&str) -> bool) -> Option<(u64, SidecarState)> {
        let kept = self.kept();
        let newer = kept.entries.iter().filter(|(name, entry)| entry.version > cursor && wanted(name));
        newer.min_by_key(|(_, entry)| entry.version).map(|(_, entry)| (entry.version, entry.state.clone()))
    }

    /// The mode as it was set last.
    pub(crate) fn mode(&self) -> SetMode {
        self.kept().mode.set.clone()
    }

    /// The mode with all that belongs to it.
    pub(crate) fn mode_state(&self) -> ModeState {
        self.kept().mode_state()
    }

    /// Tells that something has changed; what, the board says.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Writes to the hub what is newer than what it shows.
    fn show(&self) {
        let _alone = self.showing.lock().unwrap_or_else(PoisonError::into_inner);
        let (states, mode) = {
            let mut kept = self.kept();
            let version = kept.version;
            let since = std::mem::replace(&mut kept.shown, version);
            let newer = kept.entries.values().filter(|entry| entry.version > since);
            let states: Vec<SidecarState> = newer.map(|entry| entry.state.clone()).collect();
            let mode = kept.mode_state();
            let is_new = kept.mode.version > since || kept.endpoints != mode.endpoints;
            kept.endpoints = mode.endpoints.clone();
            (states, is_new.then_some(mode))
        };
        let written = self.shown.commit(|write| {
            for state in &states {
                write.set(&format!("/services/{}", state.name), state);
            }
            if let Some(mode) = &mode {
                write.set("/mode", mode);
            }
        });
        match written {
            // It is closed behind the calls that the daemon lets finish; nobody looks at it any more.
            Err(CommitError::NotPersisted(_)) if self.is_closing() => {}
            Err(error) => tracing::warn!(%error, "the hub does not show the sidecars"),
            Ok(_) => {}
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(state: SidecarState) -> Entry {
        Entry { state, falls: 0, fall: None, is_falling: false, was_up: false, is_done: false, version: 0 }
    }

    /// Whether it waits for its next start, or for the rest of a run that came to nothing, and could not be used since somebody
    /// started it: whoever waits for it learns why.
    pub(crate) fn is_between_vain_runs(&self) -> bool {
        (self.state.next_start_at.is_some() || self.is_falling) && !self.was_up
    }
}

impl Kept {
    fn mode_state(&self) -> ModeState {
        let (service_url, server_url) = match &self.mode.set {
            SetMode::Standalone => (None, None),
            SetMode::Service { service_url } => (service_url.clone(), None),
            SetMode::Connected { server_url, .. } => (None, Some(server_url.clone())),
        };
        let (server_id, server_failure) = match &self.mode.server {
            Some(Found::Server(server)) => (Some(server.id.clone()), None),
            Some(Found::Nobody { why }) => (None, Some(why.clone())),
            None => (None, None),
        };
        let endpoint = |entry: &Entry| self.mode.endpoint(&entry.state);
        let endpoints = self.entries.iter().filter_map(|(name, entry)| Some((name.clone(), endpoint(entry)?)));
        ModeState {
            mode: self.mode.set.mode(),
            service_url,
            server_url,
            server_id,
            server_failure,
            changing: self.mode.changing,
            endpoints: endpoints.collect(),
        }
    }
}

impl Told {
    fn endpoint(&self, state: &SidecarState) -> Option<Endpoint> {
        match &self.set {
            SetMode::Standalone => None,
            SetMode::Service { .. } => {
                let url = state.url.clone().filter(|_| state.status.is_up())?;
                Some(Endpoint { url, owner: Owner::This })
            }
            SetMode::Connected { server_url, .. } => {
                self.server_has(&state.name).then(|| Endpoint { url: server_url.clone(), owner: Owner::Remote })
            }
        }
    }

    fn server_has(&self, name: &str) -> bool {
        matches!(&self.server, Some(Found::Server(server)) if server.has(name))
    }

    /// Who answers for a sidecar of this name that does not run here.
    fn owner_at_rest(&self, name: &str) -> Owner {
        match self.set.mode() {
            Mode::Connected if self.server_has(name) => Owner::Remote,
            Mode::Connected | Mode::Service | Mode::Standalone => Owner::None,
        }
    }
}

fn missing(name: &str, entry: Option<&Entry>) -> Failure {
    let why = match entry {
        Some(Entry { is_done: true, .. }) => {
            "it has done its work and ended, and nothing can depend on a job that ends; begin the program of this one \
             with what has to be done first"
                .to_owned()
        }
        Some(Entry { state: SidecarState { failure: Some(failure), .. }, .. }) => failure.message.clone(),
        Some(_) | None => "it is stopped".to_owned(),
    };
    let details = FailureDetails { dependency: Some(name.to_owned()), ..FailureDetails::default() };
    let message = format!("it depends on {name}, which is not there: {why}");
    Failure { code: FailureCode::Dependency, message, details: Some(Box::new(details)) }
}

fn owner(status: SidecarStatus, at_rest: Owner) -> Owner {
    if status.is_at_rest() { at_rest } else { Owner::This }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
