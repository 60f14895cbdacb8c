//! A session that lives: one task that owns it, its log and its agent. Everyone else has a handle.

mod arriving;
mod folder;
mod footing;
mod guard;
mod handle;
mod owner;
mod room;
mod ruling;
mod starting;
mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sixframe_hub::{OutboundChannel, Slice};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use super::agent::{Agent, Command, Fact, Launch, Running, Told};
use super::event::Envelope;
use super::item::ItemStatus;
use super::joints::Joints;
use super::log::{Log, Written};
use super::moment::Moment;
use super::policy::{Ground, Policy, Remembered, Ruling};
use super::problem::{Problem, ProblemKind};
use super::secrets::Secrets;
use super::session::{NotNow, Output, Session, SessionView, Successor};
use super::summary;
use super::transcript::Archive;
use super::trust::Trust;
use super::undo::Looks;
use super::watcher::{WatchConfig, Watching};
use arriving::Arrival;
use folder::Held;
use footing::Footing;
use guard::Guard;
use handle::Wish;
pub(super) use handle::{Handle, Over};
use owner::Owners;
pub(super) use room::Room;
use room::Share;
use ruling::Asking;
pub(super) use writing::tell;

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
    pub(super) room: Room,
    /// What moments are counted from.
    pub(super) start: Instant,
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
    /// What it was started for.
    begun_for: Footing,
    /// What looks at the settings of the folder while an agent runs that has loaded them.
    guard: Option<Guard>,
    /// What waits until the folder was looked at.
    held: Option<Held>,
    /// What is held to the rules. Nothing that the agent tells behind it is taken before.
    asking: Option<Asking>,
    /// A ruling that was given up, and may be at work yet.
    late: Option<JoinHandle<Ruling>>,
    /// Prompts that are still made, in the order in which they were asked for.
    arrivals: VecDeque<Arrival>,
    owners: Owners,
    share: Share,
    /// The folder, while a turn is open.
    watching: Option<Watching>,
    /// Whether it was said that not all of it is watched.
    said_unwatched: bool,
    /// Whether it was said that nothing can be undone.
    said_no_undo: bool,
    /// Whether it was closed, and not only halted.
    is_done: bool,
    /// Whether its log cannot be written any more.
    is_lost: bool,
    /// Ends of texts that may be the beginnings of secrets.
    joints: Joints,
    /// Answers to wishes that are not in the log yet.
    replies: Vec<Box<dyn FnOnce() + Send + Sync>>,
}

impl Live {
    async fn run(mut self, begun: Vec<Output>, mut wished: mpsc::UnboundedReceiver<Wish>) {
        for deed in begun {
            self.act(deed).await;
        }
        let mut sound = self.settle().await;
        while sound && !(self.session.is_closed() && self.running.is_none()) {
            let (deadline, works_by_itself) = (self.session.deadline(), self.session.works_by_itself());
            tokio::select! {
                biased;
                wish = wished.recv(), if !self.session.is_closed() => self.wish(wish).await,
                prompt = arriving::made(&mut self.arrivals) => self.arrived(prompt),
                looked = folder::looked(&mut self.held) => self.release(looked),
                // Whoever floods keeps nobody's going away from being heard.
                () = owner::gone(&self.owners, works_by_itself) => drop(self.session.stop_turn(self.now())),
                ruling = ruling::ruled(&mut self.asking) => {
                    self.take_ruling(ruling);
                    self.session.tick(self.now());
                }
                told = next(&mut self.running), if self.asking.is_none() => {
                    self.told(told).await;
                    // One that never stops telling keeps no time from running out.
                    self.session.tick(self.now());
                }
                seen = folder::seen(&mut self.watching) => self.saw(seen),
                () = guard::outdated(&mut self.guard) => self.outdated(),
                () = until(self.surroundings.start, deadline) => self.session.tick(self.now()),
            }
            self.give_up_ruling();
            sound = self.settle().await;
            if sound {
                self.replies.drain(..).for_each(|reply| reply());
            }
            self.attend_folder();
            let matters = self.what_matters();
            self.guard.iter().for_each(|guard| guard.attend(matters));
            self.owners.attend(&self.session);
        }
        self.end();
    }

