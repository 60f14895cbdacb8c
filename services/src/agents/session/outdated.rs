//! Agents whose settings are others by now than those they were started for: they are ended, and what they were asked is kept for the
//! next one where they were not given it yet.

use super::super::agent::{Command, Fact, Rest};
use super::super::moment::Moment;
use super::super::permission::Decider;
use super::super::problem::{Problem, ProblemKind};
use super::super::turn::TurnEnd;
use super::watchdogs::Ladder;
use super::{Output, Process, Session};

impl Session {
    /// The agent was started for other settings of the folder than those that are there now, and the prompt of the open turn was
    /// given back: it is ended, and the next one is given that when it is gone. Where they change again meanwhile, the turn fails.
    pub fn start_anew(&mut self, now: Moment) {
        if self.returned.is_none() {
            let text = "settings that lie in the folder changed again while the agent was started anew for them";
            let problem = Problem::new(ProblemKind::UntrustedWorkspace, text);
            self.finish(now, TurnEnd::failed(problem.hint("look at who changes them, and ask again")));
        } else {
            self.withheld(now);
            self.stop_by = Some(now.at + self.beginning.timers.stop);
        }
        self.kill();
    }

    /// Whether nothing is lost but what the agent does by itself where it is ended: no turn waits for it, or it is being stopped.
    pub fn can_be_ended(&self) -> bool {
        match self.process {
            Process::Ready => self.turns.open().is_none(),
            Process::Stopping => !self.is_held(),
            Process::Absent | Process::Starting => false,
        }
    }

    /// Whether the agent is at work on what it was asked, or has begun by itself.
    pub fn is_at_work(&self) -> bool {
        let was_given = self.withheld_since.is_none() || self.open_prompt().is_none();
        self.process == Process::Ready && self.turns.open().is_some() && was_given
    }

    /// Whether the agent does nothing more, and the open turn ends when what it has begun in that has ended, and it is gone.
    pub fn is_held(&self) -> bool {
        self.ladder.as_ref().is_some_and(Ladder::is_held)
    }

    /// Whether the open turn ends with this fact, as it is done by then.
    pub fn ends_with(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Ended(end) => !self.outlasts(end),
            Fact::Gone { .. } => self.is_held(),
            _ => false,
        }
    }

    /// The agent was started for other settings of the folder than those that are there now, and may take those over: it is ended
    /// where it runs. Where it is at work on a turn, that fails, when what it has begun in it was given time to end.
    pub fn outdated(&mut self, now: Moment) {
        if !self.is_at_work() {
            return if self.can_be_ended() {
                self.kill()
            };
        }
        if let Some(stopped) = self.ladder.take() {
            self.finish(now, stopped.end);
            return self.kill();
        }
        self.withdraw_all(now, &Decider::Agent);
        let text = "settings that lie in the folder changed while the agent worked, which would have taken them over";
        let problem = Problem::new(ProblemKind::UntrustedWorkspace, text);
        let end = TurnEnd::failed(problem.hint("look at them, and trust them with trust.grant, and ask again"));
        let timers = self.beginning.timers;
        self.ladder = Some(Ladder::held(end, now.at + timers.hold + timers.stop));
        (self.process, self.muted_at, self.stop_by) = (Process::Stopping, None, None);
        self.outputs.push(Output::Tell(Command::Hold(timers.hold)));
    }

    /// The same where the agent has ended its turn, and the session has not yet.
    pub fn outdated_behind(&mut self) {
        if self.process == Process::Ready {
            self.kill();
        }
    }

    /// What became of what the agent had begun when it was held: whoever reads why the turn failed is to know.
    pub(super) fn left(&mut self, rest: Rest) {
        let text = match rest {
            Rest::Nothing => return,
            Rest::Ended => "the programs that it had begun have ended by themselves before it was killed",
            Rest::EndedInPart => {
                "the programs that were under way have ended by themselves; what else it had left running was killed with it, and may be half done"
            }
            Rest::Killed => "what still ran of what it had begun was killed with it, and may be half done",
        };
        let failed =
            self.ladder.as_mut().filter(|ladder| ladder.is_held()).and_then(|ladder| ladder.end.error.as_mut());
        if let Some(problem) = failed {
            problem.hint = Some(problem.hint.take().map_or_else(|| text.to_owned(), |hint| format!("{text}; {hint}")));
        }
    }

    fn kill(&mut self) {
        (self.process, self.muted_at) = (Process::Stopping, None);
        self.outputs.push(Output::Tell(Command::Kill));
    }
}
