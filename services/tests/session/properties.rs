//! Whatever an agent does and whoever asks for whatever: turns end once, nothing waits that cannot be answered, numbers have
//! no holes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use sixframe_services::agents::{
    Abilities, Action, Choice, Command, Content, Decider, Delivery, DeltaField, Event, Fact, ItemStatus, Mode, Outcome,
    Problem, ProblemKind, Reducer, Successor, TurnEnd,
};

use super::stage::{Stage, ask};

#[derive(Clone, Debug)]
enum Move {
    Prompt(Delivery),
    CancelFirst,
    Stop,
    Edit,
    SetMode(Mode),
    SetModel(u8),
    Succeed,
    Abandon,
    Unsteer,
    Ready,
    Tool(u8, ItemStatus),
    Grow(u8),
    Ask(u8),
    Withdraw(u8),
    Answer(bool),
    Begin,
    End(Outcome),
    Gone(bool),
    Pass(u64),
}

fn any_move() -> impl Strategy<Value = Move> {
    use ItemStatus::{Completed, Failed, InProgress, Pending};
    let delivery = prop::sample::select(vec![Delivery::Queue, Delivery::Steer, Delivery::Now]);
    let status = prop::sample::select(vec![Pending, InProgress, Completed, Failed]);
    let outcome = prop::sample::select(vec![Outcome::Completed, Outcome::Interrupted, Outcome::Failed]);
    prop_oneof![
        3 => delivery.prop_map(Move::Prompt),
        1 => Just(Move::CancelFirst),
        1 => Just(Move::Stop),
        1 => Just(Move::Edit),
        1 => prop::sample::select(vec![Mode::Ask, Mode::AcceptEdits, Mode::Plan]).prop_map(Move::SetMode),
        1 => (0u8..3).prop_map(Move::SetModel),
        1 => Just(Move::Succeed),
        1 => Just(Move::Abandon),
        2 => Just(Move::Unsteer),
        4 => Just(Move::Ready),
        3 => (0u8..3, status).prop_map(|(id, status)| Move::Tool(id, status)),
        3 => (0u8..3).prop_map(Move::Grow),
        3 => (0u8..3).prop_map(Move::Ask),
        1 => (0u8..3).prop_map(Move::Withdraw),
        2 => any::<bool>().prop_map(Move::Answer),
        1 => Just(Move::Begin),
        4 => outcome.prop_map(Move::End),
        1 => any::<bool>().prop_map(Move::Gone),
        2 => prop::sample::select(vec![1, 20, 3_000, 70_000, 700_000]).prop_map(Move::Pass),
    ]
}

fn play(stage: &mut Stage, step: Move, number: usize) {
    match step {
        Move::Prompt(delivery) if stage.session.view().queue.len() < 60 => {
            stage.prompt(&format!("p{number}"), delivery)
        }
        Move::Prompt(_) => (),
        Move::CancelFirst => {
            let first = stage.session.view().queue.first().map(|queued| queued.prompt_id.clone());
            first.into_iter().for_each(|id| assert!(stage.session.cancel_prompt(stage.now, &id)));
        }
        Move::Edit => {
            let last = stage.session.view().queue.last().map(|queued| queued.prompt_id.clone());
            let content = || vec![Content::Text { text: "other words".into() }];
            last.into_iter().for_each(|id| assert_eq!(stage.session.edit_prompt(stage.now, &id, content()), Ok(true)));
            let begun = stage.prompted().last().map(|id| (*id).to_owned());
            begun
                .into_iter()
                .for_each(|id| assert_eq!(stage.session.edit_prompt(stage.now, &id, content()), Ok(false)));
        }
        Move::SetMode(mode) => stage.session.set_mode(stage.now, mode),
        Move::SetModel(model) => stage.session.set_model(stage.now, format!("model-{model}")),
        Move::Succeed => {
            let in_turn = stage.session.view().turn_id.is_some();
            let (provider, patience) = (format!("agent-{number}"), Duration::from_secs(5));
            let successor =
                Successor { provider, abilities: Abilities::default(), patience, model: None, reads_history: true };
            assert_eq!(stage.session.succeed(stage.now, successor).is_err(), in_turn);
        }
        Move::Abandon => {
            let any = stage.session.view().queue.last().map(|queued| queued.prompt_id.clone());
            let any = any.or(stage.prompted().last().map(|id| (*id).to_owned()));
            any.into_iter().for_each(|id| stage.session.abandon(stage.now, &id));
        }
        Move::Unsteer => {
            let last = stage.commands.iter().rposition(|command| matches!(command, Command::Steer(_)));
            if let Some(Command::Steer(prompt)) = last.map(|last| stage.commands.remove(last)) {
                stage.told(Fact::Unsteered(prompt));
            }
        }
        Move::Stop => {
            stage.session.stop_turn(stage.now);
        }
        Move::Ready => stage.told(Fact::Ready(Default::default())),
        Move::Tool(id, status) => stage.tool(&format!("item-{id}"), status),
        Move::Grow(id) => {
            stage.told(Fact::Grew { id: format!("text-{id}"), field: DeltaField::Text, text: "word ".into() });
        }
        Move::Ask(id) => stage.told(Fact::Asked(ask(&id.to_string(), Action::Command))),
        Move::Withdraw(id) => stage.told(Fact::Withdrew { key: id.to_string() }),
        Move::Answer(yes) => {
            let waits = stage.session.view().permissions.first().map(|request| request.permission_id.clone());
            let choice = match yes {
                true => Choice::Approve { option_id: None, input_sha256: None },
                false => Choice::Reject { reason: None },
            };
            waits
                .into_iter()
                .for_each(|id| stage.session.decide(stage.now, &id, choice.clone(), Decider::Timeout).unwrap());
        }
        Move::Begin => stage.told(Fact::Began { reason: None }),
        Move::End(outcome) => stage.told(Fact::Ended(TurnEnd::new(outcome))),
        Move::Gone(crashed) => {
            let problem = crashed.then(|| Problem::new(ProblemKind::Crashed, "gone"));
            stage.told(Fact::Gone { problem });
        }
        Move::Pass(ms) => stage.pass(Duration::from_millis(ms)),
    }
    stage.drain();
    if stage.session.is_ready() {
        let chosen = (stage.session.mode(), stage.session.asked_model().map(str::to_owned));
        assert_eq!(stage.chosen, chosen, "who can be spoken to was told what was chosen");
    }
}

