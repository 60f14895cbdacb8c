use std::time::Duration;

use sixframe_services::agents::{
    Abilities, Command, Content, Delivery, Event, Fact, ItemStatus, Mode, Outcome, Problem, ProblemKind, Prompt,
    Refused, State, TurnEnd,
};

use super::stage::Stage;

#[test]
fn what_waits_cannot_be_edited_to_be_more_than_may_wait() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.prompt("c", Delivery::Queue);
    let long = vec![Content::Text { text: "x".repeat(16 << 20) }];
    assert_eq!(stage.session.edit_prompt(stage.now, "c", long.clone()), Err(Refused::Heavy));
    assert!(stage.session.cancel_prompt(stage.now, "b"));
    assert_eq!(stage.session.edit_prompt(stage.now, "c", long), Ok(true), "alone it may be as long as any");
}

#[test]
fn a_prompt_waits_for_the_agent_and_begins_a_turn_when_it_is_ready() {
    let mut stage = Stage::new(Mode::Ask, Abilities::default());
    assert_eq!(stage.starts, [None], "the process starts with the session");
    stage.prompt("a", Delivery::Queue);
    assert_eq!(stage.prompted(), [""; 0]);
    stage.told(Fact::Ready(Default::default()));
    assert_eq!(stage.prompted(), ["a"]);
    let expected = [
        "session.created",
        "prompt.queued",
        "process.event",
        "prompt.started",
        "turn.started",
        "state.changed",
        "item.upserted",
    ];
    assert_eq!(stage.names(), expected);
}

#[test]
fn prompts_run_one_after_another_in_their_order() {
    let mut stage = Stage::ready(Mode::Ask);
    for id in ["a", "b", "c"] {
        stage.prompt(id, Delivery::Queue);
    }
    assert_eq!(stage.prompted(), ["a"], "an agent is never given a second one while it is at work");
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "b"]);
    stage.ends();
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "b", "c"]);
    assert_eq!(stage.ended().len(), 3);
    assert_eq!(stage.session.state(), State::Idle);
}

#[test]
fn prompts_that_go_first_keep_their_order() {
    for delivery in [Delivery::Steer, Delivery::Now] {
        let mut stage = Stage::ready(Mode::Ask);
        stage.prompt("a", Delivery::Queue);
        stage.prompt("last", Delivery::Queue);
        for id in ["b", "c", "d"] {
            stage.prompt(id, delivery);
        }
        let places: Vec<u64> = stage
            .log
            .iter()
            .filter_map(|envelope| match &envelope.event {
                Event::PromptQueued(queued) => Some(queued.position),
                _ => None,
            })
            .collect();
        assert_eq!(places, [0, 0, 0, 1, 2]);
        (0..5).for_each(|_| stage.ends());
        assert_eq!(stage.prompted(), ["a", "b", "c", "d", "last"]);
    }
}

#[test]
fn what_is_for_now_goes_in_front_of_what_was_to_steer_an_agent_that_cannot() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    for (id, delivery) in [
        ("last", Delivery::Queue),
        ("s1", Delivery::Steer),
        ("n1", Delivery::Now),
        ("s2", Delivery::Steer),
        ("n2", Delivery::Now),
    ] {
        stage.prompt(id, delivery);
    }
    (0..6).for_each(|_| stage.ends());
    assert_eq!(stage.prompted(), ["a", "n1", "n2", "s1", "s2", "last"]);
}

#[test]
fn what_was_taken_back_before_it_was_given_is_told_as_that_and_nothing_comes_of_it() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.ends();
    let prompt = Prompt::new("b", vec![Content::Text { text: "do b".into() }]);
    stage.session.forgo(stage.now, prompt, Delivery::Now, Duration::from_secs(300)).unwrap();
    stage.drain();
    let names = stage.names();
    assert_eq!(names[names.len() - 2..], ["prompt.queued", "prompt.cancelled"]);
    assert_eq!(stage.prompted(), ["a"]);
}

fn steerable() -> Stage {
    let mut stage = Stage::new(Mode::Ask, Abilities { steer: true, ..Abilities::default() });
    stage.told(Fact::Ready(Default::default()));
    stage.prompt("a", Delivery::Queue);
    stage.prompt("last", Delivery::Queue);
    stage
}

