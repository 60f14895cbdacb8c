use std::time::Duration;

use serde_json::json;
use sixframe_services::agents::{
    Action, Ask, Choice, Command, Decider, Decision, Delivery, Effect, Event, Fact, Hit, ItemStatus, Mode, OptionKind,
    Outcome, PermissionOption, ProblemKind, Remembered, Risk, Ruling, State, TurnEnd, Undecided, Verdict, input_sha256,
};

use super::stage::{Stage, ask};

fn person() -> Decider {
    Decider::Person { owner: "somebody".into() }
}

fn approve() -> Choice {
    Choice::Approve { option_id: None, input_sha256: None }
}

fn at_work(mode: Mode) -> Stage {
    let mut stage = Stage::ready(mode);
    stage.prompt("a", Delivery::Queue);
    stage.commands.clear();
    stage
}

fn decided(stage: &Stage) -> Vec<(&str, bool)> {
    stage
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Decide { key, verdict: Verdict::Allow { .. } } => Some((key.as_str(), true)),
            Command::Decide { key, verdict: Verdict::Deny { .. } } => Some((key.as_str(), false)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_yes_allows_once_and_is_good_once() {
    let mut stage = at_work(Mode::Ask);
    let id = stage.asks("k", Action::FileChange);
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
    stage.session.decide(stage.now, &id, approve(), person()).unwrap();
    stage.drain();
    let verdict = Verdict::Allow { option_id: "yes".into() };
    assert_eq!(stage.commands, [Command::Decide { key: "k".into(), verdict }], "and never always by itself");
    assert_eq!(stage.session.decide(stage.now, &id, approve(), person()), Err(Undecided::Gone));
    assert_eq!(stage.resolved()[0].by, person());
}

#[test]
fn an_answer_to_another_input_than_the_one_that_waits_is_refused() {
    let mut stage = at_work(Mode::Ask);
    let id = stage.asks("k", Action::FileChange);
    let shown = input_sha256(&ask("k", Action::FileChange).input);
    let other = Choice::Approve { option_id: None, input_sha256: Some("0".repeat(64)) };
    let refused = stage.session.decide(stage.now, &id, other, person());
    assert_eq!(refused, Err(Undecided::OtherInput { input_sha256: shown.clone() }));
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
    let same = Choice::Approve { option_id: None, input_sha256: Some(shown) };
    stage.session.decide(stage.now, &id, same, person()).unwrap();
}

#[test]
fn an_agent_that_asks_the_same_anew_voids_what_was_shown_before() {
    let mut stage = at_work(Mode::Ask);
    let first = stage.asks("k", Action::FileChange);
    let second = stage.asks("k", Action::Command);
    assert_eq!(stage.session.decide(stage.now, &first, approve(), person()), Err(Undecided::Gone));
    assert_eq!(stage.resolved()[0].decision, Decision::Withdrawn);
    stage.session.decide(stage.now, &second, approve(), person()).unwrap();
}

#[test]
fn an_option_that_refuses_cannot_be_approved_by() {
    let mut stage = at_work(Mode::Ask);
    let id = stage.asks("k", Action::FileChange);
    for option in ["no", "unknown"] {
        let choice = Choice::Approve { option_id: Some(option.into()), input_sha256: None };
        assert_eq!(stage.session.decide(stage.now, &id, choice, person()), Err(Undecided::NoOption));
    }
    let always = Choice::Approve { option_id: Some("always".into()), input_sha256: None };
    stage.session.decide(stage.now, &id, always, person()).unwrap();
}

#[test]
fn what_nobody_answers_is_denied() {
    let mut stage = at_work(Mode::Ask);
    stage.asks("k", Action::FileChange);
    stage.pass(Duration::from_secs(599));
    assert_eq!(decided(&stage), []);
    stage.pass(Duration::from_secs(1));
    assert_eq!(decided(&stage), [("k", false)]);
    assert_eq!(stage.resolved()[0].by, Decider::Timeout);
    assert_eq!(stage.resolved()[0].latency_ms, 600_000);
}

#[test]
fn several_wait_at_once_and_each_is_answered_alone() {
    let mut stage = at_work(Mode::Ask);
    let (one, two) = (stage.asks("1", Action::Command), stage.asks("2", Action::Command));
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 2 });
    stage.session.decide(stage.now, &two, Choice::Reject { reason: Some("not this".into()) }, person()).unwrap();
    stage.session.decide(stage.now, &one, approve(), person()).unwrap();
    stage.drain();
    assert_eq!(decided(&stage), [("2", false), ("1", true)]);
    assert!(
        matches!(&stage.commands[0], Command::Decide { verdict: Verdict::Deny { reason, .. }, .. } if reason == "not this")
    );
}

