//! A session beyond one agent and one daemon: what it goes on with, whose fork it is, and who answers in it.

use std::time::Duration;

use super::super::agent::{Abilities, Command};
use super::super::api::Metadata;
use super::super::event::{Event, Mode, SessionUpdate, TurnUndone};
use super::super::identifier::identifier;
use super::super::item::{FileChange, Item, ItemKind, ItemStatus};
use super::super::moment::Moment;
use super::super::state::Reducer;
use super::super::summary::BEFORE;
use super::super::usage::UsageUpdate;
use super::{Beginning, Output, Process, Session, UsedIds};

/// What a session has behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// The number of its newest event.
    pub seq: u64,
    /// What was told of it, put together.
    pub known: SessionUpdate,
    /// The model that was asked for last.
    pub asked_model: Option<String>,
    /// What was asked first, as a title.
    pub asked_first: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// How many turns it had.
    pub turns: u64,
    /// Whether its log tells of what was before it.
    pub has_history: bool,
    /// What was used so far.
    pub usage: UsageUpdate,
    /// What it is doing.
    pub reducer: Reducer,
    /// The agent's own id of the session that this is a fork of, as long as the agent has not made it.
    pub origin: Option<String>,
    /// The names of variables that its caller had set, and whose values nobody knows any more.
    pub lost_env: Vec<String>,
    /// The ids that its items have.
    pub items: UsedIds,
}

/// An agent that is to answer from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Its provider.
    pub provider: String,
    /// What it can do.
    pub abilities: Abilities,
    /// How long it may take until it can be spoken to.
    pub patience: Duration,
    /// The model that it is to use.
    pub model: Option<String>,
    /// Whether it is told what was said and done before it came.
    pub reads_history: bool,
}

/// What is known of the session that another one is a fork of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trunk {
    /// The agent's own id of it.
    pub native_session_id: Option<String>,
    /// What the fork is to be called.
    pub title: Option<String>,
    /// What was said and done there.
    pub history: Option<String>,
}

/// Why another agent does not take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
    /// Its agent is at work.
    #[error("a turn is open; wait for its end, or stop it with agent.interrupt")]
    InTurn,
}

impl Session {
    /// A session that begins now as a fork of another one. Its agent forks its own session of it, where it can; where not, it
    /// is told what was said and done there.
    pub fn forked(now: Moment, beginning: Beginning, trunk: Trunk) -> Session {
        let Trunk { native_session_id: origin, title, history } = trunk;
        let of = beginning.created.forked_from.clone().unwrap_or_default();
        let past = Past { origin, has_history: history.is_some(), created_at_ms: now.wall_ms, ..Past::default() };
        let mut session = Session::at(beginning, past);
        session.log(now, Event::SessionCreated(session.beginning.created.clone()), None);
        session.update(now, SessionUpdate { title, ..SessionUpdate::default() }, None);
        if let Some(history) = history {
            let text = format!("This is a fork of the session {of}. What was said and done there:\n\n{history}");
            session.notice(now, &identifier(BEFORE.trim_end_matches('_')), text);
        }
        session.start(now);
        session
    }

    /// Opens a session again that was closed, in this mode.
    pub fn reopen(&mut self, now: Moment, mode: Mode) {
        self.mode = mode;
        self.known.mode = Some(mode);
        // It is told though nothing of it may be new: what follows a session's end says that it goes on.
        self.log(now, Event::SessionUpdated(SessionUpdate { mode: Some(mode), ..SessionUpdate::default() }), None);
        self.start(now);
    }

    /// Starts the agent, unless it is there.
    pub fn wake(&mut self, now: Moment) {
        if !self.closed && self.process == Process::Absent && self.turns.open().is_none() {
            self.start(now);
        }
    }

