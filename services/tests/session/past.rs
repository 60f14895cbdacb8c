use std::time::Duration;

use sixframe_services::agents::{
    Abilities, Action, Ask, Command, Cost, Delivery, DeltaField, Event, Fact, Item, ItemKind, ItemStatus, Mode, NotNow,
    Past, Problem, ProblemKind, ProcessEvent, Session, SessionUpdate, Successor, Trunk, Usage, UsageUpdate, UsedIds,
};

use super::stage::{NOW, Stage, ask, beginning};

const ABLE: Abilities =
    Abilities { resume: true, steer: false, permissions: true, usage: true, fork: true, reasons: false, models: true };

fn native(id: &str) -> Fact {
    Fact::Ready(SessionUpdate { native_session_id: Some(id.into()), ..SessionUpdate::default() })
}

fn successor() -> Successor {
    let (provider, patience) = ("other".to_owned(), Duration::from_secs(5));
    Successor { provider, abilities: ABLE, patience, model: Some("big".into()), reads_history: true }
}

fn forked(abilities: Abilities, native_session_id: Option<String>) -> Stage {
    let mut beginning = beginning(Mode::Ask, abilities);
    beginning.created.forked_from = Some("ses_0".into());
    let trunk = Trunk { native_session_id, title: Some("a try".into()), history: Some("Person: hello".into()) };
    Stage::of(Session::forked(NOW, beginning, trunk), NOW)
}

#[test]
fn a_fork_begins_with_what_was_before_it_and_its_agent_forks_its_own_session_once() {
    let mut stage = forked(ABLE, Some("native-0".into()));
    assert_eq!(stage.names()[..3], ["session.created", "session.updated", "item.upserted"]);
    assert!(
        matches!(&stage.log[0].event, Event::SessionCreated(created) if created.forked_from.as_deref() == Some("ses_0"))
    );
    let Event::ItemUpserted(Item { kind: ItemKind::Notice, content: Some(content), .. }) = &stage.log[2].event else {
        panic!("{:?}", stage.log[2])
    };
    assert!(format!("{content:?}").contains("Person: hello"));
    assert_eq!((&stage.starts[..], stage.forks), (&[Some("native-0".to_owned())][..], 1));
    assert!(stage.session.has_history());
    stage.told(native("native-1"));
    stage.told(Fact::Gone { problem: None });
    stage.prompt("a", Delivery::Queue);
    assert_eq!((stage.starts[1].as_deref(), stage.forks), (Some("native-1"), 1), "then it goes on with the fork");
    assert_eq!(stage.session.view().forked_from.as_deref(), Some("ses_0"));
}

#[test]
fn an_agent_that_cannot_fork_begins_anew() {
    let stage = forked(Abilities { fork: false, ..ABLE }, Some("native-0".into()));
    assert_eq!((&stage.starts[..], stage.forks), (&[None][..], 0), "and never goes on with the other session itself");
    let stage = forked(ABLE, None);
    assert_eq!((&stage.starts[..], stage.forks), (&[None][..], 0));
}

#[test]
fn another_agent_takes_over_when_the_one_before_is_gone_and_not_in_the_midst_of_a_turn() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.prompt("a", Delivery::Queue);
    assert_eq!(stage.session.succeed(stage.now, successor()), Err(NotNow::InTurn));
    let session = Some(Usage { input: 7, ..Usage::default() });
    stage.told(Fact::Usage(UsageUpdate {
        context_used: Some(150_000),
        context_size: Some(200_000),
        turn: session,
        session,
        session_cost: Cost::of_dollars(1.0),
    }));
    stage.ends();
    stage.session.succeed(stage.now, successor()).unwrap();
    stage.drain();
    assert_eq!(stage.commands.last(), Some(&Command::Stop));
    let used = UsageUpdate { session, ..UsageUpdate::default() };
    assert_eq!(
        stage.session.view().usage,
        used,
        "how full the conversation of the one before was says nothing of the next one's"
    );
    assert_eq!(stage.starts.len(), 1, "one at a time");
    let view = stage.session.view();
    assert_eq!((view.provider.as_str(), view.model.as_deref(), view.native_session_id), ("other", Some("big"), None));
    stage.prompt("b", Delivery::Queue);
    let before = stage.log.len();
    stage.told(native("late"));
    assert_eq!(stage.log.len(), before, "what the one who leaves says is not the next one's");
    stage.told(Fact::Process(ProcessEvent::Stopping));
    assert_eq!(stage.log.last().unwrap().src.provider, "test");
    stage.told(Fact::Gone { problem: None });
    assert_eq!(stage.starts[1..], [None], "the other's own session is not its");
    assert!(stage.session.has_history());
    stage.told(native("native-2"));
    assert_eq!(stage.prompted(), ["a", "b"]);
    assert_eq!(stage.session.view().native_session_id.as_deref(), Some("native-2"));
    assert_eq!(stage.log.last().unwrap().seq, stage.log.len() as u64);
}

