//! A run: several agents on one prompt, and what is made of their answers. Pure: what became of its members comes in; events
//! for its log, and what is to be done, come out.

use super::super::event::{
    Envelope, Event, LogRecovered, Outcome, RunApplied, RunEnded, RunMember, RunMemberEnded, RunMerged, RunMerging,
    RunStarted, Source, Strategy, Subject,
};
use super::super::moment::Moment;
use super::super::problem::{Problem, ProblemKind};
use super::merging::{self, Answer, Bench};
use super::view::{self, RunMemberView, RunState, RunView};

/// What a run begins with.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct RunBeginning {
    pub(in super::super) id: String,
    /// The life of its log.
    pub(in super::super) epoch: String,
    pub(in super::super) started: RunStarted,
    /// Whether its members have worktrees.
    pub(in super::super) has_worktrees: bool,
    /// What nobody who is asked can know beforehand: it tells our words from theirs.
    pub(in super::super) nonce: String,
}

/// What a run wants to be done.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum RunOutput {
    /// To write this down, and to tell it.
    Log(Box<Envelope>),
    /// To stop the turns of these members.
    Stop(Vec<String>),
    /// To ask this of whoever merges.
    Merge(String),
    /// To stop whoever merges.
    StopMerger,
    /// To take away what it has left behind, and to say so by [`Run::cleaned`].
    Clean,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Working,
    Merging,
    /// It will have ended like this.
    Cleaning(RunEnded),
    Ended(RunEnded),
}

#[derive(Clone, Debug)]
struct Member {
    member: RunMember,
    ended: Option<RunMemberEnded>,
    /// Whether what it changed is in the run's folder.
    is_applied: bool,
}

/// A run.
#[derive(Debug)]
pub(in super::super) struct Run {
    beginning: RunBeginning,
    started_at_ms: u64,
    seq: u64,
    members: Vec<Member>,
    merger: Option<Member>,
    merged: Option<RunMerged>,
    phase: Phase,
    is_cancelled: bool,
    outputs: Vec<RunOutput>,
}

impl Run {
    /// A run that begins now, whose members have been asked.
    pub(in super::super) fn begin(now: Moment, beginning: RunBeginning) -> Run {
        let mut run = Run::of(now.wall_ms, beginning);
        run.log(now, Event::RunStarted(run.beginning.started.clone()));
        run
    }

    /// A run as its log tells of it: what it tells behind the beginning, and the number of its newest event.
    pub(in super::super) fn remembered(beginning: RunBeginning, events: &[Event], seq: u64, started_at_ms: u64) -> Run {
        let mut run = Run { seq, ..Run::of(started_at_ms, beginning) };
        let mut is_merging = false;
        // What is of sessions is in no log of a run.
        for event in events.iter().filter(|event| event.subject() == Subject::Run) {
            match event {
                Event::RunMemberEnded(ended) if is_merging => {
                    run.merger.iter_mut().for_each(|merger| merger.ended = Some(ended.clone()));
                }
                Event::RunMemberEnded(ended) => drop(run.record(ended.clone())),
                Event::RunMerging(merging) => {
                    is_merging = true;
                    run.merger.iter_mut().for_each(|merger| merger.member = merging.by.clone());
                }
                Event::RunMerged(merged) => run.merged = Some(merged.clone()),
                Event::RunEnded(ended) => run.phase = Phase::Ended(ended.clone()),
                Event::RunApplied(applied) => run.is_applied(&applied.name),
                // It stands in the beginning.
                _ => (),
            }
        }
        run
    }

    fn of(started_at_ms: u64, beginning: RunBeginning) -> Run {
        let member = |member: &RunMember| Member { member: member.clone(), ended: None, is_applied: false };
        Run {
            started_at_ms,
            seq: 0,
            members: beginning.started.members.iter().map(member).collect(),
            merger: beginning.started.merger.as_ref().map(member),
            merged: None,
            phase: Phase::Working,
            is_cancelled: false,
            outputs: Vec::new(),
            beginning,
        }
    }