fn steered(stage: &Stage) -> Vec<Prompt> {
    let steered = stage.commands.iter().filter_map(|command| match command {
        Command::Steer(prompt) => Some(prompt.clone()),
        _ => None,
    });
    steered.collect()
}

#[test]
fn what_did_not_join_the_turn_goes_in_front_of_the_queue() {
    let mut stage = steerable();
    stage.prompt("b", Delivery::Steer);
    stage.prompt("c", Delivery::Steer);
    for prompt in steered(&stage) {
        stage.told(Fact::Unsteered(prompt));
    }
    (0..4).for_each(|_| stage.ends());
    assert_eq!(stage.prompted(), ["a", "b", "c", "last"]);
    assert_eq!(stage.ended().len(), 4);
}

#[test]
fn what_did_not_join_the_turn_and_is_not_wanted_any_more_is_taken_back() {
    let mut stage = steerable();
    stage.prompt("b", Delivery::Steer);
    stage.session.abandon(stage.now, "b");
    stage.prompt("c", Delivery::Steer);
    stage.session.cancel_prompts(stage.now);
    for prompt in steered(&stage) {
        stage.told(Fact::Unsteered(prompt));
    }
    stage.ends();
    assert_eq!(stage.prompted(), ["a"]);
    assert_eq!(stage.names().iter().filter(|name| **name == "prompt.cancelled").count(), 3);
}

#[test]
fn a_prompt_for_now_interrupts_the_turn_and_is_the_next_one() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.prompt("c", Delivery::Now);
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(stage.prompted(), ["a", "c"]);
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "c", "b"]);
    assert_eq!(stage.ended()[0].outcome, Outcome::Interrupted);
}

#[test]
fn steering_joins_the_turn_where_the_agent_can_and_is_next_where_it_cannot() {
    let mut stage = Stage::new(Mode::Ask, Abilities { steer: true, ..Abilities::default() });
    stage.told(Fact::Ready(Default::default()));
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Steer);
    assert!(matches!(stage.commands.last(), Some(Command::Steer(prompt)) if prompt.id == "b"));
    stage.ends();
    assert_eq!(stage.prompted(), ["a"]);

    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.prompt("c", Delivery::Steer);
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "c"]);
}

#[test]
fn a_prompt_that_waits_can_be_taken_back() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    assert!(stage.session.cancel_prompt(stage.now, "b"));
    assert!(!stage.session.cancel_prompt(stage.now, "b"), "once");
    assert!(!stage.session.cancel_prompt(stage.now, "a"), "it does not wait any more");
    stage.ends();
    assert_eq!(stage.prompted(), ["a"]);
}

#[test]
fn who_abandons_what_is_at_work_stops_its_turn_alone() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.session.abandon(stage.now, "a");
    stage.drain();
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(stage.prompted(), ["a", "b"]);
}

#[test]
fn a_process_that_dies_ends_its_turn_and_the_next_prompt_starts_another_on_the_same_session() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.tool("t", ItemStatus::InProgress);
    let problem = Problem::new(ProblemKind::Crashed, "its program was ended by signal 9");
    stage.told(Fact::Gone { problem: Some(problem.clone()) });
    assert_eq!(stage.ended()[0].error, Some(problem));
    assert_eq!(stage.session.state(), State::Error { recoverable: true });
    let cancelled = stage.log.iter().any(
        |envelope| matches!(&envelope.event, Event::ItemUpserted(item) if item.status == Some(ItemStatus::Cancelled)),
    );
    assert!(cancelled, "what was under way is not any more");
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.starts, [None, Some("native".to_owned())]);
    stage.told(Fact::Ready(Default::default()));
    assert_eq!(stage.prompted(), ["a", "b"]);
}

#[test]
fn an_agent_that_cannot_be_started_fails_each_prompt_once() {
    let mut stage = Stage::new(Mode::Ask, Abilities::default());
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    let missing = || Fact::Gone { problem: Some(Problem::new(ProblemKind::CliMissing, "there is no program x")) };
    stage.told(missing());
    stage.told(missing());
    let kinds: Vec<_> = stage.ended().iter().map(|ended| ended.error.as_ref().unwrap().kind).collect();
    assert_eq!(kinds, [ProblemKind::CliMissing, ProblemKind::CliMissing]);
    assert_eq!(stage.starts.len(), 2, "and nothing is started when nobody asks for anything");
}

