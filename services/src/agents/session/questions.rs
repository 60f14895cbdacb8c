//! What waits for a person's answer: checked against what was asked, good for one answer, unanswered when nobody does.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::agent::{Answers, Command, Inquiry};
use super::super::event::{AnswerKind, Event, Question, QuestionRequest, QuestionResolved, Source};
use super::super::identifier::identifier;
use super::super::moment::Moment;
use super::super::permission::Decider;
use super::{Output, Session};

/// The longest answer, in bytes.
const LONGEST: usize = 64 << 10;

/// The most requests for answers that wait at once, and how much they may hold together, in bytes.
const WAITING: (usize, usize) = (16, 1 << 20);

/// Questions that wait.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) inquiry: Inquiry,
    pub(super) request: QuestionRequest,
    pub(super) expires_at: Duration,
}

/// Why answers are not taken. The questions go on waiting, if they are there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// There are none, or not any more.
    #[error("no question with this id waits; it was answered, withdrawn, or has expired")]
    Gone,
    /// An answer does not fit its question.
    #[error("the question {question} is not answered: {why}")]
    Unfit {
        /// The id of the question.
        question: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl Session {
    /// Somebody answers questions; without any answer, they are declined. Gives what of it must not be written down.
    ///
    /// # Errors
    /// The answers do not fit what waits.
    pub fn answer(
        &mut self,
        now: Moment,
        question_id: &str,
        answers: Answers,
        by: Decider,
    ) -> Result<Vec<String>, Unanswered> {
        let open = self.questions.get(question_id).ok_or(Unanswered::Gone)?;
        if answers.is_empty() {
            self.settle_question(now, question_id, None, by);
            return Ok(Vec::new());
        }
        check(&open.request.questions, &answers)?;
        let is_secret = |id: &&String| open.request.questions.iter().any(|asked| asked.id == **id && asked.is_secret);
        let secrets = answers.keys().filter(is_secret).flat_map(|id| answers[id].clone()).collect();
        self.settle_question(now, question_id, Some(answers), by);
        Ok(secrets)
    }

    /// The agent asks a person something.
    pub(super) fn inquired(&mut self, now: Moment, inquiry: Inquiry, src: Source) {
        self.drop_questions(now, |open| open.inquiry.key == inquiry.key, &Decider::Agent);
        let has_turn = self.turns.open().is_some() && self.ladder.is_none();
        let expires_at = now.at + self.beginning.timers.approval;
        let request = QuestionRequest {
            question_id: identifier("question"),
            title: inquiry.title.clone(),
            questions: inquiry.questions.clone(),
            expires_at_ms: now.after(self.beginning.timers.approval).wall_ms,
        };
        let (id, item) = (request.question_id.clone(), inquiry.item.clone());
        let waiting = self.held_questions().saturating_add(held(&request));
        let is_one_too_many = self.questions.len() >= WAITING.0 || waiting > WAITING.1;
        let is_askable = has_turn && !is_one_too_many && are_distinct(&request.questions);
        self.questions.insert(id.clone(), Open { inquiry, request: request.clone(), expires_at });
        self.waiting_since.get_or_insert(now.at);
        self.push(now, Event::QuestionRequested(request), item.as_deref(), src, None);
        if !is_askable {
            let rule = match (has_turn, is_one_too_many) {
                (false, _) => "no_turn",
                (true, true) => "too_many",
                (true, false) => "unclear_question",
            };
            self.settle_question(now, &id, None, Decider::Policy { rule: rule.to_owned() });
        }
    }

    /// How much of the questions that wait has to be shown, in bytes.
    pub(super) fn held_questions(&self) -> usize {
        self.questions.values().map(|open| held(&open.request)).fold(0, usize::saturating_add)
    }

    /// Leaves all that wait unanswered.
    pub(super) fn decline_questions(&mut self, now: Moment, by: &Decider) {
        let waiting: Vec<String> = self.questions.keys().cloned().collect();
        waiting.iter().for_each(|id| self.settle_question(now, id, None, by.clone()));
    }

    fn settle_question(&mut self, now: Moment, id: &str, answers: Option<Answers>, by: Decider) {
        let Some(open) = self.questions.remove(id) else { return };
        let key = open.inquiry.key.clone();
        self.outputs.push(Output::Tell(Command::Answer { key, answers: answers.clone() }));
        self.question_resolved(now, open, answers, by);
    }

    /// Questions that cannot be answered any more.
    pub(super) fn drop_questions(&mut self, now: Moment, which: impl Fn(&Open) -> bool, by: &Decider) {
        let ids: Vec<String> =
            self.questions.iter().filter(|(_, open)| which(open)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(open) = self.questions.remove(&id) else { continue };
            self.question_resolved(now, open, None, by.clone());
        }
    }

    /// Leaves unanswered what nobody answered in time.
    pub(super) fn expire_questions(&mut self, now: Moment) {
        let expired = self.questions.iter().filter(|(_, open)| now.at >= open.expires_at);
        let expired: Vec<String> = expired.map(|(id, _)| id.clone()).collect();
        expired.iter().for_each(|id| self.settle_question(now, id, None, Decider::Timeout));
    }

    fn question_resolved(&mut self, now: Moment, open: Open, answers: Option<Answers>, by: Decider) {
        let Open { inquiry, request, .. } = open;
        let secret: BTreeSet<&String> =
            request.questions.iter().filter(|asked| asked.is_secret).map(|asked| &asked.id).collect();
        let answers = answers.map(|answers| answers.into_iter().filter(|(id, _)| !secret.contains(id)).collect());
        let resolved = QuestionResolved { question_id: request.question_id.clone(), answers, by };
        self.log(now, Event::QuestionResolved(resolved), inquiry.item.as_deref());
        self.go_on(now);
    }
}

fn held(request: &QuestionRequest) -> usize {
    serde_json::to_string(request).map_or(usize::MAX, |text| text.len())
}

/// Whether each question can be answered by its id, and there is one.
fn are_distinct(questions: &[Question]) -> bool {
    let ids: BTreeSet<&String> = questions.iter().map(|question| &question.id).collect();
    !ids.is_empty() && ids.len() == questions.len()
}

fn check(questions: &[Question], answers: &Answers) -> Result<(), Unanswered> {
    let unfit = |question: &str, why| Err(Unanswered::Unfit { question: question.to_owned(), why });
    let unasked = answers.keys().find(|id| !questions.iter().any(|question| question.id == **id));
    if let Some(id) = unasked {
        return unfit(id, "it is not among those that wait");
    }
    for question in questions {
        let given = answers.get(&question.id).map(Vec::as_slice).unwrap_or_default();
        if let Some(why) = misfit(question, given) {
            return unfit(&question.id, why);
        }
    }
    Ok(())
}

/// Why these answers do not fit a question; nothing where they do.
fn misfit(question: &Question, given: &[String]) -> Option<&'static str> {
    let is_offered = |answer: &String| question.options.iter().any(|option| option.label == *answer);
    let is_of_kind = |answer: &String| match question.kind {
        AnswerKind::Text => true,
        AnswerKind::Number => answer.trim().parse::<f64>().is_ok_and(f64::is_finite),
        AnswerKind::Integer => answer.trim().parse::<i64>().is_ok(),
    };
    let is_free = question.options.is_empty() || question.allows_other;
    match given {
        [] if question.is_required => Some("it must be"),
        [_, _, ..] if !question.is_multiple => Some("it takes one answer"),
        _ if !is_free && !given.iter().all(is_offered) => Some("it takes what is offered alone"),
        _ if !given.iter().all(is_of_kind) => Some("it takes a number"),
        _ if given.iter().map(String::len).sum::<usize>() > LONGEST => Some("that is too long"),
        _ => None,
    }
}