    /// What it wants to be done since this was asked last, in order.
    pub(in super::super) fn outputs(&mut self) -> Vec<RunOutput> {
        std::mem::take(&mut self.outputs)
    }

    /// Whether it is over, and nothing of it is left.
    pub(in super::super) fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// The run as a window shows it.
    pub(in super::super) fn view(&self) -> RunView {
        let RunStarted { prompt, cwd, strategy, .. } = &self.beginning.started;
        let (state, ended) = match &self.phase {
            Phase::Working => (RunState::Running, None),
            Phase::Merging => (RunState::Merging, None),
            // As long as something of it is left, it is not over.
            Phase::Cleaning(_) => (RunState::Running, None),
            Phase::Ended(ended) => (RunState::Ended, Some(ended)),
        };
        let shown_merged =
            |merged: &RunMerged| RunMerged { text: merged.text.as_deref().map(view::ending), ..merged.clone() };
        let shown = |Member { member, ended, is_applied }: &Member| RunMemberView {
            is_applied: *is_applied,
            ..RunMemberView::of(member, ended.as_ref())
        };
        RunView {
            run_id: self.beginning.id.clone(),
            prompt: view::beginning(prompt),
            cwd: cwd.clone(),
            strategy: *strategy,
            state,
            outcome: ended.map(|ended| ended.outcome),
            error: ended.and_then(|ended| ended.error.clone()),
            members: self.members.iter().map(shown).collect(),
            merger: self.merger.as_ref().map(shown),
            merged: self.merged.as_ref().map(shown_merged),
            started_at_ms: self.started_at_ms,
            has_worktrees: self.beginning.has_worktrees,
            seq: self.seq,
        }
    }

    /// Whoever merges has a session now.
    pub(in super::super) fn merger_begins(&mut self, now: Moment, session_id: &str, worktree: Option<String>) {
        let Some(merger) = &mut self.merger else { return };
        merger.member.session_id = Some(session_id.to_owned());
        merger.member.worktree = worktree.or(merger.member.worktree.take());
        let by = merger.member.clone();
        self.log(now, Event::RunMerging(RunMerging { by }));
    }

    /// A member is done with what the run asked.
    pub(in super::super) fn member_ended(&mut self, now: Moment, ended: RunMemberEnded) {
        let (name, is_complete) = (ended.name.clone(), ended.outcome == Outcome::Completed);
        if self.phase != Phase::Working || !self.record(ended.clone()) {
            return;
        }
        self.log(now, Event::RunMemberEnded(ended));
        let is_race = self.beginning.started.strategy == Strategy::Race;
        if is_race && is_complete && self.merged.is_none() && !self.is_cancelled {
            self.merge(now, RunMerged { by: name.clone(), chosen: Some(name), text: None });
            let others = self.open();
            if !others.is_empty() {
                self.outputs.push(RunOutput::Stop(others));
            }
        }
        if self.open().is_empty() {
            self.answered(now);
        }
    }

    /// Whoever merges is done with it.
    pub(in super::super) fn merger_ended(&mut self, now: Moment, ended: RunMemberEnded) {
        if self.phase != Phase::Merging {
            return;
        }
        if let Some(merger) = &mut self.merger {
            merger.ended = Some(ended.clone());
        }
        self.log(now, Event::RunMemberEnded(ended.clone()));
        if self.is_cancelled {
            return self.clean(Outcome::Interrupted, None);
        }
        let merged = match (ended.outcome, ended.answer) {
            (Outcome::Completed, Some(answer)) => self.judged(ended.name, answer),
            (Outcome::Completed, None) => {
                Err(Problem::new(ProblemKind::Protocol, "it was asked to merge and said nothing"))
            }
            (outcome, _) => {
                let how = || Problem::new(ProblemKind::Unknown, format!("merging was not completed but {outcome:?}"));
                Err(ended.error.unwrap_or_else(how))
            }
        };
        match merged {
            Ok(merged) => {
                self.merge(now, merged);
                self.clean(Outcome::Completed, None);
            }
            Err(problem) => self.clean(Outcome::Failed, Some(problem)),
        }
    }

