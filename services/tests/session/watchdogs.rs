use std::time::Duration;

use sixframe_services::agents::{
    Abilities, Action, Choice, Command, Decider, Delivery, DeltaField, Fact, Item, ItemKind, Mode, Outcome, Problem,
    ProblemKind, Retry, SessionUpdate, State, TurnEnd,
};

use super::stage::Stage;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn kind(stage: &Stage) -> ProblemKind {
    stage.ended().last().unwrap().error.as_ref().unwrap().kind
}

#[test]
fn an_agent_that_is_never_ready_is_stopped_and_fails_what_waits() {
    let mut stage = Stage::new(Mode::Ask, Abilities::default());
    stage.prompt("a", Delivery::Queue);
    stage.pass(secs(10));
    assert_eq!(stage.commands, [Command::Stop]);
    assert_eq!(kind(&stage), ProblemKind::Timeout);
    stage.told(Fact::Gone { problem: None });
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.starts.len(), 2);
}

#[test]
fn an_agent_that_tells_of_nothing_is_interrupted_and_then_stopped() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.pass(secs(59));
    assert_eq!(stage.commands.len(), 1);
    stage.pass(secs(1));
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
    stage.pass(secs(2));
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
    assert_eq!(stage.ended().len(), 0, "the turn is open until the agent is gone");
    stage.told(Fact::Gone { problem: None });
    assert_eq!(kind(&stage), ProblemKind::Timeout);
}

#[test]
fn an_agent_that_was_given_nothing_yet_is_not_silent() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let now = stage.now;
    stage.session.withheld(now);
    stage.pass(secs(400));
    assert_eq!(stage.commands.len(), 1, "{:?}", stage.commands);
    let now = stage.now;
    stage.session.handed_over(now);
    stage.pass(secs(59));
    assert_eq!(stage.commands.len(), 1, "{:?}", stage.commands);
    stage.pass(secs(1));
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
}

#[test]
fn any_word_of_the_agent_keeps_it_going() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.told(Fact::Native);
    stage.pass(secs(119));
    stage.told(Fact::Alive);
    stage.pass(secs(119));
    assert_eq!(stage.commands.len(), 1);
    stage.pass(secs(1));
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
}

#[test]
fn an_agent_that_told_when_it_asks_its_service_again_may_be_silent_until_then() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let error = Problem::new(ProblemKind::RateLimited, "too many requests");
    stage.told(Fact::Retry(Retry { attempt: 1, max: Some(10), delay_ms: 150_000, error }));
    stage.pass(secs(269));
    assert_eq!(stage.commands.len(), 1, "{:?}", stage.commands);
    stage.pass(secs(1));
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
}

#[test]
fn nothing_is_too_slow_while_leave_is_awaited() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let id = stage.asks("k", Action::Command);
    stage.pass(secs(590));
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
    let approve = Choice::Approve { option_id: None, input_sha256: None };
    stage.session.decide(stage.now, &id, approve, Decider::Timeout).unwrap();
    stage.drain();
    for _ in 0..2 {
        stage.pass(secs(100));
        stage.told(Fact::Alive);
    }
    assert!(!stage.commands.contains(&Command::Interrupt));
    stage.pass(secs(100));
    assert_eq!(
        stage.commands.last(),
        Some(&Command::Interrupt),
        "the turn had 300 s without the time that a person took"
    );
}

#[test]
fn a_turn_that_takes_too_long_fails_by_that() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    for _ in 0..30 {
        stage.told(Fact::Alive);
        stage.pass(secs(10));
    }
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!((stage.ended()[0].outcome, kind(&stage)), (Outcome::Failed, ProblemKind::Timeout));
}

#[test]
fn a_turn_that_was_done_when_it_was_stopped_is_done() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.session.stop_turn(stage.now);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Completed)));
    assert_eq!(stage.ended()[0].outcome, Outcome::Completed);
}

#[test]
fn a_process_that_cannot_be_ended_does_not_hold_its_turn_open() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.session.stop_turn(stage.now);
    stage.pass(secs(17));
    assert_eq!(stage.ended()[0].outcome, Outcome::Interrupted);
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.starts.len(), 1, "another one is started when it is gone");
    stage.told(Fact::Gone { problem: None });
    assert_eq!(stage.starts.len(), 2);
    assert_eq!(stage.ended().len(), 1);
}

#[test]
fn a_program_that_has_told_all_and_does_not_end_is_stopped() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Completed)));
    stage.told(Fact::Muted);
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.prompted(), ["a"], "it could not answer");
    stage.pass(secs(9));
    assert!(!stage.commands.contains(&Command::Stop));
    stage.pass(secs(1));
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
    assert!(stage.names().contains(&"error"), "that is said: {:?}", stage.names());
    stage.told(Fact::Gone { problem: None });
    assert_eq!(stage.starts.len(), 2, "another one is given what waits");
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!(stage.prompted(), ["a", "b"]);
}