#[test]
fn what_the_agent_takes_back_can_no_longer_be_answered() {
    let mut stage = at_work(Mode::Ask);
    let id = stage.asks("k", Action::Command);
    stage.told(Fact::Withdrew { key: "k".into() });
    assert_eq!(stage.session.decide(stage.now, &id, approve(), person()), Err(Undecided::Gone));
    assert_eq!(stage.session.state(), State::Thinking);
    assert_eq!(decided(&stage), []);
}

#[test]
fn an_interrupt_withdraws_what_waits_and_what_is_asked_after_it_is_denied() {
    let mut stage = at_work(Mode::Ask);
    let id = stage.asks("k", Action::Command);
    stage.session.stop_turn(stage.now);
    stage.drain();
    assert_eq!(stage.session.decide(stage.now, &id, approve(), person()), Err(Undecided::Gone));
    stage.asks("late", Action::Command);
    assert_eq!(decided(&stage), [("late", false)]);
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(stage.resolved().len(), 2);
    stage.asks("outside", Action::Command);
    assert_eq!(decided(&stage).last(), Some(&("outside", false)), "nor is anything allowed outside of a turn");
}

fn ruled(key: &str, effect: Effect, risk: Risk) -> Ask {
    let hits = vec![Hit { rule: "some_rule".into(), text: "it is risky".into() }];
    let remembers = vec![Remembered { action: Action::Command, pattern: "cargo test *".into() }];
    let remembers = if risk == Risk::Critical { Vec::new() } else { remembers };
    let ruling = Ruling { effect, rule: "some_rule".into(), risk, hits, runs: true, remembers };
    Ask { ruling, ..ask(key, Action::Command) }
}

#[test]
fn what_rules_decide_is_done_and_told_with_the_rule() {
    let mut stage = at_work(Mode::Auto);
    stage.told(Fact::Asked(ruled("yes", Effect::Allow, Risk::Low)));
    stage.told(Fact::Asked(ruled("no", Effect::Deny, Risk::Critical)));
    stage.told(Fact::Asked(ruled("maybe", Effect::Ask, Risk::High)));
    assert_eq!(decided(&stage), [("yes", true), ("no", false)]);
    let by = Decider::Policy { rule: "some_rule".into() };
    assert!(stage.resolved().iter().all(|resolved| resolved.by == by));
    let Command::Decide { verdict: Verdict::Deny { reason, .. }, .. } = &stage.commands[1] else { panic!("denied") };
    assert!(reason.contains("some_rule") && reason.contains("it is risky"), "the agent is told why: {reason}");
    assert_eq!(stage.resolved()[1].reason.as_ref(), Some(reason));
    let waits = &stage.session.view().permissions[0];
    assert_eq!((waits.risk, waits.hits[0].text.as_str()), (Risk::High, "it is risky"));
}

#[test]
fn rules_allow_nothing_outside_of_a_turn_nor_while_planning() {
    let mut stage = Stage::ready(Mode::Auto);
    stage.told(Fact::Asked(ruled("early", Effect::Allow, Risk::Low)));
    assert_eq!(stage.resolved()[0].by, Decider::Policy { rule: "no_turn".into() });
    let mut stage = at_work(Mode::Plan);
    stage.told(Fact::Asked(ruled("planning", Effect::Allow, Risk::Low)));
    assert_eq!(decided(&stage), [("planning", false)]);
}