    fn judged(&self, by: String, answer: String) -> Result<RunMerged, Problem> {
        if self.beginning.started.strategy != Strategy::Vote {
            return Ok(RunMerged { by, chosen: None, text: Some(answer) });
        }
        let complete: Vec<&str> = self.complete().map(|ended| ended.name.as_str()).collect();
        let chosen = merging::chosen(&answer, &self.beginning.nonce, &complete);
        let chosen =
            chosen.map_err(|why| Problem::new(ProblemKind::Protocol, format!("the judge chose nobody: {why}")))?;
        Ok(RunMerged { by, chosen: Some(chosen), text: Some(answer) })
    }

    /// Stops everything. It ends when that is done.
    pub(in super::super) fn cancel(&mut self) {
        if std::mem::replace(&mut self.is_cancelled, true) {
            return;
        }
        match &self.phase {
            Phase::Working => self.outputs.push(RunOutput::Stop(self.open())),
            Phase::Merging => self.outputs.push(RunOutput::StopMerger),
            Phase::Cleaning(_) | Phase::Ended(_) => (),
        }
    }

    /// What would have merged could not be asked.
    pub(in super::super) fn not_merged(&mut self, problem: Problem) {
        if self.phase == Phase::Merging {
            self.clean(Outcome::Failed, Some(problem));
        }
    }

    /// What it has left behind is taken away.
    pub(in super::super) fn cleaned(&mut self, now: Moment) {
        if let Phase::Cleaning(ended) = self.phase.clone() {
            self.phase = Phase::Ended(ended.clone());
            self.log(now, Event::RunEnded(ended));
        }
    }

    /// The daemon that it was in has ended.
    pub(in super::super) fn crashed(&mut self, now: Moment) {
        if !self.is_ended() {
            let problem = Problem::new(ProblemKind::Crashed, "the daemon was ended in the midst of the run");
            self.clean(Outcome::Failed, Some(problem));
            self.cleaned(now);
        }
    }

    /// The end of its log was torn.
    pub(in super::super) fn recovered(&mut self, now: Moment, recovered: LogRecovered) {
        self.log(now, Event::LogRecovered(recovered));
    }

    /// What a member changed is in the folder now.
    pub(in super::super) fn applied(&mut self, now: Moment, applied: RunApplied) {
        self.is_applied(&applied.name);
        self.log(now, Event::RunApplied(applied));
    }

    fn is_applied(&mut self, name: &str) {
        let known = self.members.iter_mut().chain(&mut self.merger).filter(|known| known.member.name == name);
        known.for_each(|known| known.is_applied = true);
    }

    /// All members are done.
    fn answered(&mut self, now: Moment) {
        if self.is_cancelled {
            return self.clean(Outcome::Interrupted, None);
        }
        let complete: Vec<&RunMemberEnded> = self.complete().collect();
        let only = complete.first().filter(|_| complete.len() == 1).map(|ended| ended.name.clone());
        match (self.beginning.started.strategy, complete.is_empty(), only) {
            (_, true, _) => {
                let problem = self.why_none();
                self.clean(Outcome::Failed, Some(problem));
            }
            (Strategy::Fanout | Strategy::Race, false, _) => self.clean(Outcome::Completed, None),
            (Strategy::Vote, false, Some(only)) => {
                let text = Some("it is the only one that completed, so nobody was asked".to_owned());
                self.merge(now, RunMerged { by: only.clone(), chosen: Some(only), text });
                self.clean(Outcome::Completed, None);
            }
            (strategy @ (Strategy::Vote | Strategy::Synthesise), false, _) => {
                let answers: Vec<Answer<'_>> = complete.iter().map(|ended| Answer::of(ended)).collect();
                let (prompt, nonce) = (&self.beginning.started.prompt, &self.beginning.nonce);
                let asked = match strategy {
                    Strategy::Vote => merging::vote(prompt, &answers, nonce),
                    Strategy::Fanout | Strategy::Race | Strategy::Synthesise => {
                        merging::synthesis(prompt, &answers, self.bench(), nonce)
                    }
                };
                self.phase = Phase::Merging;
                self.outputs.push(RunOutput::Merge(asked));
            }
        }
    }

