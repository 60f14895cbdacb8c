//! What a session holds stays bounded and is given back, whatever the peer sends. Found by fuzzing, or while looking for what
//! the fuzzer could find.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use sixframe_core::frame::{self, Frame, MalformedReason};
use sixframe_core::session::{
    Budget, CallKey, CallSpec, Event, Items, Outcome, RequestKey, Session, SessionConfig, Taken,
};
use sixframe_core::{CallError, Closed, Fault, Item, Lag, Limits, Message, Payload, Shape};

type Plain = Session<u8, ()>;

fn session(limits: Limits) -> Plain {
    Session::new(Arc::new(SessionConfig { limits, reconnects: true, ..SessionConfig::default() }))
}

fn hear(session: &mut Plain, text: impl Into<Bytes>) {
    let message = text.into();
    session.receive(0, &message, &frame::decode(&message, 64).unwrap());
}

fn request(cid: &str, meta: &str, payload: usize) -> String {
    let payload = "p".repeat(payload);
    format!("{{\"kind\":\"req\",\"cid\":\"{cid}\",\"method\":\"m\",\"meta\":{{{meta}}},\"payload\":\"{payload}\"}}")
}

fn started(session: &mut Plain) -> Option<RequestKey> {
    while let Some(event) = session.poll_event() {
        if let Event::Request(incoming) = event {
            return Some(incoming.key);
        }
    }
    None
}

fn fault_sent(session: &mut Plain) -> Option<Fault> {
    std::iter::from_fn(|| session.poll_message(0)).find_map(|message| match frame::decode(&message, 64) {
        Ok(Frame::Err { fault, .. }) => Some(fault),
        Ok(_) | Err(_) => None,
    })
}

fn code_sent(session: &mut Plain) -> Option<String> {
    fault_sent(session).map(|fault| fault.code.into_owned())
}

fn cid_of(session: &mut Plain) -> String {
    let message = session.poll_message(0).unwrap();
    match frame::decode(&message, 64) {
        Ok(Frame::Req(req)) => req.cid.into_owned(),
        other => panic!("{other:?} is no request"),
    }
}

fn stream(session: &mut Plain, on_lag: Option<Lag>) -> (CallKey, String) {
    let spec = CallSpec { method: "m", shape: Shape::Stream, on_lag, window: Some(4000), ..CallSpec::default() };
    let key = session.call(0, &spec).unwrap();
    (key, cid_of(session))
}

