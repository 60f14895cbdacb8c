//! What the agent tells, and what it means to its session.

use super::super::agent::{Command, Fact, Told};
use super::super::deltas::Grown;
use super::super::event::{Event, Native, Outcome, ProcessEvent, SessionUpdate, Source};
use super::super::fitting::cut_text;
use super::super::item::{Item, ItemStatus};
use super::super::moment::Moment;
use super::super::permission::Decider;
use super::super::problem::{Problem, ProblemKind};
use super::super::turn::TurnEnd;
use super::{Output, Process, Session};

/// The longest title that is shown, in bytes.
const TITLE: usize = 1 << 10;

/// What is longer is no name that could be used, in bytes.
const NAME: usize = 4 << 10;

impl Session {
    /// The agent told of something.
    pub fn told(&mut self, now: Moment, told: Told) {
        if self.closed {
            return;
        }
        let Told { mut fact, native_type, ext } = told;
        let is_of_process = matches!(fact, Fact::Process(_) | Fact::Gone { .. });
        if self.leaving.is_some() && !is_of_process {
            // What the one who leaves still says is not the next one's.
            return;
        }
        let late = self.ids.late(&fact);
        self.ids.rename(&mut fact);
        let provider = self.leaving.as_ref().unwrap_or(&self.beginning.created.provider).clone();
        let src = Source { provider, native_type };
        self.heard.fact(now.at, &fact);
        match (&fact, self.turns.open_mut()) {
            (Fact::Process(_) | Fact::Gone { .. } | Fact::Alive | Fact::Muted | Fact::Untaken(_), _) | (_, None) => (),
            (Fact::Left(_), _) => (),
            (_, Some(turn)) => turn.heard(now.at),
        }
        if let (Some(earlier), Fact::Item { item, .. }) = (late, &fact) {
            return self.came_late(now, &earlier, item, src);
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
            Fact::Diff(mut diff) => {
                self.shorten(&mut diff.files);
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
            Fact::Muted => self.muted(now),
            Fact::Untaken(prompt) => self.untaken(now, prompt),
            Fact::Lost { why } => self.lost(now, &why),
            Fact::Unsteered(prompt) => self.unsteered(now, prompt),
            Fact::Left(rest) => self.left(rest),
            Fact::Began { reason } => self.began(now, reason, src),
            Fact::Ended(end) => self.ended(now, end),
            Fact::Gone { problem } => self.gone(now, problem),
        }
    }

    fn ready(&mut self, now: Moment, mut update: SessionUpdate, src: Source) {
        if self.process == Process::Starting {
            self.process = Process::Ready;
            self.log(now, Event::ProcessEvent(ProcessEvent::Ready), None);
            update = self.tell_chosen(update);
        }
        // One that is being stopped is not the next one.
        if self.process == Process::Ready
            && let Some(prompt) = self.returned.take()
        {
            self.handed_over(now);
            self.outputs.push(Output::Tell(Command::Prompt(prompt)));
        }
        self.update(now, update, Some(src));
        self.pump(now);
    }

    /// Tells what is new of the session, if anything is.
    pub(super) fn update(&mut self, now: Moment, mut update: SessionUpdate, src: Option<Source>) {
        if let Some(title) = &mut update.title {
            cut_text(title, TITLE);
        }
        for name in [&mut update.native_session_id, &mut update.model, &mut update.agent_version] {
            name.take_if(|name| name.len() > NAME);
        }
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

    fn item(&mut self, now: Moment, id: &str, mut item: Item, src: Source, ext: Option<serde_json::Value>) {
        let grown = self.deltas.flush(now.at, id);
        self.grew(now, grown);
        let is_done = item.status.is_some_and(ItemStatus::is_final);
        let went_ahead = item.status == Some(ItemStatus::Completed) && self.must_wait(id);
        match is_done {
            true => drop(self.open_items.remove(id)),
            false if self.turns.open().is_some() => drop(self.open_items.insert(id.to_owned(), item.kind)),
            false => (),
        }
        item.tool.iter_mut().filter_map(|tool| tool.changes.as_mut()).for_each(|changes| self.shorten(changes));
        self.writes(now, id, &item);
        self.push(now, Event::ItemUpserted(item), Some(id), src, ext);
        if went_ahead {
            let text = "the agent did something that it had asked leave for and was not given it";
            let problem = Problem::new(ProblemKind::Protocol, text);
            self.interrupt(now, TurnEnd::failed(problem));
        }
    }

    /// An item of an earlier turn has ended, which was told as cancelled when that was over. It is kept, and is nothing of this turn.
    fn came_late(&mut self, now: Moment, item_id: &str, item: &Item, src: Source) {
        let ext = serde_json::to_value(item).ok().and_then(|item| Told::unknown("", &item).ext);
        self.write(now, Event::Native(Native {}), Some(item_id), src, ext, None);
    }

    pub(super) fn grew(&mut self, now: Moment, grown: impl IntoIterator<Item = Grown>) {
        for Grown { item, delta } in grown {
            let src = Source { provider: self.beginning.created.provider.clone(), native_type: None };
            self.push(now, Event::ItemDelta(delta), Some(&item), src, None);
        }
    }

    /// The agent ended its turn.
    fn ended(&mut self, now: Moment, end: TurnEnd) {
        self.works_beside &= !end.is_own;
        if self.outlasts(&end) {
            return;
        }
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
}