#[test]
fn a_program_that_has_told_all_and_does_not_end_fails_its_turn_unless_it_ends_in_time() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.told(Fact::Muted);
    stage.pass(secs(9));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Completed)));
    stage.pass(secs(30));
    assert_eq!((stage.ended()[0].outcome, stage.commands.contains(&Command::Stop)), (Outcome::Completed, false));

    stage.prompt("b", Delivery::Queue);
    stage.told(Fact::Muted);
    stage.pass(secs(10));
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
    assert_eq!(stage.ended().len(), 1, "the turn is open until the agent is gone");
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!((stage.ended()[1].outcome, kind(&stage)), (Outcome::Failed, ProblemKind::Timeout));
}

#[test]
fn a_program_that_has_told_all_is_left_alone_while_leave_is_awaited() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let id = stage.asks("k", Action::Command);
    stage.told(Fact::Muted);
    stage.pass(secs(60));
    assert!(!stage.commands.contains(&Command::Stop));
    let approve = Choice::Approve { option_id: None, input_sha256: None };
    stage.session.decide(stage.now, &id, approve, Decider::Timeout).unwrap();
    stage.pass(Duration::ZERO);
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
}

#[test]
fn a_retry_that_was_told_holds_whatever_little_is_said_behind_it() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let error = Problem::new(ProblemKind::Overloaded, "too much to do");
    stage.told(Fact::Retry(Retry { attempt: 1, max: None, delay_ms: 100_000, error }));
    stage.told(Fact::Alive);
    stage.pass(secs(219));
    assert_eq!(stage.commands.len(), 1, "{:?}", stage.commands);
    stage.pass(secs(1));
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
}

#[test]
fn a_prompt_that_a_mute_program_was_not_given_is_given_to_the_next_one_in_its_turn() {
    for is_back_late in [false, true] {
        let mut stage = Stage::ready(Mode::Ask);
        stage.prompt("a", Delivery::Queue);
        let Some(Command::Prompt(prompt)) = stage.commands.pop() else { panic!("{:?}", stage.commands) };
        stage.session.withheld(stage.now);
        stage.told(Fact::Muted);
        assert!(!stage.session.is_ready());
        if !is_back_late {
            stage.session.give_back(prompt.clone());
        }
        stage.pass(secs(10));
        assert_eq!(stage.commands, [Command::Stop]);
        if is_back_late {
            stage.session.give_back(prompt);
        }
        stage.told(Fact::Gone { problem: None });
        stage.told(Fact::Ready(SessionUpdate::default()));
        assert_eq!(stage.prompted(), ["a"]);
        stage.pass(secs(50));
        assert_eq!(stage.ended().len(), 0, "its time has begun with that");
        stage.ends();
        assert_eq!(stage.ended()[0].outcome, Outcome::Completed);
    }
}

#[test]
fn a_prompt_that_a_program_did_not_take_is_given_to_the_next_one_in_its_turn_once() {
    let mut stage = Stage::ready(Mode::Ask);
    for (times, id) in [(1, "a"), (2, "b")] {
        stage.prompt(id, Delivery::Queue);
        for _ in 0..times {
            let Some(Command::Prompt(prompt)) = stage.commands.pop() else { panic!("{:?}", stage.commands) };
            stage.told(Fact::Untaken(prompt));
            stage.pass(secs(9));
            stage.told(Fact::Gone { problem: Some(Problem::new(ProblemKind::Crashed, "it exited")) });
            stage.told(Fact::Ready(SessionUpdate::default()));
        }
        if times == 1 {
            assert_eq!(stage.prompted(), [id]);
            stage.pass(secs(59));
            assert_eq!(stage.ended().len(), 0, "its time has begun with that");
            stage.ends();
            assert_eq!(stage.ended()[0].outcome, Outcome::Completed);
        }
    }
    assert_eq!(
        (stage.ended()[1].outcome, kind(&stage)),
        (Outcome::Failed, ProblemKind::Crashed),
        "not again and again"
    );
}

#[test]
fn a_program_that_did_not_take_a_prompt_and_does_not_go_is_stopped() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let Some(Command::Prompt(prompt)) = stage.commands.pop() else { panic!("{:?}", stage.commands) };
    stage.told(Fact::Untaken(prompt));
    assert!(!stage.session.is_ready());
    stage.pass(secs(10));
    assert_eq!(stage.commands, [Command::Stop]);
    stage.told(Fact::Gone { problem: None });
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!((stage.prompted(), stage.ended().len()), (vec!["a"], 0));
}