#[test]
fn closing_ends_the_turn_and_takes_back_what_waits() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.session.close(stage.now);
    stage.drain();
    let names = stage.names();
    assert_eq!(names[names.len() - 4..], ["prompt.cancelled", "turn.ended", "state.changed", "session.closed"]);
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
    stage.told(Fact::Gone { problem: None });
    assert_eq!(stage.names().last(), Some(&"session.closed"), "nothing is told behind it");
}

#[test]
fn of_long_prompts_that_wait_the_gist_is_shown_and_where_the_rest_is() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    let text = |text: String| Content::Text { text };
    let picture = || Content::Image { mime_type: "image/png".into(), data: "A".repeat(1 << 20) };
    for (id, content) in [
        ("short", vec![text("one".into()), text("two".into())]),
        ("long", vec![text("é".repeat(1 << 20)), text("more".into())]),
        ("pictures", vec![text("see".into()), picture(), text("this".into())]),
    ] {
        stage.session.prompt(stage.now, Prompt::new(id, content), Delivery::Queue, Duration::from_secs(1)).unwrap();
    }
    stage.drain();
    let queue = stage.session.view().queue;
    let cut: Vec<(bool, u64)> = queue.iter().map(|prompt| (prompt.is_cut, prompt.bytes)).collect();
    assert_eq!(cut, [(false, 6), (true, (2 << 20) + 4), (true, (1 << 20) + 7)]);
    assert_eq!(queue[1].content, [text("é".repeat(1 << 10))]);
    assert_eq!(queue[2].content, [text("see".into())]);
    for prompt in &queue {
        let told = stage.log.iter().find(|envelope| envelope.seq == prompt.seq).unwrap();
        assert!(matches!(&told.event, Event::PromptQueued(queued) if queued.prompt_id == prompt.prompt_id));
    }
    assert!(stage.session.edit_prompt(stage.now, "long", vec![text("other words".into())]).unwrap());
    stage.drain();
    let edited = stage.session.view().queue[1].clone();
    assert_eq!((edited.is_cut, edited.bytes, edited.seq), (false, 11, stage.session.seq()));
}

#[test]
fn a_prompt_that_waits_can_be_edited_and_one_at_work_cannot() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    stage.prompt("c", Delivery::Queue);
    let content = vec![Content::Text { text: "something else".into() }];
    assert_eq!(stage.session.edit_prompt(stage.now, "a", content.clone()), Ok(false), "it is at work");
    assert_eq!(stage.session.edit_prompt(stage.now, "x", content.clone()), Ok(false));
    assert_eq!(stage.session.edit_prompt(stage.now, "b", content.clone()), Ok(true));
    stage.drain();
    let told = match &stage.log.last().unwrap().event {
        Event::PromptQueued(told) => told.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((told.prompt_id.as_str(), told.position, &told.content), ("b", 0, &content), "it keeps its place");
    stage.ends();
    assert!(matches!(stage.commands.last(), Some(Command::Prompt(prompt)) if prompt.content == content));
}

#[test]
fn what_waits_is_bounded_in_bytes_too_and_one_that_is_longer_is_taken_where_none_waits() {
    let mut stage = Stage::ready(Mode::Ask);
    let mut ask = |text: usize| {
        let prompt = Prompt::new("long", vec![Content::Text { text: "x".repeat(text) }]);
        stage.session.prompt(stage.now, prompt, Delivery::Queue, Duration::from_secs(300))
    };
    assert_eq!(ask(17 << 20), Ok(()), "it is at work");
    assert_eq!(ask(17 << 20), Ok(()));
    assert_eq!(ask(1), Err(Refused::Heavy));
}

