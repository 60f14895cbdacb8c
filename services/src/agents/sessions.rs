//! All sessions of a daemon, with what they are started from and where they are kept.

mod config;
mod ends;
mod past;
mod problems;
mod providers;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use futures_util::future::join_all;
use sixframe_hub::{Check, Hub, Json, OutboundChannel, SliceConfig};
use sixframe_supervisor::Supervisor;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;

use super::agent::{Agent, Launch};
use super::api::CreateSession;
use super::builtin::BuiltIn;
use super::command::CommandAgent;
use super::event::SessionCreated;
use super::identifier::identifier;
use super::live::{Handle, Room, Surroundings, Views};
use super::local::LocalAgent;
use super::log::{Log, Reading, erase};
use super::moment::Moment;
use super::policy::{Ground, Policy};
use super::program::ProgramAgent;
use super::prompt_builder::Templates;
use super::roots;
use super::runs::{self, Runs};
use super::secrets::Secrets;
use super::session::{Beginning, Session, SessionView};
use super::transcript::Archive;
use super::trust::{Configured, FolderCode, FolderSettings, SettingsUse, Trust, unkept, unshown, untrusted};
use super::undo::Looks;
pub use config::{AgentsConfig, ProviderConfig};
pub(super) use ends::ends;
pub(super) use past::{Consent, NotHanded};
pub use problems::{NotBegun, OpenError};
use providers::Search;

/// Bytes of events that are kept for those who listen to all sessions and lag.
const EVENTS: usize = 8 << 20;

/// The slice of the hub's state that shows the sessions.
const SLICE: &str = "agents";

/// The sessions of a daemon, and its runs. Cheap to clone.
#[derive(Clone)]
pub struct Agents(Arc<Shared>);

/// The sessions of a daemon, as long as somebody else has them.
#[derive(Clone)]
pub(super) struct WeakAgents(Weak<Shared>);

impl WeakAgents {
    pub(super) fn upgrade(&self) -> Option<Agents> {
        self.0.upgrade().map(Agents)
    }
}

struct Shared {
    config: AgentsConfig,
    supervisor: Supervisor,
    agents: BTreeMap<String, Arc<dyn Agent>>,
    local: LocalAgent,
    sessions: Mutex<HashMap<String, Handle>>,
    runs: Runs,
    views: Arc<Views>,
    events: OutboundChannel,
    secrets: Arc<Secrets>,
    archive: Archive,
    policy: Policy,
    trust: Trust,
    room: Room,
    start: Instant,
    search: Search,
    /// Held while a session is opened again, so that it is opened once.
    opening: Arc<AsyncMutex<()>>,
    looks: Arc<Looks>,
}

/// What a session belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether it goes with whoever began it.
    pub(super) is_tied: bool,
    /// The run that it is a member of.
    pub(super) run_id: Option<String>,
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agents").field("dir", &self.0.config.dir).finish_non_exhaustive()
    }
}

impl Agents {
    /// Brings back the sessions that an earlier daemon has left, if that is wanted, within a tokio runtime. What was open when it ended is ended
    /// in their logs; their agents are started by the next prompt.
    ///
    /// # Errors
    /// The hub's slice `agents` or `runs` is taken, or the folder of the logs cannot be read.
    pub fn open(config: AgentsConfig, supervisor: Supervisor, hub: &Hub) -> Result<Agents, OpenError> {
        Agents::open_with(config, supervisor, hub, Vec::new())
    }

