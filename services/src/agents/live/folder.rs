//! What a session does about its folder: it is looked at before a prompt is given to the agent, and behind the turn, so that
//! the turn can be undone. A prompt waits for that, and for a look at the settings that agents load, and what is told behind it
//! waits with it.

use std::future::pending;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::agent::{Command, Fact};
use super::super::event::Outcome;
use super::super::item::FileChange;
use super::super::permission::Verdict;
use super::super::turn::TurnEnd;
use super::super::undo::{NotUndone, Side};
use super::super::watcher::{Seen, Watching};
use super::Live;

/// Commands that wait until the folder was looked at.
#[derive(Debug)]
pub(super) struct Held {
    /// Whether the agent is at work meanwhile, since it changes nothing before it is given leave: leave alone waits.
    is_at_work: bool,
    commands: Vec<Command>,
    looking: JoinHandle<Looked>,
}

/// What a look at the folder has come to.
#[derive(Debug)]
pub(super) struct Looked {
    /// Whether what is changed can be undone.
    for_undo: Result<(), NotUndone>,
    /// Whether the agent was started for other settings than those that are there now.
    is_outdated: bool,
}

impl Held {
    /// What waits.
    pub(super) fn into_commands(self) -> Vec<Command> {
        self.commands
    }
}

/// What came of the look that is waited for.
pub(super) async fn looked(held: &mut Option<Held>) -> Looked {
    match held {
        // One that panicked or was given up has seen nothing.
        Some(held) => (&mut held.looking)
            .await
            .unwrap_or_else(|error| Looked { for_undo: Err(NotUndone::Failed(error.to_string())), is_outdated: true }),
        None => pending().await,
    }
}

/// What is seen of the folder, where it is watched.
pub(super) async fn seen(watching: &mut Option<Watching>) -> Option<Seen> {
    match watching {
        Some(watching) => watching.next().await,
        None => pending().await,
    }
}

impl Live {
    /// The folder is watched while a turn is open.
    pub(super) fn attend_folder(&mut self) {
        let has_turn = self.session.state().is_in_turn() && !self.session.is_closed();
        match (&self.watching, has_turn) {
            (None, true) if self.surroundings.watch.is_on => {
                let folder = self.surroundings.launch.cwd.clone();
                self.watching = Some(Watching::begin(self.surroundings.watch, folder));
            }
            (Some(_), false) => self.watching = None,
            (_, _) => (),
        }
    }

    pub(super) fn saw(&mut self, seen: Option<Seen>) {
        match seen {
            Some(Seen::Files(files, omitted)) => self.session.seen(self.now(), files, omitted),
            Some(Seen::Failed(problem)) if !self.said_unwatched => {
                self.said_unwatched = true;
                self.session.unwatched(self.now(), problem);
            }
            Some(Seen::Failed(_)) => (),
            // It ended by itself, and is not begun again in this turn.
            None => self.watching.iter_mut().for_each(Watching::silence),
        }
    }

    /// What the turn that ends has left to be seen.
    pub(super) async fn see_rest(&mut self) {
        let Some(watching) = &self.watching else { return };
        let rest = watching.rest().await;
        rest.into_iter().for_each(|seen| self.saw(Some(seen)));
    }

    /// Gives a command back that is to be told now, and keeps one that has to wait.
    pub(super) fn hold(&mut self, command: Command) -> Option<Command> {
        match (&mut self.held, &command) {
            (Some(held), Command::Decide { verdict: Verdict::Allow { .. }, .. }) if held.is_at_work => {
                held.commands.push(command);
                self.session.withheld(self.now());
                None
            }
            (Some(held), Command::Interrupt) if held.is_at_work => {
                // Leave that it was not told of is given for nothing.
                held.commands.clear();
                Some(command)
            }
            (Some(held), Command::Prompt(_)) if held.is_at_work => {
                // The turn that was looked for is over, and had leave for nothing.
                self.held = None;
                self.look_before(command)
            }
            (Some(held), _) if held.is_at_work => Some(command),
            (Some(_), Command::Interrupt) => {
                // The agent knows nothing of the turn yet; what it has begun by itself meanwhile is stopped with it.
                let interrupt = self.session.works_beside().then_some(command);
                self.forgo();
                interrupt
            }
            (Some(_), Command::Stop | Command::Kill) => {
                self.return_held();
                Some(command)
            }
            (Some(held), _) => {
                held.commands.push(command);
                None
            }
            (None, Command::Prompt(_)) => self.look_before(command),
            (None, _) => Some(command),
        }
    }

    /// The turn whose prompt is held is stopped before the agent knew of it. What was to join it did not, and what is not about
    /// the turn is told all the same.
    fn forgo(&mut self) {
        let (now, mut others) = (self.now(), Vec::new());
        for command in self.held.take().into_iter().flat_map(Held::into_commands) {
            match command {
                Command::Prompt(_) => (),
                Command::Steer(prompt) => self.session.told(now, Fact::Unsteered(prompt).into()),
                other => others.push(other),
            }
        }
        let end = TurnEnd::new(Outcome::Interrupted);
        self.session.told(now, Fact::Ended(end).into());
        others.into_iter().for_each(|command| self.pass(command));
    }