#[test]
fn a_yes_that_is_to_be_remembered_is_a_yes_to_this_alone_for_the_agent() {
    for (option, is_kept) in [("sixframe:session", false), ("sixframe:always", true)] {
        let mut stage = at_work(Mode::Ask);
        let mut asked = ruled("k", Effect::Ask, Risk::Medium);
        // An agent's option that takes the name of one of ours.
        asked.options.push(PermissionOption::new(option, OptionKind::AllowOnce, "Yes"));
        stage.told(Fact::Asked(asked));
        let request = stage.session.view().permissions[0].clone();
        let offered: Vec<_> = request.options.iter().filter(|offered| offered.option_id == option).collect();
        assert_eq!((offered.len(), offered[0].rule_preview.as_deref()), (1, Some("cargo test *")));
        let choice = Choice::Approve { option_id: Some(option.into()), input_sha256: None };
        stage.session.decide(stage.now, &request.permission_id, choice, person()).unwrap();
        stage.drain();
        let verdict = Verdict::Allow { option_id: "yes".into() };
        assert_eq!(stage.commands, [Command::Decide { key: "k".into(), verdict }]);
        assert_eq!(stage.resolved()[0].option_id.as_deref(), Some(option), "what was chosen is told");
        let what = vec![Remembered { action: Action::Command, pattern: "cargo test *".into() }];
        assert_eq!(stage.remembered, [(what, is_kept)]);
    }
}

#[test]
fn what_is_ruinous_can_be_allowed_once_alone() {
    let mut stage = at_work(Mode::Ask);
    stage.told(Fact::Asked(ruled("k", Effect::Ask, Risk::Critical)));
    let request = &stage.session.view().permissions[0];
    let options: Vec<&str> = request.options.iter().map(|option| option.option_id.as_str()).collect();
    assert_eq!(options, ["yes", "no"], "nor may the agent remember it");
    let always = Choice::Approve { option_id: Some("always".into()), input_sha256: None };
    let refused = stage.session.decide(stage.now, &request.permission_id, always, person());
    assert_eq!(refused, Err(Undecided::NoOption));
}

#[test]
fn planning_denies_what_changes_anything() {
    let mut stage = at_work(Mode::Plan);
    for action in [Action::FileChange, Action::Command, Action::McpTool, Action::Unknown] {
        stage.asks("k", action);
    }
    assert_eq!(decided(&stage), [("k", false); 4]);
    // A command that is said to read.
    stage.told(Fact::Asked(Ask { action: Action::Read, ..ruled("k", Effect::Allow, Risk::Low) }));
    assert_eq!(decided(&stage), [("k", false); 5]);
    stage.asks("read", Action::Read);
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
}

#[test]
fn an_agent_that_does_not_wait_for_leave_is_stopped() {
    let mut stage = at_work(Mode::Ask);
    stage.asks("k", Action::Command);
    stage.tool("item-k", ItemStatus::Completed);
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt));
    stage.told(Fact::Ended(TurnEnd::new(Outcome::Interrupted)));
    assert_eq!(stage.ended()[0].outcome, Outcome::Failed);
    assert_eq!(stage.ended()[0].error.as_ref().unwrap().kind, ProblemKind::Protocol);

    let mut stage = at_work(Mode::Ask);
    let id = stage.asks("k", Action::Command);
    stage.session.decide(stage.now, &id, Choice::Reject { reason: None }, person()).unwrap();
    stage.tool("item-k", ItemStatus::Completed);
    assert_eq!(stage.commands.last(), Some(&Command::Interrupt), "nor does it do what was denied");
}