#[test]
fn the_fast_path_counts_the_depth_of_meta_and_credit() {
    for (depth, text) in [
        (1, r#"{"kind":"nxt","cid":"1","fc":{"upto":1}}"#),
        (1, r#"{"kind":"req","cid":"1","method":"m","meta":{}}"#),
        (2, r#"{"kind":"req","cid":"1","method":"m","meta":{"fc":{"upto":1}}}"#),
        (2, r#"{"kind":"req","cid":"1","method":"m","meta":{"up":{}}}"#),
        (2, r#"{"kind":"req","cid":"1","method":"m","meta":{"resume":{"epoch":"e","after":1}}}"#),
    ] {
        let malformed = frame::decode(text.as_bytes(), depth).unwrap_err();
        assert_eq!(malformed.reason, MalformedReason::Depth, "{text}");
        assert!(frame::decode(text.as_bytes(), depth + 1).is_ok(), "{text}");
    }
}

#[test]
fn times_beyond_every_clock_are_sent_as_the_longest_that_a_peer_can_read() {
    let mut session = session(Limits::default());
    let most = Some(u64::MAX);
    let spec = CallSpec { method: "m", shape: Shape::Stream, timeout_ms: most, idle_ms: most, ..CallSpec::default() };
    session.call(1000, &spec).unwrap();
    let message = session.poll_message(1000).unwrap();
    let Ok(Frame::Req(req)) = frame::decode(&message, 64) else { panic!("the peer cannot read it") };
    assert_eq!((req.meta.timeout_ms, req.meta.idle_ms), (Some((1 << 53) - 1), Some((1 << 53) - 1)));
}

#[test]
fn requests_that_waited_leave_no_bytes_to_the_next_connection() {
    let mut session = session(Limits::default());
    hear(&mut session, request("1", "\"lane\":\"x\"", 1000));
    hear(&mut session, request("2", "\"lane\":\"x\"", 1000));
    assert!(session.inbound_bytes() > 1000, "the second waits for its lane");
    session.disconnect(0, Closed::new("cut"));
    assert_eq!(session.inbound_bytes(), 0);
}

#[test]
fn nothing_is_queued_for_a_connection_that_has_ended() {
    let mut session = session(Limits::default());
    session.give_up(0, Closed::new("cut"));
    session.ping();
    assert_eq!(session.queued_bytes(), 0);
    assert!(!session.has_messages());
}

#[test]
fn what_a_peer_says_it_skipped_adds_up_without_overflow() {
    let mut session = session(Limits { stream_items: 1, ..Limits::default() });
    let (key, cid) = stream(&mut session, Some(Lag::DropOldest));
    for seq in 1..3000 {
        let skipped = (1u64 << 53) - 1;
        hear(
            &mut session,
            format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"seq\":{seq},\"skipped\":{skipped},\"data\":1}}"),
        );
    }
    let mut items = Items::new();
    assert_eq!(session.take_items(0, key, &mut items, || 0), Taken::Items);
    assert_eq!(items[0].skipped, u64::MAX);
}

#[test]
fn an_item_counts_with_all_of_the_message_that_it_keeps() {
    let mut session = session(Limits { stream_bytes: 10_000, ..Limits::default() });
    let (key, cid) = stream(&mut session, None);
    let (padding, data) = ("x".repeat(20_000), "d".repeat(5000));
    hear(
        &mut session,
        format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"seq\":1,\"fc\":1,\"x\":\"{padding}\",\"data\":\"{data}\"}}"),
    );
    let ended = session.take_items(0, key, &mut Items::new(), || 0);
    assert!(matches!(ended, Taken::Ended(Outcome::Failed(CallError::SlowConsumer { .. }))), "{ended:?}");
}

#[test]
fn requests_behind_a_busy_lane_are_bounded_in_bytes() {
    let mut session = session(Limits { hard_bytes: 10_000, soft_bytes: 5000, ..Limits::default() });
    for cid in 1..20 {
        hear(&mut session, request(&cid.to_string(), "\"lane\":\"x\"", 2000));
    }
    assert!(session.inbound_bytes() < 14_000, "{} bytes wait", session.inbound_bytes());
    assert_eq!(code_sent(&mut session).as_deref(), Some("RESOURCE_EXHAUSTED"));
}

#[test]
fn all_consumers_of_a_connection_together_are_bounded_in_bytes() {
    let mut session = session(Limits { hard_bytes: 10_000, soft_bytes: 5000, ..Limits::default() });
    for cid in 1..20 {
        hear(&mut session, request(&cid.to_string(), "\"up\":{}", 1));
        let key = started(&mut session).unwrap();
        assert!(session.accept_upstream(0, key));
        let data = "d".repeat(2000);
        hear(
            &mut session,
            format!("{{\"kind\":\"nxt\",\"cid\":\"{cid}\",\"dir\":\"up\",\"seq\":1,\"data\":\"{data}\"}}"),
        );
    }
    assert!(session.inbound_bytes() <= 10_000, "{} bytes wait", session.inbound_bytes());
    assert_eq!(code_sent(&mut session).as_deref(), Some("SLOW_CONSUMER"));
}

#[test]
fn a_source_that_was_held_back_by_another_connection_is_woken() {
    let budget = Budget::new(2000);
    let config = SessionConfig { budget: Some(budget), ..SessionConfig::default() };
    let limits = Limits { soft_bytes: 1600, ..Limits::default() };
    let config = Arc::new(SessionConfig { limits, ..config });
    let (mut session, mut other) = (Plain::new(config.clone()), Plain::new(config));
    hear(&mut session, request("1", "", 1));
    let key = started(&mut session).unwrap();
    assert!(session.start_stream(0, key, Lag::Block));
    let item = |length: usize| Item::from(Payload::of(&"i".repeat(length)).unwrap());
    session.push_items(0, key, [item(200)]);

    let spec = CallSpec { method: "m", payload: &[b'1'; 3000], ..CallSpec::default() };
    let call = other.call(0, &spec).unwrap();
    assert_eq!(session.stream_room(key, || 7), Some(0), "the process holds too much");
    other.cancel(0, call, None);
    assert!(session.poll_message(0).is_some());
    assert_eq!(session.poll_event(), Some(Event::Wake(7)));
}

#[test]
fn a_stream_with_one_credit_left_counts_one_item_as_ready() {
    let limits = Limits { soft_bytes: 2000, ..Limits::default() };
    for (lag, items) in [(Lag::DropOldest, 50), (Lag::Close, 50)] {
        let mut session = session(limits.clone());
        hear(&mut session, request("1", "\"fc\":{\"upto\":1}", 1));
        let key = started(&mut session).unwrap();
        assert!(session.start_stream(0, key, lag));
        let item = || Item::from(Payload::of(&"i".repeat(1000)).unwrap());
        session.push_items(0, key, (0..items).map(|_| item()));
        hear(&mut session, request("2", "", 1));
        assert!(started(&mut session).is_some(), "what waits for credit under {lag:?} holds nobody up");
        assert!(session.queued_bytes() > 50_000, "all of it is counted");
    }
}

#[test]
fn items_beyond_what_the_consumer_lets_its_producer_send_ahead_are_not_ready() {
    let mut session = session(Limits { soft_bytes: 4000, ..Limits::default() });
    hear(&mut session, request("1", "\"fc\":{\"upto\":100,\"bytes\":1500}", 1));
    let key = started(&mut session).unwrap();
    assert!(session.start_stream(0, key, Lag::DropOldest));
    let item = || Item::from(Payload::of(&"i".repeat(1000)).unwrap());
    session.push_items(0, key, (0..10).map(|_| item()));
    hear(&mut session, request("2", "", 1));
    assert!(started(&mut session).is_some(), "two items may go, eight wait for an acknowledgement");
    hear(&mut session, r#"{"kind":"nxt","cid":"1","dir":"up","fc":{"upto":101}}"#);
    let sent: Vec<Message> = std::iter::from_fn(|| session.poll_message(0)).collect();
    assert_eq!(sent.len(), 2);
    hear(&mut session, r#"{"kind":"nxt","cid":"1","dir":"up","fc":{"upto":101,"ack":2}}"#);
    assert_eq!(std::iter::from_fn(|| session.poll_message(0)).count(), 2);
}

/// Connections that share `budget`, each with 64 KiB for itself.
fn sharing(budget: &Arc<Budget>) -> Plain {
    let limits = Limits { hard_bytes: 64 << 10, soft_bytes: 16 << 10, ..Limits::default() };
    Session::new(Arc::new(SessionConfig { limits, budget: Some(budget.clone()), ..SessionConfig::default() }))
}

/// A stream whose consumer has given credit for one item and gives no more.
fn starved(session: &mut Plain, lag: Lag) -> RequestKey {
    hear(session, request("1", "\"fc\":{\"upto\":1}", 1));
    let key = started(session).unwrap();
    assert!(session.start_stream(0, key, lag));
    key
}

fn kilobytes(count: usize) -> impl Iterator<Item = Item<Payload>> {
    (0..count).map(|_| Item::from(Payload::of(&"i".repeat(1000)).unwrap()))
}

#[test]
fn what_waits_for_credit_counts_against_the_budget_and_gives_way_when_that_is_exceeded() {
    let budget = Budget::new(40_000);
    let mut sessions: Vec<Plain> = (0..20).map(|_| sharing(&budget)).collect();
    let keys: Vec<RequestKey> = sessions.iter_mut().map(|session| starved(session, Lag::DropOldest)).collect();
    for _ in 0..3 {
        for (session, key) in sessions.iter_mut().zip(&keys) {
            assert!(session.push_items(0, *key, kilobytes(30)), "old items are dropped for new ones");
        }
    }
    let held: usize = sessions.iter().map(Session::held_bytes).sum();
    assert_eq!(budget.used(), held);
    assert!(held <= 40_000 + 20 * 4096, "{held} bytes are held");

    let mut late = sharing(&budget);
    let key = starved(&mut late, Lag::Close);
    assert!(!late.push_items(0, key, kilobytes(10)), "a stream that drops nothing ends");
    let fault = fault_sent(&mut late).unwrap();
    let details = fault.details.unwrap();
    assert_eq!((&*fault.code, &details["setting"]), ("SLOW_CONSUMER", &"limits.process_bytes".into()));
    assert_eq!(details["value"], 40_000);

    drop(sessions);
    assert_eq!(budget.used(), late.held_bytes());
    let key = starved(&mut late, Lag::Close);
    assert!(late.push_items(0, key, kilobytes(10)), "the memory is there again");
}

#[test]
fn what_was_received_and_not_taken_counts_against_the_budget() {
    let budget = Budget::new(40_000);
    let mut sessions: Vec<Plain> = (0..20).map(|_| sharing(&budget)).collect();
    let mut calls: Vec<_> = sessions.iter_mut().map(|session| stream(session, None)).collect();
    let data = "d".repeat(3000);
    for seq in 1..10 {
        for (session, (_, cid)) in sessions.iter_mut().zip(&calls) {
            hear(session, format!(r#"{{"kind":"nxt","cid":"{cid}","seq":{seq},"fc":1,"data":"{data}"}}"#));
        }
    }
    let held: usize = sessions.iter().map(Session::held_bytes).sum();
    assert_eq!(budget.used(), held);
    assert!(held <= 40_000 + 20 * 4096, "{held} bytes are held");

    let (key, cid) = calls.pop().unwrap();
    let mut last = sessions.pop().unwrap();
    let mut items = Items::new();
    assert_eq!(last.take_items(0, key, &mut items, || 0), Taken::Items, "one item always fits ({cid})");
    assert_eq!(items.len(), 1);
    let Taken::Ended(Outcome::Failed(CallError::SlowConsumer { setting, .. })) =
        last.take_items(0, key, &mut items, || 0)
    else {
        panic!("the second was one too many");
    };
    assert_eq!(setting, "limits.process_bytes");
}

#[test]
fn a_stream_whose_consumer_gives_credit_does_not_pay_for_one_whose_consumer_gives_none() {
    for (lag, credit) in [(Lag::Close, "\"fc\":{\"upto\":100}"), (Lag::Close, ""), (Lag::Block, "")] {
        let mut session = session(Limits { hard_bytes: 64 << 10, soft_bytes: 16 << 10, ..Limits::default() });
        let idle = starved(&mut session, Lag::DropOldest);
        session.push_items(0, idle, kilobytes(100));
        hear(&mut session, request("2", credit, 1));
        let key = started(&mut session).unwrap();
        session.start_stream(0, key, lag);
        for _ in 0..10 {
            assert!(session.push_items(0, key, kilobytes(3)), "{lag:?} with {credit:?} is taken as it comes");
            while session.poll_message(0).is_some() {}
        }
    }
}

#[test]
fn items_that_may_be_sent_are_not_dropped_for_those_that_wait_elsewhere() {
    let mut session = session(Limits { hard_bytes: 64 << 10, soft_bytes: 16 << 10, ..Limits::default() });
    let idle = starved(&mut session, Lag::DropOldest);
    session.push_items(0, idle, kilobytes(100));
    hear(&mut session, request("2", "\"fc\":{\"upto\":100}", 1));
    let key = started(&mut session).unwrap();
    session.start_stream(0, key, Lag::DropOldest);
    session.push_items(0, key, kilobytes(5));
    let sent = std::iter::from_fn(|| session.poll_message(0)).filter(|message| message.len() > 1000).count();
    assert_eq!(sent, 1 + 5);
}

#[test]
fn a_connection_is_not_closed_for_what_others_held_a_while_ago() {
    let budget = Budget::new(10_000);
    let (mut session, mut other) = (sharing(&budget), sharing(&budget));
    hear(&mut session, request("1", "", 1));
    let key = started(&mut session).unwrap();
    session.start_stream(0, key, Lag::Block);
    let spec = CallSpec { method: "m", payload: &[b'1'; 20_000], ..CallSpec::default() };
    let call = other.call(0, &spec).unwrap();
    assert!(session.push_items(0, key, kilobytes(1)));
    other.cancel(0, call, None);
    session.advance(60_000);
    let closed = std::iter::from_fn(|| session.poll_event()).find(|event| matches!(event, Event::Close(_)));
    assert_eq!(closed, None, "1 KB is queued, of 16 KiB that may be");
}

// proves: bytes.3
#[test]
fn requests_that_waited_for_the_peer_do_not_all_start_when_it_takes_something() {
    let mut session = session(Limits { hard_bytes: 64 << 10, soft_bytes: 16 << 10, ..Limits::default() });
    let (answer, mut most) = (format!("\"{}\"", "a".repeat(10_000)), 0);
    let mut answer_what_started = |session: &mut Plain| {
        let mut events = VecDeque::new();
        session.swap_events(&mut events);
        for event in events {
            let Event::Request(incoming) = event else { panic!("{event:?} with {} bytes", session.queued_bytes()) };
            session.reply(0, incoming.key, Ok(answer.as_bytes()));
            most = most.max(session.queued_bytes());
        }
    };
    for cid in 1..=200 {
        hear(&mut session, request(&cid.to_string(), "", 1));
        answer_what_started(&mut session);
    }
    let mut answered = 0;
    while answered < 200 {
        answered += usize::from(session.poll_message(0).is_some());
        answer_what_started(&mut session);
    }
    assert!(most < (16 << 10) + 3 * 10_100, "{most} bytes were queued");
}
