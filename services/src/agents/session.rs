//! A session: its turns, its queue, what waits for leave, what takes too long. Pure: facts, wishes and the time come in;
//! events for the log and commands for the agent come out.

mod files;
mod past;
mod permissions;
mod questions;
mod watchdogs;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::{Abilities, Command, Fact, Prompt, Told};
use super::deltas::{Deltas, Grown};
use super::event::{
    CloseReason, Delivery, Envelope, Event, Mode, Native, Outcome, ProcessEvent, PromptQueued, PromptRef,
    QuestionRequest, SessionClosed, SessionCreated, SessionUpdate, Source,
};
use super::identifier::identifier;
use super::item::{Content, Item, ItemKind, ItemStatus};
use super::moment::Moment;
use super::permission::{Decider, PermissionRequest};
use super::policy::Remembered;
use super::problem::{Problem, ProblemKind};
use super::state::{Reducer, State};
use super::turn::{TurnEnd, Turns};
use super::usage::UsageUpdate;
use files::Files;
pub use past::{NotNow, Past, Successor, Trunk};
use permissions::Pending;
pub use permissions::{Choice, Undecided};
use questions::Open;
pub use questions::Unanswered;
use watchdogs::Ladder;
pub use watchdogs::Timers;

/// The most prompts that wait.
const QUEUE: usize = 64;

/// What a session begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Beginning {
    /// Its id.
    pub id: String,
    /// The life of its log.
    pub epoch: String,
    /// What is told of it.
    pub created: SessionCreated,
    /// What its agent can do.
    pub abilities: Abilities,
    /// How long its agent may take until it can be spoken to.
    pub patience: Duration,
    /// How long anything else may take.
    pub timers: Timers,
}

/// What a session wants to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// To write this down, and to tell it.
    Log(Box<Envelope>),
    /// To start the agent, on the agent's own session where there is one to go on with.
    Start {
        /// The agent's id of it.
        resume: Option<String>,
        /// Whether it is to be forked.
        is_fork: bool,
    },
    /// To tell the agent.
    Tell(Command),
    /// To remember a yes.
    Remember {
        /// What is allowed.
        what: Vec<Remembered>,
        /// Whether for good, and not for the session alone.
        is_kept: bool,
    },
}

/// Why a prompt is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
    /// Too many wait.
    #[error("{QUEUE} prompts wait already")]
    Full,
}

/// How far the agent's process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Absent,
    Starting,
    Ready,
    Stopping,
}

#[derive(Clone, Debug)]
struct Waiting {
    prompt: Prompt,
    delivery: Delivery,
    timeout: Duration,
}

/// A session as a window shows it: what it is doing, and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AgentSessionView")]
pub struct SessionView {
    /// Its id.
    pub session_id: String,
    /// The provider of its agent.
    pub provider: String,
    /// The folder that the agent works in.
    pub cwd: String,
    /// What it is doing.
    pub state: State,
    /// What is allowed without being asked for.
    pub mode: Mode,
    /// Whether the agent's process can be spoken to.
    pub is_ready: bool,
    /// The turn that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The model that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent's own id of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_session_id: Option<String>,
    /// Prompts that wait.
    pub queue: Vec<PromptQueued>,
    /// What waits for leave.
    pub permissions: Vec<PermissionRequest>,
    /// What waits for an answer.
    #[serde(default)]
    pub questions: Vec<QuestionRequest>,
    /// The session that this is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The run that this is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What was used so far.
    pub usage: UsageUpdate,
    /// The number of its newest event.
    pub seq: u64,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    beginning: Beginning,
    seq: u64,
    reducer: Reducer,
    turns: Turns,
    queue: VecDeque<Waiting>,
    permissions: BTreeMap<String, Pending>,
    questions: BTreeMap<String, Open>,
    files: Files,
    deltas: Deltas,
    /// Items that are not done.
    open_items: BTreeMap<String, ItemKind>,
    /// Calls that were denied and must not be done.
    denied: BTreeSet<String>,
    process: Process,
    /// Until when the process must be ready.
    ready_by: Duration,
    /// When something last came from the agent.
    alive: Duration,
    /// When the turn must be over; time that passes while leave is awaited does not count.
    turn_by: Duration,
    waiting_since: Option<Duration>,
    ladder: Option<Ladder>,
    mode: Mode,
    asked_model: Option<String>,
    /// The agent's id of the session to fork, until the agent has done so.
    origin: Option<String>,
    /// Whose process is being stopped, because another agent takes over.
    leaving: Option<String>,
    /// Whether the process ends because the agent's own session is lost.
    is_lost: bool,
    created_at_ms: u64,
    past_turns: u64,
    history: bool,
    known: SessionUpdate,
    usage: UsageUpdate,
    closed: bool,
    outputs: Vec<Output>,
}

