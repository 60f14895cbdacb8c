//! Runs: several agents on one prompt, each in a session of its own, and in a git worktree where that is asked for. How a
//! session goes on is not their matter.

mod handle;
mod live;
mod member;
mod merging;
mod recovery;
mod run;
mod view;
mod workshop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use sixframe_hub::{Check, Hub, Json, Slice, SliceConfig, SliceError};
use tokio::sync::{mpsc, watch};

use super::agent::{Agent, Launch};
use super::api::{RunMemberParams, RunMergerParams, RunStartParams};
use super::event::{Mode, RunMember, RunStarted, Strategy};
use super::git::{Git, GitError, Repository};
use super::identifier::identifier;
use super::live::Handle;
use super::log::{Log, Reading};
use super::secrets::Secrets;
use super::sessions::{Agents, NotBegun, Standing};
pub(super) use handle::{Changed, RunHandle};
use live::Starting;
pub(super) use recovery::bring_back;
pub use view::{RunMemberView, RunState, RunView};
use workshop::Workshop;

/// The most members of a run.
const MEMBERS: usize = 16;

/// The longest name of a member.
const NAME: usize = 32;

/// The longest prompt, in bytes.
const PROMPT: usize = 1 << 20;

/// The most runs that are remembered when they are over, but for those that are kept.
const OVER: usize = 32;

/// The slice of the hub's state that shows the runs.
const SLICE: &str = "runs";

/// The state of all runs, as windows see it.
type RunViews = Slice<BTreeMap<String, RunView>>;

/// Why a run is not begun, or something is not done with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRun {
    /// A session of it is not begun.
    #[error(transparent)]
    Session(#[from] NotBegun),
    /// What was asked for makes no sense.
    #[error("{reason}")]
    Malformed { path: &'static str, reason: String },
    /// Its folder cannot have worktrees.
    #[error("the run can have no worktrees: {0}")]
    NoWorktrees(GitError),
    /// Its changes cannot be told.
    #[error(transparent)]
    Git(#[from] GitError),
    /// There is no such run.
    #[error("there is no run {0}")]
    NoRun(String),
    /// It has no such member, or none that has a worktree.
    #[error("the run has no changes of a member {0}")]
    NoMember(String),
    /// It is not over.
    #[error("the run is not over; cancel it first")]
    AtWork,
    /// The changes are others by now.
    #[error("what the member has changed is not what was shown")]
    OtherChanges { sha256: String },
    /// The changes do not fit.
    #[error("the changes do not fit what is in the folder now; nothing was changed")]
    Conflict { files: Vec<String> },
}

/// The runs of a daemon.
pub(super) struct Runs {
    handles: Mutex<BTreeMap<String, RunHandle>>,
    views: Arc<RunViews>,
}

impl Runs {
    pub(super) fn new(hub: &Hub) -> Result<Runs, SliceError> {
        let slice = SliceConfig::new(SLICE, Json::object()).volatile().checked(Check::members_of::<RunView>());
        Ok(Runs { handles: Mutex::default(), views: Arc::new(hub.own(slice)?) })
    }

    /// Stops what is at work and waits until nothing of it is left.
    pub(super) async fn halt(&self) {
        let handles = std::mem::take(&mut *self.handles());
        join_all(handles.values().map(RunHandle::halt)).await;
    }

    pub(super) fn run(&self, id: &str) -> Result<RunHandle, NotRun> {
        self.handles().get(id).cloned().ok_or_else(|| NotRun::NoRun(id.to_owned()))
    }

    /// All of them as windows see them, the newest first: without secrets.
    pub(super) fn views(&self, secrets: &Secrets) -> Result<Vec<RunView>, serde_json::Error> {
        let mut views: Vec<RunView> = self.handles().values().map(RunHandle::view).collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.started_at_ms));
        views.iter().map(|view| serde_json::from_str(&view.shown(secrets)?)).collect()
    }

    /// The log of a run, and its epoch.
    pub(super) fn log(&self, id: &str) -> Option<(Reading, String)> {
        self.handles().get(id).map(RunHandle::log)
    }

    /// Takes away everything of a run but its log.
    pub(super) async fn discard(&self, id: &str) -> Result<(), NotRun> {
        self.run(id)?.discard().await?;
        self.handles().remove(id);
        Ok(())
    }

    fn insert(&self, id: String, handle: RunHandle) {
        let mut handles = self.handles();
        handles.insert(id, handle);
        let passing = handles.iter().filter(|(_, handle)| handle.is_passing());
        let mut over: Vec<(u64, String)> = passing.map(|(id, run)| (run.view().started_at_ms, id.clone())).collect();
        over.sort();
        for (_, id) in over.iter().take(over.len().saturating_sub(OVER)) {
            if let Some(handle) = handles.remove(id) {
                tokio::spawn(async move { handle.halt().await });
            }
        }
    }

    fn handles(&self) -> MutexGuard<'_, BTreeMap<String, RunHandle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a file in the folder of the logs is that of a run.
pub(super) fn is_log(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"run_"))
}