/// What must hold of any log of a session that is closed.
fn check(stage: &Stage) {
    let (mut open, mut ended) = (None::<String>, BTreeSet::new());
    let (mut asked, mut prompts) = (BTreeSet::new(), BTreeMap::<String, &'static str>::new());
    let mut reducer = Reducer::default();
    let mut grown = BTreeMap::<String, u64>::new();
    let mut items = BTreeMap::<String, String>::new();
    for (at, envelope) in stage.log.iter().enumerate() {
        assert_eq!(envelope.seq, at as u64 + 1, "numbers have no holes");
        let turn = envelope.turn_id.clone();
        match &envelope.event {
            Event::StateChanged(change) => assert_eq!(change.state, reducer.state(), "the state is derived"),
            event => drop(reducer.apply(event, envelope.item_id.as_deref())),
        }
        if let (Some(item), Some(turn)) = (&envelope.item_id, &envelope.turn_id) {
            assert_eq!(items.entry(item.clone()).or_insert(turn.clone()), turn, "an item is of one turn");
        }
        match &envelope.event {
            Event::TurnStarted(_) => {
                assert_eq!(open, None, "one turn at a time");
                open = turn;
            }
            Event::TurnEnded(_) => {
                assert_eq!(open.take(), turn, "what ends is what is open");
                assert!(ended.insert(turn), "and it ends once");
                assert!(asked.is_empty(), "nothing waits behind the end of a turn");
            }
            Event::PermissionRequested(request) => assert!(asked.insert(request.permission_id.clone())),
            Event::PermissionResolved(resolved) => assert!(asked.remove(&resolved.permission_id), "it ends once"),
            Event::ItemDelta(delta) => {
                let known = grown.entry(envelope.item_id.clone().unwrap()).or_default();
                assert!(delta.offset == *known || delta.offset == 0, "no gap");
                *known = delta.offset + delta.delta.len() as u64;
            }
            // It is queued once more where it is edited, and only while it waits, or where it did not join a turn.
            Event::PromptQueued(queued) => {
                assert!(prompts.insert(queued.prompt_id.clone(), "queued").is_none_or(|before| before != "done"));
            }
            Event::PromptStarted(prompt) => {
                assert_eq!(prompts.insert(prompt.prompt_id.clone(), "done"), Some("queued"), "it goes one way");
            }
            Event::PromptSteered(prompt) => {
                assert_eq!(prompts.insert(prompt.prompt_id.clone(), "steered"), Some("queued"), "it goes one way");
            }
            Event::PromptCancelled(prompt) => {
                let before = prompts.insert(prompt.prompt_id.clone(), "done");
                assert!(matches!(before, Some("queued" | "steered")), "it goes one way: {before:?}");
            }
            _ => (),
        }
    }
    assert_eq!((open, asked.len()), (None, 0), "nothing is open in the end");
    assert!(prompts.values().all(|state| *state != "queued"), "no prompt is forgotten");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_log_of_a_session_is_well_formed(
        moves in prop::collection::vec(any_move(), 0..60),
        mode in prop::sample::select(vec![Mode::Ask, Mode::AcceptEdits, Mode::Plan]),
        steer in any::<bool>(),
    ) {
        let mut stage = Stage::new(mode, Abilities { resume: true, steer, ..Abilities::default() });
        stage.told(Fact::Ready(Default::default()));
        for (number, step) in moves.into_iter().enumerate() {
            play(&mut stage, step, number);
        }
        stage.session.close(stage.now);
        stage.drain();
        check(&stage);
        let mut keys = BTreeSet::new();
        for command in &stage.commands {
            if let Command::Prompt(prompt) = command {
                prop_assert!(keys.insert(prompt.id.clone()), "an agent is given a prompt once");
            }
        }
    }
}