impl Session {
    /// A session that begins now. Its agent is started at once.
    pub fn begin(now: Moment, beginning: Beginning) -> Session {
        let mut session = Session::at(beginning, Past { created_at_ms: now.wall_ms, ..Past::default() });
        session.log(now, Event::SessionCreated(session.beginning.created.clone()), None);
        session.start(now);
        session
    }

    /// A session that is known from its log. Its agent is started by the next prompt.
    pub fn resumed(beginning: Beginning, past: Past) -> Session {
        Session::at(beginning, past)
    }

    fn at(beginning: Beginning, past: Past) -> Session {
        let Past { seq, known, asked_model, created_at_ms, turns, has_history, usage, origin } = past;
        Session {
            mode: known.mode.unwrap_or(beginning.created.mode),
            asked_model: asked_model.or_else(|| beginning.created.model.clone()),
            origin,
            leaving: None,
            is_lost: false,
            created_at_ms,
            past_turns: turns,
            history: has_history,
            beginning,
            seq,
            reducer: Reducer::default(),
            turns: Turns::default(),
            queue: VecDeque::new(),
            permissions: BTreeMap::new(),
            questions: BTreeMap::new(),
            files: Files::default(),
            deltas: Deltas::default(),
            open_items: BTreeMap::new(),
            denied: BTreeSet::new(),
            process: Process::Absent,
            ready_by: Duration::ZERO,
            alive: Duration::ZERO,
            turn_by: Duration::ZERO,
            waiting_since: None,
            ladder: None,
            known,
            usage,
            closed: false,
            outputs: Vec::new(),
        }
    }

