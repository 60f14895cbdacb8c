//! Prompts that wait: what becomes of them until a turn begins with them.

use std::time::Duration;

use super::super::agent::{Command, Prompt};
use super::super::event::{Delivery, Event, Outcome, PromptQueued, PromptRef, Source};
use super::super::item::{Content, Item, ItemKind, ItemStatus};
use super::super::moment::Moment;
use super::super::transcript::title_of;
use super::super::turn::TurnEnd;
use super::{Output, Process, Session};

/// The most prompts that wait.
const QUEUE: usize = 64;

/// How much the prompts that wait may say together, in bytes.
const BYTES: usize = 16 << 20;

/// Why a prompt is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
    /// Too many wait.
    #[error("{QUEUE} prompts wait already")]
    Full,
    /// What waits is too long with it.
    #[error("what the prompts that wait say is longer than {} MiB with it", BYTES >> 20)]
    Heavy,
    /// Somebody has edited it meanwhile.
    #[error("the prompt is another one by now; the event with the number {seq} tells it")]
    Changed {
        /// The number of the event that tells what it says now.
        seq: u64,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) prompt: Prompt,
    pub(super) delivery: Delivery,
    pub(super) timeout: Duration,
    /// The number of the event that tells all that it says.
    pub(super) told: u64,
    /// Whether it was to join a turn before, in which it has been said.
    pub(super) was_steered: bool,
}

