//! A session that lives: one task that owns it, its log and its agent. Everyone else has a handle.

mod folder;
mod starting;

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sixframe_hub::{Json, OutboundChannel, Slice};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use super::agent::{Agent, Answers, Command, Fact, Launch, Prompt, Running, Told};
use super::api::Metadata;
use super::event::{Delivery, Envelope, Event, Mode};
use super::item::{Content, FileChange};
use super::log::{Follow, Log, Reading, Written};
use super::moment::Moment;
use super::permission::Decider;
use super::policy::{Ground, Policy, Remembered};
use super::problem::{Problem, ProblemKind};
use super::secrets::Secrets;
use super::session::{Choice, NotNow, Output, Refused, Session, SessionView, Successor, Unanswered, Undecided};
use super::summary;
use super::transcript::Archive;
use super::trust::Trust;
use super::undo::{Looks, NotUndone};
use super::watcher::{WatchConfig, Watching};
use folder::Held;

/// Facts that are taken together, before the log is written.
const BATCH: usize = 64;

/// The state of all sessions, as windows see it.
pub(super) type Views = Slice<BTreeMap<String, SessionView>>;

/// What a session lives with.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) agent: Arc<dyn Agent>,
    pub(super) launch: Launch,
    pub(super) views: Arc<Views>,
    pub(super) events: OutboundChannel,
    pub(super) secrets: Arc<Secrets>,
    pub(super) archive: Archive,
    pub(super) looks: Arc<Looks>,
    pub(super) watch: WatchConfig,
    pub(super) policy: Policy,
    pub(super) ground: Ground,
    pub(super) trust: Trust,
    /// What moments are counted from.
    pub(super) start: Instant,
}

/// What is wished of a session.
enum Wish {
    Prompt(Prompt, Delivery, Duration, oneshot::Sender<Result<u64, Refused>>),
    Decide(String, Choice, Decider, oneshot::Sender<Result<(), Undecided>>),
    Answer(String, Answers, Decider, oneshot::Sender<Result<(), Unanswered>>),
    CancelPrompt(String, oneshot::Sender<bool>),
    EditPrompt(String, Vec<Content>, oneshot::Sender<bool>),
    Interrupt { keeps_queue: bool, told: oneshot::Sender<bool> },
    Abandon(String),
    SetMode(Mode),
    SetModel(String),
    Succeed(Arc<dyn Agent>, Option<String>, oneshot::Sender<Result<(), NotNow>>),
    Undo { turn: String, is_forced: bool, told: oneshot::Sender<Result<Vec<FileChange>, NotUndone>> },
    Wake,
    Metadata(oneshot::Sender<Metadata>),
    Show,
    Close,
    Halt,
}

/// A session, for whoever wishes something of it. Cheap to clone. Dropping the last one halts it.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    wishes: mpsc::UnboundedSender<Wish>,
    log: Reading,
    view: watch::Receiver<SessionView>,
    epoch: String,
    system_prompt: Option<String>,
}

/// The session's task has ended, because it was closed or its log cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub(super) struct Over;

impl Handle {
    /// Brings a session to life.
    pub(super) fn spawn(session: Session, epoch: String, log: Log, surroundings: Surroundings) -> Handle {
        let (wishes, wished) = mpsc::unbounded_channel();
        let (written, following) = watch::channel(log.written());
        let (view, viewing) = watch::channel(session.view());
        let path = log.path().to_owned();
        let system_prompt = surroundings.launch.system_prompt.clone();
        let live = Live {
            session,
            log: Some(log),
            surroundings,
            written,
            view,
            running: None,
            held: None,
            said_no_undo: false,
            watching: None,
            said_unwatched: false,
            is_done: false,
        };
        tokio::spawn(live.run(wished));
        Handle { wishes, log: Reading::new(path, following), view: viewing, epoch, system_prompt }
    }

