//! A session: its turns, its queue, what waits for leave, what takes too long. Pure: facts, wishes and the time come in;
//! events for the log and commands for the agent come out.

mod chosen;
mod expected;
mod facts;
mod files;
mod item_ids;
mod outdated;
mod own;
mod past;
mod permissions;
mod questions;
mod queue;
mod view;
mod watchdogs;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::agent::{Abilities, Command, Prompt};
use super::deltas::Deltas;
use super::event::{
    CloseReason, Envelope, Event, Mode, Outcome, PromptRef, SessionClosed, SessionCreated, SessionUpdate, Source,
    TurnStarted,
};
use super::identifier::identifier;
use super::item::{Item, ItemKind, ItemStatus};
use super::moment::Moment;
use super::permission::Decider;
use super::policy::Remembered;
use super::problem::{Problem, ProblemKind};
use super::state::{Reducer, State};
use super::turn::{TurnEnd, Turns};
use super::usage::{Cost, UsageUpdate};
use chosen::Chosen;
use expected::Expected;
use files::Files;
use item_ids::ItemIds;
pub use item_ids::UsedIds;
pub use past::{NotNow, Past, Successor, Trunk};
use permissions::Pending;
pub use permissions::{Choice, Undecided};
use questions::Open;
pub use questions::Unanswered;
pub use queue::Refused;
use queue::Waiting;
pub use view::{SessionView, WaitingPrompt};
pub use watchdogs::Timers;
use watchdogs::{Heard, Ladder};

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
        /// What is allowed without being asked for.
        mode: Mode,
        /// The model to use.
        model: Option<String>,
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