    /// Likewise, with agents that are made elsewhere. One of the same provider as one of ours takes its place.
    ///
    /// # Errors
    /// As [`Agents::open`].
    pub fn open_with(
        config: AgentsConfig,
        supervisor: Supervisor,
        hub: &Hub,
        others: Vec<Arc<dyn Agent>>,
    ) -> Result<Agents, OpenError> {
        let slice = SliceConfig::new(SLICE, Json::object()).volatile().checked(Check::members_of::<SessionView>());
        let views = Arc::new(hub.own::<BTreeMap<String, SessionView>>(slice)?);
        let runs = Runs::new(hub)?;
        let variables: Vec<(String, String)> =
            config.programs().flat_map(|(_, config)| config.program.env.clone()).collect();
        let secrets = Arc::new(Secrets::of_environment(&variables));
        let mut agents: BTreeMap<String, Arc<dyn Agent>> = BTreeMap::new();
        for (id, provider) in config.programs() {
            let (supervisor, program) = (supervisor.clone(), provider.program.clone());
            let agent: Arc<dyn Agent> = match id.as_str() {
                "claude" => Arc::new(ProgramAgent::claude(supervisor, program)),
                "codex" => Arc::new(ProgramAgent::codex(supervisor, program)),
                command if command.starts_with("command:") => Arc::new(CommandAgent::new(command, supervisor, program)),
                _ => Arc::new(ProgramAgent::acp(id.clone(), supervisor, program)),
            };
            agents.insert(id, agent);
        }
        let built_in = BuiltIn::kept_from(supervisor.clone(), config.dir.clone(), config.policy.protected.clone());
        agents.insert("builtin".to_owned(), Arc::new(built_in));
        let (dir, allowed) = (config.dir.clone(), config.roots.clone());
        let may = move |top: &Path| roots::allow(&allowed, top) || runs::is_worktree(&dir, top);
        let looks = Looks::new(config.undo, config.dir.join("undo"), supervisor.clone(), may);
        looks.tidy().inspect_err(|error| tracing::warn!(%error, "what is kept to undo turns cannot be tidied")).ok();
        let local = LocalAgent::new(config.local.clone(), hub);
        agents.insert("local".to_owned(), Arc::new(local.clone()));
        let archive = Archive::open(config.dir.clone(), config.transcripts.clone(), Arc::clone(&secrets));
        agents.extend(others.into_iter().map(|agent| (agent.provider().to_owned(), agent)));
        let policy = Policy::new(config.policy.clone(), &config.dir);
        let configured = config.programs().map(|(id, ProviderConfig { program, settings, .. })| {
            let configured = Configured::new(&program.program, &program.args);
            (id, configured.loading(settings.clone()))
        });
        let trust = Trust::below(&config.dir, configured.collect());
        let shared = Shared {
            looks: Arc::new(looks),
            supervisor,
            policy,
            trust,
            agents,
            local,
            sessions: Mutex::default(),
            runs,
            views,
            events: OutboundChannel::new(EVENTS),
            secrets,
            archive,
            room: Room::default(),
            start: Instant::now(),
            search: Search::default(),
            opening: Arc::default(),
            config,
        };
        let agents = Agents(Arc::new(shared));
        if !agents.0.config.resume {
            agents.end_tied();
            return Ok(agents);
        }
        agents.bring_back().map_err(|source| OpenError::Logs { dir: agents.0.config.dir.clone(), source })?;
        runs::bring_back(&agents);
        Ok(agents)
    }

    /// Ends what goes on in all sessions and waits until nothing of their agents is left. The sessions can be gone on with by
    /// the next daemon.
    pub async fn halt(&self) {
        self.0.runs.halt().await;
        let handles: Vec<Handle> = self.sessions().drain().map(|(_, handle)| handle).collect();
        join_all(handles.iter().map(Handle::halt)).await;
        self.0.archive.finish().await;
    }

    /// Begins a session, and starts its agent.
    pub(super) async fn create(&self, params: CreateSession) -> Result<String, NotBegun> {
        let provider = match params.provider {
            Some(provider) => provider,
            None => self.usual_provider().await,
        };
        let agent = self.agent_for(&provider, params.model.as_deref())?;
        let cwd = self.folder(&params.cwd)?;
        self.check_trust(&*agent, &cwd).await?;
        let env = self.allowed(&provider, params.env)?;
        let launch = Launch {
            cwd,
            model: params.model,
            mode: params.mode,
            system_prompt: params.system_prompt,
            env,
            ..Launch::default()
        };
        let begun = self.begin(agent, launch, Standing { is_tied: params.tied, run_id: None });
        begun.map(|(id, _)| id)
    }

    /// Begins a session in a folder that was looked at, and starts its agent.
    pub(super) fn begin(
        &self,
        agent: Arc<dyn Agent>,
        launch: Launch,
        standing: Standing,
    ) -> Result<(String, Handle), NotBegun> {
        let Standing { is_tied, run_id } = standing;
        let created = SessionCreated {
            provider: agent.provider().to_owned(),
            cwd: launch.cwd.to_string_lossy().into_owned(),
            model: launch.model.clone(),
            mode: launch.mode,
            forked_from: None,
            run_id,
            system_prompt: launch.system_prompt.clone(),
            env: launch.env.iter().map(|(name, _)| name.clone()).collect(),
            tied: is_tied,
        };
        let (id, epoch) = (identifier("ses"), identifier("log"));
        let beginning = self.beginning(id.clone(), epoch, created, &*agent);
        let session = Session::begin(Moment::now(self.0.start), beginning);
        let handle = self.bear(session, self.surroundings(agent, launch))?;
        Ok((id, handle))
    }