    pub(super) fn view(&self) -> SessionView {
        self.view.borrow().clone()
    }

    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(super) fn reading(&self) -> Reading {
        self.log.clone()
    }

    pub(super) fn follow(&self, after: u64) -> Follow {
        self.log.follow(after)
    }

    /// Shows it, though nothing has happened.
    pub(super) fn show(&self) {
        self.wish(Wish::Show);
    }

    /// Gives the number of the last event before the prompt's own.
    pub(super) async fn prompt(
        &self,
        prompt: Prompt,
        delivery: Delivery,
        timeout: Duration,
    ) -> Result<Result<u64, Refused>, Over> {
        self.ask(|told| Wish::Prompt(prompt, delivery, timeout, told)).await
    }

    pub(super) async fn decide(&self, id: String, choice: Choice, by: Decider) -> Result<Result<(), Undecided>, Over> {
        self.ask(|told| Wish::Decide(id, choice, by, told)).await
    }

    pub(super) async fn answer(
        &self,
        id: String,
        answers: Answers,
        by: Decider,
    ) -> Result<Result<(), Unanswered>, Over> {
        self.ask(|told| Wish::Answer(id, answers, by, told)).await
    }

    pub(super) async fn edit_prompt(&self, id: String, content: Vec<Content>) -> Result<bool, Over> {
        self.ask(|told| Wish::EditPrompt(id, content, told)).await
    }

    pub(super) async fn cancel_prompt(&self, id: String) -> Result<bool, Over> {
        self.ask(|told| Wish::CancelPrompt(id, told)).await
    }

    pub(super) async fn interrupt(&self, keeps_queue: bool) -> Result<bool, Over> {
        self.ask(|told| Wish::Interrupt { keeps_queue, told }).await
    }

    pub(super) fn abandon(&self, prompt_id: String) {
        self.wish(Wish::Abandon(prompt_id));
    }

    pub(super) fn set_mode(&self, mode: Mode) {
        self.wish(Wish::SetMode(mode));
    }

    pub(super) fn set_model(&self, model: String) {
        self.wish(Wish::SetModel(model));
    }

    /// Lets another agent answer from now on.
    pub(super) async fn succeed(
        &self,
        agent: Arc<dyn Agent>,
        model: Option<String>,
    ) -> Result<Result<(), NotNow>, Over> {
        self.ask(|told| Wish::Succeed(agent, model, told)).await
    }

    /// Takes back what a turn did to the folder.
    pub(super) async fn undo(&self, turn: String, is_forced: bool) -> Result<Result<Vec<FileChange>, NotUndone>, Over> {
        self.ask(|told| Wish::Undo { turn, is_forced, told }).await
    }

    /// Starts the agent, unless it is there.
    pub(super) fn wake(&self) {
        self.wish(Wish::Wake);
    }

    pub(super) async fn metadata(&self) -> Result<Metadata, Over> {
        self.ask(Wish::Metadata).await
    }

    /// What its agent is told about its task.
    pub(super) fn system_prompt(&self) -> Option<String> {
        self.system_prompt.clone()
    }

    /// Whether nobody hears what is wished any more.
    pub(super) fn is_over(&self) -> bool {
        self.wishes.is_closed()
    }

    /// Closes it and waits until its agent is gone.
    pub(super) async fn close(&self) {
        self.wish(Wish::Close);
        self.wishes.closed().await;
    }

    /// Ends what goes on and waits until its agent is gone. The session can be gone on with by another daemon.
    pub(super) async fn halt(&self) {
        self.wish(Wish::Halt);
        self.wishes.closed().await;
    }

    async fn ask<T>(&self, wish: impl FnOnce(oneshot::Sender<T>) -> Wish) -> Result<T, Over> {
        let (told, answer) = oneshot::channel();
        self.wishes.send(wish(told)).map_err(|_| Over)?;
        answer.await.map_err(|_| Over)
    }

    fn wish(&self, wish: Wish) {
        // What has ended has nothing left to be changed.
        let _ = self.wishes.send(wish);
    }
}

