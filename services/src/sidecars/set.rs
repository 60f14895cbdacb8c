//! All sidecars together: who depends on whom, who may be started in which mode, and the end of all. Knows nothing of how one
//! is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use sixframe_core::{Code, Fault};
use sixframe_hub::{Hub, SliceError};
use sixframe_supervisor::Supervisor;
use tokio::sync::{Notify, RwLock, RwLockWriteGuard, mpsc, oneshot};

use super::api::{Failure, Listed, Mode, Owner, SetMode, SidecarState, SidecarStatus};
use super::board::{Board, now_ms};
use super::check;
use super::config::SidecarConfig;
use super::keeper::{Around, Command, Keeper, Known, Mailbox};
use super::server::{CheckServer, Lookout, unreachable};
use super::usage::{self, Meter};

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
    is_closing: AtomicBool,
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

/// Who follows the states.
#[derive(Default)]
struct Watchers {
    count: AtomicUsize,
    came: Notify,
}

/// One who follows the states, while it lives.
pub(super) struct Watching(Arc<Watchers>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
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
            is_closing: AtomicBool::new(false),
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

    /// Stops all of them, each behind what depends on it, and waits until nothing of them is left. None is started from then
    /// on.
    pub async fn stop_all(&self) {
        self.shared.is_closing.store(true, Ordering::Relaxed);
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

    /// Starts one of them, and first what it depends on. Its state as soon as it is starting, or when it runs already.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CONFLICT` where the mode has no sidecars run.
    pub async fn start(&self, name: &str) -> Result<SidecarState, Fault> {
        self.member(name)?;
        let _open = self.shared.gate.read().await;
        self.may_start()?;
        self.start_in_order(self.with_dependencies([name.to_owned()])).await?;
        self.status(name)
    }

    /// Stops one of them, behind what depends on it if asked. Its state when nothing of it is left.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn stop(&self, name: &str, dependents: bool) -> Result<SidecarState, Fault> {
        self.member(name)?;
        match dependents {
            true => self.stop_these(self.with_dependents(name)).await,
            false => _ = self.order(name, Command::Stop).await,
        }
        self.status(name)
    }

    /// Stops one of them alone and starts it again. Its state as soon as it is starting.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CONFLICT` where the mode has no sidecars run.
    pub async fn restart(&self, name: &str) -> Result<SidecarState, Fault> {
        let member = self.member(name)?;
        let _open = self.shared.gate.read().await;
        self.may_start()?;
        let depends = member.known.config().depends_on.clone();
        self.start_in_order(self.with_dependencies(depends)).await?;
        self.order(name, Command::Restart).await
    }

    /// Waits until one of them is ready.
    ///
    /// # Errors
    /// `NOT_FOUND`; in the domain `sidecar` the code of its failure, or `STOPPED`; `RPC_TIMEOUT`.
    pub async fn wait_ready(&self, name: &str, longest: Duration) -> Result<SidecarState, Fault> {
        let falls = self.board().entry(name).ok_or_else(|| self.unknown(name))?.falls;
        let late = || {
            let message = format!("{name} was not ready within {} ms; it may still become so", longest.as_millis());
            Err(Fault::new(Code::RPC_TIMEOUT, message))
        };
        tokio::time::timeout(longest, self.ready_since(name, falls)).await.unwrap_or_else(|_| late())
    }

    /// Waits until it is ready; fails once it has fallen more often than `falls` times.
    async fn ready_since(&self, name: &str, falls: u64) -> Result<SidecarState, Fault> {
        let mut changes = self.board().subscribe();
        loop {
            changes.borrow_and_update();
            let entry = self.board().entry(name).ok_or_else(|| self.unknown(name))?;
            let has_fallen = entry.falls > falls || entry.is_between_vain_runs();
            match (entry.state.status, entry.fall) {
                _ if entry.state.owner == Owner::Remote => return Ok(entry.state),
                _ if self.waits_for_server()? => {}
                (status, _) if status.is_up() => return Ok(entry.state),
                (SidecarStatus::Failed, Some(failure)) => return Err(fault(failure)),
                (SidecarStatus::Stopped | SidecarStatus::Failed, _) => return Err(stopped(name)),
                (_, Some(failure)) if has_fallen => return Err(fault(failure)),
                _ => {}
            }
            // The board lives as long as this.
            let _ = changes.changed().await;
        }
    }

    /// Whether it is not known yet who the server is. Errors: it is not there, or not to be used.
    fn waits_for_server(&self) -> Result<bool, Fault> {
        let mode = self.board().mode_state();
        match (mode.mode, mode.server_failure) {
            (Mode::Connected, Some(why)) => Err(unreachable(&mode.server_url.unwrap_or_default(), why)),
            (Mode::Connected, None) => Ok(mode.server_id.is_none()),
            (Mode::Service | Mode::Standalone, _) => Ok(false),
        }
    }

    /// Adds a sidecar, or gives one that is at rest another configuration.
    ///
    /// # Errors
    /// `FORBIDDEN` where that was not allowed; `INVALID_PAYLOAD` where it cannot be; `CONFLICT` where it runs;
    /// `RESOURCE_EXHAUSTED` where there are 128.
    pub fn define(&self, config: SidecarConfig) -> Result<SidecarState, Fault> {
        if !self.shared.define_allowed {
            let message = "sidecar.define is off; start the daemon with --allow sidecar.define";
            let details = json!({"setting": "allow", "flag": "--allow sidecar.define"});
            return Err(Fault::new(Code::FORBIDDEN, message).details(details));
        }
        let _alone = self.shared.defining.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<SidecarConfig> =
            self.members().values().map(|known| (*known.known.config()).clone()).collect();
        all.retain(|other| other.name != config.name);
        if all.len() >= check::MOST {
            let message = format!("there are {} sidecars; define one of them anew", check::MOST);
            let details = json!({"limit": "sidecars", "value": check::MOST});
            return Err(Fault::new(Code::RESOURCE_EXHAUSTED, message).details(details));
        }
        all.push(config.clone());
        let faults = [named_faults(&config), check::faults_together(&all)].concat();
        if !faults.is_empty() {
            let message = faults.join("; ");
            return Err(Fault::new(Code::INVALID_PAYLOAD, message).details(json!({"faults": faults})));
        }
        match self.member(&config.name) {
            Err(_) => Ok(self.add(config, SidecarStatus::Stopped)),
            Ok(member) => self.redefine(&member, config),
        }
    }

    fn redefine(&self, member: &Member, config: SidecarConfig) -> Result<SidecarState, Fault> {
        let name = config.name.clone();
        if !self.status(&name)?.status.is_at_rest() {
            let message = format!("{name} runs; stop it before it is changed");
            return Err(Fault::new(Code::CONFLICT, message).domain(DOMAIN));
        }
        let (depends_on, auto_start) = (config.depends_on.clone(), config.auto_start);
        member.known.configure(config);
        let change = |entry: &mut super::board::Entry| {
            (entry.state.depends_on, entry.state.auto_start) = (depends_on, auto_start);
        };
        Ok(self.board().change(&name, change))
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

    /// Counts one who follows the states, until it is dropped.
    pub(super) fn watching(&self) -> Watching {
        self.shared.watchers.count.fetch_add(1, Ordering::Relaxed);
        self.shared.watchers.came.notify_one();
        Watching(Arc::clone(&self.shared.watchers))
    }

    /// Those that start with the daemon, and what they depend on, in order.
    pub(super) fn auto_started(&self) -> Vec<String> {
        let members = self.members();
        let wanted = members.values().filter(|member| member.known.config().auto_start);
        self.with_dependencies(wanted.map(|member| member.known.name.clone()))
    }

    /// Starts these, of which each stands behind what it depends on; one that cannot be started is told by its state.
    pub(super) async fn start_all(&self, names: Vec<String>) {
        let _open = self.shared.gate.read().await;
        let started = match self.may_start() {
            Ok(()) => self.start_in_order(names).await,
            Err(refused) => Err(refused),
        };
        if let Err(fault) = started {
            tracing::warn!(%fault, "the sidecars are not started");
        }
    }

    /// Waits until whoever was allowed to start something has done so; nobody else does while this is held.
    pub(super) async fn gate(&self) -> RwLockWriteGuard<'_, ()> {
        self.shared.gate.write().await
    }

    async fn start_in_order(&self, names: Vec<String>) -> Result<(), Fault> {
        for name in names {
            self.order(&name, Command::Start).await?;
        }
        Ok(())
    }

    /// Starts these and waits until all are ready. Errors: the first that will not be.
    pub(super) async fn make_ready(&self, names: &[String]) -> Result<(), Fault> {
        let begun: Vec<u64> = names.iter().map(|name| self.falls(name)).collect();
        {
            let _open = self.shared.gate.read().await;
            self.may_go_on()?;
            self.start_in_order(names.to_vec()).await?;
        }
        let each = names.iter().zip(begun).map(|(name, falls)| self.ready_since(name, falls));
        try_join_all(each).await.map(|_| ())
    }

    fn falls(&self, name: &str) -> u64 {
        self.board().entry(name).map_or(0, |entry| entry.falls)
    }

    /// Stops these, each behind those among them that depend on it.
    pub(super) async fn stop_these(&self, names: impl IntoIterator<Item = String>) {
        let mut left: BTreeSet<String> = names.into_iter().collect();
        while !left.is_empty() {
            let needed: BTreeSet<String> = left
                .iter()
                .filter_map(|name| self.member(name).ok())
                .flat_map(|m| m.known.config().depends_on.clone())
                .collect();
            let wave: Vec<String> = left.iter().filter(|name| !needed.contains(*name)).cloned().collect();
            join_all(wave.iter().map(|name| self.order(name, Command::Stop))).await;
            left.retain(|name| !wave.contains(name));
        }
    }

    async fn order(
        &self,
        name: &str,
        command: impl FnOnce(oneshot::Sender<SidecarState>) -> Command,
    ) -> Result<SidecarState, Fault> {
        let member = self.member(name)?;
        let (reply, answer) = oneshot::channel();
        let ending = || Fault::new(Code::INTERNAL, "the daemon is ending");
        member.commands.send(command(reply)).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())
    }

    /// Nothing is started once all of them are being stopped.
    fn may_go_on(&self) -> Result<(), Fault> {
        match self.shared.is_closing.load(Ordering::Relaxed) {
            true => Err(Fault::new(Code::CONFLICT, "the daemon is stopping").domain(DOMAIN)),
            false => Ok(()),
        }
    }

    fn may_start(&self) -> Result<(), Fault> {
        self.may_go_on()?;
        let state = self.board().mode_state();
        if state.mode == Mode::Service {
            return Ok(());
        }
        let mode = json!(state.mode);
        let message =
            format!("no sidecars run in the mode {mode}; switch with sidecar.setMode {{\"mode\": \"service\"}}");
        Err(Fault::new(Code::CONFLICT, message).domain(DOMAIN).details(json!({"mode": mode})))
    }

    fn with_dependencies(&self, names: impl IntoIterator<Item = String>) -> Vec<String> {
        let members = self.members();
        let mut wanted = BTreeSet::new();
        let mut open: Vec<String> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some(member) = members.get(&name) else { continue };
            if wanted.insert(name) {
                open.extend(member.known.config().depends_on.iter().cloned());
            }
        }
        self.in_order().into_iter().filter(|name| wanted.contains(name)).collect()
    }

    fn with_dependents(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([name.to_owned()]);
        for member in self.in_order().iter().filter_map(|name| self.member(name).ok()) {
            if member.known.config().depends_on.iter().any(|below| found.contains(below)) {
                found.insert(member.known.name.clone());
            }
        }
        found
    }

    /// All names, each behind what it depends on.
    fn in_order(&self) -> Vec<String> {
        let configs: Vec<Arc<SidecarConfig>> = self.members().values().map(|member| member.known.config()).collect();
        let depends = configs.iter().map(|config| (config.name.as_str(), config.depends_on.as_slice())).collect();
        check::order(&depends).unwrap_or_default()
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

    /// Looks at what they use, while somebody follows their states.
    fn measure(&self) {
        let (watchers, shared) = (Arc::clone(&self.shared.watchers), Arc::downgrade(&self.shared));
        tokio::spawn(async move {
            let mut meter = Meter::default();
            loop {
                let Some(sidecars) = shared.upgrade().map(|shared| Sidecars { shared }) else { return };
                if watchers.count.load(Ordering::Relaxed) == 0 {
                    sidecars.forget_usage();
                    drop(sidecars);
                    meter = Meter::default();
                    watchers.came.notified().await;
                    continue;
                }
                meter = sidecars.measured(meter).await;
                drop(sidecars);
                tokio::time::sleep(usage::INTERVAL).await;
            }
        });
    }

    async fn measured(&self, mut meter: Meter) -> Meter {
        let live: Vec<_> =
            self.members().into_values().filter_map(|m| Some((m.known.name.clone(), m.known.live()?))).collect();
        let look = move || {
            let groups: Vec<_> = live.iter().map(|(name, child)| (name.clone(), child.processes())).collect();
            (meter.look(&groups), meter)
        };
        // A runtime that is being shut down runs nothing any more.
        let Ok((found, meter)) = tokio::task::spawn_blocking(look).await else { return Meter::default() };
        for (name, usage) in found {
            self.board().change_if(&name, |state| {
                let is_new = state.pid.is_some() && state.usage != Some(usage);
                if is_new {
                    state.usage = Some(usage);
                }
                is_new
            });
        }
        meter
    }

    fn forget_usage(&self) {
        for name in self.names() {
            self.board().change_if(&name, |state| state.usage.take().is_some());
        }
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
        owner: Owner::None,
        exit: None,
        depends_on: config.depends_on.clone(),
        auto_start: config.auto_start,
        health_failures: None,
        usage: None,
    }
}

/// Those that start with the daemon, and what they depend on.
fn started_with(configs: &[SidecarConfig]) -> BTreeSet<String> {
    let mut open: Vec<&str> = configs.iter().filter(|c| c.auto_start).map(|c| c.name.as_str()).collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if found.insert(name.to_owned()) {
            let of = configs.iter().filter(|config| config.name == name);
            open.extend(of.flat_map(|config| config.depends_on.iter().map(String::as_str)));
        }
    }
    found
}

fn named_faults(config: &SidecarConfig) -> Vec<String> {
    check::faults(config).into_iter().map(|fault| format!("sidecar {:?}: {fault}", config.name)).collect()
}

/// A failure as it travels.
pub(super) fn fault(failure: Failure) -> Fault {
    let code = json!(failure.code).as_str().unwrap_or(Code::INTERNAL).to_owned();
    let fault = Fault::new(code, failure.message).domain(DOMAIN);
    match failure.details {
        Some(details) => fault.details(json!(details)),
        None => fault,
    }
}

fn stopped(name: &str) -> Fault {
    Fault::new("STOPPED", format!("{name} is stopped; start it with sidecar.start")).domain(DOMAIN)
}