    /// Brings a new session to life. Where its log cannot be written, nothing is left of it.
    fn bear(&self, session: Session, surroundings: Surroundings) -> Result<Handle, NotBegun> {
        let id = session.id().to_owned();
        let log = Log::create(&self.0.config.dir, &id)?;
        let handle = Handle::spawn(session, log, surroundings).inspect_err(|_| erase(&self.0.config.dir, &id))?;
        self.sessions().insert(id, handle.clone());
        Ok(handle)
    }

    /// The agent of a provider.
    pub(super) fn agent(&self, provider: &str) -> Result<Arc<dyn Agent>, NotBegun> {
        self.0.agents.get(provider).cloned().ok_or_else(|| NotBegun::NoProvider(provider.to_owned()))
    }

    /// The agent of a provider, if it can use this model.
    pub(super) fn agent_for(&self, provider: &str, model: Option<&str>) -> Result<Arc<dyn Agent>, NotBegun> {
        let agent = self.agent(provider)?;
        match model.is_none() || agent.abilities().models {
            true => Ok(agent),
            false => Err(NotBegun::NoModels(provider.to_owned())),
        }
    }

    /// Closes a session and waits until nothing of its agent is left.
    pub(super) async fn close(&self, id: &str) -> bool {
        let Some(handle) = self.session(id) else { return false };
        handle.close().await;
        let mut sessions = self.sessions();
        // By now it may have been opened again.
        if sessions.get(id).is_some_and(|open| open.is(&handle)) {
            sessions.remove(id);
            self.0.policy.forget(id);
        }
        true
    }

    pub(super) fn session(&self, id: &str) -> Option<Handle> {
        self.sessions().get(id).cloned()
    }

    /// The sessions that are open, as windows see them: without secrets.
    pub(super) fn views(&self) -> Result<Vec<SessionView>, serde_json::Error> {
        Ok(self.0.views.read()?.into_values().collect())
    }

    /// The session in which this waits for leave.
    pub(super) fn waiting(&self, permission_id: &str) -> Option<Handle> {
        let waits =
            |handle: &&Handle| handle.view().permissions.iter().any(|request| request.permission_id == permission_id);
        self.sessions().values().find(waits).cloned()
    }

    /// The session in which this question waits.
    pub(super) fn asking(&self, question_id: &str) -> Option<Handle> {
        let asks = |handle: &&Handle| handle.view().questions.iter().any(|request| request.question_id == question_id);
        self.sessions().values().find(asks).cloned()
    }

    /// The log of a session, of one that is closed too, and its epoch.
    pub(super) fn log(&self, id: &str) -> Option<(Reading, String)> {
        match self.session(id) {
            Some(handle) => Some((handle.reading(), handle.epoch().to_owned())),
            None => self.0.runs.log(id).or_else(|| Reading::closed(&self.0.config.dir, id)),
        }
    }

    pub(super) fn archive(&self) -> &Archive {
        &self.0.archive
    }

    /// The folder that a session may as well begin in: the first that agents may work in, or the one that the daemon was
    /// started in. Who starts daemons in the root of all folders, as services are, has not chosen it.
    pub(super) fn usual_folder(&self) -> Option<String> {
        let current = || std::env::current_dir().ok().filter(|folder| folder.parent().is_some());
        let started = || self.folder(current()?.to_str()?).ok();
        let roots = &self.0.config.roots;
        let folder = roots.iter().find_map(|root| self.folder(root.to_str()?).ok()).or_else(started)?;
        folder.into_os_string().into_string().ok()
    }

    pub(super) fn templates(&self) -> &Templates {
        &self.0.config.templates
    }

    pub(super) fn events(&self) -> &OutboundChannel {
        &self.0.events
    }

    pub(super) fn runs(&self) -> &Runs {
        &self.0.runs
    }