#[test]
fn what_did_not_join_the_turn_is_said_there_for_nothing_and_again_in_its_own() {
    let mut stage = steerable();
    stage.prompt("b", Delivery::Steer);
    stage.told(Fact::Unsteered(steered(&stage).remove(0)));
    stage.ends();
    let said: Vec<_> = stage
        .log
        .iter()
        .filter_map(|envelope| match &envelope.event {
            Event::ItemUpserted(item) => Some((envelope.turn_id.clone(), envelope.item_id.clone(), item.status)),
            _ => None,
        })
        .collect();
    let [a, first, taken_back, again] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((&a.0, &first.0, &first.1), (&first.0, &taken_back.0, &taken_back.1));
    assert_eq!((first.2, taken_back.2), (Some(ItemStatus::Completed), Some(ItemStatus::Cancelled)));
    assert!(again.0 != first.0 && again.1 != first.1 && again.2 == Some(ItemStatus::Completed), "{said:?}");
}

/// An agent that ends a turn, and is gone before it is told of the next one.
fn gone_between() -> Stage {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    let now = stage.now;
    for fact in [Fact::Ended(TurnEnd::new(Outcome::Completed)), Fact::Muted, Fact::Gone { problem: None }] {
        stage.session.told(now, fact.into());
    }
    stage.drain();
    assert_eq!((stage.prompted(), stage.starts.len(), stage.ended().len()), (vec!["a"], 2, 1));
    assert_eq!(stage.session.open_prompt(), Some("b"));
    stage
}

#[test]
fn a_prompt_that_an_agent_was_not_given_before_it_was_gone_is_given_to_the_next_one() {
    let mut stage = gone_between();
    stage.pass(Duration::from_secs(9));
    stage.told(Fact::Ready(Default::default()));
    assert_eq!(stage.prompted(), ["a", "b"]);
    stage.pass(Duration::from_secs(59));
    assert_eq!(stage.commands.len(), 2, "its time began when it was given");
    stage.ends();
    let outcomes: Vec<Outcome> = stage.ended().iter().map(|ended| ended.outcome).collect();
    assert_eq!(outcomes, [Outcome::Completed, Outcome::Completed]);
}

#[test]
fn a_prompt_waits_for_one_other_agent_and_can_be_stopped_meanwhile() {
    let mut stage = gone_between();
    stage.told(Fact::Gone { problem: Some(Problem::new(ProblemKind::CliMissing, "it is not there")) });
    assert_eq!(stage.ended()[1].error.as_ref().unwrap().kind, ProblemKind::CliMissing);
    assert_eq!(stage.starts.len(), 2);

    let mut stage = gone_between();
    stage.prompt("c", Delivery::Queue);
    stage.pass(Duration::from_secs(10));
    assert_eq!(stage.ended()[1].error.as_ref().unwrap().kind, ProblemKind::Timeout, "it was never ready");
    stage.told(Fact::Gone { problem: None });
    stage.told(Fact::Ready(Default::default()));
    assert_eq!(stage.prompted(), ["a", "c"]);

    let mut stage = gone_between();
    assert!(stage.session.stop_turn(stage.now));
    stage.drain();
    assert_eq!(stage.ended()[1].outcome, Outcome::Interrupted);
    stage.told(Fact::Ready(Default::default()));
    assert_eq!((stage.prompted(), stage.commands.len()), (vec!["a"], 1));
}

#[test]
fn what_ends_late_of_an_earlier_turn_is_kept_and_is_no_item_of_a_later_one() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.tool("t", ItemStatus::InProgress);
    stage.ends();
    stage.prompt("b", Delivery::Queue);
    let items = |stage: &Stage| stage.names().iter().filter(|name| **name == "item.upserted").count();
    let before = items(&stage);
    stage.tool("t", ItemStatus::Failed);
    assert_eq!(items(&stage), before, "it was cancelled with its turn");
    let last = stage.log.last().unwrap();
    assert_eq!((last.event.name(), last.item_id.as_deref(), &last.turn_id), ("native", Some("t"), &None));
    assert_eq!(last.ext.as_ref().unwrap()["status"], "failed");

    stage.tool("t", ItemStatus::InProgress);
    let again = stage.log.last().unwrap().clone();
    assert_eq!(again.event.name(), "state.changed", "who counts anew has begun another one");
    stage.tool("t", ItemStatus::Completed);
    let ended = stage.log.iter().rev().find(|envelope| envelope.event.name() == "item.upserted").unwrap();
    assert_ne!(ended.item_id.as_deref(), Some("t"));
    assert_eq!(stage.session.state(), State::Thinking);
}