#[test]
fn an_agent_that_has_no_use_for_a_summary_is_said_to_be_told_nothing() {
    for (reads_history, told) in [(true, "it is given a summary"), (false, "It is told nothing of what was said")] {
        let mut stage = Stage::ready(Mode::Ask);
        stage.prompt("a", Delivery::Queue);
        stage.ends();
        stage.session.succeed(stage.now, Successor { reads_history, ..successor() }).unwrap();
        stage.drain();
        let notice = format!("{:?}", stage.log.last().unwrap().event);
        assert!(notice.contains("Notice") && notice.contains(told), "{notice}");
    }
}

#[test]
fn an_agent_that_is_gone_is_started_by_a_wish_and_one_that_is_there_stays() {
    let mut stage = Stage::ready(Mode::Ask);
    stage.session.wake(stage.now);
    stage.drain();
    assert_eq!(stage.starts.len(), 1);
    stage.told(Fact::Gone { problem: None });
    stage.session.wake(stage.now);
    stage.drain();
    assert_eq!(stage.starts[1..], [Some("native".to_owned())]);
    stage.session.close(stage.now);
    stage.told(Fact::Gone { problem: None });
    stage.session.wake(stage.now);
    stage.drain();
    assert_eq!(stage.starts.len(), 2, "nor is one started for a session that is closed");
    assert_eq!(stage.session.succeed(stage.now, successor()), Err(NotNow::Closed));
}

#[test]
fn an_agent_whose_own_session_is_lost_begins_anew_with_what_waits() {
    let known = SessionUpdate { native_session_id: Some("n".into()), ..Default::default() };
    let past = Past { seq: 7, known, turns: 3, ..Past::default() };
    let mut stage = Stage::of(Session::resumed(beginning(Mode::Ask, ABLE), past), NOW);
    stage.prompt("a", Delivery::Queue);
    assert_eq!(stage.starts, [Some("n".to_owned())]);
    stage.told(Fact::Lost { why: "there is no session n".into() });
    let told = format!("{:?}", stage.log.last().unwrap().event);
    assert!(told.contains("Notice") && told.contains("there is no session n"), "{told}");
    stage.told(Fact::Gone { problem: Some(Problem::new(ProblemKind::Crashed, "it exited with 1")) });
    assert_eq!(stage.starts[1..], [None], "without it, and once");
    stage.told(native("n2"));
    assert_eq!(stage.prompted(), ["a"]);
    stage.ends();
    assert!(stage.log.iter().all(|envelope| !matches!(envelope.event, Event::Error(_))));
    assert_eq!(stage.session.view().native_session_id.as_deref(), Some("n2"));
    stage.told(Fact::Gone { problem: None });
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.starts[2..], [Some("n2".to_owned())]);
    stage.told(Fact::Gone { problem: Some(Problem::new(ProblemKind::Crashed, "it exited with 1")) });
    assert_eq!(stage.starts.len(), 3, "one that fails for another reason fails");
}

#[test]
fn a_session_that_is_opened_again_says_so_and_counts_on() {
    let known =
        SessionUpdate { mode: Some(Mode::AcceptEdits), native_session_id: Some("n".into()), ..Default::default() };
    let past = Past { seq: 7, known, turns: 3, created_at_ms: 5, asked_model: Some("m".into()), ..Past::default() };
    let mut session = Session::resumed(beginning(Mode::Ask, ABLE), past);
    assert_eq!(session.mode(), Mode::AcceptEdits);
    session.reopen(NOW, Mode::Ask);
    let mut stage = Stage::of(session, NOW);
    assert_eq!((stage.names(), stage.log[0].seq), (vec!["session.updated"], 8));
    assert_eq!((stage.session.mode(), &stage.starts[..]), (Mode::Ask, &[Some("n".to_owned())][..]));
    stage.told(native("n"));
    stage.prompt("a", Delivery::Queue);
    stage.ends();
    let metadata = stage.session.metadata();
    assert_eq!((metadata.turns, metadata.created_at_ms, metadata.model.as_deref()), (4, 5, Some("m")));
}

/// The ids of the items of this kind that were told of, in their order.
fn items(stage: &Stage, wanted: ItemKind) -> Vec<String> {
    let of_kind = stage.log.iter().filter(|envelope| match &envelope.event {
        Event::ItemUpserted(item) => item.kind == wanted,
        Event::ItemDelta(_) => wanted == ItemKind::AgentMessage,
        _ => false,
    });
    of_kind.filter_map(|envelope| envelope.item_id.clone()).collect()
}