/// The task of a session.
struct Live {
    session: Session,
    /// None while it is written on another thread, and when that has failed.
    log: Option<Log>,
    surroundings: Surroundings,
    written: watch::Sender<Written>,
    view: watch::Sender<SessionView>,
    running: Option<Running>,
    /// What waits until the folder was looked at.
    held: Option<Held>,
    /// The folder, while a turn is open.
    watching: Option<Watching>,
    /// Whether it was said that not all of it is watched.
    said_unwatched: bool,
    /// Whether it was said that nothing can be undone.
    said_no_undo: bool,
    /// Whether it was closed, and not only halted.
    is_done: bool,
}

impl Live {
    async fn run(mut self, mut wished: mpsc::UnboundedReceiver<Wish>) {
        let mut sound = self.settle().await;
        while sound && !(self.session.is_closed() && self.running.is_none()) {
            let deadline = self.session.deadline();
            tokio::select! {
                biased;
                wish = wished.recv(), if !self.session.is_closed() => self.wish(wish).await,
                told = next(&mut self.running) => self.told(told).await,
                looked = folder::looked(&mut self.held) => self.release(looked),
                seen = folder::seen(&mut self.watching) => self.saw(seen),
                () = until(self.surroundings.start, deadline) => self.session.tick(self.now()),
            }
            sound = self.settle().await;
            self.attend_folder();
        }
        self.end();
    }

    fn now(&self) -> Moment {
        Moment::now(self.surroundings.start)
    }

    async fn wish(&mut self, wish: Option<Wish>) {
        let now = self.now();
        // An answer that nobody waits for any more is not missed.
        match wish {
            Some(Wish::Prompt(prompt, delivery, timeout, told)) => {
                let before = self.session.seq();
                let taken = self.session.prompt(now, prompt, delivery, timeout);
                let _ = told.send(taken.map(|()| before));
            }
            Some(Wish::Decide(id, choice, by, told)) => {
                let _ = told.send(self.session.decide(now, &id, choice, by));
            }
            Some(Wish::Answer(id, answers, by, told)) => {
                let answered = self.session.answer(now, &id, answers, by);
                let _ = told.send(answered.map(|secrets| self.keep(secrets)));
            }
            Some(Wish::EditPrompt(id, content, told)) => {
                let _ = told.send(self.session.edit_prompt(now, &id, content));
            }
            Some(Wish::CancelPrompt(id, told)) => {
                let _ = told.send(self.session.cancel_prompt(now, &id));
            }
            Some(Wish::Interrupt { keeps_queue, told }) => {
                if !keeps_queue {
                    self.session.cancel_prompts(now);
                }
                let _ = told.send(self.session.stop_turn(now));
            }
            Some(Wish::Abandon(id)) => self.session.abandon(now, &id),
            Some(Wish::SetMode(mode)) => self.session.set_mode(now, mode),
            Some(Wish::SetModel(model)) => self.session.set_model(now, model),
            Some(Wish::Succeed(agent, model, told)) => {
                let _ = told.send(self.succeed(now, agent, model));
            }
            Some(Wish::Undo { turn, is_forced, told }) => {
                let undone = self.undo(&turn, is_forced).await;
                let _ = told.send(undone);
            }
            Some(Wish::Wake) => self.session.wake(now),
            Some(Wish::Metadata(told)) => drop(told.send(self.session.metadata())),
            Some(Wish::Show) => self.show(),
            Some(Wish::Close) => {
                self.session.close(now);
                self.is_done = true;
            }
            Some(Wish::Halt) | None => self.session.halt(now),
        }
    }

    /// Another agent takes over. What callers may set for one is not for the other.
    fn succeed(&mut self, now: Moment, agent: Arc<dyn Agent>, model: Option<String>) -> Result<(), NotNow> {
        let (provider, abilities, patience) = (agent.provider().to_owned(), agent.abilities(), agent.patience());
        self.session.succeed(now, Successor { provider, abilities, patience, model })?;
        self.surroundings.launch.env.clear();
        self.surroundings.agent = agent;
        Ok(())
    }

