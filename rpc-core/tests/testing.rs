//! The test kit itself: faults are what their seed says, recordings replay.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::testing::{
    Disturbance, FaultTransport, Faults, Peer, Recorder, Recording, Replayer, Rule, frames, matches,
};
use sixframe_core::{Config, Message, Method, Router, RpcEndpoint, StreamMethod, connect_with};

const ECHO: Method<Value, Value> = Method::new("echo");
const COUNT: StreamMethod<u64, u64> = StreamMethod::new("count");

fn router() -> Router {
    Router::new()
        .function(ECHO, |_, value| Ok::<_, sixframe_core::Fault>(value))
        .stream(COUNT, |_, upto| futures_util::stream::iter((1..=upto).map(Ok::<u64, sixframe_core::Fault>)))
}

fn message(text: &str) -> Message {
    Message::copy_from_slice(text.as_bytes())
}

async fn through(faults: Faults) -> (Vec<Option<String>>, bool) {
    let (near, mut far) = memory::pair(MemoryConfig::default());
    let mut near = FaultTransport::new(near, faults);
    let mut sent = true;
    for n in 0..20 {
        sent &= near.send(message(&format!("message {n}"))).await.is_ok();
    }
    drop(near);
    let mut got = Vec::new();
    while let Some(message) = far.next().await {
        got.push(message.ok().map(|message| String::from_utf8(message.to_vec()).unwrap()));
    }
    (got, sent)
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_faults() {
    let rules = vec![
        Rule::chance(0.2, Disturbance::Duplicate),
        Rule::chance(0.2, Disturbance::Truncate),
        Rule::chance(0.2, Disturbance::Split),
        Rule::chance(0.2, Disturbance::Delay(Duration::from_secs(1))),
    ];
    let faults = |seed| Faults { seed, sent: rules.clone(), ..Faults::default() };
    assert_eq!(through(faults(7)).await, through(faults(7)).await);
    assert_ne!(through(faults(7)).await, through(faults(8)).await);
}

#[tokio::test(start_paused = true)]
async fn a_fault_befalls_the_nth_message() {
    let faults = |disturbance| Faults { sent: vec![Rule::at(3, disturbance)], ..Faults::default() };
    let (got, sent) = through(faults(Disturbance::Duplicate)).await;
    assert_eq!((got.len(), &got[2], &got[3], sent), (21, &got[2].clone(), &got[2].clone(), true));
    let (got, sent) = through(faults(Disturbance::Cut)).await;
    assert_eq!((got.len(), sent), (2, false));
    let (got, _) = through(faults(Disturbance::Split)).await;
    assert_eq!([got[2].clone().unwrap(), got[3].clone().unwrap()].concat(), "message 2");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_direction_lets_nothing_pass_and_the_other_goes_on() {
    let (near, mut far) = memory::pair(MemoryConfig::default());
    let faults = Faults { sent: vec![Rule::at(2, Disturbance::Stall)], ..Faults::default() };
    let mut near = FaultTransport::new(near, faults);
    near.send(message("one")).await.unwrap();
    let stalled = tokio::time::timeout(Duration::from_secs(60), near.send(message("two"))).await;
    assert!(stalled.is_err());
    far.send(message("back")).await.unwrap();
    assert_eq!(near.next().await.unwrap().unwrap(), message("back"));
    assert_eq!(far.next().await.unwrap().unwrap(), message("one"));
    let silence = tokio::time::timeout(Duration::from_secs(60), far.next()).await;
    assert!(silence.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_keeps_its_place() {
    let (near, mut far) = memory::pair(MemoryConfig::default());
    let faults =
        Faults { received: vec![Rule::at(1, Disturbance::Delay(Duration::from_secs(9)))], ..Faults::default() };
    let mut near = FaultTransport::new(near, faults);
    far.send(message("one")).await.unwrap();
    far.send(message("two")).await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(near.next().await.unwrap().unwrap(), message("one"));
    assert!(start.elapsed() > Duration::ZERO && start.elapsed() <= Duration::from_secs(9));
    assert_eq!(near.next().await.unwrap().unwrap(), message("two"));
}

#[test]
fn a_pattern_fits_a_frame_that_says_more() {
    let frame = json!({"kind": "req", "cid": "1", "meta": {"a": [1, {"b": 2, "c": 3}]}});
    assert!(matches(&json!({"kind": "req", "payload": null, "meta": {"a": [1, {"b": 2}]}}), &frame));
    for other in [json!({"kind": "res"}), json!({"meta": {"a": [1]}}), json!({"cid": null}), json!({"x": 1})] {
        assert!(!matches(&other, &frame), "{other}");
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected {\"kind\":\"end\"}")]
async fn a_peer_complains_of_a_frame_that_is_not_in_the_script() {
    let (mut peer, _endpoint) = Peer::connect(router());
    peer.send(frames::call("1", "echo", json!(1))).await;
    peer.expect(json!({"kind": "end"})).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected silence")]
async fn a_peer_complains_of_a_frame_in_a_silence() {
    let (mut peer, _endpoint) = Peer::connect(router());
    peer.send(frames::call("1", "echo", json!(1))).await;
    peer.silent(Duration::from_secs(1)).await;
}

fn recorded(recorder: &Recorder) -> (Peer, RpcEndpoint) {
    Peer::connect_with(Config { on_frame: Some(recorder.tap()), ..Config::default() }, router())
}

async fn conversation(peer: &mut Peer, endpoint: &RpcEndpoint) {
    let call = endpoint.request_raw::<_, Value>("ask", json!({"token": "s3cr3t"}));
    let ask = peer.expect(frames::req("ask")).await;
    peer.send(frames::open("a", "count", json!(3), 8)).await;
    for seq in 1..=3 {
        peer.expect(json!({"kind": "nxt", "cid": "a", "seq": seq, "data": seq})).await;
    }
    peer.expect(json!({"kind": "end", "cid": "a"})).await;
    peer.send(frames::res(&ask, json!("answer"))).await;
    assert_eq!(call.await.unwrap(), "answer");
    peer.send(frames::call("b", "echo", json!([1, 2]))).await;
    peer.expect(json!({"kind": "res", "cid": "b", "result": [1, 2]})).await;
}

#[tokio::test(start_paused = true)]
async fn a_recording_replays_against_the_same_endpoint() {
    let recorder = Recorder::new(1 << 20);
    let (mut peer, endpoint) = recorded(&recorder);
    conversation(&mut peer, &endpoint).await;
    let mut lines = Vec::new();
    recorder.recording().write(&mut lines).unwrap();
    let recording = Recording::read(lines.as_slice()).unwrap();
    assert_eq!(recording.messages.len(), 9);

    let (endpoint, transport) = fresh();
    let call = endpoint.request_raw::<_, Value>("ask", json!({"token": "s3cr3t"}));
    let mut transport = transport;
    Replayer::new(recording).play(&mut transport).await.unwrap();
    assert_eq!(call.await.unwrap(), "answer");
}

#[tokio::test(start_paused = true)]
async fn a_replay_names_where_the_endpoint_differs() {
    let recorder = Recorder::new(1 << 20);
    let (mut peer, endpoint) = recorded(&recorder);
    conversation(&mut peer, &endpoint).await;
    let (endpoint, mut transport) = fresh();
    let _call = endpoint.request_raw::<_, Value>("ask", json!({"token": "other"}));
    let divergence = Replayer::new(recorder.recording()).play(&mut transport).await.unwrap_err();
    assert_eq!(divergence.index, 0);
    assert!(divergence.got.contains("other") && divergence.expected.contains("s3cr3t"), "{divergence}");
}

fn fresh() -> (RpcEndpoint, memory::MemoryTransport) {
    let (near, far) = memory::pair(MemoryConfig::default());
    let (endpoint, driver) = connect_with(Config::default(), near, router());
    tokio::spawn(driver);
    (endpoint, far)
}

#[tokio::test(start_paused = true)]
async fn a_recording_is_bounded_and_may_be_shown_when_redacted() {
    let recorder = Recorder::redacting(1 << 20);
    let (mut peer, endpoint) = recorded(&recorder);
    conversation(&mut peer, &endpoint).await;
    peer.send_raw("no JSON with s3cr3t").await;
    sixframe_core::testing::settled().await;
    let mut lines = Vec::new();
    recorder.recording().write(&mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert!(!text.contains("s3cr3t") && text.contains("\"ask\"") && text.contains("19 bytes"), "{text}");

    let small = Recorder::new(100);
    let (mut peer, endpoint) = recorded(&small);
    conversation(&mut peer, &endpoint).await;
    assert_eq!(small.recording().messages.len() as u64 + small.left_out(), 9);
    assert!(small.left_out() > 0);
}
