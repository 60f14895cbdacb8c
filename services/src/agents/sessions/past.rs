//! Sessions that go on: those that an earlier daemon has left, those that were closed, forks, and what is handed over to
//! another agent.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::super::agent::Launch;
use super::super::api::Metadata;
use super::super::event::{CloseReason, Event, Mode, SessionClosed, SessionCreated};
use super::super::identifier::identifier;
use super::super::item::FileChange;
use super::super::live::{Handle, Over};
use super::super::log::{Claim, Log, Remembered, is_closed, is_tied, place, read, recover, unclosed};
use super::super::moment::Moment;
use super::super::problem::{Problem, ProblemKind};
use super::super::runs;
use super::super::secrets::Secrets;
use super::super::session::{NotNow, Past, Session, Trunk};
use super::super::summary;
use super::super::undo::NotUndone;
use super::ends::ends;
use super::{Agents, NotBegun};

/// Whether a person who may consent is behind a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Consent {
    Given,
    NotGiven,
}

impl Consent {
    /// The mode, or the one that asks where it would consent by itself.
    fn limits(self, mode: Mode) -> Mode {
        match (self, mode.consents()) {
            (Consent::Given, _) | (Consent::NotGiven, false) => mode,
            (Consent::NotGiven, true) => Mode::Ask,
        }
    }
}

impl Agents {
    /// Opens a session again, or starts the agent of one that is open.
    pub(in super::super) async fn resume(&self, id: &str, consent: Consent) -> Result<(), NotBegun> {
        let one_at_a_time = loop {
            if let Some(handle) = self.session(id) {
                if handle.wake().await.is_ok() {
                    return Ok(());
                }
                // It is being closed, which takes as long as its agent does; others need not wait for that.
                handle.over().await;
            }
            let one_at_a_time = Arc::clone(&self.0.opening).lock_owned().await;
            if self.session(id).is_none_or(|handle| handle.is_over()) {
                break one_at_a_time;
            }
        };
        let (agents, id) = (self.clone(), id.to_owned());
        // Logs are read and written. Whoever is gone meanwhile lets nobody else in before that is done.
        let reopening = spawn_blocking(move || {
            let reopened = agents.reopen(&id, consent);
            drop(one_at_a_time);
            reopened
        });
        reopening.await.map_err(|error| NotBegun::from(io::Error::other(error)))?
    }

    /// Opens a session again that was closed.
    fn reopen(&self, id: &str, consent: Consent) -> Result<(), NotBegun> {
        let path = self.log_of(id)?;
        let (claim, remembered) = match take(&path)? {
            Taken::Here(claim, remembered) => (claim, *remembered),
            Taken::Elsewhere => return Err(NotBegun::Elsewhere(id.to_owned())),
            Taken::Nothing => return Err(NotBegun::NoSession(id.to_owned())),
        };
        self.folder(&remembered.created.cwd)?;
        let mode = consent.limits(remembered.known.mode.unwrap_or(remembered.created.mode));
        // What was allowed for as long as it was open.
        self.0.policy.forget(id);
        self.revive(claim, &path, remembered, Some(mode)).map_err(|error| match error {
            Unrevived::NoProvider(provider) => NotBegun::NoProvider(provider),
            Unrevived::Lost(error) => NotBegun::from(error),
        })
    }

