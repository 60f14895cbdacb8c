//! What is chosen for the agent: its mode and its model. What is chosen while it starts, it is told when it can be spoken to.

use super::super::agent::Command;
use super::super::event::{Mode, SessionUpdate};
use super::super::moment::Moment;
use super::{Output, Session};

/// A mode and a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    pub(super) model: Option<String>,
}

impl Session {
    /// What is allowed without being asked for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The model that was asked for last.
    pub fn asked_model(&self) -> Option<&str> {
        self.asked_model.as_deref()
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
        if self.is_ready() {
            self.outputs.push(Output::Tell(command));
        }
    }

    pub(super) fn chosen(&self) -> Chosen {
        Chosen { mode: self.mode, model: self.asked_model.clone() }
    }

    /// Tells the agent what was chosen otherwise since it was started. What it says of that itself is over then.
    pub(super) fn tell_chosen(&mut self, mut said: SessionUpdate) -> SessionUpdate {
        let Chosen { mode, model } = self.chosen();
        let started = std::mem::take(&mut self.started_with);
        if mode != started.mode {
            self.outputs.push(Output::Tell(Command::SetMode(mode)));
            said.mode = None;
        }
        if let Some(model) = model.filter(|model| started.model.as_ref() != Some(model)) {
            self.outputs.push(Output::Tell(Command::SetModel(model)));
            said.model = None;
        }
        said
    }
}
