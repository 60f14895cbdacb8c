//! What takes too long: a process that is never ready, an agent that falls silent, a turn without end, an interrupt that is
//! not heard, a program that has nothing more to tell and does not end. None of it runs while leave is awaited.

use std::time::Duration;

use super::super::agent::{Command, Fact};
use super::super::event::{Event, Retry};
use super::super::item::ItemKind;
use super::super::moment::Moment;
use super::super::permission::Decider;
use super::super::problem::{Problem, ProblemKind};
use super::super::turn::TurnEnd;
use super::{Output, Process, Session};

/// How long what may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Until an agent that was asked something tells of anything. Default 60 s.
    pub first_event: Duration,
    /// Until it tells of more. Default 120 s.
    pub stall: Duration,
    /// Until somebody answers what it asks leave for; then it is denied. Default 10 min.
    pub approval: Duration,
    /// Until an agent that was interrupted ends its turn; then its process is stopped. Default 2 s.
    pub interrupt: Duration,
    /// Until a program that has closed its output, and so can tell nothing more, ends by itself; then it is stopped. Default
    /// 10 s.
    pub exit: Duration,
    /// Until what an agent has begun in its turn ends by itself, where the agent is held for settings that have changed; then all
    /// of it is killed. A checkout of some ten thousand files takes ten seconds. Default 30 s.
    pub hold: Duration,
    /// Until the process is gone; then the turn ends without it. Default 15 s.
    pub stop: Duration,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            first_event: Duration::from_secs(60),
            stall: Duration::from_secs(120),
            approval: Duration::from_secs(600),
            interrupt: Duration::from_secs(2),
            exit: Duration::from_secs(10),
            hold: Duration::from_secs(30),
            stop: Duration::from_secs(15),
        }
    }
}

/// What was heard of the agent last.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// When something came.
    pub(super) alive: Duration,
    /// Until when it has said that it will tell of nothing.
    quiet_until: Duration,
    /// Why it asks its service again, until something comes of that.
    retrying: Option<Problem>,
}

impl Heard {
    /// A turn begins.
    pub(super) fn begin(&mut self, now: Duration) {
        *self = Heard { alive: now, ..Heard::default() };
    }

    /// The agent tells of something.
    pub(super) fn fact(&mut self, now: Duration, fact: &Fact) {
        self.alive = now;
        match fact {
            Fact::Retry(Retry { delay_ms, error, .. }) => {
                self.quiet_until = now + Duration::from_millis(*delay_ms);
                self.retrying = Some(error.clone());
            }
            // What it says beside the conversation is no answer of its service.
            Fact::Item { item, .. } if item.kind == ItemKind::Notice => (),
            Fact::Item { .. }
            | Fact::Grew { .. }
            | Fact::Asked(_)
            | Fact::Inquired(_)
            | Fact::Diff(_)
            | Fact::Plan(_)
            | Fact::Usage(_) => self.retrying = None,
            _ => (),
        }
    }
}

/// A turn that is being stopped: step by step, until the agent obeys.
#[derive(Debug)]
pub(super) struct Ladder {
    /// How the turn will have ended.
    pub(super) end: TurnEnd,
    rung: Rung,
    until: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rung {
    Interrupted,
    Held,
    Stopped,
}

impl Ladder {
    /// The agent is held already, and then killed.
    pub(super) fn held(end: TurnEnd, until: Duration) -> Ladder {
        Ladder { end, rung: Rung::Held, until }
    }

    pub(super) fn is_held(&self) -> bool {
        self.rung == Rung::Held
    }
}

/// Who it is by whom a turn is stopped that will have ended so.
fn cause(end: &TurnEnd) -> Decider {
    match &end.error {
        None => Decider::Stop,
        Some(problem) if problem.kind == ProblemKind::Timeout => Decider::Timeout,
        Some(_) => Decider::Agent,
    }
}

impl Session {
    /// Stops the turn that is open, unless it is being stopped. Gives whether there is one.
    pub(super) fn interrupt(&mut self, now: Moment, end: TurnEnd) -> bool {
        if self.turns.open().is_none() {
            return false;
        }
        if self.returned.is_some() {
            // No agent knows of it.
            self.finish(now, end);
            return true;
        }
        let by = now.at + self.beginning.timers.stop;
        if let Some(ladder) = self.ladder.as_mut().filter(|ladder| ladder.is_held()) {
            // Nobody wants to wait any more.
            ladder.until = ladder.until.min(by);
            self.outputs.push(Output::Tell(Command::Kill));
        } else if self.ladder.is_none() {
            self.withdraw_all(now, &cause(&end));
            self.outputs.push(Output::Tell(Command::Interrupt));
            let until = now.at + self.beginning.timers.interrupt;
            self.ladder = Some(Ladder { end, rung: Rung::Interrupted, until });
            self.stop_by = None;
        }
        true
    }

    /// What the open turn is about is kept from the agent: until [`Session::handed_over`], no time of the agent's passes.
    pub fn withheld(&mut self, now: Moment) {
        self.withheld_since.get_or_insert(now.at);
    }

    /// The agent was given what the open turn is about.
    pub fn handed_over(&mut self, now: Moment) {
        if let Some(since) = self.withheld_since.take() {
            self.turn_by += now.at.saturating_sub(since);
            self.heard.alive = now.at;
        }
    }