    /// Begins a session that knows what another one does.
    pub(in super::super) async fn fork(
        &self,
        id: &str,
        title: Option<String>,
        consent: Consent,
    ) -> Result<String, NotBegun> {
        let (known, _) = self.known(id).await?;
        let agent = self.agent(&known.provider)?;
        let cwd = self.folder(&known.cwd)?;
        let path = self.log_of(id)?;
        let read = spawn_blocking(move || summary::of_log(&path)).await.map_err(io::Error::other).flatten();
        let history = read?;
        let created = SessionCreated {
            provider: known.provider,
            cwd: known.cwd,
            model: known.model.clone(),
            mode: consent.limits(known.mode),
            forked_from: Some(id.to_owned()),
            run_id: None,
            system_prompt: known.system_prompt.clone(),
            env: Vec::new(),
            tied: false,
        };
        let (fork, epoch) = (identifier("ses"), identifier("log"));
        let beginning = self.beginning(fork.clone(), epoch, created, &*agent);
        let trunk = Trunk { native_session_id: known.native_session_id, title: title.or(known.title), history };
        let session = Session::forked(Moment::now(self.0.start), beginning, trunk);
        let launch = Launch { cwd, model: known.model, system_prompt: known.system_prompt, ..Launch::default() };
        self.bear(session, self.surroundings(agent, launch))?;
        Ok(fork)
    }

    /// Lets another agent answer in a session.
    pub(in super::super) async fn succeed(
        &self,
        id: &str,
        provider: &str,
        model: Option<String>,
    ) -> Result<(), NotHanded> {
        let handle = self.session(id).ok_or_else(|| NotBegun::NoSession(id.to_owned()))?;
        let agent = self.agent_for(provider, model.as_deref())?;
        if handle.view().provider == provider {
            // It is there already, and knows what was said.
            if let Some(model) = model {
                handle.set_model(model).await?;
            }
            return Ok(());
        }
        Ok(handle.succeed(agent, model).await??)
    }

    /// Uses another model in a session from now on.
    pub(in super::super) async fn set_model(&self, id: &str, model: String) -> Result<(), NotHanded> {
        let handle = self.session(id).ok_or_else(|| NotBegun::NoSession(id.to_owned()))?;
        self.agent_for(&handle.view().provider, Some(&model))?;
        Ok(handle.set_model(model).await?)
    }

    /// What is known of a session, of one that is closed too, without secrets.
    pub(in super::super) async fn metadata(&self, id: &str) -> Result<Metadata, NotBegun> {
        let (known, secrets) = self.known(id).await?;
        known.shown(&secrets).map_err(|error| NotBegun::from(io::Error::other(error)))
    }

    /// What is known of a session, and what of that is not shown.
    async fn known(&self, id: &str) -> Result<(Metadata, Arc<Secrets>), NotBegun> {
        if let Some(handle) = self.session(id)
            && let Ok(known) = handle.metadata().await
        {
            return Ok(known);
        }
        let path = self.log_of(id)?;
        let read = spawn_blocking(move || read(&path)).await.map_err(io::Error::other).flatten();
        let remembered = read?.ok_or_else(|| NotBegun::NoSession(id.to_owned()))?;
        Ok((self.described(remembered), Arc::clone(&self.0.secrets)))
    }

    fn described(&self, remembered: Remembered) -> Metadata {
        let Remembered { session_id, seq, created, known, asked_model, created_at_ms, turns, usage, .. } = remembered;
        let title = known.title.clone().or(remembered.asked_first);
        let abilities = self.0.agents.get(&created.provider).map(|agent| agent.abilities()).unwrap_or_default();
        Metadata {
            session_id,
            mode: known.mode.unwrap_or(created.mode),
            model: known.model.clone().or(asked_model),
            provider: created.provider,
            cwd: created.cwd,
            abilities,
            created_at_ms,
            turns,
            usage,
            is_closed: remembered.is_closed,
            forked_from: created.forked_from,
            run_id: created.run_id,
            system_prompt: created.system_prompt,
            title,
            seq,
            ..Metadata::of(known)
        }
    }

    /// The sessions whose logs do not say that they were closed, and that no other daemon has.
    pub(super) fn bring_back(&self) -> io::Result<()> {
        for path in unclosed(&self.0.config.dir)?.iter().filter(|log| !runs::is_log(log)) {
            // One that cannot be read must not keep the others from coming back.
            let back = self.bring_one_back(path);
            back.inspect_err(|error| tracing::error!(%error, log = %path.display(), "a session is lost")).ok();
        }
        Ok(())
    }

