//! A stream whose consumer stops reading while calls go on beside it on the same connection.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::stream::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::memory;
use crate::payload::{Load, User};
use crate::peer::Peer;

/// What a stall did to its surroundings.
#[derive(Clone, Serialize, Deserialize)]
pub struct Stalled {
    /// 99th percentile of calls before the stream was opened, in microseconds.
    pub calm_p99: f64,
    /// The same during the stall; absent where a call got no answer until the stall was over.
    pub stalled_p99: Option<f64>,
    /// Growth of resident memory at the end of the stall, in bytes.
    pub server_growth: u64,
    pub client_growth: u64,
    pub sent: u64,
    /// Items that arrived after the consumer went on reading.
    pub arrived: u64,
    /// How the stream failed, if it did.
    pub lost: Option<String>,
}

pub async fn run<P: Peer>(peer: &P, user: &User, items: u64, stall: Duration, server: u32) -> Result<Stalled> {
    peer.drain(1000).await?;
    let calm_p99 = calls(peer, user, stall / 4).await?.context("no answer on a calm connection")?;
    let (server_before, client_before) = (memory::resident(server)?, memory::resident(std::process::id())?);
    let mut stream = peer.items(items).await?;
    let mut arrived = u64::from(stream.try_next().await?.is_some());
    let stalled_p99 = calls(peer, user, stall).await?;
    let server_growth = memory::resident(server)?.saturating_sub(server_before);
    let client_growth = memory::resident(std::process::id())?.saturating_sub(client_before);
    let mut lost = None;
    loop {
        match stream.try_next().await {
            Ok(Some(_)) => arrived += 1,
            Ok(None) => break,
            Err(error) => {
                lost = Some(format!("{error:#}"));
                break;
            }
        }
    }
    Ok(Stalled { calm_p99, stalled_p99, server_growth, client_growth, sent: items, arrived, lost })
}

/// Calls one after another for `span`; `None` if one of them had no answer by then.
async fn calls<P: Peer>(peer: &P, user: &User, span: Duration) -> Result<Option<f64>> {
    let (mut laps, start) = (Vec::new(), Instant::now());
    while let Some(left) = span.checked_sub(start.elapsed()) {
        let called = Instant::now();
        match tokio::time::timeout(left.max(Duration::from_millis(20)), peer.call(Load::One(user))).await {
            Ok(answer) => answer?,
            Err(_) => return Ok(None),
        };
        laps.push(called.elapsed().as_secs_f64() * 1e6);
    }
    laps.sort_unstable_by(f64::total_cmp);
    Ok(laps.get(laps.len().saturating_sub(1) * 99 / 100).copied())
}