/// Whether a session works in a worktree that goes when its run does.
pub(super) fn is_passing(dir: &Path, run_id: &str, cwd: &str) -> bool {
    let folder = worktrees(dir);
    let is_worktree = folder.canonicalize().is_ok_and(|folder| Path::new(cwd).starts_with(folder.join(run_id)));
    is_worktree && !workshop::are_kept(&folder, run_id)
}

/// Whether a folder, without links, is a member's worktree or below one.
pub(super) fn is_worktree(dir: &Path, folder: &Path) -> bool {
    let Ok(all) = worktrees(dir).canonicalize() else { return false };
    let mut below = folder.strip_prefix(all).unwrap_or(Path::new("")).components();
    // Beside them lies what is known of their runs.
    let is_of_run = |run: std::path::Component<'_>| !run.as_os_str().as_encoded_bytes().contains(&b'.');
    below.next().is_some_and(is_of_run) && below.next().is_some()
}

/// The folder that a member's worktree, or one below it, was made from: without links, both.
pub(super) fn origin(dir: &Path, folder: &Path) -> Option<PathBuf> {
    workshop::origin(&worktrees(dir), folder)
}

/// Where the worktrees of all runs are.
fn worktrees(dir: &Path) -> PathBuf {
    dir.join("worktrees")
}

/// Somebody who is to be asked.
#[derive(Clone)]
struct Invited {
    name: String,
    agent: Arc<dyn Agent>,
    model: Option<String>,
    mode: Mode,
}

/// Who merges.
#[derive(Clone)]
enum Merger {
    Member(String),
    Other(Invited),
}

/// A run that makes sense.
struct Plan {
    id: String,
    prompt: String,
    cwd: PathBuf,
    strategy: Strategy,
    members: Vec<Invited>,
    merger: Option<Merger>,
    keep: bool,
    timeout: Duration,
}

/// A run that has begun, and the logs that its events stand in: its own and those of its sessions.
pub(super) struct Begun {
    pub(super) handle: RunHandle,
    pub(super) sources: mpsc::UnboundedReceiver<Reading>,
}

impl Agents {
    /// Begins a run. It is stopped when `cancelled` says so, from the beginning on.
    pub(super) async fn begin_run(
        &self,
        params: RunStartParams,
        cancelled: watch::Receiver<bool>,
    ) -> Result<Begun, NotRun> {
        let has_worktrees = params.worktrees;
        let plan = self.plan(params)?;
        let log = Log::create(self.dir(), &plan.id).map_err(NotBegun::from)?;
        let place = log.path().to_owned();
        let workshop = match has_worktrees {
            true => Some(self.workshop(&plan).await),
            false => None,
        };
        let begun = match workshop.transpose() {
            Ok(workshop) => self.gather(plan, log, workshop.map(Arc::new), cancelled).await,
            Err(error) => {
                log.close();
                Err(NotRun::NoWorktrees(error))
            }
        };
        if begun.is_err() {
            // A run that has not begun has no log.
            let _ = std::fs::remove_file(place);
        }
        begun
    }

