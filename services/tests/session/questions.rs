use std::time::Duration;

use sixframe_services::agents::{
    AnswerKind, Answers, Command, Decider, Delivery, Event, Fact, Inquiry, Mode, Outcome, Question, QuestionOption,
    QuestionResolved, State, TurnEnd, Unanswered,
};

use super::stage::Stage;

fn person() -> Decider {
    Decider::Person { owner: "somebody".into() }
}

fn option(label: &str) -> QuestionOption {
    QuestionOption { label: label.into(), description: None }
}

fn questions() -> Vec<Question> {
    let question = |id: &str| Question { id: id.into(), text: id.into(), ..Question::default() };
    vec![
        Question { options: vec![option("left"), option("right")], is_required: true, ..question("way") },
        Question {
            options: vec![option("a"), option("b")],
            is_multiple: true,
            allows_other: true,
            ..question("parts")
        },
        Question { kind: AnswerKind::Integer, ..question("count") },
        Question { is_secret: true, ..question("word") },
    ]
}

fn answers(given: &[(&str, &[&str])]) -> Answers {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    given.iter().map(|(id, texts)| ((*id).to_owned(), owned(texts))).collect()
}

fn asked(stage: &mut Stage, key: &str, questions: Vec<Question>) -> String {
    stage.told(Fact::Inquired(Inquiry { key: key.into(), item: None, title: None, questions }));
    let requested = stage.log.iter().rev().find_map(|envelope| match &envelope.event {
        Event::QuestionRequested(request) => Some(request.question_id.clone()),
        _ => None,
    });
    requested.unwrap()
}

fn at_work() -> Stage {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.commands.clear();
    stage
}

fn resolved(stage: &Stage) -> Vec<&QuestionResolved> {
    let resolved = stage.log.iter().filter_map(|envelope| match &envelope.event {
        Event::QuestionResolved(resolved) => Some(resolved),
        _ => None,
    });
    resolved.collect()
}

fn told(stage: &Stage) -> Vec<(&str, Option<&Answers>)> {
    let told = stage.commands.iter().filter_map(|command| match command {
        Command::Answer { key, answers } => Some((key.as_str(), answers.as_ref())),
        _ => None,
    });
    told.collect()
}

#[test]
fn an_answer_is_good_once_and_its_secrets_are_not_in_the_log() {
    let mut stage = at_work();
    let id = asked(&mut stage, "k", questions());
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
    assert_eq!(stage.session.view().questions[0].question_id, id);
    let given = answers(&[("way", &["left"]), ("parts", &["a", "mine"]), ("count", &["3"]), ("word", &["swordfish"])]);
    assert_eq!(stage.session.answer(stage.now, &id, given.clone(), person()), Ok(vec!["swordfish".to_owned()]));
    stage.drain();
    assert_eq!(told(&stage), [("k", Some(&given))], "the agent is told all of it");
    let without = answers(&[("way", &["left"]), ("parts", &["a", "mine"]), ("count", &["3"])]);
    assert_eq!((&resolved(&stage)[0].answers, &resolved(&stage)[0].by), (&Some(without), &person()));
    assert_eq!(stage.session.answer(stage.now, &id, given, person()), Err(Unanswered::Gone));
    assert_eq!((stage.session.state(), stage.session.view().questions), (State::Thinking, Vec::new()));
}

#[test]
fn an_answer_that_does_not_fit_is_refused_and_the_question_waits() {
    let mut stage = at_work();
    let id = asked(&mut stage, "k", questions());
    for (given, question) in [
        (answers(&[("parts", &["a"])]), "way"),
        (answers(&[("way", &["up"])]), "way"),
        (answers(&[("way", &["left", "right"])]), "way"),
        (answers(&[("way", &["left"]), ("count", &["many"])]), "count"),
        (answers(&[("way", &["left"]), ("nobody", &["asked"])]), "nobody"),
        (answers(&[("way", &["left"]), ("word", &[&"x".repeat(70_000)])]), "word"),
    ] {
        let refused = stage.session.answer(stage.now, &id, given, person());
        assert!(matches!(&refused, Err(Unanswered::Unfit { question: of, .. }) if of == question), "{refused:?}");
    }
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
}

#[test]
fn no_answers_at_all_decline() {
    let mut stage = at_work();
    let id = asked(&mut stage, "k", questions());
    stage.session.answer(stage.now, &id, Answers::new(), person()).unwrap();
    stage.drain();
    assert_eq!(told(&stage), [("k", None)]);
    assert_eq!((&resolved(&stage)[0].answers, &resolved(&stage)[0].by), (&None, &person()));
}

#[test]
fn what_nobody_answers_stays_unanswered_and_the_time_of_people_is_not_the_agents() {
    let mut stage = at_work();
    asked(&mut stage, "k", questions());
    stage.pass(Duration::from_secs(599));
    assert_eq!(told(&stage), []);
    stage.pass(Duration::from_secs(1));
    assert_eq!(told(&stage), [("k", None)]);
    assert_eq!(resolved(&stage)[0].by, Decider::Timeout);
    assert_eq!(stage.ended().len(), 0, "the turn goes on, though it was given 300 s");
}

#[test]
fn a_question_is_withdrawn_with_the_turn_and_by_the_agent() {
    let mut stage = at_work();
    let first = asked(&mut stage, "k", questions());
    let second = asked(&mut stage, "k", questions());
    assert_eq!(stage.session.answer(stage.now, &first, Answers::new(), person()), Err(Unanswered::Gone), "asked anew");
    stage.told(Fact::Withdrew { key: "k".into() });
    assert_eq!(stage.session.answer(stage.now, &second, Answers::new(), person()), Err(Unanswered::Gone));
    let third = asked(&mut stage, "l", questions());
    stage.session.stop_turn(stage.now);
    stage.drain();
    assert_eq!(stage.session.answer(stage.now, &third, Answers::new(), person()), Err(Unanswered::Gone));
    asked(&mut stage, "late", questions());
    assert_eq!(told(&stage), [("late", None)], "nobody is asked once the turn is being stopped");
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    asked(&mut stage, "outside", questions());
    assert_eq!(told(&stage).last(), Some(&("outside", None)), "nor outside of a turn");
    assert_eq!(resolved(&stage).len(), 5);
    assert_eq!(stage.session.state(), State::Idle);
}

#[test]
fn questions_that_cannot_be_told_apart_are_not_asked() {
    let mut stage = at_work();
    let twice = questions().into_iter().chain(questions()).collect();
    asked(&mut stage, "k", twice);
    asked(&mut stage, "l", Vec::new());
    assert_eq!(told(&stage), [("k", None), ("l", None)]);
    assert_eq!(stage.session.state(), State::Thinking);
}