    /// The folder of the logs.
    pub(super) fn dir(&self) -> &Path {
        &self.0.config.dir
    }

    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.0.supervisor
    }

    pub(super) fn secrets(&self) -> &Arc<Secrets> {
        &self.0.secrets
    }

    /// Now, as all sessions count it.
    pub(super) fn now(&self) -> Moment {
        Moment::now(self.0.start)
    }

    /// What moments are counted from.
    pub(super) fn start(&self) -> Instant {
        self.0.start
    }

    pub(super) fn downgrade(&self) -> WeakAgents {
        WeakAgents(Arc::downgrade(&self.0))
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Handle>> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beginning(&self, id: String, epoch: String, created: SessionCreated, agent: &dyn Agent) -> Beginning {
        let (abilities, patience, timers) = (agent.abilities(), agent.patience(), self.0.config.timers);
        Beginning { id, epoch, created, abilities, patience, timers }
    }

    fn surroundings(&self, agent: Arc<dyn Agent>, launch: Launch) -> Surroundings {
        let Shared { views, events, secrets, policy, archive, looks, trust, room, start, .. } = &*self.0;
        let (views, events) = (Arc::clone(views), events.clone());
        // What the caller has set for this session is no less a secret.
        let secrets = match launch.env.is_empty() {
            true => Arc::clone(secrets),
            false => Arc::new(secrets.and_of(&launch.env)),
        };
        let ground = self.ground(&launch.cwd);
        let (policy, archive, trust, room) = (policy.clone(), archive.clone(), trust.clone(), room.clone());
        let (looks, watch, start) = (Arc::clone(looks), self.0.config.watch, *start);
        Surroundings {
            agent,
            launch,
            views,
            events,
            secrets,
            archive,
            looks,
            watch,
            policy,
            ground,
            trust,
            room,
            start,
        }
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// Whether an agent may begin in a folder: not where it would load or run what nobody trusts.
    async fn check_trust(&self, agent: &dyn Agent, cwd: &Path) -> Result<(), NotBegun> {
        let uses = agent.settings_use();
        if uses == SettingsUse::Ignores && !self.0.trust.knows(agent.provider()) {
            return Ok(());
        }
        let (trust, folder) = (self.0.trust.clone(), cwd.to_owned());
        let given_up = |_| NotBegun::NoFolder(cwd.to_string_lossy().into_owned());
        let standing = spawn_blocking(move || trust.standing(&folder)).await.map_err(given_up)?;
        let is_withheld = standing.settings_for(agent.provider()) == FolderSettings::Withheld;
        let names = || standing.named_for(agent.provider());
        let problem = match (standing.code_for(agent.provider()), uses) {
            (FolderCode::Withheld(names), _) => Some(unshown(&names)),
            (_, SettingsUse::Loads) if is_withheld => Some(untrusted(&names())),
            (_, SettingsUse::CanWithhold) if is_withheld => {
                agent.outdated().await.map(|program| unkept(&program, &names()))
            }
            (FolderCode::Absent | FolderCode::Trusted(_), _) => None,
        };
        let Some(problem) = problem else { return Ok(()) };
        let hint = problem.hint.unwrap_or_default();
        Err(NotBegun::Untrusted { message: problem.message, hint, sha256: standing.sha256 })
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// What is known of a folder that is worked in.
    pub(super) fn ground(&self, folder: &Path) -> Ground {
        let config = &self.0.config;
        let is_lent = runs::is_worktree(&config.dir, folder);
        // Who works below one of them that the configuration has put there is not kept from it.
        let protected = config.policy.protected.iter().filter(|own| !folder.starts_with(own));
        let own = [&config.dir].into_iter().chain(protected).cloned().collect();
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        Ground { folder: folder.to_owned(), own, is_lent, home }
    }

    /// The folder without links, if agents may work in it.
    pub(super) fn folder(&self, cwd: &str) -> Result<PathBuf, NotBegun> {
        let no_folder = || NotBegun::NoFolder(cwd.to_owned());
        let path = Path::new(cwd);
        let real = path.canonicalize().ok().filter(|real| path.is_absolute() && real.is_dir()).ok_or_else(no_folder)?;
        match roots::allow(&self.0.config.roots, &real) {
            true => Ok(real),
            false => Err(NotBegun::Outside(cwd.to_owned())),
        }
    }

    fn allowed(&self, provider: &str, env: BTreeMap<String, String>) -> Result<Vec<(String, String)>, NotBegun> {
        let allowed =
            self.0.config.provider(provider).map(|provider| provider.allow_env.as_slice()).unwrap_or_default();
        match env.keys().find(|name| !allowed.contains(name)) {
            Some(name) => Err(NotBegun::Variable(name.clone())),
            None => Ok(env.into_iter().collect()),
        }
    }
}
