//! Turns that the agent begins by itself.

use std::time::Duration;

use sixframe_services::agents::{
    Action, Choice, Command, Decider, Decision, Delivery, DeltaField, Event, Fact, Mode, Outcome, ProblemKind, State,
    TurnEnd, TurnOrigin, TurnStarted,
};

use super::stage::Stage;

fn began() -> Fact {
    Fact::Began { reason: Some("the build is done".into()) }
}

fn started(stage: &Stage) -> Vec<&TurnStarted> {
    let started = stage.log.iter().filter_map(|envelope| match &envelope.event {
        Event::TurnStarted(started) => Some(started),
        _ => None,
    });
    started.collect()
}

#[test]
fn it_is_a_turn_as_any_other_and_says_who_began_it() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.told(began());
    let expected = TurnStarted { prompt_id: None, origin: TurnOrigin::Agent, reason: Some("the build is done".into()) };
    assert_eq!(started(&stage), [&expected]);
    assert_eq!(stage.session.state(), State::Thinking);
    let asked = stage.asks("k", Action::Command);
    assert_eq!(stage.resolved(), Vec::<&_>::new(), "a person is asked");
    let choice = Choice::Approve { option_id: None, input_sha256: None };
    stage.session.decide(stage.now, &asked, choice, Decider::Timeout).unwrap();
    stage.drain();
    assert_eq!(stage.resolved()[0].decision, Decision::Allowed);
    stage.ends();
    assert_eq!((stage.ended().len(), stage.session.state()), (1, State::Idle));
    let turn = stage.log.iter().find(|envelope| envelope.event.name() == "permission.requested").unwrap();
    assert!(turn.turn_id.is_some());
}

#[test]
fn a_prompt_waits_for_its_end() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.told(began());
    stage.prompt("a", Delivery::Queue);
    assert_eq!(stage.prompted(), [""; 0]);
    stage.ends();
    assert_eq!(stage.prompted(), ["a"]);
    stage.told(began());
    assert_eq!(started(&stage).len(), 2, "what it begins in a turn is a part of it");
    stage.ends();
    assert_eq!(stage.ended().len(), 2);
}

#[test]
fn a_prompt_for_now_interrupts_it() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.told(began());
    stage.prompt("a", Delivery::Now);
    assert_eq!(stage.commands, [Command::Interrupt]);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(stage.prompted(), ["a"]);
}

#[test]
fn it_can_be_stopped_and_is_watched() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.told(began());
    assert!(stage.session.works_by_itself());
    assert!(stage.session.stop_turn(stage.now));
    assert!(!stage.session.works_by_itself(), "it is being stopped");
    stage.drain();
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    stage.told(began());
    stage.pass(Duration::from_secs(120));
    assert_eq!(stage.commands, [Command::Interrupt, Command::Interrupt]);
    stage.told(Fact::Gone { problem: None });
    let ended = stage.ended();
    assert_eq!((ended.len(), ended[1].error.as_ref().unwrap().kind), (2, ProblemKind::Timeout));
}

#[test]
fn it_is_given_the_time_of_the_last_prompt() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.ends();
    stage.told(began());
    for _ in 0..29 {
        stage.pass(Duration::from_secs(10));
        stage.told(Fact::Alive);
    }
    assert_eq!(stage.commands.len(), 1);
    stage.pass(Duration::from_secs(10));
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
}

#[test]
fn what_is_told_between_turns_is_told_in_full_before_the_next_one_begins() {
    let mut stage = Stage::ready(Mode::Ask);
    let grew = || Fact::Grew { id: "text".into(), field: DeltaField::Text, text: "word ".into() };
    stage.prompt("a", Delivery::Queue);
    stage.told(grew());
    stage.ends();
    // The second one waits for more of it.
    (0..2).for_each(|_| stage.told(grew()));
    stage.told(began());
    stage.told(grew());
    stage.ends();
    stage.told(grew());
    stage.told(grew());
    stage.prompt("b", Delivery::Queue);
    stage.ends();
    let deltas = stage.log.iter().filter(|envelope| envelope.event.name() == "item.delta");
    let told: Vec<_> = deltas.map(|envelope| (envelope.item_id.as_deref(), envelope.turn_id.as_deref())).collect();
    let [first, .., last] = told.as_slice() else { panic!("{told:?}") };
    let of = |item: &str| told.iter().filter(|(id, turn)| *id == Some(item) && turn.is_some()).count();
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(first.0 != last.0 && last.1.is_none(), "{told:?}");
    assert_eq!((of(first.0.unwrap()), of(last.0.unwrap())), (1, 1), "{told:?}");
}

fn own_end() -> Fact {
    Fact::Ended(TurnEnd { is_own: true, ..TurnEnd::new(Outcome::Completed) })
}

#[test]
fn its_end_ends_no_turn_of_a_prompt_that_was_opened_meanwhile() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.ends();
    assert!(!stage.session.works_beside());
    stage.told(began());
    assert!(stage.session.works_beside(), "it is of the turn, and has not ended");
    stage.told(own_end());
    assert!(!stage.session.works_beside());
    assert_eq!((stage.ended().len(), stage.session.open_prompt()), (1, Some("b")));
    stage.ends();
    assert_eq!(stage.ended().len(), 2);
    stage.told(began());
    stage.told(own_end());
    assert_eq!((stage.ended().len(), stage.session.state()), (3, State::Idle));
}
