//! A run that lives: one task that owns it and its log. Everyone else has a handle.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sixframe_hub::{Json, OutboundChannel};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use super::super::agent::Prompt;
use super::super::event::{Delivery, Envelope, Event, Outcome, RunMemberEnded, RunStarted, Strategy};
use super::super::identifier::identifier;
use super::super::item::Content;
use super::super::live::{Handle, tell};
use super::super::log::{Follow, Log, Reading, Written};
use super::super::moment::Moment;
use super::super::problem::{Problem, ProblemKind};
use super::super::secrets::Secrets;
use super::super::sessions::{Agents, WeakAgents};
use super::handle::{RunHandle, Wish, within};
use super::member::{Heard, hear};
use super::run::{Run, RunBeginning, RunOutput};
use super::view::RunView;
use super::workshop::Workshop;
use super::{Begun, Merger, NotRun, Plan, RunViews};

/// What a run begins with.
pub(super) struct Starting {
    pub(super) plan: Plan,
    pub(super) started: RunStarted,
    /// The members' sessions, in their order.
    pub(super) sessions: Vec<Handle>,
    pub(super) log: Log,
    pub(super) workshop: Option<Arc<Workshop>>,
    pub(super) cancelled: watch::Receiver<bool>,
}

/// Somebody who was asked.
struct Asked {
    name: String,
    session_id: String,
    session: Handle,
    prompt_id: String,
}

/// What a run lives with.
struct Surroundings {
    agents: WeakAgents,
    views: Arc<RunViews>,
    events: OutboundChannel,
    secrets: Arc<Secrets>,
    /// What moments are counted from.
    start: Instant,
}

/// What is to be done with the run's members as long as they work.
struct Work {
    run_id: String,
    cwd: PathBuf,
    merger: Option<Merger>,
    timeout: Duration,
    keep: bool,
    members: Vec<Asked>,
    merging: Option<Asked>,
    ends: mpsc::UnboundedSender<(RunMemberEnded, bool)>,
    sources: mpsc::UnboundedSender<Reading>,
}

/// The task of a run.
struct Live {
    run: Run,
    /// None while it is written on another thread, and when that has failed.
    log: Option<Log>,
    surroundings: Surroundings,
    written: watch::Sender<Written>,
    view: watch::Sender<RunView>,
    workshop: Option<Arc<Workshop>>,
    /// None when it is over.
    work: Option<Work>,
    /// Whether it ends with what it is doing.
    is_halted: bool,
    /// Whether nothing will be written to its log any more.
    is_done: bool,
}

/// Begins a run: its members are asked, and it is shown.
pub(super) fn begin(agents: &Agents, starting: Starting) -> Begun {
    let Starting { plan, started, sessions, log, workshop, cancelled } = starting;
    let Plan { id, prompt, cwd, members: invited, merger, keep, timeout, .. } = plan;
    let epoch = identifier("log");
    let (ends, ended) = mpsc::unbounded_channel();
    let (sources, following) = mpsc::unbounded_channel();
    let ids: Vec<String> = started.members.iter().filter_map(|member| member.session_id.clone()).collect();
    let nonce = identifier("x").split_off(2)[..12].to_owned();
    let has_worktrees = workshop.is_some();
    let beginning = RunBeginning { id: id.clone(), epoch: epoch.clone(), started, has_worktrees, nonce };
    let run = Run::begin(agents.now(), beginning);
    let (members, merging) = (Vec::new(), None);
    let work = Work { run_id: id, cwd, merger, timeout, keep, members, merging, ends, sources };
    let (handle, live, wished) = prepare(agents, run, epoch, log, workshop, Some(work));
    tokio::spawn(async move {
        let mut live = live;
        // That it has begun is told before anything of its members is.
        live.settle().await;
        for ((invited, session_id), session) in invited.into_iter().zip(ids).zip(sessions) {
            live.follow(&session);
            live.ask((invited.name, session_id, session), prompt.clone(), false).await;
        }
        live.run(wished, ended, cancelled).await;
    });
    Begun { handle, sources: following }
}