    /// Where whoever makes one answer of all works.
    fn bench(&self) -> Bench<'_> {
        let merger = self.beginning.started.merger.as_ref().map_or("", |merger| merger.name.as_str());
        match (self.beginning.has_worktrees, self.members.iter().any(|known| known.member.name == merger)) {
            (false, _) => Bench::Shared,
            (true, true) => Bench::Own(merger),
            (true, false) => Bench::Fresh,
        }
    }

    /// Why nobody completed: by what went wrong first.
    fn why_none(&self) -> Problem {
        let ended = self.members.iter().filter_map(|member| member.ended.as_ref());
        let told: Vec<String> = ended
            .clone()
            .map(|ended| match &ended.error {
                Some(error) => format!("{}: {error}", ended.name),
                None => format!("{}: {:?}", ended.name, ended.outcome),
            })
            .collect();
        let first = ended.filter_map(|ended| ended.error.clone()).next();
        let first = first.unwrap_or_else(|| Problem::new(ProblemKind::Unknown, ""));
        Problem { message: format!("no member completed; {}", told.join("; ")), ..first }
    }

    fn clean(&mut self, outcome: Outcome, error: Option<Problem>) {
        self.phase = Phase::Cleaning(RunEnded { outcome, error });
        self.outputs.push(RunOutput::Clean);
    }

    fn merge(&mut self, now: Moment, merged: RunMerged) {
        self.merged = Some(merged.clone());
        self.log(now, Event::RunMerged(merged));
    }

    /// Remembers how a member ended. Gives whether it was open.
    fn record(&mut self, ended: RunMemberEnded) -> bool {
        let known = self.members.iter_mut().chain(&mut self.merger).find(|known| known.member.name == ended.name);
        known.is_some_and(|known| known.ended.replace(ended).is_none())
    }

    fn open(&self) -> Vec<String> {
        let open = self.members.iter().filter(|member| member.ended.is_none());
        open.map(|member| member.member.name.clone()).collect()
    }

    fn complete(&self) -> impl Iterator<Item = &RunMemberEnded> {
        let ended = self.members.iter().filter_map(|member| member.ended.as_ref());
        ended.filter(|ended| ended.outcome == Outcome::Completed)
    }

    fn log(&mut self, now: Moment, event: Event) {
        self.seq += 1;
        let envelope = Envelope {
            v: 1,
            epoch: self.beginning.epoch.clone(),
            seq: self.seq,
            ts: now.rfc3339(),
            session_id: self.beginning.id.clone(),
            turn_id: None,
            item_id: None,
            event,
            src: Source::sixframe(),
            ext: None,
        };
        self.outputs.push(RunOutput::Log(Box::new(envelope)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    const NOW: Moment = Moment { at: Duration::ZERO, wall_ms: 0 };

    fn run(strategy: Strategy, members: usize) -> Run {
        let member = |name: String| RunMember {
            name,
            session_id: None,
            provider: "builtin".into(),
            model: None,
            worktree: None,
        };
        let merger = matches!(strategy, Strategy::Vote | Strategy::Synthesise).then(|| member("judge".into()));
        let members = (0..members).map(|number| member(format!("m{number}"))).collect();
        let started = RunStarted { prompt: "do".into(), cwd: "/".into(), strategy, members, merger };
        let (id, epoch, nonce) = ("run_1".into(), "log_1".into(), "5".into());
        Run::begin(NOW, RunBeginning { id, epoch, started, has_worktrees: false, nonce })
    }

    fn ended(name: &str, outcome: Outcome, answer: &str) -> RunMemberEnded {
        RunMemberEnded {
            name: name.to_owned(),
            outcome,
            error: None,
            answer: Some(answer.to_owned()),
            files: Vec::new(),
        }
    }

    /// What a run told, and what it wanted to be done, in short.
    fn told(run: &mut Run) -> Vec<String> {
        let short = |output: RunOutput| match output {
            RunOutput::Log(envelope) => envelope.event.name().to_owned(),
            RunOutput::Stop(names) => format!("stop {}", names.join(" ")),
            RunOutput::Merge(_) => "merge".to_owned(),
            RunOutput::StopMerger => "stop merger".to_owned(),
            RunOutput::Clean => "clean".to_owned(),
        };
        run.outputs().into_iter().map(short).collect()
    }

    #[test]
    fn what_is_left_behind_is_taken_away_before_a_run_says_that_it_has_ended() {
        let mut run = run(Strategy::Fanout, 1);
        run.member_ended(NOW, ended("m0", Outcome::Completed, "a"));
        assert_eq!(told(&mut run), ["run.started", "run.member_ended", "clean"]);
        assert_eq!(run.view().state, RunState::Running);
        run.cleaned(NOW);
        assert_eq!(told(&mut run), ["run.ended"]);
    }

    #[test]
    fn a_vote_that_is_cancelled_while_it_is_judged_chooses_nobody() {
        let mut run = run(Strategy::Vote, 2);
        run.member_ended(NOW, ended("m0", Outcome::Completed, "a"));
        run.member_ended(NOW, ended("m1", Outcome::Completed, "b"));
        run.cancel();
        assert_eq!(told(&mut run)[3..], ["merge", "stop merger"]);
        run.merger_ended(NOW, ended("judge", Outcome::Completed, "choice 5: m1"));
        run.cleaned(NOW);
        assert_eq!(told(&mut run), ["run.member_ended", "clean", "run.ended"]);
        assert_eq!((run.view().outcome, run.view().merged), (Some(Outcome::Interrupted), None));
    }

    #[test]
    fn where_one_alone_completed_nobody_is_asked_to_judge() {
        let mut run = run(Strategy::Vote, 2);
        run.member_ended(NOW, ended("m0", Outcome::Failed, ""));
        run.member_ended(NOW, ended("m1", Outcome::Completed, "b"));
        assert_eq!(told(&mut run)[1..], ["run.member_ended", "run.member_ended", "run.merged", "clean"]);
        assert_eq!(run.view().merged.and_then(|merged| merged.chosen).as_deref(), Some("m1"));
    }

    fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
        prop::sample::select(vec![Strategy::Fanout, Strategy::Race, Strategy::Vote, Strategy::Synthesise])
    }

    proptest! {
        #[test]
        fn every_run_ends_once_whatever_becomes_of_its_members(
            strategy in strategies(),
            steps in prop::collection::vec((0..6usize, any::<bool>()), 0..32),
        ) {
            let mut run = run(strategy, 4);
            let mut seen = told(&mut run);
            // Whatever comes, in whatever order, and then all that must come.
            let rest = (0..4).chain([4, 5]).map(|step| (step, true));
            for (step, is_complete) in steps.into_iter().chain(rest) {
                let outcome = if is_complete { Outcome::Completed } else { Outcome::Failed };
                match step {
                    member @ 0..4 => run.member_ended(NOW, ended(&format!("m{member}"), outcome, "choice 5: m0")),
                    4 => run.merger_ended(NOW, ended("judge", outcome, "choice 5: m0")),
                    _ => run.cancel(),
                }
                seen.extend(told(&mut run));
                if seen.last().is_some_and(|last| last == "clean") {
                    run.cleaned(NOW);
                    seen.extend(told(&mut run));
                }
            }
            let count = |what: &str| seen.iter().filter(|told| *told == what).count();
            prop_assert_eq!(count("run.ended"), 1);
            prop_assert_eq!(count("clean"), 1);
            prop_assert!(count("run.merged") <= 1 && count("merge") <= 1);
            prop_assert_eq!(seen.last().map(String::as_str), Some("run.ended"));
        }
    }
}