    fn bring_one_back(&self, path: &Path) -> io::Result<()> {
        if is_closed(path)? {
            return Ok(());
        }
        match take(path)? {
            Taken::Here(claim, remembered) if !remembered.is_closed => {
                match self.revive(claim, path, *remembered, None) {
                    Ok(()) | Err(Unrevived::NoProvider(_)) => Ok(()),
                    Err(Unrevived::Lost(error)) => Err(error),
                }
            }
            Taken::Here(..) | Taken::Elsewhere | Taken::Nothing => Ok(()),
        }
    }

    /// Closes the sessions that went with processes that were killed. For a process that takes over no others.
    pub(super) fn end_tied(&self) {
        for log in unclosed(&self.0.config.dir).unwrap_or_default().into_iter().filter(|log| !runs::is_log(log)) {
            if is_tied(&log).unwrap_or_default() {
                let ended = self.bring_one_back(&log);
                ended.inspect_err(|error| tracing::warn!(%error, log = %log.display(), "a session stays open")).ok();
            }
        }
    }

    /// Brings a session to life from its log; into this mode where it is opened by somebody, and not only brought back.
    fn revive(
        &self,
        claim: Claim,
        path: &Path,
        mut remembered: Remembered,
        opened: Option<Mode>,
    ) -> Result<(), Unrevived> {
        let provider = remembered.created.provider.clone();
        let mut log = Log::open(claim, path.to_owned(), remembered.seq)?;
        let now = Moment::now(self.0.start);
        let run = remembered.created.run_id.as_deref();
        let is_over = run.is_some_and(|run| runs::is_passing(&self.0.config.dir, run, &remembered.created.cwd));
        let is_outside = self.is_outside(&remembered.created.cwd);
        let is_tied = remembered.created.tied;
        let crashed = Problem::new(ProblemKind::Crashed, "the daemon was ended in the midst of the turn");
        let mut ends = ends(&mut remembered, now, &crashed);
        if (is_over || is_outside || is_tied) && opened.is_none() {
            // The run that it was for ends with its daemon, and so does its worktree; or agents may not work there any more; or
            // whoever it was for is gone.
            let closed = Event::SessionClosed(SessionClosed { reason: CloseReason::Shutdown });
            ends.push(remembered.next(now, closed, None));
            log.append(&ends, &self.0.secrets)?;
            self.archive().ended(&remembered.session_id, log.written().bytes);
            log.close();
            return Ok(());
        }
        let agent = self.agent(&provider).map_err(|_| Unrevived::NoProvider(provider))?;
        log.append(&ends, &self.0.secrets)?;
        self.archive().ended(&remembered.session_id, log.written().bytes);
        let origin = self.origin(&remembered);
        let Remembered { session_id, epoch, seq, mut created, known, asked_model, .. } = remembered;
        created.model.clone_from(&asked_model);
        let (cwd, system_prompt) = (PathBuf::from(&created.cwd), created.system_prompt.clone());
        let launch = Launch { cwd, model: asked_model.clone(), system_prompt, ..Launch::default() };
        let lost_env = std::mem::take(&mut created.env);
        let beginning = self.beginning(session_id.clone(), epoch, created, &*agent);
        let past = Past {
            seq,
            known,
            asked_model,
            asked_first: remembered.asked_first,
            items: remembered.used,
            created_at_ms: remembered.created_at_ms,
            turns: remembered.turns,
            has_history: remembered.has_history,
            usage: remembered.usage,
            reducer: remembered.reducer,
            origin,
            lost_env,
        };
        let mut session = Session::resumed(beginning, past);
        opened.into_iter().for_each(|mode| session.reopen(now, mode));
        let handle = Handle::spawn(session, log, self.surroundings(agent, launch))?;
        handle.show();
        self.sessions().insert(session_id, handle);
        Ok(())
    }

