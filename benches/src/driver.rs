//! The client's process: takes orders from the parent as JSON lines, loads one contender, and answers with figures.

use std::io::{BufRead, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::stream::{FuturesUnordered, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::memory;
use crate::payload::{Load, Payloads};
use crate::peer::{Address, Peer, Quota, Socket};
use crate::process::{self, Server};
use crate::stall::{self, Stalled};
use crate::workload::Workload;

/// No single order may take longer, nor a count; what hangs is reported instead.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the parent asks for.
#[derive(Serialize, Deserialize)]
pub enum Order {
    Sample { workload: Workload, millis: u64 },
    Stall { items: u64, millis: u64, server: u32 },
    Idle { connections: u64, server: u32 },
}

/// What the driver found. Times are in microseconds.
#[derive(Clone, Serialize, Deserialize)]
pub enum Finding {
    Times {
        p50: f64,
        p99: f64,
    },
    Rate(f64),
    Stalled(Stalled),
    /// Bytes of the server's resident memory per connection.
    Bytes(f64),
    Failed(String),
}

/// Obeys orders from standard input until it is closed.
pub fn drive<P: Peer>(address: Address) -> Result<()> {
    memory::raise_open_files()?;
    let runtime = runtime()?;
    let mut driver = Driver::<P> { payloads: Payloads::new()?, address, crowd: Vec::new(), item_rate: 100_000.0 };
    for line in std::io::stdin().lock().lines() {
        let order = serde_json::from_str(&line?)?;
        let finding = runtime.block_on(async {
            match tokio::time::timeout(PATIENCE, driver.obey(order)).await {
                Ok(Ok(finding)) => finding,
                Ok(Err(error)) => Finding::Failed(format!("{error:#}")),
                Err(_) => Finding::Failed(format!("no result in {} s", PATIENCE.as_secs())),
            }
        });
        let mut stdout = std::io::stdout().lock();
        serde_json::to_writer(&mut stdout, &finding)?;
        stdout.write_all(b"\n")?;
        stdout.flush()?;
    }
    Ok(())
}

/// Runs both ends in this process and thread for `count` iterations, for an instruction counter around it.
///
/// Its clock stands still. A stream has turns that end when the clock moves, so that a slow machine, or the counter, which
/// is slower still, would make more of them.
pub fn iterate<P: Peer>(workload: Workload, count: u64) -> Result<()> {
    let folder = process::private_folder()?;
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    // A clock that is paused leaps to the next timer when a thread waits for a socket, but not beside work that blocks. As no
    // timer fires, that is the one to end what hangs.
    let (over, is_over) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || {
        if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{workload} with {count} iterations hangs");
            std::process::exit(1);
        }
    });
    runtime.block_on(async {
        let _over = over;
        let (announce, announced) = tokio::sync::oneshot::channel();
        // Nobody waits for the address only where the client has failed already.
        let socket = Socket::new(folder.path(), |address| drop(announce.send(address)));
        let client = async {
            let peer = P::connect(&announced.await?).await?;
            let payloads = Payloads::new()?;
            match workload {
                Workload::Stream => peer.drain(count).await,
                Workload::Pipelined => peer.keep(64, Load::One(&payloads.one), &Quota::of(count)).await,
                Workload::PipelinedOpaque => peer.keep(64, Load::Opaque(&payloads.opaque), &Quota::of(count)).await,
                other => bail!("instructions are counted for pipelined, pipelined-opaque and stream, not for {other}"),
            }
        };
        tokio::select! {
            served = P::serve(socket, None) => served.and_then(|()| bail!("the server ended early")),
            done = client => { ensure!(done? == count, "not every iteration was answered"); Ok(()) }
        }
    })
}

pub fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

struct Driver<P> {
    payloads: Payloads,
    address: Address,
    crowd: Vec<P>,
    /// Items a second of the last stream, by which the next one's length is chosen.
    item_rate: f64,
}

impl<P: Peer> Driver<P> {
    async fn obey(&mut self, order: Order) -> Result<Finding> {
        match order {
            Order::Sample { workload, millis } => self.sample(workload, Duration::from_millis(millis)).await,
            Order::Stall { items, millis, server } => {
                self.grow(1).await?;
                let stall = Duration::from_millis(millis);
                Ok(Finding::Stalled(stall::run(&self.crowd[0], &self.payloads.one, items, stall, server).await?))
            }
            Order::Idle { connections, server } => self.idle(connections, server).await,
        }
    }