    fn now(&self) -> Moment {
        Moment::now(self.surroundings.start)
    }

    async fn wish(&mut self, wish: Option<Wish>) {
        let now = self.now();
        match wish {
            Some(Wish::Prompt(arrival)) => self.asked_for(arrival),
            Some(Wish::Decide(id, choice, by, told)) => {
                let decided = self.session.decide(now, &id, choice, by);
                self.reply(told, decided);
            }
            Some(Wish::Answer(id, answers, by, told)) => {
                let answered = self.session.answer(now, &id, answers, by);
                let answered = answered.map(|secrets| self.keep(secrets));
                self.reply(told, answered);
            }
            Some(Wish::EditPrompt(id, content, seq, told)) => {
                let is_same = self.session.check_prompt(&id, seq);
                let edited = is_same.and_then(|()| self.session.edit_prompt(now, &id, content));
                self.reply(told, edited);
            }
            Some(Wish::CancelPrompt(id, told)) => {
                let cancelled = self.take_back(&id) || self.session.cancel_prompt(now, &id);
                self.reply(told, cancelled);
            }
            Some(Wish::Interrupt { keeps_queue, told }) => {
                let stopped = self.interrupt(keeps_queue);
                self.reply(told, stopped);
            }
            Some(Wish::Abandon(id)) => {
                if !self.take_back(&id) {
                    self.session.abandon(now, &id);
                }
            }
            Some(Wish::SetMode(mode, told)) => {
                self.session.set_mode(now, mode);
                self.reply(told, ());
            }
            Some(Wish::SetModel(model, told)) => {
                self.session.set_model(now, model);
                self.reply(told, ());
            }
            Some(Wish::Succeed(agent, model, told)) => {
                let succeeded = self.succeed(now, agent, model);
                self.reply(told, succeeded);
            }
            Some(Wish::Undo { turn, is_forced, told }) => {
                let undone = self.undo(&turn, is_forced).await;
                self.reply(told, undone);
            }
            Some(Wish::Wake(told)) => {
                self.session.wake(now);
                self.reply(told, ());
            }
            Some(Wish::Metadata(told)) => {
                let known = (self.session.metadata(), Arc::clone(&self.surroundings.secrets));
                self.reply(told, known);
            }
            Some(Wish::Show) => self.show(),
            Some(Wish::Close) => {
                self.session.close(now);
                self.is_done = true;
            }
            Some(Wish::Halt) | None => self.session.halt(now),
        }
    }