/// A turn of an agent that counts its items anew each time: a call that asks leave, and a message that grows.
fn counted_turn(stage: &mut Stage, prompt: &str) {
    stage.prompt(prompt, Delivery::Queue);
    stage.tool("1", ItemStatus::InProgress);
    let asked = Ask { item: Some("1".into()), ..ask(prompt, Action::Command) };
    stage.told(Fact::Asked(asked));
    stage.told(Fact::Item {
        id: "2".into(),
        item: Item { parent: Some("1".into()), ..Item::new(ItemKind::AgentMessage) },
    });
    stage.told(Fact::Grew { id: "2".into(), field: DeltaField::Text, text: "hi".into() });
    stage.tool("1", ItemStatus::Denied);
    stage.ends();
}

#[test]
fn an_agent_that_counts_its_items_anew_in_each_turn_tells_of_other_ones() {
    let mut stage = Stage::ready(Mode::Ask);
    counted_turn(&mut stage, "a");
    counted_turn(&mut stage, "b");
    let calls = items(&stage, ItemKind::ToolCall);
    assert_eq!(calls[..2], ["1", "1"]);
    assert!(calls.len() == 4 && calls[2] == calls[3] && calls[2] != "1", "{calls:?}");
    let messages = items(&stage, ItemKind::AgentMessage);
    let (first, second) = messages.split_at(messages.len() / 2);
    assert!(first.iter().all(|id| id == "2") && second.iter().all(|id| *id == second[0] && id != "2"), "{messages:?}");
    let asked: Vec<&str> = stage
        .log
        .iter()
        .filter(|envelope| matches!(envelope.event, Event::PermissionRequested(_)))
        .filter_map(|envelope| envelope.item_id.as_deref())
        .collect();
    assert_eq!(asked, ["1", &calls[2]], "leave is asked for the call of its own turn");
    assert_eq!(parents(&stage), ["1", &calls[2]]);
}

fn parents(stage: &Stage) -> Vec<String> {
    let items = stage.log.iter().filter_map(|envelope| match &envelope.event {
        Event::ItemUpserted(item) => item.parent.clone(),
        _ => None,
    });
    items.collect()
}

#[test]
fn what_a_subagent_does_in_a_later_turn_belongs_to_its_call() {
    let mut stage = Stage::ready(Mode::Ask);
    let says = |stage: &mut Stage, id: &str| {
        let item = Item { parent: Some("call".into()), ..Item::new(ItemKind::AgentMessage) };
        stage.told(Fact::Item { id: id.into(), item });
    };
    let begins = |stage: &mut Stage| {
        let item = Item::new(ItemKind::Subagent).status(ItemStatus::InProgress);
        stage.told(Fact::Item { id: "call".into(), item });
    };
    stage.prompt("a", Delivery::Queue);
    begins(&mut stage);
    stage.ends();
    stage.told(Fact::Began { reason: None });
    says(&mut stage, "1");
    stage.ends();
    assert_eq!(parents(&stage), ["call"]);
    stage.prompt("b", Delivery::Queue);
    begins(&mut stage);
    says(&mut stage, "2");
    stage.ends();
    stage.told(Fact::Began { reason: None });
    says(&mut stage, "3");
    let calls = items(&stage, ItemKind::Subagent);
    let second = calls.last().unwrap();
    assert_ne!(second, "call", "it is another call");
    assert_eq!(parents(&stage)[1..], [second.clone(), second.clone()]);
}

#[test]
fn an_agent_that_counts_anew_behind_the_daemon_tells_of_other_items() {
    let mut items_of_before = UsedIds::default();
    items_of_before.insert("1");
    let past = Past { seq: 7, items: items_of_before, ..Past::default() };
    let mut stage = Stage::of(Session::resumed(beginning(Mode::Ask, ABLE), past), NOW);
    stage.prompt("a", Delivery::Queue);
    stage.told(native("native"));
    stage.tool("1", ItemStatus::Completed);
    assert_ne!(items(&stage, ItemKind::ToolCall), ["1"]);
}

#[test]
fn a_session_is_called_by_what_was_asked_first_until_its_agent_names_it() {
    let mut stage = Stage::ready(Mode::Ask);
    assert_eq!(stage.session.view().title, None);
    stage.prompt("a", Delivery::Queue);
    stage.prompt("b", Delivery::Queue);
    assert_eq!(stage.session.view().title.as_deref(), Some("do a"));
    assert_eq!(stage.session.metadata().title.as_deref(), Some("do a"));
    stage.told(Fact::Session(SessionUpdate { title: Some("a name".into()), ..SessionUpdate::default() }));
    assert_eq!(stage.session.view().title.as_deref(), Some("a name"));
    let past = Past { seq: 7, asked_first: Some("do x".into()), ..Past::default() };
    assert_eq!(Session::resumed(beginning(Mode::Ask, ABLE), past).view().title.as_deref(), Some("do x"));
}
