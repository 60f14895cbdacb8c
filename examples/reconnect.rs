//! A connection that breaks again and again, and a stream that goes on where it stopped: no item is lost, none comes twice.
//!
//!     cargo run --example reconnect

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::{StreamExt as _, stream};
use sixframe::transports::memory::{self, MemoryTransport};
use sixframe::{
    Backoff, Config, Connecting, Context, Fault, Identity, Item, Router, Service, StreamMethod, connect, reconnecting,
};

/// Losing the stream stops nothing, and its items say where they stand: hence it may be resumed.
const LOG: StreamMethod<(), u64> =
    StreamMethod::new("demo.log").doc("The entries of a log, from the first.").resumable();

const EPOCH: &str = "the only life of this log";
const ENTRIES: u64 = 200;

fn log(context: &Context) -> impl futures_util::Stream<Item = Result<Item<u64>, Fault>> + Send + use<> {
    let after = context.resume().filter(|(epoch, _)| *epoch == EPOCH).map_or(0, |(_, after)| after);
    let entries = stream::iter(after + 1..=ENTRIES).map(|entry| Ok(Item::at(entry, entry, EPOCH)));
    entries.then(|item| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        item
    })
}

/// Serves one connection, and breaks it after a moment.
fn unreliable(service: Arc<dyn Service>, connections: &AtomicU32) -> MemoryTransport {
    connections.fetch_add(1, Ordering::Relaxed);
    let (ours, theirs) = memory::pair(Default::default());
    let (_server, serving) = connect(theirs, service);
    tokio::spawn(tokio::time::timeout(Duration::from_millis(60), serving));
    ours
}

#[tokio::main]
async fn main() -> Result<()> {
    let service = Router::new().stream(LOG, |context, ()| log(&context)).into_service();
    let connections = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&connections);
    let connector = move || -> Connecting<MemoryTransport> {
        let transport = unreliable(Arc::clone(&service), &counted);
        Box::pin(async move { Ok((transport, Identity::default())) })
    };
    let backoff = Backoff { first: Duration::from_millis(5), longest: Duration::from_millis(50) };
    let (client, driver) = reconnecting(Config { backoff, ..Config::default() }, connector, Router::new());
    tokio::spawn(driver);

    let mut items = client.stream(&LOG, ());
    for entry in 1..=ENTRIES {
        let item = items.next().await.transpose()?;
        ensure!(item.as_ref().is_some_and(|item| item.data == entry && !item.reset), "{entry}: {item:?}");
    }
    println!("{ENTRIES} entries came in order over {} connections", connections.load(Ordering::Relaxed));
    Ok(())
}
