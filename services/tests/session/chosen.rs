use sixframe_services::agents::{Abilities, Command, Delivery, Event, Fact, Mode, SessionUpdate};

use super::stage::Stage;

fn model(name: &str) -> SessionUpdate {
    SessionUpdate { model: Some(name.into()), ..SessionUpdate::default() }
}

#[test]
fn what_is_chosen_while_an_agent_starts_it_is_told_before_anything_else() {
    let mut stage = Stage::new(Mode::Ask, Abilities::default());
    stage.prompt("a", Delivery::Queue);
    stage.session.set_mode(stage.now, Mode::Plan);
    stage.session.set_model(stage.now, "opus".into());
    stage.drain();
    assert_eq!(stage.commands, [], "it cannot be spoken to yet");
    stage.told(Fact::Ready(model("sonnet")));
    let expected = [Command::SetMode(Mode::Plan), Command::SetModel("opus".into())];
    assert_eq!((&stage.commands[..2], stage.prompted()), (&expected[..], vec!["a"]));
    assert_eq!(stage.session.view().model.as_deref(), Some("opus"), "it answers with what it was told last");
    let told = stage.log.iter().any(|envelope| match &envelope.event {
        Event::SessionUpdated(update) => update.model.as_deref() == Some("sonnet"),
        _ => false,
    });
    assert!(!told, "what it was started with is over");
}

#[test]
fn an_agent_is_not_told_again_what_it_was_started_with() {
    let mut stage = Stage::new(Mode::Ask, Abilities::default());
    stage.session.set_mode(stage.now, Mode::Plan);
    stage.session.set_mode(stage.now, Mode::Ask);
    stage.told(Fact::Ready(model("sonnet")));
    assert_eq!(stage.commands, []);
    assert_eq!(stage.session.view().model.as_deref(), Some("sonnet"), "it says by itself what it answers with");
    stage.session.set_mode(stage.now, Mode::Plan);
    stage.session.set_model(stage.now, "opus".into());
    stage.told(Fact::Gone { problem: None });
    stage.commands.clear();
    stage.prompt("a", Delivery::Queue);
    assert_eq!(stage.chosen, (Mode::Plan, Some("opus".into())), "the next one is started with it");
    stage.told(Fact::Ready(SessionUpdate::default()));
    assert_eq!((stage.commands.len(), stage.prompted()), (1, vec!["a"]));
}