    /// Brings what a member has changed into the folder of its run, if agents may still work in all of its repository.
    pub(super) async fn apply_run(&self, id: &str, member: &str, shown: Option<&str>) -> Result<Changed, NotRun> {
        let run = self.runs().run(id)?;
        if let Some(top) = run.top() {
            self.folder(&top.to_string_lossy())?;
        }
        run.apply(member, shown).await
    }

    fn plan(&self, params: RunStartParams) -> Result<Plan, NotRun> {
        let RunStartParams { prompt, cwd, members, strategy, merger, keep, timeout_ms, .. } = params;
        let malformed = |path, reason: &str| Err(NotRun::Malformed { path, reason: reason.to_owned() });
        if prompt.trim().is_empty() || prompt.len() > PROMPT {
            return malformed("prompt", "a run asks for something, in at most 1 MiB");
        }
        if members.is_empty() || members.len() > MEMBERS {
            return malformed("members", "a run has 1 to 16 members");
        }
        let members = self.invited(members)?;
        let merger = match (strategy, merger) {
            (Strategy::Fanout | Strategy::Race, None) => None,
            (Strategy::Fanout | Strategy::Race, Some(_)) => {
                return malformed("merger", "only vote and synthesise have somebody who merges");
            }
            (Strategy::Vote | Strategy::Synthesise, None) => {
                return malformed("merger", "vote and synthesise need somebody who merges: say who");
            }
            (Strategy::Vote | Strategy::Synthesise, Some(merger)) => Some(self.merger(strategy, merger, &members)?),
        };
        let cwd = self.folder(&cwd)?;
        let timeout = Duration::from_millis(timeout_ms.clamp(1, super::service::LONGEST_MS));
        Ok(Plan { id: identifier("run"), prompt, cwd, strategy, members, merger, keep, timeout })
    }

    fn invited(&self, params: Vec<RunMemberParams>) -> Result<Vec<Invited>, NotRun> {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for name in params.iter().filter_map(|member| member.name.as_deref()) {
            check_name(name)?;
            // Names become those of folders, and not all systems tell capitals from small letters there.
            if !taken.insert(name.to_lowercase()) {
                let reason = format!("two members are called {name}");
                return Err(NotRun::Malformed { path: "members", reason });
            }
        }
        let invited = params.into_iter().map(|RunMemberParams { name, provider, model, mode }| {
            let agent = self.agent_for(&provider, model.as_deref())?;
            let name = name.unwrap_or_else(|| free_name(&provider, &mut taken));
            Ok(Invited { name, agent, model, mode })
        });
        invited.collect()
    }

    fn merger(&self, strategy: Strategy, params: RunMergerParams, members: &[Invited]) -> Result<Merger, NotRun> {
        let RunMergerParams { name, provider, model, mode } = params;
        let malformed = |reason: String| NotRun::Malformed { path: "merger", reason };
        let member = name.as_ref().and_then(|name| members.iter().find(|member| member.name == *name));
        let Some(provider) = provider else {
            let member = member.ok_or_else(|| malformed("say a member's name, or a provider".to_owned()))?;
            if model.is_some() {
                return Err(malformed("a member has its model already".to_owned()));
            }
            return Ok(Merger::Member(member.name.clone()));
        };
        let is_vote = strategy == Strategy::Vote;
        let name = name.unwrap_or_else(|| if is_vote { "judge".to_owned() } else { "synthesiser".to_owned() });
        check_name(&name)?;
        if members.iter().any(|member| member.name.eq_ignore_ascii_case(&name)) {
            return Err(malformed(format!("a member is called {name}, too")));
        }
        let mode = if is_vote { Mode::Plan } else { mode };
        let agent = self.agent_for(&provider, model.as_deref())?;
        Ok(Merger::Other(Invited { name, agent, model, mode }))
    }

    async fn workshop(&self, plan: &Plan) -> Result<Workshop, GitError> {
        let git = Git::find(self.supervisor())?;
        let repository = Repository::of(&git, &plan.cwd).await?;
        // What is applied may be anywhere in the repository.
        let outside = |_| GitError::Unfit("its repository reaches out of agent.roots".to_owned());
        self.folder(&repository.top().to_string_lossy()).map_err(outside)?;
        Workshop::open(&git, repository, &worktrees(self.dir()), &plan.id, &plan.cwd, plan.keep).await
    }