/// Takes over a run that is over and whose worktrees are kept.
pub(super) fn keep(agents: &Agents, run: Run, epoch: String, log: Log, workshop: Arc<Workshop>) -> RunHandle {
    let (handle, mut live, wished) = prepare(agents, run, epoch, log, Some(workshop), None);
    let ((_, ended), (_, cancelled)) = (mpsc::unbounded_channel(), watch::channel(false));
    tokio::spawn(async move {
        live.show();
        live.run(wished, ended, cancelled).await;
    });
    handle
}

fn prepare(
    agents: &Agents,
    run: Run,
    epoch: String,
    log: Log,
    workshop: Option<Arc<Workshop>>,
    work: Option<Work>,
) -> (RunHandle, Live, mpsc::UnboundedReceiver<Wish>) {
    let (wishes, wished) = mpsc::unbounded_channel();
    let (written, following) = watch::channel(log.written());
    let (view, viewing) = watch::channel(run.view());
    let surroundings = Surroundings {
        agents: agents.downgrade(),
        views: Arc::clone(&agents.runs().views),
        events: agents.events().clone(),
        secrets: Arc::clone(agents.secrets()),
        start: agents.start(),
    };
    let log_of = Reading::new(log.path().to_owned(), following);
    if let Some(work) = &work {
        // The run's own log is the first of the logs that its events stand in.
        let _ = work.sources.send(log_of.clone());
    }
    let handle = RunHandle { wishes, log: log_of, epoch, view: viewing, workshop: workshop.clone() };
    let (is_halted, is_done) = (false, false);
    let live = Live { run, log: Some(log), surroundings, written, view, workshop, work, is_halted, is_done };
    (handle, live, wished)
}

impl Live {
    async fn run(
        mut self,
        mut wished: mpsc::UnboundedReceiver<Wish>,
        mut ended: mpsc::UnboundedReceiver<(RunMemberEnded, bool)>,
        mut cancelled: watch::Receiver<bool>,
    ) {
        let mut is_watched = true;
        self.settle().await;
        while !(self.run.is_ended() && self.is_halted) {
            tokio::select! {
                biased;
                wish = wished.recv(), if !self.is_halted => self.wish(wish).await,
                is_cancelled = said(&mut cancelled), if is_watched => {
                    is_watched = false;
                    if is_cancelled {
                        self.run.cancel();
                    }
                }
                Some((ended, is_merger)) = ended.recv() => self.ended(ended, is_merger),
            }
            self.settle().await;
        }
        self.end().await;
    }

    fn now(&self) -> Moment {
        Moment::now(self.surroundings.start)
    }

    async fn wish(&mut self, wish: Option<Wish>) {
        match wish {
            Some(Wish::Cancel) => self.run.cancel(),
            Some(Wish::Applied(applied, told)) => {
                self.run.applied(self.now(), applied);
                self.settle().await;
                // Somebody who has gone meanwhile sees it in the log.
                let _ = told.send(());
            }
            Some(Wish::Discard(told)) => {
                let discarded = self.discard().await;
                let _ = told.send(discarded);
            }
            Some(Wish::Halt) | None => {
                self.run.cancel();
                self.is_halted = true;
            }
        }
    }

    /// Tells the run's caller of a session.
    fn follow(&self, session: &Handle) {
        // A caller who is gone does not want to know.
        let _ = self.work.as_ref().map(|work| work.sources.send(session.reading()));
    }

    fn ended(&mut self, ended: RunMemberEnded, is_merger: bool) {
        match is_merger {
            true => self.run.merger_ended(self.now(), ended),
            false => self.run.member_ended(self.now(), ended),
        }
    }

    /// Asks a session, and follows what becomes of that.
    async fn ask(&mut self, asked: (String, String, Handle), text: String, is_merger: bool) {
        let (name, session_id, session) = asked;
        let Some(work) = &mut self.work else { return };
        let prompt = Prompt::new(identifier("prompt"), vec![Content::Text { text }]);
        let prompt_id = prompt.id.clone();
        let after = match session.prompt(prompt, Delivery::Queue, work.timeout, None).await {
            Ok(Ok(after)) => Ok(after),
            Ok(Err(refused)) => Err(refused.to_string()),
            Err(over) => Err(over.to_string()),
        };
        match after {
            Ok(after) => {
                let heard = hear_out(session.follow(after), name.clone(), prompt_id.clone(), self.workshop.clone());
                let ends = work.ends.clone();
                tokio::spawn(async move {
                    // A run that is over does not want to know.
                    let _ = ends.send((heard.await, is_merger));
                });
            }
            Err(message) => {
                let error = Some(Problem::new(ProblemKind::Crashed, message));
                let (outcome, answer, files) = (Outcome::Failed, None, Vec::new());
                let name = name.clone();
                let _ = work.ends.send((RunMemberEnded { name, outcome, error, answer, files }, is_merger));
            }
        }
        let asked = Asked { name, session_id, session, prompt_id };
        match is_merger {
            true => work.merging = Some(asked),
            false => work.members.push(asked),
        }
    }