#[test]
fn an_agent_that_is_to_be_another_one_is_ended_at_once_and_the_prompt_waits_for_the_next_one() {
    let outdated = || {
        let mut stage = Stage::ready(Mode::Ask);
        stage.prompt("a", Delivery::Queue);
        let Some(Command::Prompt(prompt)) = stage.commands.pop() else { panic!("{:?}", stage.commands) };
        stage.session.withheld(stage.now);
        stage.session.give_back(prompt);
        stage.session.start_anew(stage.now);
        stage.drain();
        assert_eq!((stage.commands.as_slice(), stage.session.is_ready()), ([Command::Kill].as_slice(), false));
        stage
    };
    let mut stage = outdated();
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!(stage.prompted(), [""; 0], "not the one that is stopped");
    stage.told(Fact::Gone { problem: None });
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!((stage.prompted(), stage.starts.len(), stage.ended().len()), (vec!["a"], 2, 0));

    let mut stage = outdated();
    stage.prompt("b", Delivery::Queue);
    stage.session.stop_turn(stage.now);
    stage.drain();
    assert_eq!(stage.ended()[0].outcome, Outcome::Interrupted, "no agent knows of it");
    stage.told(Fact::Gone { problem: None });
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!(stage.prompted(), ["b"]);

    let mut stage = outdated();
    stage.session.close(stage.now);
    stage.told(Fact::Gone { problem: None });
    assert_eq!((stage.ended()[0].outcome, stage.starts.len()), (Outcome::Interrupted, 1));

    let mut stage = outdated();
    stage.pass(secs(15));
    assert_eq!((stage.ended()[0].outcome, kind(&stage)), (Outcome::Failed, ProblemKind::Timeout), "it does not go");
}

#[test]
fn a_prompt_that_a_mute_program_was_not_given_fails_where_that_cannot_be_stopped() {
    for is_given_back in [false, true] {
        let mut stage = Stage::ready(Mode::Ask);
        stage.prompt("a", Delivery::Queue);
        let Some(Command::Prompt(prompt)) = stage.commands.pop() else { panic!("{:?}", stage.commands) };
        stage.session.withheld(stage.now);
        stage.told(Fact::Muted);
        stage.pass(secs(10));
        assert_eq!(stage.commands, [Command::Stop]);
        if is_given_back {
            stage.session.give_back(prompt);
        }
        stage.pass(secs(14));
        assert_eq!(stage.ended().len(), 0, "it may be gone yet");
        stage.pass(secs(1));
        assert_eq!((stage.ended()[0].outcome, kind(&stage)), (Outcome::Failed, ProblemKind::Timeout));
        assert_eq!(stage.session.deadline(), None);

        stage.prompt("b", Delivery::Queue);
        assert_eq!(stage.starts.len(), 1, "another one is started when it is gone");
        stage.told(Fact::Gone { problem: None });
        stage.told(Fact::Ready(SessionUpdate::default()));
        assert_eq!(stage.prompted(), ["b"]);
        stage.pass(secs(20));
        assert_eq!(stage.ended().len(), 1, "that was of the other turn");
    }
}

#[test]
fn a_program_that_is_mute_before_it_is_given_a_prompt_is_stopped_though_the_prompt_is_over() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.session.withheld(stage.now);
    stage.told(Fact::Muted);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.prompted(), ["a"], "it waits for another program");
    stage.pass(secs(10));
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
    stage.told(Fact::Gone { problem: None });
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!(stage.prompted(), ["a", "b"]);
}

/// A turn in which the agent asks its service again every 10 s, and says something else now and then.
fn asked_again(between: &[Fact]) -> Stage {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let error = Problem::new(ProblemKind::Network, "error sending request").code("other");
    for _ in 0..30 {
        stage.told(Fact::Retry(Retry { attempt: 1, max: None, delay_ms: 0, error: error.clone() }));
        between.iter().cloned().for_each(|fact| stage.told(fact));
        stage.pass(secs(10));
    }
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    stage
}

#[test]
fn a_turn_whose_time_runs_out_while_its_service_is_asked_again_and_again_fails_by_what_is_in_the_way() {
    let warned = Fact::Item { id: "n".into(), item: Item::new(ItemKind::Notice).text("it is slow") };
    let stage = asked_again(&[Fact::Alive, warned]);
    let problem = stage.ended()[0].error.clone().unwrap();
    assert_eq!((problem.kind, problem.provider_code.as_deref()), (ProblemKind::Network, Some("other")));
    assert!(problem.message.ends_with("again and again: error sending request"), "{problem}");

    let said = Fact::Grew { id: "m".into(), field: DeltaField::Text, text: "so far ".into() };
    let stage = asked_again(&[said]);
    assert_eq!(kind(&stage), ProblemKind::Timeout, "it was answered in between");

    let mut stage = asked_again(&[]);
    stage.prompt("b", Delivery::Queue);
    stage.pass(secs(60));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(kind(&stage), ProblemKind::Timeout, "that was of the other turn");
}