    /// Time has passed: does what is due. To be called no later than [`Session::deadline`].
    pub fn tick(&mut self, now: Moment) {
        let grown = self.deltas.due(now.at);
        self.grew(now, grown);
        self.expire(now);
        if self.closed {
            return;
        }
        self.climb(now);
        if self.process == Process::Starting && now.at >= self.ready_by {
            self.never_ready(now);
        }
        if self.exit_by().is_some_and(|by| now.at >= by) {
            self.never_exited(now);
        }
        if self.stop_by.is_some_and(|by| now.at >= by) {
            self.never_gone(now);
        }
        if let Some(problem) = self.overdue(now) {
            self.interrupt(now, TurnEnd::failed(problem));
        }
    }

    /// When [`Session::tick`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        let mut deadlines: Vec<Duration> = self.permissions.values().map(|pending| pending.expires_at).collect();
        deadlines.extend(self.questions.values().map(|open| open.expires_at));
        deadlines.extend(self.deltas.deadline());
        deadlines.extend(self.ladder.as_ref().map(|ladder| ladder.until));
        deadlines.extend((self.process == Process::Starting).then_some(self.ready_by));
        deadlines.extend(self.exit_by());
        deadlines.extend(self.stop_by);
        if self.is_watched() {
            deadlines.extend([self.silent_by(), self.turn_by]);
        }
        deadlines.into_iter().min().filter(|_| !self.closed)
    }

    fn is_watched(&self) -> bool {
        self.turns.open().is_some()
            && self.ladder.is_none()
            && self.withheld_since.is_none()
            && !self.waits_for_people()
    }

    fn silent_by(&self) -> Duration {
        let timers = &self.beginning.timers;
        let is_heard = self.turns.open().is_some_and(|turn| turn.is_heard());
        self.heard.alive.max(self.heard.quiet_until) + if is_heard { timers.stall } else { timers.first_event }
    }

    fn overdue(&self, now: Moment) -> Option<Problem> {
        let text = match (self.is_watched(), now.at >= self.turn_by, now.at >= self.silent_by()) {
            (false, ..) | (true, false, false) => return None,
            (true, true, _) => "the turn took longer than it was given",
            (true, false, true) => "the agent has told of nothing for too long",
        };
        Some(match &self.heard.retrying {
            // More time would bring no more than the same again.
            Some(error) => {
                let message = format!("{text}, while it asked its service again and again: {}", error.message);
                Problem { message, ..error.clone() }
            }
            None if now.at >= self.turn_by => {
                Problem::new(ProblemKind::Timeout, format!("{text}; give it more with timeoutMs"))
            }
            None => Problem::new(ProblemKind::Timeout, text),
        })
    }

    /// The agent's program has closed its output. Nothing that it is asked any more could be answered.
    pub(super) fn muted(&mut self, now: Moment) {
        if matches!(self.process, Process::Absent | Process::Starting | Process::Stopping) {
            // It is on its way out, or has a time of its own in which it must be ready.
            return;
        }
        if self.turns.open().is_none() || self.withheld_since.is_some() {
            self.process = Process::Stopping;
        }
        self.muted_at = Some(now.at);
    }

    fn exit_by(&self) -> Option<Duration> {
        let by = self.muted_at? + self.beginning.timers.exit;
        (self.ladder.is_none() && !self.waits_for_people()).then_some(by)
    }

    fn never_exited(&mut self, now: Moment) {
        self.muted_at = None;
        let seconds = self.beginning.timers.exit.as_secs_f64();
        let text = format!(
            "the agent's program closed its output or ended, and something of it was still there {seconds} s later; it was stopped"
        );
        let problem = Problem::new(ProblemKind::Timeout, text);
        self.process = Process::Stopping;
        self.outputs.push(Output::Tell(Command::Stop));
        let until = now.at + self.beginning.timers.stop;
        match self.turns.open() {
            Some(_) if self.withheld_since.is_none() || self.open_prompt().is_none() => {
                self.ladder = Some(Ladder { end: TurnEnd::failed(problem), rung: Rung::Stopped, until });
            }
            Some(_) => {
                // What it was not given is for the next one, which is started when it is gone.
                self.stop_by = Some(until);
                self.log(now, Event::Error(problem), None);
            }
            None => self.log(now, Event::Error(problem), None),
        }
    }

    fn never_gone(&mut self, now: Moment) {
        let seconds = self.beginning.timers.stop.as_secs_f64();
        let text = format!("the agent's program was not gone {seconds} s after it was stopped");
        self.finish(now, TurnEnd::failed(Problem::new(ProblemKind::Timeout, text)));
        self.pump(now);
    }

    fn climb(&mut self, now: Moment) {
        let Some(ladder) = self.ladder.as_mut().filter(|ladder| now.at >= ladder.until) else { return };
        match ladder.rung {
            Rung::Interrupted => {
                (ladder.rung, ladder.until) = (Rung::Stopped, now.at + self.beginning.timers.stop);
                (self.process, self.muted_at) = (Process::Stopping, None);
                self.outputs.push(Output::Tell(Command::Stop));
            }
            Rung::Held | Rung::Stopped => {
                let end = ladder.end.clone();
                self.finish(now, end);
                self.pump(now);
            }
        }
    }

    fn never_ready(&mut self, now: Moment) {
        self.process = Process::Stopping;
        self.outputs.push(Output::Tell(Command::Stop));
        let text = format!("the agent could not be spoken to within {} s", self.beginning.patience.as_secs());
        self.could_not_start(now, Problem::new(ProblemKind::Timeout, text));
    }
}