#[test]
fn what_is_shown_is_what_the_log_has() {
    let mut stage = at_work(Mode::Ask);
    stage.asks("k", Action::Command);
    let logged = stage
        .log
        .iter()
        .find_map(|envelope| match &envelope.event {
            Event::PermissionRequested(request) => Some((**request).clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!(stage.session.view().permissions.first(), Some(&logged));
    assert_eq!(logged.input_sha256, input_sha256(&logged.shown_input));
    assert_eq!(logged.expires_at_ms, stage.now.wall_ms + 600_000);
}

#[test]
fn what_nobody_could_look_through_is_denied_at_once_and_what_waits_goes_on_waiting() {
    let mut stage = at_work(Mode::Ask);
    let first = stage.asks("0", Action::Command);
    (1..64).for_each(|key| drop(stage.asks(&key.to_string(), Action::Command)));
    assert_eq!(decided(&stage), []);
    for key in ["one too many", "another"] {
        stage.asks(key, Action::Command);
        let resolved = stage.resolved().last().copied().unwrap().clone();
        assert_eq!((resolved.decision, resolved.by), (Decision::Denied, Decider::Policy { rule: "too_many".into() }));
        assert!(resolved.reason.unwrap().contains("64 requests"), "the record says why");
    }
    assert_eq!(stage.session.view().permissions.len(), 64);
    stage.session.decide(stage.now, &first, approve(), person()).unwrap();
    stage.drain();
    stage.asks("in its place", Action::Command);
    assert_eq!(decided(&stage), [("one too many", false), ("another", false), ("0", true)]);

    let mut stage = at_work(Mode::Ask);
    let long = |key: &str, bytes: usize| Ask { input: json!({"text": "x".repeat(bytes)}), ..ask(key, Action::Unknown) };
    for key in ["long", "another"] {
        stage.told(Fact::Asked(long(key, 1000 << 10)));
    }
    stage.told(Fact::Asked(long("too long with it", 200 << 10)));
    stage.told(Fact::Asked(long("short", 1 << 10)));
    assert_eq!(decided(&stage), [("too long with it", false)]);
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 3 });
}

#[test]
fn what_no_window_could_show_is_denied_at_once_unless_nobody_has_to_be_asked() {
    let nested = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!({"in": inner}));
    for (input, why) in [(nested(33), "deeper than 32 levels"), (json!("x".repeat(1 << 20)), "longer than 1 MiB")] {
        let mut stage = at_work(Mode::Ask);
        stage.told(Fact::Asked(Ask { input: input.clone(), ..ask("k", Action::McpTool) }));
        assert_eq!(decided(&stage), [("k", false)]);
        let resolved = stage.resolved()[0];
        assert_eq!(resolved.by, Decider::Policy { rule: "unshown".into() });
        assert!(resolved.reason.as_ref().unwrap().contains(why));
        assert_eq!(stage.session.view().permissions, []);
        stage.told(Fact::Asked(Ask { input, ..ruled("ruled", Effect::Allow, Risk::Low) }));
        assert_eq!(decided(&stage).last(), Some(&("ruled", true)));
    }
    let mut stage = at_work(Mode::Ask);
    stage.told(Fact::Asked(Ask { input: nested(32), ..ask("k", Action::McpTool) }));
    assert_eq!(stage.session.state(), State::WaitingApproval { count: 1 });
}

#[test]
fn what_turns_out_not_to_be_shown_is_denied_and_that_is_said() {
    let mut stage = at_work(Mode::Ask);
    stage.asks("k", Action::Command);
    stage.session.unshown(stage.now, "there is no room");
    stage.session.unshown(stage.now, "there is no room");
    stage.drain();
    assert_eq!(decided(&stage), [("k", false)]);
    assert_eq!(stage.session.state(), State::Thinking);
    let errors = stage.log.iter().filter_map(|envelope| match &envelope.event {
        Event::Error(problem) => Some(problem.message.as_str()),
        _ => None,
    });
    let errors: Vec<&str> = errors.collect();
    assert!(errors.len() == 1 && errors[0].contains("there is no room"), "{errors:?}");
}

#[test]
fn what_waited_says_who_or_what_stopped_the_turn() {
    let by = |stop: fn(&mut Stage)| {
        let mut stage = at_work(Mode::Ask);
        stage.asks("k", Action::Command);
        stop(&mut stage);
        let resolved = stage.resolved()[0];
        assert_eq!(resolved.decision, Decision::Withdrawn);
        resolved.by.clone()
    };
    let stopped = by(|stage| {
        stage.session.stop_turn(stage.now);
        stage.drain();
    });
    assert_eq!(stopped, Decider::Stop);
    assert_eq!(by(|stage| stage.prompt("b", Delivery::Now)), Decider::Stop);
    let closed = by(|stage| {
        stage.session.close(stage.now);
        stage.drain();
    });
    assert_eq!(closed, Decider::Stop);
    assert_eq!(by(|stage| stage.ends()), Decider::Agent);
    let halted = by(|stage| {
        stage.session.halt(stage.now);
        stage.drain();
    });
    assert_eq!(halted, Decider::Shutdown);
}
