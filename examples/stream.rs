//! A stream under flow control: the producer runs only as far ahead as its consumer allows, and stops when the consumer
//! does.
//!
//!     cargo run --example stream

#![allow(clippy::print_stdout, reason = "an example prints what it shows")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures_util::stream;
use sixframe::transports::memory;
use sixframe::{Config, Fault, Router, StreamMethod, connect, connect_with};

const NUMBERS: StreamMethod<(), u64> = StreamMethod::new("demo.numbers").doc("Counts without end.");

/// Says when the stream is dropped.
struct Stopped(tokio::sync::mpsc::UnboundedSender<()>);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let made = Arc::new(AtomicU64::new(0));
    let (told, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    let counter = Arc::clone(&made);
    let router = Router::new().stream(NUMBERS, move |_, ()| {
        let (counter, guard) = (Arc::clone(&counter), Stopped(told.clone()));
        stream::repeat_with(move || {
            let _alive = &guard;
            Ok::<u64, Fault>(counter.fetch_add(1, Ordering::Relaxed) + 1)
        })
    });

    let (ours, theirs) = memory::pair(Default::default());
    let (_server, serving) = connect(theirs, router);
    // A consumer that wants little under way: 8 items at first, and never more than about a kibibyte.
    let config = Config { window: 8, window_bytes: 1 << 10, ..Config::default() };
    let (client, calling) = connect_with(config, ours, Router::new());
    tokio::spawn(serving);
    tokio::spawn(calling);

    let mut items = client.stream(&NUMBERS, ());
    for _ in 0..3 {
        if let Some(item) = items.next().await {
            println!("item {}", item?.data);
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    println!("3 items were taken; the endless producer made {}", made.load(Ordering::Relaxed));

    drop(items);
    stopped.recv().await;
    println!("dropping the stream stopped the producer");
    Ok(())
}
