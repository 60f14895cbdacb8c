//! All sidecars together: who depends on whom, who may be started in which mode, and the end of all. Knows nothing of how one
//! is kept.

mod define;
mod measuring;
mod order;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use sixframe_core::{Code, Fault};
use sixframe_hub::{Hub, SliceError};
use sixframe_supervisor::Supervisor;
use tokio::sync::{RwLock, mpsc};

use super::api::{Listed, Mode, Owner, SetMode, SidecarState, SidecarStatus};
use super::board::{Board, now_ms};
use super::check;
use super::config::SidecarConfig;
use super::keeper::{Around, Command, Keeper, Known, Mailbox};
use super::server::{CheckServer, Lookout};
use measuring::Watchers;
use order::started_with;

/// The domain of the faults.
const DOMAIN: &str = "sidecar";

/// Most names that an error proposes.
const PROPOSED: usize = 3;

/// How the sidecars are set up.
pub struct SidecarsConfig {
    /// The sidecars that there are from the start.
    pub sidecars: Vec<SidecarConfig>,
    /// Where relative paths of them begin, and a folder `binaries` may be: that of the configuration file.
    pub folder: Option<PathBuf>,
    /// The mode to begin with.
    pub mode: SetMode,
    /// Whether callers may define sidecars.
    pub define_allowed: bool,
    /// How the server of the mode `connected` is known, and how often it is looked at.
    pub check_server: CheckServer,
}

/// Why there are no sidecars.
#[derive(Debug, thiserror::Error)]
pub enum SidecarsError {
    /// What was said of them cannot be.
    #[error("{}", .0.join("; "))]
    Config(Vec<String>),
    /// The hub does not show them.
    #[error(transparent)]
    Slice(#[from] SliceError),
}

/// The sidecars of a daemon. Cheap to clone; what runs is stopped in the background when the last clone is dropped, and in
/// order by [`Sidecars::stop_all`].
#[derive(Clone)]
pub struct Sidecars {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) around: Arc<Around>,
    members: Mutex<BTreeMap<String, Member>>,
    pub(super) check_server: CheckServer,
    pub(super) lookout: Lookout,
    define_allowed: bool,
    /// Held while one is defined: what is right of each alone may be a circle of both.
    defining: Mutex<()>,
    /// Held for reading while something is started because the mode allows it, and for writing while that changes.
    gate: RwLock<()>,
    watchers: Arc<Watchers>,
}

/// A sidecar and the way to its keeper.
#[derive(Clone)]
struct Member {
    known: Arc<Known>,
    commands: mpsc::Sender<Command>,
}

impl Sidecars {
    /// Makes them known, within a tokio runtime; nothing is started before [`Sidecars::begin`].
    ///
    /// # Errors
    /// A configuration that cannot be, or a hub whose slice `sidecars` has an owner.
    pub fn new(config: SidecarsConfig, hub: &Hub, supervisor: Supervisor) -> Result<Sidecars, SidecarsError> {
        let mut faults: Vec<String> = config.sidecars.iter().flat_map(named_faults).collect();
        faults.extend(check::faults_together(&config.sidecars));
        if !faults.is_empty() {
            return Err(SidecarsError::Config(faults));
        }
        let begins = config.mode.mode() == Mode::Service;
        let board = Board::new(hub, config.mode)?;
        let around = Arc::new(Around { supervisor, board, folder: config.folder });
        let shared = Shared {
            around,
            members: Mutex::default(),
            check_server: config.check_server,
            lookout: Lookout::default(),
            define_allowed: config.define_allowed,
            defining: Mutex::default(),
            gate: RwLock::default(),
            watchers: Arc::default(),
        };
        let sidecars = Sidecars { shared: Arc::new(shared) };
        let starting = if begins { started_with(&config.sidecars) } else { BTreeSet::new() };
        for sidecar in config.sidecars {
            // What is about to be started is not stopped: who waits for it waits.
            let status = match starting.contains(&sidecar.name) {
                true => SidecarStatus::Starting,
                false => SidecarStatus::Stopped,
            };
            sidecars.add(sidecar, status);
        }
        sidecars.measure();
        Ok(sidecars)
    }