    /// Gives every member its worktree and its session, and begins.
    async fn gather(
        &self,
        plan: Plan,
        log: Log,
        workshop: Option<Arc<Workshop>>,
        cancelled: watch::Receiver<bool>,
    ) -> Result<Begun, NotRun> {
        let mut members = Vec::new();
        let mut failed = None;
        for invited in &plan.members {
            match self.join(&plan.id, &plan.cwd, invited, workshop.as_deref()).await {
                Ok((member, session)) => members.push((member, session)),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = failed {
            let ids: Vec<String> = members.iter().filter_map(|(member, _)| member.session_id.clone()).collect();
            join_all(ids.iter().map(|id| self.close(id))).await;
            if let Some(workshop) = workshop {
                let left = workshop.discard().await;
                left.inspect_err(|error| tracing::warn!(%error, "a worktree is left behind")).ok();
            }
            log.close();
            return Err(error);
        }
        let (members, sessions): (Vec<RunMember>, Vec<Handle>) = members.into_iter().unzip();
        let merger = plan.merger.as_ref().map(|merger| match merger {
            Merger::Member(name) => members.iter().find(|member| member.name == *name).cloned(),
            Merger::Other(invited) => Some(member(invited)),
        });
        let started = RunStarted {
            prompt: plan.prompt.clone(),
            cwd: plan.cwd.to_string_lossy().into_owned(),
            strategy: plan.strategy,
            members,
            merger: merger.flatten(),
        };
        let id = plan.id.clone();
        let begun = live::begin(self, Starting { plan, started, sessions, log, workshop, cancelled });
        self.runs().insert(id, begun.handle.clone());
        Ok(begun)
    }

    /// Begins the session of somebody who is to be asked, in a worktree where there are some.
    async fn join(
        &self,
        run_id: &str,
        cwd: &Path,
        invited: &Invited,
        workshop: Option<&Workshop>,
    ) -> Result<(RunMember, Handle), NotRun> {
        let (cwd, worktree) = match workshop {
            Some(workshop) => {
                let cwd = workshop.add(&invited.name).await.map_err(NotRun::NoWorktrees)?;
                (cwd, Some(workshop.worktree(&invited.name).to_string_lossy().into_owned()))
            }
            None => (cwd.to_owned(), None),
        };
        let launch = Launch { cwd, model: invited.model.clone(), mode: invited.mode, ..Launch::default() };
        let standing = Standing { run_id: Some(run_id.to_owned()), ..Standing::default() };
        let (session_id, handle) = self.begin(Arc::clone(&invited.agent), launch, standing)?;
        Ok((RunMember { session_id: Some(session_id), worktree, ..member(invited) }, handle))
    }
}

fn member(invited: &Invited) -> RunMember {
    let (name, provider) = (invited.name.clone(), invited.agent.provider().to_owned());
    RunMember { name, session_id: None, provider, model: invited.model.clone(), worktree: None }
}

fn check_name(name: &str) -> Result<(), NotRun> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = [name.chars().next(), name.chars().next_back()];
    let has_ends = ends.iter().all(|end| end.is_some_and(|end| end.is_ascii_alphanumeric()));
    match has_ends && name.len() <= NAME && name.chars().all(is_plain) {
        true => Ok(()),
        false => {
            let reason = format!("{name:?} is no name: use letters, digits, -, _ and dots within, 32 at most");
            Err(NotRun::Malformed { path: "members", reason })
        }
    }
}

/// A name by the provider that nobody has.
fn free_name(provider: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let of: String = provider.chars().map(plain).take(NAME - 3).collect();
    let of = of.trim_matches('-');
    let of = if of.is_empty() { "member" } else { of };
    let names = (1..).map(|number| if number == 1 { of.to_owned() } else { format!("{of}-{number}") });
    let free = names.into_iter().find(|name| taken.insert(name.to_lowercase()));
    free.unwrap_or_else(|| of.to_owned())
}