    /// What it wants to be done since this was asked last, in order.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        self.reducer.state()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.beginning.id
    }

    /// What is allowed without being asked for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The number of its newest event.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The model that was asked for last.
    pub fn asked_model(&self) -> Option<&str> {
        self.asked_model.as_deref()
    }

    /// Whether nothing comes of it any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The session as a window shows it.
    pub fn view(&self) -> SessionView {
        let queue = self.queue.iter().enumerate().map(|(position, waiting)| queued(position, waiting));
        let created = &self.beginning.created;
        SessionView {
            session_id: self.beginning.id.clone(),
            provider: created.provider.clone(),
            cwd: created.cwd.clone(),
            state: self.state(),
            mode: self.mode,
            is_ready: self.process == Process::Ready,
            turn_id: self.turns.open().map(|turn| turn.id().to_owned()),
            title: self.known.title.clone(),
            model: self.known.model.clone().or_else(|| self.asked_model.clone()),
            native_session_id: self.known.native_session_id.clone(),
            queue: queue.collect(),
            permissions: self.permissions.values().map(|pending| pending.request.clone()).collect(),
            questions: self.questions.values().map(|open| open.request.clone()).collect(),
            forked_from: created.forked_from.clone(),
            run_id: created.run_id.clone(),
            usage: self.usage.clone(),
            seq: self.seq,
        }
    }

    /// Somebody asks for something. It has `timeout` to be done once it has begun.
    ///
    /// # Errors
    /// The session is closed, or too many prompts wait.
    pub fn prompt(
        &mut self,
        now: Moment,
        prompt: Prompt,
        delivery: Delivery,
        timeout: Duration,
    ) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        if self.queue.len() >= QUEUE {
            return Err(Refused::Full);
        }
        let joins = delivery == Delivery::Steer && self.can_be_steered();
        let is_first = delivery != Delivery::Queue;
        let at = if is_first { 0 } else { self.queue.len() };
        let waiting = Waiting { prompt, delivery, timeout };
        self.log(now, Event::PromptQueued(queued(at, &waiting)), None);
        match joins {
            true => self.steer(now, waiting.prompt),
            false => self.queue.insert(at, waiting),
        }
        if delivery == Delivery::Now {
            self.interrupt(now, TurnEnd::new(Outcome::Interrupted));
        }
        self.pump(now);
        Ok(())
    }

    fn can_be_steered(&self) -> bool {
        self.turns.open().is_some() && self.ladder.is_none() && self.beginning.abilities.steer
    }

    fn steer(&mut self, now: Moment, prompt: Prompt) {
        self.given(now, Event::PromptSteered(PromptRef { prompt_id: prompt.id.clone() }), &prompt);
        self.said(now, &prompt);
        self.outputs.push(Output::Tell(Command::Steer(prompt)));
    }

    /// Takes a prompt back that waits. Gives whether it did.
    pub fn cancel_prompt(&mut self, now: Moment, prompt_id: &str) -> bool {
        let Some(at) = self.queue.iter().position(|waiting| waiting.prompt.id == prompt_id) else { return false };
        self.queue.remove(at);
        self.log(now, Event::PromptCancelled(PromptRef { prompt_id: prompt_id.to_owned() }), None);
        true
    }

    /// Puts other words in the place of a prompt that waits. Gives whether it does.
    pub fn edit_prompt(&mut self, now: Moment, prompt_id: &str, content: Vec<Content>) -> bool {
        let mut waiting = self.queue.iter_mut().enumerate();
        let Some((at, waiting)) = waiting.find(|(_, waiting)| waiting.prompt.id == prompt_id) else { return false };
        waiting.prompt.content = content;
        let told = queued(at, waiting);
        self.log(now, Event::PromptQueued(told), None);
        true
    }

    /// Takes all prompts back that wait.
    pub fn cancel_prompts(&mut self, now: Moment) {
        while let Some(waiting) = self.queue.pop_front() {
            self.log(now, Event::PromptCancelled(PromptRef { prompt_id: waiting.prompt.id }), None);
        }
    }

    /// Whoever asked for something does not want it any more: it is taken back where it waits, and its turn is stopped.
    pub fn abandon(&mut self, now: Moment, prompt_id: &str) {
        let is_open = self.turns.open().is_some_and(|turn| turn.prompt_id() == prompt_id);
        if !self.cancel_prompt(now, prompt_id) && is_open {
            self.stop_turn(now);
        }
    }

    /// Stops the turn that is open. Gives whether there is one.
    pub fn stop_turn(&mut self, now: Moment) -> bool {
        self.interrupt(now, TurnEnd::new(Outcome::Interrupted))
    }

    /// Goes over to another mode.
    pub fn set_mode(&mut self, now: Moment, mode: Mode) {
        self.mode = mode;
        self.update(now, SessionUpdate { mode: Some(mode), ..SessionUpdate::default() }, None);
        self.tell_if_ready(Command::SetMode(mode));
    }

    /// Uses another model from now on.
    pub fn set_model(&mut self, now: Moment, model: String) {
        self.asked_model = Some(model.clone());
        self.update(now, SessionUpdate { model: Some(model.clone()), ..SessionUpdate::default() }, None);
        self.tell_if_ready(Command::SetModel(model));
    }

    fn tell_if_ready(&mut self, command: Command) {
        if self.process == Process::Ready {
            self.outputs.push(Output::Tell(command));
        }
    }

    /// Ends the session: its turn, its queue, its agent.
    pub fn close(&mut self, now: Moment) {
        if !self.closed {
            self.halt(now);
            self.log(now, Event::SessionClosed(SessionClosed { reason: CloseReason::Closed }), None);
        }
    }

    /// Ends what goes on, because the daemon ends. The session can be gone on with.
    pub fn halt(&mut self, now: Moment) {
        self.cancel_prompts(now);
        if self.turns.open().is_some() {
            let by = if self.closed { Decider::Agent } else { Decider::Shutdown };
            self.withdraw_all(now, &by);
            self.finish(now, TurnEnd::new(Outcome::Interrupted));
        }
        self.closed = true;
        if self.process != Process::Absent {
            self.outputs.push(Output::Tell(Command::Stop));
        }
    }

    /// The agent told of something.
    pub fn told(&mut self, now: Moment, told: Told) {
        if self.closed {
            return;
        }
        let Told { fact, native_type, ext } = told;
        let is_of_process = matches!(fact, Fact::Process(_) | Fact::Gone { .. });
        if self.leaving.is_some() && !is_of_process {
            // What the one who leaves still says is not the next one's.
            return;
        }
        let provider = self.leaving.as_ref().unwrap_or(&self.beginning.created.provider).clone();
        let src = Source { provider, native_type };
        self.alive = now.at;
        match (&fact, self.turns.open_mut()) {
            (Fact::Process(_) | Fact::Gone { .. } | Fact::Alive, _) | (_, None) => (),
            (_, Some(turn)) => turn.heard(now.at),
        }
        match fact {
            Fact::Process(event) => self.push(now, Event::ProcessEvent(event), None, src, ext),
            Fact::Ready(update) => self.ready(now, update, src),
            Fact::Session(update) => self.update(now, update, Some(src)),
            Fact::Item { id, item } => self.item(now, &id, item, src, ext),
            Fact::Grew { id, field, text } => {
                let grown = self.deltas.push(now.at, &id, field, &text);
                self.grew(now, grown);
            }
            Fact::Asked(ask) => self.asked(now, ask, src),
            Fact::Inquired(inquiry) => self.inquired(now, inquiry, src),
            Fact::Withdrew { key } => {
                self.withdraw(now, |pending| pending.ask.key == key, &Decider::Agent);
                self.drop_questions(now, |open| open.inquiry.key == key, &Decider::Agent);
            }
            Fact::Diff(diff) => {
                self.wrote(&diff);
                self.push(now, Event::DiffUpdated(diff), None, src, ext);
            }
            Fact::Plan(plan) => self.push(now, Event::PlanUpdated(plan), None, src, ext),
            Fact::Usage(usage) => {
                self.usage.take(usage.clone());
                self.push(now, Event::UsageUpdated(usage), None, src, ext);
            }
            Fact::Limits(limits) => self.push(now, Event::LimitsUpdated(limits), None, src, ext),
            Fact::Retry(retry) => self.push(now, Event::RetryScheduled(retry), None, src, ext),
            Fact::Problem(problem) => self.push(now, Event::Error(problem), None, src, ext),
            Fact::Unparsed(unparsed) => self.push(now, Event::Unparsed(unparsed), None, src, ext),
            Fact::Native => self.push(now, Event::Native(Native {}), None, src, ext),
            Fact::Alive => (),
            Fact::Lost { why } => self.lost(now, &why),
            Fact::Ended(end) => self.ended(now, end),
            Fact::Gone { problem } => self.gone(now, problem),
        }
    }

    fn ready(&mut self, now: Moment, update: SessionUpdate, src: Source) {
        if self.process == Process::Starting {
            self.process = Process::Ready;
            self.log(now, Event::ProcessEvent(ProcessEvent::Ready), None);
        }
        self.update(now, update, Some(src));
        self.pump(now);
    }

    /// Tells what is new of the session, if anything is.
    fn update(&mut self, now: Moment, update: SessionUpdate, src: Option<Source>) {
        fn news<T: PartialEq + Clone>(known: &mut Option<T>, told: Option<T>) -> Option<T> {
            let told = told.filter(|told| known.as_ref() != Some(told))?;
            *known = Some(told.clone());
            Some(told)
        }
        let known = &mut self.known;
        let fresh = SessionUpdate {
            provider: news(&mut known.provider, update.provider),
            native_session_id: news(&mut known.native_session_id, update.native_session_id),
            title: news(&mut known.title, update.title),
            model: news(&mut known.model, update.model),
            mode: news(&mut known.mode, update.mode),
            agent_version: news(&mut known.agent_version, update.agent_version),
            tools: news(&mut known.tools, update.tools),
            commands: news(&mut known.commands, update.commands),
            models: news(&mut known.models, update.models),
            mcp_servers: news(&mut known.mcp_servers, update.mcp_servers),
        };
        if fresh != SessionUpdate::default() {
            self.push(now, Event::SessionUpdated(fresh), None, src.unwrap_or_else(Source::sixframe), None);
        }
    }

    fn item(&mut self, now: Moment, id: &str, item: Item, src: Source, ext: Option<serde_json::Value>) {
        let grown = self.deltas.flush(now.at, id);
        self.grew(now, grown);
        let is_done = item.status.is_some_and(ItemStatus::is_final);
        let went_ahead = item.status == Some(ItemStatus::Completed) && self.must_wait(id);
        match is_done {
            true => drop(self.open_items.remove(id)),
            false if self.turns.open().is_some() => drop(self.open_items.insert(id.to_owned(), item.kind)),
            false => (),
        }
        self.writes(now, id, &item);
        self.push(now, Event::ItemUpserted(item), Some(id), src, ext);
        if went_ahead {
            let text = "the agent did something that it had asked leave for and was not given it";
            let problem = Problem::new(ProblemKind::Protocol, text);
            self.interrupt(now, TurnEnd::failed(problem));
        }
    }

    fn grew(&mut self, now: Moment, grown: impl IntoIterator<Item = Grown>) {
        for Grown { item, delta } in grown {
            let src = Source { provider: self.beginning.created.provider.clone(), native_type: None };
            self.push(now, Event::ItemDelta(delta), Some(&item), src, None);
        }
    }

    /// The agent ended its turn.
    fn ended(&mut self, now: Moment, end: TurnEnd) {
        let end = match self.ladder.take() {
            // Why it was stopped is known better here; what it used is known better there.
            Some(ladder) if end.outcome != Outcome::Completed => {
                TurnEnd { outcome: ladder.end.outcome, error: ladder.end.error, ..end }
            }
            Some(_) | None => end,
        };
        self.finish(now, end);
        self.pump(now);
    }

    /// The agent's process is gone.
    fn gone(&mut self, now: Moment, problem: Option<Problem>) {
        let before = std::mem::replace(&mut self.process, Process::Absent);
        if self.begins_anew() {
            return self.start(now);
        }
        let crashed = || Problem::new(ProblemKind::Crashed, "the agent's program ended");
        if self.turns.open().is_some() {
            let stopped = self.ladder.take().map(|ladder| ladder.end);
            let end = stopped.unwrap_or_else(|| TurnEnd::failed(problem.unwrap_or_else(crashed)));
            self.finish(now, end);
        } else if before == Process::Starting {
            self.could_not_start(now, problem.unwrap_or_else(crashed));
        } else if let Some(problem) = problem {
            self.log(now, Event::Error(problem), None);
        }
        if self.leaving.take().is_some() && !self.closed {
            self.start(now);
        }
        self.pump(now);
    }

    /// What waits first has failed with the agent that was started for it.
    fn could_not_start(&mut self, now: Moment, problem: Problem) {
        match self.queue.pop_front() {
            Some(waiting) => {
                self.open_turn(now, &waiting);
                self.finish(now, TurnEnd::failed(problem));
            }
            None => self.log(now, Event::Error(problem), None),
        }
    }

    /// Begins the next turn, if there is something to do and somebody to do it.
    fn pump(&mut self, now: Moment) {
        if self.closed || self.turns.open().is_some() || self.queue.is_empty() {
            return;
        }
        match self.process {
            Process::Absent => self.start(now),
            Process::Starting | Process::Stopping => (),
            Process::Ready => {
                let Some(waiting) = self.queue.pop_front() else { return };
                self.open_turn(now, &waiting);
                self.outputs.push(Output::Tell(Command::Prompt(waiting.prompt)));
            }
        }
    }

    fn start(&mut self, now: Moment) {
        self.process = Process::Starting;
        self.ready_by = now.at + self.beginning.patience;
        let Abilities { resume: can_resume, fork: can_fork, .. } = self.beginning.abilities;
        let resume = self.known.native_session_id.clone().filter(|_| can_resume);
        let origin = self.origin.clone().filter(|_| can_fork && resume.is_none());
        let is_fork = origin.is_some();
        self.outputs.push(Output::Start { resume: resume.or(origin), is_fork });
    }

    fn open_turn(&mut self, now: Moment, waiting: &Waiting) {
        let (turn, prompt) = (identifier("turn"), &waiting.prompt);
        let Some(started) = self.turns.begin(now.at, &turn, &prompt.id) else { return };
        (self.alive, self.turn_by, self.waiting_since) = (now.at, now.at + waiting.timeout, None);
        self.given(now, Event::PromptStarted(PromptRef { prompt_id: prompt.id.clone() }), prompt);
        self.log(now, started, None);
        self.said(now, prompt);
    }

    /// The agent is given a prompt: the text of its context stands beside that, once.
    fn given(&mut self, now: Moment, event: Event, prompt: &Prompt) {
        let context = prompt.context.as_ref().map(|context| serde_json::json!({"context": context.text}));
        self.push(now, event, None, Source::sixframe(), context);
    }

    fn said(&mut self, now: Moment, prompt: &Prompt) {
        let content = Some(prompt.content.clone());
        let item = Item { content, ..Item::new(ItemKind::UserMessage).status(ItemStatus::Completed) };
        self.log(now, Event::ItemUpserted(item), Some(&prompt.id));
    }

    /// Ends the turn that is open, and everything that is open in it.
    fn finish(&mut self, now: Moment, end: TurnEnd) {
        let grown = self.deltas.finish(now.at);
        self.grew(now, grown);
        self.withdraw_all(now, &Decider::Agent);
        for (id, kind) in std::mem::take(&mut self.open_items) {
            self.log(now, Event::ItemUpserted(Item::new(kind).status(ItemStatus::Cancelled)), Some(&id));
        }
        self.denied.clear();
        self.forget_files();
        self.ladder = None;
        let Some((turn, ended)) = self.turns.end(now.at, end) else { return };
        self.past_turns += 1;
        self.write(now, ended, None, Source::sixframe(), None, Some(turn));
    }

    fn log(&mut self, now: Moment, event: Event, item: Option<&str>) {
        self.push(now, event, item, Source::sixframe(), None);
    }

    fn push(&mut self, now: Moment, event: Event, item: Option<&str>, src: Source, ext: Option<serde_json::Value>) {
        let turn = self.turns.open().map(|turn| turn.id().to_owned());
        self.write(now, event, item, src, ext, turn);
    }

    /// The one place where an event gets its number.
    fn write(
        &mut self,
        now: Moment,
        event: Event,
        item: Option<&str>,
        src: Source,
        ext: Option<serde_json::Value>,
        turn_id: Option<String>,
    ) {
        let change = self.reducer.apply(&event, item);
        self.seq += 1;
        let envelope = Envelope {
            v: 1,
            epoch: self.beginning.epoch.clone(),
            seq: self.seq,
            ts: now.rfc3339(),
            session_id: self.beginning.id.clone(),
            turn_id: turn_id.clone(),
            item_id: item.map(str::to_owned),
            event,
            src,
            ext,
        };
        self.outputs.push(Output::Log(Box::new(envelope)));
        if let Some(change) = change {
            self.write(now, Event::StateChanged(change), None, Source::sixframe(), None, turn_id);
        }
    }
}

fn queued(position: usize, waiting: &Waiting) -> PromptQueued {
    let Waiting { prompt, delivery, timeout: _ } = waiting;
    let (prompt_id, content) = (prompt.id.clone(), prompt.content.clone());
    let context = prompt.context.as_ref().map(|context| context.summary.clone());
    PromptQueued { prompt_id, position: position as u64, delivery: *delivery, content, context }
}