impl Session {
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
        let asked_in = self.met(&prompt.id);
        let waiting = Waiting { prompt, delivery, timeout, told: self.seq + 1, was_steered: false };
        let taken = self.take_in(now, waiting, asked_in.as_deref());
        self.pump(now);
        taken
    }

    fn take_in(&mut self, now: Moment, waiting: Waiting, asked_in: Option<&str>) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        if self.queue.len() >= QUEUE {
            return Err(Refused::Full);
        }
        let waits = self.queue.iter().map(|waiting| waiting.prompt.bytes()).sum::<usize>();
        if !self.queue.is_empty() && waits + waiting.prompt.bytes() > BYTES {
            return Err(Refused::Heavy);
        }
        if self.asked_first.is_none() {
            self.asked_first = title_of(&waiting.prompt.content);
        }
        let (delivery, is_meant) = (waiting.delivery, self.means_open_turn(asked_in));
        let at = self.place(delivery);
        self.log(now, Event::PromptQueued(queued(at, &waiting)), None);
        match delivery == Delivery::Steer && is_meant && self.can_be_steered() {
            true => self.steer(now, waiting.prompt),
            false => self.queue.insert(at, waiting),
        }
        if delivery == Delivery::Now && is_meant {
            self.interrupt(now, TurnEnd::new(Outcome::Interrupted));
        }
        Ok(())
    }

    /// Somebody has asked for something, and it was taken back before it was given.
    ///
    /// # Errors
    /// The session is closed.
    pub fn forgo(&mut self, now: Moment, prompt: Prompt, delivery: Delivery, timeout: Duration) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        let (at, prompt_id) = (self.place(delivery), prompt.id.clone());
        let waiting = Waiting { prompt, delivery, timeout, told: self.seq + 1, was_steered: false };
        self.log(now, Event::PromptQueued(queued(at, &waiting)), None);
        self.log(now, Event::PromptCancelled(PromptRef { prompt_id }), None);
        Ok(())
    }

    fn can_be_steered(&self) -> bool {
        self.turns.open().is_some() && self.ladder.is_none() && self.beginning.abilities.steer
    }

    /// Where a prompt goes that is given so: behind those that are given likewise, and those that go in front of them.
    fn place(&self, delivery: Delivery) -> usize {
        self.queue.partition_point(|waiting| rank(waiting.delivery) <= rank(delivery))
    }

    /// What was to join the turn was not taken: it waits in front of the queue, unless nobody wants it any more.
    pub(super) fn unsteered(&mut self, now: Moment, prompt: Prompt) {
        let Some(turn) = self.steered.remove(&prompt.id) else {
            return self.log(now, Event::PromptCancelled(PromptRef { prompt_id: prompt.id }), None);
        };
        // What was said in that turn was not heard there.
        let item = Item::new(ItemKind::UserMessage).status(ItemStatus::Cancelled);
        self.write(now, Event::ItemUpserted(item), Some(&prompt.id), Source::sixframe(), None, Some(turn));
        let (at, told) = (self.place(Delivery::Steer), self.seq + 1);
        let waiting = Waiting { prompt, delivery: Delivery::Steer, timeout: self.given, told, was_steered: true };
        self.log(now, Event::PromptQueued(queued(at, &waiting)), None);
        self.queue.insert(at, waiting);
        self.pump(now);
    }

    fn steer(&mut self, now: Moment, prompt: Prompt) {
        let Some(turn) = self.turns.open().map(|turn| turn.id().to_owned()) else { return };
        self.steered.insert(prompt.id.clone(), turn);
        self.hand(now, Event::PromptSteered(PromptRef { prompt_id: prompt.id.clone() }), &prompt);
        self.said(now, &prompt, &prompt.id);
        self.outputs.push(Output::Tell(Command::Steer(prompt)));
    }

    /// Takes a prompt back that waits. Gives whether it did.
    pub fn cancel_prompt(&mut self, now: Moment, prompt_id: &str) -> bool {
        let Some(at) = self.queue.iter().position(|waiting| waiting.prompt.id == prompt_id) else { return false };
        self.queue.remove(at);
        self.log(now, Event::PromptCancelled(PromptRef { prompt_id: prompt_id.to_owned() }), None);
        true
    }

    /// Whether a prompt that waits is still what the event with this number told, where one is named.
    ///
    /// # Errors
    /// It was edited since.
    pub fn check_prompt(&self, prompt_id: &str, seq: Option<u64>) -> Result<(), Refused> {
        let waiting = self.queue.iter().find(|waiting| waiting.prompt.id == prompt_id);
        match waiting.map(|waiting| waiting.told).filter(|told| seq.is_some_and(|seq| seq != *told)) {
            Some(seq) => Err(Refused::Changed { seq }),
            None => Ok(()),
        }
    }

    /// Puts other words in the place of a prompt that waits. Gives whether it does.
    ///
    /// # Errors
    /// What waits would say too much.
    pub fn edit_prompt(&mut self, now: Moment, prompt_id: &str, content: Vec<Content>) -> Result<bool, Refused> {
        let waits = self.queue.iter().filter(|waiting| waiting.prompt.id != prompt_id);
        let others = waits.map(|waiting| waiting.prompt.bytes()).sum::<usize>();
        let told_by = self.seq + 1;
        let mut waiting = self.queue.iter_mut().enumerate();
        let Some((at, waiting)) = waiting.find(|(_, waiting)| waiting.prompt.id == prompt_id) else { return Ok(false) };
        let edited = Prompt { content, ..waiting.prompt.clone() };
        if others > 0 && others + edited.bytes() > BYTES {
            return Err(Refused::Heavy);
        }
        (waiting.prompt, waiting.told) = (edited, told_by);
        let told = queued(at, waiting);
        self.log(now, Event::PromptQueued(told), None);
        Ok(true)
    }

    /// Takes all prompts back that wait. Gives whether any did.
    pub fn cancel_prompts(&mut self, now: Moment) -> bool {
        self.steered.clear();
        let waited = !self.queue.is_empty();
        while let Some(waiting) = self.queue.pop_front() {
            self.log(now, Event::PromptCancelled(PromptRef { prompt_id: waiting.prompt.id }), None);
        }
        waited
    }

    /// Whoever asked for something does not want it any more: it is taken back where it waits, and its turn is stopped.
    pub fn abandon(&mut self, now: Moment, prompt_id: &str) {
        self.steered.remove(prompt_id);
        let is_open = self.turns.open().is_some_and(|turn| turn.prompt_id() == Some(prompt_id));
        if !self.cancel_prompt(now, prompt_id) && is_open {
            self.stop_turn(now);
        }
    }

    /// The agent is gone, and was never given this: if a turn is open on it, the next agent is given it, once.
    pub fn give_back(&mut self, prompt: Prompt) {
        let is_open = self.open_prompt() == Some(prompt.id.as_str());
        if is_open && self.ladder.is_none() && !self.was_returned {
            (self.returned, self.was_returned) = (Some(prompt), true);
        }
    }

    /// The agent was not told of this, and will not be: the next one is, when this one is gone.
    pub(super) fn untaken(&mut self, now: Moment, prompt: Prompt) {
        self.give_back(prompt);
        if self.returned.is_some() {
            self.withheld(now);
            self.muted(now);
        }
    }

    /// What was to be told to an agent that is gone is not told to another one, but for the prompt of the open turn.
    pub(super) fn take_untold_back(&mut self) {
        let (untold, rest): (Vec<_>, _) =
            std::mem::take(&mut self.outputs).into_iter().partition(|output| matches!(output, Output::Tell(_)));
        self.outputs = rest;
        for output in untold {
            if let Output::Tell(Command::Prompt(prompt)) = output {
                self.give_back(prompt);
            }
        }
    }

    /// Whether the open turn waits for another agent, since the one that is gone, which was so far, was not given its prompt.
    pub(super) fn waits_for_another(&mut self, now: Moment, before: Process) -> bool {
        let waits = self.returned.is_some() && before != Process::Starting && !self.closed;
        match waits {
            true => self.withheld(now),
            false => self.returned = None,
        }
        waits
    }

    /// Begins the next turn, if there is something to do and somebody to do it.
    pub(super) fn pump(&mut self, now: Moment) {
        if self.closed || self.turns.open().is_some() || self.queue.is_empty() {
            return;
        }
        match self.process {
            Process::Absent => self.start(now),
            Process::Starting | Process::Stopping => (),
            Process::Ready if self.goes_first().is_some() => (),
            Process::Ready => {
                let Some(waiting) = self.queue.pop_front() else { return };
                self.open_turn(now, &waiting);
                self.outputs.push(Output::Tell(Command::Prompt(waiting.prompt)));
            }
        }
    }
}

/// What goes in front of what.
pub(super) fn rank(delivery: Delivery) -> u8 {
    match delivery {
        Delivery::Now => 0,
        Delivery::Steer => 1,
        Delivery::Queue => 2,
    }
}

/// A prompt that waits, as it is told.
fn queued(position: usize, waiting: &Waiting) -> PromptQueued {
    let Waiting { prompt, delivery, timeout: _, told: _, was_steered: _ } = waiting;
    let (prompt_id, content) = (prompt.id.clone(), prompt.content.clone());
    let context = prompt.context.as_ref().map(|context| context.summary.clone());
    PromptQueued { prompt_id, position: position as u64, delivery: *delivery, content, context }
}
