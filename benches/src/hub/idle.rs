//! What a subscriber costs that has nothing to do: in the hub alone, and as a stream of a connection.

use std::pin::Pin;
use std::task::{Context, Waker};

use anyhow::Result;
use futures_util::Stream;
use serde_json::json;
use sixframe_core::testing::joined;
use sixframe_core::{Router, RpcEndpoint};
use sixframe_hub::{Watch, WatchParams, router};

use super::hub;
use crate::memory::resident;

const ALONE: usize = 50_000;
const CONNECTIONS: usize = 100;
const STREAMS: usize = 200;

pub(super) fn run() -> Result<()> {
    println!("| an idle subscriber | bytes of memory |\n|---|---:|");
    println!("| in the hub alone | {} |", alone()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    println!("| with its stream on a connection, both ends in this process | {} |\n", runtime.block_on(streams())?);
    Ok(())
}

fn params(n: usize) -> WatchParams {
    let path = format!("/items/item{}", n % 100).parse().expect("a pointer");
    WatchParams { paths: Some(vec![path]), ..WatchParams::default() }
}

fn alone() -> Result<u64> {
    let hub = hub();
    let mut watches: Vec<Pin<Box<Watch>>> = Vec::with_capacity(ALONE);
    let before = resident(std::process::id())?;
    for n in 0..ALONE {
        let mut watch = Box::pin(hub.watch(params(n)));
        // The first item is the state; behind it, the subscriber waits.
        for _ in 0..2 {
            drop(watch.as_mut().poll_next(&mut Context::from_waker(Waker::noop())));
        }
        watches.push(watch);
    }
    Ok((resident(std::process::id())? - before) / ALONE as u64)
}

async fn streams() -> Result<u64> {
    let hub = hub();
    let peers: Vec<(RpcEndpoint, RpcEndpoint)> =
        (0..CONNECTIONS).map(|_| joined(router(&hub), Router::new())).collect();
    for (_, peer) in &peers {
        peer.request_raw::<_, serde::de::IgnoredAny>("rpc.ping", json!(null)).await?;
    }
    let before = resident(std::process::id())?;
    let mut streams = Vec::with_capacity(CONNECTIONS * STREAMS);
    for (_, peer) in &peers {
        for n in 0..STREAMS {
            let mut items = peer.stream_raw::<_, serde::de::IgnoredAny>("hub.watch", serde_json::to_value(params(n))?);
            items.next().await.transpose()?;
            streams.push(items);
        }
    }
    let after = resident(std::process::id())?;
    Ok((after - before) / streams.len() as u64)
}