/// How far the agent's process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Absent,
    Starting,
    Ready,
    Stopping,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    beginning: Beginning,
    seq: u64,
    reducer: Reducer,
    turns: Turns,
    queue: VecDeque<Waiting>,
    /// Prompts that are still made, in the order in which they were asked for.
    expected: Vec<Expected>,
    /// Prompts that were to join the open turn, and the turn's id.
    steered: BTreeMap<String, String>,
    permissions: BTreeMap<String, Pending>,
    questions: BTreeMap<String, Open>,
    files: Files,
    deltas: Deltas,
    /// What the agent's items are called here.
    ids: ItemIds,
    /// Items that are not done.
    open_items: BTreeMap<String, ItemKind>,
    /// Calls that were denied and must not be done.
    denied: BTreeSet<String>,
    process: Process,
    /// Until when the process must be ready.
    ready_by: Duration,
    heard: Heard,
    /// Whether it has begun something by itself within the open turn, and has not told of its end.
    works_beside: bool,
    /// When the agent's program closed its output, until it ends.
    muted_at: Option<Duration>,
    /// Until when the process must be gone whose end the open turn awaits to be given to another one.
    stop_by: Option<Duration>,
    /// Since when what the open turn is about is kept from the agent.
    withheld_since: Option<Duration>,
    /// What the open turn is about, where the agent that is gone was not given it: the next one is.
    returned: Option<Prompt>,
    /// Whether the open turn has waited for another agent.
    was_returned: bool,
    /// When the turn must be over; time that passes while leave is awaited does not count.
    turn_by: Duration,
    /// What a turn is given that the agent begins by itself: what the last prompt was.
    given: Duration,
    waiting_since: Option<Duration>,
    ladder: Option<Ladder>,
    mode: Mode,
    asked_model: Option<String>,
    /// What of these the agent was started with.
    started_with: Chosen,
    /// The agent's id of the session to fork, until the agent has done so.
    origin: Option<String>,
    /// Whose process is being stopped, because another agent takes over.
    leaving: Option<String>,
    /// Whether the process ends because the agent's own session is lost.
    is_lost: bool,
    /// The names of variables that an earlier daemon knew the values of, until that is said.
    lost_env: Vec<String>,
    created_at_ms: u64,
    past_turns: u64,
    /// What was asked first, where nothing else says what the session is called.
    asked_first: Option<String>,
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
        Session {
            mode: past.known.mode.unwrap_or(beginning.created.mode),
            asked_model: past.asked_model.or_else(|| beginning.created.model.clone()),
            started_with: Chosen::default(),
            origin: past.origin,
            leaving: None,
            is_lost: false,
            lost_env: past.lost_env,
            created_at_ms: past.created_at_ms,
            past_turns: past.turns,
            ids: ItemIds::new(past.items),
            asked_first: past.asked_first,
            history: past.has_history,
            beginning,
            seq: past.seq,
            reducer: past.reducer,
            turns: Turns::default(),
            queue: VecDeque::new(),
            expected: Vec::new(),
            steered: BTreeMap::new(),
            permissions: BTreeMap::new(),
            questions: BTreeMap::new(),
            files: Files::default(),
            deltas: Deltas::default(),
            open_items: BTreeMap::new(),
            denied: BTreeSet::new(),
            process: Process::Absent,
            ready_by: Duration::ZERO,
            heard: Heard::default(),
            works_beside: false,
            muted_at: None,
            stop_by: None,
            withheld_since: None,
            returned: None,
            was_returned: false,
            turn_by: Duration::ZERO,
            given: own::GIVEN,
            waiting_since: None,
            ladder: None,
            known: past.known,
            usage: past.usage,
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

    /// The life of its log.
    pub fn epoch(&self) -> &str {
        &self.beginning.epoch
    }

    /// The number of its newest event.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether the agent's process can be spoken to.
    pub fn is_ready(&self) -> bool {
        self.process == Process::Ready
    }

    /// Whether nothing comes of it any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the agent's own session has cost so far, as it was told last.
    pub fn spent(&self) -> Option<Cost> {
        self.usage.session_cost.clone()
    }

    /// Stops the turn that is open. Gives whether there is one.
    pub fn stop_turn(&mut self, now: Moment) -> bool {
        self.interrupt(now, TurnEnd::new(Outcome::Interrupted))
    }

    /// Ends the session: its turn, its queue, its agent.
    pub fn close(&mut self, now: Moment) {
        if !self.closed {
            self.withdraw_all(now, &Decider::Stop);
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

    /// The agent's process is gone.
    fn gone(&mut self, now: Moment, problem: Option<Problem>) {
        let before = std::mem::replace(&mut self.process, Process::Absent);
        (self.muted_at, self.stop_by) = (None, None);
        self.ids.forget();
        self.take_untold_back();
        if self.begins_anew() || self.waits_for_another(now, before) {
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
        if self.turns.open().is_some() {
            return self.finish(now, TurnEnd::failed(problem));
        }
        match self.queue.pop_front() {
            Some(waiting) => {
                self.open_turn(now, &waiting);
                self.finish(now, TurnEnd::failed(problem));
            }
            None => self.log(now, Event::Error(problem), None),
        }
    }

    fn start(&mut self, now: Moment) {
        self.say_lost_env(now);
        self.process = Process::Starting;
        self.ready_by = now.at + self.beginning.patience;
        let Abilities { resume: can_resume, fork: can_fork, .. } = self.beginning.abilities;
        let resume = self.known.native_session_id.clone().filter(|_| can_resume);
        let origin = self.origin.clone().filter(|_| can_fork && resume.is_none());
        let is_fork = origin.is_some();
        self.started_with = self.chosen();
        let Chosen { mode, model } = self.started_with.clone();
        self.outputs.push(Output::Start { resume: resume.or(origin), is_fork, mode, model });
    }

    fn open_turn(&mut self, now: Moment, waiting: &Waiting) {
        let (turn, prompt) = (identifier("turn"), &waiting.prompt);
        self.forget_items(now);
        let Some(started) = self.turns.begin(now.at, &turn, TurnStarted::on(&prompt.id)) else { return };
        self.heard.begin(now.at);
        (self.turn_by, self.waiting_since, self.works_beside) = (now.at + waiting.timeout, None, false);
        (self.withheld_since, self.given) = (None, waiting.timeout);
        (self.returned, self.was_returned) = (None, false);
        self.steered.clear();
        self.hand(now, Event::PromptStarted(PromptRef { prompt_id: prompt.id.clone() }), prompt);
        self.log(now, started, None);
        let item = if waiting.was_steered { identifier("item") } else { prompt.id.clone() };
        self.said(now, prompt, &item);
    }

    /// A turn is about to begin: what was told of items outside of turns is told in full, and what follows is of others.
    fn forget_items(&mut self, now: Moment) {
        let grown = self.deltas.finish(now.at);
        self.grew(now, grown);
        self.ids.forget();
    }

    /// The agent is given a prompt: the text of its context stands beside that, once.
    fn hand(&mut self, now: Moment, event: Event, prompt: &Prompt) {
        let context = prompt.context.as_ref().map(|context| serde_json::json!({"context": context.text}));
        self.push(now, event, None, Source::sixframe(), context);
    }

    fn said(&mut self, now: Moment, prompt: &Prompt, item_id: &str) {
        let content = Some(prompt.content.clone());
        let item = Item { content, ..Item::new(ItemKind::UserMessage).status(ItemStatus::Completed) };
        self.log(now, Event::ItemUpserted(item), Some(item_id));
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
        (self.ladder, self.returned, self.stop_by) = (None, None, None);
        if self.process != Process::Stopping {
            self.muted_at = None;
        }
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
