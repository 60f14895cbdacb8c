//! Prompts that are still made when they are asked for.

use std::time::Duration;

use sixframe_services::agents::{
    Abilities, Content, Delivery, Fact, Mode, Outcome, Prompt, Refused, SessionUpdate, State, TurnEnd,
};

use super::stage::Stage;

impl Stage {
    fn expects(&mut self, id: &str, delivery: Delivery) {
        self.session.expects(id, delivery);
    }

    fn expects_no_more(&mut self, id: &str) {
        self.session.expects_no_more(self.now, id);
        self.drain();
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.ended().iter().map(|ended| ended.outcome).collect()
    }
}

#[test]
fn nothing_begins_that_they_go_in_front_of() {
    for delivery in [Delivery::Now, Delivery::Steer] {
        let mut stage = Stage::ready(Mode::Ask);
        stage.prompt("a", Delivery::Queue);
        stage.prompt("b", Delivery::Queue);
        stage.expects("first", delivery);
        stage.ends();
        assert_eq!((stage.prompted(), stage.session.state()), (vec!["a"], State::Idle));
        assert_eq!(stage.session.awaits_prompt(), Some("first"));
        stage.prompt("first", delivery);
        assert_eq!((stage.prompted(), stage.session.awaits_prompt()), (vec!["a", "first"], None));
        stage.ends();
        assert_eq!(stage.prompted(), ["a", "first", "b"]);
        assert_eq!(stage.outcomes(), [Outcome::Completed; 2], "none is interrupted that began in its place");
    }
}

#[test]
fn what_they_stand_behind_begins() {
    let mut stage = Stage::ready(Mode::Ask);
    for (id, delivery) in [("a", Delivery::Queue), ("b", Delivery::Queue), ("c", Delivery::Steer)] {
        stage.prompt(id, delivery);
    }
    stage.expects("last", Delivery::Queue);
    stage.expects("third", Delivery::Steer);
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "c"]);
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "c"], "the third goes in front of what is left");
    stage.prompt("last", Delivery::Queue);
    stage.prompt("third", Delivery::Steer);
    (0..3).for_each(|_| stage.ends());
    assert_eq!(stage.prompted(), ["a", "c", "third", "b", "last"]);
}

#[test]
fn what_never_comes_holds_up_nothing() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    for id in ["one", "two"] {
        stage.expects(id, Delivery::Now);
    }
    stage.ends();
    stage.expects_no_more("one");
    assert_eq!((stage.prompted(), stage.session.awaits_prompt()), (vec!["a"], Some("two")));
    stage.expects_no_more("two");
    assert_eq!(stage.prompted(), ["a", "b"]);
    // Nor does what comes and is not taken.
    let long = |id: &str| Prompt::new(id, vec![Content::Text { text: "x".repeat(16 << 20) }]);
    stage.prompt("c", Delivery::Queue);
    stage.expects("long", Delivery::Now);
    stage.ends();
    let refused = stage.session.prompt(stage.now, long("long"), Delivery::Now, Duration::from_secs(300));
    stage.drain();
    assert_eq!((refused, stage.prompted()), (Err(Refused::Heavy), vec!["a", "b", "c"]));
}

#[test]
fn a_prompt_interrupts_the_turn_in_which_it_was_asked_for_and_none_that_stood_in_front() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.expects("one", Delivery::Now);
    stage.expects("two", Delivery::Now);
    stage.prompt("one", Delivery::Now);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    stage.prompt("two", Delivery::Now);
    stage.ends();
    stage.ends();
    assert_eq!(stage.prompted(), ["a", "one", "two"]);
    assert_eq!(stage.outcomes(), [Outcome::Interrupted, Outcome::Completed, Outcome::Completed]);
}

#[test]
fn a_prompt_joins_the_turn_in_which_it_was_asked_for_and_no_other() {
    let mut stage = Stage::new(Mode::Ask, Abilities { steer: true, ..Abilities::default() });
    stage.told(Fact::Ready(SessionUpdate::default()));
    stage.prompt("a", Delivery::Queue);
    stage.expects("now", Delivery::Now);
    stage.expects("beside", Delivery::Steer);
    stage.prompt("now", Delivery::Now);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    stage.prompt("beside", Delivery::Steer);
    assert!(!stage.names().contains(&"prompt.steered"), "it was to join the turn before");
    stage.expects("joins", Delivery::Steer);
    stage.prompt("joins", Delivery::Steer);
    assert!(stage.names().contains(&"prompt.steered"));
}

#[test]
fn what_the_agent_began_by_itself_meanwhile_is_interrupted() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    stage.expects("now", Delivery::Now);
    stage.ends();
    stage.told(Fact::Began { reason: None });
    stage.prompt("now", Delivery::Now);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(
        (stage.prompted(), stage.outcomes()),
        (vec!["a", "now"], vec![Outcome::Completed, Outcome::Interrupted])
    );
}