    async fn sample(&mut self, workload: Workload, span: Duration) -> Result<Finding> {
        self.grow(if workload == Workload::Crowd { 100 } else { 1 }).await?;
        match workload {
            Workload::PingPong => self.ping_pong(Load::One(&self.payloads.one), span).await,
            Workload::Kib16 => self.ping_pong(Load::Many(&self.payloads.kib16), span).await,
            Workload::Mib1 => self.ping_pong(Load::Many(&self.payloads.mib1), span).await,
            Workload::Kib16Opaque => self.ping_pong(Load::Opaque(&self.payloads.opaque_kib16), span).await,
            Workload::Mib1Opaque => self.ping_pong(Load::Opaque(&self.payloads.opaque_mib1), span).await,
            Workload::Pipelined => rate(&self.crowd[..1], 64, Load::One(&self.payloads.one), span).await,
            Workload::PipelinedOpaque => rate(&self.crowd[..1], 64, Load::Opaque(&self.payloads.opaque), span).await,
            Workload::Crowd => rate(&self.crowd, 8, Load::One(&self.payloads.one), span).await,
            Workload::Stream => self.stream(span).await,
            Workload::ColdStart => self.cold_start(span).await,
            Workload::Stall | Workload::Idle => bail!("{workload} is not sampled in rounds"),
        }
    }

    /// Opens connections until there are `count`; each proves itself by one echo.
    async fn grow(&mut self, count: usize) -> Result<()> {
        while self.crowd.len() < count {
            self.crowd.push(first_echo(&self.address, Load::One(&self.payloads.one)).await?);
        }
        Ok(())
    }

    async fn ping_pong(&self, load: Load<'_>, span: Duration) -> Result<Finding> {
        let peer = &self.crowd[0];
        ensure!(peer.call(load).await?.echoes(load), "the answer is not what was sent");
        let (mut laps, start) = (Vec::with_capacity(1 << 14), Instant::now());
        let mut last = start;
        while last - start < span || laps.len() < 3 {
            peer.call(load).await?;
            let now = Instant::now();
            laps.push(now - last);
            last = now;
        }
        Ok(percentiles(laps))
    }

    async fn stream(&mut self, span: Duration) -> Result<Finding> {
        let count = (self.item_rate * span.as_secs_f64()).ceil().max(100.0) as u64;
        let start = Instant::now();
        let arrived = self.crowd[0].drain(count).await?;
        ensure!(arrived == count, "{arrived} of {count} items arrived");
        self.item_rate = count as f64 / start.elapsed().as_secs_f64();
        Ok(Finding::Rate(self.item_rate))
    }

    async fn cold_start(&self, span: Duration) -> Result<Finding> {
        let (mut laps, start) = (Vec::new(), Instant::now());
        while start.elapsed() < span || laps.len() < 3 {
            let spawned = Instant::now();
            let server = Server::start(P::NAME, P::UPSTREAM)?;
            first_echo::<P>(server.address(), Load::One(&self.payloads.one)).await?;
            laps.push(spawned.elapsed());
        }
        Ok(percentiles(laps))
    }

    async fn idle(&mut self, connections: u64, server: u32) -> Result<Finding> {
        self.grow(50).await?;
        let before = memory::resident(server)?;
        self.grow(50 + connections as usize).await?;
        let grown = memory::resident(server)?.saturating_sub(before);
        self.crowd.clear();
        Ok(Finding::Bytes(grown as f64 / connections as f64))
    }
}

async fn first_echo<P: Peer>(address: &Address, load: Load<'_>) -> Result<P> {
    let peer = P::connect(address).await.context("connecting")?;
    ensure!(peer.call(load).await?.echoes(load), "the answer is not what was sent");
    Ok(peer)
}

async fn rate<P: Peer>(peers: &[P], depth: usize, load: Load<'_>, span: Duration) -> Result<Finding> {
    let (quota, start) = (Quota::endless(), Instant::now());
    let lanes: FuturesUnordered<_> = peers.iter().map(|peer| peer.keep(depth, load, &quota)).collect();
    let clock = async {
        tokio::time::sleep(span).await;
        quota.close();
    };
    let ((), answered) = tokio::join!(clock, lanes.try_fold(0, async |sum, lane| Ok(sum + lane)));
    Ok(Finding::Rate(answered? as f64 / start.elapsed().as_secs_f64()))
}

fn percentiles(mut laps: Vec<Duration>) -> Finding {
    laps.sort_unstable();
    let at = |part: f64| laps[((laps.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
    Finding::Times { p50: at(0.5), p99: at(0.99) }
}