    /// Starts what is to start with the daemon, in the background; in the mode `connected`, looks for the server.
    pub fn begin(&self) {
        let sidecars = self.clone();
        tokio::spawn(async move {
            match sidecars.board().mode() {
                SetMode::Standalone => {}
                SetMode::Service { .. } => sidecars.start_all(sidecars.auto_started()).await,
                set @ SetMode::Connected { .. } => sidecars.look_for_server(set),
            }
        });
    }

    /// From now on none is started, and whoever waits until one is ready learns that the daemon is stopping. What runs goes
    /// on until [`Sidecars::stop_all`].
    pub fn close(&self) {
        self.board().close();
    }

    /// Stops all of them, each behind what depends on it, and waits until nothing of them is left. None is started from then
    /// on.
    pub async fn stop_all(&self) {
        self.close();
        {
            let _alone = self.gate().await;
            self.shared.lookout.end();
        }
        self.stop_these(self.names()).await;
    }

    /// The sidecars and the mode, as `sidecar.list` answers.
    pub fn list(&self) -> Listed {
        Listed { mode: self.board().mode_state(), sidecars: self.board().states() }
    }

    /// The state of one of them.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub fn status(&self, name: &str) -> Result<SidecarState, Fault> {
        self.board().entry(name).map(|entry| entry.state).ok_or_else(|| self.unknown(name))
    }

    fn add(&self, config: SidecarConfig, status: SidecarStatus) -> SidecarState {
        let state = self.board().put(first_state(&config, status));
        let (commands, mailbox) = Mailbox::new();
        let known = Arc::new(Known::new(config));
        let keeper = Keeper { known: Arc::clone(&known), around: Arc::clone(&self.shared.around), mailbox };
        self.members_mut().insert(state.name.clone(), Member { known, commands });
        tokio::spawn(keeper.keep());
        state
    }

    /// What reads the logs of one of them.
    pub(super) fn known(&self, name: &str) -> Result<Arc<Known>, Fault> {
        self.member(name).map(|member| member.known)
    }

    pub(super) fn board(&self) -> &Board {
        &self.shared.around.board
    }

    fn names(&self) -> Vec<String> {
        self.members().into_keys().collect()
    }

    fn member(&self, name: &str) -> Result<Member, Fault> {
        let member = self.members_mut().get(name).cloned();
        member.ok_or_else(|| self.unknown(name))
    }

    fn members(&self) -> BTreeMap<String, Member> {
        self.members_mut().clone()
    }

    fn members_mut(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.shared.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No sidecar is called that.
    pub(super) fn unknown(&self, name: &str) -> Fault {
        let names = self.names();
        let names = check::nearest(name, names.iter().map(String::as_str), PROPOSED);
        let hint = match names.is_empty() {
            true => "; there are none, write [[sidecar]] into the configuration".to_owned(),
            false => format!("; the nearest known ones are {}", names.join(", ")),
        };
        Fault::new(Code::NOT_FOUND, format!("no sidecar is called {name:?}{hint}")).details(json!({"names": names}))
    }
}

fn first_state(config: &SidecarConfig, status: SidecarStatus) -> SidecarState {
    SidecarState {
        name: config.name.clone(),
        status,
        failure: None,
        generation: 0,
        starts: 0,
        restarts: 0,
        pid: None,
        port: None,
        url: None,
        started_at: None,
        ready_at: None,
        changed_at: now_ms(),
        next_start_at: None,
        waits_for: None,
        owner: Owner::None,
        exit: None,
        depends_on: config.depends_on.clone(),
        auto_start: config.auto_start,
        health_failures: None,
        usage: None,
    }
}

fn named_faults(config: &SidecarConfig) -> Vec<String> {
    check::faults(config).into_iter().map(|fault| format!("sidecar {:?}: {fault}", config.name)).collect()
}