    /// Whether the prompt of the open turn waits, and the agent was given nothing of that.
    pub(super) fn holds_prompt(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.is_at_work)
    }

    /// The agent that is there is not given what is held. The next one is started as the session is by then.
    pub(super) fn return_held(&mut self) {
        for command in self.held.take().into_iter().flat_map(Held::into_commands) {
            match command {
                Command::Prompt(prompt) => self.session.give_back(prompt),
                Command::Steer(prompt) => self.session.told(self.now(), Fact::Unsteered(prompt).into()),
                Command::Interrupt
                | Command::Decide { .. }
                | Command::Answer { .. }
                | Command::SetMode(_)
                | Command::SetModel(_)
                | Command::Hold(_)
                | Command::Stop
                | Command::Kill => (),
            }
        }
    }

    /// The first look at the folder is under way while the agent starts.
    pub(super) fn look_ahead(&self) {
        let (looks, folder) = (Arc::clone(&self.surroundings.looks), self.surroundings.launch.cwd.clone());
        tokio::spawn(async move {
            let looked = looks.prepare(&folder).await;
            looked.inspect_err(|why| tracing::debug!(%why, "a folder cannot be looked at")).ok();
        });
    }

    /// The agent has begun by itself: the folder is looked at while it works, and leave waits for that.
    pub(super) fn look_beside(&mut self) {
        let Some(turn) = self.session.view().turn_id.filter(|_| self.surroundings.looks.is_on()) else { return };
        let (looks, folder) = (Arc::clone(&self.surroundings.looks), self.surroundings.launch.cwd.clone());
        let looking = tokio::spawn(async move {
            let for_undo = looks.look(&folder, &turn, Side::Before).await;
            Looked { for_undo, is_outdated: false }
        });
        self.held = Some(Held { is_at_work: true, commands: Vec::new(), looking });
    }

    fn look_before(&mut self, command: Command) -> Option<Command> {
        let Some(turn) = self.session.view().turn_id else { return Some(command) };
        let (looks, folder) = (Arc::clone(&self.surroundings.looks), self.surroundings.launch.cwd.clone());
        let recheck = self.recheck();
        if !looks.is_on() && recheck.is_none() {
            return Some(command);
        }
        // Who may load what is not trusted is given nothing before that is known.
        let is_at_work = self.surroundings.agent.waits_for_leave() && recheck.is_none();
        let looking = tokio::spawn(async move {
            let for_undo = looks.look(&folder, &turn, Side::Before).await;
            let is_outdated = match recheck {
                Some(recheck) => recheck.look().await,
                None => false,
            };
            Looked { for_undo, is_outdated }
        });
        let (now, commands) = if is_at_work { (Some(command), Vec::new()) } else { (None, vec![command]) };
        self.held = Some(Held { is_at_work, commands, looking });
        if now.is_none() {
            self.session.withheld(self.now());
        }
        now
    }

    /// The folder was looked at, or cannot be: the agent is told what waited.
    pub(super) fn release(&mut self, Looked { for_undo, is_outdated }: Looked) {
        match for_undo {
            // What has no need to be said again and again.
            Err(NotUndone::Off | NotUndone::NoGit) | Ok(()) => (),
            Err(why) if !self.said_no_undo => {
                self.said_no_undo = true;
                let text = format!("What is changed in this session cannot be undone by agent.undo: {why}.");
                self.session.remark(self.now(), text);
            }
            Err(_) => (),
        }
        if self.holds_prompt() {
            if !self.session.is_ready() {
                // Its program has closed its output meanwhile, and would answer nothing.
                return self.return_held();
            }
            if is_outdated && self.recheck().is_some() {
                self.return_held();
                return self.session.start_anew(self.now());
            }
        }
        let Some(held) = self.held.take() else { return };
        self.session.handed_over(self.now());
        held.commands.into_iter().for_each(|command| self.pass(command));
    }

    /// Looks at the folder as a turn has left it, before anybody hears of its end: what others do behind that is not its. Where
    /// that takes too long, undo says that the end was not seen.
    pub(super) async fn look_behind(&mut self) {
        let Some(turn) = self.session.view().turn_id.filter(|_| self.surroundings.looks.is_on()) else {
            // What was held for the turn that ends is not told behind its end.
            self.held = None;
            return;
        };
        if let Some(held) = self.held.take().filter(|held| !held.looking.is_finished()) {
            // The agent was given no leave, and changed nothing.
            let (looks, folder) = (Arc::clone(&self.surroundings.looks), self.surroundings.launch.cwd.clone());
            tokio::spawn(async move {
                let _ = held.looking.await;
                looks.forgo(&folder, &turn).await;
            });
            return;
        }
        let (looks, folder) = (Arc::clone(&self.surroundings.looks), self.surroundings.launch.cwd.clone());
        let looking = async { looks.look(&folder, &turn, Side::After).await };
        let seen = self.guarded(looking).await;
        seen.inspect_err(|why| tracing::debug!(%why, "the end of a turn was not seen")).ok();
        tokio::spawn(async move {
            let forgotten = looks.forget(&folder).await;
            forgotten.inspect_err(|why| tracing::debug!(%why, "old turns cannot be let go")).ok();
        });
    }

    /// Takes back what a turn did to the folder.
    pub(super) async fn undo(&mut self, turn: &str, is_forced: bool) -> Result<Vec<FileChange>, NotUndone> {
        if self.session.view().turn_id.is_some() {
            return Err(NotUndone::InTurn);
        }
        let looks = Arc::clone(&self.surroundings.looks);
        let files = looks.undo(&self.surroundings.launch.cwd, turn, is_forced).await?;
        if !files.is_empty() {
            self.session.undone(self.now(), turn.to_owned(), files.clone());
        }
        Ok(files)
    }
}