    /// Does what the run wants to be done.
    async fn settle(&mut self) {
        loop {
            let outputs = self.run.outputs();
            if outputs.is_empty() {
                return;
            }
            let mut events = Vec::new();
            for output in outputs {
                if let RunOutput::Log(envelope) = output {
                    events.push(*envelope);
                    continue;
                }
                // What is done must be in the log before it is.
                self.write(std::mem::take(&mut events)).await;
                self.act(output).await;
            }
            self.write(events).await;
        }
    }

    async fn act(&mut self, deed: RunOutput) {
        match deed {
            RunOutput::Log(_) => (),
            RunOutput::Stop(names) => {
                let members = self.work.iter().flat_map(|work| &work.members);
                let stopped = members.filter(|asked| names.contains(&asked.name));
                stopped.for_each(|asked| asked.session.abandon(asked.prompt_id.clone()));
            }
            RunOutput::StopMerger => {
                let merging = self.work.iter().filter_map(|work| work.merging.as_ref());
                merging.for_each(|asked| asked.session.abandon(asked.prompt_id.clone()));
            }
            RunOutput::Merge(text) => {
                if let Err(problem) = self.merge(text).await {
                    self.run.not_merged(problem);
                }
            }
            RunOutput::Clean => self.clean().await,
        }
    }

    /// Asks whoever merges: a member once more, or somebody else.
    async fn merge(&mut self, text: String) -> Result<(), Problem> {
        let nobody = |message: &str| Problem::new(ProblemKind::SpawnFailed, format!("nobody can merge: {message}"));
        let work = self.work.as_ref().ok_or_else(|| nobody("the run is over"))?;
        let asked = match work.merger.clone() {
            None => return Err(nobody("nobody was named")),
            Some(Merger::Member(name)) => {
                let member = work.members.iter().find(|asked| asked.name == name);
                let member = member.ok_or_else(|| nobody("the member was not asked"))?;
                self.run.merger_begins(self.now(), &member.session_id, None);
                (name, member.session_id.clone(), member.session.clone())
            }
            Some(Merger::Other(invited)) => {
                let agents = self.surroundings.agents.upgrade().ok_or_else(|| nobody("the daemon ends"))?;
                // A judge looks at the folder as it was. Who makes one of all answers may have to change files.
                let workshop = self.workshop.clone().filter(|_| self.run.view().strategy == Strategy::Synthesise);
                let joined = agents.join(&work.run_id, &work.cwd, &invited, workshop.as_deref()).await;
                let (member, session) = joined.map_err(|error| nobody(&error.to_string()))?;
                self.follow(&session);
                let session_id = member.session_id.unwrap_or_default();
                self.run.merger_begins(self.now(), &session_id, member.worktree);
                (invited.name, session_id, session)
            }
        };
        self.ask(asked, text, true).await;
        self.show();
        Ok(())
    }

    /// Ends the sessions and takes away the worktrees, unless they are to be kept.
    async fn clean(&mut self) {
        if let Some(work) = self.work.take().filter(|work| !work.keep) {
            let agents = self.surroundings.agents.upgrade();
            let asked = work.members.iter().chain(&work.merging);
            join_all(asked.map(async |asked| {
                asked.session.close().await;
                if let Some(agents) = &agents {
                    agents.close(&asked.session_id).await;
                }
            }))
            .await;
            if let Some(workshop) = &self.workshop {
                let emptied = workshop.empty().await;
                emptied.inspect_err(|error| tracing::warn!(%error, "a worktree of a run is left behind")).ok();
            }
        }
        self.run.cleaned(self.now());
    }