    /// Whether agents may not work in a folder by now, in which a session was begun.
    fn is_outside(&self, cwd: &str) -> bool {
        let is_worktree = runs::is_worktree(&self.0.config.dir, Path::new(cwd));
        !is_worktree && matches!(self.folder(cwd), Err(NotBegun::Outside(_)))
    }

    /// The agent's own id of the session that this is a fork of, where the agent has not made the fork yet.
    fn origin(&self, remembered: &Remembered) -> Option<String> {
        let trunk = remembered.created.forked_from.as_ref().filter(|_| remembered.known.native_session_id.is_none())?;
        let trunk = read(&self.log_of(trunk).ok()?).ok().flatten()?;
        let is_same = trunk.created.provider == remembered.created.provider;
        trunk.known.native_session_id.filter(|_| is_same && remembered.turns == 0)
    }

    /// Takes back what a turn did to its session's folder. The session must be open.
    pub(in super::super) async fn undo(
        &self,
        session: Option<String>,
        turn: String,
        is_forced: bool,
    ) -> Result<Vec<FileChange>, NotHanded> {
        let sessions = match session {
            Some(id) => vec![self.session(&id).map(|_| id.clone()).ok_or(NotBegun::NoSession(id))?],
            None => self.sessions().keys().cloned().collect(),
        };
        let handle = self.session_of(&turn, sessions).await.ok_or(NotHanded::NoTurn)?;
        Ok(handle.undo(turn, is_forced).await??)
    }

    /// Which of these open sessions had this turn.
    async fn session_of(&self, turn: &str, sessions: Vec<String>) -> Option<Handle> {
        let is_name = turn.strip_prefix("turn_").is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let mut logs: Vec<(String, PathBuf)> =
            sessions.into_iter().filter_map(|id| Some((id.clone(), self.log_of(&id).ok()?))).collect();
        let mark = format!("\"turnId\":\"{turn}\"");
        let search = spawn_blocking(move || {
            let holds = |path: &Path| {
                let text = std::fs::read(path).unwrap_or_default();
                memchr::memmem::find(&text, mark.as_bytes()).is_some()
            };
            let found = logs.iter().position(|(_, path)| is_name && holds(path));
            found.map(|at| logs.swap_remove(at).0)
        });
        self.session(&search.await.ok().flatten()?)
    }

    /// Where the log of a session is, if there is one. A name comes from outside, and becomes a path.
    pub(super) fn log_of(&self, id: &str) -> Result<PathBuf, NotBegun> {
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = id.strip_prefix("ses_").filter(|name| is_name(name)).map(|_| place(&self.0.config.dir, id));
        path.filter(|path| path.is_file()).ok_or_else(|| NotBegun::NoSession(id.to_owned()))
    }
}

/// Why a session is not handed over.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum NotHanded {
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
    #[error(transparent)]
    NotNow(#[from] NotNow),
    #[error(transparent)]
    Over(#[from] Over),
    #[error(transparent)]
    NotUndone(#[from] NotUndone),
    #[error("no open session had this turn, or not the one that is named; agent.resume opens a session")]
    NoTurn,
}

/// What came of the try to take a log.
enum Taken {
    Here(Claim, Box<Remembered>),
    /// Another daemon has it.
    Elsewhere,
    /// It tells of no session.
    Nothing,
}

fn take(path: &Path) -> io::Result<Taken> {
    let Some(claim) = Claim::take(path)? else { return Ok(Taken::Elsewhere) };
    let remembered = recover(path)?;
    Ok(remembered.map_or(Taken::Nothing, |remembered| Taken::Here(claim, Box::new(remembered))))
}

/// Why a session does not come back.
enum Unrevived {
    NoProvider(String),
    Lost(io::Error),
}

impl From<io::Error> for Unrevived {
    fn from(error: io::Error) -> Unrevived {
        Unrevived::Lost(error)
    }
}