    /// Another agent answers from now on. It is told what was said and done; the other one's own session is not its.
    ///
    /// # Errors
    /// The session is closed, or a turn is open.
    pub fn succeed(&mut self, now: Moment, successor: Successor) -> Result<(), NotNow> {
        match (self.closed, self.turns.open().is_some()) {
            (true, _) => return Err(NotNow::Closed),
            (false, true) => return Err(NotNow::InTurn),
            (false, false) => (),
        }
        let Successor { provider, abilities, patience, model, reads_history } = successor;
        let before = std::mem::replace(&mut self.beginning.created.provider, provider.clone());
        (self.beginning.abilities, self.beginning.patience) = (abilities, patience);
        (self.asked_model, self.origin) = (model.clone(), None);
        self.lost_env.clear();
        self.usage.hand_over();
        let known = std::mem::take(&mut self.known);
        self.known = SessionUpdate { title: known.title, mode: known.mode, ..SessionUpdate::default() };
        let told = match (self.has_history(), reads_history) {
            (true, true) => {
                " With the next prompt it is given a summary of what was said and done; it has not read the rest."
            }
            (true, false) => " It is told nothing of what was said and done.",
            (false, _) => "",
        };
        let text = format!("{provider} answers from here on, in the place of {before}.{told}");
        self.update(now, SessionUpdate { provider: Some(provider), model, ..SessionUpdate::default() }, None);
        self.notice(now, &identifier("notice"), text);
        match self.process {
            Process::Absent => self.start(now),
            Process::Starting | Process::Ready => {
                self.outputs.push(Output::Tell(Command::Stop));
                (self.process, self.leaving) = (Process::Stopping, Some(before));
            }
            Process::Stopping => self.leaving = self.leaving.take().or(Some(before)),
        }
        Ok(())
    }

    /// The agent's own session is not there any more. What waits is given to the one that it begins anew.
    pub(super) fn lost(&mut self, now: Moment, why: &str) {
        (self.known.native_session_id, self.origin) = (None, None);
        self.is_lost = true;
        let text = format!(
            "Its own session of before cannot be gone on with: {why}. It begins a new one, which is given a summary of what was \
             said and done with the next prompt."
        );
        self.notice(now, &identifier("notice"), text);
    }

    /// Whether the agent's process is gone only because its own session was lost, and another one is to be started.
    pub(super) fn begins_anew(&mut self) -> bool {
        let is_lost = std::mem::take(&mut self.is_lost);
        let is_at_work = self.turns.open().is_some() && self.returned.is_none();
        is_lost && !self.closed && self.leaving.is_none() && !is_at_work
    }

    /// Whether there is something to tell an agent that was not there.
    pub fn has_history(&self) -> bool {
        self.past_turns > 0 || self.history
    }

    /// What it is called: by its agent or whoever has forked it, else by what was asked first.
    pub(super) fn title(&self) -> Option<String> {
        self.known.title.clone().or_else(|| self.asked_first.clone())
    }

    /// What is known of it.
    pub fn metadata(&self) -> Metadata {
        let created = &self.beginning.created;
        Metadata {
            session_id: self.beginning.id.clone(),
            provider: created.provider.clone(),
            cwd: created.cwd.clone(),
            mode: self.mode,
            model: self.known.model.clone().or_else(|| self.asked_model.clone()),
            abilities: self.beginning.abilities,
            created_at_ms: self.created_at_ms,
            turns: self.past_turns,
            usage: self.usage.clone(),
            is_closed: self.closed,
            forked_from: created.forked_from.clone(),
            run_id: created.run_id.clone(),
            system_prompt: created.system_prompt.clone(),
            title: self.title(),
            seq: self.seq,
            ..Metadata::of(self.known.clone())
        }
    }

    /// Says that the agent is started without what its caller had set, so that nobody wonders.
    pub(super) fn say_lost_env(&mut self, now: Moment) {
        let names = std::mem::take(&mut self.lost_env);
        if !names.is_empty() {
            let names = names.join(", ");
            let text = format!(
                "The values of variables that this session began with are not kept, so its agent is started without them: {names}."
            );
            self.notice(now, &identifier("notice"), text);
        }
    }

    /// Says something beside the conversation.
    pub fn remark(&mut self, now: Moment, text: String) {
        self.notice(now, &identifier("notice"), text);
    }

    /// What a turn did to the folder was taken back.
    pub fn undone(&mut self, now: Moment, turn_id: String, files: Vec<FileChange>) {
        self.log(now, Event::TurnUndone(TurnUndone { turn_id, files }), None);
    }

    pub(in super::super) fn notice(&mut self, now: Moment, id: &str, text: String) {
        let item = Item::new(ItemKind::Notice).status(ItemStatus::Completed).text(text);
        self.log(now, Event::ItemUpserted(item), Some(id));
    }
}