    async fn discard(&mut self) -> Result<(), NotRun> {
        if !self.run.is_ended() {
            return Err(NotRun::AtWork);
        }
        if let Some(agents) = self.surroundings.agents.upgrade() {
            let view = self.run.view();
            let sessions = view.members.iter().chain(&view.merger).filter_map(|of| of.member.session_id.as_deref());
            join_all(sessions.map(|session| agents.close(session))).await;
        }
        if let Some(workshop) = &self.workshop {
            workshop.discard().await?;
        }
        (self.is_halted, self.is_done) = (true, true);
        Ok(())
    }

    async fn write(&mut self, events: Vec<Envelope>) {
        if events.is_empty() {
            return;
        }
        let Some(mut log) = self.log.take() else { return self.show() };
        let secrets = Arc::clone(&self.surroundings.secrets);
        let writing = spawn_blocking(move || {
            let lines = log.append(&events, &secrets);
            (log, events, lines)
        });
        let written = writing.await.map_err(io::Error::other);
        let written = written.and_then(|(log, events, lines)| Ok((log, events, lines?)));
        match written {
            Ok((log, events, lines)) => {
                let length = log.written().bytes;
                self.written.send_replace(log.written());
                self.log = Some(log);
                tell(&self.surroundings.events, &events, &lines);
                let ends = |envelope: &&Envelope| matches!(envelope.event, Event::RunEnded(_) | Event::RunApplied(_));
                let agents = self.surroundings.agents.upgrade();
                if let Some((ended, agents)) = events.iter().find(ends).zip(agents) {
                    agents.archive().ended(&ended.session_id, length);
                }
                self.show();
            }
            Err(error) => {
                tracing::error!(%error, "a run ends, because its log cannot be written");
                let lost = Some(error.kind());
                self.written.send_modify(|written| (written.is_final, written.lost) = (true, lost));
                self.show();
                self.run.cancel();
            }
        }
    }

    /// Shows the run as it is, without secrets.
    fn show(&mut self) {
        let view = self.run.view();
        let place = format!("/{}", view.run_id);
        let text = view.shown(&self.surroundings.secrets);
        match text.and_then(|text| serde_json::from_str::<Json>(&text)) {
            Ok(json) => {
                let shown = self.surroundings.views.commit(|write| write.set(&place, json));
                shown.inspect_err(|error| tracing::error!(%error, "a run cannot be shown")).ok();
            }
            Err(error) => tracing::error!(%error, "a run cannot be written as JSON"),
        }
        self.view.send_replace(view);
    }

    async fn end(mut self) {
        let is_kept = !self.is_done && self.workshop.as_ref().is_some_and(|workshop| workshop.keeps());
        if !is_kept {
            if let Some(workshop) = &self.workshop {
                let discarded = workshop.discard().await;
                discarded.inspect_err(|error| tracing::warn!(%error, "a worktree of a run is left behind")).ok();
            }
            self.log.take().into_iter().for_each(Log::close);
        }
        self.written.send_modify(|written| written.is_final = true);
        let place = format!("/{}", self.view.borrow().run_id);
        let hidden = self.surroundings.views.commit(|write| write.remove(&place));
        hidden.inspect_err(|error| tracing::error!(%error, "a run cannot be taken away")).ok();
    }
}

/// Waits until something is said, or can be said no more. Gives whether it was.
async fn said(said: &mut watch::Receiver<bool>) -> bool {
    said.wait_for(|said| *said).await.is_ok()
}

/// Follows a session until its turn is over, and looks at what was changed in its worktree then.
async fn hear_out(follow: Follow, name: String, prompt_id: String, workshop: Option<Arc<Workshop>>) -> RunMemberEnded {
    let Heard { outcome, mut error, answer } = hear(follow, &prompt_id).await;
    let mut files = Vec::new();
    if let Some(workshop) = workshop.filter(|workshop| workshop.has(&name)) {
        match workshop.changes(&name).await {
            Ok(changes) => files = within(changes.diff.files),
            Err(lost) => {
                let problem = Problem::new(ProblemKind::Unknown, format!("its changes cannot be told: {lost}"));
                error.get_or_insert(problem);
            }
        }
    }
    RunMemberEnded { name, outcome, error, answer, files }
}
