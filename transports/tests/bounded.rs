//! Endpoints of which one's peer takes no long messages.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use sixframe_core::memory::{self, MemoryConfig};
use sixframe_core::{
    CallError, Code, Config, Context, Fault, Method, Router, RpcEndpoint, StreamMethod, UploadMethod, Upstream,
    connect_with,
};
use sixframe_transports::Bounded;
use tokio::sync::Notify;

const LONGEST: usize = 1000;
const LONG: usize = 2000;

const TEXT: Method<usize, String> = Method::new("text");
const LENGTH: Method<String, usize> = Method::new("length");
const TEXTS: StreamMethod<Vec<usize>, String> = StreamMethod::new("texts");
const JOIN: UploadMethod<(), String, String> = UploadMethod::new("join");

/// Says when it is dropped.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The endpoint whose messages are bounded, its peer, and the end of the bounded one's stream.
fn pair() -> (RpcEndpoint, RpcEndpoint, Arc<Notify>) {
    let ended = Arc::new(Notify::new());
    let told = Arc::clone(&ended);
    let service = Router::new().function(TEXT, |_, length| Ok::<_, Fault>("x".repeat(length))).stream(
        TEXTS,
        move |_, lengths: Vec<usize>| {
            let ended = Ended(Arc::clone(&told));
            let texts = stream::iter(lengths).map(move |length| {
                let _still = &ended;
                Ok::<_, Fault>("x".repeat(length))
            });
            texts.chain(stream::pending())
        },
    );
    let theirs = Router::new().function(LENGTH, |_, text: String| Ok::<_, Fault>(text.len())).upload(
        JOIN,
        async |_: Context, (): (), mut items: Upstream<String>| {
            let mut joined = String::new();
            while let Some(item) = items.next().await {
                joined += &item?;
            }
            Ok::<_, Fault>(joined)
        },
    );
    let (near, far) = memory::pair(MemoryConfig::default());
    let (bounded, driver) =
        connect_with(Config::default(), Bounded::new(near, LONGEST, "the test takes no more"), service);
    tokio::spawn(driver);
    let (peer, driver) = connect_with(Config::default(), far, theirs);
    tokio::spawn(driver);
    (bounded, peer, ended)
}

fn assert_told(error: &CallError) {
    assert_eq!(error.code(), Code::RESOURCE_EXHAUSTED, "{error}");
    let fault = Fault::from(error.clone());
    assert!(fault.message.contains("the test takes no more, at most 1000 bytes"), "{fault}");
    assert_eq!(fault.details.unwrap()["value"], json!(LONGEST));
}

#[tokio::test]
async fn an_answer_that_is_too_long_fails_its_call_alone() {
    let (_bounded, peer, _) = pair();
    assert_told(&peer.request(&TEXT, LONG).await.unwrap_err());
    assert_eq!(peer.request(&TEXT, 3).await.unwrap(), "xxx");
}

#[tokio::test]
async fn an_item_that_is_too_long_ends_its_stream_on_both_sides() {
    let (_bounded, peer, ended) = pair();
    let mut items = peer.stream(&TEXTS, vec![1, LONG, 1]);
    assert_eq!(items.next().await.unwrap().unwrap().data, "x");
    assert_told(&items.next().await.unwrap().unwrap_err());
    assert!(items.next().await.is_none());
    ended.notified().await;
    assert_eq!(peer.request(&TEXT, 3).await.unwrap(), "xxx");
}

#[tokio::test]
async fn a_request_that_is_too_long_fails_where_it_was_made() {
    let (bounded, _peer, _) = pair();
    assert_told(&bounded.request(&LENGTH, "x".repeat(LONG)).await.unwrap_err());
    assert_eq!(bounded.request(&LENGTH, "xx".to_owned()).await.unwrap(), 2);
    let raw = bounded.request_raw::<_, Value>("length", "x".repeat(LONG)).await.unwrap_err();
    assert_told(&raw);
}

#[tokio::test]
async fn an_upload_of_which_an_item_is_too_long_fails_where_it_was_made() {
    let (bounded, _peer, _) = pair();
    let mut upload = bounded.upload(&JOIN, ());
    upload.send(&"x".to_owned()).await.unwrap();
    // Whether the failure is told by this call or by the next does not matter.
    let _ = upload.send(&"x".repeat(LONG)).await;
    assert_told(&upload.finish().await.unwrap_err());
}