    /// What was answered in secret is not written down, whoever tells it later.
    fn keep(&mut self, secrets: Vec<String>) {
        if !secrets.is_empty() {
            self.surroundings.secrets = Arc::new(self.surroundings.secrets.and(secrets));
        }
    }

    /// Takes what the agent told, and what it has told meanwhile.
    async fn told(&mut self, first: Told) {
        self.take(first).await;
        for _ in 1..BATCH {
            let next = self.running.as_mut().and_then(|running| running.facts.try_recv().ok());
            let Some(told) = next else { return };
            self.take(told).await;
        }
    }

    async fn take(&mut self, told: Told) {
        if matches!(told.fact, Fact::Gone { .. }) {
            (self.running, self.held) = (None, None);
        }
        if matches!(told.fact, Fact::Ended(_)) {
            self.look_behind().await;
            self.see_rest().await;
        }
        let told = self.ruled(told).await;
        self.session.told(self.now(), told);
    }

    /// Says of what is asked leave for what the rules say.
    async fn ruled(&self, mut told: Told) -> Told {
        if let Fact::Asked(ask) = &mut told.fact {
            let Surroundings { policy, ground, .. } = self.surroundings.clone();
            let (asked, mode, id) = (ask.clone(), self.session.mode(), self.session.id().to_owned());
            // Where that cannot be done, a person is asked.
            ask.ruling = spawn_blocking(move || policy.rule_on(&asked, &ground, mode, &id)).await.unwrap_or_default();
        }
        told
    }

    /// Does what the session wants to be done. False when that is not possible any more.
    async fn settle(&mut self) -> bool {
        loop {
            let outputs = self.session.outputs();
            if outputs.is_empty() {
                return true;
            }
            let mut events = Vec::new();
            let mut deeds = Vec::new();
            for output in outputs {
                match output {
                    Output::Log(envelope) => events.push(*envelope),
                    Output::Start { .. } | Output::Tell(_) | Output::Remember { .. } => deeds.push(output),
                }
            }
            // What is done must be in the log before it is.
            if let Err(error) = self.write(events).await {
                tracing::error!(%error, log = %self.path().display(), "a session ends, because its log cannot be written");
                self.session.halt(self.now());
                self.tell(Command::Stop);
                return false;
            }
            for deed in deeds {
                self.act(deed).await;
            }
        }
    }

    async fn act(&mut self, deed: Output) {
        match deed {
            Output::Start { resume, is_fork } => {
                self.look_ahead();
                self.start(resume, is_fork).await;
            }
            Output::Tell(command) => self.tell(command),
            Output::Remember { what, is_kept } => self.remember(what, is_kept).await,
            Output::Log(_) => (),
        }
    }

    async fn remember(&self, what: Vec<Remembered>, is_kept: bool) {
        let Surroundings { policy, ground, .. } = self.surroundings.clone();
        let (id, now) = (self.session.id().to_owned(), self.now().wall_ms);
        let keeping = spawn_blocking(move || policy.remember(&what, is_kept, &id, &ground.folder, now));
        // A rule that is not kept allows nothing: the person is asked again.
        match keeping.await {
            Ok(kept) => drop(kept.inspect_err(|error| tracing::error!(%error, "a rule is not kept"))),
            Err(error) => tracing::error!(%error, "a rule is not kept"),
        }
    }

    /// What was said and done so far, for an agent that was not there.
    async fn history(&self) -> Option<String> {
        if !self.session.has_history() {
            return None;
        }
        let path = self.path().to_owned();
        let read = spawn_blocking(move || summary::of_log(&path)).await.map_err(io::Error::other).flatten();
        let read = read.inspect_err(|error| tracing::warn!(%error, "a session's log cannot be read for its agent"));
        read.ok().flatten().map(|told| summary::fenced(&told))
    }

