//! What Codex is to consider in the turn: held until the turn has a name, and given back where the turn is over before. A turn ends
//! for us when it is known what became of all of it.

use super::super::agent::{Fact, Prompt, Step};
use super::super::turn::TurnEnd;

/// What became of the prompts that were to join the turn.
#[derive(Debug, Default)]
pub(super) struct Steers {
    /// Those that wait for its name.
    held: Vec<Prompt>,
    /// How many were said and not answered.
    open: usize,
    is_over: bool,
    /// How it ended, while some are not answered.
    end: Option<TurnEnd>,
}

impl Steers {
    /// A turn begins.
    pub(super) fn begin(&mut self) {
        *self = Steers::default();
    }

    /// Whether the turn has ended.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Keeps one. Gives it back where the turn is over.
    pub(super) fn hold(&mut self, prompt: Prompt) -> Option<Step> {
        if self.is_over {
            return Some(unsteered(prompt));
        }
        self.held.push(prompt);
        None
    }

    /// Those that are said now.
    pub(super) fn send(&mut self) -> Vec<Prompt> {
        self.open += self.held.len();
        std::mem::take(&mut self.held)
    }

    /// One was answered.
    pub(super) fn answered(&mut self, prompt: Prompt, is_refused: bool) -> Vec<Step> {
        self.open = self.open.saturating_sub(1);
        let lost = is_refused.then(|| unsteered(prompt));
        let end = self.end.take_if(|_| self.open == 0).map(|end| Step::tell("turn/completed", Fact::Ended(end)));
        let steps: Vec<Step> = lost.into_iter().chain(end).collect();
        if steps.is_empty() { vec![Step::tell("turn/steer", Fact::Alive)] } else { steps }
    }

    /// The turn has ended.
    pub(super) fn ends(&mut self, native_type: &str, end: TurnEnd) -> Vec<Step> {
        self.is_over = true;
        let mut steps: Vec<Step> = std::mem::take(&mut self.held).into_iter().map(unsteered).collect();
        match self.open {
            0 => steps.push(Step::tell(native_type, Fact::Ended(end))),
            _ => {
                self.end = Some(end);
                steps.push(Step::tell(native_type, Fact::Alive));
            }
        }
        steps
    }
}

fn unsteered(prompt: Prompt) -> Step {
    Step::tell("turn/steer", Fact::Unsteered(prompt))
}