    /// Answers a wish when what comes of it is in the log and shown: whoever is told that it is done finds it done.
    fn reply<T: Send + Sync + 'static>(&mut self, told: oneshot::Sender<T>, answer: T) {
        // An answer that nobody waits for any more is not missed.
        self.replies.push(Box::new(move || drop(told.send(answer))));
    }

    /// Another agent takes over. What callers may set for one is not for the other.
    fn succeed(&mut self, now: Moment, agent: Arc<dyn Agent>, model: Option<String>) -> Result<(), NotNow> {
        let (provider, abilities, patience) = (agent.provider().to_owned(), agent.abilities(), agent.patience());
        let reads_history = agent.reads_history();
        self.session.succeed(now, Successor { provider, abilities, patience, model, reads_history })?;
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
            if self.asking.is_some() {
                return;
            }
            let next = self.running.as_mut().and_then(|running| running.facts.try_recv().ok());
            let Some(told) = next else { return };
            self.take(told).await;
        }
    }

    async fn take(&mut self, mut told: Told) {
        if matches!(told.fact, Fact::Gone { .. }) {
            (self.running, self.guard) = (None, None);
            // What waited for the folder was not given to it.
            self.return_held();
        }
        self.join(&mut told.fact);
        if self.session.ends_with(&told.fact) {
            // What the agent has said does not wait for that.
            self.settle().await;
            self.look_behind().await;
            self.see_rest().await;
        }
        if matches!(told.fact, Fact::Asked(_)) {
            return self.consult(told);
        }
        let has_begun = matches!(told.fact, Fact::Began { .. });
        self.session.told(self.now(), told);
        if has_begun && self.session.works_by_itself() {
            self.look_beside();
        }
    }

    /// Keeps back what may be a part of a secret, and tells what was kept where nothing follows.
    fn join(&mut self, fact: &mut Fact) {
        let now = self.now();
        let ends: Vec<_> = match fact {
            Fact::Grew { id, field, text } => {
                let secrets = Arc::clone(&self.surroundings.secrets);
                *text = self.joints.push(&secrets, id, *field, std::mem::take(text));
                return;
            }
            Fact::Item { id, item } if item.status.is_some_and(ItemStatus::is_final) => {
                self.joints.flush(id).into_iter().map(|(field, text)| (id.clone(), field, text)).collect()
            }
            Fact::Ended(_) | Fact::Gone { .. } => self.joints.finish(),
            // They bring no text that goes on.
            Fact::Process(_)
            | Fact::Ready(_)
            | Fact::Session(_)
            | Fact::Item { .. }
            | Fact::Asked(_)
            | Fact::Inquired(_)
            | Fact::Withdrew { .. }
            | Fact::Diff(_)
            | Fact::Plan(_)
            | Fact::Usage(_)
            | Fact::Limits(_)
            | Fact::Retry(_)
            | Fact::Problem(_)
            | Fact::Unparsed(_)
            | Fact::Native
            | Fact::Alive
            | Fact::Muted
            | Fact::Untaken(_)
            | Fact::Unsteered(_)
            | Fact::Left(_)
            | Fact::Began { .. }
            | Fact::Lost { .. } => return,
        };
        for (id, field, text) in ends {
            self.session.told(now, Fact::Grew { id, field, text }.into());
        }
    }

    /// Does what the session wants to be done. False when that is not possible any more.
    async fn settle(&mut self) -> bool {
        loop {
            if self.is_lost {
                return false;
            }
            let outputs = self.session.outputs();
            if outputs.is_empty() {
                return true;
            }
            let (events, deeds) = parted(outputs);
            // What is done must be in the log before it is.
            if let Err(error) = self.write(events).await {
                tracing::error!(%error, log = %self.path().display(), "a session ends, because its log cannot be written");
                self.is_lost = true;
                self.session.halt(self.now());
                self.tell(Command::Stop);
                self.end_log(&error).await;
                return false;
            }
            for deed in deeds {
                self.act(deed).await;
            }
        }
    }

    async fn act(&mut self, deed: Output) {
        match deed {
            Output::Start { resume, is_fork, mode, model } => {
                self.look_ahead();
                let spent = self.session.spent();
                let launch = Launch { resume, is_fork, spent, mode, model, ..self.surroundings.launch.clone() };
                self.start(launch).await;
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
        // Who is known to be gone is told nothing.
        let Some(running) = &self.running else { return };
        if let (Command::Stop, Some(guard)) = (&command, &self.guard) {
            return guard.stop(running.commands.clone());
        }
        let Err(SendError(unheard)) = running.commands.send(command) else { return };
        match unheard {
            Command::Stop | Command::Kill | Command::Hold(_) => return,
            Command::Prompt(prompt) => self.session.give_back(prompt),
            Command::Steer(_)
            | Command::Interrupt
            | Command::Decide { .. }
            | Command::Answer { .. }
            | Command::SetMode(_)
            | Command::SetModel(_) => (),
        }
        // Whoever is gone without having said so is gone.
        let problem = Some(Problem::new(ProblemKind::Crashed, "the agent is gone"));
        (self.running, self.guard, self.asking) = (None, None, None);
        self.session.told(self.now(), Fact::Gone { problem }.into());
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

/// What is to be written, and what is to be done when that is.
fn parted(outputs: Vec<Output>) -> (Vec<Envelope>, Vec<Output>) {
    let mut events = Vec::new();
    let mut deeds = Vec::new();
    for output in outputs {
        match output {
            Output::Log(envelope) => events.push(*envelope),
            Output::Start { .. } | Output::Tell(_) | Output::Remember { .. } => deeds.push(output),
        }
    }
    (events, deeds)
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