    fn tell(&mut self, command: Command) {
        if let Some(command) = self.hold(command) {
            self.pass(command);
        }
    }

    fn pass(&mut self, command: Command) {
        let unheard = match &self.running {
            Some(running) => running.commands.send(command.clone()).is_err(),
            None => true,
        };
        // Whoever is gone without having said so is gone.
        if unheard && !matches!(command, Command::Stop) {
            let problem = Some(Problem::new(ProblemKind::Crashed, "the agent is gone"));
            self.running = None;
            self.session.told(self.now(), Fact::Gone { problem }.into());
        }
    }

    async fn write(&mut self, events: Vec<Envelope>) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let lost = || io::Error::other("the log is lost");
        let (mut log, secrets) = (self.log.take().ok_or_else(lost)?, Arc::clone(&self.surroundings.secrets));
        let writing = spawn_blocking(move || {
            let lines = log.append(&events, &secrets);
            (log, events, lines)
        });
        let (log, events, lines) = writing.await.map_err(io::Error::other)?;
        let written = log.written();
        self.log = Some(log);
        let lines = lines?;
        self.written.send_replace(written);
        self.publish(&events, &lines);
        if events.iter().any(|envelope| matches!(envelope.event, Event::TurnEnded(_) | Event::SessionClosed(_))) {
            self.surroundings.archive.ended(&events[0].session_id, written.bytes);
        }
        Ok(())
    }

    fn publish(&mut self, events: &[Envelope], lines: &[String]) {
        tell(&self.surroundings.events, events, lines);
        if events.iter().any(|envelope| !matches!(envelope.event, Event::ItemDelta(_))) {
            self.show();
        }
    }

    /// Shows the session as it is, without secrets.
    fn show(&mut self) {
        let view = self.session.view();
        let place = format!("/{}", view.session_id);
        let text = serde_json::to_string(&view).map(|text| self.surroundings.secrets.redacted(&text).into_owned());
        match text.and_then(|text| serde_json::from_str::<Json>(&text)) {
            Ok(json) => {
                let shown = self.surroundings.views.commit(|write| write.set(&place, json));
                shown.inspect_err(|error| tracing::error!(%error, "a session cannot be shown")).ok();
            }
            Err(error) => tracing::error!(%error, "a session cannot be written as JSON"),
        }
        self.view.send_replace(view);
    }

    fn path(&self) -> &Path {
        self.log.as_ref().map_or(Path::new(""), Log::path)
    }

    fn end(mut self) {
        if self.is_done {
            self.log.take().into_iter().for_each(Log::close);
        }
        self.written.send_modify(|written| written.is_final = true);
        let place = format!("/{}", self.view.borrow().session_id);
        let hidden = self.surroundings.views.commit(|write| write.remove(&place));
        hidden.inspect_err(|error| tracing::error!(%error, "a session cannot be taken away")).ok();
    }
}

/// Tells events to those who listen to all sessions.
pub(super) fn tell(listeners: &OutboundChannel, events: &[Envelope], lines: &[String]) {
    for (envelope, line) in events.iter().zip(lines) {
        let told = serde_json::from_str::<Json>(line);
        let told = told.and_then(|json| listeners.emit(envelope.event.name(), json));
        told.inspect_err(|error| tracing::error!(%error, "an event cannot be told")).ok();
    }
}

/// The next fact; what has ended without a word is gone.
async fn next(running: &mut Option<Running>) -> Told {
    match running {
        Some(running) => running.facts.recv().await.unwrap_or_else(|| {
            let problem = Some(Problem::new(ProblemKind::Crashed, "the agent ended without a word"));
            Fact::Gone { problem }.into()
        }),
        None => pending().await,
    }
}

async fn until(start: Instant, deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until((start + deadline).into()).await,
        None => pending().await,
    }
}
